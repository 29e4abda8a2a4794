//! The catalogue of errors, and what belongs to refusals besides their texts.

use referee::errors::{self, Evidence};
use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW};

#[tokio::test]
async fn the_catalogue_of_errors_reads_like_notions() {
    let bench = Bench::new();
    let demo = errors::Demo {
        token: bench.demo.tokens.full.clone(),
        page: bench.demo.team_page_id.to_string(),
        data_source: bench.demo.data_source_id.to_string(),
        database: bench.demo.database_id.to_string(),
    };
    let ask = async |method: &str, path: &str, headers: Vec<(String, String)>, body: String| {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = bench.raw(method, path, &headers, body).await;
        (answer.status, answer.body)
    };
    let outcomes = errors::run(ask, &demo).await.unwrap();
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| {
            let instead = outcome.instead.as_ref()?;
            let case = &outcome.case;
            Some(format!(
                "{} {} {} {}\n  expected {} {}\n  answered {instead}",
                case.version, case.method, case.path, case.body, case.status, case.message
            ))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let recorded = outcomes.iter().filter(|o| o.case.evidence == Evidence::Recorded).count();
    assert!(recorded >= 30 && outcomes.len() >= 70, "{recorded} of {}", outcomes.len());
}

#[tokio::test]
async fn refusals_carry_their_request_id_as_a_header_too() {
    let bench = Bench::new();
    let answer = bench.raw("GET", "/v1/users/me", &[], "").await;
    assert_eq!(answer.status, 401);
    let id = answer.body["request_id"].as_str().unwrap();
    assert_eq!(answer.headers["x-notion-request-id"].to_str().unwrap(), id);
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    let (token, _) = bench.token(&["read_content"], &[]).await;
    let path = format!("/v1/pages/{}", bench.demo.root_page_id);
    let answer = bench.with(&token, NEW, "GET", &path, &Value::Null).await;
    let order = ["object", "status", "code", "message", "additional_data", "request_id"];
    assert_eq!(answer.keys(), order);
}

#[tokio::test]
async fn the_trash_refuses_edits() {
    let bench = Bench::new();
    let parent = json!({"page_id": bench.demo.team_page_id});
    let page = bench.page(&parent, "Old").await;
    let path = format!("/v1/pages/{page}");
    let trashed = bench.call("PATCH", &path, json!({"in_trash": true})).await.ok();
    assert_eq!(trashed.body["in_trash"], true);
    // Trashed pages can be read.
    assert_eq!(bench.get(&path).await.ok().body["in_trash"], true);
    let children = format!("/v1/blocks/{page}/children");
    let answer = bench.call("PATCH", &children, json!({"children": [{"divider": {}}]})).await;
    // O, several times
    assert_eq!(
        answer.message(),
        "Can't edit block that is archived. You must unarchive the block before editing."
    );
    // 2026-03-11 no longer knows the old name of the flag; others do.
    let old_name = json!({"archived": false});
    assert_eq!(bench.call("PATCH", &path, old_name.clone()).await.status, 400);
    let token = &bench.demo.tokens.full;
    let restored = bench.with(token, MID, "PATCH", &path, &old_name).await.ok();
    assert_eq!(restored.body["archived"], false);
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_says_nothing() {
    let bench = Bench::new();
    let bearer = format!("Bearer {}", bench.demo.tokens.full);
    let headers = [("authorization", bearer.as_str()), ("notion-version", NEW)];
    let page = format!("/v1/pages/{}", bench.demo.team_page_id);
    for (method, path, object) in [
        ("GET", format!("{page}/"), "page"),
        ("POST", "/v1/search/".to_owned(), "list"),
        ("GET", format!("{page}//"), "error"),
        ("GET", "/v1/pages/".to_owned(), "error"),
    ] {
        let (_, body) = bench.status_and_body(method, &path, &headers, "").await;
        assert_eq!(body["object"], object, "{method} {path}: {body}");
    }
}
