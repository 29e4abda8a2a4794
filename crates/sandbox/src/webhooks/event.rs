//! Shows a change as a subscription's version tells it. The order of members is that of the docs'
//! samples (those of 2025-09-03, which have `api_version`).

use notion::{Capability, Id, Kind, Version};
use serde_json::{Map, Value, json};

use crate::world::World;
use crate::world::access::{View, Who};
use crate::world::connection::Connection;
use crate::world::journal::{Change, Subject};
use crate::world::node::{Node, Parent};
use crate::world::property::encode;
use crate::world::webhooks::{Pending, Subscription};

const FIRST: Version = Version::V2022_06_28;
const SOURCES: Version = Version::V2025_09_03;
const LATEST: Version = Version::V2026_03_11;

/// Every type of event, with the versions that have it (documented). File uploads came after
/// 2025-09-03, views and transcripts with 2026-03-11; whether older versions tell of them is not
/// documented.
pub(crate) const KNOWN: [(&str, Version, Version); 31] = [
    ("page.created", FIRST, LATEST),
    ("page.content_updated", FIRST, LATEST),
    ("page.properties_updated", FIRST, LATEST),
    ("page.moved", FIRST, LATEST),
    ("page.deleted", FIRST, LATEST),
    ("page.undeleted", FIRST, LATEST),
    ("page.locked", FIRST, LATEST),
    ("page.unlocked", FIRST, LATEST),
    ("page.transcription_block.transcript_deleted", LATEST, LATEST),
    ("database.created", FIRST, LATEST),
    ("database.content_updated", FIRST, FIRST),
    ("database.schema_updated", FIRST, FIRST),
    ("database.moved", FIRST, LATEST),
    ("database.deleted", FIRST, LATEST),
    ("database.undeleted", FIRST, LATEST),
    ("data_source.created", SOURCES, LATEST),
    ("data_source.content_updated", SOURCES, LATEST),
    ("data_source.schema_updated", SOURCES, LATEST),
    ("data_source.moved", SOURCES, LATEST),
    ("data_source.deleted", SOURCES, LATEST),
    ("data_source.undeleted", SOURCES, LATEST),
    ("comment.created", FIRST, LATEST),
    ("comment.updated", FIRST, LATEST),
    ("comment.deleted", FIRST, LATEST),
    ("view.created", LATEST, LATEST),
    ("view.updated", LATEST, LATEST),
    ("view.deleted", LATEST, LATEST),
    ("file_upload.created", SOURCES, LATEST),
    ("file_upload.completed", SOURCES, LATEST),
    ("file_upload.expired", SOURCES, LATEST),
    ("file_upload.upload_failed", SOURCES, LATEST),
];

/// The event for a subscription, as its first attempt sends it; `None` where the version has no
/// such event, nobody subscribed to it, or the connection may not know.
pub(super) fn event(
    world: &World,
    subscription: &Subscription,
    pending: &Pending,
    id: Id,
) -> Option<Value> {
    let version = subscription.version();
    let (kind, entity, data) = shown(world, version, pending)?;
    let exists =
        KNOWN.iter().any(|(name, from, to)| *name == kind && (*from..=*to).contains(&version));
    if !exists || !subscription.wants(&kind) {
        return None;
    }
    let knowing = knowing(world, subscription, pending);
    if knowing.is_empty() {
        return None;
    }
    let authors: Vec<Value> = pending.by.iter().map(|id| user(world, *id)).collect();
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("id", json!(id));
    put("timestamp", pending.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into());
    put("workspace_id", json!(world.workspace.id));
    put("workspace_name", json!(world.workspace.name));
    put("subscription_id", json!(subscription.id));
    put("integration_id", json!(subscription.integration));
    put("authors", authors.into());
    if knowing.iter().any(|connection| connection.grant.is_some()) {
        put("accessible_by", accessible_by(world, &knowing));
    }
    put("attempt_number", 1.into());
    put("api_version", version.as_str().into());
    put("entity", entity);
    put("type", kind.into());
    if let Some(data) = data {
        put("data", data);
    }
    Some(Value::Object(event))
}

fn user(world: &World, id: Id) -> Value {
    let kind = if world.connections.contains_key(&id) { "bot" } else { "person" };
    json!({"id": id, "type": kind})
}

/// The connections of the subscriber that may know of a change.
fn knowing<'a>(
    world: &'a World,
    subscription: &Subscription,
    pending: &Pending,
) -> Vec<&'a Connection> {
    let integration = subscription.integration;
    let knows = |connection: &&Connection| {
        let client = connection.grant.as_ref().map(|grant| grant.client);
        if connection.token.is_none() || client.unwrap_or(connection.bot_id) != integration {
            return false;
        }
        let who = Who::of(connection);
        let (needs, about) = match pending.subject {
            Subject::Node(id) => (Capability::ReadContent, id),
            Subject::View { of, .. } => (Capability::ReadContent, of),
            Subject::Comment { about, .. } => (Capability::ReadComments, about),
            // A file upload is known to whoever made it.
            Subject::FileUpload { by, .. } => return by == who.user,
        };
        who.can(needs) && View { world, who: &who, version: subscription.version() }.sees(about)
    };
    world.connections.values().filter(knows).collect()
}

