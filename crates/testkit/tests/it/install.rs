//! Workspaces installed by OAuth, from the first click to the connection; and what is refused.

mod failures;
mod fuzz;
mod hostile;
mod starters;

use model::{Connection, ConnectionId, ConnectionState, Origin, Role};
use notion::Id;
use serde_json::{Value, json};
use store::{Connections, Slot};
use testkit::{Kit, Reply, send};
use url::Url;

/// A browser that goes through an installation.
struct Browser<'a> {
    kit: &'a Kit,
    /// Notion's page.
    location: Url,
    /// The gate's cookie.
    cookie: String,
}

impl<'a> Browser<'a> {
    /// Begins at this machine.
    async fn begin(kit: &'a Kit, query: &str) -> Self {
        Self::begin_with(kit, query, &[]).await
    }

    async fn begin_with(kit: &'a Kit, query: &str, headers: &[(&str, &str)]) -> Self {
        let reply = kit.raw("GET", &format!("/auth/notion{query}"), headers, None).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let location = Url::parse(reply.header("location").unwrap()).unwrap();
        let line = reply.header("set-cookie").unwrap();
        let cookie = line.split(';').next().unwrap().to_owned();
        Self { kit, location, cookie }
    }

    /// A parameter that went to Notion.
    fn sent(&self, name: &str) -> String {
        parameter(&self.location, name).unwrap_or_else(|| panic!("no {name}: {}", self.location))
    }

    /// A person answers Notion's question; gives the query of the callback.
    async fn answer(&self, more: &str) -> String {
        let reply = send("GET", &format!("{}{more}", self.location), &[], Default::default()).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let back = Url::parse(reply.header("location").unwrap()).unwrap();
        assert_eq!(back.path(), web::CALLBACK_PATH);
        back.query().unwrap().to_owned()
    }

    /// A person lets the gate in to one page.
    async fn approve(&self, page: Id) -> String {
        self.answer(&format!("&_sandbox_approve=1&_sandbox_pages={page}")).await
    }

    /// The browser comes back.
    async fn back(&self, query: &str) -> Reply {
        back(self.kit, query, &[("cookie", &self.cookie)]).await
    }
}

