//! What lasts: one small trait per noun, and a backend behind them.
//!
//! Secrets come here sealed, keys come here hashed. Every query names its tenant. What is not there is
//! `None`; what is there and makes no sense is [`StoreError::Inconsistent`], with table, row and
//! column.

mod access_audits;
mod authorizations;
mod budgets;
mod connections;
mod inbox;
mod keys;
mod ledger_bodies;
mod ledger_entries;
mod meta;
mod mirrors;
mod operation_uses;
mod policies;
mod sealed_cells;
pub mod sqlite;
mod subscriptions;
mod tenants;
mod users;

pub use access_audits::{AccessAudits, AuditMade, StoredAudit};
pub use authorizations::{Authorizations, StoredClient, StoredGrant};
pub use budgets::{Budgets, SpentWindow};
pub use connections::{
    Connections, Credential, CredentialChange, Slot, StoredConnection, credential_row,
};
pub use inbox::{Due, EventFilter, EventState, Inbox, ObjectWork, StoredEvent, WorkEnd};
pub use keys::{KeyHash, Keys, StoredKey};
pub use ledger_bodies::{LedgerBodies, body_place, body_row};
pub use ledger_entries::{EntryFilter, LedgerEntries, Numbered, Phase};
pub use meta::Meta;
pub use mirrors::{MirrorState, Mirrors};
pub use operation_uses::{OperationUse, OperationUses};
pub use policies::{PolicyVersions, StoredPolicies};
pub use sealed_cells::{SealedCell, SealedCells};
pub use sqlite::SqliteStore;
pub use subscriptions::{
    StoredPairing, StoredSubscription, Subscriptions, verification_token_place,
};
pub use tenants::Tenants;
pub use users::Users;

/// Everything that lasts.
pub trait Store:
    Keys
    + Authorizations
    + Connections
    + Tenants
    + Users
    + LedgerEntries
    + LedgerBodies
    + Mirrors
    + OperationUses
    + AccessAudits
    + Budgets
    + Meta
    + PolicyVersions
    + SealedCells
    + Inbox
    + Subscriptions
{
}

impl<T> Store for T where
    T: Keys
        + Authorizations
        + Connections
        + Tenants
        + Users
        + LedgerEntries
        + LedgerBodies
        + Mirrors
        + OperationUses
        + AccessAudits
        + Budgets
        + Meta
        + PolicyVersions
        + SealedCells
        + Inbox
        + Subscriptions
{
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed while it was to {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
    /// A row holds what this version never writes.
    #[error("the database holds nonsense in {table}.{column}, row {row}: restore it from a backup")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
    /// The file is no database of notegate, or of a newer one.
    #[error("{0}")]
    Foreign(String),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// Short for this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
