//! L3, filters: each recorded filter finds the recorded objects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::l2::short;
use super::replay::Played;
use super::report::{Level, percent};

/// What L3 found.
#[derive(Debug)]
pub(super) struct Filters {
    /// By file: equal, all.
    files: BTreeMap<String, (usize, usize)>,
    failures: Vec<String>,
    /// Filters that the recording's own values contradict; they are not counted.
    contradictory: Vec<String>,
}

impl Filters {
    pub(super) fn of(played: &[Played]) -> Self {
        let mut result =
            Self { files: BTreeMap::new(), failures: Vec::new(), contradictory: Vec::new() };
        for file in played {
            let counts = result.files.entry(file.name.clone()).or_default();
            for outcome in &file.outcomes {
                let Some(filtered) = &outcome.filtered else { continue };
                if filtered.is_contradictory && !filtered.is_same {
                    let text =
                        format!("{}: {}: {}", file.name, outcome.place, short(&filtered.filter));
                    result.contradictory.push(text);
                    continue;
                }
                counts.0 += usize::from(filtered.is_same);
                counts.1 += 1;
                if !filtered.is_same {
                    result.failures.push(format!(
                        "{}: {} found {}, recorded {}: {}",
                        file.name,
                        outcome.place,
                        filtered.ours,
                        filtered.recorded,
                        short(&filtered.filter)
                    ));
                }
            }
        }
        result
    }
}

impl Level for Filters {
    fn name(&self) -> &'static str {
        "L3"
    }

    fn title(&self) -> &'static str {
        "recorded filters that find the recorded objects, in whatever order"
    }

    fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |(name, (same, all)): (&String, &(usize, usize))| {
            vec![name.clone(), same.to_string(), all.to_string(), percent(*same, *all)]
        };
        (vec!["file", "same", "all", "share"], self.files.iter().map(row).collect())
    }

    fn details(&self) -> String {
        let told = self.contradictory.iter().map(|one| {
            format!("  not counted, the recording contradicts itself (scrubbed values): {one}\n")
        });
        self.failures.iter().map(|failure| format!("  {failure}\n")).chain(told).collect()
    }

    fn json(&self) -> Value {
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|(file, (same, all))| json!({"file": file, "same": same, "all": all}))
            .collect();
        json!({"passed": self.passed(), "bar_percent": 100, "files": files, "failures": self.failures, "contradictory": self.contradictory})
    }
}
