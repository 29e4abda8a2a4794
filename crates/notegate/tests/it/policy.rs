//! Policies from the command line: checked without a gate, set while one runs, kept over a restart.

use serde_json::Value;

use crate::harness::*;

const DATA: &[&str] = &["--data-dir", "data"];

fn policy(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["policy"], arguments, DATA].concat(), &[])
}

fn write(place: &Place, name: &str, text: &str) {
    std::fs::write(place.join(name), text).unwrap();
}

fn wall() -> String {
    format!(
        "@id(\"wall\")\n@says(\"that page is nobody's business\")\n\
         forbid (principal in Role::\"editor\", action in Action::\"read\", \
         resource in Object::\"{OTHER_PAGE}\");\n"
    )
}

#[test]
fn files_are_checked_without_a_gate() {
    let place = Place::new();
    let check = |arguments: &[&str]| place.run(&[&["policy", "check"], arguments].concat(), &[]);
    write(&place, "good.cedar", &wall());
    write(&place, "bad.cedar", "forbid (principal, action, resource);");
    let test = |expect: &str| {
        format!(
            "[[test]]\nname = \"the wall\"\nwho = {{ role = \"editor\" }}\n\
             operation = \"retrieve-a-page\"\nobject = [\"{OTHER_PAGE}\"]\nexpect = \"{expect}\"\n"
        )
    };
    write(&place, "passes.toml", &test("hidden"));
    write(&place, "fails.toml", &test("allow"));
    write(&place, "odd.toml", "[[test]]\nwho = 1\n");

    assert_eq!(check(&["good.cedar"]).expect(0).out, "1 policy; 0 tests, 0 failed\n");
    check(&["good.cedar", "passes.toml"]).expect(0);
    let failed = check(&["good.cedar", "passes.toml", "fails.toml"]);
    let said = &failed.expect(1).out;
    assert!(said.contains("FAILED  the wall: expected allow, found hidden by `wall`"), "{said}");
    let bad = check(&["bad.cedar"]);
    assert!(bad.expect(1).out.starts_with("line 1, column 1: the policy has no name"), "{bad:?}");
    let json = check(&["good.cedar", "fails.toml", "--json"]).expect(1).json();
    assert_eq!(
        (&json["valid"], &json["tests"][0]["passed"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    let column = format!(
        "[[test]]\nwho = {{ role = \"viewer\" }}\nobject = [\"{OTHER_PAGE}\"]\nproperty = \"Phone\"\n"
    );
    write(
        &place,
        "columns.cedar",
        "@id(\"phones\") forbid (principal, action == Action::\"read-property\", resource)\n\
         when { context.property == \"Phone\" };",
    );
    write(&place, "masked.toml", &format!("{column}expect = \"masked\"\nrule = \"phones\"\n"));
    write(&place, "shown.toml", &format!("{column}expect = \"allow\"\n"));
    check(&["columns.cedar", "masked.toml"]).expect(0);
    let failed = check(&["columns.cedar", "shown.toml"]);
    assert!(
        failed.expect(1).out.contains("expected allow, found masked by `phones`"),
        "{failed:?}"
    );
    check(&["good.cedar", "odd.toml"]).expect(2);
    check(&["missing.cedar"]).expect(2);
    assert!(place.run(&["policy", "schema"], &[]).expect(0).out.contains("action \"see\""));
}

#[test]
fn set_while_the_gate_runs_and_there_after_a_restart() {
    let place = Place::new();
    write(&place, "wall.cedar", &wall());
    write(&place, "bad.cedar", "forbid (principal, action, resource);");
    let gate = Start::demo(&place).run();
    let editor = gate.key("editor", &[]);
    let (page, id) = (format!("/v1/pages/{OTHER_PAGE}"), &editor[4..16]);
    gate.v1("GET", &page, &editor, None).expect(200);
    let explain =
        |key: &str| policy(&place, &["explain", "--key", key, "retrieve-a-page", OTHER_PAGE]);
    explain(id).expect(0);

    for asked in [
        &["explain", "retrieve-a-page", OTHER_PAGE][..],
        &["explain", "--key", id, "--principal", "operator", "manage"],
        &["what-if", "wall.cedar", "--entries", "0"],
    ] {
        policy(&place, asked).expect(2);
    }
    let told = policy(&place, &["what-if", "wall.cedar"]);
    let told = &told.expect(0).out;
    assert!(told.contains("Newly allowed: nothing\nNewly refused:\n"), "{told}");
    assert!(told.contains("looked at.\n"), "{told}");
    let tried = policy(&place, &["what-if", "wall.cedar", "--json"]).expect(0).json();
    assert_eq!(tried["newly_refused"][0]["rule"], "wall", "{tried}");
    let ran = policy(&place, &["set", "wall.cedar", "--note", "a wall"]);
    assert_eq!(ran.expect(0).out, "Version 1 is in force, with 1 policy of your own.\n");
    gate.v1("GET", &page, &editor, None).expect_notion_error(404, "object_not_found");
    let said = explain(id);
    let said = &said.expect(1).out;
    assert!(
        said.starts_with("hidden") && said.contains("that page is nobody's business"),
        "{said}"
    );

    let refused = policy(&place, &["set", "bad.cedar"]);
    assert!(refused.expect(2).err.contains("the policy has no name"), "{refused:?}");
    policy(&place, &["set", "wall.cedar", "--if-version", "0"]).expect(2);
    assert_eq!(policy(&place, &["show"]).expect(0).out, wall());
    let suggested = policy(&place, &["suggest", id, "--json"]).expect(0).json();
    assert_eq!(suggested["role"], "viewer");
    gate.process.stop();

    // Without a gate the same commands work, and the next one starts with what was set.
    let versions = policy(&place, &["versions", "--json"]).expect(0).json();
    assert_eq!(versions["items"][0]["note"], "a wall");
    let gate = Start::demo(&place).run();
    gate.v1("GET", &page, &editor, None).expect_notion_error(404, "object_not_found");
    policy(&place, &["rollback", "0"]).expect(0);
    gate.v1("GET", &page, &editor, None).expect(200);
    policy(&place, &["rollback", "1"]).expect(0);
    gate.v1("GET", &page, &editor, None).expect_notion_error(404, "object_not_found");
    policy(&place, &["rollback", "9"]).expect(2);
    gate.expect_intact();
}
