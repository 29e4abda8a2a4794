//! Schemas and how they change.

use serde_json::{Value, json};

use crate::bench::{Answer, Bench, OLD};

/// A table with one row; the paths of both.
struct Table<'a> {
    bench: &'a Bench,
    database: String,
    source: String,
    row: String,
}

impl<'a> Table<'a> {
    async fn new(bench: &'a Bench, properties: Value, values: Value) -> Self {
        let mut all = properties;
        all["Name"] = json!({"title": {}});
        let body = json!({"parent": {"page_id": bench.demo.team_page_id},
            "initial_data_source": {"properties": all}});
        let made = bench.call("POST", "/v1/databases", body).await.ok();
        let source = made.body["data_sources"][0]["id"].clone();
        let row = json!({"parent": {"data_source_id": source}, "properties": values});
        let row = bench.call("POST", "/v1/pages", row).await.ok().id();
        let source = format!("/v1/data_sources/{}", source.as_str().unwrap());
        Self { bench, database: made.id(), source, row: format!("/v1/pages/{row}") }
    }

    async fn patch(&self, properties: Value) -> Answer {
        self.bench.call("PATCH", &self.source, json!({"properties": properties})).await
    }

    async fn value(&self, name: &str) -> Value {
        let row = self.bench.get(&self.row).await.ok();
        let value = row.body["properties"][name].clone();
        let kind = value["type"].as_str().unwrap_or_else(|| panic!("no {name}: {}", row.body));
        value[kind].clone()
    }

    async fn property(&self, name: &str) -> Value {
        self.bench.get(&self.source).await.ok().body["properties"][name].clone()
    }
}

fn plain(value: &Value) -> String {
    value.as_array().unwrap().iter().map(|run| run["plain_text"].as_str().unwrap()).collect()
}

