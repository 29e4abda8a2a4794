//! Connections: made and removed in the developer portal, and shared with in the app.

use jiff::{SignedDuration, Timestamp};
use notion::{Capabilities, Id};
use serde_json::{Value, json};

use super::{Answer, Refused, id, node};
use crate::app::Inner;
use crate::world::access::Reach;
use crate::world::connection::{Connection, Owner, Renewed};

/// Most connections.
const CONNECTIONS_MAX: usize = 1000;

/// `POST tokens` `{name, capabilities, shared: [ids], owner?, kind?, expires?, bot_id?}`
///
/// `kind` is `internal`, or `personal` for a token that acts as its `owner`. An internal one with
/// a person as `owner` is what OAuth makes: a bot that sees no more than the person.
pub(super) fn create(inner: &mut Inner, body: &Value) -> Answer {
    let (name, capabilities) = (name(body)?, capabilities(body)?);
    let mut shared = Vec::new();
    for given in body["shared"].as_array().into_iter().flatten() {
        let id = given.as_str().and_then(Id::parse);
        let id = id.ok_or((400, format!("`shared` must be a list of ids, {given} is none")))?;
        shared.push(node(inner, id)?);
    }
    let owner = owner(inner, body)?;
    let expires_at = match body.get("expires") {
        None | Some(Value::Null) => None,
        Some(given) => Some(
            time(given).ok_or((
                400,
                "`expires` must be a day like 2026-12-31 or a time like 2026-12-31T12:00:00Z"
                    .to_owned(),
            ))?,
        ),
    };
    if inner.world.connections.len() >= CONNECTIONS_MAX {
        return Err((400, "there are too many connections: reset the sandbox".to_owned()));
    }
    let bot_id = match body.get("bot_id") {
        None | Some(Value::Null) => inner.world.ids.random(),
        Some(_) => id(body, "bot_id")?,
    };
    let token = inner.world.ids.token();
    let connection = Connection {
        shared,
        owner,
        expires_at,
        // A bot that was known before keeps its picture.
        avatar_url: inner.world.connections.get(&bot_id).and_then(|old| old.avatar_url.clone()),
        ..Connection::new(bot_id, name, token.clone(), capabilities)
    };
    inner.world.connections.insert(bot_id, connection);
    Ok((200, json!({"token": token, "bot_id": bot_id})))
}

/// `name`, as people call a connection.
pub(super) fn name(body: &Value) -> Result<&str, Refused> {
    let name = body["name"].as_str().filter(|name| !name.is_empty() && name.len() <= 200);
    name.ok_or((400, "`name` must be a text of 1 to 200 characters".to_owned()))
}

/// `capabilities`; without the member, all of them.
pub(super) fn capabilities(body: &Value) -> Result<Capabilities, Refused> {
    match body.get("capabilities") {
        None => Ok(Capabilities::ALL),
        Some(given) => serde_json::from_value(given.clone()).map_err(|error| {
            (400, format!("`capabilities` must be a list of Notion's capabilities: {error}"))
        }),
    }
}

fn owner(inner: &Inner, body: &Value) -> Result<Owner, Refused> {
    let given = &body["owner"];
    let text = given.as_str().or(given["user"].as_str()).or(given["id"].as_str());
    let known = |id: &Id| inner.world.people.contains_key(id);
    let person = match text {
        None if given.is_null() => None,
        Some("workspace") => None,
        text => Some(text.and_then(Id::parse).filter(known).ok_or((
            400,
            "`owner` must be \"workspace\" or the id of a person of the workspace".to_owned(),
        ))?),
    };
    match (body["kind"].as_str().unwrap_or("internal"), person) {
        ("internal", None) => Ok(Owner::Workspace),
        ("internal", Some(person)) => Ok(Owner::User(person)),
        ("personal", Some(person)) => Ok(Owner::Personal(person)),
        ("personal", None) => {
            Err((400, "a personal token needs the id of a person as `owner`".to_owned()))
        }
        _ => Err((400, "`kind` must be \"internal\" or \"personal\"".to_owned())),
    }
}

