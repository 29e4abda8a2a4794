//! The inbox: events as they came, kept before they are acknowledged, and the work that they are.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;
use serde::Serialize;

use crate::Result;

/// What has become of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventState {
    /// It waits to be worked.
    New,
    /// It was worked.
    Done,
    /// It could not be worked, and is not tried again unless somebody asks for it.
    Dead,
}

impl EventState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::New, Self::Done, Self::Dead];

    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEvent {
    /// Whose it is.
    pub tenant: TenantId,
    /// Notion's id of it. A tenant has an event once.
    pub id: String,
    /// By which of the tenant's subscriptions it came.
    pub subscription: String,
    /// When it was taken in.
    pub received_at: Timestamp,
    /// What happened.
    pub kind: String,
    /// What the object is that it is about.
    pub entity_kind: String,
    /// The object.
    pub entity: String,
    /// When it happened, as far as Notion says.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What has become of it.
    pub state: EventState,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The bytes as they came. They hold ids and names and neither content nor a credential, as the
    /// ledger beside them does; so they are not sealed.
    pub body: Vec<u8>,
}

/// When the work of an object is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Due {
    /// If nothing more comes.
    pub at: Timestamp,
    /// If more keeps coming.
    pub latest: Timestamp,
}

/// The work that the events of one object are together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectWork {
    /// Whose it is.
    pub tenant: TenantId,
    /// The object.
    pub entity: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// How a piece of work ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WorkEnd {
    /// It was done. If more events came meanwhile, those are due then.
    Done(Timestamp),
    /// It failed, and is tried again then.
    Again(Timestamp, String),
    /// It is given up. If more events came meanwhile, those are due then.
    Dead(Timestamp, String),
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only in this state.
    pub state: Option<EventState>,
    /// Only of this type.
    pub kind: Option<String>,
    /// Only about this object.
    pub object: Option<String>,
}

/// Where events are kept.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Takes an event in; `false` if the tenant has it already. Durable when it returns.
    async fn accept_event(&self, event: StoredEvent, due: Due) -> Result<bool>;
    /// Work that is due, of each tenant what is due first and at most `limit`. What is due only after
    /// `absurd` is due, too: the clock was set back since.
    async fn due_work(
        &self,
        now: Timestamp,
        absurd: Timestamp,
        limit: u32,
    ) -> Result<Vec<ObjectWork>>;
    /// When the next work is due that is not due yet.
    async fn next_work(&self, now: Timestamp) -> Result<Option<Timestamp>>;
    /// The events that wait to be worked for an object, in the order in which they happened.
    async fn waiting_events(
        &self,
        tenant: &TenantId,
        entity: &str,
        limit: u32,
    ) -> Result<Vec<StoredEvent>>;
    /// Says how the work of these events of an object ended.
    async fn end_work(&self, work: ObjectWork, events: Vec<String>, end: WorkEnd) -> Result<()>;
    /// A tenant's event.
    async fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<StoredEvent>>;
    /// A tenant's events that pass `filter`, newest first, those that came before the event `before`.
    async fn list_events(
        &self,
        tenant: &TenantId,
        filter: EventFilter,
        before: Option<String>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>>;
    /// Lets an event be worked once more; `false` if the tenant has no such event.
    async fn replay_event(&self, tenant: &TenantId, id: &str, now: Timestamp) -> Result<bool>;
    /// Gives up what a subscription brought and what is not worked yet.
    async fn stop_events(&self, tenant: &TenantId, subscription: &str, why: &str) -> Result<()>;
    /// Events that the ledger knows nothing of: the process died between the two.
    async fn unrecorded_events(&self) -> Result<Vec<StoredEvent>>;
    /// Forgets some of the events that were done or given up and came before `done` or `dead`; how
    /// many. Call it until it is none.
    async fn prune_events(&self, done: Timestamp, dead: Timestamp) -> Result<usize>;
    /// How many events each tenant has.
    async fn count_events(&self) -> Result<Vec<(TenantId, u64)>>;
}
