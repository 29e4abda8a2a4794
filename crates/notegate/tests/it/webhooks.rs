//! Webhooks in, with the real binary: what `kill -9`, repeats, wrong order, failures and forgeries do
//! to events of a sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::*;
use crate::http;

/// Events; more if the environment says so.
const EVENTS: usize = 400;
const SIZE: &str = "NOTEGATE_TEST_WEBHOOK_EVENTS";
const KILLS: usize = 5;
const PAGES: usize = 25;
/// For all of it, however many there are.
const LIMIT: Duration = Duration::from_secs(600);

fn start<'a>(place: &'a Place, sandbox: &Sandbox, listen: &str) -> Start<'a> {
    Start::before(place, sandbox)
        .argument("--listen")
        .argument(listen)
        .set("NOTEGATE_WEBHOOK_SIGNED_RATE", "1000000")
        .set("NOTEGATE_WEBHOOK_DEBOUNCE", "0.2")
}

/// Pairs with a subscription of the sandbox; its token.
fn pair(gate: &Gate, sandbox: &Sandbox) -> String {
    let opened = gate.api("POST", "/api/v1/webhooks/pairing", &gate.admin, None).expect(201);
    let url = format!("{}/webhooks/notion", gate.url);
    assert!(opened["url"].as_str().unwrap().ends_with("/webhooks/notion"), "{opened}");
    let made = sandbox.control("POST", "webhooks", json!({ "url": url }));
    assert_eq!(made["handshake"]["status"], 200, "{made}");
    made["verification_token"].as_str().unwrap().to_owned()
}

