//! `workspaces access`, its alias `audit access`, and `trace`, as people and scripts use them.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::*;

const DATA: &[&str] = &["--data-dir", "data"];

fn run(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[arguments, DATA].concat(), &[])
}

fn page(sandbox: &Sandbox, parent: &str, title: &str) -> String {
    let body = json!({
        "parent": {"page_id": parent},
        "properties": {"title": {"title": [{"text": {"content": title}}]}},
    });
    let act = json!({"method": "POST", "path": "/v1/pages", "body": body});
    let made = sandbox.control("POST", "as-human", act);
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// A sandbox, a connection that shares `count` pages, and a gate in front of it.
fn start(place: &Place, count: usize) -> (Sandbox, Gate, Vec<String>, String) {
    let sandbox = Sandbox::start(place);
    let mut ids = vec![page(&sandbox, ROOT_PAGE, "Top")];
    for number in 1..count {
        let title = if number == 7 { String::new() } else { format!("Page {number}") };
        let parent = ids[number / 8].clone();
        ids.push(page(&sandbox, &parent, &title));
    }
    let (token, bot) = sandbox.token(&["read_content"], &[&ids[0]]);
    let gate = Start::before(place, &sandbox).set("NOTION_TOKEN", &token).run();
    (sandbox, gate, ids, bot)
}

#[test]
fn two_hundred_and_fifty_objects_listed_drawn_and_counted() {
    let place = Place::new();
    let (sandbox, _gate, ids, _) = start(&place, 250);
    sandbox.control("DELETE", "calls", Value::Null);
    let ran = run(&place, &["audit", "access", "--json"]);
    let report = ran.expect(0).json();
    assert_eq!((&report["total"], report["items"].as_array().unwrap().len()), (&json!(250), 250));
    let calls = sandbox.calls();
    let searches: Vec<_> = calls.iter().filter(|call| call["operation"] == "post-search").collect();
    assert_eq!(searches.len(), 3);
    assert!(searches.iter().all(|call| call["body"]["page_size"] == 100), "{searches:?}");
    assert!(ran.err.is_empty(), "no bar where nobody looks: {}", ran.err);

    let ran = run(&place, &["workspaces", "access"]);
    assert!(ran.expect(0).out.starts_with("Integration has access to 250 objects:\n"), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 251);
    assert!(ran.out.contains("(untitled)") && ids.iter().all(|id| ran.out.contains(id)));
    assert!(!ran.out.contains('\u{1b}'));
    let drawn = run(&place, &["workspaces", "access", "--tree"]);
    assert!(drawn.expect(0).out.lines().nth(1).unwrap().starts_with("Top"), "{}", drawn.out);
    assert!(drawn.out.contains("├─ Page 1 ") && drawn.out.contains("249 below"), "{}", drawn.out);

    // Without asking Notion.
    sandbox.control("DELETE", "calls", Value::Null);
    let last = run(&place, &["workspaces", "access", "--last", "--json"]).expect(0).json();
    assert_eq!(last["items"], report["items"]);
    let kept = run(&place, &["workspaces", "access", "--history", "--json"]).expect(0).json();
    assert_eq!(kept["items"].as_array().unwrap().len(), 3);
    assert!(run(&place, &["workspaces", "access", "--history"]).expect(0).out.contains("250"));
    assert!(sandbox.calls().is_empty());

    // As documents.
    for name in ["report.md", "report.html"] {
        run(&place, &["workspaces", "access", "--last", "--report", name]).expect(0);
        let text = fs::read_to_string(place.join(name)).unwrap();
        assert!(text.contains("250 objects") && text.contains("Page 249"), "{text}");
        assert_eq!(mode(&place.join(name)), 0o600);
    }
    run(&place, &["workspaces", "access", "--report", "report.pdf"]).expect(2);
}

#[test]
fn what_changed_against_a_baseline() {
    let place = Place::new();
    let (sandbox, _gate, ids, bot) = start(&place, 3);
    let ran = run(&place, &["workspaces", "access", "--save", "b.json", "--since-last"]);
    assert!(ran.expect(0).out.contains("This is the first audit"), "{ran:?}");
    assert_eq!(mode(&place.join("b.json")), 0o600);
    let same = run(&place, &["audit", "access", "--baseline", "b.json"]);
    assert!(same.expect(0).out.contains("+0 −0"), "{same:?}");
    run(&place, &["audit", "access", "--since-last"]).expect(0);

    let other = page(&sandbox, ROOT_PAGE, "Other");
    sandbox.control("POST", "share", json!({"bot_id": bot, "id": other}));
    sandbox.control("POST", "unshare", json!({"bot_id": bot, "id": ids[2]}));
    let ran = run(&place, &["audit", "access", "--baseline", "b.json"]);
    assert!(ran.expect(1).out.contains(": +1 −1\n"), "{ran:?}");
    assert!(ran.out.contains(&format!("+ page         Other  ({other})")), "{ran:?}");
    assert!(ran.out.contains(&format!("− page         Page 2  ({})", ids[2])), "{ran:?}");
    let ran = run(&place, &["audit", "access", "--baseline", "b.json", "--json"]);
    let compared = ran.expect(1).json()["compared"].clone();
    assert_eq!(
        (&compared["added"][0]["id"], &compared["removed"][0]["id"]),
        (&json!(other), &json!(ids[2]))
    );
    // It was told by the audit before, so there is nothing new since the last.
    run(&place, &["workspaces", "access", "--since-last"]).expect(0);

    // A list of what is expected, in any form that people paste.
    let expected =
        json!([ids[0], format!("https://www.notion.so/X-{}", ids[1].replace('-', "")), ids[2]]);
    fs::write(place.join("list.json"), expected.to_string()).unwrap();
    let ran = run(&place, &["audit", "access", "--baseline", "list.json"]);
    assert!(ran.expect(1).out.contains(": +1 −1\n"), "{ran:?}");
    fs::write(place.join("list.json"), json!([ids[0], ids[1], other]).to_string()).unwrap();
    run(&place, &["audit", "access", "--baseline", "list.json"]).expect(0);

    // Wrong files are wrong usage, and Notion is not asked.
    sandbox.control("DELETE", "calls", Value::Null);
    for wrong in ["", "nonsense", "{}", "[7]", "7"] {
        fs::write(place.join("wrong.json"), wrong).unwrap();
        let ran = run(&place, &["audit", "access", "--baseline", "wrong.json"]);
        assert!(ran.expect(2).err.contains("wrong.json"), "{ran:?}");
    }
    run(&place, &["audit", "access", "--baseline", "missing.json"]).expect(2);
    let stranger = run(&place, &["workspaces", "access", "--connection", NOTHING]);
    assert!(stranger.expect(2).err.contains("no connection"), "{stranger:?}");
    assert!(sandbox.calls().is_empty());
    // Notion out of reach is no difference.
    assert!(sandbox.stop().success());
    run(&place, &["audit", "access", "--baseline", "b.json"]).expect(3);
    run(&place, &["trace", "page", &ids[0]]).expect(3);
}

#[test]
fn traced_by_the_three_rules() {
    let place = Place::new();
    let (sandbox, _gate, ids, bot) = start(&place, 20);
    let (top, child, grandchild) = (&ids[0], &ids[1], &ids[9]);
    let trace = |id: &str| run(&place, &["trace", "page", id]);
    // A parent brings its children.
    let ran = trace(grandchild);
    assert!(ran.expect(0).out.contains("inherits from the page “Top”"), "{ran:?}");
    assert!(ran.out.contains("← shared") && ran.out.contains("└─ Page 9 (page)"), "{ran:?}");
    assert!(trace(top).expect(0).out.contains("shared directly: nothing above it is reachable"));
    // Taking it away takes all.
    sandbox.control("POST", "unshare", json!({"bot_id": bot, "id": top}));
    for id in [top, child, grandchild] {
        assert!(trace(id).expect(1).out.contains("not reachable: Notion answers as if"));
    }
    // A child brings no parent.
    sandbox.control("POST", "share", json!({"bot_id": bot, "id": child}));
    assert!(trace(top).expect(1).out.contains("Test"), "it says whom to share with");
    trace(child).expect(0);
    trace(grandchild).expect(0);
    let found = run(&place, &["trace", grandchild, "--json"]).expect(0).json();
    assert_eq!(
        (&found["answer"], &found["granted_by"]["id"]),
        (&json!("inherited"), &json!(child))
    );
    // What was never there looks the same.
    let (missing, unshared) = (trace(NOTHING), trace(top));
    let blank = |ran: &Ran, id: &str| ran.expect(1).out.replace(id, "ID");
    assert_eq!(blank(&missing, NOTHING), blank(&unshared, top));
    for wrong in [&["trace"][..], &["trace", "nonsense"], &["trace", "person", top]] {
        run(&place, wrong).expect(2);
    }
}

#[test]
fn a_token_alone_is_enough() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let (token, _) = sandbox.token(&["read_content"], &[TEAM_PAGE]);
    let environment = [
        ("NOTION_BASE_URL", sandbox.url.as_str()),
        ("NOTION_TOKEN", token.as_str()),
        ("TMPDIR", place.path().to_str().unwrap()),
    ];
    let ran = place.run(&["audit", "access", "--json"], &environment);
    assert!(ran.expect(0).json()["total"].as_u64().unwrap() > 1);
    let ran = place.run(&["trace", "page", TEAM_PAGE], &environment);
    assert!(ran.expect(0).out.contains("shared directly"), "{ran:?}");
    let left: Vec<_> =
        fs::read_dir(place.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("notegate")), "{left:?}");
    let wrong = [environment[0], ("NOTION_TOKEN", "ntn_sandboxWRONG"), environment[2]];
    place.run(&["audit", "access"], &wrong).expect(2);
    // Neither an installation nor a token.
    place.run(&["audit", "access"], &[]).expect(2);
}

