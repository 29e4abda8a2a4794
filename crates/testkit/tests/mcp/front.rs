//! What stands before the protocol: who may come in, from where, and how much may be sent.

use model::role::Role;
use serde_json::json;
use testkit::Kit;

use crate::wire::{ERAS, ask, message, post};

#[tokio::test]
async fn rs_01_without_a_key_everything_is_a_401_that_says_how_to_sign_in() {
    let kit = Kit::start().await;
    for path in ["/mcp", "/mcp/official", "/mcp/all"] {
        for legacy in ERAS {
            for method in ["initialize", "server/discover", "tools/list", "tools/call", "nonsense"]
            {
                let (headers, body) = message(legacy, method, json!({}));
                let none = [("authorization", "")];
                let reply = post(&kit, "", path, &headers, &none, body.to_string()).await;
                assert_eq!(reply.status, 401, "{method}: {reply:?}");
                let challenge = reply.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Bearer "), "{challenge}");
                assert!(!challenge.contains("error="), "{challenge}");
                assert_eq!(reply.json()["jsonrpc"], "2.0");

                let reply = post(&kit, "ngk_wrong", path, &headers, &[], body.to_string()).await;
                assert_eq!(reply.status, 401, "{method}: {reply:?}");
                let challenge = reply.header("www-authenticate").unwrap();
                assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
            }
        }
        for method in ["GET", "DELETE", "PUT", "POST"] {
            let reply = kit.raw(method, path, &[], None).await;
            assert_eq!(reply.status, 401, "{method} {path}");
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn rs_03_a_notion_token_is_no_key() {
    let kit = Kit::start().await;
    let token = kit.demo.tokens.full.clone();
    let reply = ask(&kit, &token, "/mcp", None, "tools/list", json!({})).await;
    assert_eq!(reply.status, 401);
    assert!(!reply.text().contains(&token));
    kit.finish().await;
}

#[tokio::test]
async fn rs_02_two_authorization_headers_and_tokens_elsewhere_are_none() {
    let kit = Kit::start().await;
    let key = kit.key(Role::Viewer, &[]).await;
    let (headers, body) = message(None, "tools/list", json!({}));
    let bearer = format!("Bearer {key}");
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    let mut all: Vec<_> = headers.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
    all.extend(twice);
    assert_eq!(kit.raw("POST", "/mcp", &all, Some(body.to_string())).await.status, 401);
    let path = format!("/mcp?access_token={key}");
    let none = [("authorization", "")];
    assert_eq!(post(&kit, "", &path, &headers, &none, body.to_string()).await.status, 401);
    kit.finish().await;
}

#[tokio::test]
async fn rs_08_a_revoked_key_is_refused_at_once() {
    let kit = Kit::start().await;
    let key = kit.key(Role::Viewer, &[]).await;
    assert_eq!(ask(&kit, &key, "/mcp", None, "tools/list", json!({})).await.status, 200);
    let listed = kit.get(&kit.admin, "/api/v1/keys").await.json();
    let item = listed["items"].as_array().unwrap().iter().find(|it| it["role"] == "viewer");
    let id = item.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/keys/{id}")).await.status, 204);
    let reply = ask(&kit, &key, "/mcp", None, "tools/list", json!({})).await;
    assert_eq!((reply.status, reply.reason()), (401, Some("revoked")));
    kit.finish().await;
}

#[tokio::test]
async fn h01_rs_10_foreign_origins_and_hosts_are_403_own_ones_are_not() {
    let kit = Kit::start().await;
    let own = kit.url.clone();
    for legacy in ERAS {
        let (headers, body) = message(legacy, "tools/list", json!({}));
        let send = async |name: &str, value: &str| {
            post(&kit, &kit.admin, "/mcp", &headers, &[(name, value)], body.to_string()).await
        };
        assert_eq!(send("origin", &own).await.status, 200);
        for foreign in
            ["http://evil.example.com", "https://127.0.0.1", "null", "http://127.0.0.1:1"]
        {
            let reply = send("origin", foreign).await;
            assert_eq!(reply.status, 403, "{foreign}");
            assert_eq!(reply.json()["jsonrpc"], "2.0");
            assert!(reply.json().get("id").is_none(), "{}", reply.text());
        }
        let reply = send("host", "evil.example.com").await;
        assert_eq!(reply.status, 403);
        assert!(reply.text().contains("SERVICE_URL"), "{}", reply.text());
    }
    kit.finish().await;
}

#[tokio::test]
async fn h03_whatever_takes_json_is_answered() {
    let kit = Kit::start().await;
    for legacy in ERAS {
        let (headers, body) = message(legacy, "tools/list", json!({}));
        for accept in ["", "*/*", "application/json", "text/event-stream", "text/html, */*;q=0.1"] {
            let instead = [("accept", accept)];
            let reply = post(&kit, &kit.admin, "/mcp", &headers, &instead, body.to_string()).await;
            assert_eq!(reply.status, 200, "{accept}: {}", reply.text());
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
        let instead = [("accept", "text/html")];
        let reply = post(&kit, &kit.admin, "/mcp", &headers, &instead, body.to_string()).await;
        assert_eq!(reply.status, 406);
        assert!(reply.json()["error"]["message"].is_string());
    }
    kit.finish().await;
}

#[tokio::test]
async fn h14_only_post_is_there_and_no_session_ever() {
    let kit = Kit::start().await;
    let bearer = format!("Bearer {}", kit.admin);
    for method in ["GET", "DELETE", "PUT", "PATCH"] {
        let headers = [("authorization", bearer.as_str()), ("accept", "text/event-stream")];
        let reply = kit.raw(method, "/mcp", &headers, None).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method}");
    }
    for legacy in ERAS {
        let (headers, body) = message(legacy, "tools/list", json!({}));
        let instead = [("mcp-session-id", "somebody-else"), ("last-event-id", "7")];
        let reply = post(&kit, &kit.admin, "/mcp", &headers, &instead, body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.header("mcp-session-id").is_none());
    }
    kit.finish().await;
}

#[tokio::test]
async fn mt_02_too_much_is_refused_in_json() {
    let kit = Kit::start().await;
    let (headers, _) = message(None, "tools/list", json!({}));
    let huge = json!({ "jsonrpc": "2.0", "id": 1, "method": "x".repeat(5_000_000) }).to_string();
    let reply = post(&kit, &kit.admin, "/mcp", &headers, &[], huge).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.json()["jsonrpc"], "2.0");
    let long = "x".repeat(20_000);
    let instead = [("mcp-name", long.as_str())];
    let reply = post(&kit, &kit.admin, "/mcp", &headers, &instead, "{}".to_owned()).await;
    assert_eq!(reply.status, 431);
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let instead = [("content-type", kind)];
        let reply = post(&kit, &kit.admin, "/mcp", &headers, &instead, "{}".to_owned()).await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn f128_a_notion_token_is_refused_while_passthrough_is_off() {
    let kit = Kit::start().await;
    let (headers, body) = message(None, "tools/list", json!({}));
    let token = kit.demo.tokens.full.clone();
    let instead = [("notion-token", token.as_str())];
    kit.forget_calls().await;
    let reply = post(&kit, &kit.admin, "/mcp", &headers, &instead, body.to_string()).await;
    assert!(matches!(reply.status, 400 | 401), "{reply:?}");
    assert!(reply.text().contains("--enable-token-passthrough"), "{}", reply.text());
    assert!(!reply.text().contains(&token));
    assert!(kit.calls().await.is_empty());
    kit.finish().await;
}
