//! Access audits, in the table `access_audits`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{ConnectionId, TenantId};
use rusqlite::{OptionalExtension, Row, params};
use vault::Sealed;

use super::{SqliteStore, failed};
use crate::{AccessAudits, AuditMade, Result, StoreError, StoredAudit};

#[async_trait]
impl AccessAudits for SqliteStore {
    async fn add_access_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        audit: StoredAudit,
        keep: u32,
    ) -> Result<()> {
        let (tenant, bot_id) = (tenant.clone(), bot_id.to_string());
        let doing = "keep an access audit";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO access_audits (tenant, bot_id, at, total, report)
                     VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (tenant, bot_id, at) DO UPDATE SET total = excluded.total,
                     report = excluded.report",
                    params![
                        tenant.as_str(),
                        bot_id,
                        audit.made.at.as_microsecond(),
                        audit.made.total.cast_signed(),
                        audit.report.as_bytes(),
                    ],
                )
                .map_err(failed(doing))?;
                db.execute(
                    "DELETE FROM access_audits WHERE tenant = $1 AND bot_id = $2 AND at NOT IN
                     (SELECT at FROM access_audits WHERE tenant = $1 AND bot_id = $2
                      ORDER BY at DESC LIMIT $3)",
                    params![tenant.as_str(), bot_id, keep],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn access_audits_made(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
    ) -> Result<Vec<AuditMade>> {
        let (tenant, bot_id) = (tenant.clone(), bot_id.to_string());
        let doing = "list the access audits";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT at, total FROM access_audits WHERE tenant = $1 AND bot_id = $2
                         ORDER BY at DESC",
                    )
                    .map_err(failed(doing))?;
                let rows = query.query_map(params![tenant.as_str(), bot_id], read_made);
                let rows = rows.map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.made(&bot_id)).collect()
            })
            .await
    }

    async fn access_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        at: Option<Timestamp>,
    ) -> Result<Option<StoredAudit>> {
        let (tenant, bot_id) = (tenant.clone(), bot_id.to_string());
        let doing = "read an access audit";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT at, total, report FROM access_audits
                         WHERE tenant = $1 AND bot_id = $2 AND ($3 IS NULL OR at = $3)
                         ORDER BY at DESC LIMIT 1",
                    )
                    .map_err(failed(doing))?;
                let at = at.map(Timestamp::as_microsecond);
                let row = query
                    .query_row(params![tenant.as_str(), bot_id, at], |row| {
                        Ok((read_made(row)?, row.get::<_, Vec<u8>>(2)?))
                    })
                    .optional()
                    .map_err(failed(doing))?;
                row.map(|(made, report)| {
                    let report = Sealed::from_bytes(report);
                    Ok(StoredAudit { made: made.made(&bot_id)?, report })
                })
                .transpose()
            })
            .await
    }

    async fn forget_access_audits(&self, tenant: &TenantId, bot_id: ConnectionId) -> Result<()> {
        let (tenant, bot_id) = (tenant.clone(), bot_id.to_string());
        let doing = "forget the access audits of a connection";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "DELETE FROM access_audits WHERE tenant = $1 AND bot_id = $2",
                    params![tenant.as_str(), bot_id],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }
}

struct MadeRow {
    at: i64,
    total: i64,
}

fn read_made(row: &Row<'_>) -> rusqlite::Result<MadeRow> {
    Ok(MadeRow { at: row.get(0)?, total: row.get(1)? })
}

impl MadeRow {
    fn made(&self, bot_id: &str) -> Result<AuditMade> {
        let nonsense = |column| StoreError::Inconsistent {
            table: "access_audits",
            column,
            row: format!("{bot_id}/{}", self.at),
        };
        let at = Timestamp::from_microsecond(self.at).map_err(|_| nonsense("at"))?;
        let total = u64::try_from(self.total).map_err(|_| nonsense("total"))?;
        Ok(AuditMade { at, total })
    }
}
