//! What of an answer must be the same, and what may never be in it.

use std::fmt;

use serde_json::{Value, json};
use testkit::Reply;

use super::calls::{Sent, outside_ids_in};
use super::scene::{CANARY, OUTSIDE};

/// Cursors up to here are numbers that the caller may compare.
const SHORT: usize = 24;

/// What a caller sees of an answer. What a tool of MCP says is unwrapped: an answer of Notion's is one again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// What stands around it in a message of MCP.
    pub(crate) around: Value,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn of(reply: &Reply, sent: &Sent) -> Self {
        const ASIDE: [&str; 4] = ["content-length", "date", "x-notion-request-id", "x-request-id"];
        let mut headers: Vec<(String, String)> = reply
            .headers
            .iter()
            .filter(|(name, _)| !ASIDE.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        headers.sort();
        let text = || Value::from(reply.text());
        let body = serde_json::from_slice(&reply.bytes).unwrap_or_else(|_| text());
        let mut seen = Self { status: reply.status, headers, around: Value::Null, body };
        if sent.path.starts_with("/mcp") {
            seen.unwrap();
        }
        if let Some(id) = seen.body.get_mut("request_id") {
            *id = "<request>".into();
        }
        seen
    }

    /// Takes what a tool or a resource says out of the message around it. The status is the one that the same
    /// would have by REST, as far as the message tells.
    fn unwrap(&mut self) {
        let mut around = std::mem::take(&mut self.body);
        let is_error = around["result"]["isError"] == true;
        let said = ["/result/content/0/text", "/result/contents/0/text"];
        let said = said.into_iter().find(|place| around.pointer(place).is_some());
        match said.and_then(|place| around.pointer_mut(place)) {
            Some(said) => {
                self.body = std::mem::take(said);
                let text = self.body.as_str().unwrap_or_default();
                if let Ok(object @ Value::Object(_)) = serde_json::from_str(text) {
                    self.body = object;
                }
            }
            None => self.body = around["result"].take(),
        }
        let inside = self.body["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let failed = self.body.as_str().is_some_and(|text| text.contains("are not at fault"));
        self.status = match (&around["error"], is_error) {
            (error, _) if error["code"] == -32603 => 500,
            (Value::Object(_), _) => self.status.max(400),
            (_, true) if failed => 500,
            (_, true) => inside.unwrap_or(400),
            _ => self.status,
        };
        self.around = around;
    }

    /// Where the list goes on.
    pub(crate) fn cursor(&self) -> Option<String> {
        let told = self.body.as_str().and_then(told_cursor);
        told.or_else(|| self.body["next_cursor"].as_str()).map(str::to_owned)
    }

    /// The lines of a search in words as a list: where its pages begin and end may be any.
    pub(crate) fn listed(&mut self) {
        if self.status != 200 || !self.body.is_string() {
            return;
        }
        let next = self.cursor();
        let text = self.body.as_str().unwrap_or_default();
        let lines = text.lines().filter(|it| it.contains(" | ") && !it.starts_with("title | id |"));
        // What a place is called is said if it is on the same page.
        let bare = |line: &str| {
            let cells = line.split(" | ").map(|cell| cell.split(" \"").next().unwrap_or(cell));
            cells.collect::<Vec<_>>().join(" | ")
        };
        let lines: Vec<String> = lines.map(bare).collect();
        self.body = json!({ "results": lines, "next_cursor": next });
    }

    /// As it is compared: a cursor may be any, and an answer may repeat the one that it was asked for.
    pub(crate) fn comparable(&self, sent: &Sent) -> Self {
        let mut same = self.clone();
        let any = |text: &str| format!("<a cursor of {} characters>", text.len());
        // It can stand in the address of the next page, too.
        if let Some(cursor) = self.body.get("next_cursor").and_then(Value::as_str) {
            replace(&mut same.body, cursor, &any(cursor));
        }
        if let Some(text) = self.body.as_str()
            && let Some(cursor) = told_cursor(text).filter(|it| it.len() > SHORT)
        {
            same.body = text.replace(cursor, &any(cursor)).into();
        }
        if let Some(cursor) = &sent.cursor {
            replace(&mut same.body, cursor, "<its cursor>");
            replace(&mut same.around, cursor, "<its cursor>");
        }
        same
    }

    /// What is in it of the outside: an id, or a word. Where there is no outside, `only` is looked for.
    pub(crate) fn canary(&self, sent: &Sent, only: &str) -> Option<String> {
        let mut text = format!("{:?} {} {}", self.headers, self.around, self.body).to_lowercase();
        if self.status >= 400 || sent.echoes {
            // An error may name what it was asked for, and a rehearsal what it would write.
            if let Some(cursor) = &sent.cursor {
                text = text.replace(&cursor.to_lowercase(), "");
            }
            let asked =
                format!("{} {}", sent.path, String::from_utf8_lossy(&sent.body)).to_lowercase();
            let asked_for = outside_ids_in(&asked);
            for id in &asked_for {
                text = text.replace(id, "").replace(&dashed(id), "");
                text = text.replace(&id.replace('-', ""), "");
            }
            // It may also have been cut in the middle of one.
            for piece in outside_ids_in(&text).iter().filter(|piece| piece.len() > OUTSIDE.len()) {
                if asked_for.iter().any(|id| id.starts_with(piece) || dashed(id).starts_with(piece))
                {
                    text = text.replace(piece, "");
                }
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

/// The cursor that an answer in words gives.
fn told_cursor(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("ursor \"")?;
    Some(rest.split_once('"')?.0)
}

fn replace(value: &mut Value, cursor: &str, by: &str) {
    match value {
        Value::String(text) if text.contains(cursor) => *text = text.replace(cursor, by),
        // An error shows the beginning of a long one.
        Value::String(text) if cursor.len() > 80 => *text = text.replace(&cursor[..80], by),
        Value::Array(all) => all.iter_mut().for_each(|one| replace(one, cursor, by)),
        Value::Object(members) => members.values_mut().for_each(|one| replace(one, cursor, by)),
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
    if !is_same(&a.around, &b.around) {
        return told("the message", &a.around, &b.around);
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
