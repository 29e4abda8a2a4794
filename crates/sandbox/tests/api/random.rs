//! Whatever is sent, to whatever route: an answer in Notion's shape, and never a 5xx.

use referee::fuzz::{Fuzzer, Request};
use serde_json::{Value, json};

use crate::bench::Bench;

/// Requests of a run; `cargo xtask fuzz` goes on for as long as one likes.
const REQUESTS: usize = 1500;

pub(crate) async fn ask(bench: &Bench, request: &Request) -> (u16, Value) {
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    bench.status_and_body(request.method, &request.path, &headers, request.body.clone()).await
}

pub(crate) fn fuzzer(bench: &Bench, seed: u64) -> Fuzzer {
    let demo = &bench.demo;
    let tokens = &demo.tokens;
    let ids = [
        ("page", demo.root_page_id),
        ("page", demo.team_page_id),
        ("page", demo.other_page_id),
        ("database", demo.database_id),
        ("data_source", demo.data_source_id),
    ];
    Fuzzer::new(
        seed,
        vec![tokens.full.clone(), tokens.full.clone(), tokens.reader.clone()],
        ids.map(|(kind, id)| (kind.to_owned(), id.to_string())).to_vec(),
    )
}

pub(crate) fn said(request: &Request) -> String {
    let Request { method, path, headers, body } = request;
    format!("{method} {path} {headers:?} {}", String::from_utf8_lossy(body))
}

async fn run(seed: u64) {
    let bench = Bench::new();
    let mut fuzzer = fuzzer(&bench, seed);
    let mut successes = 0;
    for index in 0..REQUESTS {
        let request = fuzzer.request();
        let (status, answer) = ask(&bench, &request).await;
        if let Err(what) = Fuzzer::check(&request, status, &answer) {
            panic!("seed {seed}, request {index}: {}: {what}", said(&request));
        }
        successes += usize::from(status == 200);
        fuzzer.learn(&answer);
    }
    // A stream of refusals alone would prove little.
    assert!(successes > REQUESTS / 8, "{successes} successes");
    // After all of that, the demo is back as it was.
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(bench.query(json!({})).await.ok().titles().len(), 25);
}

#[tokio::test]
async fn random_requests_never_break_it_1() {
    run(1).await;
}

#[tokio::test]
async fn random_requests_never_break_it_2() {
    run(2).await;
}

/// Control routes answer whatever they are sent as well.
#[tokio::test]
async fn control_routes_refuse_nonsense() {
    let bench = Bench::new();
    let bodies = [
        json!(null),
        json!([]),
        json!("x"),
        json!({"a": {"b": [1]}}),
        json!({"id": 1}),
        json!({"now": "never"}),
        json!({"match": 1, "times": -1}),
        json!({"url": "x"}),
    ];
    for (method, route) in [
        ("POST", "tokens"),
        ("POST", "share"),
        ("POST", "unshare"),
        ("POST", "clock"),
        ("PUT", "state"),
        ("POST", "faults"),
        ("POST", "as-human"),
        ("POST", "webhooks"),
        ("POST", "oauth/clients"),
        ("POST", "templates"),
        ("POST", "emojis"),
        ("POST", "snapshots"),
        ("PUT", "limits"),
        ("GET", "nothing"),
        ("DELETE", "tokens/x"),
        ("POST", "webhooks/deliveries/x/redeliver"),
    ] {
        for body in &bodies {
            let path = format!("/_sandbox/{route}");
            let text = body.to_string();
            let (status, answer) = bench.status_and_body(method, &path, &[], text).await;
            assert!(status < 500, "{method} {route} {body}: {status} {answer}");
        }
    }
}