fn names(options: &Value) -> Vec<String> {
    let all = options.as_array().unwrap().iter();
    all.map(|option| option["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn values_follow_the_type_of_their_property() {
    let bench = Bench::new();
    let text = |text: &str| json!({"V": {"rich_text": [{"text": {"content": text}}]}});
    let rich = || json!({"V": {"rich_text": {}}});
    for (from, value, to, expected) in [
        (rich(), text("12.5"), "number", json!(12.5)),
        (rich(), text("a dozen"), "number", Value::Null),
        (rich(), text("https://acme.example"), "url", json!("https://acme.example")),
        (rich(), text("yes"), "checkbox", json!(true)),
        (rich(), text("no"), "checkbox", json!(false)),
        (
            rich(),
            text("2026-02-03"),
            "date",
            json!({"start": "2026-02-03", "end": null, "time_zone": null}),
        ),
        (rich(), text("some day"), "date", Value::Null),
        (json!({"V": {"url": {}}}), json!({"V": {"url": "tel:1"}}), "phone_number", json!("tel:1")),
        (json!({"V": {"people": {}}}), json!({}), "number", Value::Null),
    ] {
        let table = Table::new(&bench, from.clone(), value.clone()).await;
        let id = table.property("V").await["id"].clone();
        table.patch(json!({"V": {to: {}}})).await.ok();
        assert_eq!(table.value("V").await, expected, "{value} to {to}");
        // The id stays.
        assert_eq!(table.property("V").await["id"], id);
    }
    let number = json!({"V": {"number": {}}});
    for (from, value, expected) in [
        (number, json!({"V": {"number": 3}}), "3"),
        (json!({"V": {"checkbox": {}}}), json!({"V": {"checkbox": true}}), "Yes"),
        (json!({"V": {"select": {}}}), json!({"V": {"select": {"name": "A"}}}), "A"),
        (
            json!({"V": {"multi_select": {}}}),
            json!({"V": {"multi_select": [{"name": "A"}, {"name": "B"}]}}),
            "A, B",
        ),
        (json!({"V": {"date": {}}}), json!({"V": {"date": {"start": "2026-02-03"}}}), "2026-02-03"),
    ] {
        let table = Table::new(&bench, from, value.clone()).await;
        table.patch(json!({"V": {"rich_text": {}}})).await.ok();
        assert_eq!(plain(&table.value("V").await), expected, "{value}");
    }
}

#[tokio::test]
async fn options_are_taken_over_by_types_that_have_them() {
    let bench = Bench::new();
    let select =
        json!({"V": {"select": {"options": [{"name": "A", "color": "red"}, {"name": "B"}]}}});
    let table = Table::new(&bench, select, json!({"V": {"select": {"name": "A"}}})).await;
    let before = table.value("V").await;
    table.patch(json!({"V": {"multi_select": {}}})).await.ok();
    assert_eq!(table.value("V").await, json!([before]));
    assert_eq!(names(&table.property("V").await["multi_select"]["options"]), ["A", "B"]);
    table.patch(json!({"V": {"status": {}}})).await.ok();
    assert_eq!(table.value("V").await["name"], "A");
    let groups = table.property("V").await["status"]["groups"].clone();
    assert_eq!(groups[0]["option_ids"].as_array().unwrap().len(), 2);
    table.patch(json!({"V": {"select": {}}})).await.ok();
    assert_eq!(table.value("V").await, before);
    assert!(table.property("V").await["select"]["groups"].is_null());
    // Texts become options.
    let text = json!({"V": {"rich_text": [{"text": {"content": "x, y, x"}}]}});
    let table = Table::new(&bench, json!({"V": {"rich_text": {}}}), text).await;
    table.patch(json!({"V": {"multi_select": {}}})).await.ok();
    assert_eq!(names(&table.value("V").await), ["x", "y"]);
    assert_eq!(names(&table.property("V").await["multi_select"]["options"]), ["x", "y"]);
}

#[tokio::test]
async fn options_replace_each_other() {
    let bench = Bench::new();
    let options: Vec<Value> = (0..100).map(|n| json!({"name": n.to_string()})).collect();
    let select = json!({"V": {"select": {"options": options}}});
    let table = Table::new(&bench, select, json!({"V": {"select": {"name": "7"}}})).await;
    let all = table.property("V").await["select"]["options"].clone();
    let kept = json!([{"id": all[7]["id"], "name": "seven"}, {"name": "new", "color": "pink"}]);
    table.patch(json!({"V": {"select": {"options": kept}}})).await.ok();
    let left = table.property("V").await["select"]["options"].clone();
    // O: a renaming by id answers 200 and changes nothing.
    assert_eq!((left[0].clone(), &left[1]["color"]), (all[7].clone(), &json!("pink")));
    assert_eq!(left.as_array().unwrap().len(), 2);
    assert_eq!(table.value("V").await["name"], "7");
    table.patch(json!({"V": {"select": {"options": [{"name": "new"}]}}})).await.ok();
    assert!(table.value("V").await.is_null());
    let many: Vec<Value> = (0..101).map(|n| json!({"name": n.to_string()})).collect();
    let refused = table.patch(json!({"V": {"select": {"options": many}}})).await;
    // O: the grammar of lengths
    assert_eq!(
        refused.message(),
        "body failed validation: body.properties.V.select.options.length should be ≤ `100`, \
         instead was `101`."
    );
    let comma = table.patch(json!({"V": {"select": {"options": [{"name": "a,b"}]}}})).await;
    // O
    assert_eq!(comma.message(), "Invalid select option, commas not allowed: a,b");
}

#[tokio::test]
async fn statuses_have_groups() {
    let bench = Bench::new();
    let table = Table::new(&bench, json!({"S": {"status": {}}}), json!({})).await;
    let status = table.property("S").await["status"].clone();
    assert_eq!(names(&status["options"]), ["Not started", "In progress", "Done"]);
    assert_eq!(names(&status["groups"]), ["To-do", "In progress", "Complete"]);
    assert_eq!(table.value("S").await["name"], "Not started");
    let mut options = status["options"].as_array().unwrap().clone();
    options.push(json!({"name": "Waiting"}));
    options.push(json!({"name": "Shipped", "group": "Complete"}));
    table.patch(json!({"S": {"status": {"options": options}}})).await.ok();
    let status = table.property("S").await["status"].clone();
    let id = |index: usize| status["options"][index]["id"].clone();
    assert_eq!(status["groups"][0]["option_ids"], json!([id(0), id(3)]));
    assert_eq!(status["groups"][2]["option_ids"], json!([id(2), id(4)]));
    let unknown = json!({"properties": {"S": {"status": {"name": "Nope"}}}});
    let answer = bench.call("PATCH", &table.row, unknown).await;
    assert_eq!(answer.message(), "Invalid status option. Status option \"Nope\" does not exist\".");
}

#[tokio::test]
async fn names_ids_and_the_title_have_rules() {
    let bench = Bench::new();
    let table = Table::new(
        &bench,
        json!({"A": {"number": {}}, "B": {"rich_text": {}}}),
        json!({"A": {"number": 4}}),
    )
    .await;
    let id = table.property("A").await["id"].as_str().unwrap().to_owned();
    table.patch(json!({id.as_str(): {"name": "C"}})).await.ok();
    assert_eq!(table.value("C").await, 4);
    table.patch(json!({"Name": {"name": "Title"}, "C": {"description": "Counted"}})).await.ok();
    assert_eq!(table.property("C").await["description"], "Counted");
    assert_eq!(table.property("Title").await["id"], "title");
    for (patch, text) in [
        (json!({"Nope": null}), "Nope is not a property that exists."),
        (json!({"Nope": {"name": "x"}}), "Nope is not a property that exists."),
        (json!({"Nope": {}}), "Nope is not a valid property schema"),
        (json!({"Title": null}), "Cannot delete the title property."),
        (json!({"title": null}), "Cannot delete the title property."),
        (json!({"Title": {"number": {}}}), "Cannot change the type of the title property."),
        (json!({"C": {"title": {}}}), "Cannot change the type of the title property."),
        (json!({"D": {"title": {}}}), "A data source has exactly one title property."),
        (json!({"C": {"name": "B"}}), "Cannot rename C: the name B is already taken."),
        (
            json!({"R": {"rollup": {"relation_property_name": "Nope",
                "rollup_property_name": "x", "function": "count"}}}),
            "Nope is not a property that exists.",
        ),
        (
            json!({"R": {"rollup": {"relation_property_name": "C",
                "rollup_property_name": "x", "function": "count"}}}),
            "C is expected to be relation.",
        ),
        (
            json!({"R": {"relation": {"data_source_id": bench.demo.data_source_id}}}),
            "body failed validation. Fix one:\nbody.properties.R.relation.single_property should \
             be defined, instead was `undefined`.\nbody.properties.R.relation.dual_property should \
             be defined, instead was `undefined`.",
        ),
    ] {
        let answer = table.patch(patch.clone()).await;
        assert_eq!((answer.status, answer.message()), (400, text), "{patch}");
    }
    let many: serde_json::Map<String, Value> =
        (0..500).map(|n| (format!("P{n}"), json!({"number": {}}))).collect();
    let refused = table.patch(many.into()).await;
    assert_eq!(refused.message(), "A data source has at most 500 properties.");
    assert_eq!(
        bench.get(&table.source).await.ok().body["properties"].as_object().unwrap().len(),
        3
    );
    // A schema of its own: none, two titles.
    let two = json!({"A": {"title": {}}, "B": {"title": {}}});
    for (properties, status) in [(two, 400), (json!({"A": {"number": {}}}), 400), (json!({}), 400)]
    {
        let body = json!({"parent": {"database_id": table.database}, "properties": properties});
        assert_eq!(bench.call("POST", "/v1/data_sources", body).await.status, status);
    }
}

#[tokio::test]
async fn rows_are_numbered() {
    let bench = Bench::new();
    let table = Table::new(&bench, json!({}), json!({})).await;
    table.patch(json!({"ID": {"unique_id": {"prefix": "T"}}})).await.ok();
    // Rows that were there already are numbered, too (as in the app).
    assert_eq!(table.value("ID").await, json!({"prefix": "T", "number": 1}));
    let source = table.source.rsplit('/').next().unwrap();
    let row = json!({"parent": {"data_source_id": source}, "properties": {}});
    let next = bench.call("POST", "/v1/pages", row).await.ok();
    assert_eq!(next.body["properties"]["ID"]["unique_id"]["number"], 2);
    let second = table.patch(json!({"Other": {"unique_id": {}}})).await;
    assert_eq!(second.message(), "A data source has at most one unique ID property.");
    let set = json!({"properties": {"ID": {"unique_id": {"number": 9}}}});
    assert_eq!(bench.call("PATCH", &table.row, set).await.status, 400);
}

#[tokio::test]
async fn two_way_relations_keep_both_ends() {
    let bench = Bench::new();
    let one = Table::new(&bench, json!({}), json!({})).await;
    let other = Table::new(&bench, json!({}), json!({})).await;
    let target = other.source.rsplit('/').next().unwrap();
    let dual = json!({"Other": {"relation": {"data_source_id": target,
        "dual_property": {"synced_property_name": "One"}}}});
    one.patch(dual).await.ok();
    let made = one.property("Other").await["relation"].clone();
    let back = other.property("One").await;
    assert_eq!(made["dual_property"]["synced_property_name"], "One");
    assert_eq!(made["dual_property"]["synced_property_id"], back["id"]);
    assert_eq!(back["relation"]["data_source_id"], one.source.rsplit('/').next().unwrap());
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let link = json!({"properties": {"Other": {"relation": [{"id": id(&other.row)}]}}});
    bench.call("PATCH", &one.row, link).await.ok();
    assert_eq!(other.value("One").await, json!([{"id": id(&one.row)}]));
    other.patch(json!({"One": {"name": "Back"}})).await.ok();
    let made = one.property("Other").await["relation"].clone();
    assert_eq!(made["dual_property"]["synced_property_name"], "Back");
    one.patch(json!({"Other": {"number": {}}})).await.ok();
    assert!(other.property("Back").await.is_null());
}

#[tokio::test]
async fn old_versions_know_no_several_tables() {
    let bench = Bench::new();
    let table = Table::new(&bench, json!({}), json!({})).await;
    let more = json!({"parent": {"database_id": table.database}, "properties": {"Name": {"title": {}}},
        "title": [{"text": {"content": "Second"}}]});
    let second = bench.call("POST", "/v1/data_sources", more).await.ok();
    assert_eq!(second.body["parent"]["database_id"], table.database.as_str());
    let path = format!("/v1/databases/{}", table.database);
    let both = bench.get(&path).await.ok().body["data_sources"].clone();
    assert_eq!(both[1], json!({"id": second.id(), "name": "Second"}));
    let token = &bench.demo.tokens.full;
    let row = json!({"parent": {"database_id": table.database}, "properties": {}});
    let relation = json!({"properties": {"R": {"relation": {"database_id": table.database,
        "single_property": {}}}}});
    let tasks = format!("/v1/databases/{}", bench.demo.database_id);
    let calls = [
        ("GET", path.clone(), Value::Null),
        ("PATCH", path.clone(), json!({"title": [{"text": {"content": "x"}}]})),
        ("POST", format!("{path}/query"), json!({})),
        ("POST", "/v1/pages".to_owned(), row.clone()),
        ("PATCH", tasks, relation),
    ];
    for (method, path, body) in calls {
        let answer = bench.with(token, OLD, method, &path, &body).await;
        // D and O
        assert_eq!(
            answer.message(),
            "Databases with multiple data sources are not supported in this API version.",
            "{method} {path}"
        );
        let data = &answer.body["additional_data"];
        let keys: Vec<&String> = data.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["error_type", "database_id", "child_data_source_ids", "minimum_api_version"]
        );
        assert_eq!(data["database_id"], table.database.as_str());
        assert_eq!(data["child_data_source_ids"].as_array().unwrap().len(), 2);
    }
    assert_eq!(bench.call("POST", "/v1/pages", row).await.status, 400);
    // An old search does not show it; once the second table is elsewhere, all is well again.
    let found = bench.with(token, OLD, "POST", "/v1/search", &json!({})).await.ok();
    let found = found.body["results"].as_array().unwrap();
    assert!(found.iter().all(|result| result["id"] != table.database.as_str()));
    let other = Table::new(&bench, json!({}), json!({})).await;
    let moving = json!({"parent": {"database_id": other.database}});
    let moved = format!("/v1/data_sources/{}", second.id());
    let moved = bench.call("PATCH", &moved, moving).await.ok();
    assert_eq!(moved.body["parent"]["database_id"], other.database.as_str());
    bench.with(token, OLD, "GET", &path, &Value::Null).await.ok();
    let views = bench.get(&format!("/v1/views?database_id={}", other.database)).await.ok();
    assert_eq!(views.body["results"].as_array().unwrap().len(), 2);
    // Into a database below its own rows it cannot go.
    let inside = json!({"parent": {"page_id": table.row.rsplit('/').next().unwrap()}});
    let inside = bench.call("POST", "/v1/databases", inside).await.ok().id();
    let own = json!({"parent": {"database_id": inside}});
    let answer = bench.call("PATCH", &table.source, own).await;
    assert_eq!(answer.message(), "A data source cannot be moved into itself.");
}

#[tokio::test]
async fn ids_of_the_wrong_kind_are_not_found() {
    let bench = Bench::new();
    let (database, source) = (bench.demo.database_id, bench.demo.data_source_id);
    let page = bench.demo.team_page_id;
    for (path, noun) in [
        (format!("/v1/databases/{source}"), "database"),
        (format!("/v1/databases/{page}"), "database"),
        (format!("/v1/data_sources/{database}"), "data_source"),
        (format!("/v1/data_sources/{page}"), "data_source"),
        (format!("/v1/pages/{database}"), "page"),
        (format!("/v1/blocks/{source}"), "block"),
    ] {
        let answer = bench.get(&path).await;
        let id = path.rsplit('/').next().unwrap();
        assert!(
            answer.message().starts_with(&format!("Could not find {noun} with ID: {id}. ")),
            "{}",
            answer.message()
        );
    }
    for parent in [json!({"database_id": source}), json!({"data_source_id": database})] {
        let body = json!({"parent": parent, "properties": {}});
        assert_eq!(bench.call("POST", "/v1/pages", body).await.status, 404);
    }
}

#[tokio::test]
async fn containers_have_flags_and_ignore_schemas() {
    let bench = Bench::new();
    let body = json!({"parent": {"page_id": bench.demo.team_page_id}, "is_inline": true,
        "properties": {"N": {"title": {}}, "X": {"number": {}}}});
    let made = bench.call("POST", "/v1/databases", body).await.ok();
    assert_eq!((&made.body["is_inline"], &made.body["is_locked"]), (&json!(true), &json!(false)));
    let source = made.body["data_sources"][0]["id"].as_str().unwrap().to_owned();
    let shown = bench.get(&format!("/v1/data_sources/{source}")).await.ok();
    // O: properties at the top level are ignored, only a title comes of it.
    assert_eq!(shown.body["properties"].as_object().unwrap().len(), 1);
    assert_eq!(shown.body["is_inline"], true);
    let path = format!("/v1/databases/{}", made.id());
    let patch = json!({"is_locked": true, "is_inline": false, "properties": {"Y": {"number": {}}}});
    let patched = bench.call("PATCH", &path, patch).await.ok();
    assert_eq!(patched.body["is_locked"], true);
    assert_eq!(patched.body["is_inline"], false);
    let shown = bench.get(&format!("/v1/data_sources/{source}")).await.ok();
    assert!(shown.body["properties"]["Y"].is_null());
    let wrong = bench.call("PATCH", &path, json!({"is_locked": "yes"})).await;
    assert_eq!(
        wrong.message(),
        "body failed validation: body.is_locked should be a boolean or `undefined`, instead was \
         `\"yes\"`."
    );
}

#[tokio::test]
async fn the_oldest_versions_list_databases() {
    let bench = Bench::new();
    let token = &bench.demo.tokens.full;
    let list =
        bench.with(token, "2021-08-16", "GET", "/v1/databases?page_size=1", &Value::Null).await;
    let list = list.ok().body;
    assert_eq!(
        (list["results"][0]["object"].as_str(), &list["has_more"]),
        (Some("database"), &json!(true))
    );
    let answer = bench.get("/v1/databases").await;
    assert_eq!(answer.body["code"], "invalid_request_url");
}

#[tokio::test]
async fn wikis_hold_pages_and_databases() {
    let bench = Bench::new();
    let wiki = Table::new(&bench, json!({}), json!({})).await;
    let source = wiki.source.rsplit('/').next().unwrap().to_owned();
    let body = json!({"parent": {"data_source_id": source},
        "title": [{"text": {"content": "Inner"}}], "initial_data_source": {}});
    let refused = bench.call("POST", "/v1/databases", body.clone()).await;
    assert_eq!(refused.status, 400);
    let act = json!({"method": "POST", "path": "/v1/databases", "body": body});
    let inner = bench.control("POST", "as-human", act).await.ok();
    let parent = json!({"type": "database_id", "database_id": wiki.database});
    assert_eq!(inner.body["parent"], parent);
    let table = inner.body["data_sources"][0]["id"].as_str().unwrap().to_owned();
    let shown = bench.get(&format!("/v1/data_sources/{table}")).await.ok();
    assert_eq!(shown.body["database_parent"], parent);
    let query = format!("{}/query", wiki.source);
    for (body, kinds) in [
        (json!({}), vec!["data_source", "page"]),
        (json!({"result_type": "data_source"}), vec!["data_source"]),
        (json!({"result_type": "page"}), vec!["page"]),
    ] {
        let answer = bench.call("POST", &query, body).await.ok();
        let results = answer.body["results"].as_array().unwrap();
        let found: Vec<&str> =
            results.iter().map(|result| result["object"].as_str().unwrap()).collect();
        assert_eq!(found, kinds);
    }
    let old = format!("/v1/databases/{}/query", wiki.database);
    let old = bench.with(&bench.demo.tokens.full, OLD, "POST", &old, &json!({})).await.ok();
    let results = old.body["results"].as_array().unwrap();
    assert!(results.iter().any(|result| result["object"] == "database"), "{}", old.body);
    let wrong = bench.call("POST", &query, json!({"result_type": "database"})).await;
    assert_eq!(
        wrong.message(),
        "body failed validation: body.result_type should be `\"page\"`, `\"data_source\"`, or \
         `undefined`, instead was `\"database\"`."
    );
}
