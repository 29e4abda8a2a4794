//! People sign in at an OpenID provider: who comes in, as what, and what must not let anybody in.

mod hostile;
mod provider;

use std::collections::HashMap;

use gate::OidcOptions;
use model::Clock;
use serde_json::{Value, json};
use testkit::{Kit, Reply};
use url::{Url, form_urlencoded};

use crate::browser::Browser;
use provider::{CLIENT, FakeProvider, SECRET};

const BACK: &str = "http://127.0.0.1:9/auth/oidc/callback";

async fn start(groups_claim: Option<&str>) -> (Kit, FakeProvider) {
    let provider = FakeProvider::start().await;
    let settings = oidc::Settings {
        issuer: provider.url.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned().into(),
        redirect_uri: BACK.to_owned(),
        scopes: Some("groups".to_owned()),
    };
    let options = OidcOptions {
        provider: settings,
        groups_claim: groups_claim.map(str::to_owned),
        signed_out_uri: "http://127.0.0.1:9/dashboard/sign-in".to_owned(),
    };
    let kit = Kit::start_with(|it| it.oidc = Some(options)).await;
    provider.change(|it| it.now = kit.clock.now().as_second());
    (kit, provider)
}

async fn add_user(kit: &Kit, email: &str, role: &str) -> String {
    let body = json!({ "email": email, "role": role });
    let made = kit.post(&kit.admin, "/api/v1/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].as_str().unwrap().to_owned()
}

/// A browser on its way to the provider.
struct Underway {
    /// The flow's cookie.
    cookie: String,
    /// What it carries to the provider.
    sent: HashMap<String, String>,
}

impl Underway {
    async fn begin(kit: &Kit, query: &str) -> Self {
        let reply = kit.raw("GET", &format!("/auth/oidc{query}"), &[], None).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let line = reply.header("set-cookie").unwrap();
        assert!(line.ends_with("; Path=/auth/oidc; HttpOnly; SameSite=Lax; Max-Age=600"), "{line}");
        let location = Url::parse(reply.header("location").unwrap()).unwrap();
        let cookie = line.split(';').next().unwrap().to_owned();
        Self { cookie, sent: location.query_pairs().into_owned().collect() }
    }

    /// What the provider lets the browser carry back.
    fn query(&self, provider: &FakeProvider) -> String {
        self.query_from(provider, &provider.url)
    }

    fn query_from(&self, provider: &FakeProvider, issuer: &str) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &provider.code_for(&self.sent))
            .append_pair("state", &self.sent["state"])
            .append_pair("iss", issuer)
            .finish()
    }

    async fn back(&self, kit: &Kit, query: &str) -> Reply {
        back(kit, query, &[("cookie", &self.cookie)]).await
    }
}

async fn back(kit: &Kit, query: &str, headers: &[(&str, &str)]) -> Reply {
    kit.raw("GET", &format!("/auth/oidc/callback?{query}"), headers, None).await
}

/// The session's cookie, if the answer has one.
fn session_of(reply: &Reply) -> Option<String> {
    let lines = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let mut lines = lines.filter(|line| line.starts_with("notegate="));
    lines.next().map(|line| line.split(';').next().unwrap().to_owned())
}

/// Signs in, or not.
async fn sign_in(kit: &Kit, provider: &FakeProvider) -> Reply {
    let underway = Underway::begin(kit, "").await;
    let query = underway.query(provider);
    underway.back(kit, &query).await
}

async fn browser<'a>(kit: &'a Kit, provider: &FakeProvider) -> Browser<'a> {
    let reply = sign_in(kit, provider).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let mut browser = Browser::new(kit);
    browser.cookie = Some(session_of(&reply).expect("a session"));
    browser
}

/// The token of the forms of a page.
async fn form_token(browser: &Browser<'_>) -> String {
    let page = browser.get("/dashboard/keys").await.text();
    let rest = page.split_once("name=\"form_token\" value=\"").expect("a form").1;
    rest.split('"').next().unwrap().to_owned()
}

async fn submit(browser: &Browser<'_>, path: &str, fields: &str) -> Reply {
    let body = format!("form_token={}{fields}", form_token(browser).await);
    browser.post(path, &body).await
}

