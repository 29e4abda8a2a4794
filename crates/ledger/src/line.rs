//! The lines of an export (JSON Lines): entries, and what is said about them. One form for one thing:
//! a line that was written otherwise was changed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::pruned::Pruned;

/// What stands at a place of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// An entry.
    Entry(Box<Entry>),
    /// A row of the database that makes no sense: shown, so that nobody takes it for nothing.
    Unreadable {
        /// Which.
        unreadable: Unreadable,
    },
}

/// A row of the database that is no entry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unreadable {
    /// Its number.
    pub seq: u64,
    /// The column that makes no sense.
    pub column: Cow<'static, str>,
}

impl Row {
    /// Its number.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Unreadable { unreadable } => unreadable.seq,
        }
    }

    /// The entry, if it is one.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Entry(entry) => Some(entry),
            Self::Unreadable { .. } => None,
        }
    }

    /// The entry, if it is one.
    pub fn into_entry(self) -> Option<Entry> {
        match self {
            Self::Entry(entry) => Some(*entry),
            Self::Unreadable { .. } => None,
        }
    }
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self::Entry(Box::new(entry))
    }
}

/// A line of an export.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Line {
    /// What stands at a place.
    Row(Row),
    /// Where the chain stood.
    Checkpoint {
        /// The signed statement.
        checkpoint: Checkpoint,
    },
    /// What is gone.
    Pruned {
        /// The signed record.
        pruned: Pruned,
    },
}

/// The longest line. What an entry says of a call is bounded; this is far beyond it.
pub const LINE_MAX: usize = 1024 * 1024;

/// Why a line is none of an export.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is none of the known JSON objects.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It says something, but not in the form that notegate writes.
    #[error("it is not in the form that notegate writes")]
    Form,
    /// It is longer than [`LINE_MAX`].
    #[error("it is longer than {} KiB", LINE_MAX / 1024)]
    Long,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: Checkpoint,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrunedLine {
    pruned: Pruned,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnreadableLine {
    unreadable: Unreadable,
}

impl Line {
    /// Reads a line, without its line break.
    pub fn read(text: &[u8]) -> Result<Self, LineError> {
        let begins = |with: &str| text.starts_with(with.as_bytes());
        let line = if begins("{\"checkpoint\":") {
            let CheckpointLine { checkpoint } = serde_json::from_slice(text)?;
            Self::Checkpoint { checkpoint }
        } else if begins("{\"pruned\":") {
            let PrunedLine { pruned } = serde_json::from_slice(text)?;
            Self::Pruned { pruned }
        } else if begins("{\"unreadable\":") {
            let UnreadableLine { unreadable } = serde_json::from_slice(text)?;
            Self::Row(Row::Unreadable { unreadable })
        } else {
            Self::Row(Row::Entry(serde_json::from_slice(text)?))
        };
        // JSON has many forms for one thing, times have, too; only the one that is written is good.
        if line.to_json().as_bytes() == text { Ok(line) } else { Err(LineError::Form) }
    }

    /// The line, without its line break.
    pub fn to_json(&self) -> String {
        // INVARIANT: texts, numbers, flags and maps of them always have a JSON form.
        serde_json::to_string(self).expect("a line is JSON")
    }
}
