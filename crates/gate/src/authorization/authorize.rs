//! The authorization endpoint: a client's request is read and judged, a person approves it or not, and the
//! browser goes back to the client with the answer.
//!
//! Nobody is sent anywhere before client and redirect URI are known to belong together: until then an
//! error is a page of ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ledger::Resource;
use model::chance::base62;
use model::{ConnectionId, Principal, Role, Who};
use notion::Id;
use url::form_urlencoded;

use super::clients::Client;
use super::codes::{self, Approved};
use super::fault::OAuthFault;
use super::{Origin, redirect, scope};
use crate::Gate;
use crate::error::Error;
use crate::keys::{KeyRequest, Steward};
use crate::record::Record;

/// The longest query that is read.
const QUERY_MAX: usize = 4096;
/// The longest `state` that is carried back.
const STATE_MAX: usize = 2048;
/// 43 characters of base62 are 256 bits.
const CODE_LENGTH: usize = 43;
/// What SHA-256 is in base64 without padding.
const CHALLENGE_LENGTH: usize = 43;

/// A client's request that makes sense.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The most that is asked for.
    pub role: Role,
    /// Whether the client said so itself.
    pub scope_given: bool,
    /// Which door it is about.
    pub resource: String,
    origin: Origin,
    state: Option<String>,
    challenge: String,
}

/// Why a person is not asked.
#[derive(Debug)]
pub enum NotAnswered {
    /// It is told on a page: who asks, or where to answer, is not known.
    Page(OAuthFault),
    /// The client is told. But whoever opened this is somebody who is signed in first, and knows where
    /// they go (RFC 9700, 4.11.2): anybody can register a client that is answered anywhere.
    Client {
        /// What it is told.
        fault: OAuthFault,
        /// The address that says so.
        to: String,
        /// What people are told of where that is.
        host: String,
        /// The client.
        client: Arc<Client>,
        /// Whether that is a program on the machine of whoever opened this.
        on_this_machine: bool,
    },
}

/// What the person chose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What the client may do.
    pub role: Role,
    /// In which subtrees; everywhere if there are none.
    pub within: Vec<Id>,
    /// By which connection; the person's own, or the newest, if not said.
    pub connection: Option<ConnectionId>,
    /// For how long.
    pub expires_in: Duration,
}

impl AuthorizationRequest {
    /// The host of the redirect URI, or the scheme if a program takes it.
    pub fn redirect_host(&self) -> String {
        redirect::shown(&self.redirect_uri)
    }

    /// Whether the answer goes to a program on the machine of whoever opens it.
    pub fn is_for_this_machine(&self) -> bool {
        redirect::is_on_this_machine(&self.redirect_uri)
    }

    /// Where the browser goes if the person says no.
    pub fn denied(&self) -> String {
        self.answer(&[("error", "access_denied"), ("error_description", "the person said no")])
    }

    fn answer(&self, said: &[(&str, &str)]) -> String {
        answer(&self.redirect_uri, said, self.state.as_deref(), &self.origin)
    }
}

/// A redirect URI with an answer in its query.
fn answer(uri: &str, said: &[(&str, &str)], state: Option<&str>, origin: &Origin) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(said);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", origin.as_str());
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{}", query.finish())
}

/// Parameters, and which of them stood twice.
struct Parameters {
    known: HashMap<String, String>,
    repeated: Vec<String>,
}

impl Parameters {
    fn read(query: &str) -> Self {
        let (mut known, mut repeated) = (HashMap::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if known.insert(name.to_string(), value.into_owned()).is_some() {
                repeated.push(name.into_owned());
            }
        }
        Self { known, repeated }
    }

    /// A parameter that stands once; one without a value is none (RFC 6749, 3.1).
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.known.get(name).filter(|value| !value.is_empty())?;
        (!self.is_repeated(name)).then_some(value)
    }

    fn is_repeated(&self, name: &str) -> bool {
        self.repeated.iter().any(|it| it == name)
    }
}

