//! The master key: given by commands and files, changed while the gate runs and while it does not.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;

/// 32 bytes in base64; `n` makes them different.
fn key(n: u8) -> String {
    use std::fmt::Write;
    (0..32).fold(String::new(), |mut text, at: u8| {
        let _ = write!(text, "{:02x}", at.wrapping_mul(7) ^ n);
        text
    })
}

fn status(place: &Place, environment: &[(&str, &str)]) -> Value {
    place.run(&["vault", "status", "--data-dir", "data", "--json"], environment).expect(0).json()
}

fn cells(status: &Value) -> Vec<u64> {
    let keys = status["keys"].as_array().unwrap();
    keys.iter().map(|key| key["cells"].as_u64().unwrap()).collect()
}

/// Every file of the data directory, and none holds any of these texts.
#[track_caller]
fn none_holds(place: &Place, secrets: &[&str]) {
    for (path, bytes) in snapshot(&place.data()) {
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{}: {secret}", path.display());
        }
    }
}

#[test]
fn f056_rotate_while_the_gate_runs_and_while_it_does_not() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let file = place.data().join("master.key");
    let first = fs::read_to_string(&file).unwrap();
    let viewer = gate.key("viewer", &[TEAM_PAGE]);
    let path = format!("/v1/pages/{TEAM_PAGE}");
    // F056 calls it `keys rotate`; `vault rotate` is the same.
    for command in ["keys", "vault"] {
        let before = fs::read_to_string(&file).unwrap();
        let ran = place.run(&[command, "rotate", "--data-dir", "data"], &[]);
        ran.expect(0);
        assert!(ran.out.contains("removed from"), "{ran:?}");
        let after = fs::read_to_string(&file).unwrap();
        assert_eq!(after.split_whitespace().count(), 1);
        assert_ne!(before, after);
        assert_eq!(mode(&file), 0o600);
        gate.v1("GET", &path, &viewer, None).expect(200);
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(before.trim()) && !text.contains(after.trim()), "{ran:?}");
        }
    }
    let shown = status(&place, &[]);
    assert_eq!(shown["source"], "data_directory");
    assert_eq!(cells(&shown)[1..], [0, 0], "{shown}");
    gate.expect_intact();
    assert!(gate.process.stop().success());

    place.run(&["vault", "rotate", "--data-dir", "data"], &[]).expect(0);
    let last = fs::read_to_string(&file).unwrap();
    // The key of the beginning opens nothing any more, and is nowhere.
    none_holds(&place, &[first.trim(), &sandbox.full]);
    let old = [("NOTEGATE_MASTER_KEY", first.trim())];
    place.run(&["vault", "status", "--data-dir", "data"], &old).expect(2);
    let gate = Start::before(&place, &sandbox).run();
    gate.v1("GET", &path, &viewer, None).expect(200);
    gate.expect_intact();
    assert_eq!(fs::read_to_string(&file).unwrap(), last);
}

#[test]
fn killed_while_it_rotates_nothing_is_lost() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let viewer = gate.key("viewer", &[TEAM_PAGE]);
    assert!(gate.process.stop().success());
    for round in 0..40_u64 {
        let mut command = place.command(&["vault", "rotate", "--data-dir", "data"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(round * 1_700));
        let _ = child.kill();
        child.wait().unwrap();
        let shown = status(&place, &[]);
        assert!(cells(&shown).iter().sum::<u64>() >= 3, "{round}: {shown}");
        assert_eq!(shown["damaged_cells"], 0, "{round}: {shown}");
        let keys = shown["keys"].as_array().unwrap();
        assert!(keys.iter().all(|key| key["given"] == true), "{round}: {shown}");
    }
    // Started again, the gate ends what was begun by itself.
    let gate = Start::before(&place, &sandbox).run();
    let file = place.data().join("master.key");
    wait_for("the end of the change", || {
        let text = fs::read_to_string(&file).unwrap();
        (text.split_whitespace().count() == 1).then_some(())
    });
    gate.v1("GET", &format!("/v1/pages/{TEAM_PAGE}"), &viewer, None).expect(200);
    gate.expect_intact();
}

