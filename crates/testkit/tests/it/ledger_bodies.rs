//! Bodies of writes: kept if that was asked for, sealed, and for auditors alone.

use gate::KeyRequest;
use ledger::Meta;
use model::Role;
use serde_json::{Value, json};
use testkit::{Kit, request};

async fn start() -> Kit {
    Kit::start_with(|options| options.ledger_bodies = true).await
}

/// A key of an auditor who may otherwise just look.
async fn auditor(kit: &Kit) -> String {
    let role = request(Role::Viewer, &[kit.demo.team_page_id]);
    kit.new_key(KeyRequest { auditor: true, ..role }).await
}

/// Writes, and gives the numbers of intent and outcome.
async fn write(kit: &Kit, body: &Value) -> (u64, u64) {
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    assert_eq!(kit.patch(&kit.admin, &path, body).await.status, 200);
    let entries = kit.entries(2).await;
    (entries[1].seq, entries[0].seq)
}

#[tokio::test]
async fn an_auditor_reads_them_and_an_admin_does_not() {
    let kit = start().await;
    let body = json!({ "icon": { "emoji": "🔥" } });
    let (intent, outcome) = write(&kit, &body).await;
    let auditor = auditor(&kit).await;
    for seq in [intent, outcome] {
        let path = format!("/api/v1/audit/{seq}/body");
        let read = kit.get(&auditor, &path).await;
        assert_eq!(
            read.json(),
            json!({ "seq": seq, "intact": true, "body": body }),
            "{}",
            read.text()
        );
        let entries = kit.entries(2).await;
        assert_eq!(&*entries[1].action, "read_intended", "it is in the ledger before it is shown");
        assert_eq!(
            (&*entries[0].operation, &*entries[0].resource.id),
            ("read-audit-body", &*seq.to_string())
        );
        let refused = kit.get(&kit.admin, &path).await;
        assert_eq!(
            (refused.status, refused.reason()),
            (403, Some("auditor")),
            "{}",
            refused.text()
        );
        assert_eq!(kit.entries(1).await[0].action, "read_denied");
        assert_eq!(kit.as_operator("GET", &path, None, None).await.status, 200);
    }
    let viewer = kit.key(Role::Viewer, &[]).await;
    let path = format!("/api/v1/audit/{intent}/body");
    assert_eq!(kit.get(&viewer, &path).await.status, 403);
    // An auditor reads the ledger, and manages nothing.
    for path in ["/api/v1/audit", "/api/v1/audit/verify", "/api/v1/audit/export"] {
        assert_eq!(kit.get(&auditor, path).await.status, 200, "{path}");
    }
    assert_eq!(kit.get(&auditor, "/api/v1/keys").await.status, 403);
    let prune = json!({ "before": "2026-01-01T00:00:00Z" });
    assert_eq!(kit.post(&auditor, "/api/v1/audit/prune", &prune).await.status, 403);
    // What has no body, or is not there.
    for seq in ["0", "1", "999999"] {
        assert_eq!(
            kit.get(&auditor, &format!("/api/v1/audit/{seq}/body")).await.status,
            404,
            "{seq}"
        );
    }
    assert_eq!(kit.get(&auditor, "/api/v1/audit/x/body").await.status, 400);
    kit.finish().await;
}

#[tokio::test]
async fn only_the_operator_makes_auditors() {
    let kit = start().await;
    let body = json!({ "name": "me", "role": "admin", "auditor": true });
    let refused = kit.post(&kit.admin, "/api/v1/keys", &body).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("operator")), "{}", refused.text());
    let made = kit.as_operator("POST", "/api/v1/keys", None, Some(&body)).await;
    assert_eq!((made.status, &made.json()["auditor"]), (201, &json!(true)), "{}", made.text());
    kit.finish().await;
}

#[tokio::test]
async fn large_bodies_are_named_and_nothing_is_kept_unasked() {
    let kit = start().await;
    let long = "x".repeat(1900);
    let pieces: Vec<Value> = (0..40).map(|_| json!({ "text": { "content": long } })).collect();
    let children = json!([{ "paragraph": { "rich_text": pieces } }]);
    let path = format!("/v1/blocks/{}/children", kit.demo.team_page_id);
    let done = kit.patch(&kit.admin, &path, &json!({ "children": children })).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let entry = kit.entries(1).await.remove(0);
    assert!(
        matches!(entry.metadata["body_not_kept"], Meta::Number(size) if size > 65_536),
        "{entry:?}"
    );
    assert!(!entry.metadata.contains_key("body"));
    kit.finish().await;

    let kit = Kit::start().await;
    let (intent, _) = write(&kit, &json!({ "icon": { "emoji": "🔥" } })).await;
    assert!(kit.entries(2).await.iter().all(|entry| !entry.metadata.contains_key("body")));
    let auditor = auditor(&kit).await;
    assert_eq!(kit.get(&auditor, &format!("/api/v1/audit/{intent}/body")).await.status, 404);
    kit.finish().await;
}
