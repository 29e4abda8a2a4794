//! The pages for people.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::bench::Bench;

/// Elements without an end.
const VOID: [&str; 6] = ["hr", "img", "input", "link", "meta", "br"];

async fn get(bench: &Bench, path: &str) -> (u16, HeaderMap, String) {
    bench.text(Request::builder().uri(path).body(Body::empty()).unwrap()).await
}

async fn page(bench: &Bench, path: &str) -> String {
    let (status, _, text) = get(bench, path).await;
    assert_eq!(status, 200, "{path}");
    text
}

/// Sends a form; where it leads.
async fn send(bench: &Bench, path: &str, from: &str, body: &str) -> (u16, Option<String>) {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("host", "127.0.0.1:3001")
        .header("origin", from)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let (status, headers, _) = bench.text(request).await;
    (status, headers.get("location").map(|to| to.to_str().unwrap().to_owned()))
}

/// Checks that elements nest, that text is escaped and that ids are there once; gives the ids.
fn check(path: &str, text: &str) -> BTreeSet<String> {
    assert!(text.starts_with("<!DOCTYPE html>"), "{path}");
    let (mut open, mut ids) = (Vec::new(), BTreeSet::new());
    let mut rest = &text["<!DOCTYPE html>".len()..];
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "{path}: a stray > in {:?}", &rest[..at]);
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{path}");
        } else {
            if let Some((_, id)) = tag.split_once(" id=\"") {
                let id = id.split('"').next().unwrap().to_owned();
                assert!(ids.insert(id.clone()), "{path}: the id {id} twice");
            }
            // Names of attributes stand outside the quotes.
            let names: String = tag.split('"').step_by(2).collect();
            assert!(!names.contains(" style=") && !names.contains(" on"), "{path}: <{tag}>");
            if !VOID.contains(&name) {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{path}: {open:?} never end");
    ids
}

fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
}

/// Every page that can be reached from the start, with its text.
async fn crawl(bench: &Bench) -> BTreeMap<String, String> {
    let mut todo = vec!["/".to_owned()];
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut wanted: Vec<(String, String)> = Vec::new();
    while let Some(path) = todo.pop() {
        if seen.contains_key(&path) {
            continue;
        }
        let (mut status, mut headers, mut text) = get(bench, &path).await;
        if status == 303 {
            let to = headers["location"].to_str().unwrap().split('#').next().unwrap().to_owned();
            (status, headers, text) = get(bench, &to).await;
        }
        assert_eq!(status, 200, "{path}");
        if headers["content-type"].to_str().unwrap().starts_with("text/html") {
            for link in links(&text).filter(|link| link.starts_with(['/', '#'])) {
                let (to, anchor) = link.split_once('#').unwrap_or((&link, ""));
                let to = if to.is_empty() { path.clone() } else { to.to_owned() };
                if !anchor.is_empty() {
                    wanted.push((to.clone(), anchor.to_owned()));
                }
                todo.push(to);
            }
        }
        seen.insert(path, text);
    }
    for (path, anchor) in wanted {
        let is_there = seen[&path].contains(&format!(" id=\"{anchor}\""));
        assert!(is_there, "{path} has no #{anchor}");
    }
    seen
}

