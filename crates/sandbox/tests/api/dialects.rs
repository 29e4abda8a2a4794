//! Versions before 2022-06-28, and answers of other years.

use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD};

/// A page with a block, and the block as `version` answers the append.
async fn appended(bench: &Bench, version: &str) -> Value {
    let parent = json!({"page_id": bench.demo.root_page_id});
    let page = bench.page(&parent, "Old").await;
    let body = json!({"children": [{"paragraph": {"text": [{"text": {"content": "Hi"}}]}}]});
    let path = format!("/v1/blocks/{page}/children");
    let token = &bench.demo.tokens.full;
    let answer = bench.with(token, version, "PATCH", &path, &body).await.ok();
    if version < "2021-08-16" {
        assert_eq!(answer.body["type"], "child_page", "the first versions answer the parent");
        return bench.with(token, version, "GET", &path, &Value::Null).await.ok().body["results"]
            [0]
        .clone();
    }
    answer.body["results"][0].clone()
}

#[tokio::test]
async fn the_text_of_a_block_was_once_called_text() {
    let bench = Bench::new();
    for (version, key) in [
        ("2021-05-13", "text"),
        ("2021-08-16", "text"),
        ("2022-02-22", "rich_text"),
        (OLD, "rich_text"),
        (NEW, "rich_text"),
    ] {
        let block = appended(&bench, version).await;
        assert_eq!(block["paragraph"][key][0]["plain_text"], "Hi", "{version}");
        let keys: Vec<&String> = block["paragraph"].as_object().unwrap().keys().collect();
        assert_eq!(keys.iter().filter(|key| key.ends_with("text")).count(), 1, "{version}");
        assert_eq!(block.get("parent").is_some(), version >= OLD, "{version}");
    }
}

#[tokio::test]
async fn empty_values_were_once_left_out() {
    let bench = Bench::new();
    let parent = json!({"data_source_id": bench.demo.data_source_id});
    let page = bench.page(&parent, "Bare").await;
    let path = format!("/v1/pages/{page}");
    let token = &bench.demo.tokens.full;
    let values = async |version: &str| {
        let answer = bench.with(token, version, "GET", &path, &Value::Null).await.ok();
        answer.body["properties"].as_object().unwrap().clone()
    };
    let is_empty = |value: &Value| {
        ["number", "email", "select", "date"]
            .iter()
            .any(|kind| value[*kind].is_null() && value["type"] == **kind)
    };
    assert!(values("2021-08-16").await.values().any(is_empty));
    assert!(!values("2021-05-13").await.values().any(is_empty));
    let relation = |of: &serde_json::Map<String, Value>| {
        of.values().find(|one| one["type"] == "relation").cloned()
    };
    assert!(relation(&values(OLD).await).is_some());
}

#[tokio::test]
async fn refusals_and_lists_are_those_of_their_year() {
    let bench = Bench::new();
    let message = async || {
        bench.get("/v1/pages/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").await.message().to_owned()
    };
    assert!(message().await.ends_with("your integration \"Acme Automations\"."));
    bench.control("POST", "era", json!({"as_of": "2025-10-30T12:00:00Z"})).await.ok();
    assert!(message().await.ends_with("with your integration."));
    assert_eq!(bench.get("/v1/users").await.ok().body["type"], "user");
    bench.control("POST", "era", json!({"as_of": "2021-10-30T12:00:00Z"})).await.ok();
    assert!(message().await.ends_with("9e0f1a2b3c4d."));
    let token = &bench.demo.tokens.full;
    let list = bench.with(token, "2021-08-16", "GET", "/v1/users", &Value::Null).await.ok();
    assert!(list.body.get("type").is_none() && list.body["results"].is_array());
}

