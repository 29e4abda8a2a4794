//! Filters: which rows each finds, and how those are refused that do not fit.

use serde_json::{Value, json};

use crate::bench::{Answer, Bench};

/// Three rows: A and B with values, C without any.
struct Rows<'a> {
    bench: &'a Bench,
    path: String,
    me: String,
    ada: String,
    a: String,
}

async fn rows(bench: &Bench) -> Rows<'_> {
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    bench.control("POST", "clock", json!({"now": "2026-02-11T12:00:00Z"})).await.ok();
    let body = json!({"parent": {"page_id": bench.demo.team_page_id}, "initial_data_source":
    {"properties": {
        "Name": {"title": {}}, "Text": {"rich_text": {}}, "Number": {"number": {}},
        "Check": {"checkbox": {}}, "Select": {"select": {}}, "Status": {"status": {}},
        "Multi": {"multi_select": {}}, "Date": {"date": {}}, "People": {"people": {}},
        "Files": {"files": {}}, "Url": {"url": {}}, "Mail": {"email": {}},
        "Phone": {"phone_number": {}}, "Made": {"created_time": {}}, "Maker": {"created_by": {}},
        "Edited": {"last_edited_time": {}}, "Editor": {"last_edited_by": {}},
        "ID": {"unique_id": {}}, "Checked": {"verification": {}}, "Place": {"place": {}},
        "Twice": {"formula": {"expression": "prop(\"Number\") * 2"}},
        "Odd": {"formula": {"expression": "someDayNotion().knows(this)"}}}}});
    let made = bench.call("POST", "/v1/databases", body).await.ok();
    let source = made.body["data_sources"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/data_sources/{source}");
    let relation = json!({"Next": {"relation": {"data_source_id": source, "single_property": {}}}});
    bench.call("PATCH", &path, json!({"properties": relation})).await.ok();
    let rollup = |property: &str, function: &str| {
        json!({"rollup": {"relation_property_name": "Next", "rollup_property_name": property,
            "function": function}})
    };
    let rollups = json!({"Names": rollup("Name", "show_original"), "Sum": rollup("Number", "sum"),
        "First": rollup("Date", "earliest_date"), "Checks": rollup("Check", "show_original")});
    bench.call("PATCH", &path, json!({"properties": rollups})).await.ok();
    let me = bench.get("/v1/users/me").await.ok().id();
    let users = bench.get("/v1/users").await.ok().body;
    let ada = users["results"][0]["id"].as_str().unwrap().to_owned();
    let row = async |values: Value| {
        let body = json!({"parent": {"data_source_id": source}, "properties": values});
        bench.call("POST", "/v1/pages", body).await.ok().id()
    };
    let text = |text: &str| json!([{"text": {"content": text}}]);
    row(json!({"Name": {"title": text("C")}, "Status": {"status": {"name": "Not started"}}})).await;
    let a = row(json!({
        "Name": {"title": text("A")}, "Text": {"rich_text": text("Red Apple")},
        "Number": {"number": 10}, "Check": {"checkbox": true}, "Select": {"select": {"name": "x"}},
        "Status": {"status": {"name": "Done"}},
        "Multi": {"multi_select": [{"name": "p"}, {"name": "q"}]},
        "Date": {"date": {"start": "2026-02-10", "end": "2026-02-20"}},
        "People": {"people": [{"id": ada}]},
        "Files": {"files": [{"name": "f", "external": {"url": "https://acme.example/f"}}]},
        "Url": {"url": "https://acme.example/a"}, "Mail": {"email": "a@acme.example"},
        "Phone": {"phone_number": "+49 1"},
        "Checked": {"verification": {"state": "verified",
            "date": {"start": "2026-02-01", "end": "2026-02-10"}}},
    }))
    .await;
    row(json!({
        "Name": {"title": text("B")}, "Text": {"rich_text": text("green pear")},
        "Number": {"number": -2.5}, "Select": {"select": {"name": "y"}},
        "Status": {"status": {"name": "In progress"}},
        "Multi": {"multi_select": [{"name": "q"}]},
        "Date": {"date": {"start": "2026-03-05T10:00:00Z"}},
        "People": {"people": [{"id": me}]},
        "Url": {"url": "https://acme.example/b"}, "Mail": {"email": "b@acme.example"},
        "Next": {"relation": [{"id": a}]},
        "Checked": {"verification": {"state": "verified"}},
    }))
    .await;
    Rows { bench, path: format!("{path}/query"), me, ada, a }
}

