//! Both eras of the protocol, and what their results carry.

use model::role::Role;
use serde_json::{Value, json};
use testkit::Kit;

use crate::wire::{ERAS, LEGACY, ask};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

#[tokio::test]
async fn mt_08_initialize_echoes_every_version_that_is_known() {
    let kit = Kit::start().await;
    for version in LEGACY.into_iter().chain(["2099-01-01", "1.0"]) {
        let params = json!({
            "protocolVersion": version, "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let (mut headers, body) = crate::wire::message(Some(version), "initialize", params);
        headers.retain(|(name, _)| name != "mcp-protocol-version");
        let reply =
            crate::wire::post(&kit, &kit.admin, "/mcp", &headers, &[], body.to_string()).await;
        assert_eq!(reply.status, 200, "{version}: {}", reply.text());
        let told = &reply.json()["result"];
        let expected = if LEGACY.contains(&version) { version } else { "2025-11-25" };
        assert_eq!(told["protocolVersion"], expected);
        assert_eq!(told["serverInfo"]["name"], "notegate");
        assert!(told["capabilities"]["tools"].is_object());
        assert!(reply.header("mcp-session-id").is_none());
    }
    kit.finish().await;
}

#[tokio::test]
async fn legacy_clients_can_ping_list_and_call() {
    let kit = Kit::start().await;
    for version in LEGACY {
        let reply = ask(&kit, &kit.admin, "/mcp", Some(version), "ping", json!({})).await;
        assert_eq!(reply.json()["result"], json!({}), "{version}: {}", reply.text());
        let reply =
            ask(&kit, &kit.admin, "/mcp/official", Some(version), "tools/list", json!({})).await;
        let result = reply.json()["result"].clone();
        assert!(!result["tools"].as_array().unwrap().is_empty());
        for name in ["resultType", "ttlMs", "cacheScope"] {
            assert!(result.get(name).is_none(), "{version}: {name}");
        }
        let result = call_self(&kit, &kit.admin, Some(version)).await;
        assert!(result.get("resultType").is_none());
    }
    kit.finish().await;
}

async fn call_self(kit: &Kit, key: &str, legacy: Option<&str>) -> Value {
    let params = json!({ "name": "API-get-self", "arguments": {} });
    let reply = ask(kit, key, "/mcp/official", legacy, "tools/call", params).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let result = reply.json()["result"].clone();
    assert_ne!(result["isError"], true, "{result}");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&text["object"], &text["type"]), (&json!("user"), &json!("bot")));
    result
}

#[tokio::test]
async fn h17_results_say_what_they_are_and_who_answers() {
    let kit = Kit::start().await;
    let result = call_self(&kit, &kit.admin, None).await;
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["_meta"][SERVER_INFO]["name"], "notegate");
    for method in ["server/discover", "tools/list"] {
        let reply = ask(&kit, &kit.admin, "/mcp", None, method, json!({})).await;
        let result = &reply.json()["result"];
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "notegate", "{method}");
    }
    kit.finish().await;
}

/// Everything that may be used again, with what it takes to ask for it.
fn reusable() -> [(&'static str, Value); 6] {
    [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "notion://docs/values" })),
    ]
}

