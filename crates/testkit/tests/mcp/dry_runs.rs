//! Dry runs: what they say is what would happen.

use gate::KeyRequest;
use model::{Budget, Role};
use serde_json::{Value, json};
use testkit::{Kit, request};

use crate::agent::{asked, call, page};

const WRITES: &[&str] = &[
    "post-page",
    "patch-page",
    "update-page-markdown",
    "move-page",
    "create-a-comment",
    "create-file",
    "patch-block-children",
];

/// Calls of every tool that writes, as dry runs.
fn dry_runs(kit: &Kit, page: &str) -> Vec<(&'static str, Value)> {
    let team = kit.demo.team_page_id;
    vec![
        ("create_pages", json!({"parent": team, "pages": [{"title": "x"}], "dry_run": true})),
        ("update_page", json!({"pages": [page], "append": "x", "dry_run": true})),
        ("update_page", json!({"pages": [page], "properties": {"title": "x"}, "dry_run": true})),
        ("move_pages", json!({"pages": [page], "to": team, "dry_run": true})),
        ("add_comment", json!({"on": page, "text": "x", "dry_run": true})),
        (
            "upload_file",
            json!({"name": "a.txt", "data": "aGk=", "attach_to": page, "dry_run": true}),
        ),
    ]
}

#[tokio::test]
async fn a_dry_run_is_refused_to_whom_the_write_would_be() {
    let kit = Kit::start().await;
    let id = page(&kit, "Plan", "Text").await;
    let viewer = kit.key(Role::Viewer, &[]).await;
    let editor = kit.key(Role::Editor, &[kit.demo.team_page_id]).await;
    kit.forget_calls().await;
    for (tool, arguments) in dry_runs(&kit, &id) {
        let (text, failed) = call(&kit, &editor, tool, arguments.clone()).await;
        assert!(!failed && text.contains("budget allow it"), "{tool}: {text}");
        let (text, failed) = call(&kit, &viewer, tool, arguments).await;
        assert!(failed && text.contains("may not do this"), "{tool}: {text}");
    }
    // The trash takes an admin: so says the dry run, and so says the call.
    for dry_run in [true, false] {
        let arguments = json!({"pages": [id], "trash": true, "dry_run": dry_run});
        let (text, failed) = call(&kit, &editor, "update_page", arguments.clone()).await;
        assert!(failed && text.contains("delete"), "{text}");
        let (text, failed) = call(&kit, &kit.admin, "update_page", arguments).await;
        assert!(!failed, "{text}");
        if dry_run {
            assert_eq!(asked(&kit, WRITES).await, 0, "nothing was changed by then");
        }
    }
    // The ledger knows of them, as reads.
    let entries = kit.entries(200).await;
    let dry = entries.iter().filter(|entry| entry.metadata.contains_key("dry_run"));
    let dry: Vec<_> = dry.map(|entry| entry.action.to_string()).collect();
    assert!(dry.iter().any(|action| action == "read"), "{dry:?}");
    assert!(dry.iter().all(|action| action.starts_with("read")), "{dry:?}");
    kit.finish().await;
}

#[tokio::test]
async fn a_dry_run_of_several_asks_whether_the_budget_lasts_for_all_and_spends_nothing() {
    let kit = Kit::start().await;
    let budget = Budget { blocks_per_hour: Some(3), ..Budget::default() };
    let key = KeyRequest { budget: Some(budget), ..request(Role::Editor, &[]) };
    let key = kit.new_key(key).await;
    let pages = |count: usize, dry_run: bool| {
        let pages = vec![json!({"title": "x"}); count];
        json!({"parent": kit.demo.team_page_id, "pages": pages, "dry_run": dry_run})
    };
    for _ in 0..4 {
        let (text, failed) = call(&kit, &key, "create_pages", pages(3, true)).await;
        assert!(!failed, "{text}");
        let (text, failed) = call(&kit, &key, "create_pages", pages(4, true)).await;
        assert!(failed && text.contains("own budget"), "{text}");
    }
    let (me, _) = call(&kit, &key, "self", json!({})).await;
    assert!(me.contains("blocks_per_hour: 3 of 3 left"), "{me}");
    let (text, failed) = call(&kit, &key, "create_pages", pages(3, false)).await;
    assert!(!failed, "{text}");
    let (text, failed) = call(&kit, &key, "create_pages", pages(1, true)).await;
    assert!(failed && text.contains("own budget"), "{text}");
    kit.finish().await;
}
