//! The gate of this process, for as long as it serves: of an installation, or for one token alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use gate::{Gate, NotionToken, Options};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use mcp::{Admission, Door};
use model::ExposeSecret;
use notion::Version;
use store::SqliteStore;
use tokio::sync::watch;
use vault::{Keyring, MasterKey, SystemChance};
use web::App;

use super::Args;
use crate::commands::serve;
use crate::control_socket::ControlSocket;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::local::{Body, open_failure, open_store, options};
use crate::settings::Settings;

/// A gate of this process.
pub(super) struct Here {
    pub(super) gate: Gate,
    /// The token of the start, where there is no installation.
    token: Option<NotionToken>,
    /// The door for the client that started this process.
    door: Door,
    keeps: Keeps,
}

/// What the gate lives in.
enum Keeps {
    /// An installation, whose socket is served for other processes.
    Installation { socket: Option<ControlSocket>, stop: watch::Sender<bool>, _dir: DataDir },
    /// A directory that goes with the process.
    Passing(PathBuf),
}

impl Here {
    /// The gate of an installation that no other process has.
    pub(super) async fn of_directory(
        dir: DataDir,
        mut settings: Settings,
        args: &Args,
    ) -> Result<Self, Failure> {
        let notion = serve::notion_of(&mut settings);
        let (keyring, source, store) = open_store(&dir, settings).await?;
        let options = Options {
            key_source: Arc::new(source),
            tree_age_max: TREE_AGE,
            ..options(keyring, store, notion)
        };
        let gate = Gate::open(options).await.map_err(open_failure)?;
        let (stop, stopped) = watch::channel(false);
        let mcp = serve::mounted(Door::new(gate.clone(), mcp::Settings::default()));
        let app = App { mcp: Some(mcp), ..App::new(gate.clone()) };
        let socket = ControlSocket::open(dir.path(), app, stopped);
        let door = Door::new(gate.clone(), door_settings(args, None));
        Ok(Self { gate, token: None, door, keeps: Keeps::Installation { socket, stop, _dir: dir } })
    }

    /// A gate for the token in the environment. Over HTTP callers may bring tokens of their own, so
    /// there need not be one. Nothing is asked of Notion before somebody asks.
    pub(super) async fn of_token(settings: &mut Settings, args: &Args) -> Result<Self, Failure> {
        let usage = |fault: String| Failure::usage(anyhow!(fault));
        let passthrough = args.is_http() && settings.switch("ENABLE_TOKEN_PASSTHROUGH");
        let notion = serve::notion_of(settings);
        let told = settings.text("NOTION_VERSION").map(str::to_owned);
        let notion_version = match told.as_deref().map(|text| (text, Version::parse(text))) {
            Some((text, None)) => {
                let known = Version::ALL.map(Version::as_str).join(", ");
                let text: String = text.chars().take(40).collect();
                return Err(usage(format!("the version must be one of {known}, and is `{text}`")));
            }
            Some((_, version)) => version,
            None => None,
        };
        if !settings.faults().is_empty() {
            return Err(usage(settings.faults().join("; ")));
        }
        let token = match settings.secret("NOTION_TOKEN") {
            Some(text) => {
                let token = NotionToken::parse(text.expose_secret());
                Some(token.ok_or_else(|| usage(BAD_TOKEN.to_owned()))?)
            }
            None if passthrough => None,
            None => return Err(usage(NO_TOKEN.to_owned())),
        };
        let name = format!("notegate-mcp-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        DataDir::create_passing(&directory)
            .context("no temporary directory can be made")
            .map_err(Failure::could_not)?;
        let store = SqliteStore::open(&directory.join("passing.sqlite"));
        let store = store.map_err(Failure::could_not)?;
        let keyring = Keyring::of(MasterKey::generate(&SystemChance::new()));
        let options = Options {
            notion_version,
            // The ledger goes with the process.
            strict_ledger: false,
            tree_age_max: TREE_AGE,
            ..options(keyring, store, notion)
        };
        let gate = Gate::open(options).await.map_err(open_failure)?;
        let door = Door::new(gate.clone(), door_settings(args, token.clone()));
        let here = Self { gate, token, door, keeps: Keeps::Passing(directory) };
        let taken = here.token.as_ref().map(|it| here.gate.going_by(&here.gate.operator(), it));
        if let Some(Err(error)) = taken {
            here.close().await;
            return Err(usage(format!(
                "NOTION_TOKEN: {error} (for a gate that runs: NOTEGATE_URL and NOTEGATE_KEY)"
            )));
        }
        Ok(here)
    }

    /// The token of the start.
    pub(super) fn token(&self) -> Option<&NotionToken> {
        self.token.as_ref()
    }

    /// Whether there are keys to show.
    pub(super) fn has_keys(&self) -> bool {
        matches!(self.keeps, Keeps::Installation { .. })
    }

    /// Answers a message of the client that started this process.
    pub(super) async fn answer(&self, mut request: Request<Full<Bytes>>) -> Response<Body> {
        request.extensions_mut().insert(self.gate.operator());
        let answer = self.door.answer(request).await;
        answer.map(|body| body.map_err(|never| match never {}).boxed_unsync())
    }

    /// Writes what is left to write.
    pub(super) async fn close(self) {
        match self.keeps {
            Keeps::Installation { socket, stop, _dir } => {
                let _ = stop.send(true);
                if let Some(socket) = socket {
                    socket.ended().await;
                }
                self.gate.close().await;
            }
            Keeps::Passing(directory) => {
                self.gate.close().await;
                // Left behind, it would be sealed, and nobody would have the key.
                let _ = std::fs::remove_dir_all(directory);
            }
        }
    }
}

/// How the door for the client that started this process behaves.
pub(super) fn door_settings(args: &Args, token: Option<NotionToken>) -> mcp::Settings {
    mcp::Settings {
        tools: args.tools,
        read_only: args.read_only,
        admission: Admission::Shown,
        token,
        ..mcp::Settings::default()
    }
}

/// How long a place in the tree is believed.
const TREE_AGE: Duration = Duration::from_secs(60);
const NO_TOKEN: &str = "no Notion token and no gate: set NOTION_TOKEN (https://www.notion.so/profile/integrations), or \
     NOTEGATE_URL and NOTEGATE_KEY, or name an installation with --data-dir";
const BAD_TOKEN: &str = "NOTION_TOKEN is no token of a Notion integration (those begin with ntn_ or secret_): copy it whole \
     from https://www.notion.so/profile/integrations";
