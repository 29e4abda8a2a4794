//! Access tokens at the doors.

use gate::{Audience, Error, Origin};
use model::role::Permission;
use serde_json::{Value, json};
use testkit::Kit;

use super::{Client, at_mcp};
use crate::browser::Browser;

#[tokio::test]
async fn rs_01_rs_04_challenges_say_where_to_begin_and_what_is_missing() {
    let origin = Origin::new("https://gate.example");
    assert_eq!(
        origin.challenge("/mcp", &Error::NoKey),
        "Bearer resource_metadata=\"https://gate.example/.well-known/oauth-protected-resource/mcp\", \
         scope=\"notion:read\""
    );
    let bad = origin.challenge("/mcp/all", &Error::BadKey(gate::KeyFault::Expired));
    assert!(bad.starts_with("Bearer error=\"invalid_token\", "), "{bad}");
    assert!(bad.contains("/oauth-protected-resource/mcp/all\""));
    let more = origin.step_up("/mcp", Permission::Write);
    assert!(
        more.starts_with("Bearer error=\"insufficient_scope\", scope=\"notion:read notion:write\"")
    );
}

#[tokio::test]
async fn rs_02_a_token_opens_the_door_that_it_was_made_for() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (access, refresh) = client.tokens().await;
    assert!(at_mcp(&kit, &access).await.is_ok());
    let reply = kit.post(&kit.admin, "/api/v1/auth/token", &serde_json::json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    assert_eq!((&json["token_type"], &json["expires_in"]), (&"Bearer".into(), &900.into()));
    let api = json["access_token"].as_str().unwrap();
    assert_eq!(kit.get(api, "/api/v1/keys").await.status, 200);
    assert_eq!(kit.get(&access, "/api/v1/keys").await.status, 401);
    assert!(at_mcp(&kit, api).await.is_err());
    assert!(at_mcp(&kit, &refresh).await.is_err());
    for path in ["/v1/users/me", "/v1/search"] {
        assert_eq!(kit.get(api, path).await.status, if path == "/v1/search" { 400 } else { 401 });
    }
    // A token makes no further token.
    assert_eq!(kit.post(api, "/api/v1/auth/token", &serde_json::json!({})).await.status, 401);
    // Another issuer, another gate, no address.
    let elsewhere = Origin::new("https://other.example");
    for audience in [Audience::Mcp(Some(&elsewhere)), Audience::Mcp(None), Audience::Api] {
        assert!(kit.gate.recognise(Some(&access), audience, "test").await.is_err());
    }
    let other = Kit::start().await;
    let here = Origin::new(&kit.url);
    assert!(other.gate.recognise(Some(&access), Audience::Mcp(Some(&here)), "test").await.is_err());
    other.finish().await;
    // A key is a key at both.
    assert!(at_mcp(&kit, &kit.admin).await.is_ok());
    kit.finish().await;
}

#[tokio::test]
async fn rs_02_rs_03_what_is_no_token_is_refused() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (access, _) = client.tokens().await;
    let long = "a".repeat(20_000);
    for bad in [
        kit.demo.tokens.full.as_str(),
        "ntn_0123456789abcdefghijklmnopqrstuvwxyz01234567",
        "secret_0123456789",
        "ey",
        "",
        &long,
        &format!("ey{long}"),
        &access[..access.len() - 2],
    ] {
        assert!(matches!(at_mcp(&kit, bad).await, Err(Error::BadKey(_))), "{bad}");
        let authorization = format!("Bearer {bad}");
        let reply =
            kit.raw("GET", "/api/v1/keys", &[("authorization", &authorization)], None).await;
        assert_eq!(reply.status, 401, "{bad}");
    }
    let api = kit.post(&kit.admin, "/api/v1/auth/token", &serde_json::json!({})).await.json();
    let api = format!("Bearer {}", api["access_token"].as_str().unwrap());
    let twice = [("authorization", api.as_str()), ("authorization", api.as_str())];
    assert_eq!(kit.raw("GET", "/api/v1/keys", &twice, None).await.status, 401);
    let path = format!("/api/v1/keys?access_token={}", &api[7..]);
    assert_eq!(kit.raw("GET", &path, &[], None).await.status, 401);
    kit.clock.advance(std::time::Duration::from_secs(900));
    assert_eq!(kit.raw("GET", "/api/v1/keys", &twice[..1], None).await.status, 401);
    kit.finish().await;
}

