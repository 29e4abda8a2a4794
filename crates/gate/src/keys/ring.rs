//! Every key of every tenant, in memory: so that a call costs no look-up in the store and an end works
//! at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::hmac;
use jiff::Timestamp;
use model::{Key, KeyId, KeyToken, Principal, TenantId};
use store::{KeyHash, Store, StoreError, StoredKey};
use vault::{Label, Root};

use super::family::GENERATIONS_MAX;

/// Every key, by its public part.
pub(crate) struct KeyRing {
    hasher: hmac::Key,
    keys: RwLock<HashMap<KeyId, Arc<Known>>>,
    /// Whoever makes a key.
    pub(super) making: tokio::sync::Mutex<()>,
    /// Ended keys that were shown in the current minute.
    ended: Mutex<HashMap<KeyId, i64>>,
}

pub(super) struct Known {
    pub(super) key: Arc<Key>,
    pub(super) hash: KeyHash,
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
            making: tokio::sync::Mutex::default(),
            ended: Mutex::default(),
        })
    }

    /// The key that `token` is, whatever its state. An unknown id takes as long as a wrong secret.
    pub(super) fn recognise(&self, token: &KeyToken) -> Option<Arc<Key>> {
        let known = self.get(token.id());
        let expected = known.as_ref().map_or([0; 32], |known| known.hash.0);
        let fits = hmac::verify(&self.hasher, token.reveal().as_bytes(), &expected).is_ok();
        known.filter(|_| fits).map(|known| known.key.clone())
    }

    /// Whether an attempt with this ended key is the first in the current minute.
    pub(super) fn is_news(&self, principal: &Principal, now: Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, seen| *seen == minute);
        principal.key_id().is_none_or(|id| ended.insert(id.clone(), minute).is_none())
    }

    pub(super) fn hash(&self, token: &KeyToken) -> KeyHash {
        let tag = hmac::sign(&self.hasher, token.reveal().as_bytes());
        let mut hash = KeyHash([0; 32]);
        hash.0.copy_from_slice(tag.as_ref());
        hash
    }

    pub(super) fn get(&self, id: &KeyId) -> Option<Arc<Known>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// A key, whatever its state.
    pub(crate) fn find(&self, id: &KeyId) -> Option<Arc<Key>> {
        self.get(id).map(|known| known.key.clone())
    }

    /// The keys above `key`, nearest first; `None` if one of them is not there.
    pub(crate) fn above(&self, key: &Key) -> Option<Vec<Arc<Key>>> {
        let mut above: Vec<Arc<Key>> = Vec::new();
        let mut next = key.parent.clone();
        while let Some(parent) = next {
            // A row that was tampered with may name itself: no key stands deeper than this.
            if above.len() == GENERATIONS_MAX {
                return None;
            }
            let parent = self.find(&parent).filter(|parent| parent.tenant == key.tenant)?;
            next = parent.parent.clone();
            above.push(parent);
        }
        Some(above)
    }

    /// The topmost key above `key`, or `key` itself.
    pub(crate) fn top(&self, key: &Key) -> KeyId {
        let above = self.above(key).unwrap_or_default();
        above.last().map_or_else(|| key.id.clone(), |top| top.id.clone())
    }

    /// Whether `key` stands somewhere below `above`.
    pub(crate) fn is_below(&self, key: &Key, above: &KeyId) -> bool {
        key.parent.is_some()
            && self.above(key).is_some_and(|all| all.iter().any(|it| it.id == *above))
    }

    pub(super) fn len(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn put(&self, key: Key, hash: KeyHash) {
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
