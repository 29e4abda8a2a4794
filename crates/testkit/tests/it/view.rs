//! What an answer shows of what stands outside: nothing.

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply, VERSION};

/// The title of what stands outside.
const SECRET: &str = "Quartz";
const VERSIONS: [&str; 3] = ["2022-06-28", "2025-09-03", "2026-03-11"];

/// A team page that points outside in every way that there is, and a key for it.
struct Scene {
    kit: Kit,
    viewer: String,
    team: Id,
    /// The page outside.
    outside: Id,
    /// A synced block outside.
    original: String,
}

impl Scene {
    async fn start() -> Self {
        let kit = Kit::start().await;
        let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
        let outside = made_under(&kit, other, json!([{"text": {"content": SECRET}}])).await;
        let original = json!({"children": [{"synced_block": {"synced_from": null, "children": [
            {"paragraph": {"rich_text": [{"text": {"content": SECRET}}]}},
        ]}}]});
        let path = format!("/v1/blocks/{outside}/children");
        let made = kit.direct("PATCH", &path, Some(&original)).await;
        let original = made.json()["results"][0]["id"].as_str().unwrap().to_owned();
        let viewer = kit.key(Role::Viewer, &[team]).await;
        Self { kit, viewer, team, outside, original }
    }

    /// Adds blocks to the team page, and gives their ids.
    async fn add(&self, blocks: Value) -> Vec<String> {
        let path = format!("/v1/blocks/{}/children", self.team);
        let made = self.kit.direct("PATCH", &path, Some(&json!({ "children": blocks }))).await;
        assert_eq!(made.status, 200, "{}", made.text());
        made.ids()
    }

    async fn get(&self, path: &str, version: &str) -> Reply {
        let bearer = format!("Bearer {}", self.viewer);
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        self.kit.raw("GET", path, &headers, None).await
    }

    /// Nothing of what stands outside is in an answer; the admin's holds it, so the test would see it.
    fn check(&self, reply: &Reply) -> Value {
        let text = reply.text();
        assert_eq!(reply.status, 200, "{text}");
        for hidden in [SECRET, &self.outside.to_string(), &self.outside.plain(), &self.original] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        reply.json()
    }
}

/// A new page with this title.
async fn made_under(kit: &Kit, parent: Id, title: Value) -> Id {
    let body = json!({"parent": {"page_id": parent}, "properties": {"title": {"title": title}}});
    let made = kit.direct("POST", "/v1/pages", Some(&body)).await;
    assert_eq!(made.status, 200, "{}", made.text());
    serde_json::from_value(made.json()["id"].clone()).expect("an id")
}

fn mention(page: Id) -> Value {
    json!({"mention": {"page": {"id": page}}})
}

#[tokio::test]
async fn blocks_that_point_outside_are_unsupported_ones_in_every_version() {
    let scene = Scene::start().await;
    let url = format!("https://www.notion.so/Quartz-{}", scene.outside.plain());
    let added = scene
        .add(json!([
            {"paragraph": {"rich_text": [
                {"text": {"content": "see "}}, mention(scene.outside),
                {"text": {"content": " or here", "link": {"url": url}}},
            ]}},
            {"link_to_page": {"page_id": scene.outside}},
            {"synced_block": {"synced_from": {"block_id": scene.original}}},
            {"bookmark": {"url": url}},
            {"embed": {"url": url}},
            {"bookmark": {"url": "https://example.com/"}},
            {"link_to_page": {"page_id": scene.team}},
        ]))
        .await;
    for version in VERSIONS {
        let path = format!("/v1/blocks/{}/children", scene.team);
        let shown = scene.check(&scene.get(&path, version).await);
        let all = shown["results"].as_array().unwrap();
        let blocks: Vec<&Value> =
            all.iter().filter(|block| added.iter().any(|id| block["id"] == **id)).collect();
        let kinds: Vec<&str> = blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
        let hidden = "unsupported";
        let expected = ["paragraph", hidden, hidden, hidden, hidden, "bookmark", "link_to_page"];
        assert_eq!(kinds, expected, "{version}");
        let runs = blocks[0]["paragraph"]["rich_text"].as_array().unwrap();
        let plain: Vec<&str> = runs.iter().map(|run| run["plain_text"].as_str().unwrap()).collect();
        assert_eq!(plain, ["see ", "Untitled", " or here"]);
        assert!(runs.iter().all(|run| run["href"].is_null() && run["type"] == "text"), "{runs:?}");
        for block in &blocks[1..5] {
            assert_eq!(block["has_children"], false, "{block}");
            let body =
                if version == "2022-06-28" { json!({}) } else { block["unsupported"].clone() };
            assert_eq!(block["unsupported"], body);
            // One by one they look the same.
            let path = format!("/v1/blocks/{}", block["id"].as_str().unwrap());
            let mut own = scene.check(&scene.get(&path, version).await);
            own.as_object_mut().unwrap().shift_remove("request_id");
            assert_eq!(own, **block);
        }
    }
    scene.kit.finish().await;
}

