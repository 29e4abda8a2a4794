//! The authorization endpoint, and the page that asks.

use model::Role;
use serde_json::json;
use testkit::Kit;

use super::{Client, answer, form, register};
use crate::browser::{Browser, FORM};

#[tokio::test]
async fn as_01_as_02_who_asks_or_where_to_answer_is_not_known_so_nobody_is_sent_anywhere() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let browser = Browser::signed_in(&kit).await;
    for changed in [
        ("client_id", None),
        ("client_id", Some("ngc_unknown")),
        ("client_id", Some("https://client.example/client.json")),
        ("client_id", Some("\"><script>")),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://client.example/callback/")),
        ("redirect_uri", Some("https://client.example/callback?x=1")),
        ("redirect_uri", Some("https://client.example:444/callback")),
        ("redirect_uri", Some("https://client.example@evil.example/callback")),
        ("redirect_uri", Some("https://evil.example/")),
        ("redirect_uri", Some("javascript:alert(1)")),
    ] {
        let path = format!("/oauth/authorize?{}", client.query(&[changed]));
        let reply = browser.get(&path).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{changed:?}");
        assert!(!reply.text().contains("<script>"));
        // And not by the form either.
        let reply = client.decide(&browser, &client.query(&[changed]), "allow", &[]).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{changed:?}");
    }
    for twice in ["client_id", "redirect_uri"] {
        let path = format!("/oauth/authorize?{}&{twice}=x", client.query(&[]));
        assert_eq!(browser.get(&path).await.status, 400, "{twice}");
    }
    let long = format!("/oauth/authorize?{}&x={}", client.query(&[]), "a".repeat(5000));
    assert_eq!(browser.get(&long).await.status, 400);
    kit.finish().await;
}

#[tokio::test]
async fn as_04_as_05_as_06_as_07_as_08_as_09_as_10_what_is_wrong_the_client_is_told() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let here = Client::at(&kit, "http://127.0.0.1:4000/callback").await;
    let (anonymous, browser) = (Browser::new(&kit), Browser::signed_in(&kit).await);
    let sign_in = Some("/dashboard/sign-in?next=%2Foauth%2Fauthorize");
    let fragment = format!("{}#x", client.resource());
    for (changed, error) in [
        (("response_type", Some("token")), "unsupported_response_type"),
        (("response_type", Some("code token")), "unsupported_response_type"),
        (("response_type", None), "invalid_request"),
        (("code_challenge", None), "invalid_request"),
        (("code_challenge", Some("short")), "invalid_request"),
        (("code_challenge", Some("+".repeat(43).as_str())), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("resource", Some("https://evil.example/mcp")), "invalid_target"),
        (("resource", Some(kit.url.as_str())), "invalid_target"),
        (("resource", Some(fragment.as_str())), "invalid_target"),
        (("scope", Some("everything")), "invalid_scope"),
    ] {
        // To a program on the person's own machine it goes at once.
        let path = format!("/oauth/authorize?{}", here.query(&[changed]));
        let reply = browser.get(&path).await;
        assert_eq!(reply.status, 303, "{changed:?}: {}", reply.text());
        assert!(reply.header("location").unwrap().starts_with("http://127.0.0.1:4000/callback?"));
        assert_eq!(answer(&reply, "error").as_deref(), Some(error), "{changed:?}");
        assert_eq!(answer(&reply, "state").as_deref(), Some("the state+of/it"));
        assert_eq!(answer(&reply, "iss").as_deref(), Some(kit.url.as_str()));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        // Elsewhere the person goes, or not: anybody can register a client.
        let path = format!("/oauth/authorize?{}", client.query(&[changed]));
        let page = browser.get(&path).await;
        assert_eq!((page.status, page.header("location")), (400, None), "{changed:?}");
        let text = page.text();
        let way = text.split_once("id=\"back\" href=\"").expect("a way back").1;
        let way = way.split('"').next().unwrap();
        assert!(way.starts_with("https://client.example/callback?error="), "{way}");
        assert!(way.contains(error) && way.contains("iss="), "{way}");
        // And nobody is sent anywhere who is not signed in.
        let reply = anonymous.get(&path).await;
        assert_eq!((reply.status, reply.header("location")), (303, sign_in), "{changed:?}");
    }
    for (twice, error) in
        [("scope", "invalid_request"), ("x", "invalid_request"), ("resource", "invalid_target")]
    {
        let path = format!("/oauth/authorize?{}&{twice}=a&{twice}=a", here.query(&[]));
        assert_eq!(answer(&browser.get(&path).await, "error").as_deref(), Some(error), "{twice}");
    }
    // AS-07: without one it is the usual door.
    let reply =
        anonymous.get(&format!("/oauth/authorize?{}", client.query(&[("resource", None)]))).await;
    assert_eq!(reply.header("location"), Some("/dashboard/sign-in?next=%2Foauth%2Fauthorize"));
    // AS-14
    assert_eq!(reply.header("access-control-allow-origin"), None);
    kit.finish().await;
}

