//! Rows change: by others, in Notion's app, while the gate remembers what they were.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::webhooks::{event, pair, send};

/// What stands in a row is judged by what is remembered of the row.
async fn children(world: &World, row: Id) -> u16 {
    world.kit.get(&world.editor, &format!("/v1/blocks/{row}/children")).await.status
}

#[tokio::test]
async fn what_is_remembered_of_a_row_is_as_old_as_places_may_be() {
    let world = World::start().await;
    let (row, kit) = (world.sales[0], &world.kit);
    assert_eq!(children(&world, row).await, 200);
    world.set_team(row, "Legal").await;
    // The answer itself tells, whatever is remembered.
    assert!(!world.sees(row).await);
    world.set_team(row, "Sales").await;
    assert!(world.sees(row).await, "a no is not said from memory");
    world.set_team(row, "Legal").await;
    kit.clock.advance(Duration::from_secs(11));
    assert_eq!(children(&world, row).await, 404);
    world.set_team(row, "Sales").await;
    assert_eq!(children(&world, row).await, 200, "a no is not said from memory");
    world.kit.finish().await;
}

#[tokio::test]
async fn deep_below_a_row_its_values_are_believed_for_a_minute() {
    let world = World::start().await;
    let (row, kit) = (world.sales[0], &world.kit);
    let child = json!({"children": [{"paragraph": {"rich_text": text("terms")}}]});
    let path = format!("/v1/blocks/{row}/children");
    let made = kit.call("PATCH", &kit.admin, &path, Some(&child)).await.json();
    let block = id(&made["results"][0]["id"]);
    assert_eq!(children(&world, block).await, 200);
    world.set_team(row, "Legal").await;
    kit.clock.advance(Duration::from_secs(61));
    assert_eq!(children(&world, block).await, 404);
    world.kit.finish().await;
}

#[tokio::test]
async fn a_webhook_about_a_row_ends_what_was_remembered() {
    let world = World::start().await;
    let (row, kit) = (world.sales[0], &world.kit);
    let paired = pair(kit).await;
    for (number, kind, entity) in [
        (1, "page.properties_updated", row.to_string()),
        // A column was renamed, or an option.
        (2, "data_source.schema_updated", world.deals.to_string()),
    ] {
        world.set_team(row, "Sales").await;
        assert_eq!(children(&world, row).await, 200);
        world.set_team(row, "Legal").await;
        let event = event(kit, number, kind, &entity, number);
        assert_eq!(send(kit, &paired.token, &event).await.status, 200);
        assert_eq!(children(&world, row).await, 404, "{kind}");
    }
    world.kit.finish().await;
}

#[tokio::test]
async fn writes_of_others_through_the_gate_count_at_once() {
    let world = World::start().await;
    let (row, kit) = (world.sales[0], &world.kit);
    let path = format!("/v1/pages/{row}");
    let team = |team: &str| json!({"properties": {"Team": {"select": {"name": team}}}});
    for (to, expected) in [("Legal", 404), ("Sales", 200), ("Legal", 404)] {
        children(&world, row).await;
        assert_eq!(kit.patch(&kit.admin, &path, &team(to)).await.status, 200);
        assert_eq!(children(&world, row).await, expected, "{to}");
    }
    // Another policy looks at other properties: what was read for the old one is no answer.
    let other = own_team(world.deals).replace("Team", "Amount").replace("Sales\"", "1000\"");
    set(kit, &other).await;
    assert_eq!(children(&world, row).await, 200);
    assert_eq!(children(&world, world.sales[1]).await, 404);
    // A renamed column is another one.
    set(kit, &own_team(world.deals)).await;
    assert_eq!(children(&world, world.sales[1]).await, 200);
    let rename = json!({"properties": {"Team": {"name": "Squad"}}});
    let source = format!("/v1/data_sources/{}", world.deals);
    assert_eq!(kit.patch(&kit.admin, &source, &rename).await.status, 200);
    assert_eq!(children(&world, world.sales[1]).await, 404);
    // By its id it stays the same.
    let schema = kit.get(&kit.admin, &source).await.json();
    let column = schema["properties"]["Squad"]["id"].as_str().unwrap();
    set(kit, &own_team(world.deals).replace("Team", column)).await;
    assert_eq!(children(&world, world.sales[1]).await, 200);
    assert_eq!(children(&world, world.legal[1]).await, 404);
    world.kit.finish().await;
}
