//! Retention: entries that are old enough are dropped, from the beginning on, and a signed record takes
//! their place. Never in silence, never out of a ledger that is not intact, and never so that an act of
//! management loses its intent or its outcome.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use ledger::{Dropped, Entry, Head, Meta, Pruned, Resource};
use model::{Principal, TenantId, Who};
use serde::Serialize;
use tokio::sync::watch;

use crate::Gate;
use crate::audit::{AuditCheck, walk};
use crate::error::Error;
use crate::record::{INTENDED, Record};

/// How often the ledger is looked through for what is too old.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Entries that are removed at once: the store's writer is for everybody.
const SWEEP: u32 = 2000;
const SWEEP_PAUSE: Duration = Duration::from_millis(5);

/// What became of an attempt to drop entries.
#[derive(Clone, Debug, Serialize)]
pub struct AuditPruned {
    /// The record of what was dropped; `None` if nothing was.
    pub pruned: Option<Pruned>,
    /// How many entries were dropped.
    pub entries: u64,
}

impl Gate {
    /// Drops the entries of the tenant that are older than `before`. Only the operator may: an admin key
    /// could wipe away what it did.
    pub async fn prune_audit(
        &self,
        principal: &Principal,
        before: Timestamp,
        request_id: &str,
    ) -> Result<AuditPruned, Error> {
        let record = self.record_of_pruning(principal, before, request_id);
        let allowed = policy::operate(principal).map_err(Error::from).and_then(|()| {
            let future =
                "`before` lies in the future: entries that are yet to come cannot be dropped";
            let past = before <= self.shared.clock.now();
            past.then_some(()).ok_or_else(|| Error::Invalid(future.to_owned()))
        });
        match allowed {
            Ok(()) => self.drop_before(principal, before, record).await,
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Drops what is older than the retention allows, in every tenant's ledger.
    pub async fn apply_retention(&self) -> Result<(), Error> {
        // What a crash left behind.
        self.sweep().await?;
        let Some(kept) = self.shared.ledger_retention else { return Ok(()) };
        let now = self.shared.clock.now();
        let before = now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        for (tenant, _) in self.shared.store.heads().await? {
            let oldest = self.shared.store.entries_after(&tenant, 0, 1).await?;
            if oldest.first().and_then(|row| row.entry()).is_none_or(|entry| entry.at >= before) {
                continue;
            }
            let principal = Principal { who: Who::Gate, ..self.operator_for(tenant.clone()) };
            let record = self.record_of_pruning(&principal, before, &self.new_request_id());
            if let Err(error) = self.drop_before(&principal, before, record).await {
                tracing::error!(%tenant, %error, "old entries of the ledger were not dropped");
            }
        }
        Ok(())
    }

    pub(crate) async fn keep_retention(&self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.apply_retention().await {
                tracing::error!(%error, "the ledger could not be looked through for what is too old");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                // An error means that nobody is left who could say stop: then it is time.
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn record_of_pruning(
        &self,
        principal: &Principal,
        before: Timestamp,
        request_id: &str,
    ) -> Record<'_> {
        let ledger = Resource { kind: "ledger".into(), id: String::new() };
        let shared = &self.shared;
        let mut record = Record::manage(shared, principal, "prune-audit", ledger, request_id);
        record.fact("before", before.to_string());
        record
    }

    async fn drop_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        mut record: Record<'_>,
    ) -> Result<AuditPruned, Error> {
        let _alone = self.shared.pruning.lock().await;
        let dropped = match self.what_to_drop(&principal.tenant, before).await {
            Ok(Some(dropped)) => dropped,
            Ok(None) => {
                record.done().await?;
                return Ok(AuditPruned { pruned: None, entries: 0 });
            }
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("first", dropped.first.seq.cast_signed());
        record.fact("last", dropped.last.seq.cast_signed());
        record.fact("last_hash", dropped.last.hash.to_string());
        record.intend().await?;
        let (tenant, by) = (principal.tenant.as_str(), principal.name());
        let signer = self.shared.recorder.signer();
        let pruned = signer.sign_pruned(tenant, dropped, before, self.shared.clock.now(), &by);
        // From here on they are gone; what is left of them is removed bit by bit.
        if let Err(error) = self.shared.store.add_pruned(pruned.clone()).await {
            return Err(record.failed(error.into()).await);
        }
        record.done().await?;
        tracing::info!(
            tenant,
            first = pruned.first,
            last = pruned.last,
            by,
            "entries of the ledger were dropped"
        );
        self.sweep().await?;
        let entries = pruned.last + 1 - pruned.first;
        Ok(AuditPruned { pruned: Some(pruned), entries })
    }

    /// Which entries can go. The whole ledger is checked first: what is damaged stays as it is, to be
    /// looked at.
    async fn what_to_drop(
        &self,
        tenant: &TenantId,
        before: Timestamp,
    ) -> Result<Option<Dropped>, Error> {
        let shared = &self.shared;
        let mut cut = Cut {
            before,
            until: shared.mirror.done_with(tenant),
            first: None,
            last: None,
            open: HashSet::new(),
            over: false,
        };
        let mut see = |entry: &Entry| cut.see(entry);
        let walked = walk(&*shared.store, tenant, shared.recorder.public_key(), &mut see).await?;
        let AuditCheck { verdict, .. } = walked;
        if let Some((at, fault)) = verdict.at.zip(verdict.fault) {
            return Err(Error::Conflict(format!(
                "the ledger is not intact at entry {at} ({fault}), so nothing was dropped: look into \
                 that first"
            )));
        }
        Ok(cut.first.zip(cut.last).map(|(first, last)| Dropped { first, last }))
    }

    async fn sweep(&self) -> Result<(), Error> {
        while self.shared.store.sweep_pruned(SWEEP).await? > 0 {
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
        Ok(())
    }
}

/// Finds the last entry that can be dropped.
struct Cut {
    before: Timestamp,
    /// Nothing after this entry goes: the mirror has not shown it yet.
    until: u64,
    first: Option<Head>,
    last: Option<Head>,
    /// Acts of management whose outcome has not come yet.
    open: HashSet<u64>,
    /// Something is young enough to stay, and so is all after it.
    over: bool,
}

impl Cut {
    fn see(&mut self, entry: &Entry) {
        let head = Head { seq: entry.seq, hash: entry.hash };
        self.first.get_or_insert(head);
        self.over |= entry.at >= self.before || entry.seq > self.until;
        if self.over {
            return;
        }
        if entry.action.strip_suffix(INTENDED) == Some("manage") {
            self.open.insert(entry.seq);
        } else if let Some(Meta::Number(intent)) = entry.metadata.get("intent") {
            self.open.remove(&intent.unsigned_abs());
        }
        if self.open.is_empty() {
            self.last = Some(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Chain, Draft, Outcome};
    use proptest::prelude::*;

    use super::*;

    fn entries(acts: &[(bool, i64)]) -> Vec<Entry> {
        let mut chain = Chain::after(Head::START);
        let mut open: Vec<u64> = Vec::new();
        let mut entries = Vec::new();
        for (begins, choice) in acts {
            let mut draft = Draft {
                at: Timestamp::from_second(entries.len() as i64).unwrap(),
                principal: "operator".into(),
                tenant: "default".into(),
                connection: String::new(),
                action: "manage_intended".into(),
                operation: "create-key".into(),
                resource: Resource::default(),
                result: Outcome::Success,
                reason: None,
                request_id: String::new(),
                metadata: [].into(),
            };
            if *begins {
                open.push(entries.len() as u64 + 1);
            } else if open.is_empty() {
                draft.action = "read".into();
            } else {
                let intent = open.remove(choice.unsigned_abs() as usize % open.len());
                draft.action = "manage".into();
                draft.metadata.insert("intent".into(), Meta::Number(intent.cast_signed()));
            }
            entries.push(chain.append(draft));
        }
        entries
    }

    proptest! {
        /// Whatever is dropped: nothing young, nothing torn apart, and as much as can be.
        #[test]
        fn acts_of_management_are_never_split(
            acts in prop::collection::vec((any::<bool>(), 0..9_i64), 1..60),
            before in 0..70_i64,
        ) {
            let entries = entries(&acts);
            let before = Timestamp::from_second(before).unwrap();
            let open = HashSet::new();
            let mut cut = Cut { before, until: u64::MAX, first: None, last: None, open, over: false };
            entries.iter().for_each(|entry| cut.see(entry));
            let last = cut.last.map_or(0, |head| head.seq);
            let torn = |last: u64| {
                let intent_of = |entry: &Entry| match entry.metadata.get("intent") {
                    Some(Meta::Number(intent)) => Some(intent.unsigned_abs()),
                    _ => None,
                };
                let concluded = |seq: u64, all: &[Entry]| all.iter().any(|it| intent_of(it) == Some(seq));
                let (gone, _) = entries.split_at(last as usize);
                gone.iter().any(|it| it.action == "manage_intended" && !concluded(it.seq, gone))
            };
            let young = |last: u64| entries[..last as usize].iter().any(|it| it.at >= before);
            prop_assert!(!torn(last) && !young(last));
            let more = (last + 1..=entries.len() as u64).find(|more| !torn(*more) && !young(*more));
            prop_assert_eq!(more, None, "more could have been dropped");
        }
    }
}
