//! Naming a hidden column is naming one that is not there; to ask by a masked one is refused.

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::Reply;

use super::{PAY, Staff, VERSIONS, set};
use crate::columns::{id, text};

/// A name that nobody has.
const NOBODY: &str = "Zebra";
const NOWHERE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// An answer with what must differ taken out.
fn shape(reply: &Reply, called: &str) -> (u16, String) {
    let mut body = reply.json();
    body["request_id"] = Value::Null;
    (reply.status, body.to_string().replace(called, "<name>"))
}

/// Requests that ask by a column, or change it: the method, the path and the body.
fn requests(staff: &Staff, version: &str, name: &str) -> Vec<(&'static str, String, Value)> {
    let (schema, query) = staff.paths(version);
    let page = format!("/v1/pages/{}", staff.ada);
    let filter = json!({"property": name, "number": {"greater_than": 70000}});
    let more = json!({"property": "Points", "number": {"equals": 1}});
    let parent = match version < "2025-09-03" {
        true => json!({"database_id": staff.database}),
        false => json!({"data_source_id": staff.people}),
    };
    let value = json!({name: {"number": 1}});
    let mut made = value.clone();
    made["Name"] = json!({"title": text("new")});
    vec![
        ("POST", query.clone(), json!({"filter": filter})),
        ("POST", query.clone(), json!({"filter": {"or": [more, {"and": [filter]}]}})),
        ("POST", query, json!({"sorts": [{"property": name, "direction": "ascending"}]})),
        ("PATCH", page, json!({"properties": value})),
        ("POST", "/v1/pages".to_owned(), json!({"parent": parent, "properties": made})),
        ("PATCH", schema.clone(), json!({"properties": {name: {"name": "Mine"}}})),
        ("PATCH", schema, json!({"properties": {name: null}})),
    ]
}

#[tokio::test]
async fn to_name_a_hidden_column_is_to_name_none() {
    let staff = Staff::start("see-property").await;
    for key in &staff.editors {
        for version in VERSIONS {
            let there = requests(&staff, version, "Salary");
            let not_there = requests(&staff, version, NOBODY);
            for ((method, path, body), (_, _, other)) in there.into_iter().zip(not_there) {
                let found = staff.call(key, version, (method, &path), body.clone()).await;
                let none = staff.call(key, version, (method, &path), other).await;
                assert_eq!(shape(&found, "Salary"), shape(&none, NOBODY), "{method} {path} {body}");
                // Only admins may delete a column.
                assert!(matches!(found.status, 400 | 403), "{}", found.text());
            }
            let page = |name: &str| format!("/v1/pages/{}?filter_properties={name}", staff.ada);
            let found = staff.call(key, version, ("GET", &page("Salary")), Value::Null).await;
            let none = staff.call(key, version, ("GET", &page(NOBODY)), Value::Null).await;
            assert_eq!(shape(&found, "Salary"), shape(&none, NOBODY));
        }
    }
    let whole = staff.kit.get(&staff.kit.admin, &format!("/v1/pages/{}", staff.ada)).await.json();
    assert_eq!(whole["properties"]["Salary"]["number"], 71234);
    staff.kit.finish().await;
}

#[tokio::test]
async fn to_ask_by_a_masked_column_is_refused_by_its_policy() {
    let staff = Staff::start("read-property").await;
    for key in &staff.editors {
        for version in VERSIONS {
            for name in ["Salary", "Quad"] {
                for (method, path, body) in requests(&staff, version, name) {
                    let reply = staff.call(key, version, (method, &path), body.clone()).await;
                    let said = (reply.status, reply.json()["code"].clone());
                    let expected = (403, json!("restricted_resource"));
                    assert_eq!(said, expected, "{method} {path} {body} {}", reply.text());
                    if reply.reason() != Some("role") {
                        assert_eq!(reply.reason(), Some("policy"), "{body}");
                        assert!(reply.text().contains("policy `pay`"), "{}", reply.text());
                    }
                }
            }
            // To ask for it alone is no question about its values.
            let page = format!("/v1/pages/{}?filter_properties=Salary", staff.ada);
            let found = staff.call(key, version, ("GET", &page), Value::Null).await;
            assert_eq!(found.status, 200, "{}", found.text());
            assert_eq!(found.json()["properties"]["Salary"]["number"], Value::Null);
        }
    }
    // What is not masked can be asked by, and written.
    let (_, query) = staff.paths("2025-09-03");
    let filter = json!({"filter": {"property": "Points", "number": {"equals": 5}}});
    let found = staff.kit.post(&staff.editors[0], &query, &filter).await;
    assert_eq!(found.ids(), [staff.ada.to_string()]);
    staff.kit.finish().await;
}

#[tokio::test]
async fn new_columns_that_read_a_masked_one_are_masked_and_none_reads_a_hidden_one() {
    for (action, status) in [("see-property", 400), ("read-property", 200)] {
        let staff = Staff::start(action).await;
        for (number, key) in staff.editors.iter().enumerate() {
            let name = format!("Spy {number}");
            let formula = json!({"formula": {"expression": "prop(\"Salary\") + 0"}});
            let rollup = json!({"rollup": {
                "relation_property_name": "Members", "rollup_property_name": "Salary", "function": "max"}});
            for (source, row, column) in
                [(staff.people, staff.ada, formula), (staff.teams, staff.squad, rollup)]
            {
                let path = format!("/v1/data_sources/{source}");
                let column = json!({"properties": {&name: column}});
                let made = staff.kit.patch(key, &path, &column).await;
                assert_eq!(made.status, status, "{}", made.text());
                let row = staff.kit.get(key, &format!("/v1/pages/{row}")).await;
                assert!(!row.text().contains("71234"), "{}", row.text());
            }
        }
        staff.kit.finish().await;
    }
}

