//! Webhooks in: the door, the pairing, the inbox, the work.

mod door;
mod fuzz;
mod pairing;
mod tenants;
mod work;

use std::time::Duration;

use notion::webhook::Signature;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

const URL: &str = "/webhooks/notion";

/// A subscription made as people make it: the window, the handshake, the token pasted back.
pub(crate) struct Paired {
    pub(crate) token: String,
    subscription_id: String,
}

/// Pairs the default tenant with a subscription of the sandbox.
pub(crate) async fn pair(kit: &Kit) -> Paired {
    let opened = kit.post(&kit.admin, "/api/v1/webhooks/pairing", &json!({})).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    let url = opened.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("{}{URL}", kit.url));
    let made = kit.control("POST", "webhooks", Some(&json!({ "url": url }))).await;
    assert_eq!(made["handshake"]["status"], 200, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Paired { token: text("verification_token"), subscription_id: text("subscription_id") }
}

/// Sends a body, signed with this token.
pub(crate) async fn send(kit: &Kit, token: &str, body: &Value) -> Reply {
    send_to(kit, URL, token, body.to_string()).await
}

async fn send_to(kit: &Kit, path: &str, token: &str, body: String) -> Reply {
    let signature = Signature::of(&token.to_owned().into(), body.as_bytes()).to_header();
    let headers = [("content-type", "application/json"), ("x-notion-signature", &*signature)];
    kit.raw("POST", path, &headers, Some(body)).await
}

/// A well-formed id, by a number.
pub(crate) fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// An event like Notion's, `second` seconds after the beginning.
pub(crate) fn event(kit: &Kit, number: usize, kind: &str, entity: &str, second: usize) -> Value {
    json!({
        "id": id(number),
        "timestamp": format!("2026-09-21T14:13:{second:02}.000Z"),
        "workspace_id": kit.gate.latest_connection().unwrap().workspace_id,
        "workspace_name": "Acme",
        "subscription_id": id(0xffff),
        "integration_id": id(0xfffe),
        "type": kind,
        "authors": [],
        "attempt_number": 1,
        "entity": { "id": entity, "type": kind.split('.').next() },
        "data": { "parent": { "id": id(0xfffd), "type": "page" } },
    })
}

/// The events of the default tenant, as the API lists them.
async fn events(kit: &Kit, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/webhooks/events?limit=1000&{query}");
    let reply = kit.get(&kit.admin, &path).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["items"].as_array().unwrap().clone()
}

/// Lets time pass until `count` events are in this state.
async fn wait_for(kit: &Kit, state: &str, count: usize) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let found = events(kit, &format!("state={state}")).await;
        if found.len() == count {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{count} {state}: {found:?}");
        kit.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often the sandbox was asked for this page.
async fn fetches(kit: &Kit, page: &str) -> usize {
    let path = format!("/v1/pages/{page}");
    kit.calls().await.iter().filter(|call| call["path"] == path).count()
}

/// The entries about events and handshakes, newest first: result, reason, request id.
async fn received(kit: &Kit) -> Vec<(String, Option<String>, String)> {
    let entries = kit.entries(900).await.into_iter();
    let ours = entries.filter(|entry| entry.operation.starts_with("receive-"));
    ours.map(|it| {
        let reason = it.reason.map(|reason| reason.into_owned());
        (it.result.as_str().to_owned(), reason, it.request_id)
    })
    .collect()
}