#[tokio::test]
async fn as_09_a_person_signs_in_approves_and_goes_back_with_a_code() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let mut browser = Browser::new(&kit);
    let path = format!("/oauth/authorize?{}", client.query(&[]));
    let away = browser.get(&path).await;
    assert_eq!(away.status, 303);
    let carried = away.header("set-cookie").unwrap();
    assert!(carried.contains("HttpOnly") && carried.contains("SameSite=Lax"), "{carried}");
    browser.sign_in(&kit.admin).await;
    // The sign-in leads back, with the request in the cookie.
    let session = browser.cookie.clone().unwrap();
    let both = format!("{session}; {}", carried.split(';').next().unwrap());
    let back = kit.raw("GET", "/oauth/authorize", &[("cookie", &both)], None).await;
    assert!(back.header("set-cookie").unwrap().starts_with("notegate_oauth=;"), "{back:?}");
    let location = back.header("location").unwrap();
    assert_eq!(location, path, "so that the page can be loaded anew");
    let page = browser.get(location).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("client.example"));

    let reply = client.approve(&browser, &[]).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    assert!(answer(&reply, "code").unwrap().len() >= 22, "AS-20: 128 bits");
    assert_eq!(answer(&reply, "state").as_deref(), Some("the state+of/it"));
    assert_eq!(answer(&reply, "iss").as_deref(), Some(kit.url.as_str()));
    assert_eq!(answer(&reply, "error"), None);
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let reply = client.decide(&browser, &client.query(&[]), "deny", &[]).await;
    assert_eq!(answer(&reply, "error").as_deref(), Some("access_denied"));
    assert_eq!(answer(&reply, "iss").as_deref(), Some(kit.url.as_str()));
    assert_eq!(answer(&reply, "code"), None);
    let told = kit.entries(20).await;
    for operation in ["approve-client", "deny-client"] {
        let entry = told.iter().find(|entry| entry.operation == operation).unwrap();
        assert_eq!(entry.resource.id, client.id);
    }
    kit.finish().await;
}

#[tokio::test]
async fn as_11_the_page_says_who_asks_and_where_the_answer_goes_and_nothing_acts_on_it() {
    let kit = Kit::start().await;
    let client = Client::at(&kit, "http://127.0.0.1:4000/callback").await;
    let browser = Browser::signed_in(&kit).await;
    let path = format!("/oauth/authorize?{}", client.query(&[]));
    let page = browser.get(&path).await;
    let text = page.text();
    assert!(text.contains("Probe &lt;b&gt;") && !text.contains("Probe <b>"), "{text}");
    for told in ["127.0.0.1:4000", "id=\"loopback\"", "form_token", "read and write", &client.id] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("read, write and delete"), "it was not asked for");
    assert!(!text.contains("<script") && !text.contains("http-equiv"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:4000;"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("access-control-allow-origin"), None, "AS-14");

    let other = Client::new(&kit).await;
    let page = browser.get(&format!("/oauth/authorize?{}", other.query(&[]))).await;
    assert!(!page.text().contains("id=\"loopback\""));
    assert!(
        page.text().contains("<strong id=\"redirect\">client.example</strong>"),
        "{}",
        page.text()
    );
    kit.finish().await;
}

#[tokio::test]
async fn as_11_nc_02_without_a_form_of_the_own_session_there_is_no_code() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let browser = Browser::signed_in(&kit).await;
    let query = client.query(&[]);
    let fields =
        [("request", query.as_str()), ("decision", "allow"), ("role", "viewer"), ("days", "1")];
    let token = browser.token().await;
    let with = |token: &str| form(&[&fields[..], &[("form_token", token)]].concat());
    // No token, another's, none signed in, another origin.
    assert_eq!(browser.post("/oauth/authorize", &form(&fields)).await.status, 403);
    let other = Browser::signed_in(&kit).await.token().await;
    assert_eq!(browser.post("/oauth/authorize", &with(&other)).await.status, 403);
    assert_eq!(Browser::new(&kit).post("/oauth/authorize", &with(&token)).await.status, 403);
    let cookie = browser.cookie.clone().unwrap();
    for origin in ["https://evil.example", "null", "https://client.example"] {
        let headers = [("content-type", FORM), ("origin", origin), ("cookie", cookie.as_str())];
        let reply = kit.raw("POST", "/oauth/authorize", &headers, Some(with(&token))).await;
        assert_eq!(reply.status, 403, "{origin}");
    }
    // AS-12: having allowed it once, it is asked again.
    assert_eq!(browser.post("/oauth/authorize", &with(&token)).await.status, 303);
    let again = browser.get(&format!("/oauth/authorize?{query}")).await;
    assert_eq!((again.status, again.header("location")), (200, None));
    kit.finish().await;
}

