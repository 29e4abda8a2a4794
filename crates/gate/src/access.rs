//! The access audit: everything that a connection reaches, as a tree; compared with the audit before;
//! and why a single object is reachable or not.
//!
//! An audit is many questions to Notion in a row: an empty search, page by page (`survey.rs`), and a
//! look at each block that pages stand in, because search names only the block. What comes back is
//! read with suspicion (`found.rs`), put into a tree (`tree.rs`), and kept, sealed (`keep.rs`).

mod compare;
mod found;
mod keep;
mod report;
mod survey;
mod trace;
mod tree;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use ledger::Resource;
use model::{Connection, ConnectionId, Principal};
use notion::Effect;
use store::AuditMade;

pub use compare::{Changed, Compared, compare, compare_with_ids};
pub use report::{Above, AccessCounts, AccessItem, AccessKind, AccessReport, Asked, UNTITLED};
pub use survey::AccessProgress;
pub use trace::{AccessLink, AccessTrace, TraceAnswer};

use crate::custody::usable;
use crate::error::Error;
use crate::record::Record;
use crate::{Gate, Shared};

/// What to audit.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessQuery {
    /// Which connection; the tenant's only one if none is named.
    pub connection: Option<ConnectionId>,
    /// Only pages, or only data sources: then a flat list, which is neither kept nor compared.
    pub only: Option<AccessKind>,
}

/// Is told how far an audit has come.
pub type OnProgress<'a> = &'a (dyn Fn(AccessProgress) + Send + Sync);

