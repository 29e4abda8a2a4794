//! What Notion draws at random is mapped: its ids to the sandbox's, one to one, as answers come.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::recording::decoded;

const NIL: &str = "00000000000000000000000000000000";

/// The two namespaces of ids and cursors.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    to_ours: HashMap<String, String>,
    to_recorded: HashMap<String, String>,
    /// Ids that were there before the transcript: the same on both sides.
    known: HashSet<String>,
    cursors: HashMap<String, String>,
}

/// A part of a text: an id, or what stands between two.
#[derive(Debug, Eq, PartialEq)]
enum Part<'a> {
    Id(&'a str),
    Text(&'a str),
}

impl Drawn {
    /// Both sides know this id from before.
    pub(super) fn know(&mut self, id: &str) {
        self.known.insert(plain(id));
    }

    /// Whether both sides know this id from before.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.known.contains(&plain(id))
    }

    /// Whether two ids mean the same thing; two new ones mean the same from now on.
    pub(super) fn pair(&mut self, recorded: &str, ours: &str) -> bool {
        let (recorded, ours) = (plain(recorded), plain(ours));
        // Where a recording lost an id, it has the nil id.
        if recorded == NIL {
            return true;
        }
        match (self.to_ours.get(&recorded), self.to_recorded.get(&ours)) {
            (Some(twin), _) => *twin == ours,
            (None, Some(_)) => false,
            (None, None) if self.known.contains(&recorded) || self.known.contains(&ours) => {
                recorded == ours
            }
            (None, None) => {
                self.to_ours.insert(recorded.clone(), ours.clone());
                self.to_recorded.insert(ours, recorded);
                true
            }
        }
    }

    /// Remembers that two cursors lead to the same place.
    pub(super) fn pair_cursors(&mut self, recorded: &str, ours: &str) {
        self.cursors.insert(recorded.to_owned(), ours.to_owned());
    }

    /// Whether two texts are the same but for ids in them that mean the same.
    pub(super) fn same_text(&mut self, recorded: &str, ours: &str) -> bool {
        let (left, right) = (parts(recorded), parts(ours));
        left.len() == right.len()
            && left.iter().zip(&right).all(|pair| match pair {
                (Part::Id(recorded), Part::Id(ours)) => self.pair(recorded, ours),
                (left, right) => left == right,
            })
    }

    /// A recorded text in the sandbox's ids.
    pub(super) fn ours(&self, recorded: &str) -> String {
        if let Some(id) = self.to_ours.get(&plain(recorded)) {
            let is_encoded = recorded.contains('%');
            return if is_encoded { encoded(id) } else { dashed(id) };
        }
        let mut out = String::new();
        for part in parts(recorded) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Id(id) => match self.to_ours.get(&plain(id)) {
                    Some(twin) if id.contains('-') => out.push_str(&dashed(twin)),
                    Some(twin) => out.push_str(twin),
                    None => out.push_str(id),
                },
            }
        }
        out
    }

    /// A recorded cursor as the sandbox gave it.
    pub(super) fn our_cursor(&self, recorded: &str) -> String {
        self.cursors.get(recorded).cloned().unwrap_or_else(|| self.ours(recorded))
    }

    /// A recorded request body in the sandbox's ids.
    pub(super) fn our_value(&self, recorded: &Value) -> Value {
        match recorded {
            Value::String(text) => self.ours(text).into(),
            Value::Array(all) => all.iter().map(|one| self.our_value(one)).collect(),
            Value::Object(members) => {
                let mut out = Map::new();
                for (key, value) in members {
                    let value = match (key.as_str(), value) {
                        ("start_cursor", Value::String(cursor)) => self.our_cursor(cursor).into(),
                        _ => self.our_value(value),
                    };
                    let key = if key.len() == 4 || key.contains('%') {
                        self.ours(key)
                    } else {
                        key.clone()
                    };
                    out.insert(key, value);
                }
                Value::Object(out)
            }
            other => other.clone(),
        }
    }
}

/// Whether two ids are written alike: with dashes or without, percent-encoded or not.
pub(super) fn same_form(recorded: &str, ours: &str) -> bool {
    let dashes = !is_uuid(recorded) || recorded.contains('-') == ours.contains('-');
    let encoding = !recorded.contains('%') || encoded(&decoded(ours)) == ours;
    dashes && encoding
}

