//! Cross-origin requests: browsers may call the API from any page, but not its OAuth endpoints,
//! which take secrets (documented in 2026; before, there was no such thing).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Longest list of header names that a preflight is answered with.
const NAMES_MAX: usize = 1000;

/// Whether `path` takes part.
fn is_open(path: &str) -> bool {
    path.starts_with("/v1/") && !path.starts_with("/v1/oauth/")
}

/// The answer to a browser that asks first.
pub(crate) fn preflight(method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if *method != Method::OPTIONS || !asks || !is_open(path) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let all = response.headers_mut();
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(names) = wanted.filter(|names| names.len() <= NAMES_MAX) {
        all.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::VARY, "access-control-request-headers"),
    ] {
        all.insert(name, HeaderValue::from_static(value));
    }
    open(path, &mut response);
    Some(response)
}

/// Lets pages of any origin read an answer.
pub(crate) fn open(path: &str, response: &mut Response) {
    if !is_open(path) {
        return;
    }
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after, x-notion-request-id"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}
