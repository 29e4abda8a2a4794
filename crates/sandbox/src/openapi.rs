//! `GET /openapi.json` and `GET /docs/{operation}.md`: what this Notion can do, made from the
//! catalogue of operations, for clients that read it (Notion's command line does).
//!
//! The document says which operations there are, since which version, with which parameters and
//! which capability. It leaves the bodies open: they differ from version to version, and what is
//! wrong with one is said by the answer to it.

use std::fmt::Write as _;

use notion::Version;
use notion::catalogue::{Answer, Auth, OPERATIONS, Operation, Place, Verb};
use serde_json::{Map, Value, json};

/// What `page_size` and `start_cursor` are, where a list is read with `GET`.
const PAGING: [(&str, &str, &str); 2] = [
    ("start_cursor", "string", "Where to go on: `next_cursor` of the answer before."),
    ("page_size", "integer", "How many at most: 1 to 100; 100 if not said."),
];

/// The OpenAPI document (3.1) of the sandbox at `base`, such as `http://127.0.0.1:3001`.
pub(crate) fn document(base: &str) -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.verb.as_str().to_lowercase()] = describe(operation, base);
    }
    let versions: Vec<&str> = Version::ALL.iter().rev().map(|version| version.as_str()).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Notion, as the sandbox speaks it",
            "version": Version::LATEST.as_str(),
            "description": "A local Notion to develop and test against; not made by Notion.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "parameters": {
                "notionVersion": {
                    "name": "Notion-Version",
                    "in": "header",
                    "required": true,
                    "description": "The dated version of the API; the newest is first.",
                    "schema": {"type": "string", "enum": versions},
                },
            },
            "responses": {
                "Refused": {
                    "description": "Notion's error object: `code` says what kind, `message` what to do.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            },
            "schemas": {"Error": error_schema()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "client": {"type": "http", "scheme": "basic", "description": "client_id:client_secret"},
            },
        },
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["object", "status", "code", "message", "request_id"],
        "properties": {
            "object": {"const": "error"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "message": {"type": "string"},
            "additional_data": {"type": "object"},
            "request_id": {"type": "string", "format": "uuid"},
        },
    })
}

fn describe(operation: &Operation, base: &str) -> Value {
    let mut out = json!({
        "operationId": operation.name,
        "summary": sentence(operation.summary),
        "description": about(operation),
        "tags": [noun(operation)],
        "x-notion-docs-ref": format!("{base}/docs/{}.md", operation.name),
        "parameters": parameters(operation),
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "default": {"$ref": "#/components/responses/Refused"},
        },
    });
    match operation.auth {
        Auth::Bearer => {}
        Auth::Client => out["security"] = json!([{"client": []}]),
        Auth::Nobody => out["security"] = json!([]),
    }
    if let Some(body) = body(operation) {
        out["requestBody"] = body;
    }
    out
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut all = Vec::new();
    if operation.auth == Auth::Bearer {
        all.push(json!({"$ref": "#/components/parameters/notionVersion"}));
    }
    for name in path_parameters(operation) {
        all.push(json!({
            "name": name, "in": "path", "required": true, "schema": {"type": "string"},
        }));
    }
    for (name, kind, text) in query_parameters(operation) {
        all.push(json!({
            "name": name, "in": "query", "required": false,
            "description": text, "schema": {"type": kind},
        }));
    }
    all
}

fn path_parameters(operation: &Operation) -> impl Iterator<Item = &'static str> {
    let inner = |part: &'static str| part.strip_prefix('{')?.strip_suffix('}');
    operation.path.split('/').filter_map(inner)
}

fn query_parameters(operation: &Operation) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    for place in operation.ids {
        if let Place::Query(name, _) = place {
            all.push((*name, "string", "An id."));
        }
    }
    let is_list = matches!(operation.answer, Answer::List(_) | Answer::Property)
        || matches!(operation.name, "list-data-source-templates" | "list-custom-emojis");
    if operation.verb == Verb::Get && is_list {
        all.extend(PAGING);
    }
    let filters = ["post-page", "retrieve-a-page", "patch-page"];
    let queries = ["post-database-query", "query-data-source"];
    if filters.contains(&operation.name) || queries.contains(&operation.name) {
        let text = "Only these properties, by id or name; may be repeated.";
        all.push(("filter_properties", "array", text));
    }
    if matches!(operation.name, "list-data-source-templates" | "list-custom-emojis") {
        all.push(("name", "string", "Only those with this in their name."));
    }
    all
}

/// A body of any JSON object, or of a file and its part number.
fn body(operation: &Operation) -> Option<Value> {
    if operation.multipart {
        return Some(json!({
            "required": true,
            "content": {"multipart/form-data": {"schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "part_number": {"type": "string"},
                },
            }}},
        }));
    }
    let writes = matches!(operation.verb, Verb::Post | Verb::Patch);
    let schema = json!({"type": "object", "additionalProperties": true});
    writes.then(|| json!({"content": {"application/json": {"schema": schema}}}))
}

/// What a person reads about an operation: `GET /docs/{operation}.md`.
pub(crate) fn page(name: &str) -> Option<String> {
    let operation = Operation::named(name)?;
    let mut text = format!(
        "# {}\n\n`{} {}`\n\n{}\n",
        sentence(operation.summary),
        operation.verb.as_str(),
        operation.path,
        about(operation)
    );
    let path = path_parameters(operation).map(|name| (name, "path", "required"));
    let query =
        query_parameters(operation).into_iter().map(|(name, _, text)| (name, "query", text));
    let mut all = path.chain(query).peekable();
    if all.peek().is_some() {
        text.push_str("\n| parameter | in | |\n|---|---|---|\n");
    }
    for (name, place, note) in all {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{name}` | {place} | {note} |");
    }
    Some(text)
}

fn about(operation: &Operation) -> String {
    let versions = match (operation.since == Version::FIRST, operation.until == Version::LATEST) {
        (true, true) => "In every version.".to_owned(),
        (false, true) => format!("Since version {}.", operation.since),
        (_, false) => format!("From version {} to {}.", operation.since, operation.until),
    };
    match operation.auth {
        Auth::Bearer => format!("{versions} Needs the capability: {}.", operation.needs),
        Auth::Client => format!("{versions} With the id and secret of the OAuth client."),
        Auth::Nobody => format!("{versions} For a browser."),
    }
}

/// `retrieve a page` as `Retrieve a page`.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The second segment of the path: `pages`, `blocks`, …
fn noun(operation: &Operation) -> &'static str {
    operation.path.split('/').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_described_once() {
        let document = document("http://127.0.0.1:1");
        let items = document["paths"].as_object().unwrap().values();
        let verbs = items.flat_map(|item| item.as_object().unwrap().values());
        let mut names: Vec<&str> =
            verbs.map(|described| described["operationId"].as_str().unwrap()).collect();
        names.sort_unstable();
        let mut expected: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        let newest = &document["components"]["parameters"]["notionVersion"]["schema"]["enum"][0];
        assert_eq!(newest, Version::LATEST.as_str());
    }

    #[test]
    fn a_page_says_what_an_operation_needs() {
        let page = page("get-block-children").unwrap();
        assert!(page.starts_with("# List the children"), "{page}");
        assert!(page.contains("`page_size`") && page.contains("`block_id`"), "{page}");
        assert!(page.contains("read_content"), "{page}");
        assert!(super::page("no-such-operation").is_none());
    }
}
