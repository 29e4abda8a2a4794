//! The death of a process, told beforehand: it dies at the n-th of its effects, and has none afterwards.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts the effects of a process, and ends it at one of them.
#[derive(Debug)]
pub struct Death {
    effects: AtomicU64,
    at: u64,
    is_dead: AtomicBool,
    died: Notify,
    place: Mutex<String>,
}

/// The process is dead: what it was about to do does not happen.
#[derive(Clone, Copy, Debug)]
pub struct Dead;

impl fmt::Display for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process is dead (a test said so)")
    }
}

impl std::error::Error for Dead {}

impl Death {
    /// Of a process that lives.
    pub fn never() -> Self {
        Self::at(u64::MAX)
    }

    /// Of a process that dies at its `at`-th effect, counted from 1.
    pub fn at(at: u64) -> Self {
        Self {
            effects: AtomicU64::new(0),
            at,
            is_dead: AtomicBool::new(false),
            died: Notify::new(),
            place: Mutex::default(),
        }
    }

    /// An effect is about to happen, or has happened.
    pub fn passes(&self, what: &str, when: &str) -> Result<(), Dead> {
        if self.is_dead.load(Ordering::SeqCst) {
            return Err(Dead);
        }
        let number = self.effects.fetch_add(1, Ordering::SeqCst) + 1;
        if number != self.at {
            return if number < self.at { Ok(()) } else { Err(Dead) };
        }
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = format!("{when} {what}");
        self.is_dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
        Err(Dead)
    }

    /// Waits until the process is dead.
    pub async fn comes(&self) {
        while !self.is_dead.load(Ordering::SeqCst) {
            self.died.notified().await;
        }
    }

    /// Whether the process is dead.
    pub fn has_come(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }

    /// How many effects there were.
    pub fn effects(&self) -> u64 {
        self.effects.load(Ordering::SeqCst)
    }

    /// Where it died; empty while it lives.
    pub fn place(&self) -> String {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
