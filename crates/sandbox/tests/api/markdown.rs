//! Pages as markdown, long writes, and comments in markdown. Texts of refusals are the sandbox's own:
//! nobody has recorded any.

use serde_json::{Value, json};

use crate::bench::{Answer, Bench, MID, NEW, title};

/// A page of this content.
async fn page(bench: &Bench, markdown: &str) -> String {
    let body = json!({"parent": {"page_id": bench.demo.team_page_id},
        "properties": {"title": {"title": [{"text": {"content": "Page"}}]}}, "markdown": markdown});
    bench.call("POST", "/v1/pages", body).await.ok().id()
}

async fn read(bench: &Bench, page: &str) -> String {
    let answer = bench.get(&format!("/v1/pages/{page}/markdown")).await.ok();
    answer.body["markdown"].as_str().unwrap().to_owned()
}

async fn edit(bench: &Bench, page: &str, kind: &str, member: Value) -> Answer {
    let body = json!({"type": kind, kind: member});
    bench.call("PATCH", &format!("/v1/pages/{page}/markdown"), body).await
}

async fn insert(bench: &Bench, page: &str, content: &str, more: Value) -> Answer {
    let mut member = json!({"content": content});
    member.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    edit(bench, page, "insert_content", member).await
}

async fn update(bench: &Bench, page: &str, old: &str, new: &str) -> Answer {
    let updates = json!({"content_updates": [{"old_str": old, "new_str": new}]});
    edit(bench, page, "update_content", updates).await
}

/// Ids and types of the blocks under a node.
async fn blocks(bench: &Bench, id: &str) -> Vec<(String, String)> {
    let list = bench.get(&format!("/v1/blocks/{id}/children")).await.ok();
    let text = |block: &Value, key: &str| block[key].as_str().unwrap().to_owned();
    list.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "id"), text(it, "type")))
        .collect()
}

#[tokio::test]
async fn a_page_is_read_as_markdown() {
    let bench = Bench::new();
    let empty = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Empty").await;
    for version in [MID, NEW] {
        let path = format!("/v1/pages/{empty}/markdown");
        let answer =
            bench.with(&bench.demo.tokens.full, version, "GET", &path, &Value::Null).await.ok();
        let keys = "object id markdown truncated unknown_block_ids request_id";
        assert_eq!(answer.keys().join(" "), keys);
        // Measured: an empty page is an empty text.
        assert_eq!(answer.body["markdown"], "");
        assert_eq!(answer.body["truncated"], false);
    }
    // Measured: blank lines do not come back.
    let text = page(&bench, "## New Section\n\nHello").await;
    assert_eq!(read(&bench, &text).await, "## New Section\nHello");
    // What has no syntax is named.
    let body = json!({"children": [{"bookmark": {"url": "https://example.com/"}}]});
    bench.call("PATCH", &format!("/v1/blocks/{text}/children"), body).await.ok();
    assert!(read(&bench, &text).await.ends_with("alt=\"bookmark\"/>"));
    // The whole demo can be read, and written back without a change.
    for id in [bench.demo.root_page_id, bench.demo.team_page_id, bench.demo.other_page_id] {
        let id = id.to_string();
        let (before, markdown) = (blocks(&bench, &id).await, read(&bench, &id).await);
        let member = json!({"new_str": markdown});
        let answer = edit(&bench, &id, "replace_content", member).await.ok();
        assert_eq!(answer.body["markdown"], markdown.as_str());
        assert_eq!(blocks(&bench, &id).await, before);
    }
    let database = bench.get(&format!("/v1/pages/{}/markdown", bench.demo.database_id)).await;
    assert_eq!((database.status, database.body["code"].as_str()), (400, Some("validation_error")));
    let path = format!("/v1/pages/{text}/markdown");
    assert_eq!(bench.get(&format!("{path}?include_transcript=maybe")).await.status, 400);
    assert_eq!(bench.get(&format!("{path}?markdown_version=v9")).await.status, 400);
    let nobody = "/v1/pages/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d/markdown";
    assert_eq!(bench.get(nobody).await.status, 404);
}

