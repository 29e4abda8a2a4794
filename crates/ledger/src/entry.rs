//! One entry, and the bytes that its hash is taken over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A SHA-256 hash, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first entry of a chain has before it.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a hash is 64 hexadecimal digits in small letters";
        if text.len() != 64 {
            return Err(WRONG);
        }
        let mut hash = [0; 32];
        // One hash has one form: other letters or signs would be a change that nobody notices.
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(WRONG),
        };
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done. (Of an intent: it may go ahead.)
    Success,
    /// notegate refused it.
    Denied,
    /// It was tried and failed.
    Error,
}

impl Outcome {
    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Success, Self::Denied, Self::Error]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no result: use success, denied or error"))
    }
}

/// What a call was about.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Resource {
    /// The kind of object, in Notion's words; `workspace` where there is no object.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Its id; empty where there is none.
    pub id: String,
}

/// A further fact of an entry. Only these three forms, so that the canonical text is unambiguous.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Meta {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

impl From<&str> for Meta {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Meta {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Meta {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// Further facts of an entry, by name.
pub type Metadata = BTreeMap<Cow<'static, str>, Meta>;

/// What happened, before it has its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// When, to the microsecond.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// Whose data.
    pub tenant: String,
    /// By which connection; empty where none was involved.
    pub connection: String,
    /// What sort of act: `read`, `write`, `delete`, `manage`, `write_denied`, …
    pub action: Cow<'static, str>,
    /// Notion's operation id, or the name of a use case of notegate.
    pub operation: Cow<'static, str>,
    /// About what.
    pub resource: Resource,
    /// How it ended.
    pub result: Outcome,
    /// Why it was refused or failed.
    pub reason: Option<Cow<'static, str>>,
    /// The request that it belongs to.
    pub request_id: String,
    /// Anything else.
    pub metadata: Metadata,
}

/// An entry in its place. The order of the fields is that of the exported JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number in the tenant's chain, from 1.
    pub seq: u64,
    /// When, to the microsecond.
    #[serde(serialize_with = "write_time")]
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// Whose data.
    pub tenant: String,
    /// By which connection.
    pub connection: String,
    /// What sort of act.
    pub action: Cow<'static, str>,
    /// Which operation.
    pub operation: Cow<'static, str>,
    /// About what.
    pub resource: Resource,
    /// How it ended.
    pub result: Outcome,
    /// Why it was refused or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// The request that it belongs to.
    pub request_id: String,
    /// The hash of the entry before it.
    pub prev: Hash,
    /// The hash of this entry.
    pub hash: Hash,
    /// Anything else.
    #[serde(default)]
    pub metadata: Metadata,
}

/// The members that are hashed, in the order of their names: with strings and whole numbers alone
/// this is the canonical form of RFC 8785 (JCS), so that any JSON tool can check a hash.
#[derive(Serialize)]
struct Canonical<'a> {
    action: &'a str,
    #[serde(serialize_with = "write_time")]
    at: Timestamp,
    connection: &'a str,
    metadata: &'a Metadata,
    operation: &'a str,
    prev: Hash,
    principal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    request_id: &'a str,
    resource: CanonicalResource<'a>,
    result: Outcome,
    seq: u64,
    tenant: &'a str,
}

#[derive(Serialize)]
struct CanonicalResource<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// The action of an entry that says that the ledger was found damaged. Its fact `at` is the number of
/// the first entry that no signature covered.
pub const FAULT_ACTION: &str = "ledger_fault";

impl Entry {
    /// The place of the damage that this entry tells of, if it is one of [`FAULT_ACTION`].
    pub(crate) fn fault_at(&self) -> Option<u64> {
        if self.action != FAULT_ACTION {
            return None;
        }
        match self.metadata.get("at") {
            Some(Meta::Number(at)) => Some(at.unsigned_abs()),
            _ => Some(self.seq),
        }
    }

    /// Puts `draft` at its place in the chain.
    pub fn place(draft: Draft, seq: u64, prev: Hash) -> Self {
        let Draft { at, principal, tenant, connection, action, operation, .. } = draft;
        let Draft { resource, result, reason, request_id, metadata, .. } = draft;
        let mut entry = Self {
            seq,
            at: to_microseconds(at),
            principal,
            tenant,
            connection,
            action,
            operation,
            resource,
            result,
            reason,
            request_id,
            prev,
            hash: Hash::ZERO,
            metadata,
        };
        entry.hash = entry.compute_hash();
        entry
    }

    /// The hash that the entry ought to have.
    pub fn compute_hash(&self) -> Hash {
        let canonical = self.canonical();
        let mut hash = Hash::ZERO;
        hash.0.copy_from_slice(digest::digest(&digest::SHA256, &canonical).as_ref());
        hash
    }

    /// The bytes that are hashed: the entry without its hash, as canonical JSON (RFC 8785).
    pub fn canonical(&self) -> Vec<u8> {
        let canonical = Canonical {
            action: &self.action,
            at: self.at,
            connection: &self.connection,
            metadata: &self.metadata,
            operation: &self.operation,
            prev: self.prev,
            principal: &self.principal,
            reason: self.reason.as_deref(),
            request_id: &self.request_id,
            resource: CanonicalResource { id: &self.resource.id, kind: &self.resource.kind },
            result: self.result,
            seq: self.seq,
            tenant: &self.tenant,
        };
        // INVARIANT: strings, numbers and maps with string keys always have a JSON form.
        serde_json::to_vec(&canonical).expect("an entry is JSON")
    }
}

/// Cut to the precision that is stored.
pub(crate) fn to_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

pub(crate) fn write_time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*at))
}

/// A time as it is written everywhere in the ledger.
pub(crate) fn time_text(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
    let mut text = String::with_capacity(27);
    // INVARIANT: a string takes every write, and every timestamp has a text.
    PRINTER.print_timestamp(&at, &mut text).expect("a time has a text");
    text
}
