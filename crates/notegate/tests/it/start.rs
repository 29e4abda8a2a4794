//! Settings and start: what is refused, with which words and which exit code; what the ready file
//! says. F001, F002, F003, F043, F044, F045, F168.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use crate::harness::*;

const CHECK: &[&str] = &["serve", "--check"];

/// A token of the right form that no sandbox made.
fn token(prefix: &str) -> String {
    format!("{prefix}{}", "4".repeat(40))
}

/// Answers every request with the bot of a workspace, whatever the token.
fn bot_stub() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let body = json!({
                "object": "user",
                "id": NOTHING,
                "name": "Stub",
                "type": "bot",
                "bot": { "owner": { "type": "workspace", "workspace": true },
                         "workspace_id": NOTHING, "workspace_name": "Stubs" },
            });
            let body = body.to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn f001_tokens_are_judged_by_their_form_and_never_shown() {
    let place = Place::new();
    let stub = bot_stub();
    for prefix in ["ntn_", "secret_"] {
        let token = token(prefix);
        let ran = place.run(CHECK, &[("NOTION_TOKEN", &token), ("NOTION_BASE_URL", &stub)]);
        ran.expect(0);
        assert!(!format!("{ran:?}").contains(&token));
    }
    for wrong in
        ["abcxyz9", "Bearer ntn_qwertyuiop", "ntn_", "ntn_qwertz uiop12", "xoxb-qwertyuiop"]
    {
        let ran = place.run(CHECK, &[("NOTION_TOKEN", wrong), ("NOTION_BASE_URL", &stub)]);
        ran.expect(1);
        assert!(ran.err.contains("unexpected format"), "{ran:?}");
        assert!(wrong == "ntn_" || !format!("{ran:?}").contains(wrong), "{ran:?}");
    }
}

#[test]
fn f002_a_missing_token_is_named_with_the_place_to_make_one() {
    let place = Place::new();
    for environment in [&[][..], &[("NOTION_TOKEN", "")]] {
        let ran = place.run(CHECK, environment);
        ran.expect(1);
        assert!(ran.err.contains("NOTION_TOKEN is required"), "{ran:?}");
        assert!(ran.err.contains("notion.so"), "{ran:?}");
    }
    let ran = place.run(&["serve"], &[]);
    assert!(ran.expect(2).err.contains("NOTION_TOKEN is required"), "{ran:?}");
    assert!(!place.join("notegate-data").exists(), "a refused start leaves nothing behind");
}

#[test]
fn f003_tokens_come_from_environment_or_private_files_only() {
    let place = Place::new();
    let stub = bot_stub();
    let token = token("ntn_");
    let file = place.join("token");
    fs::write(&file, format!("{token}\n")).unwrap();
    let environment = [("NOTION_TOKEN_FILE", file.to_str().unwrap()), ("NOTION_BASE_URL", &stub)];
    for (mode, code) in [(0o644, 1), (0o640, 1), (0o604, 1), (0o600, 0), (0o400, 0)] {
        set_mode(&file, mode);
        let ran = place.run(CHECK, &environment);
        ran.expect(code);
        assert_eq!(code == 1, ran.err.contains("NOTION_TOKEN_FILE"), "{mode:o} {ran:?}");
        assert!(!format!("{ran:?}").contains(&token));
    }
    let ran = place.run(&["serve"], &[("NOTION_TOKEN_FILE", "/nowhere/token")]);
    assert!(ran.expect(2).err.contains("NOTION_TOKEN_FILE"), "{ran:?}");

    // Not from the settings file, whatever it is called there; and its value is not repeated.
    let config = place.join("notegate.toml");
    fs::write(&config, format!("notion_token = \"{token}\"\n")).unwrap();
    let ran = place.run(CHECK, &[("NOTION_BASE_URL", &stub)]);
    assert!(ran.expect(1).err.contains("notion_token"), "{ran:?}");
    assert!(!format!("{ran:?}").contains(&token), "{ran:?}");
    fs::write(&config, format!("notion_token = \"{token}\nlisten = 1\n")).unwrap();
    let ran = place.run(CHECK, &[("NOTION_BASE_URL", &stub)]);
    assert!(ran.expect(1).err.contains("is not TOML"), "{ran:?}");
    assert!(!format!("{ran:?}").contains(&token), "{ran:?}");

    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["tour", "--help"],
        &["keys", "--help"],
        &["keys", "create", "--help"],
        &["audit", "verify", "--help"],
        &["config", "print", "--help"],
        &["sandbox", "serve", "--help"],
        &["sandbox", "exec", "--help"],
    ] {
        let ran = place.run(command, &[]);
        ran.expect(0);
        for word in ran.out.split_whitespace().filter(|word| word.starts_with("--")) {
            for secret in ["token", "secret", "password", "master-key"] {
                assert!(!word.contains(secret), "{command:?} has {word}");
            }
        }
    }
    place.run(&["serve", "--notion-token", &token], &[]).expect(2);
}

