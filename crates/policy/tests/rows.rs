//! Policies that go by the values of rows.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;

use jiff::Timestamp;
use model::{Budget, ConnectionId, Key, KeyId, Principal, Role, Scope, TenantId};
use notion::{Capabilities, Effect, Id, Kind, Operation};
use policy::{Aim, Outcome, Place, Policies, Row, Sight, Target};

fn id(number: usize) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

/// The table.
const TABLE: usize = 0x20;

fn key(role: Role, within: &[Id], agent: Option<&str>) -> Principal {
    let key = Key {
        id: KeyId::parse("000000000000").unwrap(),
        name: "test".to_owned(),
        tenant: TenantId::default(),
        connection: None,
        role,
        within: Scope::new(within.to_vec()),
        capabilities: Capabilities::ALL,
        budget: Budget::default(),
        user: None,
        agent: agent.map(str::to_owned),
        parent: None,
        may_delegate: false,
        tools: None,
        auditor: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "test".to_owned(),
        expires_at: None,
        revoked_at: None,
    };
    Principal::of_key(Arc::new(key), ConnectionId::NONE)
}

fn team(values: &[&str]) -> Arc<Row> {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Arc::new([("Team".to_owned(), Some(values))].into_iter().collect())
}

/// A row of the table, with something in it.
fn in_row(row: Arc<Row>) -> Place {
    Place::InRows(vec![id(2), id(1), id(TABLE), id(0x30)], vec![(1, row)])
}

fn table() -> Place {
    Place::Path(vec![id(TABLE), id(0x30)])
}

fn own_team() -> Arc<Policies> {
    policies(&format!(
        "@id(\"own-team\") forbid (principal in Role::\"editor\", action in Action::\"read\", \
         resource in Object::\"{}\") when {{ resource has row }} unless {{ \
         resource.row.hasTag(\"Team\") && resource.row.getTag(\"Team\").contains(\"Sales\") }};",
        id(TABLE)
    ))
}

fn policies(text: &str) -> Arc<Policies> {
    Arc::new(Policies::with_own(text).unwrap())
}

fn sight(policies: &Arc<Policies>) -> Sight {
    policies.sight(&key(Role::Editor, &[], None))
}

#[test]
fn rows_are_seen_by_their_values_and_their_table_always() {
    let policies = own_team();
    let sight = sight(&policies);
    assert!(sight.looks_at_rows() && sight.has_holes() && !sight.is_everything());
    assert!(sight.sees(&table()));
    assert!(sight.sees(&in_row(team(&["Legal", "Sales"]))));
    assert!(!sight.sees(&in_row(team(&["Legal"]))));
    assert!(!sight.sees(&in_row(team(&[]))));
    // The row does not have the property, or nobody could read it.
    assert!(!sight.sees(&in_row(Arc::new(Row::from_iter([])))));
    assert!(!sight.sees(&in_row(Arc::new(Row::from_iter([("Team".to_owned(), None)])))));
    assert!(!sight.sees(&in_row(Arc::new(Row::unreadable()))));
    // What was remembered of one is not said of another.
    assert!(sight.sees(&in_row(team(&["Sales"]))));
    assert_eq!(
        sight.row_rule(&table()).map(|rule| rule.id.to_string()),
        Some("own-team".to_owned())
    );
    assert!(sight.row_rule(&Place::Path(vec![id(0x21), id(0x30)])).is_none());
    assert!(sight.hidden_by(&in_row(team(&["Legal"]))).is_some());
    assert!(sight.hidden_by(&in_row(team(&["Sales"]))).is_none());
    // It is not about others.
    assert!(policies.sight(&key(Role::Viewer, &[], None)).is_everything());
    assert!(!policies.sight(&key(Role::Viewer, &[], None)).looks_at_rows());
}

#[test]
fn what_cannot_be_read_is_not_what_is_not_there() {
    let policies = policies(
        "@id(\"private\") forbid (principal, action in Action::\"read\", resource) \
         when { resource has row && resource.row.hasTag(\"Private\") \
         && resource.row.getTag(\"Private\").contains(\"true\") };",
    );
    let sight = sight(&policies);
    let of = |values: Option<&str>| {
        let values = values.map(|value| [value.to_owned()].into_iter().collect());
        in_row(Arc::new(Row::from_iter([("Private".to_owned(), values)])))
    };
    assert!(sight.sees(&of(Some("false"))));
    assert!(!sight.sees(&of(Some("true"))));
    assert!(!sight.sees(&of(None)));
    assert!(sight.sees(&in_row(team(&["Sales"]))), "a table without the property");
    // Another property that cannot be read does not matter.
    assert!(sight.sees(&in_row(Arc::new(Row::from_iter([("Team".to_owned(), None)])))));
    assert!(sight.sees(&Place::Path(vec![id(9)])));
}

