//! What goes out: objects in the shapes and key orders of each version.

pub(crate) mod block;
pub(crate) mod comment;
pub(crate) mod database;
pub(crate) mod dialect;
pub(crate) mod file_upload;
pub(crate) mod list;
pub(crate) mod page;
pub(crate) mod rich_text;
pub(crate) mod schema;
pub(crate) mod user;
pub(crate) mod values;
pub(crate) mod view;

use jiff::{SignedDuration, Timestamp};
use notion::{Id, Kind};
use serde_json::{Map, Value, json};

use crate::world::access::View;
use crate::world::node::{Node, Parent};

/// An object that keeps the order in which its members are put.
#[derive(Debug, Default)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    pub(crate) fn new(object: &str) -> Self {
        Self::default().with("object", object)
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn with_if(self, condition: bool, key: &str, value: impl Into<Value>) -> Self {
        if condition { self.with(key, value) } else { self }
    }

    pub(crate) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A node of any kind, as the endpoint for its kind answers it.
pub(crate) fn any(view: View, node: &Node) -> Value {
    match node.kind() {
        Kind::Page => page::page(view, node),
        Kind::Database => database::database(view, node),
        Kind::DataSource => database::data_source(view, node),
        _ => block::block(view, node),
    }
}

/// Only that it exists: the answer to a write without the right to read.
pub(crate) fn partial(kind: Kind, id: Id) -> Value {
    json!({"object": kind.as_str(), "id": id})
}

/// Where a node hangs, in the version's words.
pub(crate) fn parent(view: View, node: &Node) -> Value {
    match node.parent {
        Parent::Workspace => json!({"type": "workspace", "workspace": true}),
        Parent::Node(id) => match (node.kind(), view.world.node(id)) {
            // A database in a wiki names the database of the wiki (SDK).
            (Kind::Database, Some(above)) if above.kind() == Kind::DataSource => {
                json!({"type": "database_id", "database_id": above.parent_id()})
            }
            _ => parent_reference(view, id),
        },
    }
}

/// `{type, <type>: id}` for a node that is a parent.
pub(crate) fn parent_reference(view: View, id: Id) -> Value {
    let Some(above) = view.world.node(id) else {
        return json!({"type": "page_id", "page_id": id});
    };
    match above.kind() {
        Kind::Page => json!({"type": "page_id", "page_id": id}),
        Kind::Database => json!({"type": "database_id", "database_id": id}),
        Kind::DataSource => {
            let database = above.parent_id().unwrap_or(id);
            if view.has_sources() {
                json!({"type": "data_source_id", "data_source_id": id, "database_id": database})
            } else {
                json!({"type": "database_id", "database_id": database})
            }
        }
        _ => json!({"type": "block_id", "block_id": id}),
    }
}

/// The URL of a page or database; titles are part of a page's.
pub(crate) fn url(title: &str, id: Id) -> String {
    let breaks = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let words: Vec<&str> = title.split(breaks).filter(|word| !word.is_empty()).collect();
    let mut slug: String = words.join("-").chars().take(60).collect();
    if !slug.is_empty() {
        slug.push('-');
    }
    format!("https://www.notion.so/{slug}{}", id.plain())
}

/// An icon, cover or file: signed URLs get the time at which they end.
pub(crate) fn file(view: View, value: &Value) -> Value {
    let expiry = || until(view.world.now());
    match value["type"].as_str() {
        Some("file") => {
            let ours = value["file"]["url"].as_str().and_then(file_upload::kept_in_url);
            if let Some(id) = ours {
                return file_upload::readable(view.world, id);
            }
            json!({"type": "file", "file": {"url": value["file"]["url"], "expiry_time": expiry()}})
        }
        Some("file_upload") => {
            let id = value["file_upload"]["id"].as_str().and_then(Id::parse);
            id.map_or(Value::Null, |id| file_upload::readable(view.world, id))
        }
        Some(kind @ "custom_emoji") => {
            json!({"type": kind, kind: view.world.resolve_emoji(&value[kind])})
        }
        // Old versions know Notion's own icons by their URL only (measured).
        Some("icon") if !view.has_sources() => {
            let part = |name: &str| value["icon"][name].as_str().unwrap_or_default();
            let url = format!("https://www.notion.so/icons/{}_{}.svg", part("name"), part("color"));
            json!({"type": "external", "external": {"url": url}})
        }
        _ => value.clone(),
    }
}

/// Signed URLs live for an hour.
fn until(now: Timestamp) -> String {
    let then = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
    then.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The name that an uploaded file was sent with.
pub(crate) fn upload_name(view: View, kept: &Value) -> Value {
    let id = kept["file_upload"]["id"].as_str().and_then(Id::parse);
    let upload = id.and_then(|id| view.world.file_uploads.get(&id));
    upload.map_or("file", |upload| upload.name()).into()
}
