//! What comes back is not what was given out, or is meant to do harm.

use std::time::Duration;

use testkit::{Kit, Reply};

use super::{Browser, back, connected, exchanges, stored};

fn is_refused(reply: &Reply) {
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(reply.text().contains("possible CSRF"), "{}", reply.text());
}

#[tokio::test]
async fn f025_nc_01_a_state_works_once_for_ten_minutes_in_its_own_browser() {
    let kit = Kit::start().await;
    let page = kit.demo.team_page_id;
    let (one, two) = (Browser::begin(&kit, "").await, Browser::begin(&kit, "").await);
    assert_ne!(one.sent("state"), two.sent("state"));
    assert_ne!(one.cookie, two.cookie);
    let query = one.approve(page).await;

    // In another browser, in none, with two cookies: refused, and the right one is not spoiled by it.
    is_refused(&back(&kit, &query, &[("cookie", &two.cookie)]).await);
    is_refused(&back(&kit, &query, &[]).await);
    let both = format!("{}; {}", one.cookie, two.cookie);
    is_refused(&back(&kit, &query, &[("cookie", &both)]).await);
    connected(&one.back(&query).await);
    is_refused(&one.back(&query).await);

    let query = two.approve(page).await;
    kit.clock.advance(Duration::from_secs(600));
    is_refused(&two.back(&query).await);

    assert_eq!(exchanges(&kit).await, 1, "Notion was asked for what was refused");
    assert_eq!(stored(&kit).await.len(), 1);
    let entries = kit.entries(50).await;
    let refused: Vec<_> =
        entries.iter().filter(|entry| entry.operation == "oauth_state_mismatch").collect();
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().all(|entry| entry.result.as_str() == "denied"));
    let reasons: Vec<_> = refused.iter().map(|entry| entry.reason.as_deref().unwrap()).collect();
    let other = "state_of_another_browser";
    assert_eq!(reasons, ["state_expired", "state_replayed", other, other, other]);
    kit.finish().await;
}

#[tokio::test]
async fn f026_nc_01_what_is_no_state_is_refused_and_audited_within_a_bound() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    let state = browser.sent("state");
    let changed = query.replace(&state, &format!("{}A{}", &state[..40], &state[41..]));
    for query in [
        "",
        "code=x",
        "code=x&state=",
        "code=x&state=guessed",
        &changed,
        &format!("{query}&state={state}"),
        &format!("code=x&state={}", "A".repeat(5000)),
        "code=x&state=%00%ff%fe",
        "code=x&state=..%2f..%2fetc",
    ] {
        is_refused(&browser.back(query).await);
    }
    let denied = async || {
        let entries = kit.entries(200).await;
        entries.iter().filter(|entry| entry.operation == "oauth_state_mismatch").count()
    };
    assert_eq!(denied().await, 9);
    for _ in 0..60 {
        is_refused(&back(&kit, "code=x&state=guessed", &[]).await);
    }
    assert_eq!(denied().await, 30, "whoever has nothing to lose could fill the disk");
    kit.clock.advance(Duration::from_secs(60));
    is_refused(&back(&kit, "code=x&state=guessed", &[]).await);
    assert_eq!(denied().await, 31);
    assert_eq!(exchanges(&kit).await, 0);
    // All that did not spoil the right one.
    connected(&browser.back(&query).await);
    kit.finish().await;
}

#[tokio::test]
async fn f051_nc_05_a_refusal_at_notion_is_told_and_escaped() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.answer("&_sandbox_approve=0").await;
    let reply = browser.back(&query).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("Authorization denied: access_denied"), "{}", reply.text());
    let entry = kit.entries(1).await.remove(0);
    assert_eq!((&*entry.operation, entry.result.as_str()), ("authorize-workspace", "denied"));
    // It used up the state.
    is_refused(&browser.back(&query.replace("error=access_denied", "code=x")).await);

    let hostile = "error=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%26%0d%0aSet-Cookie:%20a=b";
    for query in [hostile.to_owned(), format!("{hostile}&error_description={hostile}&state=x")] {
        let reply = back(&kit, &query, &[]).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", reply.text());
        assert!(!reply.text().contains("<script"));
        assert!(
            reply
                .headers
                .get_all("set-cookie")
                .iter()
                .all(|line| { line.to_str().unwrap().starts_with("notegate_install=;") })
        );
    }
    let long = back(&kit, &format!("error={}", "x".repeat(7000)), &[]).await;
    assert_eq!(long.status, 400);
    assert!(!long.text().contains(&"x".repeat(100)));
    let json = back(&kit, "error=access_denied", &[("accept", "application/json")]).await;
    assert_eq!(json.status, 400);
    assert_eq!(json.header("content-type"), Some("application/problem+json"));
    assert_eq!(json.json()["code"], "authorization_denied");
    assert!(
        json.json()["detail"].as_str().unwrap().starts_with("Authorization denied: access_denied")
    );
    kit.finish().await;
}

#[tokio::test]
async fn pages_can_do_nothing_but_be_read() {
    let kit = Kit::start().await;
    let reply = back(&kit, "code=x&state=y", &[("accept", "text/html,application/json")]).await;
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(reply.header(name), Some(value));
    }
    assert!(!reply.text().contains("<script") && reply.text().contains("width=device-width"));
    kit.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_without_asking_notion() {
    let kit = Kit::start().await;
    for (more, words) in [
        ("&code=second", "repeated"),
        ("&error=access_denied", "both a code and an error"),
        ("&iss=a&iss=b", "repeated"),
    ] {
        let browser = Browser::begin(&kit, "").await;
        let query = browser.approve(kit.demo.team_page_id).await;
        let reply = browser.back(&format!("{query}{more}")).await;
        assert_eq!(reply.status, 400, "{more}: {}", reply.text());
        assert!(reply.text().contains(words), "{more}: {}", reply.text());
    }
    let browser = Browser::begin(&kit, "").await;
    let reply = browser.back(&format!("state={}", browser.sent("state"))).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("no code came back"), "{}", reply.text());
    assert_eq!(exchanges(&kit).await, 0);
    kit.finish().await;
}

#[tokio::test]
async fn nc_04_another_issuer_is_refused_and_the_own_is_taken() {
    let kit = Kit::start().await;
    let back = async |issuer: &str| {
        let browser = Browser::begin(&kit, "").await;
        let query = browser.approve(kit.demo.team_page_id).await;
        browser.back(&format!("{query}&iss={issuer}")).await
    };
    is_refused(&back("https%3A%2F%2Fevil.example").await);
    assert_eq!(exchanges(&kit).await, 0);
    let own = kit.sandbox.url().replace(':', "%3A").replace('/', "%2F");
    connected(&back(&own).await);
    kit.finish().await;
}

#[tokio::test]
async fn a_look_ahead_uses_nothing_up() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    let path = format!("{}?{query}", web::CALLBACK_PATH);
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
        let reply = kit.raw(method, &path, &[("cookie", &browser.cookie)], None).await;
        assert_eq!(reply.status, 405, "{method}");
    }
    connected(&browser.back(&query).await);
    kit.finish().await;
}