#[tokio::test]
async fn a_person_signs_in_and_may_what_the_role_says_now() {
    let (kit, provider) = start(None).await;
    let page = kit.raw("GET", "/dashboard/sign-in?next=%2Fdashboard%2Fkeys", &[], None).await;
    assert!(
        page.text().contains("href=\"/auth/oidc?next=%2Fdashboard%2Fkeys\""),
        "{}",
        page.text()
    );
    let id = add_user(&kit, "Ada@Example.com", "viewer").await;
    let underway = Underway::begin(&kit, "?next=%2Fdashboard%2Fkeys").await;
    let expected = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", BACK),
        ("scope", "openid email groups"),
        ("code_challenge_method", "S256"),
        ("tenant", "a"),
    ];
    for (name, value) in expected {
        assert_eq!(underway.sent[name], value);
    }
    let query = underway.query(&provider);
    let reply = underway.back(&kit, &query).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/dashboard/keys")));
    let mut hers = Browser::new(&kit);
    hers.cookie = session_of(&reply);

    // A viewer sees her keys, and nothing that needs an admin.
    let home = hers.get("/dashboard").await;
    assert_eq!((home.status, home.header("location")), (303, Some("/dashboard/keys")));
    let keys = hers.get("/dashboard/keys").await;
    assert!(keys.status == 200 && keys.text().contains("Ada@Example.com"), "{}", keys.text());
    assert!(!keys.text().contains("/dashboard/people") && !keys.text().contains("Keys of others"));
    for route in web::declared_routes() {
        if route.path.starts_with("/dashboard") && route.permission == "manage" {
            let path = route.path.replace("{id}", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d");
            let reply = match route.method.as_str() {
                "GET" => hers.get(&path).await,
                _ => submit(&hers, &path, "").await,
            };
            assert_eq!(reply.status, 403, "{} {path}", route.method);
        }
    }
    // The session is for the dashboard: routes for keys do not look at it.
    assert_eq!(hers.get("/api/v1/users").await.status, 401);

    // The role is looked up at each request.
    let path = format!("/api/v1/users/{id}");
    let role = async |role: &str| {
        assert_eq!(kit.patch(&kit.admin, &path, &json!({ "role": role })).await.status, 200);
    };
    role("admin").await;
    assert_eq!(hers.get("/dashboard/people").await.status, 200);
    assert_eq!(hers.get("/dashboard").await.status, 200);
    role("viewer").await;
    assert_eq!(hers.get("/dashboard/people").await.status, 403);
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    let ended = hers.get("/dashboard/keys").await;
    assert!(ended.header("location").unwrap().starts_with("/dashboard/sign-in"), "she is gone");

    let entries = kit.entries(200).await;
    let signed_in: Vec<_> = entries.iter().filter(|it| it.operation == "sign-in").collect();
    let done = signed_in.iter().find(|it| it.action == "manage").unwrap();
    assert_eq!(done.principal, format!("user:{id}"));
    assert_eq!(done.metadata["user"], id.as_str().into());
    assert!(
        entries.iter().any(|it| it.action == "manage_denied" && it.principal == done.principal)
    );
    kit.finish().await;
}

