//! Compares two answers key by key and in key order.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::drawn::{Drawn, is_uuid, same_form};
use super::normalise::{Applied, Item, api_path, form, is_time, page_path, unsigned};

/// What is different about one place.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    Status,
    Missing,
    Extra,
    Order,
    Length,
    Type,
    Value,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Order => "order",
            Self::Length => "length",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

/// One difference.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// Names of properties are `*`, places in arrays `[]`.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) recorded: Value,
    pub(super) ours: Value,
}

/// What the comparisons of one transcript remember.
#[derive(Debug, Default)]
pub(super) struct Comparer {
    pub(super) drawn: Drawn,
    pub(super) applied: Applied,
    /// Names of options for which some request chose a colour.
    chosen: HashSet<String>,
    /// The colours of options for which nobody did: recorded and ours.
    colors: HashMap<String, (Value, Value)>,
    found: Vec<Difference>,
}

impl Comparer {
    /// Notes the options in a request that bring a colour along.
    pub(super) fn heed(&mut self, request: &Value) {
        match request {
            Value::Array(all) => all.iter().for_each(|one| self.heed(one)),
            Value::Object(members) => {
                if let (Some(name), Some(_)) = (members.get("name"), members.get("color")) {
                    self.chosen.insert(name.as_str().unwrap_or_default().to_owned());
                }
                members.values().for_each(|one| self.heed(one));
            }
            _ => {}
        }
    }

    /// Every difference between two answers.
    pub(super) fn compare(
        &mut self,
        (recorded_status, recorded): (u16, &Value),
        (our_status, ours): (u16, &Value),
    ) -> Vec<Difference> {
        self.found.clear();
        if recorded_status != our_status {
            self.note(
                "",
                Kind::Status,
                &serde_json::json!([recorded_status, recorded["message"]]),
                &serde_json::json!([our_status, ours["message"]]),
            );
            return std::mem::take(&mut self.found);
        }
        // Where a recorder kept no body, there is nothing to hold ours against.
        if !recorded.is_null() {
            self.value("", "", recorded, ours);
        }
        std::mem::take(&mut self.found)
    }

    fn note(&mut self, path: &str, kind: Kind, recorded: &Value, ours: &Value) {
        let (recorded, ours) = (recorded.clone(), ours.clone());
        self.found.push(Difference { path: path.to_owned(), kind, recorded, ours });
    }

    fn note_unless(&mut self, same: bool, path: &str, recorded: &Value, ours: &Value) {
        if !same {
            self.note(path, Kind::Value, recorded, ours);
        }
    }

