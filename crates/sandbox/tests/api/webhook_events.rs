//! Webhooks: every type of event in every version, and who may know of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use referee::schemas::{Verdict, judge_event};
use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};
use crate::receiver::{Received, Receiver};

/// The receivers of one subscription per version.
struct Three {
    bench: Bench,
    old: Receiver,
    mid: Receiver,
    new: Receiver,
}

impl Three {
    async fn start() -> Self {
        let bench = Bench::new();
        bench.control("POST", "clock", json!({"freeze": true})).await.ok();
        let (old, mid, new) =
            (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        for (receiver, version) in [(&old, OLD), (&mid, MID), (&new, NEW)] {
            receiver.subscribe(&bench, json!({"api_version": version})).await;
        }
        Self { bench, old, mid, new }
    }

    /// What all versions are told alike.
    async fn told(&self) -> Vec<String> {
        let [old, mid, new] = self.each().await;
        assert_eq!((&old, &mid), (&mid, &new));
        old
    }

    async fn each(&self) -> [Vec<String>; 3] {
        self.bench.flush().await;
        [&self.old, &self.mid, &self.new].map(|receiver| {
            let mut lines: Vec<String> = receiver.taken().iter().map(line).collect();
            lines.sort();
            lines
        })
    }
}

/// Type and entity in short, after a check against Notion's own schema.
fn line(received: &Received) -> String {
    let body = &received.body;
    let kind = body["type"].as_str().unwrap();
    match judge_event(body) {
        Verdict::Fits | Verdict::Unknown("there are no schemas of this version here") => {}
        other => panic!("{other:?}\n{body}"),
    }
    format!("{kind} {} {}", body["entity"]["type"].as_str().unwrap(), body["entity"]["id"])
        .replace('"', "")
}

fn lines<const N: usize>(expected: [(&str, &str, &str); N]) -> Vec<String> {
    let mut lines = expected.map(|(kind, entity, id)| format!("{kind} {entity} {id}"));
    lines.sort();
    lines.to_vec()
}

#[tokio::test]
async fn pages_tell_of_every_change() {
    let three = Three::start().await;
    let bench = &three.bench;
    let team = bench.demo.team_page_id.to_string();
    let other = bench.demo.other_page_id.to_string();
    let id = bench.page(&json!({"page_id": team}), "Page").await;
    let path = format!("/v1/pages/{id}");
    let expected = lines([("page.created", "page", &id), ("page.content_updated", "page", &team)]);
    assert_eq!(three.told().await, expected);
    let children = json!({"children": [{"paragraph": {"rich_text": []}}]});
    let answer =
        bench.call("PATCH", &format!("/v1/blocks/{id}/children"), children).await.ok().body;
    let block = answer["results"][0]["id"].as_str().unwrap();
    bench.flush().await;
    let [event] = three.old.taken().try_into().unwrap();
    let data = json!({
        "updated_blocks": [{"id": block, "type": "block"}],
        "parent": {"id": team, "type": "page"},
    });
    assert_eq!(event.body["data"].to_string(), data.to_string());
    three.told_nothing_else();
    let content = lines([("page.content_updated", "page", &id)]);
    let text = json!({"paragraph": {"rich_text": [{"text": {"content": "x"}}]}});
    bench.call("PATCH", &format!("/v1/blocks/{block}"), text.clone()).await.ok();
    assert_eq!(three.told().await, content);
    // The same again is no change.
    bench.call("PATCH", &format!("/v1/blocks/{block}"), text).await.ok();
    assert!(three.told().await.is_empty());
    bench.call("DELETE", &format!("/v1/blocks/{block}"), Value::Null).await.ok();
    assert_eq!(three.told().await, content);
    bench.call("PATCH", &path, json!({"icon": {"type": "emoji", "emoji": "🦀"}})).await.ok();
    assert_eq!(three.told().await, content);
    bench.call("PATCH", &path, json!({"is_locked": true})).await.ok();
    assert_eq!(three.told().await, lines([("page.locked", "page", &id)]));
    bench.call("PATCH", &path, json!({"is_locked": false})).await.ok();
    assert_eq!(three.told().await, lines([("page.unlocked", "page", &id)]));
    bench.call("POST", &format!("{path}/move"), json!({"parent": {"page_id": other}})).await.ok();
    let expected = lines([
        ("page.moved", "page", &id),
        ("page.content_updated", "page", &team),
        ("page.content_updated", "page", &other),
    ]);
    assert_eq!(three.told().await, expected);
    for (in_trash, kind) in [(true, "page.deleted"), (false, "page.undeleted")] {
        bench.call("PATCH", &path, json!({"in_trash": in_trash})).await.ok();
        let expected = lines([(kind, "page", &id), ("page.content_updated", "page", &other)]);
        assert_eq!(three.told().await, expected);
    }
}

impl Three {
    fn told_nothing_else(&self) {
        for receiver in [&self.old, &self.mid, &self.new] {
            receiver.taken();
        }
    }
}

#[tokio::test]
async fn rows_and_tables_are_told_by_version() {
    let three = Three::start().await;
    let bench = &three.bench;
    let (source, database) =
        (bench.demo.data_source_id.to_string(), bench.demo.database_id.to_string());
    let row = bench.page(&json!({"data_source_id": source}), "Row").await;
    bench.flush().await;
    let of_row = |taken: Vec<Received>| {
        taken.into_iter().find(|one| one.body["type"] == "page.created").unwrap().body
    };
    let old = of_row(three.old.taken());
    assert_eq!(old["data"], json!({"parent": {"id": database, "type": "database"}}));
    let new = of_row(three.new.taken());
    let parent = json!({"id": database, "type": "database", "data_source_id": source});
    assert_eq!(new["data"], json!({"parent": parent}));
    let keys: Vec<&str> = new.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "id",
        "timestamp",
        "workspace_id",
        "workspace_name",
        "subscription_id",
        "integration_id",
        "authors",
        "attempt_number",
        "api_version",
        "entity",
        "type",
        "data",
    ];
    assert_eq!(keys, expected);
    let mid: Vec<String> = three.mid.taken().iter().map(line).collect();
    assert!(mid.contains(&format!("data_source.content_updated data_source {source}")), "{mid:?}");
    let changed = json!({"properties": {
        "Brand new": {"number": {}},
    }});
    let path = format!("/v1/data_sources/{source}");
    bench.call("PATCH", &path, changed).await.ok();
    let [old, mid, new] = three.each().await;
    assert_eq!(old, lines([("database.schema_updated", "database", &database)]));
    assert_eq!(mid, lines([("data_source.schema_updated", "data_source", &source)]));
    assert_eq!(mid, new);
    bench.call("PATCH", &path, json!({"properties": {"Brand new": {"name": "Newer"}}})).await.ok();
    bench.flush().await;
    let data = three.new.taken()[0].body["data"].clone();
    assert_eq!(data["parent"], json!({"id": database, "type": "database"}));
    let change = &data["updated_properties"][0];
    assert_eq!((&change["name"], &change["action"]), (&json!("Newer"), &json!("updated")));
    bench.call("PATCH", &path, json!({"properties": {"Newer": null}})).await.ok();
    bench.flush().await;
    let data = three.new.taken()[0].body["data"].clone();
    assert_eq!(data["updated_properties"][0]["action"], "deleted");
    three.told_nothing_else();
    // Values, with encoded ids.
    let path = format!("/v1/pages/{row}");
    let properties = bench.get(&path).await.ok().body["properties"].clone();
    let checkbox = properties.as_object().unwrap().values().find(|one| one["type"] == "date");
    let id = checkbox.unwrap()["id"].as_str().unwrap().to_owned();
    let value = json!({"date": {"start": "2026-02-03"}});
    bench.call("PATCH", &path, json!({"properties": {id.clone(): value}})).await.ok();
    bench.flush().await;
    let [event] = three.mid.taken().try_into().unwrap();
    assert_eq!(event.body["type"], "page.properties_updated");
    assert_eq!(event.body["data"]["updated_properties"], json!([id]));
}

