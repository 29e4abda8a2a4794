//! Roles and capabilities over real routes.

use model::Role;
use notion::Capability;
use serde_json::{Value, json};
use testkit::Kit;

#[tokio::test]
async fn twelve_cells() {
    let kit = Kit::start().await;
    let team = kit.demo.team_page_id;
    for role in Role::ALL {
        let key = kit.key(role, &[]).await;
        let page = kit
            .post(&kit.admin, "/v1/pages", &json!({"parent": {"page_id": team}, "properties": {}}))
            .await;
        let page = format!("/v1/pages/{}", page.json()["id"].as_str().unwrap());
        let cells = [
            ("read", "GET", page.clone(), None, role >= Role::Viewer),
            ("write", "PATCH", page.clone(), Some(json!({"icon": null})), role >= Role::Editor),
            ("delete", "PATCH", page.clone(), Some(json!({"in_trash": true})), role >= Role::Admin),
            ("manage", "GET", "/api/v1/keys".to_owned(), None, role >= Role::Admin),
        ];
        for (permission, method, path, body, allowed) in cells {
            kit.forget_calls().await;
            let reply = kit.call(method, &key, &path, body.as_ref()).await;
            let status = if allowed { 200 } else { 403 };
            assert_eq!(reply.status, status, "{role} {permission}: {}", reply.text());
            if !allowed {
                assert_eq!(reply.reason(), Some("role"));
                let json = reply.json();
                let text = json["message"].as_str().or(json["detail"].as_str()).unwrap();
                assert!(
                    text.starts_with(&format!("Requires \"{permission}\" permission")),
                    "{text}"
                );
                assert!(kit.calls().await.is_empty(), "Notion heard of it");
            }
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_refused_write_is_in_the_ledger() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[]).await;
    let page = kit.demo.team_page_id;
    kit.patch(&viewer, &format!("/v1/pages/{page}"), &json!({"icon": null})).await;
    let entry = kit.entries(1).await.remove(0);
    assert_eq!(entry.action, "write_denied");
    assert_eq!(entry.operation, "patch-page");
    assert_eq!(entry.result, ledger::Outcome::Denied);
    assert_eq!(entry.reason.as_deref(), Some("role"));
    assert_eq!(entry.resource.id, page.to_string());
    assert!(entry.principal.starts_with("key:"));
    kit.finish().await;
}

#[tokio::test]
async fn an_editor_adds_columns_and_does_not_empty_them() {
    let kit = Kit::start().await;
    let editor = kit.key(Role::Editor, &[]).await;
    let path = format!("/v1/data_sources/{}", kit.demo.data_source_id);
    let columns = kit.get(&editor, &path).await.json()["properties"].clone();
    let of_type = |kind: &str| {
        let columns = columns.as_object().unwrap();
        columns.iter().find(|(_, column)| column["type"] == kind).expect(kind).0.clone()
    };
    for (change, status) in [
        (json!({"Brand new": {"checkbox": {}}}), 200),
        (json!({of_type("number"): {"number": {"format": "euro"}}}), 200),
        (json!({of_type("number"): {"checkbox": {}}}), 403),
        (json!({of_type("multi_select"): {"multi_select": {"options": []}}}), 403),
        (json!({of_type("number"): null}), 403),
    ] {
        let reply = kit.patch(&editor, &path, &json!({"properties": change})).await;
        assert_eq!(reply.status, status, "{change}: {}", reply.text());
        if status == 403 {
            assert_eq!(reply.reason(), Some("role"));
        }
    }
    // What is not there is Notion's to say, and new versions have no columns in the container.
    let nowhere = "/v1/data_sources/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let retype = json!({"properties": {"A": {"checkbox": {}}}});
    assert_eq!(kit.patch(&editor, nowhere, &retype).await.status, 404);
    let container = format!("/v1/databases/{}", kit.demo.database_id);
    let own = kit.direct("PATCH", &container, Some(&retype)).await.status;
    assert_eq!(kit.patch(&editor, &container, &retype).await.status, own);

    let change =
        json!({"properties": {of_type("multi_select"): {"multi_select": {"options": []}}}});
    assert_eq!(kit.patch(&kit.admin, &path, &change).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn the_small_api_follows_the_roles() {
    let kit = Kit::start().await;
    let [viewer, editor, admin] = [
        kit.key(Role::Viewer, &[]).await,
        kit.key(Role::Editor, &[]).await,
        kit.key(Role::Admin, &[]).await,
    ];
    let new = json!({"parent": kit.demo.team_page_id, "title": "From a script"});
    for base in ["/api/v1/pages", "/api/pages"] {
        let refused = kit.post(&viewer, base, &new).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.json()["detail"], "Requires \"write\" permission");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        let made = kit.post(&editor, base, &new).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let path = format!("{base}/{}", made.json()["id"].as_str().unwrap());
        let read = kit.get(&viewer, &path).await;
        assert_eq!(read.status, 200);
        assert_eq!(read.json()["properties"]["title"]["title"][0]["plain_text"], "From a script");
        assert_eq!(kit.delete(&editor, &path).await.status, 403);
        let trashed = kit.delete(&admin, &path).await;
        assert_eq!((trashed.status, &trashed.json()["in_trash"]), (200, &Value::Bool(true)));
    }
    kit.finish().await;
}

#[tokio::test]
async fn errors_of_the_small_api_say_what_to_do() {
    let kit = Kit::start().await;
    let nowhere =
        kit.get(&kit.admin, "/api/v1/pages/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").await.json();
    assert_eq!(nowhere["code"], "object_not_found");
    assert!(nowhere["advice"].as_str().unwrap().contains("Connections"));
    let fault = |status: u16, code: &str| {
        json!({
            "match": {"operation": "retrieve-a-page"}, "answer": {"status": status, "code": code}, "times": 1,
        })
    };
    let path = format!("/api/v1/pages/{}", kit.demo.team_page_id);
    kit.control("POST", "faults", Some(&fault(403, "restricted_resource"))).await;
    let reply = kit.get(&kit.admin, &path).await;
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("restricted_resource")));
    assert!(reply.json()["advice"].as_str().unwrap().contains("Capabilities"), "{}", reply.text());
    let wrong = kit.get(&kit.admin, "/api/v1/pages/nonsense").await;
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (400, Some("validation_error")));
    kit.finish().await;
}

