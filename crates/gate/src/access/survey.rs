//! Asks Notion for everything that a connection reaches: an empty search, page by page, then the blocks
//! that objects stand in.
//!
//! As fast as the request budget allows and no faster: when Notion says to wait, every question waits
//! exactly so long. Oldest edits first, so that what somebody edits meanwhile moves to where it is still
//! to be seen. Search stops after 10,000 objects; then the kinds are asked for one by one, from both ends.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode, header};
use model::{ConnectionId, Principal};
use notion::client::{Request, RequestBody, SendError};
use notion::{ApiError, Id, Operation, Version};
use policy::Permit;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::OnProgress;
use super::found::{Found, Page, Parent};
use super::report::{AccessKind, Asked};
use crate::Gate;
use crate::call::ANSWER_MAX;
use crate::error::Error;

const PAGE_SIZE: usize = 100;
/// Objects of one audit.
const OBJECTS_MAX: usize = 200_000;
/// Blocks that are looked up in one audit.
const LOOKUPS_MAX: usize = 20_000;
/// Look-ups that are under way at once.
const LOOKUPS_AT_ONCE: usize = 8;
/// Pages of search in one audit.
const SEARCHES_MAX: usize = 4 * OBJECTS_MAX / PAGE_SIZE;
/// Pages in a row that may bring nothing new.
const IDLE_PAGES_MAX: usize = 20;
const CURSOR_LENGTH_MAX: usize = 8 * 1024;
/// Times in a row that Notion may say "wait" to one question.
const WAITS_MAX: u32 = 20;
/// Whoever is told to wait longer is told so, instead of being kept waiting.
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// Where Notion does not say how long.
const WAIT_DEFAULT: Duration = Duration::from_secs(5);
/// Times that a question is asked again whose answer did not come. (The client repeats, too.)
const REPEATS_MAX: u32 = 2;

/// How far an audit has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct AccessProgress {
    /// Objects that are found.
    pub objects: usize,
    /// Blocks that are looked up.
    pub lookups: usize,
    /// Blocks that are still to be looked up, as far as is known.
    pub lookups_left: usize,
    /// For how many seconds Notion said to wait, if it just did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Surveyed {
    pub(super) only: Option<AccessKind>,
    pub(super) found: Vec<Found>,
    /// What the blocks stand in that were looked up.
    pub(super) blocks: HashMap<Id, Parent>,
    pub(super) complete: bool,
    pub(super) notes: Vec<String>,
    pub(super) asked: Asked,
}

impl Gate {
    pub(super) async fn survey(
        &self,
        principal: &Principal,
        connection: ConnectionId,
        only: Option<AccessKind>,
        on_progress: OnProgress<'_>,
    ) -> Result<Surveyed, Error> {
        let asking = Asking {
            gate: self,
            principal,
            connection,
            on_progress,
            free_at: Mutex::new(Instant::now()),
            objects: AtomicUsize::new(0),
            searches: AtomicUsize::new(0),
            lookups: AtomicUsize::new(0),
            lookups_left: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
        };
        let surveyed = asking.everything(only).await;
        surveyed.map_err(|cause| Error::AuditBroken {
            objects: asking.objects.load(Ordering::Relaxed),
            cause: Box::new(cause),
        })
    }
}

/// In which order search lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum From {
    Oldest,
    Newest,
}

/// How one reading of search ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    /// Notion stopped before the end.
    is_cut: bool,
    /// It came upon something that was known.
    met_known: bool,
}

/// The questions of one audit.
struct Asking<'a> {
    gate: &'a Gate,
    principal: &'a Principal,
    connection: ConnectionId,
    on_progress: OnProgress<'a>,
    /// When Notion takes questions again.
    free_at: Mutex<Instant>,
    objects: AtomicUsize,
    searches: AtomicUsize,
    lookups: AtomicUsize,
    lookups_left: AtomicUsize,
    waits: AtomicUsize,
}