#[test]
fn what_stands_in_a_hidden_row_is_hidden_with_it() {
    let policies = policies(
        "@id(\"private\") forbid (principal, action in Action::\"read\", resource) \
         when { resource has row && resource.row.hasTag(\"Team\") \
         && resource.row.getTag(\"Team\").contains(\"HR\") };",
    );
    let sees = |within: &[Id], inner: &[&str], outer: &[&str]| {
        // A row of a table that stands in a row.
        let path = vec![id(5), id(4), id(3), id(1), id(TABLE)];
        let place = Place::InRows(path, vec![(0, team(inner)), (3, team(outer))]);
        policies.sight(&key(Role::Editor, within, None)).sees(&place)
    };
    assert!(sees(&[], &["Sales"], &["Sales"]));
    assert!(!sees(&[], &["Sales"], &["HR"]));
    assert!(!sees(&[], &["HR"], &["Sales"]));
    // A scope may begin inside a row, which it then does not reach.
    assert!(sees(&[id(4)], &["Sales"], &["Sales"]));
    assert!(!sees(&[id(4)], &["Sales"], &["HR"]));
    assert!(!sees(&[id(9)], &["Sales"], &["Sales"]));
}

#[test]
fn permits_open_rows_and_nothing_that_cannot_be_read() {
    let policies = policies(&format!(
        "@id(\"open\") permit (principal in Agent::\"bot\", action in Action::\"read\", \
         resource in Object::\"{}\") when {{ resource has row \
         && resource.row.hasTag(\"Team\") && resource.row.getTag(\"Team\").contains(\"Public\") }};",
        id(TABLE)
    ));
    let sight = policies.sight(&key(Role::Viewer, &[id(9)], Some("bot")));
    assert!(sight.sees(&in_row(team(&["Public"]))));
    assert!(!sight.sees(&in_row(team(&["Sales"]))));
    assert!(!sight.sees(&in_row(Arc::new(Row::unreadable()))));
    assert!(!sight.sees(&table()));
    // Others see what they saw.
    let everything = policies.sight(&key(Role::Viewer, &[], Some("bot")));
    assert!(everything.sees(&in_row(Arc::new(Row::unreadable()))));
}

#[test]
fn refusals_and_explanations_name_the_rule() {
    let policies = own_team();
    let operation = Operation::named("retrieve-a-page").unwrap();
    let explain = |row: Arc<Row>| {
        let place = Place::InRows(vec![id(1), id(TABLE)], vec![(0, row)]);
        let aim =
            Aim { targets: vec![Target { kind: Kind::Page, id: id(1), place }], nowhere: false };
        let who = key(Role::Editor, &[], None);
        policies.explain(&who, operation, Effect::Read, None, &aim)
    };
    let hidden = explain(team(&["Legal"]));
    assert_eq!((hidden.decision, hidden.hidden, &*hidden.rule), (Outcome::Deny, true, "own-team"));
    assert_eq!(explain(team(&["Sales"])).decision, Outcome::Allow);
}

#[test]
fn policies_about_rows_are_checked() {
    let fault = |text: &str| Policies::with_own(text).unwrap_err().to_string();
    let head = "@id(\"a\") forbid (principal, action, resource)";
    // Without the guard Cedar does not know that there is a row; with it inside, the table would be hidden.
    assert!(fault(&format!("{head} unless {{ resource.row.hasTag(\"A\") }};")).contains("row"));
    let inside = format!("{head} unless {{ resource has row && resource.row.hasTag(\"A\") }};");
    assert!(fault(&inside).contains("resource has row"), "{}", fault(&inside));
    let unguarded = format!(
        "{head} when {{ resource has row && resource.row.getTag(\"A\").contains(\"x\") }};"
    );
    assert!(fault(&unguarded).contains("tag"), "{}", fault(&unguarded));
    let named = format!("{head} when {{ resource has row && resource.row == Row::\"x\" }};");
    assert!(fault(&named).contains("rows have no names"), "{}", fault(&named));
    let column = "@id(\"a\") forbid (principal, action == Action::\"see-property\", resource) when { resource has row };";
    assert!(fault(column).contains("is about columns"), "{}", fault(column));
    assert!(!sight(&own_team()).has_column_rules());
    assert!(Policies::built_in().row_properties().is_none());
    let properties = own_team().row_properties().unwrap().clone();
    assert_eq!(properties.iter().collect::<Vec<_>>(), ["Team"]);
}

#[test]
fn tests_in_files_give_rows_values() {
    let tests = |row: &str, expect: &str| {
        format!(
            "[[test]]\nwho = {{ role = \"editor\" }}\noperation = \"retrieve-a-page\"\n\
             object = [\"{}\", \"{}\"]\n{row}\nexpect = \"{expect}\"\n",
            id(1),
            id(TABLE)
        )
    };
    let text = [
        tests("row = { Team = [\"Sales\", \"Legal\"] }", "allow"),
        tests("row = { Team = [\"Legal\"] }", "hidden"),
        tests("row = {}", "hidden"),
        // The table itself, or what stands in it and in no row.
        tests("", "allow"),
    ]
    .concat();
    for test in own_team().check(&text).unwrap() {
        assert!(test.passed, "{test:?}");
    }
}
