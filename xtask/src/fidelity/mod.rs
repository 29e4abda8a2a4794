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
mod line;
mod normalise;
mod page;
mod presuppose;
mod recording;
mod replay;
mod report;
mod tour;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::args::{Args, Usage};
use crate::steps::Outcome;
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

    let measured = measure(&recordings, wanted)?;
    print!("{}", measured.report.text(verbose));
    let folder = workspace::kept("fidelity")?;
    write(&json.unwrap_or_else(|| folder.join("report.json")), &measured.json()?)?;
    write(&markdown.unwrap_or_else(|| folder.join("report.md")), &measured.page)?;
    Ok(measured.report.passed())
}

/// The step of the test suite: every level reaches its bar.
pub(crate) fn check() -> anyhow::Result<Outcome> {
    let measured = measure(&[], |_| true)?;
    for level in &measured.report.levels {
        let verdict = if level.passed() { "reached" } else { "BELOW ITS BAR" };
        println!("    {}, {}: {verdict}", level.name(), level.title());
    }
    if measured.report.passed() {
        return Ok(Outcome::Passed);
    }
    Ok(Outcome::Failed("see `cargo xtask fidelity --verbose`".to_owned()))
}

struct Measured {
    report: Report,
    page: String,
}

impl Measured {
    fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&self.report.json())?)
    }
}

/// Runs the levels that are wanted; with the recordings beside the workspace, if none is named.
fn measure(recordings: &[PathBuf], wanted: impl Fn(&str) -> bool) -> anyhow::Result<Measured> {
    let conditions = Conditions::default();
    let mut report = Report { levels: Vec::new() };
    let mut add = |level: Box<dyn Level>| {
        if wanted(level.name()) {
            report.levels.push(level);
        }
    };
    let errors = Errors::run(&conditions)?;
    tour::run(&conditions)?;
    l0::exercise(&conditions)?;
    let usual = if recordings.is_empty() { usual()? } else { Vec::new() };
    let mut read = Vec::new();
    for path in recordings.iter().chain(&usual) {
        read.push(recording::read(path)?);
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
    let page = page::page(&conditions.judged(), &played, &report);
    Ok(Measured { report, page })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
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
