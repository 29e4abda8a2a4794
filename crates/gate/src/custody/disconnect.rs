//! Disconnecting: a connection is out of use at once, its tokens are revoked at Notion where that is
//! possible and proven dead, and then they are forgotten.
//!
//! A connection that is revoked and still has credentials is one whose disconnection is not finished:
//! the process died, or Notion could not be asked. The background goes on with it.

use std::sync::Arc;

use ledger::Resource;
use model::{Connection, ConnectionId, ConnectionKind, ConnectionState, Principal};
use store::{CredentialChange, Slot};

use super::flight::Errand;
use super::machine::Phase;
use super::{Current, Held, TokenError, refresh};
use crate::error::Error;
use crate::record::Record;
use crate::{Gate, to_its_end};

/// The state's reason of a connection that somebody disconnected.
const DISCONNECTED: &str = "disconnected";

fn is_unfinished(current: &Current) -> bool {
    refresh::phase(&current.connection) != Phase::Idle || is_half_disconnected(current)
}

fn is_half_disconnected(current: &Current) -> bool {
    current.connection.state == ConnectionState::Revoked && !current.credentials.is_empty()
}

/// What Notion said to the end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Upstream {
    /// It was revoked, and asked with the token Notion says 401.
    Dead,
    /// Tokens of internal integrations cannot be revoked by a program.
    NotPossible,
    /// It was revoked, and yet Notion goes on to take it.
    StillWorks,
    /// Notion refuses to revoke it.
    Refused,
    /// Notion could not be asked: again later.
    Unknown,
}

impl Upstream {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "revoked",
            Self::NotPossible => "not_possible",
            Self::StillWorks => "still_works",
            Self::Refused => "refused",
            Self::Unknown => "unreachable",
        }
    }
}

impl Gate {
    /// Disconnects a connection; one that is disconnected already is removed altogether.
    pub async fn disconnect(
        &self,
        principal: &Principal,
        id: ConnectionId,
        request_id: &str,
    ) -> Result<(), Error> {
        let (gate, principal) = (self.clone(), principal.clone());
        let request_id = request_id.to_owned();
        to_its_end(async move { gate.disconnect_now(&principal, id, &request_id).await }).await
    }