impl Asking<'_> {
    async fn everything(&self, only: Option<AccessKind>) -> Result<Surveyed, Error> {
        let mut surveyed = Surveyed { only, complete: true, ..Surveyed::default() };
        let mut known = HashSet::new();
        let mut strange = 0;
        let mut state =
            Listed { surveyed: &mut surveyed, known: &mut known, strange: &mut strange };
        if self.list(&mut state, only, From::Oldest).await?.is_cut {
            let kinds = match &only {
                Some(kind) => std::slice::from_ref(kind),
                None => &[AccessKind::Page, AccessKind::DataSource],
            };
            for kind in kinds.iter().copied() {
                // The one kind that was asked for was listed from the oldest just now.
                let is_cut =
                    only.is_some() || self.list(&mut state, Some(kind), From::Oldest).await?.is_cut;
                if is_cut {
                    let ended = self.list(&mut state, Some(kind), From::Newest).await?;
                    state.surveyed.complete &= ended.met_known || !ended.is_cut;
                }
            }
        }
        if strange > 0 {
            surveyed.notes.push(format!(
                "{strange} results of search were of a kind that this audit does not know, and are left out"
            ));
        }
        if !surveyed.complete {
            surveyed.notes.push(
                "Notion's search stops after 10,000 results: there are more objects than are listed here"
                    .to_owned(),
            );
        }
        if only.is_none() {
            self.look_up_blocks(&mut surveyed).await?;
        }
        surveyed.asked = Asked {
            searches: self.searches.load(Ordering::Relaxed),
            lookups: self.lookups.load(Ordering::Relaxed),
            waits: self.waits.load(Ordering::Relaxed),
        };
        Ok(surveyed)
    }

    /// Reads search from one end to the other.
    async fn list(
        &self,
        state: &mut Listed<'_>,
        kind: Option<AccessKind>,
        from: From,
    ) -> Result<Ended, Error> {
        let mut ended = Ended { is_cut: false, met_known: false };
        let is_first = state.known.is_empty();
        let (mut cursor, mut cursors): (Option<String>, HashSet<String>) = Default::default();
        let mut idle = 0;
        loop {
            let body = search_body(kind, from, cursor.as_deref()).to_string();
            let bytes = self.search(&body).await?;
            let page: Page<'_> = serde_json::from_slice(&bytes)
                .map_err(|error| Error::Answer(format!("a page of search: {error}")))?;
            let before = state.known.len();
            for raw in &page.results {
                match Found::read(raw.get()) {
                    None => *state.strange += 1,
                    Some(found) if !state.known.insert(found.id) => ended.met_known = true,
                    Some(found) => state.surveyed.found.push(found),
                }
            }
            ended.is_cut = page.is_cut();
            self.objects.store(state.known.len(), Ordering::Relaxed);
            self.tell(None);
            if state.known.len() >= OBJECTS_MAX {
                state
                    .surveyed
                    .notes
                    .push(format!("the audit ends at {OBJECTS_MAX} objects: there may be more"));
                state.surveyed.complete = false;
                return Ok(Ended { is_cut: false, met_known: true });
            }
            // From the newest backwards: what follows is known.
            let is_idle = state.known.len() == before;
            if from == From::Newest && ended.met_known && is_idle {
                return Ok(ended);
            }
            idle = if is_idle { idle + 1 } else { 0 };
            let Some(next) = page.next_cursor else { return Ok(ended) };
            if next.len() > CURSOR_LENGTH_MAX || !cursors.insert(next.clone()) {
                return Err(Error::Answer(
                    "search gave a cursor that it had given before, so it would never end"
                        .to_owned(),
                ));
            }
            if self.searches.load(Ordering::Relaxed) >= SEARCHES_MAX
                || is_first && idle >= IDLE_PAGES_MAX
            {
                return Err(Error::Answer(
                    "search goes on and on and brings nothing new".to_owned(),
                ));
            }
            cursor = Some(next);
        }
    }

    async fn search(&self, body: &str) -> Result<Bytes, Error> {
        let answer = self.ask(|| {
            let permit =
                self.gate.policies(self.principal).survey(self.principal, self.connection)?;
            let request = Request {
                method: permit.operation().verb.into(),
                path_and_query: permit.operation().path.to_owned(),
                version: Version::DEFAULT.as_str(),
                body: RequestBody::Json(Bytes::copy_from_slice(body.as_bytes())),
                repeatable: true,
            };
            Ok((permit, request))
        });
        let (status, bytes) = answer.await?;
        self.searches.fetch_add(1, Ordering::Relaxed);
        if status == StatusCode::OK { Ok(bytes) } else { Err(refused(status, &bytes)) }
    }

    /// Looks up the blocks that objects stand in, and the blocks that those stand in, each once.
    async fn look_up_blocks(&self, surveyed: &mut Surveyed) -> Result<(), Error> {
        let known: HashSet<Id> = surveyed.found.iter().map(|found| found.id).collect();
        let parents = surveyed.found.iter().flat_map(|it| [it.parent, it.database_parent]);
        let mut wanted = blocks_among(parents, &known, &surveyed.blocks);
        while !wanted.is_empty() {
            let left = LOOKUPS_MAX.saturating_sub(surveyed.blocks.len());
            if wanted.len() > left {
                surveyed.notes.push(format!(
                    "{} blocks were not looked up: what stands in them is shown without its place",
                    wanted.len() - left
                ));
                wanted.truncate(left);
            }
            if wanted.is_empty() {
                break;
            }
            self.lookups_left.store(wanted.len(), Ordering::Relaxed);
            let answers: Vec<Result<(Id, Parent), Error>> = Vec::new();
            let mut answers = answers;
            let mut asked = futures_util::stream::iter(wanted)
                .map(|id| async move { Ok((id, self.look_up_block(id).await?)) })
                .buffer_unordered(LOOKUPS_AT_ONCE);
            while let Some(answer) = asked.next().await {
                let failed = answer.is_err();
                answers.push(answer);
                if failed {
                    break;
                }
            }
            drop(asked);
            let mut parents = Vec::with_capacity(answers.len());
            for answer in answers {
                let (id, parent) = answer?;
                surveyed.blocks.insert(id, parent);
                parents.push(parent);
            }
            wanted = blocks_among(parents, &known, &surveyed.blocks);
        }
        Ok(())
    }

    async fn look_up_block(&self, id: Id) -> Result<Parent, Error> {
        let answer = self.ask(|| {
            let tenant = self.principal.tenant.clone();
            let permit = Operation::named("retrieve-a-block")
                .and_then(|operation| Permit::housekeeping(tenant, self.connection, operation))
                .ok_or_else(|| Error::Answer("blocks cannot be looked up".to_owned()))?;
            let request = Request {
                method: http::Method::GET,
                path_and_query: format!("/v1/blocks/{id}"),
                version: Version::DEFAULT.as_str(),
                body: RequestBody::Empty,
                repeatable: true,
            };
            Ok((permit, request))
        });
        let (status, bytes) = answer.await?;
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let left = |left: usize| left.checked_sub(1);
        // Nothing to take off from is nothing to worry about.
        let _ = self.lookups_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        self.tell(None);
        match status {
            StatusCode::OK => {
                let block = std::str::from_utf8(&bytes).ok().and_then(Found::read);
                Ok(block.filter(|block| block.id == id).map_or(Parent::Unknown, |it| it.parent))
            }
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(Parent::Unknown),
            status => Err(refused(status, &bytes)),
        }
    }

    /// Asks one question until it is answered.
    async fn ask(
        &self,
        question: impl Fn() -> Result<(Permit, Request), Error>,
    ) -> Result<(StatusCode, Bytes), Error> {
        let (mut waits, mut repeats) = (0, 0);
        loop {
            let free_at = *self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            tokio::time::sleep_until(free_at).await;
            let (permit, request) = question()?;
            let answer = match self.gate.send(permit, request).await {
                Ok(answer) => {
                    let answer = answer.collect(ANSWER_MAX).await;
                    answer.map_err(|error| Error::Answer(error.to_string()))
                }
                Err(error) => Err(error),
            };
            let (status, headers, bytes) = match answer {
                Ok(answer) => answer,
                // A wait inside the client may have left too little time for the answer.
                Err(
                    Error::Answer(_)
                    | Error::Upstream(SendError::Timeout(_) | SendError::Broken(_)),
                ) if repeats < REPEATS_MAX => {
                    repeats += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let wait = match status.as_u16() {
                429 | 529 => how_long(&headers, &bytes),
                _ => return Ok((status, bytes)),
            };
            let Some(wait) = wait.filter(|_| waits < WAITS_MAX) else {
                return Err(refused(status, &bytes));
            };
            waits += 1;
            self.waits.fetch_add(1, Ordering::Relaxed);
            let until = Instant::now() + wait;
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            *free_at = until.max(*free_at);
            drop(free_at);
            self.tell(Some(wait.as_secs()));
        }
    }

    fn tell(&self, waiting: Option<u64>) {
        (self.on_progress)(AccessProgress {
            objects: self.objects.load(Ordering::Relaxed),
            lookups: self.lookups.load(Ordering::Relaxed),
            lookups_left: self.lookups_left.load(Ordering::Relaxed),
            waiting,
        });
    }
}

/// What one reading of search after the other adds to.
struct Listed<'a> {
    surveyed: &'a mut Surveyed,
    known: &'a mut HashSet<Id>,
    strange: &'a mut usize,
}

