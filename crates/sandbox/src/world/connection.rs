//! A connection: a bot with a token, capabilities and the pages that people shared with it.

use std::fmt;

use notion::{Capabilities, Id};
use serde::{Deserialize, Serialize};

/// Whose the connection is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    /// An internal connection.
    Workspace,
    /// A person authorised it.
    User(Id),
}

/// An internal or authorised connection, keyed by the id of its bot.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Connection {
    pub(crate) bot_id: Id,
    pub(crate) name: String,
    /// `None` once the connection was removed; its bot stays known as an author.
    pub(crate) token: Option<String>,
    pub(crate) capabilities: Capabilities,
    /// Roots of the subtrees that it sees.
    pub(crate) shared: Vec<Id>,
    /// Roots of subtrees within them that it does not see: somebody took it off a page.
    #[serde(default)]
    pub(crate) hidden: Vec<Id>,
    pub(crate) owner: Owner,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("bot_id", &self.bot_id)
            .field("name", &self.name)
            .field("capabilities", &self.capabilities)
            .field("shared", &self.shared)
            .field("hidden", &self.hidden)
            .finish_non_exhaustive()
    }
}
