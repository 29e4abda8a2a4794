//! Refreshing a pair of tokens: takes the steps of the state machine (`machine.rs`).
//!
//! What the disk says of a refresh is the state of the connection: `rotating`, because of
//! [`SENT`] or [`UNCLEAR`].

use std::sync::Arc;

use ledger::{Outcome, Resource};
use model::{Connection, ConnectionState, SecretString};
use notion::oauth::{OAuthError, TokenAnswer};
use store::{Credential, CredentialChange, Slot};

use super::flight::Found;
use super::machine::{Ending, Event, Loss, Phase, Refresh, Step};
use super::{Current, Held, TokenError};
use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// The state's reason while a refresh token is being sent.
const SENT: &str = "refresh_sent";
/// The state's reason while it is not known what came of it.
const UNCLEAR: &str = "refresh_unclear";
/// Between attempts to write down a new pair.
const WRITE_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// What the disk says of a refresh of this connection.
pub(super) fn phase(connection: &Connection) -> Phase {
    match (connection.state, connection.state_reason.as_deref()) {
        (ConnectionState::Rotating, Some(SENT)) => Phase::Sent,
        (ConnectionState::Rotating, Some(UNCLEAR)) => Phase::Unclear,
        _ => Phase::Idle,
    }
}

fn set_phase(connection: &mut Connection, phase: Phase) {
    let (state, reason) = match phase {
        Phase::Idle => (ConnectionState::Active, None),
        Phase::Sent => (ConnectionState::Rotating, Some(SENT)),
        Phase::Unclear => (ConnectionState::Rotating, Some(UNCLEAR)),
    };
    connection.state = state;
    connection.state_reason = reason.map(str::to_owned);
}

/// A refresh that is under way.
struct Driver<'a> {
    gate: &'a Gate,
    held: &'a Arc<Held>,
    /// The refresh token that it is about. If there is another one, this is over.
    token: Credential,
    /// Why the connection had to be authorised again when this began: said again if it still has to.
    loss_before: Option<String>,
    /// The only copy of a new pair.
    pair: Option<TokenAnswer>,
    /// What Notion said that was not what one hopes for.
    said: Option<String>,
}

/// What came of a step.
enum Came {
    Of(Event),
    /// Somebody else gave the connection other credentials.
    Superseded,
}

impl Gate {
    /// Replaces the pair of tokens, or finds out whether that was done. Only for the flight.
    pub(super) async fn refresh_pair(&self, held: &Arc<Held>) -> Found {
        let current = held.current();
        if current.connection.state == ConnectionState::Revoked {
            return Found::Gone;
        }
        let Some(token) = current.credential(Slot::Refresh).cloned() else {
            return Found::Unknown("the connection has no refresh token".into());
        };
        if self.shared.oauth.is_none() {
            return Found::Unknown(
                "the tokens of the installation cannot be refreshed: set NOTION_OAUTH_CLIENT_ID and \
                 NOTION_OAUTH_CLIENT_SECRET"
                    .into(),
            );
        }
        let connection = &current.connection;
        let begun_as = phase(connection);
        let principal = self.gate_principal(connection);
        let request_id = self.new_request_id();
        let resource = Resource { kind: "connection".into(), id: connection.bot_id.to_string() };
        let mut record =
            Record::manage(&self.shared, &principal, "refresh-credential", resource, &request_id);
        if begun_as != Phase::Idle {
            record.fact("found", connection.state_reason.clone().unwrap_or_default());
        }
        if let Err(error) = record.intend().await {
            return Found::Unknown(error.to_string().into());
        }
        let loss_before = (connection.state == ConnectionState::NeedsReauthorization)
            .then(|| connection.state_reason.clone())
            .flatten();
        let mut driver = Driver { gate: self, held, token, loss_before, pair: None, said: None };
        let ending = driver.run(Refresh::begin(begun_as)).await;
        let said = driver.said.take();
        if let Some(said) = &said {
            record.fact("notion", said.clone());
        }
        let (found, result, reason) = match ending {
            None => (Found::Renewed, Outcome::Error, Some("superseded")),
            Some(Ending::Refreshed) => (Found::Renewed, Outcome::Success, None),
            Some(Ending::Kept) => (Found::Works, Outcome::Error, Some("refresh_refused")),
            Some(Ending::Lost(loss)) => {
                record.fact("event", "workspace_needs_reauthorization");
                tracing::error!(
                    connection = %principal.connection,
                    reason = loss.as_str(),
                    "Notion takes the connection's tokens no more: somebody has to authorise it again"
                );
                (Found::Gone, Outcome::Error, Some(loss.as_str()))
            }
            Some(Ending::NotDone) => (unknown(said), Outcome::Error, Some("refresh_not_done")),
            Some(Ending::Unclear) => {
                tracing::warn!(
                    connection = %principal.connection,
                    "it is not known whether Notion replaced the connection's tokens: it will be found out"
                );
                (unknown(said), Outcome::Error, Some(UNCLEAR))
            }
        };
        // What is done is done: a ledger that cannot be written stops the next call.
        let _ = record.ended(result, reason).await;
        found
    }
}

