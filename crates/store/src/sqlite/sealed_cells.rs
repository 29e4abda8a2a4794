//! Sealed cells of all tables.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use vault::SealedHead;

use super::{SqliteStore, failed};
use crate::{Result, SealedCell, SealedCells};

/// A column that holds sealed secrets. Whoever adds one adds it here: what is not here would be lost
/// when the master key changes. (A test looks for BLOB columns that are neither here nor known to be something else.)
struct SealedColumn {
    /// The table, as the secret is sealed for it.
    place: &'static str,
    /// The table that holds it.
    table: &'static str,
    /// The row, as the secret is sealed for it: an SQL expression.
    row: &'static str,
    /// The column, as the secret is sealed for it: an SQL expression.
    column: &'static str,
    /// The column that holds it.
    value: &'static str,
    /// Which rows hold one.
    only: &'static str,
}

/// In the order of their places.
const SEALED: &[SealedColumn] = &[
    SealedColumn {
        place: "access_audits",
        table: "access_audits",
        row: "tenant || '/' || bot_id || '/' || at",
        column: "'report'",
        value: "report",
        only: "TRUE",
    },
    SealedColumn {
        place: "connections",
        table: "credentials",
        row: "tenant || '/' || bot_id",
        column: "'token'",
        value: "sealed",
        only: "slot = 'legacy'",
    },
    SealedColumn {
        place: "credentials",
        table: "credentials",
        row: "tenant || '/' || bot_id",
        column: "slot",
        value: "sealed",
        only: "slot <> 'legacy'",
    },
    SealedColumn {
        place: "ledger_bodies",
        table: "ledger_bodies",
        row: "tenant || '/' || id",
        column: "'sealed'",
        value: "sealed",
        only: "TRUE",
    },
    SealedColumn {
        place: "meta",
        table: "meta",
        row: "name",
        column: "'value'",
        value: "value",
        only: "name IN ('master_key_check', 'root_secret')",
    },
    SealedColumn {
        place: "webhook_subscriptions",
        table: "webhook_subscriptions",
        row: "tenant || '/' || id",
        column: "'token'",
        value: "token",
        only: "TRUE",
    },
];

#[async_trait]
impl SealedCells for SqliteStore {
    async fn sealed_cells(
        &self,
        after: Option<&SealedCell>,
        limit: u32,
    ) -> Result<Vec<SealedCell>> {
        let after = after.map(|cell| (cell.table, cell.row.clone(), cell.column.clone()));
        self.reader.run(DOING, move |db| read(db, after, limit)).await
    }

    async fn replace_head(&self, cell: &SealedCell, new: SealedHead) -> Result<bool> {
        let cell = cell.clone();
        self.writer.run(REPLACING, move |db| replace(db, &cell, &new)).await
    }
}

const DOING: &str = "read what is sealed";
const REPLACING: &str = "re-seal a secret";

/// All in one transaction of the writer, so nothing can come in between.
fn replace(db: &Connection, cell: &SealedCell, new: &SealedHead) -> Result<bool> {
    let Some(it) = SEALED.iter().find(|it| it.place == cell.table) else { return Ok(false) };
    let SealedColumn { table, row, column, value, only, .. } = it;
    let condition = format!("{row} = ?1 AND {column} = ?2 AND {only}");
    let sql = format!("SELECT {value} FROM {table} WHERE {condition}");
    let place = params![cell.row, cell.column];
    let found = db
        .prepare_cached(&sql)
        .and_then(|mut query| query.query_row(place, |found| found.get(0)).optional());
    let Some(mut bytes): Option<Vec<u8>> = found.map_err(failed(REPLACING))? else {
        return Ok(false);
    };
    let old = cell.head.as_bytes();
    if !bytes.starts_with(old) || old.len() != new.as_bytes().len() {
        return Ok(false);
    }
    bytes[..old.len()].copy_from_slice(new.as_bytes());
    let sql = format!("UPDATE {table} SET {value} = ?3 WHERE {condition}");
    let values = params![cell.row, cell.column, bytes];
    let changed = db.prepare_cached(&sql).and_then(|mut query| query.execute(values));
    Ok(changed.map_err(failed(REPLACING))? == 1)
}

fn read(
    db: &Connection,
    after: Option<(&'static str, String, String)>,
    limit: u32,
) -> Result<Vec<SealedCell>> {
    let mut cells: Vec<SealedCell> = Vec::new();
    for SealedColumn { place, table, row, column, value, only } in SEALED {
        let after = match &after {
            Some((last, _, _)) if last > place => continue,
            Some((last, row, column)) if last == place => (row.as_str(), column.as_str()),
            // Neither a row nor a column has an empty name.
            _ => ("", ""),
        };
        let length = SealedHead::LENGTH;
        let sql = format!(
            "SELECT {row}, {column}, substr({value}, 1, {length}) FROM {table}
             WHERE ({row}, {column}) > (?1, ?2) AND {only} ORDER BY 1, 2 LIMIT ?3"
        );
        let mut query = db.prepare_cached(&sql).map_err(failed(DOING))?;
        let wanted = limit.saturating_sub(cells.len() as u32);
        let rows = query.query_map(params![after.0, after.1, wanted], |found| {
            Ok(SealedCell {
                table: place,
                row: found.get(0)?,
                column: found.get(1)?,
                head: SealedHead::from_bytes(found.get(2)?),
            })
        });
        for cell in rows.map_err(failed(DOING))? {
            cells.push(cell.map_err(failed(DOING))?);
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// BLOB columns that hold no sealed secret.
    const OTHERS: &[&str] = &[
        "inbox.body",
        "keys.hash",
        "ledger.hash",
        "ledger.prev",
        "ledger_checkpoints.hash",
        "ledger_pruned.first_hash",
        "ledger_pruned.last_hash",
        "oauth_clients.secret_hash",
    ];

    #[test]
    fn no_column_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.sqlite");
        drop(SqliteStore::open(&path).unwrap());
        let db = Connection::open(path).unwrap();
        let mut query = db
            .prepare(
                "SELECT t.name || '.' || c.name FROM pragma_table_list t, \
                 pragma_table_info(t.name) c WHERE c.type = 'BLOB'",
            )
            .unwrap();
        let blobs = query.query_map([], |row| row.get(0)).unwrap();
        let blobs: BTreeSet<String> = blobs.map(std::result::Result::unwrap).collect();
        let sealed = SEALED.iter().map(|it| format!("{}.{}", it.table, it.value));
        let known = sealed.chain(OTHERS.iter().map(|name| (*name).to_owned())).collect();
        assert_eq!(blobs, known, "sealed columns belong into SEALED, others into OTHERS");
        assert!(SEALED.is_sorted_by_key(|it| it.place));
    }
}
