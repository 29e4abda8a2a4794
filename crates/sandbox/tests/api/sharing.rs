//! Who sees what.

use serde_json::{Value, json};

use crate::bench::{Bench, NEW};

#[tokio::test]
async fn a_connection_sees_what_was_shared_and_what_comes_under_it() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let (token, bot) = bench.token(&["read_content"], &[demo.team_page_id]).await;
    let status = async |id: &str| {
        bench.with(&token, NEW, "GET", &format!("/v1/pages/{id}"), &Value::Null).await.status
    };
    let team = demo.team_page_id.to_string();
    let other = demo.other_page_id.to_string();
    assert_eq!((status(&team).await, status(&other).await), (200, 404));
    let later = bench.page(&json!({"page_id": demo.team_page_id}), "Later").await;
    assert_eq!(status(&later).await, 200);
    // Moving takes the access of the new place.
    let to = json!({"parent": {"page_id": demo.other_page_id}});
    bench.call("POST", &format!("/v1/pages/{later}/move"), to).await.ok();
    assert_eq!(status(&later).await, 404);
    bench
        .control("POST", "share", json!({"bot_id": bot, "id": demo.other_page_id.plain()}))
        .await
        .ok();
    assert_eq!(status(&later).await, 200);
    bench.control("POST", "unshare", json!({"bot_id": bot, "id": other})).await.ok();
    assert_eq!(status(&later).await, 404);
    // Taken off a page below one that is shared, it loses that page, and gets it back.
    let below = bench.page(&json!({"page_id": demo.team_page_id}), "Below").await;
    bench.control("POST", "unshare", json!({"bot_id": bot, "id": below})).await.ok();
    assert_eq!((status(&below).await, status(&team).await), (404, 200));
    bench.control("POST", "share", json!({"bot_id": bot, "id": below})).await.ok();
    assert_eq!(status(&below).await, 200);
    bench.control("DELETE", &format!("tokens/{bot}"), Value::Null).await.ok();
    assert_eq!(status(&team).await, 401);
}

#[tokio::test]
async fn search_and_relations_leave_out_what_is_not_shared() {
    let bench = Bench::new();
    let (token, _) = bench.token(&["read_content"], &[bench.demo.team_page_id]).await;
    let search = async |token: &str, query: &str| {
        let body = json!({"query": query});
        bench.with(token, NEW, "POST", "/v1/search", &body).await.ok().titles()
    };
    let full = &bench.demo.tokens.full;
    assert_eq!(search(full, "budget").await, ["Budget 2026"]);
    assert_eq!(search(&token, "budget").await, [""; 0]);
    for everyone in [full, &token] {
        assert_eq!(search(everyone, "salaries").await, [""; 0], "nobody sees the board's pages");
    }
    let path = format!("/v1/data_sources/{}/query", bench.demo.data_source_id);
    let body =
        json!({"filter": {"property": "Task", "title": {"equals": "Rotate the signing keys"}}});
    let project = async |token: &str| {
        let answer = bench.with(token, NEW, "POST", &path, &body).await.ok();
        let all = answer.body["results"][0]["properties"]["Project"]["relation"].clone();
        all.as_array().unwrap().len()
    };
    assert_eq!((project(full).await, project(&token).await), (1, 0));
}

#[tokio::test]
async fn capabilities_cut_users_and_answers() {
    let bench = Bench::new();
    let users = async |token: &str| bench.with(token, NEW, "GET", "/v1/users", &Value::Null).await;
    let full = users(&bench.demo.tokens.full).await.ok();
    assert_eq!(full.body["results"][0]["person"]["email"], "ada@acme.example");
    let reader = users(&bench.demo.tokens.reader).await.ok();
    assert_eq!(reader.body["results"][0]["person"], json!({}));
    // The own bot is whole, those of others are not (R).
    let bots = |list: &Value| {
        let all = list["results"].as_array().unwrap().iter();
        all.filter(|user| user["bot"]["owner"].is_object()).count()
    };
    assert_eq!((bots(&full.body), bots(&reader.body)), (1, 1));
    assert_eq!(users(&bench.demo.tokens.writer).await.status, 403);
    // Inside other objects, people are mere references then.
    let path = format!("/v1/data_sources/{}/query", bench.demo.data_source_id);
    let one = json!({"page_size": 1});
    let row = bench.with(&bench.demo.tokens.writer, NEW, "POST", &path, &one);
    let people = row.await.ok().body["results"][0]["properties"]["Assignee"]["people"][0].clone();
    assert_eq!(people.as_object().unwrap().len(), 2);
    // Without the right to read, a write answers an id.
    let (token, _) = bench.token(&["insert_content"], &[bench.demo.root_page_id]).await;
    let body = json!({"parent": {"page_id": bench.demo.team_page_id}, "properties": {}});
    let made = bench.with(&token, NEW, "POST", "/v1/pages", &body).await.ok();
    assert_eq!(made.keys(), ["object", "id", "request_id"]);
    let (me, bot) = bench.token(&[], &[]).await;
    let me = bench.with(&me, NEW, "GET", "/v1/users/me", &Value::Null).await.ok();
    assert_eq!(me.id(), bot);
}
