//! What admins see of clients, and do about them.

use serde_json::{Value, json};
use testkit::Kit;

use super::{Client, REDIRECT, answer, at_mcp, form, pair, register};
use crate::browser::{Browser, FORM};

async fn clients(kit: &Kit, key: &str) -> Vec<Value> {
    let reply = kit.get(key, "/api/v1/clients").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_grant_is_seen_among_the_keys_with_its_client_and_who_let_it_in() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (access, _) = client.tokens().await;
    kit.clock.advance(std::time::Duration::from_secs(60));
    at_mcp(&kit, &access).await.unwrap();
    let keys = kit.get(&kit.admin, "/api/v1/keys").await.json();
    let grant = keys["items"].as_array().unwrap().iter().find(|it| it["client"].is_object());
    let shown = grant.unwrap()["client"].clone();
    let admin = format!("key:{}", &kit.admin[4..16]);
    assert_eq!(
        shown,
        json!({
            "client_id": client.id, "name": "Probe <b>", "redirect": "client.example",
            "approved_by": admin, "resource": client.resource(),
            "used_at": model::Clock::now(&*kit.clock),
        })
    );
    assert!(grant.unwrap()["expires_at"].is_string());
    let page = Browser::signed_in(&kit).await.get("/dashboard/keys").await.text();
    let told = page.split_once("MCP client").expect("a client").1;
    for word in ["client.example", admin.as_str(), "last used"] {
        assert!(told.contains(word), "{word}: {page}");
    }
    assert!(!page.contains("Probe <b>"));
    // Ended there, it opens nothing.
    let browser = Browser::signed_in(&kit).await;
    let id = grant.unwrap()["id"].as_str().unwrap();
    assert_eq!(browser.submit("/dashboard/keys/end", &format!("&key={id}")).await.status, 303);
    assert!(at_mcp(&kit, &access).await.is_err());
    kit.finish().await;
}

#[tokio::test]
async fn as_40_a_registration_is_in_the_ledger_before_the_client_is_there() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let told = kit.entries(20).await;
    let entry = told.iter().find(|entry| entry.operation == "register-client").unwrap();
    assert_eq!((entry.resource.id.as_str(), entry.principal.as_str()), (&*client.id, "visitor"));
    assert_eq!(entry.metadata["name"], ledger::Meta::from("Probe <b>"));
    assert_eq!(entry.metadata["redirect"], ledger::Meta::from("client.example"));
    kit.finish().await;
}

#[tokio::test]
async fn admins_see_who_was_let_in_and_end_it() {
    let kit = Kit::start().await;
    let [idle, client] = [Client::new(&kit).await, Client::new(&kit).await];
    let (access, refresh) = client.tokens().await;
    let seen = clients(&kit, &kit.admin).await;
    assert_eq!(seen.len(), 1, "who only registered is nobody's: {seen:?}");
    assert_eq!(
        (&seen[0]["client_id"], &seen[0]["grants"], &seen[0]["kind"]),
        (&json!(client.id), &json!(1), &json!("registered"))
    );
    assert_eq!(seen[0]["redirects"], json!(["client.example"]));
    let all = kit.as_operator("GET", "/api/v1/clients", None, None).await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "the operator sees both");
    let path = |id: &str| format!("/api/v1/clients/{id}");
    for missing in [idle.id.as_str(), "ngc_unknown", "https:%2F%2Fx.example%2Fy"] {
        assert_eq!(kit.delete(&kit.admin, &path(missing)).await.status, 404, "{missing}");
    }
    assert_eq!(kit.delete(&kit.admin, &path(&client.id)).await.status, 204);
    assert!(at_mcp(&kit, &access).await.is_err());
    assert_eq!(client.refresh(&refresh).await.json()["error"], "invalid_client");
    assert!(clients(&kit, &kit.admin).await.is_empty());
    let told = kit.entries(40).await;
    assert!(told.iter().any(|it| it.operation == "delete-client" && it.resource.id == client.id));
    kit.finish().await;
}

#[tokio::test]
async fn as_40_an_admin_enters_a_client_and_only_that_tenant_can_let_it_in() {
    let kit = Kit::start_with(|options| options.authorization.registration = false).await;
    let enter = async |body: Value| kit.post(&kit.admin, "/api/v1/clients", &body).await;
    for (bad, word) in [
        (json!({ "name": "", "redirect_uris": [REDIRECT] }), "name"),
        (json!({ "name": "x", "redirect_uris": [] }), "redirect_uris"),
        (json!({ "name": "x", "redirect_uris": ["javascript:x"] }), "redirect_uris"),
        (json!({ "name": "x", "redirect_uris": [REDIRECT], "auth_method": "y" }), "auth_method"),
        (json!({ "name": "x", "redirect_uris": [REDIRECT], "more": 1 }), "more"),
    ] {
        let reply = enter(bad.clone()).await;
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text());
        assert!(reply.text().contains(word), "{bad}: {}", reply.text());
    }
    let body = json!({
        "name": "Ours", "redirect_uris": [REDIRECT], "auth_method": "client_secret_post",
    });
    let made = enter(body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let secret = made.json()["client_secret"].as_str().unwrap().to_owned();
    let id = made.json()["client_id"].as_str().unwrap().to_owned();
    let client = Client { kit: &kit, id: id.clone(), redirect: REDIRECT.into() };
    assert!(!kit.get(&kit.admin, "/api/v1/clients").await.text().contains(&secret));
    // It never goes stale, and gets tokens with its secret.
    kit.clock.advance(std::time::Duration::from_secs(500 * 24 * 3600));
    let browser = Browser::signed_in(&kit).await;
    let code = answer(&client.approve(&browser, &[]).await, "code").unwrap();
    let with_secret = format!("{}&client_secret={secret}", client.exchange(&code, &[]));
    let reply = kit.raw("POST", "/oauth/token", &[("content-type", FORM)], Some(with_secret)).await;
    let (access, _) = pair(&reply);
    assert!(at_mcp(&kit, &access).await.is_ok());
    // To people of another tenant there is no such client.
    let body = json!({ "name": "other" });
    let other = kit.as_operator("POST", "/api/v1/tenants", None, Some(&body)).await.json();
    let mut theirs = Browser::new(&kit);
    theirs.sign_in(other["key"].as_str().unwrap()).await;
    let page = theirs.get(&format!("/oauth/authorize?{}", client.query(&[]))).await;
    assert_eq!((page.status, page.header("location")), (400, None));
    let fields = [("request", client.query(&[])), ("decision", "allow".to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = theirs.submit("/oauth/authorize", &format!("&{}", form(&fields))).await;
    assert_eq!((reply.status, reply.header("location")), (400, None));
    assert_eq!(
        kit.delete(other["key"].as_str().unwrap(), &format!("/api/v1/clients/{id}")).await.status,
        404
    );
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/clients/{id}")).await.status, 204);
    assert!(at_mcp(&kit, &access).await.is_err());
    // Nobody registers here.
    assert_eq!(register(&kit, &json!({ "redirect_uris": [REDIRECT] })).await.status, 403);
    kit.finish().await;
}
