//! The recorder: one thread that gives entries their place in the chain and writes them in groups.
//!
//! A write waits until its intent is on the disk; reads are written within [`GROUP_DELAY`] and what
//! one commit takes. If the store fails, the recorder keeps what it has, tries again, and says so:
//! then the gate makes no calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use ledger::{
    Chain, Checkpoint, Draft, Entry, FAULT_ACTION, Fault, Head, Meta, Outcome, Resource, Signer,
};
use store::{Numbered, Phase, Store, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};

/// Is told entries, a group at a time, once they are in the ledger.
pub type EntrySink = Arc<dyn Fn(&[&Entry]) + Send + Sync>;

/// How long entries that nobody waits for may gather.
const GROUP_DELAY: Duration = Duration::from_millis(25);
/// Entries that share one commit.
const GROUP_SIZE_MAX: usize = 4096;
/// Entries that may wait; more than that make the caller wait.
const QUEUE_LENGTH: usize = 16 * 1024;
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// How often a write is tried once the gate is closing.
const LAST_TRIES: u32 = 10;

/// The number of an entry, once it is durable.
pub(crate) type Told = oneshot::Receiver<Result<u64, ()>>;

struct Item {
    draft: Draft,
    phase: Phase,
    done: Option<oneshot::Sender<Result<u64, ()>>>,
}

pub(crate) struct Recorder {
    queue: Mutex<Option<mpsc::Sender<Item>>>,
    urgent: Arc<Notify>,
    failing: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
    signer: Arc<Signer>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The ledger could not be written.
#[derive(Debug)]
pub(crate) struct NotRecorded;

impl Recorder {
    /// Takes up the chains where their checkpoints say that they ended.
    pub(crate) async fn start(
        store: Arc<dyn Store>,
        signer: Signer,
        on_entry: EntrySink,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (chains, damages) = take_up(&*store, &signer).await?;
        let signer = Arc::new(signer);
        let (queue, items) = mpsc::channel(QUEUE_LENGTH);
        let urgent = Arc::new(Notify::new());
        let failing = Arc::new(AtomicBool::new(false));
        let closing = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            items,
            urgent: urgent.clone(),
            failing: failing.clone(),
            closing: closing.clone(),
            store,
            signer: signer.clone(),
            chains,
            on_entry,
        };
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    // INVARIANT: a runtime without I/O needs nothing that could be missing.
                    .expect("a runtime for the ledger")
                    .block_on(writer.run());
            })
            // INVARIANT: fails only where the machine has no thread left at start-up.
            .expect("a thread for the ledger");
        let recorder = Self {
            queue: Mutex::new(Some(queue)),
            urgent,
            failing,
            closing,
            signer,
            thread: Mutex::new(Some(thread)),
        };
        for damage in damages {
            // If even this fails the recorder is failing, and every call is refused.
            let _ = recorder.note(damage_draft(damage, now), Phase::Whole).await;
        }
        Ok(recorder)
    }

    /// Whether the last attempt to write succeeded.
    pub(crate) fn is_healthy(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    /// The key that checks the checkpoints, in base64.
    pub(crate) fn public_key(&self) -> &str {
        self.signer.public_key()
    }

    /// Signs for the ledger.
    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Hands over an entry that nobody waits for. Waits only if the queue is full.
    pub(crate) async fn note(&self, draft: Draft, phase: Phase) -> Result<(), NotRecorded> {
        let queue = self.queue().ok_or(NotRecorded)?;
        queue.send(Item { draft, phase, done: None }).await.map_err(|_| NotRecorded)
    }

    /// Hands over an entry and waits until it is durable; gives its number.
    pub(crate) async fn write(&self, draft: Draft, phase: Phase) -> Result<u64, NotRecorded> {
        let told = self.hand_over(draft, phase).await?;
        told.await.map_err(|_| NotRecorded)?.map_err(|()| NotRecorded)
    }

    /// Hands over an entry; its number comes when it is durable. An intent whose number nobody takes
    /// any more is concluded at once.
    pub(crate) async fn hand_over(&self, draft: Draft, phase: Phase) -> Result<Told, NotRecorded> {
        let queue = self.queue().ok_or(NotRecorded)?;
        let (done, told) = oneshot::channel();
        let item = Item { draft, phase, done: Some(done) };
        queue.send(item).await.map_err(|_| NotRecorded)?;
        self.urgent.notify_one();
        Ok(told)
    }

    /// Hands over an entry from where one cannot wait (a call that was dropped).
    pub(crate) fn note_now(&self, draft: Draft, phase: Phase) {
        let item = Item { draft, phase, done: None };
        if self.queue().is_none_or(|queue| queue.try_send(item).is_err()) {
            tracing::error!(
                "the ledger's queue is full: the end of a dropped call is not recorded"
            );
        }
    }

    /// Concludes intents that a crash left open.
    pub(crate) async fn close_interrupted(
        &self,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let open = store.open_intents().await?;
        if !open.is_empty() {
            tracing::warn!(
                writes = open.len(),
                "writes were cut off when notegate stopped; Notion may have done them"
            );
        }
        for row in open {
            let seq = row.seq();
            let Some(intent) = row.into_entry() else {
                tracing::error!(
                    seq,
                    "an intent in the ledger cannot be read: run `notegate audit verify`"
                );
                continue;
            };
            let draft = conclusion_of(&intent, now, "interrupted");
            // If even this fails the recorder is failing, and every call is refused.
            let _ = self.note(draft, Phase::Conclusion(intent.seq)).await;
        }
        Ok(())
    }

    /// Writes what is queued and stops; `false` if that could not be written.
    pub(crate) async fn close(&self) -> bool {
        self.closing.store(true, Ordering::Relaxed);
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.urgent.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        self.is_healthy()
    }

    fn queue(&self) -> Option<mpsc::Sender<Item>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("healthy", &self.is_healthy()).finish_non_exhaustive()
    }
}

