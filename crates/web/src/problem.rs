//! Errors of `/api/v1`: RFC 9457 problem details with a stable `code`.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use gate::{Error, KeyFault, Refusal, TokenError};
use http::{HeaderValue, StatusCode, header};
use notion::ApiError;
use serde::Serialize;

/// The header that says which rule refused a call.
pub(crate) const REASON: &str = "x-notegate-reason";

/// An error as `application/problem+json`.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// A stable word for machines.
    code: String,
    /// What happened, to which thing.
    detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    #[serde(skip)]
    reason: Option<&'static str>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            advice: advice(code),
            reason: None,
            retry_after: None,
        }
    }

    /// An error of the gate.
    pub(crate) fn of(error: &Error) -> Self {
        let api = error.to_api();
        let status = StatusCode::from_u16(api.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = match error {
            Error::NoKey => "key_missing",
            Error::BadKey(KeyFault::Unknown) => "key_unknown",
            Error::BadKey(KeyFault::Expired) => "key_expired",
            Error::BadKey(KeyFault::Revoked) => "key_revoked",
            Error::Refused(policy) => match policy.reason() {
                "role" => "role_missing",
                "capability" => "capability_missing",
                other => other,
            },
            Error::Missing(_) => "not_found",
            Error::Conflict(_) => "conflict",
            Error::AuditBroken { .. } => "audit_broken",
            Error::Ledger => "ledger_unavailable",
            Error::NoConnection => "no_connection",
            Error::WhichConnection => "connection_ambiguous",
            Error::Reauthorize { .. } | Error::NoSuchConnection => "reauthorization_required",
            Error::MasterKey(_) => "master_key",
            Error::Token(TokenError::Rejected) => "token_rejected",
            Error::Token(TokenError::Mismatch(_)) => "token_mismatch",
            _ => &api.code,
        };
        let detail = match error {
            Error::NotFound(_)
            | Error::Malformed(_)
            | Error::Notion(_)
            | Error::Answer(_)
            | Error::AuditBroken { .. } => api.message.clone(),
            Error::Refused(_) => match api.message.split_once(": ") {
                Some((requires, _)) if requires.starts_with("Requires") => requires.to_owned(),
                _ => error.to_string(),
            },
            other => other.to_string(),
        };
        let advice = match error {
            // It is not the key that lacks it: nobody here can do anything about that.
            Error::Refused(Refusal::ConnectionCapability { .. }) => advice("restricted_resource"),
            _ => advice(code),
        };
        Self {
            advice,
            reason: error.reason(),
            retry_after: error.retry_after(),
            ..Self::new(status, code, detail)
        }
    }

    /// An error that Notion answered.
    pub(crate) fn of_notion(error: &ApiError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self::new(status, &error.code, error.message.clone())
    }
}

/// What to do about an error, by its code.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "object_not_found" => {
            "Check the id, and share the page with the integration: in Notion, open the page, then \
             ••• → Connections. With a key that has a scope, the page must lie inside it."
        }
        "restricted_resource" => {
            "The integration lacks a capability: an owner of the workspace can grant it in the \
             integration's settings, under Capabilities."
        }
        "bad_gateway" => {
            "Try again later. If it stays like this, re-authorize the workspace, or rotate the token."
        }
        "key_missing" => {
            "Send `Authorization: Bearer <key>`. Keys come from `notegate keys create`."
        }
        "key_unknown" => "Check that the whole key was copied, and that it is a key of this gate.",
        "key_expired" | "key_revoked" => "Ask an admin of this gate for a new key.",
        "reauthorization_required" => {
            "Re-authorize: ask an admin of this gate to connect the workspace again (`notegate workspaces \
             connect`, or /auth/notion where OAuth is set up)."
        }
        "connection_ambiguous" => {
            "Ask an admin of this gate for a key that is made for one of the workspaces."
        }
        "token_rejected" => "Copy the whole token from the integration's settings, and try again.",
        "role_missing" => "Ask an admin of this gate for a key with a role that includes it.",
        "scope" => "Use an admin key that reaches everything.",
        "capability_missing" => "Ask an admin of this gate for a key with the capability.",
        "rate_limited" => "Wait as long as `Retry-After` says.",
        "validation_error" | "invalid_json" => {
            "Correct the request as `detail` says, and send it again."
        }
        _ => return None,
    })
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (reason, retry_after) = (self.reason, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(reason) = reason {
            headers.insert(REASON, HeaderValue::from_static(reason));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            _ => "invalid_json",
        };
        Self::new(rejection.status(), code, rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "validation_error", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "validation_error", rejection.body_text())
    }
}

/// No route fits.
pub(crate) async fn no_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_route",
        "There is nothing at this path: see `/api/openapi.json`",
    )
}

/// A known route, asked with another method.
pub(crate) async fn no_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take this method: see `/api/openapi.json`",
    )
}
