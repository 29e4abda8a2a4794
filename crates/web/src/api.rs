//! `/api/v1`: notegate's own small API.

mod access;
mod audit;
mod capabilities;
mod clients;
mod groups;
mod keys;
mod moves;
mod pages;
mod policies;
mod tenants;
mod users;
mod vault;
mod webhooks;
mod workspaces;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Query};
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::openapi;
use crate::problem::Problem;
use crate::routes::{OPEN, Routes, get};

/// The largest body that these routes take.
const BODY_MAX: usize = 500 * 1024;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(access::routes())
        .merge(capabilities::routes())
        .merge(clients::routes())
        .merge(moves::routes())
        .merge(pages::routes())
        .merge(policies::routes())
        .merge(webhooks::routes())
        .merge(tenants::routes())
        .merge(users::routes())
        .merge(groups::routes())
        .merge(workspaces::routes())
        .merge(vault::routes())
        .route("/api/openapi.json", get(OPEN, openapi::document))
        .with(|router| router.layer(DefaultBodyLimit::max(BODY_MAX)))
        .with(|router| router.method_not_allowed_fallback(crate::problem::no_method))
}

/// A list.
#[derive(Debug, Serialize)]
struct Items<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> Items<T> {
    fn map<U>(self, shape: impl Fn(T) -> U) -> Items<U> {
        let Self { items, next_cursor } = self;
        Items { items: items.into_iter().map(shape).collect(), next_cursor }
    }
}

/// How to page through a list.
#[derive(Debug, Default, Deserialize)]
struct Paging {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

impl FromRequestParts<App> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Query(paging) = Query::from_request_parts(parts, app).await?;
        Ok(paging)
    }
}

impl Paging {
    const LIMIT_DEFAULT: u32 = 50;
    const LIMIT_MAX: u32 = 1000;

    fn limit(&self) -> u32 {
        self.limit.unwrap_or(Self::LIMIT_DEFAULT).clamp(1, Self::LIMIT_MAX)
    }

    /// The page of a list that is in memory as a whole; the cursor is the name of the last item.
    fn page<T>(&self, all: Vec<T>, name: impl Fn(&T) -> String) -> Result<Items<T>, Problem> {
        let begin = match &self.cursor {
            None => 0,
            Some(cursor) => {
                let last = all.iter().position(|item| name(item) == *cursor);
                last.ok_or_else(|| {
                    let detail = "`cursor` is none that this list gave";
                    Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail)
                })? + 1
            }
        };
        let end = all.len().min(begin + self.limit() as usize);
        let next_cursor = all.get(begin..end).and_then(<[T]>::last).filter(|_| end < all.len());
        let next_cursor = next_cursor.map(&name);
        let items = all.into_iter().skip(begin).take(end - begin).collect();
        Ok(Items { items, next_cursor })
    }
}
