//! What an access audit says.

use std::fmt;

use jiff::Timestamp;
use model::{Connection, ConnectionId};
use notion::{Id, Kind};
use serde::{Deserialize, Serialize};

use super::compare::Compared;

/// What objects without a title are called.
pub const UNTITLED: &str = "(untitled)";

/// What sort of object the audit is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// A page, in a data source or not.
    Page,
    /// The frame around data sources. Search does not list it; its data sources name it.
    Database,
    /// A table.
    DataSource,
    /// A block; only as something that an object stands in.
    Block,
}

impl AccessKind {
    /// Notion's word for it.
    pub fn as_str(self) -> &'static str {
        Kind::from(self).as_str()
    }
}

impl From<AccessKind> for Kind {
    fn from(kind: AccessKind) -> Self {
        match kind {
            AccessKind::Page => Self::Page,
            AccessKind::Database => Self::Database,
            AccessKind::DataSource => Self::DataSource,
            AccessKind::Block => Self::Block,
        }
    }
}

impl fmt::Display for AccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object by kind and id.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Above {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: AccessKind,
    /// Its id.
    pub id: Id,
}

/// One object that the connection reaches.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessItem {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: AccessKind,
    /// Its id.
    pub id: Id,
    /// Its title, or [`UNTITLED`].
    pub title: String,
    /// What it stands under, of what the connection reaches: page, database or data source. `None`:
    /// nothing above it is reachable, so it was shared itself.
    pub parent: Option<Above>,
    /// For what has no parent here: what Notion says is above it, out of reach; `None` at the top of
    /// the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_reach: Option<Above>,
    /// How many reachable objects are above it.
    pub depth: u32,
    /// How many pages and data sources are below it, at any depth.
    pub below: usize,
    /// Where people find it.
    pub url: Option<String>,
    /// When it was last edited.
    pub last_edited_time: Option<Timestamp>,
    /// The user who did.
    pub last_edited_by: Option<Id>,
    /// Whether it lies in the trash.
    pub in_trash: bool,
    /// Whether it is archived.
    pub archived: bool,
}

/// How many there are of each kind.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessCounts {
    /// Pages.
    pub page: usize,
    /// Databases, which search does not list: not counted in the total.
    pub database: usize,
    /// Data sources.
    pub data_source: usize,
}

/// What was asked of Notion.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Asked {
    /// Calls of search that were answered.
    pub searches: usize,
    /// Blocks that were looked up.
    pub lookups: usize,
    /// Times that Notion said to wait.
    pub waits: usize,
}

/// Everything that a connection reaches.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessReport {
    /// The connection: the id of its bot.
    pub connection: ConnectionId,
    /// The bot's name.
    pub name: String,
    /// The workspace's name, as far as Notion tells.
    pub workspace_name: Option<String>,
    /// When the audit was done.
    pub at: Timestamp,
    /// How many objects search listed: pages and data sources.
    pub total: usize,
    /// How many of each kind.
    pub counts: AccessCounts,
    /// Whether search listed everything that it has.
    pub complete: bool,
    /// What a reader should know about this very audit.
    pub notes: Vec<String>,
    /// What it took.
    pub asked: Asked,
    /// The objects, each followed by what is below it: with `depth`, that is the tree.
    pub items: Vec<AccessItem>,
    /// What changed since the audit before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

impl AccessReport {
    pub(super) fn empty(connection: &Connection, at: Timestamp) -> Self {
        Self {
            connection: connection.bot_id,
            name: connection.name.clone(),
            workspace_name: connection.workspace_name.clone(),
            at,
            total: 0,
            counts: AccessCounts::default(),
            complete: true,
            notes: Vec::new(),
            asked: Asked::default(),
            items: Vec::new(),
            compared: None,
        }
    }
}
