//! The tools of the official server, at a sandbox: what goes out for each, and what comes back.

use model::Role;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

/// A call of a tool of the official set, as a client of the legacy era sends it.
pub(crate) async fn call(url: &str, headers: &[(&str, &str)], tool: &str, given: &Value) -> Reply {
    let params = json!({ "name": format!("API-{tool}"), "arguments": given });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut all = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    all.extend_from_slice(headers);
    testkit::send("POST", &format!("{url}/mcp/official"), &all, message.to_string().into()).await
}

/// The text that a tool answers, as JSON, and whether it is an error.
pub(crate) fn told(reply: &Reply) -> (bool, Value) {
    let answer = reply.json();
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let told = serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    (result["isError"].as_bool().unwrap_or_default(), told)
}

struct Caller<'a> {
    kit: &'a Kit,
    bearer: String,
}

impl<'a> Caller<'a> {
    fn of(kit: &'a Kit, key: &str) -> Self {
        Self { kit, bearer: format!("Bearer {key}") }
    }

    async fn try_call(&self, tool: &str, given: Value) -> (bool, Value) {
        let reply = call(&self.kit.url, &[("authorization", &self.bearer)], tool, &given).await;
        assert_eq!(reply.status, 200, "{tool}: {}", reply.text());
        told(&reply)
    }

    async fn call(&self, tool: &str, given: Value) -> Value {
        let (is_error, told) = self.try_call(tool, given).await;
        assert!(!is_error, "{tool}: {told}");
        told
    }
}

fn text(content: &str) -> Value {
    json!([{ "text": { "content": content } }])
}

