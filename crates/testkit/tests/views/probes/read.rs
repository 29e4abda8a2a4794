//! Outside things that show in what is asked for: lists, searches, answers of others, other versions.

use model::Role;
use serde_json::{Value, json};

use super::{NOWHERE, Probe, SECRET, bare, text, titled};

#[tokio::test]
async fn a_search_by_title() {
    let probe = Probe::start().await;
    let search = async |query: &str| {
        let body = json!({ "query": query });
        probe.kit.post(&probe.key, "/v1/search", &body).await
    };
    let (there, nowhere) = (search(SECRET).await, search("Nothingness").await);
    assert_eq!(bare(&there, SECRET), bare(&nowhere, "Nothingness"));
    assert_eq!(there.ids().len(), 0);
    probe.finish().await;
}

#[tokio::test]
async fn a_cursor_of_another_key() {
    let probe = Probe::start().await;
    let kit = &probe.kit;
    let narrow = kit.key(Role::Viewer, &[kit.demo.other_page_id]).await;
    for key in [&kit.admin, &narrow] {
        let first = kit.post(key, "/v1/search", &json!({ "page_size": 1 })).await.json();
        let theirs = first["next_cursor"].as_str().expect("a cursor").to_owned();
        let go_on = async |cursor: &str| {
            kit.post(&probe.key, "/v1/search", &json!({ "start_cursor": cursor })).await
        };
        let nobodys = "A".repeat(theirs.len());
        let (there, nowhere) = (go_on(&theirs).await, go_on(&nobodys).await);
        let short = |cursor: &str| cursor.chars().take(80).collect::<String>();
        assert_eq!(bare(&there, &short(&theirs)), bare(&nowhere, &short(&nobodys)));
        assert_eq!(there.status, 400, "{}", there.text());
    }
    probe.finish().await;
}

#[tokio::test]
async fn a_cursor_of_another_search() {
    let probe = Probe::start().await;
    let search = async |body: Value| probe.kit.post(&probe.key, "/v1/search", &body).await;
    let sorted =
        |direction: &str| json!({ "timestamp": "last_edited_time", "direction": direction });
    let first = search(json!({ "page_size": 1, "sort": sorted("ascending") })).await.json();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    // From the same place in another order would tell how much was passed over.
    for other in [
        json!({ "start_cursor": cursor }),
        json!({ "start_cursor": cursor, "sort": sorted("descending") }),
        json!({ "start_cursor": cursor, "sort": sorted("ascending"), "query": "a" }),
    ] {
        let reply = search(other).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert!(reply.text().contains("start_cursor provided is invalid"), "{}", reply.text());
    }
    let sort = json!({ "direction": "ascending", "timestamp": "last_edited_time" });
    let next = search(json!({ "start_cursor": cursor, "page_size": 3, "sort": sort })).await;
    assert_eq!(next.status, 200, "{}", next.text());
    probe.finish().await;
}

#[tokio::test]
async fn rows_of_a_table_alone_in_old_versions() {
    let probe = Probe::start().await;
    let columns = json!({ "Name": { "title": {} } });
    for has_others in [false, true] {
        if has_others {
            let body = json!({ "parent": { "type": "database_id", "database_id": probe.database }, "properties": columns });
            probe.kit.as_human("POST", "/v1/data_sources", body).await;
        }
        let key = probe.kit.key(Role::Viewer, &[probe.source]).await;
        for other in [false, true] {
            probe.kit.clock.advance(std::time::Duration::from_secs(120));
            // The version names the database alone; so does what another key has just read.
            if other {
                search_long_ago(&probe, &probe.kit.admin).await;
            }
            let found = search_long_ago(&probe, &key).await;
            assert!(found.contains(&probe.row.to_string()), "{has_others} {other}: {found:?}");
            assert!(!found.contains(&probe.page.to_string()), "{found:?}");
        }
    }
    probe.finish().await;
}

async fn search_long_ago(probe: &Probe, key: &str) -> Vec<String> {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("notion-version", "2022-06-28")];
    let body = json!({ "filter": { "property": "object", "value": "page" } }).to_string();
    probe.kit.raw("POST", "/v1/search", &headers, Some(body)).await.ids()
}

