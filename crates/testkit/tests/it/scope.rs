//! A narrow key sees its part of Notion and nothing else.

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

/// The id that nobody has.
const NOWHERE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// An answer with what must differ between two objects taken out.
fn shape(reply: &Reply, id: &str) -> (u16, String, Vec<String>) {
    let mut body = reply.json();
    body["request_id"] = Value::Null;
    let mut headers: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (reply.status, body.to_string().replace(id, "<id>"), headers)
}

#[tokio::test]
async fn outside_and_nowhere_look_the_same() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let outside = kit.demo.other_page_id.to_string();
    for (before, after) in [
        ("/v1/pages/", ""),
        ("/v1/blocks/", ""),
        ("/v1/blocks/", "/children"),
        ("/v1/pages/", "/properties/title"),
        ("/v1/pages/", "/markdown"),
        ("/v1/comments?block_id=", ""),
        ("/v1/databases/", ""),
        ("/v1/data_sources/", ""),
        ("/v1/comments/", ""),
        ("/v1/views/", ""),
    ] {
        let there = kit.get(&viewer, &format!("{before}{outside}{after}")).await;
        let not_there = kit.get(&viewer, &format!("{before}{NOWHERE}{after}")).await;
        assert_eq!(shape(&there, &outside), shape(&not_there, NOWHERE), "{before}{after}");
        assert_eq!(there.status, 404, "{before}{after}: {}", there.text());
        assert_eq!(there.reason(), None);
    }
    // And it is Notion's own answer for an object that is not shared.
    let own = kit.direct("GET", &format!("/v1/pages/{NOWHERE}"), None).await;
    let ours = kit.get(&viewer, &format!("/v1/pages/{NOWHERE}")).await;
    assert_eq!(shape(&ours, NOWHERE).1, shape(&own, NOWHERE).1);
    kit.finish().await;
}

