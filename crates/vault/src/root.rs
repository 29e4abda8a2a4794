//! The root secret, and the keys that are derived from it.
//!
//! Everything that must outlive a master key comes from here: the hashes of keys, the signatures of the
//! ledger. The root is itself sealed under the master key, so that key can change without them.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac};
use model::Chance;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::keyring::Keyring;
use crate::master::{MasterKey, ParseMasterKeyError};
use crate::vault::Vault;

/// What a derived key is for. Different labels give unrelated keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Label {
    /// The keyed hash under which keys are stored.
    KeyHashes,
    /// The seed of the Ed25519 key that signs the ledger's checkpoints.
    LedgerSigning,
    /// Cursors that are given out sealed.
    Cursors,
    /// Sessions of the dashboard.
    Sessions,
    /// The `state` of an authorisation by OAuth.
    OauthState,
    /// Ids that stand for what a caller does not see.
    Pseudonyms,
    /// Ids that stand for tokens that callers bring along.
    Guests,
    /// Codes, refresh tokens and clients' secrets of the authorization server.
    Authorization,
    /// The seeds of the keys that sign access tokens.
    TokenSigning,
}

impl Label {
    fn info(self) -> &'static [u8] {
        match self {
            Self::KeyHashes => b"notegate 1 key hashes",
            Self::LedgerSigning => b"notegate 1 ledger signing",
            Self::Cursors => b"notegate 1 cursors",
            Self::Sessions => b"notegate 1 sessions",
            Self::OauthState => b"notegate 1 oauth state",
            Self::Pseudonyms => b"notegate 1 pseudonyms",
            Self::Guests => b"notegate 1 guests",
            Self::Authorization => b"notegate 1 authorization",
            Self::TokenSigning => b"notegate 1 token signing",
        }
    }
}

/// 32 bytes that stay the same as long as the installation lives.
pub struct Root(Zeroizing<[u8; 32]>);

impl Root {
    /// Draws a new root.
    pub fn generate(chance: &dyn Chance) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        chance.fill(&mut *bytes);
        Self(bytes)
    }

    /// The root of an installation from before there were roots: its master key's own bytes, so that
    /// what was derived from them stays valid.
    pub fn of_master_key(master_key: &MasterKey) -> Self {
        Self(Zeroizing::new(*master_key.bytes()))
    }

    /// Reads what [`Root::reveal`] wrote.
    pub fn parse(text: &SecretString) -> Result<Self, ParseMasterKeyError> {
        MasterKey::parse(text).map(|key| Self::of_master_key(&key))
    }

    /// The root as text, to be sealed.
    pub fn reveal(&self) -> SecretString {
        MasterKey::from_bytes(&self.0).reveal()
    }

    /// A key of its own for `label` (HKDF-SHA256, RFC 5869).
    pub fn derive(&self, label: Label) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(&*self.0)
            .expand(&[label.info()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *derived))
            // INVARIANT: 32 bytes are one block of SHA-256, far below HKDF's limit of 255.
            .expect("HKDF gives 32 bytes");
        derived
    }

    /// The HMAC-SHA256 key for `label`.
    pub fn hmac_key(&self, label: Label) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.derive(label))
    }

    /// A vault for what is given out sealed and comes back soon: no change of the master key
    /// concerns it.
    pub fn vault(&self, label: Label, chance: Arc<dyn Chance>) -> Vault {
        Vault::new(Keyring::of(MasterKey::from_bytes(&self.derive(label))), chance)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::SystemChance;

    #[test]
    fn labels_give_different_keys() {
        let root = Root::generate(&SystemChance::new());
        assert_ne!(root.derive(Label::KeyHashes), root.derive(Label::LedgerSigning));
        assert_eq!(root.derive(Label::KeyHashes), root.derive(Label::KeyHashes));
        let again = Root::parse(&root.reveal()).unwrap();
        assert_eq!(root.derive(Label::Cursors), again.derive(Label::Cursors));
        assert!(!format!("{root:?}").contains(root.reveal().expose_secret()));
    }

    /// What older installations derived from their master key must stay as it was.
    #[test]
    fn the_root_of_an_old_installation_derives_what_its_master_key_did() {
        let master_key = MasterKey::parse(&"07".repeat(32).into()).unwrap();
        let derived = Root::of_master_key(&master_key).derive(Label::LedgerSigning);
        let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "cd53e6a2096e6b51370cbcb0401a56f836444a2f1f64f49c8bbaea7777ef76f3");
    }
}