fn unknown(said: Option<String>) -> Found {
    Found::Unknown(said.map_or("the credential could not be renewed".into(), Arc::from))
}

impl Driver<'_> {
    /// `None` if it was superseded.
    async fn run(&mut self, mut refresh: Refresh) -> Option<Ending> {
        loop {
            let event = match refresh.step() {
                Step::End(ending) => return Some(ending),
                Step::Note(phase) => self.note(|connection| set_phase(connection, phase)).await,
                Step::NoteLoss(loss) => self.note_loss(loss).await,
                Step::Send => self.send().await,
                Step::Probe => self.probe().await,
                Step::Introspect => self.introspect().await,
                Step::Switch => self.switch().await,
            };
            match event {
                Ok(Came::Of(event)) => refresh = refresh.after(event),
                Ok(Came::Superseded) => return None,
                Err(error) => {
                    // A credential that does not open: nothing can be sent, and nothing was.
                    self.said = Some(error.to_string());
                    return Some(Ending::NotDone);
                }
            }
        }
    }

    /// The connection as it is now, unless it got other credentials.
    fn ours(&self) -> Option<Arc<Current>> {
        let current = self.held.current();
        (current.credential(Slot::Refresh) == Some(&self.token)).then_some(current)
    }

    async fn note(&self, change: impl FnOnce(&mut Connection)) -> Result<Came, Error> {
        let _changing = self.held.changing.lock().await;
        let Some(current) = self.ours() else { return Ok(Came::Superseded) };
        let mut connection = current.connection.clone();
        if connection.state == ConnectionState::Revoked {
            // It is being disconnected, and stays so.
            return Ok(Came::Of(Event::Noted));
        }
        change(&mut connection);
        Ok(Came::Of(
            match self.gate.change(self.held, connection, CredentialChange::none()).await {
                Ok(_) => Event::Noted,
                Err(error) => {
                    tracing::error!(%error, "the state of a refresh cannot be noted");
                    Event::NotNoted
                }
            },
        ))
    }

    /// The tokens are kept: they are dead, but should Notion be wrong about that, asking for a rotation
    /// tries them once more.
    async fn note_loss(&self, loss: Loss) -> Result<Came, Error> {
        let reason = self.loss_before.clone().unwrap_or_else(|| loss.as_str().to_owned());
        let came = self
            .note(|connection| {
                connection.state = ConnectionState::NeedsReauthorization;
                connection.state_reason = Some(reason);
            })
            .await;
        self.gate.forget_what_was_seen(self.held);
        came
    }

    async fn send(&mut self) -> Result<Came, Error> {
        let (Some(current), Some(oauth)) = (self.ours(), self.gate.oauth()) else {
            return Ok(Came::Superseded);
        };
        let Some(token) = self.gate.unseal(&current, Slot::Refresh)? else {
            return Ok(Came::Superseded);
        };
        let event = match oauth.refresh(&token).await {
            Ok(pair) if is_of(&pair, &current.connection) => {
                self.pair = Some(pair);
                Event::Pair
            }
            Ok(_) => {
                self.said = Some("Notion gave the tokens of another bot or workspace".to_owned());
                tracing::error!(
                    connection = %current.connection.bot_id,
                    "Notion answered a refresh with the tokens of another bot or workspace: they are not kept"
                );
                Event::ForeignPair
            }
            Err(error) => {
                let event = event_of(&error);
                self.said = Some(error.to_string());
                event
            }
        };
        Ok(Came::Of(event))
    }

    async fn probe(&mut self) -> Result<Came, Error> {
        let Some(current) = self.ours() else { return Ok(Came::Superseded) };
        let Some(access) = self.gate.unseal(&current, Slot::Access)? else {
            return Ok(Came::Superseded);
        };
        Ok(Came::Of(match self.gate.token_check().bot(&access).await {
            Ok(bot) if bot.id == current.connection.bot_id => Event::Alive,
            Err(TokenError::Rejected) => Event::Dead,
            Ok(_) => Event::NoAnswer,
            Err(error) => {
                self.said = Some(error.to_string());
                Event::NoAnswer
            }
        }))
    }

    async fn introspect(&mut self) -> Result<Came, Error> {
        let (Some(current), Some(oauth)) = (self.ours(), self.gate.oauth()) else {
            return Ok(Came::Superseded);
        };
        let Some(token) = self.gate.unseal(&current, Slot::Refresh)? else {
            return Ok(Came::Superseded);
        };
        Ok(Came::Of(match oauth.introspect(&token).await {
            Ok(said) if said.active => Event::Good,
            Ok(_) => Event::Spent,
            Err(error) => {
                self.said = Some(error.to_string());
                Event::NoAnswer
            }
        }))
    }

    async fn switch(&self) -> Result<Came, Error> {
        let Some(pair) = &self.pair else { return Ok(Came::Superseded) };
        let _changing = self.held.changing.lock().await;
        let Some(current) = self.ours() else { return Ok(Came::Superseded) };
        let (gate, now) = (self.gate, self.gate.shared.clock.now());
        let mut connection = current.connection.clone();
        if connection.state != ConnectionState::Revoked {
            set_phase(&mut connection, Phase::Idle);
        }
        connection.rotated_at = now;
        let seal = |slot, secret: &SecretString| gate.seal(&connection, slot, secret, now);
        let mut put = vec![seal(Slot::Access, &pair.access_token)];
        // An answer without one leaves the old one in force (RFC 6749, 6).
        put.extend(pair.refresh_token.as_ref().map(|token| seal(Slot::Refresh, token)));
        for (slot, previous) in
            [(Slot::Access, Slot::PreviousAccess), (Slot::Refresh, Slot::PreviousRefresh)]
        {
            let is_replaced = put.iter().any(|credential| credential.slot == slot);
            if let (true, Ok(Some(old))) = (is_replaced, gate.unseal(&current, slot)) {
                put.push(seal(previous, &old));
            }
        }
        let change = CredentialChange { delete: Vec::new(), put };
        match gate.change(self.held, connection, change).await {
            Ok(_) => Ok(Came::Of(Event::Noted)),
            Err(error) => {
                tracing::error!(%error, "new tokens cannot be written down: trying again");
                tokio::time::sleep(WRITE_AGAIN).await;
                Ok(Came::Of(Event::NotNoted))
            }
        }
    }
}

fn is_of(pair: &TokenAnswer, connection: &Connection) -> bool {
    pair.bot_id == connection.bot_id.0
        && connection.workspace_id.is_none_or(|workspace| workspace == pair.workspace_id)
}

fn event_of(error: &OAuthError) -> Event {
    if error.is_invalid_grant() {
        Event::InvalidGrant
    } else if error.may_be_done() {
        Event::MaybeDone
    } else {
        Event::NotDone
    }
}
