//! Connections from the environment: one token, a pair, none at all; and what a change of them does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::*;

const CHECK: &[&str] = &["serve", "--check"];

fn team() -> String {
    format!("/v1/pages/{TEAM_PAGE}")
}

/// The fingerprints of reads, and those of writes.
fn fingerprints(sandbox: &Sandbox) -> [BTreeSet<String>; 2] {
    [false, true].map(|writes| {
        let calls = sandbox.calls().into_iter();
        let half = calls.filter(|call| (call["method"] != "GET") == writes);
        half.map(|call| call["token_fingerprint"].as_str().unwrap().to_owned()).collect()
    })
}

/// Starts with these tokens beside no NOTION_TOKEN, reads and writes, and gives whose tokens went out.
fn read_and_write(tokens: &[(&str, &str)], sandbox: &Sandbox) -> [BTreeSet<String>; 2] {
    let place = Place::new();
    let mut start = Start::before(&place, sandbox).set("NOTION_TOKEN", "");
    for (name, token) in tokens {
        start = start.set(name, token);
    }
    let gate = start.run();
    sandbox.control("DELETE", "calls", Value::Null);
    gate.v1("GET", &team(), &gate.admin, None).expect(200);
    gate.v1("PATCH", &team(), &gate.admin, Some(json!({"icon": null}))).expect(200);
    fingerprints(sandbox)
}

#[test]
fn f012_f042_reads_and_writes_go_out_with_their_own_tokens() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let (reader, _) = sandbox.token(&["read_content"], &[TEAM_PAGE]);
    let (writer, _) = sandbox.token(&["read_content", "update_content"], &[TEAM_PAGE]);
    let [read, write] = ["NOTION_READ_TOKEN", "NOTION_WRITE_TOKEN"];
    let full = sandbox.full.clone();
    let pair = read_and_write(&[(read, &reader), (write, &writer)], &sandbox);
    assert_eq!((pair[0].len(), pair[1].len()), (1, 1));
    assert_ne!(pair[0], pair[1]);

    // The pair counts more than NOTION_TOKEN; half a pair needs it for the other half.
    let beside = [("NOTION_TOKEN", full.as_str()), (read, &reader), (write, &writer)];
    assert_eq!(read_and_write(&beside, &sandbox), pair);
    let half = read_and_write(&[("NOTION_TOKEN", &full), (read, &reader)], &sandbox);
    assert_eq!(half[0], pair[0]);
    assert!(half[1] != pair[1] && half[1] != half[0]);
    let half = read_and_write(&[("NOTION_TOKEN", &full), (write, &writer)], &sandbox);
    assert_eq!(half[1], pair[1]);
    assert!(half[0] != pair[0] && half[0] != half[1]);
}

#[test]
fn f010_f011_what_is_not_granted_is_refused_before_notion_and_what_is_not_used_is_told() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let (reader, _) = sandbox.token(&["read_content"], &[TEAM_PAGE]);
    let gate = Start::before(&place, &sandbox).set("NOTION_TOKEN", &reader).run();
    sandbox.control("DELETE", "calls", Value::Null);
    let refused = gate.v1("PATCH", &team(), &gate.admin, Some(json!({ "icon": null })));
    refused.expect_notion_error(403, "restricted_resource");
    assert_eq!(refused.header("x-notegate-reason"), Some("capability"));
    let new = json!({ "parent": TEAM_PAGE, "title": "x" });
    let refused = gate.api("POST", "/api/v1/pages", &gate.admin, Some(new));
    assert_eq!(refused.expect_problem()["code"], "capability_missing");
    assert!(sandbox.calls().is_empty(), "Notion was asked");
    gate.v1("GET", &team(), &gate.admin, None).expect(200);
    drop(gate);

    let place = Place::new();
    let gate = Start::demo(&place).run();
    gate.v1("GET", &team(), &gate.viewer(), None).expect(200);
    let id = &gate.viewer()[4..16];
    let unused = || {
        let told = place.run(&["audit", "capabilities", "--json", "--data-dir", "data"], &[]);
        let told = told.expect(0).json();
        let key = told["items"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
        key["unused"].as_array().unwrap().clone()
    };
    // A read is answered before it is in the ledger.
    let unused = wait_for("the read in the ledger", || {
        Some(unused()).filter(|unused| !unused.contains(&json!("read_content")))
    });
    assert!(unused.contains(&json!("update_content")), "{unused:?}");
}

