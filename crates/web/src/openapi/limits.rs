//! The OpenAPI document's part about capabilities that are used, and about moves.

use serde_json::{Value, json};

use super::{body, json_answer, own, query_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 2] {
    let parameters = [
        query_parameter("days", "How many days are looked at; 30 if not said."),
        query_parameter("limit", "How many keys, at most 1,000; 50 if not said."),
        query_parameter("cursor", "`next_cursor` of the page before."),
    ];
    [
        (
            "/api/v1/audit/capabilities",
            json!({
                "get": own("audit-capabilities", "capabilities that are granted, and which of them are put to use", "200", json_answer("Key by key, and connection by connection.", reference("CapabilityReport")), json!({ "parameters": parameters })),
            }),
        ),
        (
            "/api/v1/moves/preview",
            json!({
                "post": own("preview-move", "which keys would gain an object by a move, and which lose it", "200", json_answer("The keys. Nothing is moved.", reference("MovePreview")), json!({ "requestBody": body(reference("MoveQuery")) })),
            }),
        ),
    ]
}

/// Schemas by name.
pub(super) fn schemas() -> [(&'static str, Value); 4] {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let words = || json!({ "type": "array", "items": text() });
    let used = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": { "capability": text(), "last_used_at": time(), "operation": text(), "calls": { "type": "integer" } },
        },
    });
    let granted = |more: Value| {
        let mut all = json!({ "granted": words(), "used": used.clone(), "unused": words() });
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
        json!({ "type": "object", "properties": all })
    };
    let keys = granted(json!({
        "id": text(), "name": text(), "role": text(), "connection": { "type": ["string", "null"] },
    }));
    let connections = granted(json!({
        "bot_id": text(), "name": text(), "known": { "type": "boolean" },
    }));
    let named = json!({
        "type": "array",
        "items": reference("KeyName"),
    });
    [
        (
            "CapabilityReport",
            json!({
                "type": "object", "required": ["since", "until", "items", "connections", "next_cursor"],
                "properties": {
                    "since": time(), "until": time(), "next_cursor": { "type": ["string", "null"] },
                    "items": { "type": "array", "items": keys },
                    "connections": { "type": "array", "items": connections },
                },
            }),
        ),
        (
            "KeyName",
            json!({ "type": "object", "properties": { "id": text(), "name": text(), "role": text() } }),
        ),
        (
            "MovePreview",
            json!({ "type": "object", "required": ["gains", "loses"], "properties": { "gains": named, "loses": named } }),
        ),
        (
            "MoveQuery",
            json!({
                "type": "object", "required": ["object", "to"], "additionalProperties": false,
                "properties": {
                    "object": { "type": "string", "description": "What is to move: an id or URL." },
                    "to": { "type": "string", "description": "Where to: an id or URL, or `workspace` for its top." },
                    "connection": { "type": "string", "description": "A `bot_id`; the caller's if not said." },
                },
            }),
        ),
    ]
}
