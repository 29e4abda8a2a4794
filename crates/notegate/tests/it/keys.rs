//! Keys: made, listed and ended by the command line, while the gate runs and while it does not.

use serde_json::{Value, json};

use crate::harness::*;

const DATA: &[&str] = &["--data-dir", "data"];

fn keys(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["keys"], arguments, DATA].concat(), &[])
}

fn create(place: &Place, arguments: &[&str]) -> Value {
    let ran = keys(place, &[&["create", "--json"], arguments].concat());
    ran.expect(0).json()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn checksum(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut sum = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[sum % 62];
        sum /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}

/// The form of the contract: prefix, 12 characters, secret of 43, CRC-32 of all before in 6.
#[track_caller]
fn expect_form(key: &str, prefix: &str, separator: &str, id: &str) {
    let (before, sum) = key.split_at(key.len() - 6);
    assert_eq!(checksum(before), sum, "the checksum");
    let rest = before.strip_prefix(&format!("{prefix}{id}{separator}"));
    let rest = rest.unwrap_or_else(|| panic!("the prefix of a key with the id {id}"));
    assert_eq!((id.len(), rest.len()), (12, 43));
    assert!(id.chars().chain(rest.chars()).all(|c| c.is_ascii_alphanumeric()));
}

#[track_caller]
fn expect_ended(gate: &Gate, key: &str, reason: &str) {
    let answer = gate.v1("GET", "/v1/users/me", key, None);
    answer.expect_notion_error(401, "unauthorized");
    assert_eq!(answer.header("x-notegate-reason"), Some(reason));
    let answer = gate.api("GET", &format!("/api/v1/pages/{TEAM_PAGE}"), key, None);
    assert_eq!(answer.status, 401);
    let problem = answer.expect_problem();
    assert_eq!(problem["code"], format!("key_{reason}"), "{problem}");
}

#[test]
fn made_listed_and_ended_while_the_gate_runs() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let made = create(&place, &["--name", "bot", "--role", "viewer", "--within", TEAM_PAGE]);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    expect_form(&key, "ngk_", "_", &id);
    gate.v1("GET", &format!("/v1/pages/{TEAM_PAGE}"), &key, None).expect(200);
    gate.v1("GET", &format!("/v1/pages/{OTHER_PAGE}"), &key, None)
        .expect_notion_error(404, "object_not_found");

    // For people: the key alone on standard output, so that it can be piped.
    let ran = keys(&place, &["create", "--name", "plain", "--role", "editor"]);
    let plain = ran.expect(0).out.trim().to_owned();
    assert!(plain.starts_with("ngk_") && !plain.contains(char::is_whitespace), "{ran:?}");
    gate.v1("GET", "/v1/users/me", &plain, None).expect(200);

    let listed = keys(&place, &["list", "--json"]);
    let items = listed.expect(0).json();
    assert_eq!(items["next_cursor"], Value::Null);
    let items = items["items"].as_array().unwrap().clone();
    let item = items.iter().find(|item| item["id"] == id.as_str()).unwrap();
    assert_eq!(
        (&item["name"], &item["role"], &item["state"], &item["within"]),
        (&json!("bot"), &json!("viewer"), &json!("active"), &json!([TEAM_PAGE]))
    );
    assert!(item.get("key").is_none() && item.get("hash").is_none(), "{item}");
    let by_http = gate.api("GET", "/api/v1/keys?limit=1000", &gate.admin, None).expect(200);
    assert_eq!(by_http["items"], json!(items), "two doors, one answer");
    let table = keys(&place, &["list"]);
    assert!(table.expect(0).out.contains(&id), "{table:?}");
    for secret in [&key, &plain] {
        assert!(!listed.out.contains(&secret[17..]) && !table.out.contains(&secret[17..]));
    }

    keys(&place, &["revoke", &id]).expect(0);
    expect_ended(&gate, &key, "revoked");
    // People paste the whole key, too.
    keys(&place, &["revoke", &plain]).expect(0);
    expect_ended(&gate, &plain, "revoked");
    // Again is no harm; a stranger is told.
    keys(&place, &["revoke", &id]).expect(0);
    expect_ended(&gate, &key, "revoked");
    assert!(keys(&place, &["revoke", "AAAAAAAAAAAA"]).expect(2).err.contains("no such key"));
    keys(&place, &["revoke", "short"]).expect(2);
}

#[test]
fn made_and_ended_while_the_gate_is_stopped() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let early = gate.key("viewer", &[]);
    assert_eq!(gate.process.stop().code(), Some(0));

    let made = create(&place, &["--name", "late", "--role", "editor", "--within", TEAM_PAGE]);
    let late = text(&made, "key");
    keys(&place, &["revoke", &early[4..16]]).expect(0);
    let listed = keys(&place, &["list", "--json"]).expect(0).json();
    let state = |id: &str| {
        let items = listed["items"].as_array().unwrap();
        text(items.iter().find(|item| item["id"] == id).unwrap(), "state")
    };
    assert_eq!((state(&early[4..16]), state(&late[4..16])), ("revoked".into(), "active".into()));

    let gate = Start::before(&place, &sandbox).run();
    expect_ended(&gate, &early, "revoked");
    gate.v1("GET", &format!("/v1/pages/{TEAM_PAGE}"), &late, None).expect(200);
    gate.expect_intact();
}

