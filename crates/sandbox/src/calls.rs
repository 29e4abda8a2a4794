//! The ledger of calls: what the sandbox was asked, as far back as its bounds reach.

use std::collections::VecDeque;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::pipeline::{Incoming, read_query};

/// So many calls are kept.
const CALLS_MAX: usize = 10_000;
/// So many bytes of bodies are kept.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    shown: Value,
    bytes: usize,
}

impl Call {
    pub(crate) fn new(at: Timestamp, incoming: &Incoming, status: u16) -> Self {
        let body = incoming.json().unwrap_or(Value::Null);
        let shown = json!({
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "method": incoming.method.as_str(),
            "path": incoming.path,
            "query": read_query(&incoming.query),
            "operation": incoming.operation().map(|operation| operation.name),
            "token_fingerprint": incoming.token().map(fingerprint),
            "notion_version": incoming.version,
            "status": status,
            "body": body,
        });
        Self { shown, bytes: incoming.body.len() + incoming.path.len() + incoming.query.len() }
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
        self.bytes += call.bytes;
        self.all.push_back(call);
        while self.all.len() > CALLS_MAX || self.bytes > BYTES_MAX {
            let Some(gone) = self.all.pop_front() else { return };
            self.bytes -= gone.bytes;
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn shown(&self) -> Value {
        self.all.iter().map(|call| call.shown.clone()).collect()
    }
}
