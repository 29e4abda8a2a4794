//! The world's clock: real time by default, moved or stopped on demand.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What time it is in the world.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Clock {
    /// The time stands still here.
    #[serde(default)]
    frozen: Option<Timestamp>,
    /// How far the world is ahead of the machine.
    #[serde(default)]
    ahead_ms: i64,
}

impl Clock {
    /// A clock that stands still at `at`.
    pub(crate) fn frozen_at(at: Timestamp) -> Self {
        Self { frozen: Some(at), ahead_ms: 0 }
    }

    /// The time in the world.
    pub(crate) fn now(&self) -> Timestamp {
        self.frozen.unwrap_or_else(|| shifted(machine(), self.ahead_ms))
    }

    /// Whether the time stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Sets the time; a running clock runs on from there.
    pub(crate) fn set(&mut self, now: Timestamp) {
        match &mut self.frozen {
            Some(frozen) => *frozen = now,
            None => self.ahead_ms = now.as_millisecond() - machine().as_millisecond(),
        }
    }

    /// Moves the time by so many milliseconds; whether there is such a time.
    pub(crate) fn advance(&mut self, by_ms: i64) -> bool {
        let Ok(then) = self.now().checked_add(SignedDuration::from_millis(by_ms)) else {
            return false;
        };
        // Room for the lives of what is made then: files, codes and retries.
        if then.checked_add(SignedDuration::from_hours(24 * 366)).is_err() {
            return false;
        }
        match &mut self.frozen {
            Some(frozen) => *frozen = then,
            None => self.ahead_ms += by_ms,
        }
        true
    }

    /// Stops the time, or lets it run on from where it stands.
    pub(crate) fn freeze(&mut self, freeze: bool) {
        let now = self.now();
        self.frozen = freeze.then_some(now);
        if !freeze {
            self.set(now);
        }
    }
}

fn shifted(time: Timestamp, by_ms: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_millis(by_ms)).unwrap_or(time)
}

/// The machine's own time: the only place that asks for it.
#[expect(clippy::disallowed_methods, reason = "every other part of the sandbox asks the `Clock`")]
fn machine() -> Timestamp {
    Timestamp::now()
}

/// A time as pages, blocks, data sources and comments show it: rounded down to the minute.
pub(crate) fn to_minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:00.000Z").to_string()
}

/// A time as databases show it (since 2025-09-03): milliseconds and an offset.
pub(crate) fn to_millis(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_stands_still() {
        let start: Timestamp = "2026-03-01T10:00:30.123Z".parse().unwrap();
        let mut clock = Clock::frozen_at(start);
        assert!(clock.advance(90_000));
        assert!(!clock.advance(i64::MAX) && !clock.advance(1_000_000_000_000_000));
        assert_eq!(to_minute(clock.now()), "2026-03-01T10:02:00.000Z");
        assert_eq!(to_millis(clock.now()), "2026-03-01T10:02:00.123+00:00");
        clock.freeze(false);
        assert!(!clock.is_frozen() && clock.now() >= start);
    }
}
