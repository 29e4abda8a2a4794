//! Why somebody cannot be signed in.

/// Why a provider is of no use, or what it says is not believed.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// An address that nothing may travel to.
    #[error("{what} is `{url}`, which is no https address without user, query or fragment")]
    Address {
        /// Which one.
        what: &'static str,
        /// What it is.
        url: String,
    },
    /// There was no answer in time, or none at all.
    #[error("the provider cannot be reached at {url}: {why}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// How it failed.
        why: String,
    },
    /// The answer was no success.
    #[error("the provider answered {url} with status {status}")]
    Status {
        /// What was asked.
        url: String,
        /// What it answered.
        status: u16,
    },
    /// The answer is none that makes sense.
    #[error("the provider's answer to {url} makes no sense: {what}")]
    Nonsense {
        /// What was asked.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// Discovery names another issuer than the one that was asked.
    #[error(
        "the provider calls itself `{named}`, and was asked as `{expected}`: set exactly what it says"
    )]
    Issuer {
        /// Who it says it is.
        named: String,
        /// Who it should be.
        expected: String,
    },
    /// The code was not taken.
    #[error("the provider does not take the code ({error})")]
    Exchange {
        /// Its word for it (RFC 6749, 5.2).
        error: String,
    },
    /// The ID token is not believed.
    #[error("the provider's ID token is not valid: {0}")]
    Token(#[from] TokenFault),
}

/// What is wrong with an ID token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenFault {
    /// It is no JWS in compact form, or too long.
    #[error("it is not a signed token")]
    Form,
    /// Signed in a way that is not accepted; `none` and shared secrets among them.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// The provider has no key that it could be signed with.
    #[error("it is signed with a key that the provider does not publish")]
    Key,
    /// The signature does not fit.
    #[error("its signature does not fit")]
    Signature,
    /// Somebody else made it.
    #[error("it is of another issuer")]
    Issuer,
    /// It is meant for somebody else.
    #[error("it is meant for another client")]
    Audience,
    /// Its time is over, or has not come.
    #[error("its time is over, or has not come")]
    Time,
    /// It belongs to another sign-in.
    #[error("it belongs to another sign-in (`nonce`)")]
    Nonce,
    /// It does not say who signed in.
    #[error("it does not say who signed in (`sub`)")]
    Subject,
}

impl TokenFault {
    /// A word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "token_form",
            Self::Algorithm => "token_algorithm",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Time => "token_time",
            Self::Nonce => "token_nonce",
            Self::Subject => "token_subject",
        }
    }
}
