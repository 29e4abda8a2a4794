//! How far mirrors are, in the table `ledger_mirrors`.

use async_trait::async_trait;
use ledger::Row;
use model::TenantId;
use rusqlite::{OptionalExtension, params};

use super::ledger_entries::{COLUMNS, NOT_PRUNED, read_row};
use super::{SqliteStore, failed};
use crate::{MirrorState, Mirrors, Result};

/// In a text of JSON, a quotation mark inside a value has a backslash before it: only a fact of this very
/// name and value looks like this.
const SHOWN: &str = "action NOT LIKE '%\\_intended' ESCAPE '\\' \
                     AND ($3 OR action NOT IN ('read', 'receive')) \
                     AND instr(metadata, '\"because\":\"audit-mirror\"') = 0";

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

    async fn entries_to_mirror(
        &self,
        tenant: &TenantId,
        after: u64,
        reads: bool,
        limit: u32,
    ) -> Result<(Vec<Row>, u64)> {
        let tenant = tenant.clone();
        let doing = "read what is to be mirrored";
        self.reader
            .run(doing, move |db| {
                let rest = format!(
                    "FROM ledger WHERE tenant = $1 AND seq > $2 AND {SHOWN} AND {NOT_PRUNED}"
                );
                let values = params![tenant.as_str(), after.cast_signed(), reads];
                let count = db
                    .prepare_cached(&format!("SELECT count(*) {rest}"))
                    .and_then(|mut query| query.query_row(values, |row| row.get::<_, i64>(0)))
                    .map_err(failed(doing))?;
                let mut query = db
                    .prepare_cached(&format!("SELECT {COLUMNS} {rest} ORDER BY seq LIMIT $4"))
                    .map_err(failed(doing))?;
                let values = params![tenant.as_str(), after.cast_signed(), reads, limit];
                let rows = query.query_map(values, read_row).map_err(failed(doing))?;
                let rows: Result<_> = rows.map(|row| row.map_err(failed(doing))).collect();
                Ok((rows?, count.unsigned_abs()))
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
