//! Tenants, in the table `tenants`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Tenant, TenantId};
use rusqlite::params;

use super::{SqliteStore, failed};
use crate::{Result, StoreError, Tenants};

#[async_trait]
impl Tenants for SqliteStore {
    async fn add_tenant(&self, tenant: Tenant) -> Result<bool> {
        let doing = "add a tenant";
        self.writer
            .run(doing, move |db| {
                let added = db
                    .execute(
                        "INSERT INTO tenants (name, created_at) VALUES ($1, $2)
                         ON CONFLICT (name) DO NOTHING",
                        params![tenant.name.as_str(), tenant.created_at.as_microsecond()],
                    )
                    .map_err(failed(doing))?;
                Ok(added == 1)
            })
            .await
    }

    async fn all_tenants(&self) -> Result<Vec<Tenant>> {
        let doing = "read the tenants";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached("SELECT name, created_at FROM tenants ORDER BY name")
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (name, created_at) = row.map_err(failed(doing))?;
                    let created_at = Timestamp::from_microsecond(created_at).map_err(|_| {
                        StoreError::Inconsistent {
                            table: "tenants",
                            column: "created_at",
                            row: name.clone(),
                        }
                    })?;
                    Ok(Tenant { name: TenantId::new(name), created_at })
                })
                .collect()
            })
            .await
    }
}
