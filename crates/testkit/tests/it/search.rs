//! Search shows only what lies inside, and its paging keeps its meaning.

use std::collections::HashSet;

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::Kit;

/// Every page of a search: the ids, and how many pages it took.
async fn pages(kit: &Kit, key: &str, size: usize, query: Option<&str>) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
    loop {
        let mut body = json!({"page_size": size});
        if let Some(query) = query {
            body["query"] = query.into();
        }
        if !cursor.is_null() {
            body["start_cursor"] = cursor;
        }
        let reply = kit.post(key, "/v1/search", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let json = reply.json();
        let found = reply.ids();
        assert_eq!(json["has_more"], !json["next_cursor"].is_null());
        // Full pages until the last.
        assert!(found.len() == size || json["has_more"] == false, "{}", found.len());
        ids.extend(found);
        pages += 1;
        cursor = json["next_cursor"].clone();
        if cursor.is_null() {
            return (ids, pages);
        }
        assert!(pages < 1000, "endless");
    }
}

/// What of `ids` lies below `root`, asked one by one at the sandbox.
async fn inside(kit: &Kit, ids: &[String], root: Id) -> HashSet<String> {
    let mut inside = HashSet::new();
    for id in ids {
        let mut at = id.clone();
        loop {
            if at == root.to_string() {
                inside.insert(id.clone());
                break;
            }
            let mut found = None;
            for kind in ["pages", "data_sources", "databases", "blocks"] {
                let reply = kit.direct("GET", &format!("/v1/{kind}/{at}"), None).await;
                if reply.status == 200 {
                    found = Some(reply.json()["parent"].clone());
                    break;
                }
            }
            let Some(parent) = found else { break };
            let kind = parent["type"].as_str().unwrap_or_default().to_owned();
            match parent[kind.as_str()].as_str() {
                Some(next) => at = next.to_owned(),
                None => break,
            }
        }
    }
    inside
}

#[tokio::test]
async fn search_finds_exactly_what_lies_inside() {
    let kit = Kit::start().await;
    let team = kit.demo.team_page_id;
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let (all, _) = pages(&kit, &kit.admin, 100, None).await;
    let expected = inside(&kit, &all, team).await;
    assert!(!expected.is_empty() && expected.len() < all.len());
    for size in [1, 3, 7, 100] {
        let (found, count) = pages(&kit, &viewer, size, None).await;
        let unique: HashSet<_> = found.iter().cloned().collect();
        assert_eq!(unique, expected, "page size {size}");
        assert_eq!(found.len(), unique.len(), "no object twice");
        assert_eq!(count, expected.len().div_ceil(size), "full pages and an honest end");
        // In the order that Notion gives.
        let order: Vec<_> = all.iter().filter(|id| unique.contains(*id)).cloned().collect();
        assert_eq!(found, order);
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_search_for_something_outside_finds_nothing() {
    let kit = Kit::start().await;
    let other = kit.get(&kit.admin, &format!("/v1/pages/{}", kit.demo.other_page_id)).await.json();
    let title = other["properties"]["title"]["title"][0]["plain_text"].as_str().unwrap().to_owned();
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let (outside, _) = pages(&kit, &kit.admin, 100, Some(&title)).await;
    assert!(outside.contains(&kit.demo.other_page_id.to_string()));
    let (found, _) = pages(&kit, &viewer, 100, Some(&title)).await;
    assert!(!found.contains(&kit.demo.other_page_id.to_string()));
    kit.finish().await;
}

#[tokio::test]
async fn cursors_tell_nothing_and_open_only_for_their_owner() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let other = kit.key(Role::Viewer, &[kit.demo.other_page_id]).await;
    let first = kit.post(&viewer, "/v1/search", &json!({"page_size": 1})).await.json();
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let mine = kit.post(&viewer, "/v1/search", &json!({"start_cursor": cursor})).await;
    assert_eq!(mine.status, 200);
    let theirs = kit.post(&other, "/v1/search", &json!({"start_cursor": cursor})).await;
    assert_eq!((theirs.status, theirs.json()["code"].as_str()), (400, Some("validation_error")));
    let nonsense = kit.post(&viewer, "/v1/search", &json!({"start_cursor": "nonsense"})).await;
    assert_eq!(nonsense.json()["message"], "The start_cursor provided is invalid: nonsense");
    kit.finish().await;
}

#[tokio::test]
async fn a_wrong_page_size_is_notions_to_refuse() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    for size in [json!("ten"), json!(101), json!(-1)] {
        let body = json!({"page_size": size});
        let ours = kit.post(&viewer, "/v1/search", &body).await;
        let own = kit.direct("POST", "/v1/search", Some(&body)).await;
        assert_eq!(ours.status, own.status, "{size}");
        assert_eq!(ours.json()["message"], own.json()["message"], "{size}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn old_versions_find_the_rows_of_a_table_that_is_the_scope() {
    let kit = Kit::start().await;
    let table = kit.demo.data_source_id;
    let query = format!("/v1/data_sources/{table}/query");
    let mut rows = kit.direct("POST", &query, Some(&json!({}))).await.ids();
    rows.sort();
    let key = kit.key(Role::Viewer, &[table]).await;
    let bearer = format!("Bearer {key}");
    // The old version names the database above them, which stands outside: nothing is known of the rows yet.
    let headers = [("authorization", bearer.as_str()), ("notion-version", "2022-06-28")];
    let filter = json!({"filter": {"property": "object", "value": "page"}}).to_string();
    let found = kit.raw("POST", "/v1/search", &headers, Some(filter)).await;
    let mut ids = found.ids();
    ids.sort();
    assert!(rows.len() > 3);
    assert_eq!(ids, rows, "{}", found.text());
    let database = kit.demo.database_id.to_string();
    assert!(!found.text().contains(&database), "the database stands outside");
    kit.finish().await;
}

#[tokio::test]
async fn a_search_that_began_without_a_body_goes_on() {
    let kit = Kit::start().await;
    for _ in 0..101 {
        let body = json!({"parent": {"page_id": kit.demo.team_page_id}, "properties": {}});
        kit.direct("POST", "/v1/pages", Some(&body)).await;
    }
    let key = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let first = kit.call("POST", &key, "/v1/search", None).await;
    assert_eq!((first.status, first.ids().len()), (200, 100), "{}", first.text());
    let cursor = first.json()["next_cursor"].clone();
    let second = kit.post(&key, "/v1/search", &json!({"start_cursor": cursor})).await;
    assert_eq!(second.status, 200, "{}", second.text());
    let shown: HashSet<String> = first.ids().into_iter().collect();
    assert!(second.ids().iter().all(|id| !shown.contains(id)));
    // Another question from there would tell what was passed over.
    let other = json!({"query": "a", "start_cursor": cursor});
    assert_eq!(kit.post(&key, "/v1/search", &other).await.status, 400);
    kit.finish().await;
}
