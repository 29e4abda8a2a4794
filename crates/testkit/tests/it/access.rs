//! The access audit: what a connection reaches, and why.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gate::{AccessProgress, AccessQuery, AccessReport, Tokens};
use model::{ConnectionId, Origin, Principal, Role, TenantId};
use notion::Id;
use serde_json::{Value, json};
use testkit::Kit;

use crate::fake_notion::{BOT, FakeNotion};

/// A connection of its own that shares some objects.
struct Audited {
    kit: Kit,
    bot: ConnectionId,
    admin: String,
}

impl Audited {
    async fn sharing(kit: Kit, shared: &[&str]) -> Self {
        let body = json!({"name": "Audited", "capabilities": ["read_content"], "shared": shared});
        let made = kit.control("POST", "tokens", Some(&body)).await;
        let token = made["token"].as_str().unwrap().to_owned();
        Self::with(kit, token).await
    }

    async fn with(kit: Kit, token: String) -> Self {
        let tokens = Tokens { access: token.into(), write: None };
        let connected = kit.gate.connect(&kit.operator(), &tokens, Origin::Given, "test").await;
        let bot = connected.unwrap().bot_id;
        let admin = kit.key(Role::Admin, &[]).await;
        kit.forget_calls().await;
        Self { kit, bot, admin }
    }

    fn path(&self, rest: &str) -> String {
        let (route, query) = rest.split_once('?').unwrap_or((rest, ""));
        format!("/api/v1/access{route}?connection={}&{query}", self.bot)
    }

    async fn get(&self, rest: &str) -> Value {
        let reply = self.kit.get(&self.admin, &self.path(rest)).await;
        assert_eq!(reply.status, 200, "{rest}: {}", reply.text());
        reply.json()
    }

    async fn audit(&self) -> AccessReport {
        serde_json::from_value(self.get("").await).unwrap()
    }

    async fn share(&self, verb: &str, id: &str) {
        self.kit.control("POST", verb, Some(&json!({"bot_id": self.bot, "id": id}))).await;
    }

    /// The answer of `trace`, and the ids on the way up.
    async fn trace(&self, id: &str) -> (String, Vec<String>) {
        let trace = self.get(&format!("/trace?object={id}")).await;
        assert_eq!(trace["reachable"], trace["answer"] != "not_reachable");
        let chain = trace["chain"].as_array().unwrap().iter();
        let chain = chain.map(|link| link["id"].as_str().unwrap().to_owned()).collect();
        (trace["answer"].as_str().unwrap().to_owned(), chain)
    }
}

