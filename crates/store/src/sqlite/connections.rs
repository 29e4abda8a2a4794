//! Connections and credentials, in the tables `connections` and `credentials`.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Connection, ConnectionId, TenantId};
use notion::Id;
use rusqlite::{Row, params};
use vault::Sealed;

use super::{SqliteStore, failed};
use crate::{
    Connections, Credential, CredentialChange, Result, Slot, StoreError, StoredConnection,
};

/// How often emptying the journal is tried; each time SQLite waits for others itself.
const SCRUB_TRIES: u32 = 3;

#[async_trait]
impl Connections for SqliteStore {
    async fn put_connection(&self, connection: Connection, change: CredentialChange) -> Result<()> {
        let doing = "keep a connection";
        self.writer
            .run(doing, move |db| {
                // The jobs of a group share a transaction; a savepoint makes this one whole.
                let whole = db.savepoint().map_err(failed(doing))?;
                put(&whole, &connection, &change).map_err(failed(doing))?;
                whole.commit().map_err(failed(doing))
            })
            .await
    }

    async fn all_connections(&self) -> Result<Vec<StoredConnection>> {
        let doing = "read the connections";
        self.reader
            .run(doing, move |db| {
                // One snapshot for both tables.
                let snapshot = db.transaction().map_err(failed(doing))?;
                let mut credentials = read_credentials(&snapshot)?;
                let mut query =
                    snapshot.prepare_cached(SELECT_CONNECTIONS).map_err(failed(doing))?;
                let rows = query.query_map([], read_row).map_err(failed(doing))?;
                rows.map(|row| {
                    let connection: Connection = row.map_err(failed(doing))?.try_into()?;
                    let name = (connection.tenant.clone(), connection.bot_id);
                    let mut own = credentials.remove(&name).unwrap_or_default();
                    own.sort_by_key(|credential| credential.slot);
                    Ok(StoredConnection { connection, credentials: own })
                })
                .collect()
            })
            .await
    }

    async fn touch_connections(
        &self,
        uses: Vec<(TenantId, ConnectionId, Timestamp)>,
    ) -> Result<()> {
        let doing = "note when connections were used";
        self.writer
            .run(doing, move |db| {
                let mut touch = db
                    .prepare_cached(
                        "UPDATE connections SET last_used_at = max(coalesce(last_used_at, $1), $1)
                         WHERE tenant = $2 AND bot_id = $3",
                    )
                    .map_err(failed(doing))?;
                for (tenant, bot_id, at) in uses {
                    touch
                        .execute(params![at.as_microsecond(), tenant.as_str(), bot_id.to_string()])
                        .map_err(failed(doing))?;
                }
                Ok(())
            })
            .await
    }

    async fn scrub(&self) -> Result<()> {
        let doing = "empty the journal";
        for _ in 0..SCRUB_TRIES {
            // On the reader's connection, because the writer's may be in a transaction. What is deleted
            // is overwritten in its page (`secure_delete`); the journal holds the page of before until
            // it is emptied.
            let emptied = self
                .reader
                .run(doing, move |db| {
                    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
                    let busy: i64 =
                        db.query_row(checkpoint, [], |row| row.get(0)).map_err(failed(doing))?;
                    Ok(busy == 0)
                })
                .await?;
            if emptied {
                return Ok(());
            }
        }
        Err(StoreError::Foreign(
            "the database's journal cannot be emptied: another program has it open".to_owned(),
        ))
    }

    async fn remove_connection(&self, tenant: &TenantId, bot_id: ConnectionId) -> Result<bool> {
        let name = (tenant.as_str().to_owned(), bot_id.to_string());
        let doing = "remove a connection";
        self.writer
            .run(doing, move |db| {
                let whole = db.savepoint().map_err(failed(doing))?;
                let delete = |table| {
                    let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND bot_id = $2");
                    whole.execute(&sql, params![name.0, name.1])
                };
                delete("credentials").map_err(failed(doing))?;
                let removed = delete("connections").map_err(failed(doing))?;
                whole.commit().map_err(failed(doing))?;
                Ok(removed == 1)
            })
            .await
    }
}

