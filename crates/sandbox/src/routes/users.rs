//! People and bots.

use notion::Id;
use serde_json::Value;

use super::{Request, Scene};
use crate::fail::Fail;
use crate::input::paging::Paging;
use crate::query::session;
use crate::render::user;

/// Everybody: people first, then the bots of live connections.
fn everybody(scene: &Scene) -> Vec<Id> {
    let bots = scene.world.connections.values().filter(|one| one.token.is_some() && one.is_bot());
    let people = scene.world.people.values().filter(|person| !person.guest);
    people.map(|person| person.id).chain(bots.map(|connection| connection.bot_id)).collect()
}

/// `GET /v1/users`
pub(super) fn list(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    if scene.who.is_personal() {
        return Err(Fail::personal_token_lists_users());
    }
    let paging = Paging::in_query(&request.query)?;
    let all = everybody(scene);
    let (page, next) = session::slice(&all, &paging)?;
    let results = page.into_iter().filter_map(|id| shown(scene, id)).collect();
    Ok(crate::render::list::list("user", results, next))
}

fn shown(scene: &Scene, id: Id) -> Option<Value> {
    let view = scene.view();
    if let Some(person) = view.world.people.get(&id) {
        return Some(user::person(view, person));
    }
    let connection = view.world.connections.get(&id).filter(|one| one.is_bot())?;
    Some(user::bot(view, connection, id == view.who.user))
}

/// `GET /v1/users/me`: the bot, or the person of a personal token.
pub(super) fn me(scene: &mut Scene) -> Result<Value, Fail> {
    let id = scene.who.user;
    shown(scene, id).ok_or_else(|| Fail::user_not_found(id, &scene.who, scene.version))
}

/// `GET /v1/users/{user_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("user_id")?;
    shown(scene, id).ok_or_else(|| Fail::user_not_found(id, &scene.who, scene.version))
}