#[tokio::test]
async fn what_came_later_is_not_there_before() {
    let bench = Bench::new();
    let token = &bench.demo.tokens.full;
    let root = json!({"page_id": bench.demo.root_page_id});
    let body = json!({"parent": root, "properties": {"title": [{"text": {"content": "Then"}}]}});
    let page = async |now: &str, version: &str| {
        bench.control("POST", "era", json!({"as_of": now})).await.ok();
        bench.with(token, version, "POST", "/v1/pages", &body).await.ok().body
    };
    let keys = |page: &Value| -> Vec<String> {
        let marks =
            ["archived", "in_trash", "is_archived", "is_locked", "public_url", "request_id"];
        let all = page.as_object().unwrap().keys();
        all.filter(|key| marks.contains(&key.as_str())).cloned().collect()
    };
    let then = page("2022-11-16T12:00:00Z", OLD).await;
    assert_eq!(keys(&then), ["archived"]);
    let path = format!("/v1/blocks/{}", then["id"].as_str().unwrap());
    for _ in 0..2 {
        let gone = bench.with(token, OLD, "DELETE", &path, &Value::Null).await.ok().body;
        assert_eq!((&gone["archived"], gone.get("in_trash")), (&json!(true), None));
    }
    let refused = bench.with(token, OLD, "GET", "/v1/pages/x", &Value::Null).await;
    assert!(refused.body.get("request_id").is_none());
    assert_eq!(
        keys(&page("2024-12-30T12:00:00Z", OLD).await),
        ["archived", "in_trash", "public_url", "request_id"]
    );
    let tables = "2025-09-03";
    assert_eq!(
        keys(&page("2025-10-28T12:00:00Z", tables).await),
        ["archived", "in_trash", "is_locked", "public_url", "request_id"]
    );
    let upload = json!({"mode": "multi_part", "filename": "a.pdf", "number_of_parts": 2});
    let upload = bench.with(token, tables, "POST", "/v1/file_uploads", &upload).await.ok().body;
    assert!(upload.get("in_trash").is_none() && upload.get("complete_url").is_none());
    let today = page("2026-07-04T12:00:00Z", tables).await;
    assert_eq!(
        keys(&today),
        ["in_trash", "is_archived", "is_locked", "public_url", "archived", "request_id"]
    );
}

#[tokio::test]
async fn objects_from_elsewhere_come_in_and_the_search_index_lags_when_told() {
    let bench = Bench::new();
    let (page, row, table) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
        "33333333-3333-4333-8333-333333333333",
    );
    let text = json!([{"type": "text", "text": {"content": "Shed", "link": null}}]);
    let title = json!({"id": "title", "type": "title", "title": text});
    let number = json!({"id": "a%3Ab", "type": "number", "number": 7});
    let document = json!({
        "objects": [
            {"object": "page", "id": page, "parent": {"workspace": true}, "properties": {"title": title}},
            {"object": "page", "id": row, "parent": {"data_source_id": table},
                "properties": {"Name": title, "Size": number}},
        ],
    });
    bench.control("POST", "import", document).await.ok();
    let bot =
        bench.control("POST", "tokens", json!({"name": "New", "shared": [page, row]})).await.ok();
    let token = bot.body["token"].as_str().unwrap().to_owned();
    let got = bench.with(&token, NEW, "GET", &format!("/v1/pages/{row}"), &Value::Null).await.ok();
    assert_eq!(got.body["properties"]["Size"], number);
    let found = async || {
        let body = json!({"query": "sheds"});
        bench.with(&token, NEW, "POST", "/v1/search", &body).await.ok().titles().len()
    };
    assert_eq!(found().await, 2);
    bench.control("POST", "search-index", json!({"late": [row]})).await.ok();
    assert_eq!(found().await, 1);
    let refused = bench.control("POST", "import", json!({"objects": [{"object": "page"}]})).await;
    assert_eq!(refused.status, 400, "an object without an id");
}

#[tokio::test]
async fn new_objects_get_the_ids_that_were_asked_for() {
    let bench = Bench::new();
    let wished = "44444444-4444-4444-8444-444444444444";
    bench.control("POST", "ids", json!({"next": [wished]})).await.ok();
    let parent = json!({"page_id": bench.demo.root_page_id});
    assert_eq!(bench.page(&parent, "One").await, wished);
    assert_ne!(bench.page(&parent, "Two").await, wished);
    let taken = bench.control("POST", "ids", json!({"next": [wished]})).await;
    assert_eq!(taken.status, 400);
}
