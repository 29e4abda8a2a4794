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

/// Sends a message to the MCP door as somebody.
pub(super) async fn call_tool(
    kit: &Kit,
    bearer: &str,
    name: &str,
    arguments: Value,
) -> testkit::Reply {
    let bearer = format!("Bearer {bearer}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let params = json!({ "name": name, "arguments": arguments });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    kit.raw("POST", "/mcp/official", &headers, Some(call.to_string())).await
}

#[tokio::test]
async fn rs_07_a_token_of_one_tenant_does_nothing_with_what_another_has() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (ours, _) = client.tokens().await;
    // Another tenant with a workspace of its own, whose admin lets the same client in.
    let body = json!({ "name": "other" });
    let other = kit.as_operator("POST", "/api/v1/tenants", None, Some(&body)).await.json();
    let admin = other["key"].as_str().unwrap();
    let workspace = kit.add_workspace("Other").await;
    let body = json!({ "token": workspace["tokens"]["full"] });
    assert_eq!(kit.post(admin, "/api/v1/workspaces", &body).await.status, 201);
    let mut browser = Browser::new(&kit);
    browser.sign_in(admin).await;
    let code = super::answer(&client.approve(&browser, &[]).await, "code").unwrap();
    let (theirs, _) = super::pair(&client.token(client.exchange(&code, &[])).await);
    let text = |reply: &testkit::Reply| {
        let result = reply.json()["result"].clone();
        (result["isError"] == true, result["content"][0]["text"].as_str().unwrap().to_owned())
    };
    // Ids.
    for (token, own, foreign) in [
        (&ours, json!(kit.demo.team_page_id), workspace["demo"]["team_page_id"].clone()),
        (&theirs, workspace["demo"]["team_page_id"].clone(), json!(kit.demo.team_page_id)),
    ] {
        let good = call_tool(&kit, token, "API-retrieve-a-page", json!({ "page_id": own })).await;
        assert!(!text(&good).0, "{}", good.text());
        let bad =
            call_tool(&kit, token, "API-retrieve-a-page", json!({ "page_id": foreign })).await;
        assert!(text(&bad).0 && text(&bad).1.contains("object_not_found"), "{}", bad.text());
    }
    // Cursors.
    let search = json!({ "query": "", "page_size": 1 });
    let first = text(&call_tool(&kit, &ours, "API-post-search", search).await).1;
    let cursor = serde_json::from_str::<Value>(&first).unwrap()["next_cursor"].clone();
    assert!(cursor.is_string(), "{first}");
    let next = json!({ "query": "", "page_size": 1, "start_cursor": cursor });
    assert!(!text(&call_tool(&kit, &ours, "API-post-search", next.clone()).await).0);
    let stolen = text(&call_tool(&kit, &theirs, "API-post-search", next).await);
    assert!(stolen.0 || !stolen.1.contains(&kit.demo.workspace_id.to_string()), "{stolen:?}");
    assert!(stolen.0, "another's cursor is none: {stolen:?}");
    // Keys and grants: `/api/v1` knows only the own ones.
    let keys = kit.get(admin, "/api/v1/keys").await.text();
    let principal = at_mcp(&kit, &ours).await.unwrap();
    assert!(!keys.contains(principal.key_id().unwrap().as_str()));
    let path = format!("/api/v1/keys/{}", principal.key_id().unwrap());
    assert_eq!(kit.delete(admin, &path).await.status, 404);
    kit.finish().await;
}

#[tokio::test]
async fn rs_11_nobodys_word_is_taken_for_where_a_request_comes_from() {
    // No proxy stands in front: what callers say of themselves counts for nothing.
    let kit = Kit::start().await;
    let body = json!({ "redirect_uris": [super::REDIRECT] }).to_string();
    let mut last = 0;
    for number in 0..40 {
        let said = format!("192.0.2.{number}");
        let headers = [
            ("content-type", "application/json"),
            ("x-forwarded-for", said.as_str()),
            ("x-real-ip", said.as_str()),
            ("forwarded", "for=192.0.2.1;host=evil.example"),
        ];
        last = kit.raw("POST", "/oauth/register", &headers, Some(body.clone())).await.status;
    }
    assert_eq!(last, 429);
    let prm = "/.well-known/oauth-protected-resource";
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-host", "evil.example"),
    ] {
        let json = kit.raw("GET", prm, &[(name, value)], None).await.json();
        assert_eq!(json["authorization_servers"], json!([kit.url]), "{name}");
    }
    // Headers by which proxies and our own socket name people name nobody here.
    for (name, value) in [
        ("x-notegate-tenant", "default"),
        ("x-forwarded-user", "admin"),
        ("x-auth-request-email", "ada@acme.example"),
        ("x-remote-user", "admin"),
    ] {
        assert_eq!(kit.raw("GET", "/api/v1/keys", &[(name, value)], None).await.status, 401);
        assert_eq!(kit.raw("POST", "/mcp", &[(name, value)], None).await.status, 401, "{name}");
    }
    kit.finish().await;
    // Behind a proxy what it added counts, which is the last of what is there.
    let service_url = Some("https://gate.example".parse().unwrap());
    let site = web::Site { service_url, ..web::Site::default() };
    let kit = Kit::start_at(site, |_| {}).await;
    for number in 0..40 {
        let said = format!("192.0.2.{number}, 203.0.113.7");
        let headers = [("content-type", "application/json"), ("x-forwarded-for", said.as_str())];
        last = kit.raw("POST", "/oauth/register", &headers, Some(body.clone())).await.status;
    }
    assert_eq!(last, 429);
    kit.finish().await;
}

#[tokio::test]
async fn nc_10_a_401_of_notion_is_a_tools_error_and_tells_no_client_to_sign_in_again() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (access, _) = client.tokens().await;
    let bots = kit.get(&kit.admin, "/api/v1/workspaces").await.json();
    let bot = bots["items"][0]["bot_id"].as_str().unwrap();
    kit.control("DELETE", &format!("tokens/{bot}"), None).await;
    for _ in 0..2 {
        let page = json!({ "page_id": kit.demo.team_page_id });
        let reply = call_tool(&kit, &access, "API-retrieve-a-page", page).await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (200, None));
        let result = reply.json()["result"].clone();
        assert_eq!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("re-authorize") && !text.contains("\"status\":401"), "{text}");
    }
    // The client's own token is as good as before.
    assert!(at_mcp(&kit, &access).await.is_ok());
    kit.finish().await;
}
