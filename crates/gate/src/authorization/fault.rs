//! Errors in OAuth's words (RFC 6749, 5.2; RFC 7591, 3.2.2; RFC 8707, 2).

use store::StoreError;

use crate::error::Error;

/// Why a client does not get what it asks for.
#[derive(Debug, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthFault {
    /// The word.
    pub error: &'static str,
    /// What is wrong, for those who write clients. It quotes nothing that was sent.
    pub description: String,
    /// The HTTP status.
    pub status: u16,
}

impl OAuthFault {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, description: description.into(), status: 400 }
    }

    /// The request itself makes no sense.
    pub fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// A code or refresh token that opens nothing.
    pub(super) fn grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn target(description: &str) -> Self {
        Self::new("invalid_target", description)
    }

    /// The client is none, or none for whoever asks.
    pub fn unknown_client() -> Self {
        let text =
            "there is no such client: register (again), or use the address of a client document";
        Self { status: 401, ..Self::new("invalid_client", text) }
    }

    pub(super) fn bad_secret() -> Self {
        let text = "the client did not show who it is, or not in the way that it registered";
        Self { status: 401, ..Self::new("invalid_client", text) }
    }

    pub(super) fn bad_document(description: String) -> Self {
        Self { status: 401, ..Self::new("invalid_client", description) }
    }

    pub(super) fn bad_client(description: &str) -> Self {
        Self::new("invalid_client_metadata", description)
    }

    pub(super) fn bad_redirect(description: &str) -> Self {
        Self::new("invalid_redirect_uri", description)
    }

    pub(super) fn registration_off() -> Self {
        let text = "clients do not register themselves here: use one whose id is the address of a document";
        Self { status: 403, ..Self::new("access_denied", text) }
    }

    pub(super) fn full() -> Self {
        let text = "too many are under way: try again later";
        Self { status: 503, ..Self::new("temporarily_unavailable", text) }
    }
}

impl From<Error> for OAuthFault {
    fn from(error: Error) -> Self {
        let status = error.to_api().status;
        let (word, status) = match status {
            500.. => ("server_error", 503),
            _ => ("invalid_request", 400),
        };
        Self { error: word, description: error.to_string(), status }
    }
}

impl From<StoreError> for OAuthFault {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}
