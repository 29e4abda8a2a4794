//! Users, in the table `users`; groups in `user_groups`, who is in them in `group_members`.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use model::user::{Group, Identity, User, UserId};
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
                let (issuer, subject) =
                    user.identity.map(|identity| (identity.issuer, identity.subject)).unzip();
                db.execute(
                    "INSERT INTO users (tenant, id, email, role, bot_id, created_at, issuer, subject)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT (tenant, id) DO UPDATE SET email = excluded.email,
                     role = excluded.role, bot_id = excluded.bot_id, issuer = excluded.issuer,
                     subject = excluded.subject",
                    params![
                        user.tenant.as_str(),
                        user.id.to_string(),
                        user.email,
                        user.role.as_str(),
                        user.bot_id.map(|id| id.to_string()),
                        user.created_at.as_microsecond(),
                        issuer,
                        subject,
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
                let mut members: HashMap<(String, String), Vec<String>> = HashMap::new();
                let mut query = db
                    .prepare_cached("SELECT tenant, user, name FROM group_members ORDER BY name")
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
                    .map_err(failed(doing))?;
                for row in rows {
                    let (member, name) = row.map_err(failed(doing))?;
                    members.entry(member).or_default().push(name);
                }
                let mut query = db
                    .prepare_cached(
                        "SELECT tenant, id, email, role, bot_id, created_at, issuer, subject FROM users
                         ORDER BY created_at DESC, id",
                    )
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        let (tenant, id): (String, String) = (row.get(0)?, row.get(1)?);
                        Ok(Lookup {
                            groups: members.remove(&(tenant.clone(), id.clone())).unwrap_or_default(),
                            tenant,
                            id,
                            email: row.get(2)?,
                            role: row.get(3)?,
                            bot_id: row.get(4)?,
                            created_at: row.get(5)?,
                            issuer: row.get(6)?,
                            subject: row.get(7)?,
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
                let whole = db.savepoint().map_err(failed(doing))?;
                let sql = "DELETE FROM group_members WHERE tenant = $1 AND user = $2";
                whole.execute(sql, params![name.0, name.1]).map_err(failed(doing))?;
                let sql = "DELETE FROM users WHERE tenant = $1 AND id = $2";
                let deleted = whole.execute(sql, params![name.0, name.1]);
                let deleted = deleted.map_err(failed(doing))?;
                whole.commit().map_err(failed(doing))?;
                Ok(deleted == 1)
            })
            .await
    }

    async fn set_groups(&self, tenant: &TenantId, id: UserId, groups: Vec<String>) -> Result<()> {
        let (tenant, user) = (tenant.as_str().to_owned(), id.to_string());
        let doing = "put a user into groups";
        self.writer
            .run(doing, move |db| {
                let whole = db.savepoint().map_err(failed(doing))?;
                let sql = "DELETE FROM group_members WHERE tenant = $1 AND user = $2";
                whole.execute(sql, params![tenant, user]).map_err(failed(doing))?;
                let sql = "INSERT OR IGNORE INTO group_members (tenant, name, user)
                           SELECT tenant, name, $1 FROM user_groups WHERE tenant = $2 AND name = $3";
                for name in groups {
                    whole.execute(sql, params![user, tenant, name]).map_err(failed(doing))?;
                }
                whole.commit().map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn add_group(&self, group: Group) -> Result<bool> {
        let doing = "add a group";
        self.writer
            .run(doing, move |db| {
                let sql = "INSERT OR IGNORE INTO user_groups (tenant, name, created_at)
                           VALUES ($1, $2, $3)";
                let at = group.created_at.as_microsecond();
                let added = db.execute(sql, params![group.tenant.as_str(), group.name, at]);
                Ok(added.map_err(failed(doing))? == 1)
            })
            .await
    }

    async fn all_groups(&self) -> Result<Vec<Group>> {
        let doing = "read the groups";
        self.reader
            .run(doing, move |db| {
                let sql = "SELECT tenant, name, created_at FROM user_groups ORDER BY tenant, name";
                let mut query = db.prepare_cached(sql).map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        let at: i64 = row.get(2)?;
                        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, at))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (tenant, name, at) = row.map_err(failed(doing))?;
                    let created_at = Timestamp::from_microsecond(at).map_err(|_| {
                        let (table, column) = ("user_groups", "created_at");
                        StoreError::Inconsistent { table, column, row: name.clone() }
                    })?;
                    Ok(Group { tenant: TenantId::new(tenant), name, created_at })
                })
                .collect()
            })
            .await
    }

    async fn delete_group(&self, tenant: &TenantId, name: &str) -> Result<bool> {
        let group = (tenant.as_str().to_owned(), name.to_owned());
        let doing = "delete a group";
        self.writer
            .run(doing, move |db| {
                let whole = db.savepoint().map_err(failed(doing))?;
                let sql = "DELETE FROM group_members WHERE tenant = $1 AND name = $2";
                whole.execute(sql, params![group.0, group.1]).map_err(failed(doing))?;
                let sql = "DELETE FROM user_groups WHERE tenant = $1 AND name = $2";
                let deleted = whole.execute(sql, params![group.0, group.1]);
                let deleted = deleted.map_err(failed(doing))?;
                whole.commit().map_err(failed(doing))?;
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
    issuer: Option<String>,
    subject: Option<String>,
    groups: Vec<String>,
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
        let identity = row.issuer.zip(row.subject);
        Ok(Self {
            id: UserId(Id::parse(&row.id).ok_or_else(|| nonsense("id"))?),
            role: row.role.parse().map_err(|_| nonsense("role"))?,
            created_at: Timestamp::from_microsecond(row.created_at)
                .map_err(|_| nonsense("created_at"))?,
            tenant: TenantId::new(row.tenant),
            email: row.email,
            bot_id,
            identity: identity.map(|(issuer, subject)| Identity { issuer, subject }),
            groups: row.groups,
        })
    }
}
