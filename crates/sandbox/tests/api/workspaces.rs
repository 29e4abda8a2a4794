//! Several workspaces in one sandbox: each request belongs to the one whose token or code it shows.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

async fn add(bench: &Bench, body: Value) -> Value {
    bench.control("POST", "workspaces", body).await.ok().body
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}

/// Id and secret of an app.
async fn client(bench: &Bench) -> (String, String) {
    let body =
        json!({"name": "Pocket", "redirect_uris": [CALLBACK], "capabilities": ["read_content"]});
    let made = bench.control("POST", "oauth/clients", body).await.ok().body;
    (text(&made, "client_id").to_owned(), text(&made, "client_secret").to_owned())
}

/// What the app gets for the consent of a person of this workspace.
async fn install(bench: &Bench, client: &(String, String), workspace: &str, page: &str) -> Value {
    let path = format!(
        "/v1/oauth/authorize?client_id={}&response_type=code&owner=user&_sandbox_approve=1\
         &_sandbox_workspace={workspace}&_sandbox_pages={page}",
        client.0
    );
    let answer = bench.browse("GET", &path, &[], "").await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.location();
    let code = location.split_once("code=").unwrap_or_else(|| panic!("{location}")).1.to_owned();
    post(bench, client, "token", json!({"grant_type": "authorization_code", "code": code})).await
}

