//! A tenant's own policies, in the table `policies`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use rusqlite::{Row, params};

use super::{SqliteStore, failed};
use crate::{PolicyVersions, Result, StoreError, StoredPolicies};

const COLUMNS: &str = "tenant, version, text, made_at, made_by, note";

#[async_trait]
impl PolicyVersions for SqliteStore {
    async fn add_policies(&self, policies: StoredPolicies, keep: u64) -> Result<bool> {
        let doing = "keep policies";
        self.writer
            .run(doing, move |db| {
                let version = policies.version.cast_signed();
                let added = db
                    .execute(
                        "INSERT INTO policies (tenant, version, text, made_at, made_by, note)
                         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, version) DO NOTHING",
                        params![
                            policies.tenant.as_str(),
                            version,
                            policies.text,
                            policies.made_at.as_microsecond(),
                            policies.made_by,
                            policies.note,
                        ],
                    )
                    .map_err(failed(doing))?;
                db.execute(
                    "DELETE FROM policies WHERE tenant = $1 AND version <= $2",
                    params![policies.tenant.as_str(), version.saturating_sub(keep.cast_signed())],
                )
                .map_err(failed(doing))?;
                Ok(added == 1)
            })
            .await
    }

    async fn newest_policies(&self) -> Result<Vec<StoredPolicies>> {
        let doing = "read the policies";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM policies AS p WHERE version =
                     (SELECT max(version) FROM policies WHERE tenant = p.tenant) ORDER BY tenant"
                );
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let rows = query.query_map([], Lookup::read).map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn policy_versions(&self, tenant: &TenantId) -> Result<Vec<StoredPolicies>> {
        let tenant = tenant.as_str().to_owned();
        let doing = "read the versions of the policies";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM policies WHERE tenant = $1 ORDER BY version DESC"
                );
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let rows = query.query_map([tenant], Lookup::read).map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }
}

struct Lookup {
    tenant: String,
    version: i64,
    text: String,
    made_at: i64,
    made_by: String,
    note: String,
}

impl Lookup {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            tenant: row.get(0)?,
            version: row.get(1)?,
            text: row.get(2)?,
            made_at: row.get(3)?,
            made_by: row.get(4)?,
            note: row.get(5)?,
        })
    }
}

impl TryFrom<Lookup> for StoredPolicies {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let nonsense = |column| StoreError::Inconsistent {
            table: "policies",
            column,
            row: format!("{}/{}", row.tenant, row.version),
        };
        Ok(Self {
            version: u64::try_from(row.version).map_err(|_| nonsense("version"))?,
            made_at: Timestamp::from_microsecond(row.made_at).map_err(|_| nonsense("made_at"))?,
            tenant: TenantId::new(row.tenant),
            text: row.text,
            made_by: row.made_by,
            note: row.note,
        })
    }
}
