//! Registration, client documents, and what clients find out beforehand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gate::{AuthorizationSettings, Document, Documents};
use serde_json::{Value, json};
use testkit::Kit;
use web::Site;

use super::{Client, REDIRECT, answer, form, register};
use crate::browser::{Browser, FORM};

#[tokio::test]
async fn as_40_a_client_registers_within_bounds() {
    let kit = Kit::start().await;
    let reply =
        register(&kit, &json!({ "redirect_uris": [REDIRECT], "scope": "x", "jwks": {} })).await;
    assert_eq!((reply.status, reply.header("cache-control")), (201, Some("no-store")));
    let json = reply.json();
    assert_eq!(json["token_endpoint_auth_method"], "none");
    assert_eq!((&json["client_secret"], &json["application_type"]), (&Value::Null, &json!("web")));
    assert!(json["client_id"].as_str().unwrap().starts_with("ngc_"));
    let many: Vec<_> = (0..21).map(|n| format!("https://a.example/{n}")).collect();
    for (body, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": "x" }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [7] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": many }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://a.example/"] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": ["http://localhost/"], "application_type": "web" }),
            "invalid_redirect_uri",
        ),
        (
            json!({ "redirect_uris": [REDIRECT], "application_type": "x" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [REDIRECT], "grant_types": ["client_credentials"] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [REDIRECT], "response_types": ["token"] }),
            "invalid_client_metadata",
        ),
    ] {
        let reply = register(&kit, &body).await;
        assert_eq!((reply.status, &reply.json()["error"]), (400, &json!(error)), "{body}");
    }
    for body in ["", "[7]", "{", "7", "null"] {
        let headers = [("content-type", "application/json")];
        let reply = kit.raw("POST", "/oauth/register", &headers, Some(body.to_owned())).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("invalid_client_metadata"))
        );
    }
    kit.finish().await;
}

#[tokio::test]
async fn as_40_registrations_are_counted_forgotten_and_can_be_switched_off() {
    let kit = Kit::start().await;
    let body = json!({ "redirect_uris": [REDIRECT] });
    let [unused, used] = [Client::new(&kit).await, Client::new(&kit).await];
    used.tokens().await;
    let mut last = register(&kit, &body).await;
    for _ in 0..40 {
        last = register(&kit, &body).await;
    }
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").is_some());
    // A day later those that nobody let in are gone; a further registration sweeps.
    kit.clock.advance(std::time::Duration::from_secs(25 * 3600));
    assert_eq!(register(&kit, &body).await.status, 201);
    let browser = Browser::signed_in(&kit).await;
    let page = |client: &Client<'_>| format!("/oauth/authorize?{}", client.query(&[]));
    assert_eq!(browser.get(&page(&unused)).await.status, 400);
    assert_eq!(browser.get(&page(&used)).await.status, 200);
    kit.finish().await;

    let kit = Kit::start_with(|options| options.authorization.registration = false).await;
    assert_eq!(register(&kit, &body).await.status, 403);
    let metadata = kit.raw("GET", "/.well-known/oauth-authorization-server", &[], None).await;
    assert_eq!(metadata.json()["registration_endpoint"], Value::Null);
    kit.finish().await;
}

#[tokio::test]
async fn as_24_a_client_shows_who_it_is_as_it_registered() {
    let kit = Kit::start().await;
    let mut clients = Vec::new();
    for method in ["client_secret_post", "client_secret_basic", "none"] {
        let body = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": method });
        let json = register(&kit, &body).await.json();
        assert_eq!(json["client_secret"].is_string(), method != "none");
        assert_eq!(json["token_endpoint_auth_method"], method);
        let id = json["client_id"].as_str().unwrap().to_owned();
        let secret = json["client_secret"].as_str().unwrap_or("none").to_owned();
        clients.push((Client { kit: &kit, id, redirect: REDIRECT.to_owned() }, secret));
    }
    let basic = |id: &str, secret: &str| {
        use base64::Engine;
        let text = format!("{id}:{secret}");
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    for (number, (client, secret)) in clients.iter().enumerate() {
        for (way, secret, good) in [
            ("post", secret.as_str(), number == 0),
            ("post", "wrong", false),
            ("basic", secret.as_str(), number == 1),
            ("basic", "wrong", false),
            ("none", "", number == 2),
        ] {
            // So many sign-ins in a minute would be too many.
            kit.clock.advance(std::time::Duration::from_secs(60));
            let code = client.code().await;
            let mut form = client.exchange(&code, &[]);
            let header = basic(&client.id, secret);
            let mut headers = vec![("content-type", FORM)];
            match way {
                "post" => form.push_str(&format!("&client_secret={secret}")),
                "basic" => headers.push(("authorization", header.as_str())),
                _ => {}
            }
            let reply = kit.raw("POST", "/oauth/token", &headers, Some(form)).await;
            if good {
                assert_eq!(reply.status, 200, "{number} {way}: {}", reply.text());
                continue;
            }
            assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("invalid_client")));
            let challenged =
                reply.header("www-authenticate").is_some_and(|it| it.starts_with("Basic"));
            assert_eq!(challenged, way == "basic");
        }
        let header = basic(&client.id, secret);
        let headers = [("content-type", FORM), ("authorization", header.as_str())];
        let both = format!("{}&client_secret={secret}", client.exchange("x", &[]));
        let reply = kit.raw("POST", "/oauth/token", &headers, Some(both)).await;
        assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_request")));
    }
    kit.finish().await;
}

