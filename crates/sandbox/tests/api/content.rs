//! Pages and blocks.

use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD, title};

#[tokio::test]
async fn a_page_has_the_keys_of_its_version() {
    let bench = Bench::new();
    let path = format!("/v1/pages/{}", bench.demo.team_page_id);
    let head =
        "object id created_time last_edited_time created_by last_edited_by cover icon parent";
    for (version, rest) in [
        (OLD, "archived in_trash is_locked properties url public_url request_id"),
        (MID, "in_trash is_archived is_locked properties url public_url archived request_id"),
        (NEW, "in_trash is_archived is_locked properties url public_url request_id"),
    ] {
        let answer =
            bench.with(&bench.demo.tokens.full, version, "GET", &path, &Value::Null).await.ok();
        assert_eq!(answer.keys().join(" "), format!("{head} {rest}"), "{version}");
    }
    // In 2026 old versions got the order of the new ones.
    bench.control("POST", "era", json!({"as_of": "2026-06-18T12:00:00Z"})).await.ok();
    let answer = bench.with(&bench.demo.tokens.full, OLD, "GET", &path, &Value::Null).await.ok();
    let rest = "in_trash is_archived is_locked properties url public_url archived request_id";
    assert_eq!(answer.keys().join(" "), format!("{head} {rest}"));
}

#[tokio::test]
async fn rows_show_their_parent_as_the_version_knows_it() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let properties = json!({"title": {"title": [{"text": {"content": "New"}}]}});
    let body = json!({"parent": {"database_id": demo.database_id}, "properties": properties});
    for version in [OLD, MID, NEW] {
        let answer = bench.with(&demo.tokens.full, version, "POST", "/v1/pages", &body).await.ok();
        let expected = if version == OLD {
            json!({"type": "database_id", "database_id": demo.database_id})
        } else {
            json!({"type": "data_source_id", "data_source_id": demo.data_source_id,
                "database_id": demo.database_id})
        };
        assert_eq!(answer.body["parent"], expected);
        // Times are whole minutes; a new row has the first status and the next number.
        assert!(answer.body["created_time"].as_str().unwrap().ends_with(":00.000Z"));
        assert_eq!(answer.body["properties"]["Status"]["status"]["name"], "Not started");
        assert!(answer.body["properties"]["ID"]["unique_id"]["number"].as_u64() > Some(25));
    }
}

#[tokio::test]
async fn blocks_are_appended_where_they_are_wanted_and_read_back_whole() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Page").await;
    let path = format!("/v1/blocks/{page}/children");
    let text = |text: &str| json!({"paragraph": {"rich_text": [{"text": {"content": text}}]}});
    let two = json!({"children": [text("b"), {"toggle": {"rich_text": [],
        "children": [text("inner")]}}]});
    let first = bench.call("PATCH", &path, two).await.ok();
    let results = first.body["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "grandchildren are not listed");
    assert_eq!(results[1]["has_children"], true);
    let start = json!({"children": [text("a")], "position": {"type": "start"}});
    bench.call("PATCH", &path, start).await.ok();
    let after = json!({"type": "after_block", "after_block": {"id": results[0]["id"]}});
    bench.call("PATCH", &path, json!({"children": [text("c")], "position": after})).await.ok();
    // In the middle, the answer runs on to the last child (R).
    let old = json!({"children": [text("d")], "after": results[0]["id"]});
    let middle = bench.with(&bench.demo.tokens.full, MID, "PATCH", &path, &old).await.ok();
    assert_eq!(middle.body["results"].as_array().unwrap().len(), 3);

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let list = bench.get(&format!("{path}?page_size=2{cursor}")).await.ok();
        for block in list.body["results"].as_array().unwrap() {
            let runs = &block[block["type"].as_str().unwrap()]["rich_text"];
            seen.push(runs[0]["plain_text"].as_str().unwrap_or("-").to_owned());
        }
        let Some(next) = list.body["next_cursor"].as_str() else { break };
        cursor = format!("&start_cursor={next}");
    }
    assert_eq!(seen, ["a", "b", "d", "c", "-"]);
}

#[tokio::test]
async fn a_block_is_updated_field_by_field_and_trashed() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Page").await;
    let body = json!({"children": [{"to_do": {"rich_text": [{"text": {"content": "x"}}]}}]});
    let made = bench.call("PATCH", &format!("/v1/blocks/{page}/children"), body).await.ok();
    let path = format!("/v1/blocks/{}", made.body["results"][0]["id"].as_str().unwrap());
    let checked = bench.call("PATCH", &path, json!({"to_do": {"checked": true}})).await.ok();
    assert_eq!(checked.body["to_do"]["checked"], true);
    assert_eq!(checked.body["to_do"]["rich_text"][0]["plain_text"], "x");
    let wrong = bench.call("PATCH", &path, json!({"quote": {"rich_text": []}})).await;
    assert_eq!(wrong.message(), "Expected block type to_do in request body");
    assert_eq!(bench.call("DELETE", &path, Value::Null).await.ok().body["in_trash"], true);
    let left = bench.get(&format!("/v1/blocks/{page}/children")).await.ok();
    assert_eq!(left.body["results"], json!([]));
    // A database as a block (R).
    let database = bench.get(&format!("/v1/blocks/{}", bench.demo.database_id)).await.ok();
    assert_eq!(database.body["child_database"], json!({"title": "Tasks"}));
}

