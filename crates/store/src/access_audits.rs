//! Access audits that were made: what a connection reached at a time, sealed, because titles are content.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{ConnectionId, TenantId};
use vault::Sealed;

use crate::Result;

/// When an audit was made, and how many objects it found: all that is told without opening it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuditMade {
    /// When.
    pub at: Timestamp,
    /// How many objects.
    pub total: u64,
}

/// An audit that is kept.
#[derive(Clone, Debug)]
pub struct StoredAudit {
    /// When it was made, and what it counted.
    pub made: AuditMade,
    /// The report, sealed for [`StoredAudit::place`] of [`StoredAudit::row`].
    pub report: Sealed,
}

impl StoredAudit {
    /// The row that a report is bound to: tenant, bot and time.
    pub fn row(tenant: &TenantId, bot_id: ConnectionId, at: Timestamp) -> String {
        format!("{tenant}/{bot_id}/{}", at.as_microsecond())
    }

    /// The place that a report is sealed for.
    pub fn place(row: &str) -> vault::Place<'_> {
        vault::Place { table: "access_audits", row, column: "report" }
    }
}

/// Where access audits are kept.
#[async_trait]
pub trait AccessAudits: Send + Sync {
    /// Keeps an audit, and of its connection no more than the newest `keep`.
    async fn add_access_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        audit: StoredAudit,
        keep: u32,
    ) -> Result<()>;
    /// The audits of a connection that are kept, newest first.
    async fn access_audits_made(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
    ) -> Result<Vec<AuditMade>>;
    /// The audit of a time; the newest if none is named.
    async fn access_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        at: Option<Timestamp>,
    ) -> Result<Option<StoredAudit>>;
    /// Forgets every audit of a connection.
    async fn forget_access_audits(&self, tenant: &TenantId, bot_id: ConnectionId) -> Result<()>;
}
