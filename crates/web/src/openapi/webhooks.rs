//! The OpenAPI document's part about webhooks.

use serde_json::{Value, json};

use super::{body, json_answer, list_of, own, path_parameter, query_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 7] {
    let id = path_parameter("id");
    let nothing = |description: &str| json!({ "description": description });
    let take = |id: &str, parameters: Value| {
        let signature = json!({
            "name": "X-Notion-Signature", "in": "header", "schema": { "type": "string" },
            "description": "`sha256=` and the HMAC-SHA256 of the body's bytes, the verification token being the key.",
        });
        let mut all = vec![signature];
        all.extend(parameters.as_array().cloned().unwrap_or_default());
        let rest = json!({
            "security": [], "parameters": all,
            "requestBody": body(json!({ "type": "object" })),
        });
        let answer = json_answer("It was taken, durably.", json!({ "type": "object" }));
        json!({ "post": own(id, "take an event from Notion", "200", answer, rest) })
    };
    let filters = [
        query_parameter("state", "`new`, `done` or `dead`."),
        query_parameter("type", "Only of this type (`page.created`, …)."),
        query_parameter("object", "Only about this object: an id or URL."),
        query_parameter("limit", "How many items, at most 1,000; 50 if not said."),
        query_parameter("cursor", "`next_cursor` of the page before."),
    ];
    let pairing = |text: &str| json_answer(text, reference("WebhookPairing"));
    [
        ("/webhooks/notion", take("receive-event", json!([]))),
        (
            "/webhooks/notion/{hook}",
            take("receive-event-of-tenant", json!([path_parameter("hook")])),
        ),
        (
            "/api/v1/webhooks/pairing",
            json!({
                "get": own("retrieve-webhook-pairing", "how the window for a new subscription stands", "200", pairing("The window."), json!({})),
                "post": own("open-webhook-pairing", "open the window for a new subscription, for ten minutes", "201", pairing("The window."), json!({})),
                "delete": own("close-webhook-pairing", "close the window", "204", nothing("It is closed."), json!({})),
            }),
        ),
        (
            "/api/v1/webhooks/subscriptions",
            json!({ "get": own("list-webhook-subscriptions", "list the subscriptions, oldest first", "200", json_answer("The subscriptions.", list_of("WebhookSubscription")), json!({})) }),
        ),
        (
            "/api/v1/webhooks/subscriptions/{id}",
            json!({ "delete": own("delete-webhook-subscription", "take nothing more by this subscription", "204", nothing("It is forgotten."), json!({ "parameters": [id] })) }),
        ),
        (
            "/api/v1/webhooks/events",
            json!({ "get": own("list-webhook-events", "list the events that came, newest first", "200", json_answer("Events.", list_of("WebhookEvent")), json!({ "parameters": filters })) }),
        ),
        (
            "/api/v1/webhooks/events/{id}/replay",
            json!({ "post": own("replay-webhook-event", "let an event be worked once more", "202", json_answer("The event.", reference("WebhookEvent")), json!({ "parameters": [id] })) }),
        ),
    ]
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 3] {
    let text = || json!({ "type": "string" });
    let maybe_text = || json!({ "type": ["string", "null"] });
    let time = || json!({ "type": "string", "format": "date-time" });
    [
        (
            "WebhookPairing",
            json!({
                "type": "object",
                "required": ["state", "url", "opened_until"],
                "properties": {
                    "state": { "enum": ["waiting", "received", "paired", "conflict", "closed"] },
                    "url": { "type": "string", "description": "What Notion is to be told as the webhook's URL." },
                    "opened_until": { "type": ["string", "null"], "format": "date-time" },
                    "verification_token": { "type": "string", "description": "To be pasted back into Notion's portal; shown as long as the window is open." },
                    "subscription": text(),
                },
            }),
        ),
        (
            "WebhookSubscription",
            json!({
                "type": "object",
                "properties": {
                    "id": text(), "created_at": time(), "created_by": text(),
                    "subscription_id": maybe_text(), "integration_id": maybe_text(),
                },
            }),
        ),
        (
            "WebhookEvent",
            json!({
                "type": "object",
                "properties": {
                    "id": text(), "type": text(), "state": { "enum": ["new", "done", "dead"] },
                    "entity": { "type": "object", "properties": { "type": text(), "id": text() } },
                    "timestamp": time(), "received_at": time(), "subscription": text(),
                    "attempts": { "type": "integer" }, "last_error": maybe_text(),
                    "event": { "type": "object", "description": "As Notion sent it." },
                },
            }),
        ),
    ]
}
