//! The way into custody: tokens are verified, sealed, and kept under the bot that they act as.

use std::sync::Arc;

use ledger::Resource;
use model::{
    Connection, ConnectionKind, ConnectionState, ExposeSecret, Origin, Principal, SecretString,
    Writer,
};
use notion::Id;
use store::{CredentialChange, Slot};

use super::check::{TokenCheck, TokenError, is_notions_own};
use super::{Current, Held, NotFoundForms};
use crate::error::Error;
use crate::record::Record;
use crate::{Gate, to_its_end};

/// The longest token that is taken.
const TOKEN_LENGTH_MAX: usize = 500;

/// The token of an internal integration, or those of a pair: one reads, the other writes.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For everything, or of a pair for what reads.
    pub access: SecretString,
    /// Of a pair, for what writes.
    pub write: Option<SecretString>,
}

/// What Notion has just vouched for, and is now to be kept: for [`Gate::keep`].
pub(crate) struct Verified {
    /// Bot, workspace, kind and origin are as Notion and the caller say; [`Gate::keep`] sets tenant,
    /// state and times.
    pub(crate) connection: Connection,
    /// The secrets, each with its slot.
    pub(crate) credentials: Vec<(Slot, SecretString)>,
    /// How Notion says to it that something is not there.
    pub(crate) not_found: NotFoundForms,
}

impl Gate {
    /// Verifies tokens and takes them into custody of the principal's tenant, in place of older ones of
    /// the same bot. Done to its end even if the caller hangs up.
    pub async fn connect(
        &self,
        principal: &Principal,
        tokens: &Tokens,
        origin: Origin,
        request_id: &str,
    ) -> Result<Connection, Error> {
        let (gate, principal) = (self.clone(), principal.clone());
        let (tokens, request_id) = (tokens.clone(), request_id.to_owned());
        to_its_end(async move { gate.connect_now(&principal, &tokens, origin, &request_id).await })
            .await
    }

