//! Connections: made and removed in the developer portal, and shared with in the app.

use notion::{Capabilities, Id};
use serde_json::{Value, json};

use super::{Answer, id, node};
use crate::app::Inner;
use crate::world::access::Reach;
use crate::world::connection::{Connection, Owner};

/// Most connections.
const CONNECTIONS_MAX: usize = 1000;

/// `POST tokens` `{name, capabilities, shared: [ids], owner?}`
pub(super) fn create(inner: &mut Inner, body: &Value) -> Answer {
    let name = body["name"].as_str().filter(|name| !name.is_empty() && name.len() <= 200);
    let name = name.ok_or((400, "`name` must be a text of 1 to 200 characters".to_owned()))?;
    let capabilities: Capabilities = match body.get("capabilities") {
        None => Capabilities::ALL,
        Some(given) => serde_json::from_value(given.clone()).map_err(|error| {
            (400, format!("`capabilities` must be a list of Notion's capabilities: {error}"))
        })?,
    };
    let mut shared = Vec::new();
    for given in body["shared"].as_array().into_iter().flatten() {
        let id = given.as_str().and_then(Id::parse);
        let id = id.ok_or((400, format!("`shared` must be a list of ids, {given} is none")))?;
        shared.push(node(inner, id)?);
    }
    let owner = match body.get("owner") {
        None | Some(Value::Null) => Owner::Workspace,
        Some(Value::String(text)) if text == "workspace" => Owner::Workspace,
        Some(given) => {
            let text = given.as_str().or(given["user"].as_str()).or(given["id"].as_str());
            let person = text.and_then(Id::parse).filter(|id| inner.world.people.contains_key(id));
            let error = "`owner` must be \"workspace\" or the id of a person of the workspace";
            Owner::User(person.ok_or((400, error.to_owned()))?)
        }
    };
    if inner.world.connections.len() >= CONNECTIONS_MAX {
        return Err((400, "there are too many connections: reset the sandbox".to_owned()));
    }
    let (token, bot_id) = (inner.world.ids.token(), inner.world.ids.random());
    let connection = Connection {
        bot_id,
        name: name.to_owned(),
        token: Some(token.clone()),
        capabilities,
        shared,
        hidden: Vec::new(),
        owner,
    };
    inner.world.connections.insert(bot_id, connection);
    Ok((200, json!({"token": token, "bot_id": bot_id})))
}

/// `DELETE tokens/{bot_id}`: the token is worthless at once; the bot stays known as an author.
pub(super) fn remove(inner: &mut Inner, bot: &str) -> Answer {
    let connection = Id::parse(bot).and_then(|id| inner.world.connections.get_mut(&id));
    let connection = connection.ok_or_else(|| (404, format!("there is no bot `{bot}`")))?;
    connection.token = None;
    connection.shared.clear();
    connection.hidden.clear();
    Ok((200, json!({"ok": true})))
}

/// `POST share` and `POST unshare` `{bot_id, id}`
pub(super) fn share(inner: &mut Inner, body: &Value, shared: bool) -> Answer {
    let (bot, id) = (id(body, "bot_id")?, id(body, "id")?);
    let id = node(inner, id)?;
    let way = inner.world.lineage(id).unwrap_or_default();
    let connection = inner.world.connections.get_mut(&bot);
    let connection = connection.ok_or_else(|| (404, format!("there is no bot {bot}")))?;
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
