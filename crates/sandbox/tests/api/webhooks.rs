//! Webhooks: subscriptions, signatures, order, retries, and the log.

use std::time::Duration;

use aws_lc_rs::hmac;
use sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW};
use crate::receiver::{Received, Receiver};

/// What a subscriber does with the signature.
fn is_signed(received: &Received, token: &str) -> bool {
    let header = received.headers["x-notion-signature"].to_str().unwrap();
    let hex = header.strip_prefix("sha256=").unwrap();
    assert!(hex.len() == 64 && hex.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    let bytes: Vec<u8> = (0..32)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    hmac::verify(&key, received.text.as_bytes(), &bytes).is_ok()
}

async fn rename(bench: &Bench, page: &str, title: &str) {
    let body = json!({"properties": {"title": {"title": [{"text": {"content": title}}]}}});
    bench.call("PATCH", &format!("/v1/pages/{page}"), body).await.ok();
}

async fn advance(bench: &Bench, milliseconds: u64) {
    bench.control("POST", "clock", json!({"advance_ms": milliseconds})).await.ok();
}

#[tokio::test]
async fn the_handshake_brings_the_token_that_signs() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let body = json!({"url": receiver.url(), "api_version": MID});
    let answer = bench.control("POST", "webhooks", body).await.ok().body;
    let token = answer["verification_token"].as_str().unwrap();
    assert!(token.starts_with("secret_") && token.len() == 50, "{token}");
    let [hello] = receiver.taken().try_into().unwrap();
    assert_eq!(hello.text, format!("{{\"verification_token\":\"{token}\"}}"));
    assert_eq!(hello.headers["content-type"], "application/json");
    assert!(is_signed(&hello, token) && !is_signed(&hello, "secret_other"));
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Signed – and minified").await;
    bench.flush().await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 2);
    for event in taken {
        assert!(is_signed(&event, token));
        assert_eq!(event.path, "/hook");
        // The bytes are what a parser prints again: no spaces, the same order.
        assert_eq!(event.text, event.body.to_string());
        assert_eq!(event.body["subscription_id"], answer["subscription_id"]);
    }
}

#[tokio::test]
async fn subscriptions_are_listed_paused_and_removed() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let (id, token) = receiver.subscribe(&bench, json!({"events": ["page.created"]})).await;
    let all = bench.control("GET", "webhooks", Value::Null).await.ok().body;
    assert_eq!((&all[0]["subscription_id"], &all[0]["state"]), (&json!(id), &json!("active")));
    let parent = json!({"page_id": bench.demo.team_page_id});
    bench.page(&parent, "One").await;
    bench.flush().await;
    assert_eq!(receiver.types(), ["page.created"]);
    bench.control("POST", &format!("webhooks/{id}/pause"), Value::Null).await.ok();
    bench.page(&parent, "Two").await;
    bench.flush().await;
    assert!(receiver.taken().is_empty());
    bench.control("POST", &format!("webhooks/{id}/resume"), Value::Null).await.ok();
    bench.page(&parent, "Three").await;
    bench.flush().await;
    assert_eq!(receiver.types(), ["page.created"]);
    // The world goes out and in with its subscriptions.
    let state = bench.control("GET", "state", Value::Null).await.ok().body;
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(bench.control("GET", "webhooks", Value::Null).await.ok().body, json!([]));
    bench.control("PUT", "state", state).await.ok();
    bench.page(&parent, "Four").await;
    bench.flush().await;
    let [event] = receiver.taken().try_into().unwrap();
    assert!(is_signed(&event, &token));
    bench.control("DELETE", &format!("webhooks/{id}"), Value::Null).await.ok();
    bench.page(&parent, "Five").await;
    bench.flush().await;
    assert!(receiver.taken().is_empty());
    assert_eq!(bench.control("DELETE", &format!("webhooks/{id}"), Value::Null).await.status, 404);
}