impl Gate {
    /// Lists everything that a connection reaches, keeps the list and compares it with the one before.
    ///
    /// Ends when the future is dropped; nothing is kept then, nor when Notion fails on the way.
    pub async fn audit_access(
        &self,
        principal: &Principal,
        query: AccessQuery,
        request_id: &str,
        on_progress: OnProgress<'_>,
    ) -> Result<AccessReport, Error> {
        let shared = &self.shared;
        let mut record =
            Record::manage(shared, principal, "audit-access", about(query.connection), request_id);
        let connection = match self.audited_connection(principal, query.connection) {
            Ok(connection) => connection,
            Err(error) => return Err(record.failed(error).await),
        };
        record.about("connection", connection.bot_id);
        let running = usable(&connection).and_then(|()| Running::begin(shared, connection.bot_id));
        let running = match running {
            Ok(running) => running,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        let made = self.make_audit(principal, &connection, query.only, on_progress).await;
        drop(running);
        match made {
            Ok(report) => {
                record.fact("objects", count(report.total));
                record.fact("searches", count(report.asked.searches));
                record.fact("lookups", count(report.asked.lookups));
                if let Some(compared) = &report.compared {
                    record.fact("added", count(compared.added.len()));
                    record.fact("removed", count(compared.removed.len()));
                }
                record.done().await?;
                Ok(report)
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn make_audit(
        &self,
        principal: &Principal,
        connection: &Connection,
        only: Option<AccessKind>,
        on_progress: OnProgress<'_>,
    ) -> Result<AccessReport, Error> {
        let surveyed = self.survey(principal, connection.bot_id, only, on_progress).await?;
        let mut report = tree::build(surveyed, connection, self.shared.clock.now());
        if only.is_none() {
            // Of a connection that was ended meanwhile, nothing is kept.
            usable(&self.audited_connection(principal, Some(connection.bot_id))?)?;
            let before = self.kept_audit(&connection.tenant, connection.bot_id, None).await?;
            self.keep_audit(&connection.tenant, &report).await?;
            report.compared = before.map(|before| compare(&before, &report));
        }
        Ok(report)
    }

    /// The last audit of a connection that is kept, without asking Notion; `None` if there was none.
    pub async fn last_access(
        &self,
        principal: &Principal,
        connection: Option<ConnectionId>,
        request_id: &str,
    ) -> Result<Option<AccessReport>, Error> {
        self.read_kept(principal, connection, None, request_id).await
    }

    /// The audit of a connection that was made at a time.
    pub async fn access_at(
        &self,
        principal: &Principal,
        connection: Option<ConnectionId>,
        at: Timestamp,
        request_id: &str,
    ) -> Result<AccessReport, Error> {
        let found = self.read_kept(principal, connection, Some(at), request_id).await?;
        found.ok_or_else(|| Error::Missing(format!("no audit of {at} is kept")))
    }

    /// The audits of a connection that are kept, newest first.
    pub async fn access_audits(
        &self,
        principal: &Principal,
        connection: Option<ConnectionId>,
        request_id: &str,
    ) -> Result<Vec<AuditMade>, Error> {
        let (connection, record) =
            self.reading(principal, connection, "list-access-audits", request_id).await?;
        let store = &self.shared.store;
        match store.access_audits_made(&connection.tenant, connection.bot_id).await {
            Ok(made) => record.done().await.map(|()| made),
            Err(error) => Err(record.failed(error.into()).await),
        }
    }

    async fn read_kept(
        &self,
        principal: &Principal,
        connection: Option<ConnectionId>,
        at: Option<Timestamp>,
        request_id: &str,
    ) -> Result<Option<AccessReport>, Error> {
        let (connection, record) =
            self.reading(principal, connection, "read-access-audit", request_id).await?;
        match self.kept_audit(&connection.tenant, connection.bot_id, at).await {
            Ok(found) => record.done().await.map(|()| found),
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Opens the record of reading what is kept about a connection, if the caller may.
    async fn reading(
        &self,
        principal: &Principal,
        connection: Option<ConnectionId>,
        operation: &'static str,
        request_id: &str,
    ) -> Result<(Connection, Record<'_>), Error> {
        let mut record = Record::open(&self.shared, principal, Effect::Read, operation, request_id);
        match self.audited_connection(principal, connection) {
            Ok(connection) => {
                record.about("connection", connection.bot_id);
                Ok((connection, record))
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// The connection that an audit is about, if the caller may audit it at all.
    fn audited_connection(
        &self,
        principal: &Principal,
        wanted: Option<ConnectionId>,
    ) -> Result<Connection, Error> {
        self.operator_of(principal)?;
        let custody = &self.shared.custody;
        let held = match wanted {
            Some(id) => custody.get(&principal.tenant, id).ok_or_else(|| {
                Error::Missing(format!("no connection {id}: see `notegate workspaces list`"))
            })?,
            None => {
                // Of several, none is taken by chance: an audit of the wrong one looks like a finding.
                let bound = principal.key().and_then(|key| key.connection);
                let connection = bound.unwrap_or_else(|| custody.only(&principal.tenant));
                let principal = Principal { connection, ..principal.clone() };
                self.held_for(&principal).map_err(|error| match error {
                    Error::WhichConnection => Error::Invalid(
                        "several workspaces are connected: name one of them (`connection`, \
                         `--connection`; `notegate workspaces list` shows their ids)"
                            .to_owned(),
                    ),
                    error => error,
                })?
            }
        };
        let connection = held.current().connection.clone();
        self.policies(principal).survey(principal, connection.bot_id)?;
        Ok(connection)
    }
}

fn about(connection: Option<ConnectionId>) -> Resource {
    let id = connection.map_or_else(String::new, |id| id.to_string());
    Resource { kind: "connection".into(), id }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The connections that are being audited: each only once at a time, because two audits of one would
/// spend its request budget twice for the same answer.
pub(crate) type Audits = Arc<Mutex<HashSet<ConnectionId>>>;

/// That an audit runs; it no longer does when this is dropped.
struct Running {
    audits: Audits,
    connection: ConnectionId,
}

impl Running {
    fn begin(shared: &Shared, connection: ConnectionId) -> Result<Self, Error> {
        let audits = shared.access_audits.clone();
        let is_new = audits.lock().unwrap_or_else(PoisonError::into_inner).insert(connection);
        if is_new {
            return Ok(Self { audits, connection });
        }
        Err(Error::Conflict(format!(
            "an access audit of {connection} is running already: wait until it is done, and read its \
             result with `notegate workspaces access --last`"
        )))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.audits.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.connection);
    }
}
