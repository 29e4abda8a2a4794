//! The ledger, for those who read it: list, check, export, take a checkpoint along.

use ledger::{Checkpoint, Entry, Fault, Head, Pruned, Row, Signer, Verdict, Verifier};
use model::{Principal, TenantId};
use notion::Effect;
use policy::Refusal;
use serde::Serialize;
use store::{EntryFilter, Store, StoreError};
use vault::{Keyring, Label};

use crate::error::Error;
use crate::record::Record;
use crate::{Gate, OpenError};

/// Entries that are read at once while a chain is checked or exported.
pub(crate) const CHUNK: u32 = 1000;
/// The most entries of one page.
const LIMIT_MAX: u32 = 1000;
/// How often a check begins anew because entries were dropped meanwhile.
const CHECKS_MAX: u32 = 3;

/// Which entries to list.
pub type AuditFilter = EntryFilter;

/// A page of the ledger, newest first.
#[derive(Debug)]
pub struct AuditPage {
    /// What stands there.
    pub items: Vec<Row>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
}

impl AuditPage {
    /// The entries, without what cannot be read.
    pub fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.items.into_iter().filter_map(Row::into_entry)
    }
}

/// What a check of the whole ledger found.
#[derive(Clone, Debug, Serialize)]
pub struct AuditCheck {
    /// Whether it is as it was written.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was dropped from it, and says so.
    pub dropped: Vec<Pruned>,
}

