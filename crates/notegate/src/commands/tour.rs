//! `notegate tour`: what a narrow key sees, told in the terminal against a Notion that runs here.
//!
//! Every line is the outcome of a real call; if one is not as told, the tour says so and ends with 1.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use gate::{Gate, KeyRequest, Options, Tokens};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use model::{KeyToken, Role, SystemClock};
use sandbox::{Demo, Sandbox};
use serde_json::{Value, json};
use store::SqliteStore;
use tower::ServiceExt;
use vault::{Keyring, MasterKey, SystemChance};
use web::App;

use crate::Done;
use crate::failure::Failure;
use crate::local::block_on;
use crate::term::{Style, table};

pub(crate) fn run() -> Done {
    block_on(async {
        let stage = Stage::build().await.map_err(Failure::could_not)?;
        let told = stage.tell().await;
        stage.clear().await;
        told.map_err(Failure::no)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A gate in front of a sandbox, in a directory that goes away.
struct Stage {
    sandbox: Sandbox,
    demo: Demo,
    app: App,
    directory: PathBuf,
    style: Style,
}

/// An answer, read.
struct Seen {
    status: StatusCode,
    reason: Option<String>,
    body: Value,
}

impl Stage {
    async fn build() -> anyhow::Result<Self> {
        let sandbox = Sandbox::start(sandbox::Options::default())
            .await
            .context("the sandbox cannot start")?;
        let demo = sandbox.demo().context("the sandbox has no demo workspace")?;
        let directory = std::env::temp_dir().join(format!("notegate-tour-{}", std::process::id()));
        std::fs::create_dir_all(&directory).context("no temporary directory can be made")?;
        let chance = Arc::new(SystemChance::new());
        let gate = Gate::open(Options {
            store: Arc::new(SqliteStore::open(&directory.join("tour.sqlite"))?),
            keyring: Keyring::of(MasterKey::generate(&*chance)),
            key_source: Arc::new(gate::FixedKeys),
            clock: Arc::new(SystemClock),
            chance,
            notion: notion::client::Settings {
                base_url: sandbox.url(),
                timeout: Duration::from_secs(10),
                dice: Arc::new(|| 0.5),
            },
            oauth: None,
            oidc: None,
            authorization: gate::AuthorizationSettings::default(),
            notion_version: None,
            strict_ledger: true,
            ledger_retention: None,
            mirror: None,
            ledger_bodies: false,
            tree_age_max: Duration::from_secs(60),
            lookups_per_minute: u32::MAX,
            session_secret: None,
            rotation_grace: Duration::ZERO,
            webhooks: gate::WebhookSettings::default(),
            on_entry: Arc::new(|_| {}),
        })
        .await?;
        let tokens = Tokens { access: demo.tokens.full.clone().into(), write: None };
        gate.declare(Some(&tokens)).await?;
        let app = App::new(gate);
        Ok(Self { sandbox, demo, app, directory, style: Style::of_stdout() })
    }

    async fn clear(self) {
        self.app.gate.close().await;
        // Without a state file, stopping cannot fail.
        let _ = self.sandbox.shutdown().await;
        // Left behind, it would be a few kilobytes in the system's temporary directory.
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    async fn tell(&self) -> anyhow::Result<()> {
        let demo = &self.demo;
        self.chapter("A team's Notion, and a gate in front of it");
        println!("  The workspace runs inside this command: handbook, projects, tasks, finance.");
        println!("  The gate holds its token. Nobody else needs it any more.");
        let viewer = self.key("agent that summarises tasks", Role::Viewer).await?;
        println!("  An agent gets a key of its own: role viewer, one page and what lies below.");

        self.chapter("The key reads its page");
        let page = format!("/v1/pages/{}", demo.team_page_id);
        let seen = self.call(&viewer, Method::GET, &page, None).await?;
        self.outcome(&format!("GET {page}"), &seen, StatusCode::OK)?;
        println!("    \"{}\"", title(&seen.body));

        self.chapter("Another page is not there");
        let outside = format!("/v1/pages/{}", demo.other_page_id);
        let hidden = self.call(&viewer, Method::GET, &outside, None).await?;
        self.outcome(&format!("GET {outside}"), &hidden, StatusCode::NOT_FOUND)?;
        let nowhere = self.app.gate.new_request_id();
        let missing =
            self.call(&viewer, Method::GET, &format!("/v1/pages/{nowhere}"), None).await?;
        self.outcome(&format!("GET /v1/pages/{nowhere}"), &missing, StatusCode::NOT_FOUND)?;
        let text = |seen: &Seen, id: &str| {
            seen.body["message"].as_str().unwrap_or_default().replace(id, "<id>")
        };
        ensure!(
            text(&hidden, &demo.other_page_id.to_string()) == text(&missing, &nowhere),
            "the two answers differ"
        );
        println!("    The first exists, the second does not. The answers are the same.");

        self.chapter("Search shows only what lies inside");
        let everything = self.key("somebody with the whole workspace", Role::Admin).await?;
        let all = self.search(&everything).await?;
        let inside = self.search(&viewer).await?;
        ensure!(inside > 0 && inside < all, "search found {inside} of {all}");
        println!("    the whole workspace {all:>4} pages and tables");
        println!("    the agent's key     {inside:>4}");

        self.chapter("A viewer does not write");
        let before = self.calls().await?;
        let change = json!({ "icon": { "type": "emoji", "emoji": "🔥" } });
        let refused = self.call(&viewer, Method::PATCH, &page, Some(&change)).await?;
        self.outcome(&format!("PATCH {page}"), &refused, StatusCode::FORBIDDEN)?;
        ensure!(refused.reason.as_deref() == Some("role"), "the refusal names another rule");
        ensure!(self.calls().await? == before, "Notion heard of it");
        println!("    The rule: {}. Notion never heard of it.", refused.reason.unwrap_or_default());

        self.chapter("A key that is ended is ended at once");
        let operator = self.app.gate.operator();
        self.app.gate.revoke_key(&operator, viewer.id().as_str(), "tour").await?;
        let ended = self.call(&viewer, Method::GET, &page, None).await?;
        self.outcome(&format!("GET {page}"), &ended, StatusCode::UNAUTHORIZED)?;

        self.chapter("All of it is in the ledger");
        let filter = gate::AuditFilter {
            principal: Some(format!("key:{}", viewer.id())),
            ..gate::AuditFilter::default()
        };
        let page = self.app.gate.list_audit(&operator, filter, None, 20, "tour").await?;
        let mut entries: Vec<_> = page.into_entries().collect();
        entries.reverse();
        let rows = entries.iter().map(|entry| {
            let result = match &entry.reason {
                Some(reason) => format!("{} ({reason})", entry.result.as_str()),
                None => entry.result.as_str().to_owned(),
            };
            vec![
                entry.seq.to_string(),
                entry.action.to_string(),
                entry.operation.to_string(),
                result,
            ]
        });
        for line in table(&["SEQ", "ACTION", "OPERATION", "RESULT"], rows).lines() {
            println!("    {line}");
        }
        let verdict = self.app.gate.verify_audit(&operator, "tour").await?.verdict;
        ensure!(verdict.intact, "the ledger is not intact");
        println!(
            "  {} {} entries, each bound to the one before; the last one signed.",
            self.style.green("✓ intact:"),
            verdict.entries
        );
        println!();
        println!("  Next: {}", self.style.bold("notegate serve --sandbox"));
        Ok(())
    }

    fn chapter(&self, title: &str) {
        println!();
        println!("{}", self.style.bold(title));
    }

    fn outcome(&self, what: &str, seen: &Seen, expected: StatusCode) -> anyhow::Result<()> {
        ensure!(seen.status == expected, "{what} answered {}, and not {expected}", seen.status);
        let number = seen.status.as_u16().to_string();
        let status = if seen.status.is_success() {
            self.style.green(&number)
        } else {
            self.style.red(&number)
        };
        println!("  {status} {what}");
        Ok(())
    }

    async fn key(&self, name: &str, role: Role) -> anyhow::Result<KeyToken> {
        let within = if role == Role::Admin { Vec::new() } else { vec![self.demo.team_page_id] };
        let request = KeyRequest::new(name, role, within);
        let gate = &self.app.gate;
        Ok(gate.create_key(&gate.operator(), request, "tour").await?.token)
    }

    async fn call(
        &self,
        key: &KeyToken,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Seen> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", key.reveal()))
            .header("notion-version", "2025-09-03")
            .body(Full::new(body.map_or_else(Bytes::new, |body| body.to_string().into())))?;
        let answer = web::router(self.app.clone()).oneshot(request).await?;
        let status = answer.status();
        let reason = answer
            .headers()
            .get("x-notegate-reason")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let bytes = answer.into_body().collect().await?.to_bytes();
        Ok(Seen { status, reason, body: serde_json::from_slice(&bytes)? })
    }

    /// How many objects a key finds, page by page.
    async fn search(&self, key: &KeyToken) -> anyhow::Result<usize> {
        let mut found = 0;
        let mut cursor = Value::Null;
        loop {
            let mut body = json!({ "page_size": 50 });
            if let Some(cursor) = cursor.as_str() {
                body["start_cursor"] = cursor.into();
            }
            let seen = self.call(key, Method::POST, "/v1/search", Some(&body)).await?;
            ensure!(seen.status == StatusCode::OK, "search answered {}", seen.status);
            found += seen.body["results"].as_array().map_or(0, Vec::len);
            cursor = seen.body["next_cursor"].clone();
            if cursor.is_null() {
                return Ok(found);
            }
        }
    }

    /// How many calls the sandbox has had.
    async fn calls(&self) -> anyhow::Result<usize> {
        let uri: http::Uri = format!("{}/_sandbox/calls", self.sandbox.url()).parse()?;
        let authority = uri.authority().context("the sandbox has an address")?.as_str().to_owned();
        let stream = tokio::net::TcpStream::connect(&authority).await?;
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
        tokio::spawn(connection);
        let request = Request::get(uri.path())
            .header(header::HOST, authority)
            .body(Full::<Bytes>::default())?;
        let answer = sender.send_request(request).await?;
        let bytes = answer.into_body().collect().await?.to_bytes();
        let calls: Value = serde_json::from_slice(&bytes)?;
        calls.as_array().map(Vec::len).ok_or_else(|| anyhow!("the sandbox's calls are no list"))
    }
}

/// The title of a page, plain.
fn title(page: &Value) -> String {
    let properties = page["properties"].as_object().into_iter().flat_map(|all| all.values());
    let title = properties.filter_map(|property| property["title"].as_array()).next();
    let parts = title.into_iter().flatten().filter_map(|part| part["plain_text"].as_str());
    parts.collect()
}
