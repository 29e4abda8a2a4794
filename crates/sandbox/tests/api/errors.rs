//! Error texts and the order of checks.

use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};

/// An id that nothing has.
const NOBODY: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// Method, path, headers, body; status, code, message.
type Case<'a> = (&'a str, &'a str, &'a [Header<'a>], &'a str, u16, &'a str, &'a str);
type Header<'a> = (&'a str, &'a str);

#[tokio::test]
async fn checks_come_in_notions_order() {
    let bench = Bench::new();
    let bad = ("authorization", "Bearer nope");
    let version = ("notion-version", NEW);
    let full = format!("Bearer {}", bench.demo.tokens.full);
    let good = ("authorization", full.as_str());
    let me = "/v1/users/me";
    let cases: [Case; 11] = [
        // R: an unknown route comes before a bad token, and wrong methods are unknown routes.
        ("GET", "/v1/nothing", &[bad], "", 400, "invalid_request_url", "Invalid request URL."),
        ("PUT", me, &[bad], "", 400, "invalid_request_url", "Invalid request URL."),
        // R: so does a body that is not JSON.
        ("POST", "/v1/search", &[bad], "{", 400, "invalid_json", "Error parsing JSON body."),
        // R
        (
            "GET",
            me,
            &[],
            "",
            401,
            "unauthorized",
            "Authorization header must use the format \"Bearer <token>\".",
        ),
        ("GET", me, &[bad], "", 401, "unauthorized", "API token is invalid."),
        // O
        (
            "GET",
            me,
            &[good],
            "",
            400,
            "missing_version",
            "Notion-Version header failed validation: Notion-Version header should be defined, \
             instead was `undefined`.",
        ),
        // R for an older list of versions
        (
            "GET",
            me,
            &[good, ("notion-version", "2020-01-01")],
            "",
            400,
            "missing_version",
            "Notion-Version header failed validation: Notion-Version header should be \
             `\"2021-05-11\"`, `\"2021-05-13\"`, `\"2021-08-16\"`, `\"2022-02-22\"`, \
             `\"2022-06-28\"`, `\"2025-09-03\"`, or `\"2026-03-11\"`, instead was `\"2020-01-01\"`.",
        ),
        // O: an endpoint that the version does not have
        (
            "GET",
            "/v1/data_sources/AAA",
            &[good, ("notion-version", OLD)],
            "",
            400,
            "invalid_request_url",
            "Invalid request URL.",
        ),
        // R
        (
            "GET",
            "/v1/pages/AAA",
            &[good, version],
            "",
            400,
            "validation_error",
            "path failed validation: path.page_id should be a valid uuid, instead was `\"AAA\"`.",
        ),
        // R: a UUID of version 1
        (
            "GET",
            "/v1/users/f3f2e850-b5d4-11ef-ac7e-96584d5248b2",
            &[good, version],
            "",
            400,
            "validation_error",
            "path failed validation: path.user_id should be a valid uuid, instead was \
             `\"f3f2e850-b5d4-11ef-ac7e-96584d5248b2\"`.",
        ),
        // O: bodies of GET requests are validated too
        (
            "GET",
            "/v1/users",
            &[good, version],
            "{\"start_cursor\": \"x\"}",
            400,
            "validation_error",
            "body failed validation: body.start_cursor should be not present, instead was `\"x\"`.",
        ),
    ];
    for (method, path, headers, body, status, code, message) in cases {
        let answer = bench.raw(method, path, headers, body.to_owned()).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{method} {path}");
        assert_eq!(answer.body["code"], code);
        assert_eq!(answer.keys(), ["object", "status", "code", "message", "request_id"]);
        let id = answer.body["request_id"].as_str().unwrap();
        assert_eq!(answer.headers["x-notion-request-id"].to_str().unwrap(), id);
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn capabilities_come_before_ids_and_ids_before_existence() {
    let bench = Bench::new();
    let (token, _) = bench.token(&["read_content"], &[bench.demo.root_page_id]).await;
    // R: comments and users without the capability
    for path in ["/v1/users", "/v1/users/AAA", "/v1/comments?block_id=AAA"] {
        let answer = bench.with(&token, NEW, "GET", path, &Value::Null).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.message(), "Insufficient permissions for this endpoint.");
        assert_eq!(answer.body["code"], "restricted_resource");
    }
    let (token, bot) = bench.token(&["read_content"], &[]).await;
    let path = format!("/v1/pages/{}", bench.demo.root_page_id.plain());
    let answer = bench.with(&token, NEW, "GET", &path, &Value::Null).await;
    // R, the form of 2026; the id is dashed although the request's was not
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.message(),
        format!(
            "Could not find page with ID: {}. Make sure the relevant pages and databases are \
             shared with your integration \"Probe\".",
            bench.demo.root_page_id
        )
    );
    assert_eq!(answer.body["additional_data"], json!({"integration_id": bot}));
    let order = ["object", "status", "code", "message", "additional_data", "request_id"];
    assert_eq!(answer.keys(), order);
}

