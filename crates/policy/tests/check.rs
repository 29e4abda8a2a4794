//! Tests of policies in files.

use std::sync::Arc;

use policy::Policies;

const POLICIES: &str = r#"
@id("no-handbook")
forbid (principal in Role::"editor", action in [Action::"write", Action::"delete"],
        resource in Object::"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d");
@id("no-salaries")
@says("salaries are nobody's business")
forbid (principal, action in Action::"read",
        resource in Object::"1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")
unless { principal in Agent::"payroll" };
@id("pay")
@says("pay is for payroll")
forbid (principal, action == Action::"see-property",
        resource in Object::"3a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")
when { context.property == "Salary" || context.property_type == "rollup" }
unless { principal in Agent::"payroll" };
@id("phones")
forbid (principal in Role::"viewer", action == Action::"read-property", resource)
when { context.property like "*hone*" };
@id("no-guests")
forbid (principal in Group::"guests", action in Action::"write", resource)
unless { principal in Group::"staff" };
"#;

const TESTS: &str = r#"
[[test]]
name = "an editor leaves the handbook alone"
who = { role = "editor" }
operation = "patch-page"
object = ["2a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "deny"
rule = "no-handbook"

[[test]]
who = { role = "editor" }
operation = "retrieve-a-page"
object = ["0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "allow"
rule = "editor"

[[test]]
who = { role = "admin" }
operation = "retrieve-a-page"
object = ["1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "hidden"
rule = "no-salaries"

[[test]]
who = { role = "viewer", agent = "payroll", within = ["1a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"] }
operation = "retrieve-a-page"
object = ["1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "allow"

[[test]]
who = { role = "editor", within = ["2a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"] }
operation = "post-page"
at_top = true
expect = "deny"

[[test]]
who = { role = "viewer" }
operation = "post-search"
expect = "allow"

[[test]]
who = { role = "viewer", capabilities = [] }
operation = "post-search"
expect = "deny"
rule = "capability"

[[test]]
who = { role = "editor" }
operation = "manage"
expect = "deny"
rule = "role"

[[test]]
who = { role = "admin" }
property = "Salary"
object = ["3a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "hidden"
rule = "pay"

[[test]]
who = { role = "admin", agent = "payroll" }
property = "Salary"
object = ["3a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "allow"

[[test]]
who = { role = "admin" }
property = "Sum"
property_type = "rollup"
object = ["4a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "3a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "hidden"

[[test]]
who = { role = "viewer" }
property = "Phone"
object = ["4a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "masked"
rule = "phones"

[[test]]
name = "the title is never hidden"
who = { role = "viewer" }
property = "Phone"
property_type = "title"
object = ["4a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "allow"

[[test]]
who = { role = "viewer", within = ["4a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"] }
property = "Name"
object = ["5a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "hidden"
rule = "scope"

[[test]]
who = { role = "editor", groups = ["guests"] }
operation = "patch-page"
object = ["2a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "deny"
rule = "no-guests"

[[test]]
who = { role = "editor", groups = ["guests", "staff"] }
operation = "patch-page"
object = ["2a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
expect = "allow"
"#;

#[test]
fn tests_pass_and_fail() {
    let policies = Arc::new(Policies::with_own(POLICIES).unwrap());
    let checked = policies.check(TESTS).unwrap();
    assert_eq!(checked.len(), 16);
    for test in &checked {
        assert!(test.passed, "{test:?}");
    }
    assert_eq!(checked[0].name, "an editor leaves the handbook alone");
    assert_eq!(checked[1].name, "test 2: editor retrieve-a-page");
    assert_eq!(checked[2].found.because, "salaries are nobody's business");

    // Without the policies the same tests fail where they should.
    let checked = Arc::new(Policies::built_in()).check(TESTS).unwrap();
    let failed: Vec<_> = checked.iter().enumerate().filter(|(_, it)| !it.passed).collect();
    assert_eq!(failed.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 2, 8, 10, 11, 14]);
}

#[test]
fn json_does_as_well() {
    let policies = Arc::new(Policies::built_in());
    let text =
        r#"{"test": [{"who": {"role": "viewer"}, "operation": "manage", "expect": "deny"}]}"#;
    assert!(policies.check(text).unwrap()[0].passed);
}

#[test]
fn a_file_that_is_none_is_said_to_be_none() {
    let policies = Arc::new(Policies::built_in());
    for text in [
        "",
        "{",
        "[[test]]",
        "[[test]]\nwho = { role = \"boss\" }\noperation = \"x\"\nexpect = \"deny\"",
        "[[test]]\nwho = { role = \"viewer\" }\noperation = \"x\"\nexpect = \"deny\"",
        "[[test]]\nwho = { role = \"viewer\" }\noperation = \"get-self\"\nexpect = \"perhaps\"",
        "[[test]]\nwho = { role = \"viewer\", key = \"x\" }\noperation = \"get-self\"\nexpect = \"deny\"",
        "[[test]]\nwho = { role = \"viewer\" }\noperation = \"get-self\"\nexpect = \"deny\"\nwhere = 1",
        "[[test]]\nwho = { role = \"viewer\" }\nproperty = \"x\"\nexpect = \"allow\"",
        "[[test]]\nwho = { role = \"viewer\" }\nobject = [\"3a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d\"]\nexpect = \"allow\"",
        "[[test]]\nwho = { role = \"viewer\" }\nobject = [\"3a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d\"]\nproperty = \"x\"\noperation = \"get-self\"\nexpect = \"allow\"",
    ] {
        assert!(policies.check(text).is_err(), "{text}");
    }
}

/// What stands in the blocks of one language in a text.
fn blocks(text: &str, language: &str) -> String {
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_examples_of_the_documentation_hold() {
    let text = include_str!("../../../docs/policies.md");
    let policies = Arc::new(Policies::with_own(&blocks(text, "cedar")).unwrap());
    let checked = policies.check(&blocks(text, "toml")).unwrap();
    assert!(checked.len() >= 5);
    for test in checked {
        assert!(test.passed, "{test:?}");
    }
}
