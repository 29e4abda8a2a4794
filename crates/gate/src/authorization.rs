//! notegate as the authorization server of MCP clients, and as the resource server behind it.
//!
//! A client gets a grant, and a grant is a key: it has role, scope, budgets and an end, it is listed and
//! revoked like every other, and what is revoked opens nothing from that moment on. What a client carries
//! are credentials of that key. The key itself is shown to nobody.
//!
//! The way there, in the order of the files: a client registers, or is a document (`clients.rs`,
//! `documents.rs`); it sends a person here (`authorize.rs`), who signs in and approves; a code goes back
//! (`codes.rs`) and becomes a grant with an access token and a refresh token (`grants.rs`, `signing.rs`).
//! Admins look after clients in `known.rs`.

mod authorize;
mod clients;
mod codes;
mod documents;
mod fault;
mod fetch;
mod grants;
mod known;
mod redirect;
mod scope;
mod signing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use model::key::KeyState;
use model::role::Permission;
use model::{ExposeSecret, KeyId, Principal, SecretString};
use serde_json::Value;
use store::{Store, StoreError};
use vault::{Label, Root};

pub use authorize::{AuthorizationRequest, Choice, NotAnswered};
pub use clients::{AuthMethod, Client, Registered, Registration};
pub use documents::{Document, Documents};
pub use fault::OAuthFault;
pub use fetch::WebDocuments;
pub use grants::{GrantOf, TokenAnswer, TokenRequest};
pub use known::{ClientKind, ClientRequest, KnownClient};
pub use scope::{SCOPE_FIRST, SCOPES};

use crate::Gate;
use crate::error::{Error, KeyFault};
use clients::Clients;
use codes::Codes;
use documents::Cache;
use grants::Grants;
use signing::{Claims, TokenFault, TokenKeys};

/// The issuer of access tokens for `/api/v1`, and what they are for. They have no address in them, as the
/// same gate may have several names.
const API: &str = "urn:notegate:api:v1";

/// How clients are authorized.
#[derive(Clone)]
pub struct AuthorizationSettings {
    /// What the keys that sign access tokens derive from; the installation's root if not given.
    pub secret: Option<SecretString>,
    /// How long an access token counts.
    pub access_token_life: Duration,
    /// Whether clients may register themselves.
    pub registration: bool,
    /// Where client documents come from; without it there are none.
    pub documents: Option<Arc<dyn Documents>>,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        let access_token_life = Duration::from_secs(15 * 60);
        Self { secret: None, access_token_life, registration: true, documents: None }
    }
}

impl fmt::Debug for AuthorizationSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationSettings")
            .field("access_token_life", &self.access_token_life)
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}

/// What the authorization server knows.
#[derive(Debug)]
pub(crate) struct Authorization {
    settings: AuthorizationSettings,
    keys: TokenKeys,
    clients: Clients,
    documents: Cache,
    codes: Codes,
    grants: Grants,
}

impl Authorization {
    pub(crate) async fn load(
        store: &dyn Store,
        root: &Root,
        settings: AuthorizationSettings,
    ) -> Result<Self, StoreError> {
        let hasher = || root.hmac_key(Label::Authorization);
        let derived = root.derive(Label::TokenSigning);
        let keys = match &settings.secret {
            Some(secret) => TokenKeys::new(secret.expose_secret().as_bytes()),
            None => TokenKeys::new(&*derived),
        };
        Ok(Self {
            settings,
            keys,
            clients: Clients::load(store, hasher()).await?,
            documents: Cache::default(),
            codes: Codes::new(hasher()),
            grants: Grants::load(store, hasher()).await?,
        })
    }
}

/// Where people and clients reach the gate: `https://gate.example.com`. It is the issuer of its tokens, and
/// never what just any caller says in `Host`: the door makes it from what it was told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin(Arc<str>);

/// The paths of the MCP door, each a resource of its own name; a token for one opens all.
const MCP_PATHS: [&str; 3] = ["/mcp", "/mcp/official", "/mcp/all"];

impl Origin {
    /// An origin without a slash at the end.
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches('/').into())
    }

    /// The issuer.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource at a path of the MCP door.
    pub fn resource(&self, path: &str) -> Option<String> {
        MCP_PATHS.contains(&path).then(|| format!("{self}{path}"))
    }

    fn has(&self, resource: &str) -> bool {
        let path = resource.strip_prefix(&*self.0);
        path.is_some_and(|path| MCP_PATHS.contains(&path))
    }

    /// `WWW-Authenticate` for a caller of `path` who showed nothing, or nothing that counts.
    pub fn challenge(&self, path: &str, error: &Error) -> String {
        let word = match error {
            Error::NoKey => "",
            _ => "error=\"invalid_token\", ",
        };
        format!(
            "Bearer {word}resource_metadata=\"{}\", scope=\"{SCOPE_FIRST}\"",
            self.metadata(path)
        )
    }

    /// `WWW-Authenticate` for a caller whose scope does not have `permission`.
    pub fn step_up(&self, path: &str, permission: Permission) -> String {
        let scope = scope::needed(permission);
        format!(
            "Bearer error=\"insufficient_scope\", scope=\"{scope}\", resource_metadata=\"{}\"",
            self.metadata(path)
        )
    }

    fn metadata(&self, path: &str) -> String {
        format!("{self}/.well-known/oauth-protected-resource{path}")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For which door a token must have been made.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// `/api/v1`.
    Api,
    /// `/mcp`, at this address; at none, access tokens do not count.
    Mcp(Option<&'a Origin>),
}

impl Audience<'_> {
    fn takes(self, claims: &Claims) -> bool {
        match self {
            Self::Api => claims.iss == API && claims.aud == API,
            Self::Mcp(Some(origin)) => claims.iss == origin.as_str() && origin.has(&claims.aud),
            Self::Mcp(None) => false,
        }
    }
}

