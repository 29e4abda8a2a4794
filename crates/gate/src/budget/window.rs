//! What one key has spent by one meter, in the window that it is.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;
use model::{KeyId, Meter, TenantId};
use notion::Id;
use store::SpentWindow;

use super::Exhausted;

/// Windows that are remembered when the next begins.
const REMEMBERED_MAX: usize = 8;
/// Seconds by which a clock may be set back without further ado.
const SLACK: i64 = 60;

/// What is to be spent.
#[derive(Clone, Debug)]
pub(super) enum Amount<'a> {
    /// So many.
    Count(u64),
    /// One for each of these that was not counted yet in the window.
    Pages(&'a [Id]),
}

impl Amount<'_> {
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Count(count) => *count == 0,
            Self::Pages(pages) => pages.is_empty(),
        }
    }
}

/// The state of one meter. `written` is what the store says that is spent, and never less than what is:
/// so a crash can take something away from a caller and never give it something.
#[derive(Debug)]
pub(super) struct Window {
    meter: Meter,
    number: i64,
    spent: u64,
    written: u64,
    /// What was counted, if pages are.
    pages: HashSet<Id>,
    /// Those that the store does not know yet.
    unwritten: Vec<Id>,
    /// The windows before this one, the last first, and what was spent in them: a clock may come back.
    before: VecDeque<(i64, u64)>,
}

impl Window {
    pub(super) fn new(meter: Meter, now: Timestamp) -> Self {
        Self::numbered(meter, number(meter, now))
    }

    fn numbered(meter: Meter, number: i64) -> Self {
        let (pages, unwritten) = (HashSet::new(), Vec::new());
        Self { meter, number, spent: 0, written: 0, pages, unwritten, before: VecDeque::new() }
    }

    /// As the store has it: whatever was reserved counts as spent.
    pub(super) fn stored(stored: SpentWindow) -> Self {
        let SpentWindow { meter, window, spent, pages, .. } = stored;
        let mut it = Self::numbered(meter, window);
        (it.spent, it.written, it.pages) = (spent, spent, pages.into_iter().collect());
        it
    }

    /// Begins anew if the window is over at `now`.
    ///
    /// A clock that was set back gives nothing back: what is spent stays spent, and so does what was spent
    /// in the windows that come once more. It lasts at most until the window after the current one is over.
    pub(super) fn turn(&mut self, now: Timestamp) {
        let current = number(self.meter, now);
        if current > self.number {
            self.change_to(current, self.spent_in(current));
        } else if self.is_ahead_of(now) {
            let number = self.number.min(current + 1);
            let before = self.spent_in(current).max(self.spent_in(number));
            self.change_to(number, before.max(self.spent));
        }
    }

    /// Whether the window seems to begin in the future, and not just because a clock is set right by a
    /// little where one window ends and the next begins.
    fn is_ahead_of(&self, now: Timestamp) -> bool {
        let seconds = self.meter.seconds();
        let begun = self.number.saturating_mul(seconds);
        now.as_second() < begun.saturating_sub((seconds / 10).min(SLACK))
    }

    /// What was spent in a window before, as far as that is remembered.
    fn spent_in(&self, number: i64) -> u64 {
        let of_it = self.before.iter().filter(|(before, _)| *before == number);
        of_it.map(|(_, spent)| *spent).max().unwrap_or(0)
    }

    /// The pages are counted once more then: that takes away, and gives nothing.
    fn change_to(&mut self, number: i64, spent: u64) {
        if number == self.number {
            self.spent = spent;
            return;
        }
        let mut before = std::mem::take(&mut self.before);
        before.truncate(REMEMBERED_MAX - 1);
        before.push_front((self.number, self.spent));
        *self = Self { spent, before, ..Self::numbered(self.meter, number) };
    }

    pub(super) fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn spent(&self) -> u64 {
        self.spent
    }

