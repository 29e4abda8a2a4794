//! `/api/v1`: notegate's own small API.

mod access;
mod audit;
mod keys;
mod pages;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::openapi;

/// The largest body that these routes take.
const BODY_MAX: usize = 500 * 1024;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(access::routes())
        .merge(pages::routes())
        .merge(webhooks::routes())
        .route("/api/openapi.json", get(openapi::document))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .method_not_allowed_fallback(crate::problem::no_method)
}

/// A list.
#[derive(Debug, Serialize)]
struct Items<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// How to page through a list.
#[derive(Debug, Default, Deserialize)]
struct Paging {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

impl Paging {
    const LIMIT_DEFAULT: u32 = 50;
    const LIMIT_MAX: u32 = 1000;

    fn limit(&self) -> u32 {
        self.limit.unwrap_or(Self::LIMIT_DEFAULT).clamp(1, Self::LIMIT_MAX)
    }
}