#[tokio::test]
async fn a_copy_shows_no_children_whatever_its_original_holds() {
    let scene = Scene::start().await;
    let empty = json!({"children": [{"synced_block": {"synced_from": null, "children": []}}]});
    let path = format!("/v1/blocks/{}/children", scene.outside);
    let empty = scene.kit.direct("PATCH", &path, Some(&empty)).await.json();
    let copies = scene
        .add(json!([
            {"synced_block": {"synced_from": {"block_id": scene.original}}},
            {"synced_block": {"synced_from": {"block_id": empty["results"][0]["id"]}}},
        ]))
        .await;
    scene.kit.forget_calls().await;
    let mut shapes = Vec::new();
    for copy in &copies {
        let shown = scene.get(&format!("/v1/blocks/{copy}/children"), VERSION).await;
        let mut shape = scene.check(&shown);
        shape["request_id"] = Value::Null;
        shapes.push(shape.to_string());
    }
    assert_eq!(shapes[0], shapes[1]);
    let asked = scene.kit.calls().await;
    assert!(asked.iter().all(|call| call["operation"] != "get-block-children"), "{asked:?}");
    // Notion's own words for a block without children.
    let leaf = scene.add(json!([{"paragraph": {"rich_text": []}}])).await.remove(0);
    let own = scene.kit.direct("GET", &format!("/v1/blocks/{leaf}/children"), None).await;
    let mut own = own.json();
    own["request_id"] = Value::Null;
    assert_eq!(shapes[0], own.to_string());

    // Nobody writes into it from here.
    let editor = scene.kit.key(Role::Editor, &[scene.team]).await;
    scene.kit.forget_calls().await;
    let path = format!("/v1/blocks/{}/children", copies[0]);
    let block = json!({"children": [{"paragraph": {"rich_text": []}}]});
    let wrote = scene.kit.patch(&editor, &path, &block).await;
    assert_eq!(wrote.status, 404, "{}", wrote.text());
    assert!(scene.kit.calls().await.iter().all(|call| call["method"] == "GET"));
    scene.kit.finish().await;
}

