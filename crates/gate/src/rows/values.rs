//! The values of a row's properties as text, as answers show them and as requests write them.

use std::collections::BTreeSet;

use policy::{Row, RowProperties};
use serde_json::{Map, Value};

use crate::columns::same_id;

/// A value in a page object holds so many people, related pages or pieces of text; there may be more.
const SHOWN_MAX: usize = 25;

/// Values as text; `None` if they cannot be read.
pub(super) type Values = Option<BTreeSet<String>>;

/// Reads what policies look at out of the `properties` of a page.
pub(super) fn read(wanted: &RowProperties, properties: &Map<String, Value>) -> Row {
    let of = |called: &String| {
        let is_called = |(name, value): &(&String, &Value)| {
            *name == called || value["id"].as_str().is_some_and(|id| same_id(id, called))
        };
        let mut all = properties.iter().filter(is_called);
        let (_, first) = all.next()?;
        // Where two could be meant, nobody knows which.
        Some((called.clone(), if all.next().is_none() { shown(first) } else { None }))
    };
    wanted.iter().filter_map(of).collect()
}

/// A value as an answer shows it.
fn shown(value: &Value) -> Values {
    let kind = value["type"].as_str()?;
    let inner = value.get(kind)?;
    match kind {
        "select" | "status" => option(inner, |option| text(&option["name"])),
        "multi_select" => each(inner, usize::MAX, |option| text(&option["name"])),
        "title" | "rich_text" => runs(inner, |run| {
            matches!(run["type"].as_str(), Some("text" | "equation"))
                .then(|| text(&run["plain_text"]))?
        }),
        "people" => each(inner, SHOWN_MAX, |person| text(&person["id"])),
        "relation" if value.get("has_more").is_some_and(|more| more != false) => None,
        "relation" => each(inner, SHOWN_MAX, |page| text(&page["id"])),
        "created_by" => one(text(&inner["id"])?),
        "created_time" => one(text(inner)?),
        "unique_id" => {
            let number = number(&inner["number"])?;
            one(inner["prefix"].as_str().map_or(number.clone(), |it| format!("{it}-{number}")))
        }
        _ => plain(kind, inner),
    }
}

/// A value as a request writes it into a column of this type.
pub(super) fn written(kind: &str, value: &Value) -> Values {
    // Notion goes by the column's type, and so do we.
    let inner = value.get(kind)?;
    match kind {
        // By an id of its own an option could be any.
        "select" | "status" => option(inner, named),
        "multi_select" => each(inner, usize::MAX, named),
        "title" | "rich_text" => runs(inner, |run| {
            let is_text = matches!(run.get("type").and_then(Value::as_str), None | Some("text"));
            let others = ["mention", "equation"].iter().any(|name| run.get(name).is_some());
            (is_text && !others).then(|| text(&run["text"]["content"]))?
        }),
        "people" => each(inner, SHOWN_MAX, |person| text(&person["id"])),
        "relation" => each(inner, SHOWN_MAX, |page| {
            page["id"].as_str().and_then(notion::Id::parse).map(|id| id.to_string())
        }),
        _ => plain(kind, inner),
    }
}

/// What a column of this type holds in a new row, if nobody says.
pub(super) fn at_first(kind: &str) -> Values {
    match kind {
        "checkbox" => one("false".to_owned()),
        "date" | "email" | "multi_select" | "number" | "people" | "phone_number" | "relation"
        | "rich_text" | "select" | "title" | "url" => Some(BTreeSet::new()),
        // A status begins with a default, and others are Notion's to fill in.
        _ => None,
    }
}

/// Values that are shown as they are written.
fn plain(kind: &str, inner: &Value) -> Values {
    match kind {
        "checkbox" => one(inner.as_bool()?.to_string()),
        "number" => option(inner, number),
        "url" | "email" | "phone_number" => option(inner, text),
        "date" => match inner {
            Value::Null => Some(BTreeSet::new()),
            date => {
                let start = text(&date["start"])?;
                let end = date.get("end").filter(|end| !end.is_null());
                let end = end.map(|end| text(end).ok_or(())).transpose().ok()?;
                Some([start].into_iter().chain(end).collect())
            }
        },
        // What is computed depends on more than the row, and what is unknown is unknown.
        _ => None,
    }
}

fn one(value: String) -> Values {
    Some(BTreeSet::from([value]))
}

/// Something, or nothing.
fn option(inner: &Value, of: impl Fn(&Value) -> Option<String>) -> Values {
    match inner {
        Value::Null => Some(BTreeSet::new()),
        some => one(of(some)?),
    }
}

/// Each of a list, if it is all there.
fn each(inner: &Value, fewer_than: usize, of: impl Fn(&Value) -> Option<String>) -> Values {
    let all = inner.as_array().filter(|all| all.len() < fewer_than)?;
    all.iter().map(of).collect()
}

