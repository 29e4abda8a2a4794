//! F063: roles × (read, write, delete, manage) over real routes; and every way to destroy something
//! that looks like a mere change.

use serde_json::{Value, json};

use crate::harness::*;

/// What a call does, and the call.
type Case = (&'static str, &'static str, String, Option<Value>);

fn paragraph(text: &str) -> Value {
    json!({ "paragraph": { "rich_text": [{ "text": { "content": text } }] } })
}

fn new_page(gate: &Gate) -> String {
    let title = json!({ "title": [{ "text": { "content": "To be lost" } }] });
    let body = json!({
        "parent": { "page_id": TEAM_PAGE },
        "properties": { "title": title },
        "children": [paragraph("content")],
    });
    let made = gate.v1("POST", "/v1/pages", &gate.admin, Some(body)).expect(200);
    made["id"].as_str().unwrap().to_owned()
}

/// The members of the matrix, on a page of their own.
fn cases(page: &str) -> Vec<Case> {
    let at = |kind: &str| format!("/v1/{kind}/{page}");
    let v1 = |what, method, path: &str, body| (what, method, path.to_owned(), body);
    vec![
        v1("read", "GET", &at("pages"), None),
        v1("read", "GET", &format!("{}/children", at("blocks")), None),
        v1("read", "POST", "/v1/search", Some(json!({}))),
        v1("read", "GET", &format!("/api/v1/pages/{page}"), None),
        v1("write", "PATCH", &at("pages"), Some(json!({ "icon": { "emoji": "🔥" } }))),
        v1("write", "PATCH", &at("pages"), Some(json!({ "in_trash": false }))),
        v1(
            "write",
            "PATCH",
            &format!("{}/children", at("blocks")),
            Some(json!({ "children": [paragraph("more")] })),
        ),
        v1("write", "POST", "/v1/pages", Some(json!({ "parent": { "page_id": page } }))),
        v1("write", "POST", "/api/v1/pages", Some(json!({ "parent": page, "title": "below" }))),
        v1("manage", "GET", "/api/v1/keys", None),
        v1("manage", "POST", "/api/v1/keys", Some(json!({ "name": "x", "role": "viewer" }))),
        v1("manage", "DELETE", "/api/v1/keys/AAAAAAAAAAAA", None),
        v1("manage", "GET", "/api/v1/audit", None),
        v1("manage", "GET", "/api/v1/audit/verify", None),
        v1("manage", "GET", "/api/v1/audit/export", None),
        v1("delete", "PATCH", &at("pages"), Some(json!({ "in_trash": true }))),
        v1("delete", "PATCH", &at("pages"), Some(json!({ "archived": true }))),
        v1("delete", "PATCH", &at("pages"), Some(json!({ "in_trash": 1 }))),
        v1("delete", "PATCH", &at("pages"), Some(json!({ "in_trash": "true" }))),
        v1("delete", "PATCH", &at("pages"), Some(json!({ "archived": false, "in_trash": true }))),
        v1("delete", "PATCH", &at("pages"), Some(json!({ "erase_content": true }))),
        v1("delete", "PATCH", &at("blocks"), Some(json!({ "in_trash": true }))),
        v1("delete", "PATCH", &at("blocks"), Some(json!({ "archived": true }))),
        v1("delete", "DELETE", &at("blocks"), None),
        v1("delete", "DELETE", &format!("/api/v1/pages/{page}"), None),
        v1("delete", "DELETE", &format!("/api/pages/{page}"), None),
    ]
}

/// Ways to destroy what is not a page of one's own: refused to an editor, so nothing is lost.
fn elsewhere() -> Vec<Case> {
    let data_source = format!("/v1/data_sources/{DATA_SOURCE}");
    let database = format!("/v1/databases/{DATABASE}");
    let markdown = format!("/v1/pages/{TEAM_PAGE}/markdown");
    vec![
        ("delete", "PATCH", data_source.clone(), Some(json!({ "in_trash": true }))),
        ("delete", "PATCH", data_source.clone(), Some(json!({ "archived": true }))),
        ("delete", "PATCH", data_source, Some(json!({ "properties": { "Status": null } }))),
        ("delete", "PATCH", database.clone(), Some(json!({ "in_trash": true }))),
        ("delete", "PATCH", database.clone(), Some(json!({ "archived": true }))),
        ("delete", "PATCH", database, Some(json!({ "properties": { "Status": null } }))),
        (
            "delete",
            "PATCH",
            markdown,
            Some(json!({
                "type": "replace_content",
                "replace_content": { "new_str": "", "allow_deleting_content": true },
            })),
        ),
    ]
}