/// What the command shows on a terminal of so many columns: standard output and the bar, mixed.
fn on_a_terminal(place: &Place, columns: usize, arguments: &str) -> Option<String> {
    let has_script = Command::new("script").arg("--version").stdout(Stdio::null()).status();
    if !has_script.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no `script` to make a terminal");
        return None;
    }
    let line = format!(
        "stty cols {columns} rows 40; {} {arguments} --data-dir data",
        env!("CARGO_BIN_EXE_notegate")
    );
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(place.path())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn on_a_terminal_it_fits_and_shows_how_far_it_is() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let long = page(&sandbox, ROOT_PAGE, &"A long title ".repeat(40));
    page(&sandbox, &long, "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{202e}");
    let (token, _) = sandbox.token(&["read_content"], &[&long]);
    let _gate = Start::before(&place, &sandbox).set("NOTION_TOKEN", &token).run();
    sandbox.control(
        "POST",
        "faults",
        json!({"match": {"operation": "post-search"}, "latency_ms": 400}),
    );
    for columns in [80, 120] {
        let Some(shown) = on_a_terminal(&place, columns, "workspaces access --tree") else {
            return;
        };
        assert!(shown.contains("asking Notion"), "the bar: {shown:?}");
        assert!(shown.contains("Integration has access to 2 objects:"), "{shown:?}");
        assert!(!shown.contains("\u{1b}]0;owned") && !shown.contains('\u{202e}'), "{shown:?}");
        let plain: Vec<String> = shown.lines().map(without_colour).collect();
        let lines: Vec<_> = plain.iter().filter(|line| line.contains("  page ")).collect();
        assert_eq!(lines.len(), 2, "{plain:?}");
        assert!(lines.iter().all(|line| line.trim_end().chars().count() <= columns), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains(&long)), "the whole id: {lines:?}");
    }
}

fn without_colour(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text += before;
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).get(1..).unwrap_or("");
    }
    text + rest
}
