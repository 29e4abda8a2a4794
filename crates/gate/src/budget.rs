//! Budgets: spent before the effect, never overshot, also across crashes.
//!
//! What a key has spent is kept in memory, window by window, and reserved in the store beforehand, a
//! sixteenth of the limit at a time. So most calls wait for nothing; and after a crash what was reserved
//! counts as spent: at most that sixteenth is lost, nothing is won. Every spending is debited from the
//! keys above the caller's, too: all of it or nothing.

mod cost;
mod exhausted;
mod window;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use model::{Key, KeyId, Meter};
use notion::Id;
use serde::Serialize;
use store::{SpentWindow, Store, StoreError};

pub(crate) use cost::{Cost, pages_in};
pub use exhausted::Exhausted;
use window::{Amount, Window};

/// Windows that are held before those that are over are dropped.
const WINDOWS_MAX: usize = 10_000;
/// Families that wait for the store apart from each other.
const TURNS: usize = 16;

/// Hours for which it is kept which pages were read.
const HOURS_KEPT: i64 = 48;

/// What each key has spent.
pub(crate) struct Budgets {
    store: Arc<dyn Store>,
    windows: Mutex<HashMap<(KeyId, Meter), Window>>,
    /// Who writes to the store: one at a time of a key and all those below it, since they share windows.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

/// The caller's key and those above it, nearest first. None of it: a caller without a key.
pub(crate) type Lineage = Vec<Arc<Key>>;

/// Why a spending is refused.
#[derive(Debug)]
pub(crate) enum Unspent {
    /// There is not enough left.
    Exhausted(Exhausted),
    /// What is spent cannot be noted.
    Store(StoreError),
}

/// What was spent, so that it can be given back if it comes to nothing.
#[derive(Debug, Default)]
pub(crate) struct Spent(Vec<(KeyId, Meter, i64, u64)>);

/// How much of a limit is spent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Usage {
    /// How much there is in a window.
    pub limit: u32,
    /// What is spent in the current one.
    pub spent: u64,
    /// What can be spent still: by this key, and by those above it.
    pub left: u64,
    /// When the window is over.
    pub resets_at: Timestamp,
}

/// What an attempt to spend came to.
enum Tried {
    /// It is spent.
    Spent(Spent),
    /// This must be in the store first.
    ToWrite(Vec<SpentWindow>),
}

/// One debit: from one key, by one meter.
struct Debit<'a> {
    key: &'a Key,
    limit: u32,
    meter: Meter,
    amount: &'a Amount<'a>,
    /// Whether the key is one above the caller's.
    inherited: bool,
}

/// What a call costs, meter by meter.
fn amounts(cost: &Cost) -> [(Meter, Amount<'_>); 3] {
    [
        (Meter::BlocksPerHour, Amount::Count(cost.blocks)),
        (Meter::DeletionsPerDay, Amount::Count(cost.deletions)),
        (Meter::PagesPerHour, Amount::Pages(&cost.pages)),
    ]
}

/// What is taken off which key: off all that have a limit there.
fn debits<'a>(lineage: &'a Lineage, amounts: &'a [(Meter, Amount<'a>)]) -> Vec<Debit<'a>> {
    lineage
        .iter()
        .enumerate()
        .flat_map(|(level, key)| amounts.iter().map(move |amount| (level, key, amount)))
        .filter(|(_, _, (_, amount))| !amount.is_nothing())
        .filter_map(|(level, key, (meter, amount))| {
            let limit = key.budget.limit(*meter)?;
            Some(Debit { key, limit, meter: *meter, amount, inherited: level > 0 })
        })
        .collect()
}

impl Budgets {
    /// Takes up what was spent before.
    pub(crate) async fn load(store: Arc<dyn Store>, now: Timestamp) -> Result<Self, StoreError> {
        // Only what is large is forgotten, and late: the clock of a machine that starts may be wrong.
        let pages = Window::new(Meter::PagesPerHour, now).number();
        store.forget_spent(Meter::PagesPerHour, pages - HOURS_KEPT).await?;
        let stored = store.all_spent().await?.into_iter();
        let windows = stored.map(|it| ((it.key.clone(), it.meter), Window::stored(it)));
        let windows = Mutex::new(windows.collect());
        Ok(Self { store, windows, turns: Default::default() })
    }

    /// Takes one call off.
    pub(crate) async fn spend_call(
        &self,
        lineage: &Lineage,
        now: Timestamp,
    ) -> Result<(), Unspent> {
        let one = Amount::Count(1);
        let amounts = [(Meter::CallsPerMinute, one.clone()), (Meter::CallsPerDay, one)];
        self.spend(lineage, &amounts, now).await.map(drop)
    }

    /// Takes off what a call writes, destroys and reads.
    pub(crate) async fn spend_cost(
        &self,
        lineage: &Lineage,
        cost: &Cost,
        now: Timestamp,
    ) -> Result<Spent, Unspent> {
        self.spend(lineage, &amounts(cost), now).await
    }

    /// Whether so many calls, and all that they do, could be paid for now. Nothing is spent.
    pub(crate) fn fits(
        &self,
        lineage: &Lineage,
        calls: u64,
        cost: &Cost,
        now: Timestamp,
    ) -> Result<(), Exhausted> {
        let calls = Amount::Count(calls);
        let calls = [(Meter::CallsPerMinute, calls.clone()), (Meter::CallsPerDay, calls)];
        let amounts: Vec<_> = calls.into_iter().chain(amounts(cost)).collect();
        let mut windows = self.lock();
        let refused = debits(lineage, &amounts).into_iter().filter_map(|debit| {
            let window = windows
                .entry((debit.key.id.clone(), debit.meter))
                .or_insert_with(|| Window::new(debit.meter, now));
            window.turn(now);
            let refused = window.check(debit.amount, debit.limit, now).err()?;
            Some(Exhausted { inherited: debit.inherited, ..refused })
        });
        match refused.max_by_key(|it| it.retry_after) {
            Some(exhausted) => Err(exhausted),
            None => Ok(()),
        }
    }

