//! What a capability, or its absence, does to what a caller may do and gets to see.

use notion::catalogue::{Auth, OPERATIONS, Place};
use notion::{Capability, Version};
use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD};

const ALL: [&str; 7] = [
    "read_content",
    "update_content",
    "insert_content",
    "read_comments",
    "insert_comments",
    "read_users_without_email",
    "read_users_with_email",
];

fn without(gone: &[&str]) -> Vec<&'static str> {
    ALL.into_iter().filter(|one| !gone.contains(one)).collect()
}

#[tokio::test]
async fn what_an_operation_needs_is_asked_for_before_ids_and_bodies() {
    let bench = Bench::new();
    let (nothing, _) = bench.token(&[], &[bench.demo.root_page_id]).await;
    for operation in OPERATIONS.iter().filter(|one| one.auth == Auth::Bearer) {
        let version = if operation.exists_in(Version::LATEST) { NEW } else { OLD };
        if Version::parse(version).is_none_or(|version| !operation.exists_in(version)) {
            continue;
        }
        let mut path = operation.path.to_owned();
        for place in operation.ids {
            if let Place::Path(name, _) = place {
                path = path.replace(&format!("{{{name}}}"), "AAA");
            }
        }
        let path = path.replace("{property_id}", "title").replace("{task_id}", "task");
        let answer =
            bench.with(&nothing, version, operation.verb.as_str(), &path, &Value::Null).await;
        let needs_something = !operation.needs.met_by(notion::Capabilities::NONE);
        if needs_something {
            // R: the text; the order is how scanners of tokens find capabilities out.
            assert_eq!(
                (answer.status, answer.message()),
                (403, "Insufficient permissions for this endpoint."),
                "{}",
                operation.name
            );
            assert_eq!(answer.body["code"], "restricted_resource");
        } else {
            assert_ne!(answer.status, 403, "{}", operation.name);
        }
    }
}

#[tokio::test]
async fn an_impossible_id_is_met_after_the_capability() {
    let bench = Bench::new();
    let (reader, _) = bench.token(&["read_content"], &[]).await;
    let get = async |path: &str| bench.with(&reader, NEW, "GET", path, &Value::Null).await;
    assert_eq!(get("/v1/pages/AAA").await.status, 400);
    assert_eq!(get(&format!("/v1/pages/{}", bench.demo.team_page_id)).await.status, 404);
    assert_eq!(get("/v1/comments/AAA").await.status, 403);
    assert_eq!(get("/v1/users/AAA").await.status, 403);
}

#[tokio::test]
async fn some_bodies_need_a_second_capability() {
    let bench = Bench::new();
    let (updater, _) =
        bench.token(&["read_content", "update_content"], &[bench.demo.root_page_id]).await;
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Stays").await;
    let to = json!({"parent": {"page_id": bench.demo.other_page_id}});
    let path = format!("/v1/pages/{page}/move");
    let moved = bench.with(&updater, NEW, "POST", &path, &to).await;
    assert_eq!(
        (moved.status, moved.message()),
        (403, "Insufficient permissions for this endpoint.")
    );
    let trashed = json!({"in_trash": true});
    bench.with(&updater, NEW, "PATCH", &format!("/v1/pages/{page}"), &trashed).await.ok();
}

