//! What a provider, or somebody in its place, says that must let nobody in.

use std::time::Duration;

use model::Clock;
use serde_json::{Value, json};
use testkit::Reply;

use super::provider::Signing;
use super::{Underway, add_user, back, browser, session_of, sign_in, start};

fn is_refused(reply: &Reply, status: u16, case: &str) {
    assert_eq!(reply.status, status, "{case}: {}", reply.text());
    assert!(session_of(reply).is_none(), "{case}: a session");
    let mut lines = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    assert!(lines.all(|line| line.starts_with("notegate_oidc=;")), "{case}");
}

#[tokio::test]
async fn tokens_that_are_not_what_they_must_be_let_nobody_in() {
    let (kit, provider) = start(None).await;
    add_user(&kit, "ada@example.com", "admin").await;
    let now = kit.clock.now().as_second();
    let plain = Signing::Curve;
    let cases: &[(&str, Signing, Value, &str)] = &[
        ("wrong nonce", plain, json!({ "nonce": "of another" }), "token_nonce"),
        ("no nonce", plain, json!({ "nonce": null }), "token_nonce"),
        ("wrong audience", plain, json!({ "aud": "another client" }), "token_audience"),
        ("two audiences", plain, json!({ "aud": ["gate client", "x"] }), "token_audience"),
        ("made for another", plain, json!({ "azp": "another client" }), "token_audience"),
        ("wrong issuer", plain, json!({ "iss": "https://evil.example" }), "token_issuer"),
        ("expired", plain, json!({ "exp": now - 61 }), "token_time"),
        ("no end", plain, json!({ "exp": null }), "token_time"),
        ("of the future", plain, json!({ "iat": now + 3600 }), "token_time"),
        ("no subject", plain, json!({ "sub": null }), "token_subject"),
        ("no signature", Signing::Nothing, json!({}), "token_algorithm"),
        ("public key as secret", Signing::PublicKeyAsSecret, json!({}), "token_algorithm"),
        ("a key of its own", Signing::Unpublished, json!({}), "token_signature"),
        ("signature of another", Signing::Broken, json!({}), "token_signature"),
    ];
    for (number, (case, signing, claims, reason)) in cases.iter().enumerate() {
        if number % 5 == 4 {
            // The limiter would take it for an attack, which it is.
            kit.clock.advance(Duration::from_secs(60));
        }
        let later = kit.clock.now().as_second();
        provider.change(|it| {
            (it.signing, it.claims, it.now) = (*signing, claims.clone(), later);
        });
        is_refused(&sign_in(&kit, &provider).await, 502, case);
        let entry = kit.entries(1).await.remove(0);
        assert_eq!(entry.reason.as_deref(), Some(*reason), "{case}");
        assert_eq!((&*entry.operation, entry.result.as_str()), ("sign-in", "denied"), "{case}");
    }
    let users = kit.get(&kit.admin, "/api/v1/users").await.json();
    assert_eq!(users["items"][0]["identity"], Value::Null, "somebody was bound");
    // The same provider, honest: both kinds of keys.
    kit.clock.advance(Duration::from_secs(60));
    let later = kit.clock.now().as_second();
    for signing in [Signing::Curve, Signing::Rsa] {
        provider.change(|it| (it.signing, it.claims, it.now) = (signing, json!({}), later));
        assert_eq!(sign_in(&kit, &provider).await.status, 303);
    }
    kit.finish().await;
}

