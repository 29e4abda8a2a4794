//! Databases, data sources, schemas and queries.

use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};

#[tokio::test]
async fn filters_select_rows() {
    let bench = Bench::new();
    let property = |name: &str, rest: Value| {
        let mut filter = rest;
        filter["property"] = name.into();
        filter
    };
    let cases = [
        (property("Status", json!({"status": {"equals": "Blocked"}})), 2),
        (property("Status", json!({"status": {"equals": ["Blocked", "In review"]}})), 4),
        (property("Priority", json!({"select": {"does_not_equal": "High"}})), 16),
        (property("Tags", json!({"multi_select": {"contains": "security"}})), 4),
        (property("Tags", json!({"multi_select": {"is_empty": true}})), 1),
        (property("Estimate", json!({"number": {"greater_than_or_equal_to": 8}})), 3),
        (property("Estimate", json!({"number": {"is_empty": true}})), 1),
        (property("Due", json!({"date": {"before": "2026-01-31"}})), 4),
        (property("Due", json!({"date": {"is_empty": true}})), 5),
        (property("Reviewed", json!({"checkbox": {"equals": true}})), 5),
        (property("Task", json!({"rich_text": {"contains": "THE"}})), 17),
        (property("ID", json!({"unique_id": {"less_than": 4}})), 3),
        (property("Effort", json!({"formula": {"string": {"equals": "large"}}})), 9),
        (property("Blocked by", json!({"relation": {"is_not_empty": true}})), 4),
        (property("Pull request", json!({"url": {"is_not_empty": true}})), 1),
        (property("Attachments", json!({"files": {"is_not_empty": true}})), 1),
        (property("Checked", json!({"verification": {"status": "verified"}})), 1),
        (json!({"timestamp": "created_time", "created_time": {"after": "2000-01-01"}}), 25),
        (
            json!({"or": [
                {"and": [{"property": "Reviewed", "checkbox": {"equals": false}},
                    {"property": "Priority", "select": {"equals": "High"}}]},
                {"property": "Task", "title": {"starts_with": "Dark"}},
            ]}),
            8,
        ),
    ];
    for (filter, count) in cases {
        let answer = bench.query(json!({"filter": filter})).await.ok();
        assert_eq!(answer.titles().len(), count, "{filter} gave {:?}", answer.titles());
    }
}

#[tokio::test]
async fn relative_dates_follow_the_worlds_clock() {
    let bench = Bench::new();
    let week = json!({"filter": {"property": "Due", "date": {"next_week": {}}}});
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    bench.control("POST", "clock", json!({"now": "2026-02-01T12:00:00Z"})).await.ok();
    assert_eq!(bench.query(week.clone()).await.ok().titles().len(), 3);
    bench.control("POST", "clock", json!({"advance_ms": 365 * 86_400_000_i64})).await.ok();
    assert_eq!(bench.query(week).await.ok().titles().len(), 0);
}

#[tokio::test]
async fn sorts_take_turns_and_cursors_walk_on() {
    let bench = Bench::new();
    let sorts = json!([
        {"property": "Priority", "direction": "ascending"},
        {"property": "Estimate", "direction": "descending"},
        {"property": "Task", "direction": "ascending"},
    ]);
    let whole = bench.query(json!({"sorts": sorts})).await.ok().titles();
    assert_eq!(whole[0], "Rate limits for the public API");
    assert_eq!(whole[1], "Upgrade the database to 17");
    let mut walked = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut body = json!({"sorts": sorts, "page_size": 7});
        if !cursor.is_null() {
            body["start_cursor"] = cursor.clone();
        }
        let page = bench.query(body).await.ok();
        walked.extend(page.titles());
        cursor = page.body["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
        // R: opaque, 75 characters, beginning with `s:`.
        let text = cursor.as_str().unwrap();
        assert!(text.starts_with("s:") && text.len() == 75, "{text}");
        // A cursor of one question is of no use for another.
        let other = bench.query(json!({"start_cursor": cursor})).await;
        assert_eq!(other.status, 400);
    }
    assert_eq!(walked, whole);
}

