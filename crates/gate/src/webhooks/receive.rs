//! The door: what is checked before an event is believed, and in which order. Cheap things first; the
//! rate before the signature for those who prove nothing; the inbox before the answer.
//!
//! Two rates, and why: everybody can send requests without a good signature, so there is room for few
//! of them. What Notion signed is not held to that: it sends bursts, and gives an event up after
//! eight attempts, so refusing it there would lose data; a reverse proxy may also give all requests
//! one address. Its own bound is far above what a busy workspace sends.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use model::TenantId;
use notion::Id;
use notion::webhook::{Body, BodyFault, Event, Signature};
use store::{Due, EventState, StoredEvent, StoredSubscription};

use crate::error::Error;
use crate::rate::Source;
use crate::{Gate, to_its_end};

/// The largest body that is read.
pub(crate) const BODY_MAX: usize = 256 * 1024;
/// However busy an object is, its events wait at most so many quiet times.
const QUIET_TIMES_MAX: u32 = 5;

/// A request at the door.
#[derive(Debug)]
pub struct Delivery {
    /// The last part of the URL, where it has one.
    pub hook: Option<String>,
    /// From where it comes, if a network was involved.
    pub source: Option<IpAddr>,
    /// The content type that it names.
    pub content_type: Option<String>,
    /// The signature that it bears.
    pub signature: Option<String>,
    /// Its body.
    pub body: DeliveryBody,
    /// The id under which it is logged.
    pub request_id: String,
}

/// The body of a request at the door.
#[derive(Debug)]
pub enum DeliveryBody {
    /// All of it.
    Whole(Bytes),
    /// Larger than [`DeliveryBody::MAX`].
    TooLarge,
    /// It broke off, or did not come in time.
    Broken,
}

impl DeliveryBody {
    /// The most bytes that are read.
    pub const MAX: usize = BODY_MAX;
}

/// What was taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Received {
    /// An event: it is in the inbox.
    Event,
    /// An event that was in the inbox already.
    Duplicate,
    /// The token of a new subscription.
    Handshake,
    /// A challenge, to be sent back.
    Challenge(String),
}

/// Why a request at the door is refused.
#[derive(Debug, thiserror::Error)]
pub enum WebhookRefusal {
    /// Nobody's events come in by this URL.
    #[error("no webhook comes in here")]
    NoSuchHook,
    /// The content type is not that of JSON.
    #[error("the content type must be application/json")]
    ContentType,
    /// The body is too large.
    #[error("the body is larger than {} KB", BODY_MAX / 1024)]
    TooLarge,
    /// The body did not come whole.
    #[error("the body did not come whole")]
    Broken,
    /// Too many at once.
    #[error("too many requests: try again in {retry_after} s")]
    Rate {
        /// In whole seconds.
        retry_after: u64,
    },
    /// There is no signature.
    #[error("the request has no X-Notion-Signature")]
    NoSignature,
    /// The signature is none, or not one over this body by a token that is known here.
    #[error("the X-Notion-Signature does not fit the body and any token that is known here")]
    WrongSignature,
    /// A handshake, and nobody waits for one.
    #[error(
        "a verification token is taken only while an admin of this gate has opened a window for it"
    )]
    NotPairing,
    /// A second handshake with another token.
    #[error(
        "another verification token came in the same window: neither is trusted, and an admin of this gate must begin again"
    )]
    Conflict,
    /// What was signed makes no sense.
    #[error("Invalid webhook payload: {0}")]
    Payload(BodyFault),
    /// It cannot be taken now, by no fault of its own.
    #[error(transparent)]
    Unable(Error),
}

impl WebhookRefusal {
    /// A stable word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoSuchHook => "no_such_hook",
            Self::ContentType => "content_type",
            Self::TooLarge => "too_large",
            Self::Broken => "body",
            Self::Rate { .. } => "rate",
            Self::NoSignature => "signature_missing",
            Self::WrongSignature => "signature_wrong",
            Self::NotPairing => "pairing_closed",
            Self::Conflict => "pairing_conflict",
            Self::Payload(_) => "payload",
            Self::Unable(_) => "unable",
        }
    }
}

impl From<Error> for WebhookRefusal {
    fn from(error: Error) -> Self {
        Self::Unable(error)
    }
}

impl Gate {
    /// Takes what Notion sends: an event into the inbox, the token of a new subscription into an open
    /// window. What is taken is durable when this returns. Done to its end even if the sender hangs up.
    pub async fn receive_webhook(&self, delivery: Delivery) -> Result<Received, WebhookRefusal> {
        let gate = self.clone();
        to_its_end(async move { gate.receive(delivery).await }).await
    }

    async fn receive(&self, delivery: Delivery) -> Result<Received, WebhookRefusal> {
        let shared = &self.shared;
        let tenant = shared.webhooks.tenant_of(delivery.hook.as_deref());
        let tenant = tenant.ok_or(WebhookRefusal::NoSuchHook)?;
        let taken = self.judge(&tenant, &delivery).await;
        if let Err(refusal) = &taken {
            let (reason, now) = (refusal.reason(), shared.clock.now());
            let is_ours = matches!(refusal, WebhookRefusal::Unable(_));
            let recorded = &shared.webhooks.recorded;
            if !is_ours && recorded.take(&(tenant.clone(), reason), now).is_ok() {
                let is_handshake =
                    matches!(refusal, WebhookRefusal::NotPairing | WebhookRefusal::Conflict);
                let request_id = &delivery.request_id;
                shared.note_refused_delivery(&tenant, is_handshake, reason, request_id).await;
            }
        }
        taken
    }

