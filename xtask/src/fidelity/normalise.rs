//! What is not compared as it stands, because Notion draws it at random or it is a matter of time.
//!
//! Each is an item with a name and a reason; the report says how often each was applied.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Every normalisation there is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Item {
    Times,
    RequestId,
    Ids,
    Cursors,
    SignedUrls,
    UrlHost,
    ApiHost,
    OptionColors,
    PropertyOrder,
    SearchIndex,
}

impl Item {
    pub(super) const ALL: [Self; 10] = [
        Self::Times,
        Self::RequestId,
        Self::Ids,
        Self::Cursors,
        Self::SignedUrls,
        Self::UrlHost,
        Self::ApiHost,
        Self::OptionColors,
        Self::PropertyOrder,
        Self::SearchIndex,
    ];

    /// Name and reason.
    pub(super) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Times => (
                "times",
                "created_time, last_edited_time and expiry_time: both must be times, of the same form",
            ),
            Self::RequestId => ("request ids", "drawn for every answer: both must be there"),
            Self::Ids => (
                "ids",
                "drawn by Notion; mapped one to one for the length of a transcript, never dropped. New \
                 pages are given the recorded one: rows of some years stand in the order of their ids",
            ),
            Self::Cursors => {
                ("cursors", "opaque; both must be there, and the next request uses ours")
            }
            Self::SignedUrls => {
                ("signed URLs", "the signature in the query of a stored file's URL")
            }
            Self::UrlHost => (
                "host of page URLs",
                "www.notion.so and app.notion.com/p, which Notion changed over time",
            ),
            Self::ApiHost => (
                "host of API URLs",
                "where to send a file, where to ask for a task: the sandbox names its own address",
            ),
            Self::OptionColors => (
                "option colours",
                "drawn by Notion where no request chose one; must stay the same for an option",
            ),
            Self::SearchIndex => (
                "search index",
                "Notion's lags: objects that only a later search of the same words finds are held back \
                 from the sandbox's index as well",
            ),
            Self::PropertyOrder => (
                "order of properties",
                "properties are listed in the order of their ids; where these were drawn, both \
                 sides must be in the order of their own",
            ),
        }
    }
}

/// How often each was applied.
#[derive(Clone, Debug, Default)]
pub(super) struct Applied(BTreeMap<Item, u64>);

impl Applied {
    pub(super) fn note(&mut self, item: Item) {
        *self.0.entry(item).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (item, count) in &other.0 {
            *self.0.entry(*item).or_default() += count;
        }
    }

    pub(super) fn count(&self, item: Item) -> u64 {
        self.0.get(&item).copied().unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        Item::ALL
            .into_iter()
            .map(|item| {
                let (name, reason) = item.told();
                json!({"name": name, "reason": reason, "applied": self.count(item)})
            })
            .collect()
    }
}

/// Members that hold a time of the recording's day.
pub(super) fn is_time(key: &str) -> bool {
    matches!(key, "created_time" | "last_edited_time" | "expiry_time")
}

/// The form of a time: its digits are left out, but not that it is rounded down to the minute (when
/// a signed URL ends never is).
pub(super) fn form(key: &str, time: &str) -> (String, bool) {
    let is_rounded = key != "expiry_time" && time.ends_with(":00.000Z");
    (time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect(), is_rounded)
}

/// The URL of a page without the host, if it is one.
pub(super) fn page_path(url: &str) -> Option<&str> {
    let hosts = ["https://www.notion.so/", "https://app.notion.com/p/", "https://www.notion.com/"];
    hosts.iter().find_map(|host| url.strip_prefix(host))
}

/// What follows the host in a URL of the API, if it is one.
pub(super) fn api_path(url: &str) -> Option<&str> {
    let hosts = ["https://api.notion.com", "http://localhost"];
    let path = hosts.iter().find_map(|host| url.strip_prefix(host))?;
    path.starts_with("/v1/").then_some(path)
}

/// The URL of a stored file without its signature, if it is one.
pub(super) fn unsigned(url: &str) -> Option<&str> {
    let (path, query) = url.split_once('?')?;
    let signs = ["X-Amz-", "expirationTimestamp=", "signature="];
    signs.iter().any(|sign| query.contains(sign)).then_some(path)
}
