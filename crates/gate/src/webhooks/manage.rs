//! What an admin sees of webhooks, and can do: subscriptions, events, replay.

use jiff::Timestamp;
use ledger::Resource;
use model::Principal;
use serde::Serialize;
use serde_json::Value;
use store::{EventFilter, EventState, StoredEvent, StoredSubscription};

use crate::error::Error;
use crate::record::Record;
use crate::{Gate, to_its_end};

/// The most events of one page of a list.
const LIMIT_MAX: u32 = 1000;

/// A subscription as it is shown: everything but its token.
#[derive(Clone, Debug, Serialize)]
pub struct ShownSubscription {
    /// Our own id of it.
    pub id: String,
    /// When its token came.
    pub created_at: Timestamp,
    /// Who had opened the window for it.
    pub created_by: String,
    /// Notion's id of it, once an event has come.
    pub subscription_id: Option<String>,
    /// The connection that it belongs to at Notion, once an event has come.
    pub integration_id: Option<String>,
}

impl From<&StoredSubscription> for ShownSubscription {
    fn from(stored: &StoredSubscription) -> Self {
        Self {
            id: stored.id.clone(),
            created_at: stored.created_at,
            created_by: stored.created_by.clone(),
            subscription_id: stored.notion_id.clone().filter(|id| !id.is_empty()),
            integration_id: stored.integration_id.clone(),
        }
    }
}

/// An event as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct ShownEvent {
    /// Notion's id of it.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// What has become of it.
    pub state: EventState,
    /// To what.
    pub entity: ShownEntity,
    /// When it happened.
    pub timestamp: Timestamp,
    /// When it was taken in.
    pub received_at: Timestamp,
    /// By which subscription it came.
    pub subscription: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The event as it came.
    pub event: Value,
}

/// What an event is about.
#[derive(Clone, Debug, Serialize)]
pub struct ShownEntity {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl From<StoredEvent> for ShownEvent {
    fn from(stored: StoredEvent) -> Self {
        Self {
            event: serde_json::from_slice(&stored.body).unwrap_or_default(),
            id: stored.id,
            kind: stored.kind,
            state: stored.state,
            entity: ShownEntity { kind: stored.entity_kind, id: stored.entity },
            timestamp: stored.at,
            received_at: stored.received_at,
            subscription: stored.subscription,
            attempts: stored.attempts,
            last_error: stored.last_error,
        }
    }
}

impl Gate {
    /// The tenant's subscriptions, oldest first.
    pub async fn list_webhook_subscriptions(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<ShownSubscription>, Error> {
        self.audited(principal, "list-webhook-subscriptions", request_id).await?;
        let door = self.shared.webhooks.door(&principal.tenant);
        Ok(door.subscriptions.iter().map(|it| (&**it).into()).collect())
    }

    /// Forgets a subscription: what its token signs is refused from now on, and what it brought and is
    /// not worked yet is given up.
    pub async fn delete_webhook_subscription(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let (gate, principal) = (self.clone(), principal.clone());
        let (id, request_id) = (id.to_owned(), request_id.to_owned());
        to_its_end(async move { gate.forget_subscription(&principal, &id, &request_id).await })
            .await
    }

    async fn forget_subscription(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let shared = &self.shared;
        let tenant = &principal.tenant;
        let _changing = shared.webhooks.changing.lock().await;
        let mut changed = (*shared.webhooks.door(tenant)).clone();
        let known = changed.subscription(id).map(|it| it.id.clone());
        // Only what is an id: people paste tokens, and those belong nowhere.
        let resource =
            Resource { kind: "webhook_subscription".into(), id: known.clone().unwrap_or_default() };
        let operation = "delete-webhook-subscription";
        let mut record = Record::manage(shared, principal, operation, resource, request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        let Some(id) = known else {
            let text = "there is no such webhook subscription: list them to see their ids";
            return Err(record.failed(Error::Missing(text.to_owned())).await);
        };
        record.intend().await?;
        let why = "its subscription was deleted";
        let gone = async {
            shared.store.delete_subscription(tenant, &id).await?;
            shared.store.stop_events(tenant, &id, why).await
        };
        if let Err(error) = gone.await {
            return Err(record.failed(error.into()).await);
        }
        changed.subscriptions.retain(|it| it.id != id);
        shared.webhooks.put_door(tenant, changed);
        record.done().await
    }

    /// The tenant's events that pass `filter`, newest first, after the event `after` of this list.
    pub async fn list_webhook_events(
        &self,
        principal: &Principal,
        filter: EventFilter,
        after: Option<String>,
        limit: u32,
        request_id: &str,
    ) -> Result<(Vec<ShownEvent>, Option<String>), Error> {
        self.audited(principal, "list-webhook-events", request_id).await?;
        let (store, tenant) = (&self.shared.store, &principal.tenant);
        if let Some(after) = &after
            && store.event(tenant, after).await?.is_none()
        {
            return Err(Error::Invalid("`cursor` is none that this list gave".to_owned()));
        }
        let limit = limit.clamp(1, LIMIT_MAX);
        let mut events = store.list_events(tenant, filter, after, limit + 1).await?;
        let more = events.len() > limit as usize;
        events.truncate(limit as usize);
        let next = events.last().map(|event| event.id.clone()).filter(|_| more);
        Ok((events.into_iter().map(Into::into).collect(), next))
    }

    /// Lets an event be worked once more, now.
    pub async fn replay_webhook_event(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<ShownEvent, Error> {
        let shared = &self.shared;
        let missing =
            || Error::Missing("there is no such event: list them to see their ids".to_owned());
        let found = shared.store.event(&principal.tenant, id).await?;
        let known = found.map(|event| event.id).unwrap_or_default();
        let resource = Resource { kind: "event".into(), id: known.clone() };
        let operation = "replay-webhook-event";
        let mut record = Record::manage(shared, principal, operation, resource, request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        if known.is_empty() {
            return Err(record.failed(missing()).await);
        }
        record.intend().await?;
        let now = shared.clock.now();
        match shared.store.replay_event(&principal.tenant, &known, now).await {
            Ok(true) => {}
            Ok(false) => return Err(record.failed(missing()).await),
            Err(error) => return Err(record.failed(error.into()).await),
        }
        shared.webhooks.wake.notify_one();
        record.done().await?;
        let event = shared.store.event(&principal.tenant, &known).await?;
        event.map(Into::into).ok_or_else(missing)
    }
}
