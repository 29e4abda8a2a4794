//! `kill -9` in the middle of writes: nothing that reached Notion is missing in the ledger.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::*;
use crate::http;

const ROUNDS: usize = 10;
const WRITERS: usize = 32;
/// Writes that are answered in each round before the gate is killed.
const ANSWERED: usize = 48;

/// Operation and the object that it is about.
type Target = (String, String);

/// The writes of one writer, in turn: each names `page`.
fn write(number: usize, page: &str) -> (&'static str, String, Value) {
    match number % 4 {
        0 => {
            let body = json!({ "icon": { "emoji": "🔥" } });
            ("PATCH", format!("/v1/pages/{page}"), body)
        }
        1 => {
            let text = json!([{ "text": { "content": format!("line {number}") } }]);
            let block = json!({ "type": "paragraph", "paragraph": { "rich_text": text } });
            let body = json!({ "children": [block] });
            ("PATCH", format!("/v1/blocks/{page}/children"), body)
        }
        2 => {
            let title = json!({ "title": [{ "text": { "content": format!("page {number}") } }] });
            let body = json!({ "parent": { "page_id": page }, "properties": { "title": title } });
            ("POST", "/v1/pages".to_owned(), body)
        }
        _ => {
            let text = json!([{ "text": { "content": format!("remark {number}") } }]);
            let body = json!({ "parent": { "page_id": page }, "rich_text": text });
            ("POST", "/v1/comments".to_owned(), body)
        }
    }
}

/// What the sandbox was asked to write, by operation and object.
fn seen_by_notion(sandbox: &Sandbox) -> BTreeMap<Target, usize> {
    let mut seen = BTreeMap::new();
    for call in sandbox.calls() {
        if call["method"] == "GET" {
            continue;
        }
        let operation = call["operation"].as_str().unwrap().to_owned();
        let path = call["path"].as_str().unwrap();
        let object = path.split('/').nth(3).or(call["body"]["parent"]["page_id"].as_str());
        *seen.entry((operation, object.unwrap().to_owned())).or_default() += 1;
    }
    seen
}

#[test]
fn every_write_that_notion_saw_has_its_intent() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let mut pages: Vec<String> = Vec::new();
    let mut interrupted_in_all = 0;
    for round in 0..ROUNDS {
        let name = format!("round-{round}");
        let gate = Start::before(&place, &sandbox).named(&name).run();
        if pages.is_empty() {
            // A page for each writer, so that the ledger can be matched object by object.
            pages = (0..WRITERS)
                .map(|number| {
                    let (method, path, body) = write(4 * number + 2, TEAM_PAGE);
                    let made = gate.v1(method, &path, &gate.admin, Some(body)).expect(200);
                    made["id"].as_str().unwrap().to_owned()
                })
                .collect();
        }
        let editor = gate.key("editor", &[TEAM_PAGE]);
        let address = gate.address().to_owned();
        let admin = gate.admin.clone();
        let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for (writer, page) in pages.iter().enumerate() {
                let key = if writer % 2 == 0 { &admin } else { &editor };
                let (address, answered, over) = (&address, &answered, &over);
                scope.spawn(move || {
                    for number in writer.. {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let (method, path, body) = write(number, page);
                        let bytes = v1(method, &path, key, Some(body));
                        match http::try_send(address, &bytes) {
                            Some(answer) if answer.status == 200 => {
                                answered.fetch_add(1, Ordering::Relaxed);
                            }
                            Some(answer) => panic!("{} {}", answer.status, answer.text()),
                            // Killed, or about to be.
                            None => return,
                        }
                    }
                });
            }
            wait_for("writes", || (answered.load(Ordering::Relaxed) >= ANSWERED).then_some(()));
            gate.process.kill();
            over.store(true, Ordering::Relaxed);
        });

        let gate = Start::before(&place, &sandbox).named(&format!("{name}-after")).run();
        gate.expect_intact();
        let ledger = gate.ledger();
        gate.process.kill();
        let seen = seen_by_notion(&sandbox);

        let is_intent = |entry: &&Value| {
            entry["action"].as_str().unwrap().ends_with("_intended")
                && entry["action"] != "manage_intended"
        };
        let mut intended: BTreeMap<Target, usize> = BTreeMap::new();
        let mut interrupted: BTreeMap<Target, usize> = BTreeMap::new();
        for intent in ledger.iter().filter(is_intent) {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let target = (text(&intent["operation"]), text(&intent["resource"]["id"]));
            let ends: Vec<&Value> =
                ledger.iter().filter(|it| it["metadata"]["intent"] == intent["seq"]).collect();
            assert_eq!(ends.len(), 1, "round {round}: an intent has one end: {intent} {ends:?}");
            assert_eq!(ends[0]["operation"], intent["operation"], "{}", ends[0]);
            if ends[0]["reason"] == "interrupted" {
                assert_eq!(ends[0]["result"], "error", "{}", ends[0]);
                *interrupted.entry(target.clone()).or_default() += 1;
            } else if intent["metadata"]["because"] != "probe" {
                // What the gate asks about nothing, at its start, is refused.
                assert_eq!(ends[0]["result"], "success", "{}", ends[0]);
            }
            *intended.entry(target).or_default() += 1;
        }
        for (target, seen) in &seen {
            let intended = intended.get(target).copied().unwrap_or_default();
            assert!(
                intended >= *seen,
                "round {round}: Notion saw {seen} of {target:?}, the ledger has {intended}"
            );
        }
        for (target, intended) in &intended {
            let seen = seen.get(target).copied().unwrap_or_default();
            let interrupted = interrupted.get(target).copied().unwrap_or_default();
            assert!(
                seen + interrupted >= *intended,
                "round {round}: {target:?}: {intended} intents, {seen} writes, {interrupted} cut off"
            );
        }
        interrupted_in_all = interrupted.values().sum();
    }
    assert!(interrupted_in_all > 0, "not one of {ROUNDS} kills hit a write");
}
