//! Every call is in the ledger, a write before it happens; without the ledger nothing happens.

use ledger::{Meta, Outcome};
use model::Role;
use serde_json::json;
use testkit::Kit;

#[tokio::test]
async fn a_write_is_intended_and_concluded() {
    let kit = Kit::start().await;
    let editor = kit.key(Role::Editor, &[kit.demo.team_page_id]).await;
    let page = kit.demo.team_page_id;
    let done =
        kit.patch(&editor, &format!("/v1/pages/{page}"), &json!({"icon": {"emoji": "🔥"}})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    // What the gate looks up for a key with a scope stands between them.
    let mut entries = kit.entries(10).await;
    entries.retain(|entry| entry.action != "read");
    let (conclusion, intent) = (&entries[0], &entries[1]);
    assert_eq!((intent.action.as_ref(), intent.result), ("write_intended", Outcome::Success));
    assert_eq!((conclusion.action.as_ref(), conclusion.result), ("write", Outcome::Success));
    assert_eq!(conclusion.metadata["intent"], Meta::Number(intent.seq.cast_signed()));
    assert_eq!(conclusion.metadata["status"], Meta::Number(200));
    assert_eq!(intent.request_id, conclusion.request_id);
    assert_eq!(Some(intent.request_id.as_str()), done.header("x-request-id"));
    kit.finish().await;
}

#[tokio::test]
async fn what_was_made_is_named() {
    let kit = Kit::start().await;
    let body = json!({"parent": {"page_id": kit.demo.team_page_id}, "properties": {}});
    let made = kit.post(&kit.admin, "/v1/pages", &body).await.json();
    let conclusion = kit.entries(1).await.remove(0);
    assert_eq!(conclusion.metadata["made"], Meta::Text(made["id"].as_str().unwrap().to_owned()));
    assert_eq!(conclusion.resource.id, kit.demo.team_page_id.to_string());
    kit.finish().await;
}

#[tokio::test]
async fn an_error_of_notion_is_an_error_in_the_ledger() {
    let kit = Kit::start().await;
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    let refused =
        kit.patch(&kit.admin, &path, &json!({"properties": {"Nope": {"number": 1}}})).await;
    assert_eq!(refused.status, 400);
    let entry = kit.entries(1).await.remove(0);
    assert_eq!((entry.result, entry.reason.as_deref()), (Outcome::Error, Some("validation_error")));
    kit.finish().await;
}

#[tokio::test]
async fn without_the_ledger_nothing_happens() {
    let kit = Kit::start().await;
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    let icon = json!({"icon": {"emoji": "🔥"}});
    kit.store.fail_ledger(true);
    kit.forget_calls().await;
    let write = kit.patch(&kit.admin, &path, &icon).await;
    assert_eq!((write.status, write.reason()), (503, Some("ledger")), "{}", write.text());
    let read = kit.get(&kit.admin, &path).await;
    assert_eq!((read.status, read.reason()), (503, Some("ledger")));
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    assert_eq!(kit.raw("GET", "/health/ready", &[], None).await.status, 503);

    kit.store.fail_ledger(false);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while kit.raw("GET", "/health/ready", &[], None).await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "it does not recover");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(kit.patch(&kit.admin, &path, &icon).await.status, 200);
    // The intent that could not be written then is there now, and says that nothing came of it.
    let entries = kit.entries(10).await;
    let unacted = entries.iter().find(|entry| entry.reason.as_deref() == Some("ledger"));
    assert_eq!(unacted.expect("its conclusion").result, Outcome::Error);
    kit.finish().await;
}

#[tokio::test]
async fn a_dropped_call_is_concluded() {
    let kit = Kit::start().await;
    let slow =
        json!({"match": {"operation": "patch-page"}, "answer": {"latency_ms": 2000}, "times": 1});
    kit.control(
        "POST",
        "faults",
        Some(&json!({"match": slow["match"], "latency_ms": 2000, "times": 1})),
    )
    .await;
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    let body = json!({"icon": null});
    let call = kit.patch(&kit.admin, &path, &body);
    // The caller goes away while Notion is still thinking.
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), call).await.is_err());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        let entries = kit.entries(5).await;
        if entries.iter().any(|entry| entry.reason.as_deref() == Some("abandoned")) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{entries:?}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn the_ledger_is_listed_filtered_and_paged() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    for _ in 0..5 {
        kit.get(&viewer, &format!("/v1/pages/{}", kit.demo.team_page_id)).await;
        kit.get(&viewer, &format!("/v1/pages/{}", kit.demo.other_page_id)).await;
    }
    kit.entries(1).await;
    let denied = kit.get(&kit.admin, "/api/v1/audit?result=denied&limit=2").await.json();
    assert_eq!(denied["items"].as_array().unwrap().len(), 2);
    let cursor = denied["next_cursor"].as_str().unwrap();
    let next = kit
        .get(&kit.admin, &format!("/api/v1/audit?result=denied&limit=2&cursor={cursor}"))
        .await
        .json();
    assert!(next["items"][0]["seq"].as_u64() < denied["items"][1]["seq"].as_u64());
    let plain = kit.demo.other_page_id.plain();
    let about = kit
        .get(&kit.admin, &format!("/api/v1/audit?object={plain}&action=read_denied"))
        .await
        .json();
    assert_eq!(about["items"].as_array().unwrap().len(), 5);
    assert_eq!(kit.get(&kit.admin, "/api/v1/audit?result=maybe").await.status, 400);
    assert_eq!(kit.get(&viewer, "/api/v1/audit").await.status, 403);
    kit.finish().await;
}

#[tokio::test]
async fn an_export_is_checked_without_the_gate() {
    let kit = Kit::start().await;
    for _ in 0..3 {
        kit.get(&kit.admin, "/v1/users/me").await;
    }
    let export = kit.get(&kit.admin, "/api/v1/audit/export").await;
    let public_key = kit.get(&kit.admin, "/api/v1/audit/verify").await.json()["public_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let terms = ledger::Terms { public_key: Some(public_key), ..ledger::Terms::default() };
    let checked = ledger::verify_export(&export.bytes[..], &terms, &mut |_| {}).unwrap();
    assert!(checked.verdict.intact && checked.verdict.entries > 3, "{checked:?}");
    assert!(checked.unproven.is_empty(), "{checked:?}");
    let csv = kit.get(&kit.admin, "/api/v1/audit/export?format=csv").await.text();
    assert!(csv.starts_with("seq,at,principal"));
    assert_eq!(csv.lines().nth(1).unwrap().split(',').next(), Some("1"));
    kit.finish().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_at_any_moment_leaves_no_write_open() {
    let kit = Kit::start().await;
    for round in 0..60 {
        let request = testkit::request(Role::Viewer, &[]);
        let operator = kit.operator();
        let work = kit.gate.create_key(&operator, request, "hangs up");
        let patience = std::time::Duration::from_micros(round * 50);
        // Dropped in the middle, wherever that is.
        let _ = tokio::time::timeout(patience, work).await;
    }
    // `finish` looks for intents without a conclusion.
    kit.finish().await;
}