async fn back(kit: &Kit, query: &str, headers: &[(&str, &str)]) -> Reply {
    kit.raw("GET", &format!("{}?{query}", web::CALLBACK_PATH), headers, None).await
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Installs the demo workspace; gives the bot.
async fn install(kit: &Kit) -> ConnectionId {
    let browser = Browser::begin(kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    connected(&browser.back(&query).await)
}

/// The bot that an answer says is connected.
fn connected(reply: &Reply) -> ConnectionId {
    assert_eq!(reply.status, 302, "{}", reply.text());
    let location = reply.header("location").unwrap();
    let bot =
        location.strip_prefix("/dashboard?connected=").unwrap_or_else(|| panic!("{location}"));
    ConnectionId(Id::parse(bot).unwrap())
}

async fn stored(kit: &Kit) -> Vec<Connection> {
    let all = Connections::all_connections(&*kit.store).await.unwrap();
    let installed = all.into_iter().map(|it| it.connection);
    installed.filter(|connection| connection.origin == Origin::Oauth).collect()
}

/// How often Notion was asked for tokens.
async fn exchanges(kit: &Kit) -> usize {
    let calls = kit.calls().await;
    calls.iter().filter(|call| call["operation"] == "create-a-token").count()
}

async fn key_for(kit: &Kit, bot: ConnectionId) -> String {
    let mut request = testkit::request(Role::Viewer, &[]);
    request.connection = Some(Some(bot));
    kit.new_key(request).await
}

#[tokio::test]
async fn f024_nc_03_the_browser_is_sent_to_notion_with_five_parameters() {
    let kit = Kit::start().await;
    let app = kit.gate.oauth_app().unwrap().clone();
    for (query, owner) in [("", "user"), ("?owner=user", "user"), ("?owner=workspace", "workspace")]
    {
        let reply = kit.raw("GET", &format!("/auth/notion{query}"), &[], None).await;
        assert_eq!(reply.status, 302);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        let location = Url::parse(reply.header("location").unwrap()).unwrap();
        let base = format!("{}/v1/oauth/authorize?", kit.sandbox.url());
        assert!(location.as_str().starts_with(&base), "{location}");
        let names: Vec<_> = location.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["client_id", "redirect_uri", "response_type", "owner", "state"]);
        assert_eq!(parameter(&location, "client_id").unwrap(), app.client_id);
        assert_eq!(
            parameter(&location, "redirect_uri").unwrap(),
            format!("{}/auth/notion/callback", kit.url)
        );
        assert_eq!(parameter(&location, "response_type").unwrap(), "code");
        assert_eq!(parameter(&location, "owner").unwrap(), owner);
        let cookie = reply.header("set-cookie").unwrap();
        let (pair, attributes) = cookie.split_once(';').unwrap();
        assert_eq!(attributes, " Path=/auth/notion; HttpOnly; SameSite=Lax; Max-Age=600");
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!((name, value.len()), ("notegate_install", 43));
        assert!(
            !parameter(&location, "state").unwrap().contains(value),
            "the state shows the cookie"
        );
    }
    for wrong in ["?owner=team", "?owner=", "?owner=user&owner=user"] {
        let reply = kit.raw("GET", &format!("/auth/notion{wrong}"), &[], None).await;
        assert_eq!(reply.status, 400, "{wrong}");
    }
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    kit.finish().await;
}

#[tokio::test]
async fn f030_a_code_becomes_a_connection() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    kit.forget_calls().await;
    let reply = browser.back(&query).await;
    let bot = connected(&reply);
    let gone = "notegate_install=; Path=/auth/notion; HttpOnly; SameSite=Lax; Max-Age=0";
    assert_eq!(reply.header("set-cookie"), Some(gone));

    let calls = kit.calls().await;
    let operations: Vec<_> = calls.iter().map(|call| call["operation"].as_str().unwrap()).collect();
    assert_eq!(operations[..2], ["create-a-token", "get-self"], "{operations:?}");
    let exchange = &calls[0]["body"];
    assert_eq!(exchange["grant_type"], "authorization_code");
    assert_eq!(exchange["redirect_uri"], format!("{}/auth/notion/callback", kit.url));
    assert!(calls[0]["notion_version"].is_string());

    let all = stored(&kit).await;
    let [connection] = &all[..] else { panic!("{all:?}") };
    assert_eq!(connection.bot_id, bot);
    assert_eq!(connection.workspace_id, Some(kit.demo.workspace_id));
    assert_eq!(connection.workspace_name.as_deref(), Some("Acme"));
    assert_eq!(connection.owner.as_ref().unwrap()["type"], "user");
    assert_eq!(connection.owner.as_ref().unwrap()["user"]["name"], "Ada Marsh");
    assert_eq!(connection.state, ConnectionState::Active);
    assert_eq!(connection.authorized_by, "visitor");
    assert_eq!(connection.capabilities, Some(notion::Capabilities::ALL));
    let slots: Vec<_> = Connections::all_connections(&*kit.store)
        .await
        .unwrap()
        .into_iter()
        .filter(|it| it.connection.bot_id == bot)
        .flat_map(|it| it.credentials)
        .map(|credential| credential.slot)
        .collect();
    assert_eq!(slots, [Slot::Access, Slot::Refresh]);

    // It works, within what the person picked.
    let key = key_for(&kit, bot).await;
    assert_eq!(kit.get(&key, &format!("/v1/pages/{}", kit.demo.team_page_id)).await.status, 200);
    assert_eq!(kit.get(&key, &format!("/v1/pages/{}", kit.demo.other_page_id)).await.status, 404);

    let entries = kit.entries(20).await;
    let entry = entries.iter().find(|entry| entry.operation == "authorize-workspace").unwrap();
    assert_eq!((entry.result.as_str(), entry.resource.id.as_str()), ("success", &*bot.to_string()));
    assert_eq!(entry.principal, "visitor");
    assert_eq!(json!(entry.metadata)["event"], "workspace_authorized");
    kit.finish().await;
}