fn put(
    db: &rusqlite::Connection,
    connection: &Connection,
    change: &CredentialChange,
) -> rusqlite::Result<()> {
    let tenant = connection.tenant.as_str();
    let bot_id = connection.bot_id.to_string();
    let text = |id: Option<Id>| id.map(|id| id.to_string());
    db.prepare_cached(
        "INSERT INTO connections
         (tenant, bot_id, name, kind, workspace_id, workspace_name, workspace_icon, owner,
          duplicated_template_id, capabilities, writer, origin, state, state_reason, authorized_at,
          authorized_by, rotated_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (tenant, bot_id) DO UPDATE SET name = excluded.name, kind = excluded.kind,
         workspace_id = excluded.workspace_id, workspace_name = excluded.workspace_name,
         workspace_icon = excluded.workspace_icon, owner = excluded.owner,
         duplicated_template_id = excluded.duplicated_template_id,
         capabilities = excluded.capabilities, writer = excluded.writer, origin = excluded.origin,
         state = excluded.state, state_reason = excluded.state_reason,
         authorized_at = excluded.authorized_at, authorized_by = excluded.authorized_by,
         rotated_at = excluded.rotated_at,
         last_used_at = max(coalesce(excluded.last_used_at, last_used_at),
                            coalesce(last_used_at, excluded.last_used_at))",
    )?
    .execute(params![
        tenant,
        bot_id,
        connection.name,
        connection.kind.as_str(),
        text(connection.workspace_id),
        connection.workspace_name,
        connection.workspace_icon,
        connection.owner.as_ref().map(to_json),
        text(connection.duplicated_template_id),
        connection.capabilities.as_ref().map(to_json),
        connection.writer.as_ref().map(to_json),
        connection.origin.as_str(),
        connection.state.as_str(),
        connection.state_reason,
        connection.authorized_at.as_microsecond(),
        connection.authorized_by,
        connection.rotated_at.as_microsecond(),
        connection.last_used_at.map(Timestamp::as_microsecond),
    ])?;
    let mut delete = db.prepare_cached(
        "DELETE FROM credentials WHERE tenant = $1 AND bot_id = $2 AND slot = $3",
    )?;
    for slot in &change.delete {
        delete.execute(params![tenant, bot_id, slot.as_str()])?;
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO credentials (tenant, bot_id, slot, sealed, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, bot_id, slot) DO UPDATE SET sealed = excluded.sealed,
         since = excluded.since",
    )?;
    for Credential { slot, sealed, since } in &change.put {
        let since = since.as_microsecond();
        insert.execute(params![tenant, bot_id, slot.as_str(), sealed.as_bytes(), since])?;
    }
    Ok(())
}

fn to_json(value: &impl serde::Serialize) -> String {
    // INVARIANT: lists of texts, small structs and JSON itself always have a JSON form.
    serde_json::to_string(value).expect("a plain value is JSON")
}

type Name = (TenantId, ConnectionId);

fn read_credentials(db: &rusqlite::Connection) -> Result<HashMap<Name, Vec<Credential>>> {
    let doing = "read the credentials";
    let mut query = db
        .prepare_cached("SELECT tenant, bot_id, slot, sealed, since FROM credentials")
        .map_err(failed(doing))?;
    let mut rows = query.query([]).map_err(failed(doing))?;
    let mut all: HashMap<Name, Vec<Credential>> = HashMap::new();
    while let Some(row) = rows.next().map_err(failed(doing))? {
        let text = |index| row.get::<_, String>(index).map_err(failed(doing));
        let (tenant, bot_id, slot) = (text(0)?, text(1)?, text(2)?);
        let sealed: Vec<u8> = row.get(3).map_err(failed(doing))?;
        let since: i64 = row.get(4).map_err(failed(doing))?;
        let nonsense = |column| StoreError::Inconsistent {
            table: "credentials",
            column,
            row: format!("{tenant}/{bot_id}/{slot}"),
        };
        let bot_id = ConnectionId(Id::parse(&bot_id).ok_or_else(|| nonsense("bot_id"))?);
        let credential = Credential {
            slot: Slot::parse(&slot).ok_or_else(|| nonsense("slot"))?,
            sealed: Sealed::from_bytes(sealed),
            since: Timestamp::from_microsecond(since).map_err(|_| nonsense("since"))?,
        };
        all.entry((TenantId::new(tenant), bot_id)).or_default().push(credential);
    }
    Ok(all)
}

const SELECT_CONNECTIONS: &str = "SELECT tenant, bot_id, name, kind, workspace_id, workspace_name, \
    workspace_icon, owner, duplicated_template_id, capabilities, writer, origin, state, state_reason, \
    authorized_at, authorized_by, rotated_at, last_used_at FROM connections \
    ORDER BY tenant, authorized_at, bot_id";

struct Lookup {
    tenant: String,
    bot_id: String,
    name: String,
    kind: String,
    workspace_id: Option<String>,
    workspace_name: Option<String>,
    workspace_icon: Option<String>,
    owner: Option<String>,
    duplicated_template_id: Option<String>,
    capabilities: Option<String>,
    writer: Option<String>,
    origin: String,
    state: String,
    state_reason: Option<String>,
    authorized_at: i64,
    authorized_by: String,
    rotated_at: i64,
    last_used_at: Option<i64>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Lookup> {
    Ok(Lookup {
        tenant: row.get(0)?,
        bot_id: row.get(1)?,
        name: row.get(2)?,
        kind: row.get(3)?,
        workspace_id: row.get(4)?,
        workspace_name: row.get(5)?,
        workspace_icon: row.get(6)?,
        owner: row.get(7)?,
        duplicated_template_id: row.get(8)?,
        capabilities: row.get(9)?,
        writer: row.get(10)?,
        origin: row.get(11)?,
        state: row.get(12)?,
        state_reason: row.get(13)?,
        authorized_at: row.get(14)?,
        authorized_by: row.get(15)?,
        rotated_at: row.get(16)?,
        last_used_at: row.get(17)?,
    })
}

impl TryFrom<Lookup> for Connection {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let nonsense = |column| StoreError::Inconsistent {
            table: "connections",
            column,
            row: row.bot_id.clone(),
        };
        let id = |column, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|id| Id::parse(id).ok_or_else(|| nonsense(column))).transpose()
        };
        let time = |column, at| Timestamp::from_microsecond(at).map_err(|_| nonsense(column));
        Ok(Self {
            bot_id: ConnectionId(Id::parse(&row.bot_id).ok_or_else(|| nonsense("bot_id"))?),
            kind: row.kind.parse().map_err(|_| nonsense("kind"))?,
            workspace_id: id("workspace_id", &row.workspace_id)?,
            owner: from_json(row.owner.as_deref()).map_err(|_| nonsense("owner"))?,
            duplicated_template_id: id("duplicated_template_id", &row.duplicated_template_id)?,
            capabilities: from_json(row.capabilities.as_deref())
                .map_err(|_| nonsense("capabilities"))?,
            writer: from_json(row.writer.as_deref()).map_err(|_| nonsense("writer"))?,
            origin: row.origin.parse().map_err(|_| nonsense("origin"))?,
            state: row.state.parse().map_err(|_| nonsense("state"))?,
            authorized_at: time("authorized_at", row.authorized_at)?,
            rotated_at: time("rotated_at", row.rotated_at)?,
            last_used_at: row.last_used_at.map(|at| time("last_used_at", at)).transpose()?,
            tenant: TenantId::new(row.tenant),
            name: row.name,
            workspace_name: row.workspace_name,
            workspace_icon: row.workspace_icon,
            state_reason: row.state_reason,
            authorized_by: row.authorized_by,
        })
    }
}

fn from_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> serde_json::Result<Option<T>> {
    text.map(serde_json::from_str).transpose()
}
