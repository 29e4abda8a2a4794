//! Shows people and bots, cut down to what the caller may know.

use notion::{Capability, Id};
use serde_json::{Value, json};

use super::Object;
use crate::world::World;
use crate::world::access::View;
use crate::world::connection::{Connection, Owner};
use crate::world::user::Person;

/// A user, full or partial.
pub(crate) fn user(view: View, id: Id) -> Value {
    if view.who.can(Capability::ReadUsersWithoutEmail) {
        if let Some(found) = view.world.people.get(&id) {
            return person(view, found);
        }
        if let Some(found) = view.world.connections.get(&id) {
            // Inside other objects every bot is shown without its owner (measured).
            return bot(view, found, false);
        }
    }
    reference(id)
}

/// `{object, id}`.
pub(crate) fn reference(id: Id) -> Value {
    json!({"object": "user", "id": id})
}

pub(crate) fn name(world: &World, id: Id) -> Option<String> {
    let person = world.people.get(&id).map(|person| person.name.clone());
    person.or_else(|| world.connections.get(&id).map(|connection| connection.name.clone()))
}

pub(crate) fn person(view: View, person: &Person) -> Value {
    let details = if view.who.can(Capability::ReadUsersWithEmail) && !person.email.is_empty() {
        json!({"email": person.email})
    } else {
        json!({})
    };
    Object::new("user")
        .with("id", person.id.to_string())
        .with("name", person.name.as_str())
        .with("avatar_url", person.avatar_url.clone())
        .with("type", "person")
        .with("person", details)
        .done()
}

/// A bot; `whole` for the caller's own.
pub(crate) fn bot(view: View, connection: &Connection, whole: bool) -> Value {
    let world = view.world;
    let details = if whole {
        let owner = match &connection.owner {
            Owner::Workspace => json!({"type": "workspace", "workspace": true}),
            Owner::User(id) | Owner::Personal(id) => {
                json!({"type": "user", "user": user(view, *id)})
            }
        };
        json!({
            "owner": owner,
            "workspace_name": world.workspace.name,
            "workspace_id": world.workspace.id,
            "workspace_limits": {
                "max_file_upload_size_in_bytes": world.workspace.max_file_upload_size_in_bytes,
            },
        })
    } else {
        json!({})
    };
    Object::new("user")
        .with("id", connection.bot_id.to_string())
        .with("name", connection.name.as_str())
        .with("avatar_url", connection.avatar_url.clone())
        .with("type", "bot")
        .with("bot", details)
        .done()
}
