//! `/api/v1/keys`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use gate::{Gate, KeyRequest};
use http::StatusCode;
use model::Key;
use model::key::KeyState;
use serde::Serialize;

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/keys", get(MANAGE, list).post(MANAGE, create))
        .route("/api/v1/keys/{id}", get(MANAGE, retrieve).delete(MANAGE, revoke))
}

/// A key as it is shown: everything but the secret.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    key: Key,
    state: KeyState,
}

impl Shown {
    fn new(gate: &Gate, key: Key) -> Self {
        Self { state: gate.key_state(&key), key }
    }
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
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Json<Items<Shown>>, Problem> {
    let Query(paging) = paging?;
    let keys = app.gate.list_keys(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(keys, |key| key.id.to_string())?;
    Ok(Json(page.map(|key| Shown::new(&app.gate, (*key).clone()))))
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Json<Shown>, Problem> {
    let key = app.gate.find_key(&caller.principal, &id, caller.request_id.as_str()).await?;
    Ok(Json(Shown::new(&app.gate, (*key).clone())))
}

async fn revoke(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<StatusCode, Problem> {
    app.gate.revoke_key(&caller.principal, &id, caller.request_id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
