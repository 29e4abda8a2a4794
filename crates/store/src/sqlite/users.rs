//! Users, in the table `users`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::user::{User, UserId};
use model::{ConnectionId, TenantId};
use notion::Id;
use rusqlite::params;

use super::{SqliteStore, failed};
use crate::{Result, StoreError, Users};

#[async_trait]
impl Users for SqliteStore {
    async fn put_user(&self, user: User) -> Result<()> {
        let doing = "keep a user";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "INSERT INTO users (tenant, id, email, role, bot_id, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (tenant, id) DO UPDATE SET email = excluded.email,
                     role = excluded.role, bot_id = excluded.bot_id",
                    params![
                        user.tenant.as_str(),
                        user.id.to_string(),
                        user.email,
                        user.role.as_str(),
                        user.bot_id.map(|id| id.to_string()),
                        user.created_at.as_microsecond(),
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn all_users(&self) -> Result<Vec<User>> {
        let doing = "read the users";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT tenant, id, email, role, bot_id, created_at FROM users
                         ORDER BY created_at DESC, id",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        Ok(Lookup {
                            tenant: row.get(0)?,
                            id: row.get(1)?,
                            email: row.get(2)?,
                            role: row.get(3)?,
                            bot_id: row.get(4)?,
                            created_at: row.get(5)?,
                        })
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn delete_user(&self, tenant: &TenantId, id: UserId) -> Result<bool> {
        let name = (tenant.as_str().to_owned(), id.to_string());
        let doing = "delete a user";
        self.writer
            .run(doing, move |db| {
                let sql = "DELETE FROM users WHERE tenant = $1 AND id = $2";
                let deleted = db.execute(sql, params![name.0, name.1]).map_err(failed(doing))?;
                Ok(deleted == 1)
            })
            .await
    }
}

struct Lookup {
    tenant: String,
    id: String,
    email: String,
    role: String,
    bot_id: Option<String>,
    created_at: i64,
}

impl TryFrom<Lookup> for User {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let nonsense =
            |column| StoreError::Inconsistent { table: "users", column, row: row.id.clone() };
        let bot_id = row
            .bot_id
            .as_deref()
            .map(|id| Id::parse(id).map(ConnectionId).ok_or_else(|| nonsense("bot_id")))
            .transpose()?;
        Ok(Self {
            id: UserId(Id::parse(&row.id).ok_or_else(|| nonsense("id"))?),
            role: row.role.parse().map_err(|_| nonsense("role"))?,
            created_at: Timestamp::from_microsecond(row.created_at)
                .map_err(|_| nonsense("created_at"))?,
            tenant: TenantId::new(row.tenant),
            email: row.email,
            bot_id,
        })
    }
}
