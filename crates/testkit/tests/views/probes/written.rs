//! What stands across the border: rollups over the outside, roots and what is above them.

use model::Role;
use serde_json::{Value, json};

use super::{NOWHERE, Probe, SECRET, id, text, titled};

/// A column of the team's that leads outside, and one that rolls up what is there.
pub(super) async fn spy(probe: &Probe) -> String {
    let table = probe.kit.demo.data_source_id;
    let path = format!("/v1/data_sources/{table}");
    let relation = json!({ "properties": { "Link": {
        "relation": { "data_source_id": probe.source, "type": "single_property", "single_property": {} },
    } } });
    probe.kit.as_human("PATCH", &path, relation).await;
    let computed = json!({ "properties": { "Rolled": { "rollup": {
        "relation_property_name": "Link", "rollup_property_name": "Name", "function": "show_original",
    } } } });
    probe.kit.as_human("PATCH", &path, computed).await;
    let rows = format!("/v1/data_sources/{table}/query");
    let row = probe.kit.post(&probe.key, &rows, &json!({ "page_size": 1 })).await.ids().remove(0);
    let value = json!({ "properties": { "Link": { "relation": [{ "id": probe.row }] } } });
    probe.kit.as_human("PATCH", &format!("/v1/pages/{row}"), value).await;
    let whole = probe.kit.get(&probe.kit.admin, &format!("/v1/pages/{row}")).await;
    assert!(whole.text().contains(SECRET), "the probe would not see it: {}", whole.text());
    row
}

#[tokio::test]
async fn an_outside_page_in_a_relation_or_a_rollup() {
    let probe = Probe::start().await;
    let row = spy(&probe).await;
    let table = probe.kit.demo.data_source_id;
    let mut shown = vec![
        probe.get(&format!("/v1/pages/{row}")).await,
        probe.get(&format!("/v1/data_sources/{table}")).await,
        probe.kit.post(&probe.key, &format!("/v1/data_sources/{table}/query"), &json!({})).await,
        probe.kit.post(&probe.key, "/v1/search", &json!({})).await,
    ];
    for version in ["2022-06-28", "2026-03-11"] {
        let page = (format!("/v1/pages/{row}"), Value::Null);
        shown.push(probe.ask(version, "GET", page).await);
    }
    for reply in &shown {
        let text = reply.text();
        assert_eq!(reply.status, 200, "{text}");
        assert!(!text.contains("\"Link\"") && !text.contains("\"Rolled\""), "{text}");
        assert!(!text.contains(&probe.row.to_string()) && !text.contains(SECRET), "{text}");
    }
    // To name a column that is hidden is to name one that is not there.
    let item = |name: &str| (format!("/v1/pages/{row}/properties/{name}"), Value::Null);
    for (name, kind) in [("Link", "relation"), ("Rolled", "rollup")] {
        let hidden = probe.ask(testkit::VERSION, "GET", item(name)).await;
        let unknown = probe.ask(testkit::VERSION, "GET", item("Nought")).await;
        assert_eq!(super::bare(&hidden, name), super::bare(&unknown, "Nought"));
        assert_eq!(hidden.status, 404, "{}", hidden.text());
        let condition = match kind {
            "relation" => json!({ "is_not_empty": true }),
            _ => json!({ "any": { "rich_text": { "contains": SECRET } } }),
        };
        let query = format!("/v1/data_sources/{table}/query");
        let ask = async |name: &str| {
            let filter = json!({ "filter": { "property": name, kind: condition } });
            let sorts = json!({ "sorts": [{ "property": name, "direction": "ascending" }] });
            let filtered = probe.kit.post(&probe.key, &query, &filter).await;
            let sorted = probe.kit.post(&probe.key, &query, &sorts).await;
            (super::bare(&filtered, name), super::bare(&sorted, name))
        };
        assert_eq!(ask(name).await, ask("Nought").await);
    }
    probe.finish().await;
}

