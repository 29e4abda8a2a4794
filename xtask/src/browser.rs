//! The gate's pages in a real browser: each script of `tests/browser` drives a headless Chromium, and
//! starts the gates and sandboxes that it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::install::{self, Package};
use crate::process;
use crate::steps::Outcome;
use crate::workspace;

/// The names under which Chromium goes.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Installs what is missing and runs every script.
pub(crate) fn run() -> Result<Outcome> {
    let directory = workspace::root().join("tests/browser");
    install::node()?;
    install::debian(&[Package {
        name: "chromium",
        present: || browser().is_some(),
        purpose: "opens the gate's pages",
    }])?;
    install::npm_packages(&directory)?;
    let browser = browser().context("no Chromium on this machine, although it was installed")?;
    let notegate = process::build_notegate("dev")?;

    let mut failed = Vec::new();
    for script in scripts(&directory)? {
        let name = script.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let output = command(&script, &directory, &notegate, &browser)
            .output()
            .context("cannot run node")?;
        if output.status.success() {
            println!("    {name}: passed");
            continue;
        }
        println!("    {name}: failed, {}", output.status);
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        failed.push(name);
    }
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not in a browser: {}", failed.join(", ")))
    })
}

fn browser() -> Option<PathBuf> {
    BROWSERS.iter().find_map(|name| process::find(name))
}

fn scripts(directory: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut scripts: Vec<_> = files.into_iter().map(|file| file.path()).collect();
    scripts.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    scripts.sort();
    Ok(scripts)
}

fn command(script: &Path, directory: &Path, notegate: &Path, browser: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg("--test").arg(script).current_dir(directory).stdin(Stdio::null());
    process::clean_environment(&mut command);
    command.env("NOTEGATE", notegate).env("CHROMIUM", browser);
    command
}