impl Gate {
    /// Who shows this at a door: a key, or an access token that was made for that door.
    pub async fn recognise(
        &self,
        shown: Option<&str>,
        audience: Audience<'_>,
        request_id: &str,
    ) -> Result<Principal, Error> {
        match shown {
            Some(token) if token.starts_with("ey") => self.bearer_of(token, audience),
            other => self.identify(other, request_id).await,
        }
    }

    /// The caller of an access token. Revoking the key behind it works at once.
    fn bearer_of(&self, token: &str, audience: Audience<'_>) -> Result<Principal, Error> {
        let unknown = || Error::BadKey(KeyFault::Unknown);
        let now = self.shared.clock.now();
        let claims =
            self.shared.authorization.keys.verify(token, now).map_err(|fault| match fault {
                TokenFault::Unknown => unknown(),
                TokenFault::Expired => Error::BadKey(KeyFault::Expired),
            })?;
        if !audience.takes(&claims) {
            return Err(unknown());
        }
        let key = KeyId::parse(&claims.grant).and_then(|id| self.shared.keys.find(&id));
        let key = key.ok_or_else(unknown)?;
        match self.key_state(&key) {
            KeyState::Active => {}
            KeyState::Expired => return Err(Error::BadKey(KeyFault::Expired)),
            KeyState::Revoked => return Err(Error::BadKey(KeyFault::Revoked)),
        }
        let most = scope::role_of(&claims.scope).ok_or_else(unknown)?;
        self.shared.authorization.grants.note_call(&key.id, now);
        Ok(self.principal_of(key).at_most(most))
    }

    /// An access token for `/api/v1` for whoever shows a key, and for how many seconds it counts.
    pub async fn token_for_key(
        &self,
        shown: Option<&str>,
        request_id: &str,
    ) -> Result<(SecretString, u64), Error> {
        let principal = self.identify(shown, request_id).await?;
        let key = principal.key_id().cloned().ok_or(Error::NoKey)?;
        let resource = ledger::Resource { kind: "key".into(), id: key.to_string() };
        let record = crate::record::Record::manage(
            &self.shared,
            &principal,
            "create-access-token",
            resource,
            request_id,
        );
        record.done().await?;
        let name = principal.name();
        let claims = Said {
            iss: API,
            aud: API,
            sub: &name,
            client_id: &name,
            scope: scope::of_role(principal.role),
            key: &key,
        };
        Ok((self.access_token(claims), self.access_token_seconds()))
    }

    pub(crate) fn access_token_seconds(&self) -> u64 {
        self.shared.authorization.settings.access_token_life.as_secs()
    }

    fn access_token(&self, said: Said<'_>) -> SecretString {
        let now = self.shared.clock.now();
        let seconds = i64::try_from(self.access_token_seconds()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: said.iss.to_owned(),
            sub: said.sub.to_owned(),
            aud: said.aud.to_owned(),
            client_id: said.client_id.to_owned(),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second().saturating_add(seconds),
            jti: self.new_request_id(),
            scope: said.scope.to_owned(),
            grant: said.key.to_string(),
        };
        self.shared.authorization.keys.sign(&claims, now).into()
    }

    /// The public halves of the keys that sign access tokens.
    pub fn token_keys(&self) -> Value {
        self.shared.authorization.keys.public(self.shared.clock.now())
    }

    /// Whether clients may register themselves.
    pub fn takes_registrations(&self) -> bool {
        self.shared.authorization.settings.registration
    }

    /// Whether a client may be a document.
    pub fn takes_documents(&self) -> bool {
        self.shared.authorization.settings.documents.is_some()
    }
}

/// What an access token shall say.
struct Said<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    scope: &'a str,
    key: &'a KeyId,
}

/// The keyed hash of a text, for one purpose.
fn tag(key: &hmac::Key, purpose: &str, text: &str) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose.as_bytes());
    context.update(text.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.sign().as_ref());
    hash
}

/// Whether so many seconds have gone, or the clock was set back.
fn is_past(since: Timestamp, seconds: i64, now: Timestamp) -> bool {
    now < since || now.as_second().saturating_sub(since.as_second()) >= seconds
}