#[tokio::test]
async fn databases_have_the_shape_of_their_version() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let path = format!("/v1/databases/{}", demo.database_id);
    for (version, keys) in [
        (
            OLD,
            "object id cover icon created_time created_by last_edited_by last_edited_time title \
             description is_inline properties parent url public_url archived in_trash request_id",
        ),
        (
            MID,
            "object id title description parent is_inline in_trash is_locked created_time \
             last_edited_time data_sources icon cover url public_url archived request_id",
        ),
        (
            NEW,
            "object id title description parent is_inline in_trash is_locked created_time \
             last_edited_time data_sources icon cover url public_url request_id",
        ),
    ] {
        let answer = bench.with(&demo.tokens.full, version, "GET", &path, &Value::Null).await.ok();
        assert_eq!(answer.keys().join(" "), keys, "{version}");
    }
    let path = format!("{path}/query");
    let old = bench.with(&demo.tokens.full, OLD, "POST", &path, &json!({})).await.ok();
    assert_eq!(old.body["type"], "page_or_database");
}

#[tokio::test]
async fn old_versions_refuse_databases_of_several_tables() {
    let bench = Bench::new();
    let ledger =
        bench.call("POST", "/v1/search", json!({"query": "Suppliers"})).await.ok().body["results"]
            [0]["parent"]["database_id"]
            .clone();
    let path = format!("/v1/databases/{}", ledger.as_str().unwrap());
    let answer = bench.with(&bench.demo.tokens.full, OLD, "GET", &path, &Value::Null).await;
    // D and O
    assert_eq!(
        answer.message(),
        "Databases with multiple data sources are not supported in this API version."
    );
    let data = &answer.body["additional_data"];
    assert_eq!(data["error_type"], "multiple_data_sources_for_database");
    assert_eq!(data["child_data_source_ids"].as_array().unwrap().len(), 2);
    assert_eq!(data["minimum_api_version"], "2025-09-03");
}

