//! A fresh `notegate serve --sandbox`, and what its ready file says.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::http;
use crate::process::{self, Background};

/// How long the product may take until it serves.
const START: Duration = Duration::from_secs(60);

/// What the scripts need to know: variable, where the ready file has it.
const IDS: [(&str, &str); 5] = [
    ("ROOT_PAGE_ID", "/sandbox/demo/root_page_id"),
    ("TEAM_PAGE_ID", "/sandbox/demo/team_page_id"),
    ("OTHER_PAGE_ID", "/sandbox/demo/other_page_id"),
    ("DATA_SOURCE_ID", "/sandbox/demo/data_source_id"),
    ("DATABASE_ID", "/sandbox/demo/database_id"),
];

/// The running product.
pub(super) struct Product {
    process: Background,
    url: String,
    admin_key: String,
    sandbox_url: String,
    sandbox_token: String,
    control_url: String,
    ids: Vec<(&'static str, String)>,
}

impl Product {
    /// Starts it in front of a sandbox with the demo workspace.
    pub(super) fn start(notegate: &Path, directory: &Path) -> Result<Self> {
        let ready_file = directory.join("ready.json");
        let mut command = Command::new(notegate);
        command
            .args(["serve", "--sandbox", "--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(directory.join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .current_dir(directory);
        let mut process = Background::start("notegate", &command, directory.join("notegate.log"))?;
        let ready: Value = process::wait_for(&mut process, START, || {
            serde_json::from_str(&fs::read_to_string(&ready_file).ok()?).ok()
        })?;
        let text = |pointer: &str| {
            let value = ready.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("the ready file has no text at {pointer}"))
        };
        let mut ids = Vec::new();
        for (variable, pointer) in IDS {
            ids.push((variable, text(pointer)?));
        }
        Ok(Self {
            url: text("/url")?,
            admin_key: text("/admin_key")?,
            sandbox_url: text("/sandbox/url")?,
            sandbox_token: text("/sandbox/tokens/full")?,
            control_url: text("/sandbox/control_url")?,
            ids,
            process,
        })
    }

    /// Base URL and credential of the sandbox itself.
    pub(super) fn direct(&self) -> (&str, &str) {
        (&self.sandbox_url, &self.sandbox_token)
    }

    /// Base URL and credential of the gate.
    pub(super) fn gate(&self) -> (&str, &str) {
        (&self.url, &self.admin_key)
    }

    /// The ids of the demo workspace, as environment variables.
    pub(super) fn ids(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ids.iter().map(|(variable, id)| (*variable, id.as_str()))
    }

    /// Puts the sandbox back to its seed.
    pub(super) fn reset(&self) -> Result<()> {
        let url = format!("{}/reset", self.control_url.trim_end_matches('/'));
        http::send("POST", &url, None, None).map(drop)
    }

    /// The whole world of the sandbox, as text.
    pub(super) fn seed(&self) -> Result<String> {
        let url = format!("{}/state", self.control_url.trim_end_matches('/'));
        http::send("GET", &url, None, None)
    }

    /// The end of the product's log.
    pub(super) fn log(&self) -> String {
        self.process.log()
    }
}
