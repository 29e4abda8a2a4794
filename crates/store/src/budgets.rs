//! What is spent of budgets, in the windows that are not over.

use async_trait::async_trait;
use model::{KeyId, Meter, TenantId};
use notion::Id;

use crate::Result;

/// What a key has spent by one meter in one window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpentWindow {
    /// Whose key.
    pub tenant: TenantId,
    /// Which.
    pub key: KeyId,
    /// What is counted.
    pub meter: Meter,
    /// The number of the window: the time at which it begins, divided by its length.
    pub window: i64,
    /// At least what has been spent in it.
    pub spent: u64,
    /// Of [`Meter::PagesPerHour`]: the pages that were counted. When it is put: those that have come since
    /// it was put the last time.
    pub pages: Vec<Id>,
}

/// Where the state of budgets is kept.
#[async_trait]
pub trait Budgets: Send + Sync {
    /// Every window that is kept, over or not.
    async fn all_spent(&self) -> Result<Vec<SpentWindow>>;
    /// Puts windows in the places of those before, all or none. Durable when it returns.
    async fn put_spent(&self, windows: Vec<SpentWindow>) -> Result<()>;
    /// Forgets the windows of a meter that lie before the number `before`.
    async fn forget_spent(&self, meter: Meter, before: i64) -> Result<()>;
}
