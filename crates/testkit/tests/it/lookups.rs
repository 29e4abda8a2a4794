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
