//! The page of the documentation that says what is exact, what is approximate and what is missing.
//!
//! Made from what was measured and from the sandbox's own list of gaps; nothing recorded is on it.

use std::collections::BTreeMap;

use notion::Version;
use notion::catalogue::{Auth, OPERATIONS, Operation};
use sandbox::{Distance, GAPS};

use super::conditions::Judged;
use super::replay::Played;
use super::report::{Report, percent};

const VERSIONS: [Version; 3] = [Version::V2022_06_28, Version::V2025_09_03, Version::V2026_03_11];

const START: &str = "\
# How much the sandbox is Notion

Made by `cargo xtask fidelity --markdown docs/fidelity.md`; not written by hand. Nobody here can reach
the real Notion, so the sandbox is measured against what is known of it: recorded answers, strict
schemas of every answer, and texts of errors, each with its evidence.

";

const ENDPOINTS: &str = "
## Endpoint by endpoint

In each version: **exact** (recorded exchanges are answered the same, key by key and in key order; how
many of how many), **most** (the same for less than all of them), **shape** (no exchange was recorded;
so many answers fit the strict schema of the operation), **unjudged** (neither recording nor schema),
**missing**. A dash: the version does not have it.

";

const GAPS_START: &str = "
## What differs, as far as we know

| about | | what |
|---|---|---|
";

type Counts<'a> = BTreeMap<(&'a str, &'a str), (usize, usize)>;

/// The whole page.
pub(super) fn page(judged: &Judged, played: &[Played], report: &Report) -> String {
    let mut text = START.to_owned();
    for level in &report.levels {
        let verdict = if level.passed() { "reached" } else { "**below its bar**" };
        text.push_str(&format!("- {}, {}: {verdict}\n", level.name(), level.title()));
    }
    endpoints(&mut text, judged, &replayed(played));
    text.push_str(GAPS_START);
    for gap in GAPS {
        let distance = match gap.distance {
            Distance::Approximate => "approximate",
            Distance::Missing => "missing",
        };
        text.push_str(&format!("| {} | {distance} | {} |\n", code(gap.about), gap.what));
    }
    for level in &report.levels {
        text.push_str(&level.section());
    }
    text
}

/// Names of operations are code, subjects are words.
fn code(about: &str) -> String {
    if Operation::named(about).is_some() { format!("`{about}`") } else { about.to_owned() }
}

fn replayed(played: &[Played]) -> Counts<'_> {
    let mut counts = Counts::new();
    for outcome in played.iter().flat_map(|file| &file.outcomes) {
        let key = (outcome.operation.as_str(), outcome.version.as_str());
        let entry = counts.entry(key).or_default();
        entry.0 += usize::from(outcome.differences.is_empty());
        entry.1 += 1;
    }
    counts
}

fn endpoints(text: &mut String, judged: &Judged, replayed: &Counts) {
    text.push_str(ENDPOINTS);
    text.push_str(
        "| operation | | 2022-06-28 | 2025-09-03 | 2026-03-11 |\n|---|---|---|---|---|\n",
    );
    for operation in OPERATIONS {
        let cells = VERSIONS.map(|version| grade(operation, version, judged, replayed));
        let [old, middle, new] = cells;
        let (verb, path) = (operation.verb.as_str(), operation.path);
        text.push_str(&format!(
            "| `{}` | `{verb} {path}` | {old} | {middle} | {new} |\n",
            operation.name
        ));
    }
}

fn grade(operation: &Operation, version: Version, judged: &Judged, replayed: &Counts) -> String {
    if !operation.exists_in(version) {
        return "-".to_owned();
    }
    let is_missing =
        |gap: &&sandbox::Gap| gap.about == operation.name && gap.distance == Distance::Missing;
    if GAPS.iter().find(is_missing).is_some() {
        return "missing".to_owned();
    }
    if let Some((equal, all)) = replayed.get(&(operation.name, version.as_str())) {
        let word = if equal == all { "exact" } else { "most" };
        return format!("{word}, {equal} of {all}");
    }
    // OAuth asks for no version.
    let name = if operation.auth == Auth::Bearer { version.as_str() } else { "" };
    let counts = judged.counts.iter().filter(|((its, at), _)| {
        its == operation.name && (at == name || operation.auth != Auth::Bearer)
    });
    let (fit, all) =
        counts.fold((0, 0), |(fit, all), (_, counts)| (fit + counts.fitting, all + counts.judged));
    if all == 0 {
        return "unjudged".to_owned();
    }
    if fit == all {
        format!("shape, {all}")
    } else {
        format!("shape, {} of {all}", percent(fit, all))
    }
}
