//! Credentials that do not open: damaged, or put where they were not sealed for.
//!
//! They are looked for once, when the gate opens, since what is in memory does not change by itself.
//! Their connection is put out of use in memory alone: a store that is restored from a backup is whole
//! again at the next start.

use ledger::{Outcome, Resource};
use model::ConnectionState;
use store::Slot;

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// The state's reason, and the reason in the ledger.
const DAMAGED: &str = "credential_damaged";
/// Without these no call goes out.
const NEEDED: [Slot; 3] = [Slot::Access, Slot::Write, Slot::Legacy];

impl Gate {
    /// Opens every credential that calls go out with, and puts connections out of use whose credential
    /// does not open. The others are not concerned.
    pub(crate) async fn put_damaged_out_of_use(&self) {
        for held in self.shared.custody.all() {
            let _changing = held.changing.lock().await;
            let current = held.current();
            if !current.connection.state.is_usable() {
                continue;
            }
            let open = |slot| self.unseal(&current, slot).err();
            let Some(Error::Credential(error)) = NEEDED.into_iter().find_map(open) else {
                continue;
            };
            let mut connection = current.connection.clone();
            tracing::error!(
                tenant = %connection.tenant,
                connection = %connection.bot_id,
                "{error}; the connection is out of use, the others are not concerned"
            );
            let principal = self.gate_principal(&connection);
            let (kind, id) = ("connection".into(), connection.bot_id.to_string());
            let request_id = self.new_request_id();
            let mut record = Record::manage(
                &self.shared,
                &principal,
                "open-credential",
                Resource { kind, id },
                &request_id,
            );
            record.fact("place", error.place.as_str());
            record.fact("error", error.to_string());
            connection.state = ConnectionState::NeedsReauthorization;
            connection.state_reason = Some(DAMAGED.to_owned());
            held.switch(connection, current.credentials.clone());
            // A ledger that cannot be written stops every call.
            let _ = record.ended(Outcome::Denied, Some(DAMAGED)).await;
        }
    }
}