/// A time, or the first moment of a day.
fn time(given: &Value) -> Option<Timestamp> {
    let text = given.as_str()?;
    let day = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(day)
}

/// `POST tokens/{bot_id}/renew` `{grace_ms?}`: "Refresh" in the developer portal. The old token is
/// worthless at once, or after the grace.
pub(super) fn renew(inner: &mut Inner, bot: &str, body: &Value) -> Answer {
    let grace = match body.get("grace_ms") {
        None | Some(Value::Null) => 0,
        Some(given) => given
            .as_u64()
            .and_then(|grace| u32::try_from(grace).ok())
            .ok_or((400, "`grace_ms` must be a whole number of milliseconds".to_owned()))?,
    };
    let (now, token) = (inner.world.now(), inner.world.ids.token());
    let connection = Id::parse(bot).and_then(|id| inner.world.connections.get_mut(&id));
    let connection = connection
        .filter(|one| one.token.is_some() && one.grant.is_none())
        .ok_or_else(|| (404, format!("there is no internal connection `{bot}` with a token")))?;
    let until = now.checked_add(SignedDuration::from_millis(grace.into()));
    let old = connection.token.replace(token.clone());
    connection.renewed = old
        .filter(|_| grace > 0)
        .map(|token| Renewed { token, until: until.unwrap_or(Timestamp::MAX) });
    Ok((200, json!({"token": token, "bot_id": connection.bot_id})))
}

/// `DELETE tokens/{bot_id}`: the token is worthless at once; the bot stays known as an author.
pub(super) fn remove(inner: &mut Inner, bot: &str) -> Answer {
    let connection = Id::parse(bot).and_then(|id| inner.world.connections.get_mut(&id));
    let connection = connection.ok_or_else(|| (404, format!("there is no bot `{bot}`")))?;
    connection.revoke();
    Ok((200, json!({"ok": true})))
}

/// `POST share` and `POST unshare` `{bot_id, id}`
pub(super) fn share(inner: &mut Inner, body: &Value, shared: bool) -> Answer {
    let (bot, id) = (id(body, "bot_id")?, id(body, "id")?);
    let id = node(inner, id)?;
    let way = inner.world.lineage(id).unwrap_or_default();
    let connection = inner.world.connections.get_mut(&bot);
    let connection = connection.ok_or_else(|| (404, format!("there is no bot {bot}")))?;
    if !connection.is_bot() {
        let error = "a personal token sees what its person sees; POST /_sandbox/private instead";
        return Err((400, error.to_owned()));
    }
    connection.shared.retain(|root| *root != id);
    connection.hidden.retain(|root| *root != id);
    // Taken off a page below one that is shared, a connection loses that page's subtree only.
    let is_seen = Reach::of(connection).covers(&way);
    if shared {
        connection.shared.push(id);
    } else if is_seen {
        connection.hidden.push(id);
    }
    Ok((200, json!({"ok": true})))
}

/// `POST private` `{id, people: [ids]}`: of the people, only these see the page and what is under
/// it; with `people: null`, all do again.
pub(super) fn private(inner: &mut Inner, body: &Value) -> Answer {
    let id = node(inner, id(body, "id")?)?;
    let error = "`people` must be null or a list of ids of people of the workspace";
    let people = match body.get("people") {
        Some(Value::Null) => {
            inner.world.private.shift_remove(&id);
            return Ok((200, json!({"ok": true})));
        }
        Some(Value::Array(people)) => people,
        _ => return Err((400, error.to_owned())),
    };
    let known = |id: &Id| inner.world.people.contains_key(id);
    let person = |given: &Value| given.as_str().and_then(Id::parse).filter(known);
    let people: Option<Vec<Id>> = people.iter().map(person).collect();
    inner.world.private.insert(id, people.ok_or((400, error.to_owned()))?);
    Ok((200, json!({"ok": true})))
}
