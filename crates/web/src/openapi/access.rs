//! The OpenAPI document's part about what a connection reaches.

use serde_json::{Value, json};

use super::{json_answer, list_of, own, path_parameter, query_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 5] {
    let whose =
        query_parameter("connection", "The bot's id; the tenant's only connection if not said.");
    let report = |text: &str| json_answer(text, reference("AccessReport"));
    let lines = "Only `page` or `data_source`: a flat list, neither kept nor compared.";
    let object = json!({ "name": "object", "in": "query", "required": true, "schema": { "type": "string" }, "description": "An id or URL." });
    let taken_for = query_parameter(
        "type",
        "What it is taken for: `page`, `database`, `data_source` or `block`.",
    );
    [
        (
            "/api/v1/access",
            json!({ "get": own("audit-access", "everything that a connection reaches", "200", json!({
            "description": "The report, objects each followed by what is below. As lines: progress, then `item`s, then the `summary`, or an `error`.",
            "content": { "application/json": { "schema": reference("AccessReport") }, "application/x-ndjson": {} },
        }), json!({ "parameters": [whose, query_parameter("type", lines)] })) }),
        ),
        (
            "/api/v1/access/last",
            json!({ "get": own("read-last-access", "the last access audit, without asking Notion", "200", report("The report."), json!({ "parameters": [whose] })) }),
        ),
        (
            "/api/v1/access/audits",
            json!({ "get": own("list-access-audits", "the access audits that are kept, newest first", "200", json_answer("When each was made, and how much it found.", list_of("AccessAudit")), json!({ "parameters": [whose] })) }),
        ),
        (
            "/api/v1/access/audits/{at}",
            json!({ "get": own("read-access-audit", "the access audit of a time", "200", report("The report."), json!({ "parameters": [path_parameter("at"), whose] })) }),
        ),
        (
            "/api/v1/access/trace",
            json!({ "get": own("trace-access", "why an object is reachable or not", "200", json_answer("Its way up, and what was shared.", reference("AccessTrace")), json!({ "parameters": [object, taken_for, whose] })) }),
        ),
    ]
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 4] {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    [
        (
            "AccessReport",
            json!({
                "type": "object",
                "required": ["connection", "name", "at", "total", "counts", "complete", "notes", "asked", "items"],
                "properties": {
                    "connection": text(), "name": text(), "workspace_name": { "type": ["string", "null"] },
                    "at": time(), "total": { "type": "integer", "description": "Pages and data sources." },
                    "counts": { "type": "object", "properties": { "page": { "type": "integer" }, "database": { "type": "integer" }, "data_source": { "type": "integer" } } },
                    "complete": { "type": "boolean" }, "notes": texts(), "asked": { "type": "object" },
                    "items": { "type": "array", "items": reference("AccessItem") },
                    "compared": {
                        "type": "object",
                        "description": "The difference to the audit before.",
                        "properties": { "with": time(), "added": { "type": "array" }, "removed": { "type": "array" } },
                    },
                },
            }),
        ),
        (
            "AccessItem",
            json!({
                "type": "object",
                "required": ["type", "id", "title", "parent", "depth", "below"],
                "properties": {
                    "type": { "enum": ["page", "database", "data_source"] }, "id": text(), "title": text(),
                    "parent": { "type": ["object", "null"], "description": "`null`: shared itself, as far as search tells." },
                    "out_of_reach": { "type": "object", "description": "What is above it, where the connection does not see that." },
                    "depth": { "type": "integer" },
                    "below": { "type": "integer", "description": "Pages and data sources below it, at any depth." },
                    "url": { "type": ["string", "null"] }, "last_edited_time": maybe_time(),
                    "last_edited_by": { "type": ["string", "null"] },
                    "in_trash": { "type": "boolean" }, "archived": { "type": "boolean" },
                },
            }),
        ),
        (
            "AccessAudit",
            json!({
                "type": "object",
                "properties": { "at": time(), "total": { "type": "integer" } },
            }),
        ),
        (
            "AccessTrace",
            json!({
                "type": "object",
                "required": ["connection", "reachable", "answer", "because", "advice", "chain", "rules"],
                "properties": {
                    "connection": text(), "name": text(), "reachable": { "type": "boolean" },
                    "answer": { "enum": ["shared_directly", "inherited", "not_reachable"] },
                    "because": text(), "advice": text(),
                    "chain": { "type": "array", "description": "The object, then what is above it." },
                    "granted_by": { "type": ["object", "null"] }, "notes": texts(), "rules": texts(),
                },
            }),
        ),
    ]
}
