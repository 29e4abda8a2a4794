//! Budgets of requests per minute, and the sizes of what a request may hold.

use serde_json::{Value, json};

use crate::bench::Bench;

/// A sandbox whose clock stands, with limits.
async fn limited(settings: Value) -> Bench {
    let bench = Bench::new();
    let clock = json!({"freeze": true, "now": "2026-05-01T10:00:00.250Z"});
    bench.control("POST", "clock", clock).await.ok();
    bench.control("PUT", "limits", settings).await.ok();
    bench
}

#[tokio::test]
async fn nothing_is_limited_until_somebody_says_so() {
    let bench = Bench::new();
    for _ in 0..200 {
        bench.get("/v1/users/me").await.ok();
    }
    let limits = bench.control("GET", "limits", Value::Null).await.ok();
    assert_eq!((&limits.body["on"], &limits.body["per_connection"]), (&json!(false), &json!(180)));
}

#[tokio::test]
async fn a_connection_has_its_budget_per_window_and_may_spend_it_at_once() {
    let bench = limited(json!({"on": true})).await;
    for _ in 0..180 {
        bench.get("/v1/users/me").await.ok();
    }
    bench.control("POST", "clock", json!({"advance_ms": 10_500})).await.ok();
    let refused = bench.get("/v1/users/me").await;
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    // R: the text; documented: the data, and the header in whole seconds to the window's end.
    assert_eq!(refused.message(), "You have been rate limited. Please try again in a few minutes.");
    assert_eq!(refused.headers["retry-after"], "50");
    assert_eq!(
        refused.body["additional_data"],
        json!({"rate_limit_reason": "public_api_request_rate_limit", "retry_after": "50"})
    );
    // Who waits as told comes through; another connection was never stopped.
    let path = "/v1/users/me";
    let (other, _) = bench.token(&["read_content"], &[]).await;
    bench.with(&other, crate::bench::NEW, "GET", path, &Value::Null).await.ok();
    bench.control("POST", "clock", json!({"advance_ms": 50_000})).await.ok();
    bench.get(path).await.ok();
    // A clock that is set back does not lock anybody out.
    bench.control("POST", "clock", json!({"now": "2026-04-01T00:00:00Z"})).await.ok();
    bench.get(path).await.ok();
    let shown = bench.control("GET", "limits", Value::Null).await.ok().body;
    let spent = shown["spent"]["connections"].as_object().unwrap();
    assert!(spent.values().any(|window| window["requests"] == 1), "{shown}");
}

#[tokio::test]
async fn all_connections_share_the_workspaces_budget() {
    let bench = limited(json!({"on": true, "plan": "business", "per_workspace": 2})).await;
    let (other, _) = bench.token(&["read_content"], &[]).await;
    let me = "/v1/users/me";
    bench.get(me).await.ok();
    bench.with(&other, crate::bench::NEW, "GET", me, &Value::Null).await.ok();
    let refused = bench.get(me).await;
    let reason = &refused.body["additional_data"]["rate_limit_reason"];
    assert_eq!((refused.status, reason), (429, &json!("public_api_space_request_rate_limit")));
    // A stranger spends nothing and is told that it is one.
    let stranger = bench.with("ntn_nobody", crate::bench::NEW, "GET", me, &Value::Null).await;
    assert_eq!(stranger.status, 401);
    let lifted = bench.control("PUT", "limits", json!({"per_workspace": null})).await.ok();
    let is = (&lifted.body["per_connection"], &lifted.body["per_workspace"]);
    assert_eq!(is, (&json!(600), &Value::Null));
    bench.get(me).await.ok();
    for wrong in [json!({"plan": "huge"}), json!({"per_minute": 3}), json!({"on": "yes"})] {
        let refused = bench.control("PUT", "limits", wrong).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body["error"].as_str().unwrap().contains("plan"), "{}", refused.body);
    }
}

