//! The OpenAPI document's part about users.

use serde_json::{Value, json};

use super::{body, json_answer, list_of, own, path_parameter, query_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 2] {
    let paging = [
        query_parameter("limit", "How many items, at most 1,000; 50 if not said."),
        query_parameter("cursor", "`next_cursor` of the page before."),
    ];
    let id = path_parameter("id");
    let one = |text: &str| json_answer(text, reference("AppUser"));
    let role = json!({
        "type": "object", "required": ["role"], "additionalProperties": false,
        "properties": { "role": { "enum": ["viewer", "editor", "admin"] } },
    });
    [
        (
            "/api/v1/users",
            json!({
                "get": own("list-app-users", "list the users, newest first", "200", json_answer("The users.", list_of("AppUser")), json!({ "parameters": paging })),
                "post": own("create-app-user", "make a user", "201", one("The user."), json!({ "requestBody": body(reference("AppUserRequest")) })),
            }),
        ),
        (
            "/api/v1/users/{id}",
            json!({
                "get": own("retrieve-app-user", "show a user", "200", one("The user."), json!({ "parameters": [id] })),
                "patch": own("update-app-user", "give a user another role; the person's keys follow at once", "200", one("The user."), json!({ "parameters": [id], "requestBody": body(role) })),
                "delete": own("delete-app-user", "delete a user and end the person's keys", "204", json!({ "description": "The user is deleted." }), json!({ "parameters": [id] })),
            }),
        ),
    ]
}

/// Schemas by name.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let text = || json!({ "type": "string" });
    let role = || json!({ "enum": ["viewer", "editor", "admin"] });
    let bot_id = || json!({ "type": ["string", "null"] });
    [
        (
            "AppUser",
            json!({
                "type": "object", "required": ["id", "email", "role", "bot_id"],
                "properties": { "id": text(), "email": text(), "role": role(), "bot_id": bot_id() },
            }),
        ),
        (
            "AppUserRequest",
            json!({
                "type": "object", "required": ["email", "role"], "additionalProperties": false,
                "properties": { "email": text(), "role": role(), "bot_id": bot_id() },
            }),
        ),
    ]
}