    async fn disconnect_now(
        &self,
        principal: &Principal,
        id: ConnectionId,
        request_id: &str,
    ) -> Result<(), Error> {
        let resource = Resource { kind: "connection".into(), id: id.to_string() };
        let mut record =
            Record::manage(&self.shared, principal, "disconnect-workspace", resource, request_id);
        record.fact("event", "workspace_deauthorized");
        let ended = match self.own(principal, id) {
            Ok(held) if held.current().connection.state == ConnectionState::Revoked => {
                self.remove(&held, &mut record).await
            }
            Ok(held) => self.end(&held, &mut record).await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => record.done().await,
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn end(&self, held: &Arc<Held>, record: &mut Record<'_>) -> Result<(), Error> {
        record.intend().await?;
        {
            let _changing = held.changing.lock().await;
            let mut connection = held.current().connection.clone();
            connection.state = ConnectionState::Revoked;
            connection.state_reason = Some(DISCONNECTED.to_owned());
            self.change(held, connection, CredentialChange::none()).await?;
        }
        self.forget_what_was_seen(held);
        let upstream = self.finish_disconnecting(held).await?;
        record.fact("upstream", upstream.as_str());
        Ok(())
    }

    /// Revokes and forgets the credentials of a connection that is revoked here.
    async fn finish_disconnecting(&self, held: &Arc<Held>) -> Result<Upstream, Error> {
        // A refresh that is under way would leave tokens behind of which nobody knows.
        self.landed(held).await;
        let _changing = held.changing.lock().await;
        let current = held.current();
        let connection = current.connection.clone();
        if connection.state != ConnectionState::Revoked {
            // Authorised again in the meantime.
            return Ok(Upstream::Unknown);
        }
        let upstream = match connection.kind {
            ConnectionKind::Internal => Upstream::NotPossible,
            ConnectionKind::Oauth => self.revoke_upstream(held).await,
        };
        if upstream == Upstream::Unknown {
            tracing::warn!(
                connection = %connection.bot_id,
                "Notion could not be asked to revoke the connection's tokens: they are kept, unused, and it is asked again"
            );
            return Ok(upstream);
        }
        // Titles are content. Before the credentials, whose end says that everything is done.
        self.shared.store.forget_access_audits(&connection.tenant, connection.bot_id).await?;
        let (tenant, bot_id) = (connection.tenant.clone(), connection.bot_id);
        self.change(held, connection, CredentialChange::only(Vec::new())).await?;
        self.shared.store.forget_access_audits(&tenant, bot_id).await?;
        self.scrub().await;
        Ok(upstream)
    }

    async fn revoke_upstream(&self, held: &Held) -> Upstream {
        let current = held.current();
        let Some(oauth) = self.oauth() else { return Upstream::NotPossible };
        let (Ok(access), Ok(refresh)) =
            (self.unseal(&current, Slot::Access), self.unseal(&current, Slot::Refresh))
        else {
            // What does not open cannot be sent; there is nothing to wait for.
            return Upstream::Refused;
        };
        for token in [&refresh, &access].into_iter().flatten() {
            match oauth.revoke(token).await {
                Ok(()) => {}
                Err(error) if error.refusal().is_some() => {
                    tracing::warn!(%error, "Notion refuses to revoke a token");
                    return Upstream::Refused;
                }
                Err(_) => return Upstream::Unknown,
            }
        }
        let Some(access) = access else { return Upstream::Dead };
        match self.token_check().bot(&access).await {
            Err(TokenError::Rejected) => Upstream::Dead,
            Ok(_) => Upstream::StillWorks,
            Err(_) => Upstream::Unknown,
        }
    }

    /// Removes the record of a connection that is out of use, and what is left of its credentials.
    async fn remove(&self, held: &Arc<Held>, record: &mut Record<'_>) -> Result<(), Error> {
        record.intend().await?;
        self.landed(held).await;
        let _changing = held.changing.lock().await;
        let Connection { tenant, bot_id, state, .. } = held.current().connection.clone();
        if state != ConnectionState::Revoked {
            return Err(Error::Conflict(
                "the workspace was connected again in the meantime: nothing was removed".to_owned(),
            ));
        }
        record.fact("removed", "yes");
        self.shared.store.forget_access_audits(&tenant, bot_id).await?;
        self.shared.store.remove_connection(&tenant, bot_id).await?;
        self.shared.custody.remove(&tenant, bot_id);
        self.scrub().await;
        Ok(())
    }

    /// Goes on with what was not finished: disconnections, and refreshes of which the outcome is not
    /// known.
    pub(crate) async fn take_up_unfinished(&self) {
        for held in self.shared.custody.all() {
            if refresh::phase(&held.current().connection) != Phase::Idle {
                self.fly(&held, Errand::Refresh).await;
            }
            if is_half_disconnected(&held.current()) {
                self.take_up_disconnecting(&held).await;
            }
        }
    }

    /// Whether some disconnection or refresh is not finished.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.shared.custody.all().iter().any(|held| is_unfinished(&held.current()))
    }

    async fn take_up_disconnecting(&self, held: &Arc<Held>) {
        let connection = held.current().connection.clone();
        let principal = self.gate_principal(&connection);
        let resource = Resource { kind: "connection".into(), id: connection.bot_id.to_string() };
        let request_id = self.new_request_id();
        let mut record =
            Record::manage(&self.shared, &principal, "disconnect-workspace", resource, &request_id);
        record.fact("event", "workspace_deauthorized");
        record.fact("because", "unfinished");
        if record.intend().await.is_err() {
            return;
        }
        // The ledger has it either way.
        match self.finish_disconnecting(held).await {
            Ok(upstream) => {
                record.fact("upstream", upstream.as_str());
                let _ = record.done().await;
            }
            Err(error) => drop(record.failed(error).await),
        }
    }
}
