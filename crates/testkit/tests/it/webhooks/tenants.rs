//! Two tenants: nothing of the one is worked, told, timed or counted for the other.

use gate::{EventFilter, Tokens};
use model::{Origin, Principal, TenantId};
use serde_json::json;
use testkit::Kit;

use super::{URL, event, events, id, pair, send_to, wait_for};

const TOKEN: &str = "secret_of_the_other_tenant";

/// A second tenant with a connection of its own, paired; its URL.
async fn second(kit: &Kit) -> (Principal, String) {
    let made = json!({
        "name": "B", "capabilities": ["read_content"], "shared": [kit.demo.other_page_id],
    });
    let made = kit.control("POST", "tokens", Some(&made)).await;
    let tokens = Tokens { access: made["token"].as_str().unwrap().to_owned().into(), write: None };
    let operator = kit.gate.operator_for(TenantId::new("b"));
    kit.gate.connect(&operator, &tokens, Origin::Given, "test").await.unwrap();
    let opened = kit.gate.open_pairing(&operator, "test").await.unwrap();
    assert!(opened.path.starts_with(&format!("{URL}/")) && opened.path.len() > URL.len() + 30);
    let handshake = json!({ "verification_token": TOKEN }).to_string();
    let headers = [("content-type", "application/json")];
    let reply = kit.raw("POST", &opened.path, &headers, Some(handshake)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    (operator, opened.path)
}

#[tokio::test]
async fn a_token_and_a_window_are_one_tenants() {
    let kit = Kit::start().await;
    let first = pair(&kit).await.token;
    let (operator, path) = second(&kit).await;
    let page = kit.demo.other_page_id.to_string();
    let body = |number| event(&kit, number, "page.content_updated", &page, 1).to_string();
    assert_eq!(send_to(&kit, URL, TOKEN, body(1)).await.status, 401, "B's token at A's door");
    assert_eq!(send_to(&kit, &path, &first, body(1)).await.status, 401, "A's token at B's door");
    let nowhere = format!("{URL}/{}", "x".repeat(32));
    let unknown = send_to(&kit, &nowhere, TOKEN, body(1)).await;
    assert_eq!((unknown.status, unknown.json()["code"].clone()), (404, json!("no_such_route")));

    // Each has the same event once: the one's does not make the other's a duplicate.
    assert_eq!(send_to(&kit, URL, &first, body(1)).await.json(), json!({ "received": true }));
    assert_eq!(send_to(&kit, &path, TOKEN, body(1)).await.json(), json!({ "received": true }));
    assert_eq!(send_to(&kit, &path, TOKEN, body(2)).await.json(), json!({ "received": true }));
    wait_for(&kit, "done", 1).await;
    assert_eq!(events(&kit, "").await.len(), 1);
    let all = || EventFilter::default();
    let (own, _) = kit.gate.list_webhook_events(&operator, all(), None, 10, "test").await.unwrap();
    assert_eq!(own.iter().map(|it| it.id.clone()).collect::<Vec<_>>(), [id(2), id(1)]);
    let foreign = kit.gate.replay_webhook_event(&kit.operator(), &id(2), "test").await;
    assert!(matches!(foreign, Err(gate::Error::Missing(_))), "{foreign:?}");
    let cursor = Some(id(2));
    let foreign = kit.gate.list_webhook_events(&kit.operator(), all(), cursor, 10, "test").await;
    assert!(matches!(foreign, Err(gate::Error::Invalid(_))), "{foreign:?}");

    // Each asked Notion by its own connection.
    let calls = kit.calls().await;
    let path = format!("/v1/pages/{page}");
    let mut tokens: Vec<_> = calls
        .iter()
        .filter(|call| call["path"] == path)
        .map(|call| call["token_fingerprint"].to_string())
        .collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 2, "{calls:?}");

    // The window of the one is not the other's, and its deletion ends nothing there.
    kit.gate.open_pairing(&operator, "test").await.unwrap();
    let handshake = json!({ "verification_token": "secret_that_anybody_sends" }).to_string();
    kit.delete(&kit.admin, "/api/v1/webhooks/pairing").await;
    let headers = [("content-type", "application/json")];
    assert_eq!(kit.raw("POST", URL, &headers, Some(handshake)).await.status, 403);
    let subscriptions = kit.gate.list_webhook_subscriptions(&operator, "test").await.unwrap();
    let gone = format!("/api/v1/webhooks/subscriptions/{}", subscriptions[0].id);
    assert_eq!(kit.delete(&kit.admin, &gone).await.status, 404);
    let ours = kit.entries(900).await;
    assert!(ours.iter().all(|entry| entry.request_id != id(2)), "B's event in A's ledger");
    kit.finish().await;
}