/// Bodies that the validator or the operation refuses: 400 and the whole text.
#[tokio::test]
async fn refusals_of_bodies_read_like_notions() {
    let bench = Bench::new();
    let demo = &bench.demo;
    let team = demo.team_page_id;
    let blocks = format!("/v1/blocks/{team}/children");
    let query = format!("/v1/data_sources/{}/query", demo.data_source_id);
    let table = format!("/v1/data_sources/{}", demo.data_source_id);
    let in_database = format!("/v1/blocks/{}/children", demo.database_id);
    let text =
        |n: usize| json!({"paragraph": {"rich_text": [{"text": {"content": "x".repeat(n)}}]}});
    let nested = json!({"paragraph": {"rich_text": [], "children": [{"paragraph": {"rich_text": [],
        "children": [{"paragraph": {"rich_text": [], "children": [{"divider": {}}]}}]}}]}});
    let cases: Vec<(&str, &str, &str, Value, String)> = vec![
        // R: union of parents; the branch with the wrong type says so
        (
            OLD,
            "POST",
            "/v1/pages",
            json!({"parent": {"page_id": null}, "properties": {}}),
            "body failed validation. Fix one:\n\
             body.parent.database_id should be defined, instead was `undefined`.\n\
             body.parent.page_id should be a string, instead was `null`."
                .to_owned(),
        ),
        // R
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": [{"image": {}}]}),
            "body failed validation: body.children[0].image.external should be defined, instead \
             was `undefined`."
                .to_owned(),
        ),
        // O
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": [text(2001)]}),
            "body failed validation: \
             body.children[0].paragraph.rich_text[0].text.content.length should be ≤ `2000`, \
             instead was `2001`."
                .to_owned(),
        ),
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": vec![text(1); 101]}),
            "body failed validation: body.children.length should be ≤ `100`, instead was `101`."
                .to_owned(),
        ),
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": "x"}),
            "body failed validation: body.children should be an array, instead was `\"x\"`."
                .to_owned(),
        ),
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": [nested]}),
            "body failed validation: body.children[0].paragraph.children[0].paragraph.children[0]\
             .paragraph.children should be not present, instead was `[{\"divider\":{}}]`."
                .to_owned(),
        ),
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": [], "after": NOBODY}),
            format!(
                "body failed validation: body.after should be not present, instead was \
                 `\"{NOBODY}\"`."
            ),
        ),
        (
            NEW,
            "PATCH",
            &blocks,
            json!({"children": [{"archived": false, "divider": {}}]}),
            "body failed validation: body.children[0].archived should be not present, instead was \
             `false`."
                .to_owned(),
        ),
        (
            NEW,
            "POST",
            &query,
            json!({"page_size": "ten"}),
            "body failed validation: body.page_size should be a number or `undefined`, instead \
             was `\"ten\"`."
                .to_owned(),
        ),
        (
            NEW,
            "POST",
            &query,
            json!({"filter_properties": ["ID"]}),
            "body failed validation: body.filter_properties should be not present, instead was \
             `[\"ID\"]`."
                .to_owned(),
        ),
        // R
        (
            NEW,
            "POST",
            &query,
            json!({"filter": {"property": "Nope", "checkbox": {"equals": true}}}),
            "Could not find property with name or id: Nope".to_owned(),
        ),
        // O
        (
            NEW,
            "POST",
            &query,
            json!({"sorts": [{"property": "Nope", "direction": "ascending"}]}),
            "Could not find sort property with name or id: Nope".to_owned(),
        ),
        (
            NEW,
            "POST",
            &query,
            json!({"filter": {"property": "Estimate", "checkbox": {"equals": true}}}),
            "The property type in the database does not match the property type of the filter \
             provided: database property number does not match filter checkbox"
                .to_owned(),
        ),
        (
            OLD,
            "POST",
            "/v1/search",
            json!({"filter": {"property": "object", "value": "data_source"}}),
            "body failed validation: body.filter.value should be `\"page\"` or `\"database\"`, \
             instead was `\"data_source\"`."
                .to_owned(),
        ),
        (
            NEW,
            "POST",
            "/v1/search",
            json!({"sort": {"timestamp": "last_edited_time", "direction": "up"}}),
            "body failed validation: body.sort.direction should be `\"ascending\"`, \
             `\"descending\"`, or `undefined`, instead was `\"up\"`."
                .to_owned(),
        ),
        (
            NEW,
            "POST",
            "/v1/search",
            json!({"start_cursor": "made-up"}),
            "The start_cursor provided is invalid: made-up".to_owned(),
        ),
        (
            NEW,
            "POST",
            "/v1/pages",
            json!({"parent": {"data_source_id": demo.data_source_id},
                "properties": {"Nope": {"number": 1}, "Nada": {"number": 1}}}),
            "Nope is not a property that exists. Nada is not a property that exists.".to_owned(),
        ),
        // R
        (
            NEW,
            "POST",
            "/v1/pages",
            json!({"parent": {"data_source_id": demo.data_source_id},
                "properties": {"Estimate": {"checkbox": true}}}),
            "Body Validation Failed. Fix the following:\nInvalid property value for: \"Estimate\"."
                .to_owned(),
        ),
        // O
        (
            OLD,
            "POST",
            "/v1/pages",
            json!({"parent": {"database_id": demo.database_id},
                "properties": {"Estimate": {"checkbox": true}, "Due": {"url": "x"}}}),
            "Estimate is expected to be number. Due is expected to be date.".to_owned(),
        ),
        (
            NEW,
            "POST",
            "/v1/pages",
            json!({"parent": {"data_source_id": demo.data_source_id},
                "properties": {"Priority": {"select": {"name": "a,b"}}}}),
            "Invalid select option, commas not allowed: a,b".to_owned(),
        ),
        // R
        (
            NEW,
            "PATCH",
            &table,
            json!({"properties": {"added": {"nonsense": {}}}}),
            "added is not a valid property schema".to_owned(),
        ),
        (
            NEW,
            "PATCH",
            &table,
            json!({"properties": {"R": {"relation": {"data_source_id": demo.data_source_id}}}}),
            "body failed validation. Fix one:\n\
             body.properties.R.relation.single_property should be defined, instead was \
             `undefined`.\n\
             body.properties.R.relation.dual_property should be defined, instead was `undefined`."
                .to_owned(),
        ),
        // O
        (
            NEW,
            "PATCH",
            &in_database,
            json!({"children": [{"divider": {}}]}),
            "Block does not support children.".to_owned(),
        ),
    ];
    for (version, method, path, body, message) in cases {
        let answer = bench.with(&demo.tokens.full, version, method, path, &body).await;
        assert_eq!(answer.message(), message, "{method} {path} {body}");
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn cursors_and_page_sizes_of_lists() {
    let bench = Bench::new();
    let path = format!("/v1/blocks/{}/children", bench.demo.team_page_id);
    for (query, message) in [
        // O
        (
            "start_cursor=bogus",
            "query failed validation: query.start_cursor should be a valid uuid or `undefined`, \
             instead was `\"bogus\"`.",
        ),
        (
            "page_size=101",
            "query failed validation: query.page_size should be ≤ `100` or `undefined`, instead \
             was `101`.",
        ),
    ] {
        assert_eq!(bench.get(&format!("{path}?{query}")).await.message(), message);
    }
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
async fn what_is_not_built_says_so() {
    let bench = Bench::new();
    let answer = bench.get("/v1/custom_emojis").await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (400, Some("invalid_request")));
    assert_eq!(answer.message(), "Unsupported request: list-custom-emojis.");
}
