//! What the gate does when Notion is slow, busy or gone.

use std::time::Duration;

use model::Role;
use serde_json::json;
use testkit::Kit;

#[tokio::test]
async fn a_busy_notion_is_asked_again_for_a_read_and_never_for_a_write() {
    let kit = Kit::start().await;
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    let busy = |operation: &str, times: u32| {
        json!({
            "match": {"operation": operation}, "answer": {"status": 503, "code": "service_unavailable"}, "times": times,
        })
    };
    kit.control("POST", "faults", Some(&busy("retrieve-a-page", 1))).await;
    kit.forget_calls().await;
    assert_eq!(kit.get(&kit.admin, &path).await.status, 200);
    assert_eq!(kit.calls().await.len(), 2);

    let committed = json!({
        "match": {"operation": "patch-page"}, "times": 1,
        "answer": {"status": 503, "code": "service_unavailable", "committed": true},
    });
    kit.control("POST", "faults", Some(&committed)).await;
    kit.forget_calls().await;
    let write = kit.patch(&kit.admin, &path, &json!({"icon": null})).await;
    assert_eq!(write.status, 503);
    assert_eq!(kit.calls().await.len(), 1, "a write was sent twice");
    let entry = kit.entries(1).await.remove(0);
    assert_eq!(entry.reason.as_deref(), Some("service_unavailable"));
    kit.finish().await;
}

#[tokio::test]
async fn every_call_carries_a_version_and_a_configured_one_wins() {
    for fixed in [None, Some(notion::Version::LATEST)] {
        let kit = Kit::start_with(|options| options.notion_version = fixed).await;
        let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
        let bearer = format!("Bearer {viewer}");
        let old = [("authorization", bearer.as_str()), ("notion-version", "2022-06-28")];
        for id in [kit.demo.team_page_id, kit.demo.other_page_id] {
            kit.raw("GET", &format!("/v1/pages/{id}"), &old, None).await;
        }
        let calls = kit.calls().await;
        assert!(calls.len() > 2 && calls.iter().all(|call| call["notion_version"].is_string()));
        let own = fixed.map_or("2022-06-28", notion::Version::as_str);
        assert_eq!(calls[0]["notion_version"], own);
        kit.finish().await;
    }
}

#[tokio::test]
async fn a_filter_goes_through_unchanged() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let path = format!("/v1/data_sources/{}", kit.demo.data_source_id);
    let schema = kit.get(&viewer, &path).await.json();
    let properties = schema["properties"].as_object().unwrap();
    let (name, property) =
        properties.iter().find(|(_, property)| property["type"] == "select").expect("a select");
    let option = property["select"]["options"][0]["name"].clone();
    let body =
        json!({"filter": {"property": name, "select": {"equals": option}}, "page_size": 100});
    let ours = kit.post(&viewer, &format!("{path}/query"), &body).await;
    let sent = kit.calls().await.pop().unwrap();
    assert_eq!(sent["body"].to_string(), body.to_string());
    let own = kit.direct("POST", &format!("{path}/query"), Some(&body)).await;
    assert!(!ours.ids().is_empty());
    assert_eq!(ours.ids(), own.ids());
    let rows = ours.json()["results"].as_array().cloned().unwrap();
    assert!(rows.iter().all(|row| row["properties"][name]["select"]["name"] == option));
    kit.finish().await;
}

#[tokio::test]
async fn a_rate_limit_is_waited_out() {
    let kit = Kit::start().await;
    let limited = json!({
        "match": {"operation": "get-self"}, "times": 1,
        "answer": {"status": 429, "code": "rate_limited", "retry_after": 1},
    });
    kit.control("POST", "faults", Some(&limited)).await;
    kit.forget_calls().await;
    assert_eq!(kit.get(&kit.admin, "/v1/users/me").await.status, 200);
    assert_eq!(kit.calls().await.len(), 2);
    kit.finish().await;
}

#[tokio::test]
async fn silence_is_a_504_in_notions_shape() {
    let kit = Kit::start_with(|options| options.notion.timeout = Duration::from_millis(500)).await;
    let silent = json!({"match": {"operation": "get-self"}, "latency_ms": 3000, "times": 1});
    kit.control("POST", "faults", Some(&silent)).await;
    let reply = kit.get(&kit.admin, "/v1/users/me").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (504, Some("gateway_timeout")));
    kit.finish().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_asked_for_is_a_failure_and_not_a_404() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let broken = json!({
        "match": {"operation": "retrieve-a-page"}, "answer": {"status": 500, "code": "internal_server_error"},
    });
    kit.control("POST", "faults", Some(&broken)).await;
    let reply = kit.get(&viewer, &format!("/v1/pages/{}", kit.demo.other_page_id)).await;
    assert_eq!((reply.status, reply.reason()), (503, Some("upstream")), "{}", reply.text());
    kit.finish().await;
}
