//! The gate of this process, for as long as it serves: of an installation, or for one token alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use gate::{Gate, Options, Tokens};
use notion::Version;
use store::SqliteStore;
use vault::{Keyring, MasterKey, SystemChance};

use crate::commands::serve;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::local::{open_failure, open_store, options};
use crate::settings::Settings;

/// A gate of this process.
pub(super) struct Here {
    pub(super) gate: Gate,
    /// Whether it is an installation's, with keys of its own.
    pub(super) has_keys: bool,
    /// A directory that goes with the process.
    passing: Option<PathBuf>,
    _dir: Option<DataDir>,
}

impl Here {
    /// The gate of an installation that no other process runs.
    pub(super) async fn of_directory(dir: DataDir, settings: Settings) -> Result<Self, Failure> {
        let mut settings = settings;
        let notion = serve::notion_of(&mut settings);
        let (keyring, source, store) = open_store(&dir, settings).await?;
        let options = Options {
            key_source: Arc::new(source),
            tree_age_max: TREE_AGE,
            ..options(keyring, store, notion)
        };
        let gate = Gate::open(options).await.map_err(open_failure)?;
        Ok(Self { gate, has_keys: true, passing: None, _dir: Some(dir) })
    }

    /// A gate for the token in the environment. Over HTTP callers may bring tokens of their own, so
    /// there need not be one.
    pub(super) async fn of_token(settings: &mut Settings, http: bool) -> Result<Self, Failure> {
        let usage = |fault: String| Failure::usage(anyhow!(fault));
        let passthrough = http && settings.switch("ENABLE_TOKEN_PASSTHROUGH");
        let notion = serve::notion_of(settings);
        let token = settings.secret("NOTION_TOKEN").cloned();
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
        if token.is_none() && !passthrough {
            return Err(usage(NO_TOKEN.to_owned()));
        }
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
        let here = Self { gate, has_keys: false, passing: Some(directory), _dir: None };
        if let Some(access) = token
            && let Err(error) = here.gate.declare(Some(&Tokens { access, write: None })).await
        {
            here.close().await;
            let rejected = matches!(error, gate::Error::Token(gate::TokenError::Rejected));
            let failure = if rejected { Failure::usage } else { Failure::could_not };
            return Err(failure(anyhow::Error::new(error)));
        }
        Ok(here)
    }

    /// Writes what is left to write.
    pub(super) async fn close(self) {
        self.gate.close().await;
        if let Some(directory) = self.passing {
            // Left behind, it would be sealed, and nobody would have the key.
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// How long a place in the tree is believed.
const TREE_AGE: Duration = Duration::from_secs(60);
const NO_TOKEN: &str = "no Notion token and no gate: set NOTION_TOKEN (https://www.notion.so/profile/integrations), or \
     NOTEGATE_URL and NOTEGATE_KEY, or name an installation with --data-dir";
