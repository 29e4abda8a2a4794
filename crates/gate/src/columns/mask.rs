//! A masked column is there without its values: they look as if nobody had filled them in.

use serde_json::{Map, Value, json};

use super::schema::{Column, Reads};

/// Types whose options are values that somebody filled in once.
const CHOICES: &[&str] = &["multi_select", "select", "status"];

/// Whether there is a value that says nothing. A column that always has one is hidden instead.
pub(super) fn can_be_empty(kind: &str) -> bool {
    empty(kind, "").is_some()
}

/// The value of a type as if nobody had filled it in. It is the same whatever stands there: also the type of
/// what a formula results in.
fn empty(kind: &str, function: &str) -> Option<Value> {
    Some(match kind {
        "rich_text" | "multi_select" | "people" | "files" | "relation" => json!([]),
        "number" | "select" | "status" | "date" | "url" | "email" | "phone_number" | "place" => {
            Value::Null
        }
        "checkbox" => false.into(),
        "button" => json!({}),
        "formula" => json!({"type": "string", "string": null}),
        "rollup" => match function {
            "show_original" | "show_unique" => {
                json!({"type": "array", "array": [], "function": function})
            }
            "earliest_date" | "latest_date" | "date_range" => {
                json!({"type": "date", "date": null, "function": function})
            }
            _ => json!({"type": "number", "number": null, "function": function}),
        },
        "verification" => json!({"state": "unverified", "verified_by": null, "date": null}),
        _ => return None,
    })
}

fn empty_of(column: &Column) -> Value {
    let function = match &column.reads {
        Reads::Rollup { function, .. } => function,
        _ => "",
    };
    empty(&column.kind, function).unwrap_or_default()
}

/// Empties a value of a row.
pub(super) fn value(column: &Column, value: &mut Map<String, Value>) {
    let id = value.get("id").cloned().unwrap_or_default();
    value.clear();
    value.insert("id".to_owned(), id);
    value.insert("type".to_owned(), column.kind.as_str().into());
    value.insert(column.kind.clone(), empty_of(column));
    if column.kind == "relation" {
        value.insert("has_more".to_owned(), false.into());
    }
}

/// Takes out of the schema of a column what it says of values.
pub(super) fn schema(column: &Column, entry: &mut Map<String, Value>) {
    if !CHOICES.contains(&column.kind.as_str()) {
        return;
    }
    let settings = entry.get_mut(&column.kind).and_then(Value::as_object_mut);
    for (name, list) in settings.into_iter().flatten() {
        if matches!(name.as_str(), "options" | "groups") {
            *list = json!([]);
        }
    }
}

/// Empties the answer about one property of a page.
pub(super) fn item(column: &Column, answer: &mut Map<String, Value>) {
    let kind = column.kind.as_str();
    if answer.get("object").is_none_or(|object| object != "list") {
        answer.insert(kind.to_owned(), empty_of(column));
        return;
    }
    for (name, nothing) in
        [("results", json!([])), ("next_cursor", Value::Null), ("has_more", false.into())]
    {
        answer.insert(name.to_owned(), nothing);
    }
    if let Some(Value::Object(item)) = answer.get_mut("property_item") {
        item.insert("next_url".to_owned(), Value::Null);
        // Lists say it only of rollups, what all elements come to.
        let whole = if kind == "rollup" { empty_of(column) } else { json!({}) };
        item.insert(kind.to_owned(), whole);
    }
}

#[cfg(test)]
mod tests {
    use notion::Id;

    use super::*;
    use crate::columns::schema::Schema;

    fn column(kind: &str, settings: Value) -> Column {
        let schema = json!({"properties": {"A": {"id": "a", "type": kind, kind: settings}}});
        Schema::read(Id::NIL, &schema).unwrap().columns.remove(0)
    }

    fn members(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn values_say_nothing_but_their_type() {
        for (kind, settings, before, after) in [
            ("number", json!({}), json!(7), Value::Null),
            ("checkbox", json!({}), json!(true), json!(false)),
            ("rich_text", json!({}), json!([{"plain_text": "x"}]), json!([])),
            (
                "formula",
                json!({"expression": "1"}),
                json!({"type": "number", "number": 1}),
                json!({"type": "string", "string": null}),
            ),
            (
                "rollup",
                json!({"function": "show_original"}),
                json!({"type": "array", "array": [1], "function": "show_original"}),
                json!({"type": "array", "array": [], "function": "show_original"}),
            ),
        ] {
            let mut shown = members(json!({"id": "a", "type": kind, kind: before, "more": 1}));
            value(&column(kind, settings), &mut shown);
            assert_eq!(Value::from(shown), json!({"id": "a", "type": kind, kind: after}));
        }
        let mut shown =
            members(json!({"id": "a", "type": "relation", "relation": [1], "has_more": true}));
        value(&column("relation", json!({})), &mut shown);
        let empty = json!({"id": "a", "type": "relation", "relation": [], "has_more": false});
        assert_eq!(Value::from(shown), empty);
        for kind in ["created_time", "unique_id", "last_edited_by", "title", "hologram"] {
            assert!(!can_be_empty(kind), "{kind}");
        }
    }

    #[test]
    fn options_and_items_go() {
        let options = json!([{"name": "rich"}]);
        let mut entry =
            members(json!({"type": "status", "status": {"options": options, "groups": options}}));
        schema(&column("status", json!({})), &mut entry);
        assert_eq!(entry["status"], json!({"options": [], "groups": []}));
        let mut answer = members(json!({
            "object": "list", "results": [1], "next_cursor": "a", "has_more": true, "type": "property_item",
            "property_item": {"id": "a", "next_url": "u", "type": "rollup", "rollup": {
                "type": "incomplete", "incomplete": {}, "function": "sum"}},
        }));
        item(&column("rollup", json!({"function": "sum"})), &mut answer);
        let empty = json!({
            "object": "list", "results": [], "next_cursor": null, "has_more": false, "type": "property_item",
            "property_item": {"id": "a", "next_url": null, "type": "rollup", "rollup": {
                "type": "number", "number": null, "function": "sum"}},
        });
        assert_eq!(Value::from(answer), empty);
    }
}