#[tokio::test]
async fn as_50_as_14_rs_06_metadata_is_the_same_for_everybody_and_everywhere() {
    let kit = Kit::start().await;
    let get =
        async |path: &str| kit.raw("GET", path, &[("origin", "https://app.example")], None).await;
    let server = get("/.well-known/oauth-authorization-server").await;
    let json = server.json();
    assert_eq!(json["issuer"], kit.url.as_str());
    assert_eq!(json["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(json["authorization_response_iss_parameter_supported"], true);
    assert_eq!(json["response_types_supported"], json!(["code"]));
    assert!(
        json["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("none"))
    );
    for endpoint in ["authorization", "token", "registration", "revocation"] {
        let url = json[format!("{endpoint}_endpoint")].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/oauth/", kit.url)), "{url}");
    }
    let prm = "/.well-known/oauth-protected-resource";
    for (path, resource) in [
        ("", "/mcp"),
        ("/mcp", "/mcp"),
        ("/mcp/official", "/mcp/official"),
        ("/mcp/all", "/mcp/all"),
    ] {
        let reply = get(&format!("{prm}{path}")).await;
        let json = reply.json();
        assert_eq!(json["resource"], format!("{}{resource}", kit.url));
        assert_eq!(json["authorization_servers"], json!([kit.url]));
        assert_eq!(json["scopes_supported"], json!(["notion:read"]));
        assert!(reply.header("cache-control").unwrap().starts_with("public"));
    }
    for path in [prm, "/.well-known/oauth-authorization-server", "/oauth/jwks.json"] {
        assert_eq!(get(path).await.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    for path in ["/oauth/token", "/oauth/register", "/oauth/revoke"] {
        let reply = kit.raw("OPTIONS", path, &[("origin", "https://app.example")], None).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some("*")));
    }
    let reply = kit.raw("OPTIONS", "/oauth/authorize", &[], None).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let foreign = kit.raw("GET", prm, &[("host", "evil.example")], None).await;
    assert_eq!(foreign.status, 404);
    assert!(!foreign.text().contains("evil.example"));
    kit.finish().await;

    let service_url = Some("https://gate.example".parse().unwrap());
    let kit = Kit::start_at(Site { service_url, ..Site::default() }, |_| {}).await;
    for headers in [&[][..], &[("host", "evil.example")], &[("x-forwarded-host", "evil.example")]] {
        let json = kit.raw("GET", prm, headers, None).await.json();
        assert_eq!(json["resource"], "https://gate.example/mcp");
        assert_eq!(json["authorization_servers"], json!(["https://gate.example"]));
    }
    kit.finish().await;
}

/// Documents that a test wrote.
#[derive(Debug, Default)]
struct Written {
    documents: Mutex<HashMap<String, Document>>,
    fetched: Mutex<Vec<String>>,
}

#[async_trait]
impl Documents for Written {
    async fn fetch(&self, url: &url::Url) -> Result<Document, String> {
        self.fetched.lock().unwrap().push(url.to_string());
        tokio::task::yield_now().await;
        let known = self.documents.lock().unwrap().get(url.as_str()).cloned();
        known.ok_or_else(|| "its host cannot be reached, or is not public".to_owned())
    }
}

impl Written {
    fn write(&self, id: &str, body: &Value) {
        let document = Document {
            status: 200,
            content_type: Some("application/json".into()),
            cache_control: Some("max-age=600".into()),
            body: body.to_string().into(),
        };
        self.documents.lock().unwrap().insert(id.to_owned(), document);
    }
}

#[tokio::test]
async fn as_41_a_client_may_be_a_document() {
    const ID: &str = "https://claude.example/oauth/client.json";
    let written = Arc::new(Written::default());
    let documents = Some(written.clone() as Arc<dyn Documents>);
    let kit = Kit::start_with(|options| {
        options.authorization =
            AuthorizationSettings { documents, ..options.authorization.clone() };
    })
    .await;
    let client =
        Client { kit: &kit, id: ID.into(), redirect: "http://localhost:4711/callback".into() };
    let browser = Browser::signed_in(&kit).await;
    let path = format!("/oauth/authorize?{}", client.query(&[]));
    let fetches = || written.fetched.lock().unwrap().len();
    // It cannot be had; that is remembered, not for long.
    assert_eq!(browser.get(&path).await.status, 400);
    assert_eq!(browser.get(&path).await.status, 400);
    assert_eq!(fetches(), 1);
    written.write(ID, &json!({
        "client_id": ID, "client_name": "Claude", "redirect_uris": ["http://localhost/callback"],
    }));
    kit.clock.advance(std::time::Duration::from_secs(31));
    let (one, two) = tokio::join!(browser.get(&path), browser.get(&path));
    assert_eq!((one.status, two.status), (200, 200), "{}", one.text());
    assert_eq!(fetches(), 2, "two at once fetch once");
    assert!(one.text().contains("localhost:4711") && one.text().contains(ID));
    let reply = client.approve(&browser, &[]).await;
    let code = answer(&reply, "code").unwrap();
    let tokens = client.token(client.exchange(&code, &[])).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let principal = super::at_mcp(&kit, &super::pair(&tokens).0).await.unwrap();
    assert_eq!(principal.key().unwrap().agent.as_deref(), Some("claude.example"));
    // A document has no secret.
    let with_secret = format!("{}&client_secret=x", client.exchange("x", &[]));
    assert_eq!(client.token(with_secret).await.status, 401);
    assert_eq!(fetches(), 2);
    // Changed redirect URIs hold as soon as it is fetched again.
    written.write(ID, &json!({
        "client_id": ID, "client_name": "Claude", "redirect_uris": ["https://claude.example/callback"],
    }));
    kit.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(browser.get(&path).await.status, 400);
    // What is no public address is not fetched at all.
    let before = fetches();
    for id in [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "http://claude.example/x",
        "https://claude.example/",
    ] {
        let path = format!("/oauth/authorize?{}", client.query(&[("client_id", Some(id))]));
        assert_eq!(browser.get(&path).await.status, 400, "{id}");
    }
    assert_eq!(fetches(), before);
    // Nor is one host asked without end.
    for number in 0..40 {
        let id = format!("https://many.example/{number}");
        let path = format!("/oauth/authorize?{}", client.query(&[("client_id", Some(&id))]));
        assert_eq!(browser.get(&path).await.status, 400);
    }
    assert_eq!(fetches(), before + 20);
    let json = kit.raw("GET", "/.well-known/oauth-authorization-server", &[], None).await.json();
    assert_eq!(json["client_id_metadata_document_supported"], true);
    kit.finish().await;
}

#[tokio::test]
async fn as_25_the_token_endpoint_takes_forms_only() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let good = client.exchange(&client.code().await, &[]);
    let send = async |method: &str, path: &str, kind: &str, body: &str| {
        kit.raw(method, path, &[("content-type", kind)], Some(body.to_owned())).await
    };
    let path = format!("/oauth/token?{good}");
    assert_eq!(send("POST", &path, FORM, &good).await.status, 400, "in the address, too");
    assert_eq!(send("POST", &path, FORM, "").await.status, 400);
    assert_eq!(send("GET", &path, FORM, "").await.status, 405);
    assert_eq!(send("POST", "/oauth/token", "application/json", &good).await.status, 400);
    let twice = format!("{good}&code=x");
    assert_eq!(send("POST", "/oauth/token", FORM, &twice).await.json()["error"], "invalid_request");
    let large = format!("{good}&x={}", "a".repeat(100_000));
    assert_eq!(send("POST", "/oauth/token", FORM, &large).await.status, 400);
    for (grant_type, error) in [
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        let body = form(&[("grant_type", grant_type), ("client_id", &client.id)]);
        assert_eq!(send("POST", "/oauth/token", FORM, &body).await.json()["error"], error);
    }
    // None of that used the code up. (The bare path is for clients that found no metadata.)
    let reply = send("POST", "/token", FORM, &good).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.json()["token_type"], "Bearer");
    assert_eq!(reply.json()["expires_in"], 900);
    kit.finish().await;
}
