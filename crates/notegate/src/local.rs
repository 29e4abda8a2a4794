//! Commands that look after an installation speak to its `/api/v1`: through the socket of a gate that
//! runs, or to a gate opened for just this, if none does. So there is one way to do each thing.
//! (`audit verify` alone looks at a directory that nobody uses without opening a gate on it: a check
//! must not write into what it checks.)

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use gate::{Gate, Options, Tokens};
use http::{Method, Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use model::{SecretString, SystemClock};
use notion::client::Settings as Notion;
use serde_json::Value;
use store::SqliteStore;
use tower::ServiceExt;
use vault::{Keyring, MasterKey, SystemChance};

use crate::commands::serve;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::master_key::MasterKeys;
use crate::settings::{Flags, Settings};

/// The options that all these commands take.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Where {
    /// Directory of keys, credentials and ledger [env: NOTEGATE_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file [env: NOTEGATE_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The tenant to act for [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    tenant: Option<String>,
}

impl Where {
    /// The settings that they are.
    pub(crate) fn flags(&self) -> Flags {
        let given = [("NOTEGATE_DATA_DIR", &self.data_dir), ("NOTEGATE_CONFIG", &self.config)];
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        given
            .into_iter()
            .filter_map(|(name, path)| Some((name, path.as_ref().map(text)?)))
            .collect()
    }

    /// The tenant to act for.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

/// An installation, running or not, and the tenant to act for there.
pub(crate) struct Local {
    to: To,
    tenant: Option<String>,
}

/// How requests get to a gate.
enum To {
    Running(PathBuf),
    Opened {
        app: Box<web::App>,
        _dir: DataDir,
    },
    /// No installation at all: a gate for the token in the environment, gone with the command.
    Passing {
        app: Box<web::App>,
        directory: PathBuf,
    },
}

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// The data directory of an installation, and who has it.
pub(crate) enum Found {
    /// A gate that runs and answers on this socket.
    Running(PathBuf),
    /// We: no gate runs.
    Ours(DataDir, Settings),
}

/// The settings, and where they say that the installation is.
fn gather(place: &Where) -> Result<(Settings, PathBuf), Failure> {
    let settings = Settings::gather(place.flags());
    if !settings.faults().is_empty() {
        return Err(Failure::usage(anyhow!("{}", settings.faults().join("; "))));
    }
    let path = PathBuf::from(settings.text("NOTEGATE_DATA_DIR").unwrap_or("."));
    Ok((settings, path))
}

/// How long a start or a stop under way, or another command, may hold the data directory.
const PATIENCE: Duration = Duration::from_secs(5);

impl Found {
    /// Finds the installation.
    pub(crate) async fn find(place: &Where) -> Result<Self, Failure> {
        Self::at(gather(place)?.0).await
    }

