//! The last look at an answer: no id is in it that the caller does not see.
//!
//! Every text that is an id, or a link into Notion, must be accounted for: an object that the caller
//! sees, something that is no object of the tree (a person, an option, a property), or words that
//! somebody wrote. Anything else makes the answer unreadable: what nobody thought of is not relayed.

use notion::{Id, Kind, link};
use serde_json::Value;

use super::eyes::Eyes;
use super::walk::{Members, Strange};

/// Members whose text somebody wrote.
const WORDS: &[&str] = &[
    "address",
    "content",
    "description",
    "email",
    "expression",
    "filename",
    "markdown",
    "message",
    "name",
    "phone_number",
    "plain_text",
    "resolved_name",
    "string",
    "title",
];

/// Members that are, or hold, ids of what is no object of the tree.
const OTHERS: &[&str] = &[
    "attendees",
    "bot",
    "created_by",
    "custom_emoji",
    "filter",
    "groups",
    "integration_id",
    "last_edited_by",
    "multi_select",
    "next_cursor",
    "option_ids",
    "options",
    "people",
    "person",
    "property_id",
    "property_item",
    "quick_filters",
    "request_id",
    "select",
    "sorts",
    "status",
    "templates",
    "unique_id",
    "unsupported",
    "user",
    "verified_by",
    "workspace_id",
];

/// Looks through an answer.
pub(super) fn sweep(eyes: &mut Eyes, answer: &Value) -> Result<(), Strange> {
    let mut sweep = Sweep { eyes, path: Vec::new() };
    sweep.value(answer, "")
}

struct Sweep<'a, 'b> {
    eyes: &'a mut Eyes,
    path: Vec<&'b str>,
}

impl<'b> Sweep<'_, 'b> {
    fn value(&mut self, value: &'b Value, name: &'b str) -> Result<(), Strange> {
        match value {
            Value::String(text) => self.text(text, Kind::Block),
            Value::Array(elements) => {
                elements.iter().try_for_each(|element| self.value(element, name))
            }
            Value::Object(members) => self.object(members, name),
            _ => Ok(()),
        }
    }

    fn object(&mut self, members: &'b Members, holder: &'b str) -> Result<(), Strange> {
        let kind = members.get("object").and_then(Value::as_str).unwrap_or_default();
        if kind == "user" {
            return Ok(());
        }
        for (name, member) in members {
            self.path.push(name);
            match (name.as_str(), member) {
                ("id", Value::String(text)) => self.id(kind, holder, members, text)?,
                // Keys are names that somebody gave, and what they hold is a value or a schema.
                ("properties", Value::Object(properties)) => {
                    for property in properties.values() {
                        self.property(property)?;
                    }
                }
                (word, Value::String(_)) if WORDS.contains(&word) => {}
                (other, _) if OTHERS.contains(&other) || other.ends_with("property_id") => {}
                (other, Value::String(text)) => self.text(text, kind_of(other))?,
                (other, member) => self.value(member, other)?,
            }
            self.path.pop();
        }
        Ok(())
    }

    /// The value of a property or its schema: its id is no object's, and what a relation holds is for
    /// the columns to see to.
    fn property(&mut self, property: &'b Value) -> Result<(), Strange> {
        let Value::Object(members) = property else { return Ok(()) };
        for (name, member) in members {
            match (name.as_str(), member) {
                ("id", _) | ("relation", Value::Array(_)) => {}
                ("url" | "email" | "phone_number" | "formula", _) => {}
                ("rollup", rollup) => {
                    let elements = rollup.get("array").and_then(Value::as_array);
                    elements.into_iter().flatten().try_for_each(|one| self.property(one))?;
                }
                (word, Value::String(_)) if WORDS.contains(&word) => {}
                (other, _) if OTHERS.contains(&other) => {}
                (other, member) => self.value(member, other)?,
            }
        }
        Ok(())
    }

    fn id(
        &mut self,
        kind: &str,
        holder: &str,
        members: &Members,
        text: &str,
    ) -> Result<(), Strange> {
        let tree = match kind {
            "page" => Kind::Page,
            "database" => Kind::Database,
            "data_source" => Kind::DataSource,
            "view" => Kind::View,
            "comment" => Kind::Comment,
            "page_markdown" | "block" => Kind::Block,
            "file_upload" => Kind::FileUpload,
            // An element of a property, an emoji of a list, a query or a task of the caller's own.
            "property_item" | "view_query" | "async_task" => return Ok(()),
            _ if holder == "results" && members.contains_key("url") => return Ok(()),
            _ if matches!(holder, "rows" | "widgets" | "reference_lines" | "relation") => {
                return Ok(());
            }
            _ => return self.text(text, kind_of(holder)),
        };
        self.text(text, tree)
    }

    fn text(&mut self, text: &str, kind: Kind) -> Result<(), Strange> {
        let seen = match Id::parse(text) {
            Some(id) => self.eyes.see(kind, id),
            None if link::targets(text).is_some() => self.eyes.see_link(text),
            None => true,
        };
        if seen { Ok(()) } else { Err(Strange::Outside(self.path.join("."))) }
    }
}

/// What an id in a member of this name is taken for.
fn kind_of(name: &str) -> Kind {
    match name {
        "page_id" | "page" => Kind::Page,
        "database_id" | "database" => Kind::Database,
        "data_source_id" | "data_sources" => Kind::DataSource,
        "view_id" | "dashboard_view_id" => Kind::View,
        "comment_id" => Kind::Comment,
        "discussion_id" => Kind::Discussion,
        _ => Kind::Block,
    }
}
