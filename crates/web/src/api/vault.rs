//! `/api/v1/vault`: which master keys are in use, and their change. For the operator alone.

use axum::Json;
use axum::extract::State;
use gate::{Rotated, VaultStatus};

use crate::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::routes::{OPERATOR, Routes, get, post};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/vault", get(OPERATOR, status))
        .route("/api/v1/vault/rotate", post(OPERATOR, rotate))
}

async fn status(State(app): State<App>, caller: Caller) -> Result<Json<VaultStatus>, Problem> {
    let status = app.gate.vault_status(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(status))
}

async fn rotate(State(app): State<App>, caller: Caller) -> Result<Json<Rotated>, Problem> {
    let rotated = app.gate.rotate_master_key(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(rotated))
}
