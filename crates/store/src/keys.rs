//! Keys, as the store sees them: everything but the secret, and a keyed hash of that.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Key, KeyId, TenantId};

use crate::Result;

/// HMAC-SHA256 of a whole key under a key derived from the master key.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// A key and the hash that a caller's key must have.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// What is known of it.
    pub key: Key,
    /// What it hashes to.
    pub hash: KeyHash,
}

/// Where keys are kept.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Adds a key.
    async fn add_key(&self, stored: StoredKey) -> Result<()>;
    /// Every key of every tenant, newest first: what the gate holds in memory.
    async fn all_keys(&self) -> Result<Vec<StoredKey>>;
    /// Ends a key; `false` if the tenant has no such key. An ended key keeps its first end.
    async fn revoke_key(&self, tenant: &TenantId, id: &KeyId, at: Timestamp) -> Result<bool>;
}