impl Rows<'_> {
    async fn ask(&self, filter: Value) -> Answer {
        let sorts = json!([{"property": "Name", "direction": "ascending"}]);
        self.bench.call("POST", &self.path, json!({"filter": filter, "sorts": sorts})).await
    }

    /// The names of the rows that pass, in one word.
    async fn find(&self, property: &str, rest: Value) -> String {
        let mut filter = rest;
        filter["property"] = property.into();
        self.ask(filter).await.ok().titles().concat()
    }
}

#[tokio::test]
async fn texts() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    for (operator, operand, expected) in [
        ("equals", "red apple", "A"),
        ("does_not_equal", "Red Apple", "BC"),
        ("contains", "EA", "B"),
        ("contains", "e", "AB"),
        ("does_not_contain", "pear", "AC"),
        ("starts_with", "RED", "A"),
        ("ends_with", "pear", "B"),
    ] {
        let found = rows.find("Text", json!({"rich_text": {operator: operand}})).await;
        assert_eq!(found, expected, "{operator} {operand}");
    }
    for (property, kind) in
        [("Text", "rich_text"), ("Url", "url"), ("Mail", "email"), ("Phone", "phone_number")]
    {
        let empty = rows.find(property, json!({kind: {"is_empty": true}})).await;
        let filled = rows.find(property, json!({kind: {"is_not_empty": true}})).await;
        assert_eq!((empty + &filled).len(), 3, "{property}");
        assert!(filled.starts_with('A'), "{property}");
    }
    assert_eq!(rows.find("Name", json!({"title": {"equals": "b"}})).await, "B");
    assert_eq!(rows.find("title", json!({"title": {"equals": "b"}})).await, "B");
    assert_eq!(rows.find("Url", json!({"url": {"ends_with": "/a"}})).await, "A");
    assert_eq!(rows.find("Mail", json!({"email": {"starts_with": "b@"}})).await, "B");
    assert_eq!(rows.find("Phone", json!({"phone_number": {"contains": "49"}})).await, "A");
}

#[tokio::test]
async fn numbers_and_checkboxes() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    for (operator, operand, expected) in [
        ("equals", json!(10), "A"),
        ("does_not_equal", json!(10), "BC"),
        ("greater_than", json!(-2.5), "A"),
        ("greater_than_or_equal_to", json!(-2.5), "AB"),
        ("less_than", json!(10), "B"),
        ("less_than_or_equal_to", json!(10.0), "AB"),
        ("is_empty", json!(true), "C"),
        ("is_not_empty", json!(true), "AB"),
    ] {
        let found = rows.find("Number", json!({"number": {operator: operand}})).await;
        assert_eq!(found, expected, "{operator}");
    }
    assert_eq!(rows.find("ID", json!({"unique_id": {"equals": 2}})).await, "A");
    assert_eq!(rows.find("ID", json!({"unique_id": {"does_not_equal": 2}})).await, "BC");
    assert_eq!(rows.find("ID", json!({"unique_id": {"less_than_or_equal_to": 2}})).await, "AC");
    assert_eq!(rows.find("Check", json!({"checkbox": {"equals": true}})).await, "A");
    assert_eq!(rows.find("Check", json!({"checkbox": {"does_not_equal": true}})).await, "BC");
    assert_eq!(rows.find("Twice", json!({"formula": {"number": {"equals": 20}}})).await, "A");
    assert_eq!(rows.find("Twice", json!({"formula": {"number": {"less_than": 0}}})).await, "B");
}

