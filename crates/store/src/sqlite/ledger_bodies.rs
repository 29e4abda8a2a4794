//! Bodies of writes, in the table `ledger_bodies`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use rusqlite::{OptionalExtension, params};
use vault::Sealed;

use super::{SqliteStore, failed};
use crate::{LedgerBodies, Result};

#[async_trait]
impl LedgerBodies for SqliteStore {
    async fn add_body(
        &self,
        tenant: &TenantId,
        id: &str,
        at: Timestamp,
        sealed: Sealed,
    ) -> Result<()> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        let doing = "keep a body";
        self.writer
            .run(doing, move |db| {
                db.prepare_cached(
                    "INSERT INTO ledger_bodies (tenant, id, at, sealed) VALUES ($1, $2, $3, $4)",
                )
                .and_then(|mut insert| {
                    insert.execute(params![
                        tenant.as_str(),
                        id,
                        at.as_microsecond(),
                        sealed.as_bytes()
                    ])
                })
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn body(&self, tenant: &TenantId, id: &str) -> Result<Option<Sealed>> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        let doing = "read a body";
        self.reader
            .run(doing, move |db| {
                db.prepare_cached("SELECT sealed FROM ledger_bodies WHERE tenant = $1 AND id = $2")
                    .and_then(|mut query| {
                        let read = |row: &rusqlite::Row<'_>| row.get(0).map(Sealed::from_bytes);
                        query.query_row(params![tenant.as_str(), id], read).optional()
                    })
                    .map_err(failed(doing))
            })
            .await
    }
}
