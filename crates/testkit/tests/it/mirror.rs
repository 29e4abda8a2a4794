//! The ledger, mirrored into a Notion database: F073, F074.

use std::num::NonZeroU32;
use std::time::Duration;

use gate::MirrorSettings;
use model::Role;
use sandbox::{Demo, Sandbox};
use serde_json::{Value, json};
use testkit::Kit;

/// The demo workspace has the same ids every time.
fn demo() -> Demo {
    Sandbox::router(&sandbox::Options::default()).unwrap().1.unwrap()
}

/// A kit whose ledger is mirrored into the demo's database, as fast as can be.
async fn start(reads: bool) -> Kit {
    let database = demo().database_id;
    let per_minute = NonZeroU32::new(60_000).unwrap();
    let mirror = MirrorSettings { database, per_minute, reads };
    Kit::start_with(|options| options.mirror = Some(mirror)).await
}

/// Gives the demo's database the columns that are needed.
async fn fit(kit: &Kit, with_entry: bool) {
    let path = format!("/v1/data_sources/{}", kit.demo.data_source_id);
    let source = kit.direct("GET", &path, None).await.json();
    let properties = source["properties"].as_object().unwrap();
    let title = properties.values().find(|it| it["type"] == "title").unwrap();
    let mut change = json!({
        title["id"].as_str().unwrap(): { "name": "Action" },
        "User": { "rich_text": {} },
        "Result": { "select": { "options": [{ "name": "success" }, { "name": "denied" }] } },
        "Resource": { "rich_text": {} },
        "Timestamp": { "date": {} },
    });
    if with_entry {
        change["Entry"] = json!({ "number": {} });
    }
    let done = kit.direct("PATCH", &path, Some(&json!({ "properties": change }))).await;
    assert_eq!(done.status, 200, "{}", done.text());
}

/// The rows that the mirror wrote: what stands in their columns, oldest first.
async fn rows(kit: &Kit) -> Vec<[String; 5]> {
    let path = format!("/v1/data_sources/{}/query", kit.demo.data_source_id);
    let filter = json!({ "property": "User", "rich_text": { "is_not_empty": true } });
    let sorts = json!([{ "timestamp": "created_time", "direction": "ascending" }]);
    let body = json!({ "filter": filter, "sorts": sorts });
    let found = kit.direct("POST", &path, Some(&body)).await;
    assert_eq!(found.status, 200, "{}", found.text());
    let found = found.json();
    assert_eq!(found["has_more"], false);
    let row = |page: &Value| {
        let text = |name: &str, kind: &str| {
            let property = &page["properties"][name];
            assert_eq!(property["type"], kind, "{page}");
            property[kind][0]["plain_text"].as_str().unwrap_or_default().to_owned()
        };
        let result = &page["properties"]["Result"]["select"]["name"];
        let at = &page["properties"]["Timestamp"]["date"]["start"];
        [
            text("Action", "title"),
            text("User", "rich_text"),
            result.as_str().unwrap().to_owned(),
            text("Resource", "rich_text"),
            at.as_str().unwrap().to_owned(),
        ]
    };
    found["results"].as_array().unwrap().iter().map(row).collect()
}

/// Waits until nothing waits.
async fn caught_up(kit: &Kit) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let newest = kit.entries(1).await[0].seq;
    loop {
        // A look that finds nothing new: everything until now has its row.
        let status = kit.gate.mirror_status().unwrap();
        let done = kit.gate.mirrored_until();
        if status.waiting == 0 && done >= newest {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{status:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn icon(kit: &Kit, key: &str) -> u16 {
    let path = format!("/v1/pages/{}", kit.demo.team_page_id);
    kit.patch(key, &path, &json!({ "icon": { "emoji": "🔥" } })).await.status
}

#[tokio::test]
async fn f073_outcomes_and_refusals_become_rows() {
    let kit = start(false).await;
    // Until the database fits nothing is lost, and what is missing is said.
    assert_eq!(icon(&kit, &kit.admin).await, 200);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while kit.gate.mirror_status().unwrap().failed == 0 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fit(&kit, true).await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    assert_eq!(kit.get(&viewer, &page).await.status, 200);
    assert_eq!(icon(&kit, &viewer).await, 403);
    caught_up(&kit).await;
    let rows = rows(&kit).await;
    let about = format!("page {}", kit.demo.team_page_id);
    let id = |key: &str| format!("key:{}", &key[4..16]);
    let shown = |action: &str, key: &str, result: &str| {
        let fits = |row: &&[String; 5]| {
            row[..4] == [action.to_owned(), id(key), result.to_owned(), about.clone()]
        };
        rows.iter().filter(fits).count()
    };
    assert_eq!(shown("write patch-page", &kit.admin, "success"), 1, "{rows:#?}");
    assert_eq!(shown("write_denied patch-page", &viewer, "denied"), 1, "{rows:#?}");
    assert!(rows.iter().any(|row| row[0] == "manage create-key"), "{rows:#?}");
    for row in &rows {
        assert!(!row[0].contains("_intended") && !row[0].starts_with("read "), "{row:?}");
        assert!(!row[3].contains(&kit.demo.database_id.to_string()), "it mirrors itself: {row:?}");
        assert!(row[4].starts_with("2026-09-"), "{row:?}");
    }
    let written = kit.gate.mirror_status().unwrap().written;
    assert_eq!(written, rows.len() as u64);
    // Nothing happens any more: the mirror's own doings are in the ledger, and keep it from nothing.
    let entries = kit.entries(300).await;
    let own =
        entries.iter().filter(|it| it.metadata.get("because") == Some(&"audit-mirror".into()));
    assert!(own.count() as u64 >= 2 * written);
    kit.finish().await;
}

#[tokio::test]
async fn reads_are_mirrored_if_that_is_asked_for() {
    let kit = start(true).await;
    fit(&kit, true).await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    assert_eq!(kit.get(&kit.admin, &page).await.status, 200);
    caught_up(&kit).await;
    let rows = rows(&kit).await;
    assert_eq!(rows.iter().filter(|row| row[0] == "read retrieve-a-page").count(), 1, "{rows:#?}");
    kit.finish().await;
}

#[tokio::test]
async fn f074_a_failing_mirror_breaks_no_call_and_catches_up_without_doubles() {
    for (with_entry, committed) in [(true, true), (true, false), (false, true), (false, false)] {
        let kit = start(false).await;
        fit(&kit, with_entry).await;
        caught_up(&kit).await;
        let fault = json!({
            "match": { "operation": "post-page" },
            "answer": { "status": 500, "committed": committed }, "times": 2,
        });
        kit.control("POST", "faults", Some(&fault)).await;
        let before = kit.gate.mirror_status().unwrap();
        for _ in 0..3 {
            assert_eq!(icon(&kit, &kit.admin).await, 200);
            // Otherwise they are the same in all columns.
            kit.clock.advance(Duration::from_secs(1));
        }
        caught_up(&kit).await;
        let rows = rows(&kit).await;
        let shown = rows.iter().filter(|row| row[0] == "write patch-page").count();
        assert_eq!(shown, 3, "entry {with_entry}, committed {committed}: {rows:#?}");
        let after = kit.gate.mirror_status().unwrap();
        assert!(after.failed > before.failed, "{after:?}");
        let metrics = kit.raw("GET", "/metrics", &[], None).await.text();
        let line = format!("notegate_audit_mirror_failures_total {}", after.failed);
        assert!(metrics.contains(&line), "{metrics}");
        assert!(metrics.contains("notegate_audit_mirror_waiting 0"), "{metrics}");
        kit.finish().await;
    }
}
