//! Takes in objects as Notion's API answers them, of any version: a copy of a real workspace, or of
//! the part of one that somebody has answers of.
//!
//! The document is `{fresh?, workspace?, users, objects, children}`; with `fresh` everything else goes
//! first. Users and objects are in Notion's shapes in
//! any order, `children` the order of what hangs under a node. Ids stay what they are. What an object
//! names but nobody sent (a parent, the target of a relation) is made as an empty stub.

mod nodes;
mod schema;
mod values;

use indexmap::IndexMap;
use jiff::Timestamp;
use notion::{Capabilities, Id};
use serde_json::{Value, json};

use crate::input::rich_text;
use crate::world::block::Block;
use crate::world::comment::Comment;
use crate::world::connection::{Connection, Owner};
use crate::world::node::{Content, DataSource, Database, Node, Page, Parent};
use crate::world::property::TITLE;
use crate::world::tree::Slot;
use crate::world::user::Person;
use crate::world::{COMMENTS_MAX, NODES_MAX, World};

/// Takes a document into the world; gives how many objects it took.
pub(crate) fn import(world: &mut World, document: &Value) -> Result<Value, String> {
    if document["fresh"] == true {
        let (clock, ids) = (world.clock.clone(), world.ids.clone());
        *world = World { clock, ids, ..World::empty(0) };
    }
    let mut importer = Importer { world, tables: IndexMap::new(), whole: Vec::new() };
    importer.pairs(document);
    importer.workspace(&document["workspace"]);
    for user in list(&document["users"]) {
        importer.user(user);
    }
    let objects = list(&document["objects"]);
    // Tables first: rows are read by their schema. Blocks last: they only name pages and tables.
    for wanted in [&["database", "data_source"][..], &["page"], &["block"], &["comment"]] {
        for object in objects {
            let kind = object["object"].as_str().unwrap_or_default();
            if !wanted.contains(&kind) {
                continue;
            }
            let id = id(&object["id"]).ok_or_else(|| format!("an object has no id: {object}"))?;
            match kind {
                "database" => importer.database(id, object),
                "data_source" => importer.data_source(id, object),
                "page" => importer.page(id, object),
                "block" => importer.block(id, object),
                _ => importer.comment(id, object),
            }
            if importer.world.nodes.len() > NODES_MAX
                || importer.world.comments.len() > COMMENTS_MAX
            {
                return Err("this is more than a world holds".to_owned());
            }
        }
    }
    importer.children(&document["children"]);
    importer.hidden_children(objects);
    importer.world.check()?;
    Ok(json!({"taken": objects.len(), "objects": importer.world.nodes.len()}))
}

/// The world while objects come in.
#[derive(Debug)]
pub(super) struct Importer<'a> {
    world: &'a mut World,
    /// Which table a database has, where relations tell: old versions show databases without it.
    tables: IndexMap<Id, Id>,
    /// Tables of which somebody sent the whole schema.
    whole: Vec<Id>,
}

