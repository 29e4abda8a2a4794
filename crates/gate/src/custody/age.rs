//! How old credentials are. One that nobody replaces for long is worth more to a thief each day.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use model::Connection;

use crate::Gate;

/// After this, a reminder: in the record of the connection, in the log once a day, in `doctor`.
const ROTATION_DUE: SignedDuration = SignedDuration::from_hours(90 * 24);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How old the credential of a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CredentialAge {
    /// Since when it is the one that it is, in whole days.
    pub days: i64,
    /// When it ought to be replaced.
    pub rotation_due_at: Timestamp,
    /// Whether that time has come.
    pub is_due: bool,
}

impl CredentialAge {
    /// The age at the time `now`.
    pub fn of(connection: &Connection, now: Timestamp) -> Self {
        let age = now.duration_since(connection.rotated_at).max(SignedDuration::ZERO);
        let due = connection.rotated_at.checked_add(ROTATION_DUE);
        Self {
            days: age.as_hours() / 24,
            rotation_due_at: due.unwrap_or(Timestamp::MAX),
            is_due: age >= ROTATION_DUE,
        }
    }
}

impl Gate {
    /// Says once a day of each connection in use that its credential is old, if it is.
    pub(crate) fn remind_of_age(&self) {
        let now = self.shared.clock.now();
        for held in self.shared.custody.all() {
            let current = held.current();
            let connection = &current.connection;
            let age = CredentialAge::of(connection, now);
            if !connection.state.is_usable() || !age.is_due {
                continue;
            }
            let said = Timestamp::from_microsecond(held.reminded.load(Ordering::Relaxed));
            if said.is_ok_and(|said| now.duration_since(said) < DAY) {
                continue;
            }
            held.reminded.store(now.as_microsecond(), Ordering::Relaxed);
            tracing::warn!(
                connection = %connection.bot_id,
                tenant = %connection.tenant,
                days = age.days,
                "the connection's credential is old: rotate it (`notegate workspaces rotate`)"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::connection;
    use super::*;

    #[test]
    fn a_credential_is_due_after_ninety_days_and_a_clock_that_was_put_back_changes_nothing() {
        let connection = connection("a", 1, 1_000_000, model::ConnectionState::Active);
        let at = |seconds: i64| {
            let now = connection.rotated_at + SignedDuration::from_secs(seconds);
            let CredentialAge { days, is_due, rotation_due_at } =
                CredentialAge::of(&connection, now);
            assert_eq!(rotation_due_at, connection.rotated_at + ROTATION_DUE);
            (days, is_due)
        };
        assert_eq!(at(-86_400 * 5), (0, false));
        assert_eq!(at(86_399), (0, false));
        assert_eq!(at(86_400 * 90 - 1), (89, false));
        assert_eq!(at(86_400 * 90), (90, true));
    }
}