#[tokio::test]
async fn schemas_are_made_and_patched() {
    let bench = Bench::new();
    let body = json!({
        "parent": {"page_id": bench.demo.team_page_id},
        "title": [{"text": {"content": "Books"}}],
        "initial_data_source": {"properties": {
            "Title": {"title": {}},
            "Genre": {"select": {"options": [{"name": "Novel"}, {"name": "Essay", "color": "red"}]}},
            "State": {"status": {}},
            "Tasks": {"relation": {"data_source_id": bench.demo.data_source_id,
                "dual_property": {}}},
        }},
    });
    let database = bench.call("POST", "/v1/databases", body).await.ok();
    assert!(database.body["created_time"].as_str().unwrap().ends_with("+00:00"));
    let source = database.body["data_sources"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/data_sources/{source}");
    let made = bench.get(&path).await.ok();
    let genre = &made.body["properties"]["Genre"]["select"]["options"];
    assert_eq!(genre[0]["color"], "default");
    assert_eq!(made.body["properties"]["State"]["status"]["groups"][2]["name"], "Complete");
    // The other half of a two-way relation appears in the other table.
    let tasks = format!("/v1/data_sources/{}", bench.demo.data_source_id);
    let other = &bench.get(&tasks).await.ok().body["properties"]["Related to Books (Tasks)"];
    assert_eq!(other["relation"]["data_source_id"], source.as_str());
    let patch = json!({"properties": {
        "Genre": {"name": "Kind"},
        "State": null,
        "Pages": {"number": {}},
        "Title": {"description": "As on the cover"},
    }});
    let patched = bench.call("PATCH", &path, patch).await.ok();
    let properties = patched.body["properties"].as_object().unwrap();
    assert!(properties.contains_key("Kind") && !properties.contains_key("State"));
    assert_eq!(properties["Pages"]["number"]["format"], "number");
    assert_eq!(properties["Kind"]["select"]["options"], *genre);
    // A row with a new option and a relation that is seen from both ends.
    let task = bench.query(json!({"page_size": 1})).await.ok().body["results"][0]["id"].clone();
    let row = bench
        .call(
            "POST",
            "/v1/pages",
            json!({"parent": {"data_source_id": source}, "properties": {
                "Title": {"title": [{"text": {"content": "Emma"}}]},
                "Kind": {"select": {"name": "Classic"}},
                "Tasks": {"relation": [{"id": task}]},
            }}),
        )
        .await
        .ok();
    let there = bench.get(&format!("/v1/pages/{}", task.as_str().unwrap())).await.ok();
    let back = &there.body["properties"]["Related to Books (Tasks)"];
    assert_eq!(back["relation"], json!([{"id": row.id()}]));
    assert_eq!(back["has_more"], false);
    // Removing one half removes the other.
    bench.call("PATCH", &path, json!({"properties": {"Tasks": null}})).await.ok();
    let left = bench.get(&tasks).await.ok();
    assert!(left.body["properties"]["Related to Books (Tasks)"].is_null());
}

#[tokio::test]
async fn rollups_and_formulas_are_worked_out() {
    let bench = Bench::new();
    let projects = bench.call("POST", "/v1/search", json!({"query": "Projects"})).await.ok();
    let projects = projects.body["results"][0]["id"].as_str().unwrap().to_owned();
    let body =
        json!({"filter": {"property": "Project", "title": {"equals": "Trustworthy platform"}}});
    let path = format!("/v1/data_sources/{projects}/query");
    let found = bench.call("POST", &path, body).await.ok();
    let values = &found.body["results"][0]["properties"];
    assert_eq!(values["Number of tasks"]["rollup"]["number"], 6);
    assert_eq!(values["Effort"]["rollup"]["number"], 27);
    assert_eq!(values["Reviewed"]["rollup"]["number"], 0.5);
    assert_eq!(values["Next due"]["rollup"]["date"]["start"], "2026-01-16T09:00:00.000+01:00");
    assert_eq!(values["Task names"]["rollup"]["array"].as_array().unwrap().len(), 6);
    let any = json!({"filter": {"property": "Task names",
        "rollup": {"any": {"rich_text": {"contains": "signing keys"}}}}});
    assert_eq!(bench.call("POST", &path, any).await.ok().titles(), ["Trustworthy platform"]);
}

#[tokio::test]
async fn relations_are_cut_at_25_and_read_on_by_property() {
    let bench = Bench::new();
    let rows = bench.query(json!({})).await.ok();
    let mut ids: Vec<Value> = rows.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!({"id": row["id"]}))
        .collect();
    for index in 0..3 {
        let body = json!({"parent": {"data_source_id": bench.demo.data_source_id},
            "properties": {"Task": {"title": [{"text": {"content": format!("More {index}")}}]}}});
        ids.push(json!({"id": bench.call("POST", "/v1/pages", body).await.ok().id()}));
    }
    let body = json!({"parent": {"data_source_id": bench.demo.data_source_id},
        "properties": {"Blocked by": {"relation": ids}}});
    let page = bench.call("POST", "/v1/pages", body).await.ok();
    let value = &page.body["properties"]["Blocked by"];
    assert_eq!(value["relation"].as_array().unwrap().len(), 25);
    assert_eq!(value["has_more"], true);
    let path = format!("/v1/pages/{}/properties/{}", page.id(), value["id"].as_str().unwrap());
    let first = bench.get(&format!("{path}?page_size=20")).await.ok();
    assert_eq!(first.body["has_more"], true);
    let next = first.body["next_cursor"].as_str().unwrap();
    let rest = bench.get(&format!("{path}?page_size=20&start_cursor={next}")).await.ok();
    assert_eq!(rest.body["results"].as_array().unwrap().len(), 8);
    let url = first.body["property_item"]["next_url"].as_str().unwrap();
    assert!(url.ends_with(&format!("{path}?start_cursor={next}&page_size=20")), "{url}");
    assert!(!url.contains("notion.com"), "{url}");
    for stranger in ["zz", "zzzz", "!"] {
        let refused = bench.get(&format!("{path}?start_cursor={stranger}")).await;
        assert_eq!(refused.status, 400);
        assert!(refused.message().starts_with("The start_cursor provided is invalid"));
    }
}

#[tokio::test]
async fn a_type_that_there_is_not_is_no_schema_for_old_and_new_properties() {
    let bench = Bench::new();
    let path = format!("/v1/data_sources/{}", bench.demo.data_source_id);
    for name in ["Priority", "Brand new"] {
        let refused = bench.call("PATCH", &path, json!({"properties": {name: {"foo": {}}}})).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.message(), format!("{name} is not a valid property schema"));
    }
    let described =
        json!({"properties": {"Priority": {"description": "How soon", "type": "select"}}});
    let shown = bench.call("PATCH", &path, described).await.ok();
    assert_eq!(shown.body["properties"]["Priority"]["description"], "How soon");
}
