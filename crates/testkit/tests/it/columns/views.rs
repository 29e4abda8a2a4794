//! Views of databases: those that show or ask for what is outside do not exist.

use model::Role;
use notion::Id;
use serde_json::{Value, json};

use super::{World, id, names};

const NOWHERE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

async fn view(world: &World, source: Id, more: Value) -> Id {
    let mut body = json!({
        "database_id": world.database, "data_source_id": source, "name": "made by a test", "type": "table",
    });
    for (name, member) in more.as_object().expect("members") {
        body[name] = member.clone();
    }
    let made = world.kit.post(&world.kit.admin, "/v1/views", &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    id(&made.json()["id"])
}

#[tokio::test]
async fn views_that_show_or_ask_for_what_is_outside_do_not_exist() {
    let world = World::start().await;
    let kit = &world.kit;
    let editor = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    let empty = json!({"relation": {"is_empty": true}});
    let gone = [
        view(&world, world.salaries, json!({})).await,
        view(
            &world,
            world.people,
            json!({"filter": {"property": "Pay", "relation": {"is_empty": true}}}),
        )
        .await,
        view(
            &world,
            world.people,
            json!({"sorts": [{"property": "Doubled", "direction": "ascending"}]}),
        )
        .await,
        view(&world, world.people, json!({"quick_filters": {"Pay": empty}})).await,
        view(
            &world,
            world.people,
            json!({"type": "board", "configuration": {"type": "board", "group_by": {
            "type": "relation", "property_id": "Pay", "sort": {"type": "manual"}}}}),
        )
        .await,
    ];
    let there = view(&world, world.people, json!({
        "filter": {"property": "Squad", "relation": {"is_not_empty": true}},
        "configuration": {"type": "table", "properties": [
            {"property_id": "Pay", "visible": true}, {"property_id": "Points", "visible": true}]},
    }))
    .await;
    for (method, suffix, body) in [
        ("GET", "", Value::Null),
        ("PATCH", "", json!({"name": "mine"})),
        ("POST", "/queries", json!({})),
        ("DELETE", "", Value::Null),
    ] {
        for view in gone {
            let call = async |view: &str| {
                let body = (!body.is_null()).then_some(&body);
                let reply =
                    kit.call(method, &editor, &format!("/v1/views/{view}{suffix}"), body).await;
                let mut answer = reply.json();
                answer["request_id"] = Value::Null;
                (reply.status, answer.to_string().replace(view, "<id>"))
            };
            let found = call(&view.to_string()).await;
            assert_eq!(found, call(NOWHERE).await, "{method} {suffix}");
            assert_eq!(found.0, 404, "{found:?}");
        }
    }
    let list = kit.get(&editor, &format!("/v1/views?database_id={}", world.database)).await;
    assert_eq!(list.status, 200, "{}", list.text());
    let listed: Vec<Id> = list.ids().iter().filter_map(|id| Id::parse(id)).collect();
    assert!(listed.contains(&there), "{listed:?}");
    assert!(gone.iter().all(|view| !listed.contains(view)), "{listed:?}");

    let shown = kit.get(&editor, &format!("/v1/views/{there}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    let columns = shown.json()["configuration"]["properties"].as_array().cloned().unwrap();
    assert_eq!(columns.len(), 1, "{}", shown.text());
    assert!(!shown.text().contains("Pay"), "{}", shown.text());
    world.kit.finish().await;
}

#[tokio::test]
async fn new_views_cannot_name_what_is_hidden() {
    let world = World::start().await;
    let kit = &world.kit;
    let make = async |name: &str| {
        let reply = kit.post(&world.editor, "/v1/views", &json!({
            "database_id": world.database, "data_source_id": world.people, "name": "x", "type": "table",
            "filter": {"property": name, "relation": {"is_empty": true}},
        }))
        .await;
        let mut answer = reply.json();
        answer["request_id"] = Value::Null;
        (reply.status, answer.to_string().replace(name, "<name>"))
    };
    let there = make("Pay").await;
    assert_eq!(there, make("Zebra").await);
    assert_eq!(there.0, 400, "{there:?}");
    let outside = kit.post(&world.editor, "/v1/views", &json!({
        "database_id": world.database, "data_source_id": world.salaries, "name": "x", "type": "table",
    }))
    .await;
    assert_eq!(outside.status, 404, "{}", outside.text());
    let linked = view(&world, world.people, json!({})).await;
    let path = format!("/v1/views/{linked}");
    let update = async |name: &str| {
        let sorts = json!({"sorts": [{"property": name, "direction": "ascending"}]});
        let reply = kit.patch(&world.editor, &path, &sorts).await;
        let mut answer = reply.json();
        answer["request_id"] = Value::Null;
        (reply.status, answer.to_string().replace(name, "<name>"))
    };
    assert_eq!(update("Paid").await, update("Zebra").await);
    assert_eq!(update("Points").await.0, 200);
    world.kit.finish().await;
}

#[tokio::test]
async fn kept_results_belong_to_the_key_that_had_them_made() {
    let world = World::start().await;
    let kit = &world.kit;
    let other = kit.key(Role::Editor, &[kit.demo.team_page_id]).await;
    let numbers = json!({"filter": {"property": "Points", "number": {"equals": 5}}});
    let view_id = view(&world, world.people, numbers).await;
    let path = format!("/v1/views/{view_id}/queries");
    let made = kit.post(&world.editor, &path, &json!({"page_size": 1})).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["total_count"], 2);
    assert_eq!(made.ids().len(), 1);
    let query = made.json()["id"].as_str().unwrap().to_owned();
    let own = kit.get(&world.editor, &format!("{path}/{query}")).await;
    assert_eq!(own.status, 200, "{}", own.text());
    assert_eq!(own.ids().len(), 2);
    let shape = |reply: testkit::Reply, id: &str| {
        let mut answer = reply.json();
        answer["request_id"] = Value::Null;
        (reply.status, answer.to_string().replace(id, "<id>"))
    };
    let theirs = shape(kit.get(&other, &format!("{path}/{query}")).await, &query);
    let nobodys = shape(kit.get(&other, &format!("{path}/{NOWHERE}")).await, NOWHERE);
    assert_eq!(theirs, nobodys);
    assert_eq!(theirs.0, 404);
    assert_eq!(kit.delete(&other, &format!("{path}/{query}")).await.status, 404);
    assert_eq!(kit.delete(&world.editor, &format!("{path}/{query}")).await.status, 200);
    world.kit.finish().await;
}

#[tokio::test]
async fn a_view_that_asks_for_text_finds_no_row_by_what_it_mentions_outside() {
    let world = World::start().await;
    let kit = &world.kit;
    let filled = json!({"filter": {"property": "Notes", "rich_text": {"is_not_empty": true}}});
    let view_id = view(&world, world.people, filled).await;
    let path = format!("/v1/views/{view_id}/queries");
    let all = kit.post(&kit.admin, &path, &json!({})).await;
    assert_eq!(all.json()["total_count"], 2, "{}", all.text());
    let made = kit.post(&world.editor, &path, &json!({"page_size": 1})).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let answer = made.json();
    assert_eq!(made.ids(), [world.ada.to_string()]);
    assert_eq!((&answer["total_count"], &answer["has_more"]), (&json!(1), &json!(false)));
    let read = kit.get(&world.editor, &format!("{path}/{}", answer["id"].as_str().unwrap())).await;
    assert_eq!(read.ids(), [world.ada.to_string()], "{}", read.text());
    for strange in [0, 101] {
        let refused = kit.post(&world.editor, &path, &json!({"page_size": strange})).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    // In other ways it is Notion's own.
    let (ours, whole) = (
        kit.post(&world.editor, &path, &json!({"order": 1})).await,
        kit.post(&kit.admin, &path, &json!({"order": 1})).await,
    );
    assert_eq!((ours.status, &ours.json()["message"]), (400, &whole.json()["message"]));
    world.kit.finish().await;
}

#[tokio::test]
async fn linked_databases_list_no_table_outside() {
    let world = World::start().await;
    let kit = &world.kit;
    let made = kit.post(&kit.admin, "/v1/views", &json!({
        "create_database": {"parent": {"type": "page_id", "page_id": kit.demo.team_page_id}},
        "data_source_id": world.salaries, "name": "linked", "type": "table",
    }))
    .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let linked = id(&made.json()["parent"]["database_id"]);
    let shown = kit.get(&world.editor, &format!("/v1/databases/{linked}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert!(!shown.text().contains(&world.salaries.to_string()), "{}", shown.text());
    let views = kit.get(&world.editor, &format!("/v1/views?database_id={linked}")).await;
    assert_eq!(views.ids(), Vec::<String>::new(), "{}", views.text());
    let row = kit.get(&world.editor, &format!("/v1/pages/{}", world.ada)).await;
    assert_eq!(names(&row.json()).len(), 9);
    world.kit.finish().await;
}
