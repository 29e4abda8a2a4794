//! What the ledger says of webhooks. An event that was taken has one entry, whose request id is the
//! event's: so a start can find the events whose entry a crash has swallowed.

use std::borrow::Cow;

use jiff::Timestamp;
use ledger::{Draft, Metadata, Outcome, Resource};
use model::TenantId;
use store::{Phase, Store, StoreError, StoredEvent};

use crate::Shared;
use crate::error::Error;
use crate::recorder::Recorder;

/// The operation of every entry about an event.
const EVENT: &str = "receive-event";
/// The operation of every entry about a handshake.
const HANDSHAKE: &str = "receive-handshake";

/// Of whom a signature says that it is Notion.
const NOTION: &str = "notion";
/// Somebody.
const ANONYMOUS: &str = "anonymous";

fn draft(at: Timestamp, tenant: &TenantId, operation: &'static str, request_id: &str) -> Draft {
    Draft {
        at,
        principal: NOTION.to_owned(),
        tenant: tenant.as_str().to_owned(),
        connection: String::new(),
        action: "receive".into(),
        operation: operation.into(),
        resource: Resource { kind: "webhook".into(), id: String::new() },
        result: Outcome::Success,
        reason: None,
        request_id: request_id.to_owned(),
        metadata: Metadata::new(),
    }
}

/// The entry of an event that was taken.
fn of_event(event: &StoredEvent) -> Draft {
    let mut draft = draft(event.received_at, &event.tenant, EVENT, &event.id);
    draft.resource =
        Resource { kind: Cow::Owned(event.entity_kind.clone()), id: event.entity.clone() };
    draft.metadata = [
        ("event_id".into(), event.id.as_str().into()),
        ("type".into(), event.kind.as_str().into()),
        ("subscription".into(), event.subscription.as_str().into()),
    ]
    .into();
    draft
}

impl Shared {
    /// Notes that an event was taken.
    pub(super) async fn note_event(&self, event: &StoredEvent) -> Result<(), Error> {
        let recorder = &self.recorder;
        let draft = of_event(event);
        let noted = if self.strict_ledger {
            recorder.write(draft, Phase::Whole).await.map(drop)
        } else {
            recorder.note(draft, Phase::Whole).await
        };
        noted.map_err(|_| Error::Ledger)
    }

    /// Notes that an event came once more. It is refused a second effect, so it stands among what was
    /// refused: a replay looks like this.
    pub(super) async fn note_duplicate(&self, event: &StoredEvent, request_id: &str) {
        let mut draft = of_event(event);
        draft.request_id = request_id.to_owned();
        draft.action = "receive_denied".into();
        draft.result = Outcome::Denied;
        draft.reason = Some("duplicate".into());
        let _ = self.recorder.note(draft, Phase::Whole).await;
    }

    /// Notes that a request at the door was refused.
    pub(super) async fn note_refused_delivery(
        &self,
        tenant: &TenantId,
        handshake: bool,
        reason: &'static str,
        request_id: &str,
    ) {
        let operation = if handshake { HANDSHAKE } else { EVENT };
        let mut draft = draft(self.clock.now(), tenant, operation, request_id);
        draft.principal = ANONYMOUS.to_owned();
        draft.action = "receive_denied".into();
        draft.result = Outcome::Denied;
        draft.reason = Some(reason.into());
        let _ = self.recorder.note(draft, Phase::Whole).await;
    }

    /// Notes, durably, that a subscription's token was taken.
    pub(super) async fn note_handshake(
        &self,
        tenant: &TenantId,
        subscription: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let mut draft = draft(self.clock.now(), tenant, HANDSHAKE, request_id);
        draft.principal = ANONYMOUS.to_owned();
        draft.resource =
            Resource { kind: "webhook_subscription".into(), id: subscription.to_owned() };
        let written = self.recorder.write(draft, Phase::Whole).await;
        written.map(drop).map_err(|_| Error::Ledger)
    }
}

/// Writes the entries that are missing: the process died between the inbox and the ledger.
pub(crate) async fn record_missing(
    store: &dyn Store,
    recorder: &Recorder,
) -> Result<(), StoreError> {
    let missing = store.unrecorded_events().await?;
    if !missing.is_empty() {
        tracing::info!(events = missing.len(), "events that were taken get their entries now");
    }
    for event in &missing {
        // If even this fails the recorder is failing, and the next start finds them again.
        let _ = recorder.note(of_event(event), Phase::Whole).await;
    }
    Ok(())
}
