//! Results of views that are kept for a while.

use serde_json::{Value, json};

use crate::bench::{Bench, NEW};

async fn view(bench: &Bench, rest: Value) -> String {
    let mut body = json!({"database_id": bench.demo.database_id,
        "data_source_id": bench.demo.data_source_id, "name": "Mine", "type": "table"});
    for (key, value) in rest.as_object().unwrap() {
        body[key] = value.clone();
    }
    format!("/v1/views/{}/queries", bench.call("POST", "/v1/views", body).await.ok().id())
}

fn ids(body: &Value) -> Vec<String> {
    let results = body["results"].as_array().unwrap();
    results.iter().map(|page| page["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_view_is_asked_with_its_filter_and_sorts() {
    let bench = Bench::new();
    let filter = json!({"property": "Priority", "select": {"equals": "High"}});
    let sorts = json!([{"property": "Task", "direction": "ascending"}]);
    let path = view(&bench, json!({"filter": filter, "sorts": sorts})).await;
    let asked = bench.call("POST", &path, json!({})).await.ok();
    // R: key order
    assert_eq!(
        asked.keys().join(" "),
        "object id view_id expires_at total_count results next_cursor has_more request_id"
    );
    let same = bench.query(json!({"filter": filter, "sorts": sorts})).await.ok();
    assert_eq!(ids(&asked.body), ids(&same.body));
    assert_eq!(asked.body["total_count"], 9);
    assert_eq!(asked.body["results"][0].as_object().unwrap().len(), 2);
    // Groups of a status stand for all of their options.
    let status = json!({"property": "Status", "status": {"equals": "To-do"}});
    let path = view(&bench, json!({"filter": status})).await;
    let by_group = bench.call("POST", &path, json!({})).await.ok();
    let schema = bench.get(&format!("/v1/data_sources/{}", bench.demo.data_source_id)).await.ok();
    let settings = &schema.body["properties"]["Status"]["status"];
    let group = &settings["groups"][0];
    assert_eq!(group["name"], "To-do");
    let wanted: Vec<Value> = settings["options"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|option| group["option_ids"].as_array().unwrap().contains(&option["id"]))
        .map(|option| option["name"].clone())
        .collect();
    let same = json!({"filter": {"property": "Status", "status": {"equals": wanted}}});
    let same = bench.query(same).await.ok();
    assert!(!ids(&same.body).is_empty());
    assert_eq!(ids(&by_group.body), ids(&same.body));
}

#[tokio::test]
async fn results_are_read_page_by_page() {
    let bench = Bench::new();
    let path = view(&bench, json!({})).await;
    let whole = ids(&bench.call("POST", &path, json!({})).await.ok().body);
    let asked = bench.call("POST", &path, json!({"page_size": 10})).await.ok();
    assert_eq!((ids(&asked.body).len(), &asked.body["total_count"]), (10, &json!(25)));
    assert_eq!(asked.body["has_more"], true);
    let query = format!("{path}/{}", asked.id());
    // A row that comes later is not among them.
    let row = json!({"parent": {"data_source_id": bench.demo.data_source_id}, "properties": {}});
    bench.call("POST", "/v1/pages", row).await.ok();
    let mut walked = ids(&asked.body);
    let mut cursor = asked.body["next_cursor"].clone();
    while let Some(next) = cursor.as_str() {
        let page = bench.get(&format!("{query}?page_size=10&start_cursor={next}")).await.ok();
        assert_eq!(
            page.keys().join(" "),
            "object results next_cursor has_more type page request_id"
        );
        walked.extend(ids(&page.body));
        cursor = page.body["next_cursor"].clone();
    }
    assert_eq!(walked, whole);
    assert_eq!(ids(&bench.get(&query).await.ok().body), whole);
    let bad = bench.get(&format!("{query}?start_cursor={}", bench.demo.team_page_id)).await;
    assert!(bad.message().starts_with("The start_cursor provided is invalid: "));
    let bad = bench.call("POST", &path, json!({"start_cursor": "x"})).await;
    assert_eq!(
        bad.message(),
        "body failed validation: body.start_cursor should be not present, instead was `\"x\"`."
    );
    // Others' tokens and other views do not find it.
    let reader = &bench.demo.tokens.reader;
    assert_eq!(bench.with(reader, NEW, "GET", &query, &Value::Null).await.status, 404);
    let other = view(&bench, json!({})).await;
    assert_eq!(bench.get(&format!("{other}/{}", asked.id())).await.status, 404);
    let gone = bench.call("DELETE", &query, Value::Null).await.ok();
    assert_eq!(gone.keys().join(" "), "object id deleted request_id");
    assert_eq!(gone.body["deleted"], true);
    let again = bench.get(&query).await;
    assert!(again.message().starts_with("Could not find view_query with ID: "));
}

#[tokio::test]
async fn results_end_after_a_quarter_of_an_hour() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    bench.control("POST", "clock", json!({"now": "2026-02-01T12:00:00Z"})).await.ok();
    let path = view(&bench, json!({})).await;
    let asked = bench.call("POST", &path, json!({})).await.ok();
    assert_eq!(asked.body["expires_at"], "2026-02-01T12:15:00.000+00:00");
    let query = format!("{path}/{}", asked.id());
    bench.control("POST", "clock", json!({"advance_ms": 899_999})).await.ok();
    bench.get(&query).await.ok();
    bench.control("POST", "clock", json!({"advance_ms": 1})).await.ok();
    for method in ["GET", "DELETE"] {
        let answer = bench.call(method, &query, Value::Null).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (404, Some("object_not_found")));
    }
}
