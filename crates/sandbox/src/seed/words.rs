//! Blocks, shortly.

use notion::Id;
use serde_json::{Value, json};

/// Plain text as rich text.
pub(super) fn text(text: &str) -> Value {
    json!([{"text": {"content": text}}])
}

fn block(kind: &str, body: &Value) -> Value {
    json!({"type": kind, kind: body})
}

pub(super) fn paragraph(words: &str) -> Value {
    block("paragraph", &json!({"rich_text": text(words)}))
}

/// A paragraph of several runs.
pub(super) fn rich(runs: &Value) -> Value {
    block("paragraph", &json!({"rich_text": runs}))
}

pub(super) fn heading(level: u8, words: &str) -> Value {
    block(&format!("heading_{level}"), &json!({"rich_text": text(words)}))
}

pub(super) fn bullet(words: &str) -> Value {
    block("bulleted_list_item", &json!({"rich_text": text(words)}))
}

pub(super) fn step(words: &str) -> Value {
    block("numbered_list_item", &json!({"rich_text": text(words)}))
}

pub(super) fn to_do(words: &str, checked: bool) -> Value {
    block("to_do", &json!({"rich_text": text(words), "checked": checked}))
}

pub(super) fn quote(words: &str) -> Value {
    block("quote", &json!({"rich_text": text(words)}))
}

pub(super) fn divider() -> Value {
    block("divider", &json!({}))
}

pub(super) fn contents() -> Value {
    block("table_of_contents", &json!({"color": "gray"}))
}

pub(super) fn callout(icon: &str, words: &str) -> Value {
    block(
        "callout",
        &json!({"rich_text": text(words), "icon": {"emoji": icon}, "color": "blue_background"}),
    )
}

pub(super) fn code(language: &str, words: &str) -> Value {
    block("code", &json!({"rich_text": text(words), "language": language}))
}

pub(super) fn equation(expression: &str) -> Value {
    block("equation", &json!({"expression": expression}))
}

pub(super) fn bookmark(url: &str) -> Value {
    block("bookmark", &json!({"url": url}))
}

pub(super) fn image(url: &str, caption: &str) -> Value {
    block("image", &json!({"external": {"url": url}, "caption": text(caption)}))
}

pub(super) fn toggle(words: &str, children: Vec<Value>) -> Value {
    block("toggle", &json!({"rich_text": text(words), "children": children}))
}

pub(super) fn columns(columns: Vec<Vec<Value>>) -> Value {
    let columns: Vec<Value> = columns
        .into_iter()
        .map(|children| block("column", &json!({"children": children})))
        .collect();
    block("column_list", &json!({"children": columns}))
}

pub(super) fn table(rows: &[&[&str]]) -> Value {
    let width = rows.first().map_or(1, |row| row.len());
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let cells: Vec<Value> = row.iter().map(|cell| text(cell)).collect();
            block("table_row", &json!({"cells": cells}))
        })
        .collect();
    block("table", &json!({"table_width": width, "has_column_header": true, "children": rows}))
}

/// The original of a synced block.
pub(super) fn synced(children: Vec<Value>) -> Value {
    block("synced_block", &json!({"synced_from": null, "children": children}))
}

/// A copy of a synced block.
pub(super) fn synced_copy(of: Id) -> Value {
    block("synced_block", &json!({"synced_from": {"block_id": of}}))
}

pub(super) fn link(page: Id) -> Value {
    block("link_to_page", &json!({"page_id": page}))
}

pub(super) fn mention_person(id: Id) -> Value {
    json!({"mention": {"user": {"id": id}}})
}

pub(super) fn mention_page(id: Id) -> Value {
    json!({"mention": {"page": {"id": id}}})
}

pub(super) fn mention_day(day: &str) -> Value {
    json!({"mention": {"date": {"start": day}}})
}

pub(super) fn run(words: &str) -> Value {
    json!({"text": {"content": words}})
}

pub(super) fn bold(words: &str) -> Value {
    json!({"text": {"content": words}, "annotations": {"bold": true}})
}

pub(super) fn linked(words: &str, url: &str) -> Value {
    json!({"text": {"content": words, "link": {"url": url}}})
}
