//! Why the gate does not do what it was asked, and how Notion would say that.

use model::ConnectionId;
use model::role::Permission;
use notion::ApiError;
use notion::client::SendError;
use policy::Refusal;
use store::StoreError;

use crate::budget::Exhausted;
use crate::custody::TokenError;

/// Why a call is not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key was shown, or not as a bearer token.
    #[error("no key was shown: send `Authorization: Bearer <key>`")]
    NoKey,
    /// The key opens nothing.
    #[error("{0}")]
    BadKey(KeyFault),
    /// The policy refuses it.
    #[error(transparent)]
    Refused(Refusal),
    /// An object that is not there for this caller, in the words that Notion has for it.
    #[error("{}", .0.message)]
    NotFound(ApiError),
    /// The request is malformed, in the words that Notion has for it.
    #[error("{}", .0.message)]
    Malformed(ApiError),
    /// The key's budget, or that of a key above it, is spent.
    #[error("{0}")]
    Budget(Exhausted),
    /// Where things stand was asked of Notion often enough for this key, or for this call.
    #[error(
        "more has to be looked up for this answer than one call may look up, or the key in a minute: try again \
         in {retry_after} s, and it goes on from what was found out so far; or ask for less at once (`page_size`)"
    )]
    LookUps {
        /// In whole seconds.
        retry_after: u64,
    },
    /// A use case was asked for something that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// No such thing of notegate's own.
    #[error("{0}")]
    Missing(String),
    /// It does not go with what is going on.
    #[error("{0}")]
    Conflict(String),
    /// An access audit that did not come to its end.
    #[error("the access audit broke off after {objects} objects, and nothing was kept: {cause}")]
    AuditBroken {
        /// What it had found by then.
        objects: usize,
        /// Why.
        cause: Box<Self>,
    },
    /// The ledger cannot be written, so nothing may happen.
    #[error(
        "the ledger cannot be written, so no call is made: look at the log and at the disk of the data directory"
    )]
    Ledger,
    /// There is no connection to a workspace.
    #[error(
        "no workspace is connected: connect one (`notegate workspaces connect`), or set NOTION_TOKEN and start again"
    )]
    NoConnection,
    /// The key is bound to no connection, and there are several.
    #[error(
        "the key is bound to no workspace, and several are connected: make a key for one of them"
    )]
    WhichConnection,
    /// The connection is out of use until somebody authorises it again.
    #[error(
        "User needs to re-authorize: the connection {connection} to the workspace is not in use any more; connect the workspace again"
    )]
    Reauthorize {
        /// Which.
        connection: ConnectionId,
    },
    /// Notion refuses the connection's credential, and that could not be mended now. Never passed on as
    /// a 401: to the caller that would mean that its own key is wrong.
    #[error("Notion refuses the connection's credential: {0}")]
    Unauthorized(String),
    /// The tenant has no such connection: there never was one, or it is another tenant's.
    #[error(
        "User needs to re-authorize: there is no connection with this id; `notegate workspaces list` shows those that are there"
    )]
    NoSuchConnection,
    /// A token is not taken.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A credential does not open.
    #[error("the connection's credential cannot be opened")]
    Credential(#[source] vault::OpenError),
    /// The master key could not be changed.
    #[error("the master key could not be changed: {0}")]
    MasterKey(String),
    /// Notion itself refused, when the gate asked for what it needs to know.
    #[error("{}", .0.message)]
    Notion(ApiError),
    /// Notion gave no answer.
    #[error(transparent)]
    Upstream(SendError),
    /// Notion's answer could not be read or understood.
    #[error("Notion's answer could not be read: {0}")]
    Answer(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a key opens nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyFault {
    /// Not a key, or not one of ours.
    #[error("the key is unknown")]
    Unknown,
    /// Its time is over.
    #[error("the key has expired: ask for a new one")]
    Expired,
    /// Somebody ended it.
    #[error("the key was revoked: ask for a new one")]
    Revoked,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Error {
    /// A stable word for the rule that refused; `None` where it must not be told, or where nothing
    /// was refused.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NoKey => Some("no_key"),
            Self::BadKey(KeyFault::Unknown) => Some("key"),
            Self::BadKey(KeyFault::Expired) => Some("expired"),
            Self::BadKey(KeyFault::Revoked) => Some("revoked"),
            Self::Refused(refusal) => Some(refusal.reason()),
            Self::NotFound(_) | Self::Missing(_) => None,
            Self::Conflict(_) => Some("conflict"),
            Self::MasterKey(_) => Some("master_key"),
            Self::AuditBroken { cause, .. } => cause.reason(),
            Self::Malformed(_) | Self::Invalid(_) => Some("request"),
            Self::Budget(_) | Self::LookUps { .. } => Some("budget"),
            Self::Ledger => Some("ledger"),
            Self::NoConnection | Self::WhichConnection | Self::Credential(_) => Some("connection"),
            Self::Reauthorize { .. } => Some("reauthorization_required"),
            Self::NoSuchConnection => None,
            Self::Token(_) => Some("token"),
            Self::Unauthorized(_) | Self::Upstream(_) | Self::Answer(_) | Self::Notion(_) => {
                Some("upstream")
            }
            Self::Store(_) => Some("store"),
        }
    }

    /// Whether notegate refused it, as opposed to having tried.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NoKey
                | Self::BadKey(_)
                | Self::Refused(_)
                | Self::NotFound(_)
                | Self::Malformed(_)
                | Self::NoConnection
                | Self::WhichConnection
                | Self::Reauthorize { .. }
                | Self::Conflict(_)
                | Self::Budget(_)
                | Self::LookUps { .. }
        )
    }

    /// After how many seconds it may go better.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Budget(Exhausted { retry_after, .. }) | Self::LookUps { retry_after } => {
                Some(*retry_after)
            }
            _ => None,
        }
    }

    /// The error as Notion would answer it.
    pub fn to_api(&self) -> ApiError {
        match self {
            Self::NoKey => ApiError::no_bearer(),
            Self::BadKey(_) => ApiError::unauthorized(),
            Self::Refused(Refusal::NoPlace) => ApiError::validation(
                "body failed validation: body.parent should name a page, database or data source \
                 inside the scope of the key.",
            ),
            Self::Refused(Refusal::Role { permission, .. }) => {
                let requires = requires(*permission);
                ApiError::new(403, "restricted_resource", format!("{requires}: {self}."))
            }
            Self::Refused(_) => {
                ApiError::new(403, "restricted_resource", format!("notegate refuses: {self}."))
            }
            Self::NotFound(error) | Self::Malformed(error) | Self::Notion(error) => error.clone(),
            Self::Budget(Exhausted { retry_after, .. }) | Self::LookUps { retry_after } => {
                ApiError {
                    message: format!("notegate: {self}."),
                    ..ApiError::rate_limited(*retry_after)
                }
            }
            Self::Invalid(message) => ApiError::validation(message.clone()),
            Self::Missing(message) => ApiError::new(404, "object_not_found", message.clone()),
            Self::NoSuchConnection => ApiError::new(404, "object_not_found", format!("{self}.")),
            Self::Conflict(message) => ApiError::new(409, "conflict_error", message.clone()),
            Self::MasterKey(_) => ApiError::new(409, "conflict_error", self.to_string()),
            Self::AuditBroken { objects, cause } => {
                let cause = cause.to_api();
                let message = format!(
                    "The access audit broke off after {objects} objects, and nothing was kept: {} \
                     Run it again.",
                    cause.message
                );
                // What Notion refuses the connection is no refusal of our caller.
                let status = match cause.status {
                    ours @ (409 | 503 | 504) => ours,
                    _ => 502,
                };
                ApiError { message, status, ..cause }
            }
            Self::Upstream(SendError::Timeout(_)) => ApiError::gateway_timeout(format!("{self}.")),
            Self::Upstream(SendError::Malformed(_)) => ApiError::validation(format!("{self}.")),
            Self::Unauthorized(_) => {
                ApiError::new(502, "bad_gateway", format!("notegate: {self}."))
            }
            Self::WhichConnection | Self::Reauthorize { .. } => {
                ApiError::new(409, "conflict_error", format!("{self}."))
            }
            Self::Token(
                TokenError::Rejected | TokenError::Mismatch(_) | TokenError::DatabaseNotFound(_),
            ) => ApiError::validation(format!("{self}.")),
            // What was wrong with it may quote what the caller must not see: that is for the log.
            Self::Answer(_) => {
                ApiError::service_unavailable("notegate: Notion's answer could not be read.")
            }
            Self::Upstream(SendError::Connect(_) | SendError::Broken(_))
            | Self::Ledger
            | Self::NoConnection
            | Self::Token(TokenError::Unreachable { .. } | TokenError::Unexpected { .. })
            | Self::Credential(_)
            | Self::Store(_) => ApiError::service_unavailable(format!("notegate: {self}.")),
        }
    }
}

/// The text of a role refusal, the same on every door.
pub(crate) fn requires(permission: Permission) -> String {
    format!("Requires \"{}\" permission", permission.as_str())
}
