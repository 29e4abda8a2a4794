//! Budgets: spent before the effect, never overshot.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use model::{KeyId, Principal};

use crate::error::Error;

/// What each key has spent in the current minute.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    spent: Mutex<HashMap<KeyId, Window>>,
}

#[derive(Debug)]
struct Window {
    minute: i64,
    calls: u32,
}

impl Budgets {
    /// Takes one call off the caller's budget.
    pub(crate) fn spend(&self, principal: &Principal, now: Timestamp) -> Result<(), Error> {
        let Some(key) = principal.key() else { return Ok(()) };
        let Some(calls_max) = key.budget.calls_per_minute else { return Ok(()) };
        let minute = now.as_second().div_euclid(60);
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        // Windows of the past are worth nothing: dropping them bounds the map by the keys in use.
        if spent.len() > 10_000 {
            spent.retain(|_, window| window.minute == minute);
        }
        let window = spent.entry(key.id.clone()).or_insert(Window { minute, calls: 0 });
        if window.minute != minute {
            *window = Window { minute, calls: 0 };
        }
        if window.calls >= calls_max {
            let retry_after = (60 - now.as_second().rem_euclid(60)).unsigned_abs();
            return Err(Error::Budget { retry_after });
        }
        window.calls += 1;
        Ok(())
    }
}
