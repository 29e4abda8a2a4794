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

/// A row of a table that relates to another table, both of them new.
struct Tables {
    /// The table that points, and its row.
    here: (String, String),
    /// The page that the other table is on, the table, and its row.
    there: (String, String, String),
}

async fn tables(bench: &Bench) -> Tables {
    let team = json!({"page_id": bench.demo.team_page_id});
    let (near, far) = (bench.page(&team, "Near").await, bench.page(&team, "Far").await);
    let make = async |page: &str, properties: Value| {
        let body =
            json!({"parent": {"page_id": page}, "initial_data_source": {"properties": properties}});
        let made = bench.call("POST", "/v1/databases", body).await.ok();
        made.body["data_sources"][0]["id"].as_str().unwrap().to_owned()
    };
    let row = async |table: &str, properties: Value| {
        let body = json!({"parent": {"data_source_id": table}, "properties": properties});
        bench.call("POST", "/v1/pages", body).await.ok().id()
    };
    let title = json!({"title": {}});
    let there = make(&far, json!({"Name": title, "Cost": {"number": {}}})).await;
    let target = row(&there, json!({"Cost": {"number": 5}})).await;
    let relation = json!({"relation": {"data_source_id": there, "single_property": {}}});
    let here = make(&near, json!({"Name": title, "Link": relation})).await;
    let rollup = json!({"rollup": {"relation_property_name": "Link", "rollup_property_name": "Cost", "function": "sum"}});
    let more = json!({"properties": {"Sum": rollup}});
    bench.call("PATCH", &format!("/v1/data_sources/{here}"), more).await.ok();
    let pointing = row(&here, json!({"Link": {"relation": [{"id": target}]}})).await;
    Tables { here: (here, pointing), there: (far, there, target) }
}

#[tokio::test]
async fn what_leads_to_unshared_tables_is_not_shown() {
    let bench = Bench::new();
    let Tables { here: (here, row), there: (far, there, target) } = tables(&bench).await;
    let (token, bot) =
        bench.token(&["read_content", "update_content"], &[bench.demo.team_page_id]).await;
    bench.control("POST", "unshare", json!({"bot_id": bot, "id": far})).await.ok();
    let send = async |token: &str, method: &str, path: String, body: Value| {
        bench.with(token, NEW, method, &path, &body).await
    };
    let full = &bench.demo.tokens.full;
    let schema = async |token: &str| {
        let table = send(token, "GET", format!("/v1/data_sources/{here}"), Value::Null).await.ok();
        let properties = table.body["properties"].as_object().unwrap();
        let mut names: Vec<String> = properties.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(schema(full).await, ["Link", "Name", "Sum"]);
    // D: the schema of a relation is there if the related table is shared.
    assert_eq!(schema(&token).await, ["Name"]);
    let values = async |token: &str| {
        let page = send(token, "GET", format!("/v1/pages/{row}"), Value::Null).await.ok();
        let properties = &page.body["properties"];
        (properties["Link"]["relation"].clone(), properties["Sum"]["rollup"]["number"].clone())
    };
    assert_eq!(values(full).await, (json!([{"id": target}]), json!(5)));
    assert_eq!(values(&token).await, (json!([]), json!(0)));
    // Pointing at what one does not see is pointing at nothing.
    let body = json!({"properties": {"Link": {"relation": [{"id": target}]}}});
    let refused = send(&token, "PATCH", format!("/v1/pages/{row}"), body).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (404, Some("object_not_found")));
    assert_eq!(
        send(&token, "GET", format!("/v1/data_sources/{there}"), Value::Null).await.status,
        404
    );
    // Shared again, all is back.
    bench.control("POST", "share", json!({"bot_id": bot, "id": far})).await.ok();
    assert_eq!(schema(&token).await, ["Link", "Name", "Sum"]);
    assert_eq!(values(&token).await, (json!([{"id": target}]), json!(5)));
}

