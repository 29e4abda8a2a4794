//! Pairing: an admin opens a window, in which the token of a new subscription is taken. Anybody can
//! send a token, so nobody's is taken at another time, and if two come in one window, neither is
//! trusted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ledger::Resource;
use model::chance::base62;
use model::{ExposeSecret, Principal, SecretString, TenantId};
use notion::Effect;
use notion::webhook::Event;
use serde::Serialize;
use store::{StoredPairing, StoredSubscription, verification_token_place};
use vault::Sealing;

use super::receive::{Received, WebhookRefusal};
use super::{Door, is_equal};
use crate::error::Error;
use crate::record::Record;
use crate::{Gate, to_its_end};

/// How long a window is open.
const OPEN_FOR: Duration = Duration::from_secs(600);
/// A window that seems to be open for longer than [`OPEN_FOR`] and this was opened by another clock.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// Subscriptions that a tenant can have: each costs a look at every signature.
const SUBSCRIPTIONS_MAX: usize = 20;
/// The length of the last part of a URL: 190 bits.
const HOOK_LENGTH: usize = 32;
const SUBSCRIPTION_ID_LENGTH: usize = 12;

/// The way in of the default tenant; of the others it is followed by a part of their own.
const PATH: &str = "/webhooks/notion";

/// How a window stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PairingState {
    /// It is open, and no token has come.
    Waiting,
    /// It is open, and a token has come: it is to be pasted into Notion's portal.
    Received,
    /// It is open, and a first event came with that token's signature.
    Paired,
    /// Two tokens came; neither is trusted.
    Conflict,
    /// It is not open.
    Closed,
}

impl PairingState {
    const ALL: [Self; 5] =
        [Self::Waiting, Self::Received, Self::Paired, Self::Conflict, Self::Closed];

    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Received => "received",
            Self::Paired => "paired",
            Self::Conflict => "conflict",
            Self::Closed => "closed",
        }
    }

    /// How a window stands now.
    fn of(pairing: &StoredPairing, now: Timestamp) -> Self {
        let word = |state: &Self| state.as_str() == pairing.state;
        let state = Self::ALL.into_iter().find(word).unwrap_or(Self::Closed);
        let left = pairing.open_until.duration_since(now);
        let longest = OPEN_FOR + CLOCK_SKEW;
        let is_open = left.is_positive() && left.unsigned_abs() <= longest;
        match state {
            Self::Waiting | Self::Received | Self::Paired if !is_open => Self::Closed,
            state => state,
        }
    }
}

/// A tenant's window.
#[derive(Debug)]
pub struct Pairing {
    /// The path of the URL that Notion is to be told.
    pub path: String,
    /// How it stands.
    pub state: PairingState,
    /// Until when it is open, if it is.
    pub open_until: Option<Timestamp>,
    /// The token that came, as long as the window is open.
    pub verification_token: Option<SecretString>,
    /// The subscription that came of it.
    pub subscription: Option<String>,
}

