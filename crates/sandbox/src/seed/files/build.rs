//! Makes the workspace: first all pages and tables, so that they can be named, then values, content
//! and comments.

use std::collections::HashMap;

use http::Method;
use indexmap::IndexMap;
use notion::Id;
use serde_json::{Map, Value, json};

use super::load::Entry;
use super::short::{self, Names};
use super::workspace::Workspace;
use super::{Problem, around};
use crate::clock::Clock;
use crate::fail::Fail;
use crate::markdown;
use crate::seed::author::Author;
use crate::world::World;
use crate::world::property::Settings;
use crate::world::tree::Slot;

/// What the front matter of a page may say, and a database besides `properties` and `rows`.
const KNOWN: [&str; 9] =
    ["title", "icon", "cover", "id", "author", "created", "edited", "properties", "rows"];

/// What was made of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// The page, or the container of a database.
    pub(super) id: Id,
    /// The table of a database.
    pub(super) source: Option<Id>,
}

/// Values of a row that are still to be written.
struct Row<'a> {
    id: Id,
    source: Id,
    values: &'a Map<String, Value>,
    entry: &'a Entry,
}

/// A workspace that is being made.
pub(super) struct Builder<'a> {
    pub(super) author: Author<'a>,
    pub(super) made: IndexMap<String, Made>,
    pub(super) people: HashMap<String, Id>,
    /// Who writes what names no author.
    first: Id,
}

/// Makes a workspace.
pub(super) fn build(workspace: &Workspace, entries: &[Entry]) -> Result<World, Problem> {
    let mut world = World::empty(workspace.seed);
    world.workspace.name.clone_from(&workspace.name);
    world.workspace.id = workspace.id.unwrap_or(world.workspace.id);
    world.clock = Clock::frozen_at(workspace.written);
    let people = around::people(&mut world, workspace);
    let first = *world
        .people
        .keys()
        .next()
        .ok_or_else(|| Problem::new(&workspace.file, None, "a workspace needs a person"))?;
    let mut builder =
        Builder { author: Author::new(&mut world, first), made: IndexMap::new(), people, first };
    let mut rows = Vec::new();
    for entry in entries {
        builder.make(entry, &mut rows)?;
    }
    for pass in 1..=2 {
        for entry in entries.iter().filter(|entry| entry.is_database) {
            builder.extend_schema(entry, pass)?;
        }
    }
    for row in &rows {
        builder.fill(row)?;
    }
    for entry in entries {
        builder.write(entry)?;
    }
    builder.comment(workspace)?;
    for entry in entries {
        builder.date(entry)?;
    }
    let made = std::mem::take(&mut builder.made);
    drop(builder);
    around::connect(&mut world, workspace, &made)?;
    world.ids.jump("");
    world.clock = Clock::default();
    Ok(world)
}

pub(super) fn text(content: &str) -> Value {
    json!([{"text": {"content": content}}])
}

fn id_of(object: &Value) -> Id {
    object["id"].as_str().and_then(Id::parse).unwrap_or(Id::NIL)
}

impl<'a> Builder<'_> {
    /// Sends a request; a refusal is a problem of the entry.
    fn send(
        &mut self,
        entry: &Entry,
        word: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, Problem> {
        let refused =
            |fail: Fail| entry.problem(word, format!("Notion would refuse this: {}", fail.message));
        self.author.try_send(method, path, body).map_err(refused)
    }

    /// Whoever the entry names as its author goes on, or the first of the people.
    fn as_author(&mut self, entry: &Entry) -> Result<(), Problem> {
        let person = match entry.data.get("author").and_then(Value::as_str) {
            None => self.first,
            Some(name) => self
                .people
                .get(name)
                .copied()
                .ok_or_else(|| entry.problem(name, format!("there is no person \"{name}\"")))?,
        };
        self.author.by(person);
        Ok(())
    }

    /// Makes a page, or a database with its rows.
    fn make(&mut self, entry: &'a Entry, rows: &mut Vec<Row<'a>>) -> Result<(), Problem> {
        if let Some(stranger) = entry.data.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            let text = format!("`{stranger}` means nothing here; there are {}", KNOWN.join(", "));
            return Err(entry.problem(stranger, text));
        }
        self.as_author(entry)?;
        let above = entry.parent().and_then(|path| self.made.get(path)).copied();
        if entry.is_database {
            return self.make_database(entry, above, rows);
        }
        let title = entry.data.get("title").and_then(Value::as_str).unwrap_or(entry.name());
        // A row that its table wrote already gets its content here.
        let id = match self.made.get(&entry.path) {
            Some(row) => row.id,
            None => self.make_page(entry, &entry.path, title, above)?,
        };
        if let (Some(source), Some(values)) = (
            above.and_then(|above| above.source),
            entry.data.get("properties").and_then(Value::as_object),
        ) {
            rows.push(Row { id, source, values, entry });
        } else if entry.data.contains_key("properties") {
            let text = "only rows have properties: pages in the directory of a database";
            return Err(entry.problem("properties", text));
        }
        Ok(())
    }

