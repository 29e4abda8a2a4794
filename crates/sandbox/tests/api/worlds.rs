//! Snapshots, and seeds that people write.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::bench::{Bench, title};

const TOKEN: &str = "ntn_sandbox_of_the_test";

/// A directory of files; it goes away with this value.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("sandbox-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        for (file, text) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(path)
    }

    fn router(&self) -> std::io::Result<Router> {
        let options = Options { seed: Seed::Path(self.0.clone()), ..Options::default() };
        Sandbox::router(&options).map(|(router, _)| router)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn ask(router: &Router, method: &str, path: &str, body: Value) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("notion-version", "2025-09-03")
        .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

async fn found(router: &Router, called: &str) -> Value {
    let answer = ask(router, "POST", "/v1/search", json!({"query": called})).await;
    let results = answer["results"].as_array().unwrap();
    results.iter().find(|object| title(object) == called).unwrap_or(&Value::Null).clone()
}

const WORKSPACE: &str = r#"
name = "Acme"
written = 2026-02-01T08:00:00Z

[[people]]
name = "Ada Marsh"
email = "ada@acme.example"

[[people]]
name = "Ben Okafor"

[[connections]]
name = "CI"
token = "ntn_sandbox_of_the_test"
hidden = ["Board"]

[[comments]]
on = "Handbook/Onboarding"
by = "Ben Okafor"
text = "Is this still true?"
replies = [{by = "Ada Marsh", text = "It is."}]
"#;

const TASKS: &str = r#"
icon = "✅"

[properties]
Task = "title"
Status = {select = ["Open", "Done"]}
Effort = "number"
Owner = "people"
Due = "date"
Project = {relation = "Projects"}

[[rows]]
Task = "Fix the door"
Status = "Open"
Effort = 3
Owner = ["Ben Okafor"]
Due = 2026-03-01
Project = "Apollo"

[[rows]]
Task = "Buy chairs"
Status = "Done"
"#;

const ONBOARDING: &str = r#"+++
icon = "🚀"
author = "Ben Okafor"
id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
created = 2026-01-02T10:00:00Z
edited = 2026-01-03T11:30:00Z
+++
# Your first week

Welcome! Read the **handbook**.

- [ ] Get a badge
"#;

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("workspace.toml", WORKSPACE),
        ("Handbook.md", "How we work.\n"),
        ("Handbook/Onboarding.md", ONBOARDING),
        ("Handbook/Tasks.database.toml", TASKS),
        ("Handbook/Tasks/Fix the door.md", "It squeaks.\n"),
        ("Projects.database.toml", "[[rows]]\nName = \"Apollo\"\n"),
        ("Board/Salaries.md", "Secret.\n"),
    ]
}

