//! Tenants: each sees its own and nothing of another's.

use serde_json::{Value, json};
use testkit::Kit;

/// A tenant with an admin key, connected to a workspace of its own: key, bot, workspace.
async fn tenant(kit: &Kit, name: &str) -> (String, String, Value) {
    let made = kit.as_operator("POST", "/api/v1/tenants", None, Some(&json!({"name": name}))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let workspace = kit.add_workspace(name).await;
    let body = json!({"token": workspace["tokens"]["full"]});
    let connected = kit.post(&key, "/api/v1/workspaces", &body).await;
    assert_eq!(connected.status, 201, "{}", connected.text());
    (key, connected.json()["bot_id"].as_str().unwrap().to_owned(), workspace)
}

#[tokio::test]
async fn each_tenant_sees_its_own() {
    let kit = Kit::start().await;
    let (a, bot_a, workspace_a) = tenant(&kit, "aurora").await;
    let (b, bot_b, workspace_b) = tenant(&kit, "borealis").await;
    for (key, own, other, bot, other_bot) in [
        (&a, &workspace_a, &workspace_b, &bot_a, &bot_b),
        (&b, &workspace_b, &workspace_a, &bot_b, &bot_a),
    ] {
        // The first admin key is bound to none: it uses the tenant's only workspace.
        let page = |workspace: &Value| {
            format!("/v1/pages/{}", workspace["demo"]["team_page_id"].as_str().unwrap())
        };
        assert_eq!(kit.get(key, &page(own)).await.status, 200);
        assert_eq!(kit.get(key, &page(other)).await.status, 404);
        let listed = kit.get(key, "/workspaces").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        assert_eq!(listed["items"][0]["bot_id"], *bot);
        for path in ["workspaces", "keys", "audit"] {
            let text = kit.get(key, &format!("/api/v1/{path}?limit=1000")).await.text();
            assert!(!text.contains(other_bot), "{path}: {text}");
        }
        // Another tenant's is not there, like one that never was.
        let theirs = kit.get(key, &format!("/api/v1/workspaces/{other_bot}")).await;
        let nobodys = "/api/v1/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        assert_eq!((theirs.status, theirs.json()), (404, kit.get(key, nobodys).await.json()));
        let bound = json!({"name": "x", "role": "viewer", "connection": other_bot});
        let refused = kit.post(key, "/api/v1/keys", &bound).await;
        assert_eq!(refused.status, 400);
        // Only the operator makes and lists tenants, and only the operator chooses one.
        let refused = kit.get(key, "/api/v1/tenants").await;
        assert_eq!((refused.status, refused.reason()), (403, Some("operator")));
        let headers = [
            ("authorization", format!("Bearer {key}")),
            ("x-notegate-tenant", "default".to_owned()),
        ];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let as_other = kit.raw("GET", "/workspaces", &headers, None).await.json();
        assert_eq!(as_other["items"][0]["bot_id"], *bot, "the header is the operator's alone");
    }
    // A bot belongs to one tenant.
    let taken =
        kit.post(&a, "/api/v1/workspaces", &json!({"token": workspace_b["tokens"]["full"]})).await;
    assert_eq!((taken.status, &taken.json()["code"]), (409, &json!("conflict")));
    assert!(!taken.text().contains("borealis"), "{}", taken.text());
    assert_eq!(kit.get(&b, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn the_operator_acts_for_the_tenant_that_it_names() {
    let kit = Kit::start().await;
    let (_, bot, _) = tenant(&kit, "aurora").await;
    let listed = kit.as_operator("GET", "/workspaces", Some("aurora"), None).await.json();
    assert_eq!(listed["items"][0]["bot_id"], bot);
    let own = kit.as_operator("GET", "/workspaces", None, None).await.json();
    assert_ne!(own["items"][0]["bot_id"], bot);
    let made = json!({"name": "by the operator", "role": "viewer"});
    let made = kit.as_operator("POST", "/api/v1/keys", Some("aurora"), Some(&made)).await;
    assert_eq!((made.status, &made.json()["connection"]), (201, &json!(bot)));
    let entries = kit.as_operator("GET", "/api/v1/audit", Some("aurora"), None).await.json();
    assert!(entries["items"].as_array().unwrap().iter().all(|entry| entry["tenant"] == "aurora"));
    let verified = kit.as_operator("GET", "/api/v1/audit/verify", Some("aurora"), None).await;
    assert_eq!(verified.json()["intact"], true);

    for unknown in ["nobody", "Aurora", "", "a/b"] {
        let refused = kit.as_operator("GET", "/workspaces", Some(unknown), None).await;
        assert_eq!(refused.status, 404, "{unknown}");
    }
    let all = kit.as_operator("GET", "/api/v1/tenants", None, None).await.json();
    let names: Vec<_> =
        all["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["aurora", "default"]);
    for (name, status) in [("aurora", 409), ("default", 409), ("Not Plain", 400), ("", 400)] {
        let body = json!({ "name": name });
        let refused = kit.as_operator("POST", "/api/v1/tenants", None, Some(&body)).await;
        assert_eq!(refused.status, status, "{name}: {}", refused.text());
    }
    kit.finish().await;
}
