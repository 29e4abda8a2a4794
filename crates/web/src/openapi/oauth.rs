//! The OpenAPI document's part about the authorization of MCP clients.

use serde_json::{Value, json};

use super::{json_answer, list_of, own, paging, path_parameter, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> Vec<(&'static str, Value)> {
    let open = || json!({ "security": [] });
    let object = |text: &str| json_answer(text, json!({ "type": "object" }));
    let page = |text: &str| json!({ "description": text, "content": { "text/html": {} } });
    let form = || {
        json!({
            "security": [],
            "requestBody": {
                "required": true,
                "content": { "application/x-www-form-urlencoded": { "schema": { "type": "object" } } },
            },
        })
    };
    let body = || {
        json!({
            "security": [],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": { "type": "object" } } },
            },
        })
    };
    let resource = |id: &str, door: &str| {
        let summary = format!("the MCP door {door} as OAuth's protected resource (RFC 9728)");
        json!({ "get": own(id, &summary, "200", object("Its metadata."), open()) })
    };
    let tokens = || {
        let text = "a code or a refresh token becomes an access token (RFC 6749)";
        (text, object("The tokens."))
    };
    let (token_text, token_answer) = tokens();
    let token =
        |id: &str| json!({ "post": own(id, token_text, "200", token_answer.clone(), form()) });
    let register = |id: &str| {
        let text = "register a client (RFC 7591)";
        json!({ "post": own(id, text, "201", object("The client."), body()) })
    };
    let ask = |id: &str| {
        let text = "ask a person to let a client in";
        own(id, text, "200", page("The page that asks."), open())
    };
    vec![
        ("/.well-known/oauth-protected-resource", resource("oauth-resource", "/mcp")),
        ("/.well-known/oauth-protected-resource/mcp", resource("oauth-resource-mcp", "/mcp")),
        (
            "/.well-known/oauth-protected-resource/mcp/official",
            resource("oauth-resource-mcp-official", "/mcp/official"),
        ),
        (
            "/.well-known/oauth-protected-resource/mcp/all",
            resource("oauth-resource-mcp-all", "/mcp/all"),
        ),
        (
            "/.well-known/oauth-authorization-server",
            json!({ "get": own("oauth-server", "the authorization server (RFC 8414)", "200", object("Its metadata."), open()) }),
        ),
        (
            "/oauth/jwks.json",
            json!({ "get": own("oauth-keys", "the keys that access tokens are signed with (RFC 7517)", "200", object("Their public halves."), open()) }),
        ),
        ("/oauth/register", register("oauth-register")),
        ("/register", register("oauth-register-fallback")),
        ("/oauth/token", token("oauth-token")),
        ("/token", token("oauth-token-fallback")),
        (
            "/oauth/revoke",
            json!({ "post": own("oauth-revoke", "end a grant by one of its tokens (RFC 7009)", "200", object("Done, or there was nothing to do."), form()) }),
        ),
        (
            "/oauth/authorize",
            json!({
                "get": ask("oauth-authorize"),
                "post": own("oauth-approve", "what a person answers on the page of this gate that asks", "303", json!({ "description": "To the client." }), form()),
            }),
        ),
        ("/authorize", json!({ "get": ask("oauth-authorize-fallback") })),
        (
            "/api/v1/clients",
            json!({
                "get": own("list-clients", "list the MCP clients that were let in, or that an admin entered, by name", "200", json_answer("The clients.", list_of("McpClient")), json!({ "parameters": paging() })),
                "post": own("create-client", "enter an MCP client, so that it need not register", "201", json_answer("The client; `client_secret`, if it has one, is shown this once.", json!({ "type": "object" })), json!({ "requestBody": super::body(reference("McpClientRequest")) })),
            }),
        ),
        (
            "/api/v1/clients/{id}",
            json!({
                "delete": own("delete-client", "end everything that a client was granted, and forget it", "204", json!({ "description": "It opens nothing any more." }), json!({ "parameters": [path_parameter("id")] })),
            }),
        ),
        (
            "/api/v1/auth/token",
            json!({ "post": own("create-access-token", "a JWT for `/api/v1` in place of the key that is shown", "200", json_answer("The token.", json!({
                "type": "object", "required": ["access_token", "token_type", "expires_in"],
                "properties": {
                    "access_token": { "type": "string" }, "token_type": { "const": "Bearer" },
                    "expires_in": { "type": "integer" },
                },
            })), json!({})) }),
        ),
    ]
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    [
        (
            "McpClient",
            json!({
                "type": "object",
                "properties": {
                    "client_id": text(), "name": text(),
                    "kind": { "enum": ["registered", "preregistered", "document"], "description": "Whether it registered itself, an admin entered it, or its id is the address of a document." },
                    "redirects": texts(), "created_at": maybe_time(), "used_at": maybe_time(),
                    "grants": { "type": "integer", "description": "Keys that people of the tenant granted it, and that work." },
                },
            }),
        ),
        (
            "McpClientRequest",
            json!({
                "type": "object", "required": ["name", "redirect_uris"], "additionalProperties": false,
                "properties": {
                    "name": text(), "redirect_uris": texts(),
                    "auth_method": { "enum": ["none", "client_secret_post", "client_secret_basic"], "description": "How it shows who it is; `none` if not said." },
                },
            }),
        ),
    ]
}