#[test]
fn f042_halves_that_make_no_pair_are_refused() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let (reader, _) = sandbox.token(&["read_content"], &[TEAM_PAGE]);
    let other = sandbox.control("POST", "workspaces", json!({"name": "Umbra"}));
    let other = other["tokens"]["full"].as_str().unwrap();
    let base = ("NOTION_BASE_URL", sandbox.url.as_str());
    for (environment, words) in [
        (vec![base, ("NOTION_READ_TOKEN", &reader)], "NOTION_WRITE_TOKEN is required"),
        (vec![base, ("NOTION_WRITE_TOKEN", &reader)], "NOTION_READ_TOKEN is required"),
        (
            vec![base, ("NOTION_READ_TOKEN", &reader), ("NOTION_WRITE_TOKEN", &reader)],
            "same integration",
        ),
        (
            vec![base, ("NOTION_READ_TOKEN", &reader), ("NOTION_WRITE_TOKEN", other)],
            "two workspaces",
        ),
        (
            vec![
                base,
                ("NOTION_READ_TOKEN", &reader),
                ("NOTION_WRITE_TOKEN", "ntn_sandbox_unknown"),
            ],
            "invalid or expired",
        ),
        (
            vec![base, ("NOTION_READ_TOKEN", &reader), ("NOTION_WRITE_TOKEN", "no token at all")],
            "NOTION_WRITE_TOKEN has an unexpected format",
        ),
    ] {
        for (arguments, code) in [(CHECK, 1), (&["serve", "--listen", "127.0.0.1:0"][..], 2)] {
            let ran = place.run(arguments, &environment);
            assert!(ran.expect(code).err.contains(words), "{ran:?}");
            assert!(!format!("{ran:?}").contains(&reader), "{ran:?}");
        }
    }
    let (writer, _) = sandbox.token(&["update_content"], &[TEAM_PAGE]);
    let good = [base, ("NOTION_READ_TOKEN", reader.as_str()), ("NOTION_WRITE_TOKEN", &writer)];
    let ran = place.run(CHECK, &good);
    assert!(ran.expect(0).out.contains("token for writes: bot \"Test\""), "{ran:?}");
}

#[test]
fn a_connection_that_the_environment_no_longer_names_is_out_of_use() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let key = gate.key("viewer", &[]);
    gate.v1("GET", &team(), &key, None).expect(200);
    gate.process.stop();

    let (other, bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let gate = Start::before(&place, &sandbox).set("NOTION_TOKEN", &other).named("second").run();
    sandbox.control("DELETE", "calls", Value::Null);
    let refused = gate.v1("GET", &team(), &key, None);
    refused.expect_notion_error(409, "conflict_error");
    assert_eq!(refused.header("x-notegate-reason"), Some("reauthorization_required"));
    assert!(sandbox.calls().is_empty(), "Notion was asked");
    let listed = gate.api("GET", "/workspaces", &gate.admin, None).expect(200);
    let states: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["bot_id"] == bot.as_str(), item["state"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(states, [(true, "active".to_owned()), (false, "revoked".to_owned())]);
    let ledger = gate.ledger();
    let ended = ledger
        .iter()
        .find(|entry| entry["operation"] == "disconnect-workspace" && entry["result"] == "success");
    assert_eq!(ended.unwrap()["metadata"]["event"], "workspace_deauthorized");
    gate.process.stop();

    // And back again: the same bot is the same row, and its keys work again.
    let gate = Start::before(&place, &sandbox).named("third").run();
    gate.v1("GET", &team(), &key, None).expect(200);
    let listed = gate.api("GET", "/workspaces", &gate.admin, None).expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}

#[test]
fn no_token_is_needed_where_a_workspace_is_connected() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let (own, bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let body = json!({ "token": own });
    gate.api("POST", "/api/v1/workspaces", &gate.admin, Some(body)).expect(201);
    let key = gate.key("viewer", &[]);
    gate.v1("GET", &team(), &key, None).expect(200);
    let item = |gate: &Gate| {
        let listed = gate.api("GET", "/workspaces", &gate.admin, None).expect(200);
        let items = listed["items"].as_array().cloned().unwrap();
        items.into_iter().find(|item| item["bot_id"] == bot.as_str()).unwrap()
    };
    let used = item(&gate)["last_used_at"].clone();
    assert!(used.is_string());
    gate.process.stop();

    let gate = Start::before(&place, &sandbox).set("NOTION_TOKEN", "").named("second").run();
    // F057: the last use was written down.
    assert_eq!(item(&gate)["last_used_at"], used);
    gate.v1("GET", &team(), &key, None).expect(200);
    assert!(item(&gate)["last_used_at"].as_str() > used.as_str());
    // What is not there is told in Notion's words although nobody gave the token at this start.
    let mine =
        gate.v1("GET", &format!("/v1/pages/{NOTHING}"), &gate.key("viewer", &[TEAM_PAGE]), None);
    let theirs = gate.v1("GET", &format!("/v1/pages/{NOTHING}"), &key, None);
    let message = |answer: &crate::http::Answer| {
        let json: Value = serde_json::from_str(&answer.text()).unwrap();
        json["message"].clone()
    };
    assert_eq!(message(&mine), message(&theirs));
    gate.process.stop();

    // A data directory without any: the token is missing, and nothing is changed.
    let empty = Place::new();
    let gate = Start::before(&empty, &sandbox).run();
    gate.process.stop();
    let base = ("NOTION_BASE_URL", sandbox.url.as_str());
    let data = empty.data();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let ran = empty.run(&arguments, &[base]);
    assert!(ran.expect(2).err.contains("NOTION_TOKEN is required"), "{ran:?}");
    let gate = Start::before(&empty, &sandbox).named("again").run();
    let listed = gate.api("GET", "/workspaces", &gate.admin, None).expect(200);
    assert_eq!(listed["items"][0]["state"], "active");
}