fn grants(role: &str, what: &str) -> bool {
    match role {
        "viewer" => what == "read",
        "editor" => what == "read" || what == "write",
        _ => true,
    }
}

#[test]
fn f063_the_matrix_of_roles() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    for role in ["viewer", "editor", "admin"] {
        for within in [&[][..], &[TEAM_PAGE]] {
            let key = gate.key(role, within);
            let page = new_page(&gate);
            let mut all = cases(&page);
            if role != "admin" {
                all.extend(elsewhere());
            }
            for (what, method, path, body) in all {
                let calls_before = calls(gate.sandbox_url()).len();
                let shown = format!("{role}: {what}: {method} {path} {body:?}");
                let answer = gate.v1(method, &path, &key, body);
                if role == "admin" && what == "manage" && !within.is_empty() {
                    // It could give itself the rest.
                    assert_eq!(answer.status, 403, "{shown}");
                    assert_eq!(answer.header("x-notegate-reason"), Some("scope"), "{shown}");
                    continue;
                }
                if grants(role, what) {
                    assert_ne!(answer.status, 403, "{shown}: {}", answer.text());
                    assert_ne!(answer.status, 401, "{shown}: {}", answer.text());
                    continue;
                }
                assert_eq!(answer.status, 403, "{shown}: {}", answer.text());
                assert_eq!(answer.header("x-notegate-reason"), Some("role"), "{shown}");
                let requires = format!("Requires \"{what}\" permission");
                if path.starts_with("/v1/") {
                    let body = answer.expect_notion_error(403, "restricted_resource");
                    assert!(body["message"].as_str().unwrap().starts_with(&requires), "{body}");
                } else {
                    assert_eq!(answer.expect_problem()["detail"], requires, "{shown}");
                }
                let calls_after = calls(gate.sandbox_url());
                assert_eq!(calls_after.len(), calls_before, "{shown}: {:?}", calls_after.last());
            }
        }
    }
}

#[test]
fn one_reading_of_a_body() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let editor = gate.key("editor", &[]);
    let page = new_page(&gate);
    let bearer = format!("Bearer {editor}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Notion-Version", VERSION),
        ("Content-Type", "application/json"),
    ];
    // Doubled members, whichever of them a reader takes; names that are written in another way.
    for body in [
        r#"{"in_trash":false,"in_trash":true}"#,
        r#"{"in_trash":true,"in_trash":false}"#,
        r#"{"in\u005ftrash":true}"#,
        r#"{"\u0061rchived":true}"#,
        r#" {"in_trash" : true } "#,
        r#"{"in_trash":true,"icon":{"emoji":"🔥"}}"#,
    ] {
        let bytes = crate::http::request(
            "PATCH",
            &format!("/v1/pages/{page}"),
            &headers,
            Some(body.as_bytes()),
        );
        let answer = crate::http::send(gate.address(), &bytes);
        let page = gate.v1("GET", &format!("/v1/pages/{page}"), &gate.admin, None).expect(200);
        assert_eq!(page["in_trash"], false, "{body}: {} {}", answer.status, answer.text());
    }
    // A parent that is inside for one reader and outside for the other.
    let scoped = gate.editor();
    let bearer = format!("Bearer {scoped}");
    let headers = [("Authorization", bearer.as_str()), headers[1], headers[2]];
    for body in [
        format!(
            r#"{{"parent":{{"page_id":"{TEAM_PAGE}"}},"parent":{{"page_id":"{OTHER_PAGE}"}}}}"#
        ),
        format!(
            r#"{{"parent":{{"page_id":"{OTHER_PAGE}"}},"parent":{{"page_id":"{TEAM_PAGE}"}}}}"#
        ),
        format!(r#"{{"parent":{{"page_id":"{TEAM_PAGE}","page_id":"{OTHER_PAGE}"}}}}"#),
        format!(r#"{{"parent":{{"page_id":"{TEAM_PAGE}","database_id":"{DATABASE}"}}}}"#),
        format!(r#"{{"parent":{{"page_id":"{TEAM_PAGE}","block_id":"{OTHER_PAGE}"}}}}"#),
    ] {
        let bytes = crate::http::request("POST", "/v1/pages", &headers, Some(body.as_bytes()));
        let answer = crate::http::send(gate.address(), &bytes);
        if answer.status == 200 {
            let made = answer.json();
            assert_eq!(made["parent"]["page_id"], TEAM_PAGE, "{body}: {made}");
        }
    }
}
