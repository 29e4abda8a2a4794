//! Keys: what notegate hands out instead of a workspace's token.

use std::fmt;

use jiff::Timestamp;
use notion::{Capabilities, Id};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::chance::{BASE62, Chance, base62};
use crate::connection::ConnectionId;
use crate::role::Role;
use crate::tenant::TenantId;
use crate::tools::ToolSet;
use crate::user::UserId;

const PREFIX: &str = "ngk_";
/// What a key starts with when a client insists on Notion's own prefix.
const NOTION_SHAPED_PREFIX: &str = "ntn_ng";
const ID_LENGTH: usize = 12;
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// The public part of a key: names it in lists, routes and the ledger.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Reads an id: twelve characters of `[0-9A-Za-z]`.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed =
            text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A whole key, as a caller shows it. Secret.
///
/// `ngk_<12 id>_<43 secret><6 checksum>`, or `ntn_ng<12 id><43 secret><6 checksum>`; all base62, the
/// checksum is the CRC-32 of everything before it. So a mistyped or cut key is told from a wrong one
/// without asking a store, and a scanner finds keys without false alarms.
pub struct KeyToken {
    id: KeyId,
    text: SecretString,
}

impl KeyToken {
    /// Draws a new key.
    pub fn generate(chance: &dyn Chance, notion_shaped: bool) -> Self {
        let id = base62(chance, ID_LENGTH);
        let secret = base62(chance, SECRET_LENGTH);
        let mut text = if notion_shaped {
            format!("{NOTION_SHAPED_PREFIX}{id}{secret}")
        } else {
            format!("{PREFIX}{id}_{secret}")
        };
        text.push_str(&checksum(&text));
        Self { id: KeyId(id), text: text.into() }
    }

    /// Reads a key; `None` unless the form and the checksum are right.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, separated) = match text.strip_prefix(NOTION_SHAPED_PREFIX) {
            Some(body) => (body, false),
            None => (text.strip_prefix(PREFIX)?, true),
        };
        let id = KeyId::parse(body.get(..ID_LENGTH)?)?;
        let rest = body.get(ID_LENGTH..)?;
        let rest = if separated { rest.strip_prefix('_')? } else { rest };
        let well_formed = rest.len() == SECRET_LENGTH + CHECKSUM_LENGTH
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !well_formed {
            return None;
        }
        let (before, sum) = text.split_at_checked(text.len() - CHECKSUM_LENGTH)?;
        (checksum(before) == sum).then(|| Self { id, text: text.to_owned().into() })
    }

    /// The public part.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The whole key. Shown once, to the one who asked for it.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for KeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyToken({})", self.id)
    }
}

fn checksum(text: &str) -> String {
    let mut sum = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[sum % 62];
        sum /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

/// Where a key reaches: the subtrees below these objects; everything if there are none. Of a key that
/// another key made: only as far as that one reaches, too.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Scope {
    within: Vec<Id>,
    /// The roots of the keys above, level by level. They are looked up at each call and never stored.
    #[serde(skip)]
    above: Vec<Vec<Id>>,
}

impl Scope {
    /// The most roots that a scope can have.
    pub const ROOTS_MAX: usize = 100;

    /// The subtrees below `within`; the whole connection if it is empty.
    pub fn new(within: Vec<Id>) -> Self {
        Self { within, above: Vec::new() }
    }

    /// The same, and no further than `outer`.
    pub fn inside(mut self, outer: &Self) -> Self {
        self.above.extend(outer.levels().map(<[Id]>::to_vec));
        self
    }

    /// Whether the key reaches the whole connection.
    pub fn is_everything(&self) -> bool {
        self.within.is_empty() && self.above.is_empty()
    }

    /// The key's own roots; those of the keys above limit it, too (see [`Scope::levels`]).
    pub fn within(&self) -> &[Id] {
        &self.within
    }

