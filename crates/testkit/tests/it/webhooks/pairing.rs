//! The window in which a token is taken.

use std::time::Duration;

use model::Role;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

use super::{URL, event, id, pair, received, send, send_to};

const PAIRING: &str = "/api/v1/webhooks/pairing";
const FIRST: &str = "secret_firstfirstfirstfirst";
const SECOND: &str = "secret_secondsecondsecond";

async fn handshake(kit: &Kit, token: &str) -> Reply {
    let body = json!({ "verification_token": token }).to_string();
    kit.raw("POST", URL, &[("content-type", "application/json")], Some(body)).await
}

async fn pairing(kit: &Kit) -> Value {
    kit.get(&kit.admin, PAIRING).await.json()
}

async fn open(kit: &Kit) {
    assert_eq!(kit.post(&kit.admin, PAIRING, &json!({})).await.status, 201);
}

async fn subscriptions(kit: &Kit) -> Vec<Value> {
    let reply = kit.get(&kit.admin, "/api/v1/webhooks/subscriptions").await;
    reply.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_token_is_taken_while_the_window_is_open_and_at_no_other_time() {
    let kit = Kit::start().await;
    assert_eq!(pairing(&kit).await["state"], "closed");
    let refused = handshake(&kit, FIRST).await;
    assert_eq!((refused.status, refused.json()["code"].clone()), (403, json!("pairing_closed")));
    assert!(!refused.text().contains(FIRST));

    let paired = pair(&kit).await;
    let shown = pairing(&kit).await;
    assert_eq!(shown["state"], "received", "{shown}");
    assert_eq!(shown["verification_token"], paired.token.as_str());
    let resend = format!("webhooks/{}/resend", paired.subscription_id);
    let again = kit.control("POST", &resend, None).await;
    assert_eq!(again["handshake"]["status"], 200, "the same token again");
    assert_eq!(subscriptions(&kit).await.len(), 1);

    let page = kit.demo.team_page_id.to_string();
    assert_eq!(
        send(&kit, &paired.token, &event(&kit, 1, "page.created", &page, 1)).await.status,
        200
    );
    let shown = pairing(&kit).await;
    assert_eq!(shown["state"], "paired", "{shown}");
    assert_eq!(subscriptions(&kit).await[0]["subscription_id"], id(0xffff));

    assert_eq!(kit.delete(&kit.admin, PAIRING).await.status, 204);
    let shown = pairing(&kit).await;
    assert_eq!((&shown["state"], shown.get("verification_token")), (&json!("closed"), None));
    assert_eq!(handshake(&kit, FIRST).await.status, 403);
    assert_eq!(handshake(&kit, &paired.token).await.status, 403, "the known one, too");
    let second = send(&kit, &paired.token, &event(&kit, 2, "page.created", &page, 2)).await;
    assert_eq!(second.status, 200, "the subscription stays");

    let refused: Vec<_> = received(&kit).await.into_iter().filter(|it| it.0 == "denied").collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|it| it.1.as_deref() == Some("pairing_closed")), "{refused:?}");
    kit.finish().await;
}

#[tokio::test]
async fn a_window_closes_by_itself() {
    let kit = Kit::start().await;
    open(&kit).await;
    kit.clock.advance(Duration::from_secs(599));
    assert_eq!(pairing(&kit).await["state"], "waiting");
    kit.clock.advance(Duration::from_secs(1));
    assert_eq!(pairing(&kit).await["state"], "closed");
    assert_eq!(handshake(&kit, FIRST).await.status, 403);
    assert!(subscriptions(&kit).await.is_empty());

    open(&kit).await;
    assert_eq!(handshake(&kit, FIRST).await.status, 200);
    kit.clock.advance(Duration::from_secs(601));
    let shown = pairing(&kit).await;
    assert_eq!((&shown["state"], shown.get("verification_token")), (&json!("closed"), None));
    kit.finish().await;
}

