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

#[tokio::test]
async fn h18_lists_say_for_how_long_and_that_they_are_the_callers_own() {
    let kit = Kit::start().await;
    for method in ["server/discover", "tools/list"] {
        let reply = ask(&kit, &kit.admin, "/mcp", None, method, json!({})).await;
        let result = &reply.json()["result"];
        assert!(result["ttlMs"].as_u64().is_some(), "{method}: {result}");
        assert_eq!(result["cacheScope"], "private", "{method}");
    }
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
    for (capability, method) in [("prompts", "prompts/list"), ("resources", "resources/list")] {
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
