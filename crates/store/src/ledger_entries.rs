//! The ledger's entries. The store keeps them; the chain is made and checked elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use ledger::{Checkpoint, Entry, Head, Pruned, Row};
use model::TenantId;

use crate::Result;

/// What an entry is to the call that it belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// All there is to say.
    Whole,
    /// A write that is about to go out.
    Intent,
    /// How the write of this intent ended.
    Conclusion(u64),
}

/// An entry with its phase, ready to be kept.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// The entry.
    pub entry: Entry,
    /// What it is to its call.
    pub phase: Phase,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Only of this principal.
    pub principal: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only with this result.
    pub result: Option<String>,
    /// Only about this object.
    pub object: Option<String>,
}

/// Where the ledger is kept.
#[async_trait]
pub trait LedgerEntries: Send + Sync {
    /// Adds entries and the checkpoints after them, all or none. Durable when it returns.
    async fn append_entries(
        &self,
        entries: Arc<[Numbered]>,
        checkpoints: Vec<Checkpoint>,
    ) -> Result<()>;
    /// The newest entry of each tenant.
    async fn heads(&self) -> Result<Vec<(TenantId, Head)>>;
    /// The newest checkpoint of each tenant.
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>>;
    /// What stands in a tenant's ledger, in its order, after the number `after`.
    async fn entries_after(&self, tenant: &TenantId, after: u64, limit: u32) -> Result<Vec<Row>>;
    /// What stands there and passes `filter`, newest first, before the number `before`.
    async fn list_entries(
        &self,
        tenant: &TenantId,
        filter: EntryFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Row>>;
    /// Intents without a conclusion: writes that were cut off.
    async fn open_intents(&self) -> Result<Vec<Row>>;
    /// The records of what was dropped from a tenant's ledger, in their order.
    async fn pruned(&self, tenant: &TenantId) -> Result<Vec<Pruned>>;
    /// Notes that entries are dropped. From now on they are not there, whether [`Self::sweep_pruned`] has
    /// removed them yet or not.
    async fn add_pruned(&self, pruned: Pruned) -> Result<()>;
    /// Removes at most `limit` entries that were dropped, and the bodies kept for such; gives how many
    /// there were. Not all at once: the writer is for everybody.
    async fn sweep_pruned(&self, limit: u32) -> Result<usize>;
}
