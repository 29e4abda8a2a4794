//! The ledger's entries, in the tables `ledger`, `ledger_checkpoints` and `ledger_open_intents`.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use ledger::{Checkpoint, Entry, Hash, Head, Pruned, Resource, Row, Unreadable};
use model::TenantId;
use rusqlite::{Connection, OptionalExtension, params};

use super::{SqliteStore, failed};
use crate::{EntryFilter, LedgerEntries, Numbered, Phase, Result, StoreError};

pub(super) const COLUMNS: &str = "tenant, seq, at, principal, connection, action, operation, resource_type, \
                       resource_id, result, reason, request_id, metadata, prev, hash";
/// Entries that were dropped are gone from the moment that this is written down.
pub(super) const NOT_PRUNED: &str = "seq > (SELECT coalesce(max(last), 0) FROM ledger_pruned \
                          WHERE ledger_pruned.tenant = ledger.tenant)";

#[async_trait]
impl LedgerEntries for SqliteStore {
    async fn append_entries(
        &self,
        entries: Arc<[Numbered]>,
        checkpoints: Vec<Checkpoint>,
    ) -> Result<()> {
        let doing = "write the ledger";
        self.writer
            .run(doing, move |db| {
                // A failure in the middle must not leave half a group in the shared transaction.
                db.execute_batch("SAVEPOINT append").map_err(failed(doing))?;
                let done = append(db, &entries, &checkpoints);
                let end = if done.is_ok() {
                    "RELEASE append"
                } else {
                    "ROLLBACK TO append; RELEASE append"
                };
                db.execute_batch(end).and(done).map_err(failed(doing))
            })
            .await
    }

