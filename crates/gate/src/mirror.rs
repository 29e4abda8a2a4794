//! The ledger, mirrored into a Notion database: a row for each entry, for people to look at. The ledger
//! itself stays what counts.
//!
//! It is a job of its own, beside the calls: a call never waits for it, and it asks Notion at most so many
//! times a minute. How far it is stands in the store, and so does the entry that is being written: Notion
//! takes no idempotency keys, so after a crash or an answer that leaves it open, the row is looked for
//! before it is written again.

mod row;
mod target;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use ledger::{Entry, Meta};
use model::{Principal, TenantId, Who};
use notion::client::{Request, RequestBody};
use notion::{ApiError, Effect, Id, Operation, Version};
use policy::Permit;
use serde_json::{Value, json};
use store::{MirrorState, Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;

use self::target::Target;
use crate::error::Error;
use crate::record::Record;
use crate::{Gate, Shared};

/// How often it is looked for new entries.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure, doubled each time up to [`RETRY_SELDOM`].
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RETRY_SELDOM: Duration = Duration::from_secs(600);
/// Entries that are read at once.
const CHUNK: u32 = 100;
/// After so many entries that need no row, it is written down how far the mirror is.
const SKIPPED_MAX: u64 = 10_000;
/// The largest answer that is read.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// The fact that marks what the mirror itself does. It is not mirrored.
const BECAUSE: &str = "because";
const MIRROR: &str = "audit-mirror";

/// How the ledger is mirrored.
#[derive(Clone, Debug)]
pub struct MirrorSettings {
    /// The database, or the data source.
    pub database: Id,
    /// Requests to Notion in a minute, at most.
    pub per_minute: NonZeroU32,
    /// Whether reads are mirrored, too.
    pub reads: bool,
}

/// What became of the mirror's work since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MirrorStatus {
    /// Rows that were written.
    pub written: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Entries that have no row yet.
    pub waiting: u64,
}

/// The mirror, as everybody sees it.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    settings: Option<MirrorSettings>,
    written: AtomicU64,
    failed: AtomicU64,
    waiting: AtomicU64,
    /// Everything up to this entry has its row, or needs none.
    done: AtomicU64,
}

impl Mirror {
    /// A mirror begins with what happens from now on.
    pub(crate) async fn load(
        store: &dyn Store,
        settings: Option<MirrorSettings>,
    ) -> Result<Self, StoreError> {
        let mirror = Self { settings, ..Self::default() };
        if mirror.settings.is_some() {
            let tenant = TenantId::default();
            let state = match store.mirror_state(&tenant).await? {
                Some(state) => state,
                None => {
                    let done = newest(store, &tenant).await?;
                    let state = MirrorState { done, pending: None };
                    store.set_mirror_state(&tenant, state).await?;
                    state
                }
            };
            mirror.done.store(state.done, Ordering::Relaxed);
        }
        Ok(mirror)
    }

    /// The newest entry of a tenant that need not be kept for the mirror.
    pub(crate) fn done_with(&self, tenant: &TenantId) -> u64 {
        let mirrors = self.settings.is_some() && *tenant == TenantId::default();
        if mirrors { self.done.load(Ordering::Relaxed) } else { u64::MAX }
    }
}

async fn newest(store: &dyn Store, tenant: &TenantId) -> Result<u64, StoreError> {
    let heads = store.heads().await?;
    Ok(heads.into_iter().find(|(whose, _)| whose == tenant).map_or(0, |(_, head)| head.seq))
}

impl Gate {
    /// How the mirror fares; `None` if there is none.
    pub fn mirror_status(&self) -> Option<MirrorStatus> {
        let mirror = &self.shared.mirror;
        mirror.settings.as_ref()?;
        Some(MirrorStatus {
            written: mirror.written.load(Ordering::Relaxed),
            failed: mirror.failed.load(Ordering::Relaxed),
            waiting: mirror.waiting.load(Ordering::Relaxed),
        })
    }

    /// The newest entry that has its row, or needs none.
    pub fn mirrored_until(&self) -> u64 {
        self.shared.mirror.done.load(Ordering::Relaxed)
    }