/// How the write of `intent` ended, as far as anybody knows.
fn conclusion_of(intent: &Entry, at: Timestamp, reason: &'static str) -> Draft {
    let mut metadata = intent.metadata.clone();
    metadata.insert("intent".into(), Meta::Number(intent.seq.cast_signed()));
    let action = intent.action.strip_suffix(crate::record::INTENDED).unwrap_or(&intent.action);
    Draft {
        at,
        principal: intent.principal.clone(),
        tenant: intent.tenant.clone(),
        connection: intent.connection.clone(),
        action: action.to_owned().into(),
        operation: intent.operation.clone(),
        resource: intent.resource.clone(),
        result: Outcome::Error,
        reason: Some(reason.into()),
        request_id: intent.request_id.clone(),
        metadata,
    }
}

/// A chain that was not as it had been signed.
struct Damage {
    tenant: String,
    /// The first entry that no signature covers.
    at: u64,
    fault: Fault,
}

/// Where the chains go on, and what is wrong with them. Nothing is signed over in silence: damage gets
/// an entry that fails every later check.
async fn take_up(
    store: &dyn Store,
    signer: &Signer,
) -> Result<(HashMap<String, Chain>, Vec<Damage>), StoreError> {
    let checkpoints = store.checkpoints().await?;
    let mut ends: HashMap<String, (Option<Head>, Option<Checkpoint>)> = HashMap::new();
    for (tenant, head) in store.heads().await? {
        ends.entry(tenant.as_str().to_owned()).or_default().0 = Some(head);
    }
    for checkpoint in checkpoints {
        let end = ends.entry(checkpoint.tenant.clone()).or_default();
        end.1 = Some(checkpoint);
    }
    let (mut chains, mut damages) = (HashMap::new(), Vec::new());
    for (tenant, (last, checkpoint)) in ends {
        let last = last.unwrap_or(Head::START);
        let signed =
            checkpoint.filter(|it| it.is_signed_by(signer.public_key())).map(|it| it.head());
        let (head, damage) = match signed {
            Some(signed) if signed == last => (last, None),
            Some(signed) if signed.seq == last.seq => (last, Some((signed.seq, Fault::Changed))),
            Some(signed) if signed.seq < last.seq => (last, Some((signed.seq + 1, Fault::Cut))),
            // Entries are gone: going on after the signed one leaves the gap open to see.
            Some(signed) => (signed, Some((last.seq + 1, Fault::Cut))),
            None => (last, Some((last.seq.max(1), Fault::BadCheckpoint))),
        };
        if let Some((at, fault)) = damage {
            tracing::error!(
                tenant,
                at,
                "the ledger is not as it was signed ({fault}): run `notegate audit verify`, and compare with an export"
            );
            damages.push(Damage { tenant: tenant.clone(), at, fault });
        }
        chains.insert(tenant, Chain::after(head));
    }
    Ok((chains, damages))
}

/// The entry that tells of damage.
fn damage_draft(damage: Damage, at: Timestamp) -> Draft {
    let Damage { tenant, at: place, fault } = damage;
    Draft {
        at,
        principal: "gate".to_owned(),
        tenant,
        connection: String::new(),
        action: FAULT_ACTION.into(),
        operation: "open-ledger".into(),
        resource: Resource { kind: "ledger".into(), id: place.to_string() },
        result: Outcome::Error,
        reason: Some(fault.to_string().into()),
        request_id: String::new(),
        metadata: [("at".into(), Meta::Number(place.cast_signed()))].into(),
    }
}