    /// Finds the installation that the settings name.
    pub(crate) async fn at(settings: Settings) -> Result<Self, Failure> {
        let path = PathBuf::from(settings.text("NOTEGATE_DATA_DIR").unwrap_or("."));
        if !DataDir::is_one(&path) {
            return Err(Failure::usage(anyhow!(
                "{} is no data directory of notegate: start `notegate serve` first, or name the \
                 right one with --data-dir",
                path.display()
            )));
        }
        let socket = DataDir::socket(&path);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(dir) = DataDir::try_open(&path)? {
                return Ok(Self::Ours(dir, settings));
            }
            if answers(&socket).await {
                return Ok(Self::Running(socket));
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(Failure::could_not(anyhow!(
                    "another notegate uses {} and does not answer on its socket: wait until it has \
                     started or stopped, and try again",
                    path.display()
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The master keys of a data directory, where they come from, and its store.
pub(crate) async fn open_store(
    dir: &DataDir,
    mut settings: Settings,
) -> Result<(Keyring, MasterKeys, SqliteStore), Failure> {
    let source = MasterKeys::of(&mut settings, dir.path());
    if !settings.faults().is_empty() {
        return Err(Failure::usage(anyhow!("{}", settings.faults().join("; "))));
    }
    let (keyring, _) = dir.master_keys(&source).await?;
    let store = SqliteStore::open(&dir.database()).map_err(Failure::could_not)?;
    Ok((keyring, source, store))
}

impl Local {
    /// Finds the installation, and opens it if no gate runs.
    pub(crate) async fn find(place: &Where) -> Result<Self, Failure> {
        // Nothing that such a command does needs Notion.
        let timeout = Duration::from_secs(1);
        let nowhere = Notion { base_url: String::new(), timeout, dice: Arc::new(|| 0.5) };
        Self::found(place, nowhere).await
    }

    /// The same for commands that look after connections, and so ask Notion.
    pub(crate) async fn find_to_connect(place: &Where) -> Result<Self, Failure> {
        let (mut settings, _) = gather(place)?;
        let notion = serve::notion_of(&mut settings);
        if !settings.faults().is_empty() {
            return Err(Failure::usage(anyhow!("{}", settings.faults().join("; "))));
        }
        Self::found(place, notion).await
    }

    /// A gate that runs and answers on this socket.
    pub(crate) fn running(socket: PathBuf, place: &Where) -> Self {
        Self { to: To::Running(socket), tenant: place.tenant.clone() }
    }

    /// Whether a gate runs, as opposed to one that is open for just this command.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.to, To::Running(_))
    }

    async fn found(place: &Where, notion: Notion) -> Result<Self, Failure> {
        match Found::find(place).await? {
            Found::Running(socket) => Ok(Self::running(socket, place)),
            Found::Ours(dir, settings) => Self::opened(dir, settings, notion, place).await,
        }
    }

    /// The same for commands that ask Notion. Without an installation, but with a token in the
    /// environment, a gate for just this command and that token.
    pub(crate) async fn find_with_notion(place: &Where) -> Result<Self, Failure> {
        let (mut settings, path) = gather(place)?;
        let notion = serve::notion_of(&mut settings);
        if !settings.faults().is_empty() {
            return Err(Failure::usage(anyhow!("{}", settings.faults().join("; "))));
        }
        if !DataDir::is_one(&path)
            && let Some(token) = settings.secret("NOTION_TOKEN")
        {
            return Self::for_token(token.clone(), notion).await;
        }
        Self::found(place, notion).await
    }

    async fn opened(
        dir: DataDir,
        settings: Settings,
        notion: Notion,
        place: &Where,
    ) -> Result<Self, Failure> {
        let (keyring, source, store) = open_store(&dir, settings).await?;
        let options = Options { key_source: Arc::new(source), ..options(keyring, store, notion) };
        let gate = Gate::open(options).await.map_err(open_failure)?;
        let to = To::Opened { app: Box::new(web::App::new(gate)), _dir: dir };
        Ok(Self { to, tenant: place.tenant.clone() })
    }

    async fn for_token(token: SecretString, notion: Notion) -> Result<Self, Failure> {
        let name = format!("notegate-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let made = DataDir::create_passing(&directory);
        made.context("no temporary directory can be made").map_err(Failure::could_not)?;
        let store = SqliteStore::open(&directory.join("passing.sqlite"));
        let store = store.map_err(Failure::could_not)?;
        let keyring = Keyring::of(MasterKey::generate(&SystemChance::new()));
        let gate = Gate::open(options(keyring, store, notion)).await.map_err(open_failure)?;
        let to = To::Passing { app: Box::new(web::App::new(gate.clone())), directory };
        let local = Self { to, tenant: None };
        let tokens = Tokens { access: token, write: None };
        if let Err(error) = gate.declare(Some(&tokens)).await {
            local.close().await;
            let rejected = matches!(error, gate::Error::Token(gate::TokenError::Rejected));
            let failure = if rejected { Failure::usage } else { Failure::could_not };
            return Err(failure(anyhow::Error::new(error)));
        }
        Ok(local)
    }

    /// Sends a request; the body of the answer streams.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Body>, Failure> {
        self.request(None, method, path, body, "application/json").await
    }

    /// Asks for an answer that comes line by line.
    pub(crate) async fn send_for_lines(&self, path: &str) -> Result<Response<Body>, Failure> {
        self.request(None, Method::GET, path, None, "application/x-ndjson").await
    }

    async fn request(
        &self,
        tenant: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
        accept: &str,
    ) -> Result<Response<Body>, Failure> {
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "notegate")
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(tenant) = tenant.or(self.tenant.as_deref()) {
            request = request.header("x-notegate-tenant", tenant);
        }
        let request = request.body(Full::new(body)).map_err(Failure::usage)?;
        match &self.to {
            To::Running(socket) => Reached::through(socket).await?.send(request).await,
            To::Opened { app, .. } | To::Passing { app, .. } => {
                let router = web::operator_router((**app).clone());
                let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
                Ok(answer.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
            }
        }
    }

    /// Sends a request whose answer is JSON; an error answer becomes a failure.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        self.json_for(None, method, path, body).await
    }

    /// The same, on behalf of another tenant than the one that was named.
    pub(crate) async fn json_for(
        &self,
        tenant: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let answer = self.request(tenant, method, path, body, "application/json").await?;
        let status = answer.status();
        let whole = answer.into_body().collect().await;
        let bytes = whole.map_err(Failure::could_not)?.to_bytes();
        let value: Value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .context("the gate's answer is no JSON")
                .map_err(Failure::could_not)?
        };
        if status.is_success() {
            return Ok(value);
        }
        let detail = value["detail"].as_str().unwrap_or("the gate refused").to_owned();
        let failure = match value["code"].as_str() {
            // Notion's answer to the question whether this token will do.
            Some("token_rejected" | "token_mismatch") => Failure::no,
            _ if status.is_client_error() => Failure::usage,
            _ => Failure::could_not,
        };
        Err(failure(anyhow!(detail)))
    }

    /// Every item of a list, page by page.
    pub(crate) async fn items(&self, path: &str) -> Result<Vec<Value>, Failure> {
        self.items_for(None, path).await
    }

    /// Like [`Local::items`], of a tenant.
    pub(crate) async fn items_for(
        &self,
        tenant: Option<&str>,
        path: &str,
    ) -> Result<Vec<Value>, Failure> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let next = format!("{path}?limit=1000{cursor}");
            let page = self.json_for(tenant, Method::GET, &next, None).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encoded(next)),
                None => return Ok(items),
            }
        }
    }

