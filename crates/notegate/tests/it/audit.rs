//! The ledger: what stands in it (F071), in the log (F072), and that nobody changes it unseen (F075).

use std::fs;
use std::path::{Path, PathBuf};

use ledger::{Draft, Entry, Hash, Outcome, Resource};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::harness::*;

/// Calls of every kind by keys of every role: reads, writes, deletions, refusals, errors.
fn scenario(gate: &Gate) {
    let (viewer, editor) = (gate.viewer(), gate.editor());
    let team = format!("/v1/pages/{TEAM_PAGE}");
    let other = format!("/v1/pages/{OTHER_PAGE}");
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    gate.v1("GET", &team, &viewer, None).expect(200);
    gate.v1("GET", &other, &viewer, None).expect(404);
    gate.v1("GET", "/v1/pages/nonsense", &viewer, None).expect(400);
    gate.v1("POST", "/v1/search", &viewer, Some(json!({}))).expect(200);
    let icon = json!({ "icon": { "emoji": "🔥" } });
    gate.v1("PATCH", &team, &viewer, Some(icon.clone())).expect(403);
    gate.v1("PATCH", &team, &editor, Some(icon.clone())).expect(200);
    gate.v1("PATCH", &other, &editor, Some(icon)).expect(404);
    let page = json!({
        "parent": { "page_id": TEAM_PAGE },
        "properties": { "title": { "title": [{ "text": { "content": "New" } }] } },
    });
    let made = gate.v1("POST", "/v1/pages", &editor, Some(page)).expect(200);
    let made = format!("/v1/pages/{}", made["id"].as_str().unwrap());
    let trash = json!({ "in_trash": true });
    gate.v1("PATCH", &made, &editor, Some(trash.clone())).expect(403);
    gate.v1("PATCH", &made, &gate.admin, Some(trash)).expect(200);
    let wrong = json!({ "properties": { "No such property": { "number": 1 } } });
    gate.v1("PATCH", &team, &gate.admin, Some(wrong)).expect(400);
    gate.api("GET", "/api/v1/keys", &viewer, None).expect(403);
    gate.api("GET", "/api/v1/audit?limit=1", &gate.admin, None).expect(200);
    let key = gate.key("viewer", &[]);
    let route = format!("/api/v1/keys/{}", &key[4..16]);
    gate.api("DELETE", &route, &gate.admin, None).expect(204);
    gate.v1("GET", &team, &key, None).expect(401);
}

/// A data directory with a ledger in it that is not in use.
fn recorded(place: &Place) -> u64 {
    let gate = Start::demo(place).run();
    scenario(&gate);
    assert_eq!(gate.process.stop().code(), Some(0));
    let db = Connection::open(place.data().join("notegate.sqlite")).unwrap();
    let last: i64 = db.query_row("SELECT max(seq) FROM ledger", [], |row| row.get(0)).unwrap();
    last.unsigned_abs()
}

#[track_caller]
fn expect_time(text: &str) {
    let at: jiff::Timestamp = text.parse().unwrap();
    assert!(text.len() == 27 && text.ends_with('Z') && at.as_second() > 1_700_000_000, "{text}");
}

#[test]
fn f071_every_entry_has_its_form() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    scenario(&gate);
    let entries = gate.ledger();
    assert!(entries.len() > 25, "{}", entries.len());
    let mut prev = "0".repeat(64);
    for (index, entry) in entries.iter().enumerate() {
        let members: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        let with_reason = [
            "seq",
            "at",
            "principal",
            "tenant",
            "connection",
            "action",
            "operation",
            "resource",
            "result",
            "reason",
            "request_id",
            "prev",
            "hash",
            "metadata",
        ];
        let plain: Vec<&str> = with_reason.into_iter().filter(|name| *name != "reason").collect();
        assert!(members == with_reason || members == plain, "{entry}");
        assert_eq!(entry["seq"], index + 1, "{entry}");
        expect_time(entry["at"].as_str().unwrap());
        let text = |name: &str| entry[name].as_str().unwrap();
        let who = text("principal");
        let key = who.strip_prefix("key:").is_some_and(|id| id.len() == 12);
        assert!(key || ["operator", "gate"].contains(&who), "{entry}");
        assert!(!text("tenant").is_empty() && text("connection").len() == 36, "{entry}");
        let action = text("action").trim_end_matches("_intended").trim_end_matches("_denied");
        assert!(["read", "write", "delete", "manage"].contains(&action), "{entry}");
        assert!(!text("operation").is_empty() && !text("request_id").is_empty(), "{entry}");
        let resource: Vec<&String> = entry["resource"].as_object().unwrap().keys().collect();
        assert_eq!(resource, ["type", "id"]);
        assert!(!entry["resource"]["type"].as_str().unwrap().is_empty(), "{entry}");
        assert!(entry["resource"]["id"].is_string(), "{entry}");
        assert!(["success", "denied", "error"].contains(&text("result")), "{entry}");
        assert_eq!(text("result") == "success", entry.get("reason").is_none(), "{entry}");
        assert_eq!(text("result") == "denied", text("action").ends_with("_denied"), "{entry}");
        assert!(entry["metadata"].is_object(), "{entry}");
        assert_eq!(text("prev"), prev, "{entry}");
        assert!(text("hash").len() == 64, "{entry}");
        prev = text("hash").to_owned();
    }
    // Every intent has one conclusion, of the same operation, by the same principal.
    for intent in entries.iter().filter(|it| it["action"].as_str().unwrap().ends_with("_intended"))
    {
        let ends: Vec<&Value> =
            entries.iter().filter(|it| it["metadata"]["intent"] == intent["seq"]).collect();
        assert_eq!(ends.len(), 1, "{intent}");
        for name in ["operation", "principal", "resource", "request_id"] {
            assert_eq!(ends[0][name], intent[name], "{intent}");
        }
    }
    let count = |action: &str, result: &str, reason: &str| {
        let fits = |it: &&Value| {
            it["action"] == action
                && it["result"] == result
                && it["reason"].as_str().unwrap_or_default() == reason
        };
        entries.iter().filter(fits).count()
    };
    for (action, result, reason) in [
        ("read_denied", "denied", "scope"),
        ("read_denied", "denied", "request"),
        ("read_denied", "denied", "revoked"),
        ("write_denied", "denied", "role"),
        ("write_denied", "denied", "scope"),
        ("delete_denied", "denied", "role"),
        ("write", "error", "validation_error"),
        ("delete", "success", ""),
    ] {
        assert!(count(action, result, reason) > 0, "no {action} {result} {reason}");
    }
}

