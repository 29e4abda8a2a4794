//! Views of databases: tabs, widgets, linked databases.

use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};

/// A table view of the demo's tasks, with more members.
async fn add(bench: &Bench, rest: Value) -> crate::bench::Answer {
    let mut body = json!({"database_id": bench.demo.database_id,
        "data_source_id": bench.demo.data_source_id, "name": "Mine", "type": "table"});
    for (key, value) in rest.as_object().unwrap() {
        body[key] = value.clone();
    }
    bench.call("POST", "/v1/views", body).await
}

async fn names(bench: &Bench, query: &str) -> Vec<String> {
    let list = bench.get(&format!("/v1/views?{query}")).await.ok();
    let mut names = Vec::new();
    for view in list.body["results"].as_array().unwrap() {
        assert_eq!(view.as_object().unwrap().len(), 2, "a reference: {view}");
        let path = format!("/v1/views/{}", view["id"].as_str().unwrap());
        names.push(bench.get(&path).await.ok().body["name"].as_str().unwrap().to_owned());
    }
    names
}

async fn database(bench: &Bench) -> (String, String) {
    let body = json!({"parent": {"page_id": bench.demo.team_page_id},
        "title": [{"text": {"content": "Books"}}]});
    let made = bench.call("POST", "/v1/databases", body).await.ok();
    (made.id(), made.body["data_sources"][0]["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_new_database_has_a_table_view() {
    let bench = Bench::new();
    let (id, source) = database(&bench).await;
    let list = bench.get(&format!("/v1/views?database_id={id}")).await.ok();
    // R: list of references
    assert_eq!(list.keys().join(" "), "object results next_cursor has_more type view request_id");
    assert_eq!(list.body["type"], "view");
    let view = list.body["results"][0]["id"].as_str().unwrap().to_owned();
    // R: key order, times with milliseconds, configuration, URL
    for version in [MID, NEW] {
        let token = &bench.demo.tokens.full;
        let path = format!("/v1/views/{view}");
        let view_object = bench.with(token, version, "GET", &path, &Value::Null).await.ok();
        assert_eq!(
            view_object.keys().join(" "),
            "object id parent data_source_id name type created_time created_by last_edited_time \
             last_edited_by url filter sorts quick_filters configuration request_id"
        );
        let body = &view_object.body;
        assert_eq!(body["parent"], json!({"type": "database_id", "database_id": id}));
        assert_eq!(body["data_source_id"], source.as_str());
        assert_eq!(body["name"], "Default view");
        assert_eq!(body["configuration"], json!({"type": "table"}));
        assert!(body["created_time"].as_str().unwrap().ends_with("+00:00"));
        let plain = |id: &str| id.replace('-', "");
        let url = format!("https://www.notion.so/{}?v={}", plain(&id), plain(&view));
        assert_eq!(body["url"], url);
        assert!(body["filter"].is_null() && body["sorts"].is_null());
    }
    let path = format!("/v1/views/{view}");
    let old = bench.with(&bench.demo.tokens.full, OLD, "GET", &path, &Value::Null).await;
    assert_eq!(old.body["code"], "invalid_request_url");
    // D: a further data source brings a view along as well
    let more = json!({"parent": {"database_id": id}, "properties": {"Name": {"title": {}}}});
    bench.call("POST", "/v1/data_sources", more).await.ok();
    assert_eq!(names(&bench, &format!("database_id={id}")).await.len(), 2);
    assert_eq!(names(&bench, &format!("data_source_id={source}")).await.len(), 1);
    let none = bench.get("/v1/views").await;
    assert_eq!(
        none.message(),
        "query failed validation. Fix one:\nquery.database_id should be defined, instead was \
         `undefined`.\nquery.data_source_id should be defined, instead was `undefined`."
    );
}

#[tokio::test]
async fn the_demo_has_views() {
    let bench = Bench::new();
    let names = names(&bench, &format!("database_id={}", bench.demo.database_id)).await;
    assert_eq!(names, ["Default view", "By status", "Calendar", "Urgent"]);
}

#[tokio::test]
async fn views_name_properties_and_survive_their_renaming_and_removal() {
    let bench = Bench::new();
    let made = add(
        &bench,
        json!({
            "filter": {"or": [
                {"property": "Priority", "select": {"equals": ["High", "Medium"]}},
                {"property": "Status", "status": {"does_not_equal": "Complete"}}]},
            "sorts": [{"property": "Due", "direction": "descending"},
                {"timestamp": "created_time", "direction": "ascending"}],
            "quick_filters": {"Tags": {"multi_select": {"contains": "security"}}},
            "configuration": {"type": "table", "wrap_cells": true, "frozen_column_index": 1,
                "properties": [{"property_id": "Priority", "width": 120, "visible": true},
                    {"property_id": "title", "visible": true}]},
        }),
    )
    .await
    .ok();
    assert_eq!(made.body["filter"]["or"][0]["property"], "Priority");
    assert_eq!(
        made.body["sorts"][1],
        json!({"timestamp": "created_time", "direction": "ascending"})
    );
    assert_eq!(
        made.body["quick_filters"],
        json!({"Tags": {"multi_select": {"contains": "security"}}})
    );
    let column = &made.body["configuration"]["properties"][0];
    assert_eq!(column["property_name"], "Priority");
    let keys: Vec<&String> = column.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["property_id", "property_name", "visible", "width"]);
    let patch = json!({"properties": {"Priority": {"name": "Urgency"}, "Tags": null}});
    let source = format!("/v1/data_sources/{}", bench.demo.data_source_id);
    bench.call("PATCH", &source, patch).await.ok();
    let later = bench.get(&format!("/v1/views/{}", made.id())).await.ok().body;
    assert_eq!(later["filter"]["or"][0]["property"], "Urgency");
    assert_eq!(later["configuration"]["properties"][0]["property_name"], "Urgency");
    assert!(later["quick_filters"].is_null());
}

#[tokio::test]
async fn every_type_has_its_configuration() {
    let bench = Bench::new();
    let sort = json!({"type": "ascending"});
    let by = |kind: &str, property: &str, rest: Value| {
        let mut group = json!({"type": kind, "property_id": property, "sort": sort});
        for (key, value) in rest.as_object().unwrap() {
            group[key] = value.clone();
        }
        group
    };
    let formula = json!({"type": "formula", "property_id": "Effort",
        "group_by": {"type": "text", "group_by": "exact", "sort": sort}});
    let groups = [
        by("select", "Priority", json!({"hide_empty_groups": true})),
        by("multi_select", "Tags", json!({})),
        by("status", "Status", json!({"group_by": "group"})),
        by("person", "Assignee", json!({})),
        by("created_by", "Author", json!({})),
        by("last_edited_by", "Editor", json!({})),
        by("relation", "Blocked by", json!({})),
        by("date", "Due", json!({"group_by": "week", "start_day_of_week": 1})),
        by("created_time", "Created", json!({"group_by": "relative"})),
        by("text", "Notes", json!({"group_by": "exact"})),
        by("title", "Task", json!({"group_by": "alphabet_prefix"})),
        by("url", "Pull request", json!({"group_by": "exact"})),
        by("number", "Estimate", json!({"range_start": 0, "range_end": 20, "range_size": 5})),
        by("checkbox", "Reviewed", json!({})),
        formula,
    ];
    for group in groups {
        let configuration = json!({"type": "board", "group_by": group});
        let made = add(&bench, json!({"type": "board", "configuration": configuration})).await.ok();
        let shown = &made.body["configuration"]["group_by"];
        assert_eq!(shown["type"], group["type"]);
        assert_eq!(shown["property_name"], group["property_id"]);
        assert_ne!(shown["property_id"], group["property_id"]);
    }
    for configuration in [
        json!({"type": "calendar", "date_property_id": "Due", "show_weekends": null}),
        json!({"type": "timeline", "date_property_id": "Due",
            "preference": {"zoom_level": "5_years"}, "arrows_by": {"property_id": "Blocked by"}}),
        json!({"type": "gallery", "cover": {"type": "property", "property_id": "Attachments"},
            "cover_size": "large"}),
        json!({"type": "list", "properties": [{"property_id": "Due", "date_format": "relative"}]}),
        json!({"type": "map", "map_by": "Site", "height": "extra_large"}),
        json!({"type": "form", "is_form_closed": true, "submission_permissions": "none"}),
        json!({"type": "chart", "chart_type": "donut", "y_axis_max": 3.5,
            "x_axis": by("select", "Priority", json!({})),
            "y_axis": {"aggregator": "sum", "property_id": "Estimate"},
            "reference_lines": [
                {"value": 8, "label": "Goal", "color": "red", "dash_style": "dash"}]}),
    ] {
        let kind = configuration["type"].clone();
        let body = json!({"type": kind, "configuration": configuration});
        let made = add(&bench, body).await.ok();
        assert_eq!(made.body["configuration"]["type"], kind);
        assert!(made.body["configuration"].as_object().unwrap().values().all(|v| !v.is_null()));
    }
}

#[tokio::test]
async fn bad_views_are_refused() {
    let bench = Bench::new();
    let board = |group: Value| json!({"type": "board", "configuration": {"type": "board", "group_by": group}});
    let sort = json!({"type": "manual"});
    for (rest, text) in [
        (json!({"type": "feed"}), "body.type should be `\"table\"`, `\"board\"`"),
        (json!({"name": 3}), "body.name should be a string, instead was `3`"),
        (json!({"colour": 1}), "body.colour should be not present"),
        (json!({"type": "board"}), "body.configuration should be defined"),
        (
            json!({"type": "board", "configuration": {"type": "table"}}),
            "body.configuration.type should be `\"board\"`, instead was `\"table\"`",
        ),
        (
            json!({"type": "calendar", "configuration": {"type": "calendar"}}),
            "body.configuration.date_property_id should be defined",
        ),
        (
            json!({"type": "calendar",
                "configuration": {"type": "calendar", "date_property_id": "Task"}}),
            "Task is expected to be date",
        ),
        (
            json!({"configuration": {"type": "table", "colour": 1}}),
            "body.configuration.colour should be not present",
        ),
        (
            json!({"configuration": {"type": "table", "wrap_cells": null}}),
            "body.configuration.wrap_cells should be a boolean, instead was `null`",
        ),
        (
            json!({"configuration": {"type": "table", "properties": [{"property_id": "Nope"}]}}),
            "Could not find property with name or id: Nope",
        ),
        (
            board(json!({"type": "status", "property_id": "Status", "sort": sort})),
            "body.configuration.group_by.group_by should be defined",
        ),
        (
            board(json!({"type": "select", "property_id": "Task", "sort": sort})),
            "Task is expected to be select.",
        ),
        (
            board(json!({"type": "select", "property_id": "Priority"})),
            "body.configuration.group_by.sort should be defined",
        ),
        (board(json!({"type": "files"})), "body.configuration.group_by.type should be"),
        (
            json!({"filter": {"property": "Priority", "select": {"equals": "Huge"}}}),
            "Invalid select value for property \"Priority\": \"Huge\". Value must be one of the \
             following: \"High\", \"Medium\", \"Low\".",
        ),
        (
            json!({"filter": {"property": "Priority", "number": {"equals": 1}}}),
            "database property select does not match filter number",
        ),
        (
            json!({"quick_filters": {"Nope": {"number": {"equals": 1}}}}),
            "Could not find property with name or id: Nope",
        ),
        (
            json!({"sorts": [{"property": "Nope", "direction": "ascending"}]}),
            "Could not find sort property with name or id: Nope",
        ),
        (json!({"type": "dashboard", "configuration": {}}), "configuration should be not present"),
        (json!({"create_database": {}}), "exactly one of body.database_id, body.view_id"),
        (json!({"placement": {"type": "new_row"}}), "body.placement should be not present"),
        (json!({"position": {"type": "middle"}}), "body.position.type should be `\"start\"`"),
    ] {
        let answer = add(&bench, rest.clone()).await;
        assert_eq!(answer.status, 400, "{rest}");
        assert!(answer.message().contains(text), "{rest}: {}", answer.message());
    }
    let none = bench
        .call(
            "POST",
            "/v1/views",
            json!({"data_source_id": bench.demo.data_source_id,
        "name": "x", "type": "table"}),
        )
        .await;
    assert!(none.message().contains("exactly one of"), "{}", none.message());
    let page = bench.demo.team_page_id;
    for (rest, noun) in [
        (json!({"data_source_id": bench.demo.database_id}), "data_source"),
        (json!({"database_id": page}), "database"),
        (json!({"database_id": bench.demo.data_source_id}), "database"),
    ] {
        let answer = add(&bench, rest).await;
        assert_eq!(answer.status, 404);
        assert!(answer.message().starts_with(&format!("Could not find {noun} with ID: ")));
    }
    let answer = bench.get(&format!("/v1/views/{page}")).await;
    assert!(answer.message().starts_with("Could not find view with ID: "), "{}", answer.message());
}

#[tokio::test]
async fn updates_merge_and_null_clears() {
    let bench = Bench::new();
    let made = add(
        &bench,
        json!({
            "filter": {"property": "Reviewed", "checkbox": {"equals": true}},
            "sorts": [{"property": "Task", "direction": "ascending"}],
            "quick_filters": {"Priority": {"select": {"equals": "High"}},
                "Reviewed": {"checkbox": {"equals": false}}},
            "configuration": {"type": "table", "wrap_cells": true,
                "properties": [{"property_id": "title"}]},
        }),
    )
    .await
    .ok();
    let path = format!("/v1/views/{}", made.id());
    let patch = async |body: Value| bench.call("PATCH", &path, body).await;
    let body = patch(json!({
        "name": "Ours",
        "quick_filters": {"Priority": null, "Status": {"status": {"equals": "Done"}}},
        "configuration": {"type": "table", "properties": null, "show_vertical_lines": false},
    }))
    .await
    .ok()
    .body;
    assert_eq!(body["name"], "Ours");
    assert_eq!(body["sorts"], made.body["sorts"]);
    assert_eq!(body["filter"], made.body["filter"]);
    assert_eq!(
        body["quick_filters"],
        json!({"Reviewed": {"checkbox": {"equals": false}}, "Status": {"status": {"equals": "Done"}}})
    );
    assert_eq!(
        body["configuration"],
        json!({"type": "table", "wrap_cells": true, "show_vertical_lines": false})
    );
    let body = patch(json!({"filter": null, "sorts": null, "quick_filters": null})).await.ok().body;
    for name in ["filter", "sorts", "quick_filters"] {
        assert!(body[name].is_null(), "{name}");
    }
    for (wrong, text) in [
        (json!({"type": "board"}), "body.type should be not present, instead was `\"board\"`."),
        (
            json!({"configuration": {"type": "board"}}),
            "body.configuration.type should be `\"table\"`, instead was `\"board\"`.",
        ),
        (
            json!({"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}),
            "body.sorts[0].property should be defined, instead was `undefined`.",
        ),
    ] {
        let answer = patch(wrong).await;
        assert_eq!(answer.status, 400);
        assert!(answer.message().ends_with(text), "{}", answer.message());
    }
    assert_eq!(bench.get(&path).await.ok().body["name"], "Ours");
}

#[tokio::test]
async fn tabs_have_an_order_and_the_last_one_stays() {
    let bench = Bench::new();
    let (id, source) = database(&bench).await;
    let tab = async |name: &str, position: Value| {
        let mut body = json!({"database_id": id, "data_source_id": source, "name": name,
            "type": "list"});
        if !position.is_null() {
            body["position"] = position;
        }
        bench.call("POST", "/v1/views", body).await.ok().id()
    };
    let last = tab("last", Value::Null).await;
    tab("first", json!({"type": "start"})).await;
    tab("end", json!({"type": "end"})).await;
    tab("after", json!({"type": "after_view", "view_id": last})).await;
    let query = format!("database_id={id}");
    assert_eq!(names(&bench, &query).await, ["first", "Default view", "last", "after", "end"]);
    let page = bench.get(&format!("/v1/views?{query}&page_size=2")).await.ok();
    assert_eq!(page.body["has_more"], true);
    let next = page.body["next_cursor"].as_str().unwrap();
    let rest = bench.get(&format!("/v1/views?{query}&page_size=9&start_cursor={next}")).await.ok();
    assert_eq!(rest.body["results"].as_array().unwrap().len(), 3);
    let all = bench.get(&format!("/v1/views?{query}")).await.ok().body["results"].clone();
    let mut answers = Vec::new();
    for view in all.as_array().unwrap() {
        let path = format!("/v1/views/{}", view["id"].as_str().unwrap());
        answers.push(bench.call("DELETE", &path, Value::Null).await);
    }
    let refused = answers.pop().unwrap();
    assert_eq!((refused.status, refused.body["code"].as_str()), (400, Some("validation_error")));
    for answer in answers {
        // R
        assert_eq!(answer.ok().keys().join(" "), "object id parent type request_id");
    }
    assert_eq!(names(&bench, &query).await, ["end"]);
}

#[tokio::test]
async fn dashboards_hold_widgets() {
    let bench = Bench::new();
    let dashboard = add(&bench, json!({"type": "dashboard"})).await.ok();
    assert!(dashboard.body["data_source_id"].is_null());
    assert_eq!(dashboard.body["configuration"], json!({"type": "dashboard", "rows": []}));
    let widget = async |placement: Value| {
        let mut body = json!({"view_id": dashboard.id(), "name": "Widget", "type": "list",
            "data_source_id": bench.demo.data_source_id});
        if !placement.is_null() {
            body["placement"] = placement;
        }
        bench.call("POST", "/v1/views", body).await
    };
    let first = widget(Value::Null).await.ok();
    assert_eq!(first.body["dashboard_view_id"], dashboard.id());
    assert_eq!(first.body["parent"], dashboard.body["parent"]);
    widget(json!({"type": "new_row", "row_index": 0})).await.ok();
    let existing = json!({"type": "existing_row", "row_index": 1});
    for _ in 0..3 {
        widget(existing.clone()).await.ok();
    }
    let path = format!("/v1/views/{}", dashboard.id());
    let rows = bench.get(&path).await.ok().body["configuration"]["rows"].clone();
    assert_eq!(rows[0]["widgets"].as_array().unwrap().len(), 1);
    assert_eq!(rows[1]["widgets"][0]["view_id"], first.id());
    assert_eq!(rows[1]["widgets"].as_array().unwrap().len(), 4);
    let full = widget(existing).await;
    assert_eq!(full.message(), "A row of a dashboard has at most 4 widgets.");
    let nowhere = widget(json!({"type": "existing_row", "row_index": 2})).await;
    assert_eq!(nowhere.message(), "The dashboard has no row 2.");
    for _ in 0..7 {
        widget(Value::Null).await.ok();
    }
    assert_eq!(widget(Value::Null).await.message(), "A dashboard has at most 12 widgets.");
    bench.call("DELETE", &format!("/v1/views/{}", first.id()), Value::Null).await.ok();
    let rows = bench.get(&path).await.ok().body["configuration"]["rows"].clone();
    assert_eq!(rows[1]["widgets"].as_array().unwrap().len(), 3);
    let inner = json!({"view_id": first.id(), "name": "x", "type": "list",
        "data_source_id": bench.demo.data_source_id});
    assert_eq!(bench.call("POST", "/v1/views", inner).await.status, 404);
    let other = add(&bench, json!({})).await.ok().id();
    let wrong = json!({"view_id": other, "name": "x", "type": "list",
        "data_source_id": bench.demo.data_source_id});
    let answer = bench.call("POST", "/v1/views", wrong).await;
    assert_eq!(answer.message(), format!("View {other} is not a dashboard."));
    let query = bench.call("POST", &format!("{path}/queries"), json!({})).await;
    assert_eq!(query.status, 400);
    // With the dashboard go its widgets.
    let widget = rows[0]["widgets"][0]["view_id"].as_str().unwrap().to_owned();
    bench.call("DELETE", &path, Value::Null).await.ok();
    assert_eq!(bench.get(&format!("/v1/views/{widget}")).await.status, 404);
}

#[tokio::test]
async fn linked_databases_show_what_lies_elsewhere() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let page = demo.other_page_id;
    let children = bench.get(&format!("/v1/blocks/{page}/children")).await.ok();
    let after = children.body["results"][0]["id"].clone();
    let body = json!({"data_source_id": demo.data_source_id, "name": "Tasks here", "type": "table",
        "create_database": {"parent": {"type": "page_id", "page_id": page},
            "position": {"type": "after_block", "block_id": after}}});
    let view = bench.call("POST", "/v1/views", body).await.ok();
    let linked = view.body["parent"]["database_id"].as_str().unwrap().to_owned();
    let children = bench.get(&format!("/v1/blocks/{page}/children")).await.ok();
    assert_eq!(children.body["results"][1]["id"], linked.as_str());
    // R: in a new version without data sources, in an old one an error
    assert_eq!(children.body["results"][1]["child_database"], json!({"title": "Untitled"}));
    let path = format!("/v1/databases/{linked}");
    let shown = bench.get(&path).await.ok().body;
    assert_eq!(shown["data_sources"], json!([]));
    assert_eq!(shown["title"][0]["plain_text"], "Untitled");
    assert_eq!(shown["is_inline"], true);
    let said = format!(
        "Database with ID {linked} does not contain any data sources accessible by this API bot."
    );
    let token = &demo.tokens.full;
    assert_eq!(bench.with(token, OLD, "GET", &path, &Value::Null).await.message(), said);
    let query = format!("{path}/query");
    assert_eq!(bench.with(token, OLD, "POST", &query, &json!({})).await.message(), said);
    let patch = json!({"title": [{"text": {"content": "x"}}]});
    assert_eq!(bench.with(token, OLD, "PATCH", &path, &patch).await.message(), said);
    let block = format!("/v1/blocks/{page}/children");
    let old = bench.with(token, OLD, "GET", &block, &Value::Null).await.ok();
    assert_eq!(old.body["results"][1]["child_database"], json!({"title": ""}));
    for version in [OLD, NEW] {
        let found = bench.with(token, version, "POST", "/v1/search", &json!({})).await.ok();
        assert!(!found.body.to_string().contains(&linked), "{version}");
    }
    let row = json!({"parent": {"database_id": linked}, "properties": {}});
    assert_eq!(bench.call("POST", "/v1/pages", row).await.message(), said);
    // Views of the original find it, those of the database alone do not.
    let names = names(&bench, &format!("data_source_id={}", demo.data_source_id)).await;
    assert_eq!(names.last().unwrap(), "Tasks here");
    // Who sees the page but not the original sees no view.
    let page_only = bench.token(&["read_content"], &[page]).await.0;
    let list = format!("/v1/views?database_id={linked}");
    let views = bench.with(&page_only, NEW, "GET", &list, &Value::Null).await.ok();
    assert_eq!(views.body["results"], json!([]));
    let get = format!("/v1/views/{}", view.id());
    assert_eq!(bench.with(&page_only, NEW, "GET", &get, &Value::Null).await.status, 404);
    assert_eq!(bench.with(&page_only, NEW, "GET", &path, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn what_only_the_app_knows_is_unsupported() {
    let bench = Bench::new();
    let body = json!({"database_id": bench.demo.database_id, "name": "News", "type": "feed",
        "data_source_id": bench.demo.data_source_id});
    let act = json!({"method": "POST", "path": "/v1/views", "body": body});
    let feed = bench.control("POST", "as-human", act).await.ok();
    let path = format!("/v1/views/{}", feed.id());
    // O
    assert_eq!(bench.get(&path).await.message(), "Unsupported view type: feed");
    assert_eq!(bench.call("DELETE", &path, Value::Null).await.status, 400);
}

#[tokio::test]
async fn rights_decide() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let list = bench.get(&format!("/v1/views?database_id={}", demo.database_id)).await.ok();
    let path = format!("/v1/views/{}", list.body["results"][0]["id"].as_str().unwrap());
    let reader = &demo.tokens.reader;
    assert_eq!(bench.with(reader, NEW, "GET", &path, &Value::Null).await.status, 200);
    for (method, body) in [("PATCH", json!({"name": "x"})), ("DELETE", Value::Null)] {
        assert_eq!(bench.with(reader, NEW, method, &path, &body).await.status, 403);
    }
    let stranger = bench.token(&["read_content", "update_content"], &[demo.other_page_id]).await.0;
    for (method, body) in
        [("GET", Value::Null), ("PATCH", json!({"name": "x"})), ("DELETE", Value::Null)]
    {
        assert_eq!(bench.with(&stranger, NEW, method, &path, &body).await.status, 404);
    }
    let blind = bench.token(&["insert_content", "update_content"], &[demo.team_page_id]).await.0;
    let body = json!({"database_id": demo.database_id, "data_source_id": demo.data_source_id,
        "name": "x", "type": "list"});
    let made = bench.with(&blind, NEW, "POST", "/v1/views", &body).await.ok();
    assert_eq!(made.keys().join(" "), "object id request_id");
}
