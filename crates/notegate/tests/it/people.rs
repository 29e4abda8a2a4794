//! People from the command line: users, groups, the list of routes, and what signing in needs.

use serde_json::{Value, json};

use crate::harness::*;

fn run(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[arguments, &["--data-dir", "data"]].concat(), &[])
}

fn items(ran: &Ran) -> Vec<Value> {
    ran.expect(0).json()["items"].as_array().unwrap().clone()
}

#[test]
fn f066_users_are_made_listed_changed_and_removed() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let add =
        |email: &str, role: &str| run(&place, &["users", "add", email, "--role", role, "--json"]);
    let made = add("ada@example.com", "editor").expect(0).json();
    assert_eq!((&made["email"], &made["role"]), (&json!("ada@example.com"), &json!("editor")));
    let id = made["id"].as_str().unwrap();
    assert_ne!(add("Ada@Example.com", "viewer").code, Some(0), "once");
    add("ada@example.com", "owner").expect(2);
    run(&place, &["users", "role", "ADA@example.com", "admin"]).expect(0);
    run(&place, &["users", "role", "nobody@example.com", "admin"]).expect(2);
    run(&place, &["users", "forget", id]).expect(0);
    let listed = items(&run(&place, &["users", "list", "--json"]));
    assert_eq!((listed.len(), &listed[0]["role"]), (1, &json!("admin")));

    run(&place, &["groups", "add", "Design / UX"]).expect(0);
    let members = ["groups", "members", "Design / UX", "--json"];
    let shown = run(&place, &[&members[..], &["--add", "ada@example.com"]].concat());
    assert_eq!(shown.expect(0).json()["members"][0]["email"], "ada@example.com");
    let table = run(&place, &["users", "list"]);
    assert!(table.expect(0).out.contains("Design / UX"), "{table:?}");
    let shown = run(&place, &[&members[..], &["--remove", id]].concat());
    assert_eq!(shown.expect(0).json()["members"], json!([]));
    let shown = run(&place, &members[..3]);
    assert_eq!(shown.expect(0).out, "Nobody is in the group Design / UX.\n");
    let groups = items(&run(&place, &["groups", "list", "--json"]));
    assert_eq!(groups[0]["name"], "Design / UX");
    run(&place, &["groups", "remove", "Design / UX"]).expect(0);

    // It is the same while the gate does not run.
    gate.expect_intact();
    gate.process.stop();
    run(&place, &["users", "remove", "ada@example.com"]).expect(0);
    assert_eq!(items(&run(&place, &["users", "list", "--json"])), Vec::<Value>::new());
    assert_eq!(items(&run(&place, &["groups", "list", "--json"])), Vec::<Value>::new());
}

#[test]
fn f064_every_route_says_what_it_needs() {
    let place = Place::new();
    let routes = items(&place.run(&["routes", "--json"], &[]));
    assert!(routes.len() > 100, "{}", routes.len());
    let known = [
        "open",
        "signature",
        "installer",
        "own",
        "read",
        "write",
        "delete",
        "delegate",
        "audit",
        "manage",
        "operator",
        "refused",
    ];
    for route in &routes {
        let permission = route["permission"].as_str().unwrap_or_default();
        assert!(known.contains(&permission), "{route}");
        let path = route["path"].as_str().unwrap();
        assert!(path.starts_with('/') && route["method"].is_string(), "{route}");
        if path.starts_with("/api/v1/") {
            assert!(
                !["open", "signature", "installer", "refused"].contains(&permission),
                "{route}"
            );
        }
    }
    let table = place.run(&["routes"], &[]);
    assert!(table.expect(0).out.lines().count() > routes.len(), "a line each");
}

#[test]
fn signing_in_needs_all_of_its_settings_and_https() {
    let place = Place::new();
    let secret = "the-secret-that-nobody-sees";
    let good = [
        ("NOTEGATE_OIDC_ISSUER", "https://id.example.com"),
        ("NOTEGATE_OIDC_CLIENT_ID", "notegate"),
        ("NOTEGATE_OIDC_CLIENT_SECRET", secret),
        ("SERVICE_URL", "https://gate.example.com"),
    ];
    let doctor =
        |environment: &[(&str, &str)]| place.run(&["doctor", "oidc", "--json"], environment);
    let none = doctor(&[]);
    assert_eq!(none.expect(0).json()["ready"], true);
    let whole = doctor(&good);
    let report = whole.expect(0).json().to_string();
    assert!(report.contains("https://gate.example.com/auth/oidc/callback"), "{report}");
    assert!(!report.contains(secret));
    for missing in 0..good.len() {
        let mut environment = good.to_vec();
        let (name, _) = environment.remove(missing);
        let report = doctor(&environment).expect(1).json().to_string();
        assert!(report.contains(name), "{name}: {report}");
        let check = place.run(&["serve", "--check", "--sandbox"], &environment);
        assert!(check.expect(1).err.contains(name), "{name}: {check:?}");
    }
    let mut clear = good.to_vec();
    clear[0].1 = "http://id.example.com";
    doctor(&clear).expect(1);
    place.run(&["serve", "--check", "--sandbox"], &clear).expect(1);
    // A provider that is not there is said when it is asked.
    let dead = format!("http://{}", dead_address());
    clear[0].1 = &dead;
    let check = place.run(&["serve", "--check", "--sandbox"], &clear);
    assert!(check.expect(3).err.contains("cannot be reached"), "{check:?}");
    assert!(!check.err.contains(secret));
}

#[test]
fn the_first_admin_is_made_once() {
    let place = Place::new();
    let start = || Start::demo(&place).set("NOTEGATE_BOOTSTRAP_ADMIN", "ada@example.com").run();
    start().process.stop();
    let listed = items(&run(&place, &["users", "list", "--json"]));
    assert_eq!(
        (&listed[0]["email"], &listed[0]["role"]),
        (&json!("ada@example.com"), &json!("admin"))
    );
    run(&place, &["users", "add", "bob@example.com", "--role", "admin"]).expect(0);
    run(&place, &["users", "remove", "ada@example.com"]).expect(0);
    start().process.stop();
    let listed = items(&run(&place, &["users", "list", "--json"]));
    assert_eq!((listed.len(), &listed[0]["email"]), (1, &json!("bob@example.com")));
}