#[tokio::test]
async fn choices_take_one_name_or_several() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    for (operator, operand, expected) in [
        ("equals", json!("x"), "A"),
        ("equals", json!(["x", "y"]), "AB"),
        ("does_not_equal", json!("x"), "BC"),
        ("does_not_equal", json!(["x", "y"]), "C"),
        ("equals", json!("nobody"), ""),
        ("is_empty", json!(true), "C"),
        ("is_not_empty", json!(true), "AB"),
    ] {
        let found = rows.find("Select", json!({"select": {operator: operand}})).await;
        assert_eq!(found, expected, "{operator} {operand}");
    }
    for (operator, operand, expected) in [
        ("equals", json!("Done"), "A"),
        ("equals", json!(["Done", "Not started"]), "AC"),
        ("does_not_equal", json!(["Done", "In progress"]), "C"),
        ("is_empty", json!(true), ""),
    ] {
        let found = rows.find("Status", json!({"status": {operator: operand}})).await;
        assert_eq!(found, expected, "{operator} {operand}");
    }
    for (operator, operand, expected) in [
        ("contains", json!("q"), "AB"),
        ("contains", json!(["p", "zzz"]), "A"),
        ("does_not_contain", json!("p"), "BC"),
        ("does_not_contain", json!(["p", "q"]), "C"),
        ("is_empty", json!(true), "C"),
        ("is_not_empty", json!(true), "AB"),
    ] {
        let found = rows.find("Multi", json!({"multi_select": {operator: operand}})).await;
        assert_eq!(found, expected, "{operator} {operand}");
    }
}

#[tokio::test]
async fn dates_fixed_and_relative() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    // Now is 2026-02-11, noon. A is on 2026-02-10 (to 02-20), B on 2026-03-05.
    for (operator, operand, expected) in [
        ("equals", json!("2026-02-10"), "A"),
        ("equals", json!("2026-03-05"), "B"),
        ("equals", json!("2026-03-05T10:00:00+00:00"), "B"),
        ("equals", json!("yesterday"), "A"),
        ("before", json!("2026-03-05"), "A"),
        ("before", json!("today"), "A"),
        ("after", json!("2026-02-10"), "B"),
        ("after", json!("one_week_ago"), "AB"),
        ("after", json!("tomorrow"), "B"),
        ("on_or_before", json!("2026-02-10"), "A"),
        ("on_or_after", json!("2026-02-10"), "AB"),
        ("before", json!("one_month_from_now"), "AB"),
        ("before", json!("one_month_ago"), ""),
        ("on_or_after", json!("one_week_from_now"), "B"),
        ("this_week", json!({}), "A"),
        ("past_week", json!({}), "A"),
        ("past_month", json!({}), "A"),
        ("past_year", json!({}), "A"),
        ("next_week", json!({}), ""),
        ("next_month", json!({}), "B"),
        ("next_year", json!({}), "B"),
        ("is_empty", json!(true), "C"),
        ("is_not_empty", json!(true), "AB"),
    ] {
        let found = rows.find("Date", json!({"date": {operator: operand}})).await;
        assert_eq!(found, expected, "{operator} {operand}");
    }
    for (property, kind) in [("Made", "created_time"), ("Edited", "last_edited_time")] {
        let today = rows.find(property, json!({kind: {"equals": "today"}})).await;
        assert_eq!(today, "ABC");
        let filter = json!({"timestamp": kind, kind: {"before": "2026-02-11"}});
        assert!(rows.ask(filter).await.ok().titles().is_empty());
        let filter = json!({"timestamp": kind, kind: {"on_or_after": "2026-02-11T12:00:00Z"}});
        assert_eq!(rows.ask(filter).await.ok().titles().len(), 3);
    }
}

