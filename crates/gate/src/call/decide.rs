//! Steps 3, locate, and 4, decide: where does everything stand that the call names, and may the caller
//! reach it?

use notion::catalogue::Answer as Shape;
use notion::client::SendError;
use notion::{Effect, Id, Kind};
use policy::{Admission, Aim, Depth, Permit, Target};

use super::Underway;
use crate::error::Error;
use crate::locate::Trust;
use crate::{Gate, columns};
use model::Principal;

impl Gate {
    /// Finds out where everything stands, and gives the permit.
    pub(super) async fn decide(
        &self,
        call: &Underway<'_>,
        admission: Admission<'_>,
    ) -> Result<Permit, Error> {
        let permit = self.in_time(self.permit(call, admission)).await?;
        self.settle_looking(&call.looking);
        Ok(permit)
    }

    /// Columns that reach outside do not exist, and neither do their names. And what a change of columns
    /// does depends on the columns that are there; what becomes of a row, on its values.
    pub(super) async fn decide_columns(&self, call: &mut Underway<'_>) -> Result<(), Error> {
        let Underway { looking, found, query, body, version, .. } = call;
        let naming = columns::Call { found, query, body: body.as_mut(), version: *version };
        call.stand_ins = self.in_time(self.hide_names(looking, naming)).await?;
        self.check_schema_change(call).await?;
        self.in_time(self.check_rows_after(call)).await
    }

    /// Looking things up may take as long as a call to Notion, and no longer.
    pub(super) async fn in_time<T>(
        &self,
        looking: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let time = self.notion.settings().timeout;
        match tokio::time::timeout(time, looking).await {
            Ok(done) => done,
            Err(_) => Err(Error::Upstream(SendError::Timeout(time))),
        }
    }

    pub(crate) async fn permit(
        &self,
        call: &Underway<'_>,
        admission: Admission<'_>,
    ) -> Result<Permit, Error> {
        if admission.depth() == Depth::Nothing {
            return Ok(admission.reach(&Aim::default())?);
        }
        let begun = self.shared.clock.now();
        let operation = call.operation();
        let mut aim = Aim { targets: Vec::new(), nowhere: call.named.nowhere };
        for (kind, id) in call.named.objects.iter().copied() {
            // Reading an object tells its place in the answer; for anything else it must be fresh.
            let tells_itself = admission.depth() == Depth::Root
                && operation.effect == Effect::Read
                && operation.answer == Shape::One(kind);
            let trust = if tells_itself { Trust::Tree } else { Trust::Lately };
            let mut place = self.locate(&call.looking, kind, id, trust).await?;
            // A "no" from memory may be out of date: somebody may have moved the object here.
            if place.path().is_some() && !admission.lets(&place) {
                place = self.locate(&call.looking, kind, id, Trust::Since(begun)).await?;
            }
            let inside = admission.lets(&place);
            aim.targets.push(Target { kind, id, place });
            // One outside refuses the call: Notion need not be asked about the others.
            if !inside {
                break;
            }
        }
        admission.reach(&aim).map_err(|refusal| match refusal {
            policy::Refusal::Scope { kind, id } => {
                self.not_found(call.principal, operation.effect, kind, id)
            }
            other => Error::Refused(other),
        })
    }

    /// The error for an object that is not there for `principal`, whether it exists or not.
    pub(crate) fn not_found(
        &self,
        principal: &Principal,
        effect: Effect,
        kind: Kind,
        id: Id,
    ) -> Error {
        match self.held_for(principal) {
            Ok(held) => Error::NotFound(held.not_found(effect, kind, id)),
            Err(error) => error,
        }
    }
}