#[tokio::test]
async fn everything_that_is_linked_is_there_and_well_formed() {
    let bench = Bench::new();
    bench.get("/v1/users/me").await.ok();
    bench.get("/v1/users/nobody").await;
    let fault = json!({"match": {"token": bench.demo.tokens.full}, "latency_ms": 1, "times": 1});
    bench.control("POST", "faults", fault).await.ok();
    let upload = crate::files::uploaded(&bench, "plan.png", "image/png").await;
    let image = json!({"children": [
        {"image": {"type": "file_upload", "file_upload": {"id": upload}}},
    ]});
    let path = format!("/v1/blocks/{}/children", bench.demo.other_page_id);
    bench.call("PATCH", &path, image).await.ok();
    // A receiver that is not there, and an app: their secrets are shown nowhere.
    let hook = json!({"url": "http://127.0.0.1:9/hook"});
    let hook = bench.control("POST", "webhooks", hook).await.ok().body;
    let app = json!({"name": "Canary app", "redirect_uris": ["http://localhost/cb"]});
    let app = bench.control("POST", "oauth/clients", app).await.ok().body;
    let secret = |value: &Value| value.as_str().unwrap().to_owned();
    let secrets = [secret(&hook["verification_token"]), secret(&app["client_secret"])];
    let gone = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Gone").await;
    bench.call("PATCH", &format!("/v1/pages/{gone}"), json!({"in_trash": true})).await.ok();
    let id = secret(&hook["subscription_id"]);
    let token = json!({"verification_token": hook["verification_token"]});
    bench.control("POST", &format!("webhooks/{id}/verify"), token).await.ok();
    bench.page(&json!({"page_id": bench.demo.team_page_id}), "Told of").await;
    bench.control("POST", "webhooks/flush", Value::Null).await.ok();
    let seen = crawl(&bench).await;
    assert!(seen["/workspace/webhooks"].contains("page.created"));
    assert!(seen["/workspace/uploads"].contains("plan.png"));
    let page = &seen[&format!("/workspace/{}", bench.demo.other_page_id.plain())];
    assert!(page.contains("<img src=\"/_sandbox/files/") && page.contains("alt=\"plan.png\""));
    assert!(seen.values().any(|text| text == "hello"), "the file itself is linked");
    assert!(seen.len() > 60, "{}", seen.len());
    for (path, text) in &seen {
        assert!(!text.contains("ntn_"), "{path} shows a token");
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{path} shows a secret");
        if path.starts_with("/workspace/assets/") || path.starts_with("/_sandbox/files/") {
            continue;
        }
        let ids = check(path, text);
        assert!(ids.contains("main"), "{path}");
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
        let (_, title) = text.split_once("<title>").unwrap();
        assert!(title.contains(" · Acme</title>"), "{path}");
    }
    for tool in [
        "calls",
        "connections",
        "faults",
        "clock",
        "people",
        "trash",
        "oauth",
        "webhooks",
        "uploads",
    ] {
        assert!(seen.contains_key(&format!("/workspace/{tool}")), "{tool}");
    }
}

#[tokio::test]
async fn pages_keep_to_themselves() {
    let bench = Bench::new();
    let (_, headers, text) = get(&bench, "/").await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    let assets: Vec<String> = text
        .split('"')
        .filter(|part| part.starts_with("/workspace/assets/"))
        .map(str::to_owned)
        .collect();
    assert_eq!(assets.len(), 2);
    for asset in assets {
        let (status, headers, text) = get(&bench, &asset).await;
        assert_eq!(status, 200);
        assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("@import"));
    }
    let (status, headers, text) = get(&bench, "/workspace/nothing").await;
    assert_eq!((status, &headers["content-type"]), (404, &headers["content-type"]));
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
    check("/workspace/nothing", &text);
    assert_eq!(get(&bench, "/workspace/assets/x.css").await.0, 404);
    // What only begins alike is Notion's.
    assert_eq!(bench.get("/workspaces").await.status, 400);
}

#[tokio::test]
async fn text_stays_text_and_only_the_web_is_linked() {
    let bench = Bench::new();
    let title = "<script>alert(1)</script> & \"quotes\"";
    let id = bench.page(&json!({"page_id": bench.demo.team_page_id}), title).await;
    let run = |text: &str, url: Value| json!({"text": {"content": text, "link": url}});
    let children = json!({"children": [
        {"paragraph": {"rich_text": [run("<img src=x onerror=alert(1)>", Value::Null)]}},
        {"paragraph": {"rich_text": [run("web", json!({"url": "https://acme.example/?a=1&b=\"2\""}))]}},
        {"code": {"rich_text": [run("</code></pre><b>", Value::Null)], "language": "html"}},
        {"bookmark": {"url": "javascript:alert(1)"}},
        {"embed": {"url": "data:text/html,<script>alert(1)</script>"}},
        {"equation": {"expression": "a < b > c"}},
        {"callout": {"rich_text": [run("</div>", Value::Null)], "icon": {"emoji": "🔥"}}},
    ]});
    bench.call("PATCH", &format!("/v1/blocks/{id}/children"), children).await.ok();
    let comment = json!({"parent": {"page_id": id},
        "rich_text": [{"text": {"content": "</article><script>alert(2)</script>"}}]});
    bench.call("POST", "/v1/comments", comment).await.ok();
    for path in [format!("/workspace/{id}"), "/workspace/calls".to_owned(), "/".to_owned()] {
        let text = page(&bench, &path).await;
        check(&path, &text);
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{path}");
        assert_eq!(text.matches("<script").count(), 1, "{path}");
        let bad = |link: &String| link.contains("javascript:") || link.contains("text/html");
        assert!(!links(&text).any(|link| bad(&link)), "{path}");
    }
    let found = page(&bench, "/workspace/search?q=%3CSCRIPT%3E").await;
    assert!(found.contains(&id.replace('-', "")));
    let reflected = page(&bench, "/workspace/search?q=%22%3E%3Cb%3E").await;
    assert!(!reflected.contains("<b>"));
}

