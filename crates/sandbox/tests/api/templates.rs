//! Templates of a data source.

use serde_json::{Value, json};

use crate::bench::{Answer, Bench, title};

async fn list(bench: &Bench, query: &str) -> Answer {
    let path = format!("/v1/data_sources/{}/templates{query}", bench.demo.data_source_id);
    bench.get(&path).await
}

async fn make(bench: &Bench, template: Value) -> Answer {
    let body =
        json!({"parent": {"data_source_id": bench.demo.data_source_id}, "template": template});
    bench.call("POST", "/v1/pages", body).await
}

async fn text(bench: &Bench, page: &str) -> String {
    let answer = bench.get(&format!("/v1/pages/{page}/markdown")).await.ok();
    answer.body["markdown"].as_str().unwrap().to_owned()
}

async fn advance(bench: &Bench) {
    bench.control("POST", "clock", json!({"advance_ms": 5000})).await.ok();
}

#[tokio::test]
async fn templates_are_listed_and_are_no_rows() {
    let bench = Bench::new();
    let all = list(&bench, "").await.ok();
    // Measured: neither `object` nor `type`.
    assert_eq!(all.keys(), ["templates", "has_more", "next_cursor"]);
    let names = |answer: &Answer| -> Vec<(String, bool)> {
        let all = answer.body["templates"].as_array().unwrap().iter();
        all.map(|it| (it["name"].as_str().unwrap().to_owned(), it["is_default"] == true)).collect()
    };
    assert_eq!(names(&all), [("Bug report".to_owned(), true), ("Chore".to_owned(), false)]);
    assert_eq!(names(&list(&bench, "?name=BUG").await.ok()).len(), 1);
    let first = list(&bench, "?page_size=1").await.ok();
    // Measured: the cursor is the id of the next.
    assert_eq!(first.body["next_cursor"], all.body["templates"][1]["id"]);
    let next = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(names(&list(&bench, &format!("?start_cursor={next}")).await.ok()).len(), 1);
    assert_eq!(bench.query(json!({})).await.ok().titles().len(), 25);
    let search = bench.call("POST", "/v1/search", json!({"query": "Bug report"})).await.ok();
    assert_eq!(search.body["results"], json!([]));
}

#[tokio::test]
async fn a_template_is_applied_after_the_answer() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let made =
        make(&bench, json!({"type": "default", "timezone": "Pacific/Kiritimati"})).await.ok();
    let id = made.id();
    // The page that is answered is blank.
    assert_eq!(title(&made.body), "");
    assert_eq!(text(&bench, &id).await, "");
    advance(&bench).await;
    assert_eq!(title(&bench.get(&format!("/v1/pages/{id}")).await.ok().body), "Bug report");
    let written = text(&bench, &id).await;
    let clock = bench.control("GET", "clock", Value::Null).await.ok().body["now"].clone();
    let there: jiff::Timestamp = clock.as_str().unwrap().parse().unwrap();
    let there = there.in_tz("Pacific/Kiritimati").unwrap().date();
    assert!(written.contains(&format!("<mention-date start=\"{there}\"/>")), "{written}");
    assert!(
        written.contains("<mention-user") && !written.contains("<mention-template"),
        "{written}"
    );
    // The template itself stays as it is.
    let template = list(&bench, "").await.ok().body["templates"][0]["id"].clone();
    assert!(text(&bench, template.as_str().unwrap()).await.contains("<mention-template"));
}

#[tokio::test]
async fn a_template_replaces_what_a_page_held() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let row = bench.query(json!({"page_size": 1})).await.ok().body["results"][0].clone();
    let id = row["id"].as_str().unwrap();
    let path = format!("/v1/pages/{id}");
    let template = list(&bench, "?name=chore").await.ok().body["templates"][0]["id"].clone();
    let before = text(&bench, id).await;
    let body = json!({"template": {"type": "template_id", "template_id": template}, "erase_content": true});
    bench.call("PATCH", &path, body).await.ok();
    // The old content goes only with the new.
    assert_eq!(text(&bench, id).await, before);
    advance(&bench).await;
    let after = text(&bench, id).await;
    assert!(after.contains("- [ ] "), "{after}");
    assert_ne!(after, before);
    // What the page had stays: the template fills in what is free.
    assert_eq!(title(&bench.get(&path).await.ok().body), title(&row));
    bench.call("PATCH", &path, json!({"erase_content": true})).await.ok();
    assert_eq!(text(&bench, id).await, "");
    let default = json!({"template": {"type": "default"}});
    bench.call("PATCH", &path, default.clone()).await.ok();
    let page = format!("/v1/pages/{}", bench.demo.team_page_id);
    assert_eq!(bench.call("PATCH", &page, default).await.status, 400);
}

#[tokio::test]
async fn odd_templates_are_refused() {
    let bench = Bench::new();
    let ok = make(&bench, json!({"type": "none"})).await.ok();
    advance(&bench).await;
    assert_eq!(text(&bench, &ok.id()).await, "");
    for (template, status) in [
        (json!({"type": "other"}), 400),
        (json!("default"), 400),
        (json!({"type": "template_id"}), 400),
        (json!({"type": "default", "timezone": "Mars/Olympus"}), 400),
        (json!({"type": "template_id", "template_id": bench.demo.data_source_id}), 404),
    ] {
        let answer = make(&bench, template.clone()).await;
        assert_eq!(answer.status, status, "{template} {}", answer.body);
    }
    let body = json!({"parent": {"data_source_id": bench.demo.data_source_id},
        "template": {"type": "default"}, "children": []});
    assert_eq!(bench.call("POST", "/v1/pages", body).await.status, 400);
}

#[tokio::test]
async fn people_make_templates() {
    let bench = Bench::new();
    let source = bench.demo.data_source_id;
    let body =
        json!({"data_source_id": source, "name": "Mine", "markdown": "- a", "is_default": true});
    let mine = bench.control("POST", "templates", body).await.ok().id();
    let all = list(&bench, "").await.ok();
    let defaults: Vec<&Value> = all.body["templates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["is_default"] == true)
        .collect();
    assert_eq!((defaults.len(), defaults[0]["id"].as_str()), (1, Some(mine.as_str())));
    let row = bench.query(json!({"page_size": 1})).await.ok().body["results"][0]["id"].clone();
    let body = json!({"data_source_id": source, "page_id": row});
    bench.control("POST", "templates", body).await.ok();
    assert_eq!(bench.query(json!({})).await.ok().titles().len(), 24);
    for bad in [
        json!({}),
        json!({"data_source_id": source}),
        json!({"data_source_id": bench.demo.database_id, "name": "x"}),
        json!({"data_source_id": source, "page_id": bench.demo.team_page_id}),
        json!({"data_source_id": source, "name": "x", "is_default": "yes"}),
    ] {
        let answer = bench.control("POST", "templates", bad.clone()).await;
        assert!(answer.status >= 400 && answer.body["error"].is_string(), "{bad}");
    }
}
