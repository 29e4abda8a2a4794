//! Messages as a client of revision 2025-11-25 sends them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

pub(super) const REVISION: &str = "2025-11-25";

/// A request.
pub(super) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// The first request.
pub(super) fn initialize(id: u64) -> Value {
    let client = json!({ "name": "notegate-bench", "version": "1" });
    let params = json!({ "protocolVersion": REVISION, "capabilities": {}, "clientInfo": client });
    request(id, "initialize", params)
}

/// The notification after it.
pub(super) fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// What an answer brings.
pub(super) fn result(answer: &mut Value) -> Result<Value> {
    ensure!(answer.get("result").is_some(), "no result: {answer}");
    Ok(answer["result"].take())
}