#[tokio::test]
async fn people_pages_and_files() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    for (filter, expected) in [
        (json!({"people": {"contains": "me"}}), "B"),
        (json!({"people": {"contains": rows.me}}), "B"),
        (json!({"people": {"contains": rows.ada}}), "A"),
        (json!({"people": {"does_not_contain": rows.ada}}), "BC"),
        (json!({"people": {"is_empty": true}}), "C"),
        (json!({"people": {"is_not_empty": true}}), "AB"),
    ] {
        assert_eq!(rows.find("People", filter.clone()).await, expected, "{filter}");
    }
    for (property, kind) in [("Maker", "created_by"), ("Editor", "last_edited_by")] {
        assert_eq!(rows.find(property, json!({kind: {"contains": "me"}})).await, "ABC");
        assert_eq!(rows.find(property, json!({kind: {"contains": rows.ada}})).await, "");
    }
    for (filter, expected) in [
        (json!({"relation": {"contains": rows.a}}), "B"),
        (json!({"relation": {"does_not_contain": rows.a}}), "AC"),
        (json!({"relation": {"is_empty": true}}), "AC"),
        (json!({"relation": {"is_not_empty": true}}), "B"),
    ] {
        assert_eq!(rows.find("Next", filter.clone()).await, expected, "{filter}");
    }
    assert_eq!(rows.find("Files", json!({"files": {"is_not_empty": true}})).await, "A");
    assert_eq!(rows.find("Files", json!({"files": {"is_empty": true}})).await, "BC");
}

#[tokio::test]
async fn rollups_and_verifications() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    for (property, filter, expected) in [
        ("Names", json!({"any": {"rich_text": {"equals": "A"}}}), "B"),
        ("Names", json!({"every": {"rich_text": {"contains": "a"}}}), "B"),
        ("Names", json!({"none": {"rich_text": {"equals": "A"}}}), "AC"),
        ("Checks", json!({"any": {"checkbox": {"equals": true}}}), "B"),
        ("Sum", json!({"number": {"equals": 10}}), "B"),
        ("Sum", json!({"number": {"less_than": 1}}), "AC"),
        ("First", json!({"date": {"equals": "2026-02-10"}}), "B"),
        ("First", json!({"date": {"is_empty": true}}), "AC"),
    ] {
        let found = rows.find(property, json!({"rollup": filter})).await;
        assert_eq!(found, expected, "{property} {filter}");
    }
    // A's verification ended on the day before.
    for (filter, expected) in [
        (json!({"status": "verified"}), "B"),
        (json!({"status": "expired"}), "A"),
        (json!({"status": "none"}), "C"),
        (json!({"does_not_equal": "none"}), "AB"),
    ] {
        let found = rows.find("Checked", json!({"verification": filter})).await;
        assert_eq!(found, expected, "{filter}");
    }
    let shown = bench.get(&format!("/v1/pages/{}", rows.a)).await.ok();
    assert_eq!(shown.body["properties"]["Checked"]["verification"]["state"], "expired");
}

#[tokio::test]
async fn compounds() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    let is = |name: &str| json!({"property": "Name", "title": {"equals": name}});
    for (filter, expected) in [
        (json!({"or": [is("A"), is("C")]}), "AC"),
        (json!({"and": [is("A"), is("C")]}), ""),
        (json!({"or": [is("B"), {"and": [is("A"), is("A")]}]}), "AB"),
        (json!({"and": [{"or": [is("A"), is("B")]}, {"or": [is("B"), is("C")]}]}), "B"),
    ] {
        assert_eq!(rows.ask(filter.clone()).await.ok().titles().concat(), expected, "{filter}");
    }
    let deep = json!({"and": [{"or": [{"and": [is("A")]}]}]});
    let answer = rows.ask(deep).await;
    assert_eq!(answer.status, 400);
    let start = "body failed validation: body.filter.and[0].or[0].and should be not present";
    assert!(answer.message().starts_with(start), "{}", answer.message());
    let many: Vec<Value> = (0..101).map(|_| is("A")).collect();
    // O: the grammar of lengths
    assert_eq!(
        rows.ask(json!({"or": many})).await.message(),
        "body failed validation: body.filter.or.length should be ≤ `100`, instead was `101`."
    );
}

