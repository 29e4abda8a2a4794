//! What is kept of the ledger, for how long, and what can be taken along: checkpoints, retention.

use std::time::Duration;

use jiff::SignedDuration;
use ledger::{Line, Terms, verify_export};
use model::{Clock, Role};
use serde_json::{Value, json};
use testkit::Kit;

const DAY: u64 = 24 * 3600;

/// Some reads, writes and acts of management.
async fn activity(kit: &Kit) {
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    kit.get(&kit.admin, &page).await;
    kit.patch(&kit.admin, &page, &json!({"icon": {"emoji": "🔥"}})).await;
    kit.key(Role::Viewer, &[]).await;
    kit.entries(1).await;
}

async fn export(kit: &Kit, query: &str) -> Vec<u8> {
    let reply = kit.get(&kit.admin, &format!("/api/v1/audit/export{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.bytes.to_vec()
}

fn days_ago(kit: &Kit, days: i64) -> String {
    (kit.clock.now() - SignedDuration::from_hours(24 * days)).to_string()
}

#[tokio::test]
async fn checkpoints_can_be_taken_along() {
    let kit = Kit::start().await;
    activity(&kit).await;
    let reply = kit.get(&kit.admin, "/api/v1/audit/checkpoint").await;
    let Ok(Line::Checkpoint { checkpoint }) = Line::read(&reply.bytes) else {
        panic!("{}", reply.text())
    };
    let key = kit.get(&kit.admin, "/api/v1/audit/public-key").await.json();
    assert_eq!(
        (key["algorithm"].as_str(), key["public_key"].as_str()),
        (Some("Ed25519"), Some(&*checkpoint.public_key))
    );
    assert!(checkpoint.is_signed_by(&checkpoint.public_key));
    activity(&kit).await;
    let kept = Terms { kept: vec![checkpoint.clone()], ..Terms::default() };
    for query in [String::new(), format!("?after={}", checkpoint.seq)] {
        let checked = verify_export(&export(&kit, &query).await[..], &kept, &mut |_| {}).unwrap();
        assert!(checked.verdict.intact && checked.unproven.is_empty(), "{query}: {checked:?}");
    }
    let beyond = kit.get(&kit.admin, "/api/v1/audit/export?after=1000000").await;
    assert_eq!(beyond.status, 400, "{}", beyond.text());

    let viewer = kit.key(Role::Viewer, &[]).await;
    let scoped = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    for key in [&viewer, &scoped] {
        for path in ["checkpoint", "public-key", "export", "verify"] {
            let reply = kit.get(key, &format!("/api/v1/audit/{path}")).await;
            assert_eq!(reply.status, 403, "{path}: {}", reply.text());
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn only_the_operator_drops_entries_and_leaves_a_record() {
    let kit = Kit::start().await;
    activity(&kit).await;
    kit.clock.advance(Duration::from_secs(40 * DAY));
    activity(&kit).await;
    let body = json!({ "before": days_ago(&kit, 30) });
    // An admin could wipe away what it did.
    let refused = kit.post(&kit.admin, "/api/v1/audit/prune", &body).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("operator")), "{}", refused.text());
    let entry = kit.entries(1).await.remove(0);
    assert_eq!((&*entry.action, &*entry.operation), ("manage_denied", "prune-audit"));
    let prune =
        async |body: Value| kit.as_operator("POST", "/api/v1/audit/prune", None, Some(&body)).await;
    for wrong in [json!({}), json!({"before": "soon"}), json!({"before": days_ago(&kit, -1)})] {
        assert_eq!(prune(wrong.clone()).await.status, 400, "{wrong}");
    }
    let before = kit.entries(1000).await;
    let done = prune(body.clone()).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let done = done.json();
    let gone = done["pruned"]["last"].as_u64().unwrap();
    assert_eq!((&done["pruned"]["first"], &done["entries"]), (&json!(1), &json!(gone)));

    let after = kit.entries(1000).await;
    assert_eq!(after.iter().map(|it| it.seq).min(), Some(gone + 1));
    let young = kit.clock.now() - SignedDuration::from_hours(24 * 30);
    assert!(after.iter().all(|it| it.at >= young), "all that was old is gone");
    assert!(before.iter().all(|it| it.seq > gone || it.at < young), "and nothing else");
    let [done, intent] = &after[..2] else { panic!() };
    assert_eq!((&*intent.action, &*done.action), ("manage_intended", "manage"));
    assert_eq!(done.metadata["last"], ledger::Meta::Number(gone.cast_signed()));

    let check = kit.get(&kit.admin, "/api/v1/audit/verify").await.json();
    assert_eq!((&check["intact"], &check["dropped"][0]["last"]), (&json!(true), &json!(gone)));
    let checked =
        verify_export(&export(&kit, "").await[..], &Terms::default(), &mut |_| {}).unwrap();
    assert!(checked.verdict.intact && checked.dropped[0].last == gone, "{checked:?}");
    let part = format!("?after={}", gone + 1);
    let checked = verify_export(
        &export(&kit, &part).await[..],
        &Terms { part: true, ..Terms::default() },
        &mut |_| {},
    )
    .unwrap();
    assert!(checked.verdict.intact && checked.dropped.is_empty(), "{checked:?}");

    let again = prune(body).await.json();
    assert_eq!(again, json!({ "pruned": null, "entries": 0 }));
    kit.finish().await;
}

#[tokio::test]
async fn retention_drops_by_itself_and_goes_on_where_it_ended() {
    let keep = Duration::from_secs(30 * DAY);
    let kit = Kit::start_with(|options| options.ledger_retention = Some(keep)).await;
    let mut gone = Vec::new();
    for _ in 0..3 {
        activity(&kit).await;
        kit.clock.advance(Duration::from_secs(31 * DAY));
        // What was old is written by now, too.
        kit.entries(1).await;
        kit.gate.apply_retention().await.unwrap();
        let check = kit.get(&kit.admin, "/api/v1/audit/verify").await.json();
        assert_eq!(check["intact"], true, "{check}");
        let dropped = check["dropped"].as_array().unwrap().clone();
        let last = dropped.last().unwrap();
        assert_eq!((&last["by"], last["tenant"].as_str()), (&json!("gate"), Some("default")));
        gone.push(last["last"].as_u64().unwrap());
        assert_eq!(dropped.len(), gone.len());
    }
    assert!(gone.is_sorted() && gone[0] < gone[2]);
    // Nothing is old any more: nothing is dropped, and nothing is said.
    let prunings = async || {
        let entries = kit.entries(200).await;
        entries.iter().filter(|entry| entry.operation == "prune-audit").count()
    };
    let before = prunings().await;
    kit.gate.apply_retention().await.unwrap();
    assert_eq!(prunings().await, before);
    let checked =
        verify_export(&export(&kit, "").await[..], &Terms::default(), &mut |_| {}).unwrap();
    assert!(checked.verdict.intact && checked.dropped.len() == 3, "{checked:?}");
    kit.finish().await;
}
