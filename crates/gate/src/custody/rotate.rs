//! Rotation: a new credential in place of the old, without losing a call.
//!
//! The new one is verified first; then both change places in one commit, and the old one is kept for a
//! grace, in which calls fall back to it should Notion not take the new one yet.

use std::sync::Arc;

use jiff::Timestamp;
use ledger::Resource;
use model::{
    Connection, ConnectionId, ConnectionKind, ConnectionState, Origin, Principal, SecretString,
};
use store::{Credential, CredentialChange, Slot};

use super::check::Bot;
use super::flight::{Errand, Found};
use super::{Current, Held, TokenError};
use crate::error::Error;
use crate::record::Record;
use crate::{Gate, to_its_end};

/// Credentials that are kept for a grace, each with the one that replaced it.
pub(super) const PREVIOUS: [(Slot, Slot); 3] = [
    (Slot::Access, Slot::PreviousAccess),
    (Slot::Refresh, Slot::PreviousRefresh),
    (Slot::Write, Slot::PreviousWrite),
];

impl Gate {
    /// Replaces the credential of a connection by `token`; without one, the tokens of an OAuth
    /// installation are refreshed.
    pub async fn rotate(
        &self,
        principal: &Principal,
        id: ConnectionId,
        token: Option<SecretString>,
        request_id: &str,
    ) -> Result<Connection, Error> {
        let (gate, principal) = (self.clone(), principal.clone());
        let request_id = request_id.to_owned();
        to_its_end(async move { gate.rotate_now(&principal, id, token, &request_id).await }).await
    }

