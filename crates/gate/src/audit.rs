//! The ledger, for those who read it: list, check, export.

use ledger::{Checkpoint, Entry, Fault, Head, Signer, Verdict, Verifier};
use model::{Principal, TenantId};
use notion::Effect;
use store::{EntryFilter, Store, StoreError};
use vault::{Keyring, Label};

use crate::error::Error;
use crate::record::Record;
use crate::{Gate, OpenError};

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
        Ok(verify(&*self.shared.store, &principal.tenant, self.shared.recorder.public_key())
            .await?)
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

    /// Looking at what an admin may see is in the ledger, too.
    pub(crate) async fn audited(
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

/// Checks a ledger that no gate is using, and changes nothing: neither what is wrong nor what is right.
/// Of one tenant: the default one if none is named.
pub async fn verify_at_rest(
    store: &dyn Store,
    keyring: &Keyring,
    tenant: Option<&str>,
) -> Result<Verdict, OpenError> {
    let root = crate::seal::root_at_rest(store, keyring).await?;
    let signer = Signer::from_seed(&root.derive(Label::LedgerSigning));
    Ok(verify(store, &tenant.map(TenantId::new).unwrap_or_default(), signer.public_key()).await?)
}

async fn verify(
    store: &dyn Store,
    tenant: &TenantId,
    public_key: &str,
) -> Result<Verdict, StoreError> {
    // In this order: a checkpoint is written together with its entries, so one that is read later
    // cannot be behind them.
    let heads = store.heads().await?;
    let last = heads.into_iter().find(|(whose, _)| whose == tenant).map_or(0, |(_, head)| head.seq);
    let checkpoints = store.checkpoints().await?;
    let checkpoint = checkpoints.into_iter().find(|it| it.tenant == tenant.as_str());

    let mut verifier = Verifier::after(Head::START);
    let end = checkpoint.as_ref().map_or(last, |checkpoint| checkpoint.seq.max(last));
    let (mut after, mut limit) = (0, CHUNK);
    loop {
        match store.entries_after(tenant, after, limit).await {
            Ok(entries) => {
                let entries: Vec<_> =
                    entries.into_iter().filter(|entry| entry.seq <= end).collect();
                let Some(newest) = entries.last().map(|entry| entry.seq) else { break };
                entries.iter().for_each(|entry| verifier.check(entry));
                after = newest;
            }
            // A row that makes no sense was not written by us: that is a finding, not a failure. One
            // by one, what stands before it is looked at first.
            Err(StoreError::Inconsistent { table: "ledger", row, .. }) if limit == 1 => {
                let seq = row.rsplit('/').next().and_then(|seq| seq.parse().ok());
                verifier.fail(seq.unwrap_or(verifier.head().seq + 1), Fault::Changed);
                break;
            }
            Err(StoreError::Inconsistent { table: "ledger", .. }) => limit = 1,
            Err(error) => return Err(error),
        }
    }
    match checkpoint {
        Some(checkpoint) if !checkpoint.is_signed_by(public_key) => {
            verifier.fail(checkpoint.seq, Fault::BadCheckpoint);
        }
        Some(checkpoint) if checkpoint.seq < last => verifier.fail(checkpoint.seq + 1, Fault::Cut),
        Some(checkpoint) if checkpoint.head() != verifier.head() => {
            verifier.fail(verifier.head().seq + 1, Fault::Cut);
        }
        None if last > 0 => verifier.fail(last, Fault::BadCheckpoint),
        Some(_) | None => {}
    }
    Ok(verifier.verdict())
}
