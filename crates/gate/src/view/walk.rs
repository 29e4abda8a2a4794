//! An answer, cut down to what its caller sees: every shape of Notion's, by what it says that it is.
//!
//! A shape that is not known here is not relayed: an object makes the whole answer unreadable, a block
//! becomes an unsupported one, a piece of text plain text without content of its own.

use notion::{Id, Kind, Operation};
use serde_json::{Map, Value};

use super::eyes::Eyes;
use super::{block, markdown, parent, rich_text, titles};

pub(crate) type Members = Map<String, Value>;

/// Why an answer cannot be cut down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Strange {
    #[error("an object of a kind that is not known: {0:?}")]
    Object(String),
    #[error("something outside is still in it, at {0}")]
    Outside(String),
    #[error("markdown whose tags do not fit together")]
    Markdown,
}

/// One walk through an answer.
pub(crate) struct Walk<'a> {
    pub(crate) eyes: &'a mut Eyes,
    /// The id under which a database that is not seen is shown as the parent of a data source that is.
    pub(crate) pseudonym: &'a dyn Fn(Id) -> Id,
    /// The data source of a row, where an old version names the database alone.
    pub(crate) source_of: &'a dyn Fn(Id) -> Option<Id>,
    /// Whether blocks say what they are that cannot be shown (since 2025-09-03).
    pub(crate) names_unsupported: bool,
}

/// Answers that hold no object of the tree.
const WITHOUT_OBJECTS: &[&str] = &["list-custom-emojis", "list-data-source-templates"];

