//! Step 5, spend: what a call costs its key, and the keys above that.

use model::{Meter, Principal, Who};
use notion::catalogue::Match;
use serde_json::{Value, json};

use crate::Gate;
use crate::budget::{Cost, Lineage, Spent, Unspent, pages_in};
use crate::call::{Acted, AnswerBody, Underway};
use crate::error::Error;
use crate::record::Record;

/// Lists of rows that are asked for again, shorter, where the budget of pages does not suffice.
const SHORTENED: &[&str] = &["post-database-query", "post-search", "query-data-source"];

impl Gate {
    /// The caller's key and those above it.
    pub(crate) fn lineage(&self, principal: &Principal) -> Lineage {
        let Who::Key(key) = &principal.who else { return Lineage::new() };
        let above = self.shared.keys.above(key).unwrap_or_default();
        std::iter::once(key.clone()).chain(above).collect()
    }

    /// Whether pages that are shown to the caller must be counted.
    pub(crate) fn counts_pages(&self, principal: &Principal) -> bool {
        let limited = |key: &std::sync::Arc<model::Key>| key.budget.pages_per_hour.is_some();
        principal.key().is_some() && self.lineage(principal).iter().any(limited)
    }

    /// Takes off a call.
    pub(crate) async fn spend_call(
        &self,
        lineage: &Lineage,
        record: &mut Record<'_>,
    ) -> Result<(), Error> {
        let now = self.shared.clock.now();
        let spent = self.shared.budgets.spend_call(lineage, now).await;
        spent.map_err(|unspent| refused(unspent, record))
    }

    /// Takes off what the call writes and destroys, and the pages that it names.
    pub(crate) async fn spend_cost(
        &self,
        lineage: &Lineage,
        call: &Underway<'_>,
        record: &mut Record<'_>,
    ) -> Result<Spent, Error> {
        if lineage.is_empty() {
            return Ok(Spent::default());
        }
        let cost = Cost::of(&call.found, call.effect, call.body.as_ref());
        let now = self.shared.clock.now();
        let spent = self.shared.budgets.spend_cost(lineage, &cost, now).await;
        spent.map_err(|unspent| refused(unspent, record))
    }

    /// Once the answer is there, and before the caller gets it: gives back what Notion refused to do, and
    /// takes off the rows that are shown.
    pub(crate) async fn settle_spending(
        &self,
        lineage: &Lineage,
        found: &Match,
        spent: Spent,
        acted: Acted,
    ) -> Result<Acted, Error> {
        let status = acted.answer.status;
        if status.is_client_error() {
            self.shared.budgets.give_back(spent);
        }
        if let AnswerBody::Whole(answer) = &acted.answer.body
            && status.is_success()
            && lineage.iter().any(|key| key.budget.limit(Meter::PagesPerHour).is_some())
        {
            let pages = pages_in(found, answer);
            let pages = pages.ok_or_else(|| Error::Answer("its rows cannot be counted".into()))?;
            let now = self.shared.clock.now();
            let spent = self.shared.budgets.spend_pages(lineage, &pages, now).await;
            spent.map_err(|unspent| match unspent {
                Unspent::Exhausted(exhausted) => Error::Budget(exhausted),
                Unspent::Store(error) => Error::Store(error),
            })?;
        }
        Ok(acted)
    }

    /// The body of a call that can be made again for fewer rows, should its answer hold more than the budget
    /// has left: its caller did not say how many it wants.
    pub(crate) fn for_fewer(&self, call: &Underway<'_>) -> Option<Value> {
        if !SHORTENED.contains(&call.operation().name) || !self.counts_pages(call.principal) {
            return None;
        }
        let body = call.body.clone().unwrap_or_else(|| json!({}));
        let says = body.get("page_size").is_some_and(|size| !size.is_null());
        (body.is_object() && !says).then_some(body)
    }
}

fn refused(unspent: Unspent, record: &mut Record<'_>) -> Error {
    match unspent {
        Unspent::Exhausted(exhausted) => {
            record.fact("meter", exhausted.meter.as_str());
            Error::Budget(exhausted)
        }
        Unspent::Store(error) => Error::Store(error),
    }
}
