//! Small facts, in the table `meta`.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::{SqliteStore, failed};
use crate::{Meta, Result};

#[async_trait]
impl Meta for SqliteStore {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        let doing = "read a fact about the installation";
        self.reader
            .run(doing, move |db| {
                db.prepare_cached("SELECT value FROM meta WHERE name = $1")
                    .and_then(|mut query| query.query_row([name], |row| row.get(0)).optional())
                    .map_err(failed(doing))
            })
            .await
    }

    async fn set_meta(&self, name: &str, value: Vec<u8>) -> Result<()> {
        let name = name.to_owned();
        let doing = "write a fact about the installation";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO meta (name, value) VALUES ($1, $2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    params![name, value],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }
}
