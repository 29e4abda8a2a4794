//! What comes to the door, and what is said to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gate::{Gate, WebhookSettings};
use model::TenantId;
use notion::webhook::Signature;
use serde_json::{Value, json};
use store::{Due, EventState, Inbox, LedgerEntries, SqliteStore, StoredEvent};
use testkit::{Kit, Reply};
use vault::{Keyring, MasterKey, SystemChance};

use super::{URL, event, events, id, pair, received, send, send_to, wait_for};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(kit: &Kit, headers: &[(&str, &str)], body: &str) -> Reply {
    kit.raw("POST", URL, headers, Some(body.to_owned())).await
}

#[tokio::test]
async fn bad_input_is_refused_clearly_recorded_and_nothing_of_it_stays() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    let good = event(&kit, 1, "page.created", &page, 1);
    let text = good.to_string();
    let sign = |token: &str, body: &str| {
        Signature::of(&token.to_owned().into(), body.as_bytes()).to_header()
    };
    let signed = sign(&token, &text);
    let spaced = text.replace("\":", "\": ");
    let without = |member: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(member);
        event.to_string()
    };
    let large = format!("{{\"type\":\"{}\"}}", "a".repeat(256 * 1024));
    let deep = "[".repeat(500);
    let [no_type, no_data, no_entity] = ["type", "data", "entity"].map(without);
    let flipped = {
        let mut signature = signed.clone().into_bytes();
        signature[10] = if signature[10] == b'0' { b'1' } else { b'0' };
        String::from_utf8(signature).unwrap()
    };
    type Case<'a> = (&'a str, Option<String>, Option<&'a str>, &'a str, u16, &'a str, &'a str);
    let cases: Vec<Case<'_>> = vec![
        // What, signature, content type, body, status, code, reason in the ledger.
        (
            "unsigned",
            None,
            Some("application/json"),
            &text,
            401,
            "signature_missing",
            "signature_missing",
        ),
        (
            "forged",
            Some(sign("secret_of_somebody_else", &text)),
            Some("application/json"),
            &text,
            401,
            "signature_wrong",
            "signature_wrong",
        ),
        (
            "one bit of the signature",
            Some(flipped),
            Some("application/json"),
            &text,
            401,
            "signature_wrong",
            "signature_wrong",
        ),
        (
            "other bytes of the same JSON",
            Some(signed.clone()),
            Some("application/json"),
            &spaced,
            401,
            "signature_wrong",
            "signature_wrong",
        ),
        (
            "a signature that is none",
            Some("sha256=zz".to_owned()),
            Some("application/json"),
            &text,
            401,
            "signature_wrong",
            "signature_wrong",
        ),
        (
            "an empty signature",
            Some(String::new()),
            Some("application/json"),
            &text,
            401,
            "signature_wrong",
            "signature_wrong",
        ),
        (
            "wrongly typed",
            Some(signed.clone()),
            Some("text/plain"),
            &text,
            415,
            "unsupported_media_type",
            "content_type",
        ),
        (
            "a form",
            None,
            Some("application/x-www-form-urlencoded"),
            "a=b",
            415,
            "unsupported_media_type",
            "content_type",
        ),
        (
            "without a type",
            Some(signed.clone()),
            None,
            &text,
            415,
            "unsupported_media_type",
            "content_type",
        ),
        (
            "oversized",
            Some(sign(&token, &large)),
            Some("application/json"),
            &large,
            413,
            "too_large",
            "too_large",
        ),
        (
            "no JSON",
            Some(sign(&token, "{")),
            Some("application/json"),
            "{",
            400,
            "invalid_payload",
            "payload",
        ),
        (
            "too deep",
            Some(sign(&token, &deep)),
            Some("application/json"),
            &deep,
            400,
            "invalid_payload",
            "payload",
        ),
        (
            "without type",
            Some(sign(&token, &no_type)),
            Some("application/json"),
            &no_type,
            400,
            "invalid_payload",
            "payload",
        ),
        (
            "without data",
            Some(sign(&token, &no_data)),
            Some("application/json; charset=utf-8"),
            &no_data,
            400,
            "invalid_payload",
            "payload",
        ),
        (
            "without entity",
            Some(sign(&token, &no_entity)),
            Some("Application/JSON"),
            &no_entity,
            400,
            "invalid_payload",
            "payload",
        ),
        (
            "empty",
            None,
            Some("application/json"),
            "",
            401,
            "signature_missing",
            "signature_missing",
        ),
    ];
    let mut reasons = BTreeMap::<&str, usize>::new();
    for (what, signature, content_type, body, status, code, reason) in &cases {
        let mut headers: Vec<(&str, &str)> = Vec::new();
        headers.extend(content_type.map(|it| ("content-type", it)));
        headers.extend(signature.as_deref().map(|it| ("x-notion-signature", it)));
        let reply = post(&kit, &headers, body).await;
        let json = reply.json();
        assert_eq!((reply.status, json["code"].as_str()), (*status, Some(*code)), "{what}: {json}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{what}");
        assert_eq!(reply.header("www-authenticate"), None, "{what}");
        if *status == 400 {
            let detail = json["detail"].as_str().unwrap();
            assert!(detail.starts_with("Invalid webhook payload"), "{what}: {detail}");
        }
        assert!(!reply.text().contains(&token), "{what}");
        *reasons.entry(reason).or_default() += 1;
    }
    let twice = [JSON, ("x-notion-signature", &*signed), ("x-notion-signature", &*signed)];
    assert_eq!(post(&kit, &twice, &text).await.status, 401, "two signatures");
    *reasons.entry("signature_wrong").or_default() += 1;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        assert_eq!(kit.raw(method, URL, &[JSON], None).await.status, 405, "{method}");
    }
    assert!(events(&kit, "").await.is_empty(), "something of it stayed");

    let mut recorded = BTreeMap::<String, usize>::new();
    for (result, reason, _) in received(&kit).await {
        if result == "denied" {
            *recorded.entry(reason.unwrap()).or_default() += 1;
        }
    }
    let expected: BTreeMap<String, usize> =
        reasons.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
    assert_eq!(recorded, expected);
    assert_eq!(post(&kit, &[JSON, ("x-notion-signature", &signed)], &text).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn a_challenge_is_sent_back_and_opens_nothing() {
    let kit = Kit::start().await;
    let reply = post(&kit, &[JSON], r#"{"type":"url_verification","challenge":"x"}"#).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "challenge": "x" })));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let page = kit.demo.team_page_id.to_string();
    assert_eq!(send(&kit, "x", &event(&kit, 1, "page.created", &page, 1)).await.status, 401);
    let long = json!({ "type": "url_verification", "challenge": "x".repeat(300) }).to_string();
    assert_eq!(post(&kit, &[JSON], &long).await.status, 401);
    kit.finish().await;
}

#[tokio::test]
async fn an_event_counts_once_however_often_it_comes() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    let body = event(&kit, 1, "page.content_updated", &page, 1);
    for _ in 0..3 {
        assert_eq!(send(&kit, &token, &body).await.status, 200);
    }
    wait_for(&kit, "done", 1).await;
    assert_eq!(send(&kit, &token, &body).await.status, 200, "after its work");
    // A repeat has another number of the attempt, and so another body.
    let mut later = body.clone();
    later["attempt_number"] = json!(2);
    kit.clock.advance(Duration::from_secs(6 * 24 * 3600));
    assert_eq!(send(&kit, &token, &later).await.status, 200);
    assert_eq!(events(&kit, "").await[0]["attempts"], 1);
    assert_eq!(super::fetches(&kit, &page).await, 1);

    let entries = received(&kit).await;
    let count = |result: &str, reason: Option<&str>| {
        entries.iter().filter(|it| it.0 == result && it.1.as_deref() == reason).count()
    };
    assert_eq!(count("denied", Some("duplicate")), 4);
    let own: Vec<_> = entries.iter().filter(|it| it.2 == id(1)).collect();
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(own[0].0, "success");
    kit.finish().await;
}

#[tokio::test]
async fn an_event_of_long_ago_is_taken_and_a_known_one_is_a_duplicate_however_old() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    let known = event(&kit, 1, "page.created", &page, 1);
    assert_eq!(send(&kit, &token, &known).await.status, 200);
    wait_for(&kit, "done", 1).await;
    // A clock that is set forward must not make fresh events seem stale.
    kit.clock.advance(Duration::from_secs(400 * 24 * 3600));
    assert_eq!(send(&kit, &token, &known).await.json()["duplicate"], true);
    let fresh = event(&kit, 2, "page.created", &page, 2);
    assert_eq!(send(&kit, &token, &fresh).await.json()["duplicate"], Value::Null);
    kit.finish().await;
}

