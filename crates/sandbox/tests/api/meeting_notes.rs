//! Meeting notes: made from recordings, filled in later, searched.

use serde_json::{Value, json};

use crate::bench::{Answer, Bench, MID, NEW, OLD};
use crate::files::uploaded;

const MAKE: &str = "/v1/blocks/meeting_notes";
const ASK: &str = "/v1/blocks/meeting_notes/query";

async fn make(bench: &Bench, body: Value) -> Answer {
    bench.call("POST", MAKE, body).await
}

/// What makes notes of an upload, on the team's page.
fn from_upload(bench: &Bench, id: &str) -> Value {
    json!({
        "source": {"type": "file_upload", "file_upload_id": id},
        "parent": {"type": "page_id", "page_id": bench.demo.team_page_id},
    })
}

async fn advance(bench: &Bench, ms: i64) {
    bench.control("POST", "clock", json!({"advance_ms": ms})).await.ok();
}

async fn titles(bench: &Bench, token: &str, body: Value) -> Vec<String> {
    let answer = bench.with(token, NEW, "POST", ASK, &body).await.ok();
    let plain = |note: &Value| note["meeting_notes"]["title"][0]["plain_text"].clone();
    let results = answer.body["results"].as_array().unwrap().iter();
    results.map(|note| plain(note).as_str().unwrap_or_default().to_owned()).collect()
}

async fn ask(bench: &Bench, body: Value) -> Vec<String> {
    titles(bench, &bench.demo.tokens.full, body).await
}

#[tokio::test]
async fn a_recording_becomes_notes_as_time_passes() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let id = uploaded(&bench, "stand-up.mp3", "audio/mpeg").await;
    let made = make(&bench, from_upload(&bench, &id)).await.ok();
    assert_eq!(
        made.keys(),
        [
            "object",
            "id",
            "type",
            "meeting_notes",
            "created_time",
            "last_edited_time",
            "created_by",
            "last_edited_by",
            "has_children",
            "in_trash",
            "request_id"
        ]
    );
    let path = format!("/v1/blocks/{}", made.id());
    let status = async || bench.get(&path).await.ok().body["meeting_notes"]["status"].clone();
    assert_eq!(status().await, "transcription_in_progress");
    let upload = bench.get(&format!("/v1/file_uploads/{id}")).await.ok();
    assert_eq!(upload.body["expiry_time"], Value::Null);
    let tab = async |name: &str| {
        let id = made.body["meeting_notes"]["children"][name].as_str().unwrap();
        let below = bench.get(&format!("/v1/blocks/{id}/children")).await.ok();
        below.body["results"].as_array().unwrap().len()
    };
    assert_eq!((tab("summary_block_id").await, tab("transcript_block_id").await), (0, 0));
    advance(&bench, 1000).await;
    assert_eq!(status().await, "summary_in_progress");
    assert_eq!((tab("summary_block_id").await, tab("transcript_block_id").await), (0, 2));
    advance(&bench, 1000).await;
    let ready = bench.get(&path).await.ok().body;
    assert_eq!(ready["meeting_notes"]["status"], "notes_ready");
    assert_eq!(ready["meeting_notes"]["title"][0]["plain_text"], "stand-up");
    assert_eq!(
        (ready["type"].as_str(), &ready["has_children"]),
        (Some("meeting_notes"), &json!(true))
    );
    assert!(tab("summary_block_id").await > 0 && tab("notes_block_id").await == 0);
    // Older versions know it by another name.
    for version in [OLD, MID] {
        let token = &bench.demo.tokens.full;
        let old = bench.with(token, version, "GET", &path, &Value::Null).await.ok();
        assert_eq!(old.body["transcription"]["status"], "notes_ready", "{version}");
    }
    // It can be read, not written; notes go to their tab.
    let body = json!({"meeting_notes": {"title": []}});
    assert_eq!(bench.call("PATCH", &path, body).await.status, 400);
    let page = format!("/v1/pages/{}/markdown", bench.demo.team_page_id);
    let markdown = bench.get(&page).await.ok().body["markdown"].to_string();
    assert!(markdown.contains("<summary>") && !markdown.contains("<transcript>"), "{markdown}");
    let whole = bench.get(&format!("{page}?include_transcript=true")).await.ok();
    assert!(whole.body["markdown"].to_string().contains("does not listen"));
}

