//! What a door is told when it is made.

use std::fmt;
use std::str::FromStr;

use model::{Principal, SecretString};

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

/// A choice of tools.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ToolSet {
    /// Few tools, made for agents.
    Agent,
    /// The names of the official server.
    Official,
    /// Both.
    All,
}

impl ToolSet {
    /// Whether a tool of the set `other` is in this one.
    pub(crate) fn has(self, other: Self) -> bool {
        self == Self::All || self == other
    }

    /// The set that a path asks for; `None` is the one that the settings say.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/').rsplit('/').next() {
            Some("official") => Some(Self::Official),
            Some("all") => Some(Self::All),
            _ => None,
        }
    }
}

/// The text names no set of tools.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no set of tools: use agent, official or all")]
pub struct UnknownToolSet(String);

impl FromStr for ToolSet {
    type Err = UnknownToolSet;

    fn from_str(text: &str) -> Result<Self, UnknownToolSet> {
        match text {
            "agent" => Ok(Self::Agent),
            "official" => Ok(Self::Official),
            "all" => Ok(Self::All),
            other => Err(UnknownToolSet(other.chars().take(40).collect())),
        }
    }
}
