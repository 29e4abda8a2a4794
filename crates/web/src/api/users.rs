//! `/api/v1/users`: people of a tenant.

use axum::Json;
use axum::extract::State;
use gate::{UserChange, UserRequest};
use http::StatusCode;
use model::user::{Identity, User};
use model::{ConnectionId, Role};
use serde::Serialize;

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get};

pub(super) fn routes() -> Routes {
    Routes::new().route("/api/v1/users", get(MANAGE, list).post(MANAGE, add)).route(
        "/api/v1/users/{id}",
        get(MANAGE, retrieve).patch(MANAGE, change).delete(MANAGE, delete),
    )
}

/// A user as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    email: String,
    role: Role,
    bot_id: Option<ConnectionId>,
    groups: Vec<String>,
    identity: Option<Identity>,
}

impl Shown {
    fn new(user: &User) -> Self {
        let User { id, email, role, bot_id, groups, identity, .. } = user.clone();
        Self { id: id.to_string(), email, role, bot_id, groups, identity }
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Shown>>, Problem> {
    let all = app.gate.list_users(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(all, |user| user.id.to_string())?;
    Ok(Json(page.map(|user| Shown::new(&user))))
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<UserRequest>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let request_id = caller.request_id.as_str();
    let user = app.gate.add_user(&caller.principal, request, request_id).await?;
    Ok((StatusCode::CREATED, Json(Shown::new(&user))))
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Json<Shown>, Problem> {
    let request_id = caller.request_id.as_str();
    let user = app.gate.find_user(&caller.principal, &id, request_id).await?;
    Ok(Json(Shown::new(&user)))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
    JsonBody(change): JsonBody<UserChange>,
) -> Result<Json<Shown>, Problem> {
    let request_id = caller.request_id.as_str();
    let user = app.gate.change_user(&caller.principal, &id, change, request_id).await?;
    Ok(Json(Shown::new(&user)))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<StatusCode, Problem> {
    app.gate.delete_user(&caller.principal, &id, caller.request_id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