#[test]
fn f072_as_many_log_lines_as_entries() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    scenario(&gate);
    let entries = gate.ledger();
    let log = gate.process.err.clone();
    assert_eq!(gate.process.stop().code(), Some(0));
    let lines = json_lines(&fs::read_to_string(&log).unwrap());
    let audit: Vec<&Value> = lines.iter().filter(|line| line["level"] == "audit").collect();
    let db = Connection::open(place.data().join("notegate.sqlite")).unwrap();
    let count: i64 = db.query_row("SELECT count(*) FROM ledger", [], |row| row.get(0)).unwrap();
    assert_eq!(audit.len(), count as usize, "as many lines as entries");
    assert!(count as usize >= entries.len());
    for (line, entry) in audit.iter().zip(&entries) {
        let mut line = (*line).clone();
        line.as_object_mut().unwrap().shift_remove("level");
        assert_eq!(line, *entry);
    }
    let text = fs::read_to_string(&log).unwrap();
    for line in text.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "no JSON in the log: {line}");
    }
}

#[test]
fn f165_a_log_line_for_every_request_and_its_id_comes_back() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let targets = [
        ("/v1/users/me", 200),
        ("/v1/nothing", 400),
        ("/api/v1/keys", 401),
        ("/nothing", 404),
        ("/health", 200),
        ("/metrics", 200),
    ];
    for (number, (path, status)) in targets.iter().enumerate() {
        let id = format!("my-own.id:{number}");
        let bearer = format!("Bearer {}", gate.admin);
        let mut headers = vec![("x-request-id", id.as_str()), ("Notion-Version", VERSION)];
        if *status != 401 {
            headers.push(("Authorization", &bearer));
        }
        let bytes = crate::http::request("GET", path, &headers, None);
        let answer = crate::http::send(gate.address(), &bytes);
        assert_eq!(answer.status, *status, "{path}");
        assert_eq!(answer.header("x-request-id"), Some(id.as_str()), "{path}");
    }
    for bad in ["a b", "ümlaut", &"x".repeat(129), "a\"b", "<script>", ""] {
        let bytes = crate::http::request("GET", "/health", &[("x-request-id", bad)], None);
        let answer = crate::http::send(gate.address(), &bytes);
        let given = answer.header("x-request-id").unwrap();
        assert!(given != bad && given.len() == 36, "{given}");
    }
    let log = gate.process.err.clone();
    gate.process.stop();
    let lines = json_lines(&fs::read_to_string(log).unwrap());
    for (number, (path, status)) in targets.iter().enumerate() {
        let id = format!("my-own.id:{number}");
        let of_request: Vec<&Value> = lines
            .iter()
            .filter(|line| line["request_id"] == id.as_str() && line["target"] == "request")
            .collect();
        assert_eq!(of_request.len(), 1, "{path}");
        assert_eq!(
            (&of_request[0]["path"], &of_request[0]["status"]),
            (&json!(path), &json!(status))
        );
    }
}

