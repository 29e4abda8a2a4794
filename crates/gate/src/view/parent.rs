//! Parents: what stands above the caller's part is the workspace.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::walk::{Members, Walk};

/// Cuts down `parent` and `database_parent` of an object that the caller sees.
///
/// A data source needs a database above it. Where the caller does not see that, it has a pseudonym: gives
/// the database and its pseudonym then.
pub(super) fn cut(walk: &mut Walk, object: &mut Members) -> Option<(Id, Id)> {
    let mut hidden = None;
    if let Some(parent) = object.get("parent") {
        let source = source_of(walk, object, parent);
        let id = |name: &str| parent.get(name).and_then(Value::as_str).and_then(Id::parse);
        let database = id("database_id");
        let seen = match parent.get("type").and_then(Value::as_str) {
            Some("workspace") => true,
            Some("page_id") => id("page_id").is_some_and(|id| walk.eyes.see(Kind::Page, id)),
            Some("block_id") => id("block_id").is_some_and(|id| walk.eyes.see(Kind::Block, id)),
            Some("data_source_id") => source.is_some(),
            Some("database_id") => {
                source.is_some() || database.is_some_and(|id| walk.eyes.see(Kind::Database, id))
            }
            _ => false,
        };
        if !seen {
            object.insert("parent".to_owned(), workspace());
        } else if let (Some(source), Some(database)) = (source, database)
            && !walk.eyes.see(Kind::Database, database)
        {
            let pseudonym = (walk.pseudonym)(source);
            walk.eyes.note(pseudonym, true);
            object["parent"]["database_id"] = pseudonym.to_string().into();
            // How the database is shown on the page above it is told by its tables, too.
            object.get_mut("is_inline").into_iter().for_each(|inline| *inline = false.into());
            hidden = Some((database, pseudonym));
        }
    }
    if let Some(above) = object.get("database_parent") {
        let id = |name: &str| above.get(name).and_then(Value::as_str).and_then(Id::parse);
        let places = [
            (Kind::Page, id("page_id")),
            (Kind::Block, id("block_id")),
            (Kind::Database, id("database_id")),
        ];
        let mut places = places.into_iter().filter_map(|(kind, id)| Some((kind, id?)));
        let is_top = above.get("type").is_some_and(|kind| kind == "workspace");
        let seen = places.next().is_some_and(|(kind, id)| walk.eyes.see(kind, id));
        if !is_top && (hidden.is_some() || !seen) {
            object.insert("database_parent".to_owned(), workspace());
        }
    }
    hidden
}

/// The data source that the caller sees and that an object belongs to: a row, a view, the data source
/// itself.
fn source_of(walk: &mut Walk, object: &Members, parent: &Value) -> Option<Id> {
    let id = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Id::parse);
    let own = id(object.get("id"));
    let source = match object.get("object").and_then(Value::as_str)? {
        "data_source" => own,
        "view" => id(object.get("data_source_id")),
        "page" => id(parent.get("data_source_id"))
            .or_else(|| own.filter(|_| parent["type"] == "database_id").and_then(walk.source_of)),
        _ => None,
    }?;
    walk.eyes.see(Kind::DataSource, source).then_some(source)
}

fn workspace() -> Value {
    json!({"type": "workspace", "workspace": true})
}
