//! The whole product in front of one world, quick enough to be asked a hundred thousand times.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gate::{Gate, KeyRequest, PolicyChange, Tokens};
use http::Request;
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use model::{Chance, Clock, ManualClock};
use sandbox::{Sandbox, Seed};
use serde_json::{Value, json};
use store::SqliteStore;
use testkit::{Reply, send};
use tower::ServiceExt;
use vault::{Keyring, MasterKey};
use web::App;

use super::world::{Draft, HIDDEN, Made, SHARED, TOKEN, page, text};

/// What the gate is called.
const HOST: &str = "gate.example";

/// Answers a request as the product does.
type Door = Box<dyn Fn(Request<Full<Bytes>>) -> Pin<Box<dyn Future<Output = Reply>>>>;

/// One gate, one sandbox.
pub(crate) struct Side {
    gate: Gate,
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    door: Door,
    keys: AtomicUsize,
    _directory: tempfile::TempDir,
}

/// The same bytes on both sides: what is derived from secrets is the same, too.
#[derive(Debug)]
struct Dice(Mutex<fastrand::Rng>);

impl Chance for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill(bytes);
    }
}

impl Side {
    pub(crate) async fn start() -> Self {
        let mut empty = Draft::new();
        let person = "1a51de00-000a-8100-8000-000000000000";
        empty.person(person, "Ada Near");
        for top in [SHARED, HIDDEN] {
            empty.node(top, None, page(json!([text("Quartz")])), Made::by(person, 1));
        }
        let options =
            sandbox::Options { seed: Seed::File(empty.finish(1)), ..sandbox::Options::default() };
        let sandbox = Sandbox::start(options).await.expect("a sandbox");
        // What is written here is written often, and needs no disk.
        let memory = std::path::Path::new("/dev/shm");
        let directory = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let directory = directory.expect("a temporary directory");
        let store = SqliteStore::open(&directory.path().join("twin.sqlite")).expect("a store");
        let dice: Arc<dyn Chance> = Arc::new(Dice(Mutex::new(fastrand::Rng::with_seed(7))));
        let master_key = MasterKey::generate(&*dice);
        let clock =
            Arc::new(ManualClock::new(Timestamp::from_second(1_790_000_000).expect("a time")));
        let mut options = testkit::options(Arc::new(store), Keyring::of(master_key));
        options.chance = dice;
        options.clock = clock.clone() as Arc<dyn Clock>;
        options.notion.base_url = sandbox.url();
        // A page of a list is short where time runs out; on a busy machine that would tell the worlds apart.
        options.notion.timeout = Duration::from_secs(600);
        let gate = Gate::open(options).await.expect("a gate");
        let tokens = Tokens { access: TOKEN.to_owned().into(), write: None };
        gate.declare(Some(&tokens)).await.expect("a connection");
        let settings = mcp::Settings {
            service_url: Some(format!("http://{HOST}")),
            ..mcp::Settings::default()
        };
        let mcp = testkit::mcp_door(&gate, settings);
        let router = web::router(App { mcp: Some(mcp), ..App::new(gate.clone()) });
        let door: Door = Box::new(move |request| {
            let answer = router.clone().oneshot(request);
            Box::pin(async move {
                let (parts, body) = answer.await.expect("an answer").into_parts();
                let bytes = body.collect().await.expect("a body").to_bytes();
                Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
            })
        });
        Self { gate, sandbox, clock, door, keys: AtomicUsize::new(0), _directory: directory }
    }

    pub(crate) async fn set_policies(&self, text: &str) {
        let change = PolicyChange { text: text.to_owned(), note: String::new(), version: None };
        let set = self.gate.change_policies(&self.gate.operator(), change, "twins").await;
        set.expect("policies");
    }

    /// Another world; everything that the gate knows of the one before is too old to be believed.
    pub(crate) async fn load(&self, world: &Value) {
        self.control("PUT", "state", world).await;
        self.control("POST", "snapshots", &json!({ "name": "twin" })).await;
        self.forget();
    }

    /// The world as it was loaded.
    pub(crate) async fn restore(&self) {
        self.control("POST", "snapshots/twin/restore", &Value::Null).await;
        self.forget();
    }

    /// Time passes, until nothing that was seen is believed.
    pub(crate) fn forget(&self) {
        self.clock.advance(Duration::from_secs(3600));
    }

    /// So many seconds pass for the gate.
    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn key(&self, mut request: KeyRequest) -> String {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        request.name = format!("key {number}");
        let made = self.gate.create_key(&self.gate.operator(), request, "twins").await;
        made.expect("a key").token.reveal().to_owned()
    }

    /// A call at the gate.
    pub(crate) async fn call(&self, key: &str, call: &super::calls::Sent) -> Reply {
        let mut request = Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header("host", HOST)
            .header("authorization", format!("Bearer {key}"));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let request: Request<Full<Bytes>> =
            request.body(Full::new(call.body.clone())).expect("a request");
        self.anywhere((self.door)(request).await)
    }

    /// An answer without the port that this side's sandbox happens to have, which is in the addresses of files.
    fn anywhere(&self, reply: Reply) -> Reply {
        let text = reply.text();
        let url = self.sandbox.url();
        if !text.contains(&url) {
            return reply;
        }
        Reply { bytes: text.replace(&url, "http://sandbox.example").into(), ..reply }
    }

    /// The same call past the gate, with the connection's own token.
    pub(crate) async fn direct(&self, call: &super::calls::Sent) -> Reply {
        let bearer = format!("Bearer {TOKEN}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(call.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let url = format!("{}{}", self.sandbox.url(), call.path);
        self.anywhere(send(call.method, &url, &headers, call.body.clone()).await)
    }

    /// An edit by a person in Notion's app; whether it could be made is the same to us.
    pub(crate) async fn as_human(&self, method: &str, path: &str, body: &Value) {
        let act = json!({ "method": method, "path": path, "body": body });
        let url = format!("{}/_sandbox/as-human", self.sandbox.url());
        send("POST", &url, &[], act.to_string().into()).await;
    }

    async fn control(&self, method: &str, route: &str, body: &Value) {
        let url = format!("{}/_sandbox/{route}", self.sandbox.url());
        let reply = send(method, &url, &[], body.to_string().into()).await;
        assert!(reply.status < 300, "{method} {route}: {}", reply.text());
    }
}
