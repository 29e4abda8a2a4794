//! MCP clients: those that registered (RFC 7591), and those that are a document of their own.
//!
//! What a client says of itself is believed nowhere but in where it may be answered: its name is for people
//! to read, and a person approves each grant.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::{constant_time, hmac};
use jiff::{SignedDuration, Timestamp};
use ledger::Resource;
use model::chance::base62;
use model::{ExposeSecret, Principal, SecretString, TenantId};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use store::{Store, StoreError, StoredClient};

use super::authorize::bounded;
use super::fault::OAuthFault;
use super::redirect;
use crate::Gate;
use crate::install::visitor;
use crate::record::Record;

/// Clients that are kept.
const CLIENTS_MAX: usize = 10_000;
/// A client that nobody granted anything is forgotten after this time.
const UNUSED_MAX: SignedDuration = SignedDuration::from_hours(24);
/// The same, when there is no more room.
const HURRIED_MAX: SignedDuration = SignedDuration::from_hours(1);
/// And one that did not get a token for so long.
const IDLE_MAX: SignedDuration = SignedDuration::from_hours(24 * 400);
/// Redirect URIs of one client.
pub(super) const REDIRECT_URIS_MAX: usize = 20;
/// The longest name that is kept.
pub(super) const NAME_MAX: usize = 100;
/// What ids of registered clients begin with: no document's address does, nor any person's name.
const PREFIX: &str = "ngc_";

/// How a client shows who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthMethod {
    /// It cannot keep a secret.
    None,
    /// Its secret stands in the form.
    Post,
    /// Its secret stands in the header `Authorization`.
    Basic,
}

impl AuthMethod {
    /// The word of RFC 7591.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Post => "client_secret_post",
            Self::Basic => "client_secret_basic",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Post, Self::Basic].into_iter().find(|it| it.as_str() == text)
    }
}

/// A client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// How it shows who it is.
    pub auth_method: AuthMethod,
    /// When it registered; `None` for one that is a document.
    pub registered_at: Option<Timestamp>,
    /// Whose it is, if an admin entered it: nobody else can let it in.
    pub tenant: Option<TenantId>,
    secret_hash: Option<[u8; 32]>,
}

impl Client {
    /// A client that is a document.
    pub(super) fn of_document(id: String, name: String, redirect_uris: Vec<String>) -> Self {
        Self {
            id,
            name,
            redirect_uris,
            auth_method: AuthMethod::None,
            registered_at: None,
            tenant: None,
            secret_hash: None,
        }
    }

    /// Whether people of this tenant can let it in.
    pub fn is_for(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Whether an answer may go to `uri`.
    pub(super) fn takes_answers_at(&self, uri: &str) -> bool {
        redirect::fault(uri).is_none()
            && self.redirect_uris.iter().any(|known| redirect::fits(known, uri))
    }

    /// The program's name for policies: who vouches for it, if anybody does.
    pub(super) fn agent(&self) -> String {
        let host = url::Url::parse(&self.id).ok();
        let host = host.and_then(|url| url.host_str().map(str::to_owned));
        host.filter(|host| host.len() <= 100).unwrap_or_else(|| self.id.chars().take(100).collect())
    }
}

/// What a client asks to be registered as. What is not known is not looked at (RFC 7591, 2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Registration {
    pub(super) redirect_uris: Option<Value>,
    pub(super) client_name: Option<Value>,
    pub(super) token_endpoint_auth_method: Option<Value>,
    pub(super) application_type: Option<Value>,
    #[serde(deserialize_with = "texts")]
    pub(super) grant_types: Option<Vec<String>>,
    #[serde(deserialize_with = "texts")]
    pub(super) response_types: Option<Vec<String>>,
}

/// A list of texts, or nothing that is understood.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.map(|value| serde_json::from_value(value).unwrap_or_default()))
}

/// A client that was just registered.
#[derive(Debug)]
pub struct Registered {
    /// What is known of it.
    pub client: Client,
    /// Its secret, if it asked for one. This is the only time that it is shown.
    pub secret: Option<SecretString>,
    /// `native` or `web`.
    pub application_type: &'static str,
}

/// Clients that registered.
pub(crate) struct Clients {
    hasher: hmac::Key,
    known: RwLock<HashMap<String, Arc<StoredClient>>>,
    /// Held while some are added or forgotten.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Clients {
    pub(super) async fn load(store: &dyn Store, hasher: hmac::Key) -> Result<Self, StoreError> {
        let stored = store.all_clients().await?.into_iter();
        let known = stored.map(|client| (client.id.clone(), Arc::new(client))).collect();
        Ok(Self { hasher, known: RwLock::new(known), changing: tokio::sync::Mutex::default() })
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<StoredClient>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Every client, newest first.
    pub(super) fn all(&self) -> Vec<Arc<StoredClient>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = known.values().cloned().collect();
        drop(known);
        all.sort_unstable_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        all
    }

