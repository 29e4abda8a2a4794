//! The ledger's entries, in the tables `ledger`, `ledger_checkpoints` and `ledger_open_intents`.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use ledger::{Checkpoint, Entry, Hash, Head, Resource};
use model::TenantId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, failed};
use crate::{EntryFilter, LedgerEntries, Numbered, Phase, Result, StoreError};

const COLUMNS: &str = "tenant, seq, at, principal, connection, action, operation, resource_type, \
                       resource_id, result, reason, request_id, metadata, prev, hash";

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

    async fn entries_after(&self, tenant: &TenantId, after: u64, limit: u32) -> Result<Vec<Entry>> {
        let tenant = tenant.clone();
        let doing = "read the ledger";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM ledger WHERE tenant = $1 AND seq > $2 \
                     ORDER BY seq LIMIT $3"
                );
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let rows = query
                    .query_map(params![tenant.as_str(), after as i64, limit], read_row)
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn list_entries(
        &self,
        tenant: &TenantId,
        filter: EntryFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        let tenant = tenant.clone();
        let doing = "list the ledger";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM ledger WHERE tenant = $1 AND seq < $2 \
                     AND ($3 IS NULL OR principal = $3) AND ($4 IS NULL OR action = $4) \
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
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn open_intents(&self) -> Result<Vec<Entry>> {
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
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }
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

struct Lookup {
    tenant: String,
    seq: i64,
    at: i64,
    principal: String,
    connection: String,
    action: String,
    operation: String,
    resource_type: String,
    resource_id: String,
    result: String,
    reason: Option<String>,
    request_id: String,
    metadata: String,
    prev: Vec<u8>,
    hash: Vec<u8>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Lookup> {
    Ok(Lookup {
        tenant: row.get(0)?,
        seq: row.get(1)?,
        at: row.get(2)?,
        principal: row.get(3)?,
        connection: row.get(4)?,
        action: row.get(5)?,
        operation: row.get(6)?,
        resource_type: row.get(7)?,
        resource_id: row.get(8)?,
        result: row.get(9)?,
        reason: row.get(10)?,
        request_id: row.get(11)?,
        metadata: row.get(12)?,
        prev: row.get(13)?,
        hash: row.get(14)?,
    })
}

impl TryFrom<Lookup> for Entry {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let nonsense = |column| StoreError::Inconsistent {
            table: "ledger",
            column,
            row: format!("{}/{}", row.tenant, row.seq),
        };
        let hash = |column, bytes: &[u8]| bytes.try_into().map(Hash).map_err(|_| nonsense(column));
        Ok(Self {
            prev: hash("prev", &row.prev)?,
            hash: hash("hash", &row.hash)?,
            seq: u64::try_from(row.seq).map_err(|_| nonsense("seq"))?,
            at: Timestamp::from_microsecond(row.at).map_err(|_| nonsense("at"))?,
            result: row.result.parse().map_err(|_| nonsense("result"))?,
            metadata: serde_json::from_str(&row.metadata).map_err(|_| nonsense("metadata"))?,
            principal: row.principal,
            tenant: row.tenant,
            connection: row.connection,
            action: row.action.into(),
            operation: row.operation.into(),
            resource: Resource { kind: row.resource_type.into(), id: row.resource_id },
            reason: row.reason.map(Into::into),
            request_id: row.request_id,
        })
    }
}
