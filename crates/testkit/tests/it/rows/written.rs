//! Writes: a row is judged by what it is, and by what it would be.

use serde_json::json;

use super::*;

#[tokio::test]
async fn nobody_takes_a_row_out_of_its_own_sight() {
    let world = World::start().await;
    let (row, kit) = (world.sales[0], &world.kit);
    let schema = kit.get(&kit.admin, &format!("/v1/data_sources/{}", world.deals)).await.json();
    let options = schema["properties"]["Team"]["select"]["options"].as_array().unwrap();
    let (column, option) = (&schema["properties"]["Team"]["id"], &options[1]["id"]);
    for version in VERSIONS {
        for (called, value) in [
            ("Team", json!({"select": {"name": "Legal"}})),
            ("Team", json!({"select": null})),
            ("Team", json!({"type": "select", "select": {"id": option}})),
            ("Team", json!({"select": {"id": option, "name": "Sales"}})),
            (column.as_str().unwrap(), json!({"select": {"name": "Legal"}})),
        ] {
            let body = json!({"properties": {called: value}});
            let path = format!("/v1/pages/{row}");
            let reply = world.call_in(version, "PATCH", &path, body.clone()).await;
            assert_eq!((reply.status, reply.reason()), (403, Some("policy")), "{version} {body}");
            assert!(reply.text().contains("own-team"), "{}", reply.text());
        }
        let body = json!({"properties": {
            "Team": {"select": {"name": "Sales"}}, "Amount": {"number": 7}}});
        let kept = world.call_in(version, "PATCH", &format!("/v1/pages/{row}"), body).await;
        assert_eq!(kept.status, 200, "{}", kept.text());
        assert_eq!(kept.json()["properties"]["Amount"]["number"], 7);
    }
    assert!(world.sees(row).await);
    let entry = kit.entries(50).await.into_iter().find(|entry| entry.action == "write_denied");
    assert_eq!(entry.unwrap().reason.as_deref(), Some("policy"));
    // Who is not concerned may.
    let path = format!("/v1/pages/{row}");
    let body = json!({"properties": {"Team": {"select": {"name": "Legal"}}}});
    assert_eq!(kit.patch(&kit.admin, &path, &body).await.status, 200);
    assert!(!world.sees(row).await);
    world.kit.finish().await;
}

#[tokio::test]
async fn nobody_makes_a_row_where_it_does_not_see_it() {
    let world = World::start().await;
    let kit = &world.kit;
    let before = kit.post(&kit.admin, &world.paths(testkit::VERSION).0, &json!({})).await.json();
    for version in VERSIONS {
        let parent = match version < "2025-09-03" {
            true => json!({"database_id": world.database}),
            false => json!({"type": "data_source_id", "data_source_id": world.deals}),
        };
        let make = async |properties: Value, template: Value| {
            let mut body = json!({"parent": parent, "properties": properties});
            if !template.is_null() {
                body["template"] = template;
            }
            world.call_in(version, "POST", "/v1/pages", body).await
        };
        let nameless = json!({"Name": {"title": text("x")}});
        let template = json!({"type": "default"});
        for (properties, template) in [
            (deal(1, "Legal"), Value::Null),
            (nameless.clone(), Value::Null),
            (deal(1, "Sales"), template),
        ] {
            let reply = make(properties, template).await;
            assert_eq!((reply.status, reply.reason()), (403, Some("policy")), "{}", reply.text());
        }
        let made = make(deal(1, "Sales"), Value::Null).await;
        assert_eq!(made.status, 200, "{}", made.text());
        assert_eq!(made.json()["properties"]["Amount"]["number"], 1001);
        let path = format!("/v1/pages/{}", id(&made.json()["id"]));
        kit.delete(&kit.admin, &path.replace("pages", "blocks")).await;
    }
    let after = kit.post(&kit.admin, &world.paths(testkit::VERSION).0, &json!({})).await.json();
    assert_eq!(sorted(ids(&before)), sorted(ids(&after)));
    // A page that moves there keeps what nobody can tell beforehand.
    let body = json!({"parent": {"page_id": kit.demo.team_page_id}, "properties": {}});
    let page = id(&kit.post(&world.editor, "/v1/pages", &body).await.json()["id"]);
    let body = json!({"parent": {"type": "data_source_id", "data_source_id": world.deals}});
    let path = format!("/v1/pages/{page}/move");
    let moved = kit.post(&world.editor, &path, &body).await;
    assert_eq!((moved.status, moved.reason()), (403, Some("policy")), "{}", moved.text());
    // What moves away from what the policy names would not be judged by it any more.
    let body = json!({"parent": {"page_id": kit.demo.other_page_id}});
    let path = format!("/v1/pages/{}/move", world.sales[0]);
    let moved = kit.post(&world.editor, &path, &body).await;
    assert_eq!((moved.status, moved.reason()), (403, Some("policy")), "{}", moved.text());
    world.kit.finish().await;
}

#[tokio::test]
async fn nobody_changes_the_columns_that_it_is_judged_by() {
    let world = World::start().await;
    let kit = &world.kit;
    let schema = kit.get(&kit.admin, &format!("/v1/data_sources/{}", world.deals)).await.json();
    let column = schema["properties"]["Team"]["id"].as_str().unwrap();
    for version in VERSIONS {
        let (_, path) = world.paths(version);
        for properties in [
            json!({"Team": {"name": "Squad"}}),
            json!({"Team": null}),
            json!({column: {"name": "Squad"}}),
            json!({"Team": {"select": {"options": [{"name": "Sales"}]}}}),
            json!({"Amount": {"name": "Team"}}),
        ] {
            let body = json!({"properties": properties});
            let reply = world.call_in(version, "PATCH", &path, body.clone()).await;
            assert_eq!(reply.status, 403, "{version} {body}: {}", reply.text());
        }
    }
    let other = json!({"properties": {"Amount": {"name": "Sum"}}});
    let path = format!("/v1/data_sources/{}", world.deals);
    let changed = kit.patch(&world.editor, &path, &other).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    world.kit.finish().await;
}
