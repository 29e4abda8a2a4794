//! What a connection may do itself. A call for which it lacks a capability is refused before Notion is
//! asked, which would refuse it too.

use std::sync::atomic::Ordering;

use model::Connection;
use notion::{Capabilities, Capability, Effect, Operation};
use policy::Refusal;
use store::Slot;

use super::{Current, Held};
use crate::error::Error;

impl Held {
    /// Refuses what the connection cannot do, as far as that is known.
    ///
    /// An owner may have granted more meanwhile: after a refusal it is looked at once more
    /// (`probe.rs`), so that none outlasts the next look.
    pub(crate) fn grants(
        &self,
        operation: &Operation,
        effect: Effect,
        needs_too: Option<Capability>,
    ) -> Result<(), Error> {
        let Some(granted) = self.current().granted(effect) else { return Ok(()) };
        let lacks_too = needs_too.filter(|capability| !granted.grants(*capability));
        let needs = if operation.needs.met_by(granted) {
            lacks_too.map(|capability| capability.to_string())
        } else {
            Some(operation.needs.to_string())
        };
        let Some(needs) = needs else { return Ok(()) };
        self.doubted.store(true, Ordering::Relaxed);
        Err(Error::Refused(Refusal::ConnectionCapability { needs }))
    }
}

impl Current {
    /// The capabilities of the half by which a call goes out; `None` if they are not known.
    fn granted(&self, effect: Effect) -> Option<Capabilities> {
        let Connection { capabilities, writer, .. } = &self.connection;
        match (self.slot_for(effect), writer) {
            (Slot::Write, Some(writer)) => writer.capabilities,
            _ => *capabilities,
        }
    }
}