#[tokio::test]
async fn bad_subscriptions_are_refused_and_silent_receivers_stay_unverified() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let url = receiver.url();
    for body in [
        json!({}),
        json!({"url": "https://example.com/"}),
        json!({"url": "file:///etc/passwd"}),
        json!({"url": url, "api_version": "2021-08-16"}),
        json!({"url": url, "events": ["page.exploded"]}),
        json!({"url": url, "events": "page.created"}),
        json!({"url": url, "bot_id": "00000000-0000-4000-8000-000000000000"}),
        json!({"url": url, "client_id": 7}),
    ] {
        let answer = bench.control("POST", "webhooks", body.clone()).await;
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.body);
        assert!(answer.body["error"].is_string());
    }
    assert!(receiver.taken().is_empty());
    // Nobody listens there: the subscription waits until somebody verifies it.
    let nobody = json!({"url": "http://127.0.0.1:9/hook"});
    let answer = bench.control("POST", "webhooks", nobody).await.ok().body;
    assert_eq!(answer["state"], "pending_verification");
    assert!(answer["handshake"]["error"].is_string());
    let id = answer["subscription_id"].as_str().unwrap();
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Unheard").await;
    bench.flush().await;
    assert!(bench.deliveries().await.is_empty());
    let pause = bench.control("POST", &format!("webhooks/{id}/pause"), Value::Null).await;
    assert_eq!(pause.status, 400);
    let verify = format!("webhooks/{id}/verify");
    let wrong = bench.control("POST", &verify, json!({"verification_token": "secret_"})).await;
    assert_eq!(wrong.status, 400);
    let right = json!({"verification_token": answer["verification_token"]});
    assert_eq!(bench.control("POST", &verify, right).await.ok().body["state"], "active");
}

#[tokio::test]
async fn changes_of_one_entity_are_gathered_and_what_cancels_out_is_not_told() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    receiver.subscribe(&bench, json!({})).await;
    bench.control("POST", "webhooks/settings", json!({"window_ms": 60_000})).await.ok();
    let page = bench.demo.team_page_id.to_string();
    rename(&bench, &page, "One").await;
    advance(&bench, 30_000).await;
    let other = json!({"properties": {"title": {"title": [{"text": {"content": "Two"}}]}}});
    bench.human("PATCH", &format!("/v1/pages/{page}"), other).await;
    advance(&bench, 29_999).await;
    let early = receiver.taken();
    assert!(early.is_empty(), "{early:?}");
    advance(&bench, 1).await;
    let taken = receiver.taken();
    let mut types: Vec<&Value> = taken.iter().map(|one| &one.body["type"]).collect();
    types.sort_by_key(|name| name.to_string());
    assert_eq!(types, ["page.content_updated", "page.properties_updated"]);
    for event in &taken {
        let authors = event.body["authors"].as_array().unwrap();
        assert_eq!((&authors[0]["type"], &authors[1]["type"]), (&json!("bot"), &json!("person")));
    }
    // It came and went.
    let fleeting = bench.page(&json!({"page_id": page}), "Fleeting").await;
    bench.call("PATCH", &format!("/v1/pages/{fleeting}"), json!({"in_trash": true})).await.ok();
    bench.flush().await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0].body["entity"]["id"], page);
    assert_eq!(taken[0].body["data"]["updated_blocks"], json!([{"id": fleeting, "type": "page"}]));
}

#[tokio::test]
async fn eight_attempts_in_a_day_then_the_event_is_dropped() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let (_, token) = receiver.subscribe(&bench, json!({"events": ["page.created"]})).await;
    receiver.answer(503);
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Refused").await;
    bench.flush().await;
    assert_eq!(receiver.taken().len(), 1);
    // Not before its time, and then at once.
    advance(&bench, 78_999).await;
    assert!(receiver.taken().is_empty());
    advance(&bench, 1).await;
    let [second] = receiver.taken().try_into().unwrap();
    assert_eq!(second.body["attempt_number"], 2);
    assert!(is_signed(&second, &token));
    // A day passes.
    receiver.answer(302);
    advance(&bench, 24 * 3600 * 1000).await;
    let taken = receiver.taken();
    let numbers: Vec<&Value> = taken.iter().map(|one| &one.body["attempt_number"]).collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7, 8]);
    assert!(taken.iter().all(|one| one.path == "/hook" && one.body["id"] == second.body["id"]));
    advance(&bench, 7 * 24 * 3600 * 1000).await;
    assert!(receiver.taken().is_empty());
    let log = bench.deliveries().await;
    assert_eq!((&log[0]["state"], &log[0]["next_attempt_at"]), (&json!("dropped"), &Value::Null));
    let attempts = log[0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 8);
    assert_eq!((&attempts[1]["status"], &attempts[2]["status"]), (&json!(503), &json!(302)));
    assert_eq!(attempts[1]["body"], second.text);
    let signature = second.headers["x-notion-signature"].to_str().unwrap();
    assert_eq!(attempts[1]["headers"]["x-notion-signature"], signature);
    // Somebody asks for it once more.
    receiver.answer(200);
    let id = log[0]["id"].as_str().unwrap();
    let path = format!("webhooks/deliveries/{id}/redeliver");
    let again = bench.control("POST", &path, Value::Null).await.ok().body;
    assert_eq!(again["state"], "delivered");
    let [again] = receiver.taken().try_into().unwrap();
    assert_eq!(again.body["id"], second.body["id"]);
    let missing = bench.control("POST", "webhooks/deliveries/none/redeliver", Value::Null).await;
    assert_eq!(missing.status, 404);
    bench.control("DELETE", "webhooks/deliveries", Value::Null).await.ok();
    assert!(bench.deliveries().await.is_empty());
}