#[tokio::test]
async fn the_whole_subtree_is_open() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let viewer = kit.key(Role::Viewer, &[demo.team_page_id]).await;
    let team = demo.team_page_id;
    for path in [
        format!("/v1/pages/{team}"),
        format!("/v1/pages/{}", team.plain()),
        format!("/v1/blocks/{team}/children"),
        format!("/v1/databases/{}", demo.database_id),
        format!("/v1/data_sources/{}", demo.data_source_id),
    ] {
        let reply = kit.get(&viewer, &path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    }
    let query = format!("/v1/data_sources/{}/query", demo.data_source_id);
    let rows = kit.post(&viewer, &query, &json!({"page_size": 3})).await;
    assert_eq!(rows.ids().len(), 3, "{}", rows.text());
    let row = kit.get(&viewer, &format!("/v1/pages/{}", rows.ids()[0])).await;
    assert_eq!(row.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn what_is_inside_comes_through_as_it_is() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let page = made_under(&kit, kit.demo.team_page_id).await;
    for path in [
        format!("/v1/pages/{page}"),
        format!("/v1/blocks/{}/children?page_size=2", kit.demo.team_page_id),
    ] {
        let ours = kit.get(&viewer, &path).await;
        let own = kit.direct("GET", &path, None).await;
        let text = |reply: &Reply| {
            let text = reply.text();
            let at = text.find("\"request_id\"").expect("a request id");
            text[..at].to_owned()
        };
        assert_eq!(text(&ours), text(&own));
    }
    kit.finish().await;
}

#[tokio::test]
async fn nothing_is_made_or_moved_outside() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let editor = kit.key(Role::Editor, &[demo.team_page_id]).await;
    let title = json!({"title": {"title": [{"text": {"content": "x"}}]}});
    let page = |parent: Value| json!({"parent": parent, "properties": title});

    let inside = kit.post(&editor, "/v1/pages", &page(json!({"page_id": demo.team_page_id}))).await;
    assert_eq!(inside.status, 200, "{}", inside.text());
    let made = inside.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(kit.get(&editor, &format!("/v1/pages/{made}")).await.status, 200);

    kit.forget_calls().await;
    let other = json!({"page_id": demo.other_page_id});
    let refusals = [
        ("POST", "/v1/pages".to_owned(), page(other.clone()), 404),
        ("POST", "/v1/pages".to_owned(), page(json!({"workspace": true})), 400),
        ("POST", "/v1/pages".to_owned(), json!({"properties": {}}), 400),
        ("POST", format!("/v1/pages/{made}/move"), json!({"parent": other}), 404),
        (
            "POST",
            format!("/v1/pages/{}/move", demo.other_page_id),
            json!({"parent": {"page_id": demo.team_page_id}}),
            404,
        ),
        ("POST", "/v1/databases".to_owned(), json!({"parent": other}), 404),
        (
            "PATCH",
            format!("/v1/databases/{}", demo.database_id),
            json!({"parent": {"type": "workspace", "workspace": true}}),
            400,
        ),
        ("POST", "/v1/comments".to_owned(), json!({"parent": other, "rich_text": []}), 404),
        (
            "PATCH",
            format!("/v1/blocks/{made}/children"),
            json!({"children": [
                {"paragraph": {"rich_text": [{"mention": {"page": {"id": demo.other_page_id}}}]}},
            ]}),
            404,
        ),
        (
            "PATCH",
            format!("/v1/blocks/{made}/children"),
            json!({"children": [
                {"synced_block": {"synced_from": {"block_id": demo.other_page_id}}},
            ]}),
            404,
        ),
        (
            "PATCH",
            format!("/v1/blocks/{made}/children"),
            json!({"children": [], "after": demo.other_page_id}),
            404,
        ),
        (
            "PATCH",
            format!("/v1/pages/{made}"),
            json!({"properties": {"Links": {"relation": [{"id": demo.other_page_id}]}}}),
            404,
        ),
    ];
    for (method, path, body, status) in refusals {
        let reply = kit.call(method, &editor, &path, Some(&body)).await;
        assert_eq!(reply.status, status, "{method} {path} {body}: {}", reply.text());
    }
    let wrote = kit.calls().await.into_iter().filter(|call| call["method"] != "GET").count();
    assert_eq!(wrote, 0, "a write arrived");
    kit.finish().await;
}

#[tokio::test]
async fn a_page_moved_out_is_gone_and_a_page_moved_in_is_there() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let viewer = kit.key(Role::Viewer, &[demo.team_page_id]).await;
    let page = made_under(&kit, demo.team_page_id).await;
    let below = made_under(&kit, page).await;
    let status = async |id: Id, suffix: &str| {
        let path = if suffix.is_empty() {
            format!("/v1/pages/{id}")
        } else {
            format!("/v1/blocks/{id}{suffix}")
        };
        kit.get(&viewer, &path).await.status
    };
    assert_eq!(status(page, "").await, 200);
    assert_eq!(status(below, "").await, 200);

    // Through the gate: known at once, also for what lies below.
    let move_to = |parent: Id| json!({"parent": {"page_id": parent}});
    let moved =
        kit.post(&kit.admin, &format!("/v1/pages/{page}/move"), &move_to(demo.other_page_id)).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    assert_eq!(status(page, "").await, 404);
    assert_eq!(status(page, "/children").await, 404);
    assert_eq!(status(below, "").await, 404);

    // By a person, back in: a "no" is asked again before it is said.
    kit.as_human("POST", &format!("/v1/pages/{page}/move"), move_to(demo.team_page_id)).await;
    assert_eq!(status(page, "").await, 200);
    assert_eq!(status(page, "/children").await, 200);
    assert_eq!(status(below, "").await, 200);

    // By a person, out: the page's own answer tells it, and then it holds for what lies below.
    kit.as_human("POST", &format!("/v1/pages/{page}/move"), move_to(demo.other_page_id)).await;
    assert_eq!(status(page, "").await, 404);
    assert_eq!(status(page, "/children").await, 404);
    assert_eq!(status(below, "").await, 404);
    kit.finish().await;
}

