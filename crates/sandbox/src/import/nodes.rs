//! Pages, blocks, databases and data sources of a document become nodes.

use serde_json::{Map, Value};

use super::*;

impl Importer<'_> {
    /// Puts a node into the tree, or new content into the node that is there.
    pub(super) fn put(&mut self, id: Id, parent: Parent, content: Content, wire: &Value) {
        let now = self.world.now();
        let author = |key: &str| super::id(&wire[key]["id"]);
        let created_by = author("created_by").unwrap_or(Id::NIL);
        let created_time = time(&wire["created_time"]).unwrap_or(now);
        let in_trash = wire["in_trash"] == true || wire["archived"] == true;
        let known = self.world.node(id).map(|node| node.parent);
        if known.is_some_and(|before| before != parent) {
            self.world.relocate(id, parent);
        }
        let node = Node {
            id,
            parent,
            created_time,
            created_by,
            last_edited_time: time(&wire["last_edited_time"]).unwrap_or(created_time),
            last_edited_by: author("last_edited_by").unwrap_or(created_by),
            in_trash,
            children: self.world.node(id).map(|node| node.children.clone()).unwrap_or_default(),
            content,
        };
        if known.is_some() {
            self.world.nodes.insert(id, node);
        } else {
            self.world.insert(node, Slot::End);
        }
    }

    /// The parent that an answer names; a stub if it is not there yet.
    pub(super) fn parent(&mut self, wire: &Value) -> Parent {
        let member = |key: &str| super::id(&wire[key]);
        if let Some(source) = member("data_source_id") {
            let database = member("database_id");
            return Parent::Node(self.source(source, database));
        }
        if let Some(database) = member("database_id") {
            return Parent::Node(self.source_of(database));
        }
        if let Some(page) = member("page_id") {
            self.stub_page(page, Parent::Workspace, &Value::Null);
            return Parent::Node(page);
        }
        if let Some(block) = member("block_id") {
            if self.world.node(block).is_none() {
                let body = serde_json::json!({"rich_text": [], "icon": null, "color": "default"});
                let content = Content::Block(Block::new("paragraph", &body));
                self.put(block, Parent::Workspace, content, &Value::Null);
            }
            return Parent::Node(block);
        }
        Parent::Workspace
    }

    /// A page of which little more than the title is known.
    pub(super) fn stub_page(&mut self, id: Id, parent: Parent, title: &Value) {
        if self.world.node(id).is_none() {
            self.put(id, parent, Content::Page(Box::default()), &Value::Null);
        }
        let title = plain(title.as_str().unwrap_or_default());
        let untitled = self.world.title_of(id).is_empty();
        let page = self.world.nodes.get_mut(&id).and_then(|node| node.page_mut());
        if let Some(page) = page.filter(|_| untitled) {
            page.values.insert(TITLE.to_owned(), title.into());
        }
    }

    /// The only table of a database; both are made if they are not there.
    pub(super) fn source_of(&mut self, database: Id) -> Id {
        if self.world.node(database).is_none() {
            let content = Content::Database(Box::default());
            self.put(database, Parent::Workspace, content, &Value::Null);
        }
        let first = self.world.node(database).and_then(|node| node.children.first().copied());
        first.unwrap_or_else(|| {
            let told = self.tables.get(&database).copied();
            let source = told.unwrap_or_else(|| self.world.ids.random());
            self.source(source, Some(database))
        })
    }

    /// A table, made if it is not there.
    pub(super) fn source(&mut self, id: Id, database: Option<Id>) -> Id {
        if self.world.node(id).is_none() {
            let database = database.unwrap_or_else(|| self.world.ids.random());
            if self.world.node(database).is_none() {
                let content = Content::Database(Box::default());
                self.put(database, Parent::Workspace, content, &Value::Null);
            }
            let content = Content::DataSource(Box::default());
            self.put(id, Parent::Node(database), content, &Value::Null);
        } else if let Some(database) = database
            && self.world.node(id).is_some_and(|node| node.parent_id() != Some(database))
        {
            if self.world.node(database).is_none() {
                let content = Content::Database(Box::default());
                self.put(database, Parent::Workspace, content, &Value::Null);
            }
            self.world.relocate(id, Parent::Node(database));
        }
        id
    }

    /// A database: a container, and in old versions also its table.
    pub(super) fn database(&mut self, id: Id, wire: &Value) {
        let parent = self.parent(&wire["parent"]);
        let flag = |key: &str| wire[key] == true;
        let container = Database {
            title: runs(&wire["title"]),
            description: runs(&wire["description"]),
            icon: wire["icon"].clone(),
            cover: wire["cover"].clone(),
            is_inline: flag("is_inline"),
            is_locked: flag("is_locked"),
        };
        self.put(id, parent, Content::Database(Box::new(container)), wire);
        for source in list(&wire["data_sources"]) {
            let Some(source_id) = super::id(&source["id"]) else { continue };
            self.source(source_id, Some(id));
            let node = self.world.nodes.get_mut(&source_id).and_then(|node| node.source_mut());
            if let Some(table) = node.filter(|table| table.title.is_empty()) {
                table.title = plain(source["name"].as_str().unwrap_or_default());
            }
        }
        if wire["properties"].is_object() {
            let source = self.source_of(id);
            self.table(source, Parent::Node(id), &untrashed(wire));
        }
    }

    /// A data source, and its container if nobody sent that.
    pub(super) fn data_source(&mut self, id: Id, wire: &Value) {
        let database = super::id(&wire["parent"]["database_id"]);
        self.source(id, database);
        let parent = self.world.node(id).map_or(Parent::Workspace, |node| node.parent);
        let parent = database.map_or(parent, Parent::Node);
        if let Some(database) = database {
            let above = self.parent(&wire["database_parent"]);
            let is_stub = self.world.node(database).is_none_or(|node| node.created_by == Id::NIL);
            if is_stub {
                let container = Database {
                    title: runs(&wire["title"]),
                    description: runs(&wire["description"]),
                    icon: wire["icon"].clone(),
                    cover: wire["cover"].clone(),
                    is_inline: wire["is_inline"] == true,
                    is_locked: false,
                };
                self.put(database, above, Content::Database(Box::new(container)), wire);
            }
        }
        let is_gone = |id: Id| self.world.node(id).is_some_and(|node| node.in_trash);
        match database.filter(|database| is_gone(*database)) {
            Some(_) => self.table(id, parent, &untrashed(wire)),
            None => self.table(id, parent, wire),
        }
    }

    fn table(&mut self, id: Id, parent: Parent, wire: &Value) {
        self.whole.push(id);
        let before = self.world.source(id).map(|source| source.schema.clone());
        let table = DataSource {
            title: runs(&wire["title"]),
            description: runs(&wire["description"]),
            icon: wire["icon"].clone(),
            cover: wire["cover"].clone(),
            schema: before.unwrap_or_default(),
            last_unique_id: 0,
            default_template: None,
        };
        self.put(id, parent, Content::DataSource(Box::new(table)), wire);
        let properties = wire["properties"].as_object().cloned().unwrap_or_default();
        for property in properties.values() {
            self.property(id, property);
        }
        // What stands only in stubs' guesses is no property of this table.
        let table = self.world.nodes.get_mut(&id).and_then(|node| node.source_mut());
        if let Some(table) = table {
            let names: Vec<&String> = properties.keys().collect();
            table.schema.retain(|_, property| names.contains(&&property.name));
        }
    }

    /// A page; the values of a row also tell of its table what nobody else told.
    pub(super) fn page(&mut self, id: Id, wire: &Value) {
        let parent = self.parent(&wire["parent"]);
        let page = Page {
            icon: wire["icon"].clone(),
            cover: wire["cover"].clone(),
            is_locked: wire["is_locked"] == true,
            is_archived: wire["is_archived"] == true,
            ..Page::default()
        };
        let source = match parent {
            Parent::Node(above) if self.world.source(above).is_some() => Some(above),
            _ => None,
        };
        self.put(id, parent, Content::Page(Box::new(page)), wire);
        let empty = Map::new();
        for (name, value) in wire["properties"].as_object().unwrap_or(&empty) {
            self.value(id, source, name, value);
        }
    }

    /// A block; pages and tables among them are made only if nothing better is known.
    pub(super) fn block(&mut self, id: Id, wire: &Value) {
        let parent = self.parent(&wire["parent"]);
        let kind = text(&wire["type"]);
        let body = &wire[kind.as_str()];
        match kind.as_str() {
            "child_page" => self.stub_page(id, parent, &body["title"]),
            "child_database" => {
                if self.world.node(id).is_none() {
                    let title = plain(body["title"].as_str().unwrap_or_default());
                    let container = Database { title: title.clone(), ..Database::default() };
                    self.put(id, parent, Content::Database(Box::new(container)), wire);
                    // One without a title that nobody looked into is a linked one: no table.
                    let is_linked = title.is_empty() || body["title"] == "Untitled";
                    let source = (!is_linked).then(|| self.source_of(id));
                    let table = source.and_then(|source| self.world.nodes.get_mut(&source));
                    if let Some(table) = table.and_then(|node| node.source_mut()) {
                        table.title = title;
                    }
                }
            }
            _ => {
                let kind = if kind == "transcription" { "meeting_notes".to_owned() } else { kind };
                let body = Self::body(body);
                self.put(id, parent, Content::Block(Block::new(kind, &body)), wire);
            }
        }
        // A stub knows neither its times nor its authors; the block that shows it does.
        let is_stub = self.world.node(id).is_some_and(|node| node.created_by == Id::NIL);
        if is_stub && let Some(node) = self.world.node(id).cloned() {
            self.put(id, parent, node.content, wire);
        }
    }

    fn body(wire: &Value) -> Value {
        let mut body = wire.clone();
        for (key, value) in body.as_object_mut().into_iter().flatten() {
            match key.as_str() {
                "rich_text" | "caption" | "text" | "title" if value.is_array() => {
                    *value = runs(value).into()
                }
                "cells" => {
                    *value = list(value).iter().map(|cell| Value::from(runs(cell))).collect();
                }
                _ => {}
            }
        }
        // As it was called before 2022-02-22.
        if let Some(members) = body.as_object_mut()
            && let Some(text) = members.get("text").filter(|text| text.is_array()).cloned()
        {
            members.shift_remove("text");
            members.entry("rich_text").or_insert(text);
        }
        body
    }
}

/// What is in the trash is the container of a table, and the table with it.
fn untrashed(wire: &Value) -> Value {
    let mut wire = wire.clone();
    for flag in ["in_trash", "archived"] {
        wire[flag] = false.into();
    }
    wire
}
