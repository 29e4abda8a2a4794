use serde_json::{Value, json};

use super::*;

fn schema() -> Schema {
    Schema::read(&json!({"properties": {
        "Task": {"id": "title", "type": "title", "title": {}},
        "Status": {"id": "a", "type": "status", "status": {"options": [{"name": "Done"}, {"name": "In progress"}]}},
        "Status date": {"id": "b", "type": "date", "date": {}},
        "Due": {"id": "c", "type": "date", "date": {}},
        "Tags": {"id": "d", "type": "multi_select", "multi_select": {"options": [{"name": "bug"}]}},
        "Estimate": {"id": "e", "type": "number", "number": {}},
        "Reviewed": {"id": "f", "type": "checkbox", "checkbox": {}},
        "Owner": {"id": "g", "type": "people", "people": {}},
        "Effort": {"id": "h", "type": "formula", "formula": {"expression": ""}},
        "ID": {"id": "i", "type": "unique_id", "unique_id": {"prefix": "ENG"}},
    }}))
}

fn made(text: &str) -> Result<Value, String> {
    let schema = schema();
    let known = |_: &str, name: &str| (name == "Ada").then(|| "id of Ada".to_owned());
    let expr = parse(text, &schema).map_err(|fault| fault.text)?;
    to_notion(&expr, &schema, &known).map_err(|fault| fault.text)
}

#[test]
fn what_is_written_is_what_notion_takes() {
    let cases = [
        ("Status = Done", json!({"property": "Status", "status": {"equals": "Done"}})),
        (
            "status is in progress",
            json!({"property": "Status", "status": {"equals": "In progress"}}),
        ),
        ("Status != 'Done'", json!({"property": "Status", "status": {"does_not_equal": "Done"}})),
        (
            "Status date >= 2026-01-01",
            json!({"property": "Status date", "date": {"on_or_after": "2026-01-01"}}),
        ),
        ("Due < today", json!({"property": "Due", "date": {"before": "today"}})),
        ("Due is past_week", json!({"property": "Due", "date": {"past_week": {}}})),
        ("Due = next week", json!({"property": "Due", "date": {"next_week": {}}})),
        ("Due this_week", json!({"property": "Due", "date": {"this_week": {}}})),
        (
            "not Tags contains bug",
            json!({"property": "Tags", "multi_select": {"does_not_contain": "bug"}}),
        ),
        (
            "not (Due is empty or Estimate < 3)",
            json!({"and": [
                {"property": "Due", "date": {"is_not_empty": true}},
                {"property": "Estimate", "number": {"greater_than_or_equal_to": 3}},
            ]}),
        ),
        ("Due is empty", json!({"property": "Due", "date": {"is_empty": true}})),
        ("Due is not empty", json!({"property": "Due", "date": {"is_not_empty": true}})),
        ("Tags contains bug", json!({"property": "Tags", "multi_select": {"contains": "bug"}})),
        (
            "Tags does not contain Bug",
            json!({"property": "Tags", "multi_select": {"does_not_contain": "bug"}}),
        ),
        (
            "Estimate>=2.5",
            json!({"property": "Estimate", "number": {"greater_than_or_equal_to": 2.5}}),
        ),
        ("Reviewed = yes", json!({"property": "Reviewed", "checkbox": {"equals": true}})),
        ("Reviewed != true", json!({"property": "Reviewed", "checkbox": {"equals": false}})),
        ("Owner = me", json!({"property": "Owner", "people": {"contains": "me"}})),
        ("Owner contains Ada", json!({"property": "Owner", "people": {"contains": "id of Ada"}})),
        (
            "title starts with \"A and B\"",
            json!({"property": "Task", "title": {"starts_with": "A and B"}}),
        ),
        (
            "Effort = large",
            json!({"property": "Effort", "formula": {"string": {"equals": "large"}}}),
        ),
        ("ID = ENG-7", json!({"property": "ID", "unique_id": {"equals": 7}})),
        (
            "last_edited_time > 2026-01-01",
            json!({"timestamp": "last_edited_time", "last_edited_time": {"after": "2026-01-01"}}),
        ),
        ("Task = 'it''s'", json!({"property": "Task", "title": {"equals": "it's"}})),
    ];
    for (text, expected) in cases {
        assert_eq!(made(text), Ok(expected), "{text}");
    }
}

#[test]
fn groups_nest_two_deep() {
    let done = json!({"property": "Status", "status": {"equals": "Done"}});
    let due = json!({"property": "Due", "date": {"before": "today"}});
    let bug = json!({"property": "Tags", "multi_select": {"contains": "bug"}});
    assert_eq!(
        made("Status = Done and (Due < today OR Tags contains bug)"),
        Ok(json!({"and": [done, {"or": [due, bug]}]}))
    );
    assert_eq!(
        made("Status = Done and (Due < today and (Tags contains bug))"),
        Ok(json!({"and": [done, due, bug]})),
        "groups of the same sort are one"
    );
    let deep =
        "Status = Done or (Due < today and (Tags contains bug or (Estimate > 1 and Due is empty)))";
    assert!(made(deep).unwrap_err().contains("two deep"));
    assert_eq!(
        made("Status is in (Done, In progress)").unwrap()["or"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    for (text, expected) in [
        ("Stat = Done", "Columns: Task (title), Status (status)"),
        ("Status = Finished", "Options: Done | In progress"),
        ("Status", "expected a comparison"),
        ("Status =", "expected a value"),
        ("(Status = Done", "expected `)`"),
        ("Status = Done Due < today", "has no option"),
        ("Status < Done", "=, !=, is empty"),
        ("Due = soon", "a date as 2026-11-21"),
        ("Estimate = many", "a number"),
        ("Task = \"open", "closing quote"),
        ("", "names no column"),
        ("not Task starts with A", "has an opposite"),
    ] {
        let fault = made(text).unwrap_err();
        assert!(fault.contains(expected), "{text}: {fault}");
    }
    assert!(made(&"(".repeat(3_000)).is_err());
}

#[test]
fn sorts_are_read() {
    let schema = schema();
    let read = |text: &str| sort(text, &schema).map_err(|fault| fault.text);
    assert_eq!(read("Due desc"), Ok(json!({"property": "Due", "direction": "descending"})));
    assert_eq!(
        read("-Status date"),
        Ok(json!({"property": "Status date", "direction": "descending"}))
    );
    assert_eq!(read("task"), Ok(json!({"property": "Task", "direction": "ascending"})));
    assert_eq!(
        read("last_edited_time desc"),
        Ok(json!({"timestamp": "last_edited_time", "direction": "descending"}))
    );
    assert!(read("Nothing").is_err());
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,120}") {
        let _ = made(&text);
    }

    #[test]
    fn never_panics_on_what_is_almost_right(
        text in "(Status|Due|Tags|title|\\(|\\)| and | or |=|<| is |empty|Done|today|'|\"|in \\(|,| ){0,20}"
    ) {
        let _ = made(&text);
    }
}
