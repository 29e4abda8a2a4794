//! L1, errors: what Notion is known to refuse, and how, by how well it is known.

use std::collections::BTreeMap;

use anyhow::anyhow;
use referee::errors::{self, Evidence, Outcome};
use serde_json::{Value, json};

use super::bench::Bench;
use super::conditions::Conditions;
use super::report::{Level, percent};

/// What L1 found.
#[derive(Debug)]
pub(super) struct Errors {
    outcomes: Vec<Outcome>,
}

impl Errors {
    /// Puts every case of the catalogue to a sandbox with the demo workspace.
    pub(super) fn run(conditions: &Conditions) -> anyhow::Result<Self> {
        let (bench, demo) = Bench::demo(conditions)?;
        let demo = errors::Demo {
            token: demo.tokens.full,
            page: demo.team_page_id.to_string(),
            data_source: demo.data_source_id.to_string(),
            database: demo.database_id.to_string(),
        };
        let ask = async |method: &str, path: &str, headers: Vec<(String, String)>, body: String| {
            bench.send(method, path, &headers, &body).await
        };
        let outcomes = bench.block_on(errors::run(ask, &demo)).map_err(|error| anyhow!(error))?;
        Ok(Self { outcomes })
    }

    /// The names of the cases that came out wrong.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.instead.is_some())
    }

    fn counts(&self) -> BTreeMap<Evidence, (usize, usize)> {
        let mut counts: BTreeMap<Evidence, (usize, usize)> = BTreeMap::new();
        for outcome in &self.outcomes {
            let entry = counts.entry(outcome.case.evidence).or_default();
            entry.0 += usize::from(outcome.instead.is_none());
            entry.1 += 1;
        }
        counts
    }
}

impl Level for Errors {
    fn name(&self) -> &'static str {
        "L1"
    }

    fn title(&self) -> &'static str {
        "errors of the catalogue: status, code, whole text, additional data"
    }

    fn passed(&self) -> bool {
        self.wrong().next().is_none()
    }

    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |(evidence, (right, all)): (Evidence, (usize, usize))| {
            vec![evidence.to_string(), right.to_string(), all.to_string(), percent(right, all)]
        };
        (vec!["evidence", "equal", "all", "share"], self.counts().into_iter().map(row).collect())
    }

    fn details(&self) -> String {
        self.wrong().map(|outcome| format!("  {}\n", told(outcome))).collect()
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .counts()
            .into_iter()
            .map(|(evidence, (right, all))| {
                json!({"evidence": evidence.to_string(), "equal": right, "all": all})
            })
            .collect();
        let wrong: Vec<String> = self.wrong().map(told).collect();
        json!({"passed": self.passed(), "bar_percent": 100, "evidence": rows, "wrong": wrong})
    }
}

fn told(outcome: &Outcome) -> String {
    let case = &outcome.case;
    let instead = outcome.instead.as_deref().unwrap_or_default();
    format!(
        "{} {} {}: expected {} {}, answered {instead}",
        case.version, case.method, case.path, case.status, case.message
    )
}
