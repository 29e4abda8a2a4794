//! The OpenAPI document: our own routes by hand, Notion's from the catalogue.

mod audit;
mod limits;
mod policies;
mod users;
mod webhooks;

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Json;
use http::Method;
use notion::catalogue::OPERATIONS;
use serde_json::{Map, Value, json};

/// `GET /api/openapi.json`.
pub(crate) async fn document() -> Json<Value> {
    Json(build())
}

/// The name of each operation, by method and path.
static OPERATION_IDS: LazyLock<HashMap<(String, String), String>> = LazyLock::new(|| {
    let mut ids = HashMap::new();
    for (path, item) in own_paths() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            ids.insert((method.to_uppercase(), path.clone()), id);
        }
    }
    ids
});

/// The name of an operation of ours.
pub(crate) fn operation_id(method: &Method, path: &str) -> Option<&'static str> {
    OPERATION_IDS.get(&(method.to_string(), path.to_owned())).map(String::as_str)
}

/// The whole document (OpenAPI 3.1).
pub(crate) fn build() -> Value {
    let mut paths = own_paths();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        item[operation.verb.as_str().to_lowercase()] = notion_operation(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "notegate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A gate in front of Notion: `/v1` is Notion's REST API for the part of the \
                            workspace that a key opens; `/api/v1` is notegate's own.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of this gate (`ngk_…`)." },
            },
            "schemas": schemas(),
            "responses": {
                "Problem": {
                    "description": "What happened, and what to do (RFC 9457).",
                    "content": { "application/problem+json": { "schema": reference("Problem") } },
                },
                "NotionError": {
                    "description": "Notion's error object; a refusal of the gate has the header `x-notegate-reason`.",
                    "content": { "application/json": { "schema": reference("NotionError") } },
                },
            },
        },
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn notion_operation(operation: &notion::Operation) -> Value {
    let mut parameters = vec![json!({
        "name": "Notion-Version", "in": "header", "required": true, "schema": { "type": "string" },
    })];
    for part in operation.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            parameters.push(path_parameter(name));
        }
    }
    json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["Notion"],
        "parameters": parameters,
        "responses": {
            "200": { "description": "As Notion answers it.", "content": { "application/json": {} } },
            "default": { "$ref": "#/components/responses/NotionError" },
        },
    })
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn query_parameter(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": description })
}

/// One operation of ours.
fn own(id: &str, summary: &str, status: &str, answer: Value, rest: Value) -> Value {
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "tags": ["notegate"],
        "responses": {
            status: answer,
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let (Some(operation), Some(rest)) = (operation.as_object_mut(), rest.as_object()) {
        operation.extend(rest.clone());
    }
    operation
}

fn json_answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn list_of(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": { "type": "array", "items": reference(name) },
            "next_cursor": { "type": ["string", "null"] },
        },
    })
}

