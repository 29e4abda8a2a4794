//! Keys: shown, made, listed, ended.

mod family;
mod request;
mod ring;

use std::sync::Arc;

use ledger::Resource;
use model::key::KeyState;
use model::user::User;
use model::{ConnectionId, Key, KeyId, KeyToken, Meter, Principal, Role, Scope, TenantId, Who};
use notion::{Capabilities, Effect};
use policy::Refusal;
use store::StoredKey;

pub(crate) use self::family::Steward;
pub(crate) use self::request::said;
pub use self::request::{KeyRequest, parse_duration};
pub(crate) use self::ring::KeyRing;
use crate::Gate;
use crate::budget::Usage;
use crate::error::{Error, KeyFault};
use crate::record::Record;

/// Keys that a tenant can have; a store that holds them in memory needs a bound.
const KEYS_MAX: usize = 100_000;
const NAME_LENGTH_MAX: usize = 200;
const AGENT_LENGTH_MAX: usize = 100;

/// A key that was just made, with its secret.
#[derive(Debug)]
pub struct NewKey {
    /// What is known of it.
    pub key: Key,
    /// The whole key. This is the only time that it is shown.
    pub token: KeyToken,
}

impl Gate {
    /// Who shows this? `None` for a caller that shows nothing.
    pub async fn identify(
        &self,
        shown: Option<&str>,
        request_id: &str,
    ) -> Result<Principal, Error> {
        let shown = shown.ok_or(Error::NoKey)?;
        let token = KeyToken::parse(shown).ok_or(Error::BadKey(KeyFault::Unknown))?;
        let key = self.shared.keys.recognise(&token).ok_or(Error::BadKey(KeyFault::Unknown))?;
        let fault = match self.key_state(&key) {
            KeyState::Active => return Ok(self.principal_of(key)),
            KeyState::Expired => KeyFault::Expired,
            KeyState::Revoked => KeyFault::Revoked,
        };
        // A key that once worked is worth an entry a minute; a guess is worth none. Otherwise whoever
        // has nothing to lose could fill the disk.
        let principal = self.principal_of(key);
        if !self.shared.keys.is_news(&principal, self.shared.clock.now()) {
            return Err(Error::BadKey(fault));
        }
        let record = Record::open(&self.shared, &principal, Effect::Read, "identify", request_id);
        Err(record.failed(Error::BadKey(fault)).await)
    }

    /// The person that a key is for, if it is for one who is still there.
    fn user_of(&self, key: &Key) -> Option<Arc<User>> {
        key.user.and_then(|id| self.shared.users.get(&key.tenant, id))
    }

    pub(crate) fn principal_of(&self, key: Arc<Key>) -> Principal {
        let key = self.narrowed(key);
        let only = || self.shared.custody.only(&key.tenant);
        let connection = key.connection.unwrap_or_else(only);
        let person = self.user_of(&key);
        let most = person.as_ref().map_or(key.role, |user| user.role);
        let above = self.shared.keys.above(&key).unwrap_or_default().into();
        Principal { above, person, ..Principal::of_key(key, connection).at_most(most) }
    }

    /// The person who runs this installation, whoever can open the data directory, as the default tenant.
    pub fn operator(&self) -> Principal {
        self.operator_for(TenantId::default())
    }

    /// The person who runs this installation, acting for `tenant`.
    pub fn operator_for(&self, tenant: TenantId) -> Principal {
        let connection = self.shared.custody.latest(&tenant);
        Principal {
            who: Who::Operator,
            // Before the first connection there is nothing to call, but a ledger to read.
            connection: connection.map_or(ConnectionId::NONE, |it| it.bot_id),
            tenant,
            role: Role::Admin,
            capabilities: Capabilities::ALL,
            above: Arc::default(),
            person: None,
        }
    }

    /// Makes a key.
    pub async fn create_key(
        &self,
        principal: &Principal,
        request: KeyRequest,
        request_id: &str,
    ) -> Result<NewKey, Error> {
        self.create_key_as(principal, self.steward(principal), request, request_id).await
    }

    /// Makes the key of a client that somebody let in.
    pub(crate) async fn create_grant(
        &self,
        principal: &Principal,
        request: KeyRequest,
        request_id: &str,
    ) -> Result<NewKey, Error> {
        self.create_key_as(principal, self.grantor(principal), request, request_id).await
    }

