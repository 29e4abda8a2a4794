//! `/api/v1/access`: what a connection reaches, and why.

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use gate::{
    AccessItem, AccessKind, AccessProgress, AccessQuery, AccessReport, AccessTrace, AuditMade,
    Error,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use model::ConnectionId;
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Items;
use crate::App;
use crate::caller::{Caller, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get};

/// The form of an answer in which lines follow each other as they come.
const LINES: &str = "application/x-ndjson";
/// Items that are written at once.
const CHUNK: usize = 500;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/access", get(MANAGE, audit))
        .route("/api/v1/access/last", get(MANAGE, last))
        .route("/api/v1/access/audits", get(MANAGE, list))
        .route("/api/v1/access/audits/{at}", get(MANAGE, retrieve))
        .route("/api/v1/access/trace", get(MANAGE, trace))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail)
}

fn connection(text: Option<&str>) -> Result<Option<ConnectionId>, Problem> {
    let id = text
        .map(|text| Id::parse(text).ok_or_else(|| invalid("`connection` is not the id of a bot")));
    Ok(id.transpose()?.map(ConnectionId))
}

fn kind(text: &str) -> Option<AccessKind> {
    Some(match text {
        "page" => AccessKind::Page,
        "data_source" => AccessKind::DataSource,
        "database" => AccessKind::Database,
        "block" => AccessKind::Block,
        _ => return None,
    })
}

#[derive(Debug, Deserialize)]
struct Wanted {
    connection: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Wanted {
    fn query(&self) -> Result<AccessQuery, Problem> {
        let only = match self.kind.as_deref() {
            None => None,
            // Search lists the tables of a database, not the frame around them.
            Some("database") => Some(AccessKind::DataSource),
            Some(text) => {
                let known = kind(text).filter(|kind| *kind != AccessKind::Block);
                Some(known.ok_or_else(|| invalid("`type` is `page` or `data_source`"))?)
            }
        };
        Ok(AccessQuery { connection: connection(self.connection.as_deref())?, only })
    }
}

async fn audit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted?;
    let query = wanted.query()?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains(LINES)) {
        return audit_in_lines(app, caller, query).await;
    }
    let Caller { principal, request_id } = caller;
    let report = app.gate.audit_access(&principal, query, request_id.as_str(), &|_| {}).await?;
    Ok(Json(report).into_response())
}

/// An audit that runs; it ends with this value, and so when the caller hangs up.
struct Running {
    progress: watch::Receiver<AccessProgress>,
    task: JoinSet<Result<AccessReport, Error>>,
}

enum Event {
    Progress(AccessProgress),
    Done(Box<Result<AccessReport, Error>>),
}

impl Running {
    fn begin(app: App, caller: Caller, query: AccessQuery) -> Self {
        let (tell, progress) = watch::channel(AccessProgress::default());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let Caller { principal, request_id } = caller;
            let on_progress = move |progress| {
                tell.send_replace(progress);
            };
            app.gate.audit_access(&principal, query, request_id.as_str(), &on_progress).await
        });
        Self { progress, task }
    }

    async fn next(&mut self) -> Event {
        if self.progress.changed().await.is_ok() {
            return Event::Progress(*self.progress.borrow_and_update());
        }
        let done = match self.task.join_next().await {
            Some(Ok(done)) => done,
            Some(Err(_)) | None => Err(Error::Answer("the audit failed inside".to_owned())),
        };
        Event::Done(Box::new(done))
    }
}

enum Step {
    Runs(Running),
    Lists(Value, std::vec::IntoIter<AccessItem>),
    End,
}