#[test]
fn listed_checked_and_exported_by_command_line_and_http() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    scenario(&gate);
    let audit = |arguments: &[&str]| {
        place.run(&[&["audit"], arguments, &["--data-dir", "data"]].concat(), &[])
    };

    // Lists: newest first, in pages that join.
    let mut seen = Vec::new();
    let mut path = "/api/v1/audit?limit=7&action=write".to_owned();
    loop {
        let page = gate.api("GET", &path, &gate.admin, None).expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 7 && items.iter().all(|item| item["action"] == "write"));
        seen.extend(items.iter().map(|item| item["seq"].as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/audit?limit=7&action=write&cursor={cursor}");
    }
    assert!(!seen.is_empty() && seen.windows(2).all(|two| two[0] > two[1]), "{seen:?}");
    let by_object = format!("/api/v1/audit?object={}", TEAM_PAGE.replace('-', ""));
    let page = gate.api("GET", &by_object, &gate.admin, None).expect(200);
    let items = page["items"].as_array().unwrap();
    assert!(!items.is_empty() && items.iter().all(|it| it["resource"]["id"] == TEAM_PAGE));
    let listed = audit(&["list", "--json", "--result", "denied", "--limit", "1000"]);
    let listed = listed.expect(0).json();
    let items = listed["items"].as_array().unwrap();
    assert!(items.len() >= 5 && items.iter().all(|item| item["result"] == "denied"));
    assert!(listed.get("next_cursor").is_some(), "a list has its cursor: {listed}");
    for wrong in ["result=maybe", "limit=x", "limit=-1", "cursor=x", "limit=1&limit=2"] {
        let answer = gate.api("GET", &format!("/api/v1/audit?{wrong}"), &gate.admin, None);
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
        answer.expect_problem();
    }
    for key in [gate.viewer(), gate.editor()] {
        for route in ["audit", "audit/verify", "audit/export"] {
            let answer = gate.api("GET", &format!("/api/v1/{route}"), &key, None);
            assert_eq!(answer.status, 403, "{route}");
            answer.expect_problem();
        }
    }

    // The command line, while it runs and while it does not, and offline.
    let verdict = audit(&["verify", "--json"]).expect(0).json();
    assert_eq!((&verdict["intact"], &verdict["at"]), (&json!(true), &Value::Null), "{verdict}");
    let public_key = verdict["public_key"].as_str().unwrap().to_owned();
    audit(&["export", "--output", "running.jsonl"]).expect(0);
    assert_eq!(mode(&place.join("running.jsonl")), 0o600);
    let csv = audit(&["export", "--format", "csv"]);
    let entries = gate.ledger();
    assert!(csv.expect(0).out.starts_with("seq,at,principal,"));
    gate.expect_intact();
    assert_eq!(gate.process.stop().code(), Some(0));
    assert!(audit(&["verify"]).expect(0).out.contains("intact"));
    let stopped = audit(&["export"]);
    fs::write(place.join("stopped.jsonl"), &stopped.expect(0).out).unwrap();
    let lines = json_lines(&stopped.out);
    assert_eq!(lines[..entries.len()], entries[..], "the export only grows");

    let check = |file: &str, key: &str| {
        let arguments = ["audit", "verify", "--json", "--file", file, "--public-key", key];
        place.run(&arguments, &[])
    };
    for file in ["running.jsonl", "stopped.jsonl"] {
        check(file, &public_key).expect(0);
        place.run(&["audit", "verify", "--file", file], &[]).expect(0);
    }
    let other_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    check("running.jsonl", other_key).expect(1);

    // Damage to an export is found, and its place is named.
    let text = fs::read_to_string(place.join("running.jsonl")).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let damaged = |lines: &[String]| {
        fs::write(place.join("damaged.jsonl"), lines.join("\n") + "\n").unwrap();
        let ran = check("damaged.jsonl", &public_key);
        (ran.expect(1).json()["at"].as_u64().unwrap(), ran)
    };
    let mut changed = lines.clone();
    changed[4] = changed[4].replace("\"success\"", "\"denied\"");
    assert_ne!(changed, lines);
    assert_eq!(damaged(&changed).0, 5);
    let mut cut = lines.clone();
    cut.remove(9);
    assert_eq!(damaged(&cut).0, 10);
    let mut swapped = lines.clone();
    swapped.swap(6, 12);
    assert_eq!(damaged(&swapped).0, 7);
    let last = lines.len() - 2;
    let mut short = lines.clone();
    short.remove(last);
    assert_eq!(damaged(&short).0, last as u64 + 1);
    assert_eq!(damaged(&lines[..=last]).0, last as u64 + 2, "an export without its checkpoint");
    fs::write(place.join("other.jsonl"), "{\"a\":1}\n").unwrap();
    check("other.jsonl", &public_key).expect(2);
    fs::write(place.join("empty.jsonl"), "").unwrap();
    check("empty.jsonl", &public_key).expect(2);
    check("missing.jsonl", &public_key).expect(2);
}

/// A copy of the data directory of `place`, its database changed by `tamper`.
fn tampered(place: &Place, name: &str, tamper: impl FnOnce(&Connection)) -> PathBuf {
    let copy = place.join(name);
    fs::create_dir(&copy).unwrap();
    for file in ["master.key", "notegate.sqlite"] {
        fs::copy(place.data().join(file), copy.join(file)).unwrap();
    }
    let db = Connection::open(copy.join("notegate.sqlite")).unwrap();
    tamper(&db);
    copy
}

#[track_caller]
fn verify(place: &Place, data: &Path) -> (Ran, Value) {
    let data = data.to_str().unwrap();
    let ran = place.run(&["audit", "verify", "--json", "--data-dir", data], &[]);
    let verdict = serde_json::from_str(&ran.out).unwrap_or_default();
    (ran, verdict)
}