    /// Takes off pages that are about to be shown.
    pub(crate) async fn spend_pages(
        &self,
        lineage: &Lineage,
        pages: &[Id],
        now: Timestamp,
    ) -> Result<(), Unspent> {
        let amounts = [(Meter::PagesPerHour, Amount::Pages(pages))];
        self.spend(lineage, &amounts, now).await.map(drop)
    }

    async fn spend(
        &self,
        lineage: &Lineage,
        amounts: &[(Meter, Amount<'_>)],
        now: Timestamp,
    ) -> Result<Spent, Unspent> {
        let debits = debits(lineage, amounts);
        let Some(top) = lineage.last().filter(|_| !debits.is_empty()) else {
            return Ok(Spent::default());
        };
        loop {
            // Most of the time enough is reserved.
            if let Tried::Spent(spent) = self.try_spend(&debits, now)? {
                return Ok(spent);
            }
            let _turn = self.turns[turn_of(&top.id)].lock().await;
            // Whoever had the turn before may have reserved enough for several.
            let to_write = match self.try_spend(&debits, now)? {
                Tried::Spent(spent) => return Ok(spent),
                Tried::ToWrite(windows) => windows,
            };
            // If the caller goes away meanwhile, more is reserved than is known here: that is harmless.
            self.store.put_spent(to_write.clone()).await.map_err(Unspent::Store)?;
            let mut windows = self.lock();
            for written in &to_write {
                if let Some(window) = windows.get_mut(&(written.key.clone(), written.meter)) {
                    window.written(written);
                }
            }
        }
    }

    /// Spends all of it, if all of it is there and reserved. Otherwise what must be written first.
    fn try_spend(&self, debits: &[Debit<'_>], now: Timestamp) -> Result<Tried, Unspent> {
        let mut windows = self.lock();
        if windows.len() > WINDOWS_MAX {
            windows
                .retain(|(_, meter), window| window.number() >= Window::new(*meter, now).number());
        }
        let mut refused: Option<Exhausted> = None;
        let mut to_write = Vec::new();
        for debit in debits {
            let window = windows
                .entry((debit.key.id.clone(), debit.meter))
                .or_insert_with(|| Window::new(debit.meter, now));
            window.turn(now);
            match window.check(debit.amount, debit.limit, now) {
                Ok(()) => {
                    let whose = (&debit.key.tenant, &debit.key.id);
                    to_write.extend(window.to_write(debit.amount, debit.limit, whose));
                }
                // Of several, the one that lasts longest: before that it would be in vain.
                Err(exhausted) => {
                    let exhausted = Exhausted { inherited: debit.inherited, ..exhausted };
                    let longest = refused.filter(|it| it.retry_after >= exhausted.retry_after);
                    refused = longest.or(Some(exhausted));
                }
            }
        }
        if let Some(exhausted) = refused {
            return Err(Unspent::Exhausted(exhausted));
        }
        if !to_write.is_empty() {
            return Ok(Tried::ToWrite(to_write));
        }
        let mut spent = Spent::default();
        for debit in debits {
            let name = (debit.key.id.clone(), debit.meter);
            let Some(window) = windows.get_mut(&name) else { continue };
            window.spend(debit.amount);
            // Pages are not given back: somebody else may have read them meanwhile.
            if let Amount::Count(count) = debit.amount {
                spent.0.push((name.0, name.1, window.number(), *count));
            }
        }
        Ok(Tried::Spent(spent))
    }

    /// Gives back what came to nothing.
    pub(crate) fn give_back(&self, spent: Spent) {
        let mut windows = self.lock();
        for (key, meter, number, count) in spent.0 {
            if let Some(window) = windows.get_mut(&(key, meter)) {
                window.give_back(number, count);
            }
        }
    }

    /// How much of each limit of the first key is spent.
    pub(crate) fn usage(&self, lineage: &Lineage, now: Timestamp) -> Vec<(Meter, Usage)> {
        let mut windows = self.lock();
        let mut look = |key: &Key, meter| {
            let window =
                windows.entry((key.id.clone(), meter)).or_insert_with(|| Window::new(meter, now));
            window.turn(now);
            (window.spent(), window.end())
        };
        let Some(own) = lineage.first() else { return Vec::new() };
        let mut all = Vec::new();
        for (meter, limit) in own.budget.limits() {
            let (spent, resets_at) = look(own, meter);
            let left = lineage.iter().filter_map(|key| {
                let limit = u64::from(key.budget.limit(meter)?);
                Some(limit.saturating_sub(look(key, meter).0))
            });
            let left = left.min().unwrap_or_default();
            all.push((meter, Usage { limit, spent, left, resets_at }));
        }
        all
    }

    /// Writes exactly what is spent: the gate closes, and nothing need be lost.
    pub(crate) async fn close(&self, find: impl Fn(&KeyId) -> Option<Arc<Key>>) {
        let to_write: Vec<SpentWindow> = self
            .lock()
            .iter()
            .filter_map(|((id, _), window)| {
                let key = find(id)?;
                window.to_close((&key.tenant, &key.id))
            })
            .collect();
        if !to_write.is_empty()
            && let Err(error) = self.store.put_spent(to_write).await
        {
            tracing::warn!(%error, "what is spent of budgets cannot be noted exactly");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(KeyId, Meter), Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn turn_of(top: &KeyId) -> usize {
    let mut hasher = DefaultHasher::new();
    top.hash(&mut hasher);
    hasher.finish() as usize % TURNS
}
