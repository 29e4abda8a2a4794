//! The inbox, in the tables `inbox` and `inbox_work`.
//!
//! An object that has events waiting has one row in `inbox_work`, so that looking for what is due
//! costs as much as there is to do, however many events of however few objects wait.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, failed};
use crate::{
    Due, EventFilter, EventState, Inbox, ObjectWork, Result, StoreError, StoredEvent, WorkEnd,
};

const COLUMNS: &str = "tenant, event, subscription, received_at, type, entity_type, entity, at, \
                       attempts, state, last_error, body";
/// Rows that are forgotten at once: the writer is for everybody.
const PRUNED_MAX: u32 = 1000;

#[async_trait]
impl Inbox for SqliteStore {
    async fn accept_event(&self, event: StoredEvent, due: Due) -> Result<bool> {
        let doing = "take an event in";
        self.writer
            .run(doing, move |db| apart(db, |db| accept(db, &event, due)).map_err(failed(doing)))
            .await
    }

    async fn due_work(
        &self,
        now: Timestamp,
        absurd: Timestamp,
        limit: u32,
    ) -> Result<Vec<ObjectWork>> {
        let doing = "look for work that is due";
        self.reader
            .run(doing, move |db| {
                let (mut work, mut tenant) = (Vec::new(), String::new());
                // From tenant to tenant by the index, so that a long queue hides nobody's.
                while let Some(next) = tenant_after(db, &tenant).map_err(failed(doing))? {
                    for sql in [
                        "SELECT entity, attempts FROM inbox_work
                         WHERE tenant = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
                        "SELECT entity, attempts FROM inbox_work
                         WHERE tenant = ?1 AND due_at > ?2 ORDER BY due_at DESC LIMIT ?3",
                    ] {
                        let bound = if sql.contains("<=") { now } else { absurd };
                        let mut query = db.prepare_cached(sql).map_err(failed(doing))?;
                        let rows = query
                            .query_map(params![next, bound.as_microsecond(), limit], |row| {
                                let tenant = TenantId::new(next.as_str());
                                Ok(ObjectWork {
                                    tenant,
                                    entity: row.get(0)?,
                                    attempts: row.get(1)?,
                                })
                            })
                            .map_err(failed(doing))?;
                        for row in rows {
                            work.push(row.map_err(failed(doing))?);
                        }
                    }
                    tenant = next;
                }
                Ok(work)
            })
            .await
    }

    async fn next_work(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let doing = "look for work to come";
        self.reader
            .run(doing, move |db| {
                let next: Option<i64> = db
                    .prepare_cached("SELECT min(due_at) FROM inbox_work WHERE due_at > ?1")
                    .and_then(|mut query| query.query_row([now.as_microsecond()], |row| row.get(0)))
                    .map_err(failed(doing))?;
                Ok(next.and_then(|at| Timestamp::from_microsecond(at).ok()))
            })
            .await
    }

    async fn waiting_events(
        &self,
        tenant: &TenantId,
        entity: &str,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let (tenant, entity) = (tenant.clone(), entity.to_owned());
        let doing = "read the events of an object";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM inbox WHERE tenant = ?1 AND entity = ?2 \
                     AND state = 'new' ORDER BY at, event LIMIT ?3"
                );
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let rows = query
                    .query_map(params![tenant.as_str(), entity, limit], read_row)
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn end_work(&self, work: ObjectWork, events: Vec<String>, end: WorkEnd) -> Result<()> {
        let doing = "write down how work ended";
        self.writer
            .run(doing, move |db| {
                apart(db, |db| conclude(db, &work, &events, &end)).map_err(failed(doing))
            })
            .await
    }