#[tokio::test]
async fn a_receiver_that_recovers_gets_the_event_once_more() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let (id, _) = receiver.subscribe(&bench, json!({"events": ["page.created"]})).await;
    bench.control("POST", "webhooks/settings", json!({"timeout_ms": 100})).await.ok();
    receiver.wait(Duration::from_secs(5));
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Slow").await;
    bench.flush().await;
    let log = bench.deliveries().await;
    assert_eq!(log[0]["state"], "waiting");
    assert_eq!(log[0]["attempts"][0]["status"], Value::Null);
    assert_eq!(log[0]["attempts"][0]["error"], "no answer within 100 ms");
    receiver.wait(Duration::ZERO);
    // A subscription that is paused keeps what was on its way.
    bench.control("POST", &format!("webhooks/{id}/pause"), Value::Null).await.ok();
    advance(&bench, 80_000).await;
    assert_eq!(receiver.taken().len(), 1);
    bench.control("POST", &format!("webhooks/{id}/resume"), Value::Null).await.ok();
    bench.flush().await;
    assert_eq!(receiver.taken()[0].body["attempt_number"], 2);
    advance(&bench, 24 * 3600 * 1000).await;
    assert!(receiver.taken().is_empty());
    assert_eq!(bench.deliveries().await[0]["state"], "delivered");
}

#[tokio::test]
async fn duplicates_wrong_order_and_delay_come_when_asked_for() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    receiver.subscribe(&bench, json!({"events": ["page.created"]})).await;
    let settings = json!({"duplicate": true, "reverse": true, "delay_ms": 60_000});
    bench.control("POST", "webhooks/settings", settings).await.ok();
    let parent = json!({"page_id": bench.demo.team_page_id});
    let first = bench.page(&parent, "First").await;
    advance(&bench, 10).await;
    let second = bench.page(&parent, "Second").await;
    bench.flush().await;
    assert!(receiver.taken().is_empty());
    advance(&bench, 60_000).await;
    let taken = receiver.taken();
    let ids: Vec<&str> =
        taken.iter().map(|one| one.body["entity"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&second, &second, &first, &first]);
    assert_eq!(taken[0].text, taken[1].text);
    assert!(taken[0].body["timestamp"].as_str() > taken[2].body["timestamp"].as_str());
    for body in [json!({"window_ms": -1}), json!({"speed": 1}), json!({"duplicate": 1}), json!([])]
    {
        let answer = bench.control("POST", "webhooks/settings", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
}

#[tokio::test]
async fn a_running_sandbox_sends_by_itself_and_stops_when_told() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start(Options { seed: Seed::Demo, ..Options::default() }).await.unwrap();
    let demo = sandbox.demo().unwrap();
    let send = async |method: &str, path: &str, version: &str, body: Value| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", sandbox.url()))
            .header("authorization", format!("Bearer {}", demo.tokens.full))
            .header("notion-version", version)
            .body(body.to_string())
            .unwrap();
        let client =
            hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build_http::<String>();
        client.request(request).await.unwrap().status().as_u16()
    };
    let ask = async |path: &str, body: Value| send("POST", path, MID, body).await;
    assert_eq!(ask("/_sandbox/webhooks", json!({"url": receiver.url()})).await, 200);
    assert_eq!(ask("/_sandbox/webhooks/settings", json!({"window_ms": 50})).await, 200);
    receiver.taken();
    let comment = json!({
        "parent": {"page_id": demo.team_page_id},
        "rich_text": [{"text": {"content": "Hello"}}],
    });
    assert_eq!(ask("/v1/comments", comment).await, 200);
    let page = json!({"parent": {"page_id": demo.team_page_id}, "properties": {}});
    assert_eq!(ask("/v1/pages", page).await, 200);
    let told = async |count: usize| {
        let mut types = Vec::new();
        for _ in 0..100 {
            types.extend(receiver.types());
            if types.len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        types.sort();
        types
    };
    assert_eq!(told(3).await, ["comment.created", "page.content_updated", "page.created"]);
    // A long write is done, and told, although nobody asks for anything any more.
    let insert =
        json!({"type": "insert_content", "insert_content": {"content": "b"}, "allow_async": true});
    let path = format!("/v1/pages/{}/markdown", demo.team_page_id);
    assert_eq!(send("PATCH", &path, NEW, insert).await, 202);
    assert_eq!(told(1).await, ["page.content_updated"]);
    let stopped = tokio::time::timeout(Duration::from_secs(5), sandbox.shutdown()).await;
    assert!(stopped.is_ok());
}