#[tokio::test]
async fn filters_must_fit_their_property() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    // O
    for (property, kind, filter) in [
        ("Number", "number", json!({"checkbox": {"equals": true}})),
        ("Select", "select", json!({"status": {"equals": "x"}})),
        ("Multi", "multi_select", json!({"select": {"equals": "p"}})),
        ("Date", "date", json!({"created_time": {"before": "2026-01-01"}})),
        ("Text", "rich_text", json!({"number": {"equals": 1}})),
        ("People", "people", json!({"relation": {"is_empty": true}})),
        ("Sum", "rollup", json!({"number": {"equals": 1}})),
        ("Twice", "formula", json!({"number": {"equals": 1}})),
        ("Place", "place", json!({"rich_text": {"is_empty": true}})),
        ("Checked", "verification", json!({"status": {"equals": "verified"}})),
        ("ID", "unique_id", json!({"number": {"equals": 1}})),
    ] {
        let given = filter.as_object().unwrap().keys().next().unwrap().clone();
        let mut filter = filter;
        filter["property"] = property.into();
        let said = format!(
            "The property type in the database does not match the property type of the filter \
             provided: database property {kind} does not match filter {given}"
        );
        assert_eq!(rows.ask(filter).await.message(), said);
    }
    for (filter, said) in [
        (
            json!({"property": "Nope", "number": {"equals": 1}}),
            "Could not find property with name or id: Nope",
        ),
        (
            json!({"property": "Odd", "formula": {"string": {"equals": "x"}}}),
            "Unable to filter based on a formula of unknown type",
        ),
        (
            json!({"property": "Number", "number": {"equals": "1"}}),
            "body failed validation: body.filter.number.equals should be a number, instead was \
             `\"1\"`.",
        ),
        (
            json!({"property": "Text", "rich_text": {"is_empty": false}}),
            "body failed validation: body.filter.rich_text.is_empty should be `true`, instead was \
             `false`.",
        ),
        (
            json!({"property": "People", "people": {"contains": "you"}}),
            "body failed validation: body.filter.people.contains should be a valid uuid, instead \
             was `\"you\"`.",
        ),
        (
            json!({"property": "Date", "date": {"before": "someday"}}),
            "body failed validation: body.filter.date.before should be a valid ISO 8601 date \
             string, instead was `\"someday\"`.",
        ),
        (
            json!({"property": "Date", "date": {"this_week": true}}),
            "body failed validation: body.filter.date.this_week should be an object, instead was \
             `true`.",
        ),
        (
            json!({"property": "Checked", "verification": {"status": "maybe"}}),
            "body failed validation: body.filter.verification.status should be `\"verified\"`, \
             `\"expired\"`, or `\"none\"`, instead was `\"maybe\"`.",
        ),
        (
            json!({"timestamp": "moon", "moon": {}}),
            "body failed validation: body.filter.timestamp should be `\"created_time\"` or \
             `\"last_edited_time\"`, instead was `\"moon\"`.",
        ),
        (json!([]), "body failed validation: body.filter should be an object, instead was `[]`."),
    ] {
        let answer = rows.ask(filter).await;
        assert_eq!((answer.status, answer.message()), (400, said));
    }
    let sorts = json!({"sorts": [{"property": "Nope", "direction": "ascending"}]});
    let answer = bench.call("POST", &rows.path, sorts).await;
    // O
    assert_eq!(answer.message(), "Could not find sort property with name or id: Nope");
}

