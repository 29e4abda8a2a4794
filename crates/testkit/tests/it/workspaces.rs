//! Workspaces: connected, shown, told apart; tokens go in and never come out.

use std::collections::BTreeSet;
use std::time::Duration;

use model::Role;
use notion::{Capabilities, Capability};
use serde_json::{Value, json};
use testkit::{Kit, request};

const ITEM: [&str; 7] =
    ["authorized_at", "bot_id", "last_used_at", "owner", "state", "workspace_id", "workspace_name"];

/// A token of the sandbox's first workspace: token and bot.
async fn token(kit: &Kit, name: &str, capabilities: &[Capability]) -> (String, String) {
    let capabilities: Capabilities = capabilities.iter().copied().collect();
    let shared = [kit.demo.team_page_id];
    let body = json!({ "name": name, "capabilities": capabilities, "shared": shared });
    let made = kit.control("POST", "tokens", Some(&body)).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("token"), text("bot_id"))
}

async fn connect(kit: &Kit, body: Value) -> testkit::Reply {
    kit.post(&kit.admin, "/api/v1/workspaces", &body).await
}

#[tokio::test]
async fn a_list_has_exactly_what_it_says_and_no_secrets() {
    let kit = Kit::start().await;
    kit.get(&kit.admin, "/v1/users/me").await;
    let mut seen = Vec::new();
    for path in ["/api/v1/workspaces", "/workspaces"] {
        let listed = kit.get(&kit.admin, path).await;
        assert_eq!(listed.status, 200);
        let items = listed.json()["items"].as_array().cloned().unwrap();
        let [item] = &items[..] else { panic!("{listed:?}") };
        let keys: Vec<_> = item
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(keys, ITEM, "{path}");
        assert_eq!(item["workspace_id"], json!(kit.demo.workspace_id));
        assert_eq!(item["state"], "active");
        assert!(item["last_used_at"].is_string(), "{item}");
        let bot = item["bot_id"].as_str().unwrap();
        let whole = kit.get(&kit.admin, &format!("/api/v1/workspaces/{bot}")).await;
        assert_eq!((whole.status, &whole.json()["origin"]), (200, &json!("environment")));
        seen.extend([listed.text(), whole.text()]);
    }
    let text = seen.concat();
    assert!(!text.contains("ntn_") && !text.contains("token"), "{text}");

    for role in [Role::Viewer, Role::Editor] {
        let key = kit.key(role, &[]).await;
        let refused = kit.get(&key, "/workspaces").await;
        assert_eq!((refused.status, refused.reason()), (403, Some("role")));
        let refused = kit.post(&key, "/api/v1/workspaces", &json!({"token": "ntn_x"})).await;
        assert_eq!((refused.status, refused.reason()), (403, Some("role")));
    }
    kit.finish().await;
}

#[tokio::test]
async fn keys_of_each_workspace_reach_their_own() {
    let kit = Kit::start().await;
    let second = kit.add_workspace("Umbra").await;
    let made = connect(&kit, json!({"token": second["tokens"]["full"]})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let umbra = made.json();
    assert_eq!((&umbra["workspace_name"], &umbra["origin"]), (&json!("Umbra"), &json!("given")));
    assert!(!made.text().contains("ntn_"), "{}", made.text());
    let all = kit.get(&kit.admin, "/workspaces").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);

    // The one that was connected last is the default; another can be named.
    let make = async |connection: Option<&Value>| {
        let mut body = json!({"name": "x", "role": "viewer"});
        if let Some(connection) = connection {
            body["connection"] = connection.clone();
        }
        let made = kit.post(&kit.admin, "/api/v1/keys", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        (made.json()["key"].as_str().unwrap().to_owned(), made.json()["connection"].clone())
    };
    let (of_second, connection) = make(None).await;
    assert_eq!(connection, umbra["bot_id"]);
    let (of_first, _) = make(Some(&kit.get(&kit.admin, "/v1/users/me").await.json()["id"])).await;
    let (of_none, connection) = make(Some(&Value::Null)).await;
    assert_eq!(connection, Value::Null);

    let own = format!("/v1/pages/{}", kit.demo.team_page_id);
    let other = format!("/v1/pages/{}", second["demo"]["team_page_id"].as_str().unwrap());
    for (key, there, not_there) in [(&of_first, &own, &other), (&of_second, &other, &own)] {
        assert_eq!(kit.get(key, there).await.status, 200);
        assert_eq!(kit.get(key, not_there).await.status, 404);
    }
    let ambiguous = kit.get(&of_none, &own).await;
    assert_eq!((ambiguous.status, ambiguous.reason()), (409, Some("connection")));
    let message = ambiguous.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("make a key for one of them"), "{message}");
    kit.finish().await;
}

