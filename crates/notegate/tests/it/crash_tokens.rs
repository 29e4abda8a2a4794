//! `kill -9` while tokens are refreshed and rotated: the installation is there after every start, and no
//! token is in any file.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;
use crate::http::{self, request};

/// `cargo xtask crash` asks for more.
fn kills() -> u64 {
    let asked = std::env::var("NOTEGATE_TEST_KILLS").ok();
    asked.and_then(|number| number.parse().ok()).unwrap_or(6)
}

const LIFETIME_MS: u64 = 60_000;

/// Goes through the consent page; gives the bot.
fn install(gate: &Gate, sandbox: &Sandbox) -> String {
    let leave = http::send(gate.address(), &request("GET", "/auth/notion", &[], None));
    assert_eq!(leave.status, 302, "{}", leave.text());
    let cookie = leave.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let location = leave.header("location").unwrap();
    let path = location.strip_prefix(&sandbox.url).unwrap();
    let approve = format!("{path}&_sandbox_approve=1&_sandbox_pages={TEAM_PAGE}");
    let back = http::send(address(&sandbox.url), &request("GET", &approve, &[], None));
    assert_eq!(back.status, 302, "{}", back.text());
    let query = back.header("location").unwrap().split_once('?').unwrap().1.to_owned();
    let path = format!("/auth/notion/callback?{query}");
    let done = request("GET", &path, &[("cookie", &cookie)], None);
    let done = http::send(gate.address(), &done);
    let location = done.header("location").unwrap_or_default().to_owned();
    let bot = location.strip_prefix("/dashboard?connected=");
    bot.unwrap_or_else(|| panic!("{} {}", done.status, done.text())).to_owned()
}

fn key(gate: &Gate, bot: &str) -> String {
    let body = json!({ "name": "crash", "role": "viewer", "connection": bot });
    let made = gate.api("POST", "/api/v1/keys", &gate.admin, Some(body)).expect(201);
    made["key"].as_str().unwrap().to_owned()
}

/// A call: the bot that answers, or the status of a refusal.
fn who(address: &str, key: &str) -> Option<Result<String, u16>> {
    let answer = http::try_send(address, &v1("GET", "/v1/users/me", key, None))?;
    Some(match answer.status {
        200 => Ok(answer.json()["id"].as_str().unwrap().to_owned()),
        status => Err(status),
    })
}

#[test]
fn an_installation_outlives_every_kill() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let uri = "http://127.0.0.1:9/auth/notion/callback";
    let client = json!({
        "name": "notegate", "redirect_uris": [uri], "token_lifetime_ms": LIFETIME_MS,
        "refresh_grace_ms": 1_000_000_000,
    });
    let client = sandbox.control("POST", "oauth/clients", client);
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let start = |name: &str| {
        Start::before(&place, &sandbox)
            .set("NOTION_OAUTH_CLIENT_ID", &text("client_id"))
            .set("NOTION_OAUTH_CLIENT_SECRET", &text("client_secret"))
            .set("NOTION_OAUTH_REDIRECT_URI", uri)
            .named(name)
            .run()
    };
    let gate = start("first");
    let bot = install(&gate, &sandbox);
    let (installed, admin) = (key(&gate, &bot), &gate.admin);
    let own = gate.v1("GET", "/v1/users/me", admin, None);
    let other_bot = match own.status {
        // A key that names no connection is refused where there are several.
        200 => own.json()["id"].as_str().unwrap().to_owned(),
        _ => {
            let all = gate.api("GET", "/workspaces", admin, None).expect(200);
            let all = all["items"].as_array().unwrap().clone();
            let other = all.iter().find(|item| item["bot_id"] != bot.as_str()).unwrap();
            other["bot_id"].as_str().unwrap().to_owned()
        }
    };
    let other = key(&gate, &other_bot);
    assert_ne!(bot, other_bot);
    gate.process.kill();

    let (refreshes, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..kills() {
        let gate = start(&format!("round-{round}"));
        let (address, admin) = (gate.address().to_owned(), gate.admin);
        let process = gate.process;
        let before = answered.load(Ordering::Relaxed);
        let over = AtomicBool::new(false);
        let is_over = || over.load(Ordering::Relaxed);
        thread::scope(|scope| {
            for number in 0..4 {
                let (key, expected) =
                    if number % 2 == 0 { (&installed, &bot) } else { (&other, &other_bot) };
                let (address, answered) = (&address, &answered);
                scope.spawn(move || {
                    while !is_over() {
                        match who(address, key) {
                            Some(Ok(answering)) => {
                                assert_eq!(&answering, expected, "another's data");
                                answered.fetch_add(1, Ordering::Relaxed);
                            }
                            Some(Err(status)) => assert!([502, 503].contains(&status), "{status}"),
                            None => {}
                        }
                    }
                });
            }
            let (address, sandbox, admin, refreshes) = (&address, &sandbox, &admin, &refreshes);
            let path = format!("/api/v1/workspaces/{bot}/rotate");
            scope.spawn(move || {
                while !is_over() {
                    let later = json!({ "advance_ms": LIFETIME_MS + 1 });
                    sandbox.control("POST", "clock", later);
                    let bearer = format!("Bearer {admin}");
                    let headers =
                        [("authorization", bearer.as_str()), ("content-type", "application/json")];
                    let rotate = request("POST", &path, &headers, Some(b"{}"));
                    if let Some(answer) = http::try_send(address, &rotate) {
                        assert!([200, 502, 503].contains(&answer.status), "{}", answer.text());
                        refreshes.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
            // Spread over what takes a while; which step is hit is chance.
            wait_for("a call", || (answered.load(Ordering::Relaxed) > before).then_some(()));
            thread::sleep(Duration::from_millis(round * 137 % 400));
            process.kill();
            over.store(true, Ordering::Relaxed);
        });
        if (round + 1) % 50 == 0 {
            let refreshes = refreshes.load(Ordering::Relaxed);
            println!("{} kills, {refreshes} refreshes that were answered", round + 1);
        }
    }
    assert!(refreshes.load(Ordering::Relaxed) > 0, "no kill came while something happened");

    let gate = start("last");
    let answering = wait_for("the installation", || match who(gate.address(), &installed) {
        Some(Ok(answering)) => Some(answering),
        Some(Err(409)) => panic!("the installation is lost"),
        _ => None,
    });
    assert_eq!(answering, bot);
    gate.expect_intact();
    let shown = gate.api("GET", &format!("/api/v1/workspaces/{bot}"), &gate.admin, None);
    assert_eq!(shown.expect(200)["state_reason"], Value::Null);
    gate.process.kill();
    for (path, bytes) in snapshot(&place.data()) {
        for canary in ["ntn_sandbox", "nrt_sandbox", "secret_sandbox"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} in {}", path.display());
        }
    }
}
