//! How far ledgers are mirrored elsewhere.

use async_trait::async_trait;
use ledger::Row;
use model::TenantId;

use crate::Result;

/// How far the mirror of a tenant's ledger is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MirrorState {
    /// Everything up to this entry is there, or need not be.
    pub done: u64,
    /// The entry that is being written there. After a crash it may be there, or not.
    pub pending: Option<u64>,
}

/// Where it is kept how far mirrors are.
#[async_trait]
pub trait Mirrors: Send + Sync {
    /// How far the mirror of a tenant's ledger is; `None` if there never was one.
    async fn mirror_state(&self, tenant: &TenantId) -> Result<Option<MirrorState>>;
    /// What a mirror of a tenant's ledger shows, after the number `after`, and how much there is of it:
    /// outcomes of writes and of management, and refusals; with `reads`, reads and what was received, too.
    /// Never what the mirror did itself.
    async fn entries_to_mirror(
        &self,
        tenant: &TenantId,
        after: u64,
        reads: bool,
        limit: u32,
    ) -> Result<(Vec<Row>, u64)>;
    /// Sets it. Durable when it returns.
    async fn set_mirror_state(&self, tenant: &TenantId, state: MirrorState) -> Result<()>;
}
