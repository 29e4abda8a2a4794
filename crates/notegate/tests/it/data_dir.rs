//! Data directories that are in use, damaged, locked by another key or written by a newer notegate:
//! a clear message, exit 2 or 3, nothing damaged.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::harness::*;

const OTHER_MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A data directory that was used and put away in order.
fn used(place: &Place) {
    let gate = Start::demo(place).run();
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    assert_eq!(gate.process.stop().code(), Some(0));
}

fn serve(data: &Path) -> [&str; 6] {
    ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()]
}

/// What a refused start says: one line of notegate's own, and no panic.
#[track_caller]
fn expect_message(ran: &Ran, code: i32, words: &[&str]) {
    ran.expect(code);
    let own: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("notegate: ")).collect();
    assert_eq!(own.len(), 1, "{ran:?}");
    for word in words {
        assert!(own[0].contains(word), "`{word}` is not in: {ran:?}");
    }
    assert!(!ran.err.contains("panicked"), "{ran:?}");
}

#[test]
fn two_processes_on_one_data_directory() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let data = place.data();
    let ran = place.run(&serve(&data), &[]);
    expect_message(&ran, 3, &["in use", "--data-dir", data.to_str().unwrap()]);
    // The first goes on: over HTTP, and for the commands that go through its socket.
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    place.run(&["keys", "list", "--data-dir", "data"], &[]).expect(0);
    gate.expect_intact();
    assert_eq!(gate.process.stop().code(), Some(0));
}

#[test]
fn a_wrong_or_lost_master_key_changes_nothing() {
    let place = Place::new();
    used(&place);
    let data = place.data();
    let kept = |data: &Path| {
        let mut files = snapshot(data);
        files.retain(|(path, _)| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            !name.ends_with("-shm") && name != "lock"
        });
        files
    };
    let before = kept(&data);
    assert_eq!(before.len(), 2, "the database and the master key");

    let wrong = [("NOTEGATE_MASTER_KEY", OTHER_MASTER_KEY)];
    let ran = place.run(&serve(&data), &wrong);
    expect_message(&ran, 2, &["NOTEGATE_MASTER_KEY"]);
    assert!(!ran.err.contains(OTHER_MASTER_KEY), "{ran:?}");
    for command in [&["keys", "list"][..], &["audit", "verify"]] {
        let ran = place.run(&[command, &["--data-dir", "data"]].concat(), &wrong);
        expect_message(&ran, 2, &["NOTEGATE_MASTER_KEY"]);
    }
    assert!(before == kept(&data), "a wrong master key must not change the data directory");

    let master_key = fs::read(data.join("master.key")).unwrap();
    fs::remove_file(data.join("master.key")).unwrap();
    let ran = place.run(&serve(&data), &[]);
    expect_message(&ran, 2, &["master key", "NOTEGATE_MASTER_KEY"]);
    let ran = place.run(&["keys", "list", "--data-dir", "data"], &[]);
    expect_message(&ran, 2, &["master key"]);
    assert!(!data.join("master.key").exists(), "no new master key for an old database");

    // A master key that others can read is no secret.
    fs::write(data.join("master.key"), &master_key).unwrap();
    set_mode(&data.join("master.key"), 0o644);
    expect_message(&place.run(&serve(&data), &[]), 2, &["master.key", "chmod 600"]);
    set_mode(&data.join("master.key"), 0o600);
    assert!(before == kept(&data), "nor must one that others can read");

    // And with the right one everything is as it was; also if it is given from outside.
    let text = String::from_utf8(master_key).unwrap();
    fs::remove_file(data.join("master.key")).unwrap();
    let gate = Start::demo(&place).set("NOTEGATE_MASTER_KEY", text.trim()).run();
    gate.expect_intact();
}