#[tokio::test]
async fn databases_and_data_sources_come_move_and_go() {
    let three = Three::start().await;
    let bench = &three.bench;
    let team = bench.demo.team_page_id.to_string();
    let other = bench.demo.other_page_id.to_string();
    let body = json!({"parent": {"page_id": team}, "initial_data_source": {"properties": {
        "Name": {"title": {}},
    }}});
    let database = bench.call("POST", "/v1/databases", body).await.ok().id();
    let expected = lines([
        ("database.created", "database", &database),
        ("page.content_updated", "page", &team),
    ]);
    assert_eq!(three.told().await, expected);
    let body = json!({"parent": {"database_id": database}, "properties": {"Name": {"title": {}}}});
    let source = bench.call("POST", "/v1/data_sources", body).await.ok().id();
    let [old, mid, new] = three.each().await;
    assert!(old.is_empty());
    assert_eq!(mid, lines([("data_source.created", "data_source", &source)]));
    assert_eq!(mid, new);
    let path = format!("/v1/data_sources/{source}");
    let to = json!({"parent": {"database_id": bench.demo.database_id}});
    bench.call("PATCH", &path, to).await.ok();
    assert_eq!(three.each().await[1], lines([("data_source.moved", "data_source", &source)]));
    for (in_trash, kind) in [(true, "data_source.deleted"), (false, "data_source.undeleted")] {
        bench.call("PATCH", &path, json!({"in_trash": in_trash})).await.ok();
        let [_, mid, new] = three.each().await;
        assert!(mid.contains(&format!("{kind} data_source {source}")), "{mid:?}");
        assert_eq!(mid, new);
    }
    let path = format!("/v1/databases/{database}");
    bench.call("PATCH", &path, json!({"parent": {"page_id": other}})).await.ok();
    let moved = three.told().await;
    assert!(moved.contains(&format!("database.moved database {database}")), "{moved:?}");
    for (in_trash, kind) in [(true, "database.deleted"), (false, "database.undeleted")] {
        bench.call("PATCH", &path, json!({"in_trash": in_trash})).await.ok();
        let told = three.told().await;
        assert!(told.contains(&format!("{kind} database {database}")), "{told:?}");
    }
    bench.call("PATCH", &path, json!({"title": [{"text": {"content": "New"}}]})).await.ok();
    let [old, mid, new] = three.each().await;
    assert_eq!(old, lines([("database.content_updated", "database", &database)]));
    assert!(mid.is_empty() && new.is_empty());
}

