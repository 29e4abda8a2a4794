//! The OAuth client: its settings, and an installation that outlives a restart.

use serde_json::{Value, json};

use crate::harness::{EVERYTHING, Place, Sandbox, Start, address, dead_address, snapshot};
use crate::http::{self, Answer};

const CHECK: &[&str] = &["serve", "--check"];
const SECRET: &str = "s3cr3t-of-the-oauth-client-never-shown";

#[test]
fn settings_are_judged_all_at_once_and_the_secret_is_not_shown() {
    let place = Place::new();
    let check = |redirect_uri: (&str, &str)| {
        let ran = place.run(
            CHECK,
            &[
                ("NOTION_OAUTH_CLIENT_ID", "x"),
                ("NOTION_OAUTH_CLIENT_SECRET", SECRET),
                redirect_uri,
            ],
        );
        assert!(!format!("{ran:?}").contains(SECRET), "{ran:?}");
        ran
    };
    let callback = "https://gate.example/auth/notion/callback";
    for good in [
        ("NOTION_OAUTH_REDIRECT_URI", callback),
        ("NOTION_OAUTH_REDIRECT_URI", "http://localhost:3000/auth/notion/callback"),
        ("NOTION_REDIRECT_URI", callback),
        ("SERVICE_URL", "https://gate.example"),
    ] {
        let ran = check(good);
        ran.expect(0);
        assert!(ran.out.contains("OAuth: no token needed"), "{ran:?}");
    }
    for bad in [
        "http://gate.example/auth/notion/callback",
        "https://gate.example/auth/notion/callback#x",
        "/auth/notion/callback",
        "nonsense",
    ] {
        let ran = check(("NOTION_OAUTH_REDIRECT_URI", bad));
        ran.expect(1);
        assert!(ran.err.contains("NOTION_OAUTH_REDIRECT_URI must be an https URL"), "{ran:?}");
    }
    let ran = place.run(CHECK, &[("NOTION_OAUTH_REDIRECT_URI", callback)]);
    ran.expect(1);
    assert!(ran.err.contains("NOTION_OAUTH_CLIENT_ID is required"), "{ran:?}");
}

#[test]
fn a_gate_before_its_own_sandbox_is_an_app_there() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let page = gate.ready["sandbox"]["demo"]["team_page_id"].as_str().unwrap();
    let (bot, _) = install(&gate.url, page);
    assert_eq!(bot.len(), 36);
}

#[test]
fn f029_what_is_installed_is_sealed_and_works_after_a_restart() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let listen = dead_address();
    let redirect_uri = format!("http://{listen}/auth/notion/callback");
    let app = sandbox.control(
        "POST",
        "oauth/clients",
        json!({"name": "gate", "redirect_uris": [redirect_uri], "capabilities": EVERYTHING}),
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let start = || {
        Start::before(&place, &sandbox)
            .set("NOTION_TOKEN", "")
            .set("NOTION_OAUTH_CLIENT_ID", &text(&app["client_id"]))
            .set("NOTION_OAUTH_CLIENT_SECRET", &text(&app["client_secret"]))
            .set("NOTION_OAUTH_REDIRECT_URI", &redirect_uri)
            .argument("--listen")
            .argument(&listen)
    };
    let gate = start().run();
    let world = sandbox.control("GET", "state", Value::Null);
    let page = text(&world["roots"][0]);
    let (bot, code) = install(&gate.url, &page);
    let key = json!({"name": "reader", "role": "viewer", "connection": bot});
    let key = gate.api("POST", "/api/v1/keys", &gate.admin, Some(key)).expect(201);
    let key = text(&key["key"]);
    let path = format!("/v1/pages/{page}");
    gate.v1("GET", &path, &key, None).expect(200);
    assert!(gate.process.stop().success());

    let gate = start().named("again").run();
    gate.v1("GET", &path, &key, None).expect(200);
    let grant = &sandbox.control("GET", "state", Value::Null)["connections"][&bot];
    let secrets = [
        text(&grant["token"]),
        text(&grant["grant"]["refresh_token"]),
        text(&app["client_secret"]),
        code,
    ];
    for (file, bytes) in snapshot(place.path()) {
        // The sandbox prints its own tokens, which are not these.
        let shown = String::from_utf8_lossy(&bytes);
        for secret in &secrets {
            assert!(
                secret.len() > 20 && !shown.contains(secret),
                "a secret is in {}",
                file.display()
            );
        }
    }
    gate.expect_intact();
}

fn get(url: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::send(address(url), &http::request("GET", path, headers, None))
}

/// Goes through an installation as a browser would; gives the bot, and the code that it was had for.
fn install(url: &str, page: &str) -> (String, String) {
    let begun = get(url, "/auth/notion", &[]);
    assert_eq!(begun.status, 302, "{}", begun.text());
    let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let notion = begun.header("location").unwrap().to_owned();
    let (host, path) = split(&notion);
    let approved = format!("{path}&_sandbox_approve=1&_sandbox_pages={page}");
    let consent = get(&host, &approved, &[]);
    assert_eq!(consent.status, 302, "{}", consent.text());
    let (host, path) = split(consent.header("location").unwrap());
    assert_eq!(host, url);
    let back = get(&host, &path, &[("Cookie", &cookie)]);
    assert_eq!(back.status, 302, "{}", back.text());
    let bot = back.header("location").unwrap().strip_prefix("/dashboard?connected=").unwrap();
    let code = path.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap();
    (bot.to_owned(), code.to_owned())
}

/// Origin and path of a URL.
fn split(url: &str) -> (String, String) {
    let at = url["http://".len()..].find('/').unwrap() + "http://".len();
    (url[..at].to_owned(), url[at..].to_owned())
}
