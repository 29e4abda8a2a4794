//! Which operations were used, from the table `ledger`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use rusqlite::{Connection, OptionalExtension, params};

use super::{SqliteStore, failed};
use crate::{OperationUse, OperationUses, Result, StoreError};

#[async_trait]
impl OperationUses for SqliteStore {
    async fn operation_uses(
        &self,
        tenant: &TenantId,
        since: Timestamp,
    ) -> Result<Vec<OperationUse>> {
        let tenant = tenant.clone();
        let doing = "look up which operations were used";
        self.reader
            .run(doing, move |db| {
                let since = since.as_microsecond();
                let first = first_since(db, tenant.as_str(), since).map_err(failed(doing))?;
                let mut query = db
                    .prepare_cached(
                        "SELECT principal, connection, operation,
                         json_extract(metadata, '$.needs_too'), max(at), count(*)
                         FROM ledger WHERE tenant = $1 AND seq >= $2 AND at >= $3
                         AND result = 'success' AND action IN ('read', 'write', 'delete')
                         GROUP BY 1, 2, 3, 4",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map(params![tenant.as_str(), first, since], |row| {
                        let texts = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                        Ok((texts, row.get::<_, i64>(4)?, row.get::<_, i64>(5)?))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (texts, last_at, calls) = row.map_err(failed(doing))?;
                    let (principal, connection, operation, needs_too) = texts;
                    let last_at = Timestamp::from_microsecond(last_at).map_err(|_| {
                        StoreError::Inconsistent {
                            table: "ledger",
                            column: "at",
                            row: format!("{}/{operation}", tenant.as_str()),
                        }
                    })?;
                    let calls = calls.unsigned_abs();
                    Ok(OperationUse { principal, connection, operation, needs_too, last_at, calls })
                })
                .collect()
            })
            .await
    }
}

/// The number of the first entry that is not older than `since`: entries follow each other in time, so
/// it is found by halving, and the ledger's past is not read.
fn first_since(db: &Connection, tenant: &str, since: i64) -> rusqlite::Result<i64> {
    let newest = "SELECT max(seq) FROM ledger WHERE tenant = $1";
    let newest: Option<i64> = db.query_row(newest, [tenant], |row| row.get(0))?;
    let (mut low, mut high) = (0, newest.unwrap_or(0) + 1);
    let mut query = db.prepare_cached(
        "SELECT seq, at FROM ledger WHERE tenant = $1 AND seq >= $2 ORDER BY seq LIMIT 1",
    )?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found = query.query_row(params![tenant, middle], |row| Ok((row.get(0)?, row.get(1)?)));
        match found.optional()? {
            Some((seq, at)) if i64::lt(&at, &since) => low = i64::wrapping_add(seq, 1),
            _ => high = middle,
        }
    }
    Ok(low)
}
