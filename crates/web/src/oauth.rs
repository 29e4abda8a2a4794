//! notegate as the authorization server of MCP clients: `/oauth/**` and what is found at `/.well-known`.
//!
//! Metadata and the endpoints that clients call may be read by pages of every origin, as clients run in
//! browsers, too; the page where a person approves may not.

mod consent;
mod metadata;

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Extension, FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use gate::{OAuthFault, Origin, Registration, Source, TokenRequest};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use model::ExposeSecret;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

pub(crate) use self::consent::asking;
use crate::App;
use crate::caller::{BODY_TIMEOUT, JsonBody, RequestId};
use crate::problem::{Problem, no_method};
use crate::routes::{OPEN, OWN, Routes, get, post};
use crate::server::PeerAddress;

/// Where clients send people.
pub(crate) const AUTHORIZE_PATH: &str = "/oauth/authorize";
/// The largest form of a client.
const FORM_MAX: usize = 64 * 1024;

pub(crate) fn routes() -> Routes {
    let prm = "/.well-known/oauth-protected-resource";
    let server = "/.well-known/oauth-authorization-server";
    Routes::new()
        .route(prm, get(OPEN, metadata::resource).for_all_origins())
        .route(&format!("{prm}/mcp"), get(OPEN, metadata::resource).for_all_origins())
        .route(&format!("{prm}/mcp/official"), get(OPEN, metadata::resource).for_all_origins())
        .route(&format!("{prm}/mcp/all"), get(OPEN, metadata::resource).for_all_origins())
        .route(server, get(OPEN, metadata::server).for_all_origins())
        .route("/oauth/jwks.json", get(OPEN, metadata::keys).for_all_origins())
        .route("/oauth/register", post(OPEN, register).for_all_origins())
        .route("/oauth/token", post(OPEN, token).for_all_origins())
        .route("/oauth/revoke", post(OPEN, revoke).for_all_origins())
        .route(AUTHORIZE_PATH, get(OPEN, consent::show).no_head().post(OPEN, consent::submit))
        // Where clients of 2025-03-26 look that found no metadata.
        .route("/authorize", get(OPEN, consent::show).no_head())
        .route("/register", post(OPEN, register).for_all_origins())
        .route("/token", post(OPEN, token).for_all_origins())
        .route("/api/v1/auth/token", post(OWN, token_for_key))
        .with(|router| router.method_not_allowed_fallback(no_method))
}

/// The gate's address, as it was told, or as one on this machine names it.
pub(crate) fn origin(app: &App, headers: &HeaderMap) -> Result<Origin, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    app.site.public_origin(host).ok_or_else(|| {
        let detail = "This gate does not know the address that people open: set SERVICE_URL";
        Problem::new(StatusCode::NOT_FOUND, "no_public_address", detail)
    })
}