#[test]
fn several_keys_from_a_file_the_first_seals() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let file = place.join("key");
    let write = |text: &str| {
        fs::write(&file, text).unwrap();
        set_mode(&file, 0o600);
    };
    write(&key(1));
    let path = file.to_str().unwrap().to_owned();
    let given = [("NOTEGATE_MASTER_KEY_FILE", path.as_str())];
    let gate = Start::before(&place, &sandbox).set(given[0].0, given[0].1).run();
    let rotate = || place.run(&["vault", "rotate", "--data-dir", "data"], &given);
    // There is no newer key: the answer is no, with what to do.
    expect(&rotate(), 1, &["put a new one"]);
    // The old one is gone too early: refused, and nothing changed.
    write(&key(2));
    expect(&rotate(), 2, &["does not give the key", "put it back"]);
    write(&format!("{}\n{}\n", key(2), key(1)));
    expect(&rotate(), 0, &["can be removed from", path.as_str()]);
    let shown = status(&place, &given);
    assert_eq!(cells(&shown)[1..], [0], "{shown}");
    assert_eq!(shown["keys"][1]["removable"], true, "{shown}");
    assert!(gate.process.stop().success());
    write(&key(2));
    let gate = Start::before(&place, &sandbox).set(given[0].0, given[0].1).run();
    gate.expect_intact();
    assert!(!place.data().join("master.key").exists());
}

#[test]
fn from_the_environment_it_changes_with_a_restart() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let start = |keys: &str| Start::before(&place, &sandbox).set("NOTEGATE_MASTER_KEY", keys).run();
    let rotate = || place.run(&["vault", "rotate", "--data-dir", "data"], &[]);
    let gate = start(&key(1));
    expect(&rotate(), 1, &["restart the gate"]);
    assert!(gate.process.stop().success());
    let gate = start(&format!("{} {}", key(2), key(1)));
    let shown = status(&place, &[]);
    assert_eq!(cells(&shown)[0], 0, "{shown}");
    expect(&rotate(), 0, &["can be removed"]);
    assert!(gate.process.stop().success());
    let gate = start(&key(2));
    gate.expect_intact();
}

#[track_caller]
fn expect(ran: &Ran, code: i32, words: &[&str]) {
    ran.expect(code);
    for word in words {
        assert!(ran.out.contains(word) || ran.err.contains(word), "{word}: {ran:?}");
    }
    for n in 1..4 {
        assert!(!ran.out.contains(&key(n)) && !ran.err.contains(&key(n)), "{ran:?}");
    }
}

/// A program of this name in `bin`.
fn program(place: &Place, name: &str, script: &str) {
    let bin = place.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    set_mode(&path, 0o755);
}

/// The value that a line `export NAME='…'` gives.
fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\'')
}

#[test]
fn every_recipe_of_the_documentation_works() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/master-key.md");
    let document = fs::read_to_string(path).unwrap();
    let place = Place::new();
    Start::demo(&place).set("NOTEGATE_MASTER_KEY", &key(1)).run().process.stop();
    let bin = place.join("bin");
    let mut programs = Vec::new();
    for line in document.lines() {
        let Some(command) = value_of(line, "NOTEGATE_MASTER_KEY_COMMAND") else { continue };
        let name = command.split(' ').next().unwrap();
        let expected: &[&str] = match (name, command.split(' ').nth(1).unwrap()) {
            ("aws", "secretsmanager") => &[
                "secretsmanager",
                "get-secret-value",
                "--secret-id",
                "notegate/master-key",
                "--query",
                "SecretString",
                "--output",
                "text",
            ],
            ("aws", "ssm") => &[
                "ssm",
                "get-parameter",
                "--name",
                "/notegate/master-key",
                "--with-decryption",
                "--query",
                "Parameter.Value",
                "--output",
                "text",
            ],
            ("gcloud", _) => {
                &["secrets", "versions", "access", "latest", "--secret=notegate-master-key"]
            }
            ("az", _) => &[
                "keyvault",
                "secret",
                "show",
                "--vault-name",
                "my-vault",
                "--name",
                "notegate-master-key",
                "--query",
                "value",
                "--output",
                "tsv",
            ],
            ("vault", _) => &["kv", "get", "-mount=secret", "-field=value", "notegate/master-key"],
            ("op", _) => &["read", "op://Infrastructure/notegate master key/password"],
            ("systemd-creds", _) => &["cat", "notegate-master-key"],
            _ => panic!("a recipe that this test does not know: {command}"),
        };
        let check = expected.iter().map(|word| {
            format!("[ \"$1\" = '{word}' ] || {{ echo \"not $1\" >&2; exit 9; }}; shift")
        });
        let check: Vec<_> = check.collect();
        let script = format!(
            "[ -z \"$NOTION_TOKEN$NOTION_API_TOKEN\" ] || exit 8\n{}\n[ $# = 0 ] || exit 7\necho {}",
            check.join("\n"),
            key(1)
        );
        program(&place, name, &script);
        let environment = [
            ("PATH", bin.to_str().unwrap()),
            ("NOTEGATE_MASTER_KEY_COMMAND", command),
            ("NOTION_TOKEN", "ntn_none_of_its_business"),
        ];
        let shown = status(&place, &environment);
        assert_eq!(shown["source"], "command", "{command}");
        programs.push(name);
    }
    programs.sort_unstable();
    assert_eq!(programs, ["aws", "aws", "az", "gcloud", "op", "systemd-creds", "vault"]);

    let file = document.lines().find_map(|line| value_of(line, "NOTEGATE_MASTER_KEY_FILE"));
    let name = file.unwrap().rsplit('/').next().unwrap();
    let path = place.join(name);
    fs::write(&path, key(1)).unwrap();
    let environment = [("NOTEGATE_MASTER_KEY_FILE", path.to_str().unwrap())];
    set_mode(&path, 0o644);
    let ran = place.run(&["vault", "status", "--data-dir", "data"], &environment);
    expect(&ran, 2, &["chmod 600"]);
    set_mode(&path, 0o600);
    assert_eq!(status(&place, &environment)["source"], "file");
}

