//! `/api/v1/tenants`: for the operator alone.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use model::Tenant;
use serde::{Deserialize, Serialize};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody};
use crate::problem::Problem;
use crate::routes::{OPERATOR, Routes, get};

pub(super) fn routes() -> Routes {
    Routes::new().route("/api/v1/tenants", get(OPERATOR, list).post(OPERATOR, add))
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

async fn add(
    State(app): State<App>,
    caller: Caller,
    JsonBody(NewTenant { name }): JsonBody<NewTenant>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let request_id = caller.request_id.as_str();
    let (tenant, key) = app.gate.add_tenant(&caller.principal, &name, request_id).await?;
    Ok((StatusCode::CREATED, Json(Created { tenant, key: key.token.reveal().to_owned() })))
}