#[tokio::test]
async fn every_type_of_block_is_shown() {
    let bench = Bench::new();
    let id = bench.page(&json!({"page_id": bench.demo.team_page_id}), "All blocks").await;
    let text = |words: &str| json!([{"text": {"content": words}}]);
    let words = |words: &str| json!({"rich_text": text(words)});
    let children = json!({"children": [
        {"heading_3": words("Deep heading")},
        {"heading_1": {"rich_text": text("Folding heading"), "is_toggleable": true,
            "children": [{"paragraph": words("Folded")}]}},
        {"paragraph": {"rich_text": [{"text": {"content": "Red"}, "annotations": {"color": "red", "bold": true}}],
            "color": "blue_background", "children": [{"paragraph": words("Indented")}]}},
        {"numbered_list_item": {"rich_text": text("First"), "children": [{"numbered_list_item": words("Nested")}]}},
        {"numbered_list_item": words("Second")},
        {"to_do": {"rich_text": text("Ticked"), "checked": true}},
        {"quote": words("Quoted")},
        {"toggle": {"rich_text": text("Toggle"), "children": [{"quote": words("In toggle")}]}},
        {"code": {"rich_text": text("fn main() {}"), "language": "rust", "caption": text("Caption")}},
        {"divider": {}},
        {"table_of_contents": {}},
        {"breadcrumb": {}},
        {"equation": {"expression": "E = mc^2"}},
        {"column_list": {"children": [
            {"column": {"children": [{"paragraph": words("Left")}]}},
            {"column": {"children": [{"paragraph": words("Right")}]}},
        ]}},
        {"table": {"table_width": 2, "has_column_header": true, "has_row_header": true, "children": [
            {"table_row": {"cells": [text("Head"), text("Value")]}},
            {"table_row": {"cells": [text("Row"), text("Cell")]}},
        ]}},
        {"image": {"type": "external", "external": {"url": "https://acme.example/photo.png"}}},
        {"video": {"type": "external", "external": {"url": "https://acme.example/film.mp4"}}},
        {"embed": {"url": "https://acme.example/embed"}},
        {"link_to_page": {"page_id": bench.demo.other_page_id}},
    ]});
    bench.call("PATCH", &format!("/v1/blocks/{id}/children"), children).await.ok();
    let path = format!("/workspace/{id}");
    let shown = page(&bench, &path).await;
    check(&path, &shown);
    for part in [
        "<h2 class=\"heading_3\">Deep heading</h2>",
        "<details open>",
        "<span class=\"fg-red\"><strong>Red</strong></span>",
        "bg-blue",
        "<div class=\"indent\">",
        "aria-label=\"Done\"",
        "<blockquote><p>Quoted</p></blockquote>",
        "aria-label=\"Code: rust\"",
        "<hr>",
        "E = mc^2",
        "<div class=\"columns\">",
        "<th scope=\"col\">Head</th>",
        "<th scope=\"row\">Row</th>",
        "photo.png",
        "https://acme.example/embed",
        "Finance",
    ] {
        assert!(shown.contains(part), "{part} is missing");
    }
    // Two entries are one list; no picture is loaded from elsewhere.
    assert_eq!(shown.matches("<ol>").count(), 4, "the list, the one in it, two breadcrumbs");
    assert!(!shown.contains("<img") && !shown.contains("<video"));
    // A block is shown where it stands.
    let blocks = bench.get(&format!("/v1/blocks/{id}/children")).await.ok();
    let block = blocks.body["results"][0]["id"].as_str().unwrap().replace('-', "");
    let (status, headers, _) = get(&bench, &format!("/workspace/{block}")).await;
    let page = id.replace('-', "");
    let to = format!("/workspace/{page}#b-{block}");
    assert_eq!((status, headers["location"].to_str().unwrap()), (303, to.as_str()));
}