#[tokio::test]
async fn rs_08_a_revoked_key_takes_its_tokens_along_at_once_and_a_restart_takes_none() {
    let kit = Kit::start().await;
    let key = kit.key(model::Role::Admin, &[]).await;
    let json = kit.post(&key, "/api/v1/auth/token", &serde_json::json!({})).await.json();
    let api = json["access_token"].as_str().unwrap();
    assert_eq!(kit.get(api, "/api/v1/keys").await.status, 200);
    kit.gate.revoke_key(&kit.operator(), &key[4..16], "test").await.unwrap();
    assert_eq!(kit.get(api, "/api/v1/keys").await.json()["code"], "key_revoked");
    kit.finish().await;
}

#[tokio::test]
async fn rs_09_no_token_is_written_down() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let code = client.code().await;
    let reply = client.token(client.exchange(&code, &[])).await;
    let (access, refresh) = super::pair(&reply);
    let (access_after, refresh_after) = super::pair(&client.refresh(&refresh).await);
    client.token(client.exchange(&code, &[])).await;
    let told = serde_json::to_string(&kit.entries(500).await).unwrap();
    let listed = kit.get(&kit.admin, "/api/v1/keys").await.text();
    let secrets = [&code, &access, &refresh, &access_after, &refresh_after];
    for secret in secrets {
        assert!(!told.contains(secret.as_str()) && !listed.contains(secret.as_str()));
    }
    let database = std::fs::read(kit.database()).unwrap();
    let beside = std::fs::read(kit.database().with_extension("sqlite-wal")).unwrap_or_default();
    for secret in secrets {
        for bytes in [&database, &beside] {
            assert!(!bytes.windows(secret.len()).any(|it| it == secret.as_bytes()));
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn rs_01_rs_04_rs_05_a_client_is_told_how_to_sign_in_and_how_to_ask_for_more() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let browser = Browser::signed_in(&kit).await;
    let send = async |path: &str, token: Option<&str>, message: Value, more: &[(&str, &str)]| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
        headers.extend(more);
        kit.raw("POST", path, &headers, Some(message.to_string())).await
    };
    let call = |name: &str| {
        json!({
            "jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": { "name": name, "arguments": {} },
        })
    };
    let metadata = format!("resource_metadata=\"{}/.well-known/oauth-protected-resource", kit.url);
    for (path, shown, error) in
        [("/mcp", None, false), ("/mcp/official", None, false), ("/mcp/all", Some("ey.x.y"), true)]
    {
        let reply = send(path, shown, call("x"), &[]).await;
        let challenge = reply.header("www-authenticate").unwrap().to_owned();
        assert_eq!(reply.status, 401);
        assert!(challenge.contains(&format!("{metadata}{path}\"")), "{challenge}");
        assert!(challenge.contains("scope=\"notion:read\""), "{challenge}");
        assert_eq!(challenge.contains("error="), error, "{challenge}");
    }
    let reply = client.approve(&browser, &[("role", "viewer")]).await;
    let code = super::answer(&reply, "code").unwrap();
    let narrow = super::pair(&client.token(client.exchange(&code, &[])).await).0;
    let reply = send("/mcp/official", Some(&narrow), call("API-get-self"), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    // What it could ask for is listed; to a key that reads, only what reads.
    let list = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list" });
    let listed = send("/mcp", Some(&narrow), list.clone(), &[]).await.text();
    assert!(listed.contains("\"create_pages\"") && listed.contains("\"query\""), "{listed}");
    let viewer = kit.key(model::Role::Viewer, &[]).await;
    let listed = send("/mcp", Some(&viewer), list, &[]).await.text();
    assert!(!listed.contains("\"create_pages\"") && listed.contains("\"query\""), "{listed}");
    // The header never overrides the body.
    for more in [&[][..], &[("mcp-name", "API-get-self")]] {
        let reply = send("/mcp/official", Some(&narrow), call("API-post-page"), more).await;
        let challenge = reply.header("www-authenticate").unwrap_or_default().to_owned();
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains("scope=\"notion:read notion:write\""), "{challenge}");
        assert_eq!(reply.json()["id"], 7);
    }
    let wide = client.tokens().await.0;
    let reply = send("/mcp/official", Some(&wide), call("API-post-page"), &[]).await;
    assert_ne!(reply.status, 403);
    // A key has no scope to ask more of.
    let reply = send("/mcp/official", Some(&viewer), call("API-post-page"), &[]).await;
    assert_ne!(reply.status, 403);
    kit.finish().await;
}