#[tokio::test]
async fn unknown_types_are_taken_and_kept_as_they_came() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let mut strange = event(&kit, 1, "teamspace.renamed", "not-an-id", 1);
    strange["novelty"] = json!({ "deep": [1, { "x": null }] });
    assert_eq!(send(&kit, &token, &strange).await.status, 200);
    let mut file = event(&kit, 2, "file_upload.completed", &id(77), 2);
    file.as_object_mut().unwrap().remove("data");
    assert_eq!(send(&kit, &token, &file).await.status, 200);
    kit.forget_calls().await;
    let done = wait_for(&kit, "done", 2).await;
    assert_eq!(done[1]["event"], strange);
    assert!(kit.calls().await.is_empty(), "nothing is known of where such things stand");
    let found = events(&kit, "type=teamspace.renamed").await;
    assert_eq!((found.len(), &found[0]["entity"]["id"]), (1, &json!("not-an-id")));
    kit.finish().await;
}

#[tokio::test]
async fn who_proves_nothing_has_little_room_and_takes_none_from_notion() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    // The handshake was the first of a hundred.
    for number in 1..100 {
        assert_eq!(post(&kit, &[JSON], "{}").await.status, 401, "{number}");
    }
    for body in ["{}", r#"{"type":"url_verification","challenge":"x"}"#] {
        let refused = post(&kit, &[JSON], body).await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (429, json!("rate_limited")));
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    assert_eq!(post(&kit, &[], "{}").await.status, 429, "whatever is wrong with it");
    for number in 0..120 {
        let body = event(&kit, number, "page.created", &page, 1);
        assert_eq!(send(&kit, &token, &body).await.status, 200, "{number}");
    }
    let denied = received(&kit).await.into_iter().filter(|it| it.0 == "denied").count();
    assert_eq!(denied, 10 + 3, "at most ten of each kind in a minute");

    // A clock that jumps locks nobody out.
    kit.clock.advance(Duration::from_secs(61));
    assert_eq!(post(&kit, &[JSON], "{}").await.status, 401);
    kit.finish().await;
}

