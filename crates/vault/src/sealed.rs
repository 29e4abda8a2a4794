//! Envelope encryption of one secret.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use model::Chance;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::master::MasterKey;

const FORMAT: u8 = 1;
const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEADER: usize = 1 + 8;
const WRAPPED: usize = NONCE + KEY + TAG;

/// Where a secret is kept. A secret opens only at the place that it was sealed for.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's primary key.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

impl Place<'_> {
    /// Each part with its length before it, so that no two places read alike.
    fn bound(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.table, self.row, self.column] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

/// Why a sealed secret does not open.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// It was sealed under another master key.
    #[error(
        "the secret was sealed under another master key; give notegate the key that it was started with before"
    )]
    OtherMasterKey,
    /// Not what this version writes, or damaged, or moved from its place.
    #[error(
        "the sealed secret is damaged or does not belong to its place; restore it from a backup"
    )]
    Damaged,
}

/// A secret that only the master key opens.
#[derive(Clone, Eq, PartialEq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Seals `secret` for `place`.
    pub fn seal(
        master: &MasterKey,
        chance: &dyn Chance,
        place: Place<'_>,
        secret: &SecretString,
    ) -> Self {
        let mut data_key = Zeroizing::new([0; KEY]);
        chance.fill(&mut *data_key);
        let mut bytes =
            Vec::with_capacity(HEADER + WRAPPED + NONCE + TAG + secret.expose_secret().len());
        bytes.push(FORMAT);
        bytes.extend(master.id());
        encrypt(master.bytes(), chance, &place, &*data_key, &mut bytes);
        encrypt(&data_key, chance, &place, secret.expose_secret().as_bytes(), &mut bytes);
        Self(bytes)
    }

    /// Opens the secret.
    pub fn open(&self, master: &MasterKey, place: Place<'_>) -> Result<SecretString, SealError> {
        if self.0.len() < HEADER + WRAPPED + NONCE + TAG || self.0[0] != FORMAT {
            return Err(SealError::Damaged);
        }
        if self.0[1..HEADER] != master.id() {
            return Err(SealError::OtherMasterKey);
        }
        let (wrapped, sealed) = self.0[HEADER..].split_at(WRAPPED);
        let data_key = decrypt(master.bytes(), &place, wrapped)?;
        let data_key: &[u8; KEY] =
            data_key.as_slice().try_into().map_err(|_| SealError::Damaged)?;
        let secret = decrypt(data_key, &place, sealed)?;
        String::from_utf8(secret.to_vec()).map(SecretString::from).map_err(|_| SealError::Damaged)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Bytes out of a store.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Appends `nonce | ciphertext | tag` to `out`.
fn encrypt(
    key: &[u8; KEY],
    chance: &dyn Chance,
    place: &Place<'_>,
    plain: &[u8],
    out: &mut Vec<u8>,
) {
    let mut nonce = [0; NONCE];
    chance.fill(&mut nonce);
    let mut buffer = Zeroizing::new(plain.to_vec());
    let tag = cipher(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.bound()),
            &mut buffer,
        )
        // INVARIANT: fails only for inputs of gigabytes, and secrets are short.
        .expect("a short secret can be sealed");
    out.extend(nonce);
    out.extend(buffer.iter());
    out.extend(tag.as_ref());
}

fn decrypt(
    key: &[u8; KEY],
    place: &Place<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE).ok_or(SealError::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Damaged)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key)
        .open_in_place(nonce, Aad::from(place.bound()), &mut buffer)
        .map_err(|_| SealError::Damaged)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

fn cipher(key: &[u8; KEY]) -> LessSafeKey {
    // INVARIANT: the only failure is a wrong key length, and the type fixes it.
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key).expect("32 bytes are an AES-256 key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemChance;

    const HERE: Place<'static> = Place { table: "connections", row: "a", column: "token" };

    #[test]
    fn opens_at_its_place_with_its_key_and_nowhere_else() {
        let chance = SystemChance::new();
        let master = MasterKey::generate(&chance);
        let sealed = Sealed::seal(&master, &chance, HERE, &"ntn_secret".to_owned().into());
        assert_eq!(sealed.open(&master, HERE).unwrap().expose_secret(), "ntn_secret");
        for elsewhere in [
            Place { table: "connection", ..HERE },
            Place { row: "b", ..HERE },
            Place { column: "t", ..HERE },
        ] {
            assert_eq!(sealed.open(&master, elsewhere).unwrap_err(), SealError::Damaged);
        }
        let other = MasterKey::generate(&chance);
        assert_eq!(sealed.open(&other, HERE).unwrap_err(), SealError::OtherMasterKey);
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let chance = SystemChance::new();
        let master = MasterKey::generate(&chance);
        let sealed = Sealed::seal(&master, &chance, HERE, &"ntn_secret".to_owned().into());
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(Sealed::from_bytes(bytes).open(&master, HERE).is_err(), "byte {index}");
        }
        for length in 0..sealed.as_bytes().len() {
            let cut = Sealed::from_bytes(sealed.as_bytes()[..length].to_vec());
            assert!(cut.open(&master, HERE).is_err(), "length {length}");
        }
    }

    #[test]
    fn equal_secrets_look_different() {
        let chance = SystemChance::new();
        let master = MasterKey::generate(&chance);
        let secret = "same".to_owned().into();
        let one = Sealed::seal(&master, &chance, HERE, &secret);
        let two = Sealed::seal(&master, &chance, HERE, &secret);
        assert_ne!(one, two);
        assert!(!format!("{one:?}").contains("same"));
    }
}
