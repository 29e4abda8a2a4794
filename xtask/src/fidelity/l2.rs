//! L2, replay: the share of recorded exchanges to which the sandbox answers the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::{Difference, Kind};
use super::explain::explain;
use super::normalise::{Applied, Item};
use super::replay::Played;
use super::report::{Level, percent, section};

/// So much of each file must be equal, in percent.
const BAR: usize = 95;

/// So many places are named where differences of one sort were found.
const PLACES_MAX: usize = 200;

/// What L2 found.
#[derive(Debug)]
pub(super) struct Replay {
    files: Vec<FileResult>,
    applied: Applied,
}

#[derive(Debug)]
struct FileResult {
    name: String,
    unreadable: Vec<String>,
    equal: usize,
    all: usize,
    /// By operation and version: equal, all.
    operations: BTreeMap<(String, String), (usize, usize)>,
    groups: BTreeMap<(String, String, Kind), Group>,
}

/// Differences of the same sort at the same place.
#[derive(Debug)]
struct Group {
    count: usize,
    places: Vec<String>,
    example: Difference,
}

impl Replay {
    pub(super) fn of(played: &[Played]) -> Self {
        let mut applied = Applied::default();
        played.iter().for_each(|file| applied.add(&file.applied));
        Self { files: played.iter().map(FileResult::of).collect(), applied }
    }
}

impl FileResult {
    fn of(played: &Played) -> Self {
        let mut result = Self {
            name: played.name.clone(),
            unreadable: played.unreadable.clone(),
            equal: 0,
            all: played.outcomes.len(),
            operations: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        for outcome in &played.outcomes {
            let is_equal = outcome.differences.is_empty();
            let key = (outcome.operation.clone(), outcome.version.clone());
            let counts = result.operations.entry(key).or_default();
            counts.0 += usize::from(is_equal);
            counts.1 += 1;
            result.equal += usize::from(is_equal);
            for difference in &outcome.differences {
                let key = (outcome.operation.clone(), difference.path.clone(), difference.kind);
                let group = result.groups.entry(key).or_insert_with(|| Group {
                    count: 0,
                    places: Vec::new(),
                    example: difference.clone(),
                });
                group.count += 1;
                if group.places.len() < PLACES_MAX && group.places.last() != Some(&outcome.place) {
                    group.places.push(outcome.place.clone());
                }
            }
        }
        result
    }

    fn passed(&self) -> bool {
        self.equal * 100 >= BAR * self.all
    }
}

impl Level for Replay {
    fn name(&self) -> &'static str {
        "L2"
    }

    fn title(&self) -> &'static str {
        "recorded exchanges that the sandbox answers the same, key by key and in key order"
    }

    fn passed(&self) -> bool {
        self.files.iter().all(FileResult::passed)
    }

    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let mut rows = Vec::new();
        let row = |name: String, version: &str, equal: usize, all: usize| {
            vec![name, version.to_owned(), equal.to_string(), all.to_string(), percent(equal, all)]
        };
        for file in &self.files {
            rows.push(row(file.name.clone(), "", file.equal, file.all));
            for ((operation, version), (equal, all)) in &file.operations {
                rows.push(row(format!("  {operation}"), version, *equal, *all));
            }
            for line in &file.unreadable {
                rows.push(vec![format!("  unreadable: {line}")]);
            }
        }
        (vec!["exchange", "version", "equal", "all", "share"], rows)
    }

    fn details(&self) -> String {
        let mut text =
            "normalised, because Notion draws it or it is a matter of time:\n".to_owned();
        for item in Item::ALL {
            let (name, reason) = item.told();
            text.push_str(&format!("  {:>7}  {name}: {reason}\n", self.applied.count(item)));
        }
        for file in &self.files {
            text.push_str(&format!("\ndifferences of {}:\n", file.name));
            let mut groups: Vec<_> = file.groups.iter().collect();
            groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
            for ((operation, path, kind), group) in groups {
                let why = explain(operation, path, *kind).unwrap_or("not explained");
                text.push_str(&format!(
                    "  {:>4}  {operation} {path} {}: {why}\n        {}\n        recorded {}\n        ours     {}\n",
                    group.count,
                    kind.as_str(),
                    group.places.first().map_or("", String::as_str),
                    short(&group.example.recorded),
                    short(&group.example.ours),
                ));
            }
        }
        text
    }

    fn section(&self) -> String {
        let row = |file: &FileResult| {
            let share = percent(file.equal, file.all);
            vec![file.name.clone(), file.equal.to_string(), file.all.to_string(), share]
        };
        let rows: Vec<Vec<String>> = self.files.iter().map(row).collect();
        let header = ["recording", "equal", "all", "share"];
        let mut text = section(self.name(), self.title(), &header, &rows);
        text.push_str(
            "\nNot compared as it stands, because Notion draws it or it is a matter of time:\n\n",
        );
        for item in Item::ALL {
            let (name, reason) = item.told();
            text.push_str(&format!("- {name} ({} times): {reason}\n", self.applied.count(item)));
        }
        text.push_str("\nDifferences that are left:\n\n| operation | where | what | times | why |\n|---|---|---|---|---|\n");
        for file in &self.files {
            for ((operation, path, kind), group) in &file.groups {
                let why = explain(operation, path, *kind).unwrap_or("not explained");
                text.push_str(&format!(
                    "| `{operation}` | `{path}` | {} | {} | {why} |\n",
                    kind.as_str(),
                    group.count
                ));
            }
        }
        text
    }

    fn json(&self) -> Value {
        let files: Vec<Value> = self.files.iter().map(FileResult::json).collect();
        json!({
            "passed": self.passed(),
            "bar_percent": BAR,
            "normalisations": self.applied.json(),
            "files": files,
        })
    }
}

impl FileResult {
    fn json(&self) -> Value {
        let operations: Vec<Value> = self
            .operations
            .iter()
            .map(|((operation, version), (equal, all))| {
                json!({"operation": operation, "version": version, "equal": equal, "all": all})
            })
            .collect();
        let differences: Vec<Value> = self
            .groups
            .iter()
            .map(|((operation, path, kind), group)| {
                json!({
                    "operation": operation,
                    "path": path,
                    "kind": kind.as_str(),
                    "count": group.count,
                    "places": group.places,
                    "explanation": explain(operation, path, *kind),
                })
            })
            .collect();
        json!({
            "file": self.name,
            "passed": self.passed(),
            "equal": self.equal,
            "all": self.all,
            "unreadable": self.unreadable,
            "operations": operations,
            "differences": differences,
        })
    }
}

/// A value, cut so that it fits a line or two.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(320).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
