//! Columns that reach outside a key's part of Notion do not exist for it.

mod departed;
mod names;
mod texts;
mod views;

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

/// Two tables inside a team's page, one outside, and columns that lead there in every way.
pub(crate) struct World {
    pub(crate) kit: Kit,
    pub(crate) editor: String,
    /// The table inside.
    pub(crate) people: Id,
    pub(crate) database: Id,
    pub(crate) salaries: Id,
    /// A row inside, and one whose text mentions what is outside.
    pub(crate) ada: Id,
    pub(crate) ben: Id,
    /// The row outside that the rows inside lead to.
    pub(crate) pay: Id,
}

/// The columns that lead outside.
pub(crate) const HIDDEN: [&str; 6] =
    ["Pay", "Paid", "Doubled", "Quadrupled", "Squad costs", "Squad names as text"];
/// Those that do not.
const SHOWN: [&str; 9] = [
    "Count of squads",
    "Loud",
    "Name",
    "Notes",
    "Plus",
    "Points",
    "Squad",
    "Squad names",
    "Squad size",
];

pub(crate) fn text(content: &str) -> Value {
    json!([{"text": {"content": content}}])
}

fn relation(to: Id) -> Value {
    json!({"relation": {"data_source_id": to, "single_property": {}}})
}

fn rollup(relation: &str, target: &str, function: &str) -> Value {
    json!({"rollup": {"relation_property_name": relation, "rollup_property_name": target, "function": function}})
}

fn formula(expression: &str) -> Value {
    json!({"formula": {"expression": expression}})
}

impl World {
    pub(crate) async fn start() -> Self {
        let kit = Kit::start().await;
        let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
        let editor = kit.key(Role::Editor, &[team]).await;
        let (_, salaries) = table(
            &kit,
            other,
            "Salaries",
            json!({"Name": {"title": {}}, "Amount": {"number": {}}}),
        )
        .await;
        let (_, squads) = table(
            &kit,
            team,
            "Squads",
            json!({
                "Name": {"title": {}}, "Size": {"number": {}}, "Money": relation(salaries),
            }),
        )
        .await;
        change(&kit, squads, json!({"Costs": rollup("Money", "Amount", "sum")})).await;
        let (database, people) = table(
            &kit,
            team,
            "People",
            json!({
                "Name": {"title": {}}, "Notes": {"rich_text": {}}, "Points": {"number": {}},
                "Pay": relation(salaries), "Squad": relation(squads),
            }),
        )
        .await;
        change(
            &kit,
            people,
            json!({
                "Paid": rollup("Pay", "Amount", "sum"),
                "Squad size": rollup("Squad", "Size", "sum"),
                "Squad names": rollup("Squad", "Name", "show_original"),
                "Squad costs": rollup("Squad", "Costs", "sum"),
                "Plus": formula("prop(\"Points\") + 1"),
                "Loud": formula("upper(prop(\"Notes\"))"),
                "Count of squads": formula("length(prop(\"Squad\"))"),
            }),
        )
        .await;
        change(
            &kit,
            people,
            json!({
                "Doubled": formula("prop(\"Paid\") * 2"),
                "Squad names as text": formula("format(prop(\"Squad names\"))"),
            }),
        )
        .await;
        change(&kit, people, json!({"Quadrupled": formula("prop(\"Doubled\") * 2")})).await;
        let pay = row(
            &kit,
            salaries,
            json!({"Name": {"title": text("Ada's pay")}, "Amount": {"number": 71234}}),
        )
        .await;
        let squad = row(&kit, squads, json!({
            "Name": {"title": text("Compilers")}, "Size": {"number": 3}, "Money": {"relation": [{"id": pay}]},
        }))
        .await;
        let links = |name: &str, notes: Value| {
            json!({
                "Name": {"title": text(name)}, "Notes": {"rich_text": notes}, "Points": {"number": 5},
                "Pay": {"relation": [{"id": pay}]}, "Squad": {"relation": [{"id": squad}]},
            })
        };
        let ada = row(&kit, people, links("Ada", text("plain"))).await;
        let mention = json!([{"text": {"content": "see "}}, {"mention": {"page": {"id": other}}}]);
        let ben = row(&kit, people, links("Ben", mention)).await;
        Self { kit, editor, people, database, salaries, ada, ben, pay }
    }

