//! Shows databases (containers) and data sources (tables).

use notion::Id;
use serde_json::{Value, json};

use super::{Object, file, parent, rich_text, schema, url, user};
use crate::clock::{to_millis, to_minute};
use crate::input::rich_text::plain;
use crate::world::access::View;
use crate::world::node::Node;

/// What databases without a title are called.
pub(crate) const UNTITLED: &str = "New database";

/// The same, but for those without tables of their own, such as linked ones (both measured).
pub(crate) fn untitled(view: View, id: Id) -> &'static str {
    if view.world.sources_of(id).is_empty() { "Untitled" } else { UNTITLED }
}

/// A database in the shape of the version; before 2025-09-03 it is container and table in one.
pub(crate) fn database(view: View, node: &Node) -> Value {
    let Some(database) = node.database() else { return Value::Null };
    if !view.has_sources() {
        return merged(view, node);
    }
    let sources: Vec<Value> = view
        .world
        .sources_of(node.id)
        .into_iter()
        .filter(|id| view.sees(*id))
        .map(|id| {
            let name = rich_text::plain(view, view.world.title_of(id));
            json!({"id": id, "name": if name.is_empty() { UNTITLED } else { &name }})
        })
        .collect();
    Object::new("database")
        .with("id", node.id.to_string())
        .with("title", title(view, node))
        .with("description", rich_text::rich_text(view, &database.description))
        .with("parent", parent(view, node))
        .with("is_inline", database.is_inline)
        .with("in_trash", node.in_trash)
        .with("is_locked", database.is_locked)
        .with("created_time", to_millis(node.created_time))
        .with("last_edited_time", to_millis(node.last_edited_time))
        .with("data_sources", sources)
        .with("icon", file(view, &database.icon))
        .with("cover", file(view, &database.cover))
        .with("url", url("", node.id))
        .with("public_url", Value::Null)
        .with_if(view.has_archived() && !view.is_dated(), "archived", node.in_trash)
        .done()
}

/// A container without a title shows that of its table, or a default one (measured).
fn title(view: View, node: &Node) -> Value {
    let own = view.world.title_of(node.id);
    let first = view.world.sources_of(node.id).first().copied();
    let of_table = first.map(|id| view.world.title_of(id)).unwrap_or_default();
    match (own, of_table) {
        ([], []) => rich_text::rich_text(view, &plain(untitled(view, node.id))),
        ([], of_table) => rich_text::rich_text(view, of_table),
        (own, _) => rich_text::rich_text(view, own),
    }
}

fn merged(view: View, node: &Node) -> Value {
    let Some(database) = node.database() else { return Value::Null };
    let source = view.world.sources_of(node.id).first().and_then(|id| view.world.source(*id));
    let properties = source.map_or_else(|| json!({}), |source| schema::properties(view, source));
    Object::new("database")
        .with("id", node.id.to_string())
        .with("cover", file(view, &database.cover))
        .with("icon", file(view, &database.icon))
        .with("created_time", to_minute(node.created_time))
        .with("created_by", user::reference(node.created_by))
        .with("last_edited_by", user::reference(node.last_edited_by))
        .with("last_edited_time", to_minute(node.last_edited_time))
        .with("title", rich_text::rich_text(view, &database.title))
        .with("description", rich_text::rich_text(view, &database.description))
        .with("is_inline", database.is_inline)
        .with("properties", properties)
        .with("parent", parent(view, node))
        .with("url", url("", node.id))
        .with("public_url", Value::Null)
        .with_if(view.is_dated(), "archived", node.in_trash)
        .with("in_trash", node.in_trash)
        .with_if(!view.is_dated(), "archived", node.in_trash)
        .done()
}

/// A data source.
pub(crate) fn data_source(view: View, node: &Node) -> Value {
    let Some(source) = node.source() else { return Value::Null };
    let container = node.parent_id().and_then(|id| view.world.node(id));
    let above = container.map_or(Value::Null, |container| parent(view, container));
    let inline = container.and_then(Node::database).is_some_and(|database| database.is_inline);
    let address = container.map_or(node.id, |container| container.id);
    let in_trash = node.in_trash || container.is_some_and(|container| container.in_trash);
    Object::new("data_source")
        .with("id", node.id.to_string())
        .with("cover", file(view, &source.cover))
        .with("icon", file(view, &source.icon))
        .with("created_time", to_minute(node.created_time))
        .with("created_by", user::reference(node.created_by))
        .with("last_edited_by", user::reference(node.last_edited_by))
        .with("last_edited_time", to_minute(node.last_edited_time))
        .with("title", rich_text::rich_text(view, &source.title))
        .with("description", rich_text::rich_text(view, &source.description))
        .with("is_inline", inline)
        .with("properties", schema::properties(view, source))
        .with("parent", parent(view, node))
        .with("database_parent", above)
        .with("url", url("", address))
        .with("public_url", Value::Null)
        .with_if(view.is_dated(), "archived", in_trash)
        .with("in_trash", in_trash)
        .with_if(view.has_archived() && !view.is_dated(), "archived", in_trash)
        .done()
}