#[tokio::test]
async fn a_person_makes_keys_that_are_never_more_than_the_person() {
    let (kit, provider) = start(None).await;
    let id = add_user(&kit, "ada@example.com", "editor").await;
    let other = json!({ "name": "of the team", "role": "viewer" });
    let other = kit.post(&kit.admin, "/api/v1/keys", &other).await.json();
    let hers = browser(&kit, &provider).await;
    let made = submit(&hers, "/dashboard/keys", "&name=script&role=editor&days=7").await;
    assert_eq!(made.status, 201, "{}", made.text());
    let text = made.text();
    let key = text.split_once("tabindex=\"0\">ngk_").unwrap().1.split('<').next().unwrap();
    let key = format!("ngk_{key}");
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    let write = async || kit.patch(&key, &page, &json!({ "icon": null })).await.status;
    assert_eq!(write().await, 200);
    assert_eq!(kit.get(&key, "/api/v1/keys").await.status, 403);
    let within = format!("&name=narrow&role=viewer&within={}", kit.demo.other_page_id);
    assert_eq!(submit(&hers, "/dashboard/keys", &within).await.status, 201);
    for bad in [
        "&name=x&role=admin",
        "&name=x&role=owner",
        "&name=&role=viewer",
        "&name=x",
        "&name=x&role=viewer&within=nonsense",
    ] {
        assert_eq!(submit(&hers, "/dashboard/keys", bad).await.status, 422, "{bad}");
    }
    let listed = kit.get(&kit.admin, "/api/v1/keys").await.json();
    let own = listed["items"].as_array().unwrap().iter().filter(|it| it["user"] == id.as_str());
    assert_eq!(own.count(), 2);

    // What she may not, her keys may not; and what is not hers is not there.
    let shown = hers.get("/dashboard/keys").await.text();
    assert!(shown.contains("script") && !shown.contains("of the team"), "{shown}");
    let path = format!("/api/v1/users/{id}");
    kit.patch(&kit.admin, &path, &json!({ "role": "viewer" })).await;
    assert_eq!(write().await, 403);
    let end = |id: &Value| format!("&key={}", id.as_str().unwrap());
    assert_eq!(submit(&hers, "/dashboard/keys/end", &end(&other["id"])).await.status, 404);
    let id = key.split('_').nth(1).unwrap();
    let ended = submit(&hers, "/dashboard/keys/end", &format!("&key={id}")).await;
    assert_eq!((ended.status, kit.get(&key, &page).await.reason()), (303, Some("revoked")));
    // An admin sees and ends all of them.
    kit.patch(&kit.admin, &path, &json!({ "role": "admin" })).await;
    assert!(hers.get("/dashboard/keys").await.text().contains("of the team"));
    assert_eq!(submit(&hers, "/dashboard/keys/end", &end(&other["id"])).await.status, 303);
    // Somebody with an admin's key is nobody in particular.
    let admin = Browser::signed_in(&kit).await;
    assert_eq!(admin.submit("/dashboard/keys", "&name=x&role=viewer").await.status, 422);
    kit.finish().await;
}

#[tokio::test]
async fn the_subject_counts_and_not_the_address() {
    let (kit, provider) = start(None).await;
    let id = add_user(&kit, "ada@example.com", "viewer").await;
    let hers = browser(&kit, &provider).await;
    let path = format!("/api/v1/users/{id}");
    let shown = kit.get(&kit.admin, &path).await.json();
    assert_eq!(shown["identity"], json!({ "issuer": provider.url, "subject": "ada" }));

    // Somebody else gets the address.
    provider.change(|it| it.claims = json!({ "sub": "eve" }));
    let refused = sign_in(&kit, &provider).await;
    assert!(refused.status == 403 && session_of(&refused).is_none());
    assert!(refused.text().contains("another account"), "{}", refused.text());
    // She herself gets another address.
    let moved = json!({ "email": "ada@elsewhere.example", "email_verified": false });
    provider.change(|it| it.claims = moved);
    assert_eq!(sign_in(&kit, &provider).await.status, 303);
    // An admin says that the new account is the person: the old one's sessions are nobody's.
    assert_eq!(hers.get("/dashboard/keys").await.status, 200);
    assert_eq!(kit.patch(&kit.admin, &path, &json!({ "identity": null })).await.status, 200);
    assert_eq!(hers.get("/dashboard/keys").await.status, 303);
    provider.change(|it| it.claims = json!({ "sub": "eve" }));
    assert_eq!(sign_in(&kit, &provider).await.status, 303);
    assert_eq!(hers.get("/dashboard/keys").await.status, 303);
    let forged = json!({ "identity": { "issuer": provider.url, "subject": "mallory" } });
    assert_eq!(kit.patch(&kit.admin, &path, &forged).await.status, 400);
    kit.finish().await;
}