    async fn judge(
        &self,
        tenant: &TenantId,
        delivery: &Delivery,
    ) -> Result<Received, WebhookRefusal> {
        let webhooks = &self.shared.webhooks;
        let now = self.shared.clock.now();
        let unproven = || {
            let taken = webhooks.unproven.take(&Source::of(delivery.source), now);
            taken.map_err(|retry_after| WebhookRefusal::Rate { retry_after })
        };
        let body = match (is_json(delivery.content_type.as_deref()), &delivery.body) {
            (false, _) => return unproven().and(Err(WebhookRefusal::ContentType)),
            (_, DeliveryBody::TooLarge) => return unproven().and(Err(WebhookRefusal::TooLarge)),
            (_, DeliveryBody::Broken) => return unproven().and(Err(WebhookRefusal::Broken)),
            (_, DeliveryBody::Whole(body)) => body,
        };
        let signature = delivery.signature.as_deref().and_then(Signature::parse);
        let signed_by = match &signature {
            Some(signature) => self.signer(tenant, signature, body).await?,
            None => None,
        };
        let Some(subscription) = signed_by else {
            unproven()?;
            return match Body::read(body) {
                Ok(Body::Challenge(challenge)) => Ok(Received::Challenge(challenge)),
                Ok(Body::Handshake(token)) => {
                    // Whether Notion signs it is not documented; a signature that is there must fit.
                    let fits = signature.is_some_and(|signature| signature.fits(&token, body));
                    if delivery.signature.is_some() && !fits {
                        return Err(WebhookRefusal::WrongSignature);
                    }
                    self.handshake(tenant, &token, now, &delivery.request_id).await
                }
                Ok(Body::Event(_)) | Err(_) => Err(match &delivery.signature {
                    Some(_) => WebhookRefusal::WrongSignature,
                    None => WebhookRefusal::NoSignature,
                }),
            };
        };
        let key = (tenant.clone(), subscription.id.clone());
        let rate = webhooks.signed.take(&key, now);
        rate.map_err(|retry_after| WebhookRefusal::Rate { retry_after })?;
        match Body::read(body).map_err(WebhookRefusal::Payload)? {
            Body::Challenge(challenge) => Ok(Received::Challenge(challenge)),
            Body::Handshake(token) => {
                self.handshake(tenant, &token, now, &delivery.request_id).await
            }
            Body::Event(event) => {
                self.take_in(&subscription, *event, body, now, &delivery.request_id).await
            }
        }
    }

    /// The subscription by whose token this was signed.
    async fn signer(
        &self,
        tenant: &TenantId,
        signature: &Signature,
        body: &[u8],
    ) -> Result<Option<Arc<StoredSubscription>>, Error> {
        let opened = self.opened_subscriptions(tenant).await?;
        let signed = opened.into_iter().find(|(_, token)| signature.fits(token, body));
        Ok(signed.map(|(subscription, _)| subscription))
    }

    async fn take_in(
        &self,
        subscription: &Arc<StoredSubscription>,
        event: Event,
        body: &Bytes,
        now: Timestamp,
        request_id: &str,
    ) -> Result<Received, WebhookRefusal> {
        let shared = &self.shared;
        if !shared.recorder.is_healthy() {
            return Err(Error::Ledger.into());
        }
        let tenant = &subscription.tenant;
        if shared.webhooks.is_full(tenant) {
            return Err(WebhookRefusal::Rate { retry_after: 60 });
        }
        let object = Id::parse(&event.entity.id);
        // What is known of its place may be wrong from now on.
        if let Some(object) = object {
            for connection in self.own_connections(tenant) {
                shared.tree.forget(connection.bot_id, object);
                if shared.columns.hear_of(connection.bot_id, &event.entity.kind) {
                    shared.tree.forget_rows(connection.bot_id);
                }
            }
        }
        let stored = StoredEvent {
            tenant: tenant.clone(),
            id: event.id.clone(),
            subscription: subscription.id.clone(),
            received_at: now,
            kind: event.kind.clone(),
            entity_kind: event.entity.kind.clone(),
            // One way to write it, so that all its events meet.
            entity: object.map_or_else(|| event.entity.id.clone(), |object| object.to_string()),
            at: event.timestamp.as_deref().and_then(|at| at.parse().ok()).unwrap_or(now),
            attempts: 0,
            state: EventState::New,
            last_error: None,
            body: body.to_vec(),
        };
        let is_new =
            shared.store.accept_event(stored.clone(), self.due(now)).await.map_err(Error::from)?;
        if !is_new {
            shared.note_duplicate(&stored, request_id).await;
            return Ok(Received::Duplicate);
        }
        // It is in the inbox and will be worked, whatever becomes of its entry.
        shared.webhooks.wake.notify_one();
        shared.note_event(&stored).await?;
        if subscription.notion_id.is_none() {
            self.learn_subscription(subscription, &event).await;
        }
        Ok(Received::Event)
    }

    /// When an event that came now is worked.
    fn due(&self, now: Timestamp) -> Due {
        let quiet = self.shared.webhooks.settings.debounce;
        let after = |time: Duration| now.saturating_add(time).unwrap_or(Timestamp::MAX);
        Due { at: after(quiet), latest: after(quiet * QUIET_TIMES_MAX) }
    }
}

/// Whether a content type is JSON's, whatever parameters it has.
fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
