//! `notegate doctor`: what stands in the way, by exit code and in words.

use serde_json::Value;

use crate::harness::*;

/// Makes the credential so old.
fn age(place: &Place, days: i64) {
    let db = rusqlite::Connection::open(place.data().join("notegate.sqlite")).unwrap();
    let sql = "UPDATE connections SET rotated_at = (unixepoch() - ?1 * 86400) * 1000000";
    assert!(db.execute(sql, [days]).unwrap() > 0);
}

fn findings<'a>(report: &'a Value, section: &str) -> &'a Vec<Value> {
    let sections = report["sections"].as_array().unwrap();
    let found = sections.iter().find(|it| it["name"] == section).unwrap();
    found["findings"].as_array().unwrap()
}

#[test]
fn f023_the_age_of_a_token_is_told_in_time() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    Start::before(&place, &sandbox).run().process.stop();
    let doctor = |json: bool| {
        let arguments = ["doctor", "token_age", "--data-dir", "data", "--json"];
        place.run(if json { &arguments } else { &arguments[..4] }, &[])
    };
    for (days, code, words) in [
        (3, 0, &["READY", "3 days old"][..]),
        (80, 0, &["READY", "1 warning", "due in 10 days"]),
        (91, 1, &["BLOCKED by token_age", "91 days old", "environment"]),
    ] {
        age(&place, days);
        let ran = doctor(false);
        ran.expect(code);
        for word in words {
            assert!(ran.out.contains(word), "{days}: {word}: {ran:?}");
        }
        let report = doctor(true).expect(code).json();
        assert_eq!(report["ready"], code == 0);
        let found = &findings(&report, "token_age")[0];
        assert_eq!(found["code"], "token_age");
        assert!(!report.to_string().contains(&sandbox.full));
    }
    // While the gate runs, the same is seen through its socket.
    let gate = Start::before(&place, &sandbox).run();
    doctor(false).expect(1);
    gate.expect_intact();
}

#[test]
fn f080_the_redirect_uri_is_compared_letter_by_letter() {
    let place = Place::new();
    let secret = "the-client-secret-that-nobody-sees";
    let doctor = |redirect: &str| {
        let environment = [
            ("NOTION_OAUTH_CLIENT_ID", "0a1b2c3d-0000-4000-8000-000000000000"),
            ("NOTION_OAUTH_CLIENT_SECRET", secret),
            ("NOTION_OAUTH_REDIRECT_URI", redirect),
            ("SERVICE_URL", "https://gate.example.com"),
        ];
        let ran = place.run(&["doctor", "oauth"], &environment);
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{ran:?}");
        ran
    };
    doctor("https://gate.example.com/auth/notion/callback").expect(0);
    for (redirect, word) in [
        ("https://gate.example.com/auth/notion/callback/", "ends with a slash"),
        ("http://gate.example.com/auth/notion/callback", "scheme is http"),
        ("https://gate.example.org/auth/notion/callback", "host is gate.example.org"),
        ("https://gate.example.com:444/auth/notion/callback", "port is 444"),
    ] {
        let ran = doctor(redirect);
        ran.expect(1);
        assert!(ran.out.contains(word) && ran.out.contains("BLOCKED by oauth"), "{ran:?}");
        assert!(ran.out.contains("set it to https://gate.example.com/auth/notion/callback"));
    }
    let alone = [("NOTION_OAUTH_CLIENT_ID", "x")];
    let ran = place.run(&["doctor", "oauth"], &alone);
    ran.expect(1);
    assert!(ran.out.contains("NOTION_OAUTH_CLIENT_SECRET") && ran.out.contains("is missing"));
    place.run(&["doctor", "oauth"], &[]).expect(0);
}

#[test]
fn a_place_without_anything_is_no_fault_and_a_wrong_section_is() {
    let place = Place::new();
    let ran = place.run(&["doctor"], &[]);
    ran.expect(0);
    for section in ["token_age", "connections", "oauth", "master_key", "READY"] {
        assert!(ran.out.contains(section), "{section}: {ran:?}");
    }
    assert!(!place.join("notegate-data").exists(), "it changes nothing");
    let ran = place.run(&["doctor", "nonsense"], &[]);
    ran.expect(2);
    assert!(ran.err.contains("token_age"), "{ran:?}");

    // A key beside the data is a warning, and a state that needs somebody blocks.
    let sandbox = Sandbox::start(&place);
    Start::before(&place, &sandbox).run().process.stop();
    let ran = place.run(&["doctor", "--data-dir", "data"], &[]);
    ran.expect(0);
    assert!(ran.out.contains("beside the data"), "{ran:?}");
    let db = rusqlite::Connection::open(place.data().join("notegate.sqlite")).unwrap();
    let sql =
        "UPDATE connections SET state = 'needs_reauthorization', state_reason = 'refresh_lost'";
    assert_eq!(db.execute(sql, []).unwrap(), 1);
    drop(db);
    let ran = place.run(&["doctor", "connections", "--data-dir", "data"], &[]);
    ran.expect(1);
    assert!(ran.out.contains("refresh_lost") && ran.out.contains("BLOCKED by connections"));
}
