//! Messages that are none, and headers that say something else than the message.

use serde_json::{Value, json};
use testkit::Kit;

use crate::wire::{ERAS, MODERN, ask, code, message, post};

#[tokio::test]
async fn mt_02_h04_what_is_no_message_is_a_400_in_json_rpc() {
    let kit = Kit::start().await;
    let deep = |n: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"a":{}1{}}}}}"#,
            "[".repeat(n),
            "]".repeat(n)
        )
    };
    for legacy in ERAS {
        let (headers, body) = message(legacy, "tools/list", json!({}));
        let batch = json!([body]).to_string();
        for (text, expected) in [
            (String::new(), -32700),
            ("{".to_owned(), -32700),
            ("not JSON".to_owned(), -32700),
            (batch, -32600),
            ("[]".to_owned(), -32600),
            ("null".to_owned(), -32600),
            (deep(200), -32600),
            (deep(50_000), -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#.to_owned(), -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#.to_owned(), -32600),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#.to_owned(), -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"x"}"#.to_owned(), -32600),
            (r#"{"jsonrpc":"2.0","id":1}"#.to_owned(), -32600),
        ] {
            let reply = post(&kit, &kit.admin, "/mcp", &headers, &[], text.clone()).await;
            let shown: String = text.chars().take(80).collect();
            assert_eq!(reply.status, 400, "{shown}: {}", reply.text());
            assert_eq!(code(&reply), expected, "{shown}");
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn h04_a_response_is_no_request_but_earlier_clients_may_send_one() {
    let kit = Kit::start().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": {} }).to_string();
    for (legacy, status) in [(None, 400), (Some("2025-11-25"), 202)] {
        let (headers, _) = message(legacy, "ping", json!({}));
        let reply = post(&kit, &kit.admin, "/mcp", &headers, &[], body.clone()).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    kit.finish().await;
}

#[tokio::test]
async fn h05_a_notification_is_taken_with_an_empty_202() {
    let kit = Kit::start().await;
    for legacy in ERAS {
        let method = match legacy {
            Some(_) => "notifications/initialized",
            None => "notifications/anything",
        };
        let (headers, mut body) = message(legacy, method, json!({}));
        body.as_object_mut().unwrap().remove("id");
        let reply = post(&kit, &kit.admin, "/mcp", &headers, &[], body.to_string()).await;
        assert_eq!((reply.status, reply.bytes.len()), (202, 0), "{}", reply.text());
    }
    kit.finish().await;
}

/// Sends a current message in which something was changed.
async fn changed(
    kit: &Kit,
    instead: &[(&str, &str)],
    change: impl FnOnce(&mut Value),
) -> (u16, Value) {
    let (headers, mut body) =
        message(None, "tools/call", json!({ "name": "API-get-self", "arguments": {} }));
    change(&mut body);
    let reply = post(kit, &kit.admin, "/mcp/official", &headers, instead, body.to_string()).await;
    (reply.status, reply.json())
}

#[tokio::test]
async fn h06_the_version_stands_in_header_and_message() {
    let kit = Kit::start().await;
    for header in ["", "2025-11-25"] {
        let (status, json) = changed(&kit, &[("mcp-protocol-version", header)], |_| ()).await;
        assert_eq!((status, &json["error"]["code"]), (400, &json!(-32020)), "{header}: {json}");
        assert_eq!(json["id"], 1);
    }
    kit.finish().await;
}

#[tokio::test]
async fn h07_an_unknown_version_is_told_the_known_ones() {
    let kit = Kit::start().await;
    let (status, json) = changed(&kit, &[("mcp-protocol-version", "2099-01-01")], |body| {
        body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    })
    .await;
    assert_eq!((status, &json["error"]["code"]), (400, &json!(-32022)), "{json}");
    assert_eq!(json["error"]["data"]["requested"], "2099-01-01");
    let supported = json["error"]["data"]["supported"].as_array().unwrap();
    assert!(supported.contains(&json!(MODERN)) && supported.contains(&json!("2024-11-05")));
    kit.finish().await;
}

#[tokio::test]
async fn h08_an_unknown_method_is_404_with_its_id() {
    let kit = Kit::start().await;
    for method in ["nonsense", "initialize", "ping", "logging/setLevel", "prompts/nothing"] {
        let reply = ask(&kit, &kit.admin, "/mcp", None, method, json!({})).await;
        assert_eq!((reply.status, code(&reply)), (404, -32601), "{method}: {}", reply.text());
        assert_eq!(reply.json()["id"], 1);
    }
    kit.finish().await;
}

#[tokio::test]
async fn h09_method_and_name_stand_in_headers_too() {
    let kit = Kit::start().await;
    for instead in [
        ("mcp-method", ""),
        ("mcp-method", "tools/list"),
        ("mcp-name", ""),
        ("mcp-name", "API-delete-a-block"),
        ("mcp-method", "Tools/Call"),
    ] {
        let (status, json) = changed(&kit, &[instead], |_| ()).await;
        assert_eq!((status, &json["error"]["code"]), (400, &json!(-32020)), "{instead:?}: {json}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn h10_header_values_may_be_in_base64_and_are_compared_to_the_letter() {
    let kit = Kit::start().await;
    let encoded = "=?base64?QVBJLWdldC1zZWxm?=";
    let (status, json) = changed(&kit, &[("MCP-Name", encoded), ("mcp-name", "")], |_| ()).await;
    assert_eq!(status, 200, "{json}");
    for wrong in ["=?base64?!!!?=", "=?base64?QVBJ?=", "api-get-self"] {
        let (status, json) = changed(&kit, &[("mcp-name", wrong)], |_| ()).await;
        assert_eq!((status, &json["error"]["code"]), (400, &json!(-32020)), "{wrong}: {json}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn h11_a_current_message_says_version_and_capabilities_but_need_not_say_who() {
    let kit = Kit::start().await;
    let (status, json) = changed(&kit, &[], |body| {
        let meta = body["params"]["_meta"].as_object_mut().unwrap();
        meta.remove("io.modelcontextprotocol/clientCapabilities");
    })
    .await;
    assert_eq!((status, &json["error"]["code"]), (400, &json!(-32602)), "{json}");
    for (name, code) in [("io.modelcontextprotocol/protocolVersion", -32602), ("_meta", -32602)] {
        let (status, json) = changed(&kit, &[], |body| {
            let params = body["params"].as_object_mut().unwrap();
            match name {
                "_meta" => drop(params.remove("_meta")),
                name => drop(params["_meta"].as_object_mut().unwrap().remove(name)),
            }
        })
        .await;
        assert_eq!((status, &json["error"]["code"]), (400, &json!(code)), "{name}: {json}");
    }
    let (status, json) = changed(&kit, &[], |_| ()).await;
    assert_eq!(status, 200, "{json}");
    kit.finish().await;
}

#[tokio::test]
async fn h13_without_a_version_it_is_the_one_of_before_there_were_headers() {
    let kit = Kit::start().await;
    let (headers, body) = message(Some("2025-03-26"), "tools/list", json!({}));
    let none = [("mcp-protocol-version", "")];
    let reply = post(&kit, &kit.admin, "/mcp", &headers, &none, body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let bad = [("mcp-protocol-version", "1999-01-01")];
    let reply = post(&kit, &kit.admin, "/mcp", &headers, &bad, body.to_string()).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.json()["error"]["code"].is_i64());
    kit.finish().await;
}

#[tokio::test]
async fn unknown_tools_and_cursors_are_errors_of_the_protocol() {
    let kit = Kit::start().await;
    for legacy in ERAS {
        let params = json!({ "name": "no-such-tool", "arguments": {} });
        let reply = ask(&kit, &kit.admin, "/mcp/all", legacy, "tools/call", params).await;
        assert_eq!((reply.status, code(&reply)), (200, -32602), "{}", reply.text());
        for cursor in ["", "somebody-else's"] {
            let params = json!({ "cursor": cursor });
            let reply = ask(&kit, &kit.admin, "/mcp", legacy, "tools/list", params).await;
            assert_eq!((reply.status, code(&reply)), (200, -32602), "{}", reply.text());
        }
        for params in
            [json!({ "name": 5 }), json!({}), json!({ "name": "API-get-self", "arguments": [] })]
        {
            let (headers, body) = message(legacy, "tools/call", params);
            let reply = post(&kit, &kit.admin, "/mcp/all", &headers, &[], body.to_string()).await;
            assert!(reply.status < 500 && code(&reply) < 0, "{body}: {}", reply.text());
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn mt_02_what_is_too_much_or_of_the_wrong_sort_is_an_error_in_words_in_both_eras() {
    let kit = Kit::start().await;
    let mut deep = json!("x");
    for _ in 0..50 {
        deep = json!([deep]);
    }
    kit.forget_calls().await;
    for legacy in ERAS {
        let large = json!({ "name": "fetch", "arguments": { "ids": ["x".repeat(5_000_000)] } });
        let (headers, body) = message(legacy, "tools/call", large);
        let reply = post(&kit, &kit.admin, "/mcp", &headers, &[], body.to_string()).await;
        assert_eq!((reply.status, code(&reply)), (413, 413));
        for (name, arguments) in [
            ("fetch", json!({ "ids": deep })),
            ("query", json!({ "source": "x", "filter": deep })),
            ("search", json!({ "query": 5, "limit": "many" })),
            ("search", json!({ "limit": 1e300 })),
            ("create_pages", json!({ "parent": [], "pages": {} })),
            ("update_page", json!({ "pages": [], "properties": [] })),
            ("comments", json!({ "on": "discussion://" })),
            ("upload_file", json!({ "name": "a", "data": 7 })),
            ("API-retrieve-a-page", json!({ "page_id": deep })),
            ("API-post-page", json!({ "parent": "[[[[[[[[[[" })),
        ] {
            let params = json!({ "name": name, "arguments": arguments });
            let reply = ask(&kit, &kit.admin, "/mcp/all", legacy, "tools/call", params).await;
            assert_eq!(reply.status, 200, "{name} {arguments}: {}", reply.text());
            assert_eq!(reply.header("content-type"), Some("application/json"));
            let result = &reply.json()["result"];
            assert_eq!(result["isError"], true, "{name} {arguments}: {}", reply.text());
        }
    }
    for call in kit.calls().await {
        assert!(call["method"] == "GET" || call["status"].as_u64() >= Some(400), "{call}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn rs_07_what_one_caller_was_given_is_nothing_to_another() {
    let kit = Kit::start().await;
    let team = kit.demo.team_page_id;
    let own = kit.key(model::Role::Editor, &[team]).await;
    let other = kit.key(model::Role::Editor, &[kit.demo.other_page_id]).await;
    for legacy in ERAS {
        let call = async |key: &str, name: &str, arguments: Value| {
            let params = json!({ "name": name, "arguments": arguments });
            let reply = ask(&kit, key, "/mcp", legacy, "tools/call", params).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let result = reply.json()["result"].clone();
            let text = result["content"][0]["text"].as_str().unwrap().to_owned();
            (text, result["isError"] == true)
        };
        let (found, _) = call(&own, "search", json!({ "limit": 1 })).await;
        let cursor = found.split("cursor \"").nth(1).and_then(|rest| rest.split('"').next());
        let cursor = cursor.expect("there is more");
        assert!(!call(&own, "search", json!({ "limit": 1, "cursor": cursor })).await.1);
        let (text, failed) = call(&other, "search", json!({ "limit": 1, "cursor": cursor })).await;
        assert!(failed, "{text}");

        let (made, _) = call(&own, "add_comment", json!({ "on": team, "text": "Mine" })).await;
        let thread = made.split("Thread: ").nth(1).unwrap_or_else(|| panic!("{made}"));
        let (text, failed) =
            call(&other, "add_comment", json!({ "reply_to": thread, "text": "x" })).await;
        assert!(failed, "{text}");

        let file = json!({ "name": "a.txt", "data": "aGk=" });
        let (sent, _) = call(&own, "upload_file", file).await;
        let upload = sent.split("upload id: ").nth(1).and_then(|it| it.lines().next()).unwrap();
        let icon = json!({ "type": "file_upload", "file_upload": { "id": upload } });
        let body = json!({ "page_id": kit.demo.other_page_id, "icon": icon });
        let params = json!({ "name": "API-patch-page", "arguments": body });
        let reply = ask(&kit, &other, "/mcp/official", legacy, "tools/call", params).await;
        assert_eq!(reply.json()["result"]["isError"], true, "{}", reply.text());
    }
    kit.finish().await;
}
