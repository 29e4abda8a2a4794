//! Refusals in OAuth's own envelope (RFC 6749, 5.2), which Notion's endpoints use.

use axum::response::Response;
use http::{HeaderValue, header};
use serde_json::{Map, Value};

/// A refusal. Descriptions are the sandbox's own wording unless their evidence is said.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    status: u16,
    error: String,
    description: Option<String>,
}

impl Refused {
    pub(super) fn new(status: u16, error: &str) -> Self {
        Self { status, error: error.to_owned(), description: None }
    }

    fn because(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// No `Authorization: Basic`, or not the id and secret of a client (recorded).
    pub(super) fn client() -> Self {
        Self::new(401, "invalid_client")
    }

    /// A parameter is missing, repeated, or not a text.
    pub(super) fn request(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_request").because(description)
    }

    /// No such code (the text is quoted by users).
    pub(super) fn unknown_code() -> Self {
        Self::new(400, "invalid_grant").because("Invalid code.")
    }

    /// A code that was exchanged before (the text is documented).
    pub(super) fn used_code() -> Self {
        Self::new(400, "invalid_grant").because("Invalid code: this code has been revoked.")
    }

    pub(super) fn ended_code() -> Self {
        Self::new(400, "invalid_grant").because("Invalid code: this code has expired.")
    }

    pub(super) fn other_redirect() -> Self {
        let text = "Invalid redirect_uri: it is not the one of the authorization request.";
        Self::new(400, "invalid_grant").because(text)
    }

    pub(super) fn refresh_token() -> Self {
        Self::new(400, "invalid_grant").because("Invalid refresh token.")
    }

    /// The template of the client cannot be copied.
    pub(super) fn template() -> Self {
        let text = "Invalid code: the template cannot be duplicated.";
        Self::new(400, "invalid_grant").because(text)
    }

    pub(super) fn grant_type(given: &str) -> Self {
        let given: String = given.chars().take(60).collect();
        Self::new(400, "unsupported_grant_type").because(format!(
            "grant_type should be \"authorization_code\" or \"refresh_token\", instead was \
             \"{given}\"."
        ))
    }

    pub(super) fn response(&self, request_id: &str) -> Response {
        let mut body = Map::new();
        body.insert("error".to_owned(), self.error.as_str().into());
        if let Some(description) = &self.description {
            body.insert("error_description".to_owned(), description.as_str().into());
        }
        body.insert("request_id".to_owned(), Value::from(request_id));
        let mut response = super::json(self.status, body);
        if self.status == 401 {
            let scheme = HeaderValue::from_static("Basic realm=\"Notion\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