/// Answers line by line: how far it is, then the objects, then the rest of the report.
async fn audit_in_lines(app: App, caller: Caller, query: AccessQuery) -> Result<Response, Problem> {
    let mut running = Running::begin(app, caller, query);
    // What is refused at once is refused with a status.
    let first = match running.next().await {
        Event::Progress(progress) => (progress_line(progress), Step::Runs(running)),
        Event::Done(done) => (String::new(), listing((*done)?)),
    };
    let begun = stream::iter([Ok::<_, Infallible>(Bytes::from(first.0))]);
    let rest = stream::unfold(first.1, |step| async move {
        let (text, next) = match step {
            Step::End => return None,
            Step::Runs(mut running) => match running.next().await {
                Event::Progress(progress) => (progress_line(progress), Step::Runs(running)),
                Event::Done(done) => match *done {
                    Ok(report) => (String::new(), listing(report)),
                    Err(error) => {
                        (json!({ "error": Problem::of(&error) }).to_string() + "\n", Step::End)
                    }
                },
            },
            Step::Lists(summary, mut items) => {
                let lines: String = items
                    .by_ref()
                    .take(CHUNK)
                    .map(|item| json!({ "item": item }).to_string() + "\n")
                    .collect();
                match lines.is_empty() {
                    true => (json!({ "summary": summary }).to_string() + "\n", Step::End),
                    false => (lines, Step::Lists(summary, items)),
                }
            }
        };
        Some((Ok(Bytes::from(text)), next))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(begun, rest));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(LINES))], body).into_response())
}

fn progress_line(progress: AccessProgress) -> String {
    json!({ "progress": progress }).to_string() + "\n"
}

fn listing(mut report: AccessReport) -> Step {
    let items = std::mem::take(&mut report.items);
    let mut summary = json!(report);
    if let Some(members) = summary.as_object_mut() {
        members.shift_remove("items");
    }
    Step::Lists(summary, items.into_iter())
}

#[derive(Debug, Deserialize)]
struct Whose {
    connection: Option<String>,
}

async fn last(
    State(app): State<App>,
    caller: Caller,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<AccessReport>, Problem> {
    let Query(Whose { connection: whose }) = whose?;
    let (principal, request_id) = (&caller.principal, caller.request_id.as_str());
    let found = app.gate.last_access(principal, connection(whose.as_deref())?, request_id).await?;
    let none =
        || Error::Missing("no access audit was made yet: `GET /api/v1/access` makes one".into());
    Ok(Json(found.ok_or_else(none)?))
}

/// An audit that is kept.
#[derive(Debug, Serialize)]
struct Kept {
    at: Timestamp,
    total: u64,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Items<Kept>>, Problem> {
    let Query(Whose { connection: whose }) = whose?;
    let (principal, request_id) = (&caller.principal, caller.request_id.as_str());
    let made = app.gate.access_audits(principal, connection(whose.as_deref())?, request_id).await?;
    let items = made.into_iter().map(|AuditMade { at, total }| Kept { at, total }).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(at): PathParam,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<AccessReport>, Problem> {
    let Query(Whose { connection: whose }) = whose?;
    let at: Timestamp = at.parse().map_err(|_| {
        invalid("the time is none that `/api/v1/access/audits` lists (`2026-01-31T12:00:00Z`)")
    })?;
    let (principal, request_id) = (&caller.principal, caller.request_id.as_str());
    let connection = connection(whose.as_deref())?;
    Ok(Json(app.gate.access_at(principal, connection, at, request_id).await?))
}

#[derive(Debug, Deserialize)]
struct Traced {
    object: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    connection: Option<String>,
}

async fn trace(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Traced>, QueryRejection>,
) -> Result<Json<AccessTrace>, Problem> {
    let Query(Traced { object, kind: text, connection: whose }) = wanted?;
    let pasted = notion::id::Pasted::parse(&object)
        .ok_or_else(|| invalid("`object` holds no id of Notion: paste an id or a URL"))?;
    let known = text.as_deref().map(|text| {
        kind(text).ok_or_else(|| invalid("`type` is `page`, `database`, `data_source` or `block`"))
    });
    let known = known.transpose()?;
    // The address of a block is that of its page, with the block behind `#`.
    let id = pasted.block.filter(|_| known == Some(AccessKind::Block)).unwrap_or(pasted.object);
    let (principal, request_id) = (&caller.principal, caller.request_id.as_str());
    let connection = connection(whose.as_deref())?;
    Ok(Json(app.gate.trace_access(principal, connection, known, id, request_id).await?))
}
