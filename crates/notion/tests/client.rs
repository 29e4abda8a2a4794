//! What is sent again, and what never is: against a server that answers from a script.
#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use notion::client::{Client, Request, RequestBody, SendError, Settings};
use secrecy::SecretString;
use tokio::net::TcpListener;

mod script;

use script::Script;

/// One call at the script's address.
async fn call(
    script: &Script,
    method: http::Method,
    repeatable: bool,
) -> Result<(u16, String), SendError> {
    let settings = Settings {
        base_url: script.url.clone(),
        timeout: Duration::from_millis(2500),
        dice: Arc::new(|| 0.0),
    };
    let request = Request {
        method,
        path_and_query: "/v1/users/me?x=1".to_owned(),
        version: "2025-09-03",
        body: RequestBody::Json("{}".into()),
        repeatable,
    };
    let answer =
        Client::new(settings).send(request, &SecretString::from("ntn_t".to_owned())).await?;
    let (status, _, body) = answer.collect(1000).await.unwrap();
    Ok((status.as_u16(), String::from_utf8(body.to_vec()).unwrap()))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const BUSY: &str = "HTTP/1.1 503 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const LIMITED: &str =
    "HTTP/1.1 429 x\r\nretry-after: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const LIMITED_LONG: &str =
    "HTTP/1.1 429 x\r\nretry-after: 60\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const BLOCKED: &str = "HTTP/1.1 429 x\r\nretry-after: 0\r\ncontent-length: 96\r\nconnection: close\r\n\r\n\
    {\"code\":\"c\",\"message\":\"m\",\"additional_data\":{\"rate_limit_reason\":\"public_api_request_blocked\"}}";

#[tokio::test]
async fn sends_token_version_and_body() {
    let script = Script::start(&[OK]).await;
    assert_eq!(call(&script, http::Method::GET, true).await.unwrap(), (200, "{}".to_owned()));
    let seen = script.request(0).to_lowercase();
    assert!(seen.starts_with("get /v1/users/me?x=1 http/1.1\r\n"), "{seen}");
    assert!(seen.contains("authorization: bearer ntn_t\r\n"), "{seen}");
    assert!(seen.contains("notion-version: 2025-09-03\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{}"), "{seen}");
}

#[tokio::test]
async fn reads_are_repeated_and_writes_are_not() {
    let script = Script::start(&[BUSY, "drop", OK]).await;
    assert_eq!(call(&script, http::Method::GET, true).await.unwrap().0, 200);
    assert_eq!(script.requests(), 3);

    let script = Script::start(&[BUSY]).await;
    assert_eq!(call(&script, http::Method::PATCH, false).await.unwrap().0, 503);
    let script = Script::start(&["drop"]).await;
    let broken = call(&script, http::Method::POST, false).await;
    assert!(matches!(broken, Err(SendError::Broken(_))), "{broken:?}");
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn retries_are_bounded() {
    let script = Script::start(&[BUSY, BUSY, BUSY]).await;
    assert_eq!(call(&script, http::Method::GET, true).await.unwrap().0, 503);
    assert_eq!(script.requests(), 3);
}

#[tokio::test]
async fn rate_limits_are_waited_out_if_there_is_time() {
    let script = Script::start(&[LIMITED, OK]).await;
    let begun = Instant::now();
    assert_eq!(call(&script, http::Method::POST, false).await.unwrap().0, 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let script = Script::start(&[LIMITED_LONG]).await;
    assert_eq!(call(&script, http::Method::GET, true).await.unwrap().0, 429);
    let script = Script::start(&[BLOCKED]).await;
    assert_eq!(call(&script, http::Method::GET, true).await.unwrap().0, 429);
}

#[tokio::test]
async fn silence_is_a_timeout_and_a_closed_port_is_told_apart() {
    let script = Script::start(&["hang"]).await;
    assert!(matches!(call(&script, http::Method::GET, true).await, Err(SendError::Timeout(_))));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let script = Script::at(url);
    assert!(matches!(call(&script, http::Method::POST, false).await, Err(SendError::Connect(_))));
}