    async fn connect_now(
        &self,
        principal: &Principal,
        tokens: &Tokens,
        origin: Origin,
        request_id: &str,
    ) -> Result<Connection, Error> {
        let resource = Resource { kind: "connection".into(), id: String::new() };
        let mut record =
            Record::manage(&self.shared, principal, "connect-workspace", resource, request_id);
        let kept = self.verify_and_keep(principal, &mut record, tokens, origin, request_id);
        match kept.await {
            Ok(connection) => record.done().await.map(|()| connection),
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn verify_and_keep(
        &self,
        principal: &Principal,
        record: &mut Record<'_>,
        tokens: &Tokens,
        origin: Origin,
        request_id: &str,
    ) -> Result<Connection, Error> {
        self.operator_of(principal)?;
        self.check_form(tokens)?;
        let mut verified = self.verify(tokens, origin).await?;
        self.probe(principal, &mut verified, request_id).await;
        self.keep(principal, record, verified).await
    }

    /// What cannot be a token is not sent anywhere, and is not shown in the answer either.
    fn check_form(&self, tokens: &Tokens) -> Result<(), Error> {
        let own = is_notions_own(&self.notion.settings().base_url);
        for token in [Some(&tokens.access), tokens.write.as_ref()].into_iter().flatten() {
            let token = token.expose_secret();
            if !(1..=TOKEN_LENGTH_MAX).contains(&token.len())
                || !token.bytes().all(|byte| byte.is_ascii_graphic())
            {
                return Err(Error::Invalid(
                    "that is no token of Notion: copy the whole token from the integration's settings"
                        .to_owned(),
                ));
            }
            if own && token.starts_with("ntn_sandbox") {
                return Err(Error::Invalid(
                    "that is a token of a sandbox, and NOTION_BASE_URL is Notion's own".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Asks Notion whose tokens these are.
    async fn verify(&self, tokens: &Tokens, origin: Origin) -> Result<Verified, TokenError> {
        let check = self.token_check();
        let (bot, writer) = check.bots(tokens).await?;
        let mut connection = bot.into_connection(ConnectionKind::Internal, origin);
        let mut credentials = vec![(Slot::Access, tokens.access.clone())];
        if let (Some(write), Some(writer)) = (&tokens.write, writer) {
            connection.writer =
                Some(Writer { bot_id: writer.id, name: writer.name, capabilities: None });
            credentials.push((Slot::Write, write.clone()));
        }
        let not_found = self.not_found_forms(&tokens.access, tokens.write.as_ref()).await;
        Ok(Verified { connection, credentials, not_found })
    }

    /// Asks what verified tokens may do.
    async fn probe(&self, principal: &Principal, verified: &mut Verified, request_id: &str) {
        let Verified { connection, credentials, .. } = verified;
        for (slot, token) in credentials {
            let bot = match (&*slot, &connection.writer) {
                (Slot::Write, Some(writer)) => writer.bot_id,
                _ => connection.bot_id,
            };
            let found = self.capabilities(principal, bot, token, request_id).await;
            match (slot, &mut connection.writer) {
                (Slot::Access, _) => connection.capabilities = found,
                (Slot::Write, Some(writer)) => writer.capabilities = found,
                _ => {}
            }
        }
    }

    /// Questions about tokens, asked where the gate finds Notion.
    pub(crate) fn token_check(&self) -> TokenCheck {
        TokenCheck::with((*self.notion).clone())
    }

    /// Learns how Notion says to each half that something is not there.
    pub(crate) async fn not_found_forms(
        &self,
        access: &SecretString,
        write: Option<&SecretString>,
    ) -> NotFoundForms {
        let check = self.token_check();
        let no_page = Id::parse(&self.new_request_id()).unwrap_or(Id::NIL);
        let reader = check.not_found_form(access, no_page).await;
        let writer = match write {
            Some(write) => check.not_found_form(write, no_page).await,
            None => None,
        };
        NotFoundForms { reader, writer }
    }

    /// Takes what Notion has vouched for into custody of the principal's tenant: a new connection, or
    /// the known one of this bot authorised again. The caller has judged the principal and concludes the
    /// record; the intent is written here, once it is clear that nothing forbids it.
    pub(crate) async fn keep(
        &self,
        principal: &Principal,
        record: &mut Record<'_>,
        verified: Verified,
    ) -> Result<Connection, Error> {
        let Verified { mut connection, credentials, not_found } = verified;
        let custody = &self.shared.custody;
        let bot_id = connection.bot_id;
        record.about("connection", bot_id);
        let _adding = custody.adding.lock().await;
        let writer = connection.writer.as_ref().map(|writer| writer.bot_id);
        for bot in [Some(bot_id), writer].into_iter().flatten() {
            if custody.tenant_of(bot).is_some_and(|other| other != principal.tenant) {
                return Err(Error::Conflict(format!(
                    "the bot {bot} is connected to this gate for somebody else: use an integration of your own"
                )));
            }
        }
        let known = custody.get(&principal.tenant, bot_id);
        let _changing = match &known {
            Some(held) => Some(held.changing.lock().await),
            None => None,
        };
        let now = self.shared.clock.now();
        connection.tenant = principal.tenant.clone();
        connection.state = ConnectionState::Active;
        connection.state_reason = None;
        connection.authorized_at = now;
        connection.authorized_by = principal.name();
        connection.rotated_at = now;
        if let Some(held) = &known {
            let before = held.connection();
            connection.last_used_at = before.last_used_at;
            if self.has_all(&held.current(), &credentials) {
                connection.rotated_at = before.rotated_at;
            }
        }
        record.fact("event", "workspace_authorized");
        if let Some(workspace) = connection.workspace_id {
            record.fact("workspace", workspace.to_string());
        }
        record.intend().await?;
        let sealed = credentials
            .iter()
            .map(|(slot, secret)| self.seal(&connection, *slot, secret, connection.rotated_at));
        let change = CredentialChange::only(sealed.collect());
        let held = match &known {
            Some(held) => {
                self.change(held, connection.clone(), change).await?;
                held.clone()
            }
            None => self.add(connection.clone(), change).await?,
        };
        held.learn_not_found(not_found);
        if connection.capabilities.is_some() {
            self.log_warnings(connection.clone());
        }
        Ok(connection)
    }

    /// Adds a connection: durably, then in memory, and to the end even if the caller goes away.
    async fn add(
        &self,
        connection: Connection,
        change: CredentialChange,
    ) -> Result<Arc<Held>, Error> {
        let gate = self.clone();
        to_its_end(async move {
            let change = gate.store_connection(connection.clone(), change).await?;
            let credentials = change.applied_to(&[]);
            Ok(gate.shared.custody.add(connection, credentials))
        })
        .await
    }

    /// Whether all of these secrets are the ones that are in use.
    fn has_all(&self, current: &Current, credentials: &[(Slot, SecretString)]) -> bool {
        credentials.iter().all(|(slot, secret)| self.is_same(current, *slot, secret))
    }

    /// Whether `secret` is what is in `slot`. Takes as long for a wrong one as for the right one.
    pub(crate) fn is_same(&self, current: &Current, slot: Slot, secret: &SecretString) -> bool {
        self.unseal(current, slot).ok().flatten().is_some_and(|known| {
            aws_lc_rs::constant_time::verify_slices_are_equal(
                known.expose_secret().as_bytes(),
                secret.expose_secret().as_bytes(),
            )
            .is_ok()
        })
    }

    /// Makes the environment's tokens the connection of the default tenant that comes from the
    /// environment, and takes out of use one that the environment does not name any more.
    ///
    /// If Notion cannot be reached, tokens that were verified before will do until it can.
    pub async fn declare(&self, tokens: Option<&Tokens>) -> Result<Option<Connection>, Error> {
        let operator = self.operator();
        let declared = match tokens {
            Some(tokens) => Some(self.declare_tokens(&operator, tokens).await?),
            None => None,
        };
        let keep = declared.as_ref().map(|connection| connection.bot_id);
        for held in self.shared.custody.of_tenant(&operator.tenant) {
            let connection = held.current().connection.clone();
            let named = Some(connection.bot_id) == keep;
            if connection.origin == Origin::Environment
                && connection.state != ConnectionState::Revoked
                && !named
            {
                self.take_out_of_use(&operator, &held).await?;
            }
        }
        Ok(declared)
    }

    async fn declare_tokens(
        &self,
        operator: &Principal,
        tokens: &Tokens,
    ) -> Result<Connection, Error> {
        let known = self.declared_before(operator, tokens);
        // Rotated here, and the environment names the token of before still: that does not undo it.
        if let (None, Some(held)) = (&known, self.rotated_since(operator, tokens)) {
            tracing::warn!(
                connection = %held.current().connection.bot_id,
                "the environment names a token that was rotated since: set the new one; going on with that"
            );
            return Ok(held.connection());
        }
        match (self.verify(tokens, Origin::Environment).await, known) {
            (Ok(verified), Some(held))
                if held.current().connection.bot_id == verified.connection.bot_id =>
            {
                held.learn_not_found(verified.not_found);
                self.refresh_facts(&held, verified.connection).await
            }
            (Ok(verified), _) => {
                let resource = Resource { kind: "connection".into(), id: String::new() };
                let id = self.new_request_id();
                let mut record =
                    Record::manage(&self.shared, operator, "connect-workspace", resource, &id);
                match self.keep(operator, &mut record, verified).await {
                    Ok(connection) => record.done().await.map(|()| connection),
                    Err(error) => Err(record.failed(error).await),
                }
            }
            (Err(error @ TokenError::Unreachable { .. }), Some(held)) => {
                tracing::warn!(
                    "{error}: {}; going on with the connection from before",
                    std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
                );
                Ok(held.connection())
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// The usable connection from the environment whose token of before is this one.
    fn rotated_since(&self, operator: &Principal, tokens: &Tokens) -> Option<Arc<Held>> {
        let own = self.shared.custody.of_tenant(&operator.tenant);
        own.into_iter().find(|held| {
            let current = held.current();
            current.connection.origin == Origin::Environment
                && current.connection.state.is_usable()
                && self.is_same(&current, Slot::PreviousAccess, &tokens.access)
        })
    }

    /// The usable connection from the environment that has just these tokens.
    fn declared_before(&self, operator: &Principal, tokens: &Tokens) -> Option<Arc<Held>> {
        let own = self.shared.custody.of_tenant(&operator.tenant);
        own.into_iter().find(|held| {
            let current = held.current();
            current.connection.origin == Origin::Environment
                && current.connection.state.is_usable()
                && self.is_same(&current, Slot::Access, &tokens.access)
                && match &tokens.write {
                    Some(write) => self.is_same(&current, Slot::Write, write),
                    None => current.credential(Slot::Write).is_none(),
                }
        })
    }

    /// Takes over what Notion says of a connection whose tokens did not change.
    async fn refresh_facts(&self, held: &Arc<Held>, seen: Connection) -> Result<Connection, Error> {
        let _changing = held.changing.lock().await;
        let before = held.current().connection.clone();
        // What was not asked again is as it was.
        let known_writer = before.writer.as_ref().and_then(|writer| writer.capabilities);
        let writer = seen.writer.map(|writer| {
            let capabilities = writer.capabilities.or(known_writer);
            Writer { capabilities, ..writer }
        });
        let now = Connection {
            name: seen.name,
            workspace_id: seen.workspace_id,
            workspace_name: seen.workspace_name,
            owner: seen.owner,
            capabilities: seen.capabilities.or(before.capabilities),
            writer,
            ..before.clone()
        };
        if now != before {
            self.change(held, now.clone(), CredentialChange::none()).await?;
        }
        Ok(now)
    }

    /// Ends a connection that the environment does not name any more; its credentials are forgotten.
    async fn take_out_of_use(&self, operator: &Principal, held: &Arc<Held>) -> Result<(), Error> {
        let _changing = held.changing.lock().await;
        let mut connection = held.current().connection.clone();
        tracing::warn!(
            connection = %connection.bot_id,
            "the environment does not name this connection's token any more: calls by keys for it are refused"
        );
        let resource = Resource { kind: "connection".into(), id: connection.bot_id.to_string() };
        let request_id = self.new_request_id();
        let mut record =
            Record::manage(&self.shared, operator, "disconnect-workspace", resource, &request_id);
        record.fact("event", "workspace_deauthorized");
        record.fact("because", "environment");
        record.intend().await?;
        connection.state = ConnectionState::Revoked;
        connection.state_reason = Some("environment".to_owned());
        match self.change(held, connection, CredentialChange::only(Vec::new())).await {
            Ok(_) => record.done().await,
            Err(error) => Err(record.failed(error.into()).await),
        }
    }

    /// The usable connection of the default tenant that was authorised last.
    pub fn latest_connection(&self) -> Option<Connection> {
        self.shared.custody.latest(&model::TenantId::default())
    }

    /// Whether there are connections that do not depend on the environment, usable or not.
    pub fn has_own_connections(&self) -> bool {
        let all = self.shared.custody.all();
        all.iter().any(|held| held.current().connection.origin != Origin::Environment)
    }
}