async fn page(kit: &Kit, parent: &str, title: &str) -> String {
    let body = json!({
        "parent": {"page_id": parent},
        "properties": {"title": {"title": [{"text": {"content": title}}]}},
    });
    let made = kit.as_human("POST", "/v1/pages", body).await;
    let made = made.get("body").unwrap_or(&made);
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// A page, and as many below it that there are `count` altogether; every tenth has no title.
async fn pages(kit: &Kit, count: usize) -> Vec<String> {
    let root = kit.demo.root_page_id.to_string();
    let mut ids = vec![page(kit, &root, "Audited root").await];
    for number in 1..count {
        let title = if number % 10 == 0 { String::new() } else { format!("Page {number}") };
        let parent = ids[number / 10].clone();
        ids.push(page(kit, &parent, &title).await);
    }
    ids
}

#[tokio::test]
async fn two_hundred_and_fifty_objects_take_three_searches() {
    let kit = Kit::start().await;
    let ids = pages(&kit, 250).await;
    let audited = Audited::sharing(kit, &[&ids[0]]).await;
    let report = audited.audit().await;
    assert_eq!((report.total, report.items.len(), report.counts.page), (250, 250, 250));
    assert!(report.complete && report.compared.is_none(), "{:?}", report.notes);
    let calls = audited.kit.calls().await;
    assert_eq!(calls.len(), 3, "{calls:?}");
    for call in &calls {
        assert_eq!(
            (call["operation"].as_str(), &call["body"]["page_size"]),
            (Some("post-search"), &json!(100))
        );
        assert_eq!(call["body"].get("query"), None);
    }
    let found: HashSet<String> = report.items.iter().map(|item| item.id.to_string()).collect();
    assert_eq!(found, ids.iter().cloned().collect());
    assert_eq!(report.items.iter().filter(|item| item.title == "(untitled)").count(), 24);
    let top = &report.items[0];
    assert_eq!((top.title.as_str(), top.below, top.depth), ("Audited root", 249, 0));
    assert_eq!(top.out_of_reach.unwrap().id, audited.kit.demo.root_page_id);
    assert_eq!(report.items.iter().filter(|item| item.parent.is_none()).count(), 1);
    assert!(top.url.is_some() && top.last_edited_time.is_some() && top.last_edited_by.is_some());

    // Only pages: the same ids in as many calls, and nothing is kept of it.
    audited.kit.forget_calls().await;
    let flat = audited.get("?type=page").await;
    let flat_ids: HashSet<_> =
        flat["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((flat_ids.len(), &flat["total"]), (250, &json!(250)));
    let calls = audited.kit.calls().await;
    let filter = json!({"property": "object", "value": "page"});
    assert!(calls.len() == 3 && calls.iter().all(|call| call["body"]["filter"] == filter));
    assert_eq!(audited.get("/audits").await["items"].as_array().unwrap().len(), 1);

    // It is in the ledger: that it began, and what it found.
    let entries = audited.kit.entries(50).await;
    let done = entries.iter().find(|it| it.operation == "audit-access" && it.action == "manage");
    let done = serde_json::to_value(&done.unwrap().metadata).unwrap();
    assert_eq!((&done["objects"], &done["searches"]), (&json!(250), &json!(3)));
    assert!(
        entries.iter().any(|it| it.operation == "audit-access" && it.action == "manage_intended")
    );
    audited.kit.finish().await;
}

#[tokio::test]
async fn the_tree_is_that_of_the_workspace() {
    let kit = Kit::start().await;
    let token = kit.demo.tokens.full.clone();
    let team = kit.demo.team_page_id.to_string();
    // A page in a column, which search does not tell about.
    let columns = json!({"children": [{"column_list": {"children": [
        {"column": {"children": [{"paragraph": {"rich_text": []}}]}},
        {"column": {"children": [{"paragraph": {"rich_text": []}}]}},
    ]}}]});
    kit.as_human("PATCH", &format!("/v1/blocks/{team}/children"), columns).await;
    let audited = Audited::with(kit, token).await;
    let report = audited.audit().await;
    let kinds: HashMap<Id, _> = report.items.iter().map(|it| (it.id, it.kind)).collect();
    assert_eq!(kinds.len(), report.items.len(), "nothing twice");
    assert!(report.counts.database > 0 && report.counts.data_source > 0);
    assert_eq!(report.total, report.counts.page + report.counts.data_source);
    // Every parent is where Notion itself leads, one by one.
    let kit = &audited.kit;
    for item in &report.items {
        let (mut kind, mut id) = (item.kind.as_str().to_owned(), item.id.to_string());
        let mut steps = 0;
        let above = loop {
            let route = match kind.as_str() {
                "data_source" => "data_sources",
                "database" => "databases",
                "block" => "blocks",
                _ => "pages",
            };
            let object = kit.direct("GET", &format!("/v1/{route}/{id}"), None).await;
            if object.status != 200 {
                break None;
            }
            let parent = object.json()["parent"].clone();
            let word = parent["type"].as_str().unwrap();
            if word == "workspace" {
                break None;
            }
            (kind, id) = (word.replace("_id", ""), parent[word].as_str().unwrap().to_owned());
            if kind != "block" {
                break Some(id);
            }
            steps += 1;
            assert!(steps < 20);
        };
        let shown = item.parent.map(|parent| parent.id.to_string());
        assert_eq!(
            shown,
            above.filter(|id| kinds.contains_key(&Id::parse(id).unwrap())),
            "{item:?}"
        );
    }
    // And what is below is what has it among its ancestors.
    let parents: HashMap<Id, Option<Id>> =
        report.items.iter().map(|it| (it.id, it.parent.map(|above| above.id))).collect();
    for item in &report.items {
        let is_below = |other: &Id| {
            std::iter::successors(parents[other], |id| parents[id]).any(|id| id == item.id)
        };
        let below = report.items.iter().filter(|it| it.kind.as_str() != "database");
        assert_eq!(item.below, below.filter(|it| is_below(&it.id)).count(), "{}", item.title);
    }
    // What an audit taught is not asked for again in the next.
    assert_eq!(audited.audit().await.items, report.items);
    audited.kit.finish().await;
}

#[tokio::test]
async fn what_was_shared_and_unshared_is_told() {
    let kit = Kit::start().await;
    let root = kit.demo.root_page_id.to_string();
    let (one, two) = (page(&kit, &root, "One").await, page(&kit, &root, "Two").await);
    let audited = Audited::sharing(kit, &[&one]).await;
    assert!(audited.audit().await.compared.is_none());
    let same = audited.audit().await.compared.unwrap();
    assert!(same.is_equal());
    audited.share("unshare", &one).await;
    audited.share("share", &two).await;
    audited.kit.clock.advance(Duration::from_secs(60));
    let report = audited.audit().await;
    let compared = report.compared.clone().unwrap();
    let ids = |changes: &[gate::Changed]| {
        changes.iter().map(|it| (it.id.to_string(), it.title.clone())).collect::<Vec<_>>()
    };
    assert_eq!(ids(&compared.added), [(two.clone(), "Two".to_owned())]);
    assert_eq!(ids(&compared.removed), [(one.clone(), "One".to_owned())]);

    // The last one can be read again without asking Notion, and so can the one before.
    audited.kit.forget_calls().await;
    let last: AccessReport = serde_json::from_value(audited.get("/last").await).unwrap();
    assert_eq!(last.items, report.items);
    let kept = audited.get("/audits").await["items"].as_array().cloned().unwrap();
    let first = kept.last().unwrap()["at"].as_str().unwrap().to_owned();
    let before = audited.get(&format!("/audits/{first}")).await;
    assert_eq!(before["items"][0]["id"], one);
    assert!(audited.kit.calls().await.is_empty());
    for (path, status) in [("/audits/2001-01-01T00:00:00Z", 404), ("/audits/yesterday", 400)] {
        let reply = audited.kit.get(&audited.admin, &audited.path(path)).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }

    // Ten are kept, sealed.
    for _ in 0..10 {
        audited.kit.clock.advance(Duration::from_secs(60));
        audited.audit().await;
    }
    let kept = audited.get("/audits").await["items"].as_array().cloned().unwrap();
    assert_eq!(kept.len(), 10);
    assert!(kept.iter().all(|kept| kept["at"].as_str() != Some(&*first)));
    let tenant = TenantId::default();
    let stored = store::AccessAudits::access_audit(&*audited.kit.store, &tenant, audited.bot, None);
    let bytes = stored.await.unwrap().unwrap().report.as_bytes().to_vec();
    assert!(!String::from_utf8_lossy(&bytes).contains("Two"));

    // They end with the connection.
    audited.kit.gate.disconnect(&audited.kit.operator(), audited.bot, "test").await.unwrap();
    let store = &*audited.kit.store;
    let left = store::AccessAudits::access_audits_made(store, &tenant, audited.bot).await.unwrap();
    assert!(left.is_empty());
    let refused = audited.kit.get(&audited.admin, &audited.path("")).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (409, Some("reauthorization_required"))
    );
    audited.kit.finish().await;
}

#[tokio::test]
async fn the_three_rules_of_the_hierarchy() {
    let kit = Kit::start().await;
    let root = kit.demo.root_page_id.to_string();
    let parent = page(&kit, &root, "Parent").await;
    let child = page(&kit, &parent, "Child").await;
    let grandchild = page(&kit, &child, "Grandchild").await;
    let audited = Audited::sharing(kit, &[]).await;
    // There are two connections, and none is taken by chance.
    let (operator, query) = (audited.kit.operator(), AccessQuery::default());
    let unnamed = audited.kit.gate.audit_access(&operator, query, "test", &|_| {}).await;
    assert!(unnamed.unwrap_err().to_string().starts_with("several workspaces are connected"));
    let nothing = ("not_reachable".to_owned(), vec![grandchild.clone()]);
    assert_eq!(audited.trace(&grandchild).await, nothing);

    // What is shared brings what is below it.
    audited.share("share", &parent).await;
    let way = vec![grandchild.clone(), child.clone(), parent.clone(), root.clone()];
    assert_eq!(audited.trace(&grandchild).await, ("inherited".to_owned(), way));
    let (answer, way) = audited.trace(&parent).await;
    assert_eq!((answer.as_str(), way), ("shared_directly", vec![parent.clone(), root.clone()]));
    let trace = audited.get(&format!("/trace?object={grandchild}")).await;
    assert_eq!(trace["granted_by"]["id"], parent);
    assert_eq!(trace["chain"][3]["reachable"], false);
    let because = trace["because"].as_str().unwrap();
    assert!(because.starts_with("inherits from the page “Parent”"), "{because}");

    // Taking it away takes everything along.
    audited.share("unshare", &parent).await;
    for id in [&parent, &child, &grandchild] {
        assert_eq!(audited.trace(id).await.0, "not_reachable");
    }

    // What is below brings nothing above it.
    audited.share("share", &child).await;
    assert_eq!(audited.trace(&parent).await.0, "not_reachable");
    assert_eq!(audited.trace(&child).await.0, "shared_directly");
    assert_eq!(audited.trace(&grandchild).await.0, "inherited");
    let advice = audited.get(&format!("/trace?object={parent}")).await["advice"].clone();
    assert!(advice.as_str().unwrap().contains("add “Audited”"), "{advice}");
    audited.kit.finish().await;
}

#[tokio::test]
async fn any_object_can_be_traced_under_any_name() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let token = kit.demo.tokens.full.clone();
    let audited = Audited::with(kit, token).await;
    let (team, source, database) = (
        demo.team_page_id.to_string(),
        demo.data_source_id.to_string(),
        demo.database_id.to_string(),
    );
    let url = format!("https://www.notion.so/Team-{}?pvs=4", demo.team_page_id.plain());
    let (_, way) = audited.trace(&team).await;
    let at_url = audited.get(&format!("/trace?object={}", url.replace('?', "%3F"))).await;
    assert_eq!(at_url["chain"][0]["id"], team);
    assert_eq!(at_url["chain"].as_array().unwrap().len(), way.len());
    // Taken for something else, it is found all the same.
    for (taken_for, id, kind) in [
        ("page", &database, "database"),
        ("database", &source, "data_source"),
        ("block", &team, "block"),
    ] {
        let trace = audited.get(&format!("/trace?object={id}&type={taken_for}")).await;
        assert_eq!((&trace["reachable"], &trace["chain"][0]["type"]), (&json!(true), &json!(kind)));
    }
    let (_, way) = audited.trace(&source).await;
    assert_eq!(way[..2], [source, database]);
    for bad in ["?object=nonsense", "?object=", "", "?object=nonsense&type=page"] {
        let reply = audited.kit.get(&audited.admin, &audited.path(&format!("/trace{bad}"))).await;
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text());
    }
    let wrong = audited.kit.get(&audited.admin, &audited.path("?type=block")).await;
    assert_eq!(wrong.json()["code"], "validation_error");
    audited.kit.finish().await;
}