#[test]
fn a_key_ends_at_its_time() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let made = create(&place, &["--name", "brief", "--role", "viewer", "--expires-in", "1s"]);
    let lasting = create(&place, &["--name", "month", "--role", "viewer", "--expires-in", "30d"]);
    assert!(made["expires_at"].is_string());
    let key = text(&made, "key");
    wait_for("the end of the key", || {
        let answer = gate.v1("GET", "/v1/users/me", &key, None);
        assert!([200, 401].contains(&answer.status), "{}", answer.text());
        (answer.status == 401).then_some(())
    });
    expect_ended(&gate, &key, "expired");
    gate.v1("GET", "/v1/users/me", &text(&lasting, "key"), None).expect(200);
    let listed = keys(&place, &["list", "--json"]).expect(0).json();
    let item = listed["items"].as_array().unwrap().iter().find(|it| it["id"] == made["id"]);
    assert_eq!(item.unwrap()["state"], "expired");
    for wrong in ["0", "-5", "soon", "1y", "99999999999d", "1.5h", ""] {
        let ran = keys(
            &place,
            &["create", "--name", "x", "--role", "viewer", &format!("--expires-in={wrong}")],
        );
        assert_eq!(ran.code, Some(2), "`{wrong}`: {ran:?}");
    }
}

#[test]
fn keys_that_look_like_tokens_of_notion() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let arguments = ["--name", "strict client", "--role", "viewer", "--notion-shaped"];
    let made = create(&place, &arguments);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    expect_form(&key, "ntn_ng", "", &id);
    gate.v1("GET", "/v1/users/me", &key, None).expect(200);
    keys(&place, &["revoke", &id]).expect(0);
    expect_ended(&gate, &key, "revoked");
    let key = text(&create(&place, &arguments), "key");
    keys(&place, &["revoke", &key]).expect(0);
    expect_ended(&gate, &key, "revoked");
}

#[test]
fn requests_for_keys_that_make_no_sense() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let count = || {
        let listed = gate.api("GET", "/api/v1/keys?limit=1000", &gate.admin, None).expect(200);
        listed["items"].as_array().unwrap().len()
    };
    let before = count();
    for body in [
        json!({}),
        json!([]),
        json!({ "name": "x" }),
        json!({ "name": "x", "role": "owner" }),
        json!({ "name": "", "role": "viewer" }),
        json!({ "name": "a\nb", "role": "viewer" }),
        json!({ "name": "x".repeat(201), "role": "viewer" }),
        json!({ "name": "x", "role": "viewer", "within": ["nowhere"] }),
        json!({ "name": "x", "role": "viewer", "within": TEAM_PAGE }),
        json!({ "name": "x", "role": "viewer", "within": vec![TEAM_PAGE; 101] }),
        json!({ "name": "x", "role": "viewer", "capabilities": ["fly"] }),
        json!({ "name": "x", "role": "viewer", "connection": NOTHING }),
        json!({ "name": "x", "role": "viewer", "scope": [TEAM_PAGE] }),
        json!({ "name": "x", "role": "viewer", "budget": { "calls": 1 } }),
        json!({ "name": "x", "role": "viewer", "budget": { "calls_per_minute": -1 } }),
        json!({ "name": "x", "role": "viewer", "expires_in": 0 }),
    ] {
        let answer = gate.api("POST", "/api/v1/keys", &gate.admin, Some(body.clone()));
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        answer.expect_problem();
    }
    // Only an admin.
    for key in [gate.viewer(), gate.editor()] {
        let body = json!({ "name": "x", "role": "viewer" });
        let answer = gate.api("POST", "/api/v1/keys", &key, Some(body));
        assert_eq!(
            (answer.status, &answer.expect_problem()["code"]),
            (403, &json!("role_missing"))
        );
    }
    assert_eq!(count(), before);
}

#[test]
fn a_budget_is_kept() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let arguments = ["--name", "slow", "--role", "viewer", "--calls-per-minute", "2"];
    let key = text(&create(&place, &arguments), "key");
    // The minute may turn in between, once.
    let answers: Vec<_> = (0..5).map(|_| gate.v1("GET", "/v1/users/me", &key, None)).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!((1..=3).contains(&refused.len()), "{}", refused.len());
    for answer in refused {
        answer.expect_notion_error(429, "rate_limited");
        assert_eq!(answer.header("x-notegate-reason"), Some("budget"));
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
}

#[test]
fn a_scoped_admin_is_no_way_around_its_scope() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let scoped = gate.key("admin", &[TEAM_PAGE]);
    gate.v1("GET", &format!("/v1/pages/{OTHER_PAGE}"), &scoped, None)
        .expect_notion_error(404, "object_not_found");
    // If it may make keys at all, then none that reaches further than itself.
    let body = json!({ "name": "wider", "role": "admin" });
    let answer = gate.api("POST", "/api/v1/keys", &scoped, Some(body));
    if answer.status == 201 {
        let wider = text(&answer.json(), "key");
        gate.v1("GET", &format!("/v1/pages/{OTHER_PAGE}"), &wider, None)
            .expect_notion_error(404, "object_not_found");
    } else {
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
}
