//! What happens later, on the world's clock: long writes that somebody polls, and templates that
//! are filled in after the answer.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::access::Who;

/// So many ended tasks are kept.
const TASKS_MAX: usize = 1000;
/// Most jobs that wait.
pub(crate) const JOBS_MAX: usize = 10_000;
/// When a job is done.
const DONE_AFTER_MS: i64 = 1000;
/// When a summary is there.
const SUMMARY_AFTER_MS: i64 = 2000;
/// When a task is seen to run.
const RUNNING_AFTER_MS: i64 = 500;

/// What waits, and what became of tasks.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Later {
    jobs: Vec<Job>,
    tasks: IndexMap<String, Task>,
}

/// Something to do, for somebody, at a time.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) due: Timestamp,
    pub(crate) by: By,
    /// `Notion-Version`
    pub(crate) version: String,
    pub(crate) work: Work,
}

/// For whom: their rights are looked up when the time has come.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    Connection(Id),
    Person(Id),
}

impl By {
    pub(crate) fn of(who: &Who) -> Self {
        if who.is_person() { Self::Person(who.user) } else { Self::Connection(who.connection) }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// The request of a task.
    Task {
        id: String,
        operation: String,
        path: Value,
        body: Value,
    },
    Template(Application),
    /// The transcript of a block of meeting notes; whether a summary follows.
    Transcript {
        block: Id,
        summary: bool,
    },
    /// The summary of a block of meeting notes, made from an upload.
    Summary {
        block: Id,
        file: Id,
    },
}

/// A template that is to be applied.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Application {
    pub(crate) page: Id,
    pub(crate) template: Id,
    /// Where it is today.
    pub(crate) timezone: String,
    /// Whether the old content goes.
    pub(crate) erases: bool,
}

/// A long write.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// The connection (or person) that asked for it: nobody else sees it.
    pub(crate) by: Id,
    pub(crate) created_time: Timestamp,
    /// `PATCH /v1/pages/:page_id/markdown`
    pub(crate) name: String,
    pub(crate) outcome: Option<Outcome>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The answer that there would have been.
    Succeeded(Value),
    /// The error.
    Failed(Value),
}

impl Task {
    /// What has become of it at that time.
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        match &self.outcome {
            Some(Outcome::Succeeded(_)) => "succeeded",
            Some(Outcome::Failed(_)) => "failed",
            None if now >= shifted(self.created_time, RUNNING_AFTER_MS) => "running",
            None => "queued",
        }
    }
}

fn shifted(time: Timestamp, by_ms: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_millis(by_ms)).unwrap_or(time)
}

impl World {
    /// Puts work off; `false` when too much waits.
    pub(crate) fn put_off(&mut self, who: &Who, version: notion::Version, work: Work) -> bool {
        if self.later.jobs.len() >= JOBS_MAX {
            return false;
        }
        let after = match work {
            Work::Summary { .. } => SUMMARY_AFTER_MS,
            _ => DONE_AFTER_MS,
        };
        let due = shifted(self.now(), after);
        let version = version.to_string();
        self.later.jobs.push(Job { due, by: By::of(who), version, work });
        true
    }

    /// Takes out a job whose time has come, the earliest first.
    pub(crate) fn next_due(&mut self) -> Option<Job> {
        if self.later.jobs.is_empty() {
            return None;
        }
        let now = self.now();
        // Those that were put off first are due first: the clock may have been set back between.
        let at = self.later.jobs.iter().position(|job| job.due <= now)?;
        Some(self.later.jobs.remove(at))
    }

    /// When the next job is due, if somebody is to be told of what it does.
    pub(crate) fn next_of_jobs(&self) -> Option<Timestamp> {
        let is_told = !self.webhooks.subscriptions.is_empty();
        self.later.jobs.iter().filter(|_| is_told).map(|job| job.due).min()
    }

    /// Notes a task; the oldest is forgotten when there are too many.
    pub(crate) fn keep_task(&mut self, task: Task) {
        if self.later.tasks.len() >= TASKS_MAX {
            self.later.tasks.shift_remove_index(0);
        }
        self.later.tasks.insert(task.id.clone(), task);
    }

    pub(crate) fn task(&self, id: &str) -> Option<&Task> {
        self.later.tasks.get(id)
    }

    pub(crate) fn end_task(&mut self, id: &str, outcome: Outcome) {
        if let Some(task) = self.later.tasks.get_mut(id) {
            task.outcome = Some(outcome);
        }
    }
}
