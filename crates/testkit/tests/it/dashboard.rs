//! `/dashboard` as browsers meet it: sessions, forms, and what must not be possible.

use std::time::Duration;

use gate::KeyRequest;
use model::Role;
use testkit::Kit;
use web::Site;

use crate::browser::{Browser, FORM};

/// Every page for people who are signed in.
const PAGES: &[&str] = &[
    "/dashboard",
    "/dashboard/activity",
    "/dashboard/activity?result=denied",
    "/dashboard/webhooks",
    "/dashboard/webhooks/subscriptions/nothing/delete",
    "/dashboard/connect",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/rotate",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/disconnect",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/access",
    "/dashboard/no-such-page",
];
/// Every form for people who are signed in.
const FORMS: &[&str] = &[
    "/dashboard/activity/verify",
    "/dashboard/webhooks/pairing",
    "/dashboard/webhooks/events/replay",
    "/dashboard/webhooks/subscriptions/delete",
    "/dashboard/connect",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/rotate",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/disconnect",
    "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/access",
    "/dashboard/sign-out",
];

#[tokio::test]
async fn a_cookie_comes_with_the_sign_in_and_not_before() {
    let kit = Kit::start().await;
    let mut browser = Browser::new(&kit);
    for path in ["/health", "/dashboard/sign-in", "/dashboard", "/api/openapi.json", "/v1/users"] {
        assert_eq!(browser.get(path).await.header("set-cookie"), None, "{path}");
    }
    let reply = browser.sign_in(&kit.admin).await;
    let line = reply.header("set-cookie").unwrap();
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    assert!(pair.strip_prefix("notegate=").is_some_and(|token| token.len() == 43), "{pair}");
    assert!(!line.contains(&kit.admin[16..59]));
    for path in PAGES {
        let page = browser.get(path).await;
        assert_eq!(page.header("set-cookie"), None, "{path}");
        assert!(!page.text().contains(&kit.admin[16..59]), "{path}: the key stands in the page");
        assert!(!page.text().contains(pair), "{path}: the session stands in the page");
    }
    kit.finish().await;
}

#[tokio::test]
async fn behind_https_the_cookie_is_for_https_and_this_host_only() {
    let site = |https: bool| Site {
        require_tls: https,
        service_url: (!https).then(|| "https://gate.example".parse().unwrap()),
        ..Site::default()
    };
    for https in [true, false] {
        let kit = Kit::start_at(site(https), |_| {}).await;
        let host = kit.url.strip_prefix("http://").unwrap();
        let origin =
            if https { format!("https://{host}") } else { "https://gate.example".to_owned() };
        let headers = [("content-type", FORM), ("origin", &origin), ("x-forwarded-proto", "https")];
        let body = format!("key={}", kit.admin);
        let reply = kit.raw("POST", "/dashboard/sign-in", &headers, Some(body)).await;
        let line = reply.header("set-cookie").unwrap_or_else(|| panic!("{}", reply.text()));
        assert!(line.starts_with("__Host-notegate="), "{line}");
        assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{line}");
        let page = kit.raw("GET", "/dashboard/sign-in", &headers, None).await;
        assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
        kit.finish().await;
    }
}

