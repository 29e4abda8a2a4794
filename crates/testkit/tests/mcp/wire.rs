//! Messages as clients of either era send them.

use serde_json::{Value, json};
use testkit::{Kit, Reply};

pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// One of each era.
pub(crate) const ERAS: [Option<&str>; 2] = [None, Some("2025-11-25")];

/// A message and its headers. `legacy` is the version that was negotiated; `None` is the current one.
pub(crate) fn message(
    legacy: Option<&str>,
    method: &str,
    mut params: Value,
) -> (Vec<(String, String)>, Value) {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ("mcp-protocol-version".to_owned(), legacy.unwrap_or(MODERN).to_owned()),
    ];
    if legacy.is_none() {
        headers.push(("mcp-method".to_owned(), method.to_owned()));
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
            headers.push(("mcp-name".to_owned(), name.to_owned()));
        }
        let meta = &mut params["_meta"];
        if meta.is_null() {
            *meta = json!({});
        }
        meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
        meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    (headers, body)
}

/// Sends what [`message`] makes, with a key.
pub(crate) async fn ask(
    kit: &Kit,
    key: &str,
    path: &str,
    legacy: Option<&str>,
    method: &str,
    params: Value,
) -> Reply {
    let (headers, body) = message(legacy, method, params);
    post(kit, key, path, &headers, &[], body.to_string()).await
}

/// Sends a body with headers; those in `instead` replace others, an empty one takes the header away.
pub(crate) async fn post(
    kit: &Kit,
    key: &str,
    path: &str,
    headers: &[(String, String)],
    instead: &[(&str, &str)],
    body: String,
) -> Reply {
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", bearer.as_str())];
    let kept = headers.iter().filter(|(name, _)| instead.iter().all(|(other, _)| other != name));
    all.extend(kept.map(|(name, value)| (name.as_str(), value.as_str())));
    all.retain(|(name, _)| instead.iter().all(|(other, _)| other != name));
    all.extend(instead.iter().filter(|(_, value)| !value.is_empty()));
    kit.raw("POST", path, &all, Some(body)).await
}

/// The error code of an answer.
pub(crate) fn code(reply: &Reply) -> i64 {
    reply.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {}", reply.text()))
}
