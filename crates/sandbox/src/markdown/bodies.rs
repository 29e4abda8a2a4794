//! The members of blocks that are read from markdown, with the keys in the order that requests
//! give them.

use serde_json::{Map, Value, json};

use super::Reading;
use crate::input::blocks::Draft;
use crate::input::files::name_in_url;

/// A block without children and id.
pub(super) fn draft(kind: &'static str, body: Value) -> Draft {
    Draft { id: None, kind, body, children: Vec::new() }
}

/// A block of text; `more` stands before the colour.
pub(super) fn text(kind: &'static str, runs: Vec<Value>, more: Value, color: &str) -> Draft {
    let mut body = Map::new();
    body.insert("rich_text".to_owned(), runs.into());
    if let Value::Object(more) = more {
        body.extend(more);
    }
    body.insert("color".to_owned(), color.into());
    draft(kind, Value::Object(body))
}

pub(super) fn paragraph(runs: Vec<Value>, color: &str) -> Draft {
    text("paragraph", runs, json!({"icon": null}), color)
}

pub(super) fn heading(level: usize, runs: Vec<Value>, is_toggle: bool, color: &str) -> Draft {
    let kinds = ["heading_1", "heading_2", "heading_3", "heading_4"];
    let kind = kinds[level.clamp(1, kinds.len()) - 1];
    text(kind, runs, json!({"is_toggleable": is_toggle}), color)
}

/// A file somewhere else. Captions of those whose address is none are lost with it.
pub(super) fn media(kind: &'static str, url: &str, caption: Vec<Value>) -> Draft {
    let mut body = json!({"caption": caption, "type": "external", "external": {"url": url}});
    if kind == "file" {
        body["name"] = name_in_url(url).into();
    }
    draft(kind, body)
}

/// A table of these rows; short rows are filled up.
pub(super) fn table(rows: Vec<Vec<Vec<Value>>>, header_row: bool, header_column: bool) -> Draft {
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut table = draft(
        "table",
        json!({"table_width": width, "has_column_header": header_row,
            "has_row_header": header_column}),
    );
    table.children = rows
        .into_iter()
        .map(|mut cells| {
            cells.resize(width, Vec::new());
            draft("table_row", json!({"cells": cells}))
        })
        .collect();
    table
}

/// An icon as an attribute shows it.
pub(super) fn icon_out(icon: &Value) -> Option<String> {
    let kind = icon["type"].as_str()?;
    let member = &icon[kind];
    match kind {
        "emoji" => member.as_str().map(str::to_owned),
        "icon" => Some(format!("icon:{}_{}", member["name"].as_str()?, member["color"].as_str()?)),
        "custom_emoji" => Some(format!(":{}:", member["name"].as_str()?)),
        _ => member["url"].as_str().map(str::to_owned),
    }
}

/// The icon that an attribute means.
pub(super) fn icon_in(text: &str, reading: &Reading) -> Value {
    if let Some((name, color)) = text.strip_prefix("icon:").and_then(|rest| rest.rsplit_once('_')) {
        return json!({"type": "icon", "icon": {"name": name, "color": color}});
    }
    if text.contains("://") {
        return json!({"type": "external", "external": {"url": text}});
    }
    if let Some(name) = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')) {
        return (reading.emoji)(name)
            .map_or(Value::Null, |emoji| json!({"type": "custom_emoji", "custom_emoji": emoji}));
    }
    if text.is_empty() || text.len() > 100 {
        return Value::Null;
    }
    json!({"type": "emoji", "emoji": text})
}