#[tokio::test]
async fn connecting_again_updates_and_never_duplicates() {
    let kit = Kit::start().await;
    let (token, bot) = token(&kit, "Twice", &[Capability::ReadContent]).await;
    let first = connect(&kit, json!({"token": token})).await.json();
    kit.clock.advance(Duration::from_secs(60));
    let second = connect(&kit, json!({"token": token})).await.json();
    assert_eq!((&first["bot_id"], &second["bot_id"]), (&json!(bot), &json!(bot)));
    assert!(first["authorized_at"].as_str() < second["authorized_at"].as_str());
    assert_eq!(first["rotated_at"], second["rotated_at"], "the token is the same");
    let all = kit.get(&kit.admin, "/workspaces").await.json();
    let same = all["items"].as_array().unwrap().iter().filter(|item| item["bot_id"] == bot);
    assert_eq!(same.count(), 1);
    let entries = kit.entries(20).await;
    let connects = entries
        .iter()
        .filter(|entry| entry.operation == "connect-workspace" && entry.resource.id == bot);
    assert_eq!(connects.count(), 4, "two with their intents");
    kit.finish().await;
}

#[tokio::test]
async fn what_is_no_token_is_refused_and_never_echoed() {
    let kit = Kit::start().await;
    let secret = "ntn_sandbox_canary_that_nobody_knows";
    let long = format!("ntn_{}", "x".repeat(600));
    kit.forget_calls().await;
    for body in [
        json!(secret),
        json!([secret]),
        json!({}),
        json!({"token": [secret]}),
        json!({"token": ""}),
        json!({"token": format!("{secret} {secret}")}),
        json!({"token": long}),
        json!({"token": secret, secret: 1}),
        json!({"token": secret, "write_token": secret}),
        json!({"read_token": secret}),
        json!({"write_token": secret}),
    ] {
        let refused = connect(&kit, body.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (400, &json!("validation_error")),
            "{body}"
        );
        assert!(!refused.text().contains("canary"), "{}", refused.text());
    }
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    let refused = connect(&kit, json!({"token": secret})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("token_rejected")));
    assert!(!refused.text().contains("canary"), "{}", refused.text());
    let entries = format!("{:?}", kit.entries(40).await);
    assert!(entries.contains("connect-workspace") && !entries.contains("canary"), "{entries}");
    assert_eq!(
        kit.get(&kit.admin, "/workspaces").await.json()["items"].as_array().unwrap().len(),
        1
    );
    kit.finish().await;
}

#[tokio::test]
async fn capabilities_are_found_out_without_doing_anything() {
    let kit = Kit::start().await;
    let sets: &[&[Capability]] = &[
        &[],
        &[Capability::ReadContent],
        &[Capability::UpdateContent],
        &[Capability::InsertContent],
        &[Capability::ReadComments],
        &[Capability::InsertComments],
        &[Capability::ReadUsersWithoutEmail],
        &[Capability::ReadUsersWithEmail],
        &[Capability::ReadContent, Capability::InsertComments, Capability::ReadUsersWithEmail],
        &Capability::ALL,
    ];
    for set in sets {
        let (token, _) = token(&kit, "Probe", set).await;
        kit.forget_calls().await;
        let before = kit.control("GET", "state", None).await;
        let made = connect(&kit, json!({"token": token})).await;
        let found: Capabilities =
            serde_json::from_value(made.json()["capabilities"].clone()).unwrap();
        for capability in Capability::ALL {
            let expected: Capabilities = set.iter().copied().collect();
            assert_eq!(
                found.grants(capability),
                expected.grants(capability),
                "{capability} of {set:?}"
            );
        }
        let calls = kit.calls().await;
        assert!(
            calls
                .iter()
                .filter(|call| call["method"] != "GET")
                .all(|call| call["status"].as_u64() >= Some(400))
        );
        let mut after = kit.control("GET", "state", None).await;
        let mut before = before;
        for state in [&mut before, &mut after] {
            // What it was asked, and how often, is no content.
            state.as_object_mut().unwrap().retain(|name, _| name == "nodes" || name == "comments");
        }
        assert!(
            before == after && !before.as_object().unwrap().is_empty(),
            "something was changed"
        );
    }
    kit.finish().await;
}