#[tokio::test]
async fn f050_the_workspace_can_be_the_owner_and_f052_a_template_is_kept() {
    let kit = Kit::start().await;
    let mut world = kit.control("GET", "state", None).await;
    let client_id = kit.gate.oauth_app().unwrap().client_id.clone();
    world["oauth"]["clients"][&client_id]["template_page_id"] = json!(kit.demo.other_page_id);
    kit.control("PUT", "state", Some(&world)).await;
    let browser = Browser::begin(&kit, "?owner=workspace").await;
    let query = browser.answer("&_sandbox_approve=1&_sandbox_template=1").await;
    connected(&browser.back(&query).await);
    let all = stored(&kit).await;
    assert_eq!(all[0].owner, Some(json!({"type": "workspace", "workspace": true})));
    let copy = all[0].duplicated_template_id.unwrap();
    assert_ne!(copy, kit.demo.other_page_id);
    let key = key_for(&kit, all[0].bot_id).await;
    assert_eq!(kit.get(&key, &format!("/v1/pages/{copy}")).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn f054_authorising_again_updates() {
    let kit = Kit::start().await;
    let bot = install(&kit).await;
    let key = key_for(&kit, bot).await;
    let before = stored(&kit).await.remove(0);
    kit.clock.advance(std::time::Duration::from_secs(3600));
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.root_page_id).await;
    assert_eq!(connected(&browser.back(&query).await), bot);
    let all = stored(&kit).await;
    let [after] = &all[..] else { panic!("{all:?}") };
    assert!(after.authorized_at > before.authorized_at);
    // The key of before reaches what the person picked now.
    assert_eq!(kit.get(&key, &format!("/v1/pages/{}", kit.demo.other_page_id)).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn f049_workspaces_do_not_mix() {
    let kit = Kit::start().await;
    let umbra = kit.control("POST", "workspaces", Some(&json!({"name": "Umbra"}))).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (workspace, page) = (text(&umbra["workspace_id"]), text(&umbra["demo"]["root_page_id"]));
    let one = install(&kit).await;
    let browser = Browser::begin(&kit, "").await;
    let consent =
        format!("&_sandbox_workspace={workspace}&_sandbox_approve=1&_sandbox_pages={page}");
    let query = browser.answer(&consent).await;
    let two = connected(&browser.back(&query).await);
    assert_ne!(one, two);
    assert_eq!(stored(&kit).await.len(), 2);
    let (first, second) = (key_for(&kit, one).await, key_for(&kit, two).await);
    let status = async |key: &str, id: &str| kit.get(key, &format!("/v1/pages/{id}")).await.status;
    let own = kit.demo.team_page_id.to_string();
    assert_eq!((status(&first, &own).await, status(&first, &page).await), (200, 404));
    assert_eq!((status(&second, &own).await, status(&second, &page).await), (404, 200));
    kit.finish().await;
}

/// Nothing that is secret is in an answer, a cookie, the ledger or the store.
#[tokio::test]
async fn f029_nc_07_no_token_is_anywhere() {
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let query = browser.approve(kit.demo.team_page_id).await;
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
    let reply = browser.back(&query).await;
    let bot = connected(&reply);
    let again = browser.back(&query).await;
    assert_eq!(again.status, 403);

    let world = kit.control("GET", "state", None).await;
    let connection = &world["connections"][bot.to_string()];
    let secrets = [
        connection["token"].as_str().unwrap().to_owned(),
        connection["grant"]["refresh_token"].as_str().unwrap().to_owned(),
        model::ExposeSecret::expose_secret(&kit.gate.oauth_app().unwrap().client_secret).to_owned(),
        code,
        browser.cookie.split_once('=').unwrap().1.to_owned(),
    ];
    let entries = kit.entries(50).await;
    let stored = Connections::all_connections(&*kit.store).await.unwrap();
    let shown = format!(
        "{:?}\n{}\n{:?}\n{}\n{}\n{stored:?}\n{:?}",
        reply.headers,
        reply.text(),
        again.headers,
        again.text(),
        serde_json::to_string(&entries).unwrap(),
        kit.gate
    );
    for secret in secrets {
        assert!(secret.len() > 20 && !shown.contains(&secret), "{secret} is in {shown}");
    }
    kit.finish().await;
}

/// Begins as an admin of another tenant, comes back with the same bot.
async fn begin_as_other_tenant(kit: &Kit) -> Reply {
    let other = model::TenantId::new("other");
    let request = testkit::request(Role::Admin, &[]);
    let made = kit.gate.create_key(&kit.gate.operator_for(other), request, "test").await.unwrap();
    let bearer = format!("Bearer {}", made.token.reveal());
    let browser = Browser::begin_with(kit, "", &[("authorization", &bearer)]).await;
    let query = browser.approve(kit.demo.root_page_id).await;
    browser.back(&query).await
}

#[tokio::test]
async fn nc_08_a_bot_of_another_tenant_stays_theirs_and_goes_on_working() {
    let kit = Kit::start().await;
    let bot = install(&kit).await;
    let key = key_for(&kit, bot).await;
    let reply = begin_as_other_tenant(&kit).await;
    assert_eq!(reply.status, 409, "{}", reply.text());
    assert!(reply.text().contains("belongs to somebody else"));
    let all = stored(&kit).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].tenant, model::TenantId::default());
    // Notion ended the tokens of before: the new ones went to whom the connection belongs.
    assert_eq!(kit.get(&key, &format!("/v1/pages/{}", kit.demo.team_page_id)).await.status, 200);
    let entries = kit.entries(20).await;
    let handed = entries.iter().find(|entry| entry.operation == "authorize-workspace").unwrap();
    assert_eq!((&*handed.principal, handed.tenant.as_str()), ("gate", "default"));
    assert_eq!(json!(handed.metadata)["why"], "authorised_by_another_tenant");
    kit.finish().await;
}

#[tokio::test]
async fn a_bot_that_another_tenant_disconnected_is_not_brought_back_for_it() {
    let kit = Kit::start().await;
    let bot = install(&kit).await;
    kit.gate.disconnect(&kit.operator(), bot, "test").await.unwrap();
    kit.forget_calls().await;
    let reply = begin_as_other_tenant(&kit).await;
    assert_eq!(reply.status, 409, "{}", reply.text());
    assert_eq!(stored(&kit).await[0].state, ConnectionState::Revoked);
    let calls = kit.calls().await;
    assert_eq!(calls.last().unwrap()["operation"], "revoke-token", "its tokens were left alive");
    kit.finish().await;
}
