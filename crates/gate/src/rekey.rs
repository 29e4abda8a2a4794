//! Changing the master key while the gate serves.
//!
//! The new key comes first, the old one stays until nothing is under it:
//! 1. the source gives both ([`KeySource::renew`]), durably;
//! 2. the vault seals under the new one from now on, and those who began before have finished;
//! 3. every sealed cell that is under another key is re-sealed, each compared and swapped, until a walk
//!    over all of them finds none;
//! 4. the source forgets the old key ([`KeySource::settle`]).
//!
//! Wherever that breaks off, everything opens under the keys that the source has, and doing it again
//! goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ledger::Resource;
use model::Principal;
use notion::Effect;
use serde::Serialize;
use store::SealedCell;
use vault::{Keyring, MasterKeyId, Replaced, Sealing};

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// Cells that are read in one go.
const BATCH: u32 = 500;
/// Walks over everything; after that many, something else goes on writing under an old key.
const WALKS_MAX: u32 = 20;
/// How long those who began to seal before may take, in steps of [`STEP`].
const STEPS_MAX: u32 = 1000;
const STEP: Duration = Duration::from_millis(10);
/// Damaged cells that are named.
const NAMED_MAX: usize = 20;

/// Where the master keys come from, so that they can be asked for again.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync {
    /// What it is.
    fn kind(&self) -> KeySourceKind;
    /// In words, for people; nothing secret.
    fn shown(&self) -> String;
    /// The keys for a change of the master key. Where notegate looks after the key itself, a new one is
    /// made and kept, before the old one; elsewhere what is there now is read again.
    async fn renew(&self) -> Result<Keyring, KeySourceError>;
    /// Nothing is sealed under any other key than `current`: forgets the others, where notegate looks
    /// after them itself.
    async fn settle(&self, current: MasterKeyId) -> Result<(), KeySourceError>;
    /// Whether a change was begun and not ended, which only notegate could end.
    async fn is_unsettled(&self) -> bool;
}

/// Where master keys come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySourceKind {
    /// `master.key` in the data directory.
    DataDirectory,
    /// A variable of the process's environment.
    Environment,
    /// A file elsewhere.
    File,
    /// The output of a command.
    Command,
    /// This process, for as long as it lives.
    Process,
}

/// Why a source gives no keys.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeySourceError(pub String);

/// Keys that are given once and for all.
#[derive(Debug)]
pub struct FixedKeys;

#[async_trait]
impl KeySource for FixedKeys {
    fn kind(&self) -> KeySourceKind {
        KeySourceKind::Process
    }

    fn shown(&self) -> String {
        "this process".to_owned()
    }

    async fn renew(&self) -> Result<Keyring, KeySourceError> {
        Err(KeySourceError("the master key of this process ends with it".to_owned()))
    }

    async fn settle(&self, _: MasterKeyId) -> Result<(), KeySourceError> {
        Ok(())
    }

    async fn is_unsettled(&self) -> bool {
        false
    }
}

/// The change under way, if there is one.
#[derive(Default)]
pub(crate) struct Rekeying {
    /// Keyrings of before with which somebody may still be sealing. One change at a time.
    running: tokio::sync::Mutex<Vec<Replaced>>,
    done: AtomicU64,
    /// Cells that there are to do; 0 while nothing is done.
    total: AtomicU64,
}

/// Ends what is told of the progress when it is dropped.
struct Over<'a>(&'a Rekeying);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.total.store(0, Ordering::Relaxed);
    }
}

/// What is sealed under which key.
#[derive(Clone, Debug, Serialize)]
pub struct VaultStatus {
    /// Where the master keys come from.
    pub source: KeySourceKind,
    /// The same in words.
    pub source_shown: String,
    /// The keys, the current one first; then those that are not given, under which something is.
    pub keys: Vec<KeyStatus>,
    /// Cells that are no sealed secrets: damaged. The first few by name.
    pub damaged: Vec<String>,
    /// How many there are.
    pub damaged_cells: u64,
    /// How far a change of the master key is that is under way now.
    pub progress: Option<Progress>,
}

/// A master key, by its name.
#[derive(Clone, Debug, Serialize)]
pub struct KeyStatus {
    /// Its name.
    pub id: String,
    /// Whether it seals.
    pub current: bool,
    /// Whether the gate has it.
    pub given: bool,
    /// How many cells are under it.
    pub cells: u64,
    /// Whether nothing needs it any more.
    pub removable: bool,
}

/// How far a walk is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Progress {
    /// Cells that are re-sealed.
    pub done: u64,
    /// Cells that there were to re-seal.
    pub total: u64,
}

