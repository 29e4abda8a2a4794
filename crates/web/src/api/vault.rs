//! `/api/v1/vault`: which master keys are in use, and their change. For the operator alone.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use gate::{Rotated, VaultStatus};

use crate::App;
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/vault", get(status)).route("/api/v1/vault/rotate", post(rotate))
}

async fn status(State(app): State<App>, caller: Caller) -> Result<Json<VaultStatus>, Problem> {
    let status = app.gate.vault_status(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(status))
}

async fn rotate(State(app): State<App>, caller: Caller) -> Result<Json<Rotated>, Problem> {
    let rotated = app.gate.rotate_master_key(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(rotated))
}