#[tokio::test]
async fn tables_boards_and_schemas_come_in_pieces() {
    let bench = Bench::new();
    let parent = json!({"data_source_id": bench.demo.data_source_id});
    for index in 0..60 {
        let properties =
            json!({"Task": {"title": [{"text": {"content": format!("Extra {index}")}}]}});
        let body = json!({"parent": parent, "properties": properties});
        bench.call("POST", "/v1/pages", body).await.ok();
    }
    let path = format!("/workspace/{}", bench.demo.database_id.plain());
    let first = page(&bench, &path).await;
    assert!(first.contains("1 to 50 of 85 rows") && first.contains("Rotate the signing keys"));
    let second = page(&bench, &format!("{path}?from=50")).await;
    assert!(second.contains("51 to 85 of 85 rows") && second.contains("Extra 59"));
    let view = |name: &str| {
        let (before, _) = first.split_once(&format!("{name}<span")).unwrap();
        before.rsplit_once("?view=").unwrap().1.split('"').next().unwrap().to_owned()
    };
    let by_status = view("By status");
    let board = page(&bench, &format!("{path}?view={by_status}")).await;
    check(&path, &board);
    assert!(board.contains("class=\"board\"") && board.contains("In progress"));
    let schema = page(&bench, &format!("{path}?show=schema")).await;
    assert!(schema.contains("multi_select") && schema.contains("Data source"));
    // Filter and order are those of the view.
    let urgent = page(&bench, &format!("{path}?view={}", view("Urgent"))).await;
    assert!(urgent.contains("Paginate the audit log") && !urgent.contains("Export as CSV"));
    let (early, late) =
        (urgent.find("Paginate the audit log"), urgent.find("Backup restore drill"));
    assert!(early < late);
    let calendar = page(&bench, &format!("{path}?view={}", view("Calendar"))).await;
    assert!(calendar.contains("Not drawn as a calendar here") && calendar.contains("2026-02-13"));
    // The table's own address shows the same.
    let own = format!("/workspace/{}", bench.demo.data_source_id.plain());
    assert!(page(&bench, &own).await.contains("1 to 50 of 85 rows"));
}

#[tokio::test]
async fn calls_are_found_by_what_they_say() {
    let bench = Bench::new();
    bench.query(json!({"page_size": 1})).await.ok();
    bench.get("/v1/users/me").await.ok();
    let body = json!({"code": "canary-1", "x": {"token": "canary-2"}}).to_string();
    let request = Request::post("/v1/oauth/token").body(Body::from(body)).unwrap();
    bench.text(request).await;
    let all = page(&bench, "/workspace/calls").await;
    assert!(all.contains("3 calls") && all.contains("query-data-source"));
    assert!(!all.contains("canary"), "secrets in bodies are masked");
    let one = page(&bench, "/workspace/calls?operation=get-self&status=2").await;
    assert!(one.contains("1 call") && !one.contains("page_size"));
    let id = bench.demo.data_source_id;
    assert!(page(&bench, &format!("/workspace/calls?q={id}")).await.contains("1 call"));
    assert!(page(&bench, "/workspace/calls?status=5").await.contains("No call is like that"));
    let live = page(&bench, "/workspace/calls?live=1").await;
    assert!(live.contains("http-equiv=\"refresh\"") && live.contains("data-live"));
    assert!(!all.contains("http-equiv=\"refresh\""));
}

#[tokio::test]
async fn forms_work_from_these_pages_only() {
    let bench = Bench::new();
    let here = "http://127.0.0.1:3001";
    let to_clock = (303, Some("/workspace/clock".to_owned()));
    assert_eq!(send(&bench, "/workspace/clock", here, "freeze=true").await, to_clock);
    let before = bench.control("GET", "clock", Value::Null).await.ok().body;
    assert_eq!(before["frozen"], true);
    let elsewhere =
        send(&bench, "/workspace/clock", "https://evil.example", "advance_ms=60000").await;
    assert_eq!(elsewhere, (404, None));
    assert_eq!(bench.control("GET", "clock", Value::Null).await.body, before);
    assert_eq!(send(&bench, "/workspace/clock", here, "advance_ms=60000").await, to_clock);
    assert_ne!(bench.control("GET", "clock", Value::Null).await.body, before);
    assert_eq!(send(&bench, "/workspace/clock", here, "advance_ms=x").await.0, 404);
    assert_eq!(send(&bench, "/workspace/people", here, "").await.0, 404);
    let id = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Short-lived").await;
    assert_eq!(send(&bench, "/workspace/reset", here, "").await, (303, Some("/".to_owned())));
    assert_eq!(get(&bench, &format!("/workspace/{id}")).await.0, 404);
}
