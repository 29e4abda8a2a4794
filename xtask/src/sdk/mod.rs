//! SDK parity: what an unmodified Notion SDK receives through the gate is, byte for byte, what it
//! receives from Notion (here: the sandbox) directly.
//!
//! The scenario of `tests/sdk` runs twice in front of a fresh product, first with the sandbox's own
//! token at the sandbox, then, after a reset, with an admin key at the gate. The two recordings are
//! compared line by line, after the few things that must differ are made equal (`normalise.rs`).

mod compare;
mod normalise;
mod product;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::install;
use crate::process;
use crate::steps::Outcome;
use crate::workspace;
use compare::Recording;
use product::Product;

/// One SDK at one version of Notion.
struct Scenario {
    name: &'static str,
    script: &'static str,
    /// Sent instead of the SDK's own default.
    version: Option<&'static str>,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { name: "js2", script: "js2.mjs", version: None },
    Scenario { name: "js5", script: "js5.mjs", version: None },
    Scenario { name: "js5-2026-03-11", script: "js5.mjs", version: Some("2026-03-11") },
    Scenario { name: "py", script: "py.py", version: None },
];

/// At most so many differences are shown per scenario; the rest follows from them, mostly.
const SHOWN: usize = 8;

/// Plays every scenario on both sides and compares.
pub(crate) fn run() -> Result<Outcome> {
    let scripts = workspace::root().join("tests/sdk");
    install::node_and_python()?;
    install::npm_packages(&scripts)?;
    let python = install::python_packages("python-sdk", &scripts.join("requirements.txt"))?;
    let notegate = process::build_notegate("dev")?;

    let mut failed = Vec::new();
    for scenario in &SCENARIOS {
        let program = if scenario.script.ends_with(".py") { &python } else { Path::new("node") };
        match play(scenario, &notegate, program, &scripts) {
            Ok(true) => {}
            Ok(false) => failed.push(scenario.name),
            Err(error) => {
                println!("    {}: {error:#}", scenario.name);
                failed.push(scenario.name);
            }
        }
    }
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not the same through the gate: {}", failed.join(", ")))
    })
}

/// Plays one scenario on both sides. `true` if nothing differs.
fn play(scenario: &Scenario, notegate: &Path, program: &Path, scripts: &Path) -> Result<bool> {
    let directory = workspace::empty(&format!("sdk/{}", scenario.name))?;
    let product = Product::start(notegate, &directory)?;
    let before = product.seed()?;
    let script = scripts.join(scenario.script);
    let side = |side: Side| record(scenario, side, program, &script, &product, &directory);
    let direct = side(Side::Direct)?;
    product.reset()?;
    let after = product.seed()?;
    let gate = side(Side::Gate)?;

    // What is in the seed both times has the same id on both sides, and is compared as it is.
    let fixed = normalise::ids(&before).intersection(&normalise::ids(&after)).cloned().collect();
    let differences = compare::compare(&direct, &gate, &fixed);
    if differences.is_empty() {
        println!(
            "    {}: {} answers, {} KB, the same through the gate",
            scenario.name,
            direct.exchanges(),
            direct.bytes() / 1024
        );
        return Ok(true);
    }
    println!("    {}: {} differences", scenario.name, differences.len());
    for difference in differences.iter().take(SHOWN) {
        println!("{difference}");
    }
    if differences.len() > SHOWN {
        println!("      … and {} more", differences.len() - SHOWN);
    }
    println!("      recordings: {}/*.jsonl", directory.display());
    Ok(false)
}

/// Where the SDK is pointed at.
#[derive(Clone, Copy)]
enum Side {
    Direct,
    Gate,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gate => "gate",
        }
    }
}

/// Runs the script at one side and keeps what it wrote down.
fn record(
    scenario: &Scenario,
    side: Side,
    program: &Path,
    script: &Path,
    product: &Product,
    directory: &Path,
) -> Result<Recording> {
    let (base_url, token) = match side {
        Side::Direct => product.direct(),
        Side::Gate => product.gate(),
    };
    let mut command = Command::new(program);
    process::clean_environment(&mut command);
    command
        .arg(script)
        .stdin(Stdio::null())
        .env("BASE_URL", base_url)
        .env("TOKEN", token)
        .envs(product.ids())
        .envs(scenario.version.map(|version| ("NOTION_VERSION", version)));
    let output = command
        .output()
        .with_context(|| format!("cannot run {} {}", program.display(), script.display()))?;
    let file: PathBuf = directory.join(format!("{}.jsonl", side.name()));
    fs::write(&file, &output.stdout).with_context(|| format!("cannot write {}", file.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "{} ({}) ended with {}: {}\n      recording: {}\n      log of notegate: {}",
        scenario.script,
        side.name(),
        output.status,
        errors.trim(),
        file.display(),
        product.log()
    );
    let text = String::from_utf8(output.stdout).context("the recording is not UTF-8")?;
    Recording::parse(&text).with_context(|| format!("{} does not hold a recording", file.display()))
}