    async fn create_key_as(
        &self,
        principal: &Principal,
        steward: Result<Steward, Refusal>,
        request: KeyRequest,
        request_id: &str,
    ) -> Result<NewKey, Error> {
        let shared = &self.shared;
        let token = KeyToken::generate(&*shared.chance, request.notion_shaped);
        let resource = Resource { kind: "key".into(), id: token.id().to_string() };
        let mut record = Record::manage(shared, principal, "create-key", resource, request_id);
        // One at a time, so that there are never more than there may be.
        let _turn = shared.keys.making.lock().await;
        let key = match self.new_key(principal, steward, &token, request, request_id).await {
            Ok(key) => key,
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("name", key.name.as_str());
        record.fact("role", key.role.as_str());
        if let Some(parent) = &key.parent {
            record.fact("parent", parent.as_str());
        }
        record.intend().await?;
        let hash = shared.keys.hash(&token);
        if let Err(error) = shared.store.add_key(StoredKey { key: key.clone(), hash }).await {
            return Err(record.failed(error.into()).await);
        }
        shared.keys.put(key.clone(), hash);
        record.done().await?;
        Ok(NewKey { key, token })
    }

    async fn new_key(
        &self,
        principal: &Principal,
        steward: Result<Steward, Refusal>,
        token: &KeyToken,
        mut request: KeyRequest,
        request_id: &str,
    ) -> Result<Key, Error> {
        if request.auditor {
            // An admin could give itself what admins are kept from.
            policy::operate(principal)?;
        }
        let steward = steward?;
        let name = request.name.trim().to_owned();
        if name.is_empty()
            || name.chars().count() > NAME_LENGTH_MAX
            || name.chars().any(char::is_control)
        {
            return Err(Error::Invalid(format!(
                "`name` must be 1 to {NAME_LENGTH_MAX} characters, none of them a control character"
            )));
        }
        if request.within.len() > Scope::ROOTS_MAX {
            return Err(Error::Invalid(format!("`within` takes at most {} ids", Scope::ROOTS_MAX)));
        }
        if self.shared.keys.len() >= KEYS_MAX {
            return Err(Error::Invalid(format!("there are {KEYS_MAX} keys already: revoke some")));
        }
        if let Some(meter) = request.budget.and_then(|budget| budget.nonsense()) {
            let (name, most) = (meter.as_str(), meter.limit_max());
            return Err(Error::Invalid(format!("`budget`: `{name}` must be 1 to {most}")));
        }
        let mut parent = None;
        match &steward {
            Steward::Manager => {}
            Steward::Person(id) => request = self.for_oneself(principal, *id, request)?,
            Steward::Parent(id) => {
                let (narrow, key) = self.below(principal, id, request, request_id).await?;
                (request, parent) = (narrow, Some(key));
            }
        }
        let connection = match request.connection {
            Some(Some(id)) => {
                let held = self.shared.custody.get(&principal.tenant, id);
                held.ok_or_else(|| Error::Invalid(format!("there is no connection {id}")))?;
                Some(id)
            }
            Some(None) => None,
            None => self.shared.custody.latest(&principal.tenant).map(|latest| latest.bot_id),
        };
        if let Some(id) = request.user {
            let user = self.shared.users.get(&principal.tenant, id);
            user.ok_or_else(|| Error::Invalid(format!("`user`: there is no user {id}")))?;
        }
        if let Some(agent) = &request.agent {
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if agent.is_empty() || agent.len() > AGENT_LENGTH_MAX || !agent.chars().all(good) {
                return Err(Error::Invalid(format!(
                    "`agent` must be 1 to {AGENT_LENGTH_MAX} letters, digits, `-`, `_` and `.`"
                )));
            }
        }
        let capabilities = request.capabilities.unwrap_or(principal.capabilities);
        if let Some(beyond) = capabilities.iter().find(|it| !principal.capabilities.grants(*it)) {
            return Err(Error::Invalid(format!("`capabilities`: you have no {beyond} to give")));
        }
        let now = self.shared.clock.now();
        let expires_at = request.expires_in.map(|after| now.saturating_add(after)).transpose();
        let expires_at =
            expires_at.map_err(|error| Error::Invalid(format!("`expires_in`: {error}")))?;
        let latest = parent.as_ref().and_then(|parent| parent.expires_at);
        if let Some((wanted, latest)) = expires_at.zip(latest)
            && wanted > latest
        {
            return Err(Error::Invalid(format!("`expires_in`: your own key ends at {latest}")));
        }
        Ok(Key {
            id: token.id().clone(),
            name,
            tenant: principal.tenant.clone(),
            connection,
            role: request.role,
            within: Scope::new(request.within),
            capabilities,
            budget: request.budget.unwrap_or_default(),
            user: request.user,
            parent: parent.map(|parent| parent.id.clone()),
            may_delegate: request.may_delegate,
            agent: request.agent,
            auditor: request.auditor,
            tools: request.tools,
            created_at: now,
            created_by: principal.name(),
            expires_at: expires_at.or(latest),
            revoked_at: None,
        })
    }

    /// The tenant's keys, newest first; for a key that may make keys, those below it, and for a person who
    /// manages nothing the own ones.
    pub async fn list_keys(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<Arc<Key>>, Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, "list-keys", request_id);
        let steward = match self.steward(principal) {
            Ok(steward) => steward,
            Err(refusal) => return Err(record.failed(refusal.into()).await),
        };
        record.done().await?;
        let keys = &self.shared.keys;
        let mut all = keys.of_tenant(&principal.tenant);
        all.retain(|key| steward.looks_after(keys, key));
        Ok(all)
    }