#[tokio::test]
async fn what_stands_above_a_root_is_the_workspace() {
    let scene = Scene::start().await;
    let (kit, demo) = (&scene.kit, &scene.kit.demo);
    let workspace = json!({"type": "workspace", "workspace": true});
    let path = format!("/v1/pages/{}", scene.team);
    for version in VERSIONS {
        assert_eq!(scene.get(&path, version).await.json()["parent"], workspace, "{version}");
    }
    // A table needs a database above it: one that nobody has.
    let viewer = kit.key(Role::Viewer, &[demo.data_source_id]).await;
    let table = kit.get(&viewer, &format!("/v1/data_sources/{}", demo.data_source_id)).await;
    assert_eq!(table.status, 200, "{}", table.text());
    let shown = table.json();
    assert_eq!(shown["database_parent"], workspace);
    let database = shown["parent"]["database_id"].as_str().unwrap().to_owned();
    assert!(!table.text().contains(&demo.database_id.plain()), "{}", table.text());
    assert!(!table.text().contains(&demo.database_id.to_string()), "{}", table.text());
    assert_eq!(kit.get(&viewer, &format!("/v1/databases/{database}")).await.status, 404);
    let query = format!("/v1/data_sources/{}/query", demo.data_source_id);
    let rows = kit.post(&viewer, &query, &json!({"page_size": 2})).await;
    assert_eq!(rows.status, 200, "{}", rows.text());
    for row in rows.json()["results"].as_array().unwrap() {
        assert_eq!(row["parent"]["data_source_id"], demo.data_source_id.to_string());
        assert_eq!(row["parent"]["database_id"], database, "always the same");
    }
    scene.kit.finish().await;
}

#[tokio::test]
async fn markdown_names_nothing_outside() {
    let scene = Scene::start().await;
    let url = format!("https://www.notion.so/{}", scene.outside.plain());
    scene
        .add(json!([
            {"paragraph": {"rich_text": [
                {"text": {"content": "see "}}, mention(scene.outside), {"text": {"content": " and "}},
                {"text": {"content": "this", "link": {"url": url}}},
            ]}},
            {"link_to_page": {"page_id": scene.outside}},
            {"synced_block": {"synced_from": {"block_id": scene.original}}},
            {"bookmark": {"url": url}},
            {"paragraph": {"rich_text": [{"text": {"content": "the end"}}]}},
        ]))
        .await;
    for dialect in ["", "?markdown_version=v2"] {
        let path = format!("/v1/pages/{}/markdown{dialect}", scene.team);
        let whole = scene.kit.direct("GET", &path, None).await;
        assert!(whole.text().contains(SECRET), "the test would not see it: {}", whole.text());
        let shown = scene.check(&scene.get(&path, VERSION).await);
        let text = shown["markdown"].as_str().unwrap();
        assert!(text.contains("see Untitled and this"), "{text}");
        assert!(text.ends_with("the end"), "{text}");
    }
    // Changing what is found in the text would tell what is in it.
    let editor = scene.kit.key(Role::Editor, &[scene.team]).await;
    let path = format!("/v1/pages/{}/markdown", scene.team);
    let change = |old: &str| {
        let update = json!({"old_str": old, "new_str": old});
        json!({"type": "update_content", "update_content": {"content_updates": [update]}})
    };
    let right = scene.kit.patch(&editor, &path, &change(SECRET)).await;
    let wrong = scene.kit.patch(&editor, &path, &change("Basalt")).await;
    assert_eq!((right.status, wrong.status), (400, 400), "{}", right.text());
    assert_eq!(right.json()["message"], wrong.json()["message"]);
    scene.kit.finish().await;
}

#[tokio::test]
async fn titles_that_mention_something_outside_show_and_match_only_the_rest() {
    let scene = Scene::start().await;
    let title = json!([{"text": {"content": "About "}}, mention(scene.outside)]);
    let child = made_under(&scene.kit, scene.team, title).await;
    let plain = made_under(&scene.kit, scene.team, json!([{"text": {"content": "Basalt"}}])).await;
    let children = scene.get(&format!("/v1/blocks/{}/children", scene.team), VERSION).await;
    let shown = scene.check(&children);
    let named = |id: Id| {
        let blocks = shown["results"].as_array().unwrap();
        let block = blocks.iter().find(|block| block["id"] == id.to_string()).unwrap();
        block["child_page"]["title"].clone()
    };
    assert_eq!((named(child), named(plain)), (json!("About Untitled"), json!("Basalt")));
    let page = scene.check(&scene.get(&format!("/v1/pages/{child}"), VERSION).await);
    assert_eq!(page["url"], format!("https://www.notion.so/{}", child.plain()));
    let text = scene.get(&format!("/v1/pages/{}/markdown", scene.team), VERSION).await;
    assert!(scene.check(&text)["markdown"].as_str().unwrap().contains(">About Untitled</page>"));

    let search = async |words: &str| {
        let found = scene.kit.post(&scene.viewer, "/v1/search", &json!({"query": words})).await;
        scene.check(&found);
        found.ids()
    };
    assert!(!search(SECRET).await.contains(&child.to_string()));
    assert!(search("Basalt").await.contains(&plain.to_string()));
    assert!(search("").await.contains(&child.to_string()));
    scene.kit.finish().await;
}

