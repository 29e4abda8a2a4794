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

/// Tasks that count deals, one of which leaves: a sum, how many, and a sum of sums one table further.
struct Counting {
    kit: Kit,
    viewer: String,
    tasks: Id,
    plans: Id,
    short: Id,
    whole: Id,
    plan: Id,
    leaves: Id,
}

impl Counting {
    async fn start() -> Self {
        let kit = Kit::start().await;
        let team = kit.demo.team_page_id;
        let viewer = kit.key(Role::Viewer, &[team]).await;
        let columns = json!({"Name": {"title": {}}, "Amount": {"number": {}}});
        let (_, deals) = table(&kit, team, "Deals", columns).await;
        let columns = json!({"Name": {"title": {}}, "Deals": relation(deals)});
        let (_, tasks) = table(&kit, team, "Tasks", columns).await;
        let computed = json!({
            "Worth": rollup("Deals", "Amount", "sum"), "Titles": rollup("Deals", "Name", "show_original"),
            "Many": formula("length(prop(\"Deals\"))"),
        });
        change(&kit, tasks, computed).await;
        let columns = json!({"Name": {"title": {}}, "Tasks": relation(tasks)});
        let (_, plans) = table(&kit, team, "Plans", columns).await;
        change(&kit, plans, json!({"Total": rollup("Tasks", "Worth", "sum")})).await;
        let deal = |name: &str, amount: u32| json!({"Name": {"title": text(name)}, "Amount": {"number": amount}});
        let stays = row(&kit, deals, deal("Stays", 1)).await;
        let leaves = row(&kit, deals, deal("Leaves", 100)).await;
        let task = |name: &str, all: &[Id]| {
            let all: Vec<_> = all.iter().map(|id| json!({"id": id})).collect();
            json!({"Name": {"title": text(name)}, "Deals": {"relation": all}})
        };
        let short = row(&kit, tasks, task("Short", &[stays, leaves])).await;
        let whole = row(&kit, tasks, task("Whole", &[stays])).await;
        let all = json!({"relation": [{"id": short}, {"id": whole}]});
        let plan = row(&kit, plans, json!({"Name": {"title": text("Plan")}, "Tasks": all})).await;
        Self { kit, viewer, tasks, plans, short, whole, plan, leaves }
    }

    async fn page(&self, id: Id) -> Value {
        self.kit.get(&self.viewer, &format!("/v1/pages/{id}")).await.json()
    }

