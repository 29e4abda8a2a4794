//! Connections and their sealed credentials.

use async_trait::async_trait;
use model::{Connection, ConnectionId, TenantId};
use vault::Sealed;

use crate::Result;

/// A connection and its sealed credential.
#[derive(Clone, Debug)]
pub struct StoredConnection {
    /// What is known of it.
    pub connection: Connection,
    /// Its token, sealed for [`token_place`].
    pub token: Sealed,
}

/// The place that a connection's token is sealed for.
pub fn token_place(row: &str) -> vault::Place<'_> {
    vault::Place { table: "connections", row, column: "token" }
}

impl StoredConnection {
    /// The row that a token is bound to: tenant and bot.
    pub fn row(tenant: &TenantId, bot_id: ConnectionId) -> String {
        format!("{tenant}/{bot_id}")
    }
}

/// Where connections are kept.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Adds a connection, or puts a new credential in place of the old.
    async fn put_connection(&self, stored: StoredConnection) -> Result<()>;
    /// The connections of every tenant.
    async fn all_connections(&self) -> Result<Vec<StoredConnection>>;
}
