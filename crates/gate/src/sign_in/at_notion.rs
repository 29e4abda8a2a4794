//! Signing in at Notion, by the app that this gate is there: who lets the app in shows who they are.
//!
//! That counts for workspaces alone that the user's tenant is connected to, and as the word of Notion about
//! the person; what the app could then reach is not wanted. The tokens are taken back at once, unless they
//! are those of a connection of this gate: Notion has replaced the ones before, so it gets the new ones.

use ledger::Resource;
use model::user::Identity;
use model::{ConnectionState, Principal, TenantId};
use notion::Id;
use notion::oauth::{Owner, TokenAnswer};

use super::{NEXT_MAX, SignInError, SignedIn, Vouched};
use crate::Gate;
use crate::install::state::Flow;
use crate::install::{Callback, Departure, InstallError, Returned};
use crate::record::Record;

/// In a state: somebody signs in, and wants to see this page then.
pub(crate) const SIGN_IN: &str = "sign-in:";

impl Gate {
    /// Begins a sign-in at Notion: where to send the person, and what the browser must keep. `tenant` says
    /// for which one, for people who are users of several.
    pub fn begin_sign_in_at_notion(
        &self,
        tenant: Option<&str>,
        next: &str,
    ) -> Result<Departure, SignInError> {
        let (binding, oauth) = self.binding().zip(self.oauth()).ok_or(SignInError::NoApp)?;
        let tenant = super::named(tenant)?;
        let next = if next.len() <= NEXT_MAX { next } else { "" };
        let shared = &self.shared;
        let (chance, now) = (&*shared.chance, shared.clock.now());
        let begun = shared.states.begin(chance, binding, format!("{SIGN_IN}{next}"), tenant, now);
        let location = oauth.authorize_url(Owner::User, &begun.state);
        Ok(Departure { location, browser: begun.browser.into() })
    }

    /// Ends a sign-in. Once the code is handed in it goes on to its end, even if the browser goes away.
    pub(crate) async fn finish_sign_in_at_notion(
        &self,
        flow: Flow,
        callback: Callback,
        request_id: &str,
    ) -> Result<Returned, InstallError> {
        let (gate, request_id) = (self.at_home(), request_id.to_owned());
        let done = self.shared.home.spawn(async move {
            match gate.enter_from_notion(&flow, callback, &request_id).await {
                Ok(signed_in) => Ok(Returned::SignedIn(signed_in)),
                Err((error, email)) => {
                    let error = gate.refuse_sign_in(error, email.as_deref(), &request_id).await;
                    Err(InstallError::SignIn(error))
                }
            }
        });
        // The task cannot be cancelled by anybody; it could only have panicked.
        done.await.unwrap_or_else(|_| Err(InstallError::Gate(store::StoreError::Closed.into())))
    }

    /// Whose code it is, and whether that person may come in. With an error comes the address, if it is
    /// known.
    async fn enter_from_notion(
        &self,
        flow: &Flow,
        callback: Callback,
        request_id: &str,
    ) -> Result<SignedIn, (SignInError, Option<String>)> {
        let alone = |error: SignInError| (error, None);
        let oauth = self.oauth().ok_or(alone(SignInError::NoApp))?;
        if let Some(word) = callback.denial() {
            return Err(alone(SignInError::Denied(word)));
        }
        let code = match (callback.malformed, callback.code) {
            (Some(what), _) => return Err(alone(SignInError::Malformed(what))),
            (None, None) => return Err(alone(SignInError::Malformed("no code came back"))),
            (None, Some(code)) => code,
        };
        let answer = oauth.exchange(&code, &oauth.app().redirect_uri).await;
        let answer = answer.map_err(|error| alone(SignInError::Exchange(error)))?;
        self.settle_tokens(&answer).await.map_err(alone)?;
        let person = self.person_of(&answer).ok_or(alone(SignInError::NoPerson))?;
        let with = |error| (error, person.email.clone());
        if !self.is_connected(None, answer.workspace_id) {
            return Err(with(SignInError::OtherWorkspace));
        }
        let is_there = |tenant: &TenantId| {
            let is_meant = flow.tenant.is_empty() || tenant.as_str() == flow.tenant;
            is_meant && self.is_connected(Some(tenant), answer.workspace_id)
        };
        let session = self.admit_person(&person, is_there, None, request_id).await.map_err(with)?;
        let next = flow.by.strip_prefix(SIGN_IN).unwrap_or_default().to_owned();
        Ok(SignedIn { session, next })
    }

    /// Who let the app in, by Notion's word. An account at Notion is its address.
    fn person_of(&self, answer: &TokenAnswer) -> Option<Vouched> {
        let (owner, user) = (&answer.owner, &answer.owner["user"]);
        let is_person = user["type"].is_null() || user["type"] == "person";
        let id = user["id"].as_str().and_then(Id::parse);
        let id = id.filter(|_| owner["type"] == "user" && is_person)?;
        let email = user["person"]["email"].as_str().filter(|email| !email.is_empty());
        let issuer = self.notion.settings().base_url.clone();
        Some(Vouched {
            identity: Identity { issuer, subject: id.to_string() },
            email: email.map(str::to_owned),
            email_verified: true,
            groups: None,
        })
    }

    /// Whether a tenant, or any, has a connection to the workspace that works.
    fn is_connected(&self, tenant: Option<&TenantId>, workspace: Id) -> bool {
        let all = match tenant {
            Some(tenant) => self.shared.custody.of_tenant(tenant),
            None => self.shared.custody.all(),
        };
        all.iter().any(|held| {
            let connection = &held.current().connection;
            connection.state.is_usable() && connection.workspace_id == Some(workspace)
        })
    }

    /// Gives fresh tokens to the connection that they are of, or takes them back.
    async fn settle_tokens(&self, answer: &TokenAnswer) -> Result<(), SignInError> {
        let bot_id = model::ConnectionId(answer.bot_id);
        let custody = &self.shared.custody;
        let owner = custody.tenant_of(bot_id);
        let held = owner.as_ref().and_then(|owner| custody.get(owner, bot_id));
        let in_use =
            held.is_some_and(|held| held.current().connection.state != ConnectionState::Revoked);
        let Some(owner) = owner.filter(|_| in_use) else {
            self.take_away(answer).await;
            return Ok(());
        };
        let contradiction = |_| SignInError::Malformed("Notion does not vouch for the new token");
        let verified = self.vouched(answer).await.map_err(contradiction)?;
        let itself = Principal { tenant: owner, connection: bot_id, ..self.itself() };
        let resource = Resource { kind: "connection".into(), id: bot_id.to_string() };
        let request_id = self.new_request_id();
        let mut record =
            Record::manage(&self.shared, &itself, "authorize-workspace", resource, &request_id);
        record.fact("why", "its_person_signed_in");
        match self.keep(&itself, &mut record, verified).await {
            Ok(_) => Ok(record.done().await?),
            Err(error) => Err(record.failed(error).await.into()),
        }
    }
}