impl Gate {
    /// Opens the tenant's window, for ten minutes from now.
    pub async fn open_pairing(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Pairing, Error> {
        let (gate, principal, id) = (self.clone(), principal.clone(), request_id.to_owned());
        to_its_end(async move { gate.open_window(&principal, &id).await }).await
    }

    async fn open_window(&self, principal: &Principal, request_id: &str) -> Result<Pairing, Error> {
        let shared = &self.shared;
        let tenant = &principal.tenant;
        let mut record =
            Record::manage(shared, principal, "open-webhook-pairing", resource(""), request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        let _changing = shared.webhooks.changing.lock().await;
        let door = shared.webhooks.door(tenant);
        if door.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let text = format!(
                "there are {SUBSCRIPTIONS_MAX} webhook subscriptions already: delete one that is not used any more"
            );
            return Err(record.failed(Error::Invalid(text)).await);
        }
        record.intend().await?;
        let hook = match &door.pairing {
            Some(pairing) => pairing.hook.clone(),
            None => base62(&*shared.chance, HOOK_LENGTH),
        };
        let open_until = shared.clock.now().saturating_add(OPEN_FOR).unwrap_or(Timestamp::MAX);
        let pairing = StoredPairing {
            tenant: tenant.clone(),
            hook,
            state: PairingState::Waiting.as_str().to_owned(),
            open_until,
            opened_by: principal.name(),
            subscription: None,
        };
        if let Err(error) = self.keep_pairing(&door, pairing).await {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        self.shown_pairing(tenant).await
    }

    /// How the tenant's window stands, and the token that came, as long as it is open.
    pub async fn pairing(&self, principal: &Principal, request_id: &str) -> Result<Pairing, Error> {
        let shared = &self.shared;
        let operation = "retrieve-webhook-pairing";
        let record = Record::open(shared, principal, Effect::Read, operation, request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        self.shown_pairing(&principal.tenant).await
    }

    /// Closes the tenant's window. A subscription whose token has come stays.
    pub async fn close_pairing(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<(), Error> {
        let (gate, principal, id) = (self.clone(), principal.clone(), request_id.to_owned());
        to_its_end(async move { gate.close_window(&principal, &id).await }).await
    }

    async fn close_window(&self, principal: &Principal, request_id: &str) -> Result<(), Error> {
        let shared = &self.shared;
        let mut record =
            Record::manage(shared, principal, "close-webhook-pairing", resource(""), request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        let _changing = shared.webhooks.changing.lock().await;
        let door = shared.webhooks.door(&principal.tenant);
        let Some(pairing) = door.pairing.clone() else { return record.done().await };
        record.intend().await?;
        let state = PairingState::Closed.as_str().to_owned();
        let closed = StoredPairing { state, subscription: None, ..pairing };
        match self.keep_pairing(&door, closed).await {
            Ok(()) => record.done().await,
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn shown_pairing(&self, tenant: &TenantId) -> Result<Pairing, Error> {
        let door = self.shared.webhooks.door(tenant);
        let Some(pairing) = &door.pairing else {
            return Ok(Pairing {
                path: PATH.to_owned(),
                state: PairingState::Closed,
                open_until: None,
                verification_token: None,
                subscription: None,
            });
        };
        let state = PairingState::of(pairing, self.shared.clock.now());
        let is_open = !matches!(state, PairingState::Closed | PairingState::Conflict);
        let subscription = pairing.subscription.as_ref().filter(|_| is_open);
        let opened = match subscription {
            Some(_) => self.opened_subscriptions(tenant).await?,
            None => Vec::new(),
        };
        let opened = opened.into_iter().find(|(it, _)| Some(&it.id) == subscription);
        let (subscription, token) = opened.map(|(it, token)| (it.id.clone(), token)).unzip();
        Ok(Pairing {
            path: path_of(tenant, &pairing.hook),
            state,
            open_until: is_open.then_some(pairing.open_until),
            verification_token: token,
            subscription,
        })
    }

    /// Takes the token of a new subscription, if somebody waits for one.
    pub(super) async fn handshake(
        &self,
        tenant: &TenantId,
        token: &SecretString,
        now: Timestamp,
        request_id: &str,
    ) -> Result<Received, WebhookRefusal> {
        let webhooks = &self.shared.webhooks;
        let _changing = webhooks.changing.lock().await;
        let door = webhooks.door(tenant);
        let pairing = door.pairing.as_ref().ok_or(WebhookRefusal::NotPairing)?;
        let state = PairingState::of(pairing, now);
        if matches!(state, PairingState::Closed | PairingState::Conflict) {
            return Err(WebhookRefusal::NotPairing);
        }
        let mut known = None;
        for (subscription, other) in self.opened_subscriptions(tenant).await? {
            if is_equal(other.expose_secret().as_bytes(), token.expose_secret().as_bytes()) {
                known = Some(subscription.id.clone());
            }
        }
        if let Some(first) = &pairing.subscription {
            // "Resend token" sends the same one.
            if known.as_ref() == Some(first) {
                return Ok(Received::Handshake);
            }
            self.give_up(&door, pairing, first).await?;
            return Err(WebhookRefusal::Conflict);
        }
        let mut changed = (*door).clone();
        let id = match known {
            Some(id) => id,
            None => {
                // Held until it is stored.
                let sealing = self.shared.vault.sealing();
                let subscription = self.new_subscription(&sealing, token, pairing, now);
                self.shared
                    .store
                    .put_subscription(subscription.clone())
                    .await
                    .map_err(Error::from)?;
                drop(sealing);
                let id = subscription.id.clone();
                changed.subscriptions.push(Arc::new(subscription));
                id
            }
        };
        let received = StoredPairing {
            state: PairingState::Received.as_str().to_owned(),
            subscription: Some(id.clone()),
            ..pairing.clone()
        };
        self.keep_pairing(&changed, received).await?;
        self.shared.note_handshake(tenant, &id, request_id).await?;
        tracing::info!(%tenant, subscription = id, "a webhook's verification token came");
        Ok(Received::Handshake)
    }

    fn new_subscription(
        &self,
        sealing: &Sealing,
        token: &SecretString,
        pairing: &StoredPairing,
        now: Timestamp,
    ) -> StoredSubscription {
        let id = base62(&*self.shared.chance, SUBSCRIPTION_ID_LENGTH);
        let row = StoredSubscription::row(&pairing.tenant, &id);
        StoredSubscription {
            token: sealing.seal(verification_token_place(&row), token),
            tenant: pairing.tenant.clone(),
            id,
            created_at: now,
            created_by: pairing.opened_by.clone(),
            notion_id: None,
            integration_id: None,
        }
    }

    /// Two tokens came in one window: the first one's subscription goes, unless it is older than the
    /// window, and so does what it brought.
    async fn give_up(
        &self,
        door: &Door,
        pairing: &StoredPairing,
        first: &str,
    ) -> Result<(), Error> {
        let (store, tenant) = (&self.shared.store, &pairing.tenant);
        let opened = pairing.open_until.saturating_sub(OPEN_FOR).unwrap_or(Timestamp::MIN);
        let mut changed = door.clone();
        if door.subscription(first).is_some_and(|it| it.created_at >= opened) {
            store.delete_subscription(tenant, first).await?;
            let why = "two verification tokens came in one window, and neither is trusted";
            store.stop_events(tenant, first, why).await?;
            changed.subscriptions.retain(|it| it.id != first);
        }
        let state = PairingState::Conflict.as_str().to_owned();
        let conflict = StoredPairing { state, subscription: None, ..pairing.clone() };
        self.keep_pairing(&changed, conflict).await?;
        tracing::warn!(%tenant, "two verification tokens came in one window: neither is trusted");
        Ok(())
    }

    /// Notes what a subscription's first event tells of it.
    pub(super) async fn learn_subscription(&self, known: &StoredSubscription, event: &Event) {
        let webhooks = &self.shared.webhooks;
        let _changing = webhooks.changing.lock().await;
        let door = webhooks.door(&known.tenant);
        let Some(now_known) = door.subscription(&known.id) else { return };
        if now_known.notion_id.is_some() {
            return;
        }
        let learned = StoredSubscription {
            notion_id: Some(event.subscription_id.clone().unwrap_or_default()),
            integration_id: event.integration_id.clone(),
            ..(**now_known).clone()
        };
        let mut changed = (*door).clone();
        for subscription in &mut changed.subscriptions {
            if subscription.id == learned.id {
                *subscription = Arc::new(learned.clone());
            }
        }
        let mut kept = self.shared.store.put_subscription(learned).await.map_err(Error::from);
        let is_this = |it: &&StoredPairing| it.subscription.as_ref() == Some(&known.id);
        match changed.pairing.clone().as_ref().filter(is_this) {
            Some(pairing) if kept.is_ok() => {
                let state = PairingState::Paired.as_str().to_owned();
                kept =
                    self.keep_pairing(&changed, StoredPairing { state, ..pairing.clone() }).await;
            }
            _ => webhooks.put_door(&known.tenant, changed),
        }
        if let Err(error) = kept {
            tracing::warn!(%error, "what an event tells of its subscription was not kept");
        }
    }

    /// Keeps a door with this window, in the store and in memory.
    async fn keep_pairing(&self, door: &Door, pairing: StoredPairing) -> Result<(), Error> {
        self.shared.store.put_pairing(pairing.clone()).await?;
        let tenant = pairing.tenant.clone();
        self.shared.webhooks.put_door(&tenant, Door { pairing: Some(pairing), ..door.clone() });
        Ok(())
    }
}

fn resource(id: &str) -> Resource {
    Resource { kind: "webhook_subscription".into(), id: id.to_owned() }
}

fn path_of(tenant: &TenantId, hook: &str) -> String {
    if *tenant == TenantId::default() { PATH.to_owned() } else { format!("{PATH}/{hook}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_for_its_time_whatever_the_clock_does() {
        let time = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let pairing = |state: PairingState| StoredPairing {
            tenant: TenantId::default(),
            hook: String::new(),
            state: state.as_str().to_owned(),
            open_until: time(600),
            opened_by: String::new(),
            subscription: None,
        };
        for state in [PairingState::Waiting, PairingState::Received, PairingState::Paired] {
            let at = |second| PairingState::of(&pairing(state), time(second));
            assert_eq!([at(0), at(-30), at(599)], [state; 3]);
            for closed in [600, 601, 1_000_000, -61, -1_000_000] {
                assert_eq!(at(closed), PairingState::Closed, "{closed}");
            }
        }
        for stays in [PairingState::Conflict, PairingState::Closed] {
            assert_eq!(PairingState::of(&pairing(stays), time(700)), stays);
        }
        let strange = StoredPairing { state: "?".to_owned(), ..pairing(PairingState::Waiting) };
        assert_eq!(PairingState::of(&strange, time(0)), PairingState::Closed);
    }
}