#[tokio::test]
async fn notes_without_a_summary_keep_their_title_and_stop_after_the_transcript() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let id = uploaded(&bench, "call.mp4", "video/mp4").await;
    let mut body = from_upload(&bench, &id);
    body["title"] = "Call *with* Larch".into();
    body["language"] = "de".into();
    body["options"] = json!({"kickoff_summary": false});
    let made = make(&bench, body).await.ok();
    let children = &made.body["meeting_notes"]["children"];
    assert!(children["summary_block_id"].is_null() && children["notes_block_id"].is_string());
    advance(&bench, 5000).await;
    let note = bench.get(&format!("/v1/blocks/{}", made.id())).await.ok().body;
    assert_eq!(note["meeting_notes"]["status"], "transcription_paused");
    assert_eq!(note["meeting_notes"]["title"][0]["plain_text"], "Call *with* Larch");
}

#[tokio::test]
async fn a_block_with_an_uploaded_recording_is_a_source() {
    let bench = Bench::new();
    let id = uploaded(&bench, "stand-up.mp3", "audio/mpeg").await;
    let page = bench.demo.team_page_id;
    let path = format!("/v1/blocks/{page}/children");
    let upload = json!({"type": "file_upload", "file_upload": {"id": id}});
    let elsewhere = json!({"external": {"url": "https://example.com/a.mp3"}});
    let children = json!([{"audio": upload}, {"audio": elsewhere}, {"divider": {}}]);
    let blocks = bench.call("PATCH", &path, json!({"children": children})).await.ok().body;
    let block = |index: usize| blocks["results"][index]["id"].clone();
    let source = |id: Value| json!({"source": {"type": "block", "block_id": id}});
    let made = make(&bench, source(block(0))).await.ok().id();
    // Beside its source.
    let below = bench.get(&path).await.ok().body;
    let ids: Vec<&Value> =
        below["results"].as_array().unwrap().iter().map(|block| &block["id"]).collect();
    let at = ids.iter().position(|id| **id == block(0)).unwrap();
    assert_eq!(ids[at + 1], &json!(made));
    for index in [1, 2] {
        assert_eq!(make(&bench, source(block(index))).await.status, 400);
    }
    let mut two = source(block(0));
    two["parent"] = json!({"type": "page_id", "page_id": page});
    assert_eq!(make(&bench, two).await.status, 400);
    // Reading the block takes the right to read; a new upload does not.
    let (blind, _) = bench.token(&["insert_content"], &[page]).await;
    let refused = bench.with(&blind, NEW, "POST", MAKE, &source(block(0))).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn odd_requests_for_notes_are_refused_and_change_nothing() {
    let bench = Bench::new();
    let audio = uploaded(&bench, "a.mp3", "audio/mpeg").await;
    let text = uploaded(&bench, "a.txt", "text/plain").await;
    let good = from_upload(&bench, &audio);
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let more = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    let page = bench.demo.team_page_id;
    let before = bench.get(&format!("/v1/blocks/{page}/children")).await.ok().body;
    let nobody = json!("00000000-0000-4000-8000-000000000000");
    for (body, status) in [
        (json!({}), 400),
        (with("/source", json!("file")), 400),
        (with("/source/type", json!("url")), 400),
        (with("/source/file_upload_id", json!("x")), 400),
        (with("/source/file_upload_id", nobody.clone()), 400),
        (with("/source/file_upload_id", json!(text)), 400),
        (with("/parent/type", json!("database_id")), 400),
        (with("/parent/page_id", nobody.clone()), 404),
        (json!({"source": good["source"]}), 400),
        (json!({"source": {"type": "block", "block_id": nobody}}), 404),
        (more("title", json!("x".repeat(2001))), 400),
        (more("language", json!("tlh")), 400),
        (more("options", json!({"kickoff_summary": "no"})), 400),
        (more("options", json!({"speed": 2})), 400),
        (more("colour", json!("red")), 400),
    ] {
        let refused = make(&bench, body.clone()).await;
        assert_eq!(refused.status, status, "{body} {}", refused.body);
    }
    let after = bench.get(&format!("/v1/blocks/{page}/children")).await.ok().body;
    assert_eq!(after["results"], before["results"]);
    let upload = bench.get(&format!("/v1/file_uploads/{audio}")).await.ok();
    assert!(upload.body["expiry_time"].is_string());
    let reader = &bench.demo.tokens.reader;
    assert_eq!(bench.with(reader, NEW, "POST", MAKE, &good).await.status, 403);
    // Without the right to read, the answer names the block and no more.
    let (blind, _) = bench.token(&["insert_content"], &[page]).await;
    let name = json!({"filename": "a.mp3"});
    let begun = bench.with(&blind, NEW, "POST", "/v1/file_uploads", &name);
    let upload = begun.await.ok().id();
    crate::files::send_as(&bench, &blind, &upload, crate::files::audio()).await.ok();
    let body = with("/source/file_upload_id", json!(upload));
    let made = bench.with(&blind, NEW, "POST", MAKE, &body).await.ok();
    assert_eq!(made.keys(), ["object", "id", "request_id"]);
}

#[tokio::test]
async fn notes_are_found_by_what_filters_say() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    // In the demo there is one.
    let all = bench.call("POST", ASK, Value::Null).await.ok();
    assert_eq!(all.keys(), ["results", "has_more"]);
    let attendee =
        all.body["results"][0]["meeting_notes"]["calendar_event"]["attendees"][0].clone();
    for title in ["Alpha 10", "alpha 9", "Beta"] {
        advance(&bench, 86_400_000).await;
        let id = uploaded(&bench, "a.mp3", "audio/mpeg").await;
        let mut body = from_upload(&bench, &id);
        body["title"] = title.into();
        make(&bench, body).await.ok();
    }
    assert_eq!(ask(&bench, json!({})).await, ["Beta", "alpha 9", "Alpha 10", "Database upgrade"]);
    let by_title = json!([{"property": "title", "direction": "ascending"}]);
    let sorted = ask(&bench, json!({"sort": by_title})).await;
    assert_eq!(sorted, ["alpha 9", "Alpha 10", "Beta", "Database upgrade"]);
    let two = bench.call("POST", ASK, json!({"limit": 2, "sort": by_title})).await.ok();
    assert_eq!(
        (two.body["results"].as_array().unwrap().len(), &two.body["has_more"]),
        (2, &json!(true))
    );
    let now = bench.control("GET", "clock", Value::Null).await.ok().body["now"].clone();
    let today = now.as_str().unwrap()[..10].to_owned();
    let text = |value: &str| json!({"type": "exact", "value": value});
    let person = json!([{"type": "exact", "value": {"table": "notion_user", "id": attendee}}]);
    let day = |day: &str| json!({"type": "exact", "value": {"type": "date", "start_date": day}});
    let relative = |word: &str| json!({"type": "relative", "value": word});
    let custom = |direction: &str, count: i64| json!({"type": "relative", "value": "custom", "direction": direction, "unit": "day", "count": count});
    let leaf = |property: &str, operator: &str, value: &Value| {
        let mut leaf = json!({"property": property, "filter": {"operator": operator}});
        if !value.is_null() {
            leaf["filter"]["value"] = value.clone();
        }
        leaf
    };
    for (property, operator, value, found) in [
        ("title", "string_contains", text("ALPHA"), 2),
        ("title", "string_does_not_contain", text("alpha"), 2),
        ("title", "string_is", text("beta"), 1),
        ("title", "string_is_not", text("beta"), 3),
        ("title", "string_starts_with", text("data"), 1),
        ("title", "string_ends_with", text("grade"), 1),
        ("title", "is_not_empty", Value::Null, 4),
        ("attendees", "is_not_empty", Value::Null, 1),
        ("attendees", "is_empty", Value::Null, 3),
        ("attendees", "person_contains", person.clone(), 1),
        ("notion://meeting_notes/attendees", "person_contains", person[0].clone(), 1),
        ("attendees", "person_does_not_contain", person.clone(), 3),
        ("created_by", "person_contains", json!([relative("me")]), 3),
        ("created_time", "date_is", day(&today), 1),
        ("created_time", "date_is", relative("today"), 1),
        ("created_time", "date_is_before", relative("yesterday"), 2),
        ("created_time", "date_is_on_or_after", day(&today), 1),
        ("created_time", "date_is_within", relative("the_past_week"), 3),
        ("created_time", "date_is_within", custom("past", 1), 2),
        ("created_time", "date_is_within", custom("future", 3), 1),
        (
            "created_time",
            "date_is_within",
            json!({"type": "exact", "value": {"type": "daterange", "start_date": "2026-01-01", "end_date": "2026-03-01"}}),
            1,
        ),
        (
            "last_edited_time",
            "date_is_after",
            json!({"type": "exact", "value": {"type": "datetime", "start_date": "2026-01-01",
                "start_time": "10:00", "time_zone": "Europe/Berlin"}}),
            4,
        ),
    ] {
        let filter = leaf(property, operator, &value);
        let titles = ask(&bench, json!({"filter": filter})).await;
        assert_eq!(titles.len(), found, "{filter} {titles:?}");
    }
    let alpha = leaf("title", "string_contains", &text("alpha"));
    let beta = leaf("title", "string_is", &text("Beta"));
    let either = json!({"operator": "or", "filters": [alpha, beta]});
    assert_eq!(ask(&bench, json!({"filter": either})).await.len(), 3);
    let both = json!({"operator": "and", "filters": [either, alpha]});
    assert_eq!(ask(&bench, json!({"filter": both})).await.len(), 2);
    assert_eq!(ask(&bench, json!({"filter": {"operator": "or"}})).await.len(), 4);
    let deep = json!({"operator": "and", "filters": [{"operator": "and", "filters": [
        {"operator": "and", "filters": [{"operator": "and", "filters": [alpha]}]}]}]});
    for bad in [
        json!({"filter": deep}),
        json!({"filter": []}),
        json!({"filter": {"operator": "xor"}}),
        json!({"filter": {"property": "colour", "filter": {"operator": "is_empty"}}}),
        json!({"filter": leaf("title", "date_is", &day(&today))}),
        json!({"filter": leaf("title", "string_is", &Value::Null)}),
        json!({"filter": leaf("created_time", "date_is", &day("soon"))}),
        json!({"filter": leaf("created_time", "date_is_within", &custom("past", 0))}),
        json!({"filter": leaf("created_time", "date_is_within", &relative("ever"))}),
        json!({"filter": leaf("attendees", "person_contains", &text("Ada"))}),
        json!({"sort": [{"property": "title"}]}),
        json!({"sort": [{"property": "colour", "direction": "ascending"}]}),
        json!({"limit": 0}),
        json!({"limit": 51}),
        json!({"limit": 1.5}),
        json!({"page_size": 1}),
    ] {
        let refused = bench.call("POST", ASK, bad.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (400, &json!("validation_error")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn notes_are_found_by_those_who_see_them() {
    let bench = Bench::new();
    let (stranger, _) = bench.token(&["read_content"], &[]).await;
    assert!(titles(&bench, &stranger, json!({})).await.is_empty());
    let writer = &bench.demo.tokens.writer;
    assert_eq!(titles(&bench, writer, json!({})).await, ["Database upgrade"]);
    let old = bench.with(writer, MID, "POST", ASK, &json!({})).await.ok();
    assert_eq!(old.body["results"][0]["type"], "meeting_notes");
    // People find those that they went to, and those that they made.
    let note = old.body["results"][0].clone();
    let people = bench.get("/v1/users").await.ok().body["results"].clone();
    let human = async |id: &Value| {
        let body = json!({"method": "POST", "path": ASK, "body": {}, "user_id": id});
        let found = bench.control("POST", "as-human", body).await.ok().body;
        found["results"].as_array().unwrap().len()
    };
    let attendees = note["meeting_notes"]["calendar_event"]["attendees"].as_array().unwrap();
    for person in people.as_array().unwrap().iter().filter(|one| one["type"] == "person") {
        let went = attendees.contains(&person["id"]) || person["id"] == note["created_by"]["id"];
        assert_eq!(human(&person["id"]).await, usize::from(went), "{person}");
    }
    // The pages for people show it.
    let block = bench.get(&format!("/v1/blocks/{}", note["id"].as_str().unwrap())).await.ok();
    let page = block.body["parent"]["page_id"].as_str().unwrap().replace('-', "");
    let shown = bench.browse("GET", &format!("/workspace/{page}"), &[], "").await;
    assert!(shown.body.contains("Database upgrade</") && shown.body.contains("notes ready"));
    // What is in the trash is not found.
    let path = format!("/v1/blocks/{}", note["id"].as_str().unwrap());
    bench.call("DELETE", &path, Value::Null).await.ok();
    assert!(ask(&bench, json!({})).await.is_empty());
}

#[tokio::test]
async fn notes_in_the_trash_stay_as_they_are() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let id = uploaded(&bench, "stand-up.mp3", "audio/mpeg").await;
    let made = make(&bench, from_upload(&bench, &id)).await.ok().id();
    let path = format!("/v1/blocks/{made}");
    bench.call("DELETE", &path, Value::Null).await.ok();
    advance(&bench, 5000).await;
    let gone = bench.get(&path).await.ok().body;
    assert_eq!(gone["meeting_notes"]["status"], "transcription_in_progress");
}

#[tokio::test]
async fn a_template_with_notes_brings_tabs_of_its_own() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let source = bench.demo.data_source_id;
    let body = json!({"data_source_id": source, "name": "Call"});
    let template = bench.control("POST", "templates", body).await.ok().id();
    let id = uploaded(&bench, "stand-up.mp3", "audio/mpeg").await;
    let mut body = from_upload(&bench, &id);
    body["parent"]["page_id"] = json!(template);
    let original = make(&bench, body).await.ok().body;
    let row = json!({
        "parent": {"data_source_id": source},
        "template": {"type": "template_id", "template_id": template},
    });
    let row = bench.call("POST", "/v1/pages", row).await.ok().id();
    advance(&bench, 5000).await;
    let below = async |id: &str| bench.get(&format!("/v1/blocks/{id}/children")).await.ok().body;
    let copy = below(&row).await["results"][0].clone();
    let tabs = below(copy["id"].as_str().unwrap()).await;
    let named = &copy["meeting_notes"]["children"];
    assert_eq!(named["summary_block_id"], tabs["results"][0]["id"]);
    assert_ne!(named, &original["meeting_notes"]["children"]);
}
