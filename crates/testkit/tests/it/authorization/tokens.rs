//! Codes, refresh tokens, and how grants end.

use std::time::Duration;

use serde_json::json;
use testkit::{Kit, Reply};

use super::{Client, answer, at_mcp, claims, form, pair};
use crate::browser::{Browser, FORM};

fn error(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn as_21_of_many_who_show_a_code_at_once_one_gets_tokens() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let form = client.exchange(&client.code().await, &[]);
    let replies = futures_util::future::join_all((0..8).map(|_| client.token(form.clone()))).await;
    assert!(replies.iter().filter(|reply| reply.status == 200).count() <= 1);
    assert!(
        replies.iter().filter(|reply| reply.status != 200).all(|it| error(it) == invalid_grant())
    );
    // As it was shown more than once, what came of it has ended.
    if let Some(good) = replies.iter().find(|reply| reply.status == 200) {
        assert!(at_mcp(&kit, &pair(good).0).await.is_err());
    }
    kit.finish().await;
}

#[tokio::test]
async fn as_21_a_code_that_is_shown_again_ends_what_came_of_it() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let form = client.exchange(&client.code().await, &[]);
    let (access, refresh) = pair(&client.token(form.clone()).await);
    assert!(at_mcp(&kit, &access).await.is_ok());
    assert_eq!(error(&client.token(form).await), invalid_grant());
    assert!(at_mcp(&kit, &access).await.is_err());
    assert_eq!(error(&client.refresh(&refresh).await), invalid_grant());
    let told = kit.entries(20).await;
    let end = told.iter().find(|entry| entry.operation == "end-grant").unwrap();
    assert_eq!(end.metadata["why"], ledger::Meta::from("code_replayed"));
    kit.finish().await;
}

#[tokio::test]
async fn as_20_as_22_as_23_as_27_a_code_is_bound_and_used_up_by_the_first_try() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let other = Client::new(&kit).await;
    let good = client.code().await;
    for (changed, word) in [
        (("client_id", Some(other.id.as_str())), "invalid_grant"),
        (("redirect_uri", Some("https://client.example/other")), "invalid_grant"),
        (("redirect_uri", None), "invalid_grant"),
        (("code_verifier", Some("x".repeat(43).as_str())), "invalid_grant"),
        (("code_verifier", Some("short")), "invalid_grant"),
        (("code_verifier", None), "invalid_grant"),
        (("resource", Some("https://evil.example/mcp")), "invalid_target"),
    ] {
        let code = client.code().await;
        let reply = client.token(client.exchange(&code, &[changed])).await;
        assert_eq!(error(&reply), (400, word.to_owned()), "{changed:?}");
        let reply = client.token(client.exchange(&code, &[])).await;
        assert_eq!(error(&reply), invalid_grant(), "{changed:?}: it is used up");
    }
    assert_eq!(error(&client.token(client.exchange("nonsense", &[])).await), invalid_grant());
    kit.clock.advance(Duration::from_secs(60));
    assert_eq!(error(&client.token(client.exchange(&good, &[])).await), invalid_grant(), "too old");
    kit.finish().await;
}

#[tokio::test]
async fn as_22_a_code_is_no_good_once_who_approved_it_is_gone() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let admin = kit.key(model::Role::Admin, &[]).await;
    let mut browser = Browser::new(&kit);
    browser.sign_in(&admin).await;
    let code = answer(&client.approve(&browser, &[]).await, "code").unwrap();
    kit.gate.revoke_key(&kit.operator(), &admin[4..16], "test").await.unwrap();
    assert_eq!(error(&client.token(client.exchange(&code, &[])).await), invalid_grant());
    kit.finish().await;
}

#[tokio::test]
async fn as_26_as_33_an_access_token_says_for_whom_and_for_what_it_is() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (access, _) = client.tokens().await;
    let (header, claims) = claims(&access);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
    let keys = kit.raw("GET", "/oauth/jwks.json", &[], None).await.json();
    assert_eq!(keys["keys"][0]["kid"], header["kid"]);
    assert!(keys.to_string().contains("\"x\"") && !keys.to_string().contains("\"d\""), "AS-51");
    assert_eq!(claims["iss"], kit.url.as_str());
    assert_eq!(claims["aud"], client.resource());
    assert_eq!(claims["client_id"], client.id);
    assert_eq!(claims["scope"], "notion:read notion:write");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    assert!(claims["jti"].is_string());
    // What stands for people and what stands for clients look different.
    let subject = claims["sub"].as_str().unwrap();
    assert!(subject.starts_with("key:") || subject.starts_with("user:"), "{subject}");
    assert!(client.id.starts_with("ngc_"));
    kit.finish().await;
}

