//! Policies as people write them: what is taken, and what is said of mistakes.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use policy::{BUILT_IN, POLICIES_MAX, Policies, TEXT_MAX, schema_text};

fn faults(text: &str) -> String {
    Policies::with_own(text).unwrap_err().to_string()
}

#[test]
fn the_schema_is_what_it_was() {
    insta::assert_snapshot!(schema_text());
}

#[test]
fn every_built_in_policy_has_a_name_and_a_sentence() {
    let policies = Policies::built_in();
    assert!(policies.list().count() >= 4);
    for (rule, forbids) in policies.list() {
        assert!(!rule.own && !forbids, "{rule:?}");
        assert!(BUILT_IN.contains(&format!("@id(\"{}\")\n@says(\"{}\")", rule.id, rule.says)));
    }
}

#[test]
fn own_policies_follow_the_built_in_ones_in_the_order_of_their_text() {
    let text = "@id(\"b\") forbid (principal, action in Action::\"delete\", resource);\n\
                @id(\"a\") @says(\"robots read\") permit (principal in Agent::\"robot\", \
                action in Action::\"read\", resource);";
    let policies = Policies::with_own(text).unwrap();
    let own: Vec<_> = policies
        .list()
        .filter(|(rule, _)| rule.own)
        .map(|(rule, forbids)| (rule.id.to_string(), rule.says.to_string(), forbids))
        .collect();
    let expected = [
        ("b".to_owned(), "the policy `b` forbids it".to_owned(), true),
        ("a".to_owned(), "robots read".to_owned(), false),
    ];
    assert_eq!(own, expected);
}

#[test]
fn mistakes_are_told_with_their_place_and_what_to_do() {
    let cases = [
        ("no name", "\nforbid (principal, action, resource);"),
        ("bad name", "@id(\"a b\")\nforbid (principal, action, resource);"),
        ("built-in name", "@id(\"viewer\")\nforbid (principal, action, resource);"),
        (
            "name twice",
            "@id(\"a\") forbid (principal, action, resource);\n\
             @id(\"a\") permit (principal, action, resource);",
        ),
        ("no syntax", "@id(\"a\")\nforbid (principal, action, resource)\nwhen { 1 + };"),
        (
            "unknown action",
            "@id(\"a\")\nforbid (principal, action == Action::\"patch-pgae\", resource);",
        ),
        ("unknown type", "@id(\"a\")\nforbid (principal in Groups::\"x\", action, resource);"),
        ("unknown role", "@id(\"a\")\nforbid (principal in Role::\"boss\", action, resource);"),
        (
            "unknown attribute",
            "@id(\"a\")\nforbid (principal, action, resource) when { principal.age > 3 };",
        ),
        ("not an id", "@id(\"a\")\nforbid (principal, action, resource in Object::\"Handbook\");"),
        (
            "plain id",
            "@id(\"a\")\nforbid (principal, action, resource in \
             Object::\"0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d\");",
        ),
        (
            "an id in a condition",
            "@id(\"a\")\nforbid (principal, action, resource) when { resource in Object::\"x\" };",
        ),
        ("not a key", "@id(\"a\")\nforbid (principal == Key::\"ngk_abc\", action, resource);"),
        ("children", "@id(\"a\")\nforbid (principal == Key::\"abcdefghijkl\", action, resource);"),
        ("a template", "@id(\"a\")\nforbid (principal == ?principal, action, resource);"),
        (
            "never",
            "@id(\"a\")\nforbid (principal, action == Action::\"manage\", resource is Object);",
        ),
    ];
    let told: String =
        cases.iter().map(|(name, text)| format!("{name}: {}\n", faults(text))).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn texts_are_bounded() {
    let policy =
        |number: usize| format!("@id(\"p{number}\") forbid (principal, action, resource);\n");
    let many: String = (0..=POLICIES_MAX).map(policy).collect();
    assert!(faults(&many).contains("more than 1000 policies"));
    let long = format!("{}// {}", policy(0), "x".repeat(TEXT_MAX));
    assert!(faults(&long).contains("longer than 256 KB"));
    assert!(faults(&"(".repeat(TEXT_MAX)).len() < 64 * 1024);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(@id\\(\"a\"\\)|permit|forbid|\\(|\\)|principal|action|resource|when|\\{|\\}|==|in|Object::|\"|;| |\\PC){0,40}") {
        let _ = Policies::with_own(&text);
    }
}
