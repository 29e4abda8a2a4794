//! A connection: one credential to one workspace.

use std::fmt;

use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};

use crate::tenant::TenantId;

/// The id of a connection: the id of the bot that its credential acts as.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ConnectionId(pub Id);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a connection, its credential aside.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Connection {
    /// The bot of the credential.
    pub bot_id: ConnectionId,
    /// Whose it is.
    #[serde(skip)]
    pub tenant: TenantId,
    /// The bot's name: the connection's name in the workspace's settings.
    pub name: String,
    /// The workspace, as far as Notion tells.
    pub workspace_id: Option<Id>,
    /// The workspace's name, as far as Notion tells.
    pub workspace_name: Option<String>,
    /// When the credential was given to notegate.
    pub authorized_at: Timestamp,
}
