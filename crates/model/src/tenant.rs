//! Who owns connections, keys and ledger: nothing of one tenant is reached by another.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The name of a tenant. Copied with every call, so a copy is cheap.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The longest name.
    pub const LENGTH_MAX: usize = 40;

    /// A tenant by its name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Reads a name that somebody typed: `a-z`, `0-9` and `-`, a letter or digit first.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let well_formed = (1..=Self::LENGTH_MAX).contains(&text.len())
            && text.as_bytes().first().is_some_and(plain)
            && text.as_bytes().iter().all(|byte| plain(byte) || *byte == b'-');
        well_formed.then(|| Self::new(text))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    /// The tenant of an installation that serves one team.
    fn default() -> Self {
        Self::new("default")
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A tenant as the operator sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Tenant {
    /// Its name.
    pub name: TenantId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether its callers may bring Notion tokens of their own to the MCP door, where the operator lets
    /// them at all.
    pub token_passthrough: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["default", "a", "team-7", "7"] {
            assert_eq!(TenantId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "A", "a b", "a/b", "ä", "a_b", &"a".repeat(41)] {
            assert_eq!(TenantId::parse(bad), None, "{bad}");
        }
    }
}
