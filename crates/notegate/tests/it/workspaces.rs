//! `notegate workspaces` and `notegate tenants`: while the gate runs and while it does not.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::*;

const DATA: &[&str] = &["--data-dir", "data"];

/// Runs a command at the data directory, with Notion at the sandbox.
fn run(place: &Place, sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    place.run(&[arguments, DATA].concat(), &[("NOTION_BASE_URL", &sandbox.url)])
}

/// The same, with something on standard input.
fn run_with(place: &Place, sandbox: &Sandbox, arguments: &[&str], input: &str) -> (i32, String) {
    let mut command = place.command(&[arguments, DATA].concat());
    command.env("NOTION_BASE_URL", &sandbox.url).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

fn file(place: &Place, name: &str, token: &str) -> PathBuf {
    let path = place.join(name);
    fs::write(&path, format!("{token}\n")).unwrap();
    set_mode(&path, 0o600);
    path
}

fn bots(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["bot_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn f030_connected_listed_and_shown_while_the_gate_runs_and_while_it_does_not() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let (token, bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let (other, other_bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let path = file(&place, "new", &token);
    let made = run(
        &place,
        &sandbox,
        &["workspaces", "connect", "--json", "--from", path.to_str().unwrap()],
    );
    assert_eq!(made.expect(0).json()["bot_id"], bot);
    let made = run_with(&place, &sandbox, &["workspaces", "connect"], &format!("{other}\n"));
    assert!(made.0 == 0 && made.1.contains(&other_bot), "{made:?}");
    assert!(!made.1.contains(&other), "{made:?}");
    for arguments in [
        &["workspaces", "--json"][..],
        &["workspaces", "list", "--json"],
        &["token", "list", "--json"],
    ] {
        let listed = run(&place, &sandbox, arguments).expect(0).json();
        assert_eq!(bots(&listed).len(), 3);
        assert!(bots(&listed).contains(&bot));
        for item in listed["items"].as_array().unwrap() {
            let names = ["workspace_id", "workspace_name", "workspace_icon", "bot_id", "owner"];
            assert!(names.iter().all(|name| item.get(name).is_some()), "{item}");
            assert!(item.get("token").is_none() && !item.to_string().contains("ntn_"), "{item}");
        }
    }
    let table = run(&place, &sandbox, &["workspaces"]);
    let head = table.expect(0).out.lines().next().unwrap().to_owned();
    assert!(head.contains("WORKSPACE") && head.contains("LAST USE"), "{head}");
    assert!(table.out.contains("active") && table.out.contains(&bot), "{table:?}");
    let shown = run(&place, &sandbox, &["workspaces", "show", &bot]);
    assert!(shown.expect(0).out.contains("read_content"), "{shown:?}");
    run(&place, &sandbox, &["workspaces", "show", NOTHING]).expect(2);
    run(&place, &sandbox, &["workspaces", "show", "nonsense"]).expect(2);
    gate.process.stop();
    let (third, third_bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let made = run_with(&place, &sandbox, &["workspaces", "connect", "--json"], &third);
    assert!(made.0 == 0 && made.1.contains(&third_bot), "{made:?}");
    assert_eq!(bots(&run(&place, &sandbox, &["workspaces", "--json"]).expect(0).json()).len(), 4);
}

#[test]
fn f021_a_token_that_does_not_fit_is_refused_and_the_old_one_is_used() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let listed = run(&place, &sandbox, &["workspaces", "--json"]).expect(0).json();
    let bot = bots(&listed).remove(0);
    let (other, _) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let elsewhere = sandbox.control("POST", "workspaces", json!({"name": "Umbra"}));
    let elsewhere = elsewhere["tokens"]["full"].as_str().unwrap();
    for (token, code) in
        [("ntn_sandbox_nobody_knows_this", 1), (other.as_str(), 1), (elsewhere, 1), ("no token", 2)]
    {
        let (ended, text) = run_with(&place, &sandbox, &["workspaces", "rotate", &bot], token);
        assert_eq!(ended, code, "{text}");
        assert!(!text.contains(token) || token == "no token", "{text}");
        gate.v1("GET", &format!("/v1/pages/{TEAM_PAGE}"), &gate.admin, None).expect(200);
    }
    // Which connection need not be said where there is one; a file must be private.
    let path = file(&place, "new", &other);
    set_mode(&path, 0o644);
    let ran = run(&place, &sandbox, &["workspaces", "rotate", "--from", path.to_str().unwrap()]);
    assert!(ran.expect(2).err.contains("chmod 600"), "{ran:?}");
}

#[test]
fn f022_recipes_are_printed_and_nothing_is_done() {
    let place = Place::new();
    for (name, word) in
        [("aws", "aws secretsmanager"), ("gcp", "gcloud secrets"), ("vault", "vault kv")]
    {
        for command in ["workspaces", "token"] {
            let ran = place.run(&[command, "rotate", "--print", name], &[]);
            assert!(ran.expect(0).out.contains(word), "{ran:?}");
            assert!(!ran.out.contains("ntn_"), "{ran:?}");
        }
    }
    place.run(&["workspaces", "rotate", "--print", "elsewhere"], &[]).expect(2);
}

#[test]
fn disconnected_and_connected_again() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let (token, bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let connect = || run_with(&place, &sandbox, &["workspaces", "connect"], &token);
    assert_eq!(connect().0, 0);
    let key = gate.key("viewer", &[]);
    let team = format!("/v1/pages/{TEAM_PAGE}");
    gate.v1("GET", &team, &key, None).expect(200);
    run(&place, &sandbox, &["workspaces", "disconnect", &bot]).expect(0);
    gate.v1("GET", &team, &key, None).expect_notion_error(409, "conflict_error");
    let shown = run(&place, &sandbox, &["workspaces", "show", &bot, "--json"]).expect(0).json();
    assert_eq!(shown["state"], "revoked");
    assert_eq!(connect().0, 0);
    gate.v1("GET", &team, &key, None).expect(200);
    for _ in 0..2 {
        run(&place, &sandbox, &["workspaces", "disconnect", &bot]).expect(0);
    }
    run(&place, &sandbox, &["workspaces", "disconnect", &bot]).expect(2);
    gate.v1("GET", &team, &key, None).expect_notion_error(409, "conflict_error");
}

#[test]
fn a_pair_is_connected_by_two_tokens() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let _gate = Start::before(&place, &sandbox).run();
    let (reader, bot) = sandbox.token(&["read_content"], &[TEAM_PAGE]);
    let (writer, writer_bot) = sandbox.token(&["update_content"], &[TEAM_PAGE]);
    let input = format!("{reader}\n{writer}\n");
    let made = run_with(&place, &sandbox, &["workspaces", "connect", "--pair"], &input);
    assert!(made.0 == 0 && made.1.contains(&bot) && made.1.contains(&writer_bot), "{made:?}");
    let [one, two] =
        [("r", &reader), ("w", &writer)].map(|(name, token)| file(&place, name, token));
    let files = ["--from", one.to_str().unwrap(), "--writer-from", two.to_str().unwrap()];
    let arguments = [&["workspaces", "connect", "--pair", "--json"], &files[..]].concat();
    let made = run(&place, &sandbox, &arguments).expect(0).json();
    assert_eq!(made["writer"]["bot_id"], writer_bot);
    // The wrong way round is another pair, and both are warned of.
    let made = run_with(
        &place,
        &sandbox,
        &["workspaces", "connect", "--pair"],
        &format!("{reader}\n{reader}\n"),
    );
    assert_eq!(made.0, 1, "{made:?}");
}

#[test]
fn tenants_are_made_listed_and_acted_for() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let made = run(&place, &sandbox, &["tenants", "add", "aurora"]);
    let key = made.expect(0).out.trim().to_owned();
    assert!(key.starts_with("ngk_"), "{made:?}");
    let refused = gate.v1("GET", "/v1/users/me", &key, None);
    assert_eq!(refused.header("x-notegate-reason"), Some("connection"));
    assert!(refused.text().contains("no workspace is connected"), "{}", refused.text());
    let listed = run(&place, &sandbox, &["tenants", "list", "--json"]).expect(0).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let other = sandbox.control("POST", "workspaces", json!({"name": "Umbra"}));
    let token = other["tokens"]["full"].as_str().unwrap();
    let connect = ["workspaces", "connect", "--tenant", "aurora"];
    let made = run_with(&place, &sandbox, &connect, token);
    assert_eq!(made.0, 0, "{made:?}");
    gate.v1("GET", "/v1/users/me", &key, None).expect(200);
    let of = |tenant: &[&str]| {
        let arguments = [&["workspaces", "--json"], tenant].concat();
        bots(&run(&place, &sandbox, &arguments).expect(0).json())
    };
    let (own, default) = (of(&["--tenant", "aurora"]), of(&[]));
    assert_eq!((own.len(), default.len()), (1, 1));
    assert_ne!(own, default);
    run(&place, &sandbox, &["workspaces", "--tenant", "nobody"]).expect(2);
    // The default tenant has no such connection.
    run(&place, &sandbox, &["workspaces", "disconnect", &own[0]]).expect(2);
    gate.process.stop();
    for tenant in [&["--tenant", "aurora"][..], &[]] {
        let verify = [&["audit", "verify"], tenant].concat();
        let ran = run(&place, &sandbox, &verify);
        assert!(ran.expect(0).out.contains("intact"), "{ran:?}");
    }
}
