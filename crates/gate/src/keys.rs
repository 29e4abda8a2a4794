//! Keys: shown, made, listed, ended. All of them are in memory, so that a call costs no look-up in
//! the store and an end works at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use ledger::Resource;
use model::key::KeyState;
use model::user::{User, UserId};
use model::{Budget, ConnectionId, Key, KeyId, KeyToken, Principal, Role, Scope, TenantId, Who};
use notion::{Capabilities, Effect, Id};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use store::{KeyHash, Store, StoreError, StoredKey};
use vault::{Label, Root};

use crate::Gate;
use crate::error::{Error, KeyFault};
use crate::record::Record;

/// Keys that a tenant can have; a store that holds them in memory needs a bound.
const KEYS_MAX: usize = 100_000;
/// Keys above a key that can be: a key that stands so deep makes none.
const GENERATIONS_MAX: usize = 4;
const NAME_LENGTH_MAX: usize = 200;
const EXPIRES_IN_MAX: u64 = 10 * 365 * 24 * 3600;

/// Every key, by its public part.
pub(crate) struct KeyRing {
    hasher: hmac::Key,
    keys: RwLock<HashMap<KeyId, Arc<Known>>>,
    /// Ended keys that were shown in the current minute.
    ended: Mutex<HashMap<KeyId, i64>>,
}

struct Known {
    key: Arc<Key>,
    hash: KeyHash,
}

impl KeyRing {
    pub(crate) async fn load(store: &dyn Store, root: &Root) -> Result<Self, StoreError> {
        let stored = store.all_keys().await?;
        let keys = stored.into_iter().map(|StoredKey { key, hash }| {
            (key.id.clone(), Arc::new(Known { key: Arc::new(key), hash }))
        });
        Ok(Self {
            hasher: root.hmac_key(Label::KeyHashes),
            keys: RwLock::new(keys.collect()),
            ended: Mutex::default(),
        })
    }

    /// The key that `token` is, whatever its state. An unknown id takes as long as a wrong secret.
    fn recognise(&self, token: &KeyToken) -> Option<Arc<Key>> {
        let known = self.get(token.id());
        let expected = known.as_ref().map_or([0; 32], |known| known.hash.0);
        let fits = hmac::verify(&self.hasher, token.reveal().as_bytes(), &expected).is_ok();
        known.filter(|_| fits).map(|known| known.key.clone())
    }