    /// Lists of roots, none of them empty; what is inside stands below a root of each list.
    pub fn levels(&self) -> impl Iterator<Item = &[Id]> {
        let own = std::iter::once(self.within.as_slice());
        own.chain(self.above.iter().map(Vec::as_slice)).filter(|roots| !roots.is_empty())
    }

    /// Whether an object whose path (itself and its ancestors) is `path` lies inside.
    pub fn covers(&self, path: &[Id]) -> bool {
        self.levels().all(|roots| path.iter().any(|id| roots.contains(id)))
    }
}

/// A key as notegate keeps it: everything but the secret.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Key {
    /// Its public part.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// Whose it is.
    #[serde(skip)]
    pub tenant: TenantId,
    /// The connection that it opens a part of; `None` for the tenant's only one, whichever that is.
    pub connection: Option<ConnectionId>,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub within: Scope,
    /// With which of Notion's capabilities.
    pub capabilities: Capabilities,
    /// How much.
    pub budget: Budget,
    /// For whom it was made: it never does more than that person may, and ends with the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The program that it is for, if it calls by itself: policies can be about all keys of an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// The key that made it: it never does more than that one may, spends from its budget, too, and ends
    /// with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<KeyId>,
    /// Whether it may make keys itself, narrower ones. (Who manages keys makes them anyway.)
    pub may_delegate: bool,
    /// Whether it may read the ledger whatever its role, and the bodies that the ledger keeps.
    pub auditor: bool,
    /// The tools that an MCP client is offered with it, whichever it asks for; if not said, those that it
    /// asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<ToolSet>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Whether the key opens anything at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }
}

/// Whether a key works. The later word is the stronger one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Counting(AtomicU64);

    impl Chance for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                *byte = (state.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8;
            }
        }
    }

    #[test]
    fn keys_have_the_documented_form() {
        let chance = Counting::default();
        let key = KeyToken::generate(&chance, false);
        let text = key.reveal();
        assert_eq!(text.len(), 4 + 12 + 1 + 43 + 6);
        assert_eq!(&text[..16], format!("ngk_{}", key.id()));
        assert_eq!(KeyToken::parse(text).unwrap().id(), key.id());

        let shaped = KeyToken::generate(&chance, true);
        assert!(shaped.reveal().starts_with("ntn_ng"));
        assert_eq!(KeyToken::parse(shaped.reveal()).unwrap().id(), shaped.id());
        assert!(!format!("{key:?}").contains(&text[20..40]));
    }

    #[test]
    fn one_changed_character_is_noticed() {
        let key = KeyToken::generate(&Counting::default(), false);
        let text = key.reveal();
        for index in 4..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(KeyToken::parse(&changed).is_none(), "{index}");
        }
        assert!(KeyToken::parse(&text[..text.len() - 1]).is_none());
        assert!(KeyToken::parse("ngk_").is_none());
        assert!(KeyToken::parse("").is_none());
    }

    proptest::proptest! {
        #[test]
        fn a_scope_inside_another_covers_no_more(
            roots in proptest::collection::vec(proptest::collection::vec(0_u8..6, 0..3), 1..5),
            path in proptest::collection::vec(0_u8..6, 0..5),
        ) {
            let ids = |numbers: &[u8]| -> Vec<Id> {
                let id = |it| format!("00000000-0000-4000-8000-0000000000{it:02x}");
                numbers.iter().map(|it| Id::parse(&id(it)).unwrap()).collect()
            };
            let path = ids(&path);
            let mut outer = Scope::default();
            let mut expected = true;
            for roots in roots {
                let inner = Scope::new(ids(&roots)).inside(&outer);
                expected = expected && Scope::new(ids(&roots)).covers(&path);
                proptest::prop_assert_eq!(inner.covers(&path), expected);
                proptest::prop_assert!(!inner.is_everything() || outer.is_everything());
                outer = inner;
            }
        }

        #[test]
        fn parsing_never_panics(text in "(ngk_|ntn_ng)?\\PC{0,80}") {
            let _ = KeyToken::parse(&text);
        }
    }
}
