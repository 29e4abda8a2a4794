//! Shows pages.

use serde_json::{Map, Value};

use super::{Object, file, parent, url, user, values};
use crate::clock::to_minute;
use crate::input::values::title_only;
use crate::world::access::View;
use crate::world::node::Node;
use crate::world::property::{Property, TITLE};

/// A page object.
pub(crate) fn page(view: View, node: &Node) -> Value {
    page_with(view, node, |_| true)
}

/// A page object with only the properties that `wanted` names.
pub(crate) fn page_with(view: View, node: &Node, wanted: impl Fn(&Property) -> bool) -> Value {
    let Some(page) = node.page() else { return Value::Null };
    let new = !view.is_dated();
    let in_trash = view.world.is_gone(node.id);
    // Mentions in a title are no part of its address (measured).
    let texts = view.world.title_of(node.id).iter();
    let title: String = texts.filter_map(|run| run["text"]["content"].as_str()).collect();
    Object::new("page")
        .with("id", node.id.to_string())
        .with("created_time", to_minute(node.created_time))
        .with("last_edited_time", to_minute(node.last_edited_time))
        .with("created_by", user::reference(node.created_by))
        .with("last_edited_by", user::reference(node.last_edited_by))
        .with("cover", file(view, &page.cover))
        .with("icon", file(view, &page.icon))
        .with("parent", parent(view, node))
        .with_if(!new, "archived", in_trash)
        .with("in_trash", in_trash)
        .with_if(new, "is_archived", page.is_archived)
        .with("is_locked", page.is_locked)
        .with("properties", properties(view, node, wanted))
        .with("url", url(&title, node.id))
        .with("public_url", Value::Null)
        .with_if(new && view.has_archived(), "archived", in_trash)
        .done()
}

fn properties(view: View, node: &Node, wanted: impl Fn(&Property) -> bool) -> Value {
    let mut out = Map::new();
    match view.world.source_of_row(node.id) {
        Some((_, source)) => {
            for property in ordered(source.schema.values()).into_iter().filter(|p| wanted(p)) {
                let value = values::value(view, node.id, property);
                out.insert(property.name.clone(), value);
            }
        }
        None => {
            if let Some(property) = title_only().get(TITLE).filter(|p| wanted(p)) {
                out.insert(TITLE.to_owned(), values::value(view, node.id, property));
            }
        }
    }
    Value::Object(out)
}

/// Properties as answers list them: by id, and the longer ids of the title and of what Notion itself
/// adds after those that it draws (measured).
pub(crate) fn ordered<'a>(all: impl Iterator<Item = &'a Property>) -> Vec<&'a Property> {
    let mut all: Vec<&Property> = all.collect();
    all.sort_by(|a, b| a.id.len().cmp(&b.id.len()).then_with(|| a.id.cmp(&b.id)));
    all
}