    fn put(&self, client: StoredClient) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(client.id.clone(), Arc::new(client));
    }

    fn hash(&self, secret: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.hasher, format!("client secret {secret}").as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        hash
    }

    /// Whether `secret` is the client's.
    pub(super) fn is_secret_of(&self, client: &Client, secret: &SecretString) -> bool {
        let shown = self.hash(secret.expose_secret());
        let expected = client.secret_hash.unwrap_or_default();
        let same = constant_time::verify_slices_are_equal(&expected, &shown).is_ok();
        same && client.secret_hash.is_some()
    }

    /// Those that are forgotten now: who registered and was let in by nobody, or not for long. If there are
    /// too many, whoever came first of those that nobody let in goes sooner, but has an hour.
    fn stale(&self, now: Timestamp) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let of_themselves = || known.values().filter(|client| client.tenant.is_none());
        let stale = of_themselves().filter(|client| match client.used_at {
            None => now.duration_since(client.created_at) > UNUSED_MAX,
            Some(used) => now.duration_since(used) > IDLE_MAX,
        });
        let stale: Vec<_> = stale.map(|client| client.id.clone()).collect();
        if !stale.is_empty() || known.len() < CLIENTS_MAX {
            return stale;
        }
        let unused = of_themselves().filter(|client| client.used_at.is_none());
        let first = unused.min_by_key(|client| client.created_at);
        let first = first.filter(|it| now.duration_since(it.created_at) > HURRIED_MAX);
        first.map(|client| client.id.clone()).into_iter().collect()
    }

    pub(super) fn remove(&self, ids: &[String]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| !ids.contains(id));
    }

    fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}

impl Gate {
    /// The client of this id, if there is one.
    pub(super) async fn client(&self, id: &str) -> Result<Arc<Client>, OAuthFault> {
        if id.starts_with("https://") {
            return self.document_client(id).await;
        }
        let known = self.shared.authorization.clients.get(id);
        known.map(|stored| Arc::new(of_stored(&stored))).ok_or_else(OAuthFault::unknown_client)
    }

    /// Registers a client. Anybody may; it opens nothing until a person approves.
    pub async fn register_client(
        &self,
        asked: Registration,
        request_id: &str,
    ) -> Result<Registered, OAuthFault> {
        if !self.shared.authorization.settings.registration {
            return Err(OAuthFault::registration_off());
        }
        let asked = Asked::read(asked)?;
        let somebody = visitor(TenantId::default());
        self.enter_client(&somebody, "register-client", asked, None, request_id).await
    }

    /// Makes a client; with an entry in the ledger before it is there.
    pub(super) async fn enter_client(
        &self,
        principal: &Principal,
        operation: &'static str,
        asked: Asked,
        tenant: Option<TenantId>,
        request_id: &str,
    ) -> Result<Registered, OAuthFault> {
        let shared = &self.shared;
        let clients = &shared.authorization.clients;
        let _turn = clients.changing.lock().await;
        let now = shared.clock.now();
        let stale = clients.stale(now);
        if !stale.is_empty() {
            clients.remove(&stale);
            shared.store.delete_clients(stale).await?;
        }
        if clients.len() >= CLIENTS_MAX {
            return Err(OAuthFault::full());
        }
        let id = format!("{PREFIX}{}", base62(&*shared.chance, 22));
        let secret = (asked.auth_method != AuthMethod::None)
            .then(|| format!("ngcs_{}", base62(&*shared.chance, 43)));
        let stored = StoredClient {
            id,
            name: asked.name,
            redirect_uris: asked.redirect_uris,
            auth_method: asked.auth_method.as_str().to_owned(),
            secret_hash: secret.as_deref().map(|secret| clients.hash(secret)),
            created_at: now,
            used_at: None,
            tenant,
        };
        let resource = Resource { kind: "client".into(), id: stored.id.clone() };
        let mut record = Record::manage(shared, principal, operation, resource, request_id);
        record.fact("name", stored.name.as_str());
        let hosts: BTreeSet<_> =
            stored.redirect_uris.iter().map(|uri| redirect::shown(uri)).collect();
        record.fact("redirect", bounded(&hosts.into_iter().collect::<Vec<_>>().join(" ")));
        record.intend().await?;
        if let Err(error) = shared.store.put_client(stored.clone()).await {
            return Err(record.failed(error.into()).await.into());
        }
        let client = of_stored(&stored);
        clients.put(stored);
        record.done().await?;
        let application_type = asked.application_type;
        Ok(Registered { client, secret: secret.map(SecretString::from), application_type })
    }