#[test]
fn f043_everything_that_is_missing_stands_in_one_line() {
    let place = Place::new();
    let ran = place.run(CHECK, &[("NOTION_OAUTH_CLIENT_ID", "x")]);
    ran.expect(1);
    let names = ["NOTION_TOKEN", "NOTION_OAUTH_CLIENT_SECRET", "NOTION_OAUTH_REDIRECT_URI"];
    let holds_all = |line: &str| names.iter().all(|name| line.contains(name));
    assert!(ran.err.lines().any(holds_all), "{ran:?}");
    assert_eq!(ran.err.trim().lines().count(), 1, "{ran:?}");

    let ran = place.run(CHECK, &[("NOTION_READ_TOKEN", &token("ntn_"))]);
    let both = |line: &str| line.contains("NOTION_WRITE_TOKEN") && line.contains("NOTION_TOKEN is");
    assert!(ran.expect(1).err.lines().any(both), "{ran:?}");
}

#[test]
fn f044_f045_token_and_database_are_asked_about() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let base = ("NOTION_BASE_URL", sandbox.url.as_str());
    let full = ("NOTION_TOKEN", sandbox.full.as_str());

    let me =
        crate::http::send(address(&sandbox.url), &v1("GET", "/v1/users/me", &sandbox.full, None));
    let me = me.expect(200);
    let ran = place.run(CHECK, &[base, full]);
    ran.expect(0);
    for said in [me["name"].as_str().unwrap(), me["id"].as_str().unwrap()] {
        assert!(ran.out.contains(said), "{said}: {ran:?}");
    }
    assert!(!format!("{ran:?}").contains(&sandbox.full), "{ran:?}");

    let ran = place.run(CHECK, &[base, ("NOTION_TOKEN", &token("ntn_"))]);
    ran.expect(1);
    assert!(ran.err.contains("invalid or expired") && ran.err.contains("rotate"), "{ran:?}");
    // The same in a real start is a matter of configuration.
    let ran = place.run(&["serve"], &[base, ("NOTION_TOKEN", &token("ntn_"))]);
    assert!(ran.expect(2).err.contains("invalid or expired"), "{ran:?}");

    for id in [DATABASE.to_owned(), DATABASE.replace('-', "")] {
        let ran = place.run(CHECK, &[base, full, ("NOTION_DATABASE_ID", &id)]);
        assert!(ran.expect(0).out.contains("database"), "{ran:?}");
    }
    let ran = place.run(CHECK, &[base, full, ("NOTION_DATABASE_ID", NOTHING)]);
    assert!(ran.expect(1).err.contains("ensure the database is shared"), "{ran:?}");
    let ran = place.run(CHECK, &[base, full, ("NOTION_DATABASE_ID", "tasks")]);
    assert!(ran.expect(1).err.contains("NOTION_DATABASE_ID"), "{ran:?}");
    let unshared = sandbox.token(EVERYTHING, &[]).0;
    let environment = [base, ("NOTION_TOKEN", &unshared), ("NOTION_DATABASE_ID", DATABASE)];
    let ran = place.run(CHECK, &environment);
    assert!(ran.expect(1).err.contains("ensure the database is shared"), "{ran:?}");
    let ran = place.run(&["serve", "--listen", "127.0.0.1:0"], &environment);
    assert!(ran.expect(2).err.contains("ensure the database is shared"), "{ran:?}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_check_and_by_serve() {
    let place = Place::new();
    let stub = bot_stub();
    let token = token("ntn_");
    for (name, value) in [
        ("NOTEGATE_LISTEN", "everywhere"),
        ("PORT", "99999"),
        ("NOTEGATE_UPSTREAM_TIMEOUT", "soon"),
        ("NOTEGATE_UPSTREAM_TIMEOUT", "0"),
        ("NOTEGATE_UPSTREAM_TIMEOUT", "NaN"),
        ("NOTEGATE_TREE_AGE_MAX", "-1"),
        ("NOTEGATE_LOOKUPS_PER_MINUTE", "0"),
        ("NOTEGATE_LEDGER_STRICT", "perhaps"),
        ("NOTEGATE_SANDBOX", "perhaps"),
        ("NOTION_VERSION", "1999-01-01"),
        ("NOTEGATE_CONFIG", "/nowhere/notegate.toml"),
        ("NOTEGATE_LOG_FORMAT", "xml"),
        ("NOTEGATE_LOG", "=[]="),
        ("NOTEGATE_MASTER_KEY", "dG9vIHNob3J0"),
    ] {
        let environment = [
            ("NOTION_BASE_URL", stub.as_str()),
            ("NOTION_TOKEN", &token),
            ("NOTEGATE_DATA_DIR", "d"),
            (name, value),
        ];
        let ran = place.run(&["serve"], &environment);
        let said = ran.expect(2).err.contains(name) || ran.err.contains(value);
        assert!(said, "{name}={value}: {ran:?}");
        let ran = place.run(CHECK, &environment);
        assert_eq!(ran.code, Some(1), "serve refuses {name}={value}, --check does not: {ran:?}");
    }
    place.run(&["serve", "--no-such-flag"], &[]).expect(2);
    place.run(&["no-such-command"], &[]).expect(2);
}

