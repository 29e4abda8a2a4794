//! How far mirrors are, in the table `ledger_mirrors`.

use async_trait::async_trait;
use model::TenantId;
use rusqlite::{OptionalExtension, params};

use super::{SqliteStore, failed};
use crate::{MirrorState, Mirrors, Result};

#[async_trait]
impl Mirrors for SqliteStore {
    async fn mirror_state(&self, tenant: &TenantId) -> Result<Option<MirrorState>> {
        let tenant = tenant.clone();
        let doing = "read how far the mirror is";
        self.reader
            .run(doing, move |db| {
                db.prepare_cached("SELECT done, pending FROM ledger_mirrors WHERE tenant = $1")
                    .and_then(|mut query| {
                        let read = query.query_row([tenant.as_str()], |row| {
                            let pending = row.get::<_, Option<i64>>(1)?;
                            Ok(MirrorState {
                                done: row.get::<_, i64>(0)?.unsigned_abs(),
                                pending: pending.map(i64::unsigned_abs),
                            })
                        });
                        read.optional()
                    })
                    .map_err(failed(doing))
            })
            .await
    }

    async fn set_mirror_state(&self, tenant: &TenantId, state: MirrorState) -> Result<()> {
        let tenant = tenant.clone();
        let doing = "write how far the mirror is";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO ledger_mirrors (tenant, done, pending) VALUES ($1, $2, $3)
                     ON CONFLICT (tenant) DO UPDATE SET done = excluded.done,
                     pending = excluded.pending",
                    params![
                        tenant.as_str(),
                        state.done.cast_signed(),
                        state.pending.map(u64::cast_signed)
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }
}