fn body(schema: Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn own_paths() -> Map<String, Value> {
    let open = json!({ "security": [] });
    let paging = [
        query_parameter("limit", "How many items, at most 1,000; 50 if not said."),
        query_parameter("cursor", "`next_cursor` of the page before."),
    ];
    let id = path_parameter("id");
    let page = || json_answer("The page, as Notion answers it.", json!({ "type": "object" }));
    let mut paths = Map::new();
    let mut add = |path: &str, item: Value| drop(paths.insert(path.to_owned(), item));
    add(
        "/health",
        json!({ "get": own("health", "the state of everything that calls need", "200", json_answer("Its state.", json!({ "type": "object" })), open.clone()) }),
    );
    add(
        "/health/live",
        json!({ "get": own("live", "whether the process answers", "200", json_answer("It does.", json!({ "type": "object" })), open.clone()) }),
    );
    add(
        "/health/ready",
        json!({ "get": own("ready", "whether requests can be taken (503 if not)", "200", json_answer("They can.", json!({ "type": "object" })), open.clone()) }),
    );
    add(
        "/metrics",
        json!({ "get": own("metrics", "counters for Prometheus", "200", json!({ "description": "The counters.", "content": { "application/openmetrics-text": {} } }), open.clone()) }),
    );
    add(
        "/auth/notion",
        json!({ "get": own("begin-install", "send a person to Notion to connect a workspace", "302", json!({ "description": "To Notion." }), json!({
            "security": [],
            "parameters": [query_parameter("owner", "On whose behalf: `user` (if not said) or `workspace`.")],
        })) }),
    );
    add(
        "/auth/notion/callback",
        json!({ "get": own("finish-install", "where Notion sends the person back to", "302", json!({ "description": "To the dashboard." }), json!({
            "security": [],
            "parameters": [
                query_parameter("code", "What the token is got with."),
                query_parameter("state", "As it was sent."),
                query_parameter("error", "Why there is no code."),
            ],
        })) }),
    );
    add(
        "/auth/oidc",
        json!({ "get": own("begin-sign-in", "send a person to the provider to sign in", "302", json!({ "description": "To the provider." }), json!({
            "security": [],
            "parameters": [
                query_parameter("next", "The page of the dashboard to go on to."),
                query_parameter("tenant", "For which tenant, if the person is a user of several."),
            ],
        })) }),
    );
    add(
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
    );
    add(
        "/api/openapi.json",
        json!({ "get": own("openapi", "this document", "200", json_answer("This document.", json!({ "type": "object" })), open) }),
    );
    add(
        "/api/v1/keys",
        json!({
            "get": own("list-keys", "list the keys, newest first; those below it, for a key that may make keys", "200", json_answer("The keys.", list_of("Key")), json!({ "parameters": paging })),
            "post": own("create-key", "make a key; a narrower one, with a key that may make keys", "201", json_answer("The key; `key` is the secret, shown this once.", reference("NewKey")), json!({ "requestBody": body(reference("KeyRequest")) })),
        }),
    );
    add(
        "/api/v1/keys/{id}",
        json!({
            "get": own("retrieve-key", "show a key", "200", json_answer("The key.", reference("ShownKey")), json!({ "parameters": [id] })),
            "delete": own("revoke-key", "end a key at once", "204", json!({ "description": "It is ended." }), json!({ "parameters": [id] })),
        }),
    );
    let listed = || {
        json_answer(
            "The workspaces, the one that was authorised last first.",
            list_of("WorkspaceItem"),
        )
    };
    let tokens = || json!({ "requestBody": body(reference("Tokens")) });
    let whole = |text| json_answer(text, reference("Workspace"));
    add(
        "/workspaces",
        json!({ "get": own("list-workspaces-short", "list the workspaces", "200", listed(), json!({ "parameters": paging })) }),
    );
    add(
        "/api/v1/workspaces",
        json!({
            "get": own("list-workspaces", "list the workspaces", "200", listed(), json!({ "parameters": paging })),
            "post": own("connect-workspace", "connect a workspace by the token of an internal integration, or by a pair", "201", whole("The workspace; connected before, it is authorised again."), tokens()),
        }),
    );
    let bot = path_parameter("bot_id");
    add(
        "/api/v1/workspaces/{bot_id}",
        json!({
            "get": own("retrieve-workspace", "show a workspace", "200", whole("All that is known of it."), json!({ "parameters": [bot] })),
            "delete": own("disconnect-workspace", "end a connection; one that is ended already is removed", "204", json!({ "description": "It is ended." }), json!({ "parameters": [bot] })),
        }),
    );
    let token = json!({
        "type": "object", "additionalProperties": false, "properties": { "token": { "type": "string" } },
        "description": "`token` for an internal integration; nothing to refresh the tokens of an installation now.",
    });
    add(
        "/api/v1/workspaces/{bot_id}/rotate",
        json!({ "post": own("rotate-workspace", "replace the credential of a connection; it is verified first", "200", whole("The workspace."), json!({ "parameters": [bot], "requestBody": body(token) })) }),
    );
    add(
        "/api/v1/tenants",
        json!({
            "get": own("list-tenants", "list the tenants (operator only)", "200", json_answer("The tenants, by name.", list_of("Tenant")), json!({ "parameters": paging })),
            "post": own("add-tenant", "make a tenant (operator only)", "201", json_answer("The tenant; `key` is its first admin key, shown this once.", reference("NewTenant")), json!({ "requestBody": body(reference("TenantRequest")) })),
        }),
    );
    let whose =
        query_parameter("connection", "The bot's id; the tenant's only connection if not said.");
    let report = |text: &str| json_answer(text, reference("AccessReport"));
    let lines = "Only `page` or `data_source`: a flat list, neither kept nor compared.";
    add(
        "/api/v1/access",
        json!({ "get": own("audit-access", "everything that a connection reaches", "200", json!({
            "description": "The report, objects each followed by what is below. As lines: progress, then `item`s, then the `summary`, or an `error`.",
            "content": { "application/json": { "schema": reference("AccessReport") }, "application/x-ndjson": {} },
        }), json!({ "parameters": [whose, query_parameter("type", lines)] })) }),
    );
    add(
        "/api/v1/access/last",
        json!({ "get": own("read-last-access", "the last access audit, without asking Notion", "200", report("The report."), json!({ "parameters": [whose] })) }),
    );
    add(
        "/api/v1/access/audits",
        json!({ "get": own("list-access-audits", "the access audits that are kept, newest first", "200", json_answer("When each was made, and how much it found.", list_of("AccessAudit")), json!({ "parameters": [whose] })) }),
    );
    add(
        "/api/v1/access/audits/{at}",
        json!({ "get": own("read-access-audit", "the access audit of a time", "200", report("The report."), json!({ "parameters": [path_parameter("at"), whose] })) }),
    );
    let object = json!({ "name": "object", "in": "query", "required": true, "schema": { "type": "string" }, "description": "An id or URL." });
    let taken_for = query_parameter(
        "type",
        "What it is taken for: `page`, `database`, `data_source` or `block`.",
    );
    add(
        "/api/v1/access/trace",
        json!({ "get": own("trace-access", "why an object is reachable or not", "200", json_answer("Its way up, and what was shared.", reference("AccessTrace")), json!({ "parameters": [object, taken_for, whose] })) }),
    );
    add(
        "/api/v1/vault",
        json!({ "get": own("read-vault", "which master keys are in use (operator only)", "200", json_answer("What is sealed under which key.", reference("Vault")), json!({})) }),
    );
    add(
        "/api/v1/vault/rotate",
        json!({ "post": own("rotate-master-key", "change the master key, or go on with it (operator only)", "200", json_answer("What it came to.", reference("Rotated")), json!({})) }),
    );
    for base in ["/api/v1/pages", "/api/pages"] {
        let suffix = if base == "/api/pages" { "-short" } else { "" };
        add(
            base,
            json!({ "post": own(&format!("create-page{suffix}"), "create a page", "201", page(), json!({ "requestBody": body(reference("NewPage")) })) }),
        );
        add(
            &format!("{base}/{{id}}"),
            json!({
                "get": own(&format!("read-page{suffix}"), "retrieve a page", "200", page(), json!({ "parameters": [id] })),
                "delete": own(&format!("trash-page{suffix}"), "move a page to the trash", "200", page(), json!({ "parameters": [id] })),
            }),
        );
    }
    for (path, item) in webhooks::paths()
        .into_iter()
        .chain(users::paths())
        .chain(audit::paths())
        .chain(limits::paths())
        .chain(policies::paths())
    {
        add(path, item);
    }
    paths
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
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
    let key_source =
        || json!({ "enum": ["data_directory", "environment", "file", "command", "process"] });
    let key = json!({
        "id": text(), "name": text(), "connection": { "type": ["string", "null"] }, "role": role(), "within": texts(),
        "capabilities": capabilities(), "budget": budget(), "created_at": time(),
        "created_by": text(), "user": text(), "agent": text(),
        "parent": { "type": "string", "description": "The key that made it, and with which it ends." },
        "may_delegate": { "type": "boolean" }, "auditor": { "type": "boolean" }, "expires_at": maybe_time(), "revoked_at": maybe_time(),
        "state": { "enum": ["active", "expired", "revoked"] },
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
    let maybe_text = || json!({ "type": ["string", "null"] });
    let state = || json!({ "enum": ["active", "rotating", "needs_reauthorization", "revoked"] });
    let owner = || json!({ "type": ["object", "null"], "description": "As Notion says it." });
    let workspace_item = json!({
        "bot_id": text(), "workspace_id": maybe_text(), "workspace_name": maybe_text(),
        "owner": owner(), "authorized_at": time(), "last_used_at": maybe_time(), "state": state(),
    });
    let granted = || json!({ "anyOf": [capabilities(), { "type": "null" }], "description": "null if unknown." });
    let mut workspace = workspace_item.clone();
    let more = json!({
        "name": text(), "kind": { "enum": ["internal", "oauth"] }, "workspace_icon": maybe_text(),
        "duplicated_template_id": maybe_text(), "capabilities": granted(),
        "writer": {
            "type": ["object", "null"], "description": "The half of a pair that writes.",
            "properties": { "bot_id": text(), "name": text(), "capabilities": granted() },
        },
        "origin": { "enum": ["environment", "given", "oauth"] }, "state_reason": maybe_text(),
        "authorized_by": text(), "rotated_at": time(),
        "age_days": { "type": ["integer", "null"], "description": "Since how many days the credential is the one that it is." },
        "rotation_due_at": maybe_time(),
        "warnings": {
            "type": "array",
            "items": { "type": "object", "properties": { "code": text(), "detail": text() } },
        },
    });
    if let (Some(workspace), Some(more)) = (workspace.as_object_mut(), more.as_object()) {
        workspace.extend(more.clone());
    }
    let mut schemas = json!({
        "WorkspaceItem": {
            "type": "object",
            "required": ["bot_id", "workspace_id", "workspace_name", "owner", "authorized_at", "last_used_at", "state"],
            "additionalProperties": false,
            "properties": workspace_item,
        },
        "Workspace": { "type": "object", "properties": workspace },
        "Tokens": {
            "type": "object",
            "description": "`token`, or `read_token` and `write_token` of two integrations of one workspace.",
            "additionalProperties": false,
            "properties": { "token": text(), "read_token": text(), "write_token": text() },
        },
        "Tenant": { "type": "object", "properties": { "name": text(), "created_at": time() } },
        "TenantRequest": { "type": "object", "required": ["name"], "additionalProperties": false, "properties": { "name": text() } },
        "NewTenant": { "type": "object", "properties": { "name": text(), "created_at": time(), "key": text() } },
        "Key": { "type": "object", "properties": key },
        "ShownKey": { "type": "object", "properties": shown_key },
        "NewKey": { "type": "object", "required": ["key"], "properties": new_key },
        "KeyRequest": {
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
                "auditor": { "type": "boolean", "description": "May read the ledger, and bodies that it keeps. For the operator alone to say." },
            },
        },
        "NewPage": {
            "type": "object",
            "required": ["parent"],
            "additionalProperties": false,
            "properties": {
                "parent": { "description": "An id or URL of a page, or a parent object as Notion writes it." },
                "title": text(), "markdown": text(), "children": { "type": "array" },
                "properties": { "type": "object" }, "icon": { "type": "object" },
            },
        },
        "AccessReport": {
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
        },
        "AccessItem": {
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
        },
        "AccessAudit": {
            "type": "object",
            "properties": { "at": time(), "total": { "type": "integer" } },
        },
        "AccessTrace": {
            "type": "object",
            "required": ["connection", "reachable", "answer", "because", "advice", "chain", "rules"],
            "properties": {
                "connection": text(), "name": text(), "reachable": { "type": "boolean" },
                "answer": { "enum": ["shared_directly", "inherited", "not_reachable"] },
                "because": text(), "advice": text(),
                "chain": { "type": "array", "description": "The object, then what is above it." },
                "granted_by": { "type": ["object", "null"] }, "notes": texts(), "rules": texts(),
            },
        },
        "Vault": {
            "type": "object",
            "required": ["source", "source_shown", "keys", "damaged", "damaged_cells", "progress"],
            "properties": {
                "source": key_source(), "source_shown": text(), "damaged": texts(),
                "damaged_cells": { "type": "integer" },
                "keys": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "id": text(), "current": { "type": "boolean" }, "given": { "type": "boolean" },
                            "cells": { "type": "integer" }, "removable": { "type": "boolean" },
                        },
                    },
                },
                "progress": {
                    "type": ["object", "null"],
                    "properties": { "done": { "type": "integer" }, "total": { "type": "integer" } },
                },
            },
        },
        "Rotated": {
            "type": "object",
            "required": ["key", "changed", "resealed", "failed", "failed_cells", "complete", "removable", "settled", "source", "source_shown"],
            "properties": {
                "key": text(), "changed": { "type": "boolean" }, "resealed": { "type": "integer" },
                "failed": texts(), "failed_cells": { "type": "integer" }, "complete": { "type": "boolean" }, "removable": texts(),
                "settled": { "type": "boolean" }, "source": key_source(), "source_shown": text(),
            },
        },
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
                "type": text(), "title": text(), "status": { "type": "integer" }, "code": text(),
                "detail": text(), "advice": text(),
            },
        },
        "NotionError": {
            "type": "object",
            "required": ["object", "status", "code", "message"],
            "properties": {
                "object": { "const": "error" }, "status": { "type": "integer" }, "code": text(),
                "message": text(), "additional_data": { "type": "object" }, "request_id": text(),
            },
        },
    });
    for (name, schema) in webhooks::schemas()
        .into_iter()
        .chain(users::schemas())
        .chain(audit::schemas())
        .chain(limits::schemas())
        .chain(policies::schemas())
    {
        schemas[name] = schema;
    }
    schemas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_complete_and_its_references_resolve() {
        let document = build();
        let paths = document["paths"].as_object().unwrap();
        let operations: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
        let own: usize = own_paths().values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(operations, own + OPERATIONS.len());

        insta::assert_json_snapshot!(document, { ".info.version" => "[version]" });
        let text = document.to_string();
        let mut ids = std::collections::HashSet::new();
        for item in paths.values().flat_map(|item| item.as_object().unwrap().values()) {
            assert!(ids.insert(item["operationId"].as_str().unwrap()), "{item}");
        }
        for part in text.split("\"#/").skip(1) {
            let pointer = format!("/{}", part.split('"').next().unwrap());
            assert!(document.pointer(&pointer).is_some(), "{pointer}");
        }
    }
}
