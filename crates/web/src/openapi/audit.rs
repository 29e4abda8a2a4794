//! The OpenAPI document's part about the ledger.

use serde_json::{Value, json};

use super::{body, json_answer, own, path_parameter, query_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 7] {
    let list = [
        query_parameter("principal", "Only of this principal (`key:<id>`, `operator`, `gate`)."),
        query_parameter("action", "Only this action (`read`, `write`, `write_denied`, …)."),
        query_parameter("result", "`success`, `denied` or `error`."),
        query_parameter("object", "Only about this object: an id or URL."),
        query_parameter("limit", "How many items, at most 1,000; 50 if not said."),
        query_parameter("cursor", "`next_cursor` of the page before."),
    ];
    let export = [
        query_parameter("format", "`jsonl` (default; can be checked) or `csv` (to look at)."),
        query_parameter("after", "Only what comes after this entry: what the last export has not."),
    ];
    let prune = json!({
        "type": "object", "required": ["before"], "additionalProperties": false,
        "properties": { "before": { "type": "string", "format": "date-time" } },
    });
    [
        (
            "/api/v1/audit",
            json!({ "get": own("list-audit", "list the ledger, newest first", "200", json_answer("Entries; an `unreadable` row is shown as what it is.", reference("Entries")), json!({ "parameters": list })) }),
        ),
        (
            "/api/v1/audit/verify",
            json!({ "get": own("verify-audit", "check the whole chain", "200", json_answer("What was found.", reference("Verdict")), json!({})) }),
        ),
        (
            "/api/v1/audit/export",
            json!({ "get": own("export-audit", "the ledger as text", "200", json!({ "description": "What was dropped, one entry a line, then a signed checkpoint.", "content": { "application/jsonl": {}, "text/csv": {} } }), json!({ "parameters": export })) }),
        ),
        (
            "/api/v1/audit/checkpoint",
            json!({ "get": own("read-checkpoint", "where the ledger stands, signed, to be kept elsewhere", "200", json_answer("The newest checkpoint.", json!({ "type": "object", "required": ["checkpoint"], "properties": { "checkpoint": reference("Checkpoint") } })), json!({})) }),
        ),
        (
            "/api/v1/audit/public-key",
            json!({ "get": own("read-public-key", "the key that checks the ledger's signatures", "200", json_answer("The key, in base64.", json!({ "type": "object", "required": ["algorithm", "public_key"], "properties": { "algorithm": { "const": "Ed25519" }, "public_key": { "type": "string" } } })), json!({})) }),
        ),
        (
            "/api/v1/audit/{seq}/body",
            json!({ "get": own("read-audit-body", "the body of a write, if bodies are kept (auditors only)", "200", json_answer("The body, and whether it is what the entry says.", json!({ "type": "object", "required": ["seq", "intact", "body"], "properties": { "seq": { "type": "integer" }, "intact": { "type": "boolean" }, "body": {} } })), json!({ "parameters": [path_parameter("seq")] })) }),
        ),
        (
            "/api/v1/audit/prune",
            json!({ "post": own("prune-audit", "drop old entries, leaving a signed record (operator only)", "200", json_answer("What was dropped.", json!({ "type": "object", "required": ["pruned", "entries"], "properties": { "pruned": { "oneOf": [reference("Pruned"), { "type": "null" }] }, "entries": { "type": "integer" } } })), json!({ "requestBody": body(prune) })) }),
        ),
    ]
}

/// Schemas by name.
pub(super) fn schemas() -> [(&'static str, Value); 6] {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let number = || json!({ "type": "integer" });
    let faults = [
        "gap",
        "broken",
        "changed",
        "unreadable",
        "other_tenant",
        "cut",
        "unsigned",
        "bad_checkpoint",
        "bad_pruned",
    ];
    [
        (
            "Entry",
            json!({
                "type": "object",
                "required": ["seq", "at", "principal", "tenant", "connection", "action", "operation", "resource", "result", "request_id", "prev", "hash", "metadata"],
                "properties": {
                    "seq": number(), "at": time(), "principal": text(), "tenant": text(),
                    "connection": text(), "action": text(), "operation": text(),
                    "resource": { "type": "object", "properties": { "type": text(), "id": text() } },
                    "result": { "enum": ["success", "denied", "error"] }, "reason": text(),
                    "request_id": text(), "prev": text(), "hash": text(), "metadata": { "type": "object" },
                },
            }),
        ),
        (
            "Unreadable",
            json!({
                "type": "object", "required": ["unreadable"],
                "properties": { "unreadable": {
                    "type": "object", "required": ["seq", "column"],
                    "properties": { "seq": number(), "column": text() },
                } },
            }),
        ),
        (
            "Entries",
            json!({
                "type": "object", "required": ["items", "next_cursor"],
                "properties": {
                    "items": { "type": "array", "items": { "oneOf": [reference("Entry"), reference("Unreadable")] } },
                    "next_cursor": { "type": ["string", "null"] },
                },
            }),
        ),
        (
            "Verdict",
            json!({
                "type": "object",
                "required": ["intact", "entries", "dropped"],
                "properties": {
                    "intact": { "type": "boolean" }, "entries": number(),
                    "at": { "type": ["integer", "null"], "description": "The number of the first entry that is wrong." },
                    "fault": { "enum": faults.iter().map(|it| json!(it)).chain([Value::Null]).collect::<Vec<_>>() },
                    "dropped": { "type": "array", "items": reference("Pruned") },
                    "public_key": text(),
                },
            }),
        ),
        (
            "Checkpoint",
            json!({
                "type": "object", "required": ["tenant", "seq", "hash", "signature", "public_key"],
                "properties": { "tenant": text(), "seq": number(), "hash": text(), "signature": text(), "public_key": text() },
            }),
        ),
        (
            "Pruned",
            json!({
                "type": "object",
                "required": ["tenant", "first", "first_hash", "last", "last_hash", "before", "at", "by", "signature", "public_key"],
                "properties": {
                    "tenant": text(), "first": number(), "first_hash": text(), "last": number(), "last_hash": text(),
                    "before": time(), "at": time(), "by": text(), "signature": text(), "public_key": text(),
                },
            }),
        ),
    ]
}
