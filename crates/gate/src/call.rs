//! One call to Notion, in nine steps. Read [`Gate::call`] and `Gate::take_steps` top-down.
//!
//! Each step is a function: 1 and 2 in `prepare.rs`, 3 and 4 in `decide.rs`, 5 in `../spend.rs`, 6 in
//! `intend.rs`, 7 in `act.rs`, 8 in `view.rs` (which asks `../view`). What they hand on is an [`Underway`].

mod act;
mod answer;
mod body;
mod decide;
mod intend;
mod prepare;
mod rehearse;
mod view;

use model::Principal;
use notion::Effect;
use notion::catalogue::Match;

pub(crate) use self::answer::{Acted, passing_headers};
pub use self::answer::{Answer, AnswerBody};
pub use self::body::{BODY_MAX, CallBody};
pub(crate) use self::prepare::{Underway, with_query};
use crate::Gate;
use crate::budget::{Lineage, Spent};
use crate::error::Error;
use crate::record::Record;

/// The most rows that Notion gives at once.
const PAGE_SIZE_MAX: u64 = 100;

/// The largest answer that is held in memory, to be learned from or cut down.
pub(crate) const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// A call, as a door hands it over.
#[derive(Debug)]
pub struct Call<'a> {
    /// The row of the catalogue that the request fits, with its parameters; `None` if it fits none.
    pub found: Option<Match>,
    /// The raw query string.
    pub query: Option<&'a str>,
    /// The value of `Notion-Version`.
    pub version: Option<&'a str>,
    /// The body.
    pub body: CallBody,
    /// The id under which the call is logged and recorded.
    pub request_id: &'a str,
    /// The gate's address, as the caller knows it; without one, addresses to call stay Notion's.
    pub origin: Option<&'a str>,
}

impl Gate {
    /// Makes a call to Notion for `principal`, if it may.
    pub async fn call(&self, principal: &Principal, call: Call<'_>) -> Result<Answer, Error> {
        if !self.shared.recorder.is_healthy() {
            return Err(Error::Ledger);
        }
        let operation = call.found.as_ref().map(|found| found.operation);
        let (named, effect) =
            operation.map_or(("unknown", Effect::Read), |it| (it.name, it.effect));
        let mut record = Record::open(&self.shared, principal, effect, named, call.request_id);
        if let Some(token) = self.shared.custody.guests.shown(principal) {
            record.fact("notion_token", token);
        }
        let acted = self.take_steps(principal, call, &mut record).await;

        // 9 conclude: the outcome is in the ledger.
        conclude(record, acted).await
    }

    /// The steps 1 to 8. An error ends the call wherever it is, and the record says so.
    async fn take_steps(
        &self,
        principal: &Principal,
        call: Call<'_>,
        record: &mut Record<'_>,
    ) -> Result<Acted, Error> {
        let origin = call.origin;

        // 1 name: which row of the catalogue is this, and may the caller do such a thing at all?
        let (mut call, upload) = self.name(principal, call, record)?;
        let admission = self.admit(&call)?;

        // 2 aim: which objects does it touch?
        self.aim(&mut call, &admission, record)?;
        self.check_connection(&call)?;

        // 5 spend: budgets, before any effect. Looking up places is one, so it comes before 3. (It is not
        // paid for from the budget: what a caller pays may not tell what stands outside.)
        let lineage = self.lineage(principal);
        self.spend_call(&lineage, record).await?;

        // 3 locate and 4 decide: where does everything stand, and may the caller reach it?
        let permit = self.decide(&call, admission).await?;
        self.decide_columns(&mut call).await?;

        // 5 once more: what it writes and destroys, and the pages that it names, now that it may.
        let spent = self.spend_cost(&lineage, &call, record).await?;

        // 6 intend: a write is in the ledger before it happens.
        let unasked = self.unasked(&call).await?;
        self.intend(&call, record).await?;

        // 7 act and 8 view: the answer, cut down to what the caller may see.
        let shorter = self.for_fewer(&call);
        let acted = match unasked {
            Some(answer) => Ok(answer),
            None => self.act(&mut call, upload, permit).await,
        };
        if acted.is_err() {
            // Whether the write was done is not known.
            self.forget_rows(principal, call.operation(), call.effect, &call.named.objects);
        }
        self.forget_columns(&call.looking, call.operation());
        let acted = acted?.in_the_words_of(&call.stand_ins);
        let acted = acted.trimmed(call.operation(), principal.capabilities)?;
        let settled = self.settle_spending(&lineage, &call.found, spent, acted).await;
        let acted = match (settled, shorter) {
            (Err(Error::Budget(exhausted)), Some(body)) if exhausted.left > 0 => {
                call.body = Some(body);
                // Boxed, as all that few calls need: what each call carries along stays small.
                Box::pin(self.act_for_fewer(&mut call, &lineage, exhausted.left)).await
            }
            (settled, _) => settled,
        };
        if let Err(Error::Budget(exhausted)) = &acted {
            record.fact("meter", exhausted.meter.as_str());
        }
        let acted = acted?;
        Ok(match origin {
            Some(gate) => {
                acted.readdressed(call.operation(), &self.notion.settings().base_url, gate)
            }
            None => acted,
        })
    }
}

impl Gate {
    /// The steps 7 and 8 once more, for as many rows as the budget has left.
    async fn act_for_fewer(
        &self,
        call: &mut Underway<'_>,
        lineage: &Lineage,
        left: u64,
    ) -> Result<Acted, Error> {
        if let Some(body) = &mut call.body {
            body["page_size"] = left.min(PAGE_SIZE_MAX).into();
        }
        let permit = self.permit(call, self.admit(call)?).await?;
        let acted = self.act(call, None, permit).await?.in_the_words_of(&call.stand_ins);
        let acted = acted.trimmed(call.operation(), call.principal.capabilities)?;
        self.settle_spending(lineage, &call.found, Spent::default(), acted).await
    }
}

/// Step 9, conclude.
async fn conclude(mut record: Record<'_>, acted: Result<Acted, Error>) -> Result<Answer, Error> {
    match acted {
        Ok(Acted { answer, code, made }) => {
            if let Some(id) = made {
                record.fact("made", id.to_string());
            }
            record.answered(answer.status.as_u16(), code).await?;
            Ok(answer)
        }
        Err(error) => Err(record.failed(error).await),
    }
}
