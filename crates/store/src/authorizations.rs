//! MCP clients, and what people granted them.
//!
//! A grant is a key (see [`crate::Keys`]) plus what is here: for which client it is, and how often its
//! refresh token was replaced. The tokens themselves are kept nowhere.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{KeyId, TenantId};

use crate::Result;

/// A client that registered, or that an admin entered. One that registered belongs to no tenant: who
/// registers says nothing of whose data it will be shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredClient {
    /// Its `client_id`.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// How it shows who it is at the token endpoint: a word of RFC 7591.
    pub auth_method: String,
    /// HMAC-SHA256 of its secret, if it has one.
    pub secret_hash: Option<[u8; 32]>,
    /// When it came.
    pub created_at: Timestamp,
    /// When somebody last granted it something, or it last got a token.
    pub used_at: Option<Timestamp>,
    /// Of one that an admin entered: whose it is. Nobody else can let it in.
    pub tenant: Option<TenantId>,
}

/// What makes a key the grant of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredGrant {
    /// Whose it is.
    pub tenant: TenantId,
    /// The key.
    pub key: KeyId,
    /// The client that calls by it.
    pub client_id: String,
    /// What it called itself when it was approved.
    pub client_name: String,
    /// Where it was answered: a host, or the scheme of a program.
    pub redirect: String,
    /// The address of the gate that people approved it at.
    pub issuer: String,
    /// The resource that its tokens are for.
    pub resource: String,
    /// The scope that was granted.
    pub scope: String,
    /// Who granted it, as the ledger names people.
    pub subject: String,
    /// How often its refresh token was replaced.
    pub generation: u32,
    /// When that was last.
    pub rotated_at: Timestamp,
}

/// Where clients and grants are kept.
#[async_trait]
pub trait Authorizations: Send + Sync {
    /// Every client: what the gate holds in memory.
    async fn all_clients(&self) -> Result<Vec<StoredClient>>;
    /// Adds a client, or replaces the one with its id.
    async fn put_client(&self, client: StoredClient) -> Result<()>;
    /// Forgets clients.
    async fn delete_clients(&self, ids: Vec<String>) -> Result<()>;
    /// Every grant of every tenant.
    async fn all_grants(&self) -> Result<Vec<StoredGrant>>;
    /// Adds a grant.
    async fn add_grant(&self, grant: StoredGrant) -> Result<()>;
    /// Notes that the refresh token was replaced; `false` if it was not the one after `before`.
    async fn rotate_grant(
        &self,
        tenant: &TenantId,
        key: &KeyId,
        before: u32,
        at: Timestamp,
    ) -> Result<bool>;
}