    async fn heads(&self) -> Result<Vec<(TenantId, Head)>> {
        let doing = "read the ends of the ledger";
        self.reader
            .run(doing, move |db| {
                let mut heads = Vec::new();
                let mut tenant = String::new();
                // From tenant to tenant by the index: the ledger itself may be long.
                while let Some((next, seq, hash)) =
                    newest_after(db, &tenant).map_err(failed(doing))?
                {
                    let hash: [u8; 32] = hash.try_into().unwrap_or_default();
                    let head = Head { seq: seq.unsigned_abs(), hash: Hash(hash) };
                    heads.push((TenantId::new(next.as_str()), head));
                    tenant = next;
                }
                Ok(heads)
            })
            .await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        let doing = "read the ledger's checkpoints";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT tenant, seq, hash, signature, public_key FROM ledger_checkpoints",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        Ok(Checkpoint {
                            tenant: row.get(0)?,
                            seq: row.get::<_, i64>(1)?.unsigned_abs(),
                            hash: Hash(row.get(2)?),
                            signature: row.get(3)?,
                            public_key: row.get(4)?,
                        })
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))).collect()
            })
            .await
    }

    async fn entries_after(&self, tenant: &TenantId, after: u64, limit: u32) -> Result<Vec<Row>> {
        let tenant = tenant.clone();
        let doing = "read the ledger";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM ledger WHERE tenant = $1 AND seq > $2 \
                     AND {NOT_PRUNED} ORDER BY seq LIMIT $3"
                );
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let rows = query
                    .query_map(params![tenant.as_str(), after as i64, limit], read_row)
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))).collect()
            })
            .await
    }

    async fn list_entries(
        &self,
        tenant: &TenantId,
        filter: EntryFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Row>> {
        let tenant = tenant.clone();
        let doing = "list the ledger";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM ledger WHERE tenant = $1 AND seq < $2 \
                     AND {NOT_PRUNED} AND ($3 IS NULL OR principal = $3) AND ($4 IS NULL OR action = $4) \
                     AND ($5 IS NULL OR result = $5) AND ($6 IS NULL OR resource_id = $6) \
                     ORDER BY seq DESC LIMIT $7"
                );
                let before = before.map_or(i64::MAX, |before| before as i64);
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let rows = query
                    .query_map(
                        params![
                            tenant.as_str(),
                            before,
                            filter.principal,
                            filter.action,
                            filter.result,
                            filter.object,
                            limit
                        ],
                        read_row,
                    )
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))).collect()
            })
            .await
    }

    async fn open_intents(&self) -> Result<Vec<Row>> {
        let doing = "look for writes that were cut off";
        self.reader
            .run(doing, move |db| {
                let columns = COLUMNS.replace("tenant, seq", "ledger.tenant, ledger.seq");
                let sql = format!(
                    "SELECT {columns} FROM ledger JOIN ledger_open_intents AS open \
                     ON ledger.tenant = open.tenant AND ledger.seq = open.seq \
                     ORDER BY ledger.tenant, ledger.seq"
                );
                let mut query = db.prepare(&sql).map_err(failed(doing))?;
                let rows = query.query_map([], read_row).map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))).collect()
            })
            .await
    }

    async fn pruned(&self, tenant: &TenantId) -> Result<Vec<Pruned>> {
        let tenant = tenant.clone();
        let doing = "read what was dropped from the ledger";
        self.reader.run(doing, move |db| pruned(db, &tenant).map_err(failed(doing))?).await
    }

    async fn add_pruned(&self, pruned: Pruned) -> Result<()> {
        let doing = "note what is dropped from the ledger";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO ledger_pruned (tenant, first, first_hash, last, last_hash,
                     kept_from, dropped_at, dropped_by, signature, public_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    params![
                        pruned.tenant,
                        pruned.first.cast_signed(),
                        pruned.first_hash.0,
                        pruned.last.cast_signed(),
                        pruned.last_hash.0,
                        pruned.before.as_microsecond(),
                        pruned.at.as_microsecond(),
                        pruned.by,
                        pruned.signature,
                        pruned.public_key,
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn sweep_pruned(&self, limit: u32) -> Result<usize> {
        let doing = "remove what was dropped from the ledger";
        self.writer
            .run(doing, move |db| {
                let swept = db.execute(
                    "DELETE FROM ledger WHERE (tenant, seq) IN (SELECT ledger.tenant, ledger.seq
                     FROM (SELECT tenant, max(last) AS last FROM ledger_pruned GROUP BY tenant) AS gone
                     JOIN ledger ON ledger.tenant = gone.tenant AND ledger.seq <= gone.last LIMIT $1)",
                    [limit],
                );
                let bodies = db.execute(
                    "DELETE FROM ledger_bodies WHERE (tenant, id) IN (SELECT body.tenant, body.id
                     FROM (SELECT tenant, max(kept_from) AS kept_from FROM ledger_pruned
                     GROUP BY tenant) AS gone
                     JOIN ledger_bodies AS body
                     ON body.tenant = gone.tenant AND body.at < gone.kept_from
                     LIMIT $1)",
                    [limit],
                );
                Ok(swept.map_err(failed(doing))? + bodies.map_err(failed(doing))?)
            })
            .await
    }
}

