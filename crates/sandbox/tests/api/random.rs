//! Whatever is sent: an answer that is JSON, and never a 5xx.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};

/// Members that mean something somewhere.
const KEYS: &str = "parent page_id database_id data_source_id block_id workspace properties title \
    rich_text text content link url mention user date start end equation expression annotations \
    color children type paragraph to_do table table_width table_row cells column_list column image \
    external icon emoji cover filter property and or number equals relation rollup any formula \
    status select options name sorts direction timestamp start_cursor page_size position \
    after_block id in_trash archived template markdown query sort people files checkbox \
    discussion_id initial_data_source dual_property function rollup_property_name \
    relation_property_name Status Task Estimate Due Project Tags description is_inline";

fn values(ids: Vec<String>) -> impl Strategy<Value = Value> {
    let keys: Vec<String> = KEYS.split_whitespace().map(str::to_owned).collect();
    let words: Vec<String> = keys.iter().cloned().chain(ids).collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(words).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2026-01-01")),
        Just(json!({})),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(keys.clone()), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn random_bodies_never_break_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench::new();
    let demo = &bench.demo;
    let paths = [
        ("POST", "/v1/pages".to_owned()),
        ("PATCH", format!("/v1/pages/{}", demo.team_page_id)),
        ("POST", format!("/v1/pages/{}/move", demo.team_page_id)),
        ("PATCH", format!("/v1/blocks/{}/children", demo.team_page_id)),
        ("PATCH", format!("/v1/blocks/{}", demo.other_page_id)),
        ("POST", "/v1/databases".to_owned()),
        ("PATCH", format!("/v1/databases/{}", demo.database_id)),
        ("POST", format!("/v1/databases/{}/query", demo.database_id)),
        ("POST", "/v1/data_sources".to_owned()),
        ("PATCH", format!("/v1/data_sources/{}", demo.data_source_id)),
        ("POST", format!("/v1/data_sources/{}/query", demo.data_source_id)),
        ("POST", "/v1/search".to_owned()),
        ("POST", "/v1/comments".to_owned()),
        ("POST", "/_sandbox/tokens".to_owned()),
        ("POST", "/_sandbox/share".to_owned()),
        ("POST", "/_sandbox/clock".to_owned()),
        ("PUT", "/_sandbox/state".to_owned()),
        ("POST", "/_sandbox/faults".to_owned()),
        ("POST", "/_sandbox/as-human".to_owned()),
    ];
    let ids = [demo.root_page_id, demo.team_page_id, demo.database_id, demo.data_source_id];
    let ids = ids.map(|id| id.to_string()).to_vec();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let version = prop::sample::select(vec![OLD, MID, NEW]);
    let strategy = (values(ids), prop::sample::select(paths.to_vec()), version);
    runner
        .run(&strategy, |(body, (method, path), version)| {
            let answer =
                runtime.block_on(bench.with(&demo.tokens.full, version, method, &path, &body));
            prop_assert!(answer.status < 500, "{method} {path} {body} {}", answer.body);
            Ok(())
        })
        .unwrap();
    // After all of that, the demo's rows still answer.
    runtime.block_on(bench.control("POST", "reset", Value::Null)).ok();
    assert_eq!(runtime.block_on(bench.query(json!({}))).ok().titles().len(), 25);
}
