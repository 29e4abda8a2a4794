//! Times as people read them; the exact ones stand in the markup.

use jiff::Timestamp;
use maud::{Markup, html};

/// A time to the minute.
pub(super) fn time(at: Timestamp) -> Markup {
    let exact = at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    html! { time datetime=(exact) title=(exact) { (at.strftime("%-d %b %Y, %H:%M").to_string()) } }
}

/// A time in an answer, which is text.
pub(super) fn time_text(text: &str) -> Markup {
    match text.parse::<Timestamp>() {
        Ok(at) => time(at),
        Err(_) => html! { (text) },
    }
}
