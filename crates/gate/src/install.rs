//! Installing a workspace by OAuth: a person is sent to Notion, comes back with a code, and the code
//! becomes a connection.
//!
//! What comes back is believed only with a `state` that this gate gave to this browser, once, within ten
//! minutes (see `state`); otherwise Notion is not even asked. PKCE is left out: Notion does not document
//! it for this flow, the exchange needs the app's secret, and a code that somebody else got cannot be
//! handed in without a state of this browser.

mod callback;
mod error;
pub(crate) mod state;

use ledger::Resource;
use model::user::{Identity, UserId};
use model::{
    Connection, ConnectionId, ConnectionKind, ConnectionState, KeyId, Origin, Principal, Role,
    SecretString, TenantId, Who,
};
use notion::Capabilities;
use notion::oauth::{OAuthClient, Owner, TokenAnswer};
use store::Slot;

pub use callback::Callback;
pub use error::InstallError;
pub(crate) use error::Refusals;
pub use state::StateFault;
pub(crate) use state::States;

use crate::Gate;
use crate::custody::{Verified, bounded_name, bounded_owner};
use crate::error::Error;
use crate::record::Record;
use crate::sign_in::SignedIn;
use crate::sign_in::at_notion::SIGN_IN;
use state::{Binding, Flow};

/// The longest icon (an address or an emoji) that is kept.
const ICON_MAX: usize = 2000;
/// In a state: access to the data directory began it.
const OPERATOR: &str = "operator";
/// In a state: this person began it.
const USER: &str = "user:";
/// In a state: somebody at this machine began it.
const VISITOR: &str = "visitor";

/// Who wants to install a workspace.
#[derive(Clone, Copy, Debug)]
pub enum Starter<'a> {
    /// Somebody who may manage the tenant's connections.
    Manager(&'a Principal),
    /// Somebody in front of the machine that the gate runs on, who showed nothing. The door has looked
    /// at that.
    Visitor,
}

/// A person is on the way to Notion.
#[derive(Debug)]
pub struct Departure {
    /// Notion's page that asks the person.
    pub location: String,
    /// What the browser keeps in a cookie until the person is back.
    pub browser: SecretString,
}

/// What became of what was begun at Notion.
#[derive(Debug)]
pub enum Returned {
    /// A workspace is connected.
    Installed(Box<Connection>),
    /// A person is signed in.
    SignedIn(SignedIn),
}

impl Gate {
    /// The app that this gate is at Notion, if it is one.
    pub fn oauth_app(&self) -> Option<&OAuthClient> {
        self.shared.oauth.as_ref()
    }

    /// Begins an installation: where to send the person, and what the browser must keep.
    pub fn begin_install(
        &self,
        starter: Starter<'_>,
        owner: Owner,
    ) -> Result<Departure, InstallError> {
        let (binding, oauth) =
            self.binding().zip(self.oauth()).ok_or(InstallError::NotConfigured)?;
        let (by, tenant) = match starter {
            Starter::Visitor => (VISITOR.to_owned(), TenantId::default()),
            Starter::Manager(principal) => {
                self.operator_of(principal)?;
                let by = match (&principal.person, &principal.who) {
                    (Some(person), Who::User(id)) => person_text(*id, person.identity.as_ref()),
                    _ => {
                        principal.key_id().map_or_else(|| OPERATOR.to_owned(), ToString::to_string)
                    }
                };
                (by, principal.tenant.clone())
            }
        };
        let shared = &self.shared;
        let (chance, now) = (&*shared.chance, shared.clock.now());
        let begun = shared.states.begin(chance, binding, by, tenant.as_str().to_owned(), now);
        let location = oauth.authorize_url(owner, &begun.state);
        Ok(Departure { location, browser: begun.browser.into() })
    }

    /// Ends what was begun: what the browser brought back becomes a connection, or a session.
    ///
    /// From the exchange on it is done to its end even if the browser goes away: Notion may have replaced
    /// the tokens that were there before.
    pub async fn back_from_notion(
        &self,
        callback: Callback,
        request_id: &str,
    ) -> Result<Returned, InstallError> {
        let binding = self.binding().ok_or(InstallError::NotConfigured)?;
        let taken = match self.take_back(binding, &callback) {
            Ok(flow) if flow.by.starts_with(SIGN_IN) => {
                return self.finish_sign_in_at_notion(flow, callback, request_id).await;
            }
            Ok(flow) => {
                let tenant = TenantId::new(flow.tenant.as_str());
                self.starter(&flow).ok_or((StateFault::Starter, tenant))
            }
            Err(fault) => Err(fault),
        };
        if let Some(word) = callback.denial() {
            // Nothing is done with it, so it needs no proof; but it counts only with one.
            let denied = InstallError::Denied(word);
            if let Ok(principal) = taken {
                self.note_refusal(&principal, "authorize-workspace", &denied, request_id).await?;
            }
            return Err(denied);
        }
        let principal = match taken {
            Ok(principal) => principal,
            Err((fault, tenant)) => {
                let refused = InstallError::State(fault);
                let somebody = visitor(tenant);
                self.note_refusal(&somebody, "oauth_state_mismatch", &refused, request_id).await?;
                return Err(refused);
            }
        };
        let code = match (callback.malformed, callback.code) {
            (Some(what), _) => return Err(InstallError::Malformed(what)),
            (None, None) => return Err(InstallError::Malformed("no code came back")),
            (None, Some(code)) => code,
        };
        let (gate, request_id) = (self.at_home(), request_id.to_owned());
        let home = self.shared.home.clone();
        let done = home.spawn(async move { gate.install(&principal, &code, &request_id).await });
        // The task cannot be cancelled by anybody; it could only have panicked.
        let done =
            done.await.unwrap_or(Err(InstallError::Gate(Error::Store(store::StoreError::Closed))));
        done.map(|connection| Returned::Installed(Box::new(connection)))
    }

