//! What pages from elsewhere on the web can make a browser do to a sandbox on this machine.

use std::net::{Ipv4Addr, SocketAddr};

use sandbox::Options;
use serde_json::{Value, json};

use crate::bench::Bench;

const HERE: (&str, &str) = ("host", "127.0.0.1:3001");
const CLOCK: &str = r#"{"freeze": true}"#;

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let bench = Bench::new();
    let post = async |headers: &[(&str, &str)], path: &str, body: &str| {
        bench.status_and_body("POST", path, headers, body.to_owned()).await.0
    };
    let frozen =
        async || bench.control("GET", "clock", Value::Null).await.ok().body["frozen"].clone();
    for from in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:8080"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(post(&[HERE, from], "/_sandbox/clock", CLOCK).await, 403, "{from:?}");
        let form = "freeze=true";
        assert_eq!(post(&[HERE, from], "/workspace/clock", form).await, 404, "{from:?}");
        let state = bench.status_and_body("PUT", "/_sandbox/state", &[HERE, from], "{}").await;
        assert_eq!(state.0, 403, "{from:?}");
        assert_eq!(frozen().await, false, "{from:?}");
    }
    // Programs, and the sandbox's own pages, do.
    for from in [("origin", "http://127.0.0.1:3001"), ("sec-fetch-site", "same-origin"), ("a", "b")]
    {
        assert_eq!(post(&[HERE, from], "/_sandbox/clock", CLOCK).await, 200, "{from:?}");
    }
    assert_eq!(frozen().await, true);
    // Notion's API is open to every page (documented).
    let from = [HERE, ("origin", "https://app.example")];
    assert_eq!(post(&from, "/v1/search", "").await, 401);
}

#[tokio::test]
async fn a_name_that_was_bent_to_this_machine_leads_nowhere() {
    let bench = Bench::new();
    for path in ["/_sandbox/state", "/_sandbox/calls", "/", "/workspace/calls"] {
        let bent = bench.browse("GET", path, &[("host", "evil.example:3001")], "").await;
        assert_eq!(bent.status, 403, "{path}");
        for host in ["localhost:3001", "127.0.0.1:3001", "[::1]:3001", "notion.test"] {
            assert_eq!(
                bench.browse("GET", path, &[("host", host)], "").await.status,
                200,
                "{host}"
            );
        }
    }
    // On a network, its name is for others to choose.
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let bench = Bench::with_options(&Options { listen, ..Options::default() });
    let named = bench.browse("GET", "/", &[("host", "sandbox.example.com")], "").await;
    assert_eq!(named.status, 200);
}

#[tokio::test]
async fn a_strange_host_is_in_no_url() {
    let bench = Bench::new();
    let bearer = format!("Bearer {}", bench.demo.tokens.full);
    let body = json!({"filename": "a.txt", "content_type": "text/plain"}).to_string();
    for (host, base) in [("a.test:1", "http://a.test:1/"), ("a\"><b>/x?", "http://localhost/")] {
        let headers = [
            ("host", host),
            ("authorization", bearer.as_str()),
            ("notion-version", crate::bench::NEW),
        ];
        let made = bench.raw("POST", "/v1/file_uploads", &headers, body.clone()).await.ok();
        let url = made.body["upload_url"].as_str().unwrap();
        assert!(url.starts_with(base), "{url}");
    }
}

/// What a person does gets URLs of the address that the control route was called at.
#[tokio::test]
async fn people_get_urls_that_work() {
    let bench = Bench::new();
    let act = json!({"method": "POST", "path": "/v1/file_uploads", "body":
        {"filename": "a.txt", "content_type": "text/plain"}});
    let made = bench.raw("POST", "/_sandbox/as-human", &[HERE], act.to_string()).await.ok();
    assert!(made.body["upload_url"].as_str().unwrap().starts_with("http://127.0.0.1:3001/"));
}
