//! Budgets in Notion's terms: spent before the effect, never overshot, also across crashes.

use std::sync::Arc;
use std::time::Duration;

use model::{Budget, Role};
use serde_json::{Value, json};
use testkit::{Death, Kit, Reply};

use crate::crash::stage::{Stage, passes};

async fn limited(kit: &Kit, role: Role, budget: Budget) -> String {
    let mut request = testkit::request(role, &[]);
    request.budget = Some(budget);
    kit.new_key(request).await
}

fn id_of(key: &str) -> &str {
    &key[4..16]
}

/// What is spent and left of one limit.
async fn usage(kit: &Kit, key: &str, meter: &str) -> (u64, u64) {
    let shown = kit.get(&kit.admin, &format!("/api/v1/keys/{}", id_of(key))).await.json();
    let usage = &shown["usage"][meter];
    (usage["spent"].as_u64().unwrap(), usage["left"].as_u64().unwrap())
}

/// Seconds that a refusal says to wait.
fn wait(refused: &Reply) -> u64 {
    assert_eq!((refused.status, refused.reason()), (429, Some("budget")), "{}", refused.text());
    assert_eq!(refused.json()["code"], "rate_limited");
    refused.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_thousand_callers_at_the_edge() {
    let kit = Arc::new(Kit::start().await);
    let budget =
        Budget { calls_per_day: Some(100), calls_per_minute: Some(120), ..Budget::default() };
    let key = limited(&kit, Role::Viewer, budget).await;
    kit.forget_calls().await;
    let calls = (0..1000).map(|_| {
        let (kit, key) = (kit.clone(), key.clone());
        tokio::spawn(async move { kit.get(&key, "/v1/users/me").await.status })
    });
    let mut done = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            200 => done += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert_eq!(done, 100);
    assert_eq!(kit.calls().await.len(), 100);
    assert_eq!(usage(&kit, &key, "calls_per_day").await, (100, 0));
    assert_eq!(usage(&kit, &key, "calls_per_minute").await, (100, 20));
    Arc::into_inner(kit).unwrap().finish().await;
}

#[test]
fn crashes_at_the_edge_give_nothing_away() {
    const LIMIT: u32 = 400;
    let stage = Stage::new(0);
    let tenant = stage.tenants[0].clone();
    let live = |death: u64, callers: usize| {
        let death = if death == 0 { Death::never() } else { Death::at(death) };
        let (tenant, path) = (&tenant, stage.path().join("key"));
        stage.live(Arc::new(death), passes(), async move |life| {
            let mut request = testkit::request(Role::Viewer, &[]);
            request.connection = Some(Some(tenant.bot));
            request.budget = Some(Budget { calls_per_day: Some(LIMIT), ..Budget::default() });
            let keys = life.gate.list_keys(&life.operator(tenant), "list").await.unwrap();
            if !keys.iter().any(|key| key.budget.calls_per_day.is_some()) {
                let made = life.gate.create_key(&life.operator(tenant), request, "key").await;
                let key = made.expect("a key").token.reveal().to_owned();
                std::fs::write(&path, key).unwrap();
            }
            let key = std::fs::read_to_string(&path).unwrap();
            let calls = (0..callers).map(|_| {
                let (life, key) = (life.clone(), key.clone());
                tokio::spawn(async move { life.get(&key, "/v1/users/me").await.0 })
            });
            let mut done = 0;
            for call in calls.collect::<Vec<_>>() {
                done += u32::from(call.await.unwrap() == 200);
            }
            let keys = life.gate.list_keys(&life.operator(tenant), "list").await.unwrap();
            let key = keys.into_iter().find(|key| key.budget.calls_per_day.is_some()).unwrap();
            (done, life.gate.usage_of_key(&key)[0].1.spent)
        })
    };
    let before = stage.calls_of("get-self");
    let seen = || u32::try_from(stage.calls_of("get-self") - before).unwrap();
    // In order: what is spent is known exactly after the next start.
    assert_eq!(live(0, 10), Some((10, 10)));
    assert_eq!(live(0, 0), Some((0, 10)));
    for death in [5, 12, 25, 40, 77] {
        live(death, 60);
        let (_, spent) = live(0, 0).expect("nobody died");
        assert!(u64::from(seen()) <= spent, "{} calls were made, {spent} are spent", seen());
        // What is lost is what was reserved, and what was on its way.
        assert!(spent <= u64::from(seen() + 5 * (LIMIT / 16 + 60)), "{spent}");
    }
    live(0, 1000);
    assert!(seen() <= LIMIT, "{} calls were made", seen());
    assert_eq!(live(0, 100), Some((0, u64::from(LIMIT))));
}

#[tokio::test]
async fn pages_count_once_an_hour() {
    let kit = Kit::start().await;
    let budget = Budget { pages_per_hour: Some(3), ..Budget::default() };
    let key = limited(&kit, Role::Editor, budget).await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    for path in [page.clone(), format!("{page}/properties/title"), format!("{page}/markdown")] {
        let reply = kit.get(&key, &path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    }
    let children = format!("/v1/blocks/{}/children", kit.demo.team_page_id);
    assert_eq!(kit.get(&key, &children).await.status, 200);
    assert_eq!(usage(&kit, &key, "pages_per_hour").await, (1, 2));
    let query = format!("/v1/data_sources/{}/query", kit.demo.data_source_id);
    let rows = async |size: u32| kit.post(&key, &query, &json!({ "page_size": size })).await;
    let two = rows(2).await;
    assert_eq!((two.status, two.ids().len()), (200, 2));
    assert_eq!(usage(&kit, &key, "pages_per_hour").await, (3, 0));
    // Those rows again, one by one and together, and not one more.
    assert_eq!(rows(2).await.ids(), two.ids());
    assert_eq!(kit.get(&key, &format!("/v1/pages/{}", two.ids()[0])).await.status, 200);
    let refused = rows(3).await;
    assert!((1..=3600).contains(&wait(&refused)));
    assert!(!refused.text().contains("properties"), "{}", refused.text());
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the key's budget of 3 pages an hour is spent"), "{message}");
    kit.forget_calls().await;
    let other = format!("/v1/pages/{}", kit.demo.other_page_id);
    let left = wait(&kit.get(&key, &other).await);
    // A change shows the page, too.
    wait(&kit.patch(&key, &other, &json!({})).await);
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    kit.clock.advance(Duration::from_secs(left));
    assert_eq!(kit.get(&key, &other).await.status, 200);
    assert_eq!(usage(&kit, &key, "pages_per_hour").await, (1, 2));
    kit.finish().await;
}

#[tokio::test]
async fn blocks_are_counted_before_they_are_written() {
    let kit = Kit::start().await;
    let budget = Budget { blocks_per_hour: Some(4), ..Budget::default() };
    let key = limited(&kit, Role::Editor, budget).await;
    let text = json!([{ "text": { "content": "x" } }]);
    let bullet = |below: Value| json!({ "type": "bulleted_list_item", "bulleted_list_item": { "rich_text": text, "children": below } });
    let leaf = json!({ "type": "paragraph", "paragraph": { "rich_text": text } });
    let path = format!("/v1/blocks/{}/children", kit.demo.team_page_id);
    let append =
        async |children: Value| kit.patch(&key, &path, &json!({ "children": children })).await;
    assert_eq!(append(json!([bullet(json!([leaf, leaf]))])).await.status, 200);
    assert_eq!(usage(&kit, &key, "blocks_per_hour").await, (3, 1));
    kit.forget_calls().await;
    let refused = append(json!([leaf, leaf])).await;
    wait(&refused);
    let message = "notegate: this takes 2 blocks, and of the key's budget of 4 blocks an hour 1 is left: \
                   write fewer at once, or try again in";
    assert!(refused.json()["message"].as_str().unwrap().starts_with(message), "{}", refused.text());
    let title = json!({ "title": { "title": text } });
    let create = json!({
        "parent": { "page_id": kit.demo.team_page_id }, "properties": title, "children": [leaf],
    });
    wait(&kit.post(&key, "/v1/pages", &create).await);
    let edit = json!({ "type": "insert_content", "insert_content": { "content": "a\nb" } });
    let markdown = format!("/v1/pages/{}/markdown", kit.demo.team_page_id);
    wait(&kit.patch(&key, &markdown, &edit).await);
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    // What Notion refuses to write is given back.
    assert_eq!(append(json!([{ "type": "nonsense", "nonsense": {} }])).await.status, 400);
    assert_eq!(usage(&kit, &key, "blocks_per_hour").await, (3, 1));
    assert_eq!(append(json!([leaf])).await.status, 200);
    let refused = append(json!([leaf])).await;
    let entry = kit.entries(1).await.remove(0);
    assert_eq!((entry.action.as_ref(), entry.reason.as_deref()), ("write_denied", Some("budget")));
    assert_eq!(entry.metadata["meter"], ledger::Meta::Text("blocks_per_hour".to_owned()));
    kit.clock.advance(Duration::from_secs(wait(&refused)));
    assert_eq!(append(json!([leaf])).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn deletions_are_counted_by_the_day_and_a_clock_that_is_set_back_gives_none() {
    let kit = Kit::start().await;
    let budget = Budget { deletions_per_day: Some(1), ..Budget::default() };
    let key = limited(&kit, Role::Admin, budget).await;
    let page = async || {
        let body = json!({ "parent": { "page_id": kit.demo.team_page_id }, "properties": {} });
        let made = kit.post(&key, "/v1/pages", &body).await.json();
        format!("/v1/pages/{}", made["id"].as_str().unwrap())
    };
    let trash = async || {
        let page = page().await;
        kit.patch(&key, &page, &json!({ "in_trash": true })).await
    };
    assert_eq!(trash().await.status, 200);
    let left = wait(&trash().await);
    assert!((1..=86_400).contains(&left), "{left}");
    let start = model::Clock::now(&*kit.clock);
    kit.clock.set(start - Duration::from_secs(3 * 86_400));
    assert!(wait(&trash().await) <= 2 * 86_400, "nobody is locked out for ever");
    kit.clock.set(start);
    wait(&trash().await);
    kit.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(trash().await.status, 200);
    assert_eq!(kit.get(&key, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn budgets_that_make_no_sense_are_refused() {
    let kit = Kit::start().await;
    for budget in [
        json!({ "calls_per_minute": 0 }),
        json!({ "pages_per_hour": 100_001 }),
        json!({ "blocks_per_hour": 4_000_000_000_u64 }),
        json!({ "deletions_per_day": -1 }),
        json!({ "calls_per_hour": 1 }),
        json!(5),
    ] {
        let body = json!({ "name": "x", "role": "viewer", "budget": budget });
        let refused = kit.post(&kit.admin, "/api/v1/keys", &body).await;
        assert_eq!(refused.status, 400, "{budget}: {}", refused.text());
    }
    let body = json!({ "name": "x", "role": "viewer", "budget": { "calls_per_day": 7 } });
    let made = kit.post(&kit.admin, "/api/v1/keys", &body).await;
    assert_eq!((made.status, &made.json()["budget"]), (201, &json!({ "calls_per_day": 7 })));
    kit.finish().await;
}

#[tokio::test]
async fn who_asks_for_no_certain_number_of_rows_gets_as_many_as_are_left() {
    let kit = Kit::start().await;
    let budget = Budget { pages_per_hour: Some(3), ..Budget::default() };
    let query = format!("/v1/data_sources/{}/query", kit.demo.data_source_id);
    let all = kit.post(&kit.admin, &query, &json!({})).await.ids();
    assert!(all.len() > 4, "the demo has rows");
    for within in [vec![], vec![kit.demo.team_page_id]] {
        let mut request = testkit::request(Role::Viewer, &within);
        request.budget = Some(budget);
        let key = kit.new_key(request).await;
        // Who says how many gets them, or the refusal.
        let refused = kit.post(&key, &query, &json!({ "page_size": 4 })).await;
        wait(&refused);
        let first = kit.post(&key, &query, &json!({})).await;
        assert_eq!((first.status, first.ids()), (200, all[..3].to_vec()), "{}", first.text());
        let first = first.json();
        assert_eq!(first["has_more"], true);
        assert_eq!(usage(&kit, &key, "pages_per_hour").await, (3, 0));
        let body = json!({ "start_cursor": first["next_cursor"] });
        let left = wait(&kit.post(&key, &query, &body).await);
        let entry = kit.entries(1).await.remove(0);
        assert_eq!(entry.metadata["meter"], ledger::Meta::Text("pages_per_hour".to_owned()));
        // And goes on where it was, none twice and none left out.
        kit.clock.advance(Duration::from_secs(left));
        let next = kit.post(&key, &query, &body).await;
        let expected: Vec<String> = all.iter().skip(3).take(3).cloned().collect();
        assert_eq!((next.status, next.ids()), (200, expected), "{}", next.text());
    }
    kit.finish().await;
}