/// Every event that the gate has in this state (or all), by id.
fn events(gate: &Gate, query: &str) -> BTreeMap<String, Value> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/api/v1/webhooks/events?limit=1000{query}{cursor}");
        let page = gate.api("GET", &path, &gate.admin, None).expect(200);
        for item in page["items"].as_array().unwrap() {
            assert!(all.insert(item["id"].as_str().unwrap().to_owned(), item.clone()).is_none());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn deliveries(sandbox: &Sandbox) -> Vec<Value> {
    let all = sandbox.control("GET", "webhooks/deliveries", Value::Null);
    all.as_array().unwrap().clone()
}

/// Edits by people, until so many were made.
fn edit(url: &str, pages: &[String], count: usize, done: &AtomicUsize) {
    for number in 0..count {
        // Locks are told one by one; other edits of a page are joined while they wait to be sent.
        let lock = json!({ "is_locked": (number / pages.len()).is_multiple_of(2) });
        let path = format!("/v1/pages/{}", pages[number % pages.len()]);
        let body = json!({ "method": "PATCH", "path": path, "body": lock });
        control(url, "POST", "as-human", body);
        done.store(number + 1, Ordering::Relaxed);
    }
}

/// Sends what Notion did not sign, until told to stop: it is never taken.
fn forge(address: &str, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let body = json!({
            "id": format!("forged-{number}"), "type": "page.created",
            "entity": { "id": TEAM_PAGE, "type": "page" }, "data": {},
        });
        let signature = format!("sha256={:064x}", number);
        let headers = [("Content-Type", "application/json"), ("X-Notion-Signature", &*signature)];
        let bytes = body.to_string().into_bytes();
        let request = http::request("POST", "/webhooks/notion", &headers, Some(&bytes));
        // While the gate is dead there is no answer.
        if let Some(answer) = http::try_send(address, &request) {
            assert!([401, 429].contains(&answer.status), "{}", answer.text());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn events_survive_kill_9_repeats_wrong_order_failures_and_forgeries() {
    let count = std::env::var(SIZE).ok().and_then(|text| text.parse().ok()).unwrap_or(EVENTS);
    let deadline = Instant::now() + LIMIT;
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let listen = dead_address();
    let gate = start(&place, &sandbox, &listen).run();
    let token = pair(&gate, &sandbox);
    let settings = json!({ "window_ms": 0, "duplicate": true, "reverse": true });
    sandbox.control("POST", "webhooks/settings", settings);
    let pages: Vec<String> = (0..PAGES)
        .map(|number| {
            let title = json!({ "title": [{ "text": { "content": format!("Page {number}") } }] });
            let body = json!({ "parent": { "page_id": TEAM_PAGE }, "properties": title });
            let made = json!({ "method": "POST", "path": "/v1/pages", "body": body });
            sandbox.control("POST", "as-human", made)["id"].as_str().unwrap().to_owned()
        })
        .collect();

    let (edits, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let gate = thread::scope(|scope| {
        let mut gate = gate;
        let editing = scope.spawn(|| edit(&sandbox.url, &pages, count, &edits));
        scope.spawn(|| forge(&listen, &stop));
        for kill in 1..=KILLS {
            wait_for("more edits", || {
                (edits.load(Ordering::Relaxed) >= count * kill / (KILLS + 1)).then_some(())
            });
            // Some of what Notion is asked fails, too.
            let fault = json!({
                "match": { "operation": "retrieve-a-page" }, "answer": { "status": 502 }, "times": 5,
            });
            sandbox.control("POST", "faults", fault);
            gate.process.kill();
            // What is sent meanwhile is not answered, and comes again.
            thread::sleep(Duration::from_millis(100));
            gate = start(&place, &sandbox, &listen).named(&format!("gate-{kill}")).run();
        }
        editing.join().unwrap();
        // Notion tries for a day; here that passes in a moment.
        while deliveries(&sandbox).iter().any(|it| it["next_attempt_at"].is_string()) {
            assert!(Instant::now() < deadline, "not everything was delivered");
            sandbox.control("POST", "clock", json!({ "advance_ms": 600_000 }));
            sandbox.control("POST", "webhooks/flush", Value::Null);
        }
        stop.store(true, Ordering::Relaxed);
        gate
    });

    let sent = deliveries(&sandbox);
    let ids: BTreeSet<String> =
        sent.iter().map(|it| it["event"]["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() >= count, "only {} events came of {count} edits", ids.len());
    let attempts: usize = sent.iter().map(|it| it["attempts"].as_array().unwrap().len()).sum();
    assert!(attempts > ids.len(), "nothing was repeated");
    while !events(&gate, "&state=new").is_empty() {
        assert!(Instant::now() < deadline, "not everything is worked");
        thread::sleep(Duration::from_millis(200));
    }
    let kept = events(&gate, "");
    assert_eq!(kept.keys().cloned().collect::<BTreeSet<_>>(), ids, "lost, or made up");
    for (id, event) in &kept {
        assert_eq!(event["state"], "done", "{id}: {event}");
    }

    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let (mut duplicates, mut forgeries) = (0, 0);
    for entry in gate.ledger().iter().filter(|entry| entry["operation"] == "receive-event") {
        match (entry["result"].as_str(), entry["reason"].as_str()) {
            (Some("success"), None) => {
                *taken.entry(entry["request_id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            (Some("denied"), Some("duplicate")) => duplicates += 1,
            (Some("denied"), Some("signature_wrong" | "rate")) => forgeries += 1,
            _ => panic!("{entry}"),
        }
    }
    assert_eq!(taken.keys().cloned().collect::<BTreeSet<_>>(), ids);
    assert!(taken.values().all(|count| *count == 1), "an event has one entry");
    assert!(duplicates > 0 && forgeries > 0, "{duplicates} {forgeries}");
    gate.expect_intact();

    // The token is in no file, in no output and in no answer but the one to an admin who pairs.
    let canary = token.as_bytes();
    let errors = gate.process.errors();
    assert!(gate.process.stop().success());
    for (path, bytes) in snapshot(&place.data()) {
        let found = bytes.windows(canary.len()).any(|window| window == canary);
        assert!(!found, "the token is in {}", path.display());
    }
    assert!(!errors.contains(&token));
}

#[test]
fn the_commands_pair_list_and_replay() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let listen = dead_address();
    let gate = start(&place, &sandbox, &listen).run();
    let closed = place.run(&["webhooks", "status", "--data-dir", "data"], &[]);
    assert!(closed.expect(0).out.contains("closed"), "{closed:?}");

    let token = thread::scope(|scope| {
        let paired = scope.spawn(|| place.run(&["webhooks", "pair", "--data-dir", "data"], &[]));
        wait_for("the window", || {
            let shown = gate.api("GET", "/api/v1/webhooks/pairing", &gate.admin, None).expect(200);
            (shown["state"] == "waiting").then_some(())
        });
        let url = format!("{}/webhooks/notion", gate.url);
        let made = sandbox.control("POST", "webhooks", json!({ "url": url }));
        let token = made["verification_token"].as_str().unwrap().to_owned();
        let paired = paired.join().unwrap();
        paired.expect(0);
        assert!(paired.out.lines().any(|line| line == token), "{paired:?}");
        assert!(paired.out.contains("/webhooks/notion"), "{paired:?}");
        token
    });
    let title = json!({ "title": [{ "text": { "content": "New" } }] });
    let path = format!("/v1/pages/{TEAM_PAGE}");
    let edit = json!({ "method": "PATCH", "path": path, "body": { "properties": title } });
    sandbox.control("POST", "as-human", edit);
    sandbox.control("POST", "webhooks/flush", Value::Null);
    let list = ["webhooks", "events", "--data-dir", "data", "--json"];
    let event = wait_for("the event, worked", || {
        let listed = place.run(&list, &[]).expect(0).json();
        listed["items"].as_array()?.iter().find(|it| it["state"] == "done").cloned()
    });
    let id = event["id"].as_str().unwrap();
    let shown =
        place.run(&["webhooks", "events", "--data-dir", "data", "--object", TEAM_PAGE], &[]);
    assert!(shown.expect(0).out.contains(id), "{shown:?}");
    let replayed = place.run(&["webhooks", "replay", id, "--data-dir", "data"], &[]);
    assert!(replayed.expect(0).out.contains("now"), "{replayed:?}");
    place.run(&["webhooks", "replay", "nothing", "--data-dir", "data"], &[]).expect(2);
    wait_for("the event, worked again", || {
        let listed = place.run(&list, &[]).expect(0).json();
        listed["items"]
            .as_array()?
            .iter()
            .any(|it| it["attempts"] == 1 && it["id"] == id)
            .then_some(())
    });

    let listed = place.run(&["webhooks", "subscriptions", "--data-dir", "data", "--json"], &[]);
    let subscription = listed.expect(0).json()["items"][0]["id"].as_str().unwrap().to_owned();
    let delete = ["webhooks", "subscriptions", "--delete", &subscription, "--data-dir", "data"];
    place.run(&delete, &[]).expect(0);
    place.run(&delete, &[]).expect(2);
    let status = place.run(&["webhooks", "status", "--data-dir", "data", "--json"], &[]);
    let status = status.expect(0).json();
    assert_eq!((&status["subscriptions"], &status["waiting"]), (&json!([]), &json!(0)));
    assert!(!status.to_string().contains(&token));
    assert!(gate.process.stop().success());
    let alone = place.run(&["webhooks", "pair", "--data-dir", "data"], &[]);
    assert!(alone.expect(3).err.contains("no gate runs"), "{alone:?}");
}
