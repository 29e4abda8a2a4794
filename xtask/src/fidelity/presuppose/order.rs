//! The order in which things stood, where answers tell it.

use http::Method;

use super::super::recording::Exchange;
use super::Finder;
use super::wire::{dashed, list};

impl Finder {
    /// Of what was edited in the same minute, a search tells which was edited last.
    pub(super) fn search_order(&mut self, exchange: &Exchange) {
        if !exchange.path.ends_with("/search") || !exchange.request["sort"].is_null() {
            return;
        }
        let results = list(&exchange.answer["results"]);
        for (rank, one) in results.iter().rev().enumerate() {
            let (id, time) = (one["id"].as_str(), one["last_edited_time"].as_str());
            if let (Some(id), Some(time)) = (id, time)
                && !self.created.contains(id)
                && self.objects.get(id).is_some_and(|known| known["last_edited_time"] == time)
                && !self.ranked.contains(id)
            {
                self.ranked.insert(id.to_owned());
                let finer = time
                    .replace(":00.000Z", &format!(":{:02}.{:03}Z", rank / 1000 % 60, rank % 1000));
                self.objects[id]["last_edited_time"] = finer.into();
            }
        }
    }

    /// The order of children and rows, where an answer tells it.
    pub(super) fn order(&mut self, exchange: &Exchange) {
        let segments = exchange.segments();
        let (parent, is_query) = match (&exchange.method, segments.as_slice()) {
            (&Method::GET, ["blocks", id, "children"]) => (dashed(id), false),
            (&Method::POST, ["data_sources" | "databases", id, "query"]) => {
                let body = &exchange.request;
                let is_plain = body["filter"].is_null()
                    && list(&body["sorts"]).is_empty()
                    && body["page_size"] != 1;
                if !is_plain {
                    return;
                }
                (dashed(id), true)
            }
            _ => return,
        };
        let Some(parent) = parent else { return };
        let results = list(&exchange.answer["results"]).iter();
        let ids = results.filter_map(|one| one["id"].as_str()).map(str::to_owned);
        let ids: Vec<String> = ids.filter(|id| !self.created.contains(id)).collect();
        let cursor = [&exchange.query["start_cursor"], &exchange.request["start_cursor"]];
        let goes_on = cursor.iter().any(|cursor| cursor.is_string());
        let known = self.children.entry(parent).or_default();
        if known.is_empty() || goes_on {
            // A query shows the newest first, and the world keeps the oldest first.
            for id in ids {
                match known.contains(&id) {
                    true => {}
                    false if is_query => known.insert(0, id),
                    false => known.push(id),
                }
            }
        }
    }
}
