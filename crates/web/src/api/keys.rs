//! `/api/v1/keys`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use gate::{Gate, KeyRequest, Usage};
use http::StatusCode;
use jiff::Timestamp;
use model::Key;
use model::key::KeyState;
use serde::Serialize;

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{DELEGATE, Routes, get};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/keys", get(DELEGATE, list).post(DELEGATE, create))
        .route("/api/v1/keys/{id}", get(DELEGATE, retrieve).delete(DELEGATE, revoke))
}

/// A key as it is shown: everything but the secret.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    key: Key,
    state: KeyState,
    /// The client that calls by it, if a person let one in.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ShownClient>,
}

/// An MCP client, as keys show it.
#[derive(Debug, Serialize)]
struct ShownClient {
    client_id: String,
    name: String,
    redirect: String,
    approved_by: String,
    resource: String,
    used_at: Timestamp,
}

impl Shown {
    fn new(gate: &Gate, key: Key) -> Self {
        let client = gate.grant_of(&key).map(|grant| ShownClient {
            client_id: grant.client_id,
            name: grant.name,
            redirect: grant.redirect,
            approved_by: grant.approved_by,
            resource: grant.resource,
            used_at: grant.used_at,
        });
        Self { state: gate.key_state(&key), client, key }
    }
}

/// A key, and how much of its budget is spent.
#[derive(Debug, Serialize)]
struct Looked {
    #[serde(flatten)]
    shown: Shown,
    usage: BTreeMap<&'static str, Usage>,
}

/// A new key. `key` is the secret; this is the only time that it is shown.
#[derive(Debug, Serialize)]
struct Created {
    key: String,
    #[serde(flatten)]
    shown: Shown,
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<KeyRequest>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let new = app.gate.create_key(&caller.principal, request, caller.request_id.as_str()).await?;
    let shown = Shown::new(&app.gate, new.key);
    Ok((StatusCode::CREATED, Json(Created { key: new.token.reveal().to_owned(), shown })))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Shown>>, Problem> {
    let keys = app.gate.list_keys(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(keys, |key| key.id.to_string())?;
    Ok(Json(page.map(|key| Shown::new(&app.gate, (*key).clone()))))
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Json<Looked>, Problem> {
    let key = app.gate.find_key(&caller.principal, &id, caller.request_id.as_str()).await?;
    let usage = app.gate.usage_of_key(&key).into_iter();
    let usage = usage.map(|(meter, usage)| (meter.as_str(), usage)).collect();
    Ok(Json(Looked { shown: Shown::new(&app.gate, (*key).clone()), usage }))
}

async fn revoke(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<StatusCode, Problem> {
    app.gate.revoke_key(&caller.principal, &id, caller.request_id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
