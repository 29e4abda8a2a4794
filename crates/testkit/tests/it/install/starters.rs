//! Who may begin an installation.

use model::Role;
use notion::oauth::OAuthClient;
use testkit::Kit;

use super::{Browser, back, exchanges, stored};

/// A gate that people reach under a public name.
async fn public() -> Kit {
    Kit::start_with(|options| {
        let redirect_uri = "https://gate.example/auth/notion/callback".to_owned();
        options.oauth = options.oauth.take().map(|app| OAuthClient { redirect_uri, ..app });
    })
    .await
}

#[tokio::test]
async fn strangers_sign_in_first_and_admins_begin() {
    let kit = public().await;
    let reply = kit.raw("GET", "/auth/notion?owner=workspace", &[], None).await;
    assert_eq!(reply.status, 303);
    assert!(reply.header("location").unwrap().starts_with("/dashboard"), "{:?}", reply.headers);
    assert!(reply.header("set-cookie").is_none());

    let begin = async |key: &str| {
        let bearer = format!("Bearer {key}");
        kit.raw("GET", "/auth/notion", &[("authorization", &bearer)], None).await
    };
    assert_eq!(begin("ngk_nonsense").await.status, 401);
    for (role, within) in
        [(Role::Viewer, vec![]), (Role::Editor, vec![]), (Role::Admin, vec![kit.demo.team_page_id])]
    {
        let reply = begin(&kit.key(role, &within).await).await;
        assert_eq!(reply.status, 403, "{role}: {}", reply.text());
        assert!(reply.header("location").is_none());
    }
    let reply = begin(&kit.admin).await;
    assert_eq!(reply.status, 302);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Max-Age=600; Secure"), "{cookie}");
    kit.finish().await;
}

#[tokio::test]
async fn only_the_person_at_this_machine_needs_no_key() {
    let kit = Kit::start().await;
    let port = kit.url.rsplit(':').next().unwrap();
    let begin =
        async |headers: &[(&str, &str)]| kit.raw("GET", "/auth/notion", headers, None).await.status;
    assert_eq!(begin(&[]).await, 302);
    for host in [format!("localhost:{port}"), format!("[::1]:{port}")] {
        assert_eq!(begin(&[("host", &host)]).await, 302, "{host}");
    }
    for headers in [
        [("host", "gate.example.com")],
        [("host", "127.0.0.1.nip.io")],
        [("x-forwarded-for", "203.0.113.7")],
        [("forwarded", "for=203.0.113.7")],
        [("x-forwarded-proto", "https")],
        [("x-real-ip", "127.0.0.1")],
        [("via", "1.1 proxy")],
    ] {
        assert_eq!(begin(&headers).await, 303, "{headers:?}");
    }
    // A browser that would lose its cookie on the way begins where it comes back.
    let other = format!("localhost:{port}");
    let headers = [("host", other.as_str()), ("sec-fetch-mode", "navigate")];
    let reply = kit.raw("GET", "/auth/notion?owner=user", &headers, None).await;
    assert_eq!(reply.status, 303);
    let there = format!("{}/auth/notion?owner=user", kit.url);
    assert_eq!(reply.header("location"), Some(there.as_str()));
    kit.finish().await;
}

#[tokio::test]
async fn whoever_begins_must_still_be_an_admin_at_the_end() {
    let kit = Kit::start().await;
    let (key, page) = (kit.key(Role::Admin, &[]).await, kit.demo.team_page_id);
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let (one, two) = (
        Browser::begin_with(&kit, "", &headers).await,
        Browser::begin_with(&kit, "", &headers).await,
    );
    let (first, second) = (one.approve(page).await, two.approve(page).await);
    assert_eq!(one.back(&first).await.status, 302);
    let id = key.split('_').nth(1).unwrap();
    let by = stored(&kit).await.remove(0).authorized_by;
    assert_eq!(by, format!("key:{id}"));
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/keys/{id}")).await.status, 204);
    let reply = two.back(&second).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(exchanges(&kit).await, 1);
    kit.finish().await;
}

#[tokio::test]
async fn without_oauth_both_routes_say_so() {
    let kit = Kit::start_with(|options| options.oauth = None).await;
    let bearer = format!("Bearer {}", kit.admin);
    let json = [("accept", "application/json"), ("authorization", bearer.as_str())];
    let reply = kit.raw("GET", "/auth/notion", &json, None).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["code"], "oauth_not_configured");
    assert!(reply.text().contains("NOTION_OAUTH_CLIENT_ID"));
    let reply = kit.raw("GET", "/auth/notion", &[], None).await;
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("OAuth is not set up here"));
    let reply = back(&kit, "code=x&state=y", &[]).await;
    assert_eq!(reply.status, 404);
    kit.finish().await;
}