#[tokio::test]
async fn a_key_without_a_capability_is_refused_before_notion() {
    let kit = Kit::start().await;
    let key = kit.key_with(Role::Admin, &[], &[Capability::ReadContent]).await;
    let page = kit.demo.team_page_id;
    assert_eq!(kit.get(&key, &format!("/v1/pages/{page}")).await.status, 200);
    kit.forget_calls().await;
    for (method, path) in [
        ("PATCH", format!("/v1/pages/{page}")),
        ("POST", "/v1/pages".to_owned()),
        ("GET", "/v1/users".to_owned()),
        ("GET", format!("/v1/comments?block_id={page}")),
    ] {
        let body = (method != "GET").then(|| json!({}));
        let reply = kit.call(method, &key, &path, body.as_ref()).await;
        assert_eq!(reply.status, 403, "{method} {path}");
        assert_eq!(reply.reason(), Some("capability"));
        assert_eq!(reply.json()["code"], "restricted_resource");
    }
    assert!(kit.calls().await.is_empty());
    assert_eq!(kit.get(&key, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn answers_are_cut_to_the_capabilities_of_the_key() {
    let kit = Kit::start().await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    let writer = kit.key_with(Role::Editor, &[], &[Capability::UpdateContent]).await;
    let written = kit.patch(&writer, &page, &json!({})).await.json();
    let keys: Vec<_> = written.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["object", "id", "request_id"]);

    let people = [Capability::ReadUsersWithoutEmail, Capability::ReadContent];
    let users = kit.get(&kit.key_with(Role::Viewer, &[], &people).await, "/v1/users").await.text();
    assert!(users.contains("\"name\"") && !users.contains('@'), "{users}");
    let reader = kit.key_with(Role::Viewer, &[], &[Capability::ReadContent]).await;
    let rows = format!("/v1/data_sources/{}/query", kit.demo.data_source_id);
    let rows = kit
        .post(&reader, &rows, &json!({}))
        .await
        .text()
        .replace("\"type\":\"email\",\"email\":", "");
    assert!(rows.contains("\"people\"") && !rows.contains("\"email\":\""), "an address is shown");
    let scoped =
        kit.key_with(Role::Viewer, &[kit.demo.team_page_id], &[Capability::ReadContent]).await;
    let found = kit.post(&scoped, "/v1/search", &json!({})).await.text();
    let found = found.replace("\"type\":\"email\",\"email\":", "");
    assert!(found.contains("\"people\"") && !found.contains("\"email\":\""), "an address is found");
    assert!(
        kit.get(&kit.admin, "/v1/users").await.text().contains('@'),
        "the test would not see it"
    );
    kit.finish().await;
}

#[tokio::test]
async fn budgets_are_spent_before_the_effect() {
    let kit = Kit::start().await;
    let mut request = testkit::request(Role::Viewer, &[]);
    request.budget = Some(model::Budget { calls_per_minute: Some(2), ..Default::default() });
    let key = kit.new_key(request).await;
    kit.forget_calls().await;
    let statuses = [
        kit.get(&key, "/v1/users/me").await.status,
        kit.get(&key, "/v1/users/me").await.status,
        kit.get(&key, "/v1/users/me").await.status,
    ];
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(kit.calls().await.len(), 2);
    let refused = kit.get(&key, "/v1/users/me").await;
    assert_eq!(refused.reason(), Some("budget"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    kit.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(kit.get(&key, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn keys_make_no_calls_by_a_connection_that_the_environment_no_longer_names() {
    let kit = Kit::start().await;
    let old = kit.admin.clone();
    let tokens = gate::Tokens { access: kit.demo.tokens.reader.clone().into(), write: None };
    kit.gate.declare(Some(&tokens)).await.expect("another bot");
    kit.forget_calls().await;
    let refused = kit.get(&old, "/v1/users/me").await;
    assert_eq!((refused.status, refused.reason()), (409, Some("reauthorization_required")));
    assert_eq!(refused.json()["code"], "conflict_error");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("User needs to re-authorize"), "{message}");
    let page = kit.get(&old, &format!("/api/v1/pages/{}", kit.demo.team_page_id)).await;
    assert_eq!(
        (page.status, page.json()["code"].as_str()),
        (409, Some("reauthorization_required"))
    );
    assert_eq!(kit.get(&old, "/api/v1/keys").await.status, 200, "it may still manage");
    assert!(kit.calls().await.is_empty(), "the old token went out");
    let new = kit.key(Role::Admin, &[]).await;
    assert_eq!(kit.get(&new, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn keys_end_at_once() {
    let kit = Kit::start().await;
    let mut request = testkit::request(Role::Viewer, &[]);
    request.expires_in = Some(std::time::Duration::from_secs(10));
    let expiring = kit.new_key(request).await;
    assert_eq!(kit.get(&expiring, "/v1/users/me").await.status, 200);
    kit.clock.advance(std::time::Duration::from_secs(10));
    let expired = kit.get(&expiring, "/v1/users/me").await;
    assert_eq!((expired.status, expired.reason()), (401, Some("expired")));
    assert_eq!(expired.json()["message"], "API token is invalid.");
    for _ in 0..5 {
        kit.get(&expiring, "/v1/users/me").await;
    }
    let entries = kit.entries(10).await;
    let told = entries.iter().filter(|entry| entry.reason.as_deref() == Some("expired")).count();
    assert_eq!(told, 1, "an ended key fills the ledger");

    let made = kit.post(&kit.admin, "/api/v1/keys", &json!({"name": "x", "role": "viewer"})).await;
    assert_eq!(made.status, 201);
    let (key, id) = (
        made.json()["key"].as_str().unwrap().to_owned(),
        made.json()["id"].as_str().unwrap().to_owned(),
    );
    assert_eq!(kit.get(&key, "/v1/users/me").await.status, 200);
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/keys/{id}")).await.status, 204);
    let revoked = kit.get(&key, "/v1/users/me").await;
    assert_eq!((revoked.status, revoked.reason()), (401, Some("revoked")));
    // The secret is shown once.
    assert!(!kit.get(&kit.admin, &format!("/api/v1/keys/{id}")).await.text().contains(&key));
    kit.finish().await;
}