#[tokio::test]
async fn answers_can_be_cut_to_properties() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    let whole = bench.call("POST", &rows.path, json!({})).await.ok().body;
    let values = &whole["results"][0]["properties"];
    let id = values["Number"]["id"].as_str().unwrap();
    for query in [
        "filter_properties=Text&filter_properties=title".to_owned(),
        "filter_properties[]=Text&filter_properties[]=Name".to_owned(),
        format!("filter_properties=title&filter_properties={id}"),
        format!("filter_properties=title&filter_properties={}", id.replace('%', "%25")),
    ] {
        let answer = bench.call("POST", &format!("{}?{query}", rows.path), json!({})).await.ok();
        for row in answer.body["results"].as_array().unwrap() {
            assert_eq!(row["properties"].as_object().unwrap().len(), 2, "{query}");
            assert!(row["properties"]["Name"].is_object());
        }
    }
    let body = json!({"filter_properties": ["Text"]});
    // O
    assert_eq!(
        bench.call("POST", &rows.path, body).await.message(),
        "body failed validation: body.filter_properties should be not present, instead was \
         `[\"Text\"]`."
    );
}

#[tokio::test]
async fn archived_and_trashed_rows_are_apart() {
    let bench = Bench::new();
    let rows = rows(&bench).await;
    let ask = async |body: Value| bench.call("POST", &rows.path, body).await.ok().titles().concat();
    let page = format!("/v1/pages/{}", rows.a);
    bench.call("PATCH", &page, json!({"is_archived": true})).await.ok();
    assert_eq!(
        (ask(json!({})).await, ask(json!({"is_archived": true})).await),
        ("BC".into(), "A".into())
    );
    bench.call("PATCH", &page, json!({"is_archived": false, "in_trash": true})).await.ok();
    assert_eq!(
        (ask(json!({})).await, ask(json!({"is_archived": true})).await),
        ("BC".into(), String::new())
    );
    assert_eq!(ask(json!({"in_trash": true})).await, "A");
}

#[tokio::test]
async fn a_query_ends_after_10000_rows() {
    let bench = Bench::new();
    let mut state = bench.control("GET", "state", Value::Null).await.ok().body;
    let source = bench.demo.data_source_id.to_string();
    let nodes = &state["nodes"];
    let rows = nodes[&source]["children"].as_array().unwrap().clone();
    let pattern = nodes[rows[0].as_str().unwrap()].clone();
    for index in 0..10_001 {
        let id = format!("00000000-0000-4000-8000-{index:012}");
        let mut row = pattern.clone();
        row["id"] = id.clone().into();
        row["children"] = json!([]);
        state["nodes"][&id] = row;
        state["nodes"][&source]["children"].as_array_mut().unwrap().push(id.into());
    }
    bench.control("PUT", "state", state).await.ok();
    let incomplete =
        json!({"type": "incomplete", "incomplete_reason": "query_result_limit_reached"});
    let mut cursor = Value::Null;
    let mut count = 0;
    loop {
        let mut body = json!({"page_size": 100});
        if !cursor.is_null() {
            body["start_cursor"] = cursor;
        }
        let page = bench.query(body).await.ok();
        // D: on every page of such a result
        assert_eq!(page.body["request_status"], incomplete);
        count += page.titles().len();
        cursor = page.body["next_cursor"].clone();
        assert_eq!(page.body["has_more"], !cursor.is_null());
        if cursor.is_null() {
            break;
        }
        // Enough is seen in the middle.
        if count == 300 {
            break;
        }
    }
    let list = bench.get(&format!("/v1/views?data_source_id={source}")).await.ok();
    let view = list.body["results"][0]["id"].as_str().unwrap().to_owned();
    let asked = bench.call("POST", &format!("/v1/views/{view}/queries"), json!({})).await.ok();
    assert_eq!(asked.body["total_count"], 10_000);
    assert_eq!(asked.body["request_status"], incomplete);
}
