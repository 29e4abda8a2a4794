//! Two tenants on one gate, over every route that the OpenAPI document knows: whatever the one asks
//! for, with the ids of the other's things in hand, it learns no more than about things that never
//! were, and the other notices nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Kit, Reply, VERSION};

/// A tenant with a workspace of its own and one of everything.
struct Tenant {
    name: &'static str,
    admin: String,
    bot: String,
    workspace: Value,
    /// By the name of the parameter in the paths of `/v1`, or by the beginning of an own path.
    ids: BTreeMap<&'static str, String>,
}

impl Tenant {
    async fn start(kit: &Kit, name: &'static str) -> Self {
        let body = json!({ "name": name });
        let made = kit.as_operator("POST", "/api/v1/tenants", None, Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let admin = made.json()["key"].as_str().unwrap().to_owned();
        let workspace = kit.add_workspace(&format!("Workspace of {name}")).await;
        let body = json!({ "token": workspace["tokens"]["full"] });
        let connected = kit.post(&admin, "/api/v1/workspaces", &body).await;
        assert_eq!(connected.status, 201, "{}", connected.text());
        let bot = connected.json()["bot_id"].as_str().unwrap().to_owned();
        let mut tenant = Self { name, admin, bot, workspace, ids: BTreeMap::new() };
        tenant.make_one_of_everything(kit).await;
        tenant
    }

    async fn make_one_of_everything(&mut self, kit: &Kit) {
        let demo = self.workspace["demo"].clone();
        let id = |name: &str| demo[name].as_str().unwrap().to_owned();
        let page = id("team_page_id");
        let made = async |path: &str, body: Value, member: &str| {
            let reply = kit.post(&self.admin, path, &body).await;
            assert!(reply.status < 300, "POST {path}: {}", reply.text());
            reply.json()[member].as_str().unwrap().to_owned()
        };
        let comment = json!({
            "parent": { "page_id": page },
            "rich_text": [{ "text": { "content": format!("said in {}", self.name) } }],
        });
        let key = json!({ "name": format!("key of {}", self.name), "role": "viewer" });
        let user = json!({ "email": format!("ada@{}.example", self.name), "role": "viewer" });
        let group = json!({ "name": format!("group-{page}") });
        let upload = json!({ "mode": "single_part", "filename": "a.txt" });
        let users = kit.get(&self.admin, "/v1/users").await.json();
        let client = json!({
            "name": format!("client of {}", self.name), "redirect_uris": ["http://localhost/callback"],
        });
        let path = format!("/v1/views?database_id={}", id("database_id"));
        let views = kit.get(&self.admin, &path).await.json();
        kit.post(&self.admin, "/api/v1/webhooks/pairing", &json!({})).await;
        let audit = kit.get(&self.admin, "/api/v1/access").await.json();
        let ids = BTreeMap::from([
            ("{page_id}", page.clone()),
            ("{block_id}", page),
            ("{database_id}", id("database_id")),
            ("{data_source_id}", id("data_source_id")),
            ("{user_id}", users["results"][0]["id"].as_str().unwrap().to_owned()),
            ("{view_id}", views["results"][0]["id"].as_str().unwrap().to_owned()),
            ("{comment_id}", made("/v1/comments", comment, "id").await),
            ("{file_upload_id}", made("/v1/file_uploads", upload, "id").await),
            ("/api/v1/keys/", made("/api/v1/keys", key, "id").await),
            ("/api/v1/clients/", made("/api/v1/clients", client, "client_id").await),
            ("/api/v1/groups/", made("/api/v1/groups", group, "name").await),
            ("/api/v1/users/", made("/api/v1/users", user, "id").await),
            ("/api/v1/workspaces/", self.bot.clone()),
            ("/api/v1/pages/", id("other_page_id")),
            ("/api/pages/", id("other_page_id")),
            ("/api/v1/access/audits/", audit["at"].as_str().unwrap().to_owned()),
        ]);
        self.ids = ids;
    }

    /// What nobody else may ever read.
    fn canaries(&self) -> Vec<String> {
        let shown = [&self.bot, self.name, self.workspace["workspace_id"].as_str().unwrap()];
        let ids = self.ids.iter().filter(|(place, _)| !place.contains("audits")).map(|(_, id)| id);
        shown.into_iter().map(str::to_owned).chain(ids.cloned()).collect()
    }

    /// How the sandbox was asked on its behalf, and what its own admin sees.
    async fn state(&self, kit: &Kit) -> Value {
        let mut state = json!({});
        for path in [
            "/api/v1/keys?limit=1000",
            "/api/v1/users",
            "/api/v1/policies",
            "/api/v1/groups",
            "/api/v1/clients",
            "/api/v1/webhooks/pairing",
            "/api/v1/webhooks/subscriptions",
            "/api/v1/webhooks/events",
            "/api/v1/access/audits",
        ] {
            let reply = kit.get(&self.admin, path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            state[path] = reply.json();
        }
        let mut record = kit.get(&self.admin, "/workspaces").await.json();
        record["items"][0]["last_used_at"] = Value::Null;
        state["workspaces"] = record;
        state
    }

    fn calls_route(&self) -> String {
        format!("workspaces/{}/calls", self.workspace["workspace_id"].as_str().unwrap())
    }

    async fn calls(&self, kit: &Kit) -> usize {
        kit.control("GET", &self.calls_route(), None).await.as_array().unwrap().len()
    }

    async fn forget_calls(&self, kit: &Kit) {
        kit.control("DELETE", &self.calls_route(), None).await;
    }

    async fn entries(&self, kit: &Kit) -> usize {
        let page = kit.get(&self.admin, "/api/v1/audit?limit=1000").await.json();
        page["items"].as_array().unwrap().len()
    }
}

/// A thing that never was, in the form of one that is.
fn nobodys(id: &str) -> String {
    if id.parse::<jiff::Timestamp>().is_ok() {
        return "2001-02-03T04:05:06Z".to_owned();
    }
    let mut nobodys = String::with_capacity(id.len());
    // Only digits change, so that an id of any form keeps its form (version and variant of a UUID, too).
    for (at, c) in id.char_indices() {
        let fixed = id.len() == 36 && (at == 14 || at == 19);
        nobodys.push(match c.to_digit(10) {
            Some(digit) if !fixed => char::from_digit((digit + 1) % 10, 10).unwrap(),
            _ => c,
        });
    }
    if nobodys == id { id.chars().rev().collect() } else { nobodys }
}

/// A path of the document with the ids of `ids` in it; `None` if it has no parameter.
fn aimed(template: &str, ids: &BTreeMap<&str, String>) -> Option<String> {
    let begin = template.find('{')?;
    let own = ids.get(&template[..begin]);
    let parts = template.split('/').map(|part| match part {
        "{property_id}" => "title".to_owned(),
        // Every ledger begins with it.
        "{seq}" => "1".to_owned(),
        "{task_id}" => "task_0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d".to_owned(),
        "{query_id}" => "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(),
        // Nobody else knows it; what it protects is in `webhooks`.
        "{hook}" => "0123456789abcdef".to_owned(),
        // A tenant gets subscriptions and events from Notion: see `webhooks`.
        "{id}" if template.starts_with("/api/v1/webhooks/") => "0123456789abcdef".to_owned(),
        part if part.starts_with('{') => {
            let id = own.or_else(|| ids.get(part));
            id.unwrap_or_else(|| panic!("{template}: which id is {part}? add it here")).clone()
        }
        part => part.to_owned(),
    });
    Some(parts.collect::<Vec<_>>().join("/"))
}

/// What is sent: something that each route understands far enough to look for what it names.
fn body(method: &str, template: &str, ids: &BTreeMap<&str, String>) -> Option<Value> {
    let (page, source) = (&ids["{page_id}"], &ids["{data_source_id}"]);
    let text = json!([{ "text": { "content": "x" } }]);
    let body = match (method, template) {
        ("GET" | "DELETE", _) => return None,
        (_, "/v1/pages" | "/api/v1/pages" | "/api/pages") => {
            json!({ "parent": { "page_id": page }, "properties": {} })
        }
        (_, "/v1/databases") => json!({
            "parent": { "type": "page_id", "page_id": page }, "initial_data_source": { "properties": {} },
        }),
        (_, "/v1/data_sources") => json!({
            "parent": { "type": "database_id", "database_id": ids["{database_id}"] }, "properties": {},
        }),
        (_, "/v1/comments") => json!({ "parent": { "page_id": page }, "rich_text": text }),
        (_, "/v1/views") => json!({
            "database_id": ids["{database_id}"], "data_source_id": source, "name": "x", "type": "table",
        }),
        (_, "/v1/file_uploads") => json!({ "mode": "single_part", "filename": "a.txt" }),
        (_, "/api/v1/users") => {
            json!({ "email": "x@x.example", "role": "viewer", "bot_id": ids["/api/v1/workspaces/"] })
        }
        (_, "/api/v1/groups") => json!({ "name": format!("x{}", page) }),
        (_, "/api/v1/users/{id}") => json!({ "role": "admin" }),
        (_, "/api/v1/policies" | "/api/v1/policies/validate" | "/api/v1/policy/what-if") => {
            json!({ "text": "" })
        }
        (_, "/api/v1/policy/suggest") => json!({ "key": ids["/api/v1/keys/"] }),
        (_, "/api/v1/policy/explain") => json!({
            "key": ids["/api/v1/keys/"], "operation": "retrieve-a-page", "object": page,
        }),
        (_, "/api/v1/keys") => {
            json!({ "name": "x", "role": "viewer", "connection": ids["/api/v1/workspaces/"] })
        }
        (_, "/api/v1/moves/preview") => json!({ "object": page, "to": ids["{database_id}"] }),
        (_, template) if template.ends_with("/move") => {
            json!({ "parent": { "type": "page_id", "page_id": page } })
        }
        (_, template) if template.ends_with("/children") => json!({ "children": [] }),
        _ => json!({}),
    };
    Some(body)
}

/// Everything of an answer but what is new in each.
fn comparable(reply: &Reply, ids: &BTreeMap<&str, String>) -> (u16, String) {
    let mut text = reply.text();
    if let Ok(Value::Object(mut json)) = serde_json::from_str(&text) {
        json.remove("request_id");
        text = Value::Object(json).to_string();
    }
    for (place, id) in ids {
        text = text.replace(id.as_str(), place).replace(&id.replace('-', ""), place);
    }
    (reply.status, text)
}

#[tokio::test]
async fn another_tenants_things_are_like_things_that_never_were_on_every_route() {
    let kit = Kit::start().await;
    let a = Tenant::start(&kit, "aurora").await;
    kit.clock.advance(Duration::from_secs(3600));
    let b = Tenant::start(&kit, "borealis").await;
    let no_ids: BTreeMap<&str, String> =
        b.ids.iter().map(|(place, id)| (*place, nobodys(id))).collect();
    for (place, id) in &b.ids {
        assert!(no_ids[place] != *id && !a.ids.values().any(|own| own == id), "{place}: {id}");
    }
    let scoped = json!({
        "name": "narrow", "role": "admin", "within": [a.ids["{page_id}"]], "connection": a.bot,
    });
    let scoped = kit.post(&a.admin, "/api/v1/keys", &scoped).await.json();
    let scoped = scoped["key"].as_str().unwrap();

    let document = kit.raw("GET", "/api/openapi.json", &[], None).await.json();
    let (before, calls, entries) =
        (b.state(&kit).await, b.calls(&kit).await, b.entries(&kit).await);
    let (mut asked, mut by_query) = (0, 0);
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            for key in [a.admin.as_str(), scoped] {
                let ask = async |ids: &BTreeMap<&'static str, String>| {
                    let path = aimed(template, ids).unwrap_or_else(|| template.clone());
                    let body = body(&method, template, ids);
                    let (path, body) = match template.as_str() {
                        // Where the id stands in the query.
                        "/api/v1/access" | "/api/v1/access/last" | "/api/v1/access/audits" => {
                            (format!("{path}?connection={}", ids["/api/v1/workspaces/"]), body)
                        }
                        "/api/v1/access/trace" => {
                            (format!("{path}?object={}", ids["{page_id}"]), body)
                        }
                        "/v1/comments" => (format!("{path}?block_id={}", ids["{page_id}"]), body),
                        "/v1/views" => {
                            (format!("{path}?database_id={}", ids["{database_id}"]), body)
                        }
                        "/api/v1/audit" => {
                            (format!("{path}?principal={}", ids["/api/v1/keys/"]), body)
                        }
                        _ => (path, body),
                    };
                    kit.call(&method, key, &path, body.as_ref()).await
                };
                a.forget_calls(&kit).await;
                let (theirs, work) = (ask(&b.ids).await, a.calls(&kit).await);
                a.forget_calls(&kit).await;
                let (nobodys, work_for_nobodys) = (ask(&no_ids).await, a.calls(&kit).await);
                asked += 1;
                let shown = format!("{method} {template}");
                // What is made anew, or counted, or tells the time, differs by nature.
                let differs = ["/metrics", "/api/v1/audit", "/api/v1/audit/export", "/auth/notion"];
                if !differs.contains(&template.as_str()) && theirs.status >= 400 {
                    assert_eq!(
                        comparable(&theirs, &b.ids),
                        comparable(&nobodys, &no_ids),
                        "{shown}"
                    );
                    // How long an answer takes is made of what Notion is asked for it.
                    assert_eq!(work, work_for_nobodys, "{shown}: requests to Notion");
                    by_query += 1;
                }
                // A list may be anything but the other's; it was told what it asked for.
                let text = comparable(&theirs, &b.ids).1;
                for canary in b.canaries() {
                    assert!(!text.contains(&canary), "{shown} tells {canary}: {text}");
                }
                // Nothing that is there only for the other.
                if template.contains('{') && !template.contains("{property_id}") {
                    assert!(theirs.status >= 400, "{shown}: {} {}", theirs.status, theirs.text());
                }
            }
        }
    }
    assert!(asked > 130 && by_query > 100, "{asked} requests, {by_query} compared");
    assert_eq!(b.state(&kit).await, before);
    assert_eq!(b.calls(&kit).await, calls, "Notion was asked on behalf of the other tenant");
    // Its own looks at its state are all that is new: nine now, and the nine of before, if they were not
    // written yet when they were counted.
    let looks = b.entries(&kit).await - entries;
    assert!(looks <= 18, "{looks} entries");
    let verified = kit.get(&b.admin, "/api/v1/audit/verify").await.json();
    assert_eq!(verified["intact"], true);

    // And the other way: what the one tenant does leaves no mark in what the other can read.
    for path in ["/api/v1/audit?limit=1000", "/api/v1/audit/export", "/workspaces", "/api/v1/keys"]
    {
        let text = kit.get(&b.admin, path).await.text();
        for canary in a.canaries() {
            assert!(!text.contains(&canary), "{path} tells {canary}");
        }
    }
    for path in ["/metrics", "/health", "/api/openapi.json"] {
        let text = kit.raw("GET", path, &[("notion-version", VERSION)], None).await.text();
        for canary in a.canaries().into_iter().chain(b.canaries()) {
            assert!(!text.contains(&canary), "{path} tells {canary}");
        }
    }
    kit.finish().await;
}
