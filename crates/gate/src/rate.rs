//! How much may come in a minute. Bounded in memory whoever sends, and never locked by a clock that
//! jumps: a window that seems to begin in the future is over.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Windows that are kept apart; whoever comes beyond that shares one.
const WINDOWS_MAX: usize = 10_000;
const SECONDS: i64 = 60;

/// Where a request comes from, as far as it is counted: an address, or what one subscriber of the
/// Internet has of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Source {
    /// An address of version 4.
    V4([u8; 4]),
    /// The first half of an address of version 6: the other half is the sender's to choose.
    V6([u8; 8]),
    /// No network was involved.
    Local,
}

impl Source {
    /// What requests from this address are counted by.
    pub fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Local,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let mut network = [0; 8];
                network.copy_from_slice(&address.octets()[..8]);
                Self::V6(network)
            }
        }
    }
}

/// Counts by key, in windows of a minute that begin with the first of them.
#[derive(Debug)]
pub struct Limiter<K> {
    limit: u32,
    counted: Mutex<Counted<K>>,
}

#[derive(Debug)]
struct Counted<K> {
    /// `None`: all those for whom there is no room.
    windows: HashMap<Option<K>, Window>,
    /// The second in which windows that are over were dropped: looking through all of them at every
    /// request would be what a flood of senders wants.
    swept: i64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Timestamp,
    count: u32,
}

impl Window {
    /// Whole seconds until it is over; none if it is.
    fn left(self, now: Timestamp) -> Option<u64> {
        let gone = now.as_second() - self.begun.as_second();
        (now >= self.begun && gone < SECONDS).then(|| (SECONDS - gone).unsigned_abs())
    }
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// So many in a minute.
    pub fn new(limit: u32) -> Self {
        let counted = Counted { windows: HashMap::new(), swept: 0 };
        Self { limit, counted: Mutex::new(counted) }
    }

    /// Takes one; if there is none left, in how many seconds there is.
    pub fn take(&self, key: &K, now: Timestamp) -> Result<(), u64> {
        self.take_many(key, 1, now)
    }

    /// Takes so many at once; if there are not so many left, in how many seconds there are.
    pub(crate) fn take_many(&self, key: &K, many: u32, now: Timestamp) -> Result<(), u64> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { windows, swept } = &mut *counted;
        let mut key = Some(key.clone());
        if windows.len() >= WINDOWS_MAX && !windows.contains_key(&key) {
            if *swept != now.as_second() {
                *swept = now.as_second();
                windows.retain(|_, window| window.left(now).is_some());
            }
            if windows.len() >= WINDOWS_MAX {
                key = None;
            }
        }
        let fresh = Window { begun: now, count: 0 };
        let window = windows.entry(key).or_insert(fresh);
        let Some(left) = window.left(now) else {
            *window = Window { count: many, ..fresh };
            return Ok(());
        };
        let count = window.count.saturating_add(many);
        if count > self.limit {
            return Err(left);
        }
        window.count = count;
        Ok(())
    }

    /// Sets right what was taken at `then`: it was `more`, or less. Never refused, as it has happened.
    pub(crate) fn settle(&self, key: &K, more: i64, then: Timestamp) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = counted.windows.get_mut(&Some(key.clone()))
            && window.begun <= then
        {
            let count = i64::from(window.count).saturating_add(more);
            window.count = u32::try_from(count.max(0)).unwrap_or(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_minute_takes_so_many_and_a_jump_locks_nobody_out() {
        let limiter = Limiter::new(2);
        assert_eq!(limiter.take(&1, time(30)), Ok(()));
        assert_eq!(limiter.take(&1, time(50)), Ok(()));
        assert_eq!(limiter.take(&1, time(89)), Err(1));
        assert_eq!(limiter.take(&2, time(89)), Ok(()), "another one");
        assert_eq!(limiter.take(&1, time(90)), Ok(()));
        assert_eq!(limiter.take(&1, time(90)), Ok(()));
        assert_eq!(limiter.take(&1, time(90)), Err(60));
        assert_eq!(limiter.take(&1, time(-1_000_000)), Ok(()), "the clock was set back");
        assert_eq!(limiter.take(&1, time(1_000_000)), Ok(()), "the clock was set forward");
    }

    #[test]
    fn what_was_taken_is_set_right_in_its_own_window() {
        let limiter = Limiter::new(10);
        assert_eq!(limiter.take_many(&1, 5, time(0)), Ok(()));
        limiter.settle(&1, -3, time(0));
        assert_eq!(limiter.take_many(&1, 9, time(1)), Err(59));
        assert_eq!(limiter.take_many(&1, 8, time(1)), Ok(()));
        limiter.settle(&1, 100, time(1));
        assert_eq!(limiter.take(&1, time(2)), Err(58));
        assert_eq!(limiter.take_many(&1, 5, time(60)), Ok(()));
        limiter.settle(&1, -5, time(2));
        assert_eq!(limiter.take_many(&1, 6, time(61)), Err(59), "that window was another one");
    }

    #[test]
    fn it_is_bounded_however_many_come() {
        let limiter = Limiter::new(1);
        for key in 0..2 * WINDOWS_MAX {
            let _ = limiter.take(&key, time(0));
        }
        assert!(limiter.counted.lock().unwrap().windows.len() <= WINDOWS_MAX + 1);
        assert!(limiter.take(&usize::MAX, time(1)).is_err(), "those without room share one window");
        assert_eq!(limiter.take(&usize::MAX, time(61)), Ok(()));
    }

    #[test]
    fn the_sender_does_not_choose_what_it_is_counted_by() {
        let of = |text: &str| Source::of(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
