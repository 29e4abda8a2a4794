//! The one way out of custody: a credential is opened for one request, which a permit is for.

use jiff::Timestamp;
use model::Connection;
use notion::Effect;
use notion::client::{Request, Response};
use policy::Permit;
use store::Slot;

use super::Current;
use crate::Gate;
use crate::error::Error;

impl Gate {
    /// Sends a request to Notion. The only road there for calls: it takes a permit.
    pub(crate) async fn send(&self, permit: Permit, request: Request) -> Result<Response, Error> {
        let (tenant, id) = (permit.tenant(), permit.connection());
        let held = self.shared.custody.get(tenant, id).ok_or(Error::NoConnection)?;
        let current = held.current();
        usable(&current.connection)?;
        let slot = current.slot_for(permit.effect());
        let token = self.unseal(&current, slot)?.ok_or(Error::NoConnection)?;
        held.used(self.shared.clock.now());
        self.notion.send(request, &token).await.map_err(Error::Upstream)
    }
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

impl super::Held {
    /// Notes that a call goes out by it now.
    fn used(&self, now: Timestamp) {
        let now = now.as_microsecond();
        self.last_used.fetch_max(now, std::sync::atomic::Ordering::Relaxed);
    }
}
