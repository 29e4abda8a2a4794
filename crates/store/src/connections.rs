//! Connections and their sealed credentials.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Connection, ConnectionId, TenantId};
use vault::{Place, Sealed};

use crate::Result;

/// Which of a connection's credentials.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Slot {
    /// The token that calls go out with; of a pair, the one that reads.
    Access,
    /// What an OAuth installation gets its next tokens with.
    Refresh,
    /// Of a pair, the token that writes.
    Write,
    /// The access token before this one, kept for a grace.
    PreviousAccess,
    /// The refresh token before this one, kept until it is certain that the new one works.
    PreviousRefresh,
    /// The writing token before this one, kept for a grace.
    PreviousWrite,
    /// A token that a notegate of before kept beside its connection, sealed for another place. Sealed
    /// anew as [`Slot::Access`] when the gate opens.
    Legacy,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Access,
        Self::Refresh,
        Self::Write,
        Self::PreviousAccess,
        Self::PreviousRefresh,
        Self::PreviousWrite,
        Self::Legacy,
    ];

    /// The word for it, in the store and in the place that the credential is sealed for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Write => "write",
            Self::PreviousAccess => "previous_access",
            Self::PreviousRefresh => "previous_refresh",
            Self::PreviousWrite => "previous_write",
            Self::Legacy => "legacy",
        }
    }

    /// The slot with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.as_str() == word)
    }

    /// The place that a credential in this slot of `row` (see [`credential_row`]) is sealed for.
    pub fn place(self, row: &str) -> Place<'_> {
        match self {
            Self::Legacy => Place { table: "connections", row, column: "token" },
            slot => Place { table: "credentials", row, column: slot.as_str() },
        }
    }
}

/// The row that a credential is bound to: tenant and bot.
pub fn credential_row(tenant: &TenantId, bot_id: ConnectionId) -> String {
    format!("{tenant}/{bot_id}")
}

/// One sealed credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// Which it is.
    pub slot: Slot,
    /// The secret, sealed for [`Slot::place`].
    pub sealed: Sealed,
    /// Since when it is in this slot.
    pub since: Timestamp,
}

/// What happens to a connection's credentials. Slots that are not named stay as they are.
#[derive(Clone, Debug, Default)]
pub struct CredentialChange {
    /// Slots that are emptied, before anything is put.
    pub delete: Vec<Slot>,
    /// Credentials that are put, each in place of what was in its slot.
    pub put: Vec<Credential>,
}

impl CredentialChange {
    /// Nothing happens to them.
    pub fn none() -> Self {
        Self::default()
    }

    /// These and no others are there afterwards.
    pub fn only(put: Vec<Credential>) -> Self {
        Self { delete: Slot::ALL.to_vec(), put }
    }

    /// The credentials that are there afterwards, in the order of [`Slot`].
    pub fn applied_to(&self, before: &[Credential]) -> Vec<Credential> {
        let gone = |slot| self.delete.contains(&slot) || self.put.iter().any(|it| it.slot == slot);
        let kept = before.iter().filter(|credential| !gone(credential.slot));
        let mut after: Vec<_> = kept.chain(&self.put).cloned().collect();
        after.sort_by_key(|credential| credential.slot);
        after
    }
}

/// A connection and its sealed credentials.
#[derive(Clone, Debug)]
pub struct StoredConnection {
    /// What is known of it.
    pub connection: Connection,
    /// Its credentials, in the order of [`Slot`].
    pub credentials: Vec<Credential>,
}

/// Where connections are kept.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Adds a connection, or puts what is known now in place of the old; and changes its credentials.
    /// All of it happens, or nothing.
    async fn put_connection(&self, connection: Connection, change: CredentialChange) -> Result<()>;
    /// The connections of every tenant.
    async fn all_connections(&self) -> Result<Vec<StoredConnection>>;
    /// Notes when connections were used; one that is gone, or was used later, stays as it is.
    async fn touch_connections(&self, uses: Vec<(TenantId, ConnectionId, Timestamp)>)
    -> Result<()>;
    /// Sees to it that nothing that was deleted is left in the store's files.
    async fn scrub(&self) -> Result<()>;
    /// Removes a connection and its credentials; `false` if the tenant has no such one.
    async fn remove_connection(&self, tenant: &TenantId, bot_id: ConnectionId) -> Result<bool>;
}
