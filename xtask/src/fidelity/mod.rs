//! `cargo xtask fidelity`: how much the sandbox is Notion, measured and not claimed.
//!
//! One file per level (`l0` to `l5`), each with a result that can show itself; `report` joins them.
//! `conditions` is what a run goes under: a rule broken on purpose (`drills`), and what the judge of
//! shapes said.
//! L2 and L3 play recordings: `recording` reads them, `presuppose` works out the world that a
//! transcript needs, `replay` plays it, `compare` compares, with what `drawn` maps and `normalise`
//! lists; `explain` says why what is left is left.

mod bench;
mod compare;
mod conditions;
mod contradiction;
mod drawn;
mod drills;
mod explain;
mod index;
mod l0;
mod l1;
mod l2;
mod l3;
mod l5;
mod normalise;
mod page;
mod presuppose;
mod recording;
mod replay;
mod report;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::args::{Args, Usage};
use crate::workspace;
use conditions::Conditions;
use l0::Shapes;
use l1::Errors;
use l5::Drills;
use report::{Level, Report};

const LEVELS: [&str; 5] = ["L0", "L1", "L2", "L3", "L5"];

/// Runs the command; `false` says that a level is below its bar.
pub(crate) fn run(mut args: Args) -> anyhow::Result<bool> {
    let mut recordings: Vec<PathBuf> = Vec::new();
    while let Some(path) = args.value("--recorded")? {
        recordings.push(path);
    }
    let json: Option<PathBuf> = args.value("--json")?;
    let markdown: Option<PathBuf> = args.value("--markdown")?;
    let only: Option<String> = args.value("--only")?;
    let verbose = args.flag("--verbose");
    // More than one file may follow a `--recorded`.
    while let Some(word) = args.word() {
        recordings.push(word.into());
    }
    args.finish()?;
    let wanted = |level: &str| {
        only.as_ref().is_none_or(|only| only.split(',').any(|name| name.trim() == level))
    };
    let known = only.iter().flat_map(|only| only.split(','));
    if let Some(unknown) = known.map(str::trim).find(|name| !LEVELS.contains(name)) {
        let text = format!("there is no level `{unknown}`; there are {}", LEVELS.join(", "));
        return Err(Usage(text).into());
    }

    let conditions = Conditions::default();
    let mut report = Report { levels: Vec::new() };
    let mut add = |level: Box<dyn Level>| {
        if wanted(level.name()) {
            report.levels.push(level);
        }
    };
    let errors = Errors::run(&conditions)?;
    l0::exercise(&conditions)?;
    let mut read = Vec::new();
    for path in if recordings.is_empty() { usual()? } else { recordings } {
        read.push(recording::read(&path)?);
    }
    let mut played = Vec::new();
    for recording in &read {
        played.push(replay::play(recording, &conditions)?);
    }
    add(Box::new(Shapes::of(conditions.judged())));
    add(Box::new(errors));
    if played.is_empty() {
        println!("skipped L2, L3 and L5: there is no ../shared/notion/recorded-*.jsonl.gz");
    } else {
        add(Box::new(l2::Replay::of(&played)));
        add(Box::new(l3::Filters::of(&played)));
        if wanted("L5") {
            add(Box::new(Drills::run(&read, &played, &conditions.judged())?));
        }
    }

    print!("{}", report.text(verbose));
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&report.json())?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = markdown {
        let page = page::page(&conditions.judged(), &played, &report);
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report.passed())
}

/// The recordings beside the workspace.
fn usual() -> anyhow::Result<Vec<PathBuf>> {
    let folder = workspace::root().join("../shared/notion");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("recorded-") && name.ends_with(".jsonl.gz") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