#[tokio::test]
async fn comments_are_told_to_those_who_may_read_them() {
    let (bench, deaf, knowing) = (Bench::new(), Receiver::start().await, Receiver::start().await);
    let page = bench.demo.team_page_id;
    let (_, bot) = bench.token(&["read_content"], &[page]).await;
    deaf.subscribe(&bench, json!({"bot_id": bot})).await;
    let (_, bot) = bench.token(&["read_comments"], &[page]).await;
    knowing.subscribe(&bench, json!({"bot_id": bot})).await;
    let text = json!([{"text": {"content": "Hello"}}]);
    let body = json!({"parent": {"page_id": page}, "rich_text": text});
    let comment = bench.human("POST", "/v1/comments", body).await["id"].clone();
    let path = format!("/v1/comments/{}", comment.as_str().unwrap());
    bench.human("PATCH", &path, json!({"rich_text": text})).await;
    bench.human("DELETE", &path, Value::Null).await;
    bench.page(&json!({"page_id": page}), "Unknown to readers of comments").await;
    bench.flush().await;
    assert_eq!(deaf.types(), ["page.created", "page.content_updated"]);
    let taken = knowing.taken();
    let told: Vec<String> = taken.iter().map(line).collect();
    let id = comment.as_str().unwrap();
    let expected =
        ["created", "updated", "deleted"].map(|word| format!("comment.{word} comment {id}"));
    assert_eq!(told, expected);
    let data = json!({"page_id": page, "parent": {"id": page, "type": "page"}});
    assert_eq!(taken[0].body["data"], data);
    assert_eq!(taken[0].body["authors"][0]["type"], "person");
    assert_eq!(taken[0].body["integration_id"], bot);
    assert_eq!(taken[0].body.get("accessible_by"), None);
}

#[tokio::test]
async fn a_subscriber_hears_only_of_what_was_shared() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let (team, other) = (bench.demo.team_page_id, bench.demo.other_page_id);
    let (_, bot) = bench.token(&["read_content"], &[team]).await;
    receiver.subscribe(&bench, json!({"bot_id": bot, "events": ["page.created"]})).await;
    bench.page(&json!({"page_id": other}), "Elsewhere").await;
    bench.flush().await;
    assert!(receiver.taken().is_empty());
    bench.control("POST", "share", json!({"bot_id": bot, "id": other})).await.ok();
    bench.page(&json!({"page_id": other}), "Here").await;
    bench.flush().await;
    assert_eq!(receiver.types(), ["page.created"]);
    bench.control("DELETE", &format!("tokens/{bot}"), Value::Null).await.ok();
    bench.page(&json!({"page_id": other}), "Too late").await;
    bench.flush().await;
    assert!(receiver.taken().is_empty());
}