#[test]
fn a_token_goes_only_where_it_belongs() {
    let place = Place::new();
    let made_by_a_sandbox = format!("ntn_sandbox{}", "7".repeat(40));
    for url in [
        "",
        "https://api.notion.com",
        "https://api.notion.com/",
        "https://api.notion.com:443",
        "https://API.notion.com",
    ] {
        let environment = [("NOTION_TOKEN", made_by_a_sandbox.as_str()), ("NOTION_BASE_URL", url)];
        let ran = place.run(CHECK, &environment);
        assert!(ran.expect(1).err.contains("sandbox"), "{url}: {ran:?}");
        let ran = place.run(&["serve"], &environment);
        assert!(ran.expect(2).err.contains("sandbox"), "{url}: {ran:?}");
    }
    let token = token("ntn_");
    for url in [
        "http://192.0.2.1",
        "http://api.notion.com",
        "http://localhost.example",
        "http://127.0.0.1.example:80",
        "http://127.0.0.1@192.0.2.1",
        "ftp://127.0.0.1",
        "api.notion.com",
        "https://",
    ] {
        let environment = [("NOTION_TOKEN", token.as_str()), ("NOTION_BASE_URL", url)];
        let ran = place.run(CHECK, &environment);
        assert!(ran.expect(1).err.contains("NOTION_BASE_URL"), "{url}: {ran:?}");
        place.run(&["serve"], &environment).expect(2);
    }
}

