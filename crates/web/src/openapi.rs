//! The OpenAPI document: our own routes by hand, in a file for each subject, Notion's from the catalogue.

mod access;
mod audit;
mod doors;
mod keys;
mod limits;
mod oauth;
mod pages;
mod policies;
mod users;
mod vault;
mod webhooks;
mod workspaces;

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Json;
use http::Method;
use notion::catalogue::OPERATIONS;
use serde_json::{Map, Value, json};

/// `GET /api/openapi.json`.
pub(crate) async fn document() -> Json<Value> {
    Json(build())
}

/// The name of each operation, by method and path.
static OPERATION_IDS: LazyLock<HashMap<(String, String), String>> = LazyLock::new(|| {
    let mut ids = HashMap::new();
    for (path, item) in own_paths() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            ids.insert((method.to_uppercase(), path.clone()), id);
        }
    }
    ids
});

/// The name of an operation of ours.
pub(crate) fn operation_id(method: &Method, path: &str) -> Option<&'static str> {
    OPERATION_IDS.get(&(method.to_string(), path.to_owned())).map(String::as_str)
}

/// The whole document (OpenAPI 3.1).
pub(crate) fn build() -> Value {
    let mut paths = own_paths();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        item[operation.verb.as_str().to_lowercase()] = notion_operation(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "notegate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A gate in front of Notion: `/v1` is Notion's REST API for the part of the \
                            workspace that a key opens; `/api/v1` is notegate's own.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of this gate (`ngk_…`)." },
            },
            "schemas": schemas(),
            "responses": {
                "Problem": {
                    "description": "What happened, and what to do (RFC 9457).",
                    "content": { "application/problem+json": { "schema": reference("Problem") } },
                },
                "NotionError": {
                    "description": "Notion's error object; a refusal of the gate has the header `x-notegate-reason`.",
                    "content": { "application/json": { "schema": reference("NotionError") } },
                },
            },
        },
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn notion_operation(operation: &notion::Operation) -> Value {
    let mut parameters = vec![json!({
        "name": "Notion-Version", "in": "header", "required": true, "schema": { "type": "string" },
    })];
    for part in operation.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            parameters.push(path_parameter(name));
        }
    }
    json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["Notion"],
        "parameters": parameters,
        "responses": {
            "200": { "description": "As Notion answers it.", "content": { "application/json": {} } },
            "default": { "$ref": "#/components/responses/NotionError" },
        },
    })
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn query_parameter(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": description })
}

/// How a list is paged through.
fn paging() -> [Value; 2] {
    [
        query_parameter("limit", "How many items, at most 1,000; 50 if not said."),
        query_parameter("cursor", "`next_cursor` of the page before."),
    ]
}

/// One operation of ours.
fn own(id: &str, summary: &str, status: &str, answer: Value, rest: Value) -> Value {
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "tags": ["notegate"],
        "responses": {
            status: answer,
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let (Some(operation), Some(rest)) = (operation.as_object_mut(), rest.as_object()) {
        operation.extend(rest.clone());
    }
    operation
}

fn json_answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn list_of(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": { "type": "array", "items": reference(name) },
            "next_cursor": { "type": ["string", "null"] },
        },
    })
}

fn body(schema: Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn own_paths() -> Map<String, Value> {
    let parts = doors::paths()
        .into_iter()
        .chain(keys::paths())
        .chain(workspaces::paths())
        .chain(access::paths())
        .chain(vault::paths())
        .chain(pages::paths())
        .chain(webhooks::paths())
        .chain(users::paths())
        .chain(audit::paths())
        .chain(limits::paths())
        .chain(policies::paths())
        .chain(oauth::paths());
    parts.map(|(path, item)| (path.to_owned(), item)).collect()
}

fn schemas() -> Map<String, Value> {
    let parts = workspaces::schemas()
        .into_iter()
        .chain(keys::schemas())
        .chain(oauth::schemas())
        .chain(pages::schemas())
        .chain(access::schemas())
        .chain(vault::schemas())
        .chain(errors())
        .chain(webhooks::schemas())
        .chain(users::schemas())
        .chain(audit::schemas())
        .chain(limits::schemas())
        .chain(policies::schemas());
    parts.map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// What every route answers that refuses.
fn errors() -> [(&'static str, Value); 2] {
    let text = || json!({ "type": "string" });
    [
        (
            "Problem",
            json!({
                "type": "object",
                "required": ["type", "title", "status", "code", "detail"],
                "properties": {
                    "type": text(), "title": text(), "status": { "type": "integer" }, "code": text(),
                    "detail": text(), "advice": text(),
                },
            }),
        ),
        (
            "NotionError",
            json!({
                "type": "object",
                "required": ["object", "status", "code", "message"],
                "properties": {
                    "object": { "const": "error" }, "status": { "type": "integer" }, "code": text(),
                    "message": text(), "additional_data": { "type": "object" }, "request_id": text(),
                },
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_complete_and_its_references_resolve() {
        let document = build();
        let paths = document["paths"].as_object().unwrap();
        let operations: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
        let own: usize = own_paths().values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(operations, own + OPERATIONS.len());

        insta::assert_json_snapshot!(document, { ".info.version" => "[version]" });
        let text = document.to_string();
        let mut ids = std::collections::HashSet::new();
        for item in paths.values().flat_map(|item| item.as_object().unwrap().values()) {
            assert!(ids.insert(item["operationId"].as_str().unwrap()), "{item}");
        }
        for part in text.split("\"#/").skip(1) {
            let pointer = format!("/{}", part.split('"').next().unwrap());
            assert!(document.pointer(&pointer).is_some(), "{pointer}");
        }
    }
}
