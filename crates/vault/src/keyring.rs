//! The master keys that are in use: one that seals, and older ones that still open.

use secrecy::{ExposeSecret, SecretString};

use crate::master::{MasterKey, MasterKeyId, ParseMasterKeyError};

/// More keys than that are a mistake.
const KEYS_MAX: usize = 8;

/// Master keys, the current one first. Never empty.
#[derive(Debug)]
pub struct Keyring(Vec<MasterKey>);

/// Why a text is no keyring.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseKeyringError {
    /// One of its words is no master key.
    #[error(transparent)]
    Key(#[from] ParseMasterKeyError),
    /// There is nothing in it.
    #[error("there is no master key; make one with `openssl rand -base64 32`")]
    Empty,
    /// More than anybody needs.
    #[error("there are more than {KEYS_MAX} master keys; keep those that are in use")]
    TooMany,
}

impl Keyring {
    /// One key alone.
    pub fn of(key: MasterKey) -> Self {
        Self(vec![key])
    }

    /// `key` seals from now on; the others still open.
    pub fn before(key: MasterKey, mut others: Self) -> Self {
        others.0.retain(|other| other.id() != key.id());
        others.0.insert(0, key);
        others
    }

    /// These keys, and those of `older` that are not among them, which only open.
    pub(crate) fn and_older(mut self, older: &Self) -> Self {
        for key in &older.0 {
            if self.find(key.id()).is_none() {
                self.0.push(MasterKey::from_bytes(key.bytes()));
            }
        }
        self
    }

    /// Reads master keys with white space between them, the current one first.
    pub fn parse(text: &SecretString) -> Result<Self, ParseKeyringError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for word in text.expose_secret().split_ascii_whitespace() {
            let key = MasterKey::parse(&word.to_owned().into())?;
            if keys.iter().any(|known| known.id() == key.id()) {
                continue;
            }
            if keys.len() == KEYS_MAX {
                return Err(ParseKeyringError::TooMany);
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(ParseKeyringError::Empty) } else { Ok(Self(keys)) }
    }

    /// The keys as [`Keyring::parse`] reads them, one a line.
    pub fn reveal(&self) -> SecretString {
        let mut text = String::with_capacity(self.0.len() * 64);
        for key in &self.0 {
            text.push_str(key.reveal().expose_secret());
            text.push('\n');
        }
        text.into()
    }

    /// The key that seals.
    pub fn current(&self) -> &MasterKey {
        // INVARIANT: no constructor makes an empty one, and nothing takes a key away.
        self.0.first().expect("a keyring is never empty")
    }

    /// The key of this name.
    pub fn find(&self, id: MasterKeyId) -> Option<&MasterKey> {
        self.0.iter().find(|key| key.id() == id)
    }

    /// The names of all keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = MasterKeyId> {
        self.0.iter().map(MasterKey::id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemChance;

    #[test]
    fn keys_stand_in_their_order_once_each() {
        let chance = SystemChance::new();
        let [one, two] = [(); 2].map(|()| MasterKey::generate(&chance));
        let text = format!(
            "{0}\n\t {1}\r\n{0}",
            one.reveal().expose_secret(),
            two.reveal().expose_secret()
        );
        let ring = Keyring::parse(&text.into()).unwrap();
        assert_eq!(ring.ids().collect::<Vec<_>>(), [one.id(), two.id()]);
        assert_eq!(ring.current().id(), one.id());
        let again = Keyring::parse(&ring.reveal()).unwrap();
        assert_eq!(again.ids().collect::<Vec<_>>(), [one.id(), two.id()]);
        let turned = Keyring::before(two, again);
        assert_eq!(turned.ids().last(), Some(one.id()));
        assert!(turned.find(one.id()).is_some());
    }

    #[test]
    fn what_is_no_keyring_is_said_without_showing_it() {
        let parse = |text: &str| Keyring::parse(&text.to_owned().into()).unwrap_err();
        assert_eq!(parse(" \n"), ParseKeyringError::Empty);
        assert_eq!(parse("secret-that-is-none"), ParseKeyringError::Key(ParseMasterKeyError));
        let many: Vec<_> = (0..9).map(|n| format!("{n:02x}").repeat(32)).collect();
        assert_eq!(parse(&many.join(" ")), ParseKeyringError::TooMany);
        assert!(Keyring::parse(&many[1..].join(" ").into()).is_ok());
    }
}
