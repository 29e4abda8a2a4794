//! Why no workspace was installed, and how many refusals the ledger takes.

use std::sync::atomic::{AtomicI64, Ordering};

use notion::oauth::OAuthError;

use super::StateFault;
use crate::custody::TokenError;
use crate::error::Error;
use crate::sign_in::SignInError;

/// Refused callbacks that get an entry in the ledger, in one minute; the others are only counted.
/// Otherwise whoever has nothing to lose could fill the disk.
const ENTRIES_PER_MINUTE: i64 = 30;
/// Why no workspace was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The gate is no OAuth client.
    #[error(
        "OAuth is not set up here: set NOTION_OAUTH_CLIENT_ID, NOTION_OAUTH_CLIENT_SECRET and NOTION_OAUTH_REDIRECT_URI"
    )]
    NotConfigured,
    /// What came back is not what this gate gave out.
    #[error("possible CSRF: {0}")]
    State(#[from] StateFault),
    /// The person, or Notion, said no: the word of RFC 6749.
    #[error("Authorization denied: {0}")]
    Denied(String),
    /// What came back makes no sense.
    #[error("Authorization failed: {0}")]
    Malformed(&'static str),
    /// Notion did not take the code.
    #[error("Authorization failed")]
    Exchange(#[source] OAuthError),
    /// Notion took the code, and then did not vouch for the token.
    #[error("Authorization failed: the new token could not be verified ({0})")]
    Unverified(#[source] TokenError),
    /// The token is another bot's than Notion said with it.
    #[error("Authorization failed: Notion's answers about the new token contradict each other")]
    Contradiction,
    /// The bot is a connection of another tenant.
    #[error("this installation belongs to somebody else on this gate")]
    OtherTenant,
    /// It could not be kept, and was taken back as far as Notion let it.
    #[error("the installation could not be stored: {0}")]
    NotKept(#[source] Error),
    /// It was a sign-in, and nobody was signed in.
    #[error(transparent)]
    SignIn(SignInError),
    /// It could not be recorded, or the principal may not do it.
    #[error(transparent)]
    Gate(#[from] Error),
}

impl InstallError {
    /// A word for ledger and log.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::State(fault) => fault.as_str(),
            Self::Denied(_) => "denied_at_notion",
            Self::Malformed(_) => "malformed",
            Self::Exchange(error) if error.is_invalid_grant() => "invalid_grant",
            Self::Exchange(OAuthError::Refused { .. }) => "exchange_refused",
            Self::Exchange(_) => "exchange_failed",
            Self::Unverified(_) => "unverified",
            Self::Contradiction => "bot_mismatch",
            Self::OtherTenant => "other_tenant",
            Self::SignIn(error) => error.reason(),
            Self::NotKept(error) | Self::Gate(error) => error.reason().unwrap_or("error"),
        }
    }
}

/// Counts refused callbacks, minute by minute.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    minute: AtomicI64,
    count: AtomicI64,
}

impl Refusals {
    /// Whether the next one gets an entry.
    pub(crate) fn is_told(&self, now: jiff::Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        if self.minute.swap(minute, Ordering::Relaxed) != minute {
            self.count.store(0, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed) < ENTRIES_PER_MINUTE
    }
}
