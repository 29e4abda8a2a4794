//! What look-ups told of schemas, of the tables in databases, and of views: bounded, and believed for as long
//! as places are.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::ConnectionId;
use notion::{Id, Kind, Operation};
use quick_cache::sync::Cache;
use serde_json::Value;

use super::schema::Schema;
use super::view::Facts;
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;

/// Objects that are remembered, of each sort.
const REMEMBERED_MAX: usize = 1_000;

/// What was learned, and when.
type Shelf<T> = Cache<(ConnectionId, Id), (Arc<T>, Timestamp)>;

/// What is remembered of every connection.
#[derive(Debug)]
pub(crate) struct Memory {
    schemas: Shelf<Schema>,
    /// The tables of a database.
    tables: Shelf<Vec<Id>>,
    views: Shelf<Facts>,
    age_max: Duration,
}

impl Memory {
    pub(crate) fn new(age_max: Duration) -> Self {
        let (schemas, tables) = (Shelf::new(REMEMBERED_MAX), Shelf::new(REMEMBERED_MAX));
        Self { schemas, tables, views: Shelf::new(REMEMBERED_MAX), age_max }
    }

    /// Learns from what a look-up answered.
    pub(crate) fn learn(
        &self,
        connection: ConnectionId,
        (kind, id): (Kind, Id),
        answer: &[u8],
        at: Timestamp,
    ) {
        if !matches!(kind, Kind::DataSource | Kind::Database | Kind::View) {
            return;
        }
        let Ok(object) = serde_json::from_slice::<Value>(answer) else { return };
        let key = (connection, id);
        match kind {
            Kind::DataSource => {
                put(&self.schemas, key, Schema::read(id, &object), at);
            }
            Kind::Database => put(&self.tables, key, tables(&object), at),
            Kind::View => put(&self.views, key, Facts::read(&object), at),
            _ => {}
        }
    }

    /// Something happened to an object of this kind. Says whether that may have changed columns.
    pub(crate) fn hear_of(&self, connection: ConnectionId, kind: &str) -> bool {
        let kinds = [Kind::DataSource, Kind::Database, Kind::View];
        let concerned = kinds.iter().any(|it| it.as_str() == kind);
        if concerned {
            self.forget(connection);
        }
        concerned
    }

    /// Forgets the schema of one table.
    pub(super) fn forget_schema(&self, connection: ConnectionId, source: Id) {
        self.schemas.remove(&(connection, source));
    }

    /// Forgets what schemas, databases and views were: a change of one may have changed others.
    pub(crate) fn forget(&self, connection: ConnectionId) {
        self.schemas.retain(|(whose, _), _| *whose != connection);
        self.tables.retain(|(whose, _), _| *whose != connection);
        self.views.retain(|(whose, _), _| *whose != connection);
    }

    fn get<T>(&self, shelf: &Shelf<T>, key: (ConnectionId, Id), now: Timestamp) -> Option<Arc<T>> {
        let (what, at) = shelf.get(&key)?;
        let age = now.duration_since(at).unsigned_abs();
        (age <= self.age_max).then_some(what)
    }
}

fn put<T>(shelf: &Shelf<T>, key: (ConnectionId, Id), what: Option<T>, at: Timestamp) {
    match what {
        Some(what) => shelf.insert(key, (Arc::new(what), at)),
        None => {
            shelf.remove(&key);
        }
    }
}

/// The tables that a database lists.
fn tables(object: &Value) -> Option<Vec<Id>> {
    let all = object.get("data_sources")?.as_array()?;
    all.iter().map(|table| Id::parse(table.get("id")?.as_str()?)).collect()
}

/// What changes schemas, databases or views.
const CHANGES: &[&str] = &[
    "create-a-data-source",
    "create-database",
    "create-view",
    "delete-view",
    "update-a-data-source",
    "update-a-view",
    "update-database",
];

/// Whether a call may have changed columns or views.
pub(crate) fn changes_tables(operation: &Operation) -> bool {
    CHANGES.contains(&operation.name)
}

impl Gate {
    /// After a call that may have changed columns or views.
    pub(crate) fn forget_columns(&self, looking: &Looking<'_>, operation: &Operation) {
        if changes_tables(operation) {
            self.shared.columns.forget(looking.principal().connection);
            looking.columns.clear();
        }
    }

    /// The schema of a table, if the connection sees it.
    pub(crate) async fn schema_of(
        &self,
        looking: &Looking<'_>,
        id: Id,
    ) -> Result<Option<Arc<Schema>>, Error> {
        self.remembered(looking, Kind::DataSource, id, |memory| &memory.schemas).await
    }

    /// What a view shows and asks, if the connection sees it.
    pub(crate) async fn view_facts(
        &self,
        looking: &Looking<'_>,
        id: Id,
    ) -> Result<Option<Arc<Facts>>, Error> {
        self.remembered(looking, Kind::View, id, |memory| &memory.views).await
    }

    /// The one table of a database: old versions call it by the database.
    pub(crate) async fn only_source(
        &self,
        looking: &Looking<'_>,
        database: Id,
    ) -> Result<Option<Id>, Error> {
        Ok(match self.tables_of(looking, database).await?.as_slice() {
            [only] => Some(*only),
            _ => None,
        })
    }

    /// The tables that a database lists; none if the connection does not see it.
    pub(crate) async fn tables_of(
        &self,
        looking: &Looking<'_>,
        database: Id,
    ) -> Result<Arc<Vec<Id>>, Error> {
        let tables =
            self.remembered(looking, Kind::Database, database, |memory| &memory.tables).await?;
        Ok(tables.unwrap_or_default())
    }

    /// What is remembered, or looked up now.
    async fn remembered<T>(
        &self,
        looking: &Looking<'_>,
        kind: Kind,
        id: Id,
        shelf: fn(&Memory) -> &Shelf<T>,
    ) -> Result<Option<Arc<T>>, Error> {
        let memory = &self.shared.columns;
        let key = (looking.principal().connection, id);
        if let Some(known) = memory.get(shelf(memory), key, self.shared.clock.now()) {
            return Ok(Some(known));
        }
        if self.look_up(looking, kind, id).await?.is_none() {
            return Ok(None);
        }
        Ok(memory.get(shelf(memory), key, self.shared.clock.now()))
    }
}