/// The thread's side.
struct Writer {
    items: mpsc::Receiver<Item>,
    urgent: Arc<Notify>,
    failing: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
    store: Arc<dyn Store>,
    signer: Arc<Signer>,
    chains: HashMap<String, Chain>,
    on_entry: EntrySink,
}

impl Writer {
    async fn run(mut self) {
        let mut group = Vec::new();
        while self.items.recv_many(&mut group, GROUP_SIZE_MAX).await > 0 {
            let somebody_waits = group.iter().any(|item: &Item| item.done.is_some());
            if !somebody_waits && group.len() < GROUP_SIZE_MAX {
                tokio::select! {
                    () = tokio::time::sleep(GROUP_DELAY) => {}
                    () = self.urgent.notified() => {}
                }
            }
            while group.len() < GROUP_SIZE_MAX
                && let Ok(item) = self.items.try_recv()
            {
                group.push(item);
            }
            let abandoned = self.write(std::mem::take(&mut group)).await;
            if !abandoned.is_empty() {
                let conclude = |intent: Entry| Item {
                    draft: conclusion_of(&intent, intent.at, "abandoned"),
                    phase: Phase::Conclusion(intent.seq),
                    done: None,
                };
                self.write(abandoned.into_iter().map(conclude).collect()).await;
            }
        }
    }

    /// Writes a group, again and again until the store takes it. Gives the intents whose callers have
    /// gone: nothing will come of them.
    async fn write(&mut self, group: Vec<Item>) -> Vec<Entry> {
        let (mut entries, mut waiting) = (Vec::with_capacity(group.len()), Vec::new());
        for Item { draft, phase, done } in group {
            let entry = self.place(draft);
            if let Some(done) = done {
                waiting.push((done, entries.len()));
            }
            entries.push(Numbered { entry, phase });
        }
        let mut entries: Arc<[Numbered]> = entries.into();
        let mut last_tries = LAST_TRIES;
        while let Err(error) = self.store.append_entries(entries.clone(), self.sign(&entries)).await
        {
            if !self.failing.swap(true, Ordering::Relaxed) {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "the ledger cannot be written: every call is refused until it can"
                );
            }
            // Whoever waits is told no; an intent that is told no will not be acted upon, and the
            // ledger says so as soon as it can say anything.
            for (done, _) in waiting.drain(..) {
                let _ = done.send(Err(()));
            }
            entries = self.conclude_unacted(&entries);
            if self.closing.load(Ordering::Relaxed) {
                last_tries -= 1;
                if last_tries == 0 {
                    tracing::error!(
                        entries = entries.len(),
                        "the ledger could not be written; these entries are lost"
                    );
                    return Vec::new();
                }
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the ledger can be written again");
        }
        let gone: Vec<usize> = waiting
            .into_iter()
            .filter_map(|(done, index)| {
                let seq = entries[index].entry.seq;
                done.send(Ok(seq)).is_err().then_some(index)
            })
            .filter(|index| entries[*index].phase == Phase::Intent)
            .collect();
        let abandoned = gone.iter().map(|index| entries[*index].entry.clone()).collect();
        let entries: Vec<&Entry> = entries.iter().map(|numbered| &numbered.entry).collect();
        (self.on_entry)(&entries);
        abandoned
    }

    fn place(&mut self, draft: Draft) -> Entry {
        match self.chains.get_mut(&draft.tenant) {
            Some(chain) => chain.append(draft),
            None => {
                let chain = Chain::after(Head::START);
                self.chains.entry(draft.tenant.clone()).or_insert(chain).append(draft)
            }
        }
    }

    /// The entries, and after them a conclusion for each intent that has none.
    fn conclude_unacted(&mut self, entries: &[Numbered]) -> Arc<[Numbered]> {
        let concluded: Vec<u64> = entries
            .iter()
            .filter_map(|numbered| match numbered.phase {
                Phase::Conclusion(intent) => Some(intent),
                Phase::Whole | Phase::Intent => None,
            })
            .collect();
        let mut all = entries.to_vec();
        for Numbered { entry: intent, phase } in entries {
            if *phase == Phase::Intent && !concluded.contains(&intent.seq) {
                let entry = self.place(conclusion_of(intent, intent.at, "ledger"));
                all.push(Numbered { entry, phase: Phase::Conclusion(intent.seq) });
            }
        }
        all.into()
    }

    /// A checkpoint for each chain that grew.
    fn sign(&self, entries: &[Numbered]) -> Vec<Checkpoint> {
        let mut tenants: Vec<_> =
            entries.iter().map(|numbered| numbered.entry.tenant.as_str()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        let head = |tenant| self.chains.get(tenant).map(|chain: &Chain| chain.head());
        tenants
            .into_iter()
            .filter_map(|tenant| head(tenant).map(|head| self.signer.sign(tenant, head)))
            .collect()
    }
}