#[tokio::test]
async fn only_known_people_with_verified_addresses_come_in() {
    let (kit, provider) = start(None).await;
    let refused = async |words: &str| {
        let reply = sign_in(&kit, &provider).await;
        assert!(session_of(&reply).is_none());
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert!(reply.text().contains(words), "{}", reply.text());
    };
    refused("no user with the address ada@example.com").await;
    add_user(&kit, "ada@example.com", "viewer").await;
    provider.change(|it| it.userinfo = json!({ "sub": "ada" }));
    for odd in [json!(false), json!(null), json!("yes"), json!(1)] {
        provider.change(|it| it.claims = json!({ "email_verified": odd }));
        refused("not verified").await;
    }
    provider.change(|it| it.claims = json!({ "email": "<b>x</b>@y", "email_verified": true }));
    refused("no user with the address &lt;b&gt;x&lt;/b&gt;@y").await;
    // The rest is told by the userinfo endpoint, of the same person only.
    let silent = json!({ "email": null, "email_verified": null });
    provider.change(|it| it.claims = silent);
    provider.change(|it| it.userinfo = json!({ "sub": "ada" }));
    refused("tells no address").await;
    let told =
        |sub: &str| json!({ "sub": sub, "email": "ada@example.com", "email_verified": true });
    provider.change(|it| it.userinfo = told("eve"));
    assert_eq!(sign_in(&kit, &provider).await.status, 502);
    provider.change(|it| it.userinfo = told("ada"));
    assert_eq!(sign_in(&kit, &provider).await.status, 303);
    let entries = kit.entries(100).await;
    let unknown = entries.iter().find(|it| it.reason.as_deref() == Some("unknown_person"));
    assert_eq!(unknown.unwrap().metadata["email"], "<b>x</b>@y".into());
    kit.finish().await;
}

#[tokio::test]
async fn a_user_of_two_tenants_says_which() {
    let (kit, provider) = start(None).await;
    add_user(&kit, "ada@example.com", "viewer").await;
    let tenant = json!({ "name": "aurora" });
    let tenant = kit.as_operator("POST", "/api/v1/tenants", None, Some(&tenant)).await.json();
    let other = tenant["key"].as_str().unwrap();
    let body = json!({ "email": "ada@example.com", "role": "admin" });
    assert_eq!(kit.post(other, "/api/v1/users", &body).await.status, 201);
    let reply = sign_in(&kit, &provider).await;
    assert!(reply.status == 409 && reply.text().contains("tenant=NAME"), "{}", reply.text());
    for (tenant, people) in [("aurora", 200), ("default", 403)] {
        let underway = Underway::begin(&kit, &format!("?tenant={tenant}")).await;
        let query = underway.query(&provider);
        let mut hers = Browser::new(&kit);
        hers.cookie = session_of(&underway.back(&kit, &query).await);
        assert_eq!(hers.get("/dashboard/people").await.status, people, "{tenant}");
    }
    // Now that both are bound, it is still to be said.
    assert_eq!(sign_in(&kit, &provider).await.status, 409);
    let underway = Underway::begin(&kit, "?tenant=nobodys").await;
    let query = underway.query(&provider);
    assert_eq!(underway.back(&kit, &query).await.status, 403);
    let odd = kit.raw("GET", "/auth/oidc?tenant=%2F..", &[], None).await;
    assert_eq!(odd.status, 400);
    kit.finish().await;
}