#[tokio::test]
async fn a_move_by_a_person_is_noticed_in_time_without_any_hint() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let viewer = kit.key(Role::Viewer, &[demo.team_page_id]).await;
    let page = made_under(&kit, demo.team_page_id).await;
    let below = made_under(&kit, page).await;
    let children = |id: Id| format!("/v1/blocks/{id}/children");
    assert_eq!(kit.get(&viewer, &children(below)).await.status, 200);
    kit.as_human(
        "POST",
        &format!("/v1/pages/{page}/move"),
        json!({"parent": {"page_id": demo.other_page_id}}),
    )
    .await;
    // Its own place is asked for again after ten seconds, its ancestors' after a minute.
    kit.clock.advance(std::time::Duration::from_secs(11));
    assert_eq!(kit.get(&viewer, &children(page)).await.status, 404);
    kit.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(kit.get(&viewer, &children(below)).await.status, 404);
    kit.finish().await;
}

#[tokio::test]
async fn a_scope_can_be_a_database_or_a_data_source() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let rows = kit
        .post(&kit.admin, &format!("/v1/data_sources/{}/query", demo.data_source_id), &json!({}))
        .await;
    let row = rows.ids().remove(0);
    for root in [demo.database_id, demo.data_source_id] {
        let viewer = kit.key(Role::Viewer, &[root]).await;
        assert_eq!(kit.get(&viewer, &format!("/v1/pages/{row}")).await.status, 200);
        assert_eq!(kit.get(&viewer, &format!("/v1/pages/{}", demo.team_page_id)).await.status, 404);
        // Also for a caller of the old version, which knows no data sources.
        let bearer = format!("Bearer {viewer}");
        let old = [("authorization", bearer.as_str()), ("notion-version", "2022-06-28")];
        let path = format!("/v1/databases/{}/query", demo.database_id);
        let reply = kit.raw("POST", &path, &old, None).await;
        let expected = if root == demo.database_id { 200 } else { 404 };
        assert_eq!(reply.status, expected, "{}", reply.text());
        assert_eq!(kit.raw("GET", &format!("/v1/pages/{row}"), &old, None).await.status, 200);
    }
    kit.finish().await;
}

#[tokio::test]
async fn comments_inside_can_be_read_and_answered() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let editor = kit.key(Role::Editor, &[demo.team_page_id]).await;
    let text = json!([{"text": {"content": "hello"}}]);
    let first = kit
        .post(
            &editor,
            "/v1/comments",
            &json!({"parent": {"page_id": demo.team_page_id}, "rich_text": text}),
        )
        .await;
    assert_eq!(first.status, 200, "{}", first.text());
    let thread = first.json()["discussion_id"].clone();
    let reply = kit
        .post(&editor, "/v1/comments", &json!({"discussion_id": thread, "rich_text": text}))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let listed = kit.get(&editor, &format!("/v1/comments?block_id={}", demo.team_page_id)).await;
    assert!(listed.ids().len() >= 2, "{}", listed.text());
    let unknown = kit
        .post(&editor, "/v1/comments", &json!({"discussion_id": NOWHERE, "rich_text": text}))
        .await;
    assert_eq!(unknown.status, 404);
    kit.finish().await;
}

