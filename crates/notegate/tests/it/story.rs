//! What a newcomer meets: the tour, the printed calls, the sandbox around a command; and how it ends.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;
use crate::http;

#[test]
fn the_tour_tells_its_story_and_ends() {
    let place = Place::new();
    let ran = place.run(&["tour"], &[]);
    ran.expect(0);
    for said in ["200", "404", "403", "role", "intact"] {
        assert!(ran.out.contains(said), "`{said}` is not in the story: {}", ran.out);
    }
    assert!(!ran.out.contains('\u{1b}'), "no colour where there is no terminal: {}", ran.out);
    let left: Vec<_> = snapshot(place.path()).into_iter().map(|(path, _)| path).collect();
    assert!(left.is_empty(), "the tour leaves nothing behind: {left:?}");
}

#[test]
fn a_command_runs_against_a_sandbox_and_its_exit_code_is_ours() {
    let place = Place::new();
    let path = ("PATH", "/usr/local/bin:/usr/bin:/bin");
    let exec =
        |script: &str| place.run(&["sandbox", "exec", "--", "/bin/sh", "-c", script], &[path]);
    for code in [0, 1, 7, 255] {
        exec(&format!("exit {code}")).expect(code);
    }
    exec("kill -9 $$").expect(137);
    let ran = exec("echo $NOTION_BASE_URL $NOTION_TOKEN");
    let words: Vec<&str> = ran.expect(0).out.split_whitespace().collect();
    let [url, token] = words[..] else { panic!("{ran:?}") };
    assert!(url.starts_with("http://127.0.0.1:") && token.starts_with("ntn_sandbox"), "{ran:?}");
    place.run(&["sandbox", "exec", "--", "/no/such/program"], &[]).expect(3);
    place.run(&["sandbox", "exec"], &[]).expect(2);
}

/// The words of a command line, its single quotes taken away.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_printed_calls_work_as_printed() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let banner = gate.process.output();
    let mut statuses = Vec::new();
    let mut expected = None;
    for line in banner.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("# ") {
            expected = ["200", "403", "404"].into_iter().find(|status| comment.contains(status));
        }
        let Some(rest) = line.strip_prefix("curl ") else { continue };
        let (mut method, mut target, mut headers, mut body) = (None, None, Vec::new(), None);
        let mut words = words(rest).into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-s" => {}
                "-X" => method = words.next(),
                "-H" => headers.push(words.next().unwrap()),
                "-d" => body = words.next(),
                url => target = Some(url.strip_prefix(&gate.url).unwrap().to_owned()),
            }
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|header| header.split_once(": ").unwrap()).collect();
        let method = method.unwrap_or_else(|| "GET".to_owned());
        let body = body.as_deref().map(str::as_bytes);
        let bytes = http::request(&method, &target.unwrap(), &headers, body);
        let answer = http::send(gate.address(), &bytes);
        if let Some(expected) = expected.take() {
            assert_eq!(answer.status.to_string(), expected, "{line}: {}", answer.text());
        }
        statuses.push(answer.status);
    }
    // The last one is a refusal, and says so in the words before it.
    assert_eq!(statuses, [200, 404, 403], "{banner}");
}

#[test]
fn calls_under_way_end_before_the_gate_does() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    sandbox.control("DELETE", "calls", Value::Null);
    sandbox.control("POST", "faults", json!({ "latency_ms": 700 }));
    let (address, admin) = (gate.address().to_owned(), gate.admin.clone());
    let icon = json!({ "icon": { "emoji": "🔥" } });
    let path = format!("/v1/pages/{TEAM_PAGE}");
    let log = gate.process.err.clone();
    let answers: Vec<http::Answer> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|number| {
                let (method, body) =
                    if number % 2 == 0 { ("PATCH", Some(icon.clone())) } else { ("GET", None) };
                let (address, bytes) = (&address, v1(method, &path, &admin, body));
                scope.spawn(move || http::send(address, &bytes))
            })
            .collect();
        // All of them have a place in the ledger, or wait for Notion, when the gate is told to stop.
        wait_for("the intents", || {
            let text = std::fs::read_to_string(&log).unwrap();
            let lines = json_lines(&text);
            (lines.iter().filter(|line| is_ours(line, "write_intended")).count() == 4).then_some(())
        });
        assert_eq!(gate.process.stop().code(), Some(0));
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for answer in answers {
        answer.expect(200);
    }
    sandbox.control("DELETE", "faults", Value::Null);
    let gate = Start::before(&place, &sandbox).run();
    gate.expect_intact();
    let ledger = gate.ledger();
    let count = |action: &str| {
        ledger.iter().filter(|it| is_ours(it, action) && it["result"] == "success").count()
    };
    assert_eq!((count("write_intended"), count("write")), (4, 4));
    assert!(ledger.iter().all(|entry| entry["reason"] != "interrupted"));
}

/// Whether an entry is about such an act of a caller, and not of the gate when it starts.
fn is_ours(entry: &Value, action: &str) -> bool {
    entry["action"] == action && entry["metadata"]["because"] != "probe"
}

#[test]
fn a_connection_that_idles_does_not_hold_up_the_end() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let _idle = std::net::TcpStream::connect(gate.address()).unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(gate.process.stop().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn the_ledger_is_intact_at_every_moment() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let over = std::sync::atomic::AtomicBool::new(false);
    let path = format!("/v1/pages/{TEAM_PAGE}");
    thread::scope(|scope| {
        for number in 0..4 {
            let (over, path) = (&over, &path);
            let gate = &gate;
            scope.spawn(move || {
                let icon = json!({ "icon": { "emoji": "🔥" } });
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    let answer = if number % 2 == 0 {
                        gate.v1("PATCH", path, &gate.admin, Some(icon.clone()))
                    } else {
                        gate.v1("GET", path, &gate.admin, None)
                    };
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            });
        }
        for number in 0..10 {
            gate.expect_intact();
            let export = gate.api("GET", "/api/v1/audit/export", &gate.admin, None);
            let file = place.join(&format!("{number}.jsonl"));
            std::fs::write(&file, &export.body).unwrap();
            let ran = place.run(&["audit", "verify", "--file", file.to_str().unwrap()], &[]);
            if ran.code != Some(0) {
                over.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            ran.expect(0);
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