#[tokio::test]
async fn groups_are_those_that_the_provider_says_and_the_tenant_has() {
    let (kit, provider) = start(Some("roles")).await;
    let id = add_user(&kit, "ada@example.com", "viewer").await;
    for group in ["design", "sales"] {
        kit.post(&kit.admin, "/api/v1/groups", &json!({ "name": group })).await;
    }
    let path = format!("/api/v1/users/{id}");
    for (claim, groups) in [
        (json!(["design", "root", 7, "design"]), json!(["design"])),
        (json!("sales"), json!(["sales"])),
        (json!(["sales", "design"]), json!(["design", "sales"])),
        (json!({ "admin": true }), json!([])),
        (json!(["design"]), json!(["design"])),
        // Without the claim nobody is in a group.
        (json!(null), json!([])),
    ] {
        provider.change(|it| it.claims = json!({ "roles": claim }));
        provider.change(|it| it.userinfo = json!({ "sub": "ada" }));
        assert_eq!(sign_in(&kit, &provider).await.status, 303);
        assert_eq!(kit.get(&kit.admin, &path).await.json()["groups"], groups, "{claim}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn policies_name_a_group_and_a_person() {
    let (kit, provider) = start(Some("roles")).await;
    let id = add_user(&kit, "ada@example.com", "admin").await;
    kit.post(&kit.admin, "/api/v1/groups", &json!({ "name": "design" })).await;
    let team = kit.demo.team_page_id;
    let text = format!(
        "@id(\"design-reads\") @says(\"design only reads there\")\n\
         forbid (principal in Group::\"design\", action in Action::\"write\", \
         resource in Object::\"{team}\");\n\
         @id(\"ada-asks\") @says(\"she does not search\")\n\
         forbid (principal in User::\"{id}\", action == Action::\"post-search\", resource);\n\
         @id(\"ada-herself\") @says(\"she signs in to look\")\n\
         forbid (principal == User::\"{id}\", action == Action::\"manage\", resource);"
    );
    let set = json!({ "text": text });
    let set = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&set)).await;
    assert_eq!(set.status, 200, "{}", set.text());

    // She signs in, and what the provider says of her holds for the key that she makes.
    provider.change(|it| it.claims = json!({ "roles": ["design"] }));
    let hers = browser(&kit, &provider).await;
    let made = submit(&hers, "/dashboard/keys", "&name=script&role=admin&days=7").await.text();
    let key = made.split_once("tabindex=\"0\">ngk_").unwrap().1.split('<').next().unwrap();
    let key = format!("ngk_{key}");
    let others = kit.key(model::Role::Editor, &[]).await;
    let write = async |key: &str, page: notion::Id| {
        kit.patch(key, &format!("/v1/pages/{page}"), &json!({ "icon": null })).await
    };
    let refused = write(&key, team).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("policy")), "{}", refused.text());
    let message = "notegate refuses: design only reads there: policy `design-reads`.";
    assert_eq!(refused.json()["message"], message);
    assert_eq!(kit.get(&key, &format!("/v1/pages/{team}")).await.status, 200);
    assert_eq!(write(&key, kit.demo.other_page_id).await.status, 200);
    assert_eq!(write(&others, team).await.status, 200);

    // Her keys are `in` her, and are not she herself.
    let search = async |key: &str| kit.post(key, "/v1/search", &json!({})).await;
    let refused = search(&key).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("policy")));
    assert_eq!(search(&others).await.status, 200);
    let look = async |session: &Browser<'_>| session.get("/dashboard/people").await;
    let refused = look(&hers).await;
    assert_eq!(refused.status, 403);
    assert_eq!(kit.get(&key, "/api/v1/users").await.status, 200);
    let asked = json!({
        "principal": format!("user:{id}"), "operation": "patch-page", "object": team.to_string(),
    });
    let explained = kit.post(&kit.admin, "/api/v1/policy/explain", &asked).await.json();
    assert_eq!(
        (&explained["decision"], &explained["rule"]),
        (&json!("deny"), &json!("design-reads"))
    );
    assert_eq!(explained["principal"], asked["principal"], "and not a made-up key of hers");

    // Out of the group, and into it again: the very next call.
    provider.change(|it| it.claims = json!({ "roles": [] }));
    assert_eq!(sign_in(&kit, &provider).await.status, 303);
    assert_eq!(write(&key, team).await.status, 200);
    let member = format!("/api/v1/groups/design/members/{id}");
    assert_eq!(kit.call("PUT", &kit.admin, &member, None).await.status, 204);
    assert_eq!(write(&key, team).await.status, 403);
    assert_eq!(kit.delete(&kit.admin, "/api/v1/groups/design").await.status, 204);
    assert_eq!(write(&key, team).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn signing_out_goes_on_at_the_provider() {
    let (kit, provider) = start(None).await;
    add_user(&kit, "ada@example.com", "viewer").await;
    let hers = browser(&kit, &provider).await;
    let out = submit(&hers, "/dashboard/sign-out", "").await;
    assert_eq!(out.status, 200, "a page leads on: forms may not lead elsewhere");
    assert!(out.header("set-cookie").unwrap().starts_with("notegate=;"));
    let text = out.text();
    let to = text.split_once("content=\"0;url=").unwrap().1.split('"').next().unwrap();
    let to = Url::parse(&to.replace("&amp;", "&")).unwrap();
    let sent: HashMap<_, _> = to.query_pairs().into_owned().collect();
    assert!(to.as_str().starts_with(&format!("{}/end?", provider.url)), "{to}");
    assert_eq!(sent["post_logout_redirect_uri"], "http://127.0.0.1:9/dashboard/sign-in");
    assert!(sent["id_token_hint"].starts_with("ey"));
    assert_eq!(hers.get("/dashboard/keys").await.status, 303);
    // Where the provider has no such place, the gate's own sign-in is the end.
    provider.change(|it| it.metadata = json!({ "end_session_endpoint": null }));
    kit.clock.advance(std::time::Duration::from_secs(600));
    provider.change(|it| it.now = kit.clock.now().as_second());
    let hers = browser(&kit, &provider).await;
    let out = submit(&hers, "/dashboard/sign-out", "").await;
    assert_eq!((out.status, out.header("location")), (303, Some("/dashboard/sign-in")));
    kit.finish().await;
}

#[tokio::test]
async fn the_first_admin_comes_from_the_settings_once() {
    let (kit, provider) = start(None).await;
    let id = add_user(&kit, "ada@example.com", "viewer").await;
    assert!(kit.gate.bootstrap_admin(" ADA@example.com ").await.unwrap());
    assert!(!kit.gate.bootstrap_admin("eve@example.com").await.unwrap(), "there is an admin");
    let users = kit.get(&kit.admin, "/api/v1/users").await.json();
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&users["items"][0]["id"], &users["items"][0]["role"]),
        (&json!(id), &json!("admin"))
    );
    let hers = browser(&kit, &provider).await;
    assert_eq!(hers.get("/dashboard/people").await.status, 200);
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/users/{id}")).await.status, 204);
    assert!(kit.gate.bootstrap_admin("eve@example.com").await.unwrap(), "there is none any more");
    kit.finish().await;
}

