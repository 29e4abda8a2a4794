//! The clients that admins see: those that they entered, and those that were let into their tenant. What
//! registered and was let in nowhere is nobody's, and for the operator to see.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::Resource;
use model::key::KeyState;
use model::{Principal, TenantId, Who};
use notion::Effect;
use serde::Deserialize;
use serde_json::Value;
use store::{StoredClient, StoredGrant};

use super::authorize::bounded;
use super::clients::{Asked, Registered, Registration};
use super::fault::OAuthFault;
use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// Clients that admins of one tenant can enter.
const ENTERED_MAX: usize = 100;

/// How a client came to be known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientKind {
    /// It registered itself; nobody checked what it says.
    Registered,
    /// An admin entered it.
    Preregistered,
    /// It is a document at the address that is its id.
    Document,
}

impl ClientKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Preregistered => "preregistered",
            Self::Document => "document",
        }
    }
}

/// A client, as admins see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownClient {
    /// Its `client_id`.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// How it came to be known.
    pub kind: ClientKind,
    /// Where it may be answered, or for a document, where it was: hosts, or schemes of programs.
    pub redirects: Vec<String>,
    /// When it came; not known of a document.
    pub created_at: Option<Timestamp>,
    /// When it last got a token.
    pub used_at: Option<Timestamp>,
    /// Its grants in the tenant that work: keys.
    pub grants: usize,
}

/// A client that an admin enters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRequest {
    /// What people read on the page that asks.
    pub name: String,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// How it shows who it is: a word of RFC 7591; `none` if not said.
    #[serde(default)]
    pub auth_method: Option<String>,
}