    async fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<StoredEvent>> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        let doing = "look for an event";
        self.reader
            .run(doing, move |db| {
                let sql = format!("SELECT {COLUMNS} FROM inbox WHERE tenant = ?1 AND event = ?2");
                let row = db.prepare_cached(&sql).and_then(|mut query| {
                    query.query_row(params![tenant.as_str(), id], read_row).optional()
                });
                row.map_err(failed(doing))?.map(TryInto::try_into).transpose()
            })
            .await
    }

    async fn list_events(
        &self,
        tenant: &TenantId,
        filter: EventFilter,
        before: Option<String>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let tenant = tenant.clone();
        let doing = "list events";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM inbox WHERE tenant = ?1 AND (?2 IS NULL OR seq < \
                     (SELECT seq FROM inbox WHERE tenant = ?1 AND event = ?2)) \
                     AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR type = ?4) \
                     AND (?5 IS NULL OR entity = ?5) ORDER BY seq DESC LIMIT ?6"
                );
                let mut query = db.prepare_cached(&sql).map_err(failed(doing))?;
                let state = filter.state.map(EventState::as_str);
                let rows = query
                    .query_map(
                        params![tenant.as_str(), before, state, filter.kind, filter.object, limit],
                        read_row,
                    )
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn replay_event(&self, tenant: &TenantId, id: &str, now: Timestamp) -> Result<bool> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        let doing = "let an event be worked again";
        self.writer
            .run(doing, move |db| {
                apart(db, |db| {
                    let entity: Option<String> = db
                        .prepare_cached(
                            "UPDATE inbox SET state = 'new', attempts = 0, last_error = NULL
                             WHERE tenant = ?1 AND event = ?2 RETURNING entity",
                        )?
                        .query_row(params![tenant.as_str(), id], |row| row.get(0))
                        .optional()?;
                    let Some(entity) = entity else { return Ok(false) };
                    db.prepare_cached(
                        "INSERT INTO inbox_work (tenant, entity, first_at, due_at, attempts)
                         VALUES (?1, ?2, ?3, ?3, 0) ON CONFLICT (tenant, entity) DO UPDATE SET
                         due_at = excluded.due_at, attempts = 0",
                    )?
                    .execute(params![
                        tenant.as_str(),
                        entity,
                        now.as_microsecond()
                    ])?;
                    Ok(true)
                })
                .map_err(failed(doing))
            })
            .await
    }

    async fn stop_events(&self, tenant: &TenantId, subscription: &str, why: &str) -> Result<()> {
        let (tenant, subscription) = (tenant.clone(), subscription.to_owned());
        let why = why.to_owned();
        let doing = "give up the events of a subscription";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "UPDATE inbox SET state = 'dead', last_error = ?3
                     WHERE tenant = ?1 AND subscription = ?2 AND state = 'new'",
                    params![tenant.as_str(), subscription, why],
                )
                .map_err(failed(doing))?;
                Ok(())
            })
            .await
    }

    async fn unrecorded_events(&self) -> Result<Vec<StoredEvent>> {
        let doing = "look for events that the ledger knows nothing of";
        self.reader
            .run(doing, move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM inbox WHERE NOT EXISTS (SELECT 1 FROM ledger \
                     WHERE ledger.tenant = inbox.tenant AND ledger.request_id = inbox.event \
                     AND ledger.operation = 'receive-event' AND ledger.result = 'success') \
                     AND received_at >= (SELECT coalesce(max(kept_from), 0) FROM ledger_pruned \
                     WHERE ledger_pruned.tenant = inbox.tenant) ORDER BY seq"
                );
                let mut query = db.prepare(&sql).map_err(failed(doing))?;
                let rows = query.query_map([], read_row).map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))?.try_into()).collect()
            })
            .await
    }

    async fn prune_events(&self, done: Timestamp, dead: Timestamp) -> Result<usize> {
        let doing = "forget old events";
        self.writer
            .run(doing, move |db| {
                db.execute(
                    "DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox
                     WHERE (state = 'done' AND received_at < ?1)
                     OR (state = 'dead' AND received_at < ?2) LIMIT ?3)",
                    params![done.as_microsecond(), dead.as_microsecond(), PRUNED_MAX],
                )
                .map_err(failed(doing))
            })
            .await
    }

    async fn count_events(&self) -> Result<Vec<(TenantId, u64)>> {
        let doing = "count the events";
        self.reader
            .run(doing, move |db| {
                let mut query = db
                    .prepare_cached("SELECT tenant, count(*) FROM inbox GROUP BY tenant")
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        let count: i64 = row.get(1)?;
                        Ok((TenantId::new(row.get::<_, String>(0)?), count.unsigned_abs()))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| row.map_err(failed(doing))).collect()
            })
            .await
    }
}

/// Several statements of which a failure leaves nothing: the transaction is shared with others.
fn apart<T>(
    db: &Connection,
    act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.execute_batch("SAVEPOINT inbox")?;
    let done = act(db);
    let end = if done.is_ok() { "RELEASE inbox" } else { "ROLLBACK TO inbox; RELEASE inbox" };
    db.execute_batch(end).and(done)
}

