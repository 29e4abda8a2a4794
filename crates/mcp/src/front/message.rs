//! Looks at a message before the protocol does: is it one, and about what? Reads no more than that.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::refusal::Refusal;

/// How deep a message may nest. What Notion takes is far from it.
const DEPTH_MAX: usize = 64;
/// The longest id of a message that is given back.
const ID_MAX: usize = 256;

/// What a message is about.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// The tool that it calls.
    pub(crate) tool: Option<String>,
}

/// The kinds of messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Wants an answer.
    Request,
    /// Wants none.
    Notification,
    /// Is one.
    Response,
}

/// The members that JSON-RPC knows; a doubled one is an error.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// The members of `params` by which anything is decided; a doubled one is an error.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read to find members that stand there twice")]
struct Params<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

/// Tells a member that is null from one that is not there.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Message {
    /// Reads a message. `id` gets the id of a request as soon as it is known, so that whatever is wrong
    /// with the rest can be told under it.
    pub(crate) fn read(bytes: &[u8], id: &mut Option<Value>) -> Result<Self, Refusal> {
        check_depth(bytes)?;
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if serde_json::from_slice::<&RawValue>(bytes).is_err() {
            return Err(Refusal::no_json("the body is no JSON"));
        }
        match first {
            Some(b'{') => {}
            Some(b'[') => {
                return Err(Refusal::invalid("no batches: send one message per request"));
            }
            _ => return Err(Refusal::invalid("a message is a JSON object")),
        }
        let envelope: Envelope<'_> = serde_json::from_slice(bytes)
            .map_err(|error| Refusal::invalid(format!("this is no message: {error}")))?;
        if let Some(raw) = envelope.id {
            *id = Some(read_id(raw)?);
        }
        if envelope.jsonrpc.as_deref() != Some("2.0") {
            return Err(Refusal::invalid("`jsonrpc` must be \"2.0\""));
        }
        let mut name = None;
        if let Some(params) = envelope.params {
            if !params.get().starts_with('{') {
                return Err(Refusal::invalid("`params` must be an object"));
            }
            let params: Params<'_> = serde_json::from_str(params.get())
                .map_err(|error| Refusal::invalid(format!("`params` does not fit: {error}")))?;
            name = params.name.and_then(|name| serde_json::from_str(name.get()).ok());
        }
        let tool = name.filter(|_| envelope.method.as_deref() == Some("tools/call"));
        let answers = envelope.result.is_some() || envelope.error.is_some();
        let kind = match (envelope.method, id.is_some(), answers) {
            (Some(_), _, true) => {
                return Err(Refusal::invalid("a message is a request or a response, not both"));
            }
            (Some(_), true, false) => Kind::Request,
            (Some(_), false, false) => Kind::Notification,
            (None, _, true) => Kind::Response,
            (None, _, false) => return Err(Refusal::invalid("`method` is missing")),
        };
        Ok(Self { kind, tool })
    }
}

/// An id is a text or a whole number.
fn read_id(raw: &RawValue) -> Result<Value, Refusal> {
    let id: Option<Value> = serde_json::from_str(raw.get()).ok();
    let id = id.filter(|_| raw.get().len() <= ID_MAX);
    let whole = |id: &Value| id.is_string() || id.is_i64();
    id.filter(whole).ok_or_else(|| {
        Refusal::invalid("`id` must be a text or a whole number of at most 256 characters")
    })
}

/// Counts brackets outside texts, before anything is read that would be read deeper and deeper.
fn check_depth(bytes: &[u8]) -> Result<(), Refusal> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    let message = format!("the message nests deeper than {DEPTH_MAX} levels");
                    return Err(Refusal::invalid(message));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        Message::read(text.as_bytes(), &mut None).ok().map(|message| message.kind)
    }

    #[test]
    fn messages_are_told_apart() {
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#), Some(Kind::Request));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"m"}"#), Some(Kind::Notification));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"a","result":{}}"#), Some(Kind::Response));
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#;
        assert_eq!(kind(error), Some(Kind::Response));
    }

    #[test]
    fn mt_02_what_is_no_message_is_none() {
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        for text in [
            "",
            "{",
            "nonsense",
            "[]",
            "1",
            "null",
            r#"{"id":1,"method":"m"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a","name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m"} {}"#,
            &deep,
            &deep[..5000],
        ] {
            assert_eq!(kind(text), None, "{}", &text[..text.len().min(80)]);
        }
        let long = json!({ "jsonrpc": "2.0", "id": "x".repeat(300), "method": "m" });
        assert_eq!(kind(&long.to_string()), None);
    }

    #[test]
    fn brackets_in_texts_are_no_depth() {
        let text = json!({ "jsonrpc": "2.0", "id": 1, "method": "[[\"{{".repeat(100) }).to_string();
        assert_eq!(kind(&text), Some(Kind::Request));
    }

    #[test]
    fn what_is_wrong_is_told_under_the_id() {
        let mut id = None;
        let text = r#"{"jsonrpc":"2.0","id":7,"method":"m","params":[]}"#;
        assert!(Message::read(text.as_bytes(), &mut id).is_err());
        assert_eq!(id, Some(json!(7)));
    }
}