#[tokio::test]
async fn a_page_that_is_moved_out() {
    let probe = Probe::start().await;
    let (inside, outside) = (probe.inside, probe.kit.demo.other_page_id);
    let below = titled(&json!({ "page_id": inside }), "below");
    let below = id(&probe.kit.as_human("POST", "/v1/pages", below).await);
    for there in [inside, below] {
        assert_eq!(probe.get(&format!("/v1/pages/{there}")).await.status, 200);
    }
    let to = json!({ "parent": { "page_id": outside } });
    // The key itself may not.
    probe
        .gone("POST", outside, |id| {
            (format!("/v1/pages/{inside}/move"), json!({ "parent": { "page_id": id } }))
        })
        .await;
    probe.kit.as_human("POST", &format!("/v1/pages/{inside}/move"), to).await;
    probe.kit.clock.advance(std::time::Duration::from_secs(120));
    for there in [inside, below] {
        for suffix in ["", "/markdown"] {
            probe.gone("GET", there, |id| (format!("/v1/pages/{id}{suffix}"), Value::Null)).await;
        }
        probe.gone("GET", there, |id| (format!("/v1/blocks/{id}/children"), Value::Null)).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn a_page_that_is_moved_in() {
    let probe = Probe::start().await;
    let inside = probe.inside;
    // The key may not fetch what it does not see.
    let to = json!({ "parent": { "page_id": inside } });
    probe.gone("POST", probe.page, |id| (format!("/v1/pages/{id}/move"), to.clone())).await;
    let to_table =
        json!({ "parent": { "type": "database_id", "database_id": probe.kit.demo.database_id } });
    probe.gone("PATCH", probe.database, |id| (format!("/v1/databases/{id}"), to.clone())).await;
    probe
        .gone("PATCH", probe.source, |id| (format!("/v1/data_sources/{id}"), to_table.clone()))
        .await;
    // When somebody else does, it is there, and what stays behind is not.
    probe.kit.as_human("POST", &format!("/v1/pages/{}/move", probe.page), to).await;
    assert_eq!(probe.get(&format!("/v1/pages/{}", probe.page)).await.status, 200);
    probe.gone("GET", probe.source, |id| (format!("/v1/data_sources/{id}"), Value::Null)).await;
    probe.finish().await;
}

#[tokio::test]
async fn a_root_that_is_moved() {
    let probe = Probe::start().await;
    let (team, page) = (probe.kit.demo.team_page_id, probe.page);
    let shown = async || {
        let mut page = probe.get(&format!("/v1/pages/{team}")).await.json();
        page["request_id"] = Value::Null;
        page["last_edited_time"] = Value::Null;
        page["last_edited_by"] = Value::Null;
        page
    };
    let before = shown().await;
    assert_eq!(before["parent"], json!({ "type": "workspace", "workspace": true }));
    probe
        .gone("POST", page, |id| {
            (format!("/v1/pages/{team}/move"), json!({ "parent": { "page_id": id } }))
        })
        .await;
    let to = json!({ "parent": { "page_id": page } });
    probe.kit.as_human("POST", &format!("/v1/pages/{team}/move"), to).await;
    probe.kit.clock.advance(std::time::Duration::from_secs(120));
    assert_eq!(shown().await, before);
    probe.gone("GET", page, |id| (format!("/v1/pages/{id}"), Value::Null)).await;
    probe.finish().await;
}

#[tokio::test]
async fn a_database_in_an_outside_parent() {
    let probe = Probe::start().await;
    let kit = &probe.kit;
    // A key for the table alone, and one for its database: nothing above is there.
    for root in [probe.source, probe.database] {
        let key = kit.key(Role::Viewer, &[root]).await;
        for path in [
            format!("/v1/data_sources/{}", probe.source),
            format!("/v1/pages/{}", probe.row),
            format!("/v1/blocks/{}", probe.row),
        ] {
            let reply = kit.get(&key, &path).await;
            let text = reply.text();
            assert_eq!(reply.status, 200, "{path}: {text}");
            for above in [probe.page, kit.demo.other_page_id, kit.demo.root_page_id] {
                assert!(!text.contains(&above.to_string()), "{path}: {text}");
                assert!(!text.contains(&above.plain()), "{path}: {text}");
            }
            if root == probe.source {
                assert!(!text.contains(&probe.database.to_string()), "{path}: {text}");
                assert!(!text.contains(&probe.database.plain()), "{path}: {text}");
            }
        }
        if root == probe.source {
            let path = |id: &str| format!("/v1/databases/{id}");
            let there = kit.get(&key, &path(&probe.database.to_string())).await;
            let nowhere = kit.get(&key, &path(NOWHERE)).await;
            let there_bare = super::bare(&there, &probe.database.to_string());
            assert_eq!(there_bare, super::bare(&nowhere, NOWHERE));
            // What stands for it is nobody's, either.
            let source = kit.get(&key, &format!("/v1/data_sources/{}", probe.source)).await.json();
            let alias = source["parent"]["database_id"].as_str().expect("a parent").to_owned();
            let aliased = kit.get(&key, &path(&alias)).await;
            assert_eq!(super::bare(&aliased, &alias), super::bare(&nowhere, NOWHERE));
        }
    }
    probe.finish().await;
}

#[tokio::test]
async fn bodies_that_are_padded() {
    let probe = Probe::start().await;
    let path = format!("/v1/blocks/{}/children", probe.inside);
    let mention = |id: &str| json!({ "paragraph": { "rich_text": [{ "mention": { "page": { "id": id } } }] } });
    // Words before it, as many as fit into a body, and more.
    for (blocks, status) in [(90, 404), (95, 404), (255, 400)] {
        let padded = |id: &str| {
            let words = json!({ "paragraph": { "rich_text": [{ "text": { "content": "x".repeat(2000) } }] } });
            let mut children = vec![words; blocks];
            children.push(mention(id));
            json!({ "children": children })
        };
        probe.same(status, "PATCH", probe.page, |id| (path.clone(), padded(id))).await;
    }
    // Members before it that mean nothing, white space, and depth.
    let beside = |id: &str| json!({ "x": "y".repeat(400_000), "children": [mention(id)] });
    probe.gone("PATCH", probe.page, |id| (path.clone(), beside(id))).await;
    for (depth, status) in [(9, 404), (60, 400)] {
        let deep = |id: &str| {
            let deep = (0..depth).fold(
                mention(id),
                |inner, _| json!({ "toggle": { "rich_text": text("x"), "children": [inner] } }),
            );
            json!({ "children": [deep] })
        };
        probe.same(status, "PATCH", probe.page, |id| (path.clone(), deep(id))).await;
    }
    // Objects of the inside before it, more than are looked at.
    for (count, status) in [(99, 404), (400, 404)] {
        let many = |id: &str| {
            let mut runs: Vec<Value> = (0..count)
                .map(|_| json!({ "mention": { "page": { "id": probe.inside } } }))
                .collect();
            runs.push(json!({ "mention": { "page": { "id": id } } }));
            json!({ "children": [{ "paragraph": { "rich_text": runs } }] })
        };
        probe.same(status, "PATCH", probe.page, |id| (path.clone(), many(id))).await;
    }
    // A member twice: what counts for one reader may not count for another.
    let twice = |id: &str| {
        let page = json!({ "parent": { "page_id": probe.inside }, "properties": {} }).to_string();
        page.replacen(
            "{\"parent\"",
            &format!("{{\"parent\":{{\"page_id\":\"{id}\"}},\"parent\""),
            1,
        )
    };
    let bearer = format!("Bearer {}", probe.key);
    let headers = [("authorization", bearer.as_str()), ("notion-version", testkit::VERSION)];
    let there = probe.page.to_string();
    let reply = probe.kit.raw("POST", "/v1/pages", &headers, Some(twice(&there))).await;
    let nobodys = probe.kit.raw("POST", "/v1/pages", &headers, Some(twice(NOWHERE))).await;
    assert_eq!(reply.status, nobodys.status, "{}", reply.text());
    let listed = probe.kit.direct("GET", &format!("/v1/blocks/{there}/children"), None).await;
    assert_eq!(listed.ids().len(), 2, "something was made outside: {}", listed.text());
    probe.finish().await;
}