#[test]
fn a_command_that_gives_no_key_is_said_with_its_reason() {
    let place = Place::new();
    Start::demo(&place).set("NOTEGATE_MASTER_KEY", &key(1)).run().process.stop();
    let secret = key(3);
    program(&place, "denied", &format!("echo 'AccessDenied for {secret}' >&2; exit 254"));
    program(&place, "silent", "exit 0");
    program(&place, "chatty", "echo 'Welcome!'");
    program(&place, "other", &format!("echo {}", key(2)));
    let bin = place.join("bin");
    let run = |command: &str| {
        let environment =
            [("PATH", bin.to_str().unwrap()), ("NOTEGATE_MASTER_KEY_COMMAND", command)];
        place.run(&["vault", "status", "--data-dir", "data"], &environment)
    };
    let environment = [("PATH", bin.to_str().unwrap()), ("NOTEGATE_MASTER_KEY_COMMAND", "denied")];
    expect(&place.run(&["serve", "--check", "--sandbox"], &environment), 1, &["AccessDenied"]);
    expect(&run("denied"), 3, &["AccessDenied for (hidden)", "254"]);
    expect(&run("silent --now"), 3, &["printed no key", "`silent`"]);
    expect(&run("chatty"), 3, &["not 32 bytes"]);
    expect(&run("missing x"), 3, &["`missing` was not found"]);
    expect(&run("'"), 2, &["never closed"]);
    expect(&run("other"), 2, &["another master key"]);
    let both = [
        ("PATH", bin.to_str().unwrap()),
        ("NOTEGATE_MASTER_KEY_COMMAND", "other"),
        ("NOTEGATE_MASTER_KEY", &key(1)),
    ];
    let ran = place.run(&["vault", "status", "--data-dir", "data"], &both);
    expect(&ran, 2, &["keep one of them"]);
    let ran = place.run(&["doctor", "master_key", "--data-dir", "data"], &both);
    expect(&ran, 1, &["BLOCKED by master_key", "keep one of them"]);
}

/// F056: one byte is another in the database.
#[test]
fn f056_a_changed_byte_is_named_and_never_used() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let viewer = gate.key("viewer", &[TEAM_PAGE]);
    assert!(gate.process.stop().success());
    let path = place.data().join("notegate.sqlite");
    let read = || -> Vec<u8> {
        let sql = "SELECT sealed FROM credentials WHERE slot = 'access'";
        let db = rusqlite::Connection::open(&path).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let write = |bytes: &[u8]| {
        let sql = "UPDATE credentials SET sealed = ?1 WHERE slot = 'access'";
        let db = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(db.execute(sql, [bytes]).unwrap(), 1);
    };
    let rotate = || place.run(&["vault", "rotate", "--data-dir", "data"], &[]);
    let place_of_it = "credentials.access, row default/";
    // The format, the name of the key.
    let good = read();
    let mut bytes = good.clone();
    bytes[0] ^= 1;
    write(&bytes);
    let ran = place.run(&["vault", "status", "--data-dir", "data"], &[]);
    expect(&ran, 1, &["Damaged", place_of_it]);
    bytes = good.clone();
    bytes[3] ^= 1;
    write(&bytes);
    let ran = place.run(&["vault", "status", "--data-dir", "data"], &[]);
    expect(&ran, 2, &["does not fit all", place_of_it]);
    // The wrapped data key: re-sealing opens it, names the cell and keeps the old key.
    bytes = good.clone();
    bytes[30] ^= 1;
    write(&bytes);
    expect(&rotate(), 1, &["could not be", place_of_it]);
    let keys = fs::read_to_string(place.data().join("master.key")).unwrap();
    assert_eq!(keys.split_whitespace().count(), 2, "the old key is kept");
    write(&good);
    expect(&rotate(), 0, &["was removed"]);
    let gate = Start::before(&place, &sandbox).run();
    gate.v1("GET", &format!("/v1/pages/{TEAM_PAGE}"), &viewer, None).expect(200);
}

