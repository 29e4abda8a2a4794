//! Signing people in at an OpenID provider, or at Notion (`at_notion.rs`): a person is sent there, comes
//! back with a code, and the code says who it is. Who may come in is for the admins of this gate to say: a
//! person must be a user.
//!
//! What comes back is believed only with a `state` that this gate gave to this browser, once, within ten
//! minutes (see `install/state.rs`). Nonce and PKCE verifier travel sealed in it. The first sign-in binds
//! a user to the provider's name for the person; from then on that name counts, and not the address:
//! whoever gets the address later is somebody else.

pub(crate) mod at_notion;
mod error;

use ledger::Resource;
use model::chance::base62;
use model::user::{Identity, User};
use model::{Principal, SecretString, TenantId};
use notion::oauth::OAuthClient;
use oidc::Provider;
use serde::{Deserialize, Serialize};

pub use error::SignInError;

use crate::Gate;
use crate::install::state::{Binding, Flow, States};
use crate::install::{Callback, Departure, StateFault, visitor};
use crate::record::Record;
use crate::sessions::{Holder, SessionToken};

/// 43 characters of base62 are 256 bits, and as many as a verifier must have at least.
const SECRET_LENGTH: usize = 43;
/// A longer way on is forgotten: it travels in the state.
const NEXT_MAX: usize = 200;

/// Where people sign in, and what of its word counts.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// The provider.
    pub provider: oidc::Settings,
    /// The claim with a person's groups; if there is one, it decides who is in which group.
    pub groups_claim: Option<String>,
    /// Where people come back to from signing out.
    pub signed_out_uri: String,
}

/// The provider, and the sign-ins that are under way there.
pub(crate) struct SignIns {
    options: OidcOptions,
    provider: Provider,
    /// This gate as the provider's client, to which states are bound.
    client: OAuthClient,
    states: States,
}

impl SignIns {
    pub(crate) fn new(options: OidcOptions, states: States) -> Self {
        let settings = options.provider.clone();
        let client = OAuthClient {
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            redirect_uri: settings.redirect_uri.clone(),
        };
        let provider = Provider::new(settings);
        Self { options, provider, client, states }
    }

    fn binding(&self) -> Binding<'_> {
        Binding { issuer: &self.options.provider.issuer, app: &self.client }
    }
}

/// What travels with a sign-in, sealed.
#[derive(Debug, Deserialize, Serialize)]
struct Underway {
    nonce: String,
    verifier: String,
    next: String,
}

/// A person, as whoever vouches for people knows them.
struct Vouched {
    identity: Identity,
    email: Option<String>,
    /// Whether that is known to be the person's address.
    email_verified: bool,
    /// Where it is told which groups the person is in: those.
    groups: Option<Vec<String>>,
}

/// A person has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The session, for the browser.
    pub session: SessionToken,
    /// The page that the person wanted, as it was given at the beginning.
    pub next: String,
}

impl Gate {
    /// The issuer that people sign in at, if there is one.
    pub fn oidc_issuer(&self) -> Option<&str> {
        self.shared.sign_ins.as_ref().map(|it| it.options.provider.issuer.as_str())
    }

    /// Begins a sign-in: where to send the person, and what the browser must keep. `tenant` says for
    /// which one, for people who are users of several.
    pub async fn begin_sign_in(
        &self,
        tenant: Option<&str>,
        next: &str,
    ) -> Result<Departure, SignInError> {
        let shared = &self.shared;
        let sign_ins = shared.sign_ins.as_ref().ok_or(SignInError::NotConfigured)?;
        let tenant = named(tenant)?;
        let (chance, now) = (&*shared.chance, shared.clock.now());
        let metadata = sign_ins.provider.metadata(now).await?;
        let next = if next.len() <= NEXT_MAX { next } else { "" }.to_owned();
        let (nonce, verifier) = (base62(chance, SECRET_LENGTH), base62(chance, SECRET_LENGTH));
        let underway = Underway { nonce, verifier, next };
        let text = serde_json::to_string(&underway)
            // INVARIANT: strings always become JSON.
            .expect("a sign-in is JSON");
        let begun = sign_ins.states.begin(chance, sign_ins.binding(), text, tenant, now);
        let Underway { nonce, verifier, .. } = &underway;
        let location = sign_ins.provider.authorize_url(&metadata, &begun.state, nonce, verifier)?;
        Ok(Departure { location, browser: begun.browser.into() })
    }

