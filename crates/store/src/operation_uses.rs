//! Which operations were used, as the ledger tells.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;

use crate::Result;

/// The calls of one operation by one principal that came to something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OperationUse {
    /// Who.
    pub principal: String,
    /// By which connection.
    pub connection: String,
    /// Which operation.
    pub operation: String,
    /// The capability that the body asked for beyond the operation's own.
    pub needs_too: Option<String>,
    /// When it was used the last time.
    pub last_at: Timestamp,
    /// How often.
    pub calls: u64,
}

/// Where it can be asked which operations were used.
#[async_trait]
pub trait OperationUses: Send + Sync {
    /// What was done for a tenant since a time, refusals and failures aside.
    async fn operation_uses(
        &self,
        tenant: &TenantId,
        since: Timestamp,
    ) -> Result<Vec<OperationUse>>;
}
