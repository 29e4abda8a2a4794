//! `/api/v1/tenants`, for the operator alone, and `/api/v1/tenant`, the own one, for those who manage it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use model::Tenant;
use serde::{Deserialize, Serialize};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody};
use crate::problem::Problem;
use crate::routes::{MANAGE, OPERATOR, Routes, get};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/tenants", get(OPERATOR, list).post(OPERATOR, add))
        .route("/api/v1/tenant", get(MANAGE, show).patch(MANAGE, change))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    name: String,
}

/// A new tenant. `key` is its first admin key; this is the only time that it is shown.
#[derive(Debug, Serialize)]
struct Created {
    #[serde(flatten)]
    tenant: Tenant,
    key: String,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Tenant>>, Problem> {
    let all = app.gate.list_tenants(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(paging.page(all, |tenant| tenant.name.to_string())?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    token_passthrough: bool,
}

async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Tenant>, Problem> {
    Ok(Json(app.gate.own_tenant(&caller.principal, caller.request_id.as_str()).await?))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Change { token_passthrough }): JsonBody<Change>,
) -> Result<Json<Tenant>, Problem> {
    let request_id = caller.request_id.as_str();
    let changed = app.gate.let_tokens_pass(&caller.principal, token_passthrough, request_id).await;
    Ok(Json(changed?))
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    JsonBody(NewTenant { name }): JsonBody<NewTenant>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let request_id = caller.request_id.as_str();
    let (tenant, key) = app.gate.add_tenant(&caller.principal, &name, request_id).await?;
    Ok((StatusCode::CREATED, Json(Created { tenant, key: key.token.reveal().to_owned() })))
}