    fn make_page(
        &mut self,
        entry: &Entry,
        path: &str,
        title: &str,
        above: Option<Made>,
    ) -> Result<Id, Problem> {
        let parent = match above {
            None => json!({"workspace": true}),
            Some(Made { source: Some(source), .. }) => json!({"data_source_id": source}),
            Some(Made { id, .. }) => json!({"page_id": id}),
        };
        let mut body = json!({"parent": parent, "properties": {"title": {"title": text(title)}}});
        if path == entry.path {
            self.dress(entry, &mut body)?;
        }
        self.begin(path);
        if let (true, Some(id)) = (path == entry.path, self.given_id(entry)?) {
            self.author.world.ids.wish([id]);
        }
        let page = self.send(entry, title, Method::POST, "/v1/pages", &body)?;
        let id = id_of(&page);
        self.made.insert(path.to_owned(), Made { id, source: None });
        Ok(id)
    }

    /// From here on ids follow from `path`.
    pub(super) fn begin(&mut self, path: &str) {
        self.author.world.ids.jump(path);
    }

    fn given_id(&self, entry: &Entry) -> Result<Option<Id>, Problem> {
        let Some(given) = entry.data.get("id") else { return Ok(None) };
        let id = given.as_str().and_then(Id::parse);
        let free = id.filter(|id| self.author.world.node(*id).is_none());
        free.map(Some)
            .ok_or_else(|| entry.problem("id", "`id` must be an id that nothing else has"))
    }

    fn dress(&self, entry: &Entry, body: &mut Value) -> Result<(), Problem> {
        if let Some(icon) = entry.data.get("icon") {
            body["icon"] = short::icon(icon);
        }
        if let Some(cover) = entry.data.get("cover") {
            body["cover"] = short::cover(cover);
        }
        Ok(())
    }