#[tokio::test]
async fn a_large_page_is_cut_and_the_rest_is_read_by_id() {
    let bench = Bench::new();
    let id = page(&bench, &"x\n".repeat(19_998)).await;
    let more: String = (0..5).map(|index| format!("more {index}\n")).collect();
    let toggle = json!({"children": [{"toggle": {"rich_text": [{"text": {"content": "last"}}],
        "children": [{"paragraph": {"rich_text": [{"text": {"content": "below"}}]}}]}}]});
    insert(&bench, &id, more.trim_end(), json!({})).await;
    bench.call("PATCH", &format!("/v1/blocks/{id}/children"), toggle.clone()).await.ok();
    bench.call("PATCH", &format!("/v1/blocks/{id}/children"), toggle).await.ok();
    let answer = bench.get(&format!("/v1/pages/{id}/markdown")).await.ok();
    assert_eq!(answer.body["truncated"], true);
    let unknown = answer.body["unknown_block_ids"].as_array().unwrap();
    let last = unknown.last().unwrap().as_str().unwrap();
    let rest = bench.get(&format!("/v1/pages/{last}/markdown")).await.ok();
    assert_eq!(rest.body["id"], last);
    assert_eq!(rest.body["markdown"], "<details>\n<summary>last</summary>\n\tbelow\n</details>");
    assert_eq!(update(&bench, &id, "x", "y").await.status, 400);
}