/// Checks that `audit verify` finds fault at `at`, says so to people, too, and still does the second
/// time: looking must not wipe away what there is to see.
#[track_caller]
fn expect_found(place: &Place, name: &str, data: &Path, at: u64) {
    for time in ["first", "second"] {
        let (ran, verdict) = verify(place, data);
        assert_eq!(ran.code, Some(1), "{name}, {time} time: {ran:?}");
        assert_eq!((&verdict["intact"], &verdict["at"]), (&json!(false), &json!(at)), "{name}");
    }
    let ran = place.run(&["audit", "verify", "--data-dir", data.to_str().unwrap()], &[]);
    assert!(ran.expect(1).out.contains(&format!("at entry {at}")), "{name}: {ran:?}");
}

#[test]
fn f075_a_changed_column_is_found() {
    let place = Place::new();
    let last = recorded(&place);
    let middle = last / 2;
    for (column, value) in [
        ("tenant", "'other'"),
        ("at", "at + 1"),
        ("principal", "'key:AAAAAAAAAAAA'"),
        ("connection", "'00000000-0000-4000-8000-000000000001'"),
        ("action", "'read_'"),
        ("operation", "'get-self_'"),
        ("resource_type", "'pages'"),
        ("resource_id", "'x'"),
        ("result", "CASE result WHEN 'success' THEN 'denied' ELSE 'success' END"),
        ("result", "'nonsense'"),
        ("reason", "CASE WHEN reason IS NULL THEN 'role' ELSE NULL END"),
        ("request_id", "request_id || ' '"),
        ("metadata", "'{\"intent\":12345}'"),
        ("metadata", "'nonsense'"),
        ("prev", "zeroblob(32)"),
        ("prev", "x'00'"),
        ("hash", "zeroblob(32)"),
        ("hash", "x''"),
    ] {
        let name = format!("{column} {}", value.len());
        let data = tampered(&place, &name.replace(' ', "-"), |db| {
            let sql = format!("UPDATE ledger SET {column} = {value} WHERE seq = ?1");
            assert_eq!(db.execute(&sql, [middle.cast_signed()]).unwrap(), 1);
        });
        let (ran, verdict) = verify(&place, &data);
        assert_eq!(ran.code, Some(1), "{column} = {value}: {ran:?}");
        assert_eq!(verdict["at"], middle, "{column} = {value}: {ran:?}");
    }
    // The numbers themselves.
    let data = tampered(&place, "seq", |db| {
        let sql = "UPDATE ledger SET seq = seq + 1000 WHERE seq = ?1";
        assert_eq!(db.execute(sql, [middle.cast_signed()]).unwrap(), 1);
    });
    expect_found(&place, "seq", &data, middle);
}

#[test]
fn f075_deleted_and_swapped_rows_are_found() {
    let place = Place::new();
    let last = recorded(&place);
    let middle = last / 2;
    let delete = |db: &Connection, seq: u64| {
        let sql = "DELETE FROM ledger WHERE seq = ?1";
        assert_eq!(db.execute(sql, [seq.cast_signed()]).unwrap(), 1);
    };
    for (name, seq) in [("first", 1), ("middle", middle), ("last", last)] {
        let data = tampered(&place, name, |db| delete(db, seq));
        expect_found(&place, name, &data, seq);
    }
    let data = tampered(&place, "tail", |db| {
        (middle..=last).for_each(|seq| delete(db, seq));
    });
    expect_found(&place, "everything from the middle on", &data, middle);
    let data = tampered(&place, "swapped", |db| {
        let swap = "UPDATE ledger SET seq = ?2 WHERE seq = ?1";
        for (from, to) in [(middle, -1), (middle + 3, middle.cast_signed()), (0, 0)] {
            db.execute(swap, params![from.cast_signed(), to]).unwrap();
        }
        db.execute(swap, params![-1, (middle + 3).cast_signed()]).unwrap();
    });
    expect_found(&place, "swapped", &data, middle);
    let data = tampered(&place, "all", |db| {
        db.execute("DELETE FROM ledger", []).unwrap();
    });
    expect_found(&place, "all rows", &data, 1);
}

#[test]
fn f075_a_deleted_checkpoint_is_found() {
    let place = Place::new();
    let last = recorded(&place);
    let data = tampered(&place, "checkpoint", |db| {
        assert_eq!(db.execute("DELETE FROM ledger_checkpoints", []).unwrap(), 1);
    });
    let (ran, verdict) = verify(&place, &data);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let at = verdict["at"].as_u64().unwrap_or_else(|| panic!("no place: {ran:?}"));
    assert!((1..=last + 2).contains(&at), "{at}");
}

