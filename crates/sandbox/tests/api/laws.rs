//! Laws that hold for every route, whatever is sent: a refusal changes nothing, a world that was
//! worked on holds together and survives export and import, and the same requests give the same
//! answers.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::random::{ask, fuzzer, said};

/// Requests of a run.
const REQUESTS: usize = 700;
/// After so many, the world is written out and read back, and time passes.
const ROUND: usize = 100;

async fn state(bench: &Bench) -> Vec<u8> {
    bench.bytes("/_sandbox/state").await.2
}

/// What a refusal may not change: everything but where ids and chances come from.
fn world(state: &[u8]) -> Value {
    let mut world: Value = serde_json::from_slice(state).unwrap();
    for generator in ["ids", "dice"] {
        world[generator] = Value::Null;
    }
    world["webhooks"]["ids"] = Value::Null;
    world
}

/// The paths of all that differs.
fn differences(before: &Value, after: &Value, at: &str, out: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(one), Value::Object(two)) => {
            for key in one.keys().chain(two.keys().filter(|key| !one.contains_key(*key))) {
                differences(
                    &before[key.as_str()],
                    &after[key.as_str()],
                    &format!("{at}/{key}"),
                    out,
                );
            }
        }
        _ if before == after => {}
        _ => out.push(format!("{at}: {before} became {after}")),
    }
}

/// What differs between two states, as text; nothing when they are the same.
fn change(before: &[u8], after: &[u8]) -> String {
    if before == after {
        return String::new();
    }
    let mut all = Vec::new();
    differences(&world(before), &world(after), "", &mut all);
    all.join("\n")
}

async fn stopped() -> Bench {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    bench
}

async fn refusals_change_nothing(seed: u64) {
    let bench = stopped().await;
    let mut fuzzer = fuzzer(&bench, seed);
    let (mut before, mut refused) = (state(&bench).await, 0);
    for index in 0..REQUESTS {
        let request = fuzzer.request();
        let (status, answer) = ask(&bench, &request).await;
        let after = state(&bench).await;
        if status >= 400 {
            let change = change(&before, &after);
            assert_eq!(change, "", "seed {seed}, request {index}: {} got {answer}", said(&request));
            refused += 1;
        }
        before = after;
        fuzzer.learn(&answer);
        if index % ROUND == 0 {
            let again = bench.status_and_body("PUT", "/_sandbox/state", &[], before.clone()).await;
            assert_eq!(again.0, 200, "seed {seed}, after request {index}: {}", again.1);
            assert!(state(&bench).await == before, "seed {seed}: not the same world again");
            bench.control("POST", "clock", json!({"advance_ms": 61_000})).await.ok();
            before = state(&bench).await;
        }
    }
    assert!(refused > REQUESTS / 4, "{refused} refusals");
}

#[tokio::test]
async fn refusals_change_nothing_3() {
    refusals_change_nothing(3).await;
}

#[tokio::test]
async fn refusals_change_nothing_4() {
    refusals_change_nothing(4).await;
}

/// On a clock that stands still, two sandboxes answer the same, but for the ids of requests.
#[tokio::test]
async fn the_same_requests_have_the_same_answers() {
    let (one, two) = (stopped().await, stopped().await);
    for bench in [&one, &two] {
        bench.control("POST", "clock", json!({"now": "2026-05-01T10:00:00Z"})).await.ok();
    }
    let mut fuzzer = fuzzer(&one, 5);
    for index in 0..REQUESTS {
        let request = fuzzer.request();
        let (mut first, mut second) = (ask(&one, &request).await, ask(&two, &request).await);
        for answer in [&mut first.1, &mut second.1] {
            if let Some(id) = answer.get_mut("request_id") {
                id.take();
            }
        }
        assert_eq!(first.0, second.0, "request {index}: {}", said(&request));
        // Pages for browsers hold a nonce.
        if first.1.is_string() {
            continue;
        }
        // As text, so that the order of members counts.
        assert_eq!(
            first.1.to_string(),
            second.1.to_string(),
            "request {index}: {}",
            said(&request)
        );
        fuzzer.learn(&first.1);
    }
    assert!(state(&one).await == state(&two).await, "the worlds differ");
}

/// Control routes, too, do all that they are asked or nothing.
#[tokio::test]
async fn refused_control_changes_nothing() {
    let bench = stopped().await;
    let team = bench.demo.team_page_id;
    let people = bench.control("GET", "state", Value::Null).await.ok().body["people"].clone();
    let person = people.as_object().unwrap().keys().next().unwrap().clone();
    let personal = json!({"name": "P", "kind": "personal", "owner": person, "shared": [team]});
    let bot = bench.control("POST", "tokens", personal).await.ok().body["bot_id"].clone();
    let before = state(&bench).await;
    for (route, body) in [
        ("clock", json!({"freeze": false, "now": "never"})),
        ("clock", json!({"now": "2026-01-01T00:00:00Z", "advance_ms": "x"})),
        ("unshare", json!({"bot_id": bot, "id": team})),
        ("share", json!({"bot_id": bot, "id": team})),
        ("private", json!({"id": team, "people": [person, team]})),
        ("tokens", json!({"name": "T", "shared": [team, "x"]})),
        (
            "templates",
            json!({"data_source_id": bench.demo.data_source_id, "name": "T",
            "markdown": "x".repeat(600_000)}),
        ),
        ("templates", json!({"data_source_id": bench.demo.data_source_id, "page_id": team})),
        ("oauth/clients", json!({"name": "C", "redirect_uris": ["javascript:x"]})),
        ("webhooks/settings", json!({"window_ms": 5, "delay_ms": -1})),
        ("webhooks", json!({"url": "http://127.0.0.1:1/", "events": ["x"]})),
        ("ids", json!({"next": [team]})),
        ("search-index", json!({"late": [team], "stale": "x"})),
        ("emojis", json!({"name": "e", "url": 1})),
        ("import", json!({"objects": [{"object": "page"}]})),
        (
            "as-human",
            json!({"method": "PATCH", "path": format!("/v1/pages/{team}"),
            "body": {"icon": {"emoji": "🧪"}, "properties": {"Nope": {}}}}),
        ),
    ] {
        let answer = bench.control("POST", route, body).await;
        assert!(answer.status >= 400, "{route}: {}", answer.body);
        assert_eq!(change(&before, &state(&bench).await), "", "{route}: {}", answer.body);
    }
}