#[tokio::test]
async fn a_directory_of_pages_is_a_workspace() {
    let directory = Directory::new("pages", &files());
    let router = directory.router().unwrap();
    let onboarding = found(&router, "Onboarding").await;
    assert_eq!(onboarding["id"], "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d");
    assert_eq!(onboarding["icon"]["emoji"], "🚀");
    assert_eq!(onboarding["created_time"], "2026-01-02T10:00:00.000Z");
    assert_eq!(onboarding["last_edited_time"], "2026-01-03T11:30:00.000Z");
    let ben = ask(&router, "GET", "/v1/users", Value::Null).await["results"][1].clone();
    assert_eq!((&ben["name"], &onboarding["created_by"]["id"]), (&json!("Ben Okafor"), &ben["id"]));
    let path = format!("/v1/blocks/{}/children", onboarding["id"].as_str().unwrap());
    let blocks = ask(&router, "GET", &path, Value::Null).await;
    let kinds: Vec<&str> = blocks["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["heading_1", "paragraph", "to_do"]);
    let comments = format!("/v1/comments?block_id={}", onboarding["id"].as_str().unwrap());
    let comments = ask(&router, "GET", &comments, Value::Null).await;
    assert_eq!(comments["results"].as_array().unwrap().len(), 2);
    // Content stands above the pages below.
    let handbook = found(&router, "Handbook").await;
    let path = format!("/v1/blocks/{}/children", handbook["id"].as_str().unwrap());
    let blocks = ask(&router, "GET", &path, Value::Null).await;
    let kinds: Vec<&str> = blocks["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["paragraph", "child_page", "child_database"]);
    // Rows: from the table, with content from a page of their name.
    let row = found(&router, "Fix the door").await;
    let values = &row["properties"];
    assert_eq!(values["Status"]["select"]["name"], "Open");
    assert_eq!(values["Effort"]["number"], 3);
    assert_eq!(values["Owner"]["people"][0]["id"], ben["id"]);
    assert_eq!(values["Due"]["date"]["start"], "2026-03-01");
    let apollo = found(&router, "Apollo").await;
    assert_eq!(values["Project"]["relation"], json!([{"id": apollo["id"]}]));
    let path = format!("/v1/blocks/{}/children", row["id"].as_str().unwrap());
    let blocks = ask(&router, "GET", &path, Value::Null).await;
    assert_eq!(blocks["results"][0]["paragraph"]["rich_text"][0]["plain_text"], "It squeaks.");
    // Hidden, with all below.
    assert_eq!(found(&router, "Salaries").await, Value::Null);
}

#[tokio::test]
async fn a_new_file_does_not_change_the_ids_of_others() {
    let ids = |name: &'static str, files: Vec<(&'static str, &'static str)>| async move {
        let directory = Directory::new(name, &files);
        let router = directory.router().unwrap();
        let mut ids = Vec::new();
        for called in ["Handbook", "Tasks", "Fix the door", "Apollo"] {
            ids.push(found(&router, called).await["id"].clone());
        }
        let path = format!("/v1/blocks/{}/children", ids[0].as_str().unwrap());
        ids.push(ask(&router, "GET", &path, Value::Null).await["results"][0]["id"].clone());
        ids
    };
    let before = ids("before", files()).await;
    let mut more = files();
    more.insert(1, ("Announcements.md", "Hello.\n\nWorld.\n"));
    more.push(("Handbook/Food.md", "Soup.\n"));
    assert_eq!(ids("after", more).await, before);
    let mut other = files();
    let text = format!("seed = 2\n{WORKSPACE}");
    other[0].1 = text.leak();
    assert_ne!(ids("other", other).await, before);
}

#[test]
fn what_is_wrong_with_a_seed_is_said_with_file_and_line() {
    for (file, text, says) in [
        ("Page.md", "+++\nicon = \n+++\n", "Page.md:2: "),
        ("Page.md", "+++\nicon = \"x\"\n", "Page.md:1: the front matter has no second `+++` line"),
        ("Page.md", "+++\n\ncolour = \"red\"\n+++\n", "Page.md:3: `colour` means nothing here"),
        ("Page.md", "+++\nauthor = \"Eve\"\n+++\n", "Page.md:2: there is no person \"Eve\""),
        ("Page.md", "+++\nid = \"7\"\n+++\n", "Page.md:2: `id` must be an id"),
        ("Page.md", "+++\n[properties]\nA = 1\n+++\n", "Page.md:2: only rows have properties"),
        ("Page.txt", "", "Page.txt: a seed holds pages"),
        (
            "T.database.toml",
            "[properties]\nA = \"novel\"\n",
            "T.database.toml:1: Notion would refuse",
        ),
        (
            "T.database.toml",
            "[properties]\nA = {relation = \"X\"}\n",
            "T.database.toml:2: there is no database `X`",
        ),
        ("T.database.toml", "[[rows]]\nNane = \"x\"\n", "T.database.toml:1: row 1 has no `Name`"),
        (
            "T.database.toml",
            "[[rows]]\nName = \"x\"\nAge = 3\n",
            "T.database.toml:3: the database has no property `Age`",
        ),
        ("workspace.toml", "\nnames = \"x\"\n", "workspace.toml:2: unknown field `names`"),
        (
            "workspace.toml",
            "[[connections]]\nname = \"x\"\ntoken = \"ntn_1\"\n",
            "workspace.toml:3: tokens of a sandbox begin",
        ),
        (
            "workspace.toml",
            "[[comments]]\non = \"Nowhere\"\ntext = \"x\"\n",
            "workspace.toml:2: there is no page `Nowhere`",
        ),
    ] {
        let directory = Directory::new("wrong", &[(file, text)]);
        let error = directory.router().unwrap_err().to_string();
        let start = directory.0.join(Path::new("")).display().to_string();
        let error = error.strip_prefix(&start).unwrap_or_else(|| panic!("{error}"));
        assert!(error.starts_with(says), "{file} {text:?}: {error}");
    }
}

#[tokio::test]
async fn a_snapshot_is_come_back_to_as_often_as_wanted() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "First").await;
    let path = format!("/v1/pages/{page}");
    let name = |text: &str| json!({"properties": {"title": [{"text": {"content": text}}]}});
    bench
        .control("POST", "clock", json!({"freeze": true, "now": "2026-05-01T10:00:00Z"}))
        .await
        .ok();
    let taken = bench.control("POST", "snapshots", json!({"name": "first"})).await.ok();
    assert_eq!(
        (&taken.body["name"], &taken.body["taken_at"]),
        (&json!("first"), &json!("2026-05-01T10:00:00Z"))
    );
    for _ in 0..2 {
        bench.call("PATCH", &path, name("Second")).await.ok();
        let new = bench.page(&json!({"page_id": page}), "New").await;
        assert_eq!(title(&bench.get(&path).await.body), "Second");
        bench.control("POST", "snapshots/first/restore", Value::Null).await.ok();
        assert_eq!(title(&bench.get(&path).await.body), "First");
        assert_eq!(bench.get(&format!("/v1/pages/{new}")).await.status, 404);
    }
    // It outlives a reset; one of the same name takes its place.
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(bench.get(&path).await.status, 404);
    bench.control("POST", "snapshots/first/restore", Value::Null).await.ok();
    assert_eq!(title(&bench.get(&path).await.body), "First");
    bench.call("PATCH", &path, name("Third")).await.ok();
    bench.control("POST", "snapshots", json!({"name": "first"})).await.ok();
    let all = bench.control("GET", "snapshots", Value::Null).await.ok();
    assert_eq!(all.body.as_array().unwrap().len(), 1);
    bench.control("DELETE", "snapshots/first", Value::Null).await.ok();
    for (method, route) in [("POST", "snapshots/first/restore"), ("DELETE", "snapshots/first")] {
        let gone = bench.control(method, route, Value::Null).await;
        assert_eq!(gone.status, 404);
        assert!(gone.body["error"].as_str().unwrap().contains("GET /_sandbox/snapshots"));
    }
    for wrong in ["", "a/b", "ä"] {
        assert_eq!(bench.control("POST", "snapshots", json!({"name": wrong})).await.status, 400);
    }
}