#[tokio::test]
async fn both_ends_of_a_relation_are_told() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let parent = json!({"page_id": bench.demo.team_page_id});
    let body = json!({"parent": parent, "initial_data_source": {"properties": {
        "Name": {"title": {}},
    }}});
    let database = bench.call("POST", "/v1/databases", body).await.ok().body;
    let near = database["data_sources"][0]["id"].as_str().unwrap().to_owned();
    let far = bench.demo.data_source_id.to_string();
    let events = json!(["data_source.schema_updated", "page.properties_updated"]);
    receiver.subscribe(&bench, json!({"events": events})).await;
    let relation = json!({"data_source_id": far, "dual_property": {}});
    let path = format!("/v1/data_sources/{near}");
    bench.call("PATCH", &path, json!({"properties": {"Far": {"relation": relation}}})).await.ok();
    bench.flush().await;
    let mut told: Vec<String> = receiver.taken().iter().map(line).collect();
    told.sort();
    let expected = lines([
        ("data_source.schema_updated", "data_source", &near),
        ("data_source.schema_updated", "data_source", &far),
    ]);
    assert_eq!(told, expected);
    let one = bench.page(&json!({"data_source_id": near}), "One").await;
    let other = bench.page(&json!({"data_source_id": far}), "Other").await;
    bench.flush().await;
    receiver.taken();
    let value = json!({"properties": {"Far": {"relation": [{"id": other}]}}});
    bench.call("PATCH", &format!("/v1/pages/{one}"), value).await.ok();
    bench.flush().await;
    let mut told: Vec<String> = receiver.taken().iter().map(line).collect();
    told.sort();
    let expected = lines([
        ("page.properties_updated", "page", &one),
        ("page.properties_updated", "page", &other),
    ]);
    assert_eq!(told, expected);
}

#[tokio::test]
async fn public_connections_say_by_whom_the_entity_can_be_read() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let (team, other) = (bench.demo.team_page_id, bench.demo.other_page_id);
    let body = json!({
        "name": "Pocket",
        "redirect_uris": ["https://app.example/callback"],
        "capabilities": ["read_content"],
    });
    let made = bench.control("POST", "oauth/clients", body).await.ok().body;
    let (client, secret) =
        (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let path = format!(
        "/v1/oauth/authorize?client_id={client}&response_type=code&owner=user\
         &_sandbox_approve=1&_sandbox_pages={team}"
    );
    let back = bench.browse("GET", &path, &[], "").await.location();
    let code = back.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
    let basic = BASE64_STANDARD.encode(format!("{client}:{secret}"));
    let grant = json!({"grant_type": "authorization_code", "code": code}).to_string();
    let headers = [("authorization", &*format!("Basic {basic}"))];
    let pair = bench.raw("POST", "/v1/oauth/token", &headers, grant).await.ok().body;
    receiver.subscribe(&bench, json!({"client_id": client, "events": ["page.created"]})).await;
    bench.page(&json!({"page_id": team}), "Shared").await;
    bench.page(&json!({"page_id": other}), "Not shared").await;
    bench.flush().await;
    let [event] = receiver.taken().try_into().unwrap();
    line(&event);
    let owner = &pair["owner"]["user"]["id"];
    let expected = json!([
        {"id": owner, "type": "person"},
        {"id": pair["bot_id"], "type": "bot"},
    ]);
    assert_eq!(event.body["accessible_by"], expected);
    assert_eq!(event.body["integration_id"], client);
}

