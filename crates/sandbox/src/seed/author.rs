//! Writes a seed: a person who makes requests, for the demo one every few minutes.

use bytes::Bytes;
use http::{HeaderMap, Method};
use notion::{Id, Version};
use serde_json::{Value, json};

use crate::fail::Fail;
use crate::input::blocks::Draft;
use crate::input::rich_text::plain;
use crate::pipeline::{self, Caller, Incoming};
use crate::query::session::Sessions;
use crate::routes::{self, Scene};
use crate::world::World;
use crate::world::block::Block;
use crate::world::node::Content;
use crate::world::tree::Slot;

/// Time between two requests, so that times differ.
const PAUSE_MS: i64 = 11 * 60 * 1000;

/// Somebody who writes.
pub(super) struct Author<'a> {
    pub(super) world: &'a mut World,
    sessions: Sessions,
    person: Id,
}

impl<'a> Author<'a> {
    pub(super) fn new(world: &'a mut World, person: Id) -> Self {
        Self { world, sessions: Sessions::default(), person }
    }

    /// Somebody else goes on.
    pub(super) fn by(&mut self, person: Id) {
        self.person = person;
    }

    /// Makes a request that must succeed: the demo is part of the program, and a test makes it.
    pub(super) fn send(&mut self, method: Method, path: &str, body: &Value) -> Value {
        self.world.clock.advance(PAUSE_MS);
        match self.try_send(method, path, body) {
            Ok(answer) => answer,
            Err(fail) => unreachable!("the demo's requests succeed: {path} {}", fail.message),
        }
    }

    /// Makes a request.
    pub(super) fn try_send(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, Fail> {
        let who = self.world.person(self.person).expect("those who write are of the workspace");
        let incoming = Incoming {
            method,
            path: path.to_owned(),
            query: String::new(),
            authorization: None,
            version: None,
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        };
        let caller = Caller::Person(who);
        pipeline::answer(self.world, &mut self.sessions, &incoming, &caller)
    }

    /// Puts blocks under a node; a request could not hold them all.
    pub(super) fn plant(&mut self, drafts: &[Draft], under: Id, slot: Slot) {
        let who = self.world.person(self.person).expect("those who write are of the workspace");
        let (world, sessions) = (&mut *self.world, &mut self.sessions);
        let mut scene = Scene { world, sessions, who, version: Version::LATEST };
        routes::plant(&mut scene, drafts, under, slot);
    }

    fn post(&mut self, path: &str, body: &Value) -> Value {
        self.send(Method::POST, path, body)
    }

    /// A page with an icon and content.
    pub(super) fn page(
        &mut self,
        parent: &Value,
        title: &str,
        icon: &str,
        children: Vec<Value>,
    ) -> Id {
        let body = json!({
            "parent": parent,
            "icon": {"emoji": icon},
            "properties": {"title": {"title": [{"text": {"content": title}}]}},
            "children": children,
        });
        id_of(&self.post("/v1/pages", &body))
    }

    /// Adds blocks; gives the ids of the first level.
    pub(super) fn append(&mut self, to: Id, children: Vec<Value>) -> Vec<Id> {
        let path = format!("/v1/blocks/{to}/children");
        let answer = self.send(Method::PATCH, &path, &json!({"children": children}));
        answer["results"].as_array().into_iter().flatten().map(id_of).collect()
    }

    /// A database; gives the ids of container and table.
    pub(super) fn database(
        &mut self,
        page: Id,
        title: &str,
        icon: &str,
        properties: &Value,
    ) -> (Id, Id) {
        let body = json!({
            "parent": {"page_id": page},
            "title": [{"text": {"content": title}}],
            "icon": {"emoji": icon},
            "initial_data_source": {"properties": properties},
        });
        let answer = self.post("/v1/databases", &body);
        (id_of(&answer), id_of(&answer["data_sources"][0]))
    }

    /// A further table in a database.
    pub(super) fn table(&mut self, database: Id, title: &str, properties: &Value) -> Id {
        let body = json!({
            "parent": {"database_id": database},
            "title": [{"text": {"content": title}}],
            "properties": properties,
        });
        id_of(&self.post("/v1/data_sources", &body))
    }

    /// More properties for a table.
    pub(super) fn schema(&mut self, table: Id, properties: &Value) {
        let path = format!("/v1/data_sources/{table}");
        self.send(Method::PATCH, &path, &json!({"properties": properties}));
    }

    /// A row.
    pub(super) fn row(&mut self, table: Id, properties: &Value, children: Vec<Value>) -> Id {
        let body = json!({
            "parent": {"data_source_id": table},
            "properties": properties,
            "children": children,
        });
        id_of(&self.post("/v1/pages", &body))
    }

    /// A template of a table, of this content.
    pub(super) fn template(&mut self, table: Id, name: &str, markdown: &str, is_default: bool) {
        let body = json!({
            "parent": {"data_source_id": table},
            "properties": {"title": {"title": [{"text": {"content": name}}]}},
            "markdown": markdown,
        });
        let id = id_of(&self.post("/v1/pages", &body));
        if let Some(page) = self.world.nodes.get_mut(&id).and_then(|node| node.page_mut()) {
            page.is_template = true;
        }
        let table = self.world.nodes.get_mut(&table).and_then(|node| node.source_mut());
        if let Some(table) = table.filter(|_| is_default) {
            table.default_template = Some(id);
        }
    }

    /// A block of meeting notes with three tabs, as the app leaves it after a meeting.
    pub(super) fn meeting(
        &mut self,
        page: Id,
        title: &str,
        tabs: Vec<Value>,
        [start, end]: [&str; 2],
        attendees: &[Id],
    ) {
        let made = self.append(page, vec![json!({"toggle": {"rich_text": [], "children": tabs}})]);
        let tabs = self.world.live_children(made[0]);
        let body = json!({
            "title": plain(title),
            "status": "notes_ready",
            "children": {
                "summary_block_id": tabs[0],
                "notes_block_id": tabs[1],
                "transcript_block_id": tabs[2],
            },
            "calendar_event": {"start_time": start, "end_time": end, "attendees": attendees},
            "recording": {"start_time": start, "end_time": end},
        });
        if let Some(node) = self.world.nodes.get_mut(&made[0]) {
            node.content = Content::Block(Block::new("meeting_notes", &body));
        }
    }

    /// New values for a row.
    pub(super) fn values(&mut self, row: Id, properties: &Value) {
        let path = format!("/v1/pages/{row}");
        self.send(Method::PATCH, &path, &json!({"properties": properties}));
    }

    /// A comment that starts a thread, and the answers to it.
    pub(super) fn thread(&mut self, about: &Value, texts: &[(Id, &str)]) {
        let mut thread = Value::Null;
        for (person, text) in texts {
            self.person = *person;
            let mut body = json!({"rich_text": [{"text": {"content": text}}]});
            if thread.is_null() {
                body["parent"] = about.clone();
            } else {
                body["discussion_id"] = thread.clone();
            }
            thread = self.post("/v1/comments", &body)["discussion_id"].clone();
        }
    }
}

fn id_of(object: &Value) -> Id {
    object["id"].as_str().and_then(Id::parse).expect("objects have ids")
}
