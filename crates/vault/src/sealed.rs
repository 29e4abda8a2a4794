//! Envelope encryption of one secret.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use model::Chance;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::keyring::Keyring;
use crate::master::{MasterKey, MasterKeyId};

const FORMAT: u8 = 1;
const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEADER: usize = 1 + 8;
const WRAPPED: usize = NONCE + KEY + TAG;
const HEAD: usize = HEADER + WRAPPED;

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

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}, row {}", self.table, self.column, self.row)
    }
}

/// Why a sealed secret does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// It was sealed under a master key that is not given.
    #[error(
        "it was sealed under another master key ({0}): give notegate the key that it was started with before"
    )]
    OtherMasterKey(MasterKeyId),
    /// Not what this version writes, or damaged, or moved from its place.
    #[error("it is damaged, or was moved there from another place: restore it from a backup")]
    Damaged,
}

/// A sealed secret that does not open, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the secret in {place} does not open: {fault}")]
pub struct OpenError {
    /// Table, column and row.
    pub place: String,
    /// Why.
    pub fault: SealError,
}

/// The head of a sealed secret: its data key, wrapped by a master key. To bring a secret under another
/// master key, only this is made anew; the secret itself stays closed.
#[derive(Clone, Eq, PartialEq)]
pub struct SealedHead(Vec<u8>);