#[tokio::test]
async fn only_who_manages_may_look_and_only_at_their_own() {
    let kit = Kit::start().await;
    let team = kit.demo.team_page_id;
    let keys = [
        kit.key(Role::Viewer, &[]).await,
        kit.key(Role::Editor, &[]).await,
        kit.key(Role::Admin, &[team]).await,
        kit.key_with(Role::Admin, &[], &[notion::Capability::InsertContent]).await,
    ];
    let missing = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    kit.forget_calls().await;
    for key in &keys {
        let mut answers = HashSet::new();
        for path in [
            "/api/v1/access".to_owned(),
            "/api/v1/access/last".to_owned(),
            "/api/v1/access/audits".to_owned(),
            "/api/v1/access/audits/2026-01-01T00:00:00Z".to_owned(),
            // Whether it is there, outside the scope or inside, makes no difference.
            format!("/api/v1/access/trace?object={}", kit.demo.other_page_id),
            format!("/api/v1/access/trace?object={team}"),
            format!("/api/v1/access/trace?object={missing}"),
        ] {
            let reply = kit.get(key, &path).await;
            assert_eq!(reply.status, 403, "{path}: {}", reply.text());
            answers.insert(reply.text());
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    assert!(kit.calls().await.is_empty(), "Notion was asked");

    // Another tenant's connection is not there, and neither is one that nobody has.
    let bot = kit.operator().connection;
    let stranger = Principal { tenant: TenantId::new("other"), ..kit.operator() };
    let mut said = HashSet::new();
    for id in [bot, ConnectionId(Id::parse(missing).unwrap())] {
        let query = AccessQuery { connection: Some(id), only: None };
        let error = kit.gate.audit_access(&stranger, query, "test", &|_| {}).await.unwrap_err();
        assert!(matches!(error, gate::Error::Missing(_)), "{error}");
        said.insert(error.to_string().replace(&id.to_string(), "ID"));
        let error = kit.gate.last_access(&stranger, Some(id), "test").await.unwrap_err();
        said.insert(error.to_string().replace(&id.to_string(), "ID"));
        let error = kit.gate.access_audits(&stranger, Some(id), "test").await.unwrap_err();
        said.insert(error.to_string().replace(&id.to_string(), "ID"));
        let error =
            kit.gate.trace_access(&stranger, Some(id), None, team, "test").await.unwrap_err();
        said.insert(error.to_string().replace(&id.to_string(), "ID"));
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    kit.finish().await;
}

#[tokio::test]
async fn told_to_wait_it_waits_and_goes_on() {
    let kit = Kit::start().await;
    let ids = pages(&kit, 150).await;
    let audited = Audited::sharing(kit, &[&ids[0]]).await;
    // More often than the client itself repeats.
    let busy = json!({
        "match": {"operation": "post-search"}, "times": 4,
        "answer": {"status": 429, "code": "rate_limited", "retry_after": 1},
    });
    audited.kit.control("POST", "faults", Some(&busy)).await;
    let waits = AtomicUsize::new(0);
    let seen = |progress: AccessProgress| {
        waits.fetch_add(usize::from(progress.waiting == Some(1)), Ordering::Relaxed);
    };
    let query = AccessQuery { connection: Some(audited.bot), only: None };
    let report = audited.kit.gate.audit_access(&audited.kit.operator(), query, "test", &seen).await;
    let report = report.unwrap();
    assert_eq!((report.total, report.asked.searches), (150, 2));
    assert!(waits.load(Ordering::Relaxed) > 0 && report.asked.waits > 0);
    assert_eq!(audited.kit.calls().await.len(), 6, "no question more than needed");
    audited.kit.finish().await;
}

#[tokio::test]
async fn in_lines_it_tells_how_far_it_is() {
    let kit = Kit::start().await;
    let ids = pages(&kit, 120).await;
    let audited = Audited::sharing(kit, &[&ids[0]]).await;
    let bearer = format!("Bearer {}", audited.admin);
    let headers = [("authorization", bearer.as_str()), ("accept", "application/x-ndjson")];
    let reply = audited.kit.raw("GET", &audited.path(""), &headers, None).await;
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> =
        reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| lines.iter().filter(|line| line.get(name).is_some()).count();
    assert_eq!((of("item"), of("summary"), of("error")), (120, 1, 0));
    assert!(of("progress") > 0 && lines[0].get("progress").is_some());
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!((&summary["total"], summary.get("items")), (&json!(120), None));
    let whole = audited.audit().await;
    assert_eq!(
        json!(whole.items[7]),
        lines.iter().filter_map(|line| line.get("item")).nth(7).unwrap().clone()
    );

    // A refusal has its status; what breaks on the way is a line of its own.
    let refused =
        audited.kit.raw("GET", "/api/v1/access?connection=nonsense", &headers, None).await;
    assert_eq!(refused.status, 400);
    let broken = json!({"match": {"operation": "post-search"}, "answer": {"status": 500, "code": "internal_server_error"}});
    audited.kit.control("POST", "faults", Some(&broken)).await;
    let refused = audited.kit.raw("GET", &audited.path(""), &headers, None).await;
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert_eq!(refused.json()["code"], "audit_broken");
    audited.kit.finish().await;
}

#[tokio::test]
async fn one_at_a_time_and_none_for_who_has_gone() {
    let kit = Kit::start().await;
    let root = kit.demo.root_page_id.to_string();
    let audited = Audited::sharing(kit, &[&root]).await;
    let slow = json!({"match": {"operation": "post-search"}, "latency_ms": 3000, "times": 1});
    for lines in [false, true] {
        audited.kit.control("POST", "faults", Some(&slow)).await;
        let url = format!("{}{}", audited.kit.url, audited.path(""));
        let bearer = format!("Bearer {}", audited.admin);
        let first = tokio::spawn(async move {
            let accept = if lines { "application/x-ndjson" } else { "application/json" };
            let headers = [("authorization", bearer.as_str()), ("accept", accept)];
            testkit::send("GET", &url, &headers, "".into()).await
        });
        // Notion is being asked; now somebody else asks us.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        let second = loop {
            let second = audited.kit.get(&audited.admin, &audited.path("?type=page")).await;
            if second.status != 200 || tokio::time::Instant::now() > deadline {
                break second;
            }
        };
        assert_eq!((second.status, second.json()["code"].as_str()), (409, Some("conflict")));
        first.abort();
        // The one that hung up is no longer in the way.
        loop {
            let again = audited.kit.get(&audited.admin, &audited.path("?type=page")).await;
            if again.status == 200 {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{}", again.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let kept = audited.get("/audits").await;
    assert_eq!(kept["items"], json!([]), "nothing is kept of an audit without an end");
    audited.kit.finish().await;
}

fn numbered(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn object(number: usize, parent: Value) -> Value {
    let title = [json!({"plain_text": format!("Page {number}")})];
    json!({
        "object": "page", "id": numbered(number), "parent": parent,
        "properties": {"Name": {"id": "title", "type": "title", "title": title}},
    })
}

fn list(results: Vec<Value>, next: Option<String>) -> Value {
    json!({"object": "list", "results": results, "has_more": next.is_some(), "next_cursor": next})
}

/// An audit in front of a Notion of the test's own.
async fn audit_of(
    answers: impl Fn(usize, &str, &str, &Value) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> (Kit, FakeNotion, Result<AccessReport, gate::Error>) {
    let fake = FakeNotion::start(answers).await;
    let url = fake.url.clone();
    let kit = Kit::start_with(move |options| options.notion.base_url = url).await;
    fake.asked.lock().unwrap().clear();
    let bot = ConnectionId(Id::parse(BOT).unwrap());
    let query = AccessQuery { connection: Some(bot), only: None };
    let report = kit.gate.audit_access(&kit.operator(), query, "test", &|_| {}).await;
    (kit, fake, report)
}

fn workspace() -> Value {
    json!({"type": "workspace", "workspace": true})
}

/// Runs what must fail, and sees to it that nothing is kept.
async fn expect_broken(
    what: &str,
    answers: impl Fn(usize, &str, &str, &Value) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> (String, usize) {
    let (kit, fake, report) = audit_of(answers).await;
    let error = report.expect_err(what);
    assert!(matches!(error, gate::Error::AuditBroken { .. }), "{what}: {error:?}");
    let bot = ConnectionId(Id::parse(BOT).unwrap());
    let kept = kit.gate.access_audits(&kit.operator(), Some(bot), "test").await.unwrap();
    assert!(kept.is_empty(), "{what}");
    let entry = kit.entries(10).await.into_iter().find(|it| it.operation == "audit-access");
    assert_eq!(entry.unwrap().result, ledger::Outcome::Error, "{what}");
    let asked = fake.count("/v1/search");
    kit.finish().await;
    (error.to_string(), asked)
}

#[tokio::test]
async fn a_search_without_an_end_is_noticed() {
    let (said, asked) = expect_broken("the same cursor", |number, _, _, _| {
        Some((200, list(vec![object(number, workspace())], Some("again".to_owned()))))
    })
    .await;
    assert!(said.contains("a cursor that it had given before"), "{said}");
    assert_eq!(asked, 2);
    let (said, asked) =
        expect_broken("ever new cursors, ever the same objects", |number, _, _, _| {
            Some((200, list(vec![object(1, workspace())], Some(format!("cursor {number}")))))
        })
        .await;
    assert!(said.contains("brings nothing new") && said.contains("after 1 objects"), "{said}");
    assert!(asked < 50, "{asked}");
    let (_, asked) = expect_broken("nothing, and more of it", |number, _, _, _| {
        Some((200, list(vec![], Some(format!("cursor {number}")))))
    })
    .await;
    assert!(asked < 50, "{asked}");
    expect_broken("a huge cursor", |_, _, _, _| {
        Some((200, list(vec![object(1, workspace())], Some("x".repeat(1_000_000)))))
    })
    .await;
}

#[tokio::test]
async fn a_notion_that_fails_on_the_way_is_told_with_how_far_it_came() {
    let (said, _) = expect_broken("500 after a page", |_, _, _, body| {
        if body.get("start_cursor").is_some() {
            let error = json!({"object": "error", "status": 500, "code": "internal_server_error", "message": "no"});
            return Some((500, error));
        }
        let page = (0..100).map(|number| object(number, workspace())).collect();
        Some((200, list(page, Some("next".to_owned()))))
    })
    .await;
    assert!(said.contains("after 100 objects") && said.contains("nothing was kept"), "{said}");
    expect_broken("no JSON", |_, _, _, _| Some((200, json!("text")))).await;
    expect_broken("no list", |_, _, _, _| Some((200, json!({"results": {"a": 1}})))).await;
    expect_broken("a broken connection", |_, _, _, _| None).await;
    expect_broken("blocked", |_, _, _, _| {
        let data = json!({"rate_limit_reason": "public_api_request_blocked"});
        let error = json!({"object": "error", "status": 429, "code": "rate_limited", "message": "no", "additional_data": data});
        Some((429, error))
    })
    .await;
    let (said, _) = expect_broken("a block that cannot be looked at", |_, _, path, _| {
        if path.starts_with("/v1/blocks/") {
            return Some((503, json!({"object": "error", "status": 503, "code": "service_unavailable", "message": "no"})));
        }
        let parent = json!({"type": "block_id", "block_id": numbered(99)});
        Some((200, list(vec![object(1, parent)], None)))
    })
    .await;
    assert!(said.contains("after 1 objects"), "{said}");
}

#[tokio::test]
async fn strange_objects_do_no_harm() {
    let (kit, fake, report) = audit_of(|_, _, path, _| {
        if let Some(id) = path.strip_prefix("/v1/blocks/") {
            // Two blocks in each other, one that is another than was asked for, one that is gone.
            let other = if id == numbered(60) { numbered(61) } else { numbered(60) };
            return match id {
                id if id == numbered(62) => Some((200, json!({"object": "block", "id": numbered(1), "parent": {"type": "page_id", "page_id": numbered(1)}}))),
                id if id == numbered(63) => Some((404, json!({"object": "error", "status": 404, "code": "object_not_found", "message": "no"}))),
                id => Some((200, json!({"object": "block", "id": id, "type": "toggle", "parent": {"type": "block_id", "block_id": other}}))),
            };
        }
        let under = |kind: &str, number: usize| json!({"type": format!("{kind}_id"), format!("{kind}_id"): numbered(number)});
        let mut hostile = object(8, workspace());
        hostile["properties"]["Name"]["title"][0]["plain_text"] = json!("\u{1b}[2J".repeat(100_000));
        hostile["url"] = json!("javascript:alert(1)");
        let results = vec![
            object(1, under("page", 2)),
            object(2, under("page", 1)),
            object(3, under("page", 3)),
            object(4, under("block", 60)),
            object(5, under("block", 62)),
            object(6, under("block", 63)),
            object(6, workspace()),
            object(7, json!({"type": "agent_id", "agent_id": 7})),
            hostile,
            json!({"object": "agent", "id": numbered(9)}),
            json!({"object": "page"}),
            json!(null),
        ];
        Some((200, list(results, None)))
    })
    .await;
    let report = report.unwrap();
    assert_eq!((report.total, report.items.len(), report.asked.lookups), (8, 8, 4));
    assert_eq!(fake.count("/v1/blocks/"), 4, "each block is looked up once");
    assert!(report.notes.iter().any(|note| note.starts_with("3 results")), "{:?}", report.notes);
    assert!(report.notes.iter().any(|note| note.contains("circle")));
    let hostile = report.items.iter().find(|item| item.id.to_string() == numbered(8)).unwrap();
    assert!(hostile.title.chars().count() <= 501 && hostile.url.is_none());
    kit.finish().await;
}

#[tokio::test]
async fn beyond_the_end_of_search_the_kinds_are_asked_for_one_by_one() {
    /// What a search shows at most: Notion's is 10,000.
    const CUT: usize = 300;
    let (kit, _, report) = audit_of(|_, _, _, body| {
        let is_wanted = |number: &usize| match body["filter"]["value"].as_str() {
            Some("page") => !number.is_multiple_of(5),
            Some(_) => number.is_multiple_of(5),
            None => true,
        };
        let mut all: Vec<usize> = (0..500).filter(is_wanted).collect();
        if body["sort"]["direction"] == "descending" {
            all.reverse();
        }
        let is_cut = all.len() > CUT;
        all.truncate(CUT);
        let start: usize = body["start_cursor"].as_str().map_or(0, |it| it.parse().unwrap());
        let results = all.iter().skip(start).take(100).map(|number| {
            let mut object = object(*number, workspace());
            if number % 5 == 0 {
                object["object"] = json!("data_source");
            }
            object
        });
        let next = (start + 100 < all.len()).then(|| (start + 100).to_string());
        let mut answer = list(results.collect(), next);
        if is_cut {
            answer["request_status"] =
                json!({"type": "incomplete", "incomplete_reason": "query_result_limit_reached"});
        }
        Some((200, answer))
    })
    .await;
    let report = report.unwrap();
    assert_eq!((report.total, report.counts.page, report.counts.data_source), (500, 400, 100));
    assert!(report.complete, "{:?}", report.notes);
    kit.finish().await;
}