/// The pieces of a text as one. What is mentioned is called as it is called elsewhere, so it cannot be read.
fn runs(inner: &Value, of: impl Fn(&Value) -> Option<String>) -> Values {
    let all = inner.as_array().filter(|all| all.len() < SHOWN_MAX)?;
    let text: String = all.iter().map(of).collect::<Option<_>>()?;
    Some(if text.is_empty() { BTreeSet::new() } else { BTreeSet::from([text]) })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn named(option: &Value) -> Option<String> {
    if option.get("id").is_some() { None } else { text(&option["name"]) }
}

/// A number in one way to write it: Notion shows `3` for `3.0`.
fn number(value: &Value) -> Option<String> {
    value.as_number()?.as_f64().map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "00000000-0000-4000-8000-0000000000aa";

    fn is(values: &[&str]) -> Values {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn answers_are_read_type_by_type() {
        let run = |kind: &str, text: &str| json!({"type": kind, "plain_text": text});
        let many = |one: Value| Value::from(vec![one; 25]);
        for (kind, inner, expected) in [
            ("select", json!({"id": "x", "name": "Sales", "color": "red"}), is(&["Sales"])),
            ("select", Value::Null, is(&[])),
            ("status", json!({"name": "Done"}), is(&["Done"])),
            ("multi_select", json!([{"name": "A"}, {"name": "B"}]), is(&["A", "B"])),
            ("checkbox", json!(true), is(&["true"])),
            ("number", json!(3), is(&["3"])),
            ("number", json!(2.50), is(&["2.5"])),
            ("number", Value::Null, is(&[])),
            ("url", json!("https://example.com"), is(&["https://example.com"])),
            ("title", json!([run("text", "a"), run("equation", "b")]), is(&["ab"])),
            ("rich_text", json!([]), is(&[])),
            ("rich_text", json!([run("mention", "a")]), None),
            ("rich_text", many(run("text", "a")), None),
            ("people", json!([{"object": "user", "id": ID}]), is(&[ID])),
            ("people", many(json!({"id": ID})), None),
            ("relation", json!([{"id": ID}]), is(&[ID])),
            ("relation", many(json!({"id": ID})), None),
            ("date", json!({"start": "2026-01-01", "end": null}), is(&["2026-01-01"])),
            ("date", json!({"start": "a", "end": "b"}), is(&["a", "b"])),
            ("date", json!({"start": "a", "end": 1}), None),
            ("unique_id", json!({"prefix": "T", "number": 7}), is(&["T-7"])),
            ("created_by", json!({"id": ID}), is(&[ID])),
            ("formula", json!({"type": "string", "string": "x"}), None),
            ("rollup", json!({}), None),
            ("last_edited_by", json!({"id": ID}), None),
            ("hologram", json!("x"), None),
            ("checkbox", json!("true"), None),
        ] {
            let value = json!({"id": "p", "type": kind, kind: inner});
            assert_eq!(shown(&value), expected, "{value}");
        }
        assert_eq!(shown(&json!({"type": "relation", "relation": [], "has_more": true})), None);
        assert_eq!(shown(&json!({"relation": []})), None);
    }

    #[test]
    fn properties_are_meant_by_name_or_by_id_and_by_one_only() {
        let properties = json!({
            "Team": {"id": "a%3Bb", "type": "select", "select": {"name": "Sales"}},
            "x": {"id": "y", "type": "checkbox", "checkbox": false},
            "Odd": {"id": "x", "type": "checkbox", "checkbox": true},
        });
        let names = ["Team", "a;b", "a%3Bb", "x", "team"];
        let wanted = names.map(str::to_owned).into();
        let row = read(&wanted, properties.as_object().unwrap());
        for called in ["Team", "a;b", "a%3Bb"] {
            assert_eq!(row.values(called), is(&["Sales"]).as_ref(), "{called}");
        }
        let expected = [
            ("Team".to_owned(), is(&["Sales"])),
            ("a;b".to_owned(), is(&["Sales"])),
            ("a%3Bb".to_owned(), is(&["Sales"])),
            ("x".to_owned(), None),
        ];
        assert_eq!(row, expected.into_iter().collect());
    }

    #[test]
    fn requests_are_read_as_notion_would() {
        for (kind, value, expected) in [
            ("select", json!({"select": {"name": "Sales"}}), is(&["Sales"])),
            ("select", json!({"type": "select", "select": null}), is(&[])),
            ("select", json!({"select": {"id": "x", "name": "Sales"}}), None),
            ("select", json!({"multi_select": [{"name": "Sales"}]}), None),
            ("select", Value::Null, None),
            ("multi_select", json!({"multi_select": [{"name": "A"}, {"id": "x"}]}), None),
            ("checkbox", json!({"checkbox": false}), is(&["false"])),
            ("number", json!({"number": 3.0}), is(&["3"])),
            ("title", json!({"title": [{"text": {"content": "a"}}]}), is(&["a"])),
            ("title", json!({"title": [{"text": {"content": "a"}, "mention": {}}]}), None),
            ("rich_text", json!({"rich_text": [{"type": "mention", "mention": {}}]}), None),
            (
                "relation",
                json!({"relation": [{"id": "00000000000040008000000000000000"}]}),
                is(&["00000000-0000-4000-8000-000000000000"]),
            ),
            ("relation", json!({"relation": [{"id": "x"}]}), None),
            ("formula", json!({"formula": {}}), None),
        ] {
            assert_eq!(written(kind, &value), expected, "{kind} {value}");
        }
        assert_eq!((at_first("checkbox"), at_first("status")), (is(&["false"]), None));
    }

    proptest! {
        /// What is written is what is shown afterwards.
        #[test]
        fn writing_and_reading_agree(name in ".{0,20}", number in -1e6_f64..1e6, yes in any::<bool>()) {
            for (kind, inner, answer) in [
                ("select", json!({"name": &name}), json!({"id": "x", "name": &name, "color": "red"})),
                ("number", json!(number), json!(number)),
                ("checkbox", json!(yes), json!(yes)),
                (
                    "rich_text",
                    json!([{"text": {"content": &name}}]),
                    json!([{"type": "text", "plain_text": &name}]),
                ),
            ] {
                let answer = json!({"type": kind, kind: answer});
                prop_assert_eq!(written(kind, &json!({kind: inner})), shown(&answer));
            }
        }
    }
}