    /// Whether an attempt with this ended key is the first in the current minute.
    fn is_news(&self, principal: &Principal, now: Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, seen| *seen == minute);
        principal.key_id().is_none_or(|id| ended.insert(id.clone(), minute).is_none())
    }

    fn hash(&self, token: &KeyToken) -> KeyHash {
        let tag = hmac::sign(&self.hasher, token.reveal().as_bytes());
        let mut hash = KeyHash([0; 32]);
        hash.0.copy_from_slice(tag.as_ref());
        hash
    }

    fn get(&self, id: &KeyId) -> Option<Arc<Known>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// A key, whatever its state.
    pub(crate) fn find(&self, id: &KeyId) -> Option<Arc<Key>> {
        self.get(id).map(|known| known.key.clone())
    }

    /// The keys above `key`, nearest first.
    pub(crate) fn above(&self, key: &Key) -> Vec<Arc<Key>> {
        let mut above: Vec<Arc<Key>> = Vec::new();
        let mut next = key.parent.clone();
        // A row that was tampered with may name itself: no key stands deeper than this.
        while let Some(parent) = next.filter(|_| above.len() < GENERATIONS_MAX) {
            let Some(parent) = self.find(&parent).filter(|parent| parent.tenant == key.tenant)
            else {
                break;
            };
            next = parent.parent.clone();
            above.push(parent);
        }
        above
    }

    /// The topmost key above `key`, or `key` itself.
    pub(crate) fn top(&self, key: &Key) -> KeyId {
        self.above(key).pop().map_or_else(|| key.id.clone(), |top| top.id.clone())
    }

    fn len(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn put(&self, key: Key, hash: KeyHash) {
        let known = Arc::new(Known { key: Arc::new(key), hash });
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(known.key.id.clone(), known);
    }

    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Vec<Arc<Key>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<_> = keys
            .values()
            .filter(|known| known.key.tenant == *tenant)
            .map(|known| known.key.clone())
            .collect();
        keys.sort_unstable_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        keys
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

/// What a new key shall be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The subtrees that it reaches: ids or URLs; everything if there are none.
    #[serde(default, deserialize_with = "pasted_ids")]
    pub within: Vec<Id>,
    /// With which of Notion's capabilities; all if not said.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// When it ends: seconds from now, or `30d`, `12h`, `45m`, `90s`.
    #[serde(default, deserialize_with = "duration")]
    pub expires_in: Option<Duration>,
    /// How much it may do.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// By which connection; if not said, the tenant's one that was authorised last. `null` binds it to
    /// none: it uses the tenant's only one, whichever that is.
    #[serde(default, deserialize_with = "said")]
    pub connection: Option<Option<ConnectionId>>,
    /// For whom: the key never does more than that person may, and ends with the person.
    #[serde(default)]
    pub user: Option<UserId>,
    /// Whether it may make narrower keys itself.
    #[serde(default)]
    pub may_delegate: bool,
    /// Whether it must begin like a token of Notion.
    #[serde(default)]
    pub notion_shaped: bool,
}

