//! Notion says no, says nothing, or contradicts itself; the gate cannot keep what it got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::ExposeSecret;
use serde_json::{Value, json};
use testkit::{Kit, Reply, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Browser, connected, stored};

async fn fault(kit: &Kit, fault: Value) {
    kit.control("POST", "faults", Some(&fault)).await;
}

/// Installs while a fault is set, which is gone afterwards.
async fn with_fault(kit: &Kit, body: Value) -> Reply {
    let browser = Browser::begin(kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    fault(kit, body).await;
    let reply = browser.back(&query).await;
    kit.control("DELETE", "faults", None).await;
    reply
}

#[tokio::test]
async fn f028_nc_06_what_notion_says_to_the_code_is_told_with_what_to_do() {
    let kit = Kit::start_with(|options| options.notion.timeout = Duration::from_secs(1)).await;
    let on_exchange = json!({"operation": "create-a-token"});
    let answers = |status: u16, code: &str| json!({"match": on_exchange, "answer": {"status": status, "code": code}});
    for (fault, status, words) in [
        (answers(400, "invalid_grant"), 400, "single-use"),
        (answers(401, "invalid_client"), 400, "NOTION_OAUTH_CLIENT_SECRET"),
        (answers(400, "unauthorized_client"), 400, "NOTION_OAUTH_CLIENT_ID"),
        (answers(400, "invalid_request"), 400, "NOTION_OAUTH_REDIRECT_URI"),
        (answers(429, "rate_limited"), 503, "too much to do"),
        (answers(500, "internal_server_error"), 502, "could not be read"),
        (json!({"match": on_exchange, "drop": true}), 502, "Nothing was connected"),
        (json!({"match": on_exchange, "truncate": 40}), 502, "could not be read"),
        (json!({"match": on_exchange, "latency_ms": 2500}), 504, "in time"),
    ] {
        let shown = fault.to_string();
        let reply = with_fault(&kit, fault).await;
        assert_eq!(reply.status, status, "{shown}: {}", reply.text());
        assert!(reply.text().contains("Authorization failed"), "{shown}: {}", reply.text());
        assert!(reply.text().contains(words), "{shown}: {}", reply.text());
        assert!(reply.text().contains("href=\"/auth/notion\""), "{shown}");
        let entry = kit.entries(1).await.remove(0);
        assert_eq!((&*entry.operation, entry.result.as_str()), ("authorize-workspace", "error"));
    }
    assert!(stored(&kit).await.is_empty());
    kit.finish().await;
}

#[tokio::test]
async fn f079_a_code_that_was_used_is_named_and_leads_to_the_start() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    let app = kit.gate.oauth_app().unwrap();
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap();
    let body = json!({
        "grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri,
    });
    let pair = format!("{}:{}", app.client_id, app.client_secret.expose_secret());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
    let url = format!("{}/v1/oauth/token", kit.sandbox.url());
    assert_eq!(send("POST", &url, &headers, body.to_string().into()).await.status, 200);
    let reply = browser.back(&query).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("Codes are single-use"), "{}", reply.text());
    assert!(!reply.text().contains(code));
    let entry = kit.entries(1).await.remove(0);
    assert_eq!(entry.reason.as_deref(), Some("invalid_grant"));
    kit.finish().await;
}

#[tokio::test]
async fn a_token_that_notion_does_not_vouch_for_is_taken_back() {
    let kit = Kit::start().await;
    let refused = json!({
        "match": {"operation": "get-self"}, "answer": {"status": 401, "code": "unauthorized"},
    });
    kit.forget_calls().await;
    let reply = with_fault(&kit, refused).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    let calls = kit.calls().await;
    assert_eq!(calls.last().unwrap()["operation"], "revoke-token");
    assert!(stored(&kit).await.is_empty());
    kit.finish().await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_taken_back_at_notion() {
    let kit = Kit::start().await;
    kit.store.fail_connections(true);
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    let reply = browser.back(&query).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.text().contains("could not be stored"));
    kit.store.fail_connections(false);
    let calls = kit.calls().await;
    assert_eq!(calls.last().unwrap()["operation"], "revoke-token");
    let entry = kit.entries(1).await.remove(0);
    assert_eq!((entry.result.as_str(), entry.reason.as_deref()), ("error", Some("store")));
    // The next one works.
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    connected(&browser.back(&query).await);
    kit.finish().await;
}

/// Something that is no Notion: it answers the same to everybody, and notes what it was asked.
async fn impostor(answer: String) -> (String, Arc<Mutex<String>>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<String>> = Arc::default();
    let noted = asked.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 64 * 1024];
            let Ok(count) = stream.read(&mut bytes).await else { continue };
            noted.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked, task)
}

#[tokio::test]
async fn nc_06_a_code_goes_to_one_place_with_the_apps_secret_and_nowhere_further() {
    let (elsewhere, asked_elsewhere, other) = impostor(String::new()).await;
    let redirect = format!(
        "HTTP/1.1 307 X\r\nlocation: {elsewhere}/v1/oauth/token\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let huge = "x".repeat(40 * 1024 * 1024);
    let large = format!(
        "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n\"{huge}\"",
        huge.len() + 2
    );
    for answer in [redirect, large] {
        let (url, asked, task) = impostor(answer).await;
        let mut settings = None;
        let kit = Kit::start_with(|options| settings = Some(options.notion.clone())).await;
        let app = kit.gate.oauth_app().unwrap().clone();
        let settings = notion::client::Settings { base_url: url, ..settings.unwrap() };
        let notion = notion::client::Client::new(settings);
        let oauth = notion::oauth::OAuth::new(&notion, &app);
        let exchanged = oauth.exchange(&"the-code".to_owned().into(), &app.redirect_uri).await;
        assert!(exchanged.is_err());
        let asked = asked.lock().unwrap().clone();
        let basic = format!("{}:{}", app.client_id, app.client_secret.expose_secret());
        let basic = format!("authorization: basic {}", STANDARD.encode(basic));
        assert!(asked.to_lowercase().contains(&basic.to_lowercase()), "{asked}");
        assert!(
            asked.starts_with("POST /v1/oauth/token ") && asked.contains("the-code"),
            "{asked}"
        );
        task.abort();
        kit.finish().await;
    }
    assert_eq!(*asked_elsewhere.lock().unwrap(), "");
    other.abort();
}

/// Whoever goes away in the middle of it loses nothing.
#[tokio::test]
async fn an_installation_ends_even_if_the_browser_goes_away() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    fault(&kit, json!({"match": {"operation": "create-a-token"}, "latency_ms": 300})).await;
    let gone = tokio::time::timeout(Duration::from_millis(100), browser.back(&query)).await;
    assert!(gone.is_err(), "it was too quick");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while stored(&kit).await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "it was not finished");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kit.entries(1).await;
    kit.finish().await;
}
