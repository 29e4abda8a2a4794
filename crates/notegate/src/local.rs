//! Commands that look after an installation speak to its `/api/v1`: through the socket of a gate that
//! runs, or to a gate opened for just this, if none does. So there is one way to do each thing.
//! (`audit verify` alone looks at a directory that nobody uses without opening a gate on it: a check
//! must not write into what it checks.)

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use gate::{Gate, Options};
use http::{Method, Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use model::SystemClock;
use serde_json::Value;
use store::SqliteStore;
use tower::ServiceExt;
use vault::{Keyring, SystemChance};

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
}

/// An installation, running or not.
pub(crate) enum Local {
    Running(PathBuf),
    Opened { app: Box<web::App>, _dir: DataDir },
}

/// The body of an answer.
type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// The data directory of an installation, and who has it.
pub(crate) enum Found {
    /// A gate that runs and answers on this socket.
    Running(PathBuf),
    /// We: no gate runs.
    Ours(DataDir, Settings),
}

/// How long a start or a stop under way, or another command, may hold the data directory.
const PATIENCE: Duration = Duration::from_secs(5);

impl Found {
    /// Finds the installation.
    pub(crate) async fn find(place: &Where) -> Result<Self, Failure> {
        let mut flags = Flags::new();
        for (name, path) in
            [("NOTEGATE_DATA_DIR", &place.data_dir), ("NOTEGATE_CONFIG", &place.config)]
        {
            if let Some(path) = path {
                flags.insert(name, path.to_string_lossy().into_owned());
            }
        }
        let settings = Settings::gather(flags);
        if !settings.faults().is_empty() {
            return Err(Failure::usage(anyhow!("{}", settings.faults().join("; "))));
        }
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
        let (dir, settings) = match Found::find(place).await? {
            Found::Running(socket) => return Ok(Self::Running(socket)),
            Found::Ours(dir, settings) => (dir, settings),
        };
        let (keyring, source, store) = open_store(&dir, settings).await?;
        let gate = Gate::open(Options {
            store: Arc::new(store),
            keyring,
            key_source: Arc::new(source),
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance::new()),
            notion: notion::client::Settings {
                base_url: String::new(),
                timeout: Duration::from_secs(1),
                dice: Arc::new(|| 0.5),
            },
            oauth: None,
            notion_version: None,
            strict_ledger: true,
            tree_age_max: Duration::ZERO,
            session_secret: None,
            rotation_grace: Duration::ZERO,
            webhooks: gate::WebhookSettings::default(),
            on_entry: Arc::new(|_| {}),
        });
        let gate = gate.await.map_err(open_failure)?;
        Ok(Self::Opened { app: Box::new(web::App::new(gate)), _dir: dir })
    }

    /// Sends a request; the body of the answer streams.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Body>, Failure> {
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "notegate")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(Failure::usage)?;
        match self {
            Self::Running(socket) => through_socket(socket, request).await,
            Self::Opened { app, .. } => {
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
        let answer = self.send(method, path, body).await?;
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
        let failure = if status.is_client_error() { Failure::usage } else { Failure::could_not };
        Err(failure(anyhow!(detail)))
    }

    /// Writes what is left to write.
    pub(crate) async fn close(self) {
        if let Self::Opened { app, .. } = self {
            app.gate.close().await;
        }
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

#[cfg(unix)]
async fn through_socket(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> Result<Response<Body>, Failure> {
    let stream = connect(socket).await;
    let stream = stream
        .with_context(|| format!("the gate does not answer on {}", socket.display()))
        .map_err(Failure::could_not)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(Failure::could_not)?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(Failure::could_not)?;
    Ok(answer.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
}

#[cfg(not(unix))]
async fn through_socket(_: &Path, _: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
    Err(Failure::could_not(anyhow!(
        "a notegate uses this data directory: use its /api/v1 with an admin key"
    )))
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