#[test]
fn what_the_world_does_not_allow_is_exit_3() {
    let place = Place::new();
    let dead = format!("http://{}", dead_address());
    let token = token("ntn_");
    let environment = [("NOTION_TOKEN", token.as_str()), ("NOTION_BASE_URL", dead.as_str())];
    for command in [CHECK, &["serve", "--listen", "127.0.0.1:0"]] {
        let ran = place.run(command, &environment);
        assert!(ran.expect(3).err.contains("could not be reached"), "{ran:?}");
    }
    let (_held, taken) = taken_port();
    let ran = place.run(&["serve", "--sandbox", "--listen", &taken], &[]);
    assert!(ran.expect(3).err.contains(&taken) && ran.err.contains("--listen"), "{ran:?}");
    let sandbox_listen = ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--sandbox-listen"];
    let ran = place.run(&[&sandbox_listen[..], &[&taken]].concat(), &[]);
    assert!(ran.expect(3).err.contains("--sandbox-listen"), "{ran:?}");
    let ran = place.run(&["sandbox", "serve", "--listen", &taken], &[]);
    assert!(ran.expect(3).err.contains("--listen"), "{ran:?}");
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_ready_file_says_what_the_contract_says() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    assert_eq!(mode(&gate.ready_file), 0o600);
    let ready = &gate.ready;
    assert_eq!(members(ready), ["url", "admin_key", "pid", "sandbox", "keys"]);
    assert_eq!(ready["pid"], gate.process.pid());
    let sandbox = &ready["sandbox"];
    assert_eq!(members(sandbox), ["url", "control_url", "tokens", "workspace_id", "demo"]);
    assert_eq!(sandbox["control_url"], format!("{}/_sandbox", gate.sandbox_url()));
    assert_eq!(members(&sandbox["tokens"]), ["full", "reader", "writer"]);
    let expected = json!({
        "root_page_id": ROOT_PAGE,
        "team_page_id": TEAM_PAGE,
        "other_page_id": OTHER_PAGE,
        "data_source_id": DATA_SOURCE,
        "database_id": DATABASE,
    });
    assert_eq!(sandbox["demo"], expected, "the demo seed has the same ids every time");
    assert_eq!(members(&ready["keys"]), ["viewer", "editor"]);
    for token in sandbox["tokens"].as_object().unwrap().values() {
        assert!(token.as_str().unwrap().starts_with("ntn_sandbox"));
    }
    // The keys are what they are said to be, and reach the team page's subtree only.
    for (key, role) in [(gate.viewer(), "viewer"), (gate.editor(), "editor")] {
        gate.v1("GET", &format!("/v1/pages/{TEAM_PAGE}"), &key, None).expect(200);
        gate.v1("GET", &format!("/v1/pages/{OTHER_PAGE}"), &key, None)
            .expect_notion_error(404, "object_not_found");
        let body = json!({ "icon": { "emoji": "🔥" } });
        let status = if role == "editor" { 200 } else { 403 };
        let answer = gate.v1("PATCH", &format!("/v1/pages/{TEAM_PAGE}"), &key, Some(body));
        assert_eq!(answer.status, status, "{role}: {}", answer.text());
    }
    for (name, mode_wanted) in [("master.key", 0o600), ("notegate.sqlite", 0o600), ("lock", 0o600)]
    {
        assert_eq!(mode(&place.data().join(name)), mode_wanted, "{name}");
    }
    assert_eq!(mode(&place.data()), 0o700);
    assert_eq!(gate.process.stop().code(), Some(0));

    // Without a sandbox there is nothing about one.
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    assert_eq!(members(&gate.ready), ["url", "admin_key", "pid"]);
}

#[test]
fn a_second_start_goes_on_with_new_demo_keys_and_ends_the_old_ones() {
    let place = Place::new();
    let first = Start::demo(&place).run();
    let mine = first.key("viewer", &[TEAM_PAGE]);
    let old = [first.viewer(), first.editor(), first.admin.clone()];
    assert_eq!(first.process.stop().code(), Some(0));
    let second = Start::demo(&place).run();
    let path = format!("/v1/pages/{TEAM_PAGE}");
    for key in &old {
        let answer = second.v1("GET", &path, key, None);
        answer.expect_notion_error(401, "unauthorized");
        assert_eq!(answer.header("x-notegate-reason"), Some("revoked"));
        let problem = second.api("GET", "/api/v1/keys", key, None);
        assert_eq!(
            (problem.status, &problem.expect_problem()["code"]),
            (401, &json!("key_revoked"))
        );
    }
    for key in [second.viewer(), second.editor(), second.admin.clone(), mine] {
        second.v1("GET", &path, &key, None).expect(200);
    }
    second.expect_intact();
}

