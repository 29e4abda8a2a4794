//! The OpenAPI document's part about policies.

use serde_json::{Value, json};

use super::{body, json_answer, list_of, own, paging, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 6] {
    let paging = paging();
    let text = json!({
        "type": "object", "required": ["text"], "additionalProperties": false,
        "properties": { "text": { "type": "string", "description": "Policies, in Cedar." } },
    });
    let of_key = json!({
        "type": "object", "required": ["key"], "additionalProperties": false,
        "properties": { "key": { "type": "string", "description": "The id of a key." } },
    });
    [
        (
            "/api/v1/policies",
            json!({
                "get": own("show-policies", "show the policies in force", "200", json_answer("The policies.", reference("Policies")), json!({})),
                "put": own("change-policies", "put other policies of one's own into force, all at once", "200", json_answer("The policies, in force from now on.", reference("Policies")), json!({ "requestBody": body(reference("PolicyChange")) })),
            }),
        ),
        (
            "/api/v1/policies/versions",
            json!({
                "get": own("list-policy-versions", "list the versions of one's own policies, newest first", "200", json_answer("The versions.", list_of("PolicyVersion")), json!({ "parameters": paging })),
            }),
        ),
        (
            "/api/v1/policies/validate",
            json!({
                "post": own("validate-policies", "check whether policies would be taken", "200", json_answer("What is wrong with them.", reference("PolicyValidity")), json!({ "requestBody": body(text) })),
            }),
        ),
        (
            "/api/v1/policy/explain",
            json!({
                "post": own("explain-policy", "say whether somebody may do something, and why", "200", json_answer("The decision.", reference("Explanation")), json!({ "requestBody": body(reference("ExplainRequest")) })),
            }),
        ),
        (
            "/api/v1/policy/what-if",
            json!({
                "post": own("try-policies", "try other policies on the calls of the ledger", "200", json_answer("What they would change.", reference("PolicyReplay")), json!({ "requestBody": body(reference("PolicyTrial")) })),
            }),
        ),
        (
            "/api/v1/policy/suggest",
            json!({
                "post": own("suggest-policy", "say the least that covers what a key did", "200", json_answer("Role, capabilities, scope and policy.", reference("PolicySuggestion")), json!({ "requestBody": body(of_key) })),
            }),
        ),
    ]
}

/// Schemas by name.
pub(super) fn schemas() -> [(&'static str, Value); 9] {
    let text = || json!({ "type": "string" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let version = json!({
        "version": { "type": "integer", "minimum": 0, "description": "0 for none of one's own." },
        "text": { "type": "string", "description": "One's own policies, in Cedar." },
        "made_at": { "type": ["string", "null"], "format": "date-time" },
        "made_by": maybe("string"), "note": text(),
    });
    let mut shown = version.clone();
    shown["built_in"] =
        json!({ "type": "string", "description": "The built-in policies, in Cedar." });
    shown["policies"] = json!({
        "type": "array",
        "items": {
            "type": "object", "required": ["id", "effect", "says", "own"],
            "properties": {
                "id": text(), "effect": { "enum": ["permit", "forbid"] }, "says": text(),
                "own": { "type": "boolean" },
            },
        },
    });
    let object = |required: Value, properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    let closed = |required: Value, properties: Value| json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties });
    let texts = || json!({ "type": "array", "items": text() });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let changes = json!({
        "type": "array",
        "items": object(json!(["principal", "name", "operation", "object", "calls", "rule", "because", "hidden"]), json!({
            "principal": text(), "name": text(), "operation": text(), "object": maybe("string"),
            "calls": count(), "rule": text(), "because": text(), "hidden": { "type": "boolean" },
        })),
    });
    let extent = || json!({ "enum": ["whole", "masked", "hidden"] });
    let columns = json!({
        "type": "array",
        "items": object(json!(["principal", "name", "table", "property", "before", "after", "rule", "calls"]), json!({
            "principal": text(), "name": text(), "table": text(), "property": text(), "before": extent(),
            "after": extent(), "rule": maybe("string"), "calls": count(),
        })),
    });
    [
        (
            "PolicyTrial",
            closed(
                json!(["text"]),
                json!({
                    "text": { "type": "string", "description": "All of one's own policies, in Cedar." },
                    "entries": { "type": ["integer", "null"], "minimum": 0, "description": "So many of the ledger's newest entries are looked at: 10,000 if not said, at most 100,000." },
                }),
            ),
        ),
        (
            "PolicyReplay",
            object(
                json!(["calls", "unknown", "newly_allowed", "newly_refused", "columns"]),
                json!({
                    "calls": count(), "unknown": count(), "newly_allowed": changes.clone(),
                    "newly_refused": changes, "columns": columns,
                }),
            ),
        ),
        (
            "PolicySuggestion",
            object(
                json!(["key", "calls", "unknown", "role", "capabilities", "within", "policy"]),
                json!({
                    "key": text(), "calls": count(), "unknown": count(),
                    "role": text(), "capabilities": texts(), "within": texts(),
                    "policy": { "type": "string", "description": "A policy, in Cedar, that leaves the key just the operations that it used." },
                }),
            ),
        ),
        (
            "PolicyVersion",
            object(json!(["version", "text", "made_at", "made_by", "note"]), version),
        ),
        ("Policies", object(json!(["version", "text", "built_in", "policies"]), shown)),
        (
            "PolicyChange",
            closed(
                json!(["text"]),
                json!({
                    "text": { "type": "string", "description": "All of one's own policies, in Cedar; empty for none." },
                    "note": { "type": "string", "description": "Why." },
                    "version": { "type": ["integer", "null"], "description": "The version that the change starts from: if another is in force by now, the answer is 409." },
                }),
            ),
        ),
        (
            "PolicyValidity",
            object(
                json!(["valid", "faults"]),
                json!({
                    "valid": { "type": "boolean" },
                    "faults": { "type": "array", "items": object(json!(["message"]), json!({
                        "message": text(), "help": maybe("string"), "line": maybe("integer"),
                        "column": maybe("integer"),
                    })) },
                }),
            ),
        ),
        (
            "ExplainRequest",
            closed(
                json!(["operation"]),
                json!({
                    "key": { "type": "string", "description": "The id of a key." },
                    "principal": { "type": "string", "description": "In place of `key`: `key:<id>`, `user:<id>`, `role:<role>` or `operator`." },
                    "operation": { "type": "string", "description": "Notion's operation id, with `/delete` where its body makes it a deletion; or `manage`, `see-property`, `read-property`." },
                    "object": { "type": "string", "description": "An id or URL; nothing for what concerns the whole workspace." },
                    "property": { "type": "string", "description": "For `see-property` and `read-property`: a column of the data source that `object` is, by its name or id." },
                }),
            ),
        ),
        (
            "Explanation",
            object(
                json!([
                    "decision",
                    "rule",
                    "because",
                    "hidden",
                    "masked",
                    "principal",
                    "operation",
                    "object"
                ]),
                json!({
                    "decision": { "enum": ["allow", "deny"] },
                    "rule": { "type": "string", "description": "The id of a policy, or the word for a rule that is none (`role`, `scope`, `capability`, …)." },
                    "because": text(),
                    "needed": { "type": "string", "description": "What would have to be otherwise." },
                    "hidden": { "type": "boolean", "description": "Whether the object does not exist for the caller: the answer is a 404." },
                    "masked": { "type": "boolean", "description": "Whether the column is there for the caller, but without its values." },
                    "principal": text(), "operation": text(), "object": maybe("string"),
                    "path": { "type": "array", "items": text(), "description": "The object and what is above it, nearest first." },
                }),
            ),
        ),
    ]
}
