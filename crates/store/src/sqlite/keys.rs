//! Keys, in the table `keys`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::user::UserId;
use model::{ConnectionId, Key, KeyId, TenantId, ToolSet};
use notion::Id;
use rusqlite::{Row, params};

use super::{SqliteStore, failed};
use crate::{KeyHash, Keys, Result, StoreError, StoredKey};

#[async_trait]
impl Keys for SqliteStore {
    async fn add_key(&self, stored: StoredKey) -> Result<()> {
        let doing = "keep a key";
        self.writer
            .run(doing, move |db| {
                let StoredKey { key, hash } = stored;
                db.execute(
                    "INSERT INTO keys
                     (id, tenant, hash, name, connection, role, within, capabilities, budget,
                      created_at, created_by, expires_at, revoked_at, user, parent, may_delegate, agent,
                      auditor, tools)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                      $16, $17, $18, $19)",
                    params![
                        key.id.as_str(),
                        key.tenant.as_str(),
                        hash.0,
                        key.name,
                        key.connection.map(|id| id.to_string()),
                        key.role.as_str(),
                        to_json(&key.within),
                        to_json(&key.capabilities),
                        to_json(&key.budget),
                        key.created_at.as_microsecond(),
                        key.created_by,
                        key.expires_at.map(Timestamp::as_microsecond),
                        key.revoked_at.map(Timestamp::as_microsecond),
                        key.user.map(|user| user.to_string()),
                        key.parent.as_ref().map(KeyId::as_str),
                        key.may_delegate,
                        key.agent,
                        key.auditor,
                        key.tools.map(ToolSet::as_str),
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn all_keys(&self) -> Result<Vec<StoredKey>> {
        let doing = "read the keys";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT id, tenant, hash, name, connection, role, within, capabilities, \
                         budget, created_at, created_by, expires_at, revoked_at, user, parent, \
                         may_delegate, agent, auditor, tools FROM keys \
                         ORDER BY created_at DESC, id",
                    )
                    .map_err(failed(doing))?;
                let rows = query.query_map([], read_row).map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn revoke_key(&self, tenant: &TenantId, id: &KeyId, at: Timestamp) -> Result<bool> {
        let (tenant, id) = (tenant.clone(), id.clone());
        let doing = "end a key";
        self.writer
            .run(doing, move |db| {
                let changed = db
                    .execute(
                        "UPDATE keys SET revoked_at = coalesce(revoked_at, $1)
                         WHERE tenant = $2 AND id = $3",
                        params![at.as_microsecond(), tenant.as_str(), id.as_str()],
                    )
                    .map_err(failed(doing))?;
                Ok(changed == 1)
            })
            .await
    }
}

fn to_json(value: &impl serde::Serialize) -> String {
    // INVARIANT: lists of texts and small structs always have a JSON form.
    serde_json::to_string(value).expect("a plain value is JSON")
}

struct Lookup {
    id: String,
    tenant: String,
    hash: [u8; 32],
    name: String,
    connection: Option<String>,
    role: String,
    within: String,
    capabilities: String,
    budget: String,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    user: Option<String>,
    parent: Option<String>,
    may_delegate: bool,
    agent: Option<String>,
    auditor: bool,
    tools: Option<String>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Lookup> {
    Ok(Lookup {
        id: row.get(0)?,
        tenant: row.get(1)?,
        hash: row.get(2)?,
        name: row.get(3)?,
        connection: row.get(4)?,
        role: row.get(5)?,
        within: row.get(6)?,
        capabilities: row.get(7)?,
        budget: row.get(8)?,
        created_at: row.get(9)?,
        created_by: row.get(10)?,
        expires_at: row.get(11)?,
        revoked_at: row.get(12)?,
        user: row.get(13)?,
        parent: row.get(14)?,
        may_delegate: row.get(15)?,
        agent: row.get(16)?,
        auditor: row.get(17)?,
        tools: row.get(18)?,
    })
}

impl TryFrom<Lookup> for StoredKey {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let nonsense =
            |column| StoreError::Inconsistent { table: "keys", column, row: row.id.clone() };
        let time =
            |column, value: i64| Timestamp::from_microsecond(value).map_err(|_| nonsense(column));
        let key = Key {
            id: KeyId::parse(&row.id).ok_or_else(|| nonsense("id"))?,
            name: row.name,
            tenant: TenantId::new(row.tenant),
            connection: row
                .connection
                .map(|id| Id::parse(&id).map(ConnectionId).ok_or_else(|| nonsense("connection")))
                .transpose()?,
            role: row.role.parse().map_err(|_| nonsense("role"))?,
            within: serde_json::from_str(&row.within).map_err(|_| nonsense("within"))?,
            capabilities: serde_json::from_str(&row.capabilities)
                .map_err(|_| nonsense("capabilities"))?,
            budget: serde_json::from_str(&row.budget).map_err(|_| nonsense("budget"))?,
            user: row
                .user
                .map(|id| Id::parse(&id).map(UserId).ok_or_else(|| nonsense("user")))
                .transpose()?,
            parent: row
                .parent
                .map(|id| KeyId::parse(&id).ok_or_else(|| nonsense("parent")))
                .transpose()?,
            may_delegate: row.may_delegate,
            agent: row.agent,
            auditor: row.auditor,
            tools: row
                .tools
                .map(|tools| tools.parse().map_err(|_| nonsense("tools")))
                .transpose()?,
            created_at: time("created_at", row.created_at)?,
            created_by: row.created_by,
            expires_at: row.expires_at.map(|at| time("expires_at", at)).transpose()?,
            revoked_at: row.revoked_at.map(|at| time("revoked_at", at)).transpose()?,
        };
        Ok(Self { key, hash: KeyHash(row.hash) })
    }
}
