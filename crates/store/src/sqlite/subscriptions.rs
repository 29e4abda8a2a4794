//! Webhook subscriptions, in the tables `webhook_pairings` and `webhook_subscriptions`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use rusqlite::params;
use vault::Sealed;

use super::{SqliteStore, failed};
use crate::{Result, StoreError, StoredPairing, StoredSubscription, Subscriptions};

#[async_trait]
impl Subscriptions for SqliteStore {
    async fn put_pairing(&self, pairing: StoredPairing) -> Result<()> {
        let doing = "keep the pairing of webhooks";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO webhook_pairings 
                     (tenant, hook, state, open_until, opened_by, subscription)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (tenant) DO UPDATE SET hook = excluded.hook,
                     state = excluded.state, open_until = excluded.open_until,
                     opened_by = excluded.opened_by, subscription = excluded.subscription",
                    params![
                        pairing.tenant.as_str(),
                        pairing.hook,
                        pairing.state,
                        pairing.open_until.as_microsecond(),
                        pairing.opened_by,
                        pairing.subscription,
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn all_pairings(&self) -> Result<Vec<StoredPairing>> {
        let doing = "read the pairings of webhooks";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT tenant, hook, state, open_until, opened_by, subscription
                         FROM webhook_pairings ORDER BY tenant",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        Ok((
                            row.get::<_, String>(0)?,
                            row.get(1)?,
                            row.get(2)?,
                            row.get::<_, i64>(3)?,
                            row.get(4)?,
                            row.get(5)?,
                        ))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (tenant, hook, state, until, opened_by, subscription) =
                        row.map_err(failed(doing))?;
                    let open_until = Timestamp::from_microsecond(until)
                        .map_err(|_| nonsense("webhook_pairings", "open_until", &tenant))?;
                    let tenant = TenantId::new(tenant);
                    Ok(StoredPairing { tenant, hook, state, open_until, opened_by, subscription })
                })
                .collect()
            })
            .await
    }

    async fn put_subscription(&self, subscription: StoredSubscription) -> Result<()> {
        let doing = "keep a webhook subscription";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO webhook_subscriptions
                     (tenant, id, token, created_at, created_by, notion_id, integration_id)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (tenant, id) DO UPDATE SET notion_id = excluded.notion_id,
                     integration_id = excluded.integration_id",
                    params![
                        subscription.tenant.as_str(),
                        subscription.id,
                        subscription.token.as_bytes(),
                        subscription.created_at.as_microsecond(),
                        subscription.created_by,
                        subscription.notion_id,
                        subscription.integration_id,
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn all_subscriptions(&self) -> Result<Vec<StoredSubscription>> {
        let doing = "read the webhook subscriptions";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT tenant, id, token, created_at, created_by, notion_id, integration_id
                         FROM webhook_subscriptions ORDER BY tenant, created_at, id",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        let at: i64 = row.get(3)?;
                        let subscription = StoredSubscription {
                            tenant: TenantId::new(row.get::<_, String>(0)?),
                            id: row.get(1)?,
                            token: Sealed::from_bytes(row.get(2)?),
                            created_at: Timestamp::UNIX_EPOCH,
                            created_by: row.get(4)?,
                            notion_id: row.get(5)?,
                            integration_id: row.get(6)?,
                        };
                        Ok((at, subscription))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (at, subscription) = row.map_err(failed(doing))?;
                    let created_at = Timestamp::from_microsecond(at).map_err(|_| {
                        nonsense("webhook_subscriptions", "created_at", &subscription.id)
                    })?;
                    Ok(StoredSubscription { created_at, ..subscription })
                })
                .collect()
            })
            .await
    }

    async fn delete_subscription(&self, tenant: &TenantId, id: &str) -> Result<bool> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        let doing = "forget a webhook subscription";
        self.writer
            .run(doing, move |db| {
                let gone = db
                    .execute(
                        "DELETE FROM webhook_subscriptions WHERE tenant = ?1 AND id = ?2",
                        params![tenant.as_str(), id],
                    )
                    .map_err(failed(doing))?;
                Ok(gone > 0)
            })
            .await
    }
}

fn nonsense(table: &'static str, column: &'static str, row: &str) -> StoreError {
    StoreError::Inconsistent { table, column, row: row.to_owned() }
}
