//! Which tools are offered, and what a door that only reads lets through.

use gate::KeyRequest;
use model::{Role, ToolSet};
use serde_json::{Value, json};
use testkit::{Kit, request};

use crate::mcp_passthrough::Door;

async fn ask(url: &str, key: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    testkit::send("POST", url, &headers, message.to_string().into()).await.json()
}

async fn tools(url: &str, key: &str) -> Vec<Value> {
    let listed = ask(url, key, "tools/list", json!({})).await;
    listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

async fn names(url: &str, key: &str) -> Vec<String> {
    let tools = tools(url, key).await;
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_key_can_say_which_tools_it_is_for_whatever_the_path() {
    let kit = Kit::start().await;
    let paths = ["/mcp", "/mcp/official", "/mcp/all"].map(|path| format!("{}{path}", kit.url));
    for (set, first, count) in [
        (ToolSet::Agent, "search", 11),
        (ToolSet::Official, "API-get-user", 24),
        (ToolSet::All, "search", 35),
    ] {
        let key = KeyRequest { tools: Some(set), ..request(Role::Admin, &[]) };
        let key = kit.new_key(key).await;
        for path in &paths {
            let names = names(path, &key).await;
            assert_eq!((names.len(), names[0].as_str()), (count, first), "{set} {path}");
        }
        let other = if set == ToolSet::Official { "self" } else { "API-get-self" };
        let called = json!({ "name": other, "arguments": {} });
        let called = ask(&paths[1], &key, "tools/call", called).await;
        let refused = called["error"]["code"] == -32602;
        assert_eq!(refused, set != ToolSet::All, "{set}: {called}");
    }
    // As it is asked for over HTTP, and shown.
    let body = json!({ "name": "x", "role": "viewer", "tools": "official" });
    let made = kit.post(&kit.admin, "/api/v1/keys", &body).await;
    assert_eq!((made.status, &made.json()["tools"]), (201, &json!("official")));
    let body = json!({ "name": "x", "role": "viewer", "tools": "none" });
    assert_eq!(kit.post(&kit.admin, "/api/v1/keys", &body).await.status, 400);
    // Without, the path says it.
    let plain = kit.key(Role::Admin, &[]).await;
    assert_eq!(names(&paths[1], &plain).await.len(), 24);
    kit.finish().await;
}

#[tokio::test]
async fn a_door_that_only_reads_offers_and_does_nothing_else() {
    let kit = Kit::start().await;
    let door = Door::open(&kit, mcp::Settings { read_only: true, ..mcp::Settings::default() });
    let (reading, whole) = (format!("{}/mcp/all", door.url), format!("{}/mcp/all", kit.url));
    let offered = names(&reading, &kit.admin).await;
    for tool in tools(&reading, &kit.admin).await {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }
    let before = kit.control("GET", "state", None).await;
    kit.forget_calls().await;
    let (team, source) = (kit.demo.team_page_id, kit.demo.data_source_id);
    for name in names(&whole, &kit.admin).await {
        // Whatever a tool could want, and a dry run that it is not.
        let arguments = match name.as_str() {
            "create_pages" => json!({ "parent": team, "pages": [{ "title": "x" }] }),
            "update_page" => json!({ "pages": [team], "append": "x" }),
            "move_pages" => json!({ "pages": [team], "to": kit.demo.other_page_id }),
            "add_comment" => json!({ "on": team, "text": "x" }),
            "upload_file" => json!({ "name": "a.txt", "data": "aGk=" }),
            "API-post-page" => json!({ "parent": { "page_id": team }, "properties": {} }),
            "API-create-a-comment" => json!({ "parent": { "page_id": team }, "rich_text": [] }),
            _ => json!({
                "page_id": team, "block_id": team, "data_source_id": source, "in_trash": true,
                "type": "replace_content", "replace_content": { "new_str": "x" }, "children": [],
                "parent": { "page_id": team }, "title": [],
            }),
        };
        let params = json!({ "name": name, "arguments": arguments });
        let called = ask(&reading, &kit.admin, "tools/call", params).await;
        if !offered.contains(&name) {
            assert_eq!(called["result"]["isError"], true, "{name}: {called}");
            assert!(called.to_string().contains("only reads"), "{name}: {called}");
        }
    }
    for call in kit.calls().await {
        let reads = call["method"] == "GET"
            || ["post-search", "query-data-source"].contains(&call["operation"].as_str().unwrap());
        assert!(reads, "{call}");
    }
    let prompts = ask(&format!("{}/mcp", door.url), &kit.admin, "prompts/list", json!({})).await;
    assert!(!prompts.to_string().contains("save_notes"), "{prompts}");
    let after = kit.control("GET", "state", None).await;
    assert!(before["nodes"] == after["nodes"] && before["comments"] == after["comments"]);
    // A key that only reads is as good: it is offered the same.
    let viewer = kit.key(Role::Viewer, &[]).await;
    assert_eq!(names(&whole, &viewer).await, offered);
    door.close().await;
    kit.finish().await;
}
