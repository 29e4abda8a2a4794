//! Things as people say them: times, counts, ids.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// A time: how long ago it was, and exactly on a closer look.
pub(crate) fn when(at: Timestamp, now: Timestamp) -> Markup {
    html! {
        time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) title=(exactly(at)) { (relative(at, now)) }
    }
}

/// A time that may not have come yet.
pub(super) fn when_or(at: Option<Timestamp>, now: Timestamp, never: &str) -> Markup {
    match at {
        Some(at) => when(at, now),
        None => html! { span.quiet { (never) } },
    }
}

fn exactly(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M:%S UTC").to_string()
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let (distance, is_past) = (seconds.unsigned_abs(), seconds >= 0);
    if distance < 5 {
        return "just now".to_owned();
    }
    let (number, unit) = match distance {
        0..60 => (distance, "second"),
        60..3600 => (distance / 60, "minute"),
        3600..86_400 => (distance / 3600, "hour"),
        86_400..5_184_000 => (distance / 86_400, "day"),
        _ => return at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y").to_string(),
    };
    let text = count(number, unit);
    if is_past { format!("{text} ago") } else { format!("in {text}") }
}

/// `1 day`, `2 days`, `1,234 days`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A message as a sentence: a capital at its beginning, a full stop at its end.
pub(crate) fn sentence(message: &str) -> String {
    let mut text = capital(message.trim());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// A text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(chars).collect()
}

/// A text from outside, short enough for one line, with nothing in it that is not to be seen.
pub(crate) fn line(text: &str, length_max: usize) -> String {
    let harmless = text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c });
    let mut shown: String = harmless.take(length_max + 1).collect();
    if let Some((end, _)) = shown.char_indices().nth(length_max) {
        shown.truncate(end);
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Control characters, and those that turn the direction of the text after them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (at, told) in [
            ("2026-11-21T12:00:00Z", "just now"),
            ("2026-11-21T11:59:30Z", "30 seconds ago"),
            ("2026-11-21T11:58:59Z", "1 minute ago"),
            ("2026-11-21T10:00:00Z", "2 hours ago"),
            ("2026-11-20T11:00:00Z", "1 day ago"),
            ("2026-11-21T12:30:00Z", "in 30 minutes"),
            ("2026-01-05T12:00:00Z", "5 Jan 2026"),
        ] {
            assert_eq!(relative(at.parse().unwrap(), now), told);
        }
        let markup = when("2026-11-21T10:00:00Z".parse().unwrap(), now).into_string();
        let expected = "<time datetime=\"2026-11-21T10:00:00Z\" \
                        title=\"21 November 2026, 10:00:00 UTC\">2 hours ago</time>";
        assert_eq!(markup, expected);
    }

    #[test]
    fn numbers_sentences_and_lines() {
        assert_eq!(count(1, "entry-like thing"), "1 entry-like thing");
        assert_eq!(count(1_234_567, "object"), "1,234,567 objects");
        assert_eq!(sentence("the key is gone"), "The key is gone.");
        assert_eq!(sentence("Élan?"), "Élan?");
        assert_eq!(line("a\u{202e}b\nc", 10), "a\u{fffd}b\u{fffd}c");
        assert_eq!(line("abcdef", 5), "abcd…");
        assert_eq!(line("abcde", 5), "abcde");
    }
}
