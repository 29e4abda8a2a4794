//! How often one source may try something in a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Sources that are remembered within one minute; beyond that, new ones share a single place.
const SOURCES_MAX: usize = 10_000;

/// Counts attempts by source, minute by minute.
#[derive(Debug)]
pub struct Throttle {
    attempts_max: u32,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    minute: i64,
    attempts: HashMap<Source, u32>,
}

/// Where attempts come from. Whoever has one IPv6 address usually has 2⁶⁴ of them, so those are one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Source {
    V4(u32),
    V6(u64),
    Other,
}

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address.to_bits()),
            Some(IpAddr::V6(address)) => Self::V6((address.to_bits() >> 64) as u64),
            None => Self::Other,
        }
    }
}

impl Throttle {
    /// So many attempts in a minute.
    pub fn per_minute(attempts_max: u32) -> Self {
        Self { attempts_max, seen: Mutex::default() }
    }

    /// Takes one attempt; if there is none left, says for how many seconds.
    pub fn take(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), u64> {
        let minute = now.as_second().div_euclid(60);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.minute != minute {
            *seen = Seen { minute, attempts: HashMap::new() };
        }
        let mut source = Source::of(address);
        if seen.attempts.len() >= SOURCES_MAX && !seen.attempts.contains_key(&source) {
            source = Source::Other;
        }
        let attempts = seen.attempts.entry(source).or_default();
        if *attempts >= self.attempts_max {
            return Err((60 - now.as_second().rem_euclid(60)).unsigned_abs());
        }
        *attempts += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_minute() {
        let throttle = Throttle::per_minute(2);
        let at = |second: i64| Timestamp::from_second(1_790_000_040 + second).unwrap();
        let take = |address: &str, second| throttle.take(address.parse().ok(), at(second));
        assert_eq!(take("192.0.2.1", 0), Ok(()));
        assert_eq!(take("::ffff:192.0.2.1", 1), Ok(()));
        assert_eq!(take("192.0.2.1", 20), Err(40));
        assert_eq!(take("192.0.2.2", 20), Ok(()));
        assert_eq!(take("192.0.2.1", 60), Ok(()));
        assert_eq!(take("2001:db8::1", 61), Ok(()));
        assert_eq!(take("2001:db8::2", 61), Ok(()));
        assert_eq!(take("2001:db8::3", 61), Err(59));
        assert_eq!(take("2001:db8:0:1::3", 61), Ok(()));
    }

    #[test]
    fn a_flood_of_sources_takes_bounded_memory_and_is_bounded_itself() {
        let throttle = Throttle::per_minute(1);
        let now = Timestamp::from_second(1_790_000_040).unwrap();
        let flood = (0..SOURCES_MAX as u32 + 100).map(|bits| IpAddr::V4(bits.into()));
        let taken = flood.filter(|address| throttle.take(Some(*address), now).is_ok()).count();
        assert_eq!(taken, SOURCES_MAX + 1);
        assert!(throttle.seen.lock().unwrap().attempts.len() <= SOURCES_MAX + 1);
    }
}