#[tokio::test]
async fn markdown_and_computed_columns_do_not_reach_outside() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let editor = kit.key(Role::Editor, &[demo.team_page_id]).await;
    let team = demo.team_page_id;
    let tag =
        format!("<page url=\"https://www.notion.so/{}\">x</page>", demo.other_page_id.plain());
    let insert =
        |text: &str| json!({"type": "insert_content", "insert_content": {"content": text}});
    let markdown = format!("/v1/pages/{team}/markdown");
    let rollup = json!({"properties": {"Spy": {"rollup": {
        "relation_property_name": "Project", "rollup_property_name": "Budget", "function": "show_original",
    }}}});
    let schema = format!("/v1/data_sources/{}", demo.data_source_id);
    let page = json!({"parent": {"page_id": team}, "markdown": tag});
    kit.forget_calls().await;
    for (method, path, body, status) in [
        ("PATCH", &markdown, insert(&tag), 404),
        ("POST", &"/v1/pages".to_owned(), page, 404),
        (
            "POST",
            &"/v1/comments".to_owned(),
            json!({"parent": {"page_id": team}, "markdown": tag}),
            404,
        ),
        ("PATCH", &schema, rollup, 400),
    ] {
        let reply = kit.call(method, &editor, path, Some(&body)).await;
        assert_eq!(reply.status, status, "{method} {path} {body}: {}", reply.text());
    }
    assert!(kit.calls().await.iter().all(|call| call["method"] == "GET"), "a write arrived");
    kit.finish().await;
}

#[tokio::test]
async fn a_row_that_left_is_gone_for_callers_of_every_version() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let viewer = kit.key(Role::Viewer, &[demo.data_source_id]).await;
    let query = format!("/v1/data_sources/{}/query", demo.data_source_id);
    let row = kit.post(&viewer, &query, &json!({"page_size": 1})).await.ids().remove(0);
    let second =
        json!({"parent": {"database_id": demo.database_id}, "properties": {"Name": {"title": {}}}});
    let second = kit.direct("POST", "/v1/data_sources", Some(&second)).await;
    assert_eq!(second.status, 200, "{}", second.text());
    let target = json!({"parent": {"data_source_id": second.json()["id"]}});
    kit.as_human("POST", &format!("/v1/pages/{row}/move"), target).await;
    let bearer = format!("Bearer {viewer}");
    let old = [("authorization", bearer.as_str()), ("notion-version", "2022-06-28")];
    for _ in 0..8 {
        kit.raw("GET", &format!("/v1/pages/{row}"), &old, None).await;
        kit.clock.advance(std::time::Duration::from_secs(10));
    }
    let seen = kit.raw("GET", &format!("/v1/pages/{row}"), &old, None).await;
    assert_eq!(seen.status, 404, "{}", seen.text());
    kit.finish().await;
}

#[tokio::test]
async fn asking_for_what_is_not_there_is_paid_for_and_bounded() {
    let kit = Kit::start().await;
    let mut request = testkit::request(Role::Viewer, &[kit.demo.team_page_id]);
    request.budget = Some(model::Budget { calls_per_minute: Some(6), ..Default::default() });
    let key = kit.new_key(request).await;
    kit.forget_calls().await;
    let mut statuses = Vec::new();
    for number in 0..10 {
        let id = format!("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c{number:02}");
        statuses.push(kit.get(&key, &format!("/v1/pages/{id}")).await.status);
    }
    assert_eq!(statuses, [404, 404, 404, 404, 404, 404, 429, 429, 429, 429]);
    assert_eq!(kit.calls().await.len(), 6);

    // Many at once: the first that is not inside ends it.
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    kit.forget_calls().await;
    let ids: Vec<_> = (10..99).map(|n| json!({"property": "Project", "relation": {"contains": format!("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c{n}")}})).collect();
    let query = format!("/v1/data_sources/{}/query", kit.demo.data_source_id);
    let reply = kit.post(&viewer, &query, &json!({"filter": {"or": ids}})).await;
    assert_eq!(reply.status, 404);
    assert!(kit.calls().await.len() < 6, "{}", kit.calls().await.len());
    kit.finish().await;
}

/// A new page, made with the admin's key.
async fn made_under(kit: &Kit, parent: Id) -> Id {
    let body = json!({
        "parent": {"page_id": parent},
        "properties": {"title": {"title": [{"text": {"content": "made by a test"}}]}},
    });
    let made = kit.post(&kit.admin, "/v1/pages", &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    serde_json::from_value(made.json()["id"].clone()).expect("an id")
}
