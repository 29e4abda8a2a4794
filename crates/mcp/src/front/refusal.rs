//! Why a request does not reach the protocol, as JSON-RPC says it.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::Body;

/// A request that is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// JSON-RPC's, or the status where JSON-RPC has no word for it.
    code: i64,
    message: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const INTERNAL_ERROR: i64 = -32603;

impl Refusal {
    /// Something that HTTP has a word for.
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let code = i64::from(status.as_u16());
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    /// The body is no JSON.
    pub(crate) fn no_json(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: PARSE_ERROR, ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// It is JSON, but no message.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: INVALID_REQUEST, ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// Something is wrong here. What, only the log tells.
    pub(crate) fn internal() -> Self {
        let message = "notegate failed inside; the log has more under this request's id";
        Self { code: INTERNAL_ERROR, ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, message) }
    }

    /// Only POST is there: no streams to open, no sessions to end.
    pub(crate) fn method() -> Self {
        let message = "send messages with POST: there are no sessions and no streams to open";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
            .with(header::ALLOW, HeaderValue::from_static("POST"))
    }

    /// The same, with a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As it goes out. A request that has an id gets it back.
    pub(crate) fn into_response(self, id: Option<Value>) -> Response<Body> {
        let error = json!({ "code": self.code, "message": self.message });
        let mut body = json!({ "jsonrpc": "2.0", "error": error });
        if let Some(id) = id {
            body["id"] = id;
        }
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(self.headers);
        response
    }
}
