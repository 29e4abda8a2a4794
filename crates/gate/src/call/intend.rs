//! Step 6, intend: a write is in the ledger, durably, before it happens.

use notion::Effect;

use super::Underway;
use crate::Gate;
use crate::error::Error;
use crate::record::Record;

impl Gate {
    /// Writes the intent, with everything that is known of the write by then.
    pub(super) async fn intend(
        &self,
        call: &Underway<'_>,
        record: &mut Record<'_>,
    ) -> Result<(), Error> {
        if call.effect == Effect::Read {
            return Ok(());
        }
        // A move changes who reaches what, and the ledger says how.
        self.note_move(call, record).await;
        self.keep_body(call.principal, call.body.as_ref(), record).await?;
        record.intend().await
    }
}
