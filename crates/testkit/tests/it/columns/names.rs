//! Naming a column that leads outside is naming one that is not there.

use model::Role;
use serde_json::{Value, json};
use testkit::Reply;

use super::{HIDDEN, World, names};

/// A name that nobody has.
const NOBODY: &str = "Zebra";

/// An answer with what must differ taken out.
fn shape(reply: &Reply, called: &str) -> (u16, String) {
    let mut body = reply.json();
    body["request_id"] = Value::Null;
    (reply.status, body.to_string().replace(called, "<name>"))
}

/// What the columns are called: by name and by id.
async fn called(world: &World) -> Vec<String> {
    let whole = world.kit.get(&world.kit.admin, &format!("/v1/pages/{}", world.ada)).await.json();
    let ids = HIDDEN.iter().map(|name| whole["properties"][name]["id"].as_str().expect("an id"));
    HIDDEN.iter().map(|name| (*name).to_owned()).chain(ids.map(str::to_owned)).collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[tokio::test]
async fn filters_and_sorts_tell_nothing() {
    let world = World::start().await;
    let called = called(&world).await;
    let conditions = [
        json!({"relation": {"contains": world.ada}}),
        json!({"relation": {"is_empty": true}}),
        json!({"rollup": {"number": {"greater_than": 70000}}}),
        json!({"formula": {"number": {"greater_than": 70000}}}),
        json!({"number": {"equals": 71234}}),
    ];
    for version in ["2022-06-28", "2025-09-03", "2026-03-11"] {
        let path = match version {
            "2022-06-28" => format!("/v1/databases/{}/query", world.database),
            _ => format!("/v1/data_sources/{}/query", world.people),
        };
        let ask = async |name: &str, body: &dyn Fn(&str) -> Value| {
            shape(&world.call_in(version, "POST", &path, body(name)).await, name)
        };
        for name in &called {
            for condition in &conditions {
                let body = |name: &str| {
                    let mut filter = condition.clone();
                    filter["property"] = name.into();
                    json!({"filter": {"or": [filter, {"and": [{"property": "Points", "number": {"equals": 1}}]}]}})
                };
                let there = ask(name, &body).await;
                assert_eq!(there, ask(NOBODY, &body).await, "{name} {condition}");
                assert_eq!(there.0, 400, "{there:?}");
            }
            let sort =
                |name: &str| json!({"sorts": [{"property": name, "direction": "ascending"}]});
            let there = ask(name, &sort).await;
            assert_eq!(there, ask(NOBODY, &sort).await, "{name}");
            assert_eq!(there.0, 400, "{there:?}");
        }
    }
    // It is Notion's own answer for a column that is not there.
    let path = format!("/v1/data_sources/{}/query", world.people);
    let body = json!({"filter": {"property": NOBODY, "number": {"equals": 1}}});
    let own = world.kit.direct("POST", &path, Some(&body)).await;
    let ours = world.kit.post(&world.editor, &path, &body).await;
    assert_eq!(shape(&ours, NOBODY), shape(&own, NOBODY));
    world.kit.finish().await;
}

#[tokio::test]
async fn one_property_and_chosen_properties_tell_nothing() {
    let world = World::start().await;
    let called = called(&world).await;
    let get = async |path: &str, name: &str| {
        shape(&world.kit.get(&world.editor, &path.replace('*', &encoded(name))).await, name)
    };
    let item = format!("/v1/pages/{}/properties/*", world.ada);
    let page = format!("/v1/pages/{}?filter_properties=*", world.ada);
    let pages = format!("/v1/pages/{}?filter_properties[]=*&filter_properties[]=Points", world.ada);
    let query = format!("/v1/data_sources/{}/query?filter_properties=*", world.people);
    for name in &called {
        let (there, not_there) = (get(&item, name).await, get(&item, NOBODY).await);
        assert_eq!(there, not_there, "{name}");
        assert_eq!(there.0, 404, "{there:?}");
        for path in [&page, &pages] {
            let (there, not_there) = (get(path, name).await, get(path, NOBODY).await);
            assert_eq!(there, not_there, "{name}");
            assert_eq!(there.0, 200, "{there:?}");
        }
        let ask = |name: &str| query.replace('*', &encoded(name));
        let there = world.kit.post(&world.editor, &ask(name), &json!({})).await;
        let not_there = world.kit.post(&world.editor, &ask(NOBODY), &json!({})).await;
        assert_eq!(shape(&there, name), shape(&not_there, NOBODY), "{name}");
        assert_eq!(names(&there.json()["results"][0]), Vec::<String>::new());
    }
    world.kit.finish().await;
}

#[tokio::test]
async fn writing_to_it_is_writing_to_nothing() {
    let world = World::start().await;
    let called = called(&world).await;
    let (page, parent) =
        (format!("/v1/pages/{}", world.ada), json!({"data_source_id": world.people}));
    for name in &called {
        for value in
            [json!({"relation": []}), json!({"number": 1}), json!({"rollup": {}}), json!({})]
        {
            let write = |name: &str| json!({"properties": {"Points": {"number": 7}, name: value}});
            let there = world.kit.patch(&world.editor, &page, &write(name)).await;
            let not_there = world.kit.patch(&world.editor, &page, &write(NOBODY)).await;
            assert_eq!(shape(&there, name), shape(&not_there, NOBODY), "{name} {value}");
            assert_eq!(there.status, 400, "{}", there.text());

            let mut create = write(name);
            create["parent"] = parent.clone();
            let mut other = write(NOBODY);
            other["parent"] = parent.clone();
            let there = world.kit.post(&world.editor, "/v1/pages", &create).await;
            let not_there = world.kit.post(&world.editor, "/v1/pages", &other).await;
            assert_eq!(shape(&there, name), shape(&not_there, NOBODY), "{name} {value}");
        }
    }
    let whole = world.kit.get(&world.kit.admin, &page).await.json();
    assert_eq!(whole["properties"]["Pay"]["relation"].as_array().map(Vec::len), Some(1));
    world.kit.finish().await;
}

#[tokio::test]
async fn schemas_are_not_changed_where_they_lead_outside() {
    let world = World::start().await;
    let kit = &world.kit;
    let admin = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    let path = format!("/v1/data_sources/{}", world.people);
    let change = async |properties: Value| {
        kit.patch(&admin, &path, &json!({"properties": properties})).await
    };
    for name in called(&world).await {
        for what in [Value::Null, json!({"name": "Mine"})] {
            let there = change(json!({name.as_str(): what})).await;
            let not_there = change(json!({NOBODY: what})).await;
            assert_eq!(shape(&there, &name), shape(&not_there, NOBODY), "{name} {what}");
            assert_eq!(there.status, 400, "{}", there.text());
        }
        let taken = change(json!({name.as_str(): {"checkbox": {}}})).await;
        assert_eq!(taken.status, 400, "{name}: {}", taken.text());
    }
    let fresh = change(json!({"Fresh": {"checkbox": {}}, "Points": {"name": "Score"}})).await;
    assert_eq!(fresh.status, 200, "{}", fresh.text());
    assert!(names(&fresh.json()).contains(&"Score".to_owned()), "{}", fresh.text());
    assert!(!names(&fresh.json()).contains(&"Pay".to_owned()), "{}", fresh.text());
    let whole = kit.get(&kit.admin, &path).await.json();
    for name in HIDDEN {
        assert!(whole["properties"].get(name).is_some(), "{name}");
    }
    world.kit.finish().await;
}

#[tokio::test]
async fn new_columns_compute_from_what_exists() {
    let world = World::start().await;
    let kit = &world.kit;
    let path = format!("/v1/data_sources/{}", world.people);
    let change = async |properties: Value| {
        kit.patch(&world.editor, &path, &json!({"properties": properties})).await
    };
    let rollup = |relation: &str, target: &str| json!({"rollup": {"relation_property_name": relation, "rollup_property_name": target, "function": "max"}});
    let formula =
        |called: &str| json!({"formula": {"expression": format!("prop(\"{called}\") + 1")}});
    for name in called(&world).await.iter().map(String::as_str) {
        for (there, not_there) in [
            (rollup(name, "Amount"), rollup(NOBODY, "Amount")),
            (rollup(name, "Nothing"), rollup(NOBODY, "Nothing")),
            (formula(name), formula(NOBODY)),
        ] {
            let there = change(json!({"Spy": there})).await;
            assert_eq!(
                shape(&there, name),
                shape(&change(json!({"Spy": not_there})).await, NOBODY)
            );
            assert_eq!(there.status, 400, "{}", there.text());
        }
    }
    let (there, not_there) = (rollup("Squad", "Costs"), rollup("Squad", NOBODY));
    let there = change(json!({"Spy": there})).await;
    assert_eq!(shape(&there, "Costs"), shape(&change(json!({"Spy": not_there})).await, NOBODY));
    assert_eq!(there.status, 400, "{}", there.text());
    assert_eq!(change(json!({"Spy": {"formula": {"expression": "prop(name)"}}})).await.status, 400);

    let made = change(json!({"Largest": rollup("Squad", "Size"), "More": formula("Points")})).await;
    assert_eq!(made.status, 200, "{}", made.text());
    for name in ["Largest", "More"] {
        assert!(names(&made.json()).iter().any(|it| it == name), "{}", made.text());
    }
    let row = kit.get(&world.editor, &format!("/v1/pages/{}", world.ada)).await.json();
    assert_eq!(row["properties"]["Largest"]["rollup"]["number"], 3);
    assert_eq!(row["properties"]["More"]["formula"]["number"], 6);
    // A new table with all of it at once.
    let table = kit
        .post(
            &world.editor,
            "/v1/databases",
            &json!({
                "parent": {"type": "page_id", "page_id": kit.demo.team_page_id},
                "initial_data_source": {"properties": {
                    "Name": {"title": {}}, "N": {"number": {}}, "Twice": formula("N"),
                    "Who": {"relation": {"data_source_id": world.people, "single_property": {}}},
                    "Points": rollup("Who", "Points"),
                }},
            }),
        )
        .await;
    assert_eq!(table.status, 200, "{}", table.text());
    let spy = kit
        .post(
            &world.editor,
            "/v1/databases",
            &json!({
                "parent": {"type": "page_id", "page_id": kit.demo.team_page_id},
                "initial_data_source": {"properties": {
                    "Name": {"title": {}},
                    "Who": {"relation": {"data_source_id": world.people, "single_property": {}}},
                    "Spy": rollup("Who", "Paid"),
                }},
            }),
        )
        .await;
    assert_eq!(spy.status, 400, "{}", spy.text());
    world.kit.finish().await;
}

#[tokio::test]
async fn the_other_end_of_a_relation_is_not_named_after_what_is_outside() {
    let world = World::start().await;
    let kit = &world.kit;
    let path = format!("/v1/data_sources/{}", world.people);
    let relation = |name: &str| json!({"properties": {name: {"relation": {"data_source_id": world.people, "dual_property": {}}}}});
    let other = |reply: &Reply, name: &str| {
        reply.json()["properties"][name]["relation"]["dual_property"]["synced_property_name"]
            .clone()
    };
    let made = kit.patch(&world.editor, &path, &relation("First")).await;
    assert_eq!(other(&made, "First"), "Related to People (First)", "{}", made.text());
    let title = json!({"title": [{"mention": {"page": {"id": kit.demo.other_page_id}}}]});
    kit.as_human("PATCH", &path, title).await;
    let made = kit.patch(&world.editor, &path, &relation("Second")).await;
    assert_eq!(other(&made, "Second"), "Related to Untitled (Second)", "{}", made.text());
    world.kit.finish().await;
}

#[tokio::test]
async fn what_exists_can_be_named_in_every_way() {
    let world = World::start().await;
    let (kit, path) = (&world.kit, format!("/v1/data_sources/{}/query", world.people));
    let schema = kit.get(&world.editor, &format!("/v1/data_sources/{}", world.people)).await.json();
    let size = schema["properties"]["Squad size"]["id"].as_str().unwrap();
    for body in [
        json!({"filter": {"property": "Squad size", "rollup": {"number": {"equals": 3}}}}),
        json!({"filter": {"property": size, "rollup": {"number": {"equals": 3}}}}),
        json!({"filter": {"property": "Plus", "formula": {"number": {"equals": 6}}},
            "sorts": [{"property": "Squad", "direction": "descending"}]}),
    ] {
        let rows = kit.post(&world.editor, &path, &body).await;
        assert_eq!(rows.status, 200, "{}", rows.text());
        assert_eq!(rows.ids().len(), 2, "{body}");
    }
    let item = kit.get(&world.editor, &format!("/v1/pages/{}/properties/{size}", world.ada)).await;
    assert_eq!(
        item.json()["rollup"]["number"]
            .as_i64()
            .or(item.json()["property_item"]["rollup"]["number"].as_i64()),
        Some(3),
        "{}",
        item.text()
    );
    world.kit.finish().await;
}