/// A secret that only a master key opens.
#[derive(Clone, Eq, PartialEq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Seals `secret` for `place`.
    pub(crate) fn seal(
        master: &MasterKey,
        chance: &dyn Chance,
        place: Place<'_>,
        secret: &SecretString,
    ) -> Self {
        let mut data_key = Zeroizing::new([0; KEY]);
        chance.fill(&mut *data_key);
        let mut bytes = Vec::with_capacity(HEAD + NONCE + TAG + secret.expose_secret().len());
        write_head(master, chance, &place, &data_key, &mut bytes);
        encrypt(&data_key, chance, &place, secret.expose_secret().as_bytes(), &mut bytes);
        Self(bytes)
    }

    /// Opens the secret that is kept at `place`.
    pub fn open(&self, keyring: &Keyring, place: Place<'_>) -> Result<SecretString, OpenError> {
        self.try_open(keyring, &place)
            .map_err(|fault| OpenError { place: place.to_string(), fault })
    }

    fn try_open(&self, keyring: &Keyring, place: &Place<'_>) -> Result<SecretString, SealError> {
        let (head, sealed) = self.0.split_at_checked(HEAD).ok_or(SealError::Damaged)?;
        let data_key = unwrap_key(head, keyring, place)?;
        let secret = decrypt(&data_key, place, sealed)?;
        let text = std::str::from_utf8(&secret).map_err(|_| SealError::Damaged)?;
        Ok(text.to_owned().into())
    }

    /// The name of the master key that it was sealed under; `None` if it is nothing sealed.
    pub fn key_id(&self) -> Option<MasterKeyId> {
        id_in(&self.0)
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

impl SealedHead {
    /// How many bytes of a sealed secret it is.
    pub const LENGTH: usize = HEAD;

    /// Wraps the data key anew, by the current key of `keyring`.
    pub(crate) fn rewrap(
        &self,
        keyring: &Keyring,
        chance: &dyn Chance,
        place: Place<'_>,
    ) -> Result<Self, OpenError> {
        let data_key = unwrap_key(&self.0, keyring, &place)
            .map_err(|fault| OpenError { place: place.to_string(), fault })?;
        let mut bytes = Vec::with_capacity(HEAD);
        write_head(keyring.current(), chance, &place, &data_key, &mut bytes);
        Ok(Self(bytes))
    }

    /// The name of the master key that wraps; `None` if it is no such head.
    pub fn key_id(&self) -> Option<MasterKeyId> {
        id_in(&self.0)
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

impl fmt::Debug for SealedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedHead({:?})", self.key_id())
    }
}

fn id_in(bytes: &[u8]) -> Option<MasterKeyId> {
    let id = bytes.get(1..HEADER)?.try_into().ok()?;
    (bytes.len() >= HEAD && bytes[0] == FORMAT).then_some(MasterKeyId(id))
}

fn write_head(
    master: &MasterKey,
    chance: &dyn Chance,
    place: &Place<'_>,
    data_key: &[u8; KEY],
    out: &mut Vec<u8>,
) {
    out.push(FORMAT);
    out.extend(master.id().0);
    encrypt(master.bytes(), chance, place, data_key, out);
}

fn unwrap_key(
    head: &[u8],
    keyring: &Keyring,
    place: &Place<'_>,
) -> Result<Zeroizing<[u8; KEY]>, SealError> {
    let id = id_in(head).ok_or(SealError::Damaged)?;
    let master = keyring.find(id).ok_or(SealError::OtherMasterKey(id))?;
    let bytes = decrypt(master.bytes(), place, &head[HEADER..])?;
    let mut data_key = Zeroizing::new([0; KEY]);
    if bytes.len() != KEY {
        return Err(SealError::Damaged);
    }
    data_key.copy_from_slice(&bytes);
    Ok(data_key)
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
    use proptest::prelude::*;

    use super::*;
    use crate::SystemChance;

    const HERE: Place<'static> = Place { table: "connections", row: "a", column: "token" };

    fn sealed(secret: &str) -> (Keyring, Sealed) {
        let chance = SystemChance::new();
        let keyring = Keyring::of(MasterKey::generate(&chance));
        let sealed = Sealed::seal(keyring.current(), &chance, HERE, &secret.to_owned().into());
        (keyring, sealed)
    }

    #[test]
    fn opens_at_its_place_with_its_key_and_nowhere_else() {
        let (keyring, sealed) = sealed("ntn_secret");
        assert_eq!(sealed.open(&keyring, HERE).unwrap().expose_secret(), "ntn_secret");
        for elsewhere in [
            Place { table: "connection", ..HERE },
            Place { row: "b", ..HERE },
            Place { column: "t", ..HERE },
            Place { table: "connectionsa", row: "", ..HERE },
        ] {
            let error = sealed.open(&keyring, elsewhere).unwrap_err();
            assert_eq!(error.fault, SealError::Damaged);
            assert_eq!(error.place, elsewhere.to_string());
        }
        let id = keyring.current().id();
        let other = MasterKey::generate(&SystemChance::new());
        let error = sealed.open(&Keyring::of(other), HERE).unwrap_err();
        assert_eq!(error.fault, SealError::OtherMasterKey(id));
        let both = Keyring::before(MasterKey::generate(&SystemChance::new()), keyring);
        assert_eq!(sealed.open(&both, HERE).unwrap().expose_secret(), "ntn_secret");
    }

    #[test]
    fn a_new_head_is_enough_for_another_master_key() {
        let (old, sealed) = sealed("ntn_secret");
        let chance = SystemChance::new();
        let first = old.current().id();
        let new = MasterKey::generate(&chance);
        let (second, alone) = (new.id(), Keyring::parse(&new.reveal()).unwrap());
        let both = Keyring::before(new, old);
        let head = SealedHead::from_bytes(sealed.as_bytes()[..SealedHead::LENGTH].to_vec());
        assert_eq!(head.key_id(), Some(first));
        let elsewhere = Place { row: "b", ..HERE };
        assert!(head.rewrap(&both, &chance, elsewhere).is_err(), "it was moved there");
        assert!(head.rewrap(&alone, &chance, HERE).is_err(), "nobody can open it");
        let head = head.rewrap(&both, &chance, HERE).unwrap();
        assert_eq!(head.key_id(), Some(second));
        let whole = [head.as_bytes(), &sealed.as_bytes()[SealedHead::LENGTH..]].concat();
        let opened = Sealed::from_bytes(whole).open(&alone, HERE).unwrap();
        assert_eq!(opened.expose_secret(), "ntn_secret");
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (keyring, sealed) = sealed("ntn_secret");
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(Sealed::from_bytes(bytes).open(&keyring, HERE).is_err(), "byte {index}");
        }
        for length in 0..sealed.as_bytes().len() {
            let cut = Sealed::from_bytes(sealed.as_bytes()[..length].to_vec());
            assert!(cut.open(&keyring, HERE).is_err(), "length {length}");
        }
    }

    #[test]
    fn equal_secrets_look_different() {
        let (keyring, one) = sealed("same");
        let chance = SystemChance::new();
        let two = Sealed::seal(keyring.current(), &chance, HERE, &"same".to_owned().into());
        assert_ne!(one, two);
        assert!(!format!("{one:?}").contains("same"));
    }

    proptest! {
        #[test]
        fn any_secret_opens_at_its_place_alone(
            secret in ".{0,300}",
            here in ("[a-z]{0,4}", "[a-z/]{0,4}", "[a-z]{0,4}"),
            there in ("[a-z]{0,4}", "[a-z/]{0,4}", "[a-z]{0,4}"),
            index: prop::sample::Index,
            change in 1_u8..,
        ) {
            let chance = SystemChance::new();
            let keyring = Keyring::of(MasterKey::generate(&chance));
            let place = Place { table: &here.0, row: &here.1, column: &here.2 };
            let sealed = Sealed::seal(keyring.current(), &chance, place, &secret.clone().into());
            let opened = sealed.open(&keyring, place).unwrap();
            prop_assert_eq!(opened.expose_secret(), &secret);
            let elsewhere = Place { table: &there.0, row: &there.1, column: &there.2 };
            prop_assert_eq!(sealed.open(&keyring, elsewhere).is_ok(), here == there);
            let mut bytes = sealed.as_bytes().to_vec();
            let index = index.index(bytes.len());
            bytes[index] ^= change;
            prop_assert!(Sealed::from_bytes(bytes).open(&keyring, place).is_err());
        }

        #[test]
        fn garbage_never_opens(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let keyring = Keyring::of(MasterKey::generate(&SystemChance::new()));
            prop_assert!(Sealed::from_bytes(bytes).open(&keyring, HERE).is_err());
        }
    }
}
