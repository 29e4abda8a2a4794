//! `/api/v1/clients`: the MCP clients that were let in, or that admins entered.

use axum::Json;
use axum::extract::State;
use gate::{ClientRequest, KnownClient};
use http::StatusCode;
use jiff::Timestamp;
use model::ExposeSecret;
use serde::Serialize;

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, delete, get};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/clients", get(MANAGE, list).post(MANAGE, create))
        .route("/api/v1/clients/{id}", delete(MANAGE, remove))
}

/// A client as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    client_id: String,
    name: String,
    kind: &'static str,
    redirects: Vec<String>,
    created_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    grants: usize,
}

impl From<KnownClient> for Shown {
    fn from(client: KnownClient) -> Self {
        Self {
            client_id: client.id,
            name: client.name,
            kind: client.kind.as_str(),
            redirects: client.redirects,
            created_at: client.created_at,
            used_at: client.used_at,
            grants: client.grants,
        }
    }
}

/// A client that was just entered.
#[derive(Debug, Serialize)]
struct Created {
    client_id: String,
    name: String,
    redirect_uris: Vec<String>,
    auth_method: &'static str,
    /// Its secret, if it has one. This is the only time that it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Shown>>, Problem> {
    let all = app.gate.list_clients(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(all, |client| client.id.clone())?;
    Ok(Json(page.map(Shown::from)))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<ClientRequest>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let request_id = caller.request_id.as_str();
    let made = app.gate.add_client(&caller.principal, request, request_id).await?;
    let created = Created {
        client_id: made.client.id,
        name: made.client.name,
        redirect_uris: made.client.redirect_uris,
        auth_method: made.client.auth_method.as_str(),
        client_secret: made.secret.map(|secret| secret.expose_secret().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<StatusCode, Problem> {
    app.gate.delete_client(&caller.principal, &id, caller.request_id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