fn entries(db: &Connection) -> Vec<Entry> {
    let mut query = db
        .prepare(
            "SELECT tenant, seq, at, principal, connection, action, operation, resource_type, \
             resource_id, result, reason, request_id, metadata, prev, hash FROM ledger ORDER BY seq",
        )
        .unwrap();
    let rows = query.query_map([], |row| {
        Ok(Entry {
            tenant: row.get(0)?,
            seq: row.get::<_, i64>(1)?.unsigned_abs(),
            at: jiff::Timestamp::from_microsecond(row.get(2)?).unwrap(),
            principal: row.get(3)?,
            connection: row.get(4)?,
            action: row.get::<_, String>(5)?.into(),
            operation: row.get::<_, String>(6)?.into(),
            resource: Resource { kind: row.get::<_, String>(7)?.into(), id: row.get(8)? },
            result: row.get::<_, String>(9)?.parse::<Outcome>().unwrap(),
            reason: row.get::<_, Option<String>>(10)?.map(Into::into),
            request_id: row.get(11)?,
            metadata: serde_json::from_str(&row.get::<_, String>(12)?).unwrap(),
            prev: Hash(row.get(13)?),
            hash: Hash(row.get(14)?),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Writes `entry` anew, as somebody does who knows how hashes are taken: nothing about them is
/// secret.
fn put(db: &Connection, entry: &Entry) {
    db.execute(
        "INSERT OR REPLACE INTO ledger (tenant, seq, at, principal, connection, action, operation, \
         resource_type, resource_id, result, reason, request_id, metadata, prev, hash) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            entry.tenant,
            entry.seq.cast_signed(),
            entry.at.as_microsecond(),
            entry.principal,
            entry.connection,
            entry.action,
            entry.operation,
            entry.resource.kind,
            entry.resource.id,
            entry.result.as_str(),
            entry.reason,
            entry.request_id,
            serde_json::to_string(&entry.metadata).unwrap(),
            entry.prev.0,
            entry.hash.0,
        ],
    )
    .unwrap();
}

fn draft(entry: Entry) -> Draft {
    let Entry { at, principal, tenant, connection, action, operation, resource, .. } = entry;
    let Entry { result, reason, request_id, metadata, .. } = entry;
    Draft {
        at,
        principal,
        tenant,
        connection,
        action,
        operation,
        resource,
        result,
        reason,
        request_id,
        metadata,
    }
}

/// Rewrites the chain from `from` on without fault, one principal changed; gives the new head.
fn rewrite(db: &Connection, from: u64) -> Entry {
    let mut all = entries(db);
    let mut prev = all[from as usize - 2].hash;
    for entry in all.drain(from as usize - 1..).collect::<Vec<_>>() {
        let seq = entry.seq;
        let mut draft = draft(entry);
        if seq == from {
            draft.principal = "key:AAAAAAAAAAAA".to_owned();
        }
        let forged = Entry::place(draft, seq, prev);
        prev = forged.hash;
        put(db, &forged);
        all.push(forged);
    }
    all.pop().unwrap()
}

#[test]
fn f075_inserted_rows_are_found() {
    let place = Place::new();
    let last = recorded(&place);
    let middle = last / 2;
    let data = tampered(&place, "inside", |db| {
        let shift = "UPDATE ledger SET seq = ?1 WHERE seq = ?2";
        for seq in (middle..=last).rev() {
            db.execute(shift, [(seq + 1).cast_signed(), seq.cast_signed()]).unwrap();
        }
        let mut entry = entries(db)[middle as usize - 2].clone();
        entry.seq = middle;
        put(db, &entry);
    });
    expect_found(&place, "in the middle", &data, middle);
    let data = tampered(&place, "careless", |db| {
        let mut entry = entries(db).pop().unwrap();
        entry.seq += 1;
        put(db, &entry);
    });
    expect_found(&place, "at the end, as a copy", &data, last + 1);
    // With the right hashes, but of course without a signature.
    let data = tampered(&place, "careful", |db| {
        let head = entries(db).pop().unwrap();
        put(db, &Entry::place(draft(head.clone()), head.seq + 1, head.hash));
    });
    expect_found(&place, "at the end, with the right hashes", &data, last + 1);
}

#[test]
fn f075_a_chain_that_was_written_anew_is_found() {
    let place = Place::new();
    let last = recorded(&place);
    let middle = last / 2;
    let find = |name: &str, data: &Path| {
        for time in ["first", "second"] {
            let (ran, verdict) = verify(&place, data);
            assert_eq!(ran.code, Some(1), "{name}, {time} time: {ran:?}");
            let at = verdict["at"].as_u64().unwrap();
            assert!((middle..=last + 2).contains(&at), "{name}: {verdict}");
        }
    };
    let data = tampered(&place, "rewritten", |db| drop(rewrite(db, middle)));
    find("with the old checkpoint", &data);
    let data = tampered(&place, "unsigned", |db| {
        let head = rewrite(db, middle);
        let sql = "UPDATE ledger_checkpoints SET seq = ?1, hash = ?2";
        db.execute(sql, params![head.seq.cast_signed(), head.hash.0]).unwrap();
    });
    find("with a checkpoint that nobody signed", &data);
    let data = tampered(&place, "re-signed", |db| {
        let head = rewrite(db, middle);
        let signer = ledger::Signer::from_seed(&[7; 32]);
        let head = ledger::Head { seq: head.seq, hash: head.hash };
        let checkpoint = signer.sign("default", head);
        let sql =
            "UPDATE ledger_checkpoints SET seq = ?1, hash = ?2, signature = ?3, public_key = ?4";
        let changed = params![
            head.seq.cast_signed(),
            head.hash.0,
            checkpoint.signature,
            checkpoint.public_key
        ];
        db.execute(sql, changed).unwrap();
    });
    find("with a checkpoint that a stranger signed", &data);
    // Starting the gate is no way to have it signed, either.
    let data = tampered(&place, "served", |db| {
        let head = rewrite(db, middle);
        let sql = "UPDATE ledger_checkpoints SET seq = ?1, hash = ?2";
        db.execute(sql, params![head.seq.cast_signed(), head.hash.0]).unwrap();
    });
    let gate = Start::demo(&place).argument("--data-dir").argument(data.to_str().unwrap()).run();
    let verdict = gate.api("GET", "/api/v1/audit/verify", &gate.admin, None).expect(200);
    assert_eq!(verdict["intact"], false, "{verdict}");
}

/// A gate whose ledger cannot be written: somebody else has taken the next numbers.
fn blocked(place: &Place, sandbox: &Sandbox) -> Gate {
    let gate = Start::before(place, sandbox).run();
    gate.ledger();
    let db = Connection::open(place.data().join("notegate.sqlite")).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    // Beyond what is written, and far enough for what is still on its way.
    let sql = "INSERT INTO ledger SELECT tenant, seq + 1000, at, 'squatter', connection, action, \
               operation, resource_type, resource_id, result, reason, request_id, metadata, prev, \
               hash FROM ledger WHERE seq = 1";
    db.execute(sql, []).unwrap();
    let shift = "UPDATE ledger SET seq = (SELECT max(seq) + 3 FROM ledger WHERE seq < 1000) \
                 WHERE principal = 'squatter'";
    assert_eq!(db.execute(shift, []).unwrap(), 1);
    let icon = json!({ "icon": { "emoji": "🔥" } });
    wait_for("the ledger to be blocked", || {
        let answer =
            gate.v1("PATCH", &format!("/v1/pages/{TEAM_PAGE}"), &gate.admin, Some(icon.clone()));
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
        (answer.status == 503).then_some(())
    });
    gate
}

#[test]
fn nothing_happens_while_the_ledger_cannot_be_written() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = blocked(&place, &sandbox);
    let before = sandbox.calls().len();
    let team = format!("/v1/pages/{TEAM_PAGE}");
    for (method, body) in [("GET", None), ("PATCH", Some(json!({ "icon": { "emoji": "🔥" } })))] {
        let answer = gate.v1(method, &team, &gate.admin, body);
        answer.expect_notion_error(503, "service_unavailable");
        assert_eq!(answer.header("x-notegate-reason"), Some("ledger"));
    }
    let answer = gate.api("GET", &format!("/api/v1/pages/{TEAM_PAGE}"), &gate.admin, None);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.expect_problem()["code"], "ledger_unavailable");
    assert_eq!(sandbox.calls().len(), before, "nothing reached Notion");
    assert_eq!(gate.v1("GET", "/health/ready", "", None).status, 503);
    gate.v1("GET", "/health/live", "", None).expect(200);

    // As soon as it can be written again, all goes on.
    let db = Connection::open(place.data().join("notegate.sqlite")).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    db.execute("DELETE FROM ledger WHERE principal = 'squatter'", []).unwrap();
    wait_for("the ledger to be written again", || {
        (gate.v1("GET", &team, &gate.admin, None).status == 200).then_some(())
    });
    gate.v1("GET", "/health/ready", "", None).expect(200);
    gate.expect_intact();
    // Nothing is left open, whatever was under way when it could not.
    let ledger = gate.ledger();
    for intent in ledger.iter().filter(|it| it["action"] == "write_intended") {
        let ends = ledger.iter().filter(|it| it["metadata"]["intent"] == intent["seq"]).count();
        assert_eq!(ends, 1, "{intent}");
    }
    let done = ledger.iter().filter(|it| it["action"] == "write" && it["result"] == "success");
    let ours = |call: &Value| call["method"] == "PATCH" && call["path"] == team;
    let writes = sandbox.calls().into_iter().filter(ours);
    assert_eq!(done.count(), writes.count(), "what Notion did, and what the ledger says");
}

#[test]
fn a_gate_whose_ledger_cannot_be_written_still_stops() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = blocked(&place, &sandbox);
    // What could not be recorded is no success; but it ends.
    let status = gate.process.stop();
    assert!(status.code().is_some(), "{status}");
}

#[test]
fn f075_the_first_of_several_faults_is_named() {
    let place = Place::new();
    let last = recorded(&place);
    let (early, late) = (last / 3, last / 2);
    for (name, sql) in [
        ("changed", "UPDATE ledger SET principal = 'x' WHERE seq = ?1"),
        ("unreadable", "UPDATE ledger SET metadata = 'nonsense' WHERE seq = ?1"),
        ("deleted", "DELETE FROM ledger WHERE seq = ?1"),
    ] {
        let data = tampered(&place, name, |db| {
            let changed = "UPDATE ledger SET action = 'x' WHERE seq = ?1";
            assert_eq!(db.execute(changed, [early.cast_signed()]).unwrap(), 1);
            assert_eq!(db.execute(sql, [late.cast_signed()]).unwrap(), 1);
        });
        let (ran, verdict) = verify(&place, &data);
        ran.expect(1);
        assert_eq!(verdict["at"], early, "an entry is {name} at {late}: {verdict}");
        assert_eq!(verdict["entries"], early - 1, "the good ones before it: {verdict}");
    }
}

#[test]
fn f075_a_row_that_makes_no_sense_is_a_gap_that_shows() {
    let place = Place::new();
    let last = recorded(&place);
    let middle = last / 2;
    let data = tampered(&place, "nonsense", |db| {
        let sql = "UPDATE ledger SET metadata = 'nonsense' WHERE seq = ?1";
        assert_eq!(db.execute(sql, [middle.cast_signed()]).unwrap(), 1);
    });
    expect_found(&place, "nonsense", &data, middle);
    let data = data.to_str().unwrap();
    let audit = |arguments: &[&str]| {
        place.run(&[&["audit"], arguments, &["--data-dir", data]].concat(), &[])
    };
    // Nothing else is hidden by it: everything can be listed and exported.
    let gap = json!({ "unreadable": { "seq": middle, "column": "metadata" } });
    let listed = audit(&["list", "--limit", "1000", "--json"]).expect(0).json();
    let items = listed["items"].as_array().unwrap();
    assert!(items.len() as u64 >= last && items.contains(&gap), "{listed}");
    assert!(audit(&["list", "--limit", "1000"]).expect(0).out.contains("metadata makes no sense"));
    audit(&["export", "--output", "gap.jsonl"]).expect(0);
    let lines = json_lines(&fs::read_to_string(place.join("gap.jsonl")).unwrap());
    assert_eq!(lines[middle as usize - 1], gap);
    let checked = place.run(&["audit", "verify", "--json", "--file", "gap.jsonl"], &[]);
    let checked = checked.expect(1).json();
    assert_eq!((&checked["at"], &checked["fault"]), (&json!(middle), &json!("unreadable")));
    let csv = audit(&["export", "--format", "csv"]);
    assert!(csv.expect(0).out.contains(&format!("\n{middle},,,,,unreadable,")));
}

#[test]
fn checkpoints_kept_elsewhere_show_what_who_holds_everything_did() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    scenario(&gate);
    let audit = |arguments: &[&str]| {
        place.run(&[&["audit"], arguments, &["--data-dir", "data"]].concat(), &[])
    };
    let key = audit(&["public-key"]).expect(0).out.trim().to_owned();
    assert_eq!(audit(&["public-key", "--json"]).expect(0).json()["public_key"], key.as_str());
    audit(&["checkpoint", "--out", "kept.jsonl"]).expect(0);
    let shown = audit(&["checkpoint"]).expect(0).json();
    assert_eq!(shown["checkpoint"]["public_key"], key.as_str());
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    audit(&["checkpoint", "--out", "kept.jsonl"]).expect(0);
    assert_eq!(json_lines(&fs::read_to_string(place.join("kept.jsonl")).unwrap()).len(), 2);
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    assert_eq!(gate.process.stop().code(), Some(0));
    audit(&["export", "--output", "whole.jsonl"]).expect(0);

    // Whoever has the data directory can roll it back and go on: every signature is good then.
    let check = |file: &str, rest: &[&str]| {
        place.run(&[&["audit", "verify", "--file", file], rest].concat(), &[])
    };
    let kept = &["--checkpoints", "kept.jsonl"];
    let good = check("whole.jsonl", kept);
    assert!(!good.expect(0).out.contains("Not proven"), "{}", good.out);
    let without = check("whole.jsonl", &[]);
    assert!(without.expect(0).out.contains("Not proven: who signed it"), "{}", without.out);
    let first = json_lines(&fs::read_to_string(place.join("kept.jsonl")).unwrap())[0].clone();
    let seq = first["checkpoint"]["seq"].as_u64().unwrap();
    let lines: Vec<String> =
        fs::read_to_string(place.join("whole.jsonl")).unwrap().lines().map(str::to_owned).collect();
    let short = [&lines[..seq as usize], &[first.to_string()]].concat().join("\n");
    fs::write(place.join("short.jsonl"), short).unwrap();
    check("short.jsonl", &["--public-key", &key]).expect(0);
    let cut = check("short.jsonl", kept);
    assert!(cut.expect(1).out.contains(&format!("at entry {}", seq + 1)), "{}", cut.out);

    // What came after the last export, and parts that somebody cut out.
    let after = seq.to_string();
    audit(&["export", "--after", &after, "--output", "after.jsonl"]).expect(0);
    let joined = check("after.jsonl", kept);
    assert!(!joined.expect(0).out.contains("Not proven"), "{}", joined.out);
    check("after.jsonl", &["--public-key", &key]).expect(1);
    let part = check("after.jsonl", &["--public-key", &key, "--part"]);
    assert!(part.expect(0).out.contains("Not proven: what came before"), "{}", part.out);
    fs::write(place.join("part.jsonl"), lines[3..7].join("\n")).unwrap();
    let part = check("part.jsonl", &["--part", "--json"]).expect(0).json();
    assert_eq!(
        (&part["first"], &part["last"], &part["signed"]),
        (&json!(4), &json!(7), &Value::Null)
    );
    let what: Vec<&str> = part["unproven"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["before", "after", "unsigned"]);
    audit(&["export", "--after", "1000000"]).expect(2);

    // The wrong thing in the wrong place.
    audit(&["export", "--format", "csv", "--output", "ledger.csv"]).expect(0);
    assert!(check("ledger.csv", &[]).expect(2).err.contains("JSON Lines"));
    check("whole.jsonl", &["--checkpoints", "part.jsonl"]).expect(2);
    check("whole.jsonl", &["--checkpoints", "ledger.csv"]).expect(2);
    check("whole.jsonl", &["--public-key", "nonsense"]).expect(2);
    place.run(&["audit", "verify", "--part", "--data-dir", "data"], &[]).expect(2);

    // A ledger that went back is not added to what was kept.
    let data = tampered(&place, "rolled-back", |db| {
        db.execute("DELETE FROM ledger WHERE seq > ?1", [seq.cast_signed()]).unwrap();
        db.execute("DELETE FROM ledger_checkpoints", []).unwrap();
        let row = params![
            seq.cast_signed(),
            hex(first["checkpoint"]["hash"].as_str().unwrap()),
            first["checkpoint"]["signature"].as_str().unwrap(),
            key,
        ];
        db.execute("INSERT INTO ledger_checkpoints VALUES ('default', ?1, ?2, ?3, ?4)", row)
            .unwrap();
    });
    let rolled = data.to_str().unwrap();
    place.run(&["audit", "verify", "--data-dir", rolled], &[]).expect(0);
    audit(&["checkpoint", "--out", "kept.jsonl"]).expect(0);
    let refused =
        place.run(&["audit", "checkpoint", "--out", "kept.jsonl", "--data-dir", rolled], &[]);
    assert!(refused.expect(1).err.contains("cut off or rewritten"), "{refused:?}");
}