    pub(crate) fn binding(&self) -> Option<Binding<'_>> {
        let app = self.shared.oauth.as_ref()?;
        Some(Binding { issuer: &self.notion.settings().base_url, app })
    }

    /// What was begun and comes back. With a fault comes whose it was, if that is known.
    fn take_back(
        &self,
        binding: Binding<'_>,
        callback: &Callback,
    ) -> Result<Flow, (StateFault, TenantId)> {
        let (state, browser) = (callback.state.as_deref(), callback.browser.as_deref());
        let now = self.shared.clock.now();
        let flow =
            self.shared.states.take(binding, state, browser, now).map_err(|(fault, flow)| {
                (fault, flow.map_or_else(TenantId::default, |flow| TenantId::new(flow.tenant)))
            })?;
        let tenant = TenantId::new(flow.tenant.as_str());
        if callback.issuer.as_deref().is_some_and(|issuer| !is_issuer(binding.issuer, issuer)) {
            return Err((StateFault::Issuer, tenant));
        }
        Ok(flow)
    }

    /// Who began a flow, if that principal may still do so.
    fn starter(&self, flow: &Flow) -> Option<Principal> {
        let tenant = TenantId::new(flow.tenant.as_str());
        match flow.by.as_str() {
            VISITOR => Some(visitor(tenant)),
            OPERATOR => Some(self.operator_for(tenant)),
            user if user.starts_with(USER) => {
                let (id, identity) = serde_json::from_str(user.strip_prefix(USER)?).ok()?;
                let principal = self.principal_of_user(&tenant, UserId(id), &identity)?;
                self.operator_of(&principal).is_ok().then_some(principal)
            }
            key => self.manager_by_key(&KeyId::parse(key)?).filter(|it| it.tenant == tenant),
        }
    }

    /// Enters a callback that was refused, unless there were too many of late.
    async fn note_refusal(
        &self,
        principal: &Principal,
        operation: &'static str,
        error: &InstallError,
        request_id: &str,
    ) -> Result<(), Error> {
        tracing::warn!(reason = error.reason(), request_id, "an OAuth callback was refused");
        if !self.shared.refused_callbacks.is_told(self.shared.clock.now()) {
            return Ok(());
        }
        let resource = Resource { kind: "connection".into(), id: String::new() };
        let record = Record::manage(&self.shared, principal, operation, resource, request_id);
        record.denied(error.reason()).await
    }

    async fn install(
        &self,
        principal: &Principal,
        code: &SecretString,
        request_id: &str,
    ) -> Result<Connection, InstallError> {
        let oauth = self.oauth().ok_or(InstallError::NotConfigured)?;
        let resource = Resource { kind: "connection".into(), id: String::new() };
        let mut record =
            Record::manage(&self.shared, principal, "authorize-workspace", resource, request_id);
        record.intend().await?;
        let answer = match oauth.exchange(code, &oauth.app().redirect_uri).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.failed(record, InstallError::Exchange(error)).await?),
        };
        record.about("connection", answer.bot_id);
        let kept = match self.vouched(&answer).await {
            Ok(verified) => self.keep_or_hand_over(principal, &mut record, verified).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(connection) => {
                record.done().await?;
                self.look_at(&connection).await;
                Ok(connection)
            }
            Err(error) => {
                // The one who owns it goes on using the fresh tokens; anybody else's must not be left.
                if !matches!(error, InstallError::OtherTenant) {
                    self.take_away(&answer).await;
                }
                Err(self.failed(record, error).await?)
            }
        }
    }

    /// Asks Notion once more whose the token is: the same bot, the same workspace.
    pub(crate) async fn vouched(&self, answer: &TokenAnswer) -> Result<Verified, InstallError> {
        let check = self.token_check();
        let bot = check.bot(&answer.access_token).await.map_err(InstallError::Unverified)?;
        let same_workspace = bot.workspace_id.is_none_or(|id| id == answer.workspace_id);
        if bot.id.0 != answer.bot_id || !same_workspace {
            return Err(InstallError::Contradiction);
        }
        let said = bot.into_connection(ConnectionKind::Oauth, Origin::Oauth);
        let connection = Connection {
            workspace_id: Some(answer.workspace_id),
            workspace_name: answer
                .workspace_name
                .as_deref()
                .map(bounded_name)
                .or(said.workspace_name),
            workspace_icon: answer.workspace_icon.clone().filter(|icon| icon.len() <= ICON_MAX),
            owner: bounded_owner(Some(answer.owner.clone())),
            duplicated_template_id: answer.duplicated_template_id,
            ..said
        };
        let mut credentials = vec![(Slot::Access, answer.access_token.clone())];
        credentials.extend(answer.refresh_token.clone().map(|token| (Slot::Refresh, token)));
        let not_found = self.not_found_forms(&answer.access_token, None).await;
        Ok(Verified { connection, credentials, not_found })
    }

    /// Keeps what Notion vouched for. A bot of another tenant stays that tenant's; but as Notion may have
    /// ended its old tokens just now, it is that tenant which gets the new ones.
    async fn keep_or_hand_over(
        &self,
        principal: &Principal,
        record: &mut Record<'_>,
        verified: Verified,
    ) -> Result<Connection, InstallError> {
        let bot_id = verified.connection.bot_id;
        let owner = self.shared.custody.tenant_of(bot_id).filter(|it| *it != principal.tenant);
        let Some(owner) = owner else {
            return self.keep(principal, record, verified).await.map_err(InstallError::NotKept);
        };
        let held = self.shared.custody.get(&owner, bot_id);
        let in_use =
            held.is_some_and(|held| held.current().connection.state != ConnectionState::Revoked);
        if !in_use {
            return Err(InstallError::NotKept(Error::Conflict(
                "the bot was connected to this gate for somebody else: use an integration of your own"
                    .to_owned(),
            )));
        }
        let itself = Principal { tenant: owner, connection: bot_id, ..self.itself() };
        let resource = Resource { kind: "connection".into(), id: bot_id.to_string() };
        let request_id = self.new_request_id();
        let mut theirs =
            Record::manage(&self.shared, &itself, "authorize-workspace", resource, &request_id);
        theirs.fact("why", "authorised_by_another_tenant");
        match self.keep(&itself, &mut theirs, verified).await {
            Ok(_) => theirs.done().await?,
            Err(error) => return Err(InstallError::NotKept(theirs.failed(error).await)),
        }
        Err(InstallError::OtherTenant)
    }

    /// Finds out at once what a new connection may do, so that people see it. If that fails now, it is
    /// found out later.
    async fn look_at(&self, connection: &Connection) {
        let held = self.shared.custody.get(&connection.tenant, connection.bot_id);
        let Some(held) = held else { return };
        if let Err(error) = self.find_out_capabilities(&held).await {
            tracing::warn!(connection = %connection.bot_id, "what it may do cannot be found out: {error}");
        }
    }

    /// Ends tokens that are not kept; what Notion says to it is for the log.
    pub(crate) async fn take_away(&self, answer: &TokenAnswer) {
        let Some(oauth) = self.oauth() else { return };
        if let Err(error) = oauth.revoke(&answer.access_token).await {
            tracing::warn!(bot = %answer.bot_id, %error, "tokens that are not kept could not be revoked at Notion");
        }
    }

    /// Concludes the record of an installation that failed, and says so in the log.
    async fn failed(
        &self,
        record: Record<'_>,
        error: InstallError,
    ) -> Result<InstallError, InstallError> {
        let refusal = match &error {
            // Notion's word for it; its text may quote what was sent.
            InstallError::Exchange(error) => error.refusal().filter(|word| is_word(word)),
            _ => None,
        };
        tracing::warn!(reason = error.reason(), refusal, "an installation failed: {error}");
        record.failed_because(error.reason()).await?;
        Ok(error)
    }
}

/// A person, for a state.
fn person_text(id: UserId, identity: Option<&Identity>) -> String {
    format!("{USER}{}", serde_json::json!([id, identity]))
}

/// Somebody who showed nothing.
pub(crate) fn visitor(tenant: TenantId) -> Principal {
    Principal {
        who: Who::Visitor,
        tenant,
        connection: ConnectionId::NONE,
        role: Role::Viewer,
        capabilities: Capabilities::NONE,
        above: Default::default(),
        person: None,
    }
}

/// Whether a text is a word of RFC 6749, and nothing that was sent.
fn is_word(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Whether an `iss` (RFC 9207) names the Notion that was asked.
fn is_issuer(base_url: &str, issuer: &str) -> bool {
    issuer.trim_end_matches('/') == base_url
}