/// Ciphertexts that were moved: to another row, another column, another tenant.
#[test]
fn moved_ciphertexts_are_refused_and_audited_and_others_go_on() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let path = format!("/v1/pages/{TEAM_PAGE}");
    let tokens: Vec<_> = (0..3).map(|_| sandbox.token(EVERYTHING, &[TEAM_PAGE])).collect();
    let keys: Vec<String> = tokens
        .iter()
        .map(|(token, bot)| {
            let body = json!({ "token": token });
            gate.api("POST", "/api/v1/workspaces", &gate.admin, Some(body)).expect(201);
            let body = json!({ "name": "one", "role": "viewer", "connection": bot });
            let made = gate.api("POST", "/api/v1/keys", &gate.admin, Some(body)).expect(201);
            let key = made["key"].as_str().unwrap().to_owned();
            gate.v1("GET", &path, &key, None).expect(200);
            key
        })
        .collect();
    assert!(gate.process.stop().success());
    let bots: Vec<&str> = tokens.iter().map(|(_, bot)| bot.as_str()).collect();
    let db = rusqlite::Connection::open(place.data().join("notegate.sqlite")).unwrap();
    // The first one's token stands with the second, and the first one's with another tenant as well;
    // the third one's own token stands in another column, too, where it is only not used.
    let copy = "UPDATE credentials SET sealed =
                (SELECT sealed FROM credentials WHERE slot = 'access' AND bot_id = ?1)
                WHERE slot = 'access' AND bot_id = ?2";
    assert_eq!(db.execute(copy, [bots[0], bots[1]]).unwrap(), 1);
    db.execute_batch(&format!(
        "INSERT INTO tenants (name, created_at) VALUES ('acme', 0);
         CREATE TEMP TABLE moved AS SELECT * FROM connections WHERE bot_id = '{0}';
         UPDATE moved SET tenant = 'acme';
         INSERT INTO connections SELECT * FROM moved;
         INSERT INTO credentials SELECT 'acme', bot_id, slot, sealed, since FROM credentials
         WHERE bot_id = '{0}' AND tenant = 'default';
         INSERT INTO credentials SELECT tenant, bot_id, 'previous_access', sealed, since
         FROM credentials WHERE bot_id = '{1}';",
        bots[0], bots[2]
    ))
    .unwrap();
    drop(db);
    let gate = Start::before(&place, &sandbox).named("again").run();
    // For the page, that is: at its start the gate asks how Notion says that something is not there.
    let asked = || sandbox.calls().iter().filter(|call| call["path"] == path.as_str()).count();
    let before = asked();
    let refused = gate.v1("GET", &path, &keys[1], None);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(refused.text().contains("User needs to re-authorize"), "{}", refused.text());
    assert_eq!(asked(), before, "Notion was asked");
    for key in [&keys[0], &keys[2]] {
        gate.v1("GET", &path, key, None).expect(200);
    }
    let shown = format!("/api/v1/workspaces/{}", bots[1]);
    let shown = gate.api("GET", &shown, &gate.admin, None).expect(200);
    assert_eq!(shown["state"], "needs_reauthorization");
    assert_eq!(shown["state_reason"], "credential_damaged");
    let entry = gate.ledger().into_iter().find(|entry| entry["operation"] == "open-credential");
    let entry = entry.expect("it is in the ledger");
    assert_eq!(
        (&entry["result"], &entry["reason"]),
        (&json!("denied"), &json!("credential_damaged"))
    );
    let named = format!("credentials.access, row default/{}", bots[1]);
    assert_eq!(entry["metadata"]["place"], named);
    let log = gate.process.errors();
    assert!(log.contains(&named) && log.contains("row acme/"), "{log}");
    let ran = place.run(&["doctor", "connections", "--data-dir", "data"], &[]);
    expect(&ran, 1, &["credential_damaged", "acme: "]);
    // A new token makes it whole.
    let body = json!({ "token": tokens[1].0 });
    gate.api("POST", "/api/v1/workspaces", &gate.admin, Some(body)).expect(201);
    gate.v1("GET", &path, &keys[1], None).expect(200);
    gate.expect_intact();
}