#[tokio::test]
async fn requests_are_no_larger_than_documented() {
    let bench = Bench::new();
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Sizes").await;
    let path = format!("/v1/blocks/{page}/children");
    let text = |content: &str| json!([{"text": {"content": content}}]);
    let paragraph = |content: &str| json!({"paragraph": {"rich_text": text(content)}});
    let append = |children: Value| bench.call("PATCH", &path, json!({"children": children}));
    let said = |what: &str| format!("body failed validation: body.children{what}.");

    let many = append((0..101).map(|_| paragraph("x")).collect()).await;
    assert_eq!(many.message(), said(".length should be ≤ `100`, instead was `101`"));
    append((0..100).map(|_| paragraph("x")).collect()).await.ok();
    let long = append(json!([paragraph(&"x".repeat(2001))])).await;
    let at = "[0].paragraph.rich_text[0].text.content.length";
    assert_eq!(long.message(), said(&format!("{at} should be ≤ `2000`, instead was `2001`")));
    append(json!([paragraph(&"x".repeat(2000))])).await.ok();
    let runs: Value = (0..101).map(|_| text("x")[0].clone()).collect();
    let runs = append(json!([{"paragraph": {"rich_text": runs}}])).await;
    let at = "[0].paragraph.rich_text.length";
    assert_eq!(runs.message(), said(&format!("{at} should be ≤ `100`, instead was `101`")));
    let url = format!("https://example.com/{}", "x".repeat(2000));
    let link = json!([{"text": {"content": "x", "link": {"url": url}}}]);
    let link = append(json!([{"paragraph": {"rich_text": link}}])).await;
    let at = "[0].paragraph.rich_text[0].text.link.url.length";
    assert_eq!(link.message(), said(&format!("{at} should be ≤ `2000`, instead was `2020`")));
    let equation = append(json!([{"equation": {"expression": "x".repeat(1001)}}])).await;
    let at = "[0].equation.expression.length";
    assert_eq!(equation.message(), said(&format!("{at} should be ≤ `1000`, instead was `1001`")));
    // Two levels below the first; a third is not taken.
    let item = |children: Value| json!({"bulleted_list_item": {"rich_text": text("x"), "children": children}});
    append(json!([item(json!([item(json!([paragraph("x")]))]))])).await.ok();
    let deep = append(json!([item(json!([item(json!([item(json!([paragraph("x")]))]))]))])).await;
    let start = said("[0].bulleted_list_item.children[0].bulleted_list_item.children[0]");
    let start = start.trim_end_matches('.');
    assert!(
        deep.message().starts_with(&format!(
            "{start}.bulleted_list_item.children should be not present, instead was `[{{"
        )),
        "{}",
        deep.message()
    );
    // More than 1,000 blocks, or 500 KB: own wording.
    let wide: Value = (0..100).map(|_| item((0..10).map(|_| paragraph("x")).collect())).collect();
    let wide = append(wide).await;
    assert_eq!((wide.status, &wide.body["code"]), (400, &json!("validation_error")));
    let heavy: Value = (0..100)
        .map(|_| json!({"paragraph": {"rich_text": [text(&"x".repeat(2000))[0].clone(), text(&"x".repeat(2000))[0].clone(), text(&"x".repeat(1500))[0].clone()]}}))
        .collect();
    let heavy = append(heavy).await;
    assert_eq!((heavy.status, &heavy.body["code"]), (400, &json!("validation_error")));
}

#[tokio::test]
async fn values_are_no_longer_than_documented() {
    let bench = Bench::new();
    let database = json!({
        "parent": {"page_id": bench.demo.team_page_id},
        "title": [{"text": {"content": "Sizes"}}],
        "initial_data_source": {"properties": {
            "Name": {"title": {}}, "Link": {"url": {}}, "Mail": {"email": {}},
            "Phone": {"phone_number": {}}, "Tags": {"multi_select": {}}, "Who": {"people": {}},
        }},
    });
    let database = bench.call("POST", "/v1/databases", database).await.ok();
    let source = database.body["data_sources"][0]["id"].clone();
    let create = |name: &str, value: Value| {
        let properties = json!({name: value});
        let body = json!({"parent": {"data_source_id": source}, "properties": properties});
        bench.call("POST", "/v1/pages", body)
    };
    for (name, kind, limit) in
        [("Link", "url", 2000), ("Mail", "email", 200), ("Phone", "phone_number", 200)]
    {
        create(name, json!({kind: "x".repeat(limit)})).await.ok();
        let refused = create(name, json!({kind: "x".repeat(limit + 1)})).await;
        let expected = format!(
            "body failed validation: body.properties.{name}.{kind}.length should be ≤ `{limit}`, \
             instead was `{}`.",
            limit + 1
        );
        assert_eq!(refused.message(), expected);
    }
    let tags: Value = (0..101).map(|index| json!({"name": format!("t{index}")})).collect();
    let refused = create("Tags", json!({"multi_select": tags})).await;
    let expected = "body failed validation: body.properties.Tags.multi_select.length should be ≤ \
                    `100`, instead was `101`.";
    assert_eq!(refused.message(), expected);
    let people: Value = (0..101).map(|_| json!({"id": bench.demo.root_page_id})).collect();
    let refused = create("Who", json!({"people": people})).await;
    let expected = "body failed validation: body.properties.Who.people.length should be ≤ `100`, \
                    instead was `101`.";
    assert_eq!(refused.message(), expected);
}
