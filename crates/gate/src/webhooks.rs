//! Webhooks in: who may tell us that something happened in Notion, and what is done about it.
//!
//! Read in the order of an event's way: `pairing` (a window in which Notion's token is taken),
//! `receive` (the checks at the door, then the inbox, then the answer), `work` (outside of any
//! request: when an object's events are due), `object` (what is done for one object), `manage` (lists,
//! replay). An event is answered once it is in the inbox; everything else may fail and be tried again.

mod audit;
mod manage;
mod object;
mod pairing;
mod receive;
mod work;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{ConnectionId, SecretString, TenantId};
use store::{Store, StoreError, StoredPairing, StoredSubscription, verification_token_place};
use tokio::sync::Notify;

pub use manage::{ShownEvent, ShownSubscription};
pub use pairing::{Pairing, PairingState};
pub use receive::{Delivery, DeliveryBody, Received, WebhookRefusal};

use crate::Gate;
use crate::error::Error;
use crate::rate::{Limiter, Source};
pub(crate) use audit::record_missing;

/// Refusals of one kind that get an entry in a minute: whoever has nothing to lose must not fill the
/// disk.
const REFUSALS_RECORDED: u32 = 10;

/// How webhooks are taken and worked.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Requests that prove nothing, from one address in a minute.
    pub unproven_per_minute: u32,
    /// Events with a good signature, by one subscription in a minute.
    pub signed_per_minute: u32,
    /// How long an object must be quiet until its events are worked, as one.
    pub debounce: Duration,
    /// Is told of every object whose events are worked, if anybody is.
    pub handler: Option<Arc<dyn EventHandler>>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            unproven_per_minute: 100,
            signed_per_minute: 6000,
            debounce: Duration::from_secs(2),
            handler: None,
        }
    }
}

impl fmt::Debug for WebhookSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("unproven_per_minute", &self.unproven_per_minute)
            .field("signed_per_minute", &self.signed_per_minute)
            .field("debounce", &self.debounce)
            .finish_non_exhaustive()
    }
}

/// Does something about events, outside of any request.
///
/// What fails is tried again. If the process dies while it works, it is called again with the same
/// events at the next start: they have ids by which it can tell.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// Works the events of one object, in their order. Never called twice at once for one object.
    async fn handle(&self, work: &EventWork) -> Result<(), String>;
}

/// The events of one object that are worked together.
#[derive(Clone, Debug)]
pub struct EventWork {
    /// Whose they are.
    pub tenant: TenantId,
    /// A connection that may see the object.
    pub connection: ConnectionId,
    /// What the object is.
    pub entity_kind: String,
    /// The object.
    pub entity: String,
    /// In the order in which they happened.
    pub events: Vec<WorkedEvent>,
}

/// An event that is worked.
#[derive(Clone, Debug)]
pub struct WorkedEvent {
    /// Notion's id of it.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The bytes as they came.
    pub body: Vec<u8>,
}