    /// Mirrors the ledger until `stop` turns true. What is cut off then is looked for at the next start.
    pub(crate) async fn mirror_ledger(&self, mut stop: watch::Receiver<bool>) {
        let Some(settings) = &self.shared.mirror.settings else { return };
        let mut job = Job {
            gate: self,
            settings,
            tenant: TenantId::default(),
            target: None,
            free_at: Instant::now(),
        };
        tokio::select! {
            never = job.run() => match never {},
            // An error means that nobody is left who could say stop: then it is time.
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Gate(#[from] Error),
    #[error("Notion answers {status}: {message}")]
    Notion { status: u16, message: String },
    #[error("{0}")]
    Target(String),
}

impl Fault {
    /// Whether another database, or other columns, could be the cause, so that it is looked at again. What is
    /// Notion's own trouble for a while would only be made longer by that.
    fn may_be_the_database(&self) -> bool {
        match self {
            Self::Notion { status, .. } => *status < 500 && *status != 429,
            Self::Gate(Error::Upstream(_)) => false,
            Self::Store(_) | Self::Gate(_) | Self::Target(_) => true,
        }
    }
}

/// The mirror at work.
struct Job<'a> {
    gate: &'a Gate,
    settings: &'a MirrorSettings,
    tenant: TenantId,
    /// Where rows go, once that is known to fit.
    target: Option<Target>,
    /// When Notion may be asked again.
    free_at: Instant,
}

/// Nothing is like this: the job does not end by itself.
enum Never {}

impl Job<'_> {
    async fn run(&mut self) -> Never {
        let (mut pause, mut told) = (RETRY_AFTER, String::new());
        loop {
            let wait = match self.work().await {
                Ok(()) => {
                    if !told.is_empty() {
                        tracing::info!("the ledger is mirrored again");
                        told.clear();
                    }
                    pause = RETRY_AFTER;
                    LOOK_EVERY
                }
                Err(fault) => {
                    self.shared().mirror.failed.fetch_add(1, Ordering::Relaxed);
                    if fault.may_be_the_database() {
                        self.target = None;
                    }
                    let text = fault.to_string();
                    if text != told {
                        let database = self.settings.database;
                        tracing::warn!(%database, "the ledger is not mirrored into Notion: {text}");
                        told = text;
                    }
                    let wait = pause;
                    pause = pause.saturating_mul(2).min(RETRY_SELDOM);
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn shared(&self) -> &Shared {
        &self.gate.shared
    }

    /// Writes the rows of everything that has none.
    async fn work(&mut self) -> Result<(), Fault> {
        let store = self.shared().store.clone();
        let state = store.mirror_state(&self.tenant).await?.unwrap_or_default();
        let mut written_down = state;
        if let Some(seq) = state.pending {
            let rows = store.entries_after(&self.tenant, seq.saturating_sub(1), 1).await?;
            let entry =
                rows.into_iter().find_map(|row| row.into_entry()).filter(|it| it.seq == seq);
            // A row that was dropped or damaged meanwhile has nothing to show.
            if let Some(entry) = entry
                && !self.is_there(&entry).await?
            {
                self.write(&entry).await?;
            }
            self.done(seq);
        }
        loop {
            let done = self.shared().mirror.done.load(Ordering::Relaxed);
            let newest = newest(&*store, &self.tenant).await?;
            let all = self.settings.reads;
            let (rows, waiting) = store.entries_to_mirror(&self.tenant, done, all, CHUNK).await?;
            self.shared().mirror.waiting.store(waiting, Ordering::Relaxed);
            for row in &rows {
                if let Some(entry) = row.entry().filter(|entry| !is_own(entry)) {
                    written_down = MirrorState {
                        done: self.shared().mirror.done.load(Ordering::Relaxed),
                        pending: Some(entry.seq),
                    };
                    store.set_mirror_state(&self.tenant, written_down).await?;
                    self.write(entry).await?;
                }
                self.done(row.seq());
                let left = self.shared().mirror.waiting.load(Ordering::Relaxed).saturating_sub(1);
                self.shared().mirror.waiting.store(left, Ordering::Relaxed);
            }
            if rows.len() < CHUNK as usize {
                self.done(newest);
                break;
            }
        }
        let done = self.shared().mirror.done.load(Ordering::Relaxed);
        if written_down.pending.is_some() || done > written_down.done + SKIPPED_MAX {
            store.set_mirror_state(&self.tenant, MirrorState { done, pending: None }).await?;
        }
        Ok(())
    }

    fn done(&self, seq: u64) {
        self.shared().mirror.done.fetch_max(seq, Ordering::Relaxed);
    }

    async fn write(&mut self, entry: &Entry) -> Result<(), Fault> {
        let target = self.target().await?;
        let body = row::page(&target, entry);
        let answer = self.ask("post-page", "/v1/pages".to_owned(), Some(body), Some(entry)).await?;
        succeeded(answer)?;
        self.shared().mirror.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the row of an entry is in the database.
    async fn is_there(&mut self, entry: &Entry) -> Result<bool, Fault> {
        let target = self.target().await?;
        let path = format!("/v1/data_sources/{}/query", target.data_source);
        let body = json!({ "filter": row::filter(&target, entry), "page_size": 100 });
        let answer = self.ask("query-data-source", path, Some(body), Some(entry)).await?;
        let found: Value = serde_json::from_slice(&succeeded(answer)?)
            .map_err(|_| Error::Answer("a query of the audit database".to_owned()))?;
        let rows = found["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(rows.iter().any(|page| row::shows(page, entry)))
    }

    /// Where rows go. The schema is looked at first.
    async fn target(&mut self) -> Result<Target, Fault> {
        if let Some(target) = &self.target {
            return Ok(target.clone());
        }
        let id = self.settings.database;
        let found =
            self.ask("retrieve-a-database", format!("/v1/databases/{id}"), None, None).await?;
        // The id of a data source will do, too.
        let data_source = match found.0 {
            StatusCode::NOT_FOUND => id,
            _ => target::only_data_source(&succeeded(found)?).map_err(Fault::Target)?,
        };
        let path = format!("/v1/data_sources/{data_source}");
        let found = self.ask("retrieve-a-data-source", path, None, None).await?;
        let target = Target::of(data_source, &succeeded(found)?).map_err(Fault::Target)?;
        self.target = Some(target.clone());
        Ok(target)
    }

    /// One request, when its time has come.
    async fn ask(
        &mut self,
        operation: &str,
        path: String,
        body: Option<Value>,
        entry: Option<&Entry>,
    ) -> Result<(StatusCode, Bytes), Fault> {
        tokio::time::sleep_until(self.free_at).await;
        let every = Duration::from_secs(60) / self.settings.per_minute.get();
        self.free_at = Instant::now() + every;
        // INVARIANT: the catalogue has what the mirror asks for; a test says so.
        let operation = Operation::named(operation).expect("a row of the catalogue");
        let shared = &self.gate.shared;
        let principal = Principal { who: Who::Gate, ..self.gate.operator_for(self.tenant.clone()) };
        let permit = Permit::mirror(&self.tenant, principal.connection, operation);
        let permit = permit.ok_or(Error::NoConnection)?;
        let request_id = self.gate.new_request_id();
        let mut record =
            Record::open(shared, &principal, operation.effect, operation.name, &request_id);
        record.about("database", self.settings.database);
        record.fact(BECAUSE, MIRROR);
        if let Some(entry) = entry {
            record.fact("entry", entry.seq.cast_signed());
        }
        if operation.effect != Effect::Read {
            record.intend().await?;
        }
        let request = Request {
            method: operation.verb.into(),
            path_and_query: path,
            version: Version::DEFAULT.as_str(),
            body: body
                .map_or(RequestBody::Empty, |body| RequestBody::Json(body.to_string().into())),
            repeatable: operation.repeatable(),
        };
        let answer = match self.gate.send(permit, request).await {
            Ok(answer) => answer.collect(ANSWER_MAX).await,
            Err(error) => return Err(record.failed(error).await.into()),
        };
        match answer {
            Ok((status, _, body)) => {
                let code = ApiError::parse(status.as_u16(), &body).map(|error| error.code);
                record.answered(status.as_u16(), code).await?;
                Ok((status, body))
            }
            Err(error) => Err(record.failed(Error::Answer(error.to_string())).await.into()),
        }
    }
}

fn succeeded((status, body): (StatusCode, Bytes)) -> Result<Bytes, Fault> {
    if status.is_success() {
        return Ok(body);
    }
    let error = ApiError::parse(status.as_u16(), &body);
    let message = error.map_or_else(|| "it does not say why".to_owned(), |error| error.message);
    Err(Fault::Notion { status: status.as_u16(), message })
}

/// Whether the mirror itself made the entry.
fn is_own(entry: &Entry) -> bool {
    entry.metadata.get(BECAUSE) == Some(&Meta::from(MIRROR))
}

#[cfg(test)]
mod tests {
    use model::ConnectionId;

    use super::*;

    #[test]
    fn trouble_of_notions_own_is_not_the_databases() {
        let answered = |status| Fault::Notion { status, message: String::new() };
        for status in [429, 500, 503] {
            assert!(!answered(status).may_be_the_database(), "{status}");
        }
        for status in [400, 404, 409] {
            assert!(answered(status).may_be_the_database(), "{status}");
        }
    }

    #[test]
    fn it_may_do_what_it_does_and_nothing_else() {
        let asks =
            ["retrieve-a-database", "retrieve-a-data-source", "query-data-source", "post-page"];
        let tenant = TenantId::default();
        for operation in notion::catalogue::OPERATIONS {
            let permit = Permit::mirror(&tenant, ConnectionId::NONE, operation);
            assert_eq!(permit.is_some(), asks.contains(&operation.name), "{}", operation.name);
        }
        assert!(asks.iter().all(|name| Operation::named(name).is_some()));
    }
}
