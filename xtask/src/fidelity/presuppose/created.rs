//! What a transcript made itself.

use http::Method;
use serde_json::Value;

use super::super::recording::Exchange;
use super::Finder;
use super::wire::{each_object, list, parent_of};

impl Finder {
    /// Notes what an exchange made.
    pub(super) fn mark_created(&mut self, exchange: &Exchange) {
        if !exchange.succeeded() {
            return;
        }
        let segments = exchange.segments();
        match (exchange.method.clone(), segments.as_slice()) {
            (Method::POST, [_]) if exchange.is_write() => {
                self.create(&exchange.answer["id"]);
                for source in list(&exchange.answer["data_sources"]) {
                    self.create(&source["id"]);
                }
            }
            (Method::PATCH, ["blocks", _, "children"]) => {
                let made = list(&exchange.request["children"]).len();
                for block in list(&exchange.answer["results"]).iter().take(made) {
                    self.create(&block["id"]);
                }
            }
            _ => {}
        }
        // What hangs under what was made was made as well; so is what comes with a copy.
        self.spread(&exchange.answer);
    }

    pub(super) fn create(&mut self, id: &Value) {
        if let Some(id) = id.as_str() {
            self.created.insert(id.to_owned());
        }
    }

    pub(super) fn spread(&mut self, answer: &Value) {
        let mut grows = true;
        while grows {
            grows = false;
            each_object(answer, &mut |object| {
                let (Some(id), Some(parent)) = (object["id"].as_str(), parent_of(object)) else {
                    return;
                };
                if self.created.contains(parent) && self.created.insert(id.to_owned()) {
                    grows = true;
                }
            });
        }
    }
}