#[tokio::test]
async fn two_tokens_in_one_window_are_none() {
    let kit = Kit::start().await;
    let page = kit.demo.team_page_id.to_string();
    open(&kit).await;
    assert_eq!(handshake(&kit, FIRST).await.status, 200);
    let body = event(&kit, 1, "page.created", &page, 1);
    assert_eq!(send(&kit, FIRST, &body).await.status, 200);
    let second = handshake(&kit, SECOND).await;
    assert_eq!((second.status, second.json()["code"].clone()), (409, json!("pairing_conflict")));
    assert_eq!(pairing(&kit).await["state"], "conflict");
    assert!(subscriptions(&kit).await.is_empty());
    for token in [FIRST, SECOND] {
        assert_eq!(send(&kit, token, &event(&kit, 2, "page.created", &page, 2)).await.status, 401);
        assert_eq!(handshake(&kit, token).await.status, 403, "the window is closed");
    }
    let brought = super::events(&kit, "").await;
    assert_eq!((&brought[0]["state"], brought.len()), (&json!("dead"), 1), "{brought:?}");

    // Another beginning; an older subscription is not what an attacker can end.
    open(&kit).await;
    assert_eq!(handshake(&kit, FIRST).await.status, 200);
    kit.clock.advance(Duration::from_secs(700));
    open(&kit).await;
    assert_eq!(handshake(&kit, FIRST).await.status, 200, "resent");
    assert_eq!(handshake(&kit, SECOND).await.status, 409);
    assert_eq!(subscriptions(&kit).await.len(), 1);
    assert_eq!(send(&kit, FIRST, &event(&kit, 3, "page.created", &page, 3)).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn a_handshake_whose_signature_is_wrong_is_none() {
    let kit = Kit::start().await;
    open(&kit).await;
    let body = json!({ "verification_token": FIRST }).to_string();
    assert_eq!(send_to(&kit, URL, SECOND, body.clone()).await.status, 401);
    assert_eq!(pairing(&kit).await["state"], "waiting");
    assert_eq!(send_to(&kit, URL, FIRST, body).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn several_subscriptions_live_side_by_side_until_they_are_deleted() {
    let kit = Kit::start().await;
    let page = kit.demo.team_page_id.to_string();
    for token in [FIRST, SECOND] {
        open(&kit).await;
        assert_eq!(handshake(&kit, token).await.status, 200);
    }
    let all = subscriptions(&kit).await;
    assert_eq!(all.len(), 2);
    assert!(!json!(all).to_string().contains("secret_"), "{all:?}");
    assert_eq!(send(&kit, FIRST, &event(&kit, 1, "page.created", &page, 1)).await.status, 200);
    let path = format!("/api/v1/webhooks/subscriptions/{}", all[0]["id"].as_str().unwrap());
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 404);
    assert_eq!(send(&kit, FIRST, &event(&kit, 2, "page.created", &page, 2)).await.status, 401);
    assert_eq!(send(&kit, SECOND, &event(&kit, 3, "page.created", &page, 3)).await.status, 200);
    let dead = super::events(&kit, "state=dead").await;
    assert_eq!((dead.len(), &dead[0]["id"]), (1, &json!(id(1))), "{dead:?}");

    // A bound, told in words.
    for number in 0..19 {
        open(&kit).await;
        assert_eq!(handshake(&kit, &format!("secret_number_{number:020}")).await.status, 200);
    }
    let refused = kit.post(&kit.admin, PAIRING, &json!({})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("delete one"), "{}", refused.text());
    kit.finish().await;
}

#[tokio::test]
async fn only_an_admin_pairs_looks_and_replays() {
    let kit = Kit::start().await;
    let routes = [
        ("POST", PAIRING),
        ("GET", PAIRING),
        ("DELETE", PAIRING),
        ("GET", "/api/v1/webhooks/subscriptions"),
        ("DELETE", "/api/v1/webhooks/subscriptions/x"),
        ("GET", "/api/v1/webhooks/events"),
        ("POST", "/api/v1/webhooks/events/x/replay"),
    ];
    for role in [Role::Viewer, Role::Editor] {
        let key = kit.key(role, &[]).await;
        for (method, path) in routes {
            let reply = kit.call(method, &key, path, None).await;
            assert_eq!((reply.status, reply.reason()), (403, Some("role")), "{method} {path}");
        }
    }
    let narrow = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    for (method, path) in routes {
        let reply = kit.call(method, &narrow, path, None).await;
        assert_eq!((reply.status, reply.reason()), (403, Some("scope")), "{method} {path}");
    }
    kit.finish().await;
}
