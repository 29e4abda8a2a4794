//! The bodies of writes that the ledger keeps, sealed, if it was told to.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use vault::{Place, Sealed};

use crate::Result;

/// Where bodies are kept.
#[async_trait]
pub trait LedgerBodies: Send + Sync {
    /// Keeps a body. Durable when it returns.
    async fn add_body(
        &self,
        tenant: &TenantId,
        id: &str,
        at: Timestamp,
        sealed: Sealed,
    ) -> Result<()>;
    /// A body.
    async fn body(&self, tenant: &TenantId, id: &str) -> Result<Option<Sealed>>;
}

/// The row that a body is sealed for.
pub fn body_row(tenant: &TenantId, id: &str) -> String {
    format!("{tenant}/{id}")
}

/// The place that a body is sealed for.
pub fn body_place(row: &str) -> Place<'_> {
    Place { table: "ledger_bodies", row, column: "sealed" }
}
