//! The whole world, out and in, and the file that keeps it between runs.

use std::path::PathBuf;

use sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};

use crate::bench::Bench;

/// A path that nobody else uses; what is there goes away with this value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sandbox-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn the_state_file_keeps_the_world_between_runs() {
    let file = Temporary::new("state");
    let options = Options { state_file: Some(file.0.clone()), ..Options::default() };
    let bench = Bench::with_options(&options);
    let page = bench.page(&json!({"page_id": bench.demo.team_page_id}), "Kept").await;
    let state = bench.control("GET", "state", Value::Null).await.ok().body;
    // Whoever only has the routes writes nothing.
    drop(bench);
    assert!(!file.0.exists());

    let sandbox = Sandbox::start(options.clone()).await.unwrap();
    sandbox.shutdown().await.unwrap();
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file.0).unwrap()).unwrap();
    assert_eq!(kept["nodes"].as_object().unwrap().get(&page), None);
    kept["nodes"] = state["nodes"].clone();
    std::fs::write(&file.0, serde_json::to_vec_pretty(&kept).unwrap()).unwrap();
    let again = Bench::with_options(&options);
    again.get(&format!("/v1/pages/{page}")).await.ok();
    // A reset goes back to the seed, not to the file.
    again.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(again.get(&format!("/v1/pages/{page}")).await.status, 404);
    // Dropped without a word, it is written too.
    drop(Sandbox::start(options.clone()).await.unwrap());
    let again = Bench::with_options(&options);
    assert_eq!(again.control("GET", "state", Value::Null).await.ok().body["nodes"], state["nodes"]);
    let leftovers =
        file.0.with_file_name(format!("{}.new", file.0.file_name().unwrap().to_string_lossy()));
    assert!(!leftovers.exists());
}

#[tokio::test]
async fn a_state_file_that_cannot_be_used_is_told_of() {
    let file = Temporary::new("broken");
    std::fs::write(&file.0, "{\"workspace\": 1}").unwrap();
    let options = Options { state_file: Some(file.0.clone()), ..Options::default() };
    let error = Sandbox::router(&options).unwrap_err().to_string();
    assert!(error.contains("sandbox-broken") && error.contains("line 1"), "{error}");
    let nowhere = PathBuf::from("/nowhere/at/all/state.json");
    let options = Options { state_file: Some(nowhere), ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    assert!(sandbox.shutdown().await.is_err());
    let options = Options { seed: Seed::Path("/nowhere/at/all".into()), ..Options::default() };
    assert!(Sandbox::router(&options).is_err());
}

#[tokio::test]
async fn a_world_that_does_not_hold_together_changes_nothing() {
    let bench = Bench::new();
    let before = bench.control("GET", "state", Value::Null).await.ok().body;
    let root = bench.demo.root_page_id.to_string();
    let mut broken = before.clone();
    broken["nodes"][&root]["parent"] = json!({"node": root});
    for (body, says) in [
        (broken, "names another parent"),
        (json!({"nodes": 1}), "expected"),
        (json!([]), "GET /_sandbox/state"),
        (Value::Null, "EOF"),
    ] {
        let refused = bench.control("PUT", "state", body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body["error"].as_str().unwrap().contains(says), "{}", refused.body);
    }
    assert_eq!(bench.control("GET", "state", Value::Null).await.ok().body, before);
}