fn hex(text: &str) -> Vec<u8> {
    (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
fn what_is_dropped_leaves_a_signed_record() {
    let place = Place::new();
    let last = recorded(&place);
    let audit = |arguments: &[&str]| {
        place.run(&[&["audit"], arguments, &["--data-dir", "data"]].concat(), &[])
    };
    audit(&["export", "--output", "before.jsonl"]).expect(0);
    audit(&["prune", "--before", "yesterday"]).expect(2);
    audit(&["prune", "--before", "2999-01-01"]).expect(2);
    assert!(audit(&["prune", "--before", "1d"]).expect(0).out.contains("nothing was dropped"));
    let dropped = audit(&["prune", "--before", "0d", "--json"]).expect(0).json();
    let gone = dropped["pruned"]["last"].as_u64().unwrap();
    assert!(gone >= last && dropped["entries"] == gone, "{dropped}");
    assert_eq!(dropped["pruned"]["by"], "operator");
    let db = Connection::open(place.data().join("notegate.sqlite")).unwrap();
    let first: i64 = db.query_row("SELECT min(seq) FROM ledger", [], |row| row.get(0)).unwrap();
    assert_eq!(first.unsigned_abs(), gone + 1);
    drop(db);

    let verified = audit(&["verify"]);
    let told = format!("Entries 1 to {gone} were dropped on ");
    assert!(verified.expect(0).out.contains(&told), "{}", verified.out);
    audit(&["export", "--output", "after.jsonl"]).expect(0);
    let check = |rest: &[&str]| {
        place.run(&[&["audit", "verify", "--file", "after.jsonl"], rest].concat(), &[])
    };
    assert!(check(&[]).expect(0).out.contains(&told));
    // The last entry of the export before is the end of what is gone, or in the middle of it.
    check(&["--checkpoints", "before.jsonl"]).expect(0);
    let csv = audit(&["export", "--format", "csv"]);
    assert!(csv.expect(0).out.contains(&format!("entries 1 to {gone} were dropped")));

    // The record itself can be neither changed nor taken away nor made longer.
    for (name, sql) in [
        ("taken", "DELETE FROM ledger_pruned"),
        ("longer", "UPDATE ledger_pruned SET last = last + 1"),
        ("shorter", "UPDATE ledger_pruned SET last = last - 1"),
        ("by", "UPDATE ledger_pruned SET dropped_by = 'gate'"),
        ("nonsense", "UPDATE ledger_pruned SET dropped_at = 9223372036854775807"),
    ] {
        let data = tampered(&place, name, |db| {
            assert_eq!(db.execute(sql, []).unwrap(), 1);
        });
        let (ran, verdict) = verify(&place, &data);
        assert_eq!((ran.code, &verdict["at"]), (Some(1), &json!(1)), "{name}: {ran:?}");
    }
    // Nothing is dropped from a ledger that is not intact.
    let data = tampered(&place, "damaged", |db| {
        let sql = "UPDATE ledger SET principal = 'gate' WHERE seq = (SELECT min(seq) FROM ledger)";
        assert_eq!(db.execute(sql, []).unwrap(), 1);
    });
    let data = data.to_str().unwrap();
    let refused = place.run(&["audit", "prune", "--before", "0d", "--data-dir", data], &[]);
    assert!(refused.expect(2).err.contains("not intact"), "{refused:?}");
    // It starts and goes on as before.
    let gate = Start::demo(&place).run();
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    assert_eq!(gate.process.stop().code(), Some(0));
    audit(&["verify"]).expect(0);
}