/// Answers a browser that asks whether a page of another origin may call this.
pub(crate) async fn preflight() -> Response {
    let mut response = shared(StatusCode::NO_CONTENT.into_response());
    let headers = response.headers_mut();
    let allowed = "authorization, content-type, mcp-protocol-version";
    headers.insert("access-control-allow-headers", HeaderValue::from_static(allowed));
    headers.insert("access-control-allow-methods", HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert("access-control-max-age", HeaderValue::from_static("86400"));
    response
}

/// An answer that pages of every origin may read.
fn shared(mut response: Response) -> Response {
    let anybody = HeaderValue::from_static("*");
    response.headers_mut().insert("access-control-allow-origin", anybody);
    response
}

/// An answer that nobody keeps.
fn private(response: Response) -> Response {
    let mut response = shared(response);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn refused(fault: &OAuthFault, by_basic: bool) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({ "error": fault.error, "error_description": fault.description });
    let mut response = private((status, Json(body)).into_response());
    if status == StatusCode::UNAUTHORIZED && by_basic {
        let basic = HeaderValue::from_static("Basic realm=\"notegate\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, 60.into());
    }
    response
}

async fn register(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    body: Result<JsonBody<Map<String, Value>>, Problem>,
) -> Response {
    let source = app.site.source(&headers, peer.map(|Extension(peer)| peer.0));
    if let Err(seconds) = app.registrations.take(&Source::of(source), app.gate.clock().now()) {
        let body = json!({
            "error": "temporarily_unavailable",
            "error_description": format!("too many clients register from there: try again in {seconds} s"),
        });
        let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return private(response);
    }
    // An array is no object, though it could be read as one.
    let asked = body.ok().and_then(|JsonBody(asked)| {
        serde_json::from_value::<Registration>(Value::Object(asked)).ok()
    });
    let Some(asked) = asked else {
        let text = "the body must be a JSON object with `redirect_uris`";
        let error = "invalid_client_metadata";
        return refused(&OAuthFault { error, description: text.to_owned(), status: 400 }, false);
    };
    let registered = match app.gate.register_client(asked, request_id.as_str()).await {
        Ok(registered) => registered,
        Err(fault) => return refused(&fault, false),
    };
    let client = &registered.client;
    let mut shown = json!({
        "client_id": client.id,
        "client_id_issued_at": client.registered_at.map(|at| at.as_second()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method.as_str(),
        "application_type": registered.application_type,
    });
    if let Some(secret) = &registered.secret {
        shown["client_secret"] = secret.expose_secret().into();
        shown["client_secret_expires_at"] = 0.into();
    }
    private((StatusCode::CREATED, Json(shown)).into_response())
}

/// What a client sends: a form, what it shows in `Authorization`, and the address that it was sent to.
struct ClientForm {
    form: Vec<(String, String)>,
    authorization: Option<String>,
    origin: Origin,
}

impl ClientForm {
    fn request(&self) -> TokenRequest<'_> {
        let authorization = self.authorization.as_deref();
        TokenRequest { form: &self.form, authorization, origin: &self.origin }
    }

    fn refused(&self, fault: &OAuthFault) -> Response {
        refused(fault, self.authorization.is_some())
    }
}

impl FromRequest<App> for ClientForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let origin = origin(app, request.headers());
        let origin = origin.map_err(|problem| private(problem.into_response()))?;
        let by_basic = request.headers().contains_key(header::AUTHORIZATION);
        let read = read_form(request).await.map_err(|fault| refused(&fault, by_basic))?;
        let (form, authorization) = read;
        Ok(Self { form, authorization, origin })
    }
}

/// A form, and the header `Authorization`.
async fn read_form(
    request: Request,
) -> Result<(Vec<(String, String)>, Option<String>), OAuthFault> {
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(OAuthFault::request("parameters belong into the form, not into the address"));
    }
    let mut shown = parts.headers.get_all(header::AUTHORIZATION).iter();
    let authorization = match (shown.next(), shown.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().unwrap_or_default().to_owned()),
        (Some(_), Some(_)) => return Err(OAuthFault::request("`Authorization` stands twice")),
    };
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OAuthFault::request(
            "the body must be a form (application/x-www-form-urlencoded)",
        ));
    }
    let whole = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, FORM_MAX)).await;
    let bytes = whole.ok().and_then(Result::ok);
    let bytes = bytes.ok_or_else(|| OAuthFault::request("the form is too large, or broke off"))?;
    Ok((form_urlencoded::parse(&bytes).into_owned().collect(), authorization))
}

async fn token(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    sent: ClientForm,
) -> Response {
    match app.gate.token(sent.request(), request_id.as_str()).await {
        Ok(answer) => {
            let body = json!({
                "access_token": answer.access_token.expose_secret(),
                "token_type": "Bearer",
                "expires_in": answer.expires_in,
                "refresh_token": answer.refresh_token.expose_secret(),
                "scope": answer.scope,
            });
            private(Json(body).into_response())
        }
        Err(fault) => sent.refused(&fault),
    }
}

async fn revoke(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    sent: ClientForm,
) -> Response {
    match app.gate.revoke_token(sent.request(), request_id.as_str()).await {
        Ok(()) => private(Json(Value::Object(Map::new())).into_response()),
        Err(fault) => sent.refused(&fault),
    }
}

/// A JWT for `/api/v1` for whoever shows a key.
async fn token_for_key(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
) -> Response {
    match app.gate.token_for_key(gate::bearer(&headers), request_id.as_str()).await {
        Ok((token, seconds)) => {
            let body = HashMap::from([
                ("access_token", Value::from(token.expose_secret())),
                ("token_type", "Bearer".into()),
                ("expires_in", seconds.into()),
            ]);
            let mut response = Json(body).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => Problem::of(&error).into_response(),
    }
}
