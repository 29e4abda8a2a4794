//! `kill -9` at the edge of a budget: never one call more than allowed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::*;
use crate::http;

const LIMIT: usize = 320;
const ROUNDS: usize = 4;
const CALLERS: usize = 24;
/// Calls that are answered in each round before the gate is killed.
const ANSWERED: usize = 20;

#[test]
fn a_killed_gate_gives_no_call_away() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let path = format!("/v1/pages/{TEAM_PAGE}");
    let made_of = |sandbox: &Sandbox| {
        let calls = sandbox.calls();
        // The gate itself asks for a page that is not there each time that it starts.
        let is_ours = |call: &&Value| call["path"].as_str().is_some_and(|it| it == path);
        calls.iter().filter(is_ours).count()
    };
    let mut key: Option<String> = None;
    let mut before = 0;
    for round in 0..=ROUNDS {
        let gate = Start::before(&place, &sandbox).named(&format!("round-{round}")).run();
        let key = key.get_or_insert_with(|| {
            let body = json!({
                "name": "limited", "role": "viewer", "budget": { "calls_per_day": LIMIT },
            });
            let made = gate.api("POST", "/api/v1/keys", &gate.admin, Some(body)).expect(201);
            before = made_of(&sandbox);
            made["key"].as_str().unwrap().to_owned()
        });
        let shown = gate.api("GET", &format!("/api/v1/keys/{}", &key[4..16]), &gate.admin, None);
        let shown: Value = shown.expect(200);
        let spent = shown["usage"]["calls_per_day"]["spent"].as_u64().unwrap() as usize;
        let made = made_of(&sandbox) - before;
        assert!(made <= spent, "{made} calls were made, {spent} are known to be spent");
        assert!(spent <= made + round * (LIMIT / 16 + CALLERS), "{spent} are spent, {made} made");
        let (address, answered) = (gate.address().to_owned(), AtomicUsize::new(0));
        // It lives until all have their answer, unless it is killed.
        let mut running = Some(gate);
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    let bytes = v1("GET", &path, key, None);
                    // In the last round until nothing is left.
                    while let Some(answer) = http::try_send(&address, &bytes) {
                        match answer.status {
                            200 => answered.fetch_add(1, Ordering::Relaxed),
                            429 => return,
                            status => panic!("{status}: {}", answer.text()),
                        };
                    }
                });
            }
            if round < ROUNDS {
                let enough = || answered.load(Ordering::Relaxed) >= ANSWERED;
                wait_for("calls", || enough().then_some(()));
                running.take().expect("a gate").process.kill();
            }
        });
    }
    let made = made_of(&sandbox) - before;
    assert!(made <= LIMIT, "{made} calls were made, {LIMIT} are allowed");
    assert!(made + ROUNDS * (LIMIT / 16 + CALLERS) >= LIMIT, "{made}: too much was lost");
}