/// Who authorised a connection that may know, and its bot.
fn accessible_by(world: &World, knowing: &[&Connection]) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for connection in knowing {
        for id in connection.owner.person().into_iter().chain([connection.bot_id]) {
            let user = user(world, id);
            if !all.contains(&user) {
                all.push(user);
            }
        }
    }
    all.into()
}

/// Type, entity and data.
fn shown(
    world: &World,
    version: Version,
    pending: &Pending,
) -> Option<(String, Value, Option<Value>)> {
    let change = &pending.change;
    let word = word(change);
    match pending.subject {
        Subject::Node(id) => {
            let node = told_as(world, version, world.node(id)?, change)?;
            let family = node.kind().as_str();
            let data = of_node(parent(world, version, node.parent), world, change);
            let entity = if is_linked(world, node) { "block" } else { family };
            Some((format!("{family}.{word}"), json!({"id": node.id, "type": entity}), Some(data)))
        }
        Subject::Comment { id, about } => {
            let way = world.lineage(about)?;
            let page = way.into_iter().find(|id| world.page(*id).is_some()).unwrap_or(about);
            let data = json!({"page_id": page, "parent": reference(world, about)});
            Some((format!("comment.{word}"), json!({"id": id, "type": "comment"}), Some(data)))
        }
        Subject::View { id, of } => {
            let mut data = json!({"parent": parent(world, version, Parent::Node(of))});
            match change {
                Change::Created => data["view_type"] = json!(world.views.get(&id)?.kind),
                Change::View(fields) => data["updated_fields"] = json!(fields),
                _ => {}
            }
            Some((format!("view.{word}"), json!({"id": id, "type": "view"}), Some(data)))
        }
        Subject::FileUpload { id, .. } => {
            let data = match change {
                Change::Failed(result) => Some(json!({"file_import_result": result})),
                _ => None,
            };
            let entity = json!({"id": id, "type": "file_upload"});
            Some((format!("file_upload.{word}"), entity, data))
        }
    }
}

/// A linked database has no tables of its own; events call it a block (documented).
fn is_linked(world: &World, node: &Node) -> bool {
    let is_own = |id: &Id| world.source(*id).is_some();
    node.kind() == Kind::Database && !node.children.iter().any(is_own)
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Updated | Change::View(_) => "updated",
        Change::Deleted => "deleted",
        Change::Undeleted => "undeleted",
        Change::Moved => "moved",
        Change::Locked => "locked",
        Change::Unlocked => "unlocked",
        Change::Content(_) => "content_updated",
        Change::Properties(_) => "properties_updated",
        Change::Schema(_) => "schema_updated",
        Change::Completed => "completed",
        Change::Expired => "expired",
        Change::Failed(_) => "upload_failed",
        Change::TranscriptDeleted { .. } => "transcription_block.transcript_deleted",
    }
}

/// Before data sources were known, the content and schema of one were its database's.
fn told_as<'a>(
    world: &'a World,
    version: Version,
    node: &'a Node,
    change: &Change,
) -> Option<&'a Node> {
    let is_merged = matches!(change, Change::Content(_) | Change::Schema(_));
    if node.kind() == Kind::DataSource && is_merged && version < SOURCES {
        return world.node(node.parent_id()?);
    }
    Some(node)
}

fn of_node(parent: Value, world: &World, change: &Change) -> Value {
    match change {
        Change::Content(all) => {
            let blocks: Vec<Value> = all.iter().map(|id| reference(world, *id)).collect();
            json!({"updated_blocks": blocks, "parent": parent})
        }
        Change::Properties(all) => {
            let ids: Vec<String> = all.iter().map(|id| encode(id)).collect();
            json!({"parent": parent, "updated_properties": ids})
        }
        Change::Schema(all) => {
            let all: Vec<Value> = all
                .iter()
                .map(|one| json!({"id": encode(&one.id), "name": one.name, "action": one.action}))
                .collect();
            json!({"parent": parent, "updated_properties": all})
        }
        Change::TranscriptDeleted { block, transcript } => {
            json!({"target": {"id": block, "type": "block"}, "transcript_id": transcript})
        }
        _ => json!({"parent": parent}),
    }
}

/// A node as the target of an event: page, database or block.
fn reference(world: &World, id: Id) -> Value {
    let node = world.node(id);
    match node.map(Node::kind) {
        Some(Kind::DataSource) => {
            json!({"id": node.and_then(Node::parent_id).unwrap_or(id), "type": "database"})
        }
        Some(kind) => json!({"id": id, "type": kind.as_str()}),
        None => json!({"id": id, "type": "block"}),
    }
}

/// A parent; rows name their database and, since data sources are known, their data source.
fn parent(world: &World, version: Version, parent: Parent) -> Value {
    let Parent::Node(id) = parent else {
        return json!({"id": world.workspace.id, "type": "space"});
    };
    let mut shown = reference(world, id);
    if version >= SOURCES && world.source(id).is_some() {
        shown["data_source_id"] = json!(id);
    }
    shown
}
