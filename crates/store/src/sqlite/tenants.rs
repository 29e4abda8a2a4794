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
                        "INSERT INTO tenants (name, created_at, token_passthrough) VALUES ($1, $2, $3)
                         ON CONFLICT (name) DO NOTHING",
                        params![
                            tenant.name.as_str(),
                            tenant.created_at.as_microsecond(),
                            tenant.token_passthrough,
                        ],
                    )
                    .map_err(failed(doing))?;
                Ok(added == 1)
            })
            .await
    }

    async fn change_tenant(&self, tenant: Tenant) -> Result<bool> {
        let doing = "change a tenant";
        self.writer
            .run(doing, move |db| {
                let changed = db
                    .execute(
                        "UPDATE tenants SET token_passthrough = $1 WHERE name = $2",
                        params![tenant.token_passthrough, tenant.name.as_str()],
                    )
                    .map_err(failed(doing))?;
                Ok(changed == 1)
            })
            .await
    }

    async fn all_tenants(&self) -> Result<Vec<Tenant>> {
        let doing = "read the tenants";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT name, created_at, token_passthrough FROM tenants ORDER BY name",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        let name: String = row.get(0)?;
                        Ok((name, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (name, created_at, token_passthrough) = row.map_err(failed(doing))?;
                    let created_at = Timestamp::from_microsecond(created_at).map_err(|_| {
                        StoreError::Inconsistent {
                            table: "tenants",
                            column: "created_at",
                            row: name.clone(),
                        }
                    })?;
                    Ok(Tenant { name: TenantId::new(name), created_at, token_passthrough })
                })
                .collect()
            })
            .await
    }
}