    /// Ends a sign-in: what the browser brought back becomes a session.
    pub async fn finish_sign_in(
        &self,
        callback: Callback,
        request_id: &str,
    ) -> Result<SignedIn, SignInError> {
        let sign_ins = self.shared.sign_ins.as_ref().ok_or(SignInError::NotConfigured)?;
        let (state, browser) = (callback.state.as_deref(), callback.browser.as_deref());
        let now = self.shared.clock.now();
        let taken = sign_ins.states.take(sign_ins.binding(), state, browser, now);
        let flow = match taken {
            Ok(flow) => flow,
            Err((fault, _)) => {
                return Err(self.refuse_sign_in(SignInError::State(fault), None, request_id).await);
            }
        };
        // Once the code is handed in it goes on to its end, even if the browser goes away.
        let (gate, request_id) = (self.at_home(), request_id.to_owned());
        let done = self.shared.home.spawn(async move {
            match gate.enter(&flow, callback, &request_id).await {
                Ok(entered) => Ok(entered),
                Err((error, email)) => {
                    Err(gate.refuse_sign_in(error, email.as_deref(), &request_id).await)
                }
            }
        });
        // The task cannot be cancelled by anybody; it could only have panicked.
        let closed = || SignInError::Gate(store::StoreError::Closed.into());
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Whose code it is, and whether that person may come in. With an error comes who it was, if that is
    /// known.
    async fn enter(
        &self,
        flow: &Flow,
        callback: Callback,
        request_id: &str,
    ) -> Result<SignedIn, (SignInError, Option<String>)> {
        let shared = &self.shared;
        let alone = |error: SignInError| (error, None);
        let sign_ins = shared.sign_ins.as_ref().ok_or(alone(SignInError::NotConfigured))?;
        let provider = &sign_ins.provider;
        let now = shared.clock.now();
        let metadata = provider.metadata(now).await.map_err(|error| alone(error.into()))?;
        // RFC 9207: an answer of another server must not be taken for one of this.
        let issuer = callback.issuer.as_deref();
        let is_ours = issuer.is_some_and(|it| it == metadata.issuer);
        let must_say = metadata.authorization_response_iss_parameter_supported;
        if !is_ours && (issuer.is_some() || must_say) {
            return Err(alone(SignInError::State(StateFault::Issuer)));
        }
        if let Some(word) = callback.denial() {
            return Err(alone(SignInError::Denied(word)));
        }
        let code = match (callback.malformed, callback.code) {
            (Some(what), _) => return Err(alone(SignInError::Malformed(what))),
            (None, None) => return Err(alone(SignInError::Malformed("no code came back"))),
            (None, Some(code)) => code,
        };
        let underway: Underway = serde_json::from_str(&flow.by)
            .map_err(|_| alone(SignInError::State(StateFault::Unknown)))?;
        let tokens = provider.exchange(&metadata, &code, &underway.verifier).await;
        let tokens = tokens.map_err(|error| alone(error.into()))?;
        let claim = sign_ins.options.groups_claim.as_deref();
        let wanted: Vec<_> = ["email", "email_verified"].into_iter().chain(claim).collect();
        let claims = provider.verify(&metadata, &tokens, &underway.nonce, now, &wanted).await;
        let claims = claims.map_err(|error| alone(error.into()))?;
        let person = Vouched {
            identity: Identity {
                issuer: sign_ins.options.provider.issuer.clone(),
                subject: claims.subject().to_owned(),
            },
            email: claims.email().map(str::to_owned),
            email_verified: claims.verified_email().is_some(),
            groups: claim.map(|claim| claims.groups(claim).unwrap_or_default()),
        };
        let is_there = |tenant: &TenantId| flow.tenant.is_empty() || tenant.as_str() == flow.tenant;
        match self.admit_person(&person, is_there, Some(tokens.id_token), request_id).await {
            Ok(session) => Ok(SignedIn { session, next: underway.next }),
            Err(error) => Err((error, person.email)),
        }
    }

    /// Begins the session of a person whom somebody vouched for, if the person is a user.
    async fn admit_person(
        &self,
        person: &Vouched,
        is_there: impl Fn(&TenantId) -> bool,
        id_token: Option<SecretString>,
        request_id: &str,
    ) -> Result<SessionToken, SignInError> {
        let shared = &self.shared;
        let identity = &person.identity;
        let _alone = shared.users.changing().await;
        let user = self.user_behind(person, is_there)?;
        let bound = User { identity: Some(identity.clone()), ..user.clone() };
        let principal = Principal {
            role: user.role,
            tenant: user.tenant.clone(),
            who: model::Who::User(user.id),
            ..visitor(user.tenant.clone())
        };
        let resource = Resource { kind: "app_user".into(), id: user.id.to_string() };
        let mut record = Record::manage(shared, &principal, "sign-in", resource, request_id);
        record.fact("issuer", identity.issuer.as_str());
        if user.identity.is_none() || person.groups.is_some() {
            if user.identity.is_none() {
                record.fact("subject", identity.subject.as_str());
            }
            record.intend().await?;
        }
        let kept = async {
            if user.identity.is_none() {
                shared.store.put_user(bound.clone()).await?;
                shared.users.put(bound.clone());
            }
            if let Some(groups) = person.groups.clone() {
                self.put_into_groups(&bound, groups).await?;
            }
            Ok::<_, crate::Error>(())
        };
        if let Err(error) = kept.await {
            return Err(record.failed(error).await.into());
        }
        record.done().await?;
        let holder = Holder::User { id: user.id, identity: identity.clone(), id_token };
        Ok(self.begin_session(user.tenant, holder))
    }

    /// The user that a person is: by the name that whoever vouches has for the person, and as long as that
    /// is bound to nobody by an address that was verified.
    fn user_behind(
        &self,
        person: &Vouched,
        is_there: impl Fn(&TenantId) -> bool,
    ) -> Result<User, SignInError> {
        let users = &self.shared.users;
        let is_bound = |it: &User| it.identity.as_ref() == Some(&person.identity);
        let bound = users.matching(|it| is_there(&it.tenant) && is_bound(it));
        match bound.as_slice() {
            [] => {}
            [user] => return Ok((**user).clone()),
            [_, _, ..] => return Err(SignInError::SeveralTenants),
        }
        let email = match &person.email {
            Some(email) if person.email_verified => email,
            Some(email) => return Err(SignInError::Unverified(shown(email))),
            None => return Err(SignInError::NoEmail),
        };
        let same =
            users.matching(|it| is_there(&it.tenant) && it.email.eq_ignore_ascii_case(email));
        let free: Vec<_> = same.iter().filter(|user| user.identity.is_none()).collect();
        match (same.len(), free.as_slice()) {
            (0, _) => Err(SignInError::Unknown(shown(email))),
            (_, []) => Err(SignInError::OtherAccount(shown(email))),
            (_, [user]) => Ok((***user).clone()),
            (_, [_, _, ..]) => Err(SignInError::SeveralTenants),
        }
    }

    /// Says in the ledger and the log that somebody was not let in, unless there were too many of late.
    async fn refuse_sign_in(
        &self,
        error: SignInError,
        email: Option<&str>,
        request_id: &str,
    ) -> SignInError {
        let reason = error.reason();
        tracing::warn!(reason, request_id, "a sign-in was refused: {error}");
        // What failed in the gate has its entry already.
        let told = !matches!(error, SignInError::Gate(_));
        if !told || !self.shared.refused_callbacks.is_told(self.shared.clock.now()) {
            return error;
        }
        let resource = Resource { kind: "app_user".into(), id: String::new() };
        let somebody = visitor(TenantId::default());
        let mut record = Record::manage(&self.shared, &somebody, "sign-in", resource, request_id);
        if let Some(email) = email {
            record.fact("email", shown(email));
        }
        match record.denied(reason).await {
            Ok(()) => error,
            Err(failed) => failed.into(),
        }
    }

    /// Where a person who ends a session can sign out at the provider, too.
    pub async fn provider_sign_out(&self, id_token: &SecretString) -> Option<String> {
        let sign_ins = self.shared.sign_ins.as_ref()?;
        let metadata = sign_ins.provider.metadata(self.shared.clock.now()).await.ok()?;
        let back_to = &sign_ins.options.signed_out_uri;
        sign_ins.provider.end_session_url(&metadata, id_token, back_to)
    }

    /// Makes the person with this address an admin, if the default tenant has no admin among its users.
    /// Says whether it did.
    pub async fn bootstrap_admin(&self, email: &str) -> Result<bool, crate::Error> {
        let itself = self.itself();
        let users = self.shared.users.of_tenant(&itself.tenant);
        if users.iter().any(|user| user.role == model::Role::Admin) {
            return Ok(false);
        }
        let request_id = self.new_request_id();
        let role = model::Role::Admin;
        let email = email.trim();
        match users.iter().find(|user| user.email.eq_ignore_ascii_case(email)) {
            Some(user) => {
                let change = crate::UserChange { role: Some(role), identity: None };
                self.change_user(&itself, &user.id.to_string(), change, &request_id).await?;
            }
            None => {
                let request = crate::UserRequest { email: email.to_owned(), role, bot_id: None };
                self.add_user(&itself, request, &request_id).await?;
            }
        }
        Ok(true)
    }
}

/// The tenant that a sign-in is for, as it travels in the state: empty if it is not said.
fn named(tenant: Option<&str>) -> Result<String, SignInError> {
    let Some(name) = tenant else { return Ok(String::new()) };
    let name = TenantId::parse(name);
    Ok(name.ok_or(SignInError::Malformed("the name of the tenant is none"))?.to_string())
}

/// An address as a provider tells it, for people to read.
fn shown(email: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    email.chars().take(254).map(plain).collect()
}