    /// A call in a version of Notion's.
    pub(crate) async fn call_in(
        &self,
        version: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Reply {
        let bearer = format!("Bearer {}", self.editor);
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        let body = (!body.is_null()).then(|| body.to_string());
        self.kit.raw(method, path, &headers, body).await
    }
}

/// A new table; its database and its data source.
pub(crate) async fn table(kit: &Kit, page: Id, title: &str, properties: Value) -> (Id, Id) {
    let body = json!({
        "parent": {"type": "page_id", "page_id": page},
        "title": text(title),
        "initial_data_source": {"properties": properties},
    });
    let made = kit.post(&kit.admin, "/v1/databases", &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let made = made.json();
    (id(&made["id"]), id(&made["data_sources"][0]["id"]))
}

pub(crate) async fn change(kit: &Kit, source: Id, properties: Value) {
    let path = format!("/v1/data_sources/{source}");
    let changed = kit.patch(&kit.admin, &path, &json!({"properties": properties})).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
}

pub(crate) async fn row(kit: &Kit, source: Id, properties: Value) -> Id {
    let body = json!({"parent": {"data_source_id": source}, "properties": properties});
    let made = kit.post(&kit.admin, "/v1/pages", &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    id(&made.json()["id"])
}

pub(crate) fn id(value: &Value) -> Id {
    value.as_str().and_then(Id::parse).expect("an id")
}

/// The names of an object's properties, in order.
pub(crate) fn names(object: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        object["properties"].as_object().expect("properties").keys().cloned().collect();
    names.sort();
    names
}

const VERSIONS: [&str; 3] = ["2022-06-28", "2025-09-03", "2026-03-11"];

#[tokio::test]
async fn what_leads_outside_is_in_no_answer_of_any_version() {
    let world = World::start().await;
    let (kit, people, database, ada) = (&world.kit, world.people, world.database, world.ada);
    for version in VERSIONS {
        let old = version < "2025-09-03";
        let (schema, query) = match old {
            true => {
                (format!("/v1/databases/{database}"), format!("/v1/databases/{database}/query"))
            }
            false => {
                (format!("/v1/data_sources/{people}"), format!("/v1/data_sources/{people}/query"))
            }
        };
        let mut answers = vec![
            world.call_in(version, "GET", &format!("/v1/pages/{ada}"), Value::Null).await.json(),
            world.call_in(version, "GET", &schema, Value::Null).await.json(),
        ];
        let rows = world.call_in(version, "POST", &query, json!({})).await.json();
        let row = |rows: &Value| {
            let rows = rows["results"].as_array().expect("rows").clone();
            rows.into_iter().find(|row| id(&row["id"]) == ada).expect("the row")
        };
        answers.push(row(&rows));
        let found =
            world.call_in(version, "POST", "/v1/search", json!({"query": "Ada"})).await.json();
        answers.push(row(&found));
        let write = json!({"properties": {"Points": {"number": 6}}});
        answers
            .push(world.call_in(version, "PATCH", &format!("/v1/pages/{ada}"), write).await.json());
        for answer in answers {
            assert_eq!(names(&answer), SHOWN, "{version} {answer}");
            let text = answer.to_string();
            for secret in
                ["71234", "142468", "Salaries", &world.pay.to_string(), &world.salaries.to_string()]
            {
                assert!(!text.contains(secret), "{version}: {secret} in {text}");
            }
        }
    }
    // Who sees everything sees all of them.
    let whole = kit.get(&kit.admin, &format!("/v1/pages/{ada}")).await;
    assert_eq!(names(&whole.json()).len(), SHOWN.len() + HIDDEN.len());
    assert_eq!(whole.json()["properties"]["Doubled"]["formula"]["number"], 2 * 71234);
    world.kit.finish().await;
}

#[tokio::test]
async fn inside_two_tables_rollups_and_relations_show_what_is_there() {
    let world = World::start().await;
    let row = world.kit.get(&world.editor, &format!("/v1/pages/{}", world.ada)).await.json();
    let values = &row["properties"];
    assert_eq!(values["Squad"]["relation"].as_array().map(Vec::len), Some(1));
    assert_eq!(values["Squad size"]["rollup"]["number"], 3);
    assert_eq!(values["Squad names"]["rollup"]["array"][0]["title"][0]["plain_text"], "Compilers");
    assert_eq!(values["Count of squads"]["formula"]["number"], 1);
    assert_eq!(values["Plus"]["formula"]["number"], 6);
    assert_eq!(values["Loud"]["formula"]["string"], "PLAIN");
    world.kit.finish().await;
}

#[tokio::test]
async fn what_is_computed_from_a_text_that_mentions_what_is_outside_is_not_shown() {
    let world = World::start().await;
    let (kit, ben) = (&world.kit, world.ben);
    let row = kit.get(&world.editor, &format!("/v1/pages/{ben}")).await.json();
    assert_eq!(row["properties"]["Notes"]["rich_text"][1]["plain_text"], "Untitled");
    assert_eq!(row["properties"].get("Loud"), None, "{row}");
    // Asked for alone, the text that it is made from is looked at all the same.
    let path = format!("/v1/pages/{ben}?filter_properties=Loud&filter_properties=Points");
    assert_eq!(names(&kit.get(&world.editor, &path).await.json()), ["Points"]);
    let path = format!("/v1/pages/{}?filter_properties=Loud", world.ada);
    assert_eq!(names(&kit.get(&world.editor, &path).await.json()), ["Loud"]);
    // One by one.
    let whole = kit.get(&kit.admin, &format!("/v1/pages/{ben}")).await.json();
    let loud = whole["properties"]["Loud"]["id"].as_str().unwrap();
    let item = |row: Id| format!("/v1/pages/{row}/properties/{loud}");
    assert_eq!(kit.get(&world.editor, &item(ben)).await.status, 404);
    assert_eq!(kit.get(&world.editor, &item(world.ada)).await.status, 200);
    let notes = whole["properties"]["Notes"]["id"].as_str().unwrap();
    let notes = kit.get(&world.editor, &format!("/v1/pages/{ben}/properties/{notes}")).await;
    assert_eq!(notes.status, 200, "{}", notes.text());
    let other = kit.get(&kit.admin, &format!("/v1/pages/{}", kit.demo.other_page_id)).await.json();
    let title = other["properties"]["title"]["title"][0]["plain_text"].as_str().unwrap();
    assert!(!notes.text().contains(title), "{}", notes.text());
    world.kit.finish().await;
}

#[tokio::test]
async fn a_row_alone_shows_what_is_its_own() {
    let world = World::start().await;
    let kit = &world.kit;
    let viewer = kit.key(Role::Viewer, &[world.ada]).await;
    let row = kit.get(&viewer, &format!("/v1/pages/{}", world.ada)).await;
    assert_eq!(names(&row.json()), ["Name", "Notes", "Points"], "{}", row.text());
    assert_eq!(row.json()["parent"], json!({"type": "workspace", "workspace": true}));
    world.kit.finish().await;
}

#[tokio::test]
async fn a_table_alone_relates_to_itself_under_a_database_that_nobody_has() {
    let kit = Kit::start().await;
    let source = kit.demo.data_source_id;
    let viewer = kit.key(Role::Viewer, &[source]).await;
    let schema = kit.get(&viewer, &format!("/v1/data_sources/{source}")).await;
    assert_eq!(schema.status, 200, "{}", schema.text());
    let schema = schema.json();
    let own = &schema["properties"]["Blocked by"]["relation"];
    assert_eq!(id(&own["data_source_id"]), source);
    assert_ne!(id(&own["database_id"]), kit.demo.database_id);
    assert_eq!(own["database_id"], schema["parent"]["database_id"]);
    assert_eq!(schema["properties"].get("Project"), None, "it leads to another table");
    assert_eq!(schema["properties"].get("Project lead"), None);
    let rows = kit.post(&viewer, &format!("/v1/data_sources/{source}/query"), &json!({})).await;
    assert_eq!(rows.status, 200, "{}", rows.text());
    kit.finish().await;
}

#[tokio::test]
async fn a_column_that_a_person_adds_or_turns_is_hidden_without_any_hint() {
    let world = World::start().await;
    let (kit, people) = (&world.kit, world.people);
    let path = format!("/v1/pages/{}", world.ada);
    assert_eq!(names(&kit.get(&world.editor, &path).await.json()), SHOWN);
    // A new one is not known to be harmless, so it is not shown.
    let fresh = json!({"properties": {"More pay": relation(world.salaries)}});
    kit.as_human("PATCH", &format!("/v1/data_sources/{people}"), fresh).await;
    let values = json!({"properties": {"More pay": {"relation": [{"id": world.pay}]}}});
    kit.as_human("PATCH", &path, values).await;
    assert_eq!(names(&kit.get(&world.editor, &path).await.json()), SHOWN);
    // One that leads elsewhere now is known to after the time for which places are believed.
    let turned = json!({"properties": {"Squad": relation(world.salaries)}});
    kit.as_human("PATCH", &format!("/v1/data_sources/{people}"), turned).await;
    kit.clock.advance(std::time::Duration::from_secs(61));
    let row = kit.get(&world.editor, &path).await.json();
    assert_eq!(names(&row), ["Loud", "Name", "Notes", "Plus", "Points"]);
    world.kit.finish().await;
}

#[tokio::test]
async fn the_oldest_versions_list_their_databases() {
    let world = World::start().await;
    let list = world.call_in("2021-05-13", "GET", "/v1/databases", Value::Null).await;
    assert_eq!(list.status, 200, "{}", list.text());
    let all = list.json()["results"].as_array().cloned().expect("databases");
    let people = all.iter().find(|it| id(&it["id"]) == world.database).expect("the table");
    assert_eq!(names(people), SHOWN);
    world.kit.finish().await;
}