impl Importer<'_> {
    /// Finds every `{database_id, data_source_id}`.
    fn pairs(&mut self, wire: &Value) {
        match wire {
            Value::Array(all) => all.iter().for_each(|one| self.pairs(one)),
            Value::Object(members) => {
                let member = |key: &str| members.get(key).and_then(id);
                if let (Some(database), Some(table)) =
                    (member("database_id"), member("data_source_id"))
                {
                    self.tables.entry(database).or_insert(table);
                }
                members.values().for_each(|one| self.pairs(one));
            }
            _ => {}
        }
    }

    fn workspace(&mut self, wire: &Value) {
        if let Some(id) = id(&wire["id"]) {
            self.world.workspace.id = id;
        }
        if let Some(name) = wire["name"].as_str() {
            self.world.workspace.name = name.to_owned();
        }
    }

    /// A person, or a bot, of which the connection sees nothing until something is shared with it.
    fn user(&mut self, wire: &Value) {
        let Some(id) = id(&wire["id"]) else { return };
        let name = text(&wire["name"]);
        let avatar_url = wire["avatar_url"].as_str().map(str::to_owned);
        match wire["type"].as_str() {
            Some("person") => {
                let email = text(&wire["person"]["email"]);
                let guest = wire["guest"] == true;
                self.world.people.insert(id, Person { id, name, email, avatar_url, guest });
            }
            Some("bot") => {
                let bot = &wire["bot"];
                let user = self::id(&bot["owner"]["user"]["id"]);
                let token = self.world.ids.token();
                let connection = Connection {
                    owner: user.map_or(Owner::Workspace, Owner::User),
                    avatar_url,
                    ..Connection::new(id, name, token, Capabilities::ALL)
                };
                self.world.connections.insert(id, connection);
                if wire["guest"] == true {
                    // Known as an author, but not listed.
                    self.world.connections[&id].token = None;
                }
                self.workspace(&json!({"id": bot["workspace_id"], "name": bot["workspace_name"]}));
                let size = bot["workspace_limits"]["max_file_upload_size_in_bytes"].as_u64();
                if let Some(size) = size {
                    self.world.workspace.max_file_upload_size_in_bytes = size;
                }
            }
            // A user without a type is an id and nothing else: so unknown users are shown anyway.
            _ => {}
        }
    }

    fn comment(&mut self, id: Id, wire: &Value) {
        let about = match self.parent(&wire["parent"]) {
            Parent::Node(id) => id,
            Parent::Workspace => return,
        };
        let now = self.world.now();
        let discussion = self::id(&wire["discussion_id"]);
        let display = &wire["display_name"];
        let custom = (display["type"] == "custom").then(|| text(&display["resolved_name"]));
        let comment = Comment {
            id,
            about,
            discussion_id: discussion.unwrap_or_else(|| self.world.ids.random()),
            created_time: time(&wire["created_time"]).unwrap_or(now),
            last_edited_time: time(&wire["last_edited_time"]).unwrap_or(now),
            created_by: self::id(&wire["created_by"]["id"]).unwrap_or(Id::NIL),
            rich_text: runs(&wire["rich_text"]),
            resolved: false,
            shown_as: custom,
            attachments: list(&wire["attachments"]).to_vec(),
        };
        self.world.comments.insert(id, comment);
    }

    /// Puts children into the order in which answers list them.
    fn children(&mut self, wire: &Value) {
        for (parent, order) in wire.as_object().into_iter().flatten() {
            let Some(parent) = Id::parse(parent) else { continue };
            let order: Vec<Id> = list(order).iter().filter_map(id).collect();
            let node = self.world.nodes.get_mut(&parent);
            let Some(node) = node else { continue };
            let rank = |id: &Id| order.iter().position(|other| other == id).unwrap_or(order.len());
            node.children.sort_by_key(rank);
        }
    }

    /// A block that says it has children, of which none came, gets an empty one.
    fn hidden_children(&mut self, objects: &[Value]) {
        for object in objects.iter().filter(|object| object["has_children"] == true) {
            let Some(parent) = id(&object["id"]) else { continue };
            if self.world.node(parent).is_some_and(|node| node.children.is_empty()) {
                let body = json!({"rich_text": [], "icon": null, "color": "default"});
                let block = Block::new("paragraph", &body);
                let id = self.world.ids.random();
                self.put(id, Parent::Node(parent), Content::Block(block), &Value::Null);
            }
        }
    }
}

/// An array, or nothing.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn id(value: &Value) -> Option<Id> {
    value.as_str().and_then(Id::parse)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Rich text as answers have it, without what follows from the rest.
pub(super) fn runs(value: &Value) -> Vec<Value> {
    let mut all = list(value).to_vec();
    for run in &mut all {
        if let Some(members) = run.as_object_mut() {
            members.retain(|key, _| !matches!(key.as_str(), "plain_text" | "href"));
            members.entry("annotations").or_insert_with(rich_text::no_annotations);
        }
    }
    all
}

/// A title of which only the text is known.
pub(super) fn plain(text: &str) -> Vec<Value> {
    if text.is_empty() { Vec::new() } else { rich_text::plain(text) }
}
