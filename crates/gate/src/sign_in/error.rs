//! Why nobody was signed in.

use notion::oauth::OAuthError;
use oidc::OidcError;

use crate::error::Error;
use crate::install::StateFault;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There is no provider.
    #[error(
        "signing in with a provider is not set up here: set NOTEGATE_OIDC_ISSUER, NOTEGATE_OIDC_CLIENT_ID and NOTEGATE_OIDC_CLIENT_SECRET"
    )]
    NotConfigured,
    /// This gate is no app at Notion.
    #[error(
        "signing in with Notion is not set up here: set NOTION_OAUTH_CLIENT_ID, NOTION_OAUTH_CLIENT_SECRET and NOTION_OAUTH_REDIRECT_URI"
    )]
    NoApp,
    /// What came back is not what this gate gave out.
    #[error("{0}")]
    State(#[from] StateFault),
    /// The person, or the provider, said no: the word of RFC 6749.
    #[error("the provider did not sign anybody in: {0}")]
    Denied(String),
    /// What came back makes no sense.
    #[error("what came back makes no sense: {0}")]
    Malformed(&'static str),
    /// The provider is of no use, or is not believed.
    #[error(transparent)]
    Provider(#[from] OidcError),
    /// Notion did not take the code.
    #[error("Notion did not take the code")]
    Exchange(#[source] OAuthError),
    /// Notion does not say who let the app in.
    #[error("Notion does not say which person that was")]
    NoPerson,
    /// The workspace is none that this gate is connected to for the person.
    #[error("the workspace that was chosen at Notion is not connected to this gate")]
    OtherWorkspace,
    /// No user has the address.
    #[error("there is no user with the address {0}")]
    Unknown(String),
    /// The provider tells no address.
    #[error("the provider tells no address of the person who signed in")]
    NoEmail,
    /// Anybody could have given that address.
    #[error("the provider has not verified that {0} is the person's address")]
    Unverified(String),
    /// The user with the address is another person, as far as the provider tells.
    #[error("the user with the address {0} signed in with another account before")]
    OtherAccount(String),
    /// The person is a user of several tenants.
    #[error("the person is a user of several tenants of this gate")]
    SeveralTenants,
    /// It could not be done or recorded.
    #[error(transparent)]
    Gate(#[from] Error),
}

impl SignInError {
    /// A word for ledger and log.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NotConfigured | Self::NoApp => "not_configured",
            Self::State(fault) => fault.as_str(),
            Self::Denied(_) => "denied_at_provider",
            Self::Malformed(_) => "malformed",
            Self::Provider(OidcError::Token(fault)) => fault.as_str(),
            Self::Provider(OidcError::Exchange { .. }) => "exchange_refused",
            Self::Provider(_) => "provider",
            Self::Exchange(_) => "exchange_refused",
            Self::NoPerson => "no_person",
            Self::OtherWorkspace => "other_workspace",
            Self::Unknown(_) => "unknown_person",
            Self::NoEmail => "no_email",
            Self::Unverified(_) => "email_unverified",
            Self::OtherAccount(_) => "other_account",
            Self::SeveralTenants => "several_tenants",
            Self::Gate(error) => error.reason().unwrap_or("error"),
        }
    }
}
