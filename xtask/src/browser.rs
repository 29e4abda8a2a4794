//! The gate's pages in a real browser: each script of `tests/browser` drives a headless Chromium, and
//! starts the gates and sandboxes that it needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::install::{self, Package};
use crate::process;
use crate::scripts;
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

    let programs = [("NOTEGATE", notegate.as_path()), ("CHROMIUM", browser.as_path())];
    let failed = scripts::run(&directory, Path::new("node"), &programs)?;
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not in a browser: {}", failed.join(", ")))
    })
}

fn browser() -> Option<PathBuf> {
    BROWSERS.iter().find_map(|name| process::find(name))
}