#[tokio::test]
async fn what_is_signed_has_a_bound_too() {
    let kit = Kit::start_with(|options| {
        options.webhooks = WebhookSettings { signed_per_minute: 5, ..options.webhooks.clone() };
    })
    .await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    for number in 0..5 {
        let body = event(&kit, number, "page.created", &page, 1);
        assert_eq!(send(&kit, &token, &body).await.status, 200);
    }
    let body = event(&kit, 6, "page.created", &page, 1);
    let refused = send(&kit, &token, &body).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    kit.clock.advance(Duration::from_secs(60));
    assert_eq!(send(&kit, &token, &body).await.status, 200, "sent again, taken");
    kit.finish().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_recorded_is_not_acknowledged() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    kit.store.fail_ledger(true);
    // Something has to be written for the trouble to be noticed.
    let _ = kit.get(&kit.admin, "/api/v1/keys").await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut number = 0;
    let refused = loop {
        number += 1;
        let reply = send(&kit, &token, &event(&kit, number, "page.created", &page, 1)).await;
        if reply.status != 200 {
            break reply;
        }
        assert!(tokio::time::Instant::now() < deadline, "it is never noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("unavailable")));
    kit.store.fail_ledger(false);
    let body = event(&kit, number, "page.created", &page, 1);
    let again = loop {
        let reply = send(&kit, &token, &body).await;
        if reply.status == 200 {
            break reply;
        }
        assert!(tokio::time::Instant::now() < deadline, "{}", reply.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(again.json(), json!({ "received": true }), "not a duplicate: it was not kept");
    kit.finish().await;
}

#[tokio::test]
async fn a_start_records_what_a_crash_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&directory.path().join("test.sqlite")).unwrap());
    let master_key = MasterKey::generate(&SystemChance::new()).reveal();
    let start = async || {
        let keyring = Keyring::of(MasterKey::parse(&master_key).unwrap());
        Gate::open(testkit::options(store.clone(), keyring)).await.unwrap()
    };
    assert!(start().await.close().await);
    // As if the process had died right after the inbox had it.
    let at = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let lost = StoredEvent {
        tenant: TenantId::default(),
        id: id(1),
        subscription: "s".to_owned(),
        received_at: at,
        kind: "page.created".to_owned(),
        entity_kind: "page".to_owned(),
        entity: id(2),
        at,
        attempts: 0,
        state: EventState::New,
        last_error: None,
        body: Vec::new(),
    };
    assert!(store.accept_event(lost, Due { at, latest: at }).await.unwrap());
    for _ in 0..2 {
        assert!(start().await.close().await);
        let entries = store.entries_after(&TenantId::default(), 0, 1000).await.unwrap();
        let own: Vec<_> = entries
            .iter()
            .filter_map(|row| row.entry())
            .filter(|it| it.request_id == id(1))
            .collect();
        assert_eq!(own.len(), 1, "it has one entry, however often that is looked at");
        assert_eq!((&*own[0].operation, own[0].result.as_str()), ("receive-event", "success"));
    }
}

#[tokio::test]
async fn replays_and_forgeries_are_seen_by_those_who_look_for_refusals() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    let body = event(&kit, 1, "page.created", &page, 1);
    send(&kit, &token, &body).await;
    send(&kit, &token, &body).await;
    send_to(&kit, URL, "secret_of_somebody_else", body.to_string()).await;
    let _ = kit.entries(1).await;
    let list = kit.get(&kit.admin, "/api/v1/audit?result=denied").await.json();
    let reasons: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, [&json!("signature_wrong"), &json!("duplicate")]);
    kit.finish().await;
}
