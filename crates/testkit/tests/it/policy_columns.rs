//! Columns that a tenant's policies hide or mask: for keys with a scope and without.

mod asking;

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply, request};

use crate::columns::{change, id, names, row, table, text};

pub(crate) const VERSIONS: [&str; 3] = ["2022-06-28", "2025-09-03", "2026-03-11"];
/// What nobody may find.
const SECRETS: [&str; 3] = ["71234", "142468", "Platinum"];

/// A table of people with their pay, and one of teams that adds it up.
pub(crate) struct Staff {
    pub(crate) kit: Kit,
    /// Keys of editors: without a scope, and with one.
    pub(crate) editors: [String; 2],
    pub(crate) payroll: String,
    pub(crate) people: Id,
    pub(crate) database: Id,
    pub(crate) teams: Id,
    pub(crate) ada: Id,
    pub(crate) squad: Id,
}

/// The columns of people, with what policies do not touch first.
pub(crate) const PLAIN: [&str; 4] = ["Boss", "Name", "Notes", "Points"];
pub(crate) const PAY: [&str; 5] = ["Double", "Grade", "Quad", "Salary", "Says"];

impl Staff {
    /// With policies about `Salary`, `Grade` and `Says`; `action` is one of the two about columns.
    pub(crate) async fn start(action: &str) -> Self {
        let kit = Kit::start().await;
        let team = kit.demo.team_page_id;
        let editors = [kit.key(Role::Editor, &[]).await, kit.key(Role::Editor, &[team]).await];
        let payroll = kit
            .new_key(gate::KeyRequest {
                agent: Some("payroll".to_owned()),
                ..request(Role::Editor, &[])
            })
            .await;
        let (database, people) = table(
            &kit,
            team,
            "Staff",
            json!({
                "Name": {"title": {}}, "Notes": {"rich_text": {}}, "Points": {"number": {}},
                "Salary": {"number": {}}, "Says": {"rich_text": {}},
                "Grade": {"select": {"options": [{"name": "Platinum"}]}},
            }),
        )
        .await;
        let boss = json!({"relation": {"data_source_id": people, "single_property": {}}});
        change(
            &kit,
            people,
            json!({"Boss": boss, "Double": {"formula": {"expression": "prop(\"Salary\") * 2"}}}),
        )
        .await;
        change(&kit, people, json!({"Quad": {"formula": {"expression": "prop(\"Double\") * 2"}}}))
            .await;
        let members = json!({"relation": {"data_source_id": people, "single_property": {}}});
        let (_, teams) =
            table(&kit, team, "Teams", json!({"Name": {"title": {}}, "Members": members})).await;
        let sum = json!({"rollup": {
            "relation_property_name": "Members", "rollup_property_name": "Salary", "function": "sum"}});
        let score = json!({"rollup": {
            "relation_property_name": "Members", "rollup_property_name": "Points", "function": "sum"}});
        change(&kit, teams, json!({"Cost": sum, "Score": score})).await;
        let ada = row(
            &kit,
            people,
            json!({
                "Name": {"title": text("Ada")}, "Notes": {"rich_text": text("plain")},
                "Points": {"number": 5}, "Salary": {"number": 71234},
                "Says": {"rich_text": text("I earn 71234")}, "Grade": {"select": {"name": "Platinum"}},
            }),
        )
        .await;
        let squad = row(
            &kit,
            teams,
            json!({"Name": {"title": text("Compilers")}, "Members": {"relation": [{"id": ada}]}}),
        )
        .await;
        let policy = format!(
            "@id(\"pay\") @says(\"pay is for payroll\")\n\
             forbid (principal in Role::\"editor\", action == Action::\"{action}\", \
             resource in Object::\"{people}\")\n\
             when {{ [\"Salary\", \"Grade\", \"Says\"].contains(context.property) }}\n\
             unless {{ principal in Agent::\"payroll\" }};"
        );
        set(&kit, &policy).await;
        Self { kit, editors, payroll, people, database, teams, ada, squad }
    }

    /// A call in a version of Notion's.
    pub(crate) async fn call(
        &self,
        key: &str,
        version: &str,
        (method, path): (&str, &str),
        body: Value,
    ) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        let body = (!body.is_null()).then(|| body.to_string());
        self.kit.raw(method, path, &headers, body).await
    }

    /// Where the schema and the rows of people are, in a version.
    pub(crate) fn paths(&self, version: &str) -> (String, String) {
        let table = match version < "2025-09-03" {
            true => format!("/v1/databases/{}", self.database),
            false => format!("/v1/data_sources/{}", self.people),
        };
        (table.clone(), format!("{table}/query"))
    }

    /// Ada's row in every answer that holds it.
    async fn rows(&self, key: &str, version: &str) -> Vec<Value> {
        let page = format!("/v1/pages/{}", self.ada);
        let (_, query) = self.paths(version);
        let of = |list: Value| {
            let all = list["results"].as_array().cloned().unwrap_or_else(|| panic!("{list}"));
            all.into_iter().find(|row| id(&row["id"]) == self.ada).expect("Ada")
        };
        let write = json!({"properties": {"Points": {"number": 6}}});
        let found = json!({"query": "Ada"});
        vec![
            self.call(key, version, ("GET", &page), Value::Null).await.json(),
            of(self.call(key, version, ("POST", &query), json!({})).await.json()),
            of(self.call(key, version, ("POST", "/v1/search"), found).await.json()),
            self.call(key, version, ("PATCH", &page), write).await.json(),
        ]
    }
}

