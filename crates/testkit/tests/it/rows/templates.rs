//! Templates are rows, too: those that a caller does not see are not listed.

use serde_json::json;

use super::*;

/// The names of all templates, page by page.
async fn names(world: &World, more: &str, size: usize) -> Vec<String> {
    let path = format!("/v1/data_sources/{}/templates?page_size={size}{more}", world.deals);
    let (mut all, mut at, mut rounds) = (Vec::new(), path.clone(), 0);
    loop {
        let reply = world.kit.get(&world.editor, &at).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page = reply.json();
        let templates = page["templates"].as_array().unwrap();
        all.extend(templates.iter().map(|it| it["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else {
            assert_eq!(page["has_more"], false);
            return all;
        };
        assert_eq!((templates.len(), &page["has_more"]), (size, &json!(true)), "full pages");
        rounds += 1;
        assert!(rounds < 50, "an endless loop");
        at = format!("{path}&start_cursor={next}");
    }
}

#[tokio::test]
async fn templates_fill_their_pages_and_their_cursor_comes_to_an_end() {
    let world = World::start().await;
    let kit = &world.kit;
    for (number, team) in
        ["Legal", "Sales", "Legal", "Legal", "Sales", "Sales", "Legal"].iter().enumerate()
    {
        let body = json!({"data_source_id": world.deals, "name": format!("{team} {number}")});
        let made = kit.control("POST", "templates", Some(&body)).await;
        world.set_team(id(&made["id"]), team).await;
    }
    for size in [1, 2, 3, 100] {
        assert_eq!(names(&world, "", size).await, ["Sales 1", "Sales 4", "Sales 5"], "{size}");
        assert_eq!(names(&world, "&name=sales%205", size).await, ["Sales 5"], "{size}");
        assert_eq!(names(&world, "&name=legal", size).await, Vec::<String>::new(), "{size}");
    }
    let path = format!("/v1/data_sources/{}/templates", world.deals);
    for strange in ["page_size=0", "page_size=101", "page_size=x", "start_cursor=x"] {
        let reply = kit.get(&world.editor, &format!("{path}?{strange}")).await;
        assert_eq!(reply.status, 400, "{strange}: {}", reply.text());
    }
    // The id of a template is no cursor: nobody can ask by it whether there is one.
    let hidden = kit.direct("GET", &path, None).await.json()["templates"][0]["id"].clone();
    let at = format!("{path}?start_cursor={}", hidden.as_str().unwrap());
    assert_eq!(kit.get(&world.editor, &at).await.status, 400);
    world.kit.finish().await;
}