#[tokio::test]
async fn schemas_have_short_forms() {
    let tasks = r#"
[properties]
Task = "title"
Status = {status = ["Waiting", "Under way"]}
Tags = {multi_select = ["a", {name = "b", color = "red"}]}
Cost = {number = "euro"}
Number = {unique_id = "TASK"}
Project = {relation = "Projects"}
Budget = {rollup = {relation_property_name = "Project", rollup_property_name = "Budget", function = "sum"}}
Double = {formula = 'prop("Cost") * 2'}

[[rows]]
Task = "One"
Status = "Under way"
Tags = ["a", "b"]
Cost = 2.5
Project = ["Apollo", "Gemini"]
"#;
    let projects = r#"
[properties]
Name = "title"
Budget = "number"

[[rows]]
Name = "Apollo"
Budget = 10

[[rows]]
Name = "Gemini"
Budget = 5
"#;
    let files = [
        ("workspace.toml", WORKSPACE.split("[[comments]]").next().unwrap()),
        ("Board.md", ""),
        ("Projects.database.toml", projects),
        ("Tasks.database.toml", tasks),
    ];
    let router = Directory::new("short", &files).router().unwrap();
    let row = found(&router, "One").await;
    let values = &row["properties"];
    assert_eq!(values["Status"]["status"]["name"], "Under way");
    assert_eq!(values["Tags"]["multi_select"][1]["color"], "red");
    assert_eq!(values["Number"]["unique_id"], json!({"prefix": "TASK", "number": 1}));
    assert_eq!(values["Project"]["relation"].as_array().unwrap().len(), 2);
    assert_eq!(values["Budget"]["rollup"]["number"], 15);
    assert_eq!(values["Double"]["formula"]["number"], 5);
}
