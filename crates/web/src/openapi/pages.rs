//! The OpenAPI document's part about pages, in notegate's own short form.

use serde_json::{Value, json};

use super::{body, json_answer, own, path_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 4] {
    [
        ("/api/v1/pages", all("")),
        ("/api/v1/pages/{id}", one("")),
        ("/api/pages", all("-short")),
        ("/api/pages/{id}", one("-short")),
    ]
}

fn page() -> Value {
    json_answer("The page, as Notion answers it.", json!({ "type": "object" }))
}

fn all(suffix: &str) -> Value {
    json!({ "post": own(&format!("create-page{suffix}"), "create a page", "201", page(), json!({ "requestBody": body(reference("NewPage")) })) })
}

fn one(suffix: &str) -> Value {
    let id = path_parameter("id");
    json!({
        "get": own(&format!("read-page{suffix}"), "retrieve a page", "200", page(), json!({ "parameters": [id] })),
        "delete": own(&format!("trash-page{suffix}"), "move a page to the trash", "200", page(), json!({ "parameters": [id] })),
    })
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 1] {
    let text = || json!({ "type": "string" });
    [(
        "NewPage",
        json!({
            "type": "object",
            "required": ["parent"],
            "additionalProperties": false,
            "properties": {
                "parent": { "description": "An id or URL of a page, or a parent object as Notion writes it." },
                "title": text(), "markdown": text(), "children": { "type": "array" },
                "properties": { "type": "object" }, "icon": { "type": "object" },
            },
        }),
    )]
}
