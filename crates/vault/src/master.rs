//! A master key: what the secrets are sealed under.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Chance;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Length of the master key in bytes.
const LENGTH: usize = 32;

/// A secret that seals others: 32 bytes.
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

/// Names a master key without telling anything about it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MasterKeyId(pub(crate) [u8; 8]);

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no master key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the master key is not 32 bytes in base64 or hexadecimal; make one with `openssl rand -base64 32`"
)]
pub struct ParseMasterKeyError;

impl MasterKey {
    /// Draws a new key.
    pub fn generate(chance: &dyn Chance) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        chance.fill(&mut *bytes);
        Self(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8; LENGTH]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Reads 32 bytes in base64 (44 characters) or hexadecimal (64 characters).
    pub fn parse(text: &SecretString) -> Result<Self, ParseMasterKeyError> {
        let text = text.expose_secret().trim();
        let bytes = if text.len() == 2 * LENGTH {
            Zeroizing::new(from_hex(text).ok_or(ParseMasterKeyError)?)
        } else {
            Zeroizing::new(STANDARD.decode(text).map_err(|_| ParseMasterKeyError)?)
        };
        let bytes: [u8; LENGTH] = bytes.as_slice().try_into().map_err(|_| ParseMasterKeyError)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The key in base64, to be written to a file that only its owner can read.
    pub fn reveal(&self) -> SecretString {
        STANDARD.encode(*self.0).into()
    }

    /// Its name.
    pub fn id(&self) -> MasterKeyId {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"notegate 1 master key id");
        hash.update(&*self.0);
        let mut id = [0; 8];
        id.copy_from_slice(&hash.finish().as_ref()[..8]);
        MasterKeyId(id)
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemChance;

    #[test]
    fn reads_what_it_reveals_and_hexadecimal() {
        let key = MasterKey::generate(&SystemChance::new());
        let again = MasterKey::parse(&key.reveal()).unwrap();
        assert_eq!(again.id(), key.id());
        let hex = "00ff".repeat(16);
        assert_eq!(MasterKey::parse(&hex.into()).unwrap().bytes()[..2], [0, 255]);
        for wrong in ["", "short", &"zz".repeat(32), &STANDARD.encode([0; 31])] {
            assert!(MasterKey::parse(&wrong.to_owned().into()).is_err(), "{wrong}");
        }
    }
}