#[tokio::test]
async fn content_is_inserted_where_it_is_wanted() {
    let bench = Bench::new();
    let id = page(&bench, "# Tasks\n- [ ] To Do\n- [ ] Later\n<empty-block/>").await;
    // Measured: the body comes back whole, the new item last, without a line break at the end.
    let end = insert(&bench, &id, "- Added new item in page bottom\n", json!({})).await.ok();
    assert!(
        end.body["markdown"]
            .as_str()
            .unwrap()
            .ends_with("<empty-block/>\n- Added new item in page bottom")
    );
    // Measured: directly below the selected line.
    let after = insert(&bench, &id, "new", json!({"after": "- [ ] To Do\n"})).await.ok();
    let text = after.body["markdown"].as_str().unwrap();
    assert!(text.starts_with("# Tasks\n- [ ] To Do\nnew\n- [ ] Later"), "{text}");
    let start = json!({"position": {"type": "start"}});
    insert(&bench, &id, "top", start).await.ok();
    let range = json!({"after": "# Tas...To Do"});
    let text = insert(&bench, &id, "between", range).await.ok().body["markdown"].clone();
    assert!(
        text.as_str().unwrap().starts_with("top\n# Tasks\n- [ ] To Do\nbetween\nnew\n"),
        "{text}"
    );
    for bad in [
        json!({"after": "nowhere"}),
        json!({"after": ""}),
        json!({"after": "top", "position": {"type": "end"}}),
        json!({"position": {"type": "middle"}}),
        json!({"unknown": 1}),
    ] {
        let answer = insert(&bench, &id, "x", bad.clone()).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (400, Some("validation_error")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_range_is_replaced() {
    let bench = Bench::new();
    let id = page(&bench, "- [ ] To Do\n1. First\n2. Second").await;
    let member = json!({"content": "1. Replace numbered item", "content_range": "- [ ] To Do"});
    let answer = edit(&bench, &id, "replace_content_range", member).await.ok();
    // Measured: the item joins the list that follows.
    assert_eq!(answer.body["markdown"], "1. Replace numbered item\n2. First\n3. Second");
    let member = json!({"content": "x", "content_range": "First...Second"});
    let answer = edit(&bench, &id, "replace_content_range", member).await.ok();
    assert_eq!(answer.body["markdown"], "1. Replace numbered item\n2. x");
}

#[tokio::test]
async fn what_an_edit_leaves_alone_keeps_its_id() {
    let bench = Bench::new();
    let id = page(&bench, "# A\n- b\n\t- c\n\t- d\ne\n```rust\nf\n```").await;
    let before = blocks(&bench, &id).await;
    let inner = blocks(&bench, &before[1].0).await;
    update(&bench, &id, "- c", "- C").await.ok();
    assert_eq!(blocks(&bench, &id).await, before);
    assert_eq!(blocks(&bench, &before[1].0).await, inner, "changed in place");
    let text = "new\n```rust\nf\n```\n# A\n- b\n\t- C\n\t- d";
    edit(&bench, &id, "replace_content", json!({"new_str": text})).await.ok();
    let after = blocks(&bench, &id).await;
    let ids: Vec<&str> = after.iter().map(|(id, _)| id.as_str()).collect();
    // The paragraph was rewritten, the others moved.
    let moved = [4 - 2, 3, 0, 1].map(|at: usize| before[at].0.as_str());
    assert_eq!(ids, moved);
    edit(&bench, &id, "replace_content", json!({"new_str": "# A"})).await.ok();
    assert_eq!(blocks(&bench, &id).await, before[..1]);
    let gone = bench.get(&format!("/v1/blocks/{}", before[1].0)).await.ok();
    assert_eq!(gone.body["in_trash"], true);
    // What markdown cannot say stays: the caption of code.
    let code = json!({"children": [{"code": {"language": "rust", "caption": [{"text": {"content": "c"}}],
        "rich_text": [{"text": {"content": "one"}}]}}]});
    bench.call("PATCH", &format!("/v1/blocks/{id}/children"), code).await.ok();
    update(&bench, &id, "one", "two").await.ok();
    let block = blocks(&bench, &id).await[1].0.clone();
    let block = bench.get(&format!("/v1/blocks/{block}")).await.ok().body;
    assert_eq!(block["code"]["rich_text"][0]["plain_text"], "two");
    assert_eq!(block["code"]["caption"][0]["plain_text"], "c");
}

#[tokio::test]
async fn texts_are_replaced_in_order_or_not_at_all() {
    let bench = Bench::new();
    let id = page(&bench, "one two two").await;
    let updates = json!({"content_updates": [
        {"old_str": "one", "new_str": "three"},
        {"old_str": "two", "new_str": "**2**", "replace_all_matches": true},
        {"old_str": "three", "new_str": "3"},
    ]});
    let answer = edit(&bench, &id, "update_content", updates).await.ok();
    assert_eq!(answer.body["markdown"], "3 **2** **2**");
    for (old, count) in [
        ("2", "Found 2 matches"),
        ("nowhere", "No match found"),
        ("", "empty"),
        ("3 **2** **2** ", "No"),
    ] {
        let updates = json!({"content_updates": [
            {"old_str": "3", "new_str": "lost"}, {"old_str": old, "new_str": "x"}]});
        let answer = edit(&bench, &id, "update_content", updates).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (400, Some("validation_error")));
        assert!(answer.message().contains(count), "{}", answer.message());
    }
    assert_eq!(read(&bench, &id).await, "3 **2** **2**");
    let path = format!("/v1/pages/{id}/markdown");
    for (bad, place) in [
        (json!({}), "body.type"),
        (json!({"type": "erase"}), "body.type"),
        (json!({"type": "replace_content"}), "body.replace_content"),
        (json!({"type": "replace_content", "replace_content": {"new_str": 1}}), "new_str"),
        (
            json!({"type": "update_content", "update_content": {"content_updates": {}}}),
            "content_updates",
        ),
        (
            json!({"type": "replace_content", "replace_content": {"new_str": ""}, "other": 1}),
            "other",
        ),
    ] {
        let answer = bench.call("PATCH", &path, bad).await;
        assert!(answer.status == 400 && answer.message().contains(place), "{}", answer.message());
    }
}

#[tokio::test]
async fn child_pages_stay_while_their_tags_do() {
    let bench = Bench::new();
    let id =
        page(&bench, "intro\n<details>\n<summary>s</summary>\n\t<page>Child</page>\n</details>")
            .await;
    let text = read(&bench, &id).await;
    assert!(text.contains("\">Child</page>"), "{text}");
    let refused = edit(&bench, &id, "replace_content", json!({"new_str": "gone"})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("allow_deleting_content"), "{}", refused.message());
    assert_eq!(read(&bench, &id).await, text);
    // Removed and put elsewhere in one request, it is moved.
    let tag = text.lines().find(|line| line.contains("<page")).unwrap().trim();
    edit(&bench, &id, "replace_content", json!({"new_str": format!("{tag}\nkept")})).await.ok();
    let after = blocks(&bench, &id).await;
    assert_eq!(
        after.iter().map(|(_, kind)| kind.as_str()).collect::<Vec<_>>(),
        ["child_page", "paragraph"]
    );
    let child = after[0].0.clone();
    assert_eq!(title(&bench.get(&format!("/v1/pages/{child}")).await.ok().body), "Child");
    // Into another page, by its tag.
    let other = page(&bench, "").await;
    edit(&bench, &other, "replace_content", json!({"new_str": tag})).await.ok();
    let parent = bench.get(&format!("/v1/pages/{child}")).await.ok().body["parent"].clone();
    assert_eq!(parent["page_id"], other.as_str());
    assert_eq!(read(&bench, &id).await, "kept");
    let itself = format!("<page url=\"https://www.notion.so/{}\"/>", other.replace('-', ""));
    assert_eq!(insert(&bench, &other, &itself, json!({})).await.status, 400);
    assert_eq!(insert(&bench, &other, tag, json!({})).await.status, 400, "named twice");
    for bad in [
        "<database>New</database>",
        "<unknown/>",
        "<page url=\"https://www.notion.so/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d\"/>",
    ] {
        let answer = insert(&bench, &other, bad, json!({})).await;
        assert!(matches!(answer.status, 400 | 404), "{bad} {}", answer.body);
    }
    let member = json!({"new_str": "", "allow_deleting_content": true});
    edit(&bench, &other, "replace_content", member).await.ok();
    assert_eq!(bench.get(&format!("/v1/pages/{child}")).await.ok().body["in_trash"], true);
}

#[tokio::test]
async fn capabilities_and_trash_are_respected() {
    let bench = Bench::new();
    let id = page(&bench, "text").await;
    let path = format!("/v1/pages/{id}/markdown");
    let (updater, _) =
        bench.token(&["read_content", "update_content"], &[bench.demo.root_page_id]).await;
    let insert = json!({"type": "insert_content", "insert_content": {"content": "x"}});
    let replace = json!({"type": "replace_content", "replace_content": {"new_str": "y"}});
    assert_eq!(bench.with(&updater, NEW, "PATCH", &path, &insert).await.status, 403);
    bench.with(&updater, NEW, "PATCH", &path, &replace).await.ok();
    let reader = &bench.demo.tokens.reader;
    assert_eq!(bench.with(reader, NEW, "PATCH", &path, &replace).await.status, 403);
    let (blind, _) = bench.token(&["update_content"], &[bench.demo.root_page_id]).await;
    assert_eq!(bench.with(&blind, NEW, "GET", &path, &Value::Null).await.status, 403);
    bench.call("PATCH", &format!("/v1/pages/{id}"), json!({"in_trash": true})).await.ok();
    let trashed = bench.call("PATCH", &path, replace).await;
    assert!(trashed.message().contains("archived"), "{}", trashed.message());
}

#[tokio::test]
async fn a_page_is_made_of_markdown() {
    let bench = Bench::new();
    let parent = json!({"page_id": bench.demo.team_page_id});
    let body = json!({"parent": parent, "markdown": "# From *here*\ntext"});
    let made = bench.call("POST", "/v1/pages", body).await.ok();
    assert_eq!(title(&made.body), "From here");
    assert_eq!(read(&bench, &made.id()).await, "text");
    let row = json!({"parent": {"data_source_id": bench.demo.data_source_id}, "markdown": "# Row\n# Two"});
    let row = bench.call("POST", "/v1/pages", row).await.ok();
    assert_eq!(
        (title(&row.body), read(&bench, &row.id()).await),
        ("Row".to_owned(), "# Two".to_owned())
    );
    for bad in [
        json!({"markdown": "x", "children": []}),
        json!({"markdown": 1}),
        json!({"markdown_version": "v2"}),
        json!({"allow_async": true}),
        json!({"markdown": "<unknown/>"}),
    ] {
        let mut body = json!({"parent": parent});
        body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        let answer = bench.call("POST", "/v1/pages", body).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (400, Some("validation_error")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn long_writes_are_polled() {
    let bench = Bench::new();
    let id = page(&bench, "a").await;
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let body =
        json!({"type": "insert_content", "insert_content": {"content": "b"}, "allow_async": true});
    let accepted = bench.call("PATCH", &format!("/v1/pages/{id}/markdown"), body).await;
    assert_eq!(accepted.status, 202);
    let keys = "object id status status_url created_time poll_after_seconds operation request_id";
    assert_eq!(accepted.keys().join(" "), keys);
    assert_eq!(accepted.body["status"], "queued");
    assert_eq!(accepted.body["poll_after_seconds"], 2);
    let operation = json!({"surface": "rest", "name": "PATCH /v1/pages/:page_id/markdown"});
    assert_eq!(accepted.body["operation"], operation);
    let task = accepted.id();
    assert!(task.len() == 37 && task.starts_with("task_"), "{task}");
    let path = format!("/v1/async_tasks/{task}");
    assert_eq!(read(&bench, &id).await, "a");
    bench.control("POST", "clock", json!({"advance_ms": 600})).await.ok();
    assert_eq!(bench.get(&path).await.ok().body["status"], "running");
    bench.control("POST", "clock", json!({"advance_ms": 600})).await.ok();
    let done = bench.get(&path).await.ok();
    let keys = "object id status status_url created_time operation result request_id";
    assert_eq!(done.keys().join(" "), keys);
    assert_eq!(done.body["status"], "succeeded");
    // Measured: another order than in the answer itself.
    let keys: Vec<&String> = done.body["result"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["markdown", "truncated", "unknown_block_ids", "id", "object"]);
    assert_eq!(read(&bench, &id).await, "a\nb");
    // Of the token that made it, and of nobody else.
    let writer = &bench.demo.tokens.writer;
    assert_eq!(bench.with(writer, NEW, "GET", &path, &Value::Null).await.status, 404);
    assert_eq!(bench.get("/v1/async_tasks/task_none").await.status, 404);
    // What is wrong with the request shows in the task (measured for a page).
    let body = json!({"parent": {"page_id": id}, "markdown": 1, "allow_async": true});
    let task = bench.call("POST", "/v1/pages", body).await;
    assert_eq!((task.status, &task.body["operation"]["name"]), (202, &json!("POST /v1/pages")));
    bench.control("POST", "clock", json!({"advance_ms": 2000})).await.ok();
    let failed = bench.get(&format!("/v1/async_tasks/{}", task.id())).await.ok();
    assert_eq!(failed.body["status"], "failed");
    assert_eq!(failed.body["error"]["code"], "validation_error");
    assert!(
        failed.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("body.markdown should be a string")
    );
    assert!(failed.body["error"].get("request_id").is_none());
}

#[tokio::test]
async fn comments_are_written_in_inline_markdown() {
    let bench = Bench::new();
    let id = page(&bench, "").await;
    let body =
        json!({"parent": {"page_id": id}, "markdown": "**Look** at `this`, $x^2$\n# no heading"});
    let made = bench.call("POST", "/v1/comments", body).await.ok();
    let runs = made.body["rich_text"].as_array().unwrap();
    let plain: String = runs.iter().map(|run| run["plain_text"].as_str().unwrap()).collect();
    assert_eq!(plain, "Look at this, x^2\n# no heading");
    assert_eq!(runs[0]["annotations"]["bold"], true);
    let path = format!("/v1/comments/{}", made.id());
    let edited = bench.call("PATCH", &path, json!({"markdown": "*new*"})).await.ok();
    assert_eq!(edited.body["rich_text"][0]["annotations"]["italic"], true);
    let both = json!({"parent": {"page_id": id}, "markdown": "x", "rich_text": []});
    assert_eq!(bench.call("POST", "/v1/comments", both).await.status, 400);
}
