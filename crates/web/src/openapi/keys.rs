//! The OpenAPI document's part about keys.

use serde_json::{Map, Value, json};

use super::{body, json_answer, list_of, own, paging, path_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 2] {
    let paging = paging();
    let id = path_parameter("id");
    [
        (
            "/api/v1/keys",
            json!({
                "get": own("list-keys", "list the keys, newest first; those below it, for a key that may make keys", "200", json_answer("The keys.", list_of("Key")), json!({ "parameters": paging })),
                "post": own("create-key", "make a key; a narrower one, with a key that may make keys", "201", json_answer("The key; `key` is the secret, shown this once.", reference("NewKey")), json!({ "requestBody": body(reference("KeyRequest")) })),
            }),
        ),
        (
            "/api/v1/keys/{id}",
            json!({
                "get": own("retrieve-key", "show a key", "200", json_answer("The key.", reference("ShownKey")), json!({ "parameters": [id] })),
                "delete": own("revoke-key", "end a key at once", "204", json!({ "description": "It is ended." }), json!({ "parameters": [id] })),
            }),
        ),
    ]
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 4] {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let tools = || json!({ "enum": ["agent", "official", "all"], "description": "The tools that an MCP client is offered with it, whichever path it asks." });
    let role = || json!({ "enum": ["viewer", "editor", "admin"] });
    let capabilities = || {
        json!({
            "type": "array",
            "items": { "enum": notion::Capability::ALL.map(notion::Capability::as_str) },
        })
    };
    let budget = || {
        let limits = model::Meter::ALL.map(|meter| {
            let most = meter.limit_max();
            let limit = json!({ "type": "integer", "minimum": 1, "maximum": most });
            (meter.as_str().to_owned(), limit)
        });
        json!({
            "type": "object",
            "properties": limits.into_iter().collect::<Map<_, _>>(),
            "additionalProperties": false,
        })
    };
    let key = json!({
        "id": text(), "name": text(), "connection": { "type": ["string", "null"] }, "role": role(), "within": texts(),
        "capabilities": capabilities(), "budget": budget(), "created_at": time(),
        "created_by": text(), "user": text(), "agent": text(),
        "parent": { "type": "string", "description": "The key that made it, and with which it ends." },
        "may_delegate": { "type": "boolean" }, "auditor": { "type": "boolean" }, "tools": tools(), "expires_at": maybe_time(), "revoked_at": maybe_time(),
        "state": { "enum": ["active", "expired", "revoked"] },
        "client": {
            "type": "object", "description": "The MCP client that calls by it, if a person let one in.",
            "properties": {
                "client_id": text(), "name": text(), "resource": text(), "used_at": time(),
                "redirect": { "type": "string", "description": "Where it was answered: a host, or the scheme of a program." },
                "approved_by": { "type": "string", "description": "Who let it in: an address, or how the ledger names who it was." },
            },
        },
    });
    let mut shown_key = key.clone();
    let count = || json!({ "type": "integer" });
    shown_key["usage"] = json!({
        "type": "object",
        "description": "How much of each limit of the budget is spent in the current window.",
        "additionalProperties": {
            "type": "object",
            "properties": { "limit": count(), "spent": count(), "left": count(), "resets_at": time() },
        },
    });
    let mut new_key = key.clone();
    new_key["key"] = text();
    [
        ("Key", json!({ "type": "object", "properties": key })),
        ("ShownKey", json!({ "type": "object", "properties": shown_key })),
        ("NewKey", json!({ "type": "object", "required": ["key"], "properties": new_key })),
        (
            "KeyRequest",
            json!({
                "type": "object",
                "required": ["name", "role"],
                "additionalProperties": false,
                "properties": {
                    "name": text(), "role": role(),
                    "within": { "type": "array", "items": text(), "description": "Ids or URLs of the subtrees that the key reaches; everything if empty." },
                    "capabilities": capabilities(),
                    "expires_in": { "type": ["integer", "string"], "description": "Seconds, or `30d`, `12h`, `45m`." },
                    "budget": budget(), "connection": { "type": ["string", "null"], "description": "A `bot_id`; the workspace that was connected last if not said; null for the only one, whichever that is." },
                    "user": { "type": "string", "description": "A user's id: the key never does more than that person may, and ends with the person." },
                    "may_delegate": { "type": "boolean", "description": "Whether it may make narrower keys itself. (A key of an admin that reaches everything makes keys anyway.)" },
                    "agent": { "type": "string", "description": "The program that the key is for, by a name of your choice: policies can be about all keys of an agent." },
                    "notion_shaped": { "type": "boolean", "description": "Begin like a token of Notion (`ntn_ng…`)." },
                    "tools": tools(),
                    "auditor": { "type": "boolean", "description": "May read the ledger, and bodies that it keeps. For the operator alone to say." },
                },
            }),
        ),
    ]
}
