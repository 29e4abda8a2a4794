//! Webhook subscriptions and the windows in which they come to be.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use vault::{Place, Sealed};

use crate::Result;

/// A tenant's window for new subscriptions, and the way in that its events take.
#[derive(Clone, Debug)]
pub struct StoredPairing {
    /// Whose it is. A tenant has one.
    pub tenant: TenantId,
    /// The last part of the URL, which nobody can guess. It stays the same.
    pub hook: String,
    /// How it stands: `waiting`, `received`, `paired`, `conflict` or `closed`.
    pub state: String,
    /// Until when it is open.
    pub open_until: Timestamp,
    /// Who opened it.
    pub opened_by: String,
    /// The subscription whose token came.
    pub subscription: Option<String>,
}

/// A subscription: one token by which Notion signs.
#[derive(Clone, Debug)]
pub struct StoredSubscription {
    /// Whose it is.
    pub tenant: TenantId,
    /// Our own id of it: the handshake does not tell Notion's.
    pub id: String,
    /// The token.
    pub token: Sealed,
    /// When the token came.
    pub created_at: Timestamp,
    /// Who had opened the window for it.
    pub created_by: String,
    /// Notion's id of it, told by its first event.
    pub notion_id: Option<String>,
    /// The connection that it belongs to at Notion, told by its first event.
    pub integration_id: Option<String>,
}

impl StoredSubscription {
    /// The row, as the seal of the token is bound to it.
    pub fn row(tenant: &TenantId, id: &str) -> String {
        format!("{tenant}/{id}")
    }
}

/// The place that a verification token is sealed for.
pub fn verification_token_place(row: &str) -> Place<'_> {
    Place { table: "webhook_subscriptions", row, column: "token" }
}

/// Where subscriptions are kept.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Keeps a tenant's window in place of the one before.
    async fn put_pairing(&self, pairing: StoredPairing) -> Result<()>;
    /// Every tenant's window.
    async fn all_pairings(&self) -> Result<Vec<StoredPairing>>;
    /// Keeps a subscription, new or changed.
    async fn put_subscription(&self, subscription: StoredSubscription) -> Result<()>;
    /// Every subscription, oldest first.
    async fn all_subscriptions(&self) -> Result<Vec<StoredSubscription>>;
    /// Forgets a subscription; `false` if the tenant has none of that id.
    async fn delete_subscription(&self, tenant: &TenantId, id: &str) -> Result<bool>;
}
