//! L0, shapes: every answer fits the strict schema of its operation and version.
//!
//! Judged are the answers given while L1 and L2 run; the sandbox's own tests judge theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::conditions::Judged;
use super::report::{Level, percent};

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
}
