//! `/api/v1/groups`: groups of users, and who is in them.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use gate::GroupMembers;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get, put};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/groups", get(MANAGE, list).post(MANAGE, add))
        .route("/api/v1/groups/{name}", get(MANAGE, retrieve).delete(MANAGE, delete))
        .route("/api/v1/groups/{name}/members/{user}", put(MANAGE, join).delete(MANAGE, leave))
}

/// A group as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    created_at: Timestamp,
    members: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Member {
    id: String,
    email: String,
}

impl From<GroupMembers> for Shown {
    fn from(GroupMembers { group, members }: GroupMembers) -> Self {
        let members = members.iter();
        let members =
            members.map(|user| Member { id: user.id.to_string(), email: user.email.clone() });
        Self { name: group.name, created_at: group.created_at, members: members.collect() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    name: String,
}

/// The two parameters of a member's path.
type Membership = Result<Path<(String, String)>, PathRejection>;

async fn list(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Shown>>, Problem> {
    let all = app.gate.list_groups(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(all, |it| it.group.name.clone())?;
    Ok(Json(page.map(Shown::from)))
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    JsonBody(NewGroup { name }): JsonBody<NewGroup>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let request_id = caller.request_id.as_str();
    let group = app.gate.add_group(&caller.principal, &name, request_id).await?;
    let shown = GroupMembers { group, members: Vec::new() };
    Ok((StatusCode::CREATED, Json(shown.into())))
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
) -> Result<Json<Shown>, Problem> {
    let request_id = caller.request_id.as_str();
    Ok(Json(app.gate.find_group(&caller.principal, &name, request_id).await?.into()))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
) -> Result<StatusCode, Problem> {
    app.gate.delete_group(&caller.principal, &name, caller.request_id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn join(
    State(app): State<App>,
    caller: Caller,
    membership: Membership,
) -> Result<StatusCode, Problem> {
    change(&app, &caller, membership, true).await
}

async fn leave(
    State(app): State<App>,
    caller: Caller,
    membership: Membership,
) -> Result<StatusCode, Problem> {
    change(&app, &caller, membership, false).await
}

async fn change(
    app: &App,
    caller: &Caller,
    membership: Membership,
    is_in: bool,
) -> Result<StatusCode, Problem> {
    let Path((name, user)) = membership?;
    let request_id = caller.request_id.as_str();
    app.gate.change_member(&caller.principal, &name, &user, is_in, request_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