fn accept(db: &Connection, event: &StoredEvent, due: Due) -> rusqlite::Result<bool> {
    let is_new = db
        .prepare_cached(
            "INSERT INTO inbox (tenant, event, subscription, received_at, type, entity_type, entity,
             at, attempts, state, last_error, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (tenant, event) DO NOTHING",
        )?
        .execute(params![
            event.tenant.as_str(),
            event.id,
            event.subscription,
            event.received_at.as_microsecond(),
            event.kind,
            event.entity_kind,
            event.entity,
            event.at.as_microsecond(),
            event.attempts,
            event.state.as_str(),
            event.last_error,
            event.body,
        ])?;
    if is_new == 0 {
        return Ok(false);
    }
    // More events of an object put its work off, but not for ever; what failed waits its time out.
    db.prepare_cached(
        "INSERT INTO inbox_work (tenant, entity, first_at, due_at, attempts)
         VALUES (?1, ?2, ?3, ?4, 0) ON CONFLICT (tenant, entity) DO UPDATE SET
         due_at = CASE WHEN attempts > 0 THEN due_at
                  ELSE max(due_at, min(excluded.due_at, first_at + ?5)) END",
    )?
    .execute(params![
        event.tenant.as_str(),
        event.entity,
        event.received_at.as_microsecond(),
        due.at.as_microsecond(),
        due.latest.as_microsecond() - event.received_at.as_microsecond(),
    ])?;
    Ok(true)
}

fn conclude(
    db: &Connection,
    work: &ObjectWork,
    events: &[String],
    end: &WorkEnd,
) -> rusqlite::Result<()> {
    let tenant = work.tenant.as_str();
    let (state, error, due, attempts) = match end {
        WorkEnd::Done(due) => ("done", None, due, 0),
        WorkEnd::Again(due, error) => ("new", Some(error), due, work.attempts + 1),
        WorkEnd::Dead(due, error) => ("dead", Some(error), due, 0),
    };
    let mut update = db.prepare_cached(
        "UPDATE inbox SET state = ?3, last_error = ?4, attempts = attempts + 1
         WHERE tenant = ?1 AND event = ?2 AND state = 'new'",
    )?;
    for event in events {
        update.execute(params![tenant, event, state, error])?;
    }
    let more = "EXISTS (SELECT 1 FROM inbox WHERE tenant = ?1 AND entity = ?2 AND state = 'new')";
    db.prepare_cached(&format!(
        "DELETE FROM inbox_work WHERE tenant = ?1 AND entity = ?2 AND NOT {more}"
    ))?
    .execute(params![tenant, work.entity])?;
    db.prepare_cached(
        "UPDATE inbox_work SET due_at = ?3, first_at = ?3, attempts = ?4
         WHERE tenant = ?1 AND entity = ?2",
    )?
    .execute(params![tenant, work.entity, due.as_microsecond(), attempts])?;
    Ok(())
}

/// The first tenant after `tenant` that has work.
fn tenant_after(db: &Connection, tenant: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT tenant FROM inbox_work WHERE tenant > ?1 ORDER BY tenant LIMIT 1")?
        .query_row([tenant], |row| row.get(0))
        .optional()
}

struct Lookup {
    received_at: i64,
    at: i64,
    state: String,
    event: StoredEvent,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Lookup> {
    Ok(Lookup {
        received_at: row.get(3)?,
        at: row.get(7)?,
        state: row.get(9)?,
        event: StoredEvent {
            tenant: TenantId::new(row.get::<_, String>(0)?),
            id: row.get(1)?,
            subscription: row.get(2)?,
            received_at: Timestamp::UNIX_EPOCH,
            kind: row.get(4)?,
            entity_kind: row.get(5)?,
            entity: row.get(6)?,
            at: Timestamp::UNIX_EPOCH,
            attempts: row.get(8)?,
            state: EventState::New,
            last_error: row.get(10)?,
            body: row.get(11)?,
        },
    })
}

impl TryFrom<Lookup> for StoredEvent {
    type Error = StoreError;

    fn try_from(row: Lookup) -> Result<Self> {
        let Lookup { received_at, at, state, event } = row;
        let nonsense = |column| StoreError::Inconsistent {
            table: "inbox",
            column,
            row: format!("{}/{}", event.tenant, event.id),
        };
        Ok(Self {
            received_at: Timestamp::from_microsecond(received_at)
                .map_err(|_| nonsense("received_at"))?,
            at: Timestamp::from_microsecond(at).map_err(|_| nonsense("at"))?,
            state: EventState::parse(&state).ok_or_else(|| nonsense("state"))?,
            ..event
        })
    }
}
