//! The store in one SQLite file.
//!
//! One thread writes, another reads; both take jobs from a bounded queue, so that no call blocks the
//! runtime. The writer commits what is waiting as one transaction, so that many callers share one
//! `fsync`.

mod connections;
mod keys;
mod ledger_entries;
mod meta;
mod migrations;
mod worker;

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

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
        migrations::apply(&mut writer, path)?;
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
    // WAL lets the reader go on while the writer commits. FULL makes a commit survive a power cut.
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                    PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8000; \
                    PRAGMA journal_size_limit = 67108864;";
    connection.execute_batch(settings).map_err(|source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Foreign(format!(
                "{} is not a database, or is damaged: move it away, or restore it from a backup",
                path.display()
            ))
        }
        _ => StoreError::Database { doing, source },
    })?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// For `map_err`: says what was being done.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}
