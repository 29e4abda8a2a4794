//! Signed checkpoints: where a chain stood, said by the one who holds the signing key.

use serde::{Deserialize, Serialize};

use crate::chain::Head;
use crate::entry::Hash;
use crate::signature::{Signer, is_signed};

/// The first line of the statement that is signed.
const KIND: &str = "notegate checkpoint 1";

/// Where a chain stood. Anybody with the public key can check it, without a database; kept elsewhere, it
/// shows later whether the chain that it names is still the beginning of the chain.
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
        let (seq, hash) = (self.seq.to_string(), self.hash.to_string());
        let fields = [self.tenant.as_str(), &seq, &hash];
        self.public_key == public_key && is_signed(public_key, KIND, &fields, &self.signature)
    }
}

impl Signer {
    /// Says that the chain of `tenant` stands at `head`.
    pub fn sign(&self, tenant: &str, head: Head) -> Checkpoint {
        let (seq, hash) = (head.seq.to_string(), head.hash.to_string());
        Checkpoint {
            tenant: tenant.to_owned(),
            seq: head.seq,
            hash: head.hash,
            signature: self.sign_statement(KIND, &[tenant, &seq, &hash]),
            public_key: self.public_key().to_owned(),
        }
    }
}
