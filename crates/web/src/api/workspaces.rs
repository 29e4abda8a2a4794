//! `/api/v1/workspaces` (the list also `/workspaces`).

use axum::Json;
use axum::extract::State;
use gate::{Tokens, Workspace};
use http::StatusCode;
use jiff::Timestamp;
use model::{ConnectionId, ConnectionState, SecretString};
use notion::Id;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get, post};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/workspaces", get(MANAGE, list))
        .route("/api/v1/workspaces", get(MANAGE, list).post(MANAGE, connect))
        .route("/api/v1/workspaces/{bot_id}", get(MANAGE, retrieve).delete(MANAGE, disconnect))
        .route("/api/v1/workspaces/{bot_id}/rotate", post(MANAGE, rotate))
}

/// A connection in a list.
#[derive(Debug, Serialize)]
struct Item {
    bot_id: ConnectionId,
    workspace_id: Option<Id>,
    workspace_name: Option<String>,
    owner: Option<Value>,
    authorized_at: Timestamp,
    last_used_at: Option<Timestamp>,
    state: ConnectionState,
}

impl From<Workspace> for Item {
    fn from(Workspace { connection, .. }: Workspace) -> Self {
        Self {
            bot_id: connection.bot_id,
            workspace_id: connection.workspace_id,
            workspace_name: connection.workspace_name,
            owner: connection.owner,
            authorized_at: connection.authorized_at,
            last_used_at: connection.last_used_at,
            state: connection.state,
        }
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Item>>, Problem> {
    let all = app.gate.list_workspaces(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(all, |workspace| workspace.connection.bot_id.to_string())?;
    Ok(Json(page.map(Item::from)))
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Json<Workspace>, Problem> {
    let request_id = caller.request_id.as_str();
    Ok(Json(app.gate.find_workspace(&caller.principal, &id, request_id).await?))
}

async fn connect(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<(StatusCode, Json<Workspace>), Problem> {
    let tokens = tokens(body)?;
    let request_id = caller.request_id.as_str();
    let workspace = app.gate.connect_workspace(&caller.principal, &tokens, request_id).await?;
    Ok((StatusCode::CREATED, Json(workspace)))
}

async fn disconnect(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<StatusCode, Problem> {
    let request_id = caller.request_id.as_str();
    app.gate.disconnect_workspace(&caller.principal, &id, request_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Workspace>, Problem> {
    let token = match body {
        Value::Object(members) if members.is_empty() => None,
        body => match tokens(body)? {
            Tokens { access, write: None } => Some(access),
            Tokens { .. } => {
                let detail =
                    "one token at a time: whose it is tells which half of a pair it replaces";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail));
            }
        },
    };
    let request_id = caller.request_id.as_str();
    let workspace = app.gate.rotate_workspace(&caller.principal, &id, token, request_id).await?;
    Ok(Json(workspace))
}

/// Tokens out of a body. By hand, because serde's messages quote what they find.
fn tokens(body: Value) -> Result<Tokens, Problem> {
    let mut body = match body {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let mut take = |name: &str| match body.remove(name) {
        Some(Value::String(token)) => Some(SecretString::from(token.trim().to_owned())),
        _ => None,
    };
    let taken = (take("token"), take("read_token"), take("write_token"));
    let tokens = match taken {
        (Some(access), None, None) => Some(Tokens { access, write: None }),
        (None, Some(access), write @ Some(_)) => Some(Tokens { access, write }),
        _ => None,
    };
    tokens.filter(|_| body.is_empty()).ok_or_else(|| {
        let detail = "the body must be {\"token\": \"…\"}, or {\"read_token\": \"…\", \"write_token\": \"…\"} \
                      for a pair";
        Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail)
    })
}