impl Gate {
    /// Reads a client's request.
    pub async fn authorization_request(
        &self,
        query: &str,
        origin: &Origin,
    ) -> Result<AuthorizationRequest, NotAnswered> {
        let page = |text: &str| NotAnswered::Page(OAuthFault::request(text));
        if query.len() > QUERY_MAX {
            return Err(page("the request is too long"));
        }
        let parameters = Parameters::read(query);
        let client_id =
            parameters.get("client_id").ok_or_else(|| page("`client_id` must stand once"))?;
        let redirect_uri = parameters.get("redirect_uri");
        let redirect_uri = redirect_uri.ok_or_else(|| page("`redirect_uri` must stand once"))?;
        let client = self.client(client_id).await.map_err(|fault| {
            NotAnswered::Page(OAuthFault { status: fault.status.max(400), ..fault })
        })?;
        if !client.takes_answers_at(redirect_uri) {
            return Err(page(
                "`redirect_uri` is none that the client registered: it must be the same to the character",
            ));
        }
        let state = parameters.get("state").filter(|state| state.len() <= STATE_MAX);
        let told = |fault: OAuthFault| {
            let said = [("error", fault.error), ("error_description", fault.description.as_str())];
            let to = answer(redirect_uri, &said, state, origin);
            NotAnswered::Client {
                fault,
                to,
                host: redirect::shown(redirect_uri),
                client: client.clone(),
                on_this_machine: redirect::is_on_this_machine(redirect_uri),
            }
        };
        let asked = Judged::read(&parameters, origin).map_err(told)?;
        Ok(AuthorizationRequest {
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            origin: origin.clone(),
            client,
            role: asked.role,
            scope_given: parameters.get("scope").is_some(),
            resource: asked.resource,
            challenge: asked.challenge,
        })
    }

    /// The workspaces that somebody can let a client into: all of them for whoever manages the tenant,
    /// the own one for others.
    pub fn workspaces_to_grant(&self, principal: &Principal) -> Vec<(ConnectionId, String)> {
        let all = self.shared.custody.of_tenant(&principal.tenant);
        let all = all.into_iter().map(|held| held.current().connection.clone());
        let manages = self.operator_of(principal).is_ok();
        all.filter(|it| it.state.is_usable() && (manages || it.bot_id == principal.connection))
            .map(|it| (it.bot_id, it.workspace_name.unwrap_or(it.name)))
            .collect()
    }