#[tokio::test]
async fn an_answer_that_another_key_has_just_had() {
    let probe = Probe::start().await;
    for (there, path) in [
        (probe.page, "/v1/pages/{}"),
        (probe.block, "/v1/blocks/{}"),
        (probe.page, "/v1/blocks/{}/children"),
        (probe.database, "/v1/databases/{}"),
        (probe.source, "/v1/data_sources/{}"),
        (probe.view, "/v1/views/{}"),
        (probe.comment, "/v1/comments/{}"),
    ] {
        let whole = probe.kit.get(&probe.kit.admin, &path.replace("{}", &there.to_string())).await;
        assert_eq!(whole.status, 200, "{path}: {}", whole.text());
        probe.gone("GET", there, |id| (path.replace("{}", id), Value::Null)).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn a_kept_query_of_another_key() {
    let probe = Probe::start().await;
    let database = probe.kit.demo.database_id;
    let views = probe.get(&format!("/v1/views?database_id={database}")).await;
    let view = views.ids().remove(0);
    let path = format!("/v1/views/{view}/queries");
    let theirs = probe.kit.post(&probe.kit.admin, &path, &json!({})).await.json();
    let theirs = super::id(&theirs);
    for method in ["GET", "DELETE"] {
        probe.gone(method, theirs, |id| (format!("{path}/{id}"), Value::Null)).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn filter_properties_of_the_outside() {
    let probe = Probe::start().await;
    let path = |id: &str| format!("/v1/pages/{id}?filter_properties=title&filter_properties=Sum");
    probe.gone("GET", probe.row, |id| (path(id), Value::Null)).await;
    let query = |id: &str| format!("/v1/data_sources/{id}/query?filter_properties=title");
    probe.gone("POST", probe.source, |id| (query(id), json!({}))).await;
    probe.finish().await;
}

#[tokio::test]
async fn old_versions() {
    let probe = Probe::start().await;
    for version in ["2021-05-13", "2022-02-22", "2022-06-28", "2026-03-11"] {
        for (there, path) in [
            (probe.page, "/v1/pages/{}"),
            (probe.row, "/v1/pages/{}"),
            (probe.block, "/v1/blocks/{}"),
            (probe.page, "/v1/blocks/{}/children"),
            (probe.database, "/v1/databases/{}"),
            (probe.page, "/v1/comments?block_id={}"),
        ] {
            let path = |id: &str| (path.replace("{}", id), Value::Null);
            probe.same_in(version, 404, "GET", there, path).await;
        }
        if version < "2025-09-03" {
            let query = |id: &str| (format!("/v1/databases/{id}/query"), json!({}));
            probe.same_in(version, 404, "POST", probe.database, query).await;
        }
    }
    let bearer = format!("Bearer {}", probe.key);
    let old = [("authorization", bearer.as_str()), ("notion-version", "2021-05-13")];
    let listed = probe.kit.raw("GET", "/v1/databases", &old, None).await;
    assert!(!listed.text().contains(SECRET), "{}", listed.text());
    probe.finish().await;
}

#[tokio::test]
async fn what_is_in_the_trash_outside() {
    let probe = Probe::start().await;
    let trash = json!({ "in_trash": true });
    probe.kit.as_human("PATCH", &format!("/v1/pages/{}", probe.page), trash.clone()).await;
    probe.gone("GET", probe.page, |id| (format!("/v1/pages/{id}"), Value::Null)).await;
    // Both words for it at once, in agreement or not, in both versions.
    for (version, flags) in [
        ("2025-09-03", json!({ "in_trash": false, "archived": false })),
        ("2025-09-03", json!({ "in_trash": true, "archived": false })),
        ("2022-06-28", json!({ "archived": false })),
        ("2026-03-11", json!({ "in_trash": false })),
    ] {
        let page = |id: &str| (format!("/v1/pages/{id}"), flags.clone());
        probe.same_in(version, 404, "PATCH", probe.page, page).await;
        let block = |id: &str| (format!("/v1/blocks/{id}"), flags.clone());
        probe.same_in(version, 404, "PATCH", probe.block, block).await;
    }
    let body = json!({ "filter": { "property": "object", "value": "page", "in_trash": true } });
    let found = probe.kit.post(&probe.key, "/v1/search", &body).await;
    assert!(!found.text().contains(SECRET), "{}", found.text());
    let query = |id: &str| (format!("/v1/data_sources/{id}/query"), trash.clone());
    probe.gone("POST", probe.source, query).await;
    probe.finish().await;
}

#[tokio::test]
async fn a_duplicate_of_an_inside_page() {
    let probe = Probe::start().await;
    // A person copies a page of the team's elsewhere: the copy is not the team's.
    let title = json!({ "properties": { "title": { "title": text("Widdershins") } } });
    let page = format!("/v1/pages/{}", probe.inside);
    assert_eq!(probe.kit.patch(&probe.key, &page, &title).await.status, 200);
    let body = titled(&json!({ "page_id": probe.kit.demo.other_page_id }), "Widdershins");
    let copy = super::id(&probe.kit.as_human("POST", "/v1/pages", body).await);
    probe.gone("GET", copy, |id| (format!("/v1/pages/{id}"), Value::Null)).await;
    let found = json!({ "query": "Widdershins" });
    let found = probe.kit.post(&probe.key, "/v1/search", &found).await;
    assert_eq!(found.ids(), [probe.inside.to_string()], "{}", found.text());
    // A copy of a block of theirs that stands outside is not theirs, either.
    let path = format!("/v1/blocks/{}/children", probe.inside);
    let original = json!({ "children": [{ "synced_block": { "synced_from": null, "children": [
        { "paragraph": { "rich_text": text("ours") } },
    ] } }] });
    let original = probe.kit.patch(&probe.key, &path, &original).await.json();
    let original = super::id(&original["results"][0]);
    let path = format!("/v1/blocks/{}/children", probe.page);
    let body =
        json!({ "children": [{ "synced_block": { "synced_from": { "block_id": original } } }] });
    let made = probe.kit.as_human("PATCH", &path, body).await;
    let copy = super::id(&made["results"][0]);
    for suffix in ["", "/children"] {
        probe.gone("GET", copy, |id| (format!("/v1/blocks/{id}{suffix}"), Value::Null)).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn people_and_long_writes_of_others() {
    let probe = Probe::start().await;
    let path = format!("/v1/pages/{}", probe.inside);
    let body = json!({
        "type": "insert_content", "allow_async": true,
        "insert_content": { "content": format!("{SECRET} words") },
    });
    let path = format!("{path}/markdown");
    let task = probe.kit.patch(&probe.kit.admin, &path, &body).await.json();
    if let Some(task) = task["id"].as_str().filter(|id| id.starts_with("task_")) {
        let theirs = probe.get(&format!("/v1/async_tasks/{task}")).await;
        let nowhere = format!("task_{}", NOWHERE.replace('-', ""));
        let nobodys = probe.get(&format!("/v1/async_tasks/{nowhere}")).await;
        assert_eq!(bare(&theirs, task), bare(&nobodys, &nowhere));
        assert_eq!(theirs.status, 404, "{}", theirs.text());
    }
    probe.finish().await;
}