impl KeyRequest {
    /// A key without further limits; everything if `within` is empty.
    pub fn new(name: &str, role: Role, within: Vec<Id>) -> Self {
        Self {
            name: name.to_owned(),
            role,
            within,
            capabilities: None,
            expires_in: None,
            budget: None,
            connection: None,
            user: None,
            may_delegate: false,
            notion_shaped: false,
        }
    }
}

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
    fn user_of(&self, key: &Key) -> Option<User> {
        key.user.and_then(|id| self.shared.users.get(&key.tenant, id))
    }

    pub(crate) fn principal_of(&self, key: Arc<Key>) -> Principal {
        let only = || self.shared.custody.only(&key.tenant);
        let connection = key.connection.unwrap_or_else(only);
        let most = self.user_of(&key).map_or(key.role, |user| user.role);
        Principal::of_key(key, connection).at_most(most)
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
        }
    }

    /// Makes a key.
    pub async fn create_key(
        &self,
        principal: &Principal,
        request: KeyRequest,
        request_id: &str,
    ) -> Result<NewKey, Error> {
        let shared = &self.shared;
        let token = KeyToken::generate(&*shared.chance, request.notion_shaped);
        let resource = Resource { kind: "key".into(), id: token.id().to_string() };
        let mut record = Record::manage(shared, principal, "create-key", resource, request_id);
        let key = match self.new_key(principal, &token, request) {
            Ok(key) => key,
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("name", key.name.as_str());
        record.fact("role", key.role.as_str());
        record.intend().await?;
        let hash = shared.keys.hash(&token);
        if let Err(error) = shared.store.add_key(StoredKey { key: key.clone(), hash }).await {
            return Err(record.failed(error.into()).await);
        }
        shared.keys.put(key.clone(), hash);
        record.done().await?;
        Ok(NewKey { key, token })
    }

    fn new_key(
        &self,
        principal: &Principal,
        token: &KeyToken,
        request: KeyRequest,
    ) -> Result<Key, Error> {
        self.operator_of(principal)?;
        let name = request.name.trim();
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
        if request.budget.is_some_and(|budget| budget.calls_per_minute == Some(0)) {
            return Err(Error::Invalid("`budget`: a key with no calls opens nothing".to_owned()));
        }
        let capabilities = request.capabilities.unwrap_or(principal.capabilities);
        if let Some(beyond) = capabilities.iter().find(|it| !principal.capabilities.grants(*it)) {
            return Err(Error::Invalid(format!("`capabilities`: you have no {beyond} to give")));
        }
        let now = self.shared.clock.now();
        let expires_at = request.expires_in.map(|after| now.saturating_add(after)).transpose();
        let expires_at =
            expires_at.map_err(|error| Error::Invalid(format!("`expires_in`: {error}")))?;
        Ok(Key {
            id: token.id().clone(),
            name: name.to_owned(),
            tenant: principal.tenant.clone(),
            connection,
            role: request.role,
            within: Scope::new(request.within),
            capabilities,
            budget: request.budget.unwrap_or_default(),
            user: request.user,
            parent: None,
            may_delegate: request.may_delegate,
            created_at: now,
            created_by: principal.name(),
            expires_at,
            revoked_at: None,
        })
    }

    /// The tenant's keys, newest first.
    pub async fn list_keys(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<Arc<Key>>, Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, "list-keys", request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        Ok(self.shared.keys.of_tenant(&principal.tenant))
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
        match self.operator_of(principal).and_then(|()| self.own_key(principal, id)) {
            Ok(key) => record.done().await.map(|()| key),
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Ends a key: the very next call with it is refused.
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
        let key = match self.operator_of(principal).and_then(|()| self.own_key(principal, id)) {
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

    fn own_key(&self, principal: &Principal, id: &str) -> Result<Arc<Key>, Error> {
        KeyId::parse(id)
            .and_then(|id| self.shared.keys.get(&id))
            .map(|known| known.key.clone())
            .filter(|key| key.tenant == principal.tenant)
            .ok_or_else(|| {
                Error::Missing("there is no such key: list the keys to see their ids".to_owned())
            })
    }

    /// What people call a key of the caller's tenant.
    pub fn name_of_key(&self, principal: &Principal, id: &str) -> Option<String> {
        self.operator_of(principal).ok()?;
        self.own_key(principal, id).ok().map(|key| key.name.clone())
    }

    /// Whether a key works now.
    pub fn key_state(&self, key: &Key) -> KeyState {
        // A key ends with the person that it is for, even before that is noted.
        if key.user.is_some() && self.user_of(key).is_none() {
            return KeyState::Revoked;
        }
        key.state(self.shared.clock.now())
    }

    /// Whether anybody but the operator can manage this gate.
    pub fn has_working_admin(&self) -> bool {
        let now = self.shared.clock.now();
        let keys = self.shared.keys.of_tenant(&TenantId::default());
        keys.iter().any(|key| {
            let works = key.state(now) == KeyState::Active;
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
        let (now, maker): (Timestamp, String) = (self.shared.clock.now(), self.itself().name());
        let keys = self.shared.keys.of_tenant(&TenantId::default());
        let works = |key: &&Arc<Key>| {
            key.name == name && key.created_by == maker && key.state(now) == KeyState::Active
        };
        keys.iter().filter(works).map(|key| key.id.clone()).collect()
    }
}

/// A list of ids in every form that people paste.
fn pasted_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Id>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
    texts
        .iter()
        .map(|text| {
            Id::from_pasted(text).ok_or_else(|| {
                let shown: String = text.chars().take(80).collect();
                serde::de::Error::custom(format!("`{shown}` is neither an id nor a URL of Notion"))
            })
        })
        .collect()
}

/// Tells `null` from what was not said.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Seconds as a number, or a number with a unit.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(form) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let seconds = match &form {
        Value::Number(seconds) => seconds.as_u64(),
        Value::String(text) => parse_duration(text),
        _ => None,
    };
    match seconds {
        Some(seconds @ 1..=EXPIRES_IN_MAX) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(serde::de::Error::custom(
            "`expires_in` must be seconds, or a number with s, m, h or d (`30d`), up to ten years",
        )),
    }
}

fn parse_duration(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
