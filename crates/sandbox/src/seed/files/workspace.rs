//! `workspace.toml`: people, connections, comments, and what the workspace is called.

use std::path::{Path, PathBuf};

use notion::{Capabilities, Id};
use serde::Deserialize;
use serde_json::Value;

use super::Problem;
use super::load::{line_of, read_text, table};

/// When a workspace was written, if it does not say.
const WRITTEN: &str = "2026-01-05T09:00:00Z";

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    #[serde(skip)]
    pub(super) file: PathBuf,
    #[serde(skip)]
    text: String,
    #[serde(default = "name")]
    pub(super) name: String,
    pub(super) id: Option<Id>,
    /// Another number gives other ids.
    #[serde(default)]
    pub(super) seed: u64,
    /// When everything was written that does not say when.
    #[serde(default = "written")]
    pub(super) written: jiff::Timestamp,
    #[serde(default)]
    pub(super) people: Vec<Human>,
    #[serde(default)]
    pub(super) connections: Vec<Link>,
    #[serde(default)]
    pub(super) comments: Vec<Thread>,
}

/// A member of the workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Human {
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) id: Option<Id>,
    #[serde(default)]
    pub(super) guest: bool,
}

/// An internal connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) token: Option<String>,
    pub(super) bot_id: Option<Id>,
    #[serde(default = "all")]
    pub(super) capabilities: Capabilities,
    /// Paths; without it, everything.
    pub(super) shared: Option<Vec<String>>,
    #[serde(default)]
    pub(super) hidden: Vec<String>,
}

/// A comment and the answers to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thread {
    pub(super) on: String,
    pub(super) by: Option<String>,
    pub(super) text: String,
    #[serde(default)]
    pub(super) replies: Vec<Reply>,
}

/// An answer to a comment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) by: Option<String>,
    pub(super) text: String,
}

fn name() -> String {
    "Workspace".to_owned()
}

fn written() -> jiff::Timestamp {
    WRITTEN.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn all() -> Capabilities {
    Capabilities::ALL
}

impl Workspace {
    /// Something is wrong where `word` stands first.
    pub(super) fn problem(&self, word: &str, text: impl Into<String>) -> Problem {
        Problem::new(&self.file, line_of(&self.text, word), text)
    }
}

/// Reads the file; without one, a workspace is small and plain.
pub(super) fn read(file: &Path) -> Result<Workspace, Problem> {
    let text = if file.exists() { read_text(file)? } else { String::new() };
    let data = Value::Object(table(file, &text)?);
    let mut read: Workspace = serde_json::from_value(data).map_err(|error| {
        // The message names the member; the line is where it stands first.
        let message = error.to_string();
        let word = message.split('`').nth(1).unwrap_or_default();
        Problem::new(file, line_of(&text, word), message.clone())
    })?;
    read.file = file.to_owned();
    read.text = text;
    if read.people.is_empty() {
        read.people.push(Human { name: "Owner".to_owned(), email: None, id: None, guest: false });
    }
    Ok(read)
}
