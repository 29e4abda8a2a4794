//! A world of the sandbox, written down: what `PUT /_sandbox/state` takes.

use serde_json::{Map, Value, json};

/// The workspace, the same everywhere.
pub(crate) const WORKSPACE: &str = "5a5a5a5a-0000-4000-8000-000000000001";
/// The bot of the one connection, and its token.
pub(crate) const BOT: &str = "5a5a5a5a-0000-4000-8000-000000000002";
pub(crate) const TOKEN: &str = "ntn_sandboxTwinsTwinsTwinsTwinsTwinsTwinsTwinsTwin";
/// What is shared with the connection: the top of what any key can reach.
pub(crate) const SHARED: &str = "0ff51de0-0000-8100-8000-0000000000ff";
/// An area that the connection does not see.
pub(crate) const HIDDEN: &str = "0ff51de0-0000-8100-8000-0000000000fe";
/// Minutes of the worlds' year count from here.
const BEGUN: i64 = 1_767_603_600;

/// A world on its way.
pub(crate) struct Draft {
    nodes: Map<String, Value>,
    roots: Vec<Value>,
    people: Map<String, Value>,
    comments: Map<String, Value>,
    views: Map<String, Value>,
    uploads: Map<String, Value>,
    tasks: Map<String, Value>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Map::new(),
            roots: Vec::new(),
            people: Map::new(),
            comments: Map::new(),
            views: Map::new(),
            uploads: Map::new(),
            tasks: Map::new(),
        }
    }

    /// Hangs a node under another; at the top if there is none.
    pub(crate) fn node(&mut self, id: &str, parent: Option<&str>, content: Value, made: Made) {
        let place = match parent {
            None => {
                self.roots.push(id.into());
                json!("workspace")
            }
            Some(parent) => {
                let above = &mut self.nodes[parent];
                above["children"].as_array_mut().unwrap().push(id.into());
                json!({ "node": parent })
            }
        };
        let node = json!({
            "id": id, "parent": place, "children": [], "content": content,
            "created_time": time(made.at), "created_by": made.by,
            "last_edited_time": time(made.at + 7), "last_edited_by": made.by,
            "in_trash": made.in_trash,
        });
        assert!(self.nodes.insert(id.to_owned(), node).is_none(), "{id} twice");
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.nodes.contains_key(id)
    }

    pub(crate) fn person(&mut self, id: &str, name: &str) {
        let email = format!("{}@twins.example", name.to_lowercase().replace(' ', "."));
        let person = json!({ "id": id, "name": name, "email": email, "avatar_url": null });
        self.people.insert(id.to_owned(), person);
    }

    pub(crate) fn comment(&mut self, id: &str, thread: &str, about: &str, by: &str, runs: Value) {
        let comment = json!({
            "id": id, "about": about, "discussion_id": thread, "created_by": by, "rich_text": runs,
            "created_time": time(900), "last_edited_time": time(900),
        });
        self.comments.insert(id.to_owned(), comment);
    }

    pub(crate) fn view(&mut self, id: &str, database: &str, source: &str, by: &str, rest: Value) {
        let mut view = json!({
            "id": id, "database": database, "source": source, "name": "View", "type": "table",
            "created_time": time(100), "created_by": by,
            "last_edited_time": time(100), "last_edited_by": by,
            "filter": null, "sorts": null, "quick_filters": null,
            "configuration": { "type": "table" }, "dashboard": null,
        });
        view.as_object_mut().unwrap().extend(rest.as_object().cloned().unwrap_or_default());
        self.views.insert(id.to_owned(), view);
    }

    /// A file that the connection began to send.
    pub(crate) fn upload(&mut self, id: &str, filename: &str) {
        let upload = json!({
            "id": id, "created_by": BOT, "created_time": time(70_000), "last_edited_time": time(70_000),
            "mode": "single_part", "status": "pending", "filename": filename,
            "content_type": "text/plain", "parts": {},
        });
        self.uploads.insert(id.to_owned(), upload);
    }

    /// A long write that somebody asked for by the connection.
    pub(crate) fn task(&mut self, id: &str, result: Value) {
        let task = json!({
            "id": id, "by": BOT, "created_time": time(60_000),
            "name": "PATCH /v1/pages/:page_id/markdown", "outcome": { "succeeded": result },
        });
        self.tasks.insert(id.to_owned(), task);
    }

    /// As the sandbox takes it; what is made there gets ids that come from `seed`.
    pub(crate) fn finish(self, seed: u64) -> Value {
        json!({
            "workspace": {
                "id": WORKSPACE, "name": "Twins", "max_file_upload_size_in_bytes": 5_368_709_120_u64,
            },
            "clock": { "frozen": time(70_010), "ahead_ms": 0 },
            "ids": { "seed": seed, "drawn": 0, "views": 0 },
            "people": self.people,
            "connections": { BOT: {
                "bot_id": BOT, "name": "Twin bot", "token": TOKEN,
                "capabilities": notion::Capabilities::ALL,
                "shared": [SHARED], "hidden": [], "owner": "workspace",
            } },
            "roots": self.roots,
            "nodes": self.nodes,
            "comments": self.comments,
            "views": self.views,
            "file_uploads": self.uploads,
            "later": { "jobs": [], "tasks": self.tasks },
        })
    }
}

/// Who made something, and when (in minutes).
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) by: String,
    pub(crate) at: i64,
    pub(crate) in_trash: bool,
}

impl Made {
    pub(crate) fn by(by: &str, at: i64) -> Self {
        Self { by: by.to_owned(), at, in_trash: false }
    }
}

/// A time in minutes, as the world keeps it.
pub(crate) fn time(minutes: i64) -> String {
    jiff::Timestamp::from_second(BEGUN + 60 * minutes).unwrap().to_string()
}

pub(crate) fn page(title: Value) -> Value {
    row(json!({ "title": title }))
}

pub(crate) fn row(values: Value) -> Value {
    json!({ "page": { "icon": null, "cover": null, "values": values } })
}

pub(crate) fn block(kind: &str, body: Value) -> Value {
    json!({ "block": { "kind": kind, "body": body } })
}

pub(crate) fn database(title: Value) -> Value {
    json!({ "database": { "title": title, "description": [] } })
}

pub(crate) fn data_source(title: Value, properties: &[Value]) -> Value {
    let schema: Map<String, Value> = properties
        .iter()
        .map(|property| (property["id"].as_str().unwrap().to_owned(), property.clone()))
        .collect();
    json!({ "data_source": { "title": title, "description": [], "schema": schema } })
}

/// A property of a schema.
pub(crate) fn property(id: &str, name: &str, kind: &str, settings: Value) -> Value {
    json!({ "id": id, "name": name, "description": null, "kind": kind, "settings": settings })
}

pub(crate) fn text(content: &str) -> Value {
    linked(content, Value::Null)
}

pub(crate) fn linked(content: &str, url: Value) -> Value {
    let link = if url.is_null() { Value::Null } else { json!({ "url": url }) };
    json!({
        "type": "text", "text": { "content": content, "link": link }, "annotations": annotations(),
    })
}

pub(crate) fn mention(kind: &str, id: &str) -> Value {
    json!({
        "type": "mention", "mention": { "type": kind, kind: { "id": id } },
        "annotations": annotations(),
    })
}

fn annotations() -> Value {
    json!({
        "bold": false, "italic": false, "strikethrough": false, "underline": false, "code": false,
        "color": "default",
    })
}
