//! A thread that owns a connection and works off a bounded queue.

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{Result, StoreError};

/// Jobs that can wait; more than that make the caller wait.
const QUEUE_LENGTH: usize = 1024;
/// Jobs that share one transaction.
const GROUP_SIZE_MAX: usize = 64;

/// Does its work and gives back how to tell the result, once that is certain.
type Job = Box<dyn FnOnce(&mut Connection) -> Tell + Send>;
/// Told `Err` if the transaction that the job was part of did not commit.
type Tell = Box<dyn FnOnce(std::result::Result<(), rusqlite::Error>) + Send>;

/// The handle of such a thread, which ends when the handle is dropped and the queue is empty.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    /// Runs jobs in transactions, several in one.
    pub(super) fn writer(connection: Connection) -> Self {
        Self::start("store-writer", connection, write_group)
    }

    /// Runs jobs one by one.
    pub(super) fn reader(connection: Connection) -> Self {
        Self::start("store-reader", connection, |connection, group| {
            for job in group {
                job(connection)(Ok(()));
            }
        })
    }

    fn start(
        name: &str,
        mut connection: Connection,
        work: impl Fn(&mut Connection, Vec<Job>) + Send + 'static,
    ) -> Self {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE_LENGTH);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Some(first) = queue.blocking_recv() {
                    let mut group = vec![first];
                    while group.len() < GROUP_SIZE_MAX
                        && let Ok(job) = queue.try_recv()
                    {
                        group.push(job);
                    }
                    work(&mut connection, group);
                }
            })
            // INVARIANT: fails only where the machine has no thread left at start-up.
            .expect("a thread can be started");
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Runs `job` on the thread. A job of the writer that fails is rolled back alone.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = job(connection);
            Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(source) => Err(StoreError::Database { doing, source }),
                };
                // The caller may have gone; the work is done all the same.
                let _ = tell.send(result);
            })
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        told.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Worker {
    /// Waits until the queue is worked off, so that nothing accepted is lost.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_group(connection: &mut Connection, group: Vec<Job>) {
    let mut tells = Vec::with_capacity(group.len());
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    if begun.is_ok() {
        for job in group {
            tells.push(job(connection));
        }
    }
    let committed = begun.and_then(|()| connection.execute_batch("COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        // Nothing more can be done if even this fails: the next BEGIN will say so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    match committed {
        Ok(()) => tells.into_iter().for_each(|tell| tell(Ok(()))),
        Err(error) => {
            tracing::error!(%error, "the store could not commit");
            for tell in tells {
                tell(Err(copy_of(&error)));
            }
        }
    }
}

/// SQLite's errors cannot be cloned; each caller gets its code and text.
fn copy_of(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(failure, text) => {
            rusqlite::Error::SqliteFailure(*failure, text.clone())
        }
        other => rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR),
            Some(other.to_string()),
        ),
    }
}