#[tokio::test]
async fn pages_move_between_pages_and_tables() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let page = bench.page(&json!({"page_id": demo.team_page_id}), "Wanderer").await;
    let path = format!("/v1/pages/{page}/move");
    let to = |parent: Value| json!({"parent": parent});
    let moved = bench.call("POST", &path, to(json!({"page_id": demo.other_page_id}))).await.ok();
    assert_eq!(moved.body["parent"]["page_id"], json!(demo.other_page_id));
    let row = to(json!({"data_source_id": demo.data_source_id}));
    let row = bench.call("POST", &path, row).await.ok();
    assert_eq!(title(&row.body), "Wanderer");
    assert!(row.body["properties"]["Task"].is_object());
    let into_itself = bench.call("POST", &path, to(json!({"page_id": page}))).await;
    assert_eq!(into_itself.status, 400);
    let nowhere = bench.call("POST", &path, to(json!({"database_id": demo.database_id}))).await;
    assert_eq!(nowhere.status, 400);
}

#[tokio::test]
async fn properties_are_read_one_by_one() {
    let bench = Bench::new();
    let page = bench.query(json!({"filter": {"property": "Task",
        "title": {"equals": "Rotate the signing keys"}}}));
    let page = page.await.ok().body["results"][0].clone();
    let path = format!("/v1/pages/{}/properties", page["id"].as_str().unwrap());
    let title = bench.get(&format!("{path}/title")).await.ok();
    let keys = "object results next_cursor has_more type property_item request_id";
    assert_eq!(title.keys().join(" "), keys);
    assert_eq!(title.body["results"][0]["title"]["plain_text"], "Rotate the signing keys");
    let estimate = page["properties"]["Estimate"]["id"].as_str().unwrap();
    let number = bench.get(&format!("{path}/{estimate}")).await.ok();
    assert_eq!(number.body["number"], 3);
    let only = bench
        .get(&format!("/v1/pages/{}?filter_properties={estimate}", page["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(only.body["properties"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn comments_make_threads_and_belong_to_their_author() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Page").await;
    let text = |text: &str| json!([{"text": {"content": text}}]);
    let body = json!({"parent": {"page_id": page}, "rich_text": text("first")});
    let first = bench.call("POST", "/v1/comments", body).await.ok();
    let reply = json!({"discussion_id": first.body["discussion_id"], "rich_text": text("second")});
    let reply = bench.call("POST", "/v1/comments", reply).await.ok();
    assert_eq!(reply.body["display_name"]["resolved_name"], "Acme Automations");
    let list = bench.get(&format!("/v1/comments?block_id={page}")).await.ok();
    assert_eq!(list.body["results"].as_array().unwrap().len(), 2);
    let path = format!("/v1/comments/{}", first.id());
    let edited = bench.call("PATCH", &path, json!({"rich_text": text("edited")})).await.ok();
    assert_eq!(edited.body["rich_text"][0]["plain_text"], "edited");
    let writer = &bench.demo.tokens.writer;
    let partial = json!({"parent": {"page_id": page}, "rich_text": text("third")});
    let partial = bench.with(writer, NEW, "POST", "/v1/comments", &partial).await.ok();
    assert_eq!(partial.keys(), ["object", "id", "request_id"]);
    let foreign = bench.with(writer, NEW, "DELETE", &path, &Value::Null).await;
    assert_eq!(foreign.status, 403);
    bench.call("DELETE", &path, Value::Null).await.ok();
    assert_eq!(bench.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_table_row_keeps_the_width_of_its_table() {
    let bench = Bench::new();
    let parent = json!({"page_id": bench.demo.team_page_id});
    let page = bench.page(&parent, "Table").await;
    let cells = |count: usize| json!(vec![json!([{"text": {"content": "x"}}]); count]);
    let table = json!({"children": [{"table": {"table_width": 2,
        "children": [{"table_row": {"cells": cells(2)}}]}}]});
    let path = format!("/v1/blocks/{page}/children");
    let table = bench.call("PATCH", &path, table).await.ok();
    let table = table.body["results"][0]["id"].as_str().unwrap().to_owned();
    let rows = bench.get(&format!("/v1/blocks/{table}/children")).await.ok();
    let row = format!("/v1/blocks/{}", rows.body["results"][0]["id"].as_str().unwrap());
    for count in [1, 3] {
        let refused =
            bench.call("PATCH", &row, json!({"table_row": {"cells": cells(count)}})).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.message(), "Number of cells in table row must match the table width.");
    }
    let shown = bench.call("PATCH", &row, json!({"table_row": {"cells": cells(2)}})).await.ok();
    assert_eq!(shown.body["table_row"]["cells"].as_array().unwrap().len(), 2);
}
