//! L0, shapes: every answer fits the strict schema of its operation and version.
//!
//! Judged are the answers given while L1 and L2 run, and those to a few thousand made-up requests to
//! every route; the sandbox's own tests judge theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use referee::fuzz::Fuzzer;

use super::bench::Bench;
use super::conditions::{Conditions, Judged};
use super::report::{Level, percent, section};

/// Made-up requests.
const REQUESTS: usize = 6000;

/// Sends made-up requests to every route, so that there is something to judge.
pub(super) fn exercise(conditions: &Conditions) -> anyhow::Result<()> {
    let (bench, demo) = Bench::demo(conditions)?;
    let ids = [
        ("page", demo.root_page_id),
        ("page", demo.team_page_id),
        ("database", demo.database_id),
        ("data_source", demo.data_source_id),
    ];
    let ids = ids.map(|(kind, id)| (kind.to_owned(), id.to_string())).to_vec();
    let mut fuzzer = Fuzzer::new(1, vec![demo.tokens.full], ids);
    for _ in 0..REQUESTS {
        let request = fuzzer.request();
        let (_, answer) = bench.block_on(bench.send_made(&request));
        fuzzer.learn(&answer);
    }
    Ok(())
}

/// What L0 found.
#[derive(Debug)]
pub(super) struct Shapes {
    judged: Judged,
}

impl Shapes {
    pub(super) fn of(judged: Judged) -> Self {
        Self { judged }
    }
}

impl Level for Shapes {
    fn name(&self) -> &'static str {
        "L0"
    }

    fn title(&self) -> &'static str {
        "answers that fit the strict schemas"
    }

    fn passed(&self) -> bool {
        self.judged.broken.is_empty()
    }

    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let rows = self.judged.counts.iter().map(|((operation, version), counts)| {
            vec![
                operation.clone(),
                version.clone(),
                counts.fitting.to_string(),
                counts.judged.to_string(),
                percent(counts.fitting, counts.judged),
                counts.unknown.to_string(),
            ]
        });
        (vec!["operation", "version", "fit", "judged", "share", "no schema"], rows.collect())
    }

    fn details(&self) -> String {
        let broken = self.judged.broken.iter();
        broken.map(|(what, count)| format!("  {count} times: {what}\n")).collect()
    }

    fn json(&self) -> Value {
        let operations: Vec<Value> = self
            .judged
            .counts
            .iter()
            .map(|((operation, version), counts)| {
                json!({"operation": operation, "version": version, "fit": counts.fitting,
                    "judged": counts.judged, "no_schema": counts.unknown})
            })
            .collect();
        let broken: BTreeMap<&String, &usize> = self.judged.broken.iter().collect();
        json!({"passed": self.passed(), "bar_percent": 100, "operations": operations, "broken": broken})
    }

    /// By operation it stands among the endpoints.
    fn section(&self) -> String {
        let mut rows: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for ((_, version), counts) in &self.judged.counts {
            let version = if version.is_empty() { "errors, of all versions" } else { version };
            let entry = rows.entry(version).or_default();
            entry.0 += counts.fitting;
            entry.1 += counts.judged;
        }
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .filter(|(_, (_, all))| *all > 0)
            .map(|(version, (fit, all))| {
                vec![version.to_owned(), fit.to_string(), all.to_string(), percent(fit, all)]
            })
            .collect();
        section(self.name(), self.title(), &["version", "fit", "judged", "share"], &rows)
    }
}
