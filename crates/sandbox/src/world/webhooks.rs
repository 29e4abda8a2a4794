//! Webhooks as the world keeps them: subscriptions, changes that wait to be told, and deliveries.

use std::collections::VecDeque;
use std::fmt;

use indexmap::IndexMap;
use jiff::Timestamp;
use notion::{Id, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::IdSource;
use super::journal::{Change, Subject};

/// Ids of events come from a source of their own: when an event is told depends on the clock, and
/// ids of pages must not.
const SEED: u64 = 0x7765_6268_6f6f_6b73;

/// Most subscriptions.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 100;
/// Most changes that wait to be told.
pub(crate) const PENDING_MAX: usize = 10_000;
/// Most deliveries that are kept; the oldest that are over go first.
pub(crate) const DELIVERIES_MAX: usize = 10_000;

/// Everything about webhooks.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Webhooks {
    pub(crate) ids: IdSource,
    pub(crate) settings: Settings,
    pub(crate) subscriptions: IndexMap<Id, Subscription>,
    /// Oldest first.
    pub(crate) pending: Vec<Pending>,
    /// Oldest first.
    pub(crate) deliveries: VecDeque<Delivery>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            ids: IdSource::new(SEED),
            settings: Settings::default(),
            subscriptions: IndexMap::new(),
            pending: Vec::new(),
            deliveries: VecDeque::new(),
        }
    }
}

/// How events are delivered.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// So long changes of one entity are gathered, by the world's clock.
    pub(crate) window_ms: u32,
    /// So long a receiver may take, by the machine's clock.
    pub(crate) timeout_ms: u32,
    /// So long an event is held back, by the world's clock.
    pub(crate) delay_ms: u32,
    /// Every event goes out twice.
    pub(crate) duplicate: bool,
    /// Events that become ripe together go out in the wrong order.
    pub(crate) reverse: bool,
}

impl Default for Settings {
    /// Notion gathers for up to a minute and says neither how long exactly nor how long a receiver
    /// may take.
    fn default() -> Self {
        Self { window_ms: 1000, timeout_ms: 5000, delay_ms: 0, duplicate: false, reverse: false }
    }
}

/// Whether a subscription gets events.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The receiver has not been reached yet.
    PendingVerification,
    Active,
    Paused,
}

/// One subscription.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Subscription {
    pub(crate) id: Id,
    /// The bot of an internal connection, or the client of a public one.
    pub(crate) integration: Id,
    pub(crate) url: String,
    pub(crate) verification_token: String,
    /// `None`: all of the version.
    pub(crate) events: Option<Vec<String>>,
    pub(crate) api_version: String,
    pub(crate) state: State,
    pub(crate) created_time: Timestamp,
}

impl Subscription {
    pub(crate) fn version(&self) -> Version {
        Version::parse(&self.api_version).unwrap_or(Version::LATEST)
    }

    pub(crate) fn wants(&self, event: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.iter().any(|one| one == event))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Changes of one kind to one entity that wait to be told together.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Pending {
    pub(crate) subject: Subject,
    pub(crate) change: Change,
    /// When the first of them was.
    pub(crate) since: Timestamp,
    /// When the last of them was.
    pub(crate) at: Timestamp,
    pub(crate) by: Vec<Id>,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    Waiting,
    Delivered,
    /// Every attempt failed, or the subscription is gone.
    Dropped,
}

/// An event on its way to one subscriber.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Delivery {
    /// The event's own id.
    pub(crate) id: Id,
    pub(crate) subscription: Id,
    pub(crate) url: String,
    /// As the first attempt sends it.
    pub(crate) event: Value,
    pub(crate) progress: Progress,
    /// When the next attempt is planned.
    pub(crate) due: Timestamp,
    pub(crate) attempts: Vec<Attempt>,
}

/// What came of sending an event once.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    /// From 1; a copy of an attempt that was sent on purpose has the same.
    pub(crate) number: u8,
    pub(crate) status: Option<u16>,
    pub(crate) latency_ms: u64,
    pub(crate) error: Option<String>,
    pub(crate) signature: String,
}

impl Delivery {
    /// The bytes of an attempt: minified, members in Notion's order.
    pub(crate) fn body(&self, number: u8) -> String {
        let mut event = self.event.clone();
        event["attempt_number"] = number.into();
        event.to_string()
    }
}

impl Webhooks {
    pub(crate) fn delivery_mut(&mut self, id: Id) -> Option<&mut Delivery> {
        self.deliveries.iter_mut().find(|delivery| delivery.id == id)
    }

    /// Queues a delivery. Where there are too many, the oldest that is over makes room; if none is,
    /// the oldest of all.
    pub(crate) fn enqueue(&mut self, delivery: Delivery) {
        if self.deliveries.len() >= DELIVERIES_MAX {
            let over = self.deliveries.iter().position(|one| one.progress != Progress::Waiting);
            self.deliveries.remove(over.unwrap_or(0));
        }
        self.deliveries.push_back(delivery);
    }

    /// Removes a subscription; what was on its way to it is dropped.
    pub(crate) fn unsubscribe(&mut self, id: Id) -> bool {
        for delivery in self.deliveries.iter_mut().filter(|one| one.subscription == id) {
            if delivery.progress == Progress::Waiting {
                delivery.progress = Progress::Dropped;
            }
        }
        self.subscriptions.shift_remove(&id).is_some()
    }

    /// What is wrong with these, read from outside.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_large = self.subscriptions.len() > SUBSCRIPTIONS_MAX
            || self.pending.len() > PENDING_MAX
            || self.deliveries.len() > DELIVERIES_MAX;
        if is_large {
            return Err("it has more webhooks than the sandbox allows".to_owned());
        }
        match self.deliveries.iter().find(|delivery| !delivery.event.is_object()) {
            Some(delivery) => Err(format!("the event of delivery {} is no object", delivery.id)),
            None => Ok(()),
        }
    }
}