    async fn rotate_now(
        &self,
        principal: &Principal,
        id: ConnectionId,
        token: Option<SecretString>,
        request_id: &str,
    ) -> Result<Connection, Error> {
        let resource = Resource { kind: "connection".into(), id: id.to_string() };
        let mut record =
            Record::manage(&self.shared, principal, "rotate-credential", resource, request_id);
        let rotated = match self.own(principal, id) {
            Ok(held) => match token {
                Some(token) => self.rotate_to(&held, &mut record, &token).await,
                None => self.rotate_pair(&held, &mut record).await,
            },
            Err(error) => Err(error),
        };
        match rotated {
            Ok(connection) => record.done().await.map(|()| connection),
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// A connection of the principal's tenant, for one who may manage it.
    pub(super) fn own(&self, principal: &Principal, id: ConnectionId) -> Result<Arc<Held>, Error> {
        self.operator_of(principal)?;
        let held = self.shared.custody.get(&principal.tenant, id);
        held.ok_or(Error::NoSuchConnection)
    }

    async fn rotate_to(
        &self,
        held: &Arc<Held>,
        record: &mut Record<'_>,
        token: &SecretString,
    ) -> Result<Connection, Error> {
        if held.current().connection.kind == ConnectionKind::Oauth {
            return Err(Error::Conflict(
                "the tokens of an OAuth installation come from Notion: rotate without a token to \
                 refresh them, or authorise the workspace again"
                    .to_owned(),
            ));
        }
        // Calls that fail meanwhile wait for what comes of this.
        let _rotating = held.rotating.lock().await;
        let bot = self.token_check().bot(token).await?;
        let _changing = held.changing.lock().await;
        let current = held.current();
        let slot = slot_of(&current.connection, &bot)?;
        if self.is_same(&current, slot, token) && current.connection.state.is_usable() {
            return Err(Error::Conflict(
                "this token is the one that is in use: nothing was rotated".to_owned(),
            ));
        }
        record.intend().await?;
        let now = self.shared.clock.now();
        let mut connection = current.connection.clone();
        connection.state = ConnectionState::Active;
        connection.state_reason = None;
        connection.rotated_at = now;
        let mut put = vec![self.seal(&connection, slot, token, now)];
        if let (Some(previous), Ok(Some(old))) = (previous_of(slot), self.unseal(&current, slot)) {
            put.push(self.seal(&connection, previous, &old, now));
        }
        let change = CredentialChange { delete: Vec::new(), put };
        self.change(held, connection.clone(), change).await?;
        tracing::info!(connection = %connection.bot_id, "the connection's token was rotated");
        if connection.origin == Origin::Environment {
            tracing::warn!(
                connection = %connection.bot_id,
                "the environment names the token of before: set the new one there, too, before the next start"
            );
        }
        Ok(held.connection())
    }

    async fn rotate_pair(
        &self,
        held: &Arc<Held>,
        record: &mut Record<'_>,
    ) -> Result<Connection, Error> {
        let current = held.current();
        if current.connection.state == ConnectionState::Revoked {
            return Err(Error::Reauthorize { connection: current.connection.bot_id });
        }
        if current.credential(Slot::Refresh).is_none() {
            return Err(Error::Invalid(
                "`token`: the connection has no refresh token, so give the new token: in Notion, open \
                 the integration's settings and refresh its secret"
                    .to_owned(),
            ));
        }
        record.intend().await?;
        match self.fly(held, Errand::Refresh).await {
            Found::Renewed => Ok(held.connection()),
            Found::Works => Err(Error::Conflict(
                "Notion refuses the refresh token, but the access token works and stays in use: \
                 authorise the workspace again to get new ones"
                    .to_owned(),
            )),
            Found::Gone => Err(Error::Reauthorize { connection: current.connection.bot_id }),
            Found::Unknown(why) => Err(Error::Unauthorized(why.to_string())),
        }
    }

    /// Forgets the credentials whose grace is over.
    pub(crate) async fn forget_previous(&self) {
        let now = self.shared.clock.now();
        let mut forgot = false;
        for held in self.shared.custody.all() {
            let _changing = held.changing.lock().await;
            let current = held.current();
            let over: Vec<Slot> = PREVIOUS
                .into_iter()
                .filter_map(|(_, previous)| current.credential(previous))
                .filter(|credential| !self.in_grace(credential, now))
                .map(|credential| credential.slot)
                .collect();
            if over.is_empty() {
                continue;
            }
            let connection = current.connection.clone();
            let change = CredentialChange { delete: over, put: Vec::new() };
            match self.change(&held, connection, change).await {
                Ok(_) => forgot = true,
                // The next round tries again.
                Err(error) => tracing::warn!(%error, "a credential of before cannot be forgotten"),
            }
        }
        if forgot {
            self.scrub().await;
        }
    }

    /// The credential before the one in `slot`, while its grace lasts.
    pub(super) fn previous<'c>(&self, current: &'c Current, slot: Slot) -> Option<&'c Credential> {
        let previous = current.credential(previous_of(slot)?)?;
        self.in_grace(previous, self.shared.clock.now()).then_some(previous)
    }

    /// A clock that was put back ends a grace, too.
    fn in_grace(&self, previous: &Credential, now: Timestamp) -> bool {
        let age = now.duration_since(previous.since);
        std::time::Duration::try_from(age).is_ok_and(|age| age < self.shared.rotation_grace)
    }
}

fn previous_of(slot: Slot) -> Option<Slot> {
    PREVIOUS.into_iter().find(|(now, _)| *now == slot).map(|(_, previous)| previous)
}

/// Which credential of the connection a token of `bot` can replace.
fn slot_of(connection: &Connection, bot: &Bot) -> Result<Slot, TokenError> {
    let writer = connection.writer.as_ref().map(|writer| writer.bot_id);
    let slot = match bot.id {
        id if id == connection.bot_id => Slot::Access,
        id if Some(id) == writer => Slot::Write,
        id => {
            return Err(TokenError::Mismatch(format!(
                "the token belongs to another bot ({id}, \"{}\") than the connection ({}, \"{}\"): it \
                 was not taken, and the old token stays in use",
                bot.name, connection.bot_id, connection.name
            )));
        }
    };
    match (connection.workspace_id, bot.workspace_id) {
        (Some(known), Some(other)) if known != other => Err(TokenError::Mismatch(format!(
            "the token belongs to another workspace ({other}) than the connection ({known}): it was \
             not taken, and the old token stays in use"
        ))),
        _ => Ok(slot),
    }
}
