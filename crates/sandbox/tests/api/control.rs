//! Control routes.

use notion::Id;
use sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};

use crate::bench::{Bench, NEW};

#[tokio::test]
async fn a_world_goes_out_and_in_without_loss() {
    let bench = Bench::new();
    let before = bench.control("GET", "state", Value::Null).await.ok().body;
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Change").await;
    assert_ne!(bench.control("GET", "state", Value::Null).await.ok().body, before);
    bench.control("PUT", "state", before.clone()).await.ok();
    assert_eq!(bench.control("GET", "state", Value::Null).await.ok().body, before);
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Change").await;
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(bench.control("GET", "state", Value::Null).await.ok().body, before);
    let refused = bench.control("PUT", "state", json!({"nodes": 1})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body["error"].as_str().unwrap().contains("GET /_sandbox/state"));
    // A world is also a seed.
    let options = Options { seed: Seed::File(before), ..Options::default() };
    assert!(Sandbox::router(&options).is_ok());
}

#[tokio::test]
async fn calls_are_recorded_without_tokens() {
    let bench = Bench::new();
    bench.query(json!({"page_size": 1})).await.ok();
    bench.get("/v1/pages/AAA?filter_properties=a&filter_properties=b").await;
    let calls = bench.control("GET", "calls", Value::Null).await.ok();
    let all = calls.body.as_array().unwrap();
    assert_eq!(all.len(), 2);
    let keys: Vec<&String> = all[0].as_object().unwrap().keys().collect();
    let expected = [
        "at",
        "method",
        "path",
        "query",
        "operation",
        "token_fingerprint",
        "notion_version",
        "status",
        "body",
    ];
    assert_eq!(keys, expected);
    assert_eq!(all[0]["operation"], "query-data-source");
    assert_eq!(all[0]["body"], json!({"page_size": 1}));
    assert_eq!(all[0]["notion_version"], NEW);
    assert_eq!((&all[1]["status"], &all[1]["body"]), (&json!(400), &Value::Null));
    assert_eq!(all[1]["query"], json!({"filter_properties": ["a", "b"]}));
    let text = calls.body.to_string();
    assert!(!text.contains(&bench.demo.tokens.full) && !text.contains("ntn_"));
    bench.control("DELETE", "calls", Value::Null).await.ok();
    assert_eq!(bench.control("GET", "calls", Value::Null).await.body, json!([]));
}

#[tokio::test]
async fn people_edit_without_a_token_and_with_all_rights() {
    let bench = Bench::new();
    let body = json!({"method": "POST", "path": "/v1/pages", "body": {
        "parent": {"workspace": true},
        "properties": {"title": {"title": [{"text": {"content": "Private"}}]}},
    }});
    let page = bench.control("POST", "as-human", body).await.ok();
    assert_eq!(page.body["parent"], json!({"type": "workspace", "workspace": true}));
    assert_eq!(bench.get(&format!("/v1/pages/{}", page.id())).await.status, 404);
    let refused = json!({"method": "GET", "path": "/v1/pages/AAA"});
    let refused = bench.control("POST", "as-human", refused).await;
    assert_eq!(refused.body["code"], "validation_error");
    let nobody = json!({"method": "GET", "path": "/v1/users", "user_id": bench.demo.root_page_id});
    assert_eq!(bench.control("POST", "as-human", nobody).await.status, 404);
}

#[tokio::test]
async fn faults_answer_as_told() {
    let bench = Bench::new();
    let fault = json!({"match": {"operation": "get-self"},
        "answer": {"status": 429, "retry_after": 7}, "times": 1});
    bench.control("POST", "faults", fault).await.ok();
    let limited = bench.get("/v1/users/me").await;
    assert_eq!((limited.status, limited.headers["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(limited.body["code"], "rate_limited");
    assert_eq!(limited.body["additional_data"]["retry_after"], "7");
    bench.get("/v1/users/me").await.ok();
    // Saved, and yet a failure.
    let fault = json!({"match": {"operation": "post-page", "token": bench.demo.tokens.full},
        "answer": {"status": 503, "committed": true}, "times": 1});
    bench.control("POST", "faults", fault).await.ok();
    let body = json!({"parent": {"page_id": bench.demo.team_page_id}, "properties": {}});
    let late = bench.call("POST", "/v1/pages", body).await;
    assert_eq!(late.status, 503);
    let id = late.body["additional_data"]["committed_resource_id"].as_str().unwrap();
    bench.get(&format!("/v1/pages/{id}")).await.ok();
    let listed = bench.control("GET", "faults", Value::Null).await.ok();
    assert!(!listed.body.to_string().contains("ntn_"));
    assert_eq!(bench.control("POST", "faults", json!({"match": {}})).await.status, 400);
    let unknown = json!({"match": {"operation": "nope"}, "drop": true});
    assert_eq!(bench.control("POST", "faults", unknown).await.status, 400);
}

#[tokio::test]
async fn bad_control_requests_say_what_to_do() {
    let bench = Bench::new();
    let nothing = bench.control("GET", "nothing", Value::Null).await;
    assert_eq!(nothing.status, 404);
    assert!(nothing.body["error"].as_str().unwrap().contains("POST as-human"));
    let id = Id::parse("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d").unwrap();
    for (route, body) in [
        ("tokens", json!({"name": ""})),
        ("tokens", json!({"name": "x", "capabilities": ["fly"]})),
        ("tokens", json!({"name": "x", "shared": [id]})),
        ("share", json!({"bot_id": id})),
        ("clock", json!({"now": "noon"})),
    ] {
        let answer = bench.control("POST", route, body.clone()).await;
        assert!((400..500).contains(&answer.status), "{route} {body}");
        assert!(answer.body["error"].is_string());
    }
}

#[tokio::test]
async fn a_server_serves_and_stops() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let address = sandbox.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = "GET /_sandbox/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    // A fault that drops: the connection ends without an answer.
    let fault = json!({"drop": true, "times": 1}).to_string();
    let post = format!(
        "POST /_sandbox/faults HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{fault}\
         GET /v1/users/me HTTP/1.1\r\nhost: x\r\n\r\n",
        fault.len()
    );
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    stream.write_all(post.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1").count(), 1, "{text}");
    sandbox.shutdown().await.unwrap();
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn the_clock_refuses_what_it_cannot_do_and_stays_where_it_is() {
    let bench = Bench::new();
    let stands = json!({"freeze": true, "now": "2026-05-01T10:00:00Z"});
    bench.control("POST", "clock", stands).await.ok();
    for body in [
        json!({"advance_ms": i64::MAX}),
        json!({"freeze": false, "advance_ms": "soon"}),
        json!({"now": "2027-01-01T00:00:00Z", "advance_ms": 1_000_000_000_000_000_i64}),
    ] {
        assert_eq!(bench.control("POST", "clock", body).await.status, 400);
        let clock = bench.control("GET", "clock", Value::Null).await.ok();
        assert_eq!(clock.body, json!({"now": "2026-05-01T10:00:00.000Z", "frozen": true}));
    }
}
