//! Shows blocks; pages and databases among them as `child_page` and `child_database`.

use serde_json::{Map, Value, json};

use super::database;
use super::{Object, file, parent, rich_text, upload_name, user};
use crate::clock::to_minute;
use crate::world::access::View;
use crate::world::node::{Content, Node};
use notion::{Id, Version};

/// A block object.
pub(crate) fn block(view: View, node: &Node) -> Value {
    let (kind, body) = content(view, node);
    let new = !view.is_dated();
    let in_trash = view.world.is_gone(node.id);
    let has_children = children(view, node.id).next().is_some();
    Object::new("block")
        .with("id", node.id.to_string())
        .with("parent", parent(view, node))
        .with("created_time", to_minute(node.created_time))
        .with("last_edited_time", to_minute(node.last_edited_time))
        .with("created_by", user::reference(node.created_by))
        .with("last_edited_by", user::reference(node.last_edited_by))
        .with("has_children", has_children)
        .with_if(!new, "archived", in_trash)
        .with("in_trash", in_trash)
        .with("type", kind.as_str())
        .with(&kind, body)
        .with_if(new && view.has_archived(), "archived", in_trash)
        .done()
}

/// A block of meeting notes as the two endpoints for them answer it (SDK): in every version by its
/// new name, without a parent.
pub(crate) fn meeting_note(view: View, node: &Node) -> Value {
    let (_, body) = content(view, node);
    let in_trash = view.world.is_gone(node.id);
    Object::new("block")
        .with("id", node.id.to_string())
        .with("type", "meeting_notes")
        .with("meeting_notes", body)
        .with("created_time", to_minute(node.created_time))
        .with("last_edited_time", to_minute(node.last_edited_time))
        .with("created_by", user::reference(node.created_by))
        .with("last_edited_by", user::reference(node.last_edited_by))
        .with("has_children", children(view, node.id).next().is_some())
        .with("in_trash", in_trash)
        .with_if(view.has_archived(), "archived", in_trash)
        .done()
}

/// The blocks under a node; a synced copy shows what its original holds, a database nothing.
pub(crate) fn children<'a>(view: View<'a>, id: Id) -> impl Iterator<Item = Id> + 'a {
    let original = view
        .world
        .node(id)
        .and_then(Node::block)
        .filter(|block| block.kind == "synced_block")
        .and_then(|block| block.body()["synced_from"]["block_id"].as_str().and_then(Id::parse))
        .filter(|original| view.sees(*original));
    let from = view.world.node(original.unwrap_or(id));
    from.filter(|node| matches!(node.content, Content::Page(_) | Content::Block(_)))
        .into_iter()
        .flat_map(move |node| view.world.live(node))
}

fn content(view: View, node: &Node) -> (String, Value) {
    let title = || rich_text::plain(view, view.world.title_of(node.id));
    match &node.content {
        Content::Page(_) => ("child_page".to_owned(), json!({"title": title()})),
        Content::Database(_) | Content::DataSource(_) => {
            // The title is that of the first table (measured).
            let first = view.world.sources_of(node.id).first().copied();
            let title = view.world.title_of(first.unwrap_or(node.id));
            let title = rich_text::plain(view, title);
            let untitled = if view.has_sources() { database::untitled(view, node.id) } else { "" };
            let title = if title.is_empty() { untitled } else { &title };
            ("child_database".to_owned(), json!({"title": title}))
        }
        Content::Block(block) => {
            let kind = match block.kind.as_str() {
                "meeting_notes" if view.version < Version::V2026_03_11 => "transcription",
                kind => kind,
            };
            (kind.to_owned(), body(view, &block.kind, &block.body()))
        }
    }
}

fn body(view: View, kind: &str, kept: &Value) -> Value {
    let Some(members) = kept.as_object() else { return kept.clone() };
    let mut out = Map::new();
    for (key, value) in members {
        let shown = match (key.as_str(), value) {
            ("rich_text" | "caption" | "title", Value::Array(runs)) => {
                rich_text::rich_text(view, runs)
            }
            ("cells", Value::Array(cells)) => cells
                .iter()
                .map(|cell| {
                    rich_text::rich_text(view, cell.as_array().map_or(&[][..], Vec::as_slice))
                })
                .collect(),
            // Paragraphs have icons since 2025-09-03 only.
            ("icon", Value::Null) if kind == "paragraph" && !view.has_sources() => continue,
            ("icon", icon) => file(view, icon),
            _ => value.clone(),
        };
        out.insert(key.clone(), shown);
    }
    // A stored file is shown as a signed one.
    if matches!(kept["type"].as_str(), Some("file" | "file_upload")) {
        out.shift_remove("file_upload");
        let mut source = file(view, kept);
        if kind == "embed" {
            // An embed has a URL, wherever its file is.
            out.shift_remove("type");
            source = json!({"url": source["file"]["url"]});
        }
        if let Value::Object(source) = source {
            out.extend(source);
        }
        if out.get("name").is_some_and(Value::is_null) {
            out.insert("name".to_owned(), upload_name(view, kept));
        }
    }
    Value::Object(out)
}
