//! Makes equal what cannot be equal in two runs. This file is the whole list; whatever is not here
//! must be the same byte for byte.
//!
//! | in the text | becomes | why |
//! |---|---|---|
//! | a UUID or 32 hex digits that the seed does not have | `<id 1>`, `<id 2>`, … in order of first appearance, with or without dashes the same | made at random; that the same one comes back in the right places is still compared |
//! | an ISO timestamp with a time of day | `<time>`, the digits of a fraction and the zone kept as they are | the clock |
//! | the value of `request_id` | `<request>` | one per request |
//! | the values of `next_cursor` (not `null`) and `start_cursor` | `<cursor>` | opaque by contract |

use std::collections::{BTreeMap, BTreeSet};

/// The keys whose text is different each time, and what stands for it.
const OPAQUE: [(&str, &str); 3] = [
    ("\"request_id\":", "<request>"),
    ("\"next_cursor\":", "<cursor>"),
    ("\"start_cursor\":", "<cursor>"),
];

/// The same within a query string.
const OPAQUE_PARAMETER: (&str, &str) = ("start_cursor=", "<cursor>");

/// Normalises the texts of one recording, in their order.
pub(super) struct Normaliser<'a> {
    fixed: &'a BTreeSet<String>,
    numbers: BTreeMap<String, usize>,
}

impl<'a> Normaliser<'a> {
    /// For a recording of a world in which these ids (undashed) are always the same.
    pub(super) fn new(fixed: &'a BTreeSet<String>) -> Self {
        Self { fixed, numbers: BTreeMap::new() }
    }

    /// One text, normalised.
    pub(super) fn apply(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut within_word = false;
        while let Some(next) = rest.chars().next() {
            let taken = if within_word { None } else { self.replacement(rest) };
            let taken = taken.or_else(|| opaque(rest));
            let length = match taken {
                Some((length, replacement)) => {
                    out.push_str(&replacement);
                    within_word = false;
                    length
                }
                None => {
                    out.push(next);
                    within_word = next.is_ascii_alphanumeric();
                    next.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        out
    }

    /// What stands at the start of a word and has to go: its length, and what comes instead.
    fn replacement(&mut self, text: &str) -> Option<(usize, String)> {
        if let Some(length) = timestamp(text) {
            return Some((length, shape_of_time(&text[..length])));
        }
        let length = id(text)?;
        let hex = undashed(&text[..length]);
        if self.fixed.contains(&hex) {
            return Some((length, text[..length].to_owned()));
        }
        let next = self.numbers.len() + 1;
        let number = *self.numbers.entry(hex).or_insert(next);
        Some((length, format!("<id {number}>")))
    }
}

/// Every id in a text, undashed.
pub(super) fn ids(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts_word = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        match text.get(at..).filter(|_| starts_word).and_then(|rest| Some((rest, id(rest)?))) {
            Some((rest, length)) => {
                found.insert(undashed(&rest[..length]));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn undashed(id: &str) -> String {
    id.chars().filter(|&c| c != '-').collect::<String>().to_ascii_lowercase()
}

/// The length of the id at the start of the text.
fn id(text: &str) -> Option<usize> {
    let dashed = matches(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    let length = dashed.or_else(|| matches(text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))?;
    ends_word(text, length).then_some(length)
}

/// The length of the timestamp at the start of the text.
fn timestamp(text: &str) -> Option<usize> {
    let mut length = matches(text, "dddd-dd-ddTdd:dd")?;
    if let Some(seconds) = matches(&text[length..], ":dd") {
        length += seconds;
    }
    if text[length..].starts_with('.') {
        let fraction = text[length + 1..].bytes().take_while(u8::is_ascii_digit).count();
        length += 1 + fraction;
    }
    let zone = &text[length..];
    length += matches(zone, "Z")
        .or_else(|| matches(zone, "+dd:dd"))
        .or_else(|| matches(zone, "-dd:dd"))?;
    ends_word(text, length).then_some(length)
}

/// A timestamp without its digits, so that `…:00.000Z` and `…:00Z` stay two things.
fn shape_of_time(time: &str) -> String {
    let zone = &time[16..];
    let shape: String = zone.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    format!("<time{shape}>")
}

/// The length of the text that the pattern describes: `x` a hex digit, `d` a digit.
fn matches(text: &str, pattern: &str) -> Option<usize> {
    let head = text.as_bytes().get(..pattern.len())?;
    let fits = head.iter().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        other => *byte == other,
    });
    fits.then_some(pattern.len())
}

fn ends_word(text: &str, length: usize) -> bool {
    !text.as_bytes().get(length).is_some_and(u8::is_ascii_alphanumeric)
}

/// An opaque value with its key at the start of the text.
fn opaque(text: &str) -> Option<(usize, String)> {
    for (key, replacement) in OPAQUE {
        let Some(rest) = text.strip_prefix(key) else { continue };
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let value = rest[spaces..].strip_prefix('"')?;
        let end = value.find('"')?;
        let value_at = key.len() + spaces;
        return Some((value_at + end + 2, format!("{}\"{replacement}\"", &text[..value_at])));
    }
    let (name, replacement) = OPAQUE_PARAMETER;
    let rest = text.strip_prefix(name)?;
    let end = rest.find(['&', '"', ' ']).unwrap_or(rest.len());
    Some((name.len() + end, format!("{name}{replacement}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Normaliser, ids};

    fn normalise(text: &str) -> String {
        Normaliser::new(&BTreeSet::new()).apply(text)
    }

    #[test]
    fn an_id_is_the_same_with_and_without_dashes() {
        assert_eq!(
            normalise(
                r#"{"id":"11111111-2222-4333-8444-555555555555","url":"https://n/P-11111111222243338444555555555555","by":"11111111-2222-4333-8444-555555555556"}"#
            ),
            r#"{"id":"<id 1>","url":"https://n/P-<id 1>","by":"<id 2>"}"#
        );
    }

    #[test]
    fn ids_of_the_seed_stay() {
        let seed = ids(r#"{"id":"11111111-2222-4333-8444-555555555555"}"#);
        let text = r#""11111111-2222-4333-8444-555555555555""#;
        assert_eq!(Normaliser::new(&seed).apply(text), text);
    }

    #[test]
    fn times_keep_their_shape() {
        assert_eq!(normalise("2026-01-02T03:04:05.678Z"), "<time:00.000Z>");
        assert_eq!(normalise("2026-01-02T03:04:00+00:00"), "<time:00+00:00>");
        assert_eq!(normalise("2026-01-02"), "2026-01-02");
    }

    #[test]
    fn opaque_values_go_and_null_stays() {
        assert_eq!(
            normalise(r#"{"next_cursor":"abc","request_id": "r","start":1}"#),
            r#"{"next_cursor":"<cursor>","request_id": "<request>","start":1}"#
        );
        assert_eq!(normalise(r#"{"next_cursor":null}"#), r#"{"next_cursor":null}"#);
        assert_eq!(
            normalise("GET /v1/users?page_size=2&start_cursor=abc&x=1"),
            "GET /v1/users?page_size=2&start_cursor=<cursor>&x=1"
        );
    }

    #[test]
    fn what_only_looks_like_an_id_stays() {
        let longer = "1111111122224333844455555555555599";
        assert_eq!(normalise(longer), longer);
        assert_eq!(normalise("日本語 é"), "日本語 é");
    }
}
