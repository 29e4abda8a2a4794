//! Rows that have left their table: relations of others still name them.

use super::*;

#[tokio::test]
async fn a_relation_does_not_name_a_row_that_has_moved_outside() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let (_, deals) = table(&kit, team, "Deals", json!({"Name": {"title": {}}})).await;
    let columns = json!({"Name": {"title": {}}, "Deals": relation(deals)});
    let (_, tasks) = table(&kit, team, "Tasks", columns).await;
    let name = |name: &str| json!({"Name": {"title": text(name)}});
    let stays = row(&kit, deals, name("Stays")).await;
    let leaves = row(&kit, deals, name("Leaves")).await;
    let task = json!({"Deals": {"relation": [{"id": stays}, {"id": leaves}]}});
    let task = row(&kit, tasks, task).await;
    let shown = async || {
        let page = kit.get(&viewer, &format!("/v1/pages/{task}")).await.json();
        let deals = page["properties"]["Deals"]["relation"].as_array().cloned();
        let deals = deals.unwrap_or_else(|| panic!("{page}"));
        deals.iter().map(|one| id(&one["id"])).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [stays, leaves]);

    let to = |parent: Id| json!({"parent": {"type": "page_id", "page_id": parent}});
    let path = format!("/v1/pages/{leaves}/move");
    let moved = kit.post(&kit.admin, &path, &to(other)).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    assert_eq!(shown().await, [stays]);
    // Where the key sees it, it is named: it did not leave for nowhere.
    let moved = kit.post(&kit.admin, &path, &to(team)).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    assert_eq!(shown().await, [stays, leaves]);
    kit.finish().await;
}
