//! Which tools MCP clients are offered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A choice of tools.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolSet {
    /// Few tools, made for agents.
    Agent,
    /// The names of the official server.
    Official,
    /// Both.
    All,
}

impl ToolSet {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Official => "official",
            Self::All => "all",
        }
    }

    /// Whether a tool of the set `other` is in this one.
    pub fn has(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

impl fmt::Display for ToolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no set of tools.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownToolSet(String);

impl fmt::Display for UnknownToolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no set of tools: use agent, official or all", self.0)
    }
}

impl std::error::Error for UnknownToolSet {}

impl FromStr for ToolSet {
    type Err = UnknownToolSet;

    fn from_str(text: &str) -> Result<Self, UnknownToolSet> {
        let all = [Self::Agent, Self::Official, Self::All];
        let found = all.into_iter().find(|set| set.as_str() == text);
        found.ok_or_else(|| UnknownToolSet(text.chars().take(40).collect()))
    }
}