#[tokio::test]
async fn who_is_not_signed_in_sees_nothing_and_comes_back_afterwards() {
    let kit = Kit::start().await;
    let mut browser = Browser::new(&kit);
    for cookie in [None, Some("notegate="), Some("notegate=x"), Some("notegate=\"><script>")] {
        browser.cookie = cookie.map(str::to_owned);
        for path in PAGES {
            let reply = browser.get(path).await;
            let to = reply.header("location").unwrap_or_default();
            assert!(reply.status == 303 && to.starts_with("/dashboard/sign-in"), "{path} {to}");
            assert!(reply.bytes.is_empty());
        }
        for path in FORMS {
            let reply = browser.post(path, "form_token=x").await;
            assert_eq!(reply.header("location"), Some("/dashboard/sign-in"), "{path}");
        }
    }
    browser.cookie = None;
    let wanted = "/dashboard/activity?result=denied";
    let reply = browser.get(wanted).await;
    let page = browser.get(reply.header("location").unwrap()).await.text();
    assert!(page.contains(&format!("name=\"next\" value=\"{wanted}\"")), "{page}");
    let body = format!("key={}&next=%2Fdashboard%2Factivity%3Fresult%3Ddenied", kit.admin);
    let reply = browser.post("/dashboard/sign-in", &body).await;
    assert_eq!(reply.header("location"), Some(wanted));
    // The way to Notion begins from a page: browsers hold a form's redirects to our own policy.
    let body = format!("key={}&next=%2Fauth%2Fnotion%3Fowner%3Duser", kit.admin);
    let reply = browser.post("/dashboard/sign-in", &body).await;
    assert_eq!((reply.status, reply.header("location")), (200, None));
    assert!(reply.text().contains("content=\"0;url=/auth/notion?owner=user\""));
    for elsewhere in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fdashboard%0d%0aa%3Ab"]
    {
        let body = format!("key={}&next={elsewhere}", kit.admin);
        let reply = browser.post("/dashboard/sign-in", &body).await;
        assert_eq!(reply.header("location"), Some("/dashboard"), "{elsewhere}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn only_admins_without_a_scope_sign_in_and_all_others_hear_the_same() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[]).await;
    let editor = kit.key(Role::Editor, &[]).await;
    let scoped = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    let expired = KeyRequest {
        expires_in: Some(Duration::from_secs(60)),
        ..KeyRequest::new("short", Role::Admin, Vec::new())
    };
    let expired = kit.new_key(expired).await;
    kit.clock.advance(Duration::from_secs(61));
    let mut wrong = kit.admin.clone();
    wrong.replace_range(20..21, if &wrong[20..21] == "a" { "b" } else { "a" });
    let mut browser = Browser::new(&kit);
    let mut texts = Vec::new();
    for key in [&viewer, &editor, &scoped, &expired, &wrong, "", "%00%ff", "nonsense"] {
        let reply = browser.sign_in(key).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{key}");
        assert!(key.len() < 9 || !reply.text().contains(key), "the key is shown");
        texts.push(reply.text());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "the answers differ");
    let entries = kit.entries(20).await;
    let denied = entries.iter().filter(|entry| entry.operation == "sign-in");
    assert!(denied.filter(|entry| entry.action == "manage_denied").count() == 3, "{entries:?}");
    kit.finish().await;
}

#[tokio::test]
async fn attempts_to_sign_in_are_bounded_for_each_source() {
    let kit = Kit::start().await;
    let mut browser = Browser::new(&kit);
    for _ in 0..10 {
        assert_eq!(browser.sign_in("nonsense").await.status, 403);
    }
    let reply = browser.sign_in(&kit.admin).await;
    assert_eq!((reply.status, reply.header("set-cookie")), (429, None));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    kit.clock.advance(Duration::from_secs(seconds));
    assert_eq!(browser.sign_in(&kit.admin).await.status, 303);
    kit.finish().await;
}

#[tokio::test]
async fn a_session_cannot_be_planted_and_ends_at_the_sign_out() {
    let kit = Kit::start().await;
    let mut browser = Browser::new(&kit);
    let planted = format!("notegate={}", "a".repeat(43));
    browser.cookie = Some(planted.clone());
    browser.sign_in(&kit.admin).await;
    let first = browser.cookie.clone().unwrap();
    assert_ne!(first, planted);
    browser.sign_in(&kit.admin).await;
    let second = browser.cookie.clone().unwrap();
    assert_ne!(first, second);
    // The new sign-in ended the session before it.
    browser.cookie = Some(first);
    assert!(!browser.is_signed_in().await);
    browser.cookie = Some(second);
    assert!(browser.is_signed_in().await);
    let reply = browser.submit("/dashboard/sign-out", "").await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/dashboard/sign-in")));
    assert!(reply.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(!browser.is_signed_in().await, "the cookie of before still works");
    let entries = kit.entries(20).await;
    let of = |operation: &str| entries.iter().filter(|e| e.operation == operation).count();
    assert_eq!((of("sign-in"), of("sign-out")), (2, 2));
    kit.finish().await;
}

#[tokio::test]
async fn a_session_ends_with_time_and_with_its_key() {
    let kit = Kit::start().await;
    let idle = Browser::signed_in(&kit).await;
    kit.clock.advance(Duration::from_secs(3600));
    assert!(!idle.is_signed_in().await);

    let busy = Browser::signed_in(&kit).await;
    for _ in 0..15 {
        kit.clock.advance(Duration::from_secs(1900));
        assert!(busy.is_signed_in().await);
    }
    kit.clock.advance(Duration::from_secs(1900));
    assert!(!busy.is_signed_in().await, "eight hours are the end");

    let request = KeyRequest {
        expires_in: Some(Duration::from_secs(600)),
        ..KeyRequest::new("short", Role::Admin, Vec::new())
    };
    let short = kit.new_key(request).await;
    let mut browser = Browser::new(&kit);
    browser.sign_in(&short).await;
    assert!(browser.is_signed_in().await);
    kit.clock.advance(Duration::from_secs(600));
    assert!(!browser.is_signed_in().await, "the key expired");

    let other = kit.key(Role::Admin, &[]).await;
    let mut browser = Browser::new(&kit);
    browser.sign_in(&other).await;
    let token = browser.token().await;
    let id = &other[4..16];
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/keys/{id}")).await.status, 204);
    assert!(!browser.is_signed_in().await, "the key was revoked");
    let reply = browser.post("/dashboard/activity/verify", &format!("form_token={token}")).await;
    assert_eq!(reply.header("location"), Some("/dashboard/sign-in"));
    kit.finish().await;
}

#[tokio::test]
async fn forms_are_taken_from_our_own_pages_only() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    let other = Browser::signed_in(&kit).await;
    let (own, foreign) = (browser.token().await, other.token().await);
    assert_ne!(own, foreign);
    for path in FORMS {
        for body in [
            String::new(),
            "form_token=".to_owned(),
            "form_token=wrong".to_owned(),
            format!("form_token={foreign}"),
            format!("form_token={}", &own[..own.len() - 1]),
            format!("form_token=x&form_token={own}"),
        ] {
            let reply = browser.post(path, &body).await;
            assert_eq!(reply.status, 403, "{path} {body}");
            assert!(!reply.text().contains(&own));
        }
        let body = format!("form_token={own}");
        let cookie = browser.cookie.clone().unwrap();
        let cookie = ("cookie", cookie.as_str());
        let url = ("origin", kit.url.as_str());
        let form = ("content-type", FORM);
        for (headers, status) in [
            (vec![cookie, form], 403),
            (vec![cookie, form, ("origin", "https://evil.example")], 403),
            (vec![cookie, form, ("origin", "null")], 403),
            (vec![cookie, form, url, ("sec-fetch-site", "cross-site")], 403),
            (vec![cookie, form, url, ("sec-fetch-site", "same-site")], 403),
            (vec![cookie, url], 415),
            (vec![cookie, url, ("content-type", "application/json")], 415),
            (vec![cookie, url, ("content-type", "text/plain")], 415),
        ] {
            let reply = kit.raw("POST", path, &headers, Some(body.clone())).await;
            assert_eq!(reply.status, status, "{path} {headers:?}");
        }
        let large = format!("form_token={own}&x={}", "a".repeat(70_000));
        assert_eq!(browser.post(path, &large).await.status, 413);
        assert!(browser.is_signed_in().await);
    }
    assert_eq!(browser.get("/dashboard/activity/verify").await.status, 405);
    // The sign-in, too, is for our own page only: nobody shall be signed in by another site.
    let reply = Browser { origin: "https://evil.example".to_owned(), ..Browser::new(&kit) }
        .sign_in(&kit.admin)
        .await;
    assert_eq!((reply.status, reply.header("set-cookie")), (403, None));
    assert_eq!(browser.submit("/dashboard/activity/verify", "").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn pages_keep_to_themselves() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    let signed_out = Browser::new(&kit);
    let mut replies = vec![signed_out.get("/dashboard/sign-in").await];
    replies.push(signed_out.sign_in_wrongly().await);
    for path in PAGES {
        replies.push(browser.get(path).await);
    }
    for reply in &replies {
        let policy = reply.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
        let text = reply.text();
        for forbidden in ["<script", "style=", "onclick", "javascript:", "http://"] {
            assert!(!text.contains(forbidden), "{forbidden}: {text}");
        }
        let elsewhere = text.split("https://").skip(1);
        let known = elsewhere.map(|rest| rest.starts_with("www.notion.so/profile/integrations\""));
        assert!(known.into_iter().all(|known| known), "{text}");
    }
    let style = replies[0].text();
    let style = style.split("/dashboard/assets/").find(|rest| rest.starts_with("style-")).unwrap();
    let style = format!("/dashboard/assets/{}", style.split('"').next().unwrap());
    let sheet = signed_out.get(&style).await;
    assert_eq!(sheet.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(sheet.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(signed_out.get("/dashboard/assets/..%2f..%2fetc%2fpasswd").await.status, 404);
    kit.finish().await;
}

#[tokio::test]
async fn what_comes_from_outside_is_text_and_nothing_else() {
    let kit = Kit::start().await;
    let name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let hostile = kit.new_key(KeyRequest::new(name, Role::Admin, Vec::new())).await;
    let mut browser = Browser::new(&kit);
    browser.sign_in(&hostile).await;
    let request_id = ("x-request-id", "harmless");
    let bearer = format!("Bearer {hostile}");
    for path in ["/v1/pages/%3Cscript%3E", "/v1/blocks/%22%3E%3Cimg%20src%3Dx%3E"] {
        kit.raw("GET", path, &[("authorization", &bearer), request_id], None).await;
    }
    kit.entries(1).await;
    for path in PAGES {
        let text = browser.get(path).await.text();
        assert!(!text.contains("<script"), "{path}: {text}");
        assert!(!text.contains("<img src=x"), "{path}: {text}");
        assert!(text.contains("&lt;script&gt;"), "{path}: the name is missing");
    }
    for query in
        ["?result=%3Cscript%3E", "?before=-1", "?before=x", "?result=denied&before=1", "?x"]
    {
        let reply = browser.get(&format!("/dashboard/activity{query}")).await;
        assert_eq!(reply.status, 200, "{query}");
        assert!(!reply.text().contains("<script"), "{query}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn activity_tells_what_was_refused_and_whether_the_ledger_is_intact() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    kit.get(&viewer, &format!("/v1/pages/{}", kit.demo.other_page_id)).await;
    kit.get(&viewer, &format!("/v1/pages/{}", kit.demo.team_page_id)).await;
    kit.entries(1).await;
    let browser = Browser::signed_in(&kit).await;
    let refused = browser.get("/dashboard/activity?result=denied").await.text();
    assert!(refused.contains("Retrieve a page"), "{refused}");
    assert!(refused.contains(&kit.demo.other_page_id.to_string()));
    assert!(
        refused.contains("outside the key&#39;s scope")
            || refused.contains("outside the key's scope")
    );
    assert!(!refused.contains(&kit.demo.team_page_id.to_string()));
    let all = browser.get("/dashboard/activity").await.text();
    assert!(all.contains(&kit.demo.team_page_id.to_string()));
    let checked = browser.submit("/dashboard/activity/verify", "").await;
    assert_eq!(checked.status, 200);
    assert!(checked.text().contains("The ledger is intact."), "{}", checked.text());
    kit.finish().await;
}
