//! A call of a sequence: an operation by REST, or a message of MCP; and as it is sent to one side.

use bytes::Bytes;
use notion::catalogue::Verb;
use notion::{Effect, Operation};
use serde_json::{Value, json};

use super::scene::OUTSIDE;

/// Stands in a path or body where the cursor of an earlier answer belongs.
pub(crate) const CURSOR: &str = "{cursor}";
/// What the official tools are called: this, and the name of their operation.
pub(crate) const OFFICIAL: &str = "API-";
/// The current version of MCP; those before it shake hands first.
pub(crate) const MODERN: &str = "2026-07-28";

/// One call of a sequence; its cursor is filled in for each side.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What it is counted as: the operation, the tool, or the method of MCP.
    pub(crate) name: &'static str,
    pub(crate) way: Way,
    pub(crate) path: String,
    /// The version of Notion's API, or that of MCP.
    pub(crate) version: &'static str,
    /// The body; of a message its `params`.
    pub(crate) body: Option<Value>,
    /// Which answer's cursor it goes on from: one of ours, or one of somebody else's.
    pub(crate) cursor: Option<usize>,
}

/// How a call comes to the gate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// By REST.
    Rest(&'static Operation),
    /// By MCP: a method; whether what it does leaves the workspace as it is.
    Mcp(&'static str, bool),
}

/// A call as it is sent to one side.
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// The cursor in it.
    pub(crate) cursor: Option<String>,
    /// Whether an answer without an error may repeat what it was asked for.
    pub(crate) echoes: bool,
}

impl Call {
    /// The operation that it is, whichever way it comes; the name, if it is none.
    pub(crate) fn operation(&self) -> &'static str {
        self.name.strip_prefix(OFFICIAL).unwrap_or(self.name)
    }

    /// Whether it leaves the workspace as it is.
    pub(crate) fn reads(&self) -> bool {
        match self.way {
            Way::Rest(operation) => operation.effect == Effect::Read,
            Way::Mcp(_, reads) => reads,
        }
    }

    /// Whether it searches: what it finds may come in pages that are not full.
    pub(crate) fn searches(&self) -> bool {
        matches!(self.operation(), "post-search" | "search")
    }

    /// With this side's cursors in it.
    pub(crate) fn sent(&self, cursors: &[Option<String>]) -> Sent {
        let cursor = self.cursor.and_then(|at| cursors.get(at).cloned().flatten());
        let filled = |text: &str| match &cursor {
            Some(cursor) => text.replace(CURSOR, cursor),
            None => text.to_owned(),
        };
        let (method, headers, body) = match self.way {
            Way::Rest(operation) => {
                let body = match &self.body {
                    Some(Value::String(text)) if operation.multipart => text.clone(),
                    Some(body) => filled(&body.to_string()),
                    None => String::new(),
                };
                let mut headers = vec![("notion-version", self.version.to_owned())];
                match (operation.multipart, &self.body) {
                    (_, None) => {}
                    (true, _) => {
                        headers.push(("content-type", "multipart/form-data; boundary=b".to_owned()))
                    }
                    (false, _) => headers.push(("content-type", "application/json".to_owned())),
                }
                (operation.verb.as_str(), headers, body)
            }
            Way::Mcp(method, _) => {
                let params = self.body.clone().unwrap_or_else(|| json!({}));
                let (headers, message) = message(self.version, method, params);
                ("POST", headers, filled(&message.to_string()))
            }
        };
        let arguments = self.body.as_ref().map(|body| &body["arguments"]);
        let is_some = |it: &Value| it["ids"].as_array().is_some_and(|all| all.len() > 1);
        let echoes = self.name == "prompts/get"
            || arguments.is_some_and(|it| it["dry_run"] == true || is_some(it));
        Sent { method, path: filled(&self.path), headers, body: body.into(), cursor, echoes }
    }

    /// The same with the cursor of the `at`-th answer.
    pub(crate) fn going_on(&self, at: usize) -> Self {
        let mut next = Self { cursor: Some(at), ..self.clone() };
        match self.way {
            Way::Rest(Operation { verb: Verb::Get, .. }) => {
                let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
                let mut parts: Vec<&str> = query
                    .split('&')
                    .filter(|part| !part.is_empty() && !part.starts_with("start_cursor"))
                    .collect();
                let cursor = format!("start_cursor={CURSOR}");
                parts.push(&cursor);
                next.path = format!("{path}?{}", parts.join("&"));
            }
            Way::Rest(_) => {
                let body = next.body.get_or_insert_with(|| json!({}));
                body["start_cursor"] = CURSOR.into();
            }
            Way::Mcp(..) => {
                let of_notion = self.name.starts_with(OFFICIAL);
                let member = if of_notion { "start_cursor" } else { "cursor" };
                let body = next.body.get_or_insert_with(|| json!({}));
                body["arguments"][member] = CURSOR.into();
            }
        }
        next
    }
}

/// A message of MCP and its headers, as clients of a version send them.
fn message(
    version: &str,
    method: &'static str,
    mut params: Value,
) -> (Vec<(&'static str, String)>, Value) {
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
    ];
    if method != "initialize" {
        headers.push(("mcp-protocol-version", version.to_owned()));
    }
    if version == MODERN {
        headers.push(("mcp-method", method.to_owned()));
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
            headers.push(("mcp-name", name.to_owned()));
        }
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    (headers, body)
}

/// What of a request an answer may repeat although it is the outside's: the ids in it.
pub(crate) fn outside_ids_in(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, _) in text.match_indices(OUTSIDE) {
        let piece: String = text[at..]
            .chars()
            .take_while(|c| c.is_ascii_hexdigit() || *c == '-')
            .take(36)
            .collect();
        all.push(piece);
    }
    all
}