    /// One key of the tenant.
    pub async fn find_key(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<Arc<Key>, Error> {
        let mut record =
            Record::open(&self.shared, principal, Effect::Read, "retrieve-key", request_id);
        if let Some(id) = KeyId::parse(id) {
            record.about("key", id);
        }
        match self.own_key(principal, id) {
            Ok(key) => record.done().await.map(|()| key),
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// How much of each limit of a key is spent.
    pub fn usage_of_key(&self, key: &Key) -> Vec<(Meter, Usage)> {
        let above = self.shared.keys.above(key).unwrap_or_default();
        let lineage = std::iter::once(Arc::new(key.clone())).chain(above).collect();
        self.shared.budgets.usage(&lineage, self.shared.clock.now())
    }

    /// Ends a key: the very next call with it, or with one below it, is refused.
    pub async fn revoke_key(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let shared = &self.shared;
        // Only what is an id: people paste whole keys, and those belong nowhere.
        let known = KeyId::parse(id).map(|id| id.to_string()).unwrap_or_default();
        let resource = Resource { kind: "key".into(), id: known };
        let mut record = Record::manage(shared, principal, "revoke-key", resource, request_id);
        let key = match self.own_key(principal, id) {
            Ok(key) => key,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        let now = shared.clock.now();
        if let Err(error) = shared.store.revoke_key(&key.tenant, &key.id, now).await {
            return Err(record.failed(error.into()).await);
        }
        if let Some(known) = shared.keys.get(&key.id) {
            let revoked_at = key.revoked_at.or(Some(now));
            shared.keys.put(Key { revoked_at, ..(*key).clone() }, known.hash);
        }
        record.done().await
    }

    pub(crate) fn own_key(&self, principal: &Principal, id: &str) -> Result<Arc<Key>, Error> {
        let (steward, keys) = (self.steward(principal)?, &self.shared.keys);
        KeyId::parse(id)
            .and_then(|id| keys.find(&id))
            .filter(|key| key.tenant == principal.tenant && steward.looks_after(keys, key))
            .ok_or_else(|| {
                Error::Missing("there is no such key: list the keys to see their ids".to_owned())
            })
    }

    /// What people call a key of the caller's tenant.
    pub fn name_of_key(&self, principal: &Principal, id: &str) -> Option<String> {
        self.own_key(principal, id).ok().map(|key| key.name.clone())
    }

    /// Whether a key works now.
    pub fn key_state(&self, key: &Key) -> KeyState {
        // A key ends with the person that it is for, even before that is noted.
        if key.user.is_some() && self.user_of(key).is_none() {
            return KeyState::Revoked;
        }
        let now = self.shared.clock.now();
        let own = key.state(now);
        if key.parent.is_none() {
            return own;
        }
        // And with any of the keys above it.
        let Some(above) = self.shared.keys.above(key) else { return KeyState::Revoked };
        above.iter().map(|parent| parent.state(now)).fold(own, KeyState::max)
    }

    /// Whether anybody but the operator can manage this gate.
    pub fn has_working_admin(&self) -> bool {
        let keys = self.shared.keys.of_tenant(&TenantId::default());
        keys.iter().any(|key| {
            let works = key.parent.is_none() && self.key_state(key) == KeyState::Active;
            works && key.role == Role::Admin && key.within.is_everything()
        })
    }

    /// notegate itself, where it makes keys at start-up.
    pub fn itself(&self) -> Principal {
        Principal { who: Who::Gate, ..self.operator() }
    }

    /// Keys that notegate itself made under this name and that still work: start-up replaces those of
    /// its last run.
    pub fn own_keys_named(&self, name: &str) -> Vec<KeyId> {
        let maker = self.itself().name();
        let keys = self.shared.keys.of_tenant(&TenantId::default());
        let works = |key: &&Arc<Key>| {
            key.name == name && key.created_by == maker && self.key_state(key) == KeyState::Active
        };
        keys.iter().filter(works).map(|key| key.id.clone()).collect()
    }
}
