//! The conformance suite of the Model Context Protocol, against the MCP door.
//!
//! What it judges first is the product's own door (front, protocol, settings) with the suite's fixtures behind
//! it instead of Notion: `crates/testkit/examples/mcp_conformance.rs`. The suite cannot show a key, so
//! everybody is let in there.
//!
//! Then it judges the gate as authorization server. There it wants a person who lets its client in; that is
//! `tests/mcp/authorization.mjs`. No scenario is excepted.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::install;
use crate::process::{self, Background};
use crate::steps::Outcome;
use crate::workspace;

/// A revision, and the file that says which of its scenarios a server without sessions cannot pass.
const SETS: [(&str, Option<&str>); 2] =
    [("2026-07-28", None), ("2025-11-25", Some("stateful-2025-11-25.yml"))];
/// The revisions for which the authorization server is judged.
const AUTHORIZATION: [&str; 2] = ["2026-07-28", "2025-11-25"];
/// How long the server may take until it serves.
const START: Duration = Duration::from_secs(60);

/// Installs the suite and runs its sets.
pub(crate) fn run() -> Result<Outcome> {
    let directory = workspace::root().join("tests/mcp");
    install::node()?;
    install::npm_packages(&directory)?;
    let arguments = [
        "--package",
        "notegate-testkit",
        "--features",
        "conformance",
        "--example",
        "mcp_conformance",
    ];
    let server = process::build("mcp_conformance", &arguments)?;
    let work = workspace::target().join("xtask/mcp");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
    let mut process =
        Background::start("mcp_conformance", &Command::new(server), work.join("server.log"))?;
    let log = work.join("server.log");
    let url = process::wait_for(&mut process, START, || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.lines().find(|line| line.starts_with("http://")).map(str::to_owned)
    })?;

    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let key = log.lines().find(|line| line.starts_with("ngk_")).unwrap_or_default();
    let gate = url.trim_end_matches("/mcp");

    let sets = SETS.map(|(revision, baseline)| {
        (revision.to_owned(), suite(&directory, &work, &url, revision, baseline))
    });
    let server = AUTHORIZATION.map(|revision| {
        let command = authorization(&directory, &work, gate, key, revision);
        (format!("authorization server, {revision}"), command)
    });
    let mut failed = Vec::new();
    for (name, mut command) in sets.into_iter().chain(server) {
        let output = command.output().context("cannot run node")?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let total = text.lines().find(|line| line.starts_with("Total:"));
            println!("    {name}: {}", total.unwrap_or("passed").trim());
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
        Outcome::Failed(format!("not conformant: {}", failed.join(", ")))
    })
}

fn suite(
    directory: &Path,
    work: &Path,
    url: &str,
    revision: &str,
    baseline: Option<&str>,
) -> Command {
    let mut command = Command::new(install::node_of(directory));
    command
        .arg(directory.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
        .args(["server", "--url", url, "--requirements", revision, "--timeout", "4000"])
        .arg("--output-dir")
        .arg(work.join(revision))
        .current_dir(directory)
        .stdin(Stdio::null());
    if let Some(baseline) = baseline {
        command.arg("--expected-failures").arg(directory.join(baseline));
    }
    command
}

fn authorization(directory: &Path, work: &Path, gate: &str, key: &str, revision: &str) -> Command {
    let mut command = Command::new(install::node_of(directory));
    command
        .arg("authorization.mjs")
        .args([gate, key, revision])
        .arg(work.join(format!("authorization-{revision}")))
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}
