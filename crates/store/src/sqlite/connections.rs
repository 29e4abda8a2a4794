//! Connections, in the table `connections`.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Connection, ConnectionId, TenantId};
use notion::Id;
use rusqlite::{Row, params};
use vault::Sealed;

use super::{SqliteStore, failed};
use crate::{Connections, Result, StoreError, StoredConnection};

#[async_trait]
impl Connections for SqliteStore {
    async fn put_connection(&self, stored: StoredConnection) -> Result<()> {
        let doing = "keep a connection";
        self.writer
            .run(doing, move |db| {
                let StoredConnection { connection, token } = stored;
                db.execute(
                    "INSERT INTO connections
                     (tenant, bot_id, name, workspace_id, workspace_name, authorized_at, token)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT (tenant, bot_id) DO UPDATE SET name = excluded.name,
                     workspace_id = excluded.workspace_id, workspace_name = excluded.workspace_name,
                     authorized_at = excluded.authorized_at, token = excluded.token",
                    params![
                        connection.tenant.as_str(),
                        connection.bot_id.to_string(),
                        connection.name,
                        connection.workspace_id.map(|id| id.to_string()),
                        connection.workspace_name,
                        connection.authorized_at.as_microsecond(),
                        token.as_bytes(),
                    ],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn all_connections(&self) -> Result<Vec<StoredConnection>> {
        let doing = "read the connections";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached(
                        "SELECT tenant, bot_id, name, workspace_id, workspace_name, authorized_at, \
                         token FROM connections ORDER BY tenant, authorized_at, bot_id",
                    )
                    .map_err(failed(doing))?;
                let rows = query.query_map([], read_row).map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }
}

struct Lookup {
    tenant: String,
    bot_id: String,
    name: String,
    workspace_id: Option<String>,
    workspace_name: Option<String>,
    authorized_at: i64,
    token: Vec<u8>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Lookup> {
    Ok(Lookup {
        tenant: row.get(0)?,
        bot_id: row.get(1)?,
        name: row.get(2)?,
        workspace_id: row.get(3)?,
        workspace_name: row.get(4)?,
        authorized_at: row.get(5)?,
        token: row.get(6)?,
    })
}

impl TryFrom<Lookup> for StoredConnection {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let nonsense = |column| StoreError::Inconsistent {
            table: "connections",
            column,
            row: row.bot_id.clone(),
        };
        let bot_id = Id::parse(&row.bot_id).ok_or_else(|| nonsense("bot_id"))?;
        let workspace_id = row
            .workspace_id
            .as_deref()
            .map(|id| Id::parse(id).ok_or_else(|| nonsense("workspace_id")))
            .transpose()?;
        let authorized_at = Timestamp::from_microsecond(row.authorized_at)
            .map_err(|_| nonsense("authorized_at"))?;
        Ok(Self {
            connection: Connection {
                bot_id: ConnectionId(bot_id),
                tenant: TenantId::new(row.tenant),
                name: row.name,
                workspace_id,
                workspace_name: row.workspace_name,
                authorized_at,
            },
            token: Sealed::from_bytes(row.token),
        })
    }
}