#[tokio::test]
async fn h18_lists_say_for_how_long_and_that_they_are_the_callers_own() {
    let kit = Kit::start().await;
    for (method, params) in reusable() {
        let reply = ask(&kit, &kit.admin, "/mcp", None, method, params.clone()).await;
        let result = &reply.json()["result"];
        assert!(result["ttlMs"].as_u64().is_some(), "{method}: {}", reply.text());
        assert_eq!(result["cacheScope"], "private", "{method}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "notegate", "{method}");
        // Earlier protocols know nothing of it.
        if method != "server/discover" {
            let legacy = Some("2025-11-25");
            let reply = ask(&kit, &kit.admin, "/mcp", legacy, method, params).await;
            let result = reply.json()["result"].clone();
            assert!(result.is_object(), "{method}: {}", reply.text());
            for name in ["resultType", "ttlMs", "cacheScope"] {
                assert!(result.get(name).is_none(), "{method}: {name}");
            }
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn h12_h21_no_capability_is_asked_of_a_client_and_no_header_for_arguments() {
    let kit = Kit::start().await;
    let listed = ask(&kit, &kit.admin, "/mcp/all", None, "tools/list", json!({})).await;
    assert!(!listed.text().contains("x-mcp-header"));
    for tool in listed.json()["result"]["tools"].as_array().unwrap() {
        // The message declares no capability at all; the arguments are none, too.
        let params = json!({ "name": tool["name"], "arguments": {} });
        let reply = ask(&kit, &kit.admin, "/mcp/all", None, "tools/call", params).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let result = &reply.json()["result"];
        assert!(result["content"].is_array(), "neither -32021 nor a question: {}", reply.text());
        assert_eq!(result["resultType"], "complete");
    }
    // Headers for arguments mean nothing here, and what they say is not done.
    let (headers, body) =
        crate::wire::message(None, "tools/call", json!({ "name": "fetch", "arguments": {} }));
    let more = [("mcp-param-ids", "[\"x\"]")];
    let body = body.to_string();
    let reply = crate::wire::post(&kit, &kit.admin, "/mcp", &headers, &more, body).await;
    assert_eq!(reply.json()["result"]["isError"], true, "{}", reply.text());
    kit.finish().await;
}

#[tokio::test]
async fn mt_07_a_state_that_was_never_given_out_is_refused() {
    let kit = Kit::start().await;
    for (method, params) in [
        ("tools/call", json!({ "name": "self", "arguments": {} })),
        ("prompts/get", json!({ "name": "summarize_page", "arguments": { "page": "x" } })),
        ("resources/read", json!({ "uri": "notion://docs/values" })),
    ] {
        let (reply, mut with_state) =
            (ask(&kit, &kit.admin, "/mcp", None, method, params.clone()).await, params);
        assert!(reply.json()["result"].is_object(), "{method}: {}", reply.text());
        with_state["requestState"] = json!("eyJ1c2VyIjoic29tZWJvZHkgZWxzZSJ9");
        let reply = ask(&kit, &kit.admin, "/mcp", None, method, with_state).await;
        assert_eq!(crate::wire::code(&reply), -32602, "{method}: {}", reply.text());
    }
    kit.finish().await;
}

#[tokio::test]
async fn prompts_are_those_that_the_caller_can_do_and_titles_are_completed() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let names = async |key: &str, path: &str| {
        let reply = ask(&kit, key, path, None, "prompts/list", json!({})).await.json();
        let prompts = reply["result"]["prompts"].as_array().unwrap().clone();
        prompts.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ["summarize_page", "review_database", "save_notes"];
    assert_eq!(names(&kit.admin, "/mcp").await, all);
    assert_eq!(names(&viewer, "/mcp").await, all[..2]);
    assert!(names(&kit.admin, "/mcp/official").await.is_empty(), "its tools are not there");
    let get = async |key: &str, name: &str, arguments: Value| {
        let params = json!({ "name": name, "arguments": arguments });
        ask(&kit, key, "/mcp", None, "prompts/get", params).await
    };
    let told = get(&viewer, "summarize_page", json!({ "page": "https://x/1" })).await.json();
    let text = told["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.contains("Fetch https://x/1"), "{text}");
    for (key, name, arguments) in [
        (&viewer, "save_notes", json!({ "page": "x" })),
        (&kit.admin, "nothing", json!({})),
        (&kit.admin, "summarize_page", json!({})),
        (&kit.admin, "summarize_page", json!({ "page": 5 })),
    ] {
        let reply = get(key, name, arguments).await;
        assert_eq!(crate::wire::code(&reply), -32602, "{name}: {}", reply.text());
    }

    // Titles are offered as far as the caller sees them.
    let complete = async |key: &str, reference: Value, name: &str, typed: &str| {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": typed } });
        let reply = ask(&kit, key, "/mcp", None, "completion/complete", params).await;
        reply.json()["result"]["completion"]["values"].clone()
    };
    let page = json!({ "type": "ref/resource", "uri": "notion://page/{id}" });
    let offered = complete(&viewer, page.clone(), "id", "").await;
    let uri = format!("notion://page/{}", offered[0].as_str().unwrap());
    let read = ask(&kit, &viewer, "/mcp", None, "resources/read", json!({ "uri": uri })).await;
    assert!(read.json()["result"]["contents"][0]["text"].is_string(), "{}", read.text());
    let outside = kit.demo.other_page_id.plain();
    assert!(complete(&kit.admin, page.clone(), "id", "").await.to_string().contains(&outside));
    assert!(!offered.to_string().contains(&outside), "{offered}");
    let prompt = json!({ "type": "ref/prompt", "name": "review_database" });
    let source = kit.demo.data_source_id.plain();
    let offered = complete(&viewer, prompt, "database", "").await;
    assert!(offered.to_string().contains(&format!("collection://{source}")), "{offered}");
    let nothing = json!({ "type": "ref/prompt", "name": "nothing" });
    assert_eq!(complete(&viewer, nothing, "x", "").await, json!([]));
    kit.finish().await;
}

#[tokio::test]
async fn discover_tells_versions_and_what_is_there() {
    let kit = Kit::start().await;
    let reply = ask(&kit, &kit.admin, "/mcp", None, "server/discover", json!({})).await;
    let result = &reply.json()["result"];
    let versions = result["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{result}");
    assert!(result["capabilities"]["tools"].is_object());
    // What is not declared is not answered.
    for (capability, method) in [
        ("prompts", "prompts/list"),
        ("resources", "resources/list"),
        ("logging", "logging/setLevel"),
    ] {
        let reply = ask(&kit, &kit.admin, "/mcp", None, method, json!({})).await;
        let declared = result["capabilities"][capability].is_object();
        assert_eq!(reply.status == 200, declared, "{method}: {}", reply.text());
    }
    kit.finish().await;
}

#[tokio::test]
async fn h19_the_list_is_the_same_every_time_and_follows_the_key() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[]).await;
    let list = async |key: &str, path: &str, legacy: Option<&str>| {
        let reply = ask(&kit, key, path, legacy, "tools/list", json!({})).await;
        reply.json()["result"]["tools"].clone()
    };
    for path in ["/mcp", "/mcp/official", "/mcp/all"] {
        for legacy in ERAS {
            assert_eq!(list(&kit.admin, path, legacy).await, list(&kit.admin, path, legacy).await);
            for tool in list(&viewer, path, legacy).await.as_array().unwrap() {
                assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
            }
        }
    }
    for tool in list(&kit.admin, "/mcp/all", None).await.as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(
            name.len() <= 64
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        );
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name}: {hint}");
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn h20_rs_07_callers_on_one_connection_stay_themselves() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[]).await;
    for _ in 0..5 {
        for (key, legacy) in [(&viewer, None), (&kit.admin, None), (&viewer, Some("2025-11-25"))] {
            call_self(&kit, key, legacy).await;
        }
        let refused = ask(&kit, "ngk_other", "/mcp", None, "tools/list", json!({})).await;
        assert_eq!(refused.status, 401);
    }
    kit.finish().await;
}