/// What a change of the master key came to.
#[derive(Clone, Debug, Serialize)]
pub struct Rotated {
    /// The key that everything is sealed under now.
    pub key: String,
    /// Whether it is another one than before.
    pub changed: bool,
    /// Cells that were re-sealed.
    pub resealed: u64,
    /// Cells that could not be: they are damaged, or stand where they were not sealed for.
    pub failed: Vec<String>,
    /// How many there are.
    pub failed_cells: u64,
    /// Whether nothing is, and nothing can get, under any other key.
    pub complete: bool,
    /// Keys that nothing needs any more.
    pub removable: Vec<String>,
    /// Whether the source has forgotten them.
    pub settled: bool,
    /// Where the master keys come from.
    pub source: KeySourceKind,
    /// The same in words.
    pub source_shown: String,
}

impl Gate {
    /// What is sealed under which master key. For the operator alone.
    pub async fn vault_status(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<VaultStatus, Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, "read-vault", request_id);
        if let Err(error) = policy::operate(principal) {
            return Err(record.failed(error.into()).await);
        }
        match self.look_at_cells().await {
            Ok(census) => {
                record.done().await?;
                Ok(self.status_of(census))
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Changes the master key: everything is sealed under the first key that the source gives now. For
    /// the operator alone. Calls go on meanwhile.
    pub async fn rotate_master_key(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Rotated, Error> {
        let shared = &self.shared;
        let resource =
            Resource { kind: "master_key".into(), id: shared.vault.sealing().key_id().to_string() };
        let record = Record::manage(shared, principal, "rotate-master-key", resource, request_id);
        match policy::operate(principal) {
            Ok(()) => self.change_master_key(record).await,
            Err(error) => Err(record.failed(error.into()).await),
        }
    }

    /// Goes on with a change of the master key that a crash broke off.
    pub(crate) async fn resume_rotation(&self) {
        let shared = &self.shared;
        if !shared.key_source.is_unsettled().await {
            return;
        }
        tracing::info!("going on with a change of the master key that was broken off");
        let (itself, request_id) = (self.itself(), self.new_request_id());
        let resource =
            Resource { kind: "master_key".into(), id: shared.vault.sealing().key_id().to_string() };
        let record = Record::manage(shared, &itself, "rotate-master-key", resource, &request_id);
        if let Err(error) = self.change_master_key(record).await {
            tracing::error!(%error, "the change of the master key could not be ended");
        }
    }

    async fn change_master_key(&self, mut record: Record<'_>) -> Result<Rotated, Error> {
        let rekeying = &self.shared.rekeying;
        let Ok(mut replaced) = rekeying.running.try_lock() else {
            let text =
                "the master key is being changed already: `notegate vault status` shows how far";
            return Err(record.failed(Error::Conflict(text.to_owned())).await);
        };
        record.intend().await?;
        // Also if whoever waits for it goes away: then nothing goes on.
        let _over = Over(rekeying);
        match self.rekey(&mut replaced).await {
            Ok(rotated) => {
                record.fact("key", rotated.key.as_str());
                record.fact("resealed", rotated.resealed.cast_signed());
                record.fact("failed", rotated.failed_cells.cast_signed());
                record.done().await?;
                Ok(rotated)
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn rekey(&self, replaced: &mut Vec<Replaced>) -> Result<Rotated, Error> {
        let shared = &self.shared;
        let source = &shared.key_source;
        let census = self.look_at_cells().await?;
        let before = shared.vault.sealing().key_id();
        let given = source.renew().await.map_err(|error| Error::MasterKey(error.0))?;
        let (current, ids) = (given.current().id(), given.ids().collect::<Vec<_>>());
        // What is under a key that the source no longer gives could not be opened after the next start.
        if let Some((id, cells)) = census.by_key.iter().find(|(id, _)| !ids.contains(id)) {
            return Err(Error::MasterKey(format!(
                "{} does not give the key {id} any more, and {cells} secrets are sealed under it: put \
                 it back, after the new one, and try again",
                source.shown()
            )));
        }
        replaced.push(shared.vault.reload(given));
        let mut waited = 0;
        while waited < STEPS_MAX && replaced.iter().any(Replaced::is_in_use) {
            tokio::time::sleep(STEP).await;
            waited += 1;
        }
        replaced.retain(Replaced::is_in_use);
        let stale = census.by_key.iter().filter(|(id, _)| **id != current).map(|(_, cells)| cells);
        shared.rekeying.done.store(0, Ordering::Relaxed);
        shared.rekeying.total.store(stale.sum(), Ordering::Relaxed);
        let walked = self.reseal_all(&shared.vault.sealing()).await?;
        let clean = walked.clean && walked.failed_cells == 0 && replaced.is_empty();
        if clean {
            // What was sealed under the old key is nowhere in the store's files any more.
            if let Err(error) = shared.store.scrub().await {
                tracing::warn!(%error, "what was sealed before may be in the database's journal for a while");
            }
            source.settle(current).await.map_err(|error| Error::MasterKey(error.0))?;
        }
        let removable = ids.iter().filter(|id| **id != current && clean).map(ToString::to_string);
        Ok(Rotated {
            key: current.to_string(),
            changed: current != before || walked.resealed > 0,
            resealed: walked.resealed,
            failed: walked.failed,
            failed_cells: walked.failed_cells,
            complete: clean,
            removable: removable.collect(),
            settled: clean && source.kind() == KeySourceKind::DataDirectory,
            source: source.kind(),
            source_shown: source.shown(),
        })
    }

    /// Brings every sealed cell under the key of `sealing`, over and over until none is left.
    async fn reseal_all(&self, sealing: &Sealing) -> Result<Walked, Error> {
        let mut walked = Walked::default();
        for _ in 0..WALKS_MAX {
            (walked.failed, walked.failed_cells) = (Vec::new(), 0);
            let mut stale = 0;
            let mut last = None;
            loop {
                let batch = self.shared.store.sealed_cells(last.as_ref(), BATCH).await?;
                let mut swaps = tokio::task::JoinSet::new();
                for cell in &batch {
                    if cell.head.key_id() == Some(sealing.key_id()) {
                        continue;
                    }
                    let Ok(new) = sealing.rewrap(cell.place(), &cell.head) else {
                        walked.fail(cell);
                        continue;
                    };
                    stale += 1;
                    // Side by side, so that they share their waits for the disk.
                    let (store, cell) = (self.shared.store.clone(), cell.clone());
                    swaps.spawn(async move { store.replace_head(&cell, new).await });
                }
                while let Some(swapped) = swaps.join_next().await {
                    // One that changed meanwhile is looked at again on the next walk.
                    let swapped = swapped.unwrap_or(Err(store::StoreError::Closed))?;
                    walked.resealed += u64::from(swapped);
                    self.shared.rekeying.done.fetch_add(u64::from(swapped), Ordering::Relaxed);
                }
                match batch.into_iter().last() {
                    Some(cell) => last = Some(cell),
                    None => break,
                }
            }
            if stale == 0 {
                walked.clean = true;
                break;
            }
        }
        Ok(walked)
    }

    async fn look_at_cells(&self) -> Result<Census, Error> {
        let mut census = Census::default();
        let mut last = None;
        loop {
            let batch = self.shared.store.sealed_cells(last.as_ref(), BATCH).await?;
            for cell in &batch {
                match cell.head.key_id() {
                    Some(id) => *census.by_key.entry(id).or_default() += 1,
                    None => {
                        census.damaged_cells += 1;
                        if census.damaged.len() < NAMED_MAX {
                            census.damaged.push(cell.place().to_string());
                        }
                    }
                }
            }
            match batch.into_iter().last() {
                Some(cell) => last = Some(cell),
                None => return Ok(census),
            }
        }
    }

    fn status_of(&self, census: Census) -> VaultStatus {
        let shared = &self.shared;
        let given = shared.vault.key_ids();
        let unknown = census.by_key.keys().filter(|id| !given.contains(id));
        let ids = given.iter().chain(unknown);
        let keys = ids.enumerate().map(|(place, id)| {
            let (current, given) = (place == 0, given.contains(id));
            let cells = census.by_key.get(id).copied().unwrap_or_default();
            let removable = given && !current && cells == 0;
            KeyStatus { id: id.to_string(), current, given, cells, removable }
        });
        let total = shared.rekeying.total.load(Ordering::Relaxed);
        let done = shared.rekeying.done.load(Ordering::Relaxed);
        VaultStatus {
            source: shared.key_source.kind(),
            source_shown: shared.key_source.shown(),
            keys: keys.collect(),
            damaged: census.damaged,
            damaged_cells: census.damaged_cells,
            progress: (total > 0).then_some(Progress { done, total }),
        }
    }
}

/// How many cells are under which key.
#[derive(Default)]
struct Census {
    by_key: BTreeMap<MasterKeyId, u64>,
    damaged: Vec<String>,
    damaged_cells: u64,
}

/// What came of the walks.
#[derive(Default)]
struct Walked {
    resealed: u64,
    failed: Vec<String>,
    failed_cells: u64,
    /// The last walk found nothing to do.
    clean: bool,
}

impl Walked {
    fn fail(&mut self, cell: &SealedCell) {
        self.failed_cells += 1;
        if self.failed.len() < NAMED_MAX {
            self.failed.push(cell.place().to_string());
        }
    }
}