#[tokio::test]
async fn what_comes_back_counts_once_in_its_own_browser_from_its_own_provider() {
    let (kit, provider) = start(None).await;
    add_user(&kit, "ada@example.com", "admin").await;
    let (one, two) = (Underway::begin(&kit, "").await, Underway::begin(&kit, "").await);
    assert_ne!(one.sent["state"], two.sent["state"]);
    assert_ne!(one.sent["nonce"], two.sent["nonce"]);
    assert_ne!(one.sent["code_challenge"], two.sent["code_challenge"]);
    let query = one.query(&provider);
    let asked = provider.count("/token");
    is_refused(&back(&kit, &query, &[]).await, 403, "no cookie");
    is_refused(&two.back(&kit, &query).await, 403, "another browser");
    is_refused(&back(&kit, "code=x&state=guessed", &[("cookie", &one.cookie)]).await, 403, "guess");
    is_refused(&one.back(&kit, &format!("{query}&state=x")).await, 403, "two states");
    assert_eq!(provider.count("/token"), asked, "the provider was asked");
    assert_eq!(one.back(&kit, &query).await.status, 303);
    is_refused(&one.back(&kit, &query).await, 403, "replayed");
    assert_eq!(provider.count("/token"), asked + 1);

    // The code of one sign-in in another one: the verifier does not fit.
    let three = Underway::begin(&kit, "").await;
    let mixed = two.query(&provider).replace(&two.sent["state"], &three.sent["state"]);
    is_refused(&three.back(&kit, &mixed).await, 502, "code of another sign-in");
    assert_eq!(kit.entries(1).await[0].reason.as_deref(), Some("exchange_refused"));

    // A server in between answers in the provider's name (RFC 9207).
    for (number, issuer) in ["https://evil.example", "", " "].into_iter().enumerate() {
        let mixed = Underway::begin(&kit, "").await;
        let query = mixed.query_from(&provider, issuer);
        is_refused(&mixed.back(&kit, &query).await, 403, &format!("issuer {number}"));
    }
    kit.clock.advance(Duration::from_secs(60));
    let silent = Underway::begin(&kit, "").await;
    let query = silent.query(&provider);
    let query = query.split("&iss=").next().unwrap();
    is_refused(&silent.back(&kit, query).await, 403, "no issuer");

    let denied = Underway::begin(&kit, "").await;
    let query = format!(
        "error=access_denied%3Cscript%3E&state={}&iss={}",
        denied.sent["state"], provider.url
    );
    let reply = denied.back(&kit, &query).await;
    is_refused(&reply, 403, "denied");
    assert!(reply.text().contains("access_denied&lt;script&gt;"), "{}", reply.text());

    let slow = Underway::begin(&kit, "").await;
    let query = slow.query(&provider);
    kit.clock.advance(Duration::from_secs(600));
    is_refused(&slow.back(&kit, &query).await, 403, "too late");
    kit.finish().await;
}

#[tokio::test]
async fn keys_that_the_provider_changes_are_followed_at_once() {
    let (kit, provider) = start(None).await;
    add_user(&kit, "ada@example.com", "viewer").await;
    let hers = browser(&kit, &provider).await;
    provider.rotate();
    assert_eq!(sign_in(&kit, &provider).await.status, 303);
    assert_eq!(hers.get("/dashboard/keys").await.status, 200, "who is in stays in");
    kit.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_not_the_one_is_not_asked_further() {
    let (kit, provider) = start(None).await;
    let begin = async || kit.raw("GET", "/auth/oidc", &[], None).await;
    for change in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "token_endpoint": "http://evil.example/token" }),
        json!({ "jwks_uri": "ftp://127.0.0.1/keys" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "jwks_uri": null }),
    ] {
        provider.change(|it| it.metadata = change.clone());
        let reply = begin().await;
        assert_eq!(reply.status, 502, "{change}: {}", reply.text());
        assert_eq!(reply.header("location"), None);
        assert!(!reply.text().contains("evil"), "what the provider says is for the log");
    }
    provider.change(|it| it.metadata = json!({}));
    assert_eq!(begin().await.status, 302);
    // Beginning costs the provider a question at most every ten minutes, and is limited.
    let asked = provider.count("/.well-known");
    let statuses = [begin().await.status, begin().await.status];
    assert_eq!((statuses, provider.count("/.well-known")), ([302, 302], asked));
    for _ in 0..10 {
        begin().await;
    }
    let limited = begin().await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").is_some());
    assert_eq!(kit.raw("POST", "/auth/oidc", &[], None).await.status, 405);
    kit.finish().await;
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let (kit, provider) = start(None).await;
    add_user(&kit, "ada@example.com", "viewer").await;
    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2Fdashboard%2F%2Fevil",
        "%2Fdashboard%0d%0aa%3Ab",
        "%2Fauth%2Foidc",
    ] {
        let underway = Underway::begin(&kit, &format!("?next={next}")).await;
        let query = underway.query(&provider);
        let reply = underway.back(&kit, &query).await;
        assert_eq!(reply.header("location"), Some("/dashboard"), "{next}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_sign_in() {
    let kit = testkit::Kit::start().await;
    let page = kit.raw("GET", "/dashboard/sign-in", &[], None).await.text();
    assert!(!page.contains("/auth/oidc"), "{page}");
    for path in ["/auth/oidc", "/auth/oidc/callback?code=x&state=y"] {
        let reply = kit.raw("GET", path, &[], None).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    kit.finish().await;
}