#[tokio::test]
async fn writes_without_the_right_to_read_answer_an_id() {
    let bench = Bench::new();
    let writing = without(&["read_content", "read_comments"]);
    let (writer, _) = bench.token(&writing, &[bench.demo.root_page_id]).await;
    let send = async |method: &str, path: &str, body: Value| {
        bench.with(&writer, NEW, method, path, &body).await.ok()
    };
    let team = bench.demo.team_page_id;
    let page =
        send("POST", "/v1/pages", json!({"parent": {"page_id": team}, "properties": {}})).await;
    assert_eq!(
        (page.keys(), &page.body["object"]),
        (vec!["object", "id", "request_id"], &json!("page"))
    );
    let page = page.id();
    let path = format!("/v1/pages/{page}");
    assert_eq!(send("PATCH", &path, json!({"icon": {"emoji": "🌱"}})).await.keys().len(), 3);
    let database = json!({"parent": {"page_id": page}, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    let database = send("POST", "/v1/databases", database).await;
    assert_eq!((database.keys().len(), &database.body["object"]), (3, &json!("database")));
    let blocks = json!({"children": [{"paragraph": {"rich_text": []}}]});
    // (The strict schemas know whole blocks only in this list.)
    let bearer = format!("Bearer {writer}");
    let headers = [("authorization", bearer.as_str()), ("notion-version", NEW)];
    let path = format!("/v1/blocks/{page}/children");
    let made = bench.browse("PATCH", &path, &headers, blocks.to_string()).await;
    let made: Value = serde_json::from_str(&made.body).unwrap();
    let block = made["results"][0].as_object().unwrap();
    assert_eq!(block.keys().collect::<Vec<_>>(), ["object", "id"]);
    let comment = json!({"parent": {"page_id": page}, "rich_text": [{"text": {"content": "Hi"}}]});
    let comment = send("POST", "/v1/comments", comment).await;
    assert_eq!((comment.keys().len(), &comment.body["object"]), (3, &json!("comment")));
    let edited = json!({"rich_text": [{"text": {"content": "Ho"}}]});
    assert_eq!(
        send("PATCH", &format!("/v1/comments/{}", comment.id()), edited).await.keys().len(),
        3
    );
}

/// Users as three sorts of callers see them.
#[tokio::test]
async fn people_shrink_with_the_capability() {
    let bench = Bench::new();
    let root = [bench.demo.root_page_id];
    let (whole, _) = bench.token(&ALL, &root).await;
    let (named, _) = bench.token(&without(&["read_users_with_email"]), &root).await;
    let nobody = without(&["read_users_with_email", "read_users_without_email"]);
    let (blind, _) = bench.token(&nobody, &root).await;
    let path = format!("/v1/data_sources/{}/query", bench.demo.data_source_id);
    let body = json!({"filter": {"property": "Assignee", "people": {"is_not_empty": true}}, "page_size": 1});
    let assignee = async |token: &str| {
        let rows = bench.with(token, NEW, "POST", &path, &body).await.ok();
        rows.body["results"][0]["properties"]["Assignee"]["people"][0].clone()
    };
    let keys = |user: &Value| user.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let full = assignee(&whole).await;
    assert_eq!(keys(&full), ["object", "id", "name", "avatar_url", "type", "person"]);
    assert!(full["person"]["email"].is_string());
    let middle = assignee(&named).await;
    assert_eq!((keys(&middle), &middle["person"]), (keys(&full), &json!({})));
    assert_eq!(keys(&assignee(&blind).await), ["object", "id"]);
    // In mentions as well.
    let mention = json!({"children": [{"paragraph": {"rich_text": [{"mention": {"user": {"id": full["id"]}}}]}}]});
    let path = format!("/v1/blocks/{}/children", bench.demo.team_page_id);
    let made = bench.call("PATCH", &path, mention).await.ok();
    let path = format!("/v1/blocks/{}", made.body["results"][0]["id"].as_str().unwrap());
    let mentioned = async |token: &str| {
        let block = bench.with(token, NEW, "GET", &path, &Value::Null).await.ok();
        keys(&block.body["paragraph"]["rich_text"][0]["mention"]["user"]).len()
    };
    assert_eq!(
        (mentioned(&whole).await, mentioned(&named).await, mentioned(&blind).await),
        (6, 6, 2)
    );
    // And asked for directly.
    let user = format!("/v1/users/{}", full["id"].as_str().unwrap());
    let one = async |token: &str| bench.with(token, NEW, "GET", &user, &Value::Null).await;
    assert!(one(&whole).await.ok().body["person"]["email"].is_string());
    assert_eq!(one(&named).await.ok().body["person"], json!({}));
    assert_eq!(one(&blind).await.status, 403);
    // The own bot is always there to see.
    bench.with(&blind, NEW, "GET", "/v1/users/me", &Value::Null).await.ok();
}

#[tokio::test]
async fn addresses_include_people() {
    let bench = Bench::new();
    let (token, _) = bench.token(&["read_users_with_email"], &[]).await;
    let users = bench.with(&token, NEW, "GET", "/v1/users", &Value::Null).await.ok();
    assert!(users.body["results"][0]["person"]["email"].is_string());
    assert_eq!(Capability::ALL.len(), ALL.len());
}
