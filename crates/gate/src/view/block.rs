//! Blocks: one that points outside, or that nobody knows, is an unsupported one.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::walk::{Members, Walk};
use super::{parent, titles};

/// Types whose body holds nothing but text, files and numbers.
const PLAIN: &[&str] = &[
    "audio",
    "breadcrumb",
    "bulleted_list_item",
    "callout",
    "child_database",
    "child_page",
    "code",
    "column",
    "column_list",
    "divider",
    "equation",
    "file",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "image",
    "meeting_notes",
    "numbered_list_item",
    "paragraph",
    "pdf",
    "quote",
    "tab",
    "table",
    "table_of_contents",
    "table_row",
    "template",
    "to_do",
    "toggle",
    "transcription",
    "unsupported",
    "video",
];

/// Cuts one block down.
pub(super) fn cut(walk: &mut Walk, block: &mut Members) {
    parent::cut(walk, block);
    let Some(kind) = block.get("type").and_then(Value::as_str).map(str::to_owned) else {
        // An answer to who may not read: it has no body.
        block.retain(|name, _| matches!(name.as_str(), "object" | "id" | "parent" | "request_id"));
        return;
    };
    let body = block.get(&kind).cloned().unwrap_or_default();
    if !is_shown(walk, &kind, &body) {
        unsupport(walk, block, &kind);
        return;
    }
    let id = block.get("id").and_then(Value::as_str).and_then(Id::parse);
    let Some(body) = block.get_mut(&kind).and_then(Value::as_object_mut) else { return };
    walk.inner(body);
    let child = match kind.as_str() {
        "child_page" => Kind::Page,
        "child_database" => Kind::Database,
        _ => return,
    };
    if let Some(Value::String(title)) = body.get_mut("title") {
        titles::cut(walk, child, id, title);
    }
}

fn is_shown(walk: &mut Walk, kind: &str, body: &Value) -> bool {
    match kind {
        "link_to_page" => {
            let to = body.get("type").and_then(Value::as_str).unwrap_or_default();
            let what = match to {
                "page_id" => Kind::Page,
                "database_id" => Kind::Database,
                "comment_id" => Kind::Comment,
                _ => return false,
            };
            walk.sees_id(what, body.get(to))
        }
        "synced_block" => match body.get("synced_from") {
            None | Some(Value::Null) => true,
            Some(original) => walk.sees_id(Kind::Block, original.get("block_id")),
        },
        "embed" | "bookmark" | "link_preview" => is_link_seen(walk, body.get("url")),
        _ if PLAIN.contains(&kind) => {
            // All of them are asked about, not just the first that is not seen.
            let url = |source: &str| body.get(source).and_then(|file| file.get("url"));
            let hidden = |source: &&str| !is_link_seen(walk, url(source));
            ["external", "file"].into_iter().filter(hidden).count() == 0
        }
        _ => false,
    }
}

fn is_link_seen(walk: &mut Walk, url: Option<&Value>) -> bool {
    url.and_then(Value::as_str).is_none_or(|url| walk.eyes.see_link(url))
}

/// Makes a block one that the API cannot show, in its place.
fn unsupport(walk: &Walk, block: &mut Members, kind: &str) {
    let body = if walk.names_unsupported { json!({"block_type": kind}) } else { json!({}) };
    let old = std::mem::take(block);
    for (name, value) in old {
        match name.as_str() {
            "type" => block.insert(name, "unsupported".into()),
            "has_children" => block.insert(name, false.into()),
            other if other == kind => block.insert("unsupported".to_owned(), body.clone()),
            "object" | "id" | "parent" | "created_time" | "last_edited_time" | "created_by"
            | "last_edited_by" | "archived" | "in_trash" | "request_id" => {
                block.insert(name, value)
            }
            _ => None,
        };
    }
}