async fn post(bench: &Bench, client: &(String, String), what: &str, body: Value) -> Value {
    let basic = BASE64_STANDARD.encode(format!("{}:{}", client.0, client.1));
    let headers =
        [("authorization", format!("Basic {basic}")), ("content-type", "application/json".into())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    bench.raw("POST", &format!("/v1/oauth/{what}"), &headers, body.to_string()).await.body
}

#[tokio::test]
async fn each_token_reaches_its_own_workspace() {
    let bench = Bench::new();
    let second = add(&bench, json!({"name": "Umbra"})).await;
    let token = text(&second["tokens"], "full").to_owned();
    assert_ne!(token, bench.demo.tokens.full);
    let root = text(&second["demo"], "root_page_id");
    let page = format!("/v1/pages/{root}");

    let own = bench.with(&token, MID, "GET", &page, &Value::Null).await.ok();
    assert_eq!(crate::bench::title(&own.body), "Umbra");
    assert_eq!(bench.get(&page).await.status, 404, "the first workspace has no such page");
    let me = bench.with(&token, NEW, "GET", "/v1/users/me", &Value::Null).await.ok();
    assert_eq!(me.body["bot"]["workspace_name"], "Umbra");
    let first = format!("/v1/pages/{}", bench.demo.root_page_id);
    assert_eq!(bench.with(&token, NEW, "GET", &first, &Value::Null).await.status, 404);

    // Calls are told apart, and control routes have the workspace in their path.
    let control = text(&second, "control").strip_prefix("/_sandbox/").unwrap();
    let calls = bench.control("GET", &format!("{control}/calls"), Value::Null).await.ok().body;
    assert_eq!(calls.as_array().unwrap().len(), 3);
    let calls = bench.control("GET", "calls", Value::Null).await.ok().body;
    assert_eq!(calls.as_array().unwrap().len(), 1);
    let state = bench.control("GET", &format!("{control}/state"), Value::Null).await.ok().body;
    assert_eq!(state["workspace"]["name"], "Umbra");
    let ended = bench.control("DELETE", &format!("{control}/tokens/nobody"), Value::Null).await;
    assert_eq!(ended.status, 404);
}

#[tokio::test]
async fn an_app_is_installed_in_each() {
    let bench = Bench::new();
    let client = client(&bench).await;
    let second = add(&bench, json!({"name": "Umbra"})).await;
    let third = add(&bench, json!({"name": "Vela"})).await;
    let mut bots = Vec::new();
    for (workspace, page, name) in [
        (bench.demo.workspace_id.to_string(), bench.demo.root_page_id.to_string(), "Acme"),
        (
            text(&second, "workspace_id").into(),
            text(&second["demo"], "root_page_id").into(),
            "Umbra",
        ),
        (text(&third, "workspace_id").into(), text(&third["demo"], "root_page_id").into(), "Vela"),
    ] {
        let pair = install(&bench, &client, &workspace, &page).await;
        assert_eq!(pair["workspace_id"], workspace.as_str(), "{pair}");
        assert_eq!(pair["workspace_name"], name);
        let token = text(&pair, "access_token");
        let found = bench.with(token, NEW, "GET", &format!("/v1/pages/{page}"), &Value::Null).await;
        assert_eq!(crate::bench::title(&found.ok().body), name);
        let known = post(&bench, &client, "introspect", json!({"token": token})).await;
        assert_eq!(known["active"], true);
        let refresh =
            json!({"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]});
        let pair = post(&bench, &client, "token", refresh).await;
        assert_eq!(pair["workspace_name"], name);
        bots.push(text(&pair, "access_token").to_owned());
    }
    post(&bench, &client, "revoke", json!({"token": bots[1]})).await;
    let me = async |token: &str| {
        bench.with(token, NEW, "GET", "/v1/users/me", &Value::Null).await.status
    };
    assert_eq!((me(&bots[0]).await, me(&bots[1]).await, me(&bots[2]).await), (200, 401, 200));
    // The portal knows nothing of workspaces: an app that is removed is removed everywhere.
    bench.control("DELETE", &format!("oauth/clients/{}", client.0), Value::Null).await.ok();
    assert_eq!((me(&bots[0]).await, me(&bots[2]).await), (401, 401));
}

#[tokio::test]
async fn the_consent_page_lets_a_person_choose() {
    let bench = Bench::new();
    let client = client(&bench).await;
    let ask = async |more: &str| {
        let path = format!(
            "/v1/oauth/authorize?client_id={}&response_type=code&owner=user&state=s{more}",
            client.0
        );
        bench.browse("GET", &path, &[], "").await
    };
    assert!(!ask("").await.body.contains("Connect another workspace"));
    let second = add(&bench, json!({"name": "Umbra & <co>"})).await;
    let id = text(&second, "workspace_id").to_owned();
    let page = ask("").await;
    assert!(page.body.contains("Connect another workspace"), "{}", page.body);
    assert!(
        page.body.contains(&format!("state=s&amp;_sandbox_workspace={}", id.replace('-', "%2D"))),
        "{}",
        page.body
    );
    assert!(page.body.contains("Umbra &amp; &lt;co&gt;"));
    let page = ask(&format!("&_sandbox_workspace={id}")).await;
    assert!(
        page.body.contains("wants to connect to <b>Umbra &amp; &lt;co&gt;</b>"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn workspaces_come_and_go() {
    let bench = Bench::new();
    for (body, word) in [
        (json!({}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "x", "seed": "moon"}), "seed"),
    ] {
        let answer = bench.control("POST", "workspaces", body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body["error"].as_str().unwrap().contains(word), "{}", answer.body);
    }
    let empty = add(&bench, json!({"name": "Void", "seed": "empty"})).await;
    assert!(empty["tokens"].is_null());
    let list = async || bench.control("GET", "workspaces", Value::Null).await.ok().body;
    assert_eq!(list().await.as_array().unwrap().len(), 2);
    let id = text(&empty, "workspace_id");
    bench.control("DELETE", &format!("workspaces/{id}"), Value::Null).await.ok();
    assert_eq!(bench.control("DELETE", &format!("workspaces/{id}"), Value::Null).await.status, 404);
    assert_eq!(
        bench.control("GET", &format!("workspaces/{id}/calls"), Value::Null).await.status,
        404
    );
    let first = bench.demo.workspace_id;
    let kept = bench.control("DELETE", &format!("workspaces/{first}"), Value::Null).await;
    assert_eq!(kept.status, 400, "the first one stays");
    // Another one has other ids than the one that is gone; a reset leaves the first alone.
    let other = add(&bench, json!({"name": "Void", "seed": "empty"})).await;
    assert_ne!(text(&other, "workspace_id"), id);
    for _ in 0..19 {
        add(&bench, json!({"name": "x", "seed": "empty"})).await;
    }
    let full = bench.control("POST", "workspaces", json!({"name": "x", "seed": "empty"})).await;
    assert_eq!(full.status, 400);
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(list().await.as_array().unwrap().len(), 1);
}
