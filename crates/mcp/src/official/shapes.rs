//! What Notion's objects are made of, as far as it takes to tell a text from an object: never shown to
//! clients, since it would cost them thousands of tokens, and no schema that anything is checked by.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// The types of blocks.
const BLOCKS: [&str; 33] = [
    "audio",
    "bookmark",
    "breadcrumb",
    "bulleted_list_item",
    "callout",
    "code",
    "column",
    "column_list",
    "divider",
    "embed",
    "equation",
    "file",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "image",
    "link_to_page",
    "meeting_notes",
    "numbered_list_item",
    "paragraph",
    "pdf",
    "quote",
    "synced_block",
    "tab",
    "table",
    "table_of_contents",
    "table_row",
    "template",
    "to_do",
    "toggle",
    "transcription",
    "video",
];

/// The types of columns.
const COLUMNS: [&str; 22] = [
    "title",
    "rich_text",
    "number",
    "select",
    "multi_select",
    "status",
    "date",
    "people",
    "files",
    "checkbox",
    "url",
    "email",
    "phone_number",
    "formula",
    "relation",
    "rollup",
    "created_time",
    "created_by",
    "last_edited_time",
    "last_edited_by",
    "unique_id",
    "button",
];

/// The types of blocks, as arguments of their own.
pub(super) fn block_types() -> Map<String, Value> {
    each(&BLOCKS, &json!({ "type": "object", "$ref": "body" }))
}

fn each(names: &[&str], shape: &Value) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), shape.clone())).collect()
}

/// The shape that `$ref` names.
pub(super) fn named(name: &str) -> Option<&'static Value> {
    static SHAPES: OnceLock<Value> = OnceLock::new();
    SHAPES.get_or_init(all).get(name)
}

fn all() -> Value {
    let object = json!({ "type": "object" });
    let maybe = json!({ "type": ["object", "null"] });
    let texts = json!({ "type": "array", "items": { "type": "object", "$ref": "text" } });
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let blocks = json!({ "type": "array", "items": { "type": "object", "$ref": "block" } });
    let flag = json!({ "type": "boolean" });
    let filters = json!({ "type": "array", "items": { "type": "object", "$ref": "filter" } });
    let mut conditions = each(&COLUMNS, &object);
    conditions.extend([
        ("and".to_owned(), filters.clone()),
        ("or".to_owned(), filters),
        ("timestamp".to_owned(), json!({ "type": "string" })),
        ("checkbox".to_owned(), json!({ "type": "object", "additionalProperties": flag })),
        (
            "number".to_owned(),
            json!({ "type": "object", "additionalProperties": { "type": ["number", "boolean"] } }),
        ),
    ]);
    json!({
        "block": { "properties": block_types() },
        "body": { "properties": {
            "rich_text": texts, "caption": texts, "children": blocks,
            "cells": { "type": "array", "items": texts },
            "icon": maybe, "external": object, "file_upload": object, "synced_from": maybe,
            "checked": flag, "is_toggleable": flag,
            "has_column_header": flag, "has_row_header": flag,
            "table_width": { "type": "integer" }, "width_ratio": { "type": "number" },
        }},
        "text": { "properties": {
            "text": { "type": "object", "properties": { "link": maybe } },
            "mention": object, "equation": object,
            "annotations": { "type": "object", "properties": each(
                &["bold", "italic", "strikethrough", "underline", "code"], &flag) },
        }},
        "values": { "additionalProperties": { "type": ["object", "array"], "$ref": "value" } },
        "value": {
            "items": { "type": "object", "$ref": "text" },
            "properties": {
                "title": texts, "rich_text": texts, "number": { "type": ["number", "null"] },
                "select": maybe, "multi_select": objects, "status": maybe, "date": maybe,
                "people": objects, "files": objects, "relation": objects, "checkbox": flag,
            },
        },
        "columns": { "additionalProperties": { "type": ["object", "null"], "$ref": "column" } },
        "column": { "properties": each(&COLUMNS, &object) },
        "filter": { "properties": conditions },
    })
}

/// A schema without what is not for clients.
pub(super) fn shown(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let rest = members.iter().filter(|(name, _)| *name != "$ref");
            Value::Object(rest.map(|(name, value)| (name.clone(), shown(value))).collect())
        }
        Value::Array(elements) => elements.iter().map(shown).collect(),
        other => other.clone(),
    }
}