#[tokio::test]
async fn views_and_linked_databases_are_told_to_the_newest_version() {
    let three = Three::start().await;
    let bench = &three.bench;
    let (source, team) = (bench.demo.data_source_id, bench.demo.team_page_id.to_string());
    let database = bench.demo.database_id.to_string();
    let body = json!({
        "database_id": database, "data_source_id": source, "name": "Mine", "type": "table",
    });
    let view = bench.call("POST", "/v1/views", body).await.ok().id();
    bench.flush().await;
    let [event] = three.new.taken().try_into().unwrap();
    assert_eq!(line(&event), format!("view.created view {view}"));
    assert_eq!(event.body["data"]["view_type"], "table");
    assert_eq!(event.body["data"]["parent"], json!({"id": database, "type": "database"}));
    assert!(three.old.taken().is_empty() && three.mid.taken().is_empty());
    let path = format!("/v1/views/{view}");
    bench.call("PATCH", &path, json!({"name": "Yours"})).await.ok();
    bench.flush().await;
    let [event] = three.new.taken().try_into().unwrap();
    assert_eq!(line(&event), format!("view.updated view {view}"));
    assert_eq!(event.body["data"]["updated_fields"], json!(["name"]));
    bench.call("DELETE", &path, Value::Null).await.ok();
    bench.flush().await;
    assert_eq!(line(&three.new.taken()[0]), format!("view.deleted view {view}"));
    // A linked database is a block.
    let body = json!({
        "create_database": {"parent": {"type": "page_id", "page_id": team}},
        "data_source_id": source,
        "name": "Linked",
        "type": "table",
    });
    bench.call("POST", "/v1/views", body).await.ok();
    let [_, mid, _] = three.each().await;
    let created = mid.iter().find(|line| line.starts_with("database.created")).unwrap();
    assert!(created.starts_with("database.created block "), "{mid:?}");
    assert!(mid.contains(&format!("page.content_updated page {team}")), "{mid:?}");
}

#[tokio::test]
async fn uploads_are_told_to_whoever_made_them_as_time_goes_by() {
    let three = Three::start().await;
    let bench = &three.bench;
    let stranger = Receiver::start().await;
    let (_, bot) = bench.token(&["read_content"], &[bench.demo.root_page_id]).await;
    stranger.subscribe(bench, json!({"bot_id": bot})).await;
    let begin = async |body: Value| bench.call("POST", "/v1/file_uploads", body).await.ok().id();
    let import = |url: &str| json!({"mode": "external_url", "external_url": url});
    let good = begin(import("https://example.com/cat.png")).await;
    let bad = begin(import("https://localhost/cat.png")).await;
    let forgotten = begin(json!({"filename": "b.txt"})).await;
    let created = |id| ("file_upload.created", "file_upload", id);
    let [old, mid, new] = three.each().await;
    assert_eq!(mid, lines([created(&*good), created(&bad), created(&forgotten)]));
    assert!(old.is_empty() && mid == new);
    bench.control("POST", "clock", json!({"advance_ms": 3000})).await.ok();
    let taken = three.new.taken();
    assert!(taken.iter().all(|one| one.body.get("data").is_none() || line(one).contains(&bad)));
    let mut told: Vec<String> = taken.iter().map(line).collect();
    told.sort();
    let expected = lines([
        ("file_upload.completed", "file_upload", &good),
        ("file_upload.upload_failed", "file_upload", &bad),
    ]);
    assert_eq!(told, expected);
    bench.control("POST", "clock", json!({"advance_ms": 7_200_000})).await.ok();
    let told: Vec<String> = three.new.taken().iter().map(line).collect();
    let expired = format!("file_upload.expired file_upload {forgotten}");
    assert!(told.contains(&expired), "{told:?}");
    assert!(stranger.taken().is_empty());
}

#[tokio::test]
async fn a_transcript_that_goes_is_told_of_its_page() {
    let (bench, receiver) = (Bench::new(), Receiver::start().await);
    let (page, kind) = (bench.demo.team_page_id, "page.transcription_block.transcript_deleted");
    receiver.subscribe(&bench, json!({"events": [kind, "page.content_updated"]})).await;
    let recording = crate::files::uploaded(&bench, "a.mp3", "audio/mpeg").await;
    let body = json!({
        "source": {"type": "file_upload", "file_upload_id": recording},
        "parent": {"type": "page_id", "page_id": page},
    });
    let made = bench.call("POST", "/v1/blocks/meeting_notes", body).await.ok().body;
    let (meeting, tabs) = (&made["id"], &made["meeting_notes"]["children"]);
    let transcript = tabs["transcript_block_id"].as_str().unwrap();
    bench.flush().await;
    let [event] = receiver.taken().try_into().unwrap();
    assert_eq!(line(&event), format!("page.content_updated page {page}"));
    assert_eq!(event.body["data"]["updated_blocks"][0]["id"], *meeting);
    bench.call("DELETE", &format!("/v1/blocks/{transcript}"), Value::Null).await.ok();
    bench.flush().await;
    let told = receiver.taken();
    let event = told.iter().find(|event| event.body["type"] == kind).unwrap();
    assert_eq!(line(event), format!("{kind} page {page}"));
    let target = json!({"id": meeting, "type": "block"});
    assert_eq!(event.body["data"], json!({"target": target, "transcript_id": transcript}));
}
