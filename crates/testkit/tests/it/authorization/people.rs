//! Who can let a client in: people who sign in at Notion, and whoever has a key, as far as it goes.

use std::time::Duration;

use model::{Connection, Origin, Role};
use serde_json::json;
use store::Connections;
use testkit::{Kit, Reply, send};
use url::Url;

use super::resource::call_tool;
use super::{Client, answer, at_mcp, form, pair};
use crate::browser::Browser;

const ADA: &str = "ada@acme.example";

/// A browser on its way to Notion, to sign in there.
struct Underway {
    cookie: String,
    location: Url,
}

impl Underway {
    async fn begin(kit: &Kit, query: &str) -> Self {
        let reply = kit.raw("GET", &format!("/auth/notion/sign-in{query}"), &[], None).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let line = reply.header("set-cookie").unwrap();
        assert!(line.contains("; HttpOnly; SameSite=Lax; Max-Age=600"), "{line}");
        let cookie = line.split(';').next().unwrap().to_owned();
        Self { cookie, location: Url::parse(reply.header("location").unwrap()).unwrap() }
    }

    /// A person answers Notion's question; gives the query of the way back.
    async fn answer(&self, more: &str) -> String {
        let reply = send("GET", &format!("{}{more}", self.location), &[], Default::default()).await;
        let back =
            Url::parse(reply.header("location").unwrap_or_else(|| panic!("{}", reply.text())));
        back.unwrap().query().unwrap().to_owned()
    }

    async fn approve(&self, kit: &Kit) -> String {
        self.answer(&format!("&_sandbox_approve=1&_sandbox_pages={}", kit.demo.team_page_id)).await
    }

    async fn back(&self, kit: &Kit, query: &str) -> Reply {
        back(kit, query, &[("cookie", &self.cookie)]).await
    }
}

async fn back(kit: &Kit, query: &str, headers: &[(&str, &str)]) -> Reply {
    kit.raw("GET", &format!("{}?{query}", web::CALLBACK_PATH), headers, None).await
}

fn session_of(reply: &Reply) -> Option<String> {
    let lines = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let mut lines = lines.filter(|line| line.starts_with("notegate="));
    lines.next().map(|line| line.split(';').next().unwrap().to_owned())
}

