//! The one way out of custody: a credential is opened for one request, which a permit is for.
//!
//! An answer 401 means that Notion did nothing, so even a write may be sent again: with the credential
//! that came meanwhile, a refreshed one, or the one of before while its grace lasts. A 401 of Notion is
//! never passed on: to the caller it would mean that its own key is wrong. Only a guest's is: it is about
//! the token that the caller brought along.

use jiff::Timestamp;
use model::Connection;
use notion::client::{Request, Response};
use notion::{ApiError, Effect};
use policy::Permit;
use store::{Credential, Slot};

use super::flight::{Errand, Found};
use super::{Current, Held};
use crate::Gate;
use crate::error::Error;

/// How often a request is sent, if each time another credential is there that may do.
const ATTEMPTS: u32 = 4;

impl Gate {
    /// Sends a request to Notion. The only road there for calls: it takes a permit.
    pub(crate) async fn send(&self, permit: Permit, request: Request) -> Result<Response, Error> {
        let (tenant, id) = (permit.tenant(), permit.connection());
        let held = self.shared.custody.way_out(tenant, id).ok_or(Error::NoConnection)?;
        let mut request = Some(request);
        for _ in 0..ATTEMPTS {
            let current = held.current();
            usable(&current.connection)?;
            let slot = current.slot_for(permit.effect());
            let credential = current.credential(slot).ok_or(Error::NoConnection)?;
            let Some(sent) = request.take() else {
                return Err(refused("it has been looked after: send the request again"));
            };
            // A body that streams is gone with the first attempt.
            request = sent.again();
            held.used(self.shared.clock.now());
            let answer = self.send_with(&current, credential, sent).await?;
            if answer.status != http::StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            if held.is_guest {
                // The caller's own token, and so the caller's to know.
                return Err(Error::Notion(ApiError::unauthorized()));
            }
            let spare = request.as_ref().and_then(Request::again);
            if let Some(answer) = self.send_with_previous(&held, slot, &current, spare).await? {
                return Ok(answer);
            }
            match self.fly(&held, Errand::Refused(credential.clone())).await {
                Found::Renewed | Found::Works => {}
                Found::Gone => return Err(Error::Reauthorize { connection: id }),
                Found::Unknown(why) => return Err(refused(&why)),
            }
        }
        Err(refused("though it says that it is valid: try again later"))
    }

    async fn send_with(
        &self,
        current: &Current,
        credential: &Credential,
        request: Request,
    ) -> Result<Response, Error> {
        let token = self.unseal(current, credential.slot)?.ok_or(Error::NoConnection)?;
        self.notion.send(request, &token).await.map_err(Error::Upstream)
    }

    /// In a rotation's grace: Notion may not take the new credential everywhere yet.
    async fn send_with_previous(
        &self,
        held: &Held,
        slot: Slot,
        refused: &Current,
        request: Option<Request>,
    ) -> Result<Option<Response>, Error> {
        let current = held.current();
        let is_replaced = current.credential(slot) != refused.credential(slot);
        let has_refresh = slot == Slot::Access && current.credential(Slot::Refresh).is_some();
        if is_replaced || has_refresh {
            return Ok(None);
        }
        let Some(previous) = self.previous(&current, slot) else { return Ok(None) };
        let Some(request) = request else { return Ok(None) };
        let answer = self.send_with(&current, previous, request).await?;
        if answer.status == http::StatusCode::UNAUTHORIZED {
            return Ok(None);
        }
        tracing::warn!(
            connection = %current.connection.bot_id,
            "Notion refuses the connection's new token and takes the one of before"
        );
        Ok(Some(answer))
    }
}

fn refused(why: &str) -> Error {
    Error::Unauthorized(why.to_owned())
}

/// Refuses a connection that no call goes out by, before Notion is asked.
pub(crate) fn usable(connection: &Connection) -> Result<(), Error> {
    if connection.state.is_usable() {
        Ok(())
    } else {
        Err(Error::Reauthorize { connection: connection.bot_id })
    }
}

impl Current {
    /// Reads go out with the one token of a pair, everything else with the other.
    pub(crate) fn slot_for(&self, effect: Effect) -> Slot {
        if effect != Effect::Read && self.connection.writer.is_some() {
            Slot::Write
        } else {
            Slot::Access
        }
    }
}

impl Held {
    /// Notes that a call goes out by it now.
    pub(super) fn used(&self, now: Timestamp) {
        let now = now.as_microsecond();
        self.last_used.fetch_max(now, std::sync::atomic::Ordering::Relaxed);
    }
}