pub(crate) async fn set(kit: &Kit, text: &str) {
    let reply = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&json!({"text": text}))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The columns of people by names, in order.
fn all() -> Vec<&'static str> {
    let mut all = [&PLAIN[..], &PAY[..]].concat();
    all.sort_unstable();
    all
}

fn tells_nothing(answer: &Value) {
    let text = answer.to_string();
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn hidden_columns_are_in_no_answer_of_any_version() {
    let staff = Staff::start("see-property").await;
    for key in &staff.editors {
        for version in VERSIONS {
            let mut answers = staff.rows(key, version).await;
            let (schema, _) = staff.paths(version);
            answers.push(staff.call(key, version, ("GET", &schema), Value::Null).await.json());
            for answer in answers {
                assert_eq!(names(&answer), PLAIN, "{version} {answer}");
                tells_nothing(&answer);
            }
            let team = format!("/v1/pages/{}", staff.squad);
            let team = staff.call(key, version, ("GET", &team), Value::Null).await.json();
            assert_eq!(names(&team), ["Members", "Name", "Score"], "{team}");
        }
    }
    staff.kit.finish().await;
}

#[tokio::test]
async fn masked_columns_are_there_and_empty_in_every_version() {
    let staff = Staff::start("read-property").await;
    for key in &staff.editors {
        for version in VERSIONS {
            for row in staff.rows(key, version).await {
                assert_eq!(names(&row), all(), "{version} {row}");
                tells_nothing(&row);
                let values = &row["properties"];
                assert_eq!(values["Salary"]["number"], Value::Null);
                assert_eq!(values["Grade"]["select"], Value::Null);
                assert_eq!(values["Says"]["rich_text"], json!([]));
                assert_eq!(values["Quad"]["formula"], json!({"type": "string", "string": null}));
                assert!(values["Points"]["number"].is_number());
            }
            let (schema, _) = staff.paths(version);
            let schema = staff.call(key, version, ("GET", &schema), Value::Null).await.json();
            assert_eq!(names(&schema), all(), "{schema}");
            assert_eq!(schema["properties"]["Grade"]["select"]["options"], json!([]));
            tells_nothing(&schema);
            let team = format!("/v1/pages/{}", staff.squad);
            let team = staff.call(key, version, ("GET", &team), Value::Null).await.json();
            let cost = json!({"type": "number", "number": null, "function": "sum"});
            assert_eq!(team["properties"]["Cost"]["rollup"], cost, "{team}");
            assert!(team["properties"]["Score"]["rollup"]["number"].is_number());
        }
    }
    staff.kit.finish().await;
}

#[tokio::test]
async fn whom_the_policy_leaves_out_sees_everything() {
    let staff = Staff::start("see-property").await;
    let page = format!("/v1/pages/{}", staff.ada);
    for key in [&staff.payroll, &staff.kit.admin] {
        let whole = staff.kit.get(key, &page).await.json();
        assert_eq!(names(&whole), all(), "{whole}");
        assert_eq!(whole["properties"]["Quad"]["formula"]["number"], 4 * 71234);
    }
    // No policy about columns can apply to it: its answers pass as they come, and nothing is looked up.
    staff.kit.forget_calls().await;
    staff.kit.get(&staff.kit.admin, &page).await;
    assert_eq!(staff.kit.calls().await.len(), 1);
    staff.kit.finish().await;
}

#[tokio::test]
async fn properties_one_by_one_are_empty_or_not_there() {
    for (action, status) in [("see-property", 404), ("read-property", 200)] {
        let staff = Staff::start(action).await;
        let kit = &staff.kit;
        let page = format!("/v1/pages/{}", staff.ada);
        let whole = kit.get(&kit.admin, &page).await.json();
        for key in &staff.editors {
            for name in PAY {
                let property = whole["properties"][name]["id"].as_str().unwrap();
                let reply =
                    kit.get(key, &format!("{page}/properties/{property}?page_size=1")).await;
                assert_eq!(reply.status, status, "{name} {}", reply.text());
                tells_nothing(&reply.json());
                if status == 404 {
                    let none = kit.get(key, &format!("{page}/properties/zzzz?page_size=1")).await;
                    let shape = |text: &str, called: &str| text.replace(called, "<id>").len();
                    assert_eq!(shape(&reply.text(), property), shape(&none.text(), "zzzz"));
                }
            }
            let says = whole["properties"]["Says"]["id"].as_str().unwrap();
            let says = kit.get(key, &format!("{page}/properties/{says}")).await.json();
            if status == 200 {
                assert_eq!((&says["results"], &says["has_more"]), (&json!([]), &json!(false)));
            }
            let notes = whole["properties"]["Notes"]["id"].as_str().unwrap();
            let notes = kit.get(key, &format!("{page}/properties/{notes}")).await.json();
            assert_eq!(notes["results"].as_array().map(Vec::len), Some(1), "{notes}");
        }
        staff.kit.finish().await;
    }
}

#[tokio::test]
async fn a_column_that_somebody_renames_is_judged_by_its_new_name() {
    let staff = Staff::start("read-property").await;
    let (kit, key) = (&staff.kit, &staff.editors[0]);
    let page = format!("/v1/pages/{}", staff.ada);
    assert_eq!(kit.get(key, &page).await.json()["properties"]["Salary"]["number"], Value::Null);
    let path = format!("/v1/data_sources/{}", staff.people);
    let rename = |from: &str, to: &str| json!({"properties": {from: {"name": to}}});
    kit.as_human("PATCH", &path, rename("Salary", "Wage")).await;
    assert_eq!(kit.get(key, &page).await.json()["properties"]["Wage"]["number"], 71234);
    kit.as_human("PATCH", &path, rename("Points", "Salary")).await;
    assert_eq!(kit.get(key, &page).await.json()["properties"]["Salary"]["number"], Value::Null);
    staff.kit.finish().await;
}

#[tokio::test]
async fn the_other_end_of_a_relation_is_not_named_where_it_is_hidden() {
    let staff = Staff::start("see-property").await;
    let (kit, key) = (&staff.kit, &staff.editors[0]);
    let both = json!({"relation": {"data_source_id": staff.teams, "dual_property": {"synced_property_name": "Payees"}}});
    change(kit, staff.people, json!({"Paid by": both})).await;
    set(
        kit,
        "@id(\"ends\") forbid (principal in Role::\"editor\", action == Action::\"see-property\", resource)\n\
         when { context.property == \"Payees\" };",
    )
    .await;
    let path = format!("/v1/data_sources/{}", staff.people);
    let shown = kit.get(key, &path).await.json();
    let relation = &shown["properties"]["Paid by"]["relation"];
    assert_eq!(
        (&relation["type"], relation.get("dual_property")),
        (&json!("single_property"), None)
    );
    assert!(!shown.to_string().contains("Payees"), "{shown}");
    let old = ("GET", &*format!("/v1/databases/{}", staff.database));
    let old = staff.call(key, "2022-06-28", old, Value::Null).await;
    assert_eq!(old.status, 200);
    assert!(!old.text().contains("Payees"), "{}", old.text());
    assert!(kit.get(&kit.admin, &path).await.text().contains("Payees"));
    staff.kit.finish().await;
}

#[tokio::test]
async fn it_is_explained_by_the_policy_that_decides() {
    for (action, flag) in [("see-property", "hidden"), ("read-property", "masked")] {
        let staff = Staff::start(action).await;
        let explain = async |who: &str, operation: &str, property: &str| {
            let body = json!({
                "principal": who, "operation": operation, "object": staff.people, "property": property,
            });
            let reply = staff.kit.post(&staff.kit.admin, "/api/v1/policy/explain", &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        };
        let said = explain("role:editor", "read-property", "Salary").await;
        assert_eq!((&said["decision"], &said["rule"]), (&json!("deny"), &json!("pay")));
        assert_eq!((&said[flag], &said["because"]), (&json!(true), &json!("pay is for payroll")));
        assert_eq!(said["path"][0], json!(staff.people));
        // Made from it.
        let said = explain("role:editor", "read-property", "Quad").await;
        assert_eq!((&said["decision"], &said[flag]), (&json!("deny"), &json!(true)), "{said}");
        for (who, property) in
            [("role:admin", "Salary"), ("role:editor", "Points"), ("role:editor", "Name")]
        {
            let said = explain(who, "read-property", property).await;
            assert_eq!((&said["decision"], &said["rule"]), (&json!("allow"), &json!("columns")));
        }
        let seen = explain("role:editor", "see-property", "Salary").await;
        assert_eq!(seen["decision"] == "allow", action == "read-property", "{seen}");
        for body in [
            json!({"principal": "role:editor", "operation": "see-property", "object": staff.people}),
            json!({"principal": "role:editor", "operation": "see-property", "property": "Salary"}),
            json!({"principal": "role:editor", "operation": "see-property", "object": staff.people, "property": "Gone"}),
        ] {
            let reply = staff.kit.post(&staff.kit.admin, "/api/v1/policy/explain", &body).await;
            assert_eq!(reply.status, 400, "{}", reply.text());
        }
        staff.kit.finish().await;
    }
}