#[test]
fn a_damaged_database_is_said_and_left_alone() {
    let place = Place::new();
    used(&place);
    let good = fs::read(place.data().join("notegate.sqlite")).unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("garbage", (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("text", b"This is no database.\n".repeat(1000)),
        ("half of it", good[..good.len() / 2].to_vec()),
        ("its first page", good[..4096].to_vec()),
    ];
    for (name, bytes) in damages {
        let data = place.join(&name.replace(' ', "-"));
        fs::create_dir(&data).unwrap();
        fs::copy(place.data().join("master.key"), data.join("master.key")).unwrap();
        let database = data.join("notegate.sqlite");
        fs::write(&database, &bytes).unwrap();
        for command in [
            serve(&data).to_vec(),
            vec!["audit", "verify", "--data-dir", data.to_str().unwrap()],
            vec!["keys", "list", "--data-dir", data.to_str().unwrap()],
        ] {
            let ran = place.run(&command, &[]);
            assert_eq!(ran.code, Some(3), "{name}, {}: {ran:?}", command[0]);
            expect_message(&ran, 3, &["database"]);
            assert!(fs::read(&database).unwrap() == bytes, "{name}: the file was changed");
        }
    }
}

#[test]
fn a_database_of_a_newer_notegate_or_of_another_program() {
    let place = Place::new();
    used(&place);
    let database = place.data().join("notegate.sqlite");
    let db = Connection::open(&database).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let before = fs::read(&database).unwrap();
    let data = place.data();
    expect_message(&place.run(&serve(&data), &[]), 3, &["newer notegate", "99"]);
    assert!(before == fs::read(&database).unwrap(), "the file was changed");

    let other = place.join("other");
    fs::create_dir(&other).unwrap();
    let database = other.join("notegate.sqlite");
    let db = Connection::open(&database).unwrap();
    db.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(db);
    let before = fs::read(&database).unwrap();
    let environment = [("NOTEGATE_MASTER_KEY", OTHER_MASTER_KEY)];
    expect_message(&place.run(&serve(&other), &environment), 3, &["another program"]);
    assert!(before == fs::read(&database).unwrap(), "the file was changed");
}

#[test]
fn a_data_directory_that_is_none() {
    let place = Place::new();
    let file = place.join("file");
    fs::write(&file, "precious").unwrap();
    expect_message(&place.run(&serve(&file), &[]), 2, &["no directory", "--data-dir"]);
    let below = file.join("below");
    expect_message(&place.run(&serve(&below), &[]), 3, &["cannot be created"]);
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    let missing = ["keys", "list", "--data-dir", "missing"];
    expect_message(&place.run(&missing, &[]), 2, &["no data directory", "serve"]);
    assert!(!place.join("missing").exists());

    let locked = place.join("locked");
    fs::create_dir(&locked).unwrap();
    set_mode(&locked, 0o500);
    if fs::write(locked.join("probe"), "").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    expect_message(&place.run(&serve(&locked), &[]), 3, &["cannot be written"]);
}

#[test]
fn who_only_looks_makes_no_data_directory_of_another() {
    let place = Place::new();
    let photos = place.join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("cat.jpg"), "meow").unwrap();
    for command in [&["keys", "list"][..], &["audit", "list"], &["audit", "verify"]] {
        let ran = place.run(&[command, &["--data-dir", "photos"]].concat(), &[]);
        for made in ["master.key", "notegate.sqlite"] {
            assert!(!photos.join(made).exists(), "`notegate {}` made {made}", command.join(" "));
        }
        expect_message(&ran, 2, &["photos"]);
    }
}

#[test]
fn commands_reach_a_gate_whose_data_directory_has_a_long_name() {
    let place = Place::new();
    let mut long = place.path().to_owned();
    for _ in 0..8 {
        long.push("a-directory-with-a-long-name");
    }
    fs::create_dir_all(&long).unwrap();
    let data = long.join("data");
    let data = data.to_str().unwrap();
    let gate = Start::demo(&place).argument("--data-dir").argument(data).run();
    place.run(&["keys", "list", "--data-dir", data], &[]).expect(0);
    gate.expect_intact();
}
