//! Ways through answers.

use serde_json::{Map, Value};

use super::super::recording::Exchange;

pub(super) fn parent_of(object: &Value) -> Option<&str> {
    let parent = &object["parent"];
    let kinds = ["data_source_id", "database_id", "page_id", "block_id"];
    kinds.iter().find_map(|kind| parent[kind].as_str())
}

/// Calls with every object of Notion's that an answer shows in full.
pub(super) fn each_object(value: &Value, call: &mut impl FnMut(&Value)) {
    let all = match value["results"].as_array() {
        Some(results) => results.iter().collect(),
        None => vec![value],
    };
    for one in all {
        let kind = one["object"].as_str().unwrap_or_default();
        // Blocks of old versions do not say where they hang.
        let is_whole = one["parent"].is_object() || kind == "block" && one["type"].is_string();
        if is_whole && matches!(kind, "page" | "database" | "data_source" | "block" | "comment") {
            call(one);
        }
    }
}

pub(super) fn each_user(value: &Value, call: &mut impl FnMut(&Value)) {
    walk(value, &mut |value| {
        if value["object"] == "user" {
            call(value);
        }
    });
}

pub(super) fn each_mention(value: &Value, call: &mut impl FnMut(&Value)) {
    walk(value, &mut |value| {
        if value["type"] == "mention" {
            call(value);
        }
    });
}

/// Every text that stands under a key that holds ids.
pub(super) fn each_id(value: &Value, call: &mut impl FnMut(&str)) {
    walk(value, &mut |value| {
        for (key, member) in value.as_object().into_iter().flatten() {
            let all = match member {
                Value::Array(all) => all.iter().collect(),
                one => vec![one],
            };
            if key == "id" || key.ends_with("_id") || key.ends_with("_ids") {
                all.into_iter().filter_map(Value::as_str).for_each(&mut *call);
            }
        }
    });
}

pub(super) fn walk(value: &Value, call: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| walk(one, call)),
        Value::Object(members) => {
            call(value);
            members.values().for_each(|one| walk(one, call));
        }
        _ => {}
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn values(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

pub(super) fn dashed(id: &str) -> Option<String> {
    notion::Id::parse(id).map(|id| id.to_string())
}

pub(super) fn is_target(exchange: &Exchange, id: &str) -> bool {
    exchange.segments().get(1).is_some_and(|target| same_id(target, id))
}

pub(super) fn same_id(a: &str, b: &str) -> bool {
    notion::Id::parse(a).is_some_and(|a| notion::Id::parse(b) == Some(a))
}
