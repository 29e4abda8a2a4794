//! Calls that are judged and not made: whether they would be let through.

use model::Principal;
use notion::Effect;

use super::{Call, Underway};
use crate::Gate;
use crate::budget::Cost;
use crate::error::Error;
use crate::record::Record;

impl Gate {
    /// Whether these calls would be let through, one after the other: role, capabilities, scope, policies,
    /// and all budgets together. Nothing is sent, spent or changed, and the ledger says of each that it was
    /// a dry run. Whether Notion would take them is another matter.
    pub async fn rehearse(&self, principal: &Principal, calls: Vec<Call<'_>>) -> Result<(), Error> {
        if !self.shared.recorder.is_healthy() {
            return Err(Error::Ledger);
        }
        let count = calls.len() as u64;
        let mut cost = Cost::default();
        for call in calls {
            let named = call.found.as_ref().map_or("unknown", |found| found.operation.name);
            let mut record =
                Record::open(&self.shared, principal, Effect::Read, named, call.request_id);
            record.fact("dry_run", "true");
            match self.weigh(principal, call, &mut record).await {
                Ok(one) => cost.add(one),
                Err(error) => return Err(record.failed(error).await),
            }
            record.done().await?;
        }
        let now = self.shared.clock.now();
        let fits = self.shared.budgets.fits(&self.lineage(principal), count, &cost, now);
        fits.map_err(Error::Budget)
    }

    /// The steps 1 to 4. What the call would cost.
    async fn weigh(
        &self,
        principal: &Principal,
        call: Call<'_>,
        record: &mut Record<'_>,
    ) -> Result<Cost, Error> {
        let (mut call, _) = self.name(principal, call, record)?;
        // Whatever it would do: it is not done.
        record.effect(Effect::Read);
        let admission = self.admit(&call)?;
        self.aim(&mut call, &admission, record)?;
        self.check_connection(&call)?;
        drop(self.decide(&call, admission).await?);
        self.decide_columns(&mut call).await?;
        let Underway { found, effect, body, .. } = &call;
        Ok(Cost::of(found, *effect, body.as_ref()))
    }
}