#[tokio::test]
async fn as_30_a_refresh_token_is_replaced_and_its_reuse_ends_the_grant() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (_, first) = client.tokens().await;
    let (access, second) = pair(&client.refresh(&first).await);
    assert_ne!(first, second);
    // For a moment the one before gives the same successor: the answer may have got lost.
    assert_eq!(pair(&client.refresh(&first).await).1, second);
    kit.clock.advance(Duration::from_secs(5));
    let (_, third) = pair(&client.refresh(&second).await);
    assert_ne!(second, third);
    assert!(at_mcp(&kit, &access).await.is_ok());
    // An older one is somebody else's copy, whenever it comes.
    assert_eq!(error(&client.refresh(&first).await), invalid_grant());
    assert_eq!(error(&client.refresh(&third).await), invalid_grant());
    assert!(at_mcp(&kit, &access).await.is_err());
    let told = kit.entries(30).await;
    let end = told.iter().find(|entry| entry.operation == "end-grant").unwrap();
    assert_eq!(end.metadata["why"], ledger::Meta::from("refresh_token_reused"));
    kit.finish().await;
}

#[tokio::test]
async fn as_30_who_refresh_at_once_become_one_family() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let (_, first) = client.tokens().await;
    let replies = futures_util::future::join_all((0..8).map(|_| client.refresh(&first))).await;
    let mut next: Vec<_> = replies.iter().map(|reply| pair(reply).1).collect();
    next.dedup();
    assert_eq!(next.len(), 1);
    assert_eq!(client.refresh(&next[0]).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn as_31_a_refresh_token_is_the_clients_and_never_becomes_more() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let other = Client::new(&kit).await;
    let (_, refresh) = client.tokens().await;
    let ask = async |id: &str, more: &[(&str, &str)]| {
        let pairs =
            [("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", id)];
        client.token(form(&[&pairs[..], more].concat())).await
    };
    assert_eq!(error(&ask(&other.id, &[]).await), invalid_grant());
    let wider = ask(&client.id, &[("scope", "notion:delete")]).await;
    assert_eq!(error(&wider), (400, "invalid_scope".to_owned()));
    let elsewhere = ask(&client.id, &[("resource", "https://evil.example/mcp")]).await;
    assert_eq!(error(&elsewhere), (400, "invalid_target".to_owned()));
    let narrow = ask(&client.id, &[("scope", "notion:read")]).await;
    assert_eq!(narrow.json()["scope"], "notion:read");
    let principal = at_mcp(&kit, &pair(&narrow).0).await.unwrap();
    assert_eq!(principal.role, model::Role::Viewer);
    // Changed, it is none; and the one that was changed goes on.
    let next = pair(&narrow).1;
    for index in 0..next.len() {
        let mut bytes = next.clone().into_bytes();
        bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
        let reply = client.refresh(&String::from_utf8(bytes).unwrap()).await;
        assert_eq!(error(&reply), invalid_grant(), "{index}");
    }
    let reply = client.refresh(&next).await;
    assert_eq!(reply.json()["scope"], "notion:read notion:write", "not narrowed for good");
    // It ends when nobody uses it.
    kit.clock.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(error(&client.refresh(&pair(&reply).1).await), invalid_grant());
    kit.finish().await;
}

#[tokio::test]
async fn as_31_a_grant_ends_when_the_person_said_so_however_often_it_is_refreshed() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let browser = Browser::signed_in(&kit).await;
    let code = answer(&client.approve(&browser, &[("days", "1")]).await, "code").unwrap();
    let (_, mut refresh) = pair(&client.token(client.exchange(&code, &[])).await);
    for _ in 0..5 {
        kit.clock.advance(Duration::from_secs(4 * 3600));
        refresh = pair(&client.refresh(&refresh).await).1;
    }
    kit.clock.advance(Duration::from_secs(4 * 3600));
    assert_eq!(error(&client.refresh(&refresh).await), invalid_grant());
    kit.finish().await;
}

#[tokio::test]
async fn as_32_grants_are_ended_by_their_client_by_people_and_by_nobody_else() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let other = Client::new(&kit).await;
    let revoke = async |client: &Client<'_>, token: &str| {
        let body = form(&[("token", token), ("client_id", &client.id)]);
        kit.raw("POST", "/oauth/revoke", &[("content-type", FORM)], Some(body)).await.status
    };
    let (access, refresh) = client.tokens().await;
    for nothing in ["unknown", "ngr_x", "eyJ.x.y"] {
        assert_eq!(revoke(&client, nothing).await, 200);
    }
    for token in [&refresh, &access] {
        assert_eq!(revoke(&other, token).await, 200);
    }
    assert!(at_mcp(&kit, &access).await.is_ok());
    assert_eq!(revoke(&client, &refresh).await, 200);
    assert!(at_mcp(&kit, &access).await.is_err());
    assert_eq!(error(&client.refresh(&refresh).await), invalid_grant());

    let (access, _) = client.tokens().await;
    assert_eq!(revoke(&client, &access).await, 200);
    assert!(at_mcp(&kit, &access).await.is_err());

    // It is a key among keys, and is ended like one.
    let (access, refresh) = client.tokens().await;
    let keys = kit.get(&kit.admin, "/api/v1/keys").await.json();
    let grant = keys["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["state"] == "active" && key["client"] != json!(null));
    let grant = grant.unwrap_or_else(|| panic!("{keys}"));
    assert_eq!(grant["client"]["client_id"], client.id);
    let path = format!("/api/v1/keys/{}", grant["id"].as_str().unwrap());
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    assert!(at_mcp(&kit, &access).await.is_err());
    assert_eq!(error(&client.refresh(&refresh).await), invalid_grant());
    kit.finish().await;
}
