//! Answers that go wrong on demand.

use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::Bench;

#[tokio::test]
async fn a_saved_write_that_fails_tells_what_it_saved() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Late").await;
    let path = format!("/v1/blocks/{page}/children");
    let children = |text: &str| {
        json!({"children": [
            {"paragraph": {"rich_text": [{"text": {"content": text}}]}}, {"divider": {}},
        ]})
    };
    bench.call("PATCH", &path, children("before")).await.ok();
    let fault = json!({"answer": {"status": 503, "committed": true}});
    bench.control("POST", "faults", fault).await.ok();
    let body = json!({"children": children("late")["children"], "position": {"type": "start"}});
    let late = bench.call("PATCH", &path, body).await;
    assert_eq!((late.status, &late.body["code"]), (503, &json!("service_unavailable")));
    let data = late.body["additional_data"].clone();
    let keys: Vec<&str> = data.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "from",
        "elapsed_ms",
        "deadline_ms",
        "retry_guidance",
        "committed_resource_id",
        "committed_child_ids",
    ];
    assert_eq!(keys, documented);
    assert_eq!(
        (&data["committed_resource_id"], &data["deadline_ms"]),
        (&json!(page), &json!("55000"))
    );
    // An update names nothing, a read has saved nothing.
    let body = json!({"properties": {"title": [{"text": {"content": "Later"}}]}});
    let update = bench.call("PATCH", &format!("/v1/pages/{page}"), body).await;
    assert_eq!(update.status, 503);
    assert_eq!(update.body["additional_data"].get("committed_resource_id"), None);
    assert_eq!(bench.query(json!({})).await.body.get("additional_data"), None);
    bench.control("DELETE", "faults", Value::Null).await.ok();
    let saved = bench.get(&path).await.ok().body["results"].clone();
    let ids: Value =
        saved.as_array().unwrap()[..2].iter().map(|block| block["id"].clone()).collect();
    assert_eq!(data["committed_child_ids"], ids);
    assert_eq!(crate::bench::title(&bench.get(&format!("/v1/pages/{page}")).await.body), "Later");
}

#[tokio::test]
async fn chances_are_the_same_in_every_run() {
    let run = || async {
        let bench = Bench::new();
        let fault = json!({"answer": {"status": 529}, "probability": 0.5});
        bench.control("POST", "faults", fault).await.ok();
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(bench.get("/v1/users/me").await.status);
        }
        let listed = bench.control("GET", "faults", Value::Null).await.ok();
        let struck = statuses.iter().filter(|status| **status == 529).count();
        assert_eq!(listed.body[0]["hits"], struck);
        assert!((8..=32).contains(&struck), "{statuses:?}");
        // Ids are drawn from elsewhere.
        bench.control("DELETE", "faults", Value::Null).await.ok();
        (statuses, bench.page(&json!({"page_id": bench.demo.team_page_id}), "Same").await)
    };
    let (first, page) = run().await;
    assert_eq!(run().await, (first, page.clone()));
    assert_eq!(
        Bench::new().page(&json!({"page_id": Bench::new().demo.team_page_id}), "").await,
        page
    );
}

#[tokio::test]
async fn the_first_fault_that_fits_answers_and_waits_add_up() {
    let bench = Bench::new();
    for fault in [
        json!({"match": {"operation": "get-self"}, "answer": {"status": 409}, "times": 1}),
        json!({"match": {"path": "/v1/users/*"}, "latency_ms": 20}),
        json!({"answer": {"status": 500}}),
    ] {
        bench.control("POST", "faults", fault).await.ok();
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(bench.get("/v1/users/me").await.body["code"], "conflict_error");
    assert!(begun.elapsed().as_millis() >= 20);
    assert_eq!(bench.get("/v1/users/me").await.body["code"], "internal_server_error");
    bench.control("POST", "reset", Value::Null).await.ok();
    bench.get("/v1/users/me").await.ok();
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    for (fault, says) in [
        (json!({}), "does nothing"),
        (json!({"answer": {"status": 200}}), "from 400 to 599"),
        (json!({"drop": true, "probability": 2}), "`probability`"),
        (json!({"latency_ms": 1_000_000}), "`latency_ms`"),
        (json!({"drop": true, "match": {"operation": "nope"}}), "operation ids"),
        (json!({"drop": true, "matches": {}}), "send {match:"),
    ] {
        let refused = bench.control("POST", "faults", fault.clone()).await;
        assert_eq!(refused.status, 400, "{fault}");
        assert!(refused.body["error"].as_str().unwrap().contains(says), "{}", refused.body);
    }
}

/// What comes back over a connection of its own until it ends.
async fn exchange(sandbox: &Sandbox, head: &str, body: &str) -> String {
    let address = sandbox.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let text = format!(
        "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         notion-version: 2026-03-11\r\ncontent-length: {length}\r\n\r\n{body}",
        sandbox.demo().unwrap().tokens.full
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut may end in an error; what came before it counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn answers_are_cut_and_the_edge_speaks_html() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let fault = |fault: Value| {
        let sandbox = &sandbox;
        async move {
            let answer = exchange(sandbox, "POST /_sandbox/faults", &fault.to_string()).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    };
    let me = "GET /v1/users/me";
    let whole = exchange(&sandbox, me, "").await;
    let (_, content) = whole.split_once("\r\n\r\n").unwrap();
    fault(json!({"truncate": 30, "times": 1})).await;
    let cut = exchange(&sandbox, me, "").await;
    let (head, sent) = cut.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", content.len())), "{head}");
    assert_eq!(sent, &content[..30]);

    fault(json!({"answer": {"status": 502, "edge": true}, "times": 1})).await;
    let edge = exchange(&sandbox, me, "").await;
    let (head, page) = edge.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 502") && head.contains("text/html"), "{head}");
    assert!(!head.contains("\r\nx-notion-request-id:"), "{head}");
    assert!(page.starts_with("<html>"), "{page}");

    // Saved, and nobody hears of it.
    let fault_of_all =
        json!({"drop": true, "answer": {"status": 503, "committed": true}, "times": 1});
    fault(fault_of_all).await;
    let parent = sandbox.demo().unwrap().team_page_id;
    let body = json!({"parent": {"page_id": parent}, "icon": {"emoji": "👻"}, "properties": {}});
    assert_eq!(exchange(&sandbox, "POST /v1/pages", &body.to_string()).await, "");
    let state = exchange(&sandbox, "GET /_sandbox/state", "").await;
    assert!(state.contains("👻"));
    sandbox.shutdown().await.unwrap();
}