#[tokio::test]
async fn mentions_and_parents_out_of_sight_keep_their_ids_only() {
    let bench = Bench::new();
    let team = bench.demo.team_page_id;
    let secret = bench.page(&json!({"page_id": bench.demo.other_page_id}), "Secret plan").await;
    let mention = json!({"children": [{"paragraph": {"rich_text": [{"mention": {"page": {"id": secret}}}]}}]});
    let made = bench.call("PATCH", &format!("/v1/blocks/{team}/children"), mention).await.ok();
    let block = format!("/v1/blocks/{}", made.body["results"][0]["id"].as_str().unwrap());
    let (token, _) = bench.token(&["read_content"], &[team]).await;
    let text = async |token: &str| {
        let block = bench.with(token, NEW, "GET", &block, &Value::Null).await.ok();
        block.body["paragraph"]["rich_text"][0].clone()
    };
    assert_eq!(text(&bench.demo.tokens.full).await["plain_text"], "Secret plan");
    let blind = text(&token).await;
    assert_eq!(blind["plain_text"], "Untitled");
    assert_eq!(blind["mention"]["page"]["id"], secret);
    // The parent of what was shared is named, though nobody may look at it.
    let page =
        bench.with(&token, NEW, "GET", &format!("/v1/pages/{team}"), &Value::Null).await.ok();
    let parent = page.body["parent"]["page_id"].as_str().unwrap().to_owned();
    assert_eq!(parent, bench.demo.root_page_id.to_string());
    let above = bench.with(&token, NEW, "GET", &format!("/v1/pages/{parent}"), &Value::Null).await;
    assert_eq!(above.status, 404);
}

#[tokio::test]
async fn not_shared_and_not_there_look_the_same() {
    let bench = Bench::new();
    let (token, bot) = bench.token(&["read_content", "read_comments"], &[]).await;
    let nowhere = "3f6ac1c8-1f2a-4a8b-9d6c-2b5f8e7a9c10";
    for (path, real) in [
        ("pages", bench.demo.team_page_id),
        ("blocks", bench.demo.team_page_id),
        ("databases", bench.demo.database_id),
        ("data_sources", bench.demo.data_source_id),
    ] {
        let mut messages = Vec::new();
        for id in [real.to_string().as_str(), nowhere] {
            let answer =
                bench.with(&token, NEW, "GET", &format!("/v1/{path}/{id}"), &Value::Null).await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (404, Some("object_not_found"))
            );
            // R: the bot is named, not the person who asks.
            assert_eq!(answer.body["additional_data"]["integration_id"], bot);
            messages.push(answer.message().replace(id, "ID"));
        }
        assert_eq!(messages[0], messages[1]);
        assert!(
            messages[0].ends_with("shared with your integration \"Probe\"."),
            "{}",
            messages[0]
        );
    }
}

#[tokio::test]
async fn blocks_rows_and_comments_follow_their_page() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Talk").await;
    let body = json!({"parent": {"page_id": page}, "rich_text": [{"text": {"content": "Hi"}}]});
    let comment = bench.call("POST", "/v1/comments", body).await.ok().id();
    let (token, bot) =
        bench.token(&["read_content", "read_comments"], &[bench.demo.team_page_id]).await;
    let statuses = async || {
        let mut all = Vec::new();
        for path in [
            format!("/v1/pages/{page}"),
            format!("/v1/blocks/{page}/children"),
            format!("/v1/comments?block_id={page}"),
            format!("/v1/comments/{comment}"),
        ] {
            all.push(bench.with(&token, NEW, "GET", &path, &Value::Null).await.status);
        }
        all
    };
    assert_eq!(statuses().await, [200; 4]);
    bench.control("POST", "unshare", json!({"bot_id": bot, "id": page})).await.ok();
    assert_eq!(statuses().await, [404; 4]);
    // A table that is shared brings its rows; its page stays closed.
    let (rows, _) = bench.token(&["read_content"], &[bench.demo.database_id]).await;
    let path = format!("/v1/data_sources/{}/query", bench.demo.data_source_id);
    let found = bench.with(&rows, NEW, "POST", &path, &json!({"page_size": 1})).await.ok();
    let row = found.body["results"][0]["id"].as_str().unwrap().to_owned();
    bench.with(&rows, NEW, "GET", &format!("/v1/pages/{row}"), &Value::Null).await.ok();
    let team = format!("/v1/pages/{}", bench.demo.team_page_id);
    assert_eq!(bench.with(&rows, NEW, "GET", &team, &Value::Null).await.status, 404);
}