/// The names that users have in their environment already (contract, "Environment that users already
/// have"), and whether they hold a secret.
const NAMES: &[(&str, bool)] = &[
    ("NOTION_TOKEN", true),
    ("NOTION_API_TOKEN", true),
    ("NOTION_READ_TOKEN", true),
    ("NOTION_WRITE_TOKEN", true),
    ("NOTION_DATABASE_ID", false),
    ("NOTION_OAUTH_CLIENT_ID", false),
    ("NOTION_OAUTH_CLIENT_SECRET", true),
    ("NOTION_OAUTH_REDIRECT_URI", false),
    ("NOTION_REDIRECT_URI", false),
    ("NOTION_AUDIT_DB_ID", false),
    ("SESSION_SECRET", true),
    ("AUTH_TOKEN", true),
    ("ENABLE_TOKEN_PASSTHROUGH", false),
    ("OPENAPI_MCP_HEADERS", true),
    ("PORT", false),
    ("SERVICE_URL", false),
    ("JWT_SECRET", true),
    ("JWT_EXPIRY", false),
    ("RATE_LIMIT_WINDOW_MS", false),
    ("RATE_LIMIT_MAX_REQUESTS", false),
    ("OPENSPEC_API_URL", false),
    ("OPENSPEC_API_TOKEN", true),
    ("OPENSPEC_CLI", false),
    ("AI_GENERATION_ENABLED", false),
    ("AUTO_VALIDATION_ENABLED", false),
    ("VERSION_HISTORY_ENABLED", false),
    ("REVIEW_WORKFLOW_ENABLED", false),
    ("DATABASE_URL", true),
    ("REDIS_URL", true),
    // Notion's base URL, and our own secret.
    ("NOTION_BASE_URL", false),
    ("BASE_URL", false),
    ("NOTEGATE_MASTER_KEY", true),
];

#[test]
fn f168_every_name_of_the_contract_is_understood_and_secrets_are_masked() {
    let place = Place::new();
    for (number, (name, secret)) in NAMES.iter().enumerate() {
        let value =
            if *name == "PORT" { "4567".to_owned() } else { format!("zebra{number}giraffe") };
        let ran = place.run(&["config", "print", "--json"], &[(name, &value)]);
        let printed = ran.expect(0).json();
        let items = printed["items"].as_array().unwrap();
        let source = format!("environment ({name})");
        let item = items.iter().find(|item| item["source"] == source.as_str());
        let item = item.unwrap_or_else(|| panic!("{name} is not understood"));
        let shown = item["value"].as_str().unwrap();
        assert_eq!(!shown.contains(&value), *secret, "{item}");
        let table = place.run(&["config", "print"], &[(name, &value)]);
        assert_eq!(!table.expect(0).out.contains(&value), *secret, "{name}: {table:?}");
        if *secret {
            // The same from a file.
            let file = place.join("secret");
            fs::write(&file, &value).unwrap();
            set_mode(&file, 0o600);
            let variable = format!("{name}_FILE");
            let environment = [(variable.as_str(), file.to_str().unwrap())];
            let ran = place.run(&["config", "print", "--json"], &environment);
            assert!(ran.expect(0).out.contains("secret file"), "{name}_FILE: {ran:?}");
            assert!(!ran.out.contains(&value), "{ran:?}");
        }
    }
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let place = Place::new();
    let source = |environment: &[(&str, &str)], name: &str| -> (Value, String) {
        let printed = place.run(&["config", "print", "--json"], environment).expect(0).json();
        let items = printed["items"].as_array().unwrap().clone();
        let item = items.into_iter().find(|item| item["name"] == name).unwrap();
        (item["value"].clone(), item["source"].as_str().unwrap_or_default().to_owned())
    };
    let name = "NOTEGATE_LISTEN";
    assert_eq!(source(&[], name), (json!("127.0.0.1:3000"), "default".to_owned()));
    let dead = dead_address();
    fs::write(place.join("notegate.toml"), format!("listen = \"{dead}\"\n")).unwrap();
    let (value, from) = source(&[], name);
    assert!(value == dead.as_str() && from.contains("notegate.toml"), "{value} {from}");
    let (value, from) = source(&[("PORT", "4567")], name);
    assert_eq!((value, from), (json!("127.0.0.1:4567"), "environment (PORT)".to_owned()));
    let both = [("PORT", "4567"), (name, "127.0.0.1:4568")];
    assert_eq!(source(&both, name).0, "127.0.0.1:4568");

    // Environment over file, seen in a real start; then the flag over both.
    let port = |address: &str| address.rsplit(':').next().unwrap().to_owned();
    let (first, second) = (dead_address(), dead_address());
    let file = ["serve", "--sandbox", "--data-dir", "d"];
    let gate = Start::demo(&place).argument("--listen").argument(&second);
    let gate = gate.set(name, &first).run();
    assert_eq!(port(&gate.url), port(&second));
    let (_held, taken) = taken_port();
    let ran = place.run(&file, &[(name, &taken)]);
    assert!(ran.expect(3).err.contains(&taken), "{ran:?}");
}
