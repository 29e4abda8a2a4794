//! `cargo xtask fidelity`: how much the sandbox is Notion, measured and not claimed.
//!
//! One file per level (`l2`, `l3`), each with a result that can show itself; `report` joins them.
//! L2 and L3 play recordings: `recording` reads them, `presuppose` works out the world that a
//! transcript needs, `replay` plays it, `compare` compares, with what `drawn` maps and `normalise`
//! lists; `explain` says why what is left is left.

mod bench;
mod compare;
mod drawn;
mod explain;
mod l2;
mod l3;
mod normalise;
mod presuppose;
mod recording;
mod replay;
mod report;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::args::{Args, Usage};
use crate::workspace;
use report::{Level, Report};

const LEVELS: [&str; 2] = ["L2", "L3"];

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

    let mut report = Report { levels: Vec::new() };
    if wanted("L2") || wanted("L3") {
        let mut played = Vec::new();
        for path in if recordings.is_empty() { usual()? } else { recordings } {
            played.push(replay::play(&recording::read(&path)?)?);
        }
        if played.is_empty() {
            println!("skipped L2 and L3: there is no ../shared/notion/recorded-*.jsonl.gz");
        } else {
            let levels: [Box<dyn Level>; 2] =
                [Box::new(l2::Replay::of(&played)), Box::new(l3::Filters::of(&played))];
            report.levels.extend(levels.into_iter().filter(|level| wanted(level.name())));
        }
    }

    print!("{}", report.text(verbose));
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&report.json())?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = markdown {
        fs::write(&path, report.markdown())
            .with_context(|| format!("cannot write {}", path.display()))?;
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
