//! The OpenAPI document's part about users and groups.

use serde_json::{Value, json};

use super::{body, json_answer, list_of, own, paging, path_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 5] {
    let paging = paging();
    let id = path_parameter("id");
    let one = |text: &str| json_answer(text, reference("AppUser"));
    let change = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "role": { "enum": ["viewer", "editor", "admin"] },
            "identity": { "type": "null", "description": "`null`: the person signs in as if for the first time." },
        },
    });
    let name = path_parameter("name");
    let member = json!([name, path_parameter("user")]);
    let group = |text: &str| json_answer(text, reference("Group"));
    let new_group = json!({
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": { "name": { "type": "string" } },
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
                "patch": own("update-app-user", "give a user another role, which keys and sessions follow at once; or forget who the person is where people sign in", "200", one("The user."), json!({ "parameters": [id], "requestBody": body(change) })),
                "delete": own("delete-app-user", "delete a user and end the person's keys", "204", json!({ "description": "The user is deleted." }), json!({ "parameters": [id] })),
            }),
        ),
        (
            "/api/v1/groups",
            json!({
                "get": own("list-groups", "list the groups with their members, by name", "200", json_answer("The groups.", list_of("Group")), json!({ "parameters": paging })),
                "post": own("create-group", "make a group", "201", group("The group."), json!({ "requestBody": body(new_group) })),
            }),
        ),
        (
            "/api/v1/groups/{name}",
            json!({
                "get": own("retrieve-group", "show a group", "200", group("The group."), json!({ "parameters": [name] })),
                "delete": own("delete-group", "delete a group; who was in it stays a user", "204", json!({ "description": "The group is deleted." }), json!({ "parameters": [name] })),
            }),
        ),
        (
            "/api/v1/groups/{name}/members/{user}",
            json!({
                "put": own("add-group-member", "put a user into a group", "204", json!({ "description": "The user is in it." }), json!({ "parameters": member })),
                "delete": own("remove-group-member", "take a user out of a group", "204", json!({ "description": "The user is not in it." }), json!({ "parameters": member })),
            }),
        ),
    ]
}

/// Schemas by name.
pub(super) fn schemas() -> [(&'static str, Value); 3] {
    let text = || json!({ "type": "string" });
    let role = || json!({ "enum": ["viewer", "editor", "admin"] });
    let bot_id = || json!({ "type": ["string", "null"] });
    [
        (
            "AppUser",
            json!({
                "type": "object", "required": ["id", "email", "role", "bot_id", "groups", "identity"],
                "properties": {
                    "id": text(), "email": text(), "role": role(), "bot_id": bot_id(),
                    "groups": { "type": "array", "items": text() },
                    "identity": {
                        "type": ["object", "null"], "required": ["issuer", "subject"],
                        "properties": { "issuer": text(), "subject": text() },
                        "description": "Who the person is where people sign in; known from the first sign-in on.",
                    },
                },
            }),
        ),
        (
            "Group",
            json!({
                "type": "object", "required": ["name", "created_at", "members"],
                "properties": {
                    "name": text(), "created_at": text(),
                    "members": { "type": "array", "items": {
                        "type": "object", "required": ["id", "email"], "properties": { "id": text(), "email": text() },
                    } },
                },
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
