//! What policies say of columns.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;

use jiff::Timestamp;
use model::{Budget, ConnectionId, Key, KeyId, Principal, Role, Scope, TenantId};
use notion::{Capabilities, Id};
use policy::{Column, Place, Policies, Showing, Sight};

fn id(number: u8) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

fn path(numbers: &[u8]) -> Place {
    Place::Path(numbers.iter().map(|number| id(*number)).collect())
}

fn principal(role: Role, agent: Option<&str>, within: &[u8]) -> Principal {
    let key = Key {
        id: KeyId::parse("abcdefghijk1").unwrap(),
        name: "test".into(),
        tenant: TenantId::default(),
        connection: None,
        role,
        within: Scope::new(within.iter().map(|number| id(*number)).collect()),
        capabilities: Capabilities::ALL,
        budget: Budget::default(),
        user: None,
        agent: agent.map(Into::into),
        parent: None,
        may_delegate: false,
        tools: None,
        auditor: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "test".into(),
        expires_at: None,
        revoked_at: None,
    };
    Principal::of_key(Arc::new(key), ConnectionId(id(0)))
}

fn sight(text: &str, principal: &Principal) -> Sight {
    Arc::new(Policies::with_own(text).unwrap()).sight(principal)
}

fn column<'a>(name: &'a str, kind: &'a str) -> Column<'a> {
    Column { name, id: "ab%3Bc", kind }
}

/// The word for what a caller gets, and the policy.
fn word(showing: Showing) -> String {
    match showing {
        Showing::Whole => "whole".to_owned(),
        Showing::Masked(rule) => format!("masked by {}", rule.id),
        Showing::Hidden(Some(rule)) => format!("hidden by {}", rule.id),
        Showing::Hidden(None) => "hidden".to_owned(),
    }
}

#[test]
fn without_policies_about_columns_all_are_shown_everywhere() {
    for within in [&[][..], &[1]] {
        let sight = sight("", &principal(Role::Viewer, None, within));
        assert!(!sight.has_column_rules());
        // A row can be inside and its table outside: its columns are its own.
        for place in [path(&[1]), path(&[2]), Place::Unknown] {
            assert_eq!(sight.of_column(&place, column("Pay", "number")), Showing::Whole);
        }
        assert_eq!(sight.is_everything(), within.is_empty());
    }
}

#[test]
fn policies_go_by_name_id_type_place_and_caller() {
    let text = r#"
        @id("by-name") forbid (principal, action == Action::"see-property",
            resource in Object::"00000000-0000-4000-8000-000000000001")
        when { context.property == "Salary" } unless { principal in Agent::"payroll" };
        @id("by-type") forbid (principal in Role::"viewer", action == Action::"read-property", resource)
        when { context.property_type == "people" };
        @id("by-id") forbid (principal, action == Action::"read-property", resource)
        when { context.property_id == "ab%3Bc" && resource == Object::"00000000-0000-4000-8000-000000000009" };
    "#;
    let admin = sight(text, &principal(Role::Admin, None, &[]));
    let payroll = sight(text, &principal(Role::Viewer, Some("payroll"), &[]));
    assert!(!admin.is_everything() && admin.is_every_object() && admin.has_column_rules());
    for (sight, place, name, kind, expected) in [
        (&admin, path(&[1]), "Salary", "number", "hidden by by-name"),
        (&admin, path(&[3, 2, 1]), "Salary", "number", "hidden by by-name"),
        (&admin, path(&[3, 2]), "Salary", "number", "whole"),
        (&admin, path(&[1]), "salary", "number", "whole"),
        (&admin, path(&[1]), "Salary", "title", "whole"),
        (&admin, path(&[1]), "Who", "people", "whole"),
        (&admin, path(&[9]), "Who", "people", "masked by by-id"),
        (&admin, path(&[8, 9]), "Who", "people", "whole"),
        (&payroll, path(&[1]), "Salary", "number", "whole"),
        (&payroll, path(&[1]), "Who", "people", "masked by by-type"),
        // Nobody knows where that is, so nobody knows what is said of it.
        (&payroll, Place::Unknown, "Name", "number", "hidden"),
    ] {
        // Twice: decided, and remembered.
        for _ in 0..2 {
            let found = word(sight.of_column(&place, column(name, kind)));
            assert_eq!(found, expected, "{name} {kind} {place:?}");
        }
    }
}

#[test]
fn what_is_forbidden_to_read_has_no_columns() {
    let text = r#"@id("secret") forbid (principal, action in Action::"read",
        resource in Object::"00000000-0000-4000-8000-000000000001");"#;
    let sight = sight(text, &principal(Role::Admin, None, &[]));
    let found = word(sight.of_column(&path(&[2, 1]), column("Name", "number")));
    assert_eq!(found, "hidden by secret");
    assert_eq!(word(sight.of_column(&path(&[2]), column("Name", "number"))), "whole");
}

#[test]
fn what_a_policy_names_is_not_left() {
    let text = r#"@id("pay") forbid (principal, action == Action::"read-property",
        resource in Object::"00000000-0000-4000-8000-000000000001")
        when { context.property == "Salary" };"#;
    let own = sight(text, &principal(Role::Editor, None, &[]));
    assert!(own.column_rules_name_above(&path(&[3, 2, 1]), &path(&[3, 4])));
    assert!(!own.column_rules_name_above(&path(&[3, 2, 1]), &path(&[3, 1])));
    assert!(!own.column_rules_name_above(&path(&[3, 2]), &path(&[3, 4])));
    let none = sight("", &principal(Role::Editor, None, &[]));
    assert!(!none.column_rules_name_above(&path(&[3, 1]), &path(&[3])));
}