/// Nonsense in a record is an error, not a gap: nobody could tell what is gone.
fn pruned(db: &Connection, tenant: &TenantId) -> rusqlite::Result<Result<Vec<Pruned>>> {
    let mut query = db.prepare_cached(
        "SELECT tenant, first, first_hash, last, last_hash, kept_from, dropped_at, dropped_by,
         signature, public_key FROM ledger_pruned WHERE tenant = $1 ORDER BY last",
    )?;
    let rows = query.query_map([tenant.as_str()], |row| {
        let time = |column| row.get::<_, i64>(column).map(Timestamp::from_microsecond);
        let (before, at) = (time(5)?, time(6)?);
        let nonsense = |column| StoreError::Inconsistent {
            table: "ledger_pruned",
            column,
            row: tenant.to_string(),
        };
        let (Ok(before), Ok(at)) = (before, at) else { return Ok(Err(nonsense("dropped_at"))) };
        Ok(Ok(Pruned {
            tenant: row.get(0)?,
            first: row.get::<_, i64>(1)?.unsigned_abs(),
            first_hash: Hash(row.get(2)?),
            last: row.get::<_, i64>(3)?.unsigned_abs(),
            last_hash: Hash(row.get(4)?),
            before,
            at,
            by: row.get(7)?,
            signature: row.get(8)?,
            public_key: row.get(9)?,
        }))
    })?;
    let mut all = Vec::new();
    for row in rows {
        match row? {
            Ok(pruned) => all.push(pruned),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(all))
}

/// The first tenant after `tenant`, with its newest entry.
fn newest_after(db: &Connection, tenant: &str) -> rusqlite::Result<Option<(String, i64, Vec<u8>)>> {
    db.prepare_cached(
        "SELECT tenant, seq, hash FROM ledger
         WHERE tenant = (SELECT tenant FROM ledger WHERE tenant > $1 ORDER BY tenant LIMIT 1)
         ORDER BY seq DESC LIMIT 1",
    )?
    .query_row([tenant], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    .optional()
}

fn append(
    db: &Connection,
    entries: &[Numbered],
    checkpoints: &[Checkpoint],
) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO ledger (tenant, seq, at, principal, connection, action, operation,
         resource_type, resource_id, result, reason, request_id, metadata, prev, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )?;
    for Numbered { entry, phase } in entries {
        // INVARIANT: a map of texts, numbers and flags always has a JSON form.
        let metadata = serde_json::to_string(&entry.metadata).expect("metadata is JSON");
        insert.execute(params![
            entry.tenant,
            entry.seq as i64,
            entry.at.as_microsecond(),
            entry.principal,
            entry.connection,
            entry.action,
            entry.operation,
            entry.resource.kind,
            entry.resource.id,
            entry.result.as_str(),
            entry.reason,
            entry.request_id,
            metadata,
            entry.prev.0,
            entry.hash.0,
        ])?;
        let open = match phase {
            Phase::Whole => continue,
            Phase::Intent => {
                ("INSERT INTO ledger_open_intents (tenant, seq) VALUES ($1, $2)", entry.seq)
            }
            Phase::Conclusion(intent) => {
                ("DELETE FROM ledger_open_intents WHERE tenant = $1 AND seq = $2", *intent)
            }
        };
        db.prepare_cached(open.0)?.execute(params![entry.tenant, open.1 as i64])?;
    }
    for checkpoint in checkpoints {
        db.prepare_cached(
            "INSERT INTO ledger_checkpoints (tenant, seq, hash, signature, public_key)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
             signature = excluded.signature, public_key = excluded.public_key",
        )?
        .execute(params![
            checkpoint.tenant,
            checkpoint.seq as i64,
            checkpoint.hash.0,
            checkpoint.signature,
            checkpoint.public_key,
        ])?;
    }
    Ok(())
}

/// What stands in a row. A row that makes no sense was not written by us: it is shown as what it is, and
/// hides nothing else.
pub(super) fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let seq = row.get::<_, i64>(1)?.unsigned_abs();
    Ok(match read_entry(row, seq) {
        Ok(entry) => entry.into(),
        Err(column) => Row::Unreadable { unreadable: Unreadable { seq, column: column.into() } },
    })
}

/// The entry, or the column that makes no sense.
fn read_entry(row: &rusqlite::Row<'_>, seq: u64) -> std::result::Result<Entry, &'static str> {
    let text = |index, column| row.get::<_, String>(index).map_err(|_| column);
    let hash = |index, column| row.get(index).map(Hash).map_err(|_| column);
    let at = row.get::<_, i64>(2).map_err(|_| "at")?;
    let metadata = text(12, "metadata")?;
    Ok(Entry {
        seq,
        at: Timestamp::from_microsecond(at).map_err(|_| "at")?,
        principal: text(3, "principal")?,
        tenant: text(0, "tenant")?,
        connection: text(4, "connection")?,
        action: text(5, "action")?.into(),
        operation: text(6, "operation")?.into(),
        resource: Resource { kind: text(7, "resource_type")?.into(), id: text(8, "resource_id")? },
        result: text(9, "result")?.parse().map_err(|_| "result")?,
        reason: row.get::<_, Option<String>>(10).map_err(|_| "reason")?.map(Into::into),
        request_id: text(11, "request_id")?,
        metadata: serde_json::from_str(&metadata).map_err(|_| "metadata")?,
        prev: hash(13, "prev")?,
        hash: hash(14, "hash")?,
    })
}
