//! The store in one SQLite file.
//!
//! One thread writes, another reads; both take jobs from a bounded queue, so that no call blocks the
//! runtime. The writer commits what is waiting as one transaction, so that many callers share one
//! `fsync`.

mod access_audits;
mod authorizations;
mod budgets;
mod connections;
mod inbox;
mod keys;
mod ledger_bodies;
mod ledger_entries;
mod meta;
mod migrations;
mod mirrors;
mod operation_uses;
mod policies;
mod sealed_cells;
mod subscriptions;
mod tenants;
mod users;
mod worker;

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Result, StoreError};
use worker::Worker;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Worker,
    reader: Worker,
}

impl SqliteStore {
    /// Opens the database at `path`, creates it if it is not there, and brings its tables up to date.
    ///
    /// The file is made for its owner alone; SQLite gives its companions the same mode.
    pub fn open(path: &Path) -> Result<Self> {
        make_private(path)?;
        let mut writer = connect(path, OpenFlags::default())?;
        migrations::check(&writer, path)?;
        // WAL lets the reader go on while the writer commits. It is noted in the file, so it comes
        // after the check that the file is ours.
        writer.pragma_update(None, "journal_mode", "WAL").map_err(failed("open the database"))?;
        migrations::apply(&mut writer)?;
        let reader = connect(path, OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE)?;
        reader.pragma_update(None, "query_only", true).map_err(failed("open the database"))?;
        Ok(Self { writer: Worker::writer(writer), reader: Worker::reader(reader) })
    }
}

fn make_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| {
        StoreError::Foreign(format!("{} cannot be written: {error}", path.display()))
    })
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let doing = "open the database";
    let connection = Connection::open_with_flags(path, flags).map_err(failed(doing))?;
    // FULL makes a commit survive a power cut; secure_delete overwrites what is deleted with zeros.
    let settings = "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
                    PRAGMA secure_delete = ON; \
                    PRAGMA cache_size = -8000; PRAGMA journal_size_limit = 67108864;";
    connection.execute_batch(settings).map_err(damaged(path, doing))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// For `map_err`: tells a file that is no database from a database that fails.
fn damaged(path: &Path, doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Foreign(format!(
            "{} is not a database, or is damaged: move it away, or restore it from a backup",
            path.display()
        )),
        _ => StoreError::Database { doing, source },
    }
}

/// For `map_err`: says what was being done.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}
