//! The application: the world behind one lock, the ledger of calls, faults, and the HTTP in front.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use indexmap::IndexMap;
use notion::Version;
use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::calls::{Call, Calls};
use crate::control;
use crate::control::snapshots::Snapshot;
use crate::cors;
use crate::fail::Fail;
use crate::faults::{Faults, Plan};
use crate::limits::Limits;
use crate::oauth;
use crate::openapi;
use crate::origin::{self, base_url};
use crate::pipeline::{self, Caller, Incoming};
use crate::query::session::Sessions;
use crate::served;
use crate::server::Options;
use crate::site;
use crate::transfer;
use crate::webhooks::{self, Sender};
use crate::workspaces::Workspaces;
use crate::world::World;
use crate::world::era::Era;

/// Longest body that is read at once: a part of an upload. (Whole worlds are read as they come.)
const READ_MAX: usize = 64 * 1024 * 1024;

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) sessions: Sessions,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) limits: Limits,
    pub(crate) snapshots: IndexMap<String, Snapshot>,
    /// What a reset goes back to.
    pub(crate) seed: World,
}

/// The application; the lock is held for the length of one operation and never across an await.
#[derive(Debug)]
pub(crate) struct App {
    inner: Mutex<Inner>,
    state_file: Option<PathBuf>,
    /// Nobody but this machine reaches it.
    is_local: bool,
    /// Sends to subscribers of webhooks.
    pub(crate) sender: Sender,
    /// Held while webhooks are sent.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// There may be webhooks to send.
    pub(crate) wake: Notify,
}

/// Marks an answer that must not be sent: the connection is cut instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

impl App {
    pub(crate) fn new(mut seed: World, mut world: World, options: &Options) -> Self {
        // How a world was built is nobody's news.
        seed.read_journal();
        world.read_journal();
        let inner = Inner {
            world,
            sessions: Sessions::default(),
            calls: Calls::default(),
            faults: Faults::default(),
            limits: Limits::new(options.limits),
            snapshots: IndexMap::new(),
            seed,
        };
        Self {
            inner: Mutex::new(inner),
            state_file: options.state_file.clone(),
            is_local: options.listen.ip().is_loopback(),
            sender: Sender::default(),
            turn: tokio::sync::Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what an operation noted, and has subscribers told of it.
    pub(crate) fn tell(&self, world: &mut World) {
        webhooks::gather(world);
        if !world.webhooks.pending.is_empty() || world.next_of_jobs().is_some() {
            self.wake.notify_one();
        }
    }

    /// Writes the world to the state file, if there is one.
    pub(crate) fn save(&self) -> std::io::Result<()> {
        let Some(path) = &self.state_file else { return Ok(()) };
        let world = self.lock().world.clone();
        transfer::save(&world, path)
    }
}

/// The routes: `/` and `/workspace/**` are for people, `/_sandbox/**` is control, everything else is
/// Notion.
pub(crate) fn router(workspaces: Arc<Workspaces>) -> Router {
    Router::new().fallback(handle).with_state(workspaces)
}

/// Notion takes `/v1/search/` for `/v1/search`: many clients write their paths so.
fn without_last_slash(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some(shorter) if shorter.starts_with("/v1/") => shorter,
        _ => path,
    }
}

async fn handle(State(workspaces): State<Arc<Workspaces>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (method, path) = (&parts.method, parts.uri.path());
    let is_local = workspaces.first().is_local;
    if let Some(error) = origin::refusal(is_local, method, path, &parts.headers) {
        return json(403, &serde_json::json!({"error": error}), None);
    }
    let named = workspaces.named(path);
    let path = named.as_ref().map_or(path, |(_, path)| path).to_owned();
    let named = named.map(|(app, _)| app);
    // Worlds are too large to be held whole beside themselves.
    let app = named.as_ref().unwrap_or(workspaces.first());
    match (parts.method.as_str(), path.as_str()) {
        ("GET", "/_sandbox/state") => return with_json(200, control::state::get(app)),
        ("PUT", "/_sandbox/state") => {
            let (status, body) = control::shown(control::state::put(app, body).await);
            return json(status, &body, None);
        }
        _ => {}
    }
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let body = match Limited::new(body, READ_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => {
            let fail = Fail::validation(format!(
                "body failed validation: the request body could not be read, or is longer than \
                 `{READ_MAX}` bytes."
            ));
            return refuse(&fail, &Uuid::new_v4().to_string(), Era::Of2026);
        }
    };
    let incoming = Incoming {
        method: parts.method.clone(),
        path: without_last_slash(&path).to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        version: text(header::HeaderName::from_static("notion-version")),
        headers: parts.headers.clone(),
        body,
    };
    if parts.method == http::Method::GET
        && let Some(response) = described(&incoming.path, &base_url(&parts.headers))
    {
        return response;
    }
    if let Some(answer) = workspaces.answer(&incoming) {
        let (status, body) = control::shown(answer);
        return json(status, &body, None);
    }
    let is_named = named.is_some();
    let app = named.unwrap_or_else(|| workspaces.of(&incoming));
    if let Some(file) = served::answer(&app, &incoming) {
        return file;
    }
    if let Some(answer) = cors::preflight(&parts.method, &incoming.path, &parts.headers) {
        return answer;
    }
    if let Some(page) = site::answer(&app, &incoming).await {
        return page;
    }
    match incoming.path.strip_prefix("/_sandbox/") {
        Some(route) => {
            let (status, body) = control::answer(&app, route, &incoming).await;
            if !is_named {
                workspaces.follow(&incoming);
            }
            json(status, &body, None)
        }
        None => notion(&app, &incoming).await,
    }
}

/// What there is to read about the API itself.
fn described(path: &str, base: &str) -> Option<Response> {
    if path == "/openapi.json" {
        return Some(json(200, &openapi::document(base), None));
    }
    let name = path.strip_prefix("/docs/")?.strip_suffix(".md")?;
    let mut response = Response::new(Body::from(openapi::page(name)?));
    let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Some(response)
}

/// Answers as Notion, unless a fault says otherwise.
async fn notion(app: &App, incoming: &Incoming) -> Response {
    let (limited, plan) = {
        let mut inner = app.lock();
        let Inner { world, faults, limits, .. } = &mut *inner;
        let who = incoming.token().and_then(|token| world.who_has(token));
        let connection = who.map(|who| who.connection);
        let now = world.now();
        match connection.and_then(|connection| limits.spend(connection, now).err()) {
            Some(limited) => (Some(limited), Plan::default()),
            None => (None, faults.plan(incoming, connection, &mut world.dice)),
        }
    };
    if plan.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(plan.latency_ms)).await;
    }
    let request_id = Uuid::new_v4().to_string();
    let mut response = {
        let mut inner = app.lock();
        let Inner { world, sessions, .. } = &mut *inner;
        let at = world.now();
        let era = world.era(Version::LATEST);
        let result = if let Some(limited) = limited {
            Err(limited)
        } else if plan.skips() {
            Err(plan.fail(None, incoming))
        } else if oauth::is_meant(incoming) {
            match oauth::answer(world, incoming, &request_id) {
                Ok(done) if plan.answer.is_some() && !done.status().is_client_error() => {
                    Err(plan.fail(None, incoming))
                }
                done => done,
            }
        } else {
            match pipeline::answer(world, sessions, incoming, &Caller::Token) {
                Ok(answer) if plan.answer.is_some() => Err(plan.fail(Some(&answer), incoming)),
                done => done.map(|answer| {
                    accept(pipeline::status(incoming, &answer), answer, &request_id, era)
                }),
            }
        };
        let status = result.as_ref().map_or_else(|fail| fail.status, |done| done.status().as_u16());
        inner.calls.push(Call::new(at, incoming, status).refused(result.as_ref().err()));
        app.tell(&mut inner.world);
        result.unwrap_or_else(|fail| {
            if plan.is_from_edge() {
                return edge(&fail);
            }
            // What a fault makes up is in OAuth's words where they belong.
            let is_oauth = plan.answer.is_some() && oauth::is_meant(incoming);
            let oauth = is_oauth.then(|| oauth::fault(&fail, &request_id)).flatten();
            oauth.unwrap_or_else(|| refuse(&fail, &request_id, era))
        })
    };
    if !plan.is_from_edge()
        && let Ok(id) = HeaderValue::from_str(&request_id)
    {
        response.headers_mut().insert("x-notion-request-id", id);
    }
    if let Some(bytes) = plan.truncate {
        response = truncated(response, bytes).await;
    }
    if plan.drop {
        response.extensions_mut().insert(Dropped);
    }
    cors::open(&incoming.path, &mut response);
    response
}

