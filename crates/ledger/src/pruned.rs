//! Signed records of what was dropped, so that a chain can still be checked whose beginning is gone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::Head;
use crate::entry::{Hash, time_text, to_microseconds, write_time};
use crate::signature::{Signer, is_signed};

/// The first line of the statement that is signed.
const KIND: &str = "notegate pruned 1";

/// What was dropped, by whom, and how the chain goes on after it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pruned {
    /// Of whose chain.
    pub tenant: String,
    /// The number of the first entry that is gone.
    pub first: u64,
    /// Its hash.
    pub first_hash: Hash,
    /// The number of the last entry that is gone.
    pub last: u64,
    /// Its hash, which the next entry carries on.
    pub last_hash: Hash,
    /// Entries of this time and later were kept.
    #[serde(serialize_with = "write_time")]
    pub before: Timestamp,
    /// When they were dropped.
    #[serde(serialize_with = "write_time")]
    pub at: Timestamp,
    /// Who had them dropped.
    pub by: String,
    /// The Ed25519 signature over `notegate pruned 1` and the fields above in their order, a line each,
    /// in base64.
    pub signature: String,
    /// The key that it was made with, in base64.
    pub public_key: String,
}

/// What is about to be dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// The first entry.
    pub first: Head,
    /// The last one.
    pub last: Head,
}

impl Pruned {
    /// The last entry that is gone.
    pub fn head(&self) -> Head {
        Head { seq: self.last, hash: self.last_hash }
    }

    /// Whether `public_key` (base64) signed it.
    pub fn is_signed_by(&self, public_key: &str) -> bool {
        let fields = self.fields();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        self.first <= self.last
            && self.public_key == public_key
            && is_signed(public_key, KIND, &fields, &self.signature)
    }

    fn fields(&self) -> [String; 8] {
        [
            self.tenant.clone(),
            self.first.to_string(),
            self.first_hash.to_string(),
            self.last.to_string(),
            self.last_hash.to_string(),
            time_text(self.before),
            time_text(self.at),
            self.by.clone(),
        ]
    }
}

impl Signer {
    /// Says that entries of `tenant` were dropped.
    pub fn sign_pruned(
        &self,
        tenant: &str,
        Dropped { first, last }: Dropped,
        before: Timestamp,
        at: Timestamp,
        by: &str,
    ) -> Pruned {
        let mut pruned = Pruned {
            tenant: tenant.to_owned(),
            first: first.seq,
            first_hash: first.hash,
            last: last.seq,
            last_hash: last.hash,
            before: to_microseconds(before),
            at: to_microseconds(at),
            by: by.to_owned(),
            signature: String::new(),
            public_key: self.public_key().to_owned(),
        };
        let fields = pruned.fields();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        pruned.signature = self.sign_statement(KIND, &fields);
        pruned
    }
}
