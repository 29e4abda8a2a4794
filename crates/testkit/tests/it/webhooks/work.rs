//! What is done about events, outside of any request.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gate::{EventHandler, EventWork};
use model::Role;
use serde_json::json;
use testkit::Kit;
use tokio::sync::Semaphore;

use super::{event, events, fetches, id, pair, send, wait_for};

/// Does what a test tells it to.
struct Told {
    worked: Mutex<Vec<Vec<String>>>,
    busy: Mutex<HashSet<String>>,
    failures: AtomicUsize,
    /// Work goes on as long as there are leaves to.
    leaves: Semaphore,
}

impl Told {
    fn new(leaves: usize, failures: usize) -> Arc<Self> {
        Arc::new(Self {
            worked: Mutex::default(),
            busy: Mutex::default(),
            failures: failures.into(),
            leaves: Semaphore::new(leaves),
        })
    }

    fn worked(&self) -> Vec<Vec<String>> {
        self.worked.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventHandler for Told {
    async fn handle(&self, work: &EventWork) -> Result<(), String> {
        assert!(
            self.busy.lock().unwrap().insert(work.entity.clone()),
            "two at once for one object"
        );
        self.leaves.acquire().await.unwrap().forget();
        self.busy.lock().unwrap().remove(&work.entity);
        let left = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            return Err("a test said so".to_owned());
        }
        self.worked.lock().unwrap().push(work.events.iter().map(|it| it.id.clone()).collect());
        Ok(())
    }
}

async fn start(handler: Arc<Told>) -> Kit {
    Kit::start_with(|options| options.webhooks.handler = Some(handler)).await
}

#[tokio::test]
async fn a_burst_is_one_piece_of_work_in_the_order_in_which_it_happened() {
    let handler = Told::new(100, 0);
    let kit = start(handler.clone()).await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    kit.forget_calls().await;
    for number in 0..50 {
        // What happened last comes first.
        let body = event(&kit, number, "page.content_updated", &page, 59 - number);
        assert_eq!(send(&kit, &token, &body).await.status, 200);
        kit.clock.advance(Duration::from_millis(20));
    }
    assert_eq!(fetches(&kit, &page).await, 0, "it is not quiet yet");
    wait_for(&kit, "done", 50).await;
    assert_eq!(fetches(&kit, &page).await, 1);
    let expected: Vec<String> = (0..50).rev().map(id).collect();
    assert_eq!(handler.worked(), [expected]);

    // Whatever keeps coming does not put it off for ever.
    for number in 100..130 {
        let body = event(&kit, number, "page.content_updated", &page, 1);
        assert_eq!(send(&kit, &token, &body).await.status, 200);
        kit.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    wait_for(&kit, "done", 80).await;
    assert!(handler.worked().len() > 2, "{:?}", handler.worked());
    kit.finish().await;
}

#[tokio::test]
async fn the_answer_does_not_wait_for_the_work_and_objects_do_not_wait_for_each_other() {
    let handler = Told::new(0, 0);
    let kit = start(handler.clone()).await;
    let token = pair(&kit).await.token;
    let (one, other) = (kit.demo.team_page_id.to_string(), kit.demo.other_page_id.to_string());
    for (number, page) in [(1, &one), (2, &other)] {
        let body = event(&kit, number, "page.content_updated", page, 1);
        assert_eq!(send(&kit, &token, &body).await.status, 200);
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while handler.busy.lock().unwrap().len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "both ought to be under way");
        kit.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The handler hangs, and events are taken all the same, of the same object as well.
    let body = event(&kit, 3, "page.content_updated", &one, 2);
    assert_eq!(send(&kit, &token, &body).await.status, 200);
    assert_eq!(events(&kit, "state=new").await.len(), 3);
    handler.leaves.add_permits(100);
    wait_for(&kit, "done", 3).await;
    let worked = handler.worked();
    assert_eq!((worked.len(), worked.last()), (3, Some(&vec![id(3)])), "{worked:?}");
    kit.finish().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_given_up_and_replayed() {
    let handler = Told::new(1000, 8);
    let kit = start(handler.clone()).await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    let body = event(&kit, 1, "page.content_updated", &page, 1);
    assert_eq!(send(&kit, &token, &body).await.status, 200);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let mut attempts = 0;
    while events(&kit, "state=dead").await.is_empty() {
        let waiting = events(&kit, "state=new").await;
        if let Some(event) = waiting.first().filter(|event| event["attempts"] != attempts) {
            attempts = event["attempts"].as_u64().unwrap();
            assert_eq!(event["last_error"], "a test said so");
        }
        assert!(tokio::time::Instant::now() < deadline, "{waiting:?}");
        kit.clock.advance(Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let dead = events(&kit, "state=dead").await.remove(0);
    assert_eq!((&dead["attempts"], &dead["last_error"]), (&json!(8), &json!("a test said so")));
    assert!(handler.worked().is_empty());

    let path = format!("/api/v1/webhooks/events/{}/replay", id(1));
    let replayed = kit.post(&kit.admin, &path, &json!({})).await;
    assert_eq!((replayed.status, replayed.json()["state"].clone()), (202, json!("new")));
    wait_for(&kit, "done", 1).await;
    assert_eq!(handler.worked(), [[id(1)]]);
    let missing = format!("/api/v1/webhooks/events/{}/replay", id(9));
    assert_eq!(kit.post(&kit.admin, &missing, &json!({})).await.status, 404);
    kit.finish().await;
}

#[tokio::test]
async fn notions_failures_are_waited_out() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    let fault = json!({
        "match": { "operation": "retrieve-a-page" }, "answer": { "status": 500 }, "times": 20,
    });
    kit.control("POST", "faults", Some(&fault)).await;
    let body = event(&kit, 1, "page.content_updated", &page, 1);
    assert_eq!(send(&kit, &token, &body).await.status, 200);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while events(&kit, "state=new").await.iter().all(|event| event["attempts"] == 0) {
        assert!(tokio::time::Instant::now() < deadline, "it is never tried");
        kit.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    kit.control("DELETE", "faults", None).await;
    wait_for(&kit, "done", 1).await;
    kit.finish().await;
}

#[tokio::test]
async fn what_is_gone_is_not_asked_for_and_what_nobody_reaches_is_stopped() {
    let kit = Kit::start().await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    kit.forget_calls().await;
    send(&kit, &token, &event(&kit, 1, "page.deleted", &page, 1)).await;
    wait_for(&kit, "done", 1).await;
    let mut foreign = event(&kit, 2, "page.created", &page, 1);
    foreign["workspace_id"] = json!(id(4711));
    send(&kit, &token, &foreign).await;
    let dead = wait_for(&kit, "dead", 1).await;
    assert!(dead[0]["last_error"].as_str().unwrap().contains("no connection"), "{dead:?}");
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    kit.finish().await;
}

#[tokio::test]
async fn a_move_in_notion_is_known_here_at_once() {
    // Places are believed for long, so that only the event can tell.
    let kit = Kit::start_with(|options| options.tree_age_max = Duration::from_secs(3600)).await;
    pair(&kit).await;
    let (team, root) = (kit.demo.team_page_id, kit.demo.root_page_id);
    let made = kit
        .as_human(
            "POST",
            "/v1/pages",
            json!({
                "parent": { "page_id": team },
                "properties": { "title": [{ "text": { "content": "Inside" } }] },
            }),
        )
        .await;
    let page = made["id"].as_str().unwrap().to_owned();
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let children = format!("/v1/blocks/{page}/children");
    assert_eq!(kit.get(&viewer, &children).await.status, 200);
    kit.forget_calls().await;

    let moved = json!({ "parent": { "page_id": root } });
    kit.as_human("POST", &format!("/v1/pages/{page}/move"), moved).await;
    kit.control("POST", "webhooks/flush", None).await;
    let told = events(&kit, &format!("object={page}")).await;
    assert!(told.iter().any(|event| event["type"] == "page.moved"), "{told:?}");
    assert_eq!(kit.get(&viewer, &children).await.status, 404, "it is outside now");

    let count = events(&kit, "").await.len();
    wait_for(&kit, "done", count).await;
    let entries = kit.entries(500).await;
    let denied = entries.iter().filter(|it| it.operation == "receive-event" && it.reason.is_some());
    assert_eq!(denied.count(), 0);
    kit.finish().await;
}

#[tokio::test]
async fn redelivered_and_reordered_edits_of_the_sandbox_are_worked_once() {
    let handler = Told::new(10_000, 0);
    let kit = start(handler.clone()).await;
    pair(&kit).await;
    kit.control("POST", "webhooks/settings", Some(&json!({ "duplicate": true, "reverse": true })))
        .await;
    let page = kit.demo.team_page_id;
    for number in 0..10 {
        let title = json!({ "title": [{ "text": { "content": format!("Title {number}") } }] });
        kit.as_human("PATCH", &format!("/v1/pages/{page}"), json!({ "properties": title })).await;
        kit.control("POST", "webhooks/flush", None).await;
    }
    let deliveries = kit.control("GET", "webhooks/deliveries", None).await;
    let deliveries = deliveries.as_array().unwrap().clone();
    for delivery in &deliveries {
        let route = format!("webhooks/deliveries/{}/redeliver", delivery["id"].as_str().unwrap());
        kit.control("POST", &route, None).await;
    }
    let sent: HashSet<String> =
        deliveries.iter().map(|it| it["event"]["id"].as_str().unwrap().to_owned()).collect();
    assert!(sent.len() >= 10, "{deliveries:?}");
    wait_for(&kit, "done", sent.len()).await;
    let worked: Vec<String> = handler.worked().concat();
    let different: HashSet<String> = worked.iter().cloned().collect();
    assert_eq!((worked.len(), &different), (sent.len(), &sent), "each once, none lost");
    kit.finish().await;
}

#[tokio::test]
async fn the_work_of_a_disconnected_workspace_stops() {
    let handler = Told::new(10_000, 0);
    let kit = start(handler.clone()).await;
    let token = pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    for number in 0..5 {
        let body = event(&kit, number, "page.content_updated", &id(100 + number), 1);
        assert_eq!(send(&kit, &token, &body).await.status, 200);
    }
    let bot = kit.gate.latest_connection().unwrap().bot_id;
    let path = format!("/api/v1/workspaces/{bot}");
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    kit.forget_calls().await;
    let dead = wait_for(&kit, "dead", 5).await;
    assert!(dead.iter().all(|it| it["attempts"] == 1), "{dead:?}");
    assert!(handler.worked().is_empty());
    let asked = kit.calls().await;
    assert!(asked.iter().all(|call| call["path"] != format!("/v1/pages/{page}")), "{asked:?}");
    assert!(asked.iter().all(|call| call["operation"] != "retrieve-a-page"), "{asked:?}");
    kit.finish().await;
}
