//! What a caller pays tells nothing about what stands outside its scope.

use model::{Budget, Role};
use serde_json::json;
use testkit::Kit;

const NOWHERE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// A page outside, six pages below another one, that one, and one that does not exist.
async fn outside(kit: &Kit) -> [String; 3] {
    let mut parent = kit.demo.other_page_id.to_string();
    for _ in 0..6 {
        let body = json!({ "parent": { "page_id": parent }, "properties": {} });
        let made = kit.direct("POST", "/v1/pages", Some(&body)).await;
        parent = made.json()["id"].as_str().unwrap().to_owned();
    }
    [parent, kit.demo.other_page_id.to_string(), NOWHERE.to_owned()]
}

#[tokio::test]
async fn looking_outside_costs_the_same_however_deep_it_goes() {
    let kit = Kit::start().await;
    let mut left = Vec::new();
    for target in outside(&kit).await {
        let mut request = testkit::request(Role::Viewer, &[kit.demo.team_page_id]);
        request.budget = Some(Budget { calls_per_minute: Some(10), ..Budget::default() });
        let key = kit.new_key(request).await;
        for path in ["/v1/pages/", "/v1/blocks/"] {
            let reply = kit.get(&key, &format!("{path}{target}")).await;
            assert_eq!(reply.status, 404, "{}", reply.text());
        }
        let mut calls = 0;
        while kit.get(&key, "/v1/users/me").await.status == 200 {
            calls += 1;
        }
        left.push(calls);
    }
    assert_eq!(left, [8, 8, 8]);
    kit.finish().await;
}

#[tokio::test]
async fn look_ups_have_a_limit_that_tells_no_more() {
    let kit = Kit::start_with(|options| options.lookups_per_minute = 20).await;
    let mut answered = Vec::new();
    for target in outside(&kit).await {
        let key = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
        let path = format!("/v1/pages/{target}");
        let mut refusals = 0;
        let limited = loop {
            let reply = kit.get(&key, &path).await;
            if reply.status != 404 {
                break reply;
            }
            refusals += 1;
        };
        assert_eq!((limited.status, limited.reason()), (429, Some("budget")));
        let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        kit.forget_calls().await;
        assert_eq!(kit.get(&key, &path).await.status, 429);
        assert!(kit.calls().await.is_empty(), "Notion was asked");
        answered.push(refusals);

        kit.clock.advance(std::time::Duration::from_secs(wait));
        assert_eq!(kit.get(&key, &path).await.status, 404, "the next minute");
        // What stands inside is paid for one by one, not at all once it is known, and an object's own
        // place is told by its answer.
        let inside = format!("/v1/pages/{}", kit.demo.team_page_id);
        for _ in 0..40 {
            assert_eq!(kit.get(&key, &inside).await.status, 200);
        }
    }
    assert_eq!(answered, [4, 4, 4]);
    kit.finish().await;
}

/// A page of the team's that mentions so many pages of the team's, each in a line of its own.
async fn mentioning(kit: &Kit, count: usize) -> String {
    let team = kit.demo.team_page_id;
    let mut lines = Vec::new();
    for number in 0..count {
        let title =
            json!({ "title": { "title": [{ "text": { "content": format!("Topic {number}") } }] } });
        let body = json!({ "parent": { "page_id": team }, "properties": title });
        let made = kit.as_human("POST", "/v1/pages", body).await;
        lines.push(json!({ "mention": { "page": { "id": made["id"] } } }));
    }
    let body = json!({ "parent": { "page_id": team }, "properties": {} });
    let page = kit.as_human("POST", "/v1/pages", body).await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/blocks/{page}/children");
    let blocks: Vec<_> =
        lines.chunks(50).map(|some| json!({ "paragraph": { "rich_text": some } })).collect();
    kit.as_human("PATCH", &path, json!({ "children": blocks })).await;
    path
}

#[tokio::test]
async fn what_a_page_mentions_is_looked_up_within_one_call() {
    let kit = Kit::start().await;
    let path = mentioning(&kit, 150).await;
    let key = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    kit.forget_calls().await;
    let reply = kit.get(&key, &path).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("Topic 0") && reply.text().contains("Topic 149"));
    // One for each page that is mentioned, one for the page itself, one for the answer.
    let calls = kit.calls().await.len();
    assert!((151..=153).contains(&calls), "{calls}");
    kit.forget_calls().await;
    assert_eq!(kit.get(&key, &path).await.status, 200);
    assert_eq!(kit.calls().await.len(), 1, "and then they are known");
    kit.finish().await;
}

#[tokio::test]
async fn a_call_that_needs_more_look_ups_says_so_and_goes_on_when_it_is_made_again() {
    let kit = Kit::start().await;
    let path = mentioning(&kit, 320).await;
    let key = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let refused = kit.get(&key, &path).await;
    assert_eq!((refused.status, refused.reason()), (429, Some("budget")), "{}", refused.text());
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("goes on from what was found out") && message.contains("page_size"),
        "{message}"
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    let reply = kit.get(&key, &path).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("Topic 319"));
    kit.finish().await;
}
