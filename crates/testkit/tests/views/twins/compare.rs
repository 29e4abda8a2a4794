//! What of an answer must be the same, and what may never be in it.

use std::fmt;

use serde_json::Value;
use testkit::Reply;

use super::calls::{Sent, outside_ids_in};
use super::scene::{CANARY, OUTSIDE};

/// What a caller sees of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn of(reply: &Reply) -> Self {
        const ASIDE: [&str; 4] = ["content-length", "date", "x-notion-request-id", "x-request-id"];
        let mut headers: Vec<(String, String)> = reply
            .headers
            .iter()
            .filter(|(name, _)| !ASIDE.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        headers.sort();
        let text = || Value::from(reply.text());
        let mut body = serde_json::from_slice(&reply.bytes).unwrap_or_else(|_| text());
        if let Some(id) = body.get_mut("request_id") {
            *id = "<request>".into();
        }
        Self { status: reply.status, headers, body }
    }

    /// Where the list goes on.
    pub(crate) fn cursor(&self) -> Option<String> {
        self.body["next_cursor"].as_str().map(str::to_owned)
    }

    /// As it is compared: a cursor may be any, and an answer may repeat the one that it was asked for.
    pub(crate) fn comparable(&self, sent: &Sent) -> Self {
        let mut same = self.clone();
        if let Some(cursor) = same.body.get_mut("next_cursor")
            && let Some(text) = cursor.as_str()
        {
            *cursor = format!("<a cursor of {} characters>", text.len()).into();
        }
        if let Some(cursor) = &sent.cursor {
            replace(&mut same.body, cursor);
        }
        same
    }

    /// What is in it of the outside: an id, or a word. Where there is no outside, `only` is looked for.
    pub(crate) fn canary(&self, sent: &Sent, only: &str) -> Option<String> {
        let mut text = format!("{:?} {}", self.headers, self.body).to_lowercase();
        if self.status >= 400 {
            // An error may name what it was asked for.
            if let Some(cursor) = &sent.cursor {
                text = text.replace(&cursor.to_lowercase(), "");
            }
            let asked = format!("{} {}", sent.path, String::from_utf8_lossy(&sent.body));
            for id in outside_ids_in(&asked) {
                text = text.replace(&id, "").replace(&dashed(&id), "");
            }
            text = text.replace("\\\"0ff51de0\\\"", "");
            if asked.contains(CANARY) {
                text = text.replace(CANARY, "");
            }
        }
        let at = match only {
            "" => text.find(CANARY).or_else(|| text.find(OUTSIDE))?,
            only => text.find(only)?,
        };
        let start = text.floor_char_boundary(at.saturating_sub(160));
        let end = text.ceil_char_boundary((at + 120).min(text.len()));
        Some(text[start..end].to_owned())
    }
}

fn replace(value: &mut Value, cursor: &str) {
    match value {
        Value::String(text) if text.contains(cursor) => {
            *text = text.replace(cursor, "<its cursor>")
        }
        // An error shows the beginning of a long one.
        Value::String(text) if cursor.len() > 80 => {
            *text = text.replace(&cursor[..80], "<its cursor>")
        }
        Value::Array(all) => all.iter_mut().for_each(|one| replace(one, cursor)),
        Value::Object(members) => members.values_mut().for_each(|one| replace(one, cursor)),
        _ => {}
    }
}

/// An id as answers write it.
fn dashed(id: &str) -> String {
    notion::Id::parse(id).map_or_else(|| id.to_owned(), |id| id.to_string())
}

/// How two answers differ: the first place.
pub(crate) struct Difference {
    place: String,
    a: String,
    b: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}\n  A: {}\n  B: {}", self.place, self.a, self.b)
    }
}

/// The first place at which two answers differ; nothing if they are the same bytes.
pub(crate) fn difference(a: &Seen, b: &Seen) -> Option<Difference> {
    let told = |place: &str, a: &dyn fmt::Debug, b: &dyn fmt::Debug| {
        let short = |shown: String| shown.chars().take(600).collect::<String>();
        Some(Difference {
            place: place.to_owned(),
            a: short(format!("{a:?}")),
            b: short(format!("{b:?}")),
        })
    };
    if a.status != b.status {
        return told("the status", &(a.status, &a.body), &(b.status, &b.body));
    }
    if a.headers != b.headers {
        return told("the headers", &a.headers, &b.headers);
    }
    if is_same(&a.body, &b.body) {
        return None;
    }
    let mut place = String::new();
    let (a, b) = descend(&a.body, &b.body, &mut place);
    told(&format!("body{place}"), a, b)
}

/// To the byte: the order of members counts.
fn is_same(a: &Value, b: &Value) -> bool {
    let (a, b) = (a.to_string(), b.to_string());
    a == b
}

fn descend<'v>(a: &'v Value, b: &'v Value, place: &mut String) -> (&'v Value, &'v Value) {
    match (a, b) {
        (Value::Object(of_a), Value::Object(of_b)) if of_a.keys().eq(of_b.keys()) => {
            for ((name, a), b) in of_a.iter().zip(of_b.values()) {
                if !is_same(a, b) {
                    place.push('/');
                    place.push_str(name);
                    return descend(a, b, place);
                }
            }
            (a, b)
        }
        (Value::Array(of_a), Value::Array(of_b)) if of_a.len() == of_b.len() => {
            for (index, (a, b)) in of_a.iter().zip(of_b).enumerate() {
                if !is_same(a, b) {
                    place.push_str(&format!("/{index}"));
                    return descend(a, b, place);
                }
            }
            (a, b)
        }
        _ => (a, b),
    }
}
