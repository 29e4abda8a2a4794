//! Relations to a table of which a caller sees some rows.

use serde_json::json;

use super::*;
use crate::columns::{change, names};

/// A table of tasks, one of which leads to deals of both teams.
async fn tasks(world: &World, deals: &[Id]) -> (Id, Id) {
    let kit = &world.kit;
    let relation = json!({"relation": {"data_source_id": world.deals, "single_property": {}}});
    let columns = json!({"Name": {"title": {}}, "Deals": relation});
    let (_, tasks) = table(kit, kit.demo.team_page_id, "Tasks", columns).await;
    let rollup = json!({"rollup": {"relation_property_name": "Deals",
        "rollup_property_name": "Amount", "function": "sum"}});
    let formula = json!({"formula": {"expression": "length(prop(\"Deals\"))"}});
    change(kit, tasks, json!({"Worth": rollup, "Many": formula})).await;
    let deals: Vec<_> = deals.iter().map(|deal| json!({"id": deal})).collect();
    let values = json!({"Name": {"title": text("Task")}, "Deals": {"relation": deals}});
    (tasks, row(kit, tasks, values).await)
}

fn related(page: &Value) -> Vec<Id> {
    let all = page["properties"]["Deals"]["relation"].as_array();
    all.unwrap_or_else(|| panic!("{page}")).iter().map(|one| id(&one["id"])).collect()
}

#[tokio::test]
async fn relations_show_the_rows_that_are_seen_and_nothing_is_computed_from_them() {
    let world = World::start().await;
    let kit = &world.kit;
    let both = [world.legal[0], world.sales[0], world.legal[1], world.sales[1]];
    let (tasks, task) = tasks(&world, &both).await;
    for version in VERSIONS {
        let path = format!("/v1/pages/{task}");
        let page = world.call_in(version, "GET", &path, Value::Null).await.json();
        assert_eq!(related(&page), [world.sales[0], world.sales[1]], "{version}");
        assert_eq!(names(&page), ["Deals", "Name"], "{version}");
        assert!(page["properties"]["Deals"]["has_more"] != true, "{page}");
    }
    let query = format!("/v1/data_sources/{tasks}/query");
    let found = kit.post(&world.editor, &query, &json!({})).await.json();
    assert_eq!(related(&found["results"][0]), [world.sales[0], world.sales[1]]);
    let schema = kit.get(&world.editor, &format!("/v1/data_sources/{tasks}")).await.json();
    assert_eq!(names(&schema), ["Deals", "Name"]);
    // To ask for what it contains is fine, whether it is empty is not.
    let filter = |condition: Value| json!({"filter": {"property": "Deals", "relation": condition}});
    let ask = async |condition: Value| kit.post(&world.editor, &query, &filter(condition)).await;
    assert_eq!(ids(&ask(json!({"contains": world.sales[0]})).await.json()), [task]);
    assert_eq!(ask(json!({"contains": world.legal[0]})).await.status, 404);
    assert_eq!(ask(json!({"is_not_empty": true})).await.status, 400);
    assert_eq!(ask(json!({"is_empty": true})).await.status, 400);
    world.kit.finish().await;
}

#[tokio::test]
async fn a_long_relation_is_looked_through_to_its_end() {
    let world = World::start().await;
    let kit = &world.kit;
    let mut all = Vec::new();
    for number in 0..60 {
        let team = if number % 2 == 0 { "Legal" } else { "Sales" };
        all.push(row(kit, world.deals, deal(number, team)).await);
    }
    let seen: Vec<Id> = all.iter().skip(1).step_by(2).copied().collect();
    let (_, task) = tasks(&world, &all).await;
    // The rows are known from a query; one by one they would be too many look-ups for one call.
    let query = format!("/v1/data_sources/{}/query", world.deals);
    assert_eq!(kit.post(&world.editor, &query, &json!({})).await.status, 200);
    let page = kit.get(&world.editor, &format!("/v1/pages/{task}")).await.json();
    assert_eq!(related(&page), seen[..25], "{page}");
    assert_eq!(page["properties"]["Deals"]["has_more"], true);
    let property = page["properties"]["Deals"]["id"].as_str().unwrap();
    let path = format!("/v1/pages/{task}/properties/{property}");
    for size in [7, 30, 100] {
        let (mut met, mut at) = (Vec::new(), format!("{path}?page_size={size}"));
        loop {
            let list = kit.get(&world.editor, &at).await;
            assert_eq!(list.status, 200, "{}", list.text());
            let list = list.json();
            let results = list["results"].as_array().unwrap().iter();
            met.extend(results.map(|one| id(&one["relation"]["id"])));
            match list["next_cursor"].as_str() {
                Some(next) => at = format!("{path}?page_size={size}&start_cursor={next}"),
                None => break,
            }
            assert_eq!(met.len() % size, 0, "full pages");
        }
        assert_eq!(met, seen);
    }
    assert_eq!(kit.get(&world.editor, &format!("{path}?page_size=0")).await.status, 400);
    assert_eq!(kit.get(&world.editor, &format!("{path}?start_cursor=x")).await.status, 400);
    world.kit.finish().await;
}

#[tokio::test]
async fn what_is_not_seen_of_a_relation_is_not_taken_away() {
    let world = World::start().await;
    let kit = &world.kit;
    let (_, task) = tasks(&world, &[world.legal[0], world.sales[0]]).await;
    let path = format!("/v1/pages/{task}");
    let write = json!({"properties": {"Deals": {"relation": [{"id": world.sales[1]}]}}});
    let written = kit.patch(&world.editor, &path, &write).await;
    assert_eq!(written.status, 200, "{}", written.text());
    assert_eq!(related(&written.json()), [world.sales[1]]);
    let whole = kit.get(&kit.admin, &path).await.json();
    assert_eq!(sorted(related(&whole)), sorted(vec![world.legal[0], world.sales[1]]));
    let write = json!({"properties": {"Deals": {"relation": [{"id": world.legal[1]}]}}});
    assert_eq!(kit.patch(&world.editor, &path, &write).await.status, 404);
    world.kit.finish().await;
}
