//! A sandbox with two workspaces, a database file, and gates that live on it one after another. Two
//! tenants, each with an OAuth installation of its own.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gate::{Callback, Gate, Starter};
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use model::{Connection, ConnectionId, ManualClock, Principal, Role, SecretString, TenantId};
use notion::oauth::{OAuthClient, Owner};
use sandbox::Sandbox;
use serde_json::{Value, json};
use store::SqliteStore;
use testkit::{Death, FaultyStore, VERSION, send};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use vault::{Keyring, MasterKey, SystemChance};

use super::wire::{Fates, Wire};

/// How long an access token works in the sandbox.
const LIFETIME_MS: u64 = 60_000;

/// A tenant, its workspace and its installation.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) name: TenantId,
    /// The workspace's control routes.
    pub(crate) control: String,
    workspace: String,
    page: String,
    pub(crate) bot: ConnectionId,
    pub(crate) key: String,
}

/// What outlives a process.
pub(crate) struct Stage {
    world: Runtime,
    pub(crate) sandbox: Sandbox,
    directory: tempfile::TempDir,
    master_key: SecretString,
    app: OAuthClient,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenants: Vec<Tenant>,
}

/// A process.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) gate: Gate,
    death: Arc<Death>,
}

impl Stage {
    /// A stage whose Notion keeps a pair of before working for `grace_ms`.
    pub(crate) fn new(grace_ms: u64) -> Self {
        let world = Runtime::new().expect("a runtime");
        let sandbox =
            world.block_on(Sandbox::start(sandbox::Options::default())).expect("a sandbox");
        let demo = sandbox.demo().expect("the demo");
        let (first, second, client) = world.block_on(async {
            let redirect_uri = "http://127.0.0.1:9/auth/notion/callback";
            let client = json!({
                "name": "notegate", "redirect_uris": [redirect_uri], "token_lifetime_ms": LIFETIME_MS,
                "refresh_grace_ms": grace_ms,
            });
            let base = format!("{}/_sandbox", sandbox.url());
            let client = post(&format!("{base}/oauth/clients"), &client).await;
            let second = post(&format!("{base}/workspaces"), &json!({ "name": "Umbra" })).await;
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let app = OAuthClient {
                client_id: text(&client["client_id"]),
                client_secret: text(&client["client_secret"]).into(),
                redirect_uri: redirect_uri.to_owned(),
            };
            let first = (base, demo.workspace_id.to_string(), demo.team_page_id.to_string());
            let control = format!("{}{}", sandbox.url(), text(&second["control"]));
            let page = text(&second["demo"]["team_page_id"]);
            (first, (control, text(&second["workspace_id"]), page), app)
        });
        let master_key = MasterKey::generate(&SystemChance::new()).reveal();
        let start = Timestamp::from_second(1_790_000_000).expect("a time");
        let mut stage = Self {
            world,
            sandbox,
            directory: tempfile::tempdir().expect("a directory"),
            master_key,
            app: client,
            clock: Arc::new(ManualClock::new(start)),
            tenants: Vec::new(),
        };
        for (name, (control, workspace, page)) in [("default", first), ("umbra", second)] {
            let mut tenant = Tenant {
                name: TenantId::new(name),
                control,
                workspace,
                page,
                bot: ConnectionId::NONE,
                key: String::new(),
            };
            let made = stage.live(Arc::new(Death::never()), passes(), {
                let tenant = tenant.clone();
                async move |life: Life| {
                    let bot = life.install(&tenant, "").await;
                    let mut request = testkit::request(Role::Editor, &[]);
                    request.connection = Some(Some(bot));
                    let operator = life.operator(&tenant);
                    let key = life.gate.create_key(&operator, request, "key").await.expect("a key");
                    (bot, key.token.reveal().to_owned())
                }
            });
            (tenant.bot, tenant.key) = made.expect("nobody died");
            stage.tenants.push(tenant);
        }
        stage
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Lives through `days`; `None` if the process died meanwhile. What it was about to write is written
    /// or not when this returns.
    pub(crate) fn live<T, F: Future<Output = T>>(
        &self,
        death: Arc<Death>,
        fates: Fates,
        days: impl FnOnce(Life) -> F,
    ) -> Option<T> {
        let wire = self.world.block_on(Wire::lay(self.sandbox.url(), death.clone(), fates));
        let sqlite = SqliteStore::open(&self.path().join("gate.sqlite")).expect("a store");
        let store = Arc::new(FaultyStore::of_mortal(sqlite, death.clone()));
        let keyring = Keyring::of(MasterKey::parse(&self.master_key).expect("a key"));
        let mut options = testkit::options(store.clone(), keyring);
        options.clock = self.clock.clone();
        options.notion.base_url.clone_from(&wire.url);
        options.notion.timeout = Duration::from_secs(2);
        options.oauth = Some(self.app.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let lived = runtime.block_on(async {
            tokio::select! {
                biased;
                () = death.comes() => None,
                lived = async {
                    let gate = match Gate::open(options).await {
                        Ok(gate) => gate,
                        Err(_) if death.has_come() => std::future::pending().await,
                        Err(error) => panic!("{error:?}"),
                    };
                    let lived = days(Life { gate: gate.clone(), death: death.clone() }).await;
                    gate.close().await;
                    lived
                } => Some(lived),
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
        for _ in 0..1000 {
            if Arc::strong_count(&store) == 1 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(
            Arc::strong_count(&store),
            1,
            "somebody holds on to the store of a dead process"
        );
        lived.filter(|_| !death.has_come())
    }

    /// The state of the first workspace of the sandbox.
    fn state(&self) -> Value {
        let url = format!("{}/state", self.tenants[0].control);
        self.world.block_on(send("GET", &url, &[], Bytes::new())).json()
    }

    /// The people of the first workspace.
    pub(crate) fn people(&self) -> Vec<String> {
        let state = self.state();
        let people = state["people"].as_object().expect("people by their id");
        people.keys().cloned().collect()
    }

    /// How often the first workspace was asked for an operation.
    pub(crate) fn calls_of(&self, operation: &str) -> usize {
        let url = format!("{}/calls", self.tenants[0].control);
        let calls = self.world.block_on(send("GET", &url, &[], Bytes::new())).json();
        let calls = calls.as_array().expect("a list of calls");
        calls.iter().filter(|call| call["operation"] == operation).count()
    }

    /// Whether Notion takes a token for a bot of the first workspace.
    pub(crate) fn has_token(&self, bot: ConnectionId) -> bool {
        self.state()["connections"][bot.to_string()]["token"].is_string()
    }

    /// Lets the access tokens run out.
    pub(crate) async fn expire_tokens(tenants: &[Tenant]) {
        for tenant in tenants {
            let later = json!({ "advance_ms": LIFETIME_MS + 1 });
            post(&format!("{}/clock", tenant.control), &later).await;
        }
    }

    /// A connection as it is on the disk, with the number of its credentials.
    pub(crate) fn stored(&self, bot: ConnectionId) -> Option<(Connection, usize)> {
        let store = SqliteStore::open(&self.path().join("gate.sqlite")).expect("a store");
        let all = self.world.block_on(store::Connections::all_connections(&store));
        let mut all = all.expect("connections").into_iter();
        let found = all.find(|it| it.connection.bot_id == bot)?;
        Some((found.connection, found.credentials.len()))
    }

    /// Tokens and secrets in clear in any file of the data directory.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.path()).expect("the directory") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a file");
            for canary in ["ntn_sandbox", "nrt_sandbox", "secret_sandbox"] {
                if bytes.windows(canary.len()).any(|window| window == canary.as_bytes()) {
                    found.push(format!("{canary} in {}", path.display()));
                }
            }
        }
        found
    }
}

/// Fates of a wire on which nothing goes wrong.
pub(crate) fn passes() -> Fates {
    Arc::new(|_| super::wire::Fate::Passes)
}

async fn post(url: &str, body: &Value) -> Value {
    let headers = [("content-type", "application/json")];
    let reply = send("POST", url, &headers, body.to_string().into()).await;
    assert!(reply.status < 300, "{url}: {}", reply.text());
    reply.json()
}

impl Life {
    /// The same process by another handle of its gate.
    pub(crate) fn with(&self, gate: Gate) -> Self {
        Self { gate, death: self.death.clone() }
    }

    pub(crate) fn operator(&self, tenant: &Tenant) -> Principal {
        self.gate.operator_for(tenant.name.clone())
    }

    /// Installs the tenant's workspace through its consent page, or authorises it again.
    pub(crate) async fn install(&self, tenant: &Tenant, more: &str) -> ConnectionId {
        let operator = self.operator(tenant);
        let departure =
            self.gate.begin_install(Starter::Manager(&operator), Owner::User).expect("a departure");
        let approve = format!(
            "{}&_sandbox_approve=1&_sandbox_workspace={}&_sandbox_pages={}{more}",
            departure.location, tenant.workspace, tenant.page
        );
        let answer = send("GET", &approve, &[], Bytes::new()).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        let location = answer.header("location").expect("a way back").to_owned();
        let query = location.split_once('?').expect("a query").1;
        let browser: &str = model::ExposeSecret::expose_secret(&departure.browser);
        let callback = Callback::read(query, Some(browser));
        let back = self.gate.back_from_notion(callback, "install").await.expect("an installation");
        let gate::Returned::Installed(connection) = back else { panic!("{back:?}") };
        connection.bot_id
    }

    /// A call at the gate's door: status and body.
    pub(crate) async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        let request = http::Request::get(path)
            .header("authorization", format!("Bearer {key}"))
            .header("notion-version", VERSION)
            .body(Full::<Bytes>::default())
            .expect("a request");
        let router = web::router(web::App::new(self.gate.clone()));
        let answer = router.oneshot(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        (parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// A tenant's call, which no other tenant's data may answer. Gives the status.
    pub(crate) async fn call(&self, tenant: &Tenant) -> u16 {
        let (status, body) = self.get(&tenant.key, "/v1/users/me").await;
        if status == 200 {
            assert_eq!(body["id"], tenant.bot.to_string(), "another tenant's data: {body}");
        } else if !self.death.has_come() {
            assert!([409, 502, 503, 504].contains(&status), "{status} {body}");
        }
        status
    }
}
