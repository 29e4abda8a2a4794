//! The ledger of calls: what the sandbox was asked, as far back as its bounds reach.

use std::collections::VecDeque;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fail::Fail;
use crate::oauth;
use crate::pipeline::{BODY_MAX, Incoming, read_query};

/// So many calls are kept.
const CALLS_MAX: usize = 10_000;
/// So many bytes of bodies are kept.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) operation: Option<&'static str>,
    pub(crate) token_fingerprint: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) status: u16,
    /// As it came in: a tree of JSON would take many times the memory.
    pub(crate) body: Bytes,
    /// Why it was refused; for people only.
    pub(crate) refusal: Option<String>,
}

impl Call {
    pub(crate) fn new(at: Timestamp, incoming: &Incoming, status: u16) -> Self {
        let body = match incoming.body.len() {
            0..=BODY_MAX if oauth::is_near(incoming) => {
                Bytes::from(oauth::shown_body(incoming).to_string())
            }
            0..=BODY_MAX => incoming.body.clone(),
            _ => Bytes::new(),
        };
        Self {
            at,
            method: incoming.method.clone(),
            path: incoming.path.clone(),
            query: incoming.query.clone(),
            operation: incoming.operation().map(|operation| operation.name),
            token_fingerprint: incoming.token().map(fingerprint),
            version: incoming.version.clone(),
            status,
            body,
            refusal: None,
        }
    }

    /// With the reason for which it was refused.
    pub(crate) fn refused(mut self, fail: Option<&Fail>) -> Self {
        self.refusal = fail.map(|fail| format!("{}: {}", fail.code, fail.message));
        self
    }

    fn bytes(&self) -> usize {
        let refusal = self.refusal.as_ref().map_or(0, String::len);
        self.body.len() + self.path.len() + self.query.len() + refusal
    }

    fn shown(&self) -> Value {
        json!({
            "at": self.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "method": self.method.as_str(),
            "path": self.path,
            "query": read_query(&self.query),
            "operation": self.operation,
            "token_fingerprint": self.token_fingerprint,
            "notion_version": self.version,
            "status": self.status,
            "body": serde_json::from_slice(&self.body).unwrap_or(Value::Null),
        })
    }
}

/// Names a token without giving it away.
pub(crate) fn fingerprint(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The calls, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    all: VecDeque<Call>,
    bytes: usize,
}

impl Calls {
    pub(crate) fn push(&mut self, call: Call) {
        self.bytes += call.bytes();
        self.all.push_back(call);
        while self.all.len() > CALLS_MAX || self.bytes > BYTES_MAX {
            let Some(gone) = self.all.pop_front() else { return };
            self.bytes -= gone.bytes();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The calls, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Call> {
        self.all.iter().rev()
    }

    pub(crate) fn shown(&self) -> Value {
        self.all.iter().map(Call::shown).collect()
    }
}
