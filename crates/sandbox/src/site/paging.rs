//! Long lists in pieces, with links that work without scripts.

use maud::{Markup, html};
use serde_json::Value;

use crate::pipeline::{Incoming, read_query};

/// Which piece of a list is wanted, and the rest of the query.
pub(super) struct Pages {
    path: String,
    query: Value,
}

impl Pages {
    pub(super) fn of(incoming: &Incoming) -> Self {
        Self { path: incoming.path.clone(), query: read_query(&incoming.query) }
    }

    /// A member of the query; empty ones count as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query[name].as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The piece of a list that is wanted, and links to those around it.
    pub(super) fn cut<'a, T>(&self, all: &'a [T], size: usize, noun: &str) -> (&'a [T], Markup) {
        let from = self.query("from").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        let from = if from < all.len() { from - from % size } else { 0 };
        let to = all.len().min(from + size);
        if all.len() <= size {
            return (all, html! {});
        }
        let links = html! {
            nav.pages aria-label="Pages of this list" {
                p { (from + 1) " to " (to) " of " (all.len()) " " (noun) }
                @if from > 0 { a rel="prev" href=(self.link(&[("from", &(from - size).to_string())])) { "Previous" } }
                @if to < all.len() { a rel="next" href=(self.link(&[("from", &to.to_string())])) { "Next" } }
            }
        };
        (&all[from..to], links)
    }

    /// This page with other members in its query; an empty one is left out.
    pub(super) fn link(&self, changed: &[(&str, &str)]) -> String {
        let kept = self.query.as_object().into_iter().flatten();
        let kept = kept.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let kept = kept.filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
        let pairs: Vec<String> = kept
            .chain(changed.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        if pairs.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, pairs.join("&"))
        }
    }
}

/// Percent-encodes a part of a query.
pub(super) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_in_pieces() {
        let all: Vec<usize> = (0..10).collect();
        let at = |query: &str| Pages { path: "/x".to_owned(), query: read_query(query) };
        assert_eq!(at("").cut(&all, 4, "rows").0, &[0, 1, 2, 3]);
        assert_eq!(at("from=8").cut(&all, 4, "rows").0, &[8, 9]);
        assert_eq!(at("from=5").cut(&all, 4, "rows").0, &[4, 5, 6, 7]);
        assert_eq!(at("from=99&from=1").cut(&all, 4, "rows").0, &[0, 1, 2, 3]);
        assert_eq!(at("from=x").cut(&all, 4, "rows").0, &[0, 1, 2, 3]);
        assert_eq!(at("q=a%26b&from=4").link(&[("from", "8")]), "/x?q=a%26b&from=8");
        assert_eq!(at("from=4").link(&[("from", "")]), "/x");
    }
}
