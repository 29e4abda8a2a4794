//! What is done when Notion refuses a credential: a new pair is asked for, or it is made sure that the
//! credential is dead, and then the connection is out of use.

use std::sync::Arc;

use ledger::Resource;
use model::{Connection, ConnectionState, Principal, Role, Who};
use store::{Credential, CredentialChange, Slot};

use super::flight::Found;
use super::{Held, TokenError};
use crate::Gate;
use crate::error::Error;
use crate::record::Record;

impl Gate {
    /// Looks after a credential that Notion refused. Only for the flight.
    pub(super) async fn look_after(&self, held: &Arc<Held>, refused: &Credential) -> Found {
        // A rotation that is under way may be why it was refused, and brings the next one.
        drop(held.rotating.lock().await);
        let current = held.current();
        if !current.connection.state.is_usable() {
            return Found::Gone;
        }
        if current.credential(refused.slot) != Some(refused) {
            return Found::Renewed;
        }
        if refused.slot == Slot::Access && current.credential(Slot::Refresh).is_some() {
            return self.refresh_pair(held).await;
        }
        let token = match self.unseal(&current, refused.slot) {
            Ok(Some(token)) => token,
            Ok(None) => return Found::Renewed,
            Err(error) => return Found::Unknown(error.to_string().into()),
        };
        match self.token_check().bot(&token).await {
            Ok(_) => Found::Works,
            Err(TokenError::Rejected) => match self.note_dead(held, refused).await {
                Ok(()) => Found::Gone,
                Err(error) => Found::Unknown(error.to_string().into()),
            },
            Err(error) => Found::Unknown(error.to_string().into()),
        }
    }

    /// Takes a connection out of use whose credential Notion does not take, and forgets it.
    async fn note_dead(&self, held: &Arc<Held>, dead: &Credential) -> Result<(), Error> {
        let _changing = held.changing.lock().await;
        let current = held.current();
        if current.credential(dead.slot) != Some(dead) || !current.connection.state.is_usable() {
            return Ok(());
        }
        let mut connection = current.connection.clone();
        let principal = self.gate_principal(&connection);
        let resource = Resource { kind: "connection".into(), id: connection.bot_id.to_string() };
        let request_id = self.new_request_id();
        let mut record =
            Record::manage(&self.shared, &principal, "disconnect-workspace", resource, &request_id);
        record.fact("event", "workspace_deauthorized");
        record.fact("because", "unauthorized");
        record.intend().await?;
        tracing::warn!(
            connection = %connection.bot_id,
            "Notion does not take the connection's credential any more: it is out of use until somebody connects the workspace again"
        );
        connection.state = ConnectionState::Revoked;
        connection.state_reason = Some("unauthorized".to_owned());
        if let Err(error) = self.change(held, connection, CredentialChange::only(Vec::new())).await
        {
            return Err(record.failed(error.into()).await);
        }
        self.forget_what_was_seen(held);
        self.scrub().await;
        record.done().await
    }

    /// Drops what was learned through a connection.
    pub(super) fn forget_what_was_seen(&self, held: &Held) {
        let connection = held.current().connection.bot_id;
        self.shared.tree.forget_connection(connection);
        self.shared.own.forget_connection(connection);
        self.shared.columns.forget(connection);
        held.learn_not_found(super::NotFoundForms::default());
    }

    /// Sees to it that deleted credentials are nowhere in the store's files.
    pub(super) async fn scrub(&self) {
        if let Err(error) = self.shared.store.scrub().await {
            tracing::warn!(%error, "what was deleted may still be in the database's journal for a while");
        }
    }

    /// notegate itself, looking after a connection.
    pub(super) fn gate_principal(&self, connection: &Connection) -> Principal {
        Principal {
            who: Who::Gate,
            tenant: connection.tenant.clone(),
            connection: connection.bot_id,
            role: Role::Admin,
            capabilities: notion::Capabilities::ALL,
            above: Arc::default(),
            person: None,
        }
    }
}
