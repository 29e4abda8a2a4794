//! The OAuth requests as they stand on the wire, and what is made of awkward answers: against a server
//! that answers from a script.
#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;
use std::time::Duration;

use notion::client::{Client, Settings};
use notion::oauth::{OAuth, OAuthClient, OAuthError, TokenAnswer};
use secrecy::SecretString;
use tokio::net::TcpListener;

mod script;

use script::Script;

fn http(script: &Script) -> Client {
    let base_url = script.url.clone();
    let timeout = Duration::from_millis(800);
    Client::new(Settings { base_url, timeout, dice: Arc::new(|| 0.0) })
}

fn app() -> OAuthClient {
    OAuthClient {
        client_id: "id".to_owned(),
        client_secret: SecretString::from("s3cret".to_owned()),
        redirect_uri: "https://gate.example/auth/notion/callback".to_owned(),
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

async fn refresh(script: &Script) -> Result<TokenAnswer, OAuthError> {
    OAuth::new(&http(script), &app()).refresh(&secret("nrt_old")).await
}

macro_rules! answer {
    ($status:literal, $length:literal, $body:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            " x\r\ncontent-type: application/json\r\nconnection: close\r\n",
            "content-length: ",
            $length,
            "\r\n\r\n",
            $body
        )
    };
}

const PAIR: &str = answer!(
    "200",
    "157",
    "{\"access_token\":\"ntn_new\",\"refresh_token\":\"nrt_new\",\"bot_id\":\"0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d\",\"workspace_id\":\"1a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d\",\"owner\":{}}"
);
const HALF: &str = answer!("200", "157", "{\"access_token\":\"ntn_new\",\"refresh_tok");
const GONE: &str = answer!("400", "25", "{\"error\":\"invalid_grant\"}");
const DONE: &str = answer!("200", "2", "{}");
const ACTIVE: &str = answer!("200", "30", "{\"active\":true,\"iat\":17000000}");
const MOVED: &str =
    "HTTP/1.1 307 x\r\nlocation: /v1/elsewhere\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn each_request_has_the_documented_form() {
    let script = Script::start(&[PAIR, PAIR, ACTIVE, DONE]).await;
    let (http, app) = (http(&script), app());
    let oauth = OAuth::new(&http, &app);
    oauth.exchange(&secret("c0de"), "https://x/cb").await.unwrap();
    oauth.refresh(&secret("nrt_old")).await.unwrap();
    assert!(oauth.introspect(&secret("ntn_t")).await.unwrap().active);
    oauth.revoke(&secret("ntn_t")).await.unwrap();
    let expected = [
        (
            "token",
            r#"{"grant_type":"authorization_code","code":"c0de","redirect_uri":"https://x/cb"}"#,
        ),
        ("token", r#"{"grant_type":"refresh_token","refresh_token":"nrt_old"}"#),
        ("introspect", r#"{"token":"ntn_t"}"#),
        ("revoke", r#"{"token":"ntn_t"}"#),
    ];
    for (index, (path, body)) in expected.into_iter().enumerate() {
        let seen = script.request(index);
        assert!(seen.starts_with(&format!("POST /v1/oauth/{path} HTTP/1.1\r\n")), "{seen}");
        // base64 of `id:s3cret`
        assert!(seen.contains("authorization: Basic aWQ6czNjcmV0\r\n"), "{seen}");
        assert!(seen.contains("notion-version: 20"), "{seen}");
        assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
        assert!(seen.ends_with(&format!("\r\n\r\n{body}")), "{seen}");
    }
    assert!(!format!("{oauth:?} {app:?}").contains("s3cret"));
}

#[tokio::test]
async fn what_may_have_been_done_is_told_from_what_surely_was_not() {
    for line in ["drop", "hang", HALF, MOVED] {
        let script = Script::start(Box::leak(Box::new([line]))).await;
        let error = refresh(&script).await.unwrap_err();
        assert!(error.may_be_done(), "{line}: {error:?}");
        assert_eq!(script.requests(), 1, "{line}: a refresh is never repeated blindly");
        assert!(!format!("{error} {error:?}").contains("nrt_"), "{error:?}");
    }
    let script = Script::start(&[GONE]).await;
    let error = refresh(&script).await.unwrap_err();
    assert!(error.is_invalid_grant() && !error.may_be_done(), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refresh(&Script::at(url)).await.unwrap_err();
    assert!(matches!(error, OAuthError::Unsent(_)) && !error.may_be_done(), "{error:?}");
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_its_end() {
    let long = format!(
        "HTTP/1.1 200 x\r\nconnection: close\r\ncontent-length: 200000\r\n\r\n{}",
        " ".repeat(200_000)
    );
    let script = Script::start(Box::leak(Box::new([&*long.leak()]))).await;
    assert!(refresh(&script).await.unwrap_err().may_be_done());
}