/// The form in which ids are compared: UUIDs without dashes, property ids without encoding.
fn plain(id: &str) -> String {
    if is_uuid(id) { id.replace('-', "").to_lowercase() } else { decoded(id) }
}

fn dashed(id: &str) -> String {
    if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
    } else {
        id.to_owned()
    }
}

/// As Notion encodes property ids.
pub(super) fn encoded(id: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const SET: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~');
    utf8_percent_encode(id, SET).to_string()
}

/// Whether a text is a UUID, with dashes or without.
pub(super) fn is_uuid(text: &str) -> bool {
    uuid_at(text.as_bytes(), 0) == Some(text.len())
}

/// Where the UUID ends that begins at `at`.
fn uuid_at(bytes: &[u8], at: usize) -> Option<usize> {
    let hex = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_hexdigit))
    };
    if hex(at..at + 32) {
        return Some(at + 32);
    }
    let groups = [(0, 8), (9, 13), (14, 18), (19, 23), (24, 36)];
    let dashes = [8, 13, 18, 23];
    let fits = groups.iter().all(|(from, to)| hex(at + from..at + to))
        && dashes.iter().all(|dash| bytes.get(at + dash) == Some(&b'-'));
    fits.then_some(at + 36)
}

const TOKEN: &str = "block_property:";

/// Takes a text apart at its UUIDs and at the property ids of formulas.
fn parts(text: &str) -> Vec<Part<'_>> {
    let bytes = text.as_bytes();
    let (mut all, mut begin, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let end = if begin < at && text.get(begin..at).is_some_and(|t| t.ends_with(TOKEN)) {
            text[at..].find(':').map(|length| at + length)
        } else {
            let in_word = at > 0 && bytes[at - 1].is_ascii_hexdigit();
            if in_word { None } else { uuid_at(bytes, at) }
        };
        match end {
            Some(end) if end > at => {
                if begin < at {
                    all.push(Part::Text(&text[begin..at]));
                }
                all.push(Part::Id(&text[at..end]));
                (begin, at) = (end, end);
            }
            _ => {
                at += 1;
                while !text.is_char_boundary(at) {
                    at += 1;
                }
            }
        }
    }
    if begin < text.len() {
        all.push(Part::Text(&text[begin..]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "11111111-1111-4111-8111-111111111111";
    const B: &str = "22222222-2222-4222-8222-222222222222";

    #[test]
    fn ids_pair_one_to_one_and_requests_follow() {
        let mut drawn = Drawn::default();
        assert!(drawn.pair(A, B) && drawn.pair(A, B));
        assert!(!drawn.pair(A, A) && !drawn.pair(B, B));
        assert!(drawn.same_text(
            "https://x/T-11111111111141118111111111111111?a",
            "https://x/T-22222222222242228222222222222222?a"
        ));
        assert_eq!(drawn.ours(A), B);
        assert_eq!(drawn.ours("a/11111111111141118111111111111111"), format!("a/{}", plain(B)));
        assert!(drawn.pair("%3Aabc", "x%7Cyz"));
        assert_eq!(drawn.ours(":abc"), "x|yz");
        assert_eq!(drawn.ours("%3Aabc"), "x%7Cyz");
    }

    #[test]
    fn the_form_of_an_id_counts() {
        let id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        assert!(same_form(id, id) && !same_form(id, &id.replace('-', "")));
        assert!(
            same_form("%3Aab", "xyzw") && same_form("%3Aab", "%5Bcd") && !same_form("%3Aab", ":cd")
        );
        // Rollups name properties without encoding.
        assert!(same_form(":ab", "%cd"));
    }

    #[test]
    fn what_was_there_before_means_itself() {
        let mut drawn = Drawn::default();
        drawn.know(A);
        assert!(drawn.pair(A, A) && !drawn.pair(A, B) && !drawn.pair(B, A));
    }

    #[test]
    fn formulas_hold_property_ids() {
        let mut drawn = Drawn::default();
        let token =
            |id: &str, at: &str| format!("{{{{notion:block_property:{id}:{at}:{at}}}}} + 1");
        assert!(drawn.same_text(&token("%3Aab", A), &token("cdef", B)));
        assert!(!drawn.same_text(&token("%3Aab", A), &token("zzzz", B)));
    }
}