/// What stands in front of Notion answers with a page of its own, which has no request id.
fn edge(fail: &Fail) -> Response {
    let status = StatusCode::from_u16(fail.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>\
         </center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if let Some(seconds) = fail.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The answer with its whole length announced and only its first bytes sent.
async fn truncated(response: Response, keep: usize) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let sent = whole.slice(..keep.min(whole.len().saturating_sub(1)));
    let cut = stream::once(async {
        // What came before is only sent when there is nothing more for a moment.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    let body = stream::once(async { Ok(sent) }).chain(cut);
    Response::from_parts(parts, Body::from_stream(body))
}

/// A success: `request_id` comes last, at the top only; lists of templates have none (measured).
fn accept(status: u16, mut answer: Value, request_id: &str, era: Era) -> Response {
    let members = answer.as_object_mut().filter(|all| all.contains_key("object"));
    if let Some(members) = members.filter(|_| era >= Era::Of2024) {
        members.insert("request_id".to_owned(), request_id.into());
    }
    json(status, &answer, Some(request_id))
}

/// A refusal.
pub(crate) fn refuse(fail: &Fail, request_id: &str, era: Era) -> Response {
    let mut body = fail.body(request_id);
    if let Some(members) = body.as_object_mut().filter(|_| era < Era::Of2024) {
        members.shift_remove("request_id");
    }
    let mut response = json(fail.status, &body, Some(request_id));
    if let Some(seconds) = fail.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn json(status: u16, body: &Value, request_id: Option<&str>) -> Response {
    let mut response = with_json(status, Body::from(Bytes::from(body.to_string())));
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        response.headers_mut().insert("x-notion-request-id", id);
    }
    response
}

/// An answer whose body is JSON.
fn with_json(status: u16, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