/// Everything about webhooks that is in memory.
pub(crate) struct Webhooks {
    settings: WebhookSettings,
    doors: RwLock<HashMap<TenantId, Arc<Door>>>,
    /// Held by whoever changes a door: what is in the store and what is in memory stay the same.
    changing: tokio::sync::Mutex<()>,
    unproven: Limiter<Source>,
    signed: Limiter<(TenantId, String)>,
    recorded: Limiter<(TenantId, &'static str)>,
    /// Tenants whose inbox takes no more.
    full: RwLock<HashSet<TenantId>>,
    /// There may be something to do.
    wake: Notify,
}

/// A tenant's way in.
#[derive(Clone, Debug, Default)]
struct Door {
    pairing: Option<StoredPairing>,
    subscriptions: Vec<Arc<StoredSubscription>>,
}

impl Webhooks {
    pub(crate) async fn load(
        store: &dyn Store,
        settings: WebhookSettings,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            unproven: Limiter::new(settings.unproven_per_minute),
            signed: Limiter::new(settings.signed_per_minute),
            recorded: Limiter::new(REFUSALS_RECORDED),
            settings,
            doors: RwLock::new(load_doors(store).await?),
            changing: tokio::sync::Mutex::default(),
            full: RwLock::default(),
            wake: Notify::new(),
        })
    }

    fn door(&self, tenant: &TenantId) -> Arc<Door> {
        let doors = self.doors.read().unwrap_or_else(PoisonError::into_inner);
        doors.get(tenant).cloned().unwrap_or_default()
    }

    fn put_door(&self, tenant: &TenantId, door: Door) {
        let mut doors = self.doors.write().unwrap_or_else(PoisonError::into_inner);
        doors.insert(tenant.clone(), Arc::new(door));
    }

    /// Whose events come in by the URL that ends with `hook`; without one, the default tenant's.
    fn tenant_of(&self, hook: Option<&str>) -> Option<TenantId> {
        let Some(hook) = hook else { return Some(TenantId::default()) };
        let doors = self.doors.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for (tenant, door) in doors.iter() {
            let known = door.pairing.as_ref().map(|pairing| pairing.hook.as_bytes());
            if known.is_some_and(|known| is_equal(known, hook.as_bytes())) {
                found = Some(tenant.clone());
            }
        }
        // The default tenant has one URL.
        found.filter(|tenant| *tenant != TenantId::default())
    }

    /// Takes over how tokens are sealed now; nothing else, as somebody may be changing a door.
    fn renew_tokens(&self, stored: &[StoredSubscription]) {
        let mut doors = self.doors.write().unwrap_or_else(PoisonError::into_inner);
        for door in doors.values_mut() {
            let mut renewed = (**door).clone();
            for known in &mut renewed.subscriptions {
                let same =
                    |it: &&StoredSubscription| (&it.tenant, &it.id) == (&known.tenant, &known.id);
                if let Some(now) = stored.iter().find(same) {
                    let token = now.token.clone();
                    *known = Arc::new(StoredSubscription { token, ..(**known).clone() });
                }
            }
            *door = Arc::new(renewed);
        }
    }

    fn is_full(&self, tenant: &TenantId) -> bool {
        self.full.read().unwrap_or_else(PoisonError::into_inner).contains(tenant)
    }
}

async fn load_doors(store: &dyn Store) -> Result<HashMap<TenantId, Arc<Door>>, StoreError> {
    let mut doors: HashMap<TenantId, Door> = HashMap::new();
    for pairing in store.all_pairings().await? {
        let door = doors.entry(pairing.tenant.clone()).or_default();
        door.pairing = Some(pairing);
    }
    for subscription in store.all_subscriptions().await? {
        let door = doors.entry(subscription.tenant.clone()).or_default();
        door.subscriptions.push(Arc::new(subscription));
    }
    Ok(doors.into_iter().map(|(tenant, door)| (tenant, Arc::new(door))).collect())
}

impl Door {
    fn subscription(&self, id: &str) -> Option<&Arc<StoredSubscription>> {
        self.subscriptions.iter().find(|subscription| subscription.id == id)
    }
}

/// A subscription, its token opened for one request.
type Opened = (Arc<StoredSubscription>, SecretString);

impl Gate {
    /// The tenant's subscriptions with their tokens: to check one signature, or to show one once.
    async fn opened_subscriptions(&self, tenant: &TenantId) -> Result<Vec<Opened>, Error> {
        let webhooks = &self.shared.webhooks;
        let all = &webhooks.door(tenant).subscriptions;
        let opened: Vec<Opened> = all.iter().filter_map(|it| self.opened(it).ok()).collect();
        if opened.len() == all.len() {
            return Ok(opened);
        }
        // Sealed anew under another master key since they were read: the store has what opens now.
        let stored = self.shared.store.all_subscriptions().await?;
        webhooks.renew_tokens(&stored);
        let mut opened = Vec::new();
        for subscription in &webhooks.door(tenant).subscriptions {
            match self.opened(subscription) {
                Ok(all) => opened.push(all),
                Err(error) => {
                    let id = &subscription.id;
                    tracing::error!(%error, id, "the token of a webhook subscription does not open");
                }
            }
        }
        Ok(opened)
    }

    fn opened(&self, subscription: &Arc<StoredSubscription>) -> Result<Opened, vault::OpenError> {
        let row = StoredSubscription::row(&subscription.tenant, &subscription.id);
        let place = verification_token_place(&row);
        let token = self.shared.vault.open(place, &subscription.token)?;
        Ok((subscription.clone(), token))
    }
}

/// Whether two texts are the same, in the same time whichever byte differs.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhooks")
    }
}