#[tokio::test]
async fn people_are_those_whom_a_key_has_met() {
    let scene = Scene::start().await;
    let kit = &scene.kit;
    let everybody = kit.get(&kit.admin, "/v1/users").await.ids();
    let before = kit.get(&scene.viewer, "/v1/users").await;
    assert_eq!(before.status, 200, "{}", before.text());
    let me = kit.get(&scene.viewer, "/v1/users/me").await.json()["id"].clone();
    assert_eq!(before.json()["results"].as_array().unwrap().len(), 1);
    assert_eq!(before.json()["results"][0]["id"], me);

    let author = kit.get(&scene.viewer, &format!("/v1/pages/{}", scene.team)).await.json()
        ["created_by"]["id"]
        .clone();
    let met = kit.get(&scene.viewer, "/v1/users").await.ids();
    assert!(met.iter().any(|id| author == **id) && met.len() < everybody.len(), "{met:?}");
    let author = author.as_str().unwrap();
    assert_eq!(kit.get(&scene.viewer, &format!("/v1/users/{author}")).await.status, 200);

    let stranger = everybody.iter().find(|id| !met.contains(id)).unwrap();
    let nobody = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let told = async |id: &str| {
        let reply = kit.get(&scene.viewer, &format!("/v1/users/{id}")).await;
        let mut body = reply.json();
        body["request_id"] = Value::Null;
        (reply.status, body.to_string().replace(id, "<id>"))
    };
    let notion = kit.direct("GET", &format!("/v1/users/{nobody}"), None).await.json();
    let answer = told(stranger).await;
    assert_eq!(answer, told(nobody).await);
    assert_eq!(answer.0, 404);
    assert!(
        answer.1.contains(&notion["message"].as_str().unwrap()[39 + 36..60 + 36]),
        "{answer:?}"
    );
    scene.kit.finish().await;
}

#[tokio::test]
async fn a_task_belongs_to_the_key_that_began_it() {
    let scene = Scene::start().await;
    let kit = &scene.kit;
    let editor = kit.key(Role::Editor, &[scene.team]).await;
    let path = format!("/v1/pages/{}/markdown", scene.team);
    let insert = json!({
        "type": "insert_content", "insert_content": {"content": "later"}, "allow_async": true,
    });
    let begun = kit.patch(&editor, &path, &insert).await;
    assert_eq!(begun.json()["object"], "async_task", "{}", begun.text());
    let task = begun.json();
    let url = task["status_url"].as_str().unwrap();
    let id = task["id"].as_str().unwrap();
    assert_eq!(url, format!("{}/v1/async_tasks/{id}", kit.url));
    let mine = kit.get(&editor, &format!("/v1/async_tasks/{id}")).await;
    assert_eq!(mine.status, 200, "{}", mine.text());
    let nobody = "task_0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
    for key in [&scene.viewer, &editor] {
        let other = if key == &editor { nobody } else { id };
        let reply = kit.get(key, &format!("/v1/async_tasks/{other}")).await;
        let own = kit.direct("GET", &format!("/v1/async_tasks/{nobody}"), None).await;
        assert_eq!(reply.status, 404, "{}", reply.text());
        let text =
            |reply: &Reply, id: &str| reply.json()["message"].to_string().replace(id, "<id>");
        assert_eq!(text(&reply, other), text(&own, nobody));
    }
    scene.kit.finish().await;
}

