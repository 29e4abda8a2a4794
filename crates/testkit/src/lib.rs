//! The whole product in one line, in process: a temporary store, a sandbox, a clock that the test
//! owns, ports that the system picks.
//!
//! ```no_run
//! # async fn example() {
//! let kit = testkit::Kit::start().await;
//! let viewer = kit.key(model::Role::Viewer, &[kit.demo.team_page_id]).await;
//! let page = kit.get(&viewer, &format!("/v1/pages/{}", kit.demo.team_page_id)).await;
//! assert_eq!(page.status, 200);
//! kit.finish().await;
//! # }
//! ```
//!
//! [`Kit::finish`] checks that the ledger is intact and that no write was left open; a kit that is
//! dropped without it fails the test.

mod death;
mod faulty_store;
mod http_client;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gate::{AuditFilter, Gate, KeyRequest, Options, Tokens};
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use ledger::Entry;
use model::{Clock, ExposeSecret, ManualClock, Principal, Role};
use notion::oauth::OAuthClient;
use notion::{Capabilities, Capability, Id};
use sandbox::{Demo, Sandbox};
use serde_json::Value;
use store::{SqliteStore, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;
use vault::{Keyring, MasterKey, SystemChance};
use web::{App, Limits, Site};

pub use death::{Dead, Death};
pub use faulty_store::FaultyStore;
pub use http_client::{Reply, send};

/// Notion's version that calls go out with, unless a test names another.
pub const VERSION: &str = "2025-09-03";

/// A gate in front of a sandbox.
#[derive(Debug)]
pub struct Kit {
    /// The gate.
    pub gate: Gate,
    /// The Notion behind it.
    pub sandbox: Sandbox,
    /// The ids of its demo workspace.
    pub demo: Demo,
    /// The gate's clock.
    pub clock: Arc<ManualClock>,
    /// The gate's store, which can be told to fail.
    pub store: Arc<FaultyStore>,
    /// Where the gate serves.
    pub url: String,
    /// A key that may do everything.
    pub admin: String,
    /// The master key that the store is sealed under.
    pub master_key: String,
    stop: watch::Sender<bool>,
    door: Option<JoinHandle<()>>,
    background: Option<JoinHandle<()>>,
    finished: AtomicBool,
    directory: tempfile::TempDir,
}

impl Kit {
    /// Starts everything.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts everything, with other options for the gate.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        Self::start_at(Site::default(), change).await
    }

    /// Starts everything, for callers who reach the gate like this.
    pub async fn start_at(site: Site, change: impl FnOnce(&mut Options)) -> Self {
        let sandbox = Sandbox::start(sandbox::Options::default()).await.expect("a sandbox");
        let demo = sandbox.demo().expect("the demo workspace");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sqlite = SqliteStore::open(&directory.path().join("test.sqlite")).expect("a store");
        let store = Arc::new(FaultyStore::new(sqlite));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let redirect_uri = format!("{url}{}", web::CALLBACK_PATH);
        let (client_id, client_secret) = sandbox.add_client("notegate", &redirect_uri);
        let start = Timestamp::from_second(1_790_000_000).expect("a time");
        let clock = Arc::new(ManualClock::new(start));
        let master_key = MasterKey::generate(&SystemChance::new());
        let master_key_text = master_key.reveal().expose_secret().to_owned();
        let mut options = options(store.clone(), Keyring::of(master_key));
        options.clock = clock.clone() as Arc<dyn Clock>;
        options.notion.base_url = sandbox.url();
        let client_secret = client_secret.into();
        options.oauth = Some(OAuthClient { client_id, client_secret, redirect_uri });
        change(&mut options);
        let gate = Gate::open(options).await.expect("a gate");
        let tokens = Tokens { access: demo.tokens.full.clone().into(), write: None };
        gate.declare(Some(&tokens)).await.expect("a connection");

        let (stop, stopped) = watch::channel(false);
        let service_url = site.service_url.as_ref().map(|url| url.as_str().to_owned());
        let mcp = mcp_door(&gate, mcp::Settings { service_url, ..mcp::Settings::default() });
        let site = Arc::new(site);
        let router = web::router(App { site, mcp: Some(mcp), ..App::new(gate.clone()) });
        let door = tokio::spawn(async move {
            web::serve_tcp(listener, router, Limits::default(), stopped).await.expect("a door");
        });
        let background = tokio::spawn({
            let (gate, stopped) = (gate.clone(), stop.subscribe());
            async move { gate.run_background(stopped).await }
        });
        let mut kit = Self {
            gate,
            sandbox,
            demo,
            clock,
            store,
            url,
            admin: String::new(),
            master_key: master_key_text,
            stop,
            door: Some(door),
            background: Some(background),
            finished: AtomicBool::new(false),
            directory,
        };
        kit.admin = kit.key(Role::Admin, &[]).await;
        kit.forget_calls().await;
        kit
    }

    /// A new key; everything if `within` is empty.
    pub async fn key(&self, role: Role, within: &[Id]) -> String {
        self.new_key(request(role, within)).await
    }

    /// A new key with some of Notion's capabilities.
    pub async fn key_with(&self, role: Role, within: &[Id], capabilities: &[Capability]) -> String {
        let capabilities: Capabilities = capabilities.iter().copied().collect();
        self.new_key(KeyRequest { capabilities: Some(capabilities), ..request(role, within) }).await
    }

    /// A new key.
    pub async fn new_key(&self, request: KeyRequest) -> String {
        let made = self.gate.create_key(&self.operator(), request, "test").await.expect("a key");
        made.token.reveal().to_owned()
    }

    /// The file of the store.
    pub fn database(&self) -> std::path::PathBuf {
        self.directory.path().join("test.sqlite")
    }

    /// The one who may do everything.
    pub fn operator(&self) -> Principal {
        self.gate.operator()
    }

    /// `GET` at the gate.
    pub async fn get(&self, key: &str, path: &str) -> Reply {
        self.call("GET", key, path, None).await
    }

    /// `POST` at the gate.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.call("POST", key, path, Some(body)).await
    }

    /// `PATCH` at the gate.
    pub async fn patch(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.call("PATCH", key, path, Some(body)).await
    }

    /// `DELETE` at the gate.
    pub async fn delete(&self, key: &str, path: &str) -> Reply {
        self.call("DELETE", key, path, None).await
    }

    /// Any call at the gate.
    pub async fn call(&self, method: &str, key: &str, path: &str, body: Option<&Value>) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
        self.raw(method, path, &headers, body.map(ToString::to_string)).await
    }

    /// Any call of notegate's own API as the operator, who may act for a tenant.
    pub async fn as_operator(
        &self,
        method: &str,
        path: &str,
        tenant: Option<&str>,
        body: Option<&Value>,
    ) -> Reply {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(tenant) = tenant {
            request = request.header("x-notegate-tenant", tenant);
        }
        let body = Full::new(body.map(ToString::to_string).unwrap_or_default().into());
        let request: http::Request<Full<bytes::Bytes>> = request.body(body).expect("a request");
        let router = web::operator_router(App::new(self.gate.clone()));
        let answer = router.oneshot(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    /// Another workspace in the sandbox: `{id, control, tokens, demo}`.
    pub async fn add_workspace(&self, name: &str) -> Value {
        self.control("POST", "workspaces", Some(&serde_json::json!({ "name": name }))).await
    }

    /// Any request at the gate.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Reply {
        send(method, &format!("{}{path}", self.url), headers, body.unwrap_or_default().into()).await
    }

    /// A call at the sandbox itself, past the gate, with the connection's own token.
    pub async fn direct(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let bearer = format!("Bearer {}", self.demo.tokens.full);
        let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
        let url = format!("{}{path}", self.sandbox.url());
        send(method, &url, &headers, body.map(ToString::to_string).unwrap_or_default().into()).await
    }

    /// A control route of the sandbox (`calls`, `faults`, `share`, …).
    pub async fn control(&self, method: &str, route: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/_sandbox/{route}", self.sandbox.url());
        let headers = [("content-type", "application/json")];
        let body = body.map(ToString::to_string).unwrap_or_default();
        let reply = send(method, &url, &headers, body.into()).await;
        assert!(reply.status < 300, "{method} {route}: {reply:?}");
        if reply.bytes.is_empty() { Value::Null } else { reply.json() }
    }

    /// An edit by a person in Notion's app.
    pub async fn as_human(&self, method: &str, path: &str, body: Value) -> Value {
        let act = serde_json::json!({ "method": method, "path": path, "body": body });
        self.control("POST", "as-human", Some(&act)).await
    }

    /// What the sandbox was asked since the last [`Kit::forget_calls`].
    pub async fn calls(&self) -> Vec<Value> {
        let calls = self.control("GET", "calls", None).await;
        calls.as_array().cloned().expect("a list of calls")
    }

    /// Lets the sandbox forget what it was asked.
    pub async fn forget_calls(&self) {
        self.control("DELETE", "calls", None).await;
    }

    /// The newest entries of the ledger, newest first. Waits for what is still on its way.
    pub async fn entries(&self, limit: u32) -> Vec<Entry> {
        // Reading the ledger is an entry itself; the one before it in the queue is written first.
        let operator = self.operator();
        let mark = self.gate.new_request_id();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        self.gate
            .list_audit(&operator, AuditFilter::default(), None, 1, &mark)
            .await
            .expect("the ledger");
        loop {
            let page = self
                .gate
                .list_audit(&operator, AuditFilter::default(), None, limit + 50, "look")
                .await;
            let items: Vec<Entry> = page.expect("the ledger").into_entries().collect();
            if let Some(at) = items.iter().position(|entry| entry.request_id == mark) {
                let fresh =
                    items.into_iter().skip(at + 1).filter(|entry| entry.request_id != "look");
                return fresh.take(limit as usize).collect();
            }
            assert!(tokio::time::Instant::now() < deadline, "the ledger is late");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The files in which everything that lasts is.
    pub fn files(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.directory.path()).expect("the directory");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    /// Stops everything, and checks that the ledger is intact and no write was left open.
    pub async fn finish(mut self) {
        self.finished.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
        if let Some(door) = self.door.take() {
            door.await.expect("the door closed in order");
        }
        if let Some(background) = self.background.take() {
            background.await.expect("the work beside the calls ended in order");
        }
        let operator = self.operator();
        let verdict =
            self.gate.verify_audit(&operator, "finish").await.expect("the ledger").verdict;
        assert!(verdict.intact, "{verdict:?}");
        self.gate.close().await;
        let open = store::LedgerEntries::open_intents(&*self.store).await.expect("the store");
        assert!(open.is_empty(), "writes without a conclusion: {open:?}");
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        if !self.finished.load(Ordering::Relaxed) && !std::thread::panicking() {
            // INVARIANT: only in tests, and the point of it: work left undone is a failure.
            panic!("the test forgot `kit.finish().await`");
        }
    }
}

/// An MCP door, as the HTTP door takes it.
pub fn mcp_door(gate: &Gate, settings: mcp::Settings) -> web::McpDoor {
    let door = mcp::Door::new(gate.clone(), settings);
    web::McpDoor::new(move |request| {
        let door = door.clone();
        async move { door.answer(request).await }
    })
}

/// Plain options for a gate whose Notion is nowhere yet.
pub fn options(store: Arc<dyn Store>, keyring: Keyring) -> Options {
    Options {
        store,
        keyring,
        key_source: Arc::new(gate::FixedKeys),
        clock: Arc::new(ManualClock::new(Timestamp::from_second(1_790_000_000).expect("a time"))),
        chance: Arc::new(SystemChance::new()),
        notion: notion::client::Settings {
            base_url: String::new(),
            timeout: Duration::from_secs(5),
            dice: Arc::new(|| 0.0),
        },
        oauth: None,
        oidc: None,
        authorization: gate::AuthorizationSettings::default(),
        notion_version: None,
        strict_ledger: false,
        ledger_retention: None,
        mirror: None,
        ledger_bodies: false,
        tree_age_max: Duration::from_secs(60),
        // A test's clock may stand still for thousands of calls.
        lookups_per_minute: u32::MAX,
        session_secret: None,
        rotation_grace: Duration::from_secs(3600),
        webhooks: gate::WebhookSettings::default(),
        on_entry: Arc::new(|_| {}),
    }
}

/// A plain request for a key.
pub fn request(role: Role, within: &[Id]) -> KeyRequest {
    KeyRequest::new(&format!("test {role}"), role, within.to_vec())
}
