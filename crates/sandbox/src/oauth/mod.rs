//! OAuth 2.0 for connections that people install: the page that asks them, and the three calls
//! that clients make with their id and secret.
//!
//! `request` reads and checks what a client asks a person for, `authorize` decides what follows,
//! `consent` is the page and `picker` its tree; `token` exchanges, refreshes, introspects and
//! revokes. What lasts is in `world::oauth`.

mod authorize;
mod consent;
mod frame;
mod picker;
mod refused;
mod request;
mod token;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};

use crate::fail::Fail;
use crate::pipeline::{Incoming, read_query};
use crate::webhooks;
use crate::world::World;
use refused::Refused;

const AUTHORIZE: &str = "/v1/oauth/authorize";
/// Members of bodies that are worth something to a thief.
const SECRETS: [&str; 6] =
    ["code", "token", "refresh_token", "client_secret", "access_token", "consent"];

/// Whether the request is for one of these endpoints. The page's form is posted to where it
/// came from; of that, Notion's own catalogue knows nothing.
pub(crate) fn is_meant(incoming: &Incoming) -> bool {
    match incoming.path.as_str() {
        AUTHORIZE => matches!(incoming.method, Method::GET | Method::POST),
        "/v1/oauth/token" | "/v1/oauth/introspect" | "/v1/oauth/revoke" => {
            incoming.method == Method::POST
        }
        _ => false,
    }
}

/// Whether somebody may have meant one of these endpoints, and so have sent secrets.
pub(crate) fn is_near(incoming: &Incoming) -> bool {
    incoming.path.starts_with("/v1/oauth")
}

/// Whether a request shows something that only this workspace gave, or names it.
pub(crate) fn concerns(world: &World, incoming: &Incoming) -> bool {
    if incoming.path == AUTHORIZE {
        let query = read_query(&incoming.query);
        let named = query["_sandbox_workspace"].as_str().and_then(notion::Id::parse);
        return named == Some(world.workspace.id);
    }
    let body = body(incoming).unwrap_or(Value::Null);
    let given = |name: &str| body.get(name).and_then(Value::as_str);
    given("code").is_some_and(|code| world.oauth.codes.contains_key(code))
        || ["token", "refresh_token"]
            .iter()
            .filter_map(|name| given(name))
            .any(|token| !token.is_empty() && world.knows_token(token))
}

/// Whether it is the form of the consent page that comes back.
pub(crate) fn is_form(incoming: &Incoming) -> bool {
    incoming.path == AUTHORIZE && incoming.method == Method::POST
}

/// Answers one of these endpoints. What is refused before OAuth is looked at is a [`Fail`].
pub(crate) fn answer(
    world: &mut World,
    incoming: &Incoming,
    request_id: &str,
) -> Result<Response, Fail> {
    if incoming.path == AUTHORIZE {
        return Ok(authorize::answer(world, incoming));
    }
    let body = body(incoming)?;
    let mut answer = match token::answer(world, incoming, &body) {
        Ok(answer) => answer,
        Err(refused) => return Ok(refused.response(request_id)),
    };
    webhooks::gather(world);
    answer.insert("request_id".to_owned(), request_id.into());
    Ok(json(200, answer))
}

/// A fault's refusal, in OAuth's envelope where the status is one of OAuth's.
pub(crate) fn fault(fail: &Fail, request_id: &str) -> Option<Response> {
    let is_oauths = matches!(fail.status, 400 | 401 | 403);
    is_oauths.then(|| Refused::new(fail.status, &fail.code).response(request_id))
}

/// The parameters: JSON, or a form as RFC 6749 has it (undocumented for Notion).
fn body(incoming: &Incoming) -> Result<Value, Fail> {
    let kind = incoming.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Ok(read_query(&String::from_utf8_lossy(&incoming.body)));
    }
    incoming.json()
}

/// The parameters as the ledger of calls shows them: without what a thief could use.
pub(crate) fn shown_body(incoming: &Incoming) -> Value {
    let mut body = body(incoming).unwrap_or(Value::Null);
    for name in SECRETS {
        if let Some(secret) = body.get_mut(name) {
            *secret = "***".into();
        }
    }
    body
}

fn json(status: u16, body: Map<String, Value>) -> Response {
    let mut response = Response::new(Body::from(Value::Object(body).to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    // RFC 6749, 5.1: answers with tokens are not kept.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