#[tokio::test]
async fn reads_go_out_with_the_one_token_of_a_pair_and_writes_with_the_other() {
    let kit = Kit::start().await;
    let (reader, bot) = token(&kit, "Reads", &[Capability::ReadContent]).await;
    let writing = [Capability::ReadContent, Capability::UpdateContent, Capability::InsertContent];
    let (writer, writer_bot) = token(&kit, "Writes", &writing).await;
    let made = connect(&kit, json!({"read_token": reader, "write_token": writer})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["bot_id"], bot);
    assert_eq!(made.json()["writer"]["bot_id"], writer_bot);
    assert_eq!(made.json()["warnings"], json!([]));

    let key = kit.key(Role::Editor, &[kit.demo.team_page_id]).await;
    kit.forget_calls().await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    assert_eq!(kit.get(&key, &page).await.status, 200);
    assert_eq!(kit.post(&key, "/v1/search", &json!({})).await.status, 200);
    assert_eq!(kit.patch(&key, &page, &json!({"icon": null})).await.status, 200);
    let calls = kit.calls().await;
    let of = |write: bool| -> BTreeSet<String> {
        let half = calls.iter().filter(|call| (call["method"] == "PATCH") == write);
        half.map(|call| call["token_fingerprint"].to_string()).collect()
    };
    assert_eq!((of(false).len(), of(true).len()), (1, 1));
    assert_ne!(of(false), of(true), "one token for both");

    // What is not there is told as Notion tells it to each half.
    let nothing = format!("/v1/pages/{}", kit.demo.other_page_id);
    let asked = kit.get(&key, &nothing).await;
    assert!(asked.text().contains("Reads") && asked.text().contains(&bot), "{}", asked.text());
    let changed = kit.patch(&key, &nothing, &json!({"icon": null})).await;
    assert_eq!((asked.status, changed.status), (404, 404));
    assert!(
        changed.text().contains("Writes") && changed.text().contains(&writer_bot),
        "{}",
        changed.text()
    );
    kit.finish().await;
}

#[tokio::test]
async fn halves_that_do_not_fit_make_no_pair() {
    let kit = Kit::start().await;
    let (reader, _) = token(&kit, "Reads", &[Capability::ReadContent]).await;
    let (writer, _) = token(&kit, "Writes", &[Capability::ReadContent]).await;
    let elsewhere = kit.add_workspace("Umbra").await;
    for (write_token, words) in [
        (json!(reader), "same integration"),
        (elsewhere["tokens"]["full"].clone(), "two workspaces"),
    ] {
        let body = json!({"read_token": reader, "write_token": write_token});
        let refused = connect(&kit, body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("token_mismatch")));
        assert!(refused.text().contains(words), "{}", refused.text());
        assert!(!refused.text().contains("ntn_"), "{}", refused.text());
    }
    // A pair the wrong way round is taken, with warnings.
    let everything = kit.demo.tokens.full.clone();
    let made = connect(&kit, json!({"read_token": everything, "write_token": writer})).await;
    let codes: Vec<_> = made.json()["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["reader_may_write", "writer_may_not_write"]);
    kit.finish().await;
}

#[tokio::test]
async fn what_no_key_needs_is_said() {
    let kit = Kit::start().await;
    let (token, bot) = token(&kit, "Generous", &Capability::ALL).await;
    connect(&kit, json!({"token": token})).await;
    let warnings = async || {
        let shown = kit.get(&kit.admin, &format!("/api/v1/workspaces/{bot}")).await.json();
        shown["warnings"].clone()
    };
    assert_eq!(warnings().await, json!([]), "without keys there is nothing to compare with");
    let reads = [Capability::ReadContent, Capability::UpdateContent];
    kit.key_with(Role::Viewer, &[], &reads).await;
    let said = warnings().await;
    assert_eq!(said[0]["code"], "capabilities_unused");
    let detail = said[0]["detail"].as_str().unwrap();
    assert!(detail.contains("update_content") && !detail.contains("read_content"), "{detail}");
    kit.new_key(request(Role::Editor, &[])).await;
    assert_eq!(warnings().await, json!([]));
    kit.finish().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_there() {
    let kit = Kit::start().await;
    for id in ["0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "nonsense"] {
        let missing = kit.get(&kit.admin, &format!("/api/v1/workspaces/{id}")).await;
        assert_eq!(
            (missing.status, &missing.json()["code"]),
            (404, &json!("reauthorization_required"))
        );
        assert!(
            missing.json()["detail"].as_str().unwrap().starts_with("User needs to re-authorize")
        );
    }
    kit.finish().await;
}