#[tokio::test]
async fn an_admin_looks_after_people_on_the_dashboard() {
    let (kit, provider) = start(None).await;
    let admin = Browser::signed_in(&kit).await;
    let page = async |path: &str| admin.get(path).await.text();
    let add = "&act=add&email=ada%40example.com&role=viewer";
    assert_eq!(admin.submit("/dashboard/people", add).await.status, 303);
    assert_eq!(admin.submit("/dashboard/people", add).await.status, 422, "once");
    for bad in [
        "&act=add&email=ada&role=viewer",
        "&act=add&email=a%40b.example&role=x",
        "&act=group&group=",
    ] {
        assert_eq!(admin.submit("/dashboard/people", bad).await.status, 422, "{bad}");
    }
    let group = "&act=group&group=%3Cb%3E%20%26%20co";
    assert_eq!(admin.submit("/dashboard/people", group).await.status, 303);
    assert!(page("/dashboard/people").await.contains("&lt;b&gt; &amp; co"));
    let users = kit.get(&kit.admin, "/api/v1/users").await.json();
    let id = users["items"][0]["id"].as_str().unwrap().to_owned();
    let person = format!("/dashboard/people/{id}");
    assert!(page(&person).await.contains("Has not signed in yet"));
    assert_eq!(sign_in(&kit, &provider).await.status, 303);
    assert!(page(&person).await.contains("Signs in at"));
    let user = async || kit.get(&kit.admin, &format!("/api/v1/users/{id}")).await.json();
    let submit = async |fields: &str| admin.submit(&person, fields).await.status;
    assert_eq!(submit("&act=role&role=editor").await, 303);
    assert_eq!(submit("&act=groups&group=%3Cb%3E%20%26%20co&group=none").await, 303);
    assert_eq!(user().await["groups"], json!(["<b> & co"]));
    assert_eq!(user().await["role"], "editor");
    assert_eq!(submit("&act=groups").await, 303);
    assert_eq!(user().await["groups"], json!([]));
    assert_eq!(submit("&act=forget").await, 303);
    assert_eq!(user().await["identity"], Value::Null);
    assert_eq!(submit("&act=role&role=owner").await, 400);
    assert!(page(&format!("{person}/delete")).await.contains("Delete ada@example.com?"));
    let ungroup = "&act=ungroup&group=%3Cb%3E%20%26%20co";
    assert_eq!(admin.submit("/dashboard/people", ungroup).await.status, 303);
    assert_eq!(submit("&act=delete").await, 303);
    assert_eq!(admin.get(&person).await.status, 404);
    kit.finish().await;
}
