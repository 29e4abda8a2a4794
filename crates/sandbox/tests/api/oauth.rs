//! OAuth: the page that asks, the answers to the client, and the three calls with its secret.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, NEW, Text, title};

const CALLBACK: &str = "https://app.example/callback";
const CALLBACK_ENCODED: &str = "https%3A%2F%2Fapp.example%2Fcallback";

/// A client, and short ways to be it.
struct Client<'a> {
    bench: &'a Bench,
    id: String,
    secret: String,
}

impl<'a> Client<'a> {
    async fn new(bench: &'a Bench, more: &Value) -> Self {
        let mut body = json!({
            "name": "Pocket",
            "redirect_uris": [CALLBACK],
            "capabilities": ["read_content", "update_content", "insert_content", "read_users_with_email"],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = bench.control("POST", "oauth/clients", body).await.ok();
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        Self { bench, id: text("client_id"), secret: text("client_secret") }
    }

    /// `GET authorize` with more parameters.
    async fn ask(&self, more: &str) -> Text {
        let path = format!(
            "/v1/oauth/authorize?client_id={}&response_type=code&owner=user{more}",
            self.id
        );
        self.bench.browse("GET", &path, &[], "").await
    }

    /// A code that a person's approval of pages gave.
    async fn code(&self, more: &str) -> String {
        let answer = self.ask(&format!("&_sandbox_approve=1{more}")).await;
        assert_eq!(answer.status, 302, "{}", answer.body);
        parameter(&answer.location(), "code").unwrap_or_else(|| panic!("{}", answer.location()))
    }

    async fn post(&self, what: &str, body: &Value) -> Answer {
        let basic = BASE64_STANDARD.encode(format!("{}:{}", self.id, self.secret));
        let basic = format!("Basic {basic}");
        let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
        self.bench.raw("POST", &format!("/v1/oauth/{what}"), &headers, body.to_string()).await
    }

    async fn exchange(&self, code: &str) -> Answer {
        let body = json!({"grant_type": "authorization_code", "code": code});
        self.post("token", &body).await
    }

    async fn refresh(&self, token: &Value) -> Answer {
        let body = json!({"grant_type": "refresh_token", "refresh_token": token});
        self.post("token", &body).await
    }

    /// Approved by a person, for pages.
    async fn installed(&self, more: &str) -> Answer {
        self.exchange(&self.code(more).await).await.ok()
    }

    async fn me(&self, token: &Value) -> Answer {
        self.bench.with(token.as_str().unwrap(), NEW, "GET", "/v1/users/me", &Value::Null).await
    }
}

/// A parameter of a URL.
fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Ids of people of the demo, in order.
async fn people(bench: &Bench) -> Vec<String> {
    let users = bench.get("/v1/users").await.ok();
    let all = users.body["results"].as_array().unwrap().iter();
    all.filter(|user| user["type"] == "person")
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

fn error(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_person_approves_and_the_client_gets_a_pair() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let pages = format!("&_sandbox_pages={}&state=a%20b%26c", bench.demo.team_page_id);
    let answer = client.ask(&format!("&_sandbox_approve=1{pages}")).await;
    assert_eq!(answer.status, 302);
    assert!(answer.location().starts_with(&format!("{CALLBACK}?code=")), "{}", answer.location());
    assert_eq!(parameter(&answer.location(), "state").unwrap(), "a b&c", "state comes back as is");
    let code = parameter(&answer.location(), "code").unwrap();

    let pair = client.exchange(&code).await.ok();
    assert_eq!(
        pair.keys(),
        [
            "access_token",
            "token_type",
            "refresh_token",
            "bot_id",
            "workspace_icon",
            "workspace_name",
            "workspace_id",
            "owner",
            "duplicated_template_id",
            "request_id",
        ]
    );
    assert_eq!(pair.headers["x-notion-request-id"], pair.body["request_id"].as_str().unwrap());
    assert_eq!(pair.headers["cache-control"], "no-store");
    let body = &pair.body;
    assert!(body["access_token"].as_str().unwrap().starts_with("ntn_sandbox"));
    assert!(body["refresh_token"].as_str().unwrap().starts_with("nrt_sandbox"));
    assert_eq!((&body["token_type"], &body["workspace_name"]), (&json!("bearer"), &json!("Acme")));
    let ada = &people(&bench).await[0];
    assert_eq!(body["owner"]["type"], "user");
    assert_eq!(body["owner"]["user"]["id"], *ada);
    assert_eq!(body["owner"]["user"]["person"]["email"], "ada@acme.example");

    // The bot is the person's, and sees what was picked.
    let me = client.me(&body["access_token"]).await.ok();
    assert_eq!(me.body["id"], body["bot_id"]);
    assert_eq!(me.body["bot"]["owner"]["user"]["id"], *ada);
    let token = body["access_token"].as_str().unwrap();
    let status = async |id: &dyn std::fmt::Display| {
        bench.with(token, NEW, "GET", &format!("/v1/pages/{id}"), &Value::Null).await.status
    };
    assert_eq!(status(&bench.demo.team_page_id).await, 200);
    assert_eq!(status(&bench.demo.other_page_id).await, 404);
}

#[tokio::test]
async fn nothing_is_given_before_the_code_is_exchanged() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let bots = async || bench.get("/v1/users").await.body["results"].as_array().unwrap().len();
    let before = bots().await;
    client.code("").await;
    assert_eq!(bots().await, before);
}

#[tokio::test]
async fn each_person_gets_a_bot_and_asking_again_keeps_it() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let people = people(&bench).await;
    let one = client.installed(&format!("&_sandbox_pages={}", bench.demo.team_page_id)).await;
    let other = client.installed(&format!("&_sandbox_user={}", people[1])).await;
    assert_ne!(one.body["bot_id"], other.body["bot_id"]);
    assert_eq!(other.body["owner"]["user"]["id"], people[1]);
    let again = client.installed(&format!("&_sandbox_pages={}", bench.demo.other_page_id)).await;
    assert_eq!(again.body["bot_id"], one.body["bot_id"]);
    assert_eq!(client.me(&one.body["access_token"]).await.status, 401, "its old token ended");
    let token = again.body["access_token"].as_str().unwrap();
    let path = format!("/v1/pages/{}", bench.demo.team_page_id);
    assert_eq!(bench.with(token, NEW, "GET", &path, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn requests_that_name_no_good_client_or_address_are_never_redirected() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let two = json!({"redirect_uris": [CALLBACK, "https://app.example/other"]});
    let two = Client::new(&bench, &two).await;
    let rest = "response_type=code&owner=user&_sandbox_approve=1";
    for query in [
        String::new(),
        rest.to_owned(),
        format!("client_id=nobody&{rest}"),
        format!("client_id={}&{rest}", bench.demo.workspace_id),
        format!("client_id={0}&client_id={0}&{rest}", client.id),
        // Exactly as registered: not a prefix, not another case, not with a query.
        format!("client_id={}&redirect_uri={CALLBACK_ENCODED}%2F&{rest}", client.id),
        format!("client_id={}&redirect_uri={CALLBACK_ENCODED}%3Fa&{rest}", client.id),
        format!("client_id={}&redirect_uri=HTTPS%3A%2F%2Fapp.example%2Fcallback&{rest}", client.id),
        format!("client_id={}&redirect_uri=https%3A%2F%2Fevil.example&{rest}", client.id),
        format!(
            "client_id={0}&redirect_uri={CALLBACK_ENCODED}&redirect_uri={CALLBACK_ENCODED}&{rest}",
            client.id
        ),
        // Of two, one must be named.
        format!("client_id={}&{rest}", two.id),
    ] {
        let answer = bench.browse("GET", &format!("/v1/oauth/authorize?{query}"), &[], "").await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(!answer.headers.contains_key("location"), "{query}");
        assert!(answer.body.contains("Missing or invalid"), "{query}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn other_errors_go_back_to_the_client() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let start = format!("/v1/oauth/authorize?client_id={}", client.id);
    for (query, expected) in [
        ("&owner=user&state=s", "invalid_request"),
        ("&response_type=token&owner=user&state=s", "unsupported_response_type"),
        ("&response_type=code&owner=team&state=s", "invalid_request"),
        ("&response_type=code&response_type=code&owner=user&state=s", "invalid_request"),
        ("&response_type=code&owner=user&state=s&_sandbox_approve=0", "access_denied"),
    ] {
        let answer = bench.browse("GET", &format!("{start}{query}"), &[], "").await;
        assert_eq!(answer.status, 302, "{query}");
        let location = answer.location();
        assert!(location.starts_with(&format!("{CALLBACK}?error={expected}")), "{location}");
        assert_eq!(parameter(&location, "state").as_deref(), Some("s"), "{location}");
    }
    let twice = format!("{start}&response_type=code&owner=user&state=a&state=b");
    let answer = bench.browse("GET", &twice, &[], "").await;
    assert_eq!(parameter(&answer.location(), "error").as_deref(), Some("invalid_request"));
    assert_eq!(parameter(&answer.location(), "state"), None);
    // A registered address may have a query of its own.
    let queried = json!({"redirect_uris": ["https://app.example/cb?tenant=1"]});
    let queried = Client::new(&bench, &queried).await;
    let location = queried.ask("&_sandbox_approve=0").await.location();
    assert_eq!(location, "https://app.example/cb?tenant=1&error=access_denied");
}

#[tokio::test]
async fn what_the_sandbox_is_told_must_make_sense() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    for more in [
        "&_sandbox_approve=maybe".to_owned(),
        "&_sandbox_approve=1&_sandbox_pages=AAA".to_owned(),
        format!("&_sandbox_approve=1&_sandbox_pages={}", bench.demo.workspace_id),
        format!("&_sandbox_approve=1&_sandbox_pages={}", bench.demo.data_source_id),
        format!("&_sandbox_user={}", bench.demo.workspace_id),
        "&_sandbox_approve=1&_sandbox_template=1".to_owned(),
    ] {
        let answer = client.ask(&more).await;
        assert_eq!(answer.status, 400, "{more}");
        assert!(answer.body.contains("_sandbox_"), "{more}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_ten_minutes_for_its_client() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let stranger = Client::new(&bench, &json!({})).await;
    let code = client.code("").await;
    assert_eq!(error(&stranger.exchange(&code).await), (400, "invalid_grant"));
    let pair = client.exchange(&code).await.ok();
    // Used again, it takes back what it gave (RFC 6749, 4.1.2).
    let again = client.exchange(&code).await;
    assert_eq!(error(&again), (400, "invalid_grant"));
    assert_eq!(again.keys(), ["error", "error_description", "request_id"]);
    assert_eq!(again.body["error_description"], "Invalid code: this code has been revoked.");
    assert_eq!(client.me(&pair.body["access_token"]).await.status, 401);
    let refreshed = client.refresh(&pair.body["refresh_token"]).await;
    assert_eq!(error(&refreshed), (400, "invalid_grant"));

    // But not what a later consent gave.
    let later = client.installed("").await;
    client.exchange(&code).await;
    assert_eq!(client.me(&later.body["access_token"]).await.status, 200);

    let unknown = client.exchange("3f6ac1c8-1f2a-4a8b-9d6c-2b5f8e7a9c10").await;
    assert_eq!(unknown.body["error_description"], "Invalid code.");
    let old = client.code("").await;
    bench.control("POST", "clock", json!({"advance_ms": 10 * 60 * 1000})).await.ok();
    assert_eq!(error(&client.exchange(&old).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn the_redirect_uri_is_said_again_where_it_was_said() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let named = format!("&redirect_uri={CALLBACK_ENCODED}");
    let exchange = async |code: &str, redirect_uri: Option<&str>| {
        let mut body = json!({"grant_type": "authorization_code", "code": code});
        if let Some(uri) = redirect_uri {
            body["redirect_uri"] = uri.into();
        }
        client.post("token", &body).await
    };
    let code = client.code(&named).await;
    assert_eq!(error(&exchange(&code, None).await), (400, "invalid_request"));
    let other = exchange(&code, Some("https://app.example/other")).await;
    assert_eq!(error(&other), (400, "invalid_grant"));
    exchange(&code, Some(CALLBACK)).await.ok();
    let code = client.code("").await;
    assert_eq!(error(&exchange(&code, Some(CALLBACK)).await), (400, "invalid_request"));
    exchange(&code, None).await.ok();
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_oauths_words() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    for (body, expected) in [
        (json!({}), "invalid_request"),
        (json!([]), "invalid_request"),
        (json!({"grant_type": 1}), "invalid_request"),
        (json!({"grant_type": "password"}), "unsupported_grant_type"),
        (json!({"grant_type": "authorization_code"}), "invalid_request"),
        (json!({"grant_type": "authorization_code", "code": ""}), "invalid_request"),
        (json!({"grant_type": "authorization_code", "code": ["a"]}), "invalid_request"),
        (json!({"grant_type": "authorization_code", "code": "x"}), "invalid_grant"),
        (json!({"grant_type": "refresh_token"}), "invalid_request"),
        (json!({"grant_type": "refresh_token", "refresh_token": "nrt_x"}), "invalid_grant"),
    ] {
        let answer = client.post("token", &body).await;
        assert_eq!(error(&answer), (400, expected), "{body}");
        assert_eq!(answer.keys().last(), Some(&"request_id"));
    }
    for what in ["introspect", "revoke"] {
        assert_eq!(error(&client.post(what, &json!({})).await), (400, "invalid_request"));
        // R: the envelope without a description.
        for authorization in
            ["", "Bearer ntn_x", "Basic", "Basic !!", "Basic bm9ib2R5", "Basic YTpi"]
        {
            let headers = [("authorization", authorization)];
            let path = format!("/v1/oauth/{what}");
            let answer =
                bench.raw("POST", &path, &headers, json!({"token": "a"}).to_string()).await;
            assert_eq!(error(&answer), (401, "invalid_client"), "{authorization}");
            assert_eq!(answer.keys(), ["error", "request_id"]);
        }
    }
    let thief = Client { bench: &bench, id: client.id.clone(), secret: "guessed".to_owned() };
    assert_eq!(error(&thief.exchange("x").await), (401, "invalid_client"));
    // R: what is no JSON at all, and paths that do not exist, are refused before anything else.
    let answer = bench.raw("POST", "/v1/oauth/token", &[], "{").await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (400, Some("invalid_json")));
    let answer = bench.raw("GET", "/v1/oauth/token", &[], "").await;
    assert_eq!(answer.body["code"], "invalid_request_url");
    // A form is understood; a secret in it is not enough (quoted by users).
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body =
        format!("grant_type=refresh_token&client_id={}&client_secret={}", client.id, client.secret);
    let answer = bench.raw("POST", "/v1/oauth/token", &form, body).await;
    assert_eq!(error(&answer), (401, "invalid_client"));
    let basic = BASE64_STANDARD.encode(format!("{}:{}", client.id, client.secret));
    let basic = format!("Basic {basic}");
    let headers = [form[0], ("authorization", basic.as_str())];
    let body = format!("grant_type=authorization_code&code={}", client.code("").await);
    bench.raw("POST", "/v1/oauth/token", &headers, body).await.ok();
}

#[tokio::test]
async fn a_refresh_replaces_the_pair() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let first = client.installed("").await;
    let second = client.refresh(&first.body["refresh_token"]).await.ok();
    assert_eq!(second.keys(), first.keys());
    assert_eq!(second.body["bot_id"], first.body["bot_id"]);
    for name in ["access_token", "refresh_token"] {
        assert_ne!(second.body[name], first.body[name]);
    }
    assert_eq!(client.me(&first.body["access_token"]).await.status, 401);
    assert_eq!(client.me(&second.body["access_token"]).await.status, 200);
    let reused = client.refresh(&first.body["refresh_token"]).await;
    assert_eq!(error(&reused), (400, "invalid_grant"));
    assert_eq!(client.me(&second.body["access_token"]).await.status, 200);
    let stranger = Client::new(&bench, &json!({})).await;
    let stolen = stranger.refresh(&second.body["refresh_token"]).await;
    assert_eq!(error(&stolen), (400, "invalid_grant"));
}

#[tokio::test]
async fn tokens_end_and_old_pairs_linger_when_a_client_says_so() {
    let bench = Bench::new();
    let more = json!({"token_lifetime_ms": 60_000, "refresh_grace_ms": 5_000});
    let client = Client::new(&bench, &more).await;
    let advance = async |by: i64| {
        bench.control("POST", "clock", json!({"advance_ms": by})).await.ok();
    };
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let first = client.installed("").await;
    advance(60_000).await;
    assert_eq!(client.me(&first.body["access_token"]).await.status, 401);
    let inactive = client.post("introspect", &json!({"token": first.body["access_token"]})).await;
    assert_eq!(inactive.body["active"], false);
    let second = client.refresh(&first.body["refresh_token"]).await.ok();
    let third = client.refresh(&second.body["refresh_token"]).await.ok();
    // In the time of grace both work, and a lost answer can be asked for again.
    assert_eq!(client.me(&second.body["access_token"]).await.status, 200);
    let again = client.refresh(&second.body["refresh_token"]).await.ok();
    assert_eq!(again.body["access_token"], third.body["access_token"]);
    advance(5_000).await;
    assert_eq!(client.me(&second.body["access_token"]).await.status, 401);
    let late = client.refresh(&second.body["refresh_token"]).await;
    assert_eq!(error(&late), (400, "invalid_grant"));
    assert_eq!(client.me(&third.body["access_token"]).await.status, 200);
}

#[tokio::test]
async fn tokens_are_introspected_and_revoked() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let stranger = Client::new(&bench, &json!({})).await;
    let pair = client.installed("").await;
    let asked = async |client: &Client<'_>, token: &Value| {
        client.post("introspect", &json!({"token": token})).await.ok()
    };
    for name in ["access_token", "refresh_token"] {
        let known = asked(&client, &pair.body[name]).await;
        assert_eq!(known.keys(), ["active", "scope", "iat", "request_id"]);
        let scope = "read_content insert_content update_content read_users_with_email";
        assert_eq!(known.body["scope"], scope);
        assert!(known.body["iat"].as_i64().unwrap() > 1_700_000_000_000, "milliseconds");
        let foreign = asked(&stranger, &pair.body[name]).await;
        assert_eq!(foreign.keys(), ["active", "request_id"]);
    }
    assert_eq!(asked(&client, &json!("ntn_x")).await.body["active"], false);
    stranger.post("revoke", &json!({"token": pair.body["access_token"]})).await.ok();
    assert_eq!(
        client.me(&pair.body["access_token"]).await.status,
        200,
        "not a stranger's to revoke"
    );
    let revoked = client.post("revoke", &json!({"token": pair.body["refresh_token"]})).await.ok();
    assert_eq!(revoked.keys(), ["request_id"]);
    assert_eq!(client.me(&pair.body["access_token"]).await.status, 401, "both end");
    assert_eq!(error(&client.refresh(&pair.body["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(error(&client.refresh(&json!("")).await), (400, "invalid_request"));
    assert_eq!(asked(&client, &pair.body["access_token"]).await.body["active"], false);
}

#[tokio::test]
async fn owners_have_the_form_that_the_client_may_see() {
    let bench = Bench::new();
    let nobody = Client::new(&bench, &json!({"capabilities": ["read_content"]})).await;
    let pair = nobody.installed("").await;
    let keys: Vec<&String> = pair.body["owner"]["user"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["object", "id"]);
    let workspace = Client::new(&bench, &json!({"kind": "workspace"})).await;
    let pair = workspace.installed("").await;
    assert_eq!(pair.body["owner"], json!({"type": "workspace", "workspace": true}));
    // Or whoever asks for it.
    let path = format!(
        "/v1/oauth/authorize?client_id={}&response_type=code&owner=workspace&_sandbox_approve=1",
        nobody.id
    );
    let location = bench.browse("GET", &path, &[], "").await.location();
    let pair = nobody.exchange(&parameter(&location, "code").unwrap()).await.ok();
    assert_eq!(pair.body["owner"], json!({"type": "workspace", "workspace": true}));
}

#[tokio::test]
async fn a_template_is_duplicated_for_the_person() {
    let bench = Bench::new();
    let template = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Starter").await;
    let inner = bench.page(&json!({"page_id": template}), "First steps").await;
    let client = Client::new(&bench, &json!({"template_page_id": template})).await;
    let page = client.ask("").await;
    assert!(page.body.contains("Starter"), "the choice is on the page");
    let pair = client.installed("&_sandbox_template=1").await;
    let copy = pair.body["duplicated_template_id"].as_str().unwrap();
    assert_ne!(copy, template);
    let token = pair.body["access_token"].as_str().unwrap();
    let get = async |path: &str| bench.with(token, NEW, "GET", path, &Value::Null).await;
    let page = get(&format!("/v1/pages/{copy}")).await.ok();
    assert_eq!(title(&page.body), "Starter");
    assert_eq!(page.body["parent"], json!({"type": "workspace", "workspace": true}));
    let inside = get(&format!("/v1/blocks/{copy}/children")).await.ok();
    let child = &inside.body["results"][0];
    assert_eq!(child["child_page"]["title"], "First steps");
    assert_ne!(child["id"], inner);
    assert_eq!(
        get(&format!("/v1/pages/{template}")).await.status,
        404,
        "the original is not shared"
    );
    let refreshed = client.refresh(&pair.body["refresh_token"]).await.ok();
    assert_eq!(refreshed.body["duplicated_template_id"], copy);
    // With pages picked instead, there is no copy.
    let people = people(&bench).await;
    let picked = client.installed(&format!("&_sandbox_user={}", people[1])).await;
    assert_eq!(picked.body["duplicated_template_id"], Value::Null);
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_is_safe() {
    let bench = Bench::new();
    let name = "<script>alert(1)</script> & Co";
    let client = Client::new(
        &bench,
        &json!({"name": name, "capabilities": ["read_content", "insert_comments"]}),
    )
    .await;
    let page = client.ask("&state=%22%3E%3Cscript%3E").await;
    assert_eq!(
        (page.status, page.headers["content-type"].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for part in
        ["default-src 'none'", "form-action 'self' https://app.example;", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(!page.body.contains("<script"), "everything is escaped");
    for part in [
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co",
        "Acme",
        "Ada Marsh",
        "ada@acme.example",
        "Read the pages and databases that you select",
        "Write comments on them",
        "<fieldset",
        "<legend>",
        "<label>",
        "lang=\"en\"",
        "Engineering",
        "Board (private)",
    ] {
        assert!(page.body.contains(part), "{part}");
    }
    for absent in ["src=", "url(", "Change them", "@import", "http-equiv"] {
        assert!(!page.body.contains(absent), "{absent}");
    }
    // Somebody else sees their own pages.
    let people = people(&bench).await;
    let as_ben = client.ask(&format!("&_sandbox_user={}", people[1])).await;
    assert!(as_ben.body.contains("ben@acme.example"));
}

#[tokio::test]
async fn the_form_decides() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let query = format!("client_id={}&response_type=code&owner=user&state=s", client.id);
    let path = format!("/v1/oauth/authorize?{query}");
    let page = bench.browse("GET", &path, &[], "").await;
    let cookie = page.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/v1/oauth"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    let proof = page.body.split("name=\"consent\" value=\"").nth(1).unwrap();
    let proof = proof.split('"').next().unwrap();
    let post = async |cookie: &str, origin: &str, form: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", "localhost:1"),
            ("cookie", cookie),
            ("origin", origin),
        ];
        bench.browse("POST", &path, &headers, form.to_owned()).await
    };
    let here = "http://localhost:1";
    let good = format!("consent={proof}&decision=allow&pages={}", bench.demo.team_page_id);
    // From elsewhere, without the cookie, or with another page's proof: an error page.
    for (cookie, origin, form) in [
        (cookie, "http://evil.example", good.as_str()),
        (cookie, "null", good.as_str()),
        ("", here, good.as_str()),
        ("sandbox_consent=0123456789abcdef0123456789abcdef", here, good.as_str()),
        (cookie, here, "consent=0&decision=allow"),
    ] {
        let answer = post(cookie, origin, form).await;
        assert_eq!(answer.status, 400, "{cookie} {origin} {form}");
        assert!(!answer.headers.contains_key("location"));
    }
    // No page: the form again, with an error that is announced, and a new try.
    let none = post(cookie, here, &format!("consent={proof}&decision=allow")).await;
    assert_eq!(none.status, 422);
    assert!(none.body.contains("role=\"alert\"") && none.body.contains("aria-invalid=\"true\""));
    assert!(none.body.contains("<title>Error: "));
    let cancelled = post(cookie, here, &format!("consent={proof}&decision=cancel")).await;
    assert_eq!(cancelled.status, 303);
    assert_eq!(cancelled.location(), format!("{CALLBACK}?error=access_denied&state=s"));
    let two = format!("{good}&pages={}", bench.demo.other_page_id);
    let allowed = post(cookie, here, &two).await;
    assert_eq!(allowed.status, 303);
    let code = parameter(&allowed.location(), "code").unwrap();
    let pair = client.exchange(&code).await.ok();
    let token = pair.body["access_token"].as_str().unwrap();
    for id in [bench.demo.team_page_id, bench.demo.other_page_id] {
        bench.with(token, NEW, "GET", &format!("/v1/pages/{id}"), &Value::Null).await.ok();
    }
}

#[tokio::test]
async fn a_large_workspace_is_searched() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let mut last = String::new();
    for number in 0..310 {
        let title = json!({"title": [{"text": {"content": format!("Topic {number}")}}]});
        let body = json!({"parent": {"workspace": true}, "properties": {"title": title}});
        let human = json!({"method": "POST", "path": "/v1/pages", "body": body});
        last = bench.control("POST", "as-human", human).await.ok().id();
    }
    let path = format!("/v1/oauth/authorize?client_id={}&response_type=code&owner=user", client.id);
    let page = bench.browse("GET", &path, &[], "").await;
    assert!(page.body.contains("search for them by title"));
    assert!(!page.body.contains("Topic 309"));
    let cookie = page.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let proof = page.body.split("name=\"consent\" value=\"").nth(1).unwrap();
    let proof = proof.split('"').next().unwrap();
    let post = async |form: String| bench.browse("POST", &path, &[("cookie", cookie)], form).await;
    let team = bench.demo.team_page_id;
    let found = post(format!("consent={proof}&decision=find&find=topic+309&pages={team}")).await;
    assert_eq!(found.status, 200);
    assert!(found.body.contains("Topic 309") && !found.body.contains("Topic 308"));
    // What was selected before stays so.
    assert!(found.body.contains(&format!("value=\"{team}\" checked")), "{}", found.body);
    // The Enter key presses the first button of the form, which must decide nothing.
    let form = page.body.split("<form").nth(1).unwrap();
    let first = form.split("<button").nth(1).unwrap().split('>').next().unwrap();
    assert!(first.contains("value=\"find\"") && first.contains("tabindex=\"-1\""), "{first}");
    let nothing = post(format!("consent={proof}&decision=find&find=xyzzy")).await;
    assert!(nothing.body.contains("No page has a title like this."));
    let allowed = post(format!("consent={proof}&decision=allow&pages={team}&pages={last}")).await;
    let pair = client.exchange(&parameter(&allowed.location(), "code").unwrap()).await.ok();
    let token = pair.body["access_token"].as_str().unwrap();
    bench.with(token, NEW, "GET", &format!("/v1/pages/{last}"), &Value::Null).await.ok();
}

#[tokio::test]
async fn calls_are_in_the_ledger_without_their_secrets() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    bench.control("DELETE", "calls", Value::Null).await.ok();
    let pair = client.installed("").await;
    let next = client.refresh(&pair.body["refresh_token"]).await.ok();
    client.post("introspect", &json!({"token": next.body["access_token"]})).await.ok();
    client.post("revoke", &json!({"token": next.body["access_token"]})).await.ok();
    let calls = bench.control("GET", "calls", Value::Null).await.ok();
    let all = calls.body.as_array().unwrap();
    let names: Vec<&str> = all.iter().map(|call| call["operation"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["authorize", "create-a-token", "create-a-token", "introspect-token", "revoke-token"]
    );
    assert_eq!(all[0]["status"], 302);
    assert_eq!(all[1]["body"], json!({"grant_type": "authorization_code", "code": "***"}));
    let text = calls.body.to_string();
    for secret in [&pair.body["refresh_token"], &next.body["access_token"], &json!(client.secret)] {
        assert!(!text.contains(secret.as_str().unwrap()));
    }
}

#[tokio::test]
async fn faults_hit_it_too() {
    let bench = Bench::new();
    let client = Client::new(&bench, &json!({})).await;
    let fault = async |answer: Value| {
        bench.control("DELETE", "faults", Value::Null).await.ok();
        let fault = json!({"match": {"operation": "create-a-token"}, "answer": answer, "times": 1});
        bench.control("POST", "faults", fault).await.ok();
    };
    let pair = client.installed("").await;
    fault(json!({"status": 400, "code": "invalid_grant"})).await;
    let refused = client.refresh(&pair.body["refresh_token"]).await;
    assert_eq!(error(&refused), (400, "invalid_grant"));
    fault(json!({"status": 503})).await;
    let refused = client.refresh(&pair.body["refresh_token"]).await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("service_unavailable")));
    client.refresh(&pair.body["refresh_token"]).await.ok();
    // The answer is lost, and with it the pair.
    let pair = client.installed("").await;
    fault(json!({"status": 502, "committed": true})).await;
    assert_eq!(client.refresh(&pair.body["refresh_token"]).await.status, 502);
    assert_eq!(error(&client.refresh(&pair.body["refresh_token"]).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn browsers_may_call_everything_but_oauth() {
    let bench = Bench::new();
    let asks = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,notion-version"),
    ];
    let answer = bench.browse("OPTIONS", "/v1/search", &asks, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.headers["access-control-allow-headers"], "authorization,notion-version");
    let answer = bench.get("/v1/users/me").await.ok();
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let answer = bench.raw("GET", "/v1/users/me", &[], "").await;
    assert_eq!(
        (answer.status, &answer.headers["access-control-allow-origin"].to_str().unwrap()),
        (401, &"*")
    );
    let client = Client::new(&bench, &json!({})).await;
    let pair = client.installed("").await;
    assert!(!pair.headers.contains_key("access-control-allow-origin"));
    let answer = bench.browse("OPTIONS", "/v1/oauth/token", &asks, "").await;
    assert_eq!(answer.status, 400);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn clients_are_registered_listed_and_removed() {
    let bench = Bench::new();
    for body in [
        json!({"redirect_uris": [CALLBACK]}),
        json!({"name": "A"}),
        json!({"name": "A", "redirect_uris": []}),
        json!({"name": "A", "redirect_uris": ["/callback"]}),
        json!({"name": "A", "redirect_uris": ["https://app.example/#part"]}),
        json!({"name": "A", "redirect_uris": ["javascript:alert(1)"]}),
        json!({"name": "A", "redirect_uris": ["https://app.example/a b"]}),
        json!({"name": "A", "redirect_uris": [CALLBACK], "capabilities": ["fly"]}),
        json!({"name": "A", "redirect_uris": [CALLBACK], "kind": "link"}),
        json!({"name": "A", "redirect_uris": [CALLBACK], "template_page_id": bench.demo.data_source_id}),
        json!({"name": "A", "redirect_uris": [CALLBACK], "refresh_grace_ms": -1}),
    ] {
        let answer = bench.control("POST", "oauth/clients", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let client = Client::new(&bench, &json!({"redirect_uris": [CALLBACK, "myapp://done"]})).await;
    let location =
        client.ask("&redirect_uri=myapp%3A%2F%2Fdone&_sandbox_approve=0").await.location();
    assert_eq!(location, "myapp://done?error=access_denied");
    let list = bench.control("GET", "oauth/clients", Value::Null).await.ok();
    assert_eq!(list.body[0]["client_id"], client.id);
    assert!(!list.body.to_string().contains(&client.secret));
    let single = Client::new(&bench, &json!({})).await;
    let pair = single.installed("").await;
    let path = format!("oauth/clients/{}", single.id);
    bench.control("DELETE", &path, Value::Null).await.ok();
    assert_eq!(bench.control("DELETE", &path, Value::Null).await.status, 404);
    assert_eq!(single.me(&pair.body["access_token"]).await.status, 401);
    assert_eq!(error(&single.exchange("x").await), (401, "invalid_client"));
}
