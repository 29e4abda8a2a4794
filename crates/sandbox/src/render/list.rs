//! List envelopes.

use serde_json::{Value, json};

/// `{object, results, next_cursor, has_more, type, <type>: {}}`.
pub(crate) fn list(kind: &str, results: Vec<Value>, next: Option<String>) -> Value {
    json!({
        "object": "list",
        "results": results,
        "next_cursor": next,
        "has_more": next.is_some(),
        "type": kind,
        kind: {},
    })
}