    /// A person says yes: gives where the browser goes, with a code.
    pub async fn approve_client(
        &self,
        principal: &Principal,
        request: &AuthorizationRequest,
        choice: Choice,
        request_id: &str,
    ) -> Result<String, Error> {
        let shared = &self.shared;
        let resource = Resource { kind: "client".into(), id: bounded(&request.client.id) };
        let mut record = Record::manage(shared, principal, "approve-client", resource, request_id);
        record.fact("role", choice.role.as_str());
        record.fact("redirect", request.redirect_host());
        let approved = match self.approved(principal, request, choice, request_id).await {
            Ok(approved) => approved,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        let code = base62(&*shared.chance, CODE_LENGTH);
        let put = shared.authorization.codes.put(&code, approved, shared.clock.now());
        if let Err(fault) = put {
            return Err(record.failed(Error::Conflict(fault.description)).await);
        }
        record.done().await?;
        Ok(request.answer(&[("code", &code)]))
    }

    /// The key that the client gets, if the person may give it.
    async fn approved(
        &self,
        principal: &Principal,
        request: &AuthorizationRequest,
        choice: Choice,
        request_id: &str,
    ) -> Result<Approved, Error> {
        let invalid = |text: &str| Err(Error::Invalid(text.to_owned()));
        if !request.client.is_for(&principal.tenant) {
            return invalid("there is no such client");
        }
        if choice.role > request.role {
            return invalid("that is more than the client asked for");
        }
        if choice.role > principal.role {
            return invalid("that is more than you may do yourself");
        }
        let Choice { role, within, connection, expires_in } = choice;
        let connection = match connection {
            Some(id) => {
                if self.workspaces_to_grant(principal).iter().all(|(known, _)| *known != id) {
                    return invalid("choose a workspace");
                }
                Some(Some(id))
            }
            None => None,
        };
        let expires_in = match principal.key().and_then(|key| key.expires_at) {
            // No longer than the key that lets it in.
            Some(end) => expires_in.min(self.left_until(end)),
            None => expires_in,
        };
        let key = KeyRequest {
            connection,
            expires_in: Some(expires_in),
            agent: Some(request.client.agent()),
            ..KeyRequest::new(&request.client.name, role, within)
        };
        // What would be refused when the client fetches it is refused now.
        let key = match (&principal.who, self.grantor(principal)?) {
            (Who::User(id), _) => self.for_oneself(principal, *id, key)?,
            (_, Steward::Parent(id)) => {
                self.below(principal, &id, key.clone(), request_id).await?;
                key
            }
            (_, Steward::Manager | Steward::Person(_)) => key,
        };
        Ok(Approved {
            by: principal.clone(),
            client_id: request.client.id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            issuer: request.origin.to_string(),
            resource: request.resource.clone(),
            scope: scope::of_role(role).to_owned(),
            request: key,
        })
    }

    /// Whole seconds until then, reckoned from when a code that is made now is exchanged at the latest.
    fn left_until(&self, end: Timestamp) -> Duration {
        let left = end.as_second() - self.shared.clock.now().as_second() - codes::LIFE;
        Duration::from_secs(u64::try_from(left).unwrap_or_default())
    }

    /// A person says no: it is noted, and the browser goes back.
    pub async fn deny_client(
        &self,
        principal: &Principal,
        request: &AuthorizationRequest,
        request_id: &str,
    ) -> Result<String, Error> {
        let resource = Resource { kind: "client".into(), id: bounded(&request.client.id) };
        let record = Record::manage(&self.shared, principal, "deny-client", resource, request_id);
        record.done().await?;
        Ok(request.denied())
    }
}

/// What is right about a request.
struct Judged {
    role: Role,
    resource: String,
    challenge: String,
}

impl Judged {
    /// What can be wrong with a request that the client is told of.
    fn read(parameters: &Parameters, origin: &Origin) -> Result<Self, OAuthFault> {
        let request = |text: &str| Err(OAuthFault::request(text));
        if parameters.is_repeated("resource") {
            return Err(OAuthFault::target("`resource` names one resource"));
        }
        if !parameters.repeated.is_empty() {
            return request("a parameter stands twice");
        }
        if parameters.known.get("state").is_some_and(|state| state.len() > STATE_MAX) {
            return request("`state` is too long");
        }
        match parameters.get("response_type") {
            Some("code") => {}
            None => return request("`response_type` is missing"),
            Some(_) => {
                let text = "`response_type` must be `code`";
                return Err(OAuthFault::new("unsupported_response_type", text));
            }
        }
        if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
            return request("`response_mode` must be `query`");
        }
        let Some(challenge) = parameters.get("code_challenge") else {
            return request("`code_challenge` is missing: PKCE is needed");
        };
        if parameters.get("code_challenge_method") != Some("S256") {
            return request("`code_challenge_method` must be `S256`");
        }
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if challenge.len() != CHALLENGE_LENGTH || !challenge.bytes().all(good) {
            return request("`code_challenge` is no SHA-256 in base64url");
        }
        let resource = match parameters.get("resource") {
            Some(resource) if origin.has(resource) => resource.to_owned(),
            Some(_) => {
                return Err(OAuthFault::target(
                    "`resource` is not the address of this gate's MCP door",
                ));
            }
            None => format!("{origin}/mcp"),
        };
        let role = scope::asked(parameters.get("scope"));
        let role = role.ok_or_else(|| {
            OAuthFault::new("invalid_scope", "`scope` has none that this gate knows")
        })?;
        Ok(Self { role, resource, challenge: challenge.to_owned() })
    }
}

/// The id of a client, for the ledger.
pub(super) fn bounded(id: &str) -> String {
    id.chars().take(200).collect()
}
