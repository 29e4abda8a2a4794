//! Views of a table of which a caller sees some rows.

use std::time::Duration;

use serde_json::json;

use super::*;

/// The view of the table, and where it is run.
async fn view(world: &World) -> String {
    let kit = &world.kit;
    let views = kit.get(&kit.admin, &format!("/v1/views?data_source_id={}", world.deals)).await;
    let view = id(&views.json()["results"][0]["id"]);
    let shown = kit.get(&world.editor, &format!("/v1/views/{view}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    format!("/v1/views/{view}/queries")
}

/// The rows of a result, page by page, from `first` on.
async fn read_on(world: &World, path: &str, first: Value, size: usize) -> Vec<Id> {
    let query = first["id"].as_str().unwrap_or_default().to_owned();
    let (mut page, mut met) = (first, Vec::new());
    loop {
        let found = ids(&page);
        assert!(!page.to_string().contains("Legal"), "{page}");
        met.extend(found.iter().copied());
        let Some(next) = page["next_cursor"].as_str() else {
            assert_eq!(page["has_more"], false);
            return met;
        };
        assert_eq!((found.len(), &page["has_more"]), (size, &json!(true)), "full pages");
        assert!(met.len() <= 100, "an endless loop");
        let at = format!("{path}/{query}?page_size={size}&start_cursor={next}");
        let reply = world.kit.get(&world.editor, &at).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        page = reply.json();
    }
}

#[tokio::test]
async fn the_result_of_a_view_holds_and_counts_the_rows_that_are_seen() {
    let world = World::start().await;
    let kit = &world.kit;
    let path = view(&world).await;
    for size in [1, 4, 6, 100] {
        let made = kit.post(&world.editor, &path, &json!({"page_size": size})).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let made = made.json();
        assert_eq!(made["total_count"], world.sales.len(), "{made}");
        let met = read_on(&world, &path, made, size).await;
        assert_eq!(sorted(met), sorted(world.sales.clone()), "none twice, none left out");
    }
    // Whom the policy does not concern has all of it, and the result is nobody else's.
    let all = kit.post(&kit.admin, &path, &json!({})).await.json();
    assert_eq!(all["total_count"], world.sales.len() + world.legal.len());
    let theirs = format!("{path}/{}", all["id"].as_str().unwrap());
    assert_eq!(kit.get(&world.editor, &theirs).await.status, 404);
    world.kit.finish().await;
}

#[tokio::test]
async fn a_view_costs_no_look_up_for_each_row() {
    let world = World::start().await;
    let kit = &world.kit;
    for number in 0..150 {
        let team = if number % 5 == 0 { "Sales" } else { "Legal" };
        row(kit, world.deals, deal(number, team)).await;
    }
    let path = view(&world).await;
    kit.forget_calls().await;
    let made = kit.post(&world.editor, &path, &json!({})).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["total_count"], world.sales.len() + 30);
    // The view, two pages of its result and two of its rows, and where the table stands.
    let calls = kit.calls().await;
    assert!(calls.len() <= 8, "{}: {calls:#?}", calls.len());
    world.kit.finish().await;
}

#[tokio::test]
async fn a_kept_result_shows_no_row_that_is_hidden_by_now() {
    let world = World::start().await;
    let kit = &world.kit;
    let path = view(&world).await;
    let made = kit.post(&world.editor, &path, &json!({"page_size": 2})).await.json();
    let first = ids(&made);
    let (query, next) = (made["id"].as_str().unwrap(), made["next_cursor"].as_str().unwrap());
    let rest: Vec<Id> = world.sales.iter().copied().filter(|row| !first.contains(row)).collect();
    world.set_team(rest[0], "Legal").await;
    kit.clock.advance(Duration::from_secs(61));
    let at = format!("{path}/{query}?start_cursor={next}");
    let page = kit.get(&world.editor, &at).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(sorted(ids(&page.json())), sorted(rest[1..].to_vec()));
    // A policy holds for the very next call.
    let policies = format!(
        "@id(\"none\") @says(\"no deals\") forbid (principal in Role::\"editor\", action in \
         Action::\"read\", resource in Object::\"{}\") when {{ resource has row }};",
        world.deals
    );
    set(kit, &policies).await;
    let page = kit.get(&world.editor, &at).await;
    assert!(page.status == 200 && page.ids().is_empty(), "{}", page.text());
    // What is not seen in the result of somebody else's time is not relayed either.
    set(kit, "").await;
    let made = kit.post(&world.editor, &path, &json!({})).await.json();
    assert_eq!(made["total_count"], world.sales.len() + world.legal.len());
    set(kit, &own_team(world.deals)).await;
    let at = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(kit.get(&world.editor, &at).await.status, 404);
    world.kit.finish().await;
}

#[tokio::test]
async fn a_result_that_was_dropped_or_is_too_old_is_not_there() {
    let world = World::start().await;
    let kit = &world.kit;
    let path = view(&world).await;
    let make = async || {
        let made = kit.post(&world.editor, &path, &json!({})).await.json();
        format!("{path}/{}", made["id"].as_str().unwrap())
    };
    let dropped = make().await;
    assert_eq!(kit.get(&world.editor, &dropped).await.status, 200);
    assert_eq!(kit.delete(&world.editor, &dropped).await.status, 200);
    assert_eq!(kit.get(&world.editor, &dropped).await.status, 404);
    let old = make().await;
    kit.clock.advance(Duration::from_secs(901));
    assert_eq!(kit.get(&world.editor, &old).await.status, 404);
    for strange in ["page_size=0", "page_size=101", "start_cursor=x"] {
        let at = format!("{}?{strange}", make().await);
        assert_eq!(kit.get(&world.editor, &at).await.status, 400, "{strange}");
    }
    world.kit.finish().await;
}
