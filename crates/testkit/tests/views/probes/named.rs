//! Outside things that are asked for by name: by their id, in whatever place ids stand.

use serde_json::{Value, json};

use super::{NOWHERE, Probe, SECRET, text, titled};

#[tokio::test]
async fn an_outside_page_by_id() {
    let probe = Probe::start().await;
    for suffix in ["", "/properties/title", "/markdown"] {
        probe.gone("GET", probe.page, |id| (format!("/v1/pages/{id}{suffix}"), Value::Null)).await;
    }
    let change = json!({ "properties": { "title": { "title": text("x") } } });
    probe.gone("PATCH", probe.page, |id| (format!("/v1/pages/{id}"), change.clone())).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_by_url() {
    let probe = Probe::start().await;
    let children = format!("/v1/blocks/{}/children", probe.inside);
    let linked = |id: &str| {
        let link =
            json!({ "url": format!("https://www.notion.so/{SECRET}-{}", id.replace('-', "")) });
        let run = json!({ "text": { "content": "see", "link": link } });
        json!({ "children": [{ "paragraph": { "rich_text": [run] } }] })
    };
    probe.gone("PATCH", probe.page, |id| (children.clone(), linked(id))).await;
    let bookmarked = |id: &str| {
        let url = format!("https://www.notion.so/{}", id.replace('-', ""));
        json!({ "children": [{ "bookmark": { "url": url } }] })
    };
    probe.gone("PATCH", probe.page, |id| (children.clone(), bookmarked(id))).await;
    // In a path a URL is no id, whatever it leads to.
    let by_url =
        |id: &str| format!("/v1/pages/https%3A%2F%2Fwww.notion.so%2F{}", id.replace('-', ""));
    probe.same(400, "GET", probe.page, |id| (by_url(id), Value::Null)).await;
    let with_title = |id: &str| format!("/v1/pages/{SECRET}-{}", id.replace('-', ""));
    let reply = probe.get(&with_title(&probe.page.to_string())).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_block() {
    let probe = Probe::start().await;
    for there in [probe.page, probe.block, probe.database, probe.row] {
        for suffix in ["", "/children"] {
            probe.gone("GET", there, |id| (format!("/v1/blocks/{id}{suffix}"), Value::Null)).await;
        }
        probe.gone("DELETE", there, |id| (format!("/v1/blocks/{id}"), Value::Null)).await;
        let divider = json!({ "children": [{ "divider": {} }] });
        probe
            .gone("PATCH", there, |id| (format!("/v1/blocks/{id}/children"), divider.clone()))
            .await;
    }
    let after = format!("/v1/blocks/{}/children", probe.inside);
    let body = |id: &str| json!({ "children": [{ "divider": {} }], "after": id });
    probe.gone("PATCH", probe.block, |id| (after.clone(), body(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_parent() {
    let probe = Probe::start().await;
    let page = |parent: Value| ("/v1/pages".to_owned(), titled(&parent, "mine"));
    probe.gone("POST", probe.page, |id| page(json!({ "page_id": id }))).await;
    probe.gone("POST", probe.source, |id| page(json!({ "data_source_id": id }))).await;
    probe.gone("POST", probe.database, |id| page(json!({ "database_id": id }))).await;
    let database = |id: &str| json!({ "parent": { "type": "page_id", "page_id": id }, "initial_data_source": { "properties": { "Name": { "title": {} } } } });
    probe.gone("POST", probe.page, |id| ("/v1/databases".to_owned(), database(id))).await;
    let source = |id: &str| json!({ "parent": { "type": "database_id", "database_id": id }, "properties": { "Name": { "title": {} } } });
    probe.gone("POST", probe.database, |id| ("/v1/data_sources".to_owned(), source(id))).await;
    let comment = |id: &str| json!({ "parent": { "page_id": id }, "rich_text": text("x") });
    probe.gone("POST", probe.page, |id| ("/v1/comments".to_owned(), comment(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_relation() {
    let probe = Probe::start().await;
    let rows = format!("/v1/data_sources/{}/query", probe.kit.demo.data_source_id);
    let row = probe.kit.post(&probe.key, &rows, &json!({ "page_size": 1 })).await.ids().remove(0);
    let value =
        |id: &str| json!({ "properties": { "Blocked by": { "relation": [{ "id": id }] } } });
    probe.gone("PATCH", probe.row, |id| (format!("/v1/pages/{row}"), value(id))).await;
    let filter = |id: &str| json!({ "filter": { "property": "Blocked by", "relation": { "contains": id } } });
    probe.gone("POST", probe.row, |id| (rows.clone(), filter(id))).await;
    let column = |id: &str| json!({ "properties": { "Spy": { "relation": { "data_source_id": id, "single_property": {} } } } });
    let schema = format!("/v1/data_sources/{}", probe.kit.demo.data_source_id);
    probe.gone("PATCH", probe.source, |id| (schema.clone(), column(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_mention() {
    let probe = Probe::start().await;
    let inside = probe.inside;
    let run = |kind: &str, id: &str| json!([{ "mention": { kind: { "id": id } } }]);
    let children = |run: Value| json!({ "children": [{ "paragraph": { "rich_text": run } }] });
    let path = format!("/v1/blocks/{inside}/children");
    probe.gone("PATCH", probe.page, |id| (path.clone(), children(run("page", id)))).await;
    probe.gone("PATCH", probe.database, |id| (path.clone(), children(run("database", id)))).await;
    let titled = |id: &str| json!({ "properties": { "title": { "title": run("page", id) } } });
    probe.gone("PATCH", probe.page, |id| (format!("/v1/pages/{inside}"), titled(id))).await;
    let comment =
        |id: &str| json!({ "parent": { "page_id": inside }, "rich_text": run("page", id) });
    probe.gone("POST", probe.page, |id| ("/v1/comments".to_owned(), comment(id))).await;
    let link = |id: &str| json!({ "children": [{ "link_to_page": { "type": "page_id", "page_id": id } }] });
    probe.gone("PATCH", probe.page, |id| (path.clone(), link(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_original_of_a_synced_block() {
    let probe = Probe::start().await;
    let path = format!("/v1/blocks/{}/children", probe.inside);
    let copy = |id: &str| json!({ "children": [{ "synced_block": { "synced_from": { "block_id": id } } }] });
    probe.gone("PATCH", probe.original, |id| (path.clone(), copy(id))).await;
    for suffix in ["", "/children"] {
        probe
            .gone("GET", probe.original, |id| (format!("/v1/blocks/{id}{suffix}"), Value::Null))
            .await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_comment_and_its_discussion() {
    let probe = Probe::start().await;
    probe.gone("GET", probe.comment, |id| (format!("/v1/comments/{id}"), Value::Null)).await;
    let edit = json!({ "rich_text": text("x") });
    probe.gone("PATCH", probe.comment, |id| (format!("/v1/comments/{id}"), edit.clone())).await;
    probe.gone("DELETE", probe.comment, |id| (format!("/v1/comments/{id}"), Value::Null)).await;
    for there in [probe.page, probe.block] {
        probe.gone("GET", there, |id| (format!("/v1/comments?block_id={id}"), Value::Null)).await;
    }
    let reply = |id: &str| json!({ "discussion_id": id, "rich_text": text("x") });
    probe.gone("POST", probe.thread, |id| ("/v1/comments".to_owned(), reply(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn a_file_of_somebody_else() {
    let probe = Probe::start().await;
    probe.gone("GET", probe.upload, |id| (format!("/v1/file_uploads/{id}"), Value::Null)).await;
    probe
        .gone("POST", probe.upload, |id| (format!("/v1/file_uploads/{id}/complete"), json!({})))
        .await;
    let path = format!("/v1/blocks/{}/children", probe.inside);
    let image = |id: &str| json!({ "children": [{ "image": { "type": "file_upload", "file_upload": { "id": id } } }] });
    probe.gone("PATCH", probe.upload, |id| (path.clone(), image(id))).await;
    let icon = |id: &str| json!({ "icon": { "type": "file_upload", "file_upload": { "id": id } } });
    let page = format!("/v1/pages/{}", probe.inside);
    probe.gone("PATCH", probe.upload, |id| (page.clone(), icon(id))).await;
    let listed = probe.get("/v1/file_uploads").await;
    assert_eq!((listed.status, listed.ids().len()), (200, 0), "{}", listed.text());
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_view_and_its_query() {
    let probe = Probe::start().await;
    probe.gone("GET", probe.view, |id| (format!("/v1/views/{id}"), Value::Null)).await;
    let name = json!({ "name": "mine" });
    probe.gone("PATCH", probe.view, |id| (format!("/v1/views/{id}"), name.clone())).await;
    probe.gone("DELETE", probe.view, |id| (format!("/v1/views/{id}"), Value::Null)).await;
    probe.gone("POST", probe.view, |id| (format!("/v1/views/{id}/queries"), json!({}))).await;
    for method in ["GET", "DELETE"] {
        let path = |id: &str| format!("/v1/views/{id}/queries/{NOWHERE}");
        probe.gone(method, probe.view, |id| (path(id), Value::Null)).await;
    }
    for (name, there) in [("database_id", probe.database), ("data_source_id", probe.source)] {
        probe.gone("GET", there, |id| (format!("/v1/views?{name}={id}"), Value::Null)).await;
    }
    let database = probe.kit.demo.database_id;
    let linked = |id: &str| json!({ "name": "spy", "type": "table", "database_id": database, "data_source_id": id });
    probe.gone("POST", probe.source, |id| ("/v1/views".to_owned(), linked(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_template() {
    let probe = Probe::start().await;
    probe
        .gone("GET", probe.source, |id| (format!("/v1/data_sources/{id}/templates"), Value::Null))
        .await;
    let inside = probe.kit.demo.data_source_id;
    let from = |id: &str| json!({ "parent": { "data_source_id": inside }, "template": { "type": "template_id", "template_id": id } });
    for there in [probe.template, probe.page] {
        probe.gone("POST", there, |id| ("/v1/pages".to_owned(), from(id))).await;
    }
    let apply = |id: &str| json!({ "template": { "type": "template_id", "template_id": id } });
    let page = format!("/v1/pages/{}", probe.inside);
    probe.gone("PATCH", probe.template, |id| (page.clone(), apply(id))).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_property_item() {
    let probe = Probe::start().await;
    for property in ["title", "Sum", "nope"] {
        let path = |id: &str| format!("/v1/pages/{id}/properties/{property}");
        probe.gone("GET", probe.row, |id| (path(id), Value::Null)).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn a_markdown_tag_that_names_the_outside() {
    let probe = Probe::start().await;
    let inside = probe.inside;
    for tag in [
        "<page url=\"URL\">x</page>",
        "a <mention-page url=\"URL\"/>",
        "<database url=\"URL\">x</database>",
    ] {
        let tag = |id: &str| {
            tag.replace("URL", &format!("https://www.notion.so/{}", id.replace('-', "")))
        };
        let insert = |id: &str| json!({ "type": "insert_content", "insert_content": { "content": tag(id) } });
        let path = format!("/v1/pages/{inside}/markdown");
        probe.gone("PATCH", probe.page, |id| (path.clone(), insert(id))).await;
        let page = |id: &str| json!({ "parent": { "page_id": inside }, "markdown": tag(id) });
        probe.gone("POST", probe.page, |id| ("/v1/pages".to_owned(), page(id))).await;
        let comment = |id: &str| json!({ "parent": { "page_id": inside }, "markdown": tag(id) });
        probe.gone("POST", probe.page, |id| ("/v1/comments".to_owned(), comment(id))).await;
    }
    probe.gone("GET", probe.page, |id| (format!("/v1/pages/{id}/markdown"), Value::Null)).await;
    probe.finish().await;
}
