//! The OpenAPI document's part about connected workspaces, and tenants.

use serde_json::{Value, json};

use super::{body, json_answer, list_of, own, paging, path_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 6] {
    let paging = paging();
    let listed = || {
        json_answer(
            "The workspaces, the one that was authorised last first.",
            list_of("WorkspaceItem"),
        )
    };
    let tokens = || json!({ "requestBody": body(reference("Tokens")) });
    let whole = |text| json_answer(text, reference("Workspace"));
    let bot = path_parameter("bot_id");
    let token = json!({
        "type": "object", "additionalProperties": false, "properties": { "token": { "type": "string" } },
        "description": "`token` for an internal integration; nothing to refresh the tokens of an installation now.",
    });
    [
        (
            "/workspaces",
            json!({ "get": own("list-workspaces-short", "list the workspaces", "200", listed(), json!({ "parameters": paging })) }),
        ),
        (
            "/api/v1/workspaces",
            json!({
                "get": own("list-workspaces", "list the workspaces", "200", listed(), json!({ "parameters": paging })),
                "post": own("connect-workspace", "connect a workspace by the token of an internal integration, or by a pair", "201", whole("The workspace; connected before, it is authorised again."), tokens()),
            }),
        ),
        (
            "/api/v1/workspaces/{bot_id}",
            json!({
                "get": own("retrieve-workspace", "show a workspace", "200", whole("All that is known of it."), json!({ "parameters": [bot] })),
                "delete": own("disconnect-workspace", "end a connection; one that is ended already is removed", "204", json!({ "description": "It is ended." }), json!({ "parameters": [bot] })),
            }),
        ),
        (
            "/api/v1/workspaces/{bot_id}/rotate",
            json!({ "post": own("rotate-workspace", "replace the credential of a connection; it is verified first", "200", whole("The workspace."), json!({ "parameters": [bot], "requestBody": body(token) })) }),
        ),
        (
            "/api/v1/tenants",
            json!({
                "get": own("list-tenants", "list the tenants (operator only)", "200", json_answer("The tenants, by name.", list_of("Tenant")), json!({ "parameters": paging })),
                "post": own("add-tenant", "make a tenant (operator only)", "201", json_answer("The tenant; `key` is its first admin key, shown this once.", reference("NewTenant")), json!({ "requestBody": body(reference("TenantRequest")) })),
            }),
        ),
        (
            "/api/v1/tenant",
            json!({
                "get": own("show-tenant", "the caller's own tenant", "200", json_answer("The tenant.", reference("Tenant")), json!({})),
                "patch": own("change-tenant", "say whether its callers may bring Notion tokens of their own to the MCP door", "200", json_answer("The tenant.", reference("Tenant")), json!({ "requestBody": body(reference("TenantChange")) })),
            }),
        ),
    ]
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 7] {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let maybe_text = || json!({ "type": ["string", "null"] });
    let capabilities = || {
        json!({
            "type": "array",
            "items": { "enum": notion::Capability::ALL.map(notion::Capability::as_str) },
        })
    };
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
    [
        (
            "WorkspaceItem",
            json!({
                "type": "object",
                "required": ["bot_id", "workspace_id", "workspace_name", "owner", "authorized_at", "last_used_at", "state"],
                "additionalProperties": false,
                "properties": workspace_item,
            }),
        ),
        ("Workspace", json!({ "type": "object", "properties": workspace })),
        (
            "Tokens",
            json!({
                "type": "object",
                "description": "`token`, or `read_token` and `write_token` of two integrations of one workspace.",
                "additionalProperties": false,
                "properties": { "token": text(), "read_token": text(), "write_token": text() },
            }),
        ),
        (
            "Tenant",
            json!({ "type": "object", "properties": { "name": text(), "created_at": time(), "token_passthrough": { "type": "boolean" } } }),
        ),
        (
            "TenantChange",
            json!({ "type": "object", "required": ["token_passthrough"], "additionalProperties": false, "properties": { "token_passthrough": { "type": "boolean" } } }),
        ),
        (
            "TenantRequest",
            json!({ "type": "object", "required": ["name"], "additionalProperties": false, "properties": { "name": text() } }),
        ),
        (
            "NewTenant",
            json!({ "type": "object", "properties": { "name": text(), "created_at": time(), "token_passthrough": { "type": "boolean" }, "key": text() } }),
        ),
    ]
}