#[tokio::test]
async fn as_08_as_12_nobody_gives_more_than_was_asked_for_or_than_they_have() {
    let kit = Kit::start().await;
    let client = Client::new(&kit).await;
    let browser = Browser::signed_in(&kit).await;
    for (choice, word) in [
        (&[("role", "admin")][..], "more than the client asked for"),
        (&[("role", "root")], "hoose what it may do"),
        (&[("days", "4000")], "for how long"),
        (&[("days", "")], "for how long"),
        (&[("within", "nonsense")], "neither an id nor a URL"),
    ] {
        let reply = client.approve(&browser, choice).await;
        assert_eq!(reply.status, 422, "{choice:?}");
        assert!(reply.text().contains(word), "{choice:?}: {}", reply.text());
    }
    let query = client.query(&[("scope", Some("notion:read"))]);
    let reply = client.decide(&browser, &query, "allow", &[("role", "editor")]).await;
    assert_eq!(reply.status, 422);
    // Less than was asked for is told to the client.
    let team = kit.demo.team_page_id.to_string();
    let reply = client.approve(&browser, &[("role", "viewer"), ("within", &team)]).await;
    let code = answer(&reply, "code").unwrap();
    let tokens = client.token(client.exchange(&code, &[])).await;
    assert_eq!(tokens.json()["scope"], "notion:read");
    let principal = super::at_mcp(&kit, &super::pair(&tokens).0).await.unwrap();
    assert_eq!(principal.role, Role::Viewer);
    assert_eq!(principal.scope().unwrap().within(), [kit.demo.team_page_id]);
    let key = principal.key().unwrap();
    assert_eq!((key.name.as_str(), key.agent.as_deref()), ("Probe <b>", Some(client.id.as_str())));
    assert!(key.expires_at.is_some());
    kit.finish().await;
}

#[tokio::test]
async fn as_42_two_clients_with_one_name_and_one_place_are_told_apart() {
    let kit = Kit::start().await;
    let body = json!({ "client_name": "Same", "redirect_uris": ["http://localhost/callback"] });
    let mut pages = Vec::new();
    let browser = Browser::signed_in(&kit).await;
    for _ in 0..2 {
        let id = register(&kit, &body).await.json()["client_id"].as_str().unwrap().to_owned();
        let client =
            Client { kit: &kit, id: id.clone(), redirect: "http://localhost:7777/callback".into() };
        let page = browser.get(&format!("/oauth/authorize?{}", client.query(&[]))).await.text();
        assert!(page.contains("localhost:7777"), "{page}");
        let told = page.split_once("id=\"client\"").unwrap().1.split("</dd>").next().unwrap();
        assert!(told.contains(&id));
        pages.push(told.to_owned());
    }
    assert_ne!(pages[0], pages[1]);
    kit.finish().await;
}

#[tokio::test]
async fn as_13_a_sign_in_gives_a_new_session_that_only_this_host_can_set_and_read() {
    let service_url = Some("https://gate.example".parse().unwrap());
    let site = web::Site { service_url, ..web::Site::default() };
    let kit = Kit::start_at(site, |_| {}).await;
    let client = Client::new(&kit).await;
    let mut browser = Browser::new(&kit);
    browser.origin = "https://gate.example".to_owned();
    let resource = "https://gate.example/mcp";
    let path = format!("/oauth/authorize?{}", client.query(&[("resource", Some(resource))]));
    let away = browser.get(&path).await;
    let carried = away.header("set-cookie").unwrap();
    assert!(
        carried.ends_with("; Secure") && carried.contains("; HttpOnly; SameSite=Lax;"),
        "{carried}"
    );
    let first = browser.sign_in(&kit.admin).await;
    let line = first.header("set-cookie").unwrap();
    assert!(line.starts_with("__Host-notegate=") && line.contains("; Path=/;"), "{line}");
    assert!(
        line.ends_with("; HttpOnly; SameSite=Lax; Secure") && !line.contains("Domain"),
        "{line}"
    );
    let before = browser.cookie.clone().unwrap();
    assert_eq!(browser.get(&path).await.status, 200);
    // Signing in once more ends the session that was there, and gives another: none can be planted.
    assert_eq!(browser.sign_in(&kit.admin).await.status, 303);
    assert_ne!(browser.cookie.as_deref(), Some(before.as_str()));
    assert_eq!(browser.get(&path).await.status, 200);
    for planted in [before.as_str(), "__Host-notegate=planted", &before.replace("__Host-", "")] {
        let reply = kit.raw("GET", &path, &[("cookie", planted)], None).await;
        assert_eq!(reply.status, 303, "{planted}");
    }
    // Nobody is signed in by a form of another site.
    let body = form(&[("key", &kit.admin), ("next", "/oauth/authorize")]);
    for origin in ["https://evil.example", "null"] {
        let headers = [("content-type", FORM), ("origin", origin)];
        let reply = kit.raw("POST", "/dashboard/sign-in", &headers, Some(body.clone())).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{origin}");
    }
    kit.finish().await;
}