impl Walk<'_> {
    /// A whole answer of `operation`.
    pub(crate) fn answer(
        &mut self,
        operation: &Operation,
        answer: &mut Value,
    ) -> Result<(), Strange> {
        if WITHOUT_OBJECTS.contains(&operation.name) {
            return Ok(());
        }
        self.object(answer)
    }

    /// An object that says what it is, or a list of such.
    pub(crate) fn object(&mut self, value: &mut Value) -> Result<(), Strange> {
        let Value::Object(members) = value else { return Err(Strange::Object(String::new())) };
        let kind = members.get("object").and_then(Value::as_str).unwrap_or("list").to_owned();
        match kind.as_str() {
            "list" | "view_query" => {
                for result in elements(members, "results") {
                    self.object(result)?;
                }
            }
            "page" => self.titled(members),
            "database" | "data_source" => self.titled(members),
            "block" => block::cut(self, members),
            "comment" => {
                parent::cut(self, members);
                self.inner(members);
            }
            "view" => self.view(members),
            "property_item" => self.value(value),
            "page_markdown" => markdown::cut(self, members)?,
            "async_task" => {
                if let Some(result) = members.get_mut("result") {
                    self.object(result)?;
                }
            }
            // They stand nowhere in the tree.
            "user" | "file_upload" => {}
            _ => return Err(Strange::Object(kind.chars().take(40).collect())),
        }
        Ok(())
    }

    /// A page, database or data source.
    fn titled(&mut self, members: &mut Members) {
        let title = title_mentions(members);
        let hidden = parent::cut(self, members);
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            // Their names are somebody's words, so they are not gone by.
            properties.values_mut().for_each(|property| self.value(property));
        }
        for name in ["title", "description"] {
            members.get_mut(name).into_iter().for_each(|runs| self.value(runs));
        }
        for name in ["icon", "cover"] {
            if let Some(picture) = members.get_mut(name).filter(|it| !self.is_harmless(it)) {
                *picture = Value::Null;
            }
        }
        if let Some(Value::Array(sources)) = members.get_mut("data_sources") {
            sources.retain(|source| self.sees_id(Kind::DataSource, source.get("id")));
            sources.iter_mut().for_each(|source| self.name(Kind::DataSource, source));
        }
        let renamed = title_mentions(members) != title;
        for name in ["url", "public_url"] {
            if let Some(Value::String(url)) = members.get_mut(name) {
                if let Some((database, pseudonym)) = hidden {
                    rename(url, database, pseudonym);
                }
                // The address of a page holds its title.
                if renamed && let Some(at) = url.rfind('/') {
                    let id = notion::link::ids_in(&url[at..]).last();
                    url.truncate(at + 1);
                    url.extend(id.map(|id| id.plain()));
                }
                if !self.eyes.see_link(url) {
                    members.insert(name.to_owned(), Value::Null);
                }
            }
        }
    }

    /// What names an object that the caller sees by its title: `{id, name}`.
    fn name(&mut self, kind: Kind, named: &mut Value) {
        let id = named.get("id").and_then(Value::as_str).and_then(Id::parse);
        if let Some(Value::String(name)) = named.get_mut("name") {
            titles::cut(self, kind, id, name);
        }
    }

    fn view(&mut self, members: &mut Members) {
        let hidden = parent::cut(self, members);
        if let (Some((database, pseudonym)), Some(Value::String(url))) =
            (hidden, members.get_mut("url"))
        {
            rename(url, database, pseudonym);
        }
        let rows = members.get_mut("configuration").and_then(|all| all.get_mut("rows"));
        for row in rows.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(Value::Array(widgets)) = row.get_mut("widgets") {
                widgets.retain(|widget| self.sees_id(Kind::View, widget.get("view_id")));
            }
        }
    }

    /// Anything else: runs of text wherever they stand, files, and the values of properties.
    pub(crate) fn value(&mut self, value: &mut Value) {
        match value {
            Value::Array(elements) => {
                elements.retain(|element| !is_file(element) || self.is_harmless(element));
                elements.iter_mut().for_each(|element| self.value(element));
            }
            Value::Object(members) if rich_text::is_run(members) => rich_text::cut(self, members),
            Value::Object(members) => self.inner(members),
            _ => {}
        }
    }

    /// What the members of an object hold.
    pub(crate) fn inner(&mut self, members: &mut Members) {
        if members.get("object").is_some_and(|object| object == "user") {
            return;
        }
        for (name, member) in members {
            match name.as_str() {
                "icon" | "cover" if !self.is_harmless(member) => *member = Value::Null,
                "parent" | "database_parent" => {}
                _ => self.value(member),
            }
        }
    }

    /// Whether a file, icon or cover leads to nothing outside.
    fn is_harmless(&mut self, file: &Value) -> bool {
        let urls = ["external", "file", "custom_emoji"];
        let urls = urls.into_iter().filter_map(|kind| file.get(kind)?.get("url")?.as_str());
        urls.filter(|url| !self.eyes.see_link(url)).count() == 0
    }

    /// Whether the caller sees what an id names; what is no id is not seen.
    pub(crate) fn sees_id(&mut self, kind: Kind, id: Option<&Value>) -> bool {
        let id = id.and_then(Value::as_str).and_then(Id::parse);
        id.is_some_and(|id| self.eyes.see(kind, id))
    }
}

/// The elements of a list.
fn elements<'a>(members: &'a mut Members, name: &str) -> impl Iterator<Item = &'a mut Value> {
    members.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Puts a pseudonym for a database into an address, and takes out the title before it.
fn rename(url: &mut String, database: Id, pseudonym: Id) {
    let id = database.plain();
    if let Some(at) = url.find(&id) {
        let from = url[..at].rfind('/').map_or(at, |slash| slash + 1);
        url.replace_range(from..at + id.len(), &pseudonym.plain());
    }
}

fn is_file(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "external" | "file") && value.get("name").is_some()
}

/// How many mentions the title of a page, database or data source holds. Where that changes, the title
/// mentions something that the caller does not see, whatever its text says.
pub(crate) fn title_mentions(members: &Members) -> usize {
    let of_page = || {
        let properties = members.get("properties")?.as_object()?;
        let title = properties.values().find(|value| value["type"] == "title")?;
        title.get("title")
    };
    members.get("title").or_else(of_page).map_or(0, rich_text::mentions)
}
