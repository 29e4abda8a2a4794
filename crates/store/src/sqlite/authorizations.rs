//! MCP clients and grants, in the tables `oauth_clients` and `oauth_grants`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{KeyId, TenantId};
use rusqlite::params;

use super::{SqliteStore, failed};
use crate::{Authorizations, Result, StoreError, StoredClient, StoredGrant};

#[async_trait]
impl Authorizations for SqliteStore {
    async fn all_clients(&self) -> Result<Vec<StoredClient>> {
        let doing = "read the clients";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT id, name, redirect_uris, auth_method, secret_hash, created_at, used_at,
                         tenant FROM oauth_clients ORDER BY created_at, id",
                    )
                    .map_err(failed(doing))?;
                let rows = query.query_map([], |row| {
                    let (id, uris): (String, String) = (row.get(0)?, row.get(2)?);
                    let (created, used): (i64, Option<i64>) = (row.get(5)?, row.get(6)?);
                    let client = StoredClient {
                        id: id.clone(),
                        name: row.get(1)?,
                        redirect_uris: Vec::new(),
                        auth_method: row.get(3)?,
                        secret_hash: row.get(4)?,
                        created_at: Timestamp::UNIX_EPOCH,
                        used_at: None,
                        tenant: row.get::<_, Option<String>>(7)?.map(TenantId::new),
                    };
                    Ok((client, uris, created, used))
                });
                let rows = rows.map_err(failed(doing))?;
                let mut clients = Vec::new();
                for row in rows {
                    let (client, uris, created, used) = row.map_err(failed(doing))?;
                    let nonsense = |column| StoreError::Inconsistent {
                        table: "oauth_clients",
                        column,
                        row: client.id.clone(),
                    };
                    let time = |column, value| {
                        Timestamp::from_microsecond(value).map_err(|_| nonsense(column))
                    };
                    let redirect_uris =
                        serde_json::from_str(&uris).map_err(|_| nonsense("redirect_uris"))?;
                    let created_at = time("created_at", created)?;
                    let used_at = used.map(|at| time("used_at", at)).transpose()?;
                    clients.push(StoredClient { redirect_uris, created_at, used_at, ..client });
                }
                Ok(clients)
            })
            .await
    }

    async fn put_client(&self, client: StoredClient) -> Result<()> {
        let doing = "keep a client";
        self.writer
            .run(doing, move |db| {
                // INVARIANT: a list of texts always has a JSON form.
                let uris = serde_json::to_string(&client.redirect_uris).expect("texts are JSON");
                db.execute(
                    "INSERT INTO oauth_clients
                     (id, name, redirect_uris, auth_method, secret_hash, created_at, used_at, tenant)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT (id) DO UPDATE SET name = excluded.name,
                      redirect_uris = excluded.redirect_uris, used_at = excluded.used_at",
                    params![
                        client.id,
                        client.name,
                        uris,
                        client.auth_method,
                        client.secret_hash,
                        client.created_at.as_microsecond(),
                        client.used_at.map(Timestamp::as_microsecond),
                        client.tenant.as_ref().map(TenantId::as_str),
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn delete_clients(&self, ids: Vec<String>) -> Result<()> {
        let doing = "forget clients";
        self.writer
            .run(doing, move |db| {
                for id in ids {
                    db.execute("DELETE FROM oauth_clients WHERE id = $1", [id])
                        .map_err(failed(doing))?;
                }
                Ok(())
            })
            .await
    }

    async fn all_grants(&self) -> Result<Vec<StoredGrant>> {
        let doing = "read the grants";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT key, tenant, client_id, issuer, resource, scope, subject, client_name,
                         redirect, generation, rotated_at FROM oauth_grants",
                    )
                    .map_err(failed(doing))?;
                let rows = query.query_map([], |row| {
                    let texts: [String; 9] = [
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                        row.get(7)?,
                        row.get(8)?,
                    ];
                    Ok((texts, row.get(9)?, row.get(10)?))
                });
                let rows = rows.map_err(failed(doing))?;
                let mut grants = Vec::new();
                for row in rows {
                    let (texts, generation, rotated): (_, u32, i64) = row.map_err(failed(doing))?;
                    let [key, tenant, client_id, issuer, resource, scope, subject, name, redirect] =
                        texts;
                    let nonsense = |column| StoreError::Inconsistent {
                        table: "oauth_grants",
                        column,
                        row: key.clone(),
                    };
                    let rotated_at = Timestamp::from_microsecond(rotated)
                        .map_err(|_| nonsense("rotated_at"))?;
                    grants.push(StoredGrant {
                        key: KeyId::parse(&key).ok_or_else(|| nonsense("key"))?,
                        tenant: TenantId::new(tenant),
                        client_id,
                        client_name: name,
                        redirect,
                        issuer,
                        resource,
                        scope,
                        subject,
                        generation,
                        rotated_at,
                    });
                }
                Ok(grants)
            })
            .await
    }

    async fn add_grant(&self, grant: StoredGrant) -> Result<()> {
        let doing = "keep a grant";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO oauth_grants
                     (key, tenant, client_id, issuer, resource, scope, subject, generation, rotated_at,
                      client_name, redirect)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                    params![
                        grant.key.as_str(),
                        grant.tenant.as_str(),
                        grant.client_id,
                        grant.issuer,
                        grant.resource,
                        grant.scope,
                        grant.subject,
                        grant.generation,
                        grant.rotated_at.as_microsecond(),
                        grant.client_name,
                        grant.redirect,
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn rotate_grant(
        &self,
        tenant: &TenantId,
        key: &KeyId,
        before: u32,
        at: Timestamp,
    ) -> Result<bool> {
        let (tenant, key) = (tenant.clone(), key.clone());
        let doing = "replace a refresh token";
        self.writer
            .run(doing, move |db| {
                let changed = db
                    .execute(
                        "UPDATE oauth_grants SET generation = $1 + 1, rotated_at = $2
                         WHERE tenant = $3 AND key = $4 AND generation = $1",
                        params![before, at.as_microsecond(), tenant.as_str(), key.as_str()],
                    )
                    .map_err(failed(doing))?;
                Ok(changed == 1)
            })
            .await
    }
}
