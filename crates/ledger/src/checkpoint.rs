//! Signed checkpoints: where a chain stood, said by the one who holds the signing key.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::chain::Head;
use crate::entry::Hash;

/// Where a chain stood. Anybody with the public key can check it, without a database.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Whose chain.
    pub tenant: String,
    /// The number of the newest entry.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// The Ed25519 signature (RFC 8032) over `notegate checkpoint 1\n<tenant>\n<seq>\n<hash>`, in base64.
    pub signature: String,
    /// The key that it was made with, in base64.
    pub public_key: String,
}

impl Checkpoint {
    /// The newest entry that it names.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// Whether `public_key` (base64) signed it.
    pub fn is_signed_by(&self, public_key: &str) -> bool {
        let (Ok(key), Ok(signature)) =
            (STANDARD.decode(public_key), STANDARD.decode(&self.signature))
        else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, key)
            .verify(statement(&self.tenant, self.head()).as_bytes(), &signature)
            .is_ok()
    }
}

/// Signs checkpoints.
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

    /// Says that the chain of `tenant` stands at `head`.
    pub fn sign(&self, tenant: &str, head: Head) -> Checkpoint {
        Checkpoint {
            tenant: tenant.to_owned(),
            seq: head.seq,
            hash: head.hash,
            signature: STANDARD.encode(self.pair.sign(statement(tenant, head).as_bytes())),
            public_key: self.public_key.clone(),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public_key)
    }
}

fn statement(tenant: &str, head: Head) -> String {
    format!("notegate checkpoint 1\n{tenant}\n{}\n{}", head.seq, head.hash)
}
