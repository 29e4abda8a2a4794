//! Values go to Notion and come back as they were; the list of tools stays small.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::flat_in::{Planned, plan};
use super::flat_out;
use super::schema::{Column, Schema};

fn column(kind: &str) -> Column {
    let options = vec!["Red".to_owned(), "Dark blue".to_owned()];
    Column { name: "C".into(), id: "c".into(), kind: kind.into(), options, ..Column::default() }
}

/// What Notion answers after it took a value.
fn answered(kind: &str, taken: &Value) -> Value {
    let mut value = taken.clone();
    value["type"] = json!(kind);
    if let Some(runs) = value[kind].as_array_mut().filter(|_| matches!(kind, "title" | "rich_text"))
    {
        for run in runs {
            run["plain_text"] = run["text"]["content"].clone();
        }
    }
    value
}

fn there_and_back(kind: &str, flat: &Value) -> Value {
    match plan(&column(kind), flat).unwrap() {
        Planned::Ready(taken) => flat_out::one(&answered(kind, &taken)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_type_takes_its_flat_value_and_gives_it_back() {
    for (kind, flat) in [
        ("title", json!("A, \"b\"\nc")),
        ("rich_text", json!("x".repeat(5_000))),
        ("number", json!(12.5)),
        ("checkbox", json!(true)),
        ("select", json!("Red")),
        ("status", json!("Dark blue")),
        ("multi_select", json!(["Red", "Dark blue"])),
        ("date", json!("2026-11-21")),
        ("date", json!("2026-11-21T09:00:00+01:00/2026-11-23T09:00:00+01:00")),
        ("date", json!("2026-11-21T09:00:00 Europe/Berlin")),
        ("date", json!("2026-11-21T09:00:00/2026-11-21T10:00:00 America/Argentina/Buenos_Aires")),
        ("url", json!("https://example.com")),
        ("email", json!("ada@example.com")),
        ("phone_number", json!("+1 555")),
        ("files", json!(["https://example.com/a.pdf?x=1"])),
        ("verification", json!("verified")),
    ] {
        assert_eq!(there_and_back(kind, &flat), flat, "{kind}");
    }
    for kind in ["title", "rich_text", "number", "select", "multi_select", "date", "url", "files"] {
        assert_eq!(there_and_back(kind, &Value::Null), Value::Null, "{kind}");
    }
}

#[test]
fn near_misses_are_put_right_or_refused_with_what_would_be() {
    for (kind, flat, expected) in [
        ("select", json!("dark BLUE"), json!("Dark blue")),
        ("number", json!("12.5"), json!(12.5)),
        ("checkbox", json!("yes"), json!(true)),
        ("multi_select", json!("Red"), json!(["Red"])),
        ("rich_text", json!(5), json!("5")),
        ("date", json!("2026-11-21 to 2026-11-23"), json!("2026-11-21/2026-11-23")),
    ] {
        assert_eq!(there_and_back(kind, &flat), expected, "{kind}");
    }
    for (kind, flat, told) in [
        ("select", json!("Green"), "Options: Red | Dark blue"),
        ("number", json!("many"), "takes a number"),
        ("checkbox", json!("perhaps"), "true or false"),
        ("date", json!("tomorrow"), "2026-11-21/2026-11-23"),
        ("date", json!(["2026-11-21"]), "takes a date"),
        ("multi_select", json!([1]), "a list of texts"),
        ("formula", json!(1), "Notion computes it"),
        ("files", json!(["/etc/passwd"]), "upload_file"),
        ("rich_text", json!("x".repeat(200_001)), "put it on the page"),
    ] {
        let fault = plan(&column(kind), &flat).unwrap_err().text;
        assert!(fault.contains(told), "{kind}: {fault}");
    }
    let own = json!({"name": "New"});
    assert_eq!(plan(&column("select"), &own).unwrap(), Planned::Ready(json!({"select": own})));
    let whole = json!({"date": {"start": "2026-11-21"}});
    assert_eq!(plan(&column("date"), &whole).unwrap(), Planned::Ready(whole));
}

#[test]
fn what_notion_computes_is_flat_too() {
    for (property, expected) in [
        (json!({"type": "formula", "formula": {"type": "string", "string": "x"}}), json!("x")),
        (
            json!({"type": "formula", "formula": {"type": "date", "date": {"start": "2026-01-01", "end": null}}}),
            json!("2026-01-01"),
        ),
        (
            json!({"type": "rollup", "rollup": {"type": "number", "number": 3, "function": "sum"}}),
            json!(3),
        ),
        (
            json!({"type": "rollup", "rollup": {"type": "array", "array": [{"type": "number", "number": 1}]}}),
            json!([1]),
        ),
        (json!({"type": "unique_id", "unique_id": {"prefix": "ENG", "number": 7}}), json!("ENG-7")),
        (json!({"type": "people", "people": [{"id": "x", "name": "Ada"}]}), json!(["Ada"])),
        (
            json!({"type": "files", "files": [{"name": "a", "type": "file", "file": {"url": "https://x/a?sig=1"}}]}),
            json!(["https://x/a"]),
        ),
        (json!({"type": "something_new", "something_new": 1}), json!(1)),
        (json!({"type": "button", "button": {}}), Value::Null),
        (json!("no object"), Value::Null),
    ] {
        assert_eq!(flat_out::one(&property), expected, "{property}");
    }
}

#[test]
fn columns_are_found_or_listed() {
    let schema = Schema::read(&json!({"properties": {
        "Task": {"id": "title", "type": "title", "title": {}},
        "Due ": {"id": "a%3B", "type": "date", "date": {}},
        "due": {"id": "b", "type": "number", "number": {}},
    }}));
    assert_eq!(schema.find("due").unwrap().kind, "number");
    assert_eq!(schema.find("a%3B").unwrap().kind, "date");
    assert_eq!(schema.find("TASK").unwrap().kind, "title");
    assert_eq!(schema.find("Title").unwrap().name, "Task");
    assert!(schema.find("DUE").unwrap_err().text.contains("Several"));
    assert!(schema.find("x").unwrap_err().text.contains("Task (title), Due  (date)"));
    let last = Schema::read(&json!({"properties": {
        "A": {"id": "a", "type": "date"}, "Z": {"id": "title", "type": "title"},
    }}));
    assert_eq!(last.columns[0].name, "Z", "the title comes first");
}

#[test]
fn the_list_is_small_and_sound() {
    let tools = super::tools();
    let names: Vec<_> = tools.iter().map(|tool| tool.name).collect();
    assert_eq!(
        names,
        [
            "search",
            "fetch",
            "query",
            "create_pages",
            "update_page",
            "move_pages",
            "comments",
            "add_comment",
            "upload_file",
            "list_users",
            "self"
        ]
    );
    for tool in &tools {
        assert!(tool.operations.iter().all(|name| notion::Operation::named(name).is_some()));
        let required = tool.input["required"].as_array().into_iter().flatten();
        for name in required {
            assert!(
                tool.input["properties"].get(name.as_str().unwrap()).is_some(),
                "{}",
                tool.name
            );
        }
    }
    let listed: Vec<_> = tools.iter().map(super::Tool::listed).collect();
    let text = serde_json::to_string(&listed).unwrap();
    // By our own count, which is a little high; the exact one is measured by the bench.
    let tokens = super::tokens::estimate(&text);
    assert!(tokens < 3_000, "{tokens} tokens: {text}");
}

proptest! {
    #[test]
    fn texts_and_numbers_survive(text in "\\PC{1,80}", number in -1e9_f64..1e9) {
        prop_assert_eq!(there_and_back("rich_text", &json!(text)), json!(text));
        prop_assert_eq!(there_and_back("number", &json!(number)), json!(number));
    }

    #[test]
    fn no_value_makes_a_panic(
        kind in "(title|number|select|multi_select|date|people|relation|files|checkbox|place|x)",
        text in "\\PC{0,40}",
    ) {
        let _ = plan(&column(&kind), &json!(text));
        let _ = plan(&column(&kind), &json!([text]));
        let _ = flat_out::one(&json!({"type": kind, &kind: text}));
    }
}