    /// Notes that a client is in use, once a day at most.
    pub(super) async fn note_use(&self, id: &str) -> Result<(), StoreError> {
        let clients = &self.shared.authorization.clients;
        let now = self.shared.clock.now();
        let Some(known) = clients.get(id) else { return Ok(()) };
        if known
            .used_at
            .is_some_and(|used| now.duration_since(used) < SignedDuration::from_hours(24))
        {
            return Ok(());
        }
        let used = StoredClient { used_at: Some(now), ..(*known).clone() };
        self.shared.store.put_client(used.clone()).await?;
        clients.put(used);
        Ok(())
    }
}

fn of_stored(stored: &StoredClient) -> Client {
    Client {
        id: stored.id.clone(),
        name: stored.name.clone(),
        redirect_uris: stored.redirect_uris.clone(),
        auth_method: AuthMethod::parse(&stored.auth_method).unwrap_or(AuthMethod::Post),
        registered_at: Some(stored.created_at),
        tenant: stored.tenant.clone(),
        secret_hash: stored.secret_hash,
    }
}

/// A registration that makes sense.
pub(super) struct Asked {
    name: String,
    redirect_uris: Vec<String>,
    auth_method: AuthMethod,
    application_type: &'static str,
}

impl Asked {
    pub(super) fn read(asked: Registration) -> Result<Self, OAuthFault> {
        let redirect_uris = redirect_uris(asked.redirect_uris.as_ref())?;
        let metadata = |what: &str| Err(OAuthFault::bad_client(what));
        // What a client asks for beyond what there is (`client_credentials`, say) it does not get; what it
        // cannot do without must be among it.
        if asked.grant_types.is_some_and(|types| !types.iter().any(|it| it == "authorization_code"))
        {
            return metadata("`grant_types` must have `authorization_code`");
        }
        if asked.response_types.is_some_and(|types| !types.iter().any(|it| it == "code")) {
            return metadata("`response_types` must have `code`");
        }
        let auth_method = match &asked.token_endpoint_auth_method {
            None | Some(Value::Null) => AuthMethod::None,
            Some(method) => match method.as_str().and_then(AuthMethod::parse) {
                Some(method) => method,
                None => {
                    return metadata(
                        "`token_endpoint_auth_method` is none, client_secret_post or client_secret_basic",
                    );
                }
            },
        };
        let programs = redirect_uris.iter().all(|uri| !uri.starts_with("https://"));
        let application_type = match &asked.application_type {
            None | Some(Value::Null) if programs => "native",
            None | Some(Value::Null) => "web",
            Some(kind) if kind == "native" => "native",
            Some(kind) if kind == "web" => "web",
            Some(_) => return metadata("`application_type` is native or web"),
        };
        if application_type == "web" && redirect_uris.iter().any(|uri| !uri.starts_with("https://"))
        {
            return Err(OAuthFault::bad_redirect(
                "`redirect_uris`: those of an application of type web are https",
            ));
        }
        let name = asked.client_name.as_ref().and_then(Value::as_str).unwrap_or_default();
        Ok(Self { name: plain_name(name), redirect_uris, auth_method, application_type })
    }
}

/// The redirect URIs of a registration or a document.
pub(super) fn redirect_uris(value: Option<&Value>) -> Result<Vec<String>, OAuthFault> {
    let texts = value.and_then(Value::as_array).filter(|texts| !texts.is_empty());
    let texts = texts.ok_or_else(|| {
        OAuthFault::bad_redirect("`redirect_uris` must be a list with at least one")
    })?;
    if texts.len() > REDIRECT_URIS_MAX {
        let text = format!("`redirect_uris` takes at most {REDIRECT_URIS_MAX}");
        return Err(OAuthFault::bad_redirect(&text));
    }
    let mut uris = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let text = text.as_str().unwrap_or_default();
        if let Some(fault) = redirect::fault(text) {
            return Err(OAuthFault::bad_redirect(&format!(
                "`redirect_uris`: number {number} {fault}"
            )));
        }
        uris.push(text.to_owned());
    }
    Ok(uris)
}

/// A name for people to read, in one line and without what could turn it around.
pub(super) fn plain_name(text: &str) -> String {
    let plain = |c: char| {
        let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || invisible { ' ' } else { c }
    };
    let name: String = text.chars().map(plain).take(NAME_MAX).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { "A client without a name".to_owned() } else { name }
}
