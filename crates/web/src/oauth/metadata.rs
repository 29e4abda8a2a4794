//! What clients find out before anybody is asked (RFC 8414, RFC 9728, RFC 7517). It is the same for
//! everybody.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gate::{SCOPE_FIRST, SCOPES};
use http::{HeaderMap, HeaderValue, Uri, header};
use serde_json::{Value, json};

use super::{AUTHORIZE_PATH, origin, shared};
use crate::App;
use crate::problem::Problem;

/// The protected resource: the MCP door at the path that follows, or at `/mcp`.
pub(super) async fn resource(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let origin = origin(&app, &headers)?;
    let path = uri.path().strip_prefix("/.well-known/oauth-protected-resource");
    let path = path.filter(|path| !path.is_empty()).unwrap_or("/mcp");
    Ok(public(json!({
        "resource": origin.resource(path),
        "authorization_servers": [origin.as_str()],
        "jwks_uri": format!("{origin}/oauth/jwks.json"),
        // What a client asks for that was not told: no more than it needs to begin.
        "scopes_supported": [SCOPE_FIRST],
        "bearer_methods_supported": ["header"],
        "resource_name": "notegate",
    })))
}

/// The authorization server.
pub(super) async fn server(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let origin = origin(&app, &headers)?;
    let scopes: Vec<_> = SCOPES.iter().copied().chain(["offline_access"]).collect();
    let mut document = json!({
        "issuer": origin.as_str(),
        "authorization_endpoint": format!("{origin}{AUTHORIZE_PATH}"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "revocation_endpoint": format!("{origin}/oauth/revoke"),
        "jwks_uri": format!("{origin}/oauth/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "client_id_metadata_document_supported": app.gate.takes_documents(),
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": scopes,
    });
    if app.gate.takes_registrations() {
        document["registration_endpoint"] = format!("{origin}/oauth/register").into();
    }
    Ok(public(document))
}

/// The keys that access tokens are signed with.
pub(super) async fn keys(State(app): State<App>) -> Response {
    public(app.gate.token_keys())
}

fn public(document: Value) -> Response {
    let mut response = shared(Json(document).into_response());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::VARY, HeaderValue::from_static("host"));
    response
}