async fn add_user(kit: &Kit, email: &str, role: &str) -> String {
    let body = json!({ "email": email, "role": role });
    let made = kit.post(&kit.admin, "/api/v1/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn connections(kit: &Kit) -> Vec<Connection> {
    let all = Connections::all_connections(&*kit.store).await.unwrap();
    all.into_iter().map(|it| it.connection).collect()
}

async fn operations(kit: &Kit) -> Vec<String> {
    let calls = kit.calls().await;
    calls.iter().map(|call| call["operation"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The page that asks, and the token of its form.
async fn form_token(browser: &Browser<'_>, client: &Client<'_>) -> String {
    let page = browser.get(&format!("/oauth/authorize?{}", client.query(&[]))).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let rest = text.split_once("name=\"form_token\" value=\"").expect("a form").1;
    rest.split('"').next().unwrap().to_owned()
}

async fn allow(browser: &Browser<'_>, client: &Client<'_>, choice: &[(&str, &str)]) -> Reply {
    let (token, query) = (form_token(browser, client).await, client.query(&[]));
    let fields = [("form_token", token.as_str()), ("request", &query), ("decision", "allow")];
    browser.post("/oauth/authorize", &form(&[&fields[..], choice].concat())).await
}

#[tokio::test]
async fn nc_02_a_person_signs_in_at_notion_and_is_asked_by_this_gate_all_the_same() {
    let kit = Kit::start().await;
    add_user(&kit, ADA, "viewer").await;
    let client = Client::new(&kit).await;
    let before = connections(&kit).await;
    let away = Browser::new(&kit).get(&format!("/oauth/authorize?{}", client.query(&[]))).await;
    let carried = away.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    kit.forget_calls().await;
    // Before anything goes to Notion, the person reads who asks and where the answer goes.
    let sign_in = away.header("location").unwrap();
    let page = kit.raw("GET", sign_in, &[("cookie", &carried)], None).await.text();
    let asking = page.split_once("id=\"asking\"").expect("who asks").1;
    assert!(asking.contains("Probe &lt;b&gt;") && asking.contains("client.example"), "{page}");
    let way = "/auth/notion/sign-in?next=%2Foauth%2Fauthorize";
    assert!(page.contains(&format!("href=\"{way}\"")), "{page}");
    assert!(kit.calls().await.is_empty(), "Notion was asked");

    let underway = Underway::begin(&kit, "?next=%2Foauth%2Fauthorize").await;
    let query = underway.approve(&kit).await;
    let reply = underway.back(&kit, &query).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/oauth/authorize")));
    let session = session_of(&reply).expect("a session");
    // What the app could reach by that was not wanted, and is given back.
    assert!(
        operations(&kit).await.contains(&"revoke-token".to_owned()),
        "{:?}",
        operations(&kit).await
    );
    assert_eq!(connections(&kit).await, before);

    // Notion's page was no consent for the client: the gate's own comes, with the request in the cookie.
    let mut browser = Browser::new(&kit);
    let both = format!("{session}; {carried}");
    let back = kit.raw("GET", "/oauth/authorize", &[("cookie", &both)], None).await;
    browser.cookie = Some(session);
    let page = browser.get(back.header("location").expect("the request as it was")).await;
    assert_eq!((page.status, page.header("location")), (200, None));
    assert!(page.text().contains(ADA) && page.text().contains("client.example"));
    assert!(!page.text().contains("read and write"), "a viewer has no more to give");
    let reply = allow(&browser, &client, &[("role", "editor"), ("days", "1")]).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    let reply = allow(&browser, &client, &[("role", "viewer"), ("days", "1")]).await;
    let code = answer(&reply, "code").unwrap();
    let (access, _) = pair(&client.token(client.exchange(&code, &[])).await);
    let principal = at_mcp(&kit, &access).await.unwrap();
    assert_eq!((principal.role, principal.user_id().is_some()), (Role::Viewer, true));
    let told = kit.entries(60).await;
    let entry = told.iter().find(|entry| entry.operation == "sign-in").unwrap();
    assert_eq!(entry.metadata["issuer"], ledger::Meta::from(kit.sandbox.url()));
    assert_eq!(entry.resource.kind, "app_user");
    kit.finish().await;
}

#[tokio::test]
async fn nc_02_only_known_people_of_a_connected_workspace_come_in() {
    let kit = Kit::start().await;
    let sign_in = async || {
        kit.clock.advance(Duration::from_secs(60));
        let underway = Underway::begin(&kit, "").await;
        let query = underway.approve(&kit).await;
        underway.back(&kit, &query).await
    };
    let is_refused = |reply: &Reply, word: &str| {
        assert_eq!((reply.status, session_of(reply)), (403, None), "{}", reply.text());
        assert!(reply.text().contains(word), "{word}: {}", reply.text());
    };
    // Nobody of that address.
    is_refused(&sign_in().await, "no user with the address");
    add_user(&kit, "someone@acme.example", "admin").await;
    is_refused(&sign_in().await, "no user with the address");
    // The first sign-in binds the user to the account, not to the address.
    let id = add_user(&kit, &ADA.to_uppercase(), "viewer").await;
    assert_eq!(sign_in().await.status, 303);
    let user = kit.get(&kit.admin, &format!("/api/v1/users/{id}")).await.json();
    assert_eq!(user["identity"]["issuer"], kit.sandbox.url());
    // A user of another tenant has nothing of this workspace.
    let body = json!({ "name": "other" });
    let other = kit.as_operator("POST", "/api/v1/tenants", None, Some(&body)).await.json();
    let there = other["key"].as_str().unwrap();
    kit.post(there, "/api/v1/users", &json!({ "email": ADA, "role": "admin" })).await;
    kit.delete(&kit.admin, &format!("/api/v1/users/{id}")).await;
    is_refused(&sign_in().await, "no user with the address");
    // A workspace that is connected no more vouches for nobody.
    add_user(&kit, ADA, "viewer").await;
    assert_eq!(sign_in().await.status, 303);
    let bot = kit.get(&kit.admin, "/api/v1/workspaces").await.json()["items"][0]["bot_id"].clone();
    let path = format!("/api/v1/workspaces/{}", bot.as_str().unwrap());
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    is_refused(&sign_in().await, "not connected to this gate");
    let denied = kit.entries(100).await;
    let denied =
        denied.iter().filter(|it| it.operation == "sign-in" && it.action == "manage_denied");
    assert_eq!(denied.count(), 4);
    kit.finish().await;
}

#[tokio::test]
async fn nc_01_nc_02_a_sign_in_at_notion_is_bound_to_its_browser_and_counts_once() {
    let kit = Kit::start().await;
    add_user(&kit, ADA, "admin").await;
    let (mine, other) = (Underway::begin(&kit, "").await, Underway::begin(&kit, "").await);
    let query = mine.approve(&kit).await;
    kit.forget_calls().await;
    // An attacker's answer in the victim's browser signs nobody in, and no code is handed to Notion.
    for headers in [&[][..], &[("cookie", other.cookie.as_str())]] {
        let reply = back(&kit, &query, headers).await;
        assert_eq!((reply.status, session_of(&reply)), (403, None));
    }
    let evil = form(&[("iss", "https://evil.example")]);
    let reply = mine.back(&kit, &format!("{query}&{evil}")).await;
    assert_eq!((reply.status, session_of(&reply)), (403, None));
    assert!(!operations(&kit).await.contains(&"create-a-token".to_owned()));
    let again = Underway::begin(&kit, "").await;
    let query = again.approve(&kit).await;
    assert_eq!(again.back(&kit, &query).await.status, 303);
    let reply = again.back(&kit, &query).await;
    assert_eq!((reply.status, session_of(&reply)), (403, None));
    // An installation's state signs nobody in, and a sign-in's connects nothing.
    let said_no = Underway::begin(&kit, "").await;
    let query = said_no.answer("&_sandbox_approve=0").await;
    let reply = said_no.back(&kit, &query).await;
    assert_eq!((reply.status, session_of(&reply)), (403, None), "{}", reply.text());
    let oauth = connections(&kit).await;
    assert!(oauth.iter().all(|connection| connection.origin != Origin::Oauth), "{oauth:?}");
    for evil in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fv1%2Fusers"] {
        kit.clock.advance(Duration::from_secs(60));
        let underway = Underway::begin(&kit, &format!("?next={evil}")).await;
        let query = underway.approve(&kit).await;
        let reply = underway.back(&kit, &query).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/dashboard")), "{evil}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn nc_08_a_sign_in_that_replaces_a_connections_tokens_gives_it_the_new_ones() {
    let kit = Kit::start().await;
    add_user(&kit, ADA, "viewer").await;
    let installing = kit.raw("GET", "/auth/notion", &[], None).await;
    let line = installing.header("set-cookie").unwrap();
    let cookie = line.split(';').next().unwrap().to_owned();
    let location = Url::parse(installing.header("location").unwrap()).unwrap();
    let underway = Underway { cookie, location };
    let query = underway.approve(&kit).await;
    let reply = underway.back(&kit, &query).await;
    let bot = reply.header("location").unwrap().split_once('=').unwrap().1.to_owned();
    let mut request = testkit::request(Role::Viewer, &[]);
    request.connection = Some(Some(model::ConnectionId(notion::Id::parse(&bot).unwrap())));
    let key = kit.new_key(request).await;
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    assert_eq!(kit.get(&key, &path).await.status, 200);
    kit.clock.advance(Duration::from_secs(60));
    let underway = Underway::begin(&kit, "").await;
    let query = underway.approve(&kit).await;
    assert_eq!(underway.back(&kit, &query).await.status, 303);
    assert_eq!(kit.get(&key, &path).await.status, 200, "it goes on working");
    let count = connections(&kit).await.iter().filter(|it| it.origin == Origin::Oauth).count();
    assert_eq!(count, 1);
    kit.finish().await;
}

#[tokio::test]
async fn as_12_who_has_a_key_lets_a_client_in_as_far_as_the_key_goes() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let key = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    // It opens that page, and not the dashboard.
    let mut browser = Browser::new(&kit);
    assert_eq!(browser.sign_in(&key).await.status, 403);
    let body = form(&[("key", &key), ("next", "/oauth/authorize")]);
    let reply = browser.post("/dashboard/sign-in", &body).await;
    browser.cookie = session_of(&reply);
    assert!(browser.cookie.is_some(), "{}", reply.text());
    assert!(!browser.is_signed_in().await);
    for path in ["/dashboard", "/dashboard/keys", "/dashboard/people", "/auth/notion?owner=user"] {
        let cookie = browser.cookie.as_deref().unwrap();
        let headers = [("cookie", cookie), ("x-forwarded-for", "192.0.2.1")];
        let reply = kit.raw("GET", path, &headers, None).await;
        assert!(
            reply.header("location").is_some_and(|it| it.starts_with("/dashboard/sign-in")),
            "{path}"
        );
    }
    let page = browser.get(&format!("/oauth/authorize?{}", client.query(&[]))).await.text();
    assert!(!page.contains("read and write"), "{page}");
    // Not more than the key: role, place, time.
    let other = kit.demo.other_page_id.to_string();
    for (choice, word) in [
        ([("role", "editor"), ("within", "")], "more than you may do yourself"),
        ([("role", "viewer"), ("within", other.as_str())], "not inside what your key reaches"),
    ] {
        let reply = allow(&browser, &client, &[&choice[..], &[("days", "90")]].concat()).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
        assert!(reply.text().contains(word), "{}", reply.text());
    }
    let reply =
        allow(&browser, &client, &[("role", "viewer"), ("within", ""), ("days", "90")]).await;
    let code = answer(&reply, "code").unwrap();
    let (access, refresh) = pair(&client.token(client.exchange(&code, &[])).await);
    let principal = at_mcp(&kit, &access).await.unwrap();
    assert_eq!(principal.role, Role::Viewer);
    for (page, is_inside) in [(kit.demo.team_page_id, true), (kit.demo.other_page_id, false)] {
        let page = json!({ "page_id": page });
        let reply = call_tool(&kit, &access, "API-retrieve-a-page", page).await;
        assert_eq!(reply.json()["result"]["isError"] != true, is_inside, "{}", reply.text());
    }
    // It ends with the key.
    kit.gate.revoke_key(&kit.operator(), &key[4..16], "test").await.unwrap();
    assert!(at_mcp(&kit, &access).await.is_err());
    assert_eq!(client.refresh(&refresh).await.status, 400);
    assert_eq!(browser.get(&format!("/oauth/authorize?{}", client.query(&[]))).await.status, 303);
    kit.finish().await;
}

#[tokio::test]
async fn as_32_a_grant_ends_with_its_person_and_with_the_workspace() {
    let kit = Kit::start().await;
    let id = add_user(&kit, ADA, "editor").await;
    let client = Client::new(&kit).await;
    let underway = Underway::begin(&kit, "").await;
    let query = underway.approve(&kit).await;
    let mut browser = Browser::new(&kit);
    browser.cookie = session_of(&underway.back(&kit, &query).await);
    let reply = allow(&browser, &client, &[("role", "editor"), ("days", "90")]).await;
    let code = answer(&reply, "code").unwrap();
    let (access, refresh) = pair(&client.token(client.exchange(&code, &[])).await);
    // It follows the person's role, at once.
    let user = format!("/api/v1/users/{id}");
    assert_eq!(at_mcp(&kit, &access).await.unwrap().role, Role::Editor);
    kit.patch(&kit.admin, &user, &json!({ "role": "viewer" })).await;
    assert_eq!(at_mcp(&kit, &access).await.unwrap().role, Role::Viewer);
    // Signing out ends the browser's session. The grant has an end of its own, as the page said.
    let token = form_token(&browser, &client).await;
    browser.post("/dashboard/sign-out", &form(&[("form_token", &token)])).await;
    assert!(!browser.is_signed_in().await);
    assert!(at_mcp(&kit, &access).await.is_ok());
    // The workspace is disconnected: nothing is called any more.
    let bots = kit.get(&kit.admin, "/api/v1/workspaces").await.json();
    let bot = bots["items"][0]["bot_id"].as_str().unwrap().to_owned();
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/workspaces/{bot}")).await.status, 204);
    kit.forget_calls().await;
    let bearer = format!("Bearer {access}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "API-get-self", "arguments": {} },
    });
    let reply = kit.raw("POST", "/mcp/official", &headers, Some(call.to_string())).await;
    assert_eq!(reply.json()["result"]["isError"], true, "{}", reply.text());
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    // The person is gone: so is the grant.
    assert_eq!(kit.delete(&kit.admin, &user).await.status, 204);
    assert!(at_mcp(&kit, &access).await.is_err());
    assert_eq!(client.refresh(&refresh).await.status, 400);
    kit.finish().await;
}
