//! Twins that also differ in columns which policies hide and mask, and in rows which they hide.
//!
//! The values of masked columns differ in all rows, those of hidden ones, too, and some hidden columns are in one
//! world only. The policies hold for all keys. For keys that see every object the worlds differ in nothing else.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::rows;
use super::scene::{CANARY, Plan};
use super::sequence::Failure;
use super::world::{WORKSPACE, property, text};
use super::{setting, with_such_twins};

/// A word of all texts that stand in hidden and masked columns.
pub(crate) const SECRET: &str = "quartz pay";
/// Columns that every table of the inside has.
const POLICIES: &str = r#"
@id("masked")
forbid (principal, action == Action::"read-property", resource)
when { ["N", "Choice", "Notes"].contains(context.property) };
@id("hidden")
forbid (principal, action == Action::"see-property", resource)
when { ["Done", "Ledger", "Ledger twice", "Ledger text"].contains(context.property) };
"#;
/// Sequences in a usual test run, and those after which it must have been noticed that policies are missing.
const SEQUENCES: u64 = 120;
const DRILL_SEQUENCES: u64 = 100;

/// How twins differ in columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ruled {
    /// Whether keys have no scope.
    pub(crate) open: bool,
    /// Whether rows differ, too.
    pub(crate) rows: bool,
    /// Whether the policies are there that hide all that; else those about rows are missing, or all.
    pub(crate) kept: bool,
}

impl Ruled {
    /// The policies of both.
    pub(crate) fn policies(self) -> String {
        match (self.kept, self.rows) {
            (false, false) => String::new(),
            (true, false) | (false, true) => POLICIES.to_owned(),
            (true, true) => format!("{POLICIES}{}", rows::POLICY),
        }
    }
}

impl Ruled {
    /// One of the worlds.
    pub(crate) fn world(self, plan: &Plan, number: u16) -> Value {
        let mut world = plan.world(if self.open { 1 } else { number });
        let all = world["nodes"].as_object_mut().expect("nodes");
        let own = |id: &str| plan.sources.iter().any(|source| source.id == id);
        for (id, node) in all.iter_mut() {
            let parent = node["parent"]["node"].as_str().unwrap_or_default().to_owned();
            if own(id) {
                columns(id, &mut node["content"]["data_source"]["schema"], number);
            } else if own(&parent) && node["content"]["page"].is_object() {
                values(&mut node["content"]["page"]["values"], number);
            }
        }
        if self.rows {
            rows::hide(&mut world, plan, number);
        }
        world
    }
}

/// Makes the columns of a table differ.
fn columns(source: &str, schema: &mut Value, number: u16) {
    let named = format!("{CANARY} pay {number}");
    let options = schema["sele"]["settings"]["choices"]["options"].as_array_mut().expect("options");
    options.push(json!({"id": "opt-s", "name": named, "color": "red", "description": null}));
    if number == 2 {
        let twice = format!("{{{{notion:block_property:ledg:{source}:{WORKSPACE}}}}} * 2");
        let more = [
            property("ledg", "Ledger", "number", json!({"number": {"format": "number"}})),
            property("ledx", "Ledger text", "rich_text", json!("plain")),
            property("ledt", "Ledger twice", "formula", json!({"formula": {"expression": twice}})),
        ];
        for column in more {
            schema[column["id"].as_str().expect("an id")] = column.clone();
        }
    }
}

/// Makes the values of a row differ.
fn values(values: &mut Value, number: u16) {
    values["numb"] = (1000 * number).into();
    values["note"] = json!([text(&format!("{CANARY} pay {number}"))]);
    values["chec"] = (number == 1).into();
    values["sele"] = if number == 1 { "opt-s".into() } else { Value::Null };
    if number == 2 {
        values["ledg"] = 4711.into();
        values["ledx"] = json!([text(&format!("{CANARY} pay ledger"))]);
    }
}

/// The first sequences that see a difference.
fn failures(ruled: Ruled, sequences: u64) -> Vec<Failure> {
    let seed = setting("NOTEGATE_FUZZ_SEED").unwrap_or(0);
    let (next, failures) = (AtomicU64::new(seed), Mutex::<Vec<Failure>>::default());
    with_such_twins(Some(ruled), |runtime, twins| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= seed + sequences || !failures.lock().unwrap().is_empty() {
                return;
            }
            if let Err(failure) = runtime.block_on(twins.run(number, None)) {
                let failure = runtime.block_on(twins.shrink(failure, None));
                failures.lock().unwrap().push(failure);
            }
        }
    });
    failures.into_inner().unwrap()
}

#[test]
fn worlds_that_differ_in_hidden_and_masked_columns_look_the_same() {
    look_the_same(false, SEQUENCES);
}

#[test]
fn worlds_that_differ_in_hidden_rows_look_the_same() {
    look_the_same(true, SEQUENCES / 2);
}

fn look_the_same(rows: bool, sequences: u64) {
    let sequences = setting("NOTEGATE_FUZZ_SEQUENCES").unwrap_or(sequences);
    for open in [false, true] {
        let failures = failures(Ruled { open, rows, kept: true }, sequences);
        let told: Vec<_> = failures.iter().map(Failure::told).collect();
        let again = "NOTEGATE_FUZZ_SEQUENCES=1 NOTEGATE_FUZZ_SEED=… cargo nextest run ruled";
        assert!(told.is_empty(), "open: {open} (again: {again})\n{}", told.join("\n"));
    }
}

#[test]
fn without_the_policies_that_would_be_noticed() {
    for (open, rows) in [(false, false), (true, false), (false, true), (true, true)] {
        let failures = failures(Ruled { open, rows, kept: false }, DRILL_SEQUENCES);
        assert!(!failures.is_empty(), "open: {open}, rows: {rows}");
    }
}