    /// When it is over.
    pub(super) fn end(&self) -> Timestamp {
        let second = self.number.saturating_add(1).saturating_mul(self.meter.seconds());
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    /// How many `amount` is here.
    pub(super) fn cost(&self, amount: &Amount<'_>) -> u64 {
        match amount {
            Amount::Count(count) => *count,
            Amount::Pages(pages) => {
                let new: HashSet<&Id> =
                    pages.iter().filter(|page| !self.pages.contains(page)).collect();
                new.len() as u64
            }
        }
    }

    /// Whether `amount` fits under `limit`.
    pub(super) fn check(
        &self,
        amount: &Amount<'_>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(), Exhausted> {
        let (asked, left) = (self.cost(amount), u64::from(limit).saturating_sub(self.spent));
        if asked <= left {
            return Ok(());
        }
        let seconds = self.end().as_second().saturating_sub(now.as_second());
        let retry_after = seconds.max(1).unsigned_abs();
        let meter = self.meter;
        Err(Exhausted { meter, inherited: false, limit, left, asked, retry_after })
    }

    /// What must be in the store before `amount` is spent; `None` if enough is reserved there.
    pub(super) fn to_write(
        &self,
        amount: &Amount<'_>,
        limit: u32,
        whose: (&TenantId, &KeyId),
    ) -> Option<SpentWindow> {
        let spent = self.spent + self.cost(amount);
        // A sixteenth more is reserved at once, so that not every call waits for the disk.
        let reserved = spent.max((spent + u64::from(limit / 16)).min(u64::from(limit)));
        (spent > self.written).then(|| self.to_store(reserved, whose))
    }

    /// What is to be stored when the gate closes: exactly what is spent.
    pub(super) fn to_close(&self, whose: (&TenantId, &KeyId)) -> Option<SpentWindow> {
        let differs = self.written != self.spent || !self.unwritten.is_empty();
        differs.then(|| self.to_store(self.spent, whose))
    }

    fn to_store(&self, spent: u64, (tenant, key): (&TenantId, &KeyId)) -> SpentWindow {
        SpentWindow {
            tenant: tenant.clone(),
            key: key.clone(),
            meter: self.meter,
            window: self.number,
            spent,
            pages: self.unwritten.clone(),
        }
    }

    /// Notes that the store has it.
    pub(super) fn written(&mut self, stored: &SpentWindow) {
        if stored.window == self.number {
            self.written = stored.spent;
            self.unwritten.retain(|page| !stored.pages.contains(page));
        }
    }

    pub(super) fn spend(&mut self, amount: &Amount<'_>) {
        self.spent += self.cost(amount);
        if let Amount::Pages(pages) = amount {
            let pages = &mut pages.iter().filter(|page| self.pages.insert(**page));
            self.unwritten.extend(pages);
        }
    }

    /// Gives back what was spent in the window of this number.
    pub(super) fn give_back(&mut self, number: i64, count: u64) {
        if self.number == number {
            self.spent = self.spent.saturating_sub(count);
        }
    }
}

fn number(meter: Meter, now: Timestamp) -> i64 {
    now.as_second().div_euclid(meter.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_clock_that_jumps_back_gives_nothing_back() {
        let mut window = Window::new(Meter::CallsPerMinute, at(6000));
        window.spend(&Amount::Count(5));
        for (now, retry_after) in [(6010, 50), (5999, 61), (5940, 120), (10, 110)] {
            window.turn(at(now));
            let refused = window.check(&Amount::Count(1), 5, at(now)).unwrap_err();
            assert_eq!((refused.left, refused.retry_after), (0, retry_after), "{now}");
        }
        // As long as was said, and then a new window.
        window.turn(at(119));
        assert!(window.check(&Amount::Count(1), 5, at(119)).is_err());
        window.turn(at(120));
        assert_eq!(window.check(&Amount::Count(5), 5, at(120)), Ok(()));
        // Forward again: what was spent then is still spent.
        window.turn(at(6000));
        assert!(window.check(&Amount::Count(1), 5, at(6000)).is_err());
        window.turn(at(6060));
        assert_eq!(window.check(&Amount::Count(5), 5, at(6060)), Ok(()));
    }

    #[test]
    fn a_clock_that_jumps_forward_and_back_gives_nothing_back() {
        let day = 24 * 3600;
        for jump in [day, 400 * day] {
            let mut window = Window::new(Meter::CallsPerDay, at(0));
            window.spend(&Amount::Count(5));
            window.turn(at(jump));
            assert_eq!(
                window.check(&Amount::Count(5), 5, at(jump)),
                Ok(()),
                "by that time it is over"
            );
            window.turn(at(10));
            assert!(window.check(&Amount::Count(1), 5, at(10)).is_err(), "{jump}");
        }
        // Set right by a little around midnight: the new day is as it was.
        let mut window = Window::new(Meter::CallsPerDay, at(0));
        window.spend(&Amount::Count(5));
        for now in [day, day - 2] {
            window.turn(at(now));
            assert_eq!(window.check(&Amount::Count(5), 5, at(now)), Ok(()), "{now}");
        }
    }

    #[test]
    fn pages_count_once_in_a_window() {
        let id = |n: u8| Id::parse(&format!("00000000-0000-4000-8000-0000000000{n:02x}")).unwrap();
        let mut window = Window::new(Meter::PagesPerHour, at(0));
        let rows = [id(1), id(2), id(1)];
        assert_eq!(window.cost(&Amount::Pages(&rows)), 2);
        window.spend(&Amount::Pages(&rows));
        assert_eq!(window.check(&Amount::Pages(&[id(2), id(3)]), 3, at(1)), Ok(()));
        assert!(window.check(&Amount::Pages(&[id(4), id(3)]), 3, at(1)).is_err());
        assert_eq!(window.unwritten.len(), 2);
        window.turn(at(3600));
        assert_eq!(window.cost(&Amount::Pages(&rows)), 2);
    }

    proptest::proptest! {
        /// Whatever happens, the store never says less than what is spent, and a process that takes up
        /// what is stored has spent no less.
        #[test]
        fn what_is_stored_is_never_less_than_what_is_spent(
            limit in 1_u32..100,
            steps in proptest::collection::vec((0_u64..9, 0_i64..40, proptest::bool::ANY), 1..60),
        ) {
            let (tenant, key) = (TenantId::default(), KeyId::parse("abcdefghijkl").unwrap());
            let whose = (&tenant, &key);
            let mut now = 0;
            let mut window = Window::new(Meter::CallsPerMinute, at(now));
            let mut stored: Option<SpentWindow> = None;
            // What was really done, by window.
            let mut done: std::collections::HashMap<i64, u64> = Default::default();
            for (count, later, crashes) in steps {
                now += later;
                window.turn(at(now));
                if crashes && let Some(stored) = stored.clone() {
                    let before = window.spent();
                    window = Window::stored(stored);
                    window.turn(at(now));
                    proptest::prop_assert!(window.spent() >= before);
                    proptest::prop_assert!(window.spent() <= before + u64::from(limit / 16));
                }
                let amount = Amount::Count(count);
                if window.check(&amount, limit, at(now)).is_err() {
                    continue;
                }
                if let Some(write) = window.to_write(&amount, limit, whose) {
                    window.written(&write);
                    stored = Some(write);
                }
                window.spend(&amount);
                *done.entry(window.number()).or_default() += count;
                proptest::prop_assert!(done[&window.number()] <= u64::from(limit));
                proptest::prop_assert!(window.spent() <= window.written);
            }
        }
    }
}