async fn view(staff: &Staff, key: &str, more: Value) -> Reply {
    let mut body = json!({
        "database_id": staff.database, "data_source_id": staff.people, "name": "made by a test",
        "type": "table",
    });
    for (name, member) in more.as_object().expect("members") {
        body[name] = member.clone();
    }
    staff.kit.post(key, "/v1/views", &body).await
}

#[tokio::test]
async fn views_that_ask_by_such_a_column_do_not_exist() {
    for action in ["see-property", "read-property"] {
        let staff = Staff::start(action).await;
        let kit = &staff.kit;
        let filter = json!({"filter": {"property": "Salary", "number": {"greater_than": 70000}}});
        let sort = json!({"sorts": [{"property": "Double", "direction": "ascending"}]});
        let board = json!({"type": "board", "configuration": {"type": "board", "group_by": {
            "type": "select", "property_id": "Grade", "sort": {"type": "manual"}}}});
        let looks = json!({"configuration": {"type": "table", "properties": [
            {"property_id": "Salary", "visible": true}, {"property_id": "Points", "visible": true}]}});
        let mut gone = Vec::new();
        for asks in [filter.clone(), sort.clone(), board.clone()] {
            let made = view(&staff, &kit.admin, asks).await;
            assert_eq!(made.status, 200, "{}", made.text());
            gone.push(id(&made.json()["id"]));
        }
        let there = id(&view(&staff, &kit.admin, looks.clone()).await.json()["id"]);
        for key in &staff.editors {
            for (method, suffix, body) in [
                ("GET", "", Value::Null),
                ("PATCH", "", json!({"name": "mine"})),
                ("POST", "/queries", json!({})),
            ] {
                for view in &gone {
                    let call = async |view: &str| {
                        let path = format!("/v1/views/{view}{suffix}");
                        let body = (!body.is_null()).then_some(&body);
                        let reply = kit.call(method, key, &path, body).await;
                        shape(&reply, view)
                    };
                    let found = call(&view.to_string()).await;
                    assert_eq!(found, call(NOWHERE).await, "{method} {suffix}");
                    assert_eq!(found.0, 404, "{found:?}");
                }
            }
            let list = kit.get(key, &format!("/v1/views?database_id={}", staff.database)).await;
            assert_eq!(list.status, 200, "{}", list.text());
            let listed: Vec<Id> = list.ids().iter().filter_map(|id| Id::parse(id)).collect();
            assert!(listed.contains(&there), "{listed:?}");
            assert!(gone.iter().all(|view| !listed.contains(view)), "{listed:?}");
            let shown = kit.get(key, &format!("/v1/views/{there}")).await.json();
            let columns = shown["configuration"]["properties"].as_array().map(Vec::len);
            let expected = if action == "read-property" { 2 } else { 1 };
            assert_eq!(columns, Some(expected), "{shown}");
            let made = kit.post(key, &format!("/v1/views/{there}/queries"), &json!({})).await;
            assert_eq!(made.status, 200, "{}", made.text());
            // None is made, either.
            for asks in [&filter, &sort, &board] {
                let made = view(&staff, key, asks.clone()).await;
                let expected = if action == "read-property" { 403 } else { 400 };
                assert_eq!(made.status, expected, "{}", made.text());
            }
        }
        staff.kit.finish().await;
    }
}

#[tokio::test]
async fn nothing_is_moved_away_from_a_policy() {
    let staff = Staff::start("read-property").await;
    let kit = &staff.kit;
    let rows = format!("/v1/pages/{}/move", staff.ada);
    let away = json!({"parent": {"type": "page_id", "page_id": kit.demo.team_page_id}});
    for key in &staff.editors {
        let moved = kit.post(key, &rows, &away).await;
        assert_eq!((moved.status, moved.reason()), (403, Some("policy")), "{}", moved.text());
    }
    // What stands above the table is what the policy is about.
    let team = kit.demo.team_page_id;
    let policy = format!(
        "@id(\"pay\") forbid (principal in Role::\"editor\", action == Action::\"read-property\", \
         resource in Object::\"{team}\") when {{ context.property == \"Salary\" }};"
    );
    set(kit, &policy).await;
    let elsewhere = json!({"parent": {"type": "page_id", "page_id": kit.demo.other_page_id}});
    let table = format!("/v1/databases/{}", staff.database);
    let moved = kit.patch(&staff.editors[0], &table, &elsewhere).await;
    assert_eq!((moved.status, moved.reason()), (403, Some("policy")), "{}", moved.text());
    let admin = kit.key(Role::Admin, &[]).await;
    let moved = kit.patch(&admin, &table, &elsewhere).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    staff.kit.finish().await;
}

#[tokio::test]
async fn what_a_page_says_elsewhere_tells_nothing_of_such_columns() {
    for action in ["see-property", "read-property"] {
        let staff = Staff::start(action).await;
        for key in &staff.editors {
            for path in [
                format!("/v1/pages/{}/markdown", staff.ada),
                format!("/v1/blocks/{}/children", staff.ada),
                format!("/v1/blocks/{}", staff.ada),
                format!("/v1/comments?block_id={}", staff.ada),
                format!("/v1/data_sources/{}/templates", staff.people),
                format!("/v1/databases/{}", staff.database),
            ] {
                let reply = staff.kit.get(key, &path).await;
                assert_eq!(reply.status, 200, "{path} {}", reply.text());
                let text = reply.text();
                assert!(!text.contains("71234") && !text.contains("Platinum"), "{path} {text}");
                assert!(PAY.iter().all(|name| !text.contains(&format!("\"{name}\""))), "{text}");
            }
        }
        staff.kit.finish().await;
    }
}