#[tokio::test]
async fn a_file_is_sent_to_the_gate() {
    let scene = Scene::start().await;
    let kit = &scene.kit;
    let editor = kit.key(Role::Editor, &[scene.team]).await;
    for key in [&editor, &kit.admin] {
        let made = kit.post(key, "/v1/file_uploads", &json!({})).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let here = format!("{}/v1/file_uploads/{id}/send", kit.url);
        assert_eq!(made.json()["upload_url"], here);
        let again = kit.get(key, &format!("/v1/file_uploads/{id}")).await;
        assert_eq!(again.json()["upload_url"], here);
        let parts = json!({"mode": "multi_part", "number_of_parts": 2, "filename": "a.txt"});
        let made = kit.post(key, "/v1/file_uploads", &parts).await.json();
        let complete = made["complete_url"].as_str().unwrap_or(&kit.url);
        assert!(complete.starts_with(&kit.url), "{made}");
        let listed = kit.get(key, "/v1/file_uploads").await;
        assert!(!listed.text().contains(&kit.sandbox.url()), "{}", listed.text());
    }
    scene.kit.finish().await;
}

#[tokio::test]
async fn nothing_is_written_that_leads_outside() {
    let scene = Scene::start().await;
    let kit = &scene.kit;
    let editor = kit.key(Role::Editor, &[scene.team]).await;
    let url = format!("https://www.notion.so/x-{}", scene.outside.plain());
    let (team, path) = (scene.team, format!("/v1/blocks/{}/children", scene.team));
    let blocks = |block: Value| json!({ "children": [block] });
    let link = json!([{"text": {"content": "x", "link": {"url": url}}}]);
    kit.forget_calls().await;
    for (method, path, body) in [
        ("PATCH", path.clone(), blocks(json!({"bookmark": {"url": url}}))),
        ("PATCH", path.clone(), blocks(json!({"embed": {"url": url}}))),
        ("PATCH", path.clone(), blocks(json!({"paragraph": {"rich_text": link}}))),
        (
            "POST",
            "/v1/comments".to_owned(),
            json!({"parent": {"page_id": team}, "rich_text": link}),
        ),
        (
            "PATCH",
            format!("/v1/pages/{team}/markdown"),
            json!({"type": "insert_content", "insert_content": {"content": format!("[x]({url})")}}),
        ),
    ] {
        let reply = kit.call(method, &editor, &path, Some(&body)).await;
        assert_eq!(reply.status, 404, "{path} {body}: {}", reply.text());
    }
    assert!(kit.calls().await.iter().all(|call| call["method"] == "GET"), "a write arrived");
    scene.kit.finish().await;
}

#[tokio::test]
async fn meeting_notes_are_those_of_the_inside() {
    let kit = Kit::start().await;
    let path = "/v1/blocks/meeting_notes/query";
    let all = kit.direct("POST", path, Some(&json!({}))).await.ids();
    for root in [kit.demo.team_page_id, kit.demo.other_page_id, kit.demo.root_page_id] {
        let viewer = kit.key(Role::Viewer, &[root]).await;
        let found = kit.post(&viewer, path, &json!({})).await;
        assert_eq!(found.status, 200, "{}", found.text());
        let mut expected = Vec::new();
        for id in &all {
            if kit.get(&viewer, &format!("/v1/blocks/{id}")).await.status == 200 {
                expected.push(id.clone());
            }
        }
        assert_eq!(found.ids(), expected);
        assert_eq!(found.json()["has_more"], false);
        let one = kit.post(&viewer, path, &json!({"limit": 1})).await;
        assert_eq!(one.ids(), expected.iter().take(1).cloned().collect::<Vec<_>>());
        assert_eq!(one.json()["has_more"], expected.len() > 1);
        let wrong = kit.post(&viewer, path, &json!({"limit": 0})).await;
        assert_eq!(wrong.status, 400, "{}", wrong.text());
    }
    kit.finish().await;
}
