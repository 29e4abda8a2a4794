//! Objects that were there before: shown in full, or only named.

use http::Method;
use serde_json::{Value, json};

use super::super::recording::Exchange;
use super::Finder;
use super::wire::{dashed, is_target, list, values};

impl Finder {
    pub(super) fn object(&mut self, exchange: &Exchange, wire: &Value) {
        let Some(id) = wire["id"].as_str() else { return };
        if self.created.contains(id) {
            return;
        }
        let is_child = wire["object"] == "block"
            && matches!(wire["type"].as_str(), Some("child_page" | "child_database"));
        let is_better = match self.objects.get(id) {
            None => true,
            // The block that stands for a page tells less than the page.
            Some(known) => known["object"] == "block" && wire["object"] != "block" && !is_child,
        };
        if !is_better {
            return;
        }
        let mut object = wire.clone();
        if object["parent"].is_null() {
            object["parent"] = match exchange.segments().as_slice() {
                ["blocks", parent, "children"] => {
                    json!({"type": "page_id", "page_id": dashed(parent)})
                }
                _ => json!({"type": "workspace", "workspace": true}),
            };
        }
        // The answer to the request that throws it away or brings it back shows the time after.
        if exchange.is_write() && is_target(exchange, id) {
            let flag = ["in_trash", "archived"]
                .iter()
                .find_map(|key| exchange.request[key].as_bool())
                .or((exchange.method == Method::DELETE).then_some(true));
            if let Some(flag) = flag {
                for key in ["in_trash", "archived"] {
                    if object[key].is_boolean() {
                        object[key] = (!flag).into();
                    }
                }
            }
        }
        for id in list(&wire["properties"]).iter().chain(values(&wire["properties"])) {
            for related in list(&id["relation"]) {
                self.name(&related["id"], Value::Null);
            }
            // A relation is shown only if its table is.
            for key in ["database_id", "data_source_id"] {
                self.name(&id["relation"][key], Value::Null);
            }
        }
        self.objects.insert(id.to_owned(), object);
    }

    pub(super) fn mention(&mut self, run: &Value) {
        let mention = &run["mention"];
        let Some(kind @ ("page" | "database")) = mention["type"].as_str() else { return };
        if run["plain_text"] != "Untitled" {
            let title = run["plain_text"].clone();
            self.name(&mention[kind]["id"], json!({"object": kind, "title": title}));
        }
    }

    pub(super) fn name(&mut self, id: &Value, wire: Value) {
        if let Some(id) = id.as_str() {
            self.named.entry(id.to_owned()).or_insert(wire);
        }
    }

    /// Where a request that worked put something, or what it asked about, was there.
    pub(super) fn places(&mut self, exchange: &Exchange) {
        let parent = &exchange.request["parent"];
        for (key, kind) in
            [("page_id", "page"), ("database_id", "database"), ("data_source_id", "data_source")]
        {
            self.name(&parent[key], json!({"object": kind}));
        }
        let segments = exchange.segments();
        if segments == ["comments"]
            && let Some(id) = exchange.query["block_id"].as_str().and_then(dashed)
        {
            self.name(&id.into(), json!({"object": "page"}));
        }
        if let [noun, id, ..] = segments.as_slice()
            && let Some(id) = dashed(id)
        {
            let inner = list(&exchange.answer["results"]).first().map(|one| &one["parent"]);
            let is_block = inner.is_some_and(|parent| parent["type"] == "block_id");
            let kind = match *noun {
                "pages" => "page",
                "databases" => "database",
                "data_sources" => "data_source",
                "blocks" if is_block => "block",
                "blocks" => "page",
                _ => return,
            };
            self.name(&id.into(), json!({"object": kind}));
        }
    }
}

/// As little of an object as is known of one that is only named.
pub(super) fn stub(id: &str, named: &Value) -> Option<Value> {
    let parent = json!({"type": "workspace", "workspace": true});
    let runs = named["title"].as_str().map_or_else(
        || json!([]),
        |title| {
            json!([{"type": "text", "text": {"content": title, "link": null},
                "annotations": {"bold": false, "italic": false, "strikethrough": false,
                    "underline": false, "code": false, "color": "default"}}])
        },
    );
    Some(match named["object"].as_str()? {
        "page" => {
            let title = json!({"id": "title", "type": "title", "title": runs});
            json!({"object": "page", "id": id, "parent": parent, "properties": {"title": title}})
        }
        "block" => json!({"object": "block", "id": id, "parent": parent, "type": "paragraph",
            "paragraph": {"rich_text": [], "icon": null, "color": "default"}}),
        kind => {
            json!({"object": kind, "id": id, "parent": parent, "title": runs, "properties": {}})
        }
    })
}
