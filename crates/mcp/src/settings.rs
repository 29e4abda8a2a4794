//! What a door is told when it is made.

use std::fmt;

use gate::NotionToken;
use model::{Principal, SecretString, ToolSet};

/// How a door behaves.
#[derive(Debug)]
pub struct Settings {
    /// The tools at `/mcp` and on stdio.
    pub tools: ToolSet,
    /// Whether tools that change anything are left out, and refused.
    pub read_only: bool,
    /// Who may come in.
    pub admission: Admission,
    /// Whether callers may bring Notion tokens of their own.
    pub passthrough: bool,
    /// The token by which the calls of those go out who bring none; without it, by the caller's connection.
    pub token: Option<NotionToken>,
    /// The gate's public address, scheme and host, if it was told.
    pub service_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tools: ToolSet::Agent,
            read_only: false,
            admission: Admission::Shown,
            passthrough: false,
            token: None,
            service_url: None,
        }
    }
}

/// Who may come in.
pub enum Admission {
    /// Whoever shows what the gate knows, as what it is.
    Shown,
    /// Whoever shows this secret, as that caller.
    Secret(SecretString, Principal),
    /// Everybody, as that caller.
    Everybody(Principal),
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shown => "Shown",
            Self::Secret(..) => "Secret",
            Self::Everybody(_) => "Everybody",
        })
    }
}