    /// Writes what is left to write.
    pub(crate) async fn close(self) {
        match self.to {
            To::Running(_) => {}
            To::Opened { app, .. } => drop(app.gate.close().await),
            To::Passing { app, directory } => {
                app.gate.close().await;
                drop(app);
                // Left behind, it would be sealed, and nobody would have the key.
                let _ = std::fs::remove_dir_all(directory);
            }
        }
    }
}

/// What a gate is made of that is open for just one command.
pub(crate) fn options(keyring: Keyring, store: SqliteStore, notion: Notion) -> Options {
    Options {
        store: Arc::new(store),
        keyring,
        key_source: Arc::new(gate::FixedKeys),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance::new()),
        notion,
        oauth: None,
        oidc: None,
        authorization: gate::AuthorizationSettings::default(),
        notion_version: None,
        strict_ledger: true,
        ledger_retention: None,
        mirror: None,
        ledger_bodies: false,
        tree_age_max: Duration::ZERO,
        lookups_per_minute: u32::MAX,
        session_secret: None,
        rotation_grace: Duration::ZERO,
        webhooks: gate::WebhookSettings::default(),
        on_entry: Arc::new(|_| {}),
    }
}

/// Why a gate did not open, and whose fault that is.
pub(crate) fn open_failure(error: gate::OpenError) -> Failure {
    match &error {
        gate::OpenError::Sealed(_) => Failure::usage(
            anyhow::Error::new(error)
                .context("NOTEGATE_MASTER_KEY, or master.key in the data directory"),
        ),
        gate::OpenError::Store(_) => Failure::could_not(error),
    }
}

#[cfg(unix)]
async fn connect(socket: &Path) -> std::io::Result<tokio::net::UnixStream> {
    let (short, _directory) = crate::data_dir::short_path(socket)?;
    tokio::net::UnixStream::connect(short).await
}

#[cfg(unix)]
async fn answers(socket: &Path) -> bool {
    connect(socket).await.is_ok()
}

#[cfg(not(unix))]
async fn answers(_: &Path) -> bool {
    false
}

/// A connection to a gate that runs.
pub(crate) struct Reached(SendRequest<Full<Bytes>>);

impl Reached {
    /// Connects through its socket; an error says that nobody is there.
    #[cfg(unix)]
    pub(crate) async fn through(socket: &Path) -> Result<Self, Failure> {
        let stream = connect(socket).await;
        let stream = stream
            .with_context(|| format!("the gate does not answer on {}", socket.display()))
            .map_err(Failure::could_not)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::could_not)?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// There are no such sockets here.
    #[cfg(not(unix))]
    pub(crate) async fn through(_: &Path) -> Result<Self, Failure> {
        Err(Failure::could_not(anyhow!(
            "a notegate uses this data directory: use its /api/v1 with an admin key"
        )))
    }

    /// Sends a request.
    pub(crate) async fn send(
        mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Body>, Failure> {
        let answer = self.0.send_request(request).await.map_err(Failure::could_not)?;
        Ok(answer.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
    }
}

/// Runs a command's work.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::could_not)?.block_on(work)
}

/// A value in a query string.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
