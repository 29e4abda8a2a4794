//! The vault: seals and opens under master keys that can be changed while it is in use.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use model::Chance;
use secrecy::SecretString;

use crate::keyring::Keyring;
use crate::master::MasterKeyId;
use crate::sealed::{OpenError, Place, Sealed, SealedHead};

/// Seals and opens.
pub struct Vault {
    keyring: RwLock<Arc<Keyring>>,
    chance: Arc<dyn Chance>,
}

/// The right to seal under the key that is current now. Whoever seals something to be stored holds
/// this until it is stored: a key is given up only when nobody holds it any more and nothing in the
/// store is under it, so that nothing can get there afterwards.
#[must_use = "hold it until what was sealed is stored"]
pub struct Sealing {
    keyring: Arc<Keyring>,
    chance: Arc<dyn Chance>,
}

/// A keyring that is not the vault's any more.
#[must_use = "somebody may still be sealing with it"]
pub struct Replaced(Arc<Keyring>);

impl Vault {
    /// A vault with these keys.
    pub fn new(keyring: Keyring, chance: Arc<dyn Chance>) -> Self {
        Self { keyring: RwLock::new(Arc::new(keyring)), chance }
    }

    /// Begins to seal; see [`Sealing`].
    pub fn sealing(&self) -> Sealing {
        Sealing { keyring: self.keyring(), chance: self.chance.clone() }
    }

    /// Opens a secret that is kept at `place`. The error names the place.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<SecretString, OpenError> {
        sealed.open(&self.keyring(), place)
    }

    /// Takes other keys from now on. Those of before still open as long as the process lives: what is
    /// sealed under them may be in memory.
    pub fn reload(&self, keyring: Keyring) -> Replaced {
        let mut held = self.keyring.write().unwrap_or_else(PoisonError::into_inner);
        let keyring = Arc::new(keyring.and_older(&held));
        Replaced(std::mem::replace(&mut *held, keyring))
    }

    /// The names of the keys, the current one first.
    pub fn key_ids(&self) -> Vec<MasterKeyId> {
        self.keyring().ids().collect()
    }

    fn keyring(&self) -> Arc<Keyring> {
        self.keyring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sealing {
    /// Seals `secret` for `place`.
    pub fn seal(&self, place: Place<'_>, secret: &SecretString) -> Sealed {
        Sealed::seal(self.keyring.current(), &*self.chance, place, secret)
    }

    /// Brings a sealed secret under the current key, by its head alone.
    pub fn rewrap(&self, place: Place<'_>, head: &SealedHead) -> Result<SealedHead, OpenError> {
        head.rewrap(&self.keyring, &*self.chance, place)
    }

    /// The same secret under the current key: as it is, if it is already.
    pub fn renew(&self, place: Place<'_>, sealed: &Sealed) -> Result<Sealed, OpenError> {
        if sealed.key_id() == Some(self.key_id()) {
            return Ok(sealed.clone());
        }
        let (head, tail) =
            sealed.as_bytes().split_at(SealedHead::LENGTH.min(sealed.as_bytes().len()));
        let head = self.rewrap(place, &SealedHead::from_bytes(head.to_vec()))?;
        Ok(Sealed::from_bytes([head.as_bytes(), tail].concat()))
    }

    /// The name of the key that it is sealed under.
    pub fn key_id(&self) -> MasterKeyId {
        self.keyring.current().id()
    }
}

impl Replaced {
    /// Whether somebody is still sealing with it.
    pub fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing")
    }
}

impl fmt::Debug for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replaced")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{MasterKey, SealError, SystemChance};

    #[test]
    fn old_keys_open_until_they_are_gone() {
        let place = Place { table: "t", row: "r", column: "c" };
        let chance = Arc::new(SystemChance::new());
        let [one, two] = [(); 2].map(|()| MasterKey::generate(&*chance));
        let text = two.reveal();
        let first = one.id();
        let vault = Vault::new(Keyring::of(one), chance);
        let sealing = vault.sealing();
        let sealed = sealing.seal(place, &"secret".to_owned().into());
        assert_eq!(sealed.key_id(), Some(first));

        let replaced = vault.reload(Keyring::parse(&text).unwrap());
        assert!(replaced.is_in_use(), "the sealing began before");
        drop(sealing);
        assert!(!replaced.is_in_use());
        assert_eq!(vault.key_ids(), [two.id(), first]);
        assert_eq!(vault.open(place, &sealed).unwrap().expose_secret(), "secret");
        let renewed = vault.sealing().renew(place, &sealed).unwrap();
        assert_eq!(renewed.key_id(), Some(two.id()));
        assert_eq!(vault.open(place, &renewed).unwrap().expose_secret(), "secret");
        assert_eq!(vault.sealing().renew(place, &renewed).unwrap(), renewed);
        assert!(vault.sealing().renew(place, &Sealed::from_bytes(vec![1, 2])).is_err());

        // A process that begins with the new key alone has forgotten the old one.
        let fresh = Vault::new(Keyring::parse(&text).unwrap(), Arc::new(SystemChance::new()));
        let error = fresh.open(place, &sealed).unwrap_err();
        assert_eq!(error.fault, SealError::OtherMasterKey(first));
        assert!(error.to_string().contains("t.c, row r"), "{error}");
        assert_eq!(fresh.open(place, &renewed).unwrap().expose_secret(), "secret");

        let again = vault.sealing().seal(place, &"secret".to_owned().into());
        assert_eq!(vault.open(place, &again).unwrap().expose_secret(), "secret");
        assert_eq!(again.key_id(), Some(two.id()));
    }
}
