//! Who owns connections, keys and ledger: nothing of one tenant is reached by another.

use std::fmt;
use std::sync::Arc;

/// The name of a tenant. Copied with every call, so a copy is cheap.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// A tenant by its name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
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
