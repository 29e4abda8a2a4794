//! Snapshots.

use serde_json::{Value, json};

use crate::bench::{Bench, title};

#[tokio::test]
async fn a_snapshot_is_come_back_to_as_often_as_wanted() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "First").await;
    let path = format!("/v1/pages/{page}");
    let name = |text: &str| json!({"properties": {"title": [{"text": {"content": text}}]}});
    bench
        .control("POST", "clock", json!({"freeze": true, "now": "2026-05-01T10:00:00Z"}))
        .await
        .ok();
    let taken = bench.control("POST", "snapshots", json!({"name": "first"})).await.ok();
    assert_eq!(
        (&taken.body["name"], &taken.body["taken_at"]),
        (&json!("first"), &json!("2026-05-01T10:00:00Z"))
    );
    for _ in 0..2 {
        bench.call("PATCH", &path, name("Second")).await.ok();
        let new = bench.page(&json!({"page_id": page}), "New").await;
        assert_eq!(title(&bench.get(&path).await.body), "Second");
        bench.control("POST", "snapshots/first/restore", Value::Null).await.ok();
        assert_eq!(title(&bench.get(&path).await.body), "First");
        assert_eq!(bench.get(&format!("/v1/pages/{new}")).await.status, 404);
    }
    // It outlives a reset; one of the same name takes its place.
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(bench.get(&path).await.status, 404);
    bench.control("POST", "snapshots/first/restore", Value::Null).await.ok();
    assert_eq!(title(&bench.get(&path).await.body), "First");
    bench.call("PATCH", &path, name("Third")).await.ok();
    bench.control("POST", "snapshots", json!({"name": "first"})).await.ok();
    let all = bench.control("GET", "snapshots", Value::Null).await.ok();
    assert_eq!(all.body.as_array().unwrap().len(), 1);
    bench.control("DELETE", "snapshots/first", Value::Null).await.ok();
    for (method, route) in [("POST", "snapshots/first/restore"), ("DELETE", "snapshots/first")] {
        let gone = bench.control(method, route, Value::Null).await;
        assert_eq!(gone.status, 404);
        assert!(gone.body["error"].as_str().unwrap().contains("GET /_sandbox/snapshots"));
    }
    for wrong in ["", "a/b", "ä"] {
        assert_eq!(bench.control("POST", "snapshots", json!({"name": wrong})).await.status, 400);
    }
}