fn search_body(kind: Option<AccessKind>, from: From, cursor: Option<&str>) -> Value {
    let direction = if from == From::Oldest { "ascending" } else { "descending" };
    let mut body = json!({
        "sort": {"timestamp": "last_edited_time", "direction": direction},
        "page_size": PAGE_SIZE,
    });
    if let Some(kind) = kind {
        body["filter"] = json!({"property": "object", "value": kind.as_str()});
    }
    if let Some(cursor) = cursor {
        body["start_cursor"] = cursor.into();
    }
    body
}

/// The blocks among `parents` of which nothing is known yet, each once, in their order.
fn blocks_among(
    parents: impl IntoIterator<Item = Parent>,
    known: &HashSet<Id>,
    blocks: &HashMap<Id, Parent>,
) -> Vec<Id> {
    let mut seen = HashSet::new();
    let blocks = parents.into_iter().filter_map(|parent| match parent {
        Parent::Under(above, _) if above.kind == AccessKind::Block => {
            (!known.contains(&above.id) && !blocks.contains_key(&above.id)).then_some(above.id)
        }
        _ => None,
    });
    blocks.filter(|id| seen.insert(*id)).collect()
}

/// How long Notion says to wait; `None` if waiting does not help.
fn how_long(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let reason = ApiError::parse(429, body).and_then(|error| error.additional_data);
    let reason = reason.as_ref().and_then(|data| data.get("rate_limit_reason"));
    if reason.is_some_and(|reason| reason == "public_api_request_blocked") {
        return None;
    }
    let told = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let told = told.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    Some(told.unwrap_or(WAIT_DEFAULT)).filter(|wait| *wait <= WAIT_MAX)
}

fn refused(status: StatusCode, body: &[u8]) -> Error {
    let error = ApiError::parse(status.as_u16(), body);
    error.map_or_else(|| Error::Answer(format!("Notion answered {status}")), Error::Notion)
}