    fn value(&mut self, path: &str, key: &str, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Object(left), Value::Object(right)) => self.object(path, key, left, right),
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    self.note(path, Kind::Length, &outline(left), &outline(right));
                    return;
                }
                let inner = format!("{path}[]");
                for (left, right) in left.iter().zip(right) {
                    self.value(&inner, key, left, right);
                }
            }
            (Value::String(left), Value::String(right)) => {
                let same = self.same_string(key, left, right);
                self.note_unless(same, path, recorded, ours);
            }
            (Value::Number(left), Value::Number(right)) => {
                let same = left.as_f64() == right.as_f64();
                self.note_unless(same, path, recorded, ours);
            }
            _ if std::mem::discriminant(recorded) != std::mem::discriminant(ours) => {
                self.note(path, Kind::Type, recorded, ours);
            }
            _ if recorded != ours => self.note(path, Kind::Value, recorded, ours),
            _ => {}
        }
    }

    fn object(
        &mut self,
        path: &str,
        key: &str,
        recorded: &Map<String, Value>,
        ours: &Map<String, Value>,
    ) {
        let is_map = key == "properties" && recorded.values().all(Value::is_object);
        for (name, left) in recorded {
            let inner = if is_map { format!("{path}.*") } else { format!("{path}.{name}") };
            match ours.get(name) {
                None => self.note(&inner, Kind::Missing, left, &Value::Null),
                Some(right) if name == "color" && self.is_drawn_color(recorded, ours) => {
                    self.color(&inner, recorded, left, right);
                }
                Some(right) => self.value(&inner, name, left, right),
            }
        }
        for (name, right) in ours.iter().filter(|(name, _)| !recorded.contains_key(*name)) {
            let inner = if is_map { format!("{path}.*") } else { format!("{path}.{name}") };
            self.note(&inner, Kind::Extra, &Value::Null, right);
        }
        let shared = |these: &Map<String, Value>, those: &Map<String, Value>| -> Vec<String> {
            these.keys().filter(|key| those.contains_key(*key)).cloned().collect()
        };
        let (left, right) = (shared(recorded, ours), shared(ours, recorded));
        if left == right {
            return;
        }
        if is_map && by_id(recorded) && by_id(ours) {
            self.applied.note(Item::PropertyOrder);
        } else {
            self.note(path, Kind::Order, &left.into(), &right.into());
        }
    }

    /// Whether an object is an option whose colour nobody chose.
    fn is_drawn_color(&self, recorded: &Map<String, Value>, ours: &Map<String, Value>) -> bool {
        let is_option = recorded.contains_key("id") && !recorded.contains_key("option_ids");
        let name = recorded.get("name").and_then(Value::as_str);
        let id = recorded.get("id").and_then(Value::as_str).unwrap_or_default();
        is_option
            && ours.contains_key("id")
            && !self.drawn.knows(id)
            && name.is_some_and(|name| !self.chosen.contains(name))
    }

    fn color(&mut self, path: &str, option: &Map<String, Value>, left: &Value, right: &Value) {
        let id = option.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let pair = (left.clone(), right.clone());
        if left == right && !self.colors.contains_key(&id) {
            self.colors.insert(id, pair);
        } else if *self.colors.entry(id).or_insert_with(|| pair.clone()) == pair {
            self.applied.note(Item::OptionColors);
        } else {
            self.note(path, Kind::Value, left, right);
        }
    }

    fn same_string(&mut self, key: &str, recorded: &str, ours: &str) -> bool {
        if is_time(key) {
            self.applied.note(Item::Times);
            return form(key, recorded) == form(key, ours);
        }
        if key == "request_id" {
            self.applied.note(Item::RequestId);
            return is_uuid(recorded) == is_uuid(ours);
        }
        if key == "next_cursor" {
            self.applied.note(Item::Cursors);
            self.drawn.pair_cursors(recorded, ours);
            return true;
        }
        if key == "next_url" {
            return self.next_url(recorded, ours);
        }
        if let (Some(left), Some(right)) = (api_path(recorded), api_path(ours)) {
            self.applied.note(Item::ApiHost);
            return self.drawn.same_text(left, right);
        }
        if recorded == ours && !is_uuid(recorded) && !is_drawn_key(key) {
            return true;
        }
        if is_uuid(recorded) && is_uuid(ours) || is_drawn_key(key) {
            if recorded != ours {
                self.applied.note(Item::Ids);
            }
            return same_form(recorded, ours) && self.drawn.pair(recorded, ours);
        }
        if let (Some(left), Some(right)) = (unsigned(recorded), unsigned(ours).or(Some(ours))) {
            self.applied.note(Item::SignedUrls);
            return self.drawn.same_text(left, right);
        }
        if let (Some(left), Some(right)) = (page_path(recorded), page_path(ours)) {
            self.applied.note(Item::UrlHost);
            return self.drawn.same_text(left, right);
        }
        self.applied.note(Item::Ids);
        self.drawn.same_text(recorded, ours)
    }

    /// The same place, where the cursor in the query leads to the same place.
    fn next_url(&mut self, recorded: &str, ours: &str) -> bool {
        let (Some((left, _)), Some((right, _))) = (recorded.split_once('?'), ours.split_once('?'))
        else {
            return recorded == ours;
        };
        self.applied.note(Item::Cursors);
        let (Some((left, this)), Some((right, that))) =
            (left.rsplit_once('/'), right.rsplit_once('/'))
        else {
            return false;
        };
        self.drawn.same_text(left, right) && self.drawn.pair(this, that)
    }
}

/// An array, its objects by their ids: so that one sees which are there.
fn outline(all: &[Value]) -> Value {
    all.iter().map(|one| one.get("id").unwrap_or(one).clone()).collect()
}

/// Members that hold ids which need not be UUIDs.
fn is_drawn_key(key: &str) -> bool {
    matches!(
        key,
        "id" | "option_ids" | "synced_property_id" | "relation_property_id" | "rollup_property_id"
    )
}

/// Whether properties stand in the order of their ids, the title last.
fn by_id(properties: &Map<String, Value>) -> bool {
    let ids: Vec<(bool, String)> = properties
        .values()
        .map(|property| {
            let id = super::recording::decoded(property["id"].as_str().unwrap_or_default());
            (id == "title", id)
        })
        .collect();
    ids.is_sorted()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(recorded: &Value, ours: &Value) -> Vec<(String, Kind)> {
        let found = Comparer::default().compare((200, recorded), (200, ours));
        found.into_iter().map(|one| (one.path, one.kind)).collect()
    }

    #[test]
    fn keys_values_and_order_count() {
        assert_eq!(kinds(&json!({"a": 1, "b": [1]}), &json!({"a": 1.0, "b": [1]})), []);
        let found = kinds(&json!({"a": 1, "b": 2, "c": null}), &json!({"b": 2, "a": "1", "d": 0}));
        let expected =
            [(".a", Kind::Type), (".c", Kind::Missing), (".d", Kind::Extra), ("", Kind::Order)];
        assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind)));
    }

    #[test]
    fn only_what_is_drawn_may_differ() {
        let left = json!({"id": "ab%3Ac", "name": "New", "color": "red", "request_id": "x",
            "created_time": "2026-01-01T00:00:00.000Z"});
        let right = json!({"id": "zzzz", "name": "New", "color": "default", "request_id": "y",
            "created_time": "2027-01-01T00:00:00.000Z"});
        assert_eq!(kinds(&left, &right), []);
        let mut comparer = Comparer::default();
        comparer.heed(&json!({"select": {"name": "New", "color": "red"}}));
        assert_eq!(comparer.compare((200, &left), (200, &right)).len(), 1);
        assert_eq!(comparer.compare((200, &left), (400, &right))[0].kind, Kind::Status);
    }
}
