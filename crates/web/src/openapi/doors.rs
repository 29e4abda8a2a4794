//! The OpenAPI document's part about health, metrics, and the ways in for browsers.

use serde_json::{Value, json};

use super::{json_answer, own, query_parameter};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 10] {
    let open = json!({ "security": [] });
    [
        (
            "/health",
            json!({ "get": own("health", "the state of everything that calls need", "200", json_answer("Its state.", json!({ "type": "object" })), open.clone()) }),
        ),
        (
            "/health/live",
            json!({ "get": own("live", "whether the process answers", "200", json_answer("It does.", json!({ "type": "object" })), open.clone()) }),
        ),
        (
            "/health/ready",
            json!({ "get": own("ready", "whether requests can be taken (503 if not)", "200", json_answer("They can.", json!({ "type": "object" })), open.clone()) }),
        ),
        (
            "/metrics",
            json!({ "get": own("metrics", "counters for Prometheus", "200", json!({ "description": "The counters.", "content": { "application/openmetrics-text": {} } }), open.clone()) }),
        ),
        (
            "/auth/notion",
            json!({ "get": own("begin-install", "send a person to Notion to connect a workspace", "302", json!({ "description": "To Notion." }), json!({
            "security": [],
            "parameters": [query_parameter("owner", "On whose behalf: `user` (if not said) or `workspace`.")],
        })) }),
        ),
        (
            "/auth/notion/callback",
            json!({ "get": own("finish-install", "where Notion sends the person back to", "302", json!({ "description": "To the dashboard." }), json!({
            "security": [],
            "parameters": [
                query_parameter("code", "What the token is got with."),
                query_parameter("state", "As it was sent."),
                query_parameter("error", "Why there is no code."),
            ],
        })) }),
        ),
        (
            "/auth/notion/sign-in",
            json!({ "get": own("begin-sign-in-at-notion", "send a person to Notion to sign in", "302", json!({ "description": "To Notion." }), json!({
            "security": [],
            "parameters": [
                query_parameter("next", "The page of this gate to go on to."),
                query_parameter("tenant", "For which tenant, if the person is a user of several."),
            ],
        })) }),
        ),
        (
            "/auth/oidc",
            json!({ "get": own("begin-sign-in", "send a person to the provider to sign in", "302", json!({ "description": "To the provider." }), json!({
            "security": [],
            "parameters": [
                query_parameter("next", "The page of the dashboard to go on to."),
                query_parameter("tenant", "For which tenant, if the person is a user of several."),
            ],
        })) }),
        ),
        (
            "/auth/oidc/callback",
            json!({ "get": own("finish-sign-in", "where the provider sends the person back to", "303", json!({ "description": "To the dashboard." }), json!({
            "security": [],
            "parameters": [
                query_parameter("code", "What the tokens are got with."),
                query_parameter("state", "As it was sent."),
                query_parameter("iss", "Who answers."),
                query_parameter("error", "Why there is no code."),
            ],
        })) }),
        ),
        (
            "/api/openapi.json",
            json!({ "get": own("openapi", "this document", "200", json_answer("This document.", json!({ "type": "object" })), open) }),
        ),
    ]
}