    async fn found(&self, filter: &Value) -> Vec<String> {
        let path = format!("/v1/data_sources/{}/query", self.tasks);
        let reply = self.kit.post(&self.viewer, &path, &json!({"filter": filter})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let mut ids = reply.ids();
        ids.sort();
        ids
    }
}

#[tokio::test]
async fn nothing_counts_a_row_that_has_moved_outside() {
    let world = Counting::start().await;
    let (kit, short, whole) = (&world.kit, world.short, world.whole);
    let all = ["Deals", "Many", "Name", "Titles", "Worth"];
    assert_eq!(names(&world.page(short).await), all);
    assert_eq!(names(&world.page(world.plan).await), ["Name", "Tasks", "Total"]);
    let worth =
        |least: u32| json!({"property": "Worth", "rollup": {"number": {"greater_than": least}}});
    assert_eq!(world.found(&worth(50)).await, [short.to_string()]);

    let to = json!({"parent": {"type": "page_id", "page_id": kit.demo.other_page_id}});
    let moved = kit.post(&kit.admin, &format!("/v1/pages/{}/move", world.leaves), &to).await;
    assert_eq!(moved.status, 200, "{}", moved.text());

    // Of the row that names it, the values that count it are not there; others are what they were.
    let page = world.page(short).await;
    assert_eq!(names(&page), ["Deals", "Name"], "{page}");
    assert!(!page.to_string().contains("Leaves"), "{page}");
    assert_eq!(names(&world.page(whole).await), all);
    // What counts the counts does not exist.
    assert_eq!(names(&world.page(world.plan).await), ["Name", "Tasks"]);
    let schema = kit.get(&world.viewer, &format!("/v1/data_sources/{}", world.plans)).await.json();
    assert_eq!(names(&schema), ["Name", "Tasks"]);
    for (version, part) in
        [("2022-06-28", ""), ("2026-03-11", ""), ("2026-03-11", "?filter_properties[]=Worth")]
    {
        let bearer = format!("Bearer {}", world.viewer);
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        let reply = kit.raw("GET", &format!("/v1/pages/{short}{part}"), &headers, None).await;
        assert!(!reply.text().contains("Worth"), "{version}: {}", reply.text());
        assert!(!reply.text().contains(&world.leaves.to_string()), "{version}: {}", reply.text());
    }
    // Nor does it decide which rows are found.
    assert_eq!(world.found(&worth(50)).await, Vec::<String>::new());
    assert_eq!(world.found(&worth(0)).await, [whole.to_string()]);
    let empty = json!({"property": "Deals", "relation": {"is_empty": true}});
    assert_eq!(world.found(&empty).await, Vec::<String>::new());
    let path = format!("/v1/data_sources/{}/query?filter_properties[]=Name", world.tasks);
    let body = json!({"filter": worth(0)});
    let part = kit.post(&world.viewer, &path, &body).await;
    assert_eq!(part.ids(), [whole.to_string()], "{}", part.text());
    assert_eq!(names(&part.json()["results"][0]), ["Name"]);
    // One property alone.
    let schema = kit.get(&kit.admin, &format!("/v1/data_sources/{}", world.tasks)).await.json();
    for name in ["Worth", "Titles", "Many", "Deals"] {
        let id = schema["properties"][name]["id"].as_str().unwrap();
        let one = kit.get(&world.viewer, &format!("/v1/pages/{short}/properties/{id}")).await;
        assert_eq!(one.status, if name == "Deals" { 200 } else { 404 }, "{name}: {}", one.text());
        assert!(!one.text().contains(&world.leaves.to_string()), "{name}: {}", one.text());
        let one = kit.get(&world.viewer, &format!("/v1/pages/{whole}/properties/{id}")).await;
        assert_eq!(one.status, 200, "{name}: {}", one.text());
    }
    // It comes back, and everything with it.
    let sources = schema["properties"]["Deals"]["relation"]["data_source_id"].clone();
    let to = json!({"parent": {"type": "data_source_id", "data_source_id": sources}});
    let moved = kit.post(&kit.admin, &format!("/v1/pages/{}/move", world.leaves), &to).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    assert_eq!(names(&world.page(short).await), all);
    assert_eq!(names(&world.page(world.plan).await), ["Name", "Tasks", "Total"]);
    world.kit.finish().await;
}

#[tokio::test]
async fn a_webhook_about_a_row_makes_the_gate_look_where_it_is() {
    let world = Counting::start().await;
    let kit = &world.kit;
    // The gate knows the row.
    assert_eq!(kit.get(&world.viewer, &format!("/v1/pages/{}", world.leaves)).await.status, 200);
    let paired = crate::webhooks::pair(kit).await;
    let to = json!({"parent": {"type": "page_id", "page_id": kit.demo.other_page_id}});
    kit.as_human("POST", &format!("/v1/pages/{}/move", world.leaves), to).await;
    let leaves = world.leaves.to_string();
    let event = crate::webhooks::event(kit, 1, "page.moved", &leaves, 1);
    assert_eq!(crate::webhooks::send(kit, &paired.token, &event).await.status, 200);
    let page = world.page(world.short).await;
    assert_eq!(names(&page), ["Deals", "Name"], "{page}");
    assert!(!page.to_string().contains(&world.leaves.to_string()), "{page}");
    world.kit.finish().await;
}
