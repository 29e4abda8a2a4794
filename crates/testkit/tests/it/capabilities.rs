//! Capabilities that are granted and not used, and what a move changes.

use model::Role;
use notion::Capability;
use serde_json::{Value, json};
use testkit::Kit;

fn words(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_granted_and_not_used_is_named() {
    let kit = Kit::start().await;
    let granted =
        [Capability::ReadContent, Capability::UpdateContent, Capability::ReadUsersWithEmail];
    let key = kit.key_with(Role::Editor, &[], &granted).await;
    let idle = kit.key_with(Role::Viewer, &[], &granted[..1]).await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    kit.get(&key, &page).await;
    kit.get(&key, "/v1/users").await;
    // What is refused, by whomever, is no use.
    assert_eq!(kit.patch(&key, &page, &json!({ "in_trash": true })).await.status, 403);
    assert_eq!(
        kit.patch(&key, &page, &json!({ "properties": { "Nope": { "number": 1 } } })).await.status,
        400
    );
    let report = async |days: u32| {
        kit.entries(1).await;
        let path = format!("/api/v1/audit/capabilities?days={days}&limit=1000");
        let report = kit.get(&kit.admin, &path).await;
        assert_eq!(report.status, 200, "{}", report.text());
        report.json()
    };
    let of = |report: &Value, key: &str| {
        let items = report["items"].as_array().unwrap();
        items.iter().find(|item| item["id"] == key[4..16]).unwrap().clone()
    };
    let now = report(30).await;
    let used = of(&now, &key);
    assert_eq!(
        words(&used["granted"]),
        ["read_content", "update_content", "read_users_with_email"]
    );
    assert_eq!(words(&used["unused"]), ["update_content"]);
    assert_eq!(used["used"][0]["operation"], "retrieve-a-page");
    assert_eq!(words(&of(&now, &idle)["unused"]), ["read_content"]);
    let connection = &now["connections"][0];
    assert!(words(&connection["unused"]).contains(&"insert_comments"), "{connection}");
    assert!(!words(&connection["unused"]).contains(&"read_content"), "{connection}");

    assert_eq!(kit.patch(&key, &page, &json!({ "icon": null })).await.status, 200);
    assert_eq!(words(&of(&report(30).await, &key)["unused"]), [""; 0]);
    kit.clock.advance(std::time::Duration::from_secs(31 * 24 * 3600));
    let later = of(&report(30).await, &key);
    assert_eq!(words(&later["unused"]), words(&later["granted"]));
    assert_eq!(words(&of(&report(365).await, &key)["unused"]), [""; 0]);
    assert_eq!(kit.get(&kit.admin, "/api/v1/audit/capabilities?days=0").await.status, 400);
    kit.finish().await;
}

#[tokio::test]
async fn what_the_connection_may_not_do_is_refused_before_notion() {
    let kit = Kit::start().await;
    let reader = json!({ "token": kit.demo.tokens.reader });
    let connected = kit.post(&kit.admin, "/api/v1/workspaces", &reader).await;
    assert_eq!(connected.status, 201, "{}", connected.text());
    let key = json!({ "name": "x", "role": "admin", "connection": connected.json()["bot_id"] });
    let key =
        kit.post(&kit.admin, "/api/v1/keys", &key).await.json()["key"].as_str().unwrap().to_owned();
    kit.forget_calls().await;
    let page = kit.demo.team_page_id;
    let body = json!({ "icon": null });
    let refused = kit.patch(&key, &format!("/v1/pages/{page}"), &body).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("capability")));
    assert!(refused.text().contains("update_content"), "{}", refused.text());
    let new = json!({ "parent": page, "title": "x" });
    let refused = kit.post(&key, "/api/v1/pages", &new).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("capability_missing")));
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    assert_eq!(kit.get(&key, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn a_move_says_which_keys_gain_and_which_lose() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let body = json!({ "parent": { "page_id": team }, "properties": {} });
    let made = kit.post(&kit.admin, "/v1/pages", &body).await.json();
    let page = made["id"].as_str().unwrap().to_owned();
    // Without a narrow key there is nothing to say, and nothing is looked up.
    kit.forget_calls().await;
    let moved = async |to: Value| {
        let reply =
            kit.post(&kit.admin, &format!("/v1/pages/{page}/move"), &json!({ "parent": to })).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    moved(json!({ "type": "page_id", "page_id": team })).await;
    assert_eq!(kit.calls().await.len(), 1);

    let of_team = kit.key(Role::Viewer, &[team]).await;
    let of_other = kit.key(Role::Editor, &[other]).await;
    kit.key(Role::Editor, &[team, other]).await;
    let ended = kit.key(Role::Viewer, &[other]).await;
    kit.delete(&kit.admin, &format!("/api/v1/keys/{}", &ended[4..16])).await;
    let preview = async |object: &str, to: &str| {
        let body = json!({ "object": object, "to": to });
        kit.post(&kit.admin, "/api/v1/moves/preview", &body).await
    };
    let ahead = preview(&page, &other.to_string()).await;
    assert_eq!(ahead.status, 200, "{}", ahead.text());
    let ids = |value: &Value| {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&ahead.json()["gains"]), [&of_other[4..16]]);
    assert_eq!(ids(&ahead.json()["loses"]), [&of_team[4..16]]);
    assert_eq!(kit.get(&of_team, &format!("/v1/pages/{page}")).await.status, 200, "not moved");
    let top = preview(&page, "workspace").await.json();
    assert_eq!((ids(&top["gains"]).len(), ids(&top["loses"]).len()), (0, 2));
    assert_eq!(preview(&page, &page).await.status, 400);
    assert_eq!(preview("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", &page).await.status, 404);
    assert_eq!(preview("nonsense", &page).await.status, 400);

    moved(json!({ "type": "page_id", "page_id": other })).await;
    let entry = kit.entries(1).await.remove(0);
    assert_eq!(entry.operation, "move-page");
    let fact = |name: &str| entry.metadata.get(name).cloned();
    assert_eq!(fact("keys_gaining"), Some(ledger::Meta::Number(1)));
    assert_eq!(fact("keys_losing"), Some(ledger::Meta::Number(1)));
    assert_eq!(fact("keys_gaining_ids"), Some(of_other[4..16].into()));
    assert_eq!(fact("keys_losing_ids"), Some(of_team[4..16].into()));
    assert_eq!(kit.get(&of_team, &format!("/v1/pages/{page}")).await.status, 404);
    assert_eq!(kit.get(&of_other, &format!("/v1/pages/{page}")).await.status, 200);

    // A database, with all its rows.
    let database = format!("/v1/databases/{}", kit.demo.database_id);
    let to = json!({ "parent": { "type": "page_id", "page_id": other } });
    let reply = kit.patch(&kit.admin, &database, &to).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let entry = kit.entries(1).await.remove(0);
    assert_eq!(entry.metadata.get("keys_losing"), Some(&ledger::Meta::Number(1)));
    kit.finish().await;
}

/// Moving needs rights at both ends, in every form that a move has.
#[tokio::test]
async fn no_move_reaches_beyond_the_scope() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let maker = gate::KeyRequest { may_delegate: true, ..testkit::request(Role::Editor, &[team]) };
    let maker = kit.new_key(maker).await;
    let child = json!({ "name": "child", "role": "editor", "within": [team] });
    let child =
        kit.post(&maker, "/api/v1/keys", &child).await.json()["key"].as_str().unwrap().to_owned();
    let nowhere = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let (database, source) = (kit.demo.database_id, kit.demo.data_source_id);
    for key in [&maker, &child] {
        let mut shown = Vec::new();
        for outside in [other.to_string(), nowhere.to_owned()] {
            let parent = json!({ "parent": { "type": "page_id", "page_id": outside } });
            let insert = |content: String| json!({ "type": "insert_content", "insert_content": { "content": content } });
            let synced = json!({ "children": [{
                "type": "synced_block",
                "synced_block": { "synced_from": { "type": "block_id", "block_id": outside } },
            }] });
            let page_url = outside.replace('-', "");
            let forms = [
                ("POST", format!("/v1/pages/{team}/move"), parent.clone()),
                (
                    "POST",
                    format!("/v1/pages/{outside}/move"),
                    json!({ "parent": { "page_id": team } }),
                ),
                ("PATCH", format!("/v1/databases/{database}"), parent.clone()),
                (
                    "PATCH",
                    format!("/v1/data_sources/{source}"),
                    json!({ "parent": { "type": "database_id", "database_id": outside } }),
                ),
                (
                    "PATCH",
                    format!("/v1/pages/{team}/markdown"),
                    insert(format!("<page url=\"https://www.notion.so/{page_url}\">x</page>")),
                ),
                ("PATCH", format!("/v1/blocks/{team}/children"), synced),
            ];
            let mut answers = Vec::new();
            kit.forget_calls().await;
            for (method, path, body) in forms {
                let reply = kit.call(method, key, &path, Some(&body)).await;
                assert_eq!(reply.status, 404, "{method} {path} {body}: {}", reply.text());
                let message = reply.json()["message"].as_str().unwrap().replace(&outside, "<id>");
                answers.push((message, reply.reason().map(str::to_owned)));
            }
            let writes = kit.calls().await.into_iter().filter(|call| call["method"] != "GET");
            assert_eq!(writes.count(), 0);
            shown.push(answers);
        }
        assert_eq!(shown[0], shown[1], "outside and not there are told apart");
    }
    kit.finish().await;
}