/// An export that begins.
#[derive(Clone, Debug)]
pub struct AuditExport {
    /// What was dropped, to stand before everything else.
    pub dropped: Vec<Pruned>,
    /// The first entries come after this number.
    pub after: u64,
    /// The checkpoint that belongs after its last entry.
    pub until: Option<Checkpoint>,
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
        self.read_ledger(principal, "list-audit", request_id).await?;
        let limit = limit.clamp(1, LIMIT_MAX);
        let store = &self.shared.store;
        let mut items = store.list_entries(&principal.tenant, filter, before, limit + 1).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().map(Row::seq).filter(|_| more);
        Ok(AuditPage { items, next })
    }

    /// Checks the tenant's whole chain against its signed checkpoint.
    pub async fn verify_audit(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<AuditCheck, Error> {
        self.read_ledger(principal, "verify-audit", request_id).await?;
        Ok(verify(&*self.shared.store, &principal.tenant, self.shared.recorder.public_key())
            .await?)
    }

    /// Begins an export of what comes after an entry: of everything after 0.
    pub async fn begin_export(
        &self,
        principal: &Principal,
        after: u64,
        request_id: &str,
    ) -> Result<AuditExport, Error> {
        self.read_ledger(principal, "export-audit", request_id).await?;
        let mut dropped = self.shared.store.pruned(&principal.tenant).await?;
        let gone = dropped.last().map_or(0, |pruned| pruned.last);
        if gone <= after {
            dropped.clear();
        }
        let until = self.checkpoint(principal).await?;
        let last = until.as_ref().map_or(0, |checkpoint| checkpoint.seq);
        if after > last {
            return Err(Error::Invalid(format!(
                "there is nothing after entry {after}: the newest is {last}"
            )));
        }
        Ok(AuditExport { dropped, after: after.max(gone), until })
    }

    /// The next of an export that ends at `until`, oldest first; nothing at its end.
    pub async fn export_chunk(
        &self,
        principal: &Principal,
        after: u64,
        until: u64,
    ) -> Result<Vec<Row>, Error> {
        self.reader_of_ledger(principal)?;
        let store = &self.shared.store;
        let mut rows = store.entries_after(&principal.tenant, after, CHUNK).await?;
        rows.retain(|row| row.seq() <= until);
        if rows.first().is_none_or(|row| row.seq() != after + 1) {
            let dropped = store.pruned(&principal.tenant).await?;
            if dropped.last().is_some_and(|pruned| pruned.last > after) {
                let why = "entries were dropped during the export: export again";
                return Err(Error::Conflict(why.to_owned()));
            }
        }
        Ok(rows)
    }

    /// Where the tenant's ledger stands, signed, to be kept elsewhere.
    pub async fn audit_checkpoint(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Checkpoint, Error> {
        self.read_ledger(principal, "read-checkpoint", request_id).await?;
        let none = || Error::Missing("the ledger has no entry yet".to_owned());
        self.checkpoint(principal).await?.ok_or_else(none)
    }

    /// The key that checks the checkpoints, in base64, for somebody who asks.
    pub async fn show_public_key(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<&str, Error> {
        self.read_ledger(principal, "read-public-key", request_id).await?;
        Ok(self.audit_public_key())
    }

    /// The key that checks the checkpoints, in base64.
    pub fn audit_public_key(&self) -> &str {
        self.shared.recorder.public_key()
    }

    async fn checkpoint(&self, principal: &Principal) -> Result<Option<Checkpoint>, Error> {
        let all = self.shared.store.checkpoints().await?;
        Ok(all.into_iter().find(|checkpoint| checkpoint.tenant == principal.tenant.as_str()))
    }

    /// Judges who may read the ledger: who manages, and auditors, whatever their role.
    pub(crate) fn reader_of_ledger(&self, principal: &Principal) -> Result<(), Refusal> {
        if policy::is_auditor(principal) {
            return Ok(());
        }
        self.policies(principal).manage(principal)
    }

    /// Looking at the ledger is in the ledger, too.
    async fn read_ledger(
        &self,
        principal: &Principal,
        operation: &'static str,
        request_id: &str,
    ) -> Result<(), Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, operation, request_id);
        match self.reader_of_ledger(principal) {
            Ok(()) => record.done().await,
            Err(refusal) => Err(record.failed(refusal.into()).await),
        }
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
) -> Result<AuditCheck, OpenError> {
    let root = crate::seal::root_at_rest(store, keyring).await?;
    let signer = Signer::from_seed(&root.derive(Label::LedgerSigning));
    Ok(verify(store, &tenant.map(TenantId::new).unwrap_or_default(), signer.public_key()).await?)
}

async fn verify(
    store: &dyn Store,
    tenant: &TenantId,
    public_key: &str,
) -> Result<AuditCheck, StoreError> {
    let mut checks = 1;
    loop {
        let check = walk(store, tenant, public_key, &mut |_| {}).await?;
        let dropped_meanwhile = match store.pruned(tenant).await {
            Ok(dropped) => dropped.len() != check.dropped.len(),
            Err(_) => false,
        };
        if check.verdict.intact || !dropped_meanwhile || checks == CHECKS_MAX {
            return Ok(check);
        }
        checks += 1;
    }
}

/// Checks a whole chain, and shows every good entry to `see`.
pub(crate) async fn walk(
    store: &dyn Store,
    tenant: &TenantId,
    public_key: &str,
    see: &mut (dyn FnMut(&Entry) + Send),
) -> Result<AuditCheck, StoreError> {
    let mut verifier = Verifier::after(Head::START);
    let dropped = match store.pruned(tenant).await {
        Ok(dropped) => dropped,
        // A row that makes no sense was not written by us: that is a finding, not a failure.
        Err(StoreError::Inconsistent { .. }) => {
            verifier.fail(1, Fault::BadPruned);
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    dropped.iter().for_each(|pruned| verifier.skip(pruned, public_key));
    let gone = dropped.last().map_or(0, |pruned| pruned.last);

    // In this order: a checkpoint is written together with its entries, so one that is read later
    // cannot be behind them.
    let heads = store.heads().await?;
    let last = heads.into_iter().find(|(whose, _)| whose == tenant).map_or(0, |(_, head)| head.seq);
    let checkpoints = store.checkpoints().await?;
    let checkpoint = checkpoints.into_iter().find(|it| it.tenant == tenant.as_str());

    let end = checkpoint.as_ref().map_or(last, |checkpoint| checkpoint.seq.max(last));
    let mut after = gone;
    while !verifier.has_found() {
        let rows = store.entries_after(tenant, after, CHUNK).await?;
        let rows: Vec<_> = rows.into_iter().filter(|row| row.seq() <= end).collect();
        let Some(newest) = rows.last().map(Row::seq) else { break };
        for row in &rows {
            match row {
                Row::Entry(entry) => verifier.check(entry),
                Row::Unreadable { .. } => verifier.fail(verifier.head().seq + 1, Fault::Unreadable),
            }
            if let Some(entry) = row.entry().filter(|_| !verifier.has_found()) {
                see(entry);
            }
        }
        after = newest;
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
    Ok(AuditCheck { verdict: verifier.verdict(), dropped })
}