    fn make_database(
        &mut self,
        entry: &'a Entry,
        above: Option<Made>,
        rows: &mut Vec<Row<'a>>,
    ) -> Result<(), Problem> {
        let parent = match above {
            None => json!({"type": "workspace", "workspace": true}),
            Some(Made { source: Some(_), .. }) => {
                return Err(entry.problem("", "a database cannot lie in a database, only in a row"));
            }
            Some(Made { id, .. }) => json!({"page_id": id}),
        };
        let title = entry.data.get("title").and_then(Value::as_str).unwrap_or(entry.name());
        let mut properties = self.schema(entry, 0)?;
        let has_title = properties.values().any(|property| property.get("title").is_some());
        if !has_title {
            properties.shift_insert(0, "Name".to_owned(), json!({"title": {}}));
        }
        let mut body = json!({
            "parent": parent,
            "title": text(title),
            "initial_data_source": {"properties": properties},
        });
        self.dress(entry, &mut body)?;
        self.begin(&entry.path);
        let made = self.send(entry, "properties", Method::POST, "/v1/databases", &body)?;
        let made = Made { id: id_of(&made), source: Some(id_of(&made["data_sources"][0])) };
        self.made.insert(entry.path.clone(), made);
        let Some(source) = made.source else { return Ok(()) };
        let key = properties
            .iter()
            .find(|(_, property)| property.get("title").is_some())
            .map_or("Name", |(name, _)| name);
        for (index, row) in
            entry.data.get("rows").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            let values = row.as_object().ok_or_else(|| {
                entry.problem("rows", "`rows` must be tables: write [[rows]] above each")
            })?;
            let title = values.get(key).and_then(Value::as_str).ok_or_else(|| {
                let text = format!("row {} has no `{key}`, the title of this table", index + 1);
                entry.problem("[[rows]]", text)
            })?;
            let path = format!("{}/{title}", entry.path);
            let id = self.make_page(entry, &path, title, Some(made))?;
            rows.push(Row { id, source, values, entry });
        }
        Ok(())
    }

    /// The properties of a database that belong to a pass, as a request holds them.
    fn schema(&self, entry: &Entry, pass: usize) -> Result<Map<String, Value>, Problem> {
        let mut out = Map::new();
        let written = entry.data.get("properties").and_then(Value::as_object);
        for (name, written) in
            written.into_iter().flatten().filter(|one| short::pass(one.1) == pass)
        {
            let names = Here { builder: self, source: None };
            let property = short::property(written, &names);
            out.insert(name.clone(), property.map_err(|text| entry.problem(name, text))?);
        }
        Ok(out)
    }

    fn extend_schema(&mut self, entry: &Entry, pass: usize) -> Result<(), Problem> {
        let properties = self.schema(entry, pass)?;
        let source = self.made.get(&entry.path).and_then(|made| made.source);
        let (Some(source), Some(first)) = (source, properties.keys().next().cloned()) else {
            return Ok(());
        };
        self.begin(&format!("{} {pass}", entry.path));
        let path = format!("/v1/data_sources/{source}");
        let body = json!({"properties": properties});
        self.send(entry, &first, Method::PATCH, &path, &body)?;
        Ok(())
    }

    /// Writes the values of a row.
    fn fill(&mut self, row: &Row) -> Result<(), Problem> {
        self.as_author(row.entry)?;
        let mut properties = Map::new();
        for (name, written) in row.values {
            let source = self.author.world.source(row.source);
            let property =
                source.and_then(|source| source.schema.values().find(|one| one.name == *name));
            let kind = property.map(|property| property.kind.as_str()).ok_or_else(|| {
                row.entry.problem(name, format!("the database has no property `{name}`"))
            })?;
            let names = Here { builder: self, source: Some(row.source) };
            let value = short::value(kind, name, written, &names);
            properties.insert(name.clone(), value.map_err(|text| row.entry.problem(name, text))?);
        }
        self.begin(&format!("values of {}", row.id));
        let body = json!({"properties": properties});
        let word = row.values.values().find_map(Value::as_str).unwrap_or_default();
        self.send(row.entry, word, Method::PATCH, &format!("/v1/pages/{}", row.id), &body)?;
        Ok(())
    }

    /// Writes the content of a page, above the pages under it.
    fn write(&mut self, entry: &Entry) -> Result<(), Problem> {
        let Some(Made { id, source: None }) = self.made.get(&entry.path).copied() else {
            return Ok(());
        };
        let drafts =
            markdown::parse(entry.markdown()).map_err(|fail| entry.problem("", fail.message))?;
        self.as_author(entry)?;
        self.begin(&format!("content of {}", entry.path));
        self.author.plant(&drafts, id, Slot::Start);
        Ok(())
    }
}

/// Names as they are understood in a table.
struct Here<'a, 'b> {
    builder: &'a Builder<'b>,
    source: Option<Id>,
}

impl Names for Here<'_, '_> {
    fn person(&self, name: &str) -> Option<String> {
        self.builder.people.get(name).map(Id::to_string)
    }

    fn source(&self, path: &str) -> Option<String> {
        self.builder.made.get(path)?.source.map(|id| id.to_string())
    }

    fn row(&self, property: &str, title: &str) -> Option<String> {
        let world = &*self.builder.author.world;
        let schema = &world.source(self.source?)?.schema;
        let property = schema.values().find(|one| one.name == property)?;
        let Settings::Relation { source, .. } = property.settings else { return None };
        let is_called = |row: &&Id| {
            let title_of: String = world
                .title_of(**row)
                .iter()
                .filter_map(|run| run["text"]["content"].as_str())
                .collect();
            title_of == title
        };
        world.node(source)?.children.iter().find(is_called).map(Id::to_string)
    }
}