impl Gate {
    /// The clients that the caller looks after: by name, and those of one name newest first.
    pub async fn list_clients(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<KnownClient>, Error> {
        let record =
            Record::open(&self.shared, principal, Effect::Read, "list-clients", request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        Ok(self.known_clients(principal))
    }

    fn known_clients(&self, principal: &Principal) -> Vec<KnownClient> {
        let mut granted: BTreeMap<String, Vec<StoredGrant>> = BTreeMap::new();
        for grant in self.working_grants(&principal.tenant) {
            granted.entry(grant.client_id.clone()).or_default().push(grant);
        }
        let mut all = Vec::new();
        for client in self.shared.authorization.clients.all() {
            let grants = granted.remove(&client.id).unwrap_or_default();
            if is_seen(principal, &client, !grants.is_empty()) {
                all.push(of_stored(&client, &grants));
            }
        }
        // Documents; and what has been forgotten, but not by its grants.
        all.extend(granted.into_iter().map(|(id, grants)| of_grants(id, &grants)));
        all.sort_by(|a, b| (&a.name, b.created_at, &a.id).cmp(&(&b.name, a.created_at, &b.id)));
        all
    }

    fn working_grants(&self, tenant: &TenantId) -> Vec<StoredGrant> {
        let mut grants = self.shared.authorization.grants.matching(|it| it.tenant == *tenant);
        grants.retain(|grant| {
            let key = self.shared.keys.find(&grant.key);
            key.is_some_and(|key| self.key_state(&key) == KeyState::Active)
        });
        grants
    }

    /// Enters a client, so that it need not register.
    pub async fn add_client(
        &self,
        principal: &Principal,
        request: ClientRequest,
        request_id: &str,
    ) -> Result<Registered, Error> {
        let asked = self.operator_of(principal).and_then(|()| self.asked(principal, request));
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => {
                let resource = Resource { kind: "client".into(), id: String::new() };
                let record =
                    Record::manage(&self.shared, principal, "create-client", resource, request_id);
                return Err(record.failed(error).await);
            }
        };
        let tenant = Some(principal.tenant.clone());
        let made = self.enter_client(principal, "create-client", asked, tenant, request_id).await;
        made.map_err(|fault| Error::Conflict(fault.description))
    }

    fn asked(&self, principal: &Principal, request: ClientRequest) -> Result<Asked, Error> {
        let ClientRequest { name, redirect_uris, auth_method } = request;
        if name.trim().is_empty() {
            return Err(Error::Invalid("`name` is missing".to_owned()));
        }
        let entered = self.shared.authorization.clients.all();
        let own = entered.iter().filter(|it| it.tenant.as_ref() == Some(&principal.tenant));
        if own.count() >= ENTERED_MAX {
            let text = format!("there are {ENTERED_MAX} clients that were entered: remove some");
            return Err(Error::Conflict(text));
        }
        let asked = Registration {
            redirect_uris: Some(redirect_uris.into()),
            client_name: Some(name.into()),
            token_endpoint_auth_method: auth_method.map(Value::from),
            ..Registration::default()
        };
        let invalid = |fault: OAuthFault| {
            let text = fault.description.replace("token_endpoint_auth_method", "auth_method");
            Error::Invalid(text)
        };
        Asked::read(asked).map_err(invalid)
    }

    /// Ends what a client was granted, and forgets it: as long as nobody else let it in, that is. One that
    /// registers itself can do so again, and be let in again.
    pub async fn delete_client(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let shared = &self.shared;
        let clients = &shared.authorization.clients;
        let resource = Resource { kind: "client".into(), id: bounded(id) };
        let mut record = Record::manage(shared, principal, "delete-client", resource, request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        let alone = clients.changing.lock().await;
        let everywhere = matches!(principal.who, Who::Operator);
        let all = shared.authorization.grants.matching(|grant| grant.client_id == id);
        let works = self.working_grants(&principal.tenant);
        let has_grants = works.iter().any(|grant| grant.client_id == id);
        let client = clients.get(id).filter(|it| is_seen(principal, it, has_grants));
        if client.is_none() && !has_grants {
            let text = "there is no such client: list the clients to see their ids";
            return Err(record.failed(Error::Missing(text.to_owned())).await);
        }
        let (own, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|grant| everywhere || grant.tenant == principal.tenant);
        record.intend().await?;
        if client.is_some() && others.is_empty() {
            if let Err(error) = shared.store.delete_clients(vec![id.to_owned()]).await {
                return Err(record.failed(error.into()).await);
            }
            clients.remove(&[id.to_owned()]);
        }
        drop(alone);
        for grant in own {
            let there = Principal { tenant: grant.tenant.clone(), ..principal.clone() };
            let key = shared.keys.find(&grant.key);
            if key.is_some_and(|key| key.revoked_at.is_none())
                && let Err(error) = self.revoke_key(&there, grant.key.as_str(), request_id).await
            {
                return Err(record.failed(error).await);
            }
        }
        record.done().await
    }
}

/// Whether a client exists for the caller.
fn is_seen(principal: &Principal, client: &StoredClient, has_grants: bool) -> bool {
    match &client.tenant {
        Some(own) => *own == principal.tenant,
        None => has_grants || matches!(principal.who, Who::Operator),
    }
}

fn of_stored(client: &Arc<StoredClient>, grants: &[StoredGrant]) -> KnownClient {
    let kind = match client.tenant {
        Some(_) => ClientKind::Preregistered,
        None => ClientKind::Registered,
    };
    let redirects = client.redirect_uris.iter().map(|uri| super::redirect::shown(uri));
    KnownClient {
        id: client.id.clone(),
        name: client.name.clone(),
        kind,
        redirects: sorted(redirects),
        created_at: Some(client.created_at),
        used_at: client.used_at,
        grants: grants.len(),
    }
}

fn of_grants(id: String, grants: &[StoredGrant]) -> KnownClient {
    let kind =
        if id.starts_with("https://") { ClientKind::Document } else { ClientKind::Registered };
    let latest = grants.iter().max_by_key(|grant| grant.rotated_at);
    KnownClient {
        name: latest.map(|grant| grant.client_name.clone()).unwrap_or_default(),
        kind,
        redirects: sorted(grants.iter().map(|grant| grant.redirect.clone())),
        created_at: None,
        used_at: latest.map(|grant| grant.rotated_at),
        grants: grants.len(),
        id,
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
