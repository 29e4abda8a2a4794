//! Search's index lags: what was made is found later. How far it was at a moment, only later searches
//! of the same words tell; the answer that is compared itself is never asked.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::recording::Exchange;

/// How far the index was when a search was made, in recorded ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Lag {
    /// A later search of the same words finds it; this one does not yet.
    pub(super) late: Vec<String>,
}

/// For every search of a transcript, by its place, how far the index was.
pub(super) fn lags(exchanges: &[Exchange]) -> HashMap<usize, Lag> {
    let mut all = HashMap::new();
    for (place, exchange) in exchanges.iter().enumerate() {
        let Some(found) = found(exchange) else { continue };
        let ids: Vec<&str> = found.iter().filter_map(|one| one["id"].as_str()).collect();
        let mut lag = Lag::default();
        let later = exchanges[place + 1..].iter().filter(|later| later.request == exchange.request);
        for one in later.filter_map(self::found).flatten() {
            if let Some(id) = one["id"].as_str().filter(|id| !ids.contains(id)) {
                lag.late.push(id.to_owned());
            }
        }
        all.insert(place, lag);
    }
    all
}

/// What a search found, if its answer is the whole result.
fn found(exchange: &Exchange) -> Option<&Vec<Value>> {
    let is_whole = exchange.answer["has_more"] == json!(false)
        && !exchange.request["start_cursor"].is_string();
    let is_search = exchange.path.ends_with("/search") && exchange.succeeded() && is_whole;
    exchange.answer["results"].as_array().filter(|_| is_search)
}
