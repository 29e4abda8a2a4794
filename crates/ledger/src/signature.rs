//! Ed25519 signatures (RFC 8032) over statements of a few lines.
//!
//! The first line says what kind of statement it is, and in which form (`notegate checkpoint 1`), so that
//! no signature can be taken for one of another kind. The fields follow, a line each.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Signs checkpoints and records of what was dropped.
pub struct Signer {
    pair: Ed25519KeyPair,
    public_key: String,
}

impl Signer {
    /// A signer out of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        // INVARIANT: any 32 bytes are a seed (RFC 8032, 5.1.5).
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed");
        let public_key = STANDARD.encode(pair.public_key());
        Self { pair, public_key }
    }

    /// The key that checks what this signs, in base64.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The signature over a statement, in base64.
    pub(crate) fn sign_statement(&self, kind: &str, fields: &[&str]) -> String {
        STANDARD.encode(self.pair.sign(statement(kind, fields).as_bytes()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public_key)
    }
}

/// Whether `public_key` (base64) signed a statement.
pub(crate) fn is_signed(public_key: &str, kind: &str, fields: &[&str], signature: &str) -> bool {
    // A line break in a field would move the fields after it.
    if fields.iter().any(|field| field.chars().any(char::is_control)) {
        return false;
    }
    let (Ok(key), Ok(signature)) = (STANDARD.decode(public_key), STANDARD.decode(signature)) else {
        return false;
    };
    let statement = statement(kind, fields);
    UnparsedPublicKey::new(&ED25519, key).verify(statement.as_bytes(), &signature).is_ok()
}

/// Whether a text has the form of a public key: 32 bytes in base64.
pub fn is_public_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

fn statement(kind: &str, fields: &[&str]) -> String {
    let mut text = kind.to_owned();
    for field in fields {
        text.push('\n');
        text.push_str(field);
    }
    text
}
