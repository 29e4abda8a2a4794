//! L5, drills: with one rule of the sandbox broken at a time, the other levels must notice.
//!
//! A gate that stays green when something is wrong proves nothing. Each drill breaks one rule on the
//! way in or out of the sandbox ([`super::drills`]) and runs L0 to L3 until one of them goes red.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::conditions::{Conditions, Judged};
use super::drills::{DRILLS, Drill};
use super::l1::Errors;
use super::recording::Recording;
use super::replay::{self, Played};
use super::report::Level;

/// What L5 found.
#[derive(Debug)]
pub(super) struct Drills {
    /// Drill, who noticed.
    results: Vec<(&'static Drill, Option<String>)>,
}

impl Drills {
    /// Runs every drill; `clean` and `judged` are what the recordings came to with nothing broken.
    pub(super) fn run(
        recordings: &[Recording],
        clean: &[Played],
        judged: &Judged,
    ) -> anyhow::Result<Self> {
        let mut results = Vec::new();
        for drill in &DRILLS {
            results.push((drill, noticed(drill, recordings, clean, judged)?));
        }
        Ok(Self { results })
    }
}

/// The first level that goes red.
fn noticed(
    drill: &'static Drill,
    recordings: &[Recording],
    clean: &[Played],
    clean_judged: &Judged,
) -> anyhow::Result<Option<String>> {
    let conditions = Conditions::broken_by(drill);
    // What cannot even be prepared was noticed too.
    let errors = match Errors::run(&conditions) {
        Ok(errors) => errors,
        Err(error) => return Ok(Some(format!("L1: {error:#}"))),
    };
    if let Some(outcome) = errors.wrong().next() {
        return Ok(Some(format!("L1: {} {}", outcome.case.method, outcome.case.path)));
    }
    for (recording, clean) in recordings.iter().zip(clean) {
        let equal: HashSet<&str> = clean
            .outcomes
            .iter()
            .filter(|outcome| outcome.differences.is_empty())
            .map(|outcome| outcome.place.as_str())
            .collect();
        let mut seen = None;
        let played = replay::play_while(recording, &conditions, |outcome| {
            if !outcome.differences.is_empty() && equal.contains(outcome.place.as_str()) {
                seen = Some(format!("L2: {}", outcome.operation));
            }
            seen.is_none()
        });
        match (seen, played) {
            (Some(seen), _) => return Ok(Some(seen)),
            (None, Err(error)) => return Ok(Some(format!("L2: {error:#}"))),
            (None, Ok(_)) => {}
        }
    }
    let judged = conditions.judged();
    let new = judged.broken.keys().find(|what| !clean_judged.broken.contains_key(*what));
    Ok(new.map(|what| format!("L0: {what}")))
}

impl Level for Drills {
    fn name(&self) -> &'static str {
        "L5"
    }

    fn title(&self) -> &'static str {
        "rules that were broken on purpose, and who noticed"
    }

    fn passed(&self) -> bool {
        self.results.iter().all(|(_, noticed)| noticed.is_some())
    }

    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |(drill, noticed): &(&Drill, Option<String>)| {
            let noticed = noticed.as_deref().map_or("NOBODY", |text| {
                text.split_once(' ').map_or(text, |(level, _)| level.trim_end_matches(':'))
            });
            vec![drill.rule.to_owned(), noticed.to_owned()]
        };
        (vec!["broken rule", "noticed by"], self.results.iter().map(row).collect())
    }

    fn details(&self) -> String {
        let line = |(drill, noticed): &(&Drill, Option<String>)| {
            let noticed = noticed.as_deref().unwrap_or("nobody noticed");
            let noticed: String = noticed.chars().take(160).collect();
            format!("  {}: {noticed}\n", drill.rule)
        };
        self.results.iter().map(line).collect()
    }

    fn json(&self) -> Value {
        let drills: Vec<Value> = self
            .results
            .iter()
            .map(|(drill, noticed)| json!({"rule": drill.rule, "noticed_by": noticed}))
            .collect();
        json!({"passed": self.passed(), "drills": drills})
    }
}
