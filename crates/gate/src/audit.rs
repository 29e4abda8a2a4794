//! The ledger, for those who read it: list, check, export.

use ledger::{Checkpoint, Entry, Fault, Head, Verdict, Verifier};
use model::Principal;
use notion::Effect;
use store::{EntryFilter, StoreError};

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// Entries that are read at once while a chain is checked or exported.
const CHUNK: u32 = 1000;
/// The most entries of one page.
const LIMIT_MAX: u32 = 1000;

/// Which entries to list.
pub type AuditFilter = EntryFilter;

/// A page of entries, newest first.
#[derive(Debug)]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<Entry>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
}

impl Gate {
    /// Entries of the tenant that pass `filter`, newest first.
    pub async fn list_audit(
        &self,
        principal: &Principal,
        filter: AuditFilter,
        before: Option<u64>,
        limit: u32,
        request_id: &str,
    ) -> Result<AuditPage, Error> {
        self.audited(principal, "list-audit", request_id).await?;
        let limit = limit.clamp(1, LIMIT_MAX);
        let store = &self.shared.store;
        let mut items = store.list_entries(&principal.tenant, filter, before, limit + 1).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().map(|entry| entry.seq).filter(|_| more);
        Ok(AuditPage { items, next })
    }

    /// Checks the tenant's whole chain against its signed checkpoint.
    pub async fn verify_audit(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Verdict, Error> {
        self.audited(principal, "verify-audit", request_id).await?;
        // In this order: a checkpoint is written together with its entries, so one that is read later
        // cannot be behind them.
        let last =
            self.shared.store.list_entries(&principal.tenant, EntryFilter::default(), None, 1);
        let last = last.await.ok().and_then(|entries| entries.first().map(|entry| entry.seq));
        let until = self.checkpoint(principal).await?;
        let mut verifier = Verifier::after(Head::START);
        let (mut after, end) = (0, until.as_ref().map_or(u64::MAX, |checkpoint| checkpoint.seq));
        loop {
            match self.export_chunk(principal, after, end).await {
                Ok(entries) if entries.is_empty() => break,
                Ok(entries) => {
                    entries.iter().for_each(|entry| verifier.check(entry));
                    after = entries.last().map_or(after, |entry| entry.seq);
                }
                // A row that makes no sense was not written by us: that is a finding, not a failure.
                Err(Error::Store(StoreError::Inconsistent { table: "ledger", row, .. })) => {
                    let seq = row.rsplit('/').next().and_then(|seq| seq.parse().ok());
                    verifier.fail(seq.unwrap_or(verifier.head().seq + 1), Fault::Changed);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(checkpoint) = until {
            if !checkpoint.is_signed_by(self.shared.recorder.public_key()) {
                verifier.fail(checkpoint.seq, Fault::BadCheckpoint);
            } else if checkpoint.head() != verifier.head() {
                verifier.fail(verifier.head().seq + 1, Fault::Cut);
            } else if last.is_some_and(|last| last > checkpoint.seq) {
                verifier.fail(checkpoint.seq + 1, Fault::Cut);
            }
        } else if verifier.head() != Head::START {
            verifier.fail(verifier.head().seq + 1, Fault::BadCheckpoint);
        }
        Ok(verifier.verdict())
    }

    /// Begins an export: the checkpoint that belongs after its last entry.
    pub async fn begin_export(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Option<Checkpoint>, Error> {
        self.audited(principal, "export-audit", request_id).await?;
        self.checkpoint(principal).await
    }

    /// The next entries of an export that ends at `until`, oldest first; none at its end.
    pub async fn export_chunk(
        &self,
        principal: &Principal,
        after: u64,
        until: u64,
    ) -> Result<Vec<Entry>, Error> {
        self.operator_of(principal)?;
        let mut entries = self.shared.store.entries_after(&principal.tenant, after, CHUNK).await?;
        entries.retain(|entry| entry.seq <= until);
        Ok(entries)
    }

    /// The key that checks the checkpoints, in base64.
    pub fn audit_public_key(&self) -> &str {
        self.shared.recorder.public_key()
    }

    async fn checkpoint(&self, principal: &Principal) -> Result<Option<Checkpoint>, Error> {
        let all = self.shared.store.checkpoints().await?;
        Ok(all.into_iter().find(|checkpoint| checkpoint.tenant == principal.tenant.as_str()))
    }

    /// Reading the ledger is in the ledger, too.
    async fn audited(
        &self,
        principal: &Principal,
        operation: &'static str,
        request_id: &str,
    ) -> Result<(), Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, operation, request_id);
        match self.operator_of(principal) {
            Ok(()) => record.done().await,
            Err(error) => Err(record.failed(error).await),
        }
    }
}