/// Makes a page with a block, and calls every tool in a way that works; gives the names.
async fn walk(kit: &Kit, caller: &Caller<'_>) -> Vec<String> {
    let demo = &kit.demo;
    let mut called = Vec::new();
    let mut all = async |tool: &str, given: Value| {
        called.push(format!("API-{tool}"));
        caller.call(tool, given).await
    };
    assert_eq!(all("get-self", json!({})).await["type"], "bot");
    let user = all("get-users", json!({ "page_size": "1" })).await["results"][0]["id"].clone();
    assert_eq!(all("get-user", json!({ "user_id": user })).await["id"], user);
    let filter = json!({ "property": "object", "value": "page" });
    all("post-search", json!({ "query": "a", "filter": filter, "page_size": 2 })).await;

    let page = json!({
        "parent": { "page_id": demo.team_page_id },
        "properties": { "title": { "title": text("By a tool") } },
        "children": [{ "paragraph": { "rich_text": text("first") } }],
    });
    let page = all("post-page", page).await["id"].clone();
    assert_eq!(all("retrieve-a-page", json!({ "page_id": page })).await["id"], page);
    let children =
        json!([{ "type": "to_do", "to_do": { "rich_text": text("do it"), "checked": false } }]);
    let added =
        all("patch-block-children", json!({ "block_id": page, "children": children.to_string() }))
            .await;
    let block = added["results"][0]["id"].clone();
    let below = all("get-block-children", json!({ "block_id": page, "page_size": 5 })).await;
    assert_eq!(below["results"].as_array().unwrap().len(), 2);
    assert_eq!(all("retrieve-a-block", json!({ "block_id": block })).await["type"], "to_do");
    let done =
        all("update-a-block", json!({ "block_id": block, "to_do": { "checked": true } })).await;
    assert_eq!(done["to_do"]["checked"], true);
    assert_eq!(all("delete-a-block", json!({ "block_id": block })).await["in_trash"], true);
    let icon = json!({ "type": "emoji", "emoji": "🧪" });
    assert_eq!(
        all("patch-page", json!({ "page_id": page, "icon": icon })).await["icon"]["emoji"],
        "🧪"
    );
    let title =
        all("retrieve-a-page-property", json!({ "page_id": page, "property_id": "title" })).await;
    assert_eq!(title["results"][0]["title"]["plain_text"], "By a tool");
    all("create-a-comment", json!({ "parent": { "page_id": page }, "rich_text": text("noted") }))
        .await;
    let comments = all("retrieve-a-comment", json!({ "block_id": page })).await;
    assert_eq!(comments["results"][0]["rich_text"][0]["plain_text"], "noted");

    let markdown =
        all("retrieve-page-markdown", json!({ "page_id": page, "include_transcript": true })).await;
    assert_eq!(
        (markdown["markdown"].as_str(), &markdown["truncated"]),
        (Some("first"), &json!(false))
    );
    let edit = json!({ "new_str": "# second" });
    let edit = json!({ "page_id": page, "type": "replace_content", "replace_content": edit });
    assert_eq!(all("update-page-markdown", edit).await["markdown"], "# second");

    let source = demo.data_source_id;
    let rows =
        all("query-data-source", json!({ "data_source_id": source, "page_size": 2, "sorts": [] }))
            .await;
    assert_eq!(rows["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        all("retrieve-a-data-source", json!({ "data_source_id": source })).await["id"],
        json!(source)
    );
    all("list-data-source-templates", json!({ "data_source_id": source })).await;
    assert_eq!(
        all("retrieve-a-database", json!({ "database_id": demo.database_id })).await["object"],
        "database"
    );
    let table = json!({
        "parent": { "type": "database_id", "database_id": demo.database_id },
        "properties": { "Name": { "title": {} } },
        "title": text("Second"),
    });
    let table = all("create-a-data-source", table).await["id"].clone();
    let renamed =
        all("update-a-data-source", json!({ "data_source_id": table, "title": text("Third") }))
            .await;
    assert_eq!(renamed["title"][0]["plain_text"], "Third");
    let moved =
        all("move-page", json!({ "page_id": page, "parent": { "page_id": demo.root_page_id } }))
            .await;
    assert_eq!(moved["parent"]["page_id"], json!(demo.root_page_id));
    called
}

#[tokio::test]
async fn f133_all_tools_do_what_they_say() {
    let kit = Kit::start().await;
    let called = walk(&kit, &Caller::of(&kit, &kit.admin)).await;
    assert_eq!(called.iter().collect::<std::collections::BTreeSet<_>>().len(), 24, "{called:?}");
    // Every one of them is a call of the gate, in the ledger like all others.
    let entries = kit.entries(200).await;
    for name in called {
        let operation = name.trim_start_matches("API-");
        assert!(entries.iter().any(|entry| entry.operation == operation), "{operation}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn f129_each_goes_out_with_its_version_unless_one_is_set() {
    let mut seen = Vec::new();
    for fixed in [None, Some(notion::Version::V2025_09_03), Some(notion::Version::V2026_03_11)] {
        let kit = Kit::start_with(|options| options.notion_version = fixed).await;
        walk(&kit, &Caller::of(&kit, &kit.admin)).await;
        for call in kit.calls().await {
            let operation = call["operation"].as_str().unwrap_or_default();
            let own = if operation.ends_with("-markdown") { "2026-03-11" } else { "2025-09-03" };
            let expected = fixed.map_or(own, notion::Version::as_str);
            assert_eq!(call["notion_version"], expected, "{operation}");
            seen.push(operation.to_owned());
        }
        kit.finish().await;
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= 24, "{seen:?}");
}

/// For each tool arguments that name something.
fn about(id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("get-user", json!({ "user_id": id })),
        ("get-block-children", json!({ "block_id": id })),
        ("patch-block-children", json!({ "block_id": id, "children": [{ "divider": {} }] })),
        ("retrieve-a-block", json!({ "block_id": id })),
        ("update-a-block", json!({ "block_id": id, "divider": {} })),
        ("delete-a-block", json!({ "block_id": id })),
        ("retrieve-a-page", json!({ "page_id": id })),
        ("patch-page", json!({ "page_id": id, "properties": {} })),
        ("post-page", json!({ "parent": { "page_id": id }, "properties": {} })),
        ("retrieve-a-page-property", json!({ "page_id": id, "property_id": "title" })),
        ("retrieve-a-comment", json!({ "block_id": id })),
        ("create-a-comment", json!({ "parent": { "page_id": id }, "rich_text": text("x") })),
        ("query-data-source", json!({ "data_source_id": id })),
        ("retrieve-a-data-source", json!({ "data_source_id": id })),
        ("update-a-data-source", json!({ "data_source_id": id, "title": text("x") })),
        (
            "create-a-data-source",
            json!({ "parent": { "database_id": id }, "properties": { "N": { "title": {} } } }),
        ),
        ("list-data-source-templates", json!({ "data_source_id": id })),
        ("retrieve-a-database", json!({ "database_id": id })),
        ("move-page", json!({ "page_id": id, "parent": { "page_id": id } })),
        ("retrieve-page-markdown", json!({ "page_id": id })),
        (
            "update-page-markdown",
            json!({ "page_id": id, "type": "replace_content", "replace_content": { "new_str": "x" } }),
        ),
    ]
}

#[tokio::test]
async fn f133_errors_are_errors_in_notions_words() {
    let kit = Kit::start().await;
    let admin = Caller::of(&kit, &kit.admin);
    for (tool, given) in about("00000000-0000-4000-8000-000000000000") {
        let (is_error, told) = admin.try_call(tool, given).await;
        assert!(is_error, "{tool}: {told}");
        assert_eq!(
            (&told["object"], &told["status"]),
            (&json!("error"), &json!(404)),
            "{tool}: {told}"
        );
        assert_eq!(told["code"], "object_not_found", "{tool}");
    }
    for (tool, given) in about("no id") {
        let (is_error, told) = admin.try_call(tool, given).await;
        assert!(is_error && told["code"] == "validation_error", "{tool}: {told}");
    }
    // What can be done about it stands beside Notion's words.
    let bearer = format!("Bearer {}", kit.admin);
    let reply = call(&kit.url, &[("authorization", &bearer)], "get-user", &json!({})).await;
    let answer = reply.json();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("user_id"));
    let given = json!({ "user_id": "no id" });
    let answer = call(&kit.url, &[("authorization", &bearer)], "get-user", &given).await.json();
    let advice = answer["result"]["content"][1]["text"].as_str().unwrap();
    assert!(advice.contains("call again"), "{answer}");
    kit.finish().await;
}

#[tokio::test]
async fn f133_a_viewer_reads_and_writes_nothing() {
    let kit = Kit::start().await;
    let viewer = Caller::of(&kit, &kit.key(Role::Viewer, &[kit.demo.team_page_id]).await);
    kit.forget_calls().await;
    for (tool, given) in about(&kit.demo.other_page_id.to_string()) {
        let (is_error, told) = viewer.try_call(tool, given).await;
        assert!(is_error, "{tool}: {told}");
        let status = told["status"].as_u64().unwrap();
        assert!(matches!(status, 400 | 403 | 404), "{tool}: {told}");
    }
    let writes = kit.calls().await.into_iter().filter(|call| call["method"] != "GET");
    let writes: Vec<_> =
        writes.filter(|call| !call["path"].as_str().unwrap().contains("query")).collect();
    assert!(writes.is_empty(), "{writes:?}");
    kit.finish().await;
}

#[tokio::test]
async fn f131_the_edits_of_markdown() {
    let kit = Kit::start().await;
    let caller = Caller::of(&kit, &kit.admin);
    let page = json!({
        "parent": { "page_id": kit.demo.team_page_id },
        "properties": { "title": text("Edited") },
        "children": [{ "paragraph": { "rich_text": text("one") } }],
    });
    let page = caller.call("post-page", page).await["id"].clone();
    let edit = async |kind: &str, what: Value| {
        let given = json!({ "page_id": page, "type": kind, kind: what });
        caller.try_call("update-page-markdown", given).await
    };
    let markdown = |answer: (bool, Value)| {
        assert!(!answer.0, "{}", answer.1);
        answer.1["markdown"].as_str().unwrap().to_owned()
    };
    let updates = json!([{ "old_str": "one", "new_str": "two" }, { "old_str": "two", "new_str": "three and more" }]);
    assert_eq!(
        markdown(edit("update_content", json!({ "content_updates": updates })).await),
        "three and more"
    );
    let position = json!({ "content": "four", "position": { "type": "end" } });
    assert_eq!(markdown(edit("insert_content", position).await), "three and more\nfour");
    let range = json!({ "content": "five", "content_range": "three...more" });
    assert_eq!(markdown(edit("replace_content_range", range).await), "five\nfour");
    assert_eq!(markdown(edit("replace_content", json!({ "new_str": "six" })).await), "six");
    let many: Vec<_> = (0..101).map(|_| json!({ "old_str": "a", "new_str": "b" })).collect();
    assert!(edit("update_content", json!({ "content_updates": many })).await.0, "more than 100");

    // A child page goes only if that is said, and only by who may delete.
    let child = json!({ "parent": { "page_id": page }, "properties": { "title": text("Child") } });
    let child = caller.call("post-page", child).await["id"].clone();
    assert!(edit("replace_content", json!({ "new_str": "seven" })).await.0);
    let delete = json!({ "new_str": "seven", "allow_deleting_content": true });
    let editor = Caller::of(&kit, &kit.key(Role::Editor, &[]).await);
    let given = json!({ "page_id": page, "type": "replace_content", "replace_content": delete });
    assert!(editor.try_call("update-page-markdown", given).await.0);
    assert_eq!(markdown(edit("replace_content", delete).await), "seven");
    assert_eq!(caller.call("retrieve-a-page", json!({ "page_id": child })).await["in_trash"], true);
    kit.finish().await;
}

#[tokio::test]
async fn f135_text_that_looks_like_json_arrives_as_text() {
    let kit = Kit::start().await;
    let caller = Caller::of(&kit, &kit.admin);
    let looks = "{\"a\": [1]}";
    // The parent is wrapped into a string twice; the text is text, however it looks.
    let parent = json!({ "page_id": kit.demo.team_page_id }).to_string();
    let page = json!({
        "parent": Value::String(parent).to_string(),
        "properties": { "title": text(looks) },
        "children": [json!({ "paragraph": { "rich_text": text(looks) } }).to_string()],
    });
    let page = caller.call("post-page", page).await["id"].clone();
    let title = caller
        .call("retrieve-a-page-property", json!({ "page_id": page, "property_id": "title" }))
        .await;
    assert_eq!(title["results"][0]["title"]["plain_text"], looks);
    let children = caller.call("get-block-children", json!({ "block_id": page })).await;
    assert_eq!(children["results"][0]["paragraph"]["rich_text"][0]["plain_text"], looks);
    kit.finish().await;
}
