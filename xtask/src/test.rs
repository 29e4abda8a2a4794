//! `cargo xtask test`: installs what the tests need, then runs all of them.

use std::process::Command;

use anyhow::Result;

use crate::args::{Args, Usage};
use crate::browser;
use crate::check;
use crate::clients;
use crate::fidelity;
use crate::install;
use crate::mcp;
use crate::mcp_clients;
use crate::process;
use crate::sdk;
use crate::steps::{Outcome, Steps};

/// The steps, in their order, as `--only` names them.
const NAMES: [&str; 11] = [
    "fmt",
    "clippy",
    "unit",
    "doc",
    "fidelity",
    "clients",
    "sdk",
    "mcp",
    "mcp-clients",
    "browser",
    "deny",
];

/// Runs the steps asked for; all of them if none is named.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let only: Option<String> = args.value("--only")?;
    args.finish()?;
    let only: Vec<&str> = only.iter().flat_map(|names| names.split(',')).collect();
    if let Some(unknown) = only.iter().find(|name| !NAMES.contains(name)) {
        let names = NAMES.join(", ");
        return Err(Usage(format!("no step is called `{unknown}`; there are: {names}")).into());
    }
    let wanted = |name: &str| only.is_empty() || only.contains(&name);

    let mut steps = Steps::default();
    if wanted("fmt") || wanted("clippy") {
        steps.step("set-up", || install::rust_components().map(|()| Outcome::Passed));
    }
    if wanted("fmt") {
        steps.command("fmt", check::fmt());
    }
    if wanted("clippy") {
        steps.command("clippy", check::clippy());
    }
    if wanted("unit") {
        steps.command("unit", unit());
    }
    if wanted("doc") {
        steps.command("doc", doc());
    }
    if wanted("fidelity") {
        steps.step("fidelity", fidelity::check);
    }
    if wanted("clients") {
        steps.step("clients", clients::run);
    }
    if wanted("sdk") {
        steps.step("sdk", sdk::run);
    }
    if wanted("mcp") {
        steps.step("mcp", mcp::run);
    }
    if wanted("mcp-clients") {
        steps.step("mcp-clients", mcp_clients::run);
    }
    if wanted("browser") {
        steps.step("browser", browser::run);
    }
    if wanted("deny") {
        if process::find("cargo-deny").is_some() {
            steps.command("deny", deny());
        } else {
            steps.skip("deny", "no cargo-deny here (`cargo install cargo-deny`)");
        }
    }
    Ok(steps.finish())
}

/// Every test of the workspace: in nextest if it is there, as it stops a test that hangs.
fn unit() -> Command {
    let mut command = process::cargo();
    if process::find("cargo-nextest").is_some() {
        command.args(["nextest", "run", "--workspace"]);
    } else {
        println!("no cargo-nextest here: `cargo test` runs the same tests, without time-outs");
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    command
}

/// The examples in the documentation, which nextest does not run.
fn doc() -> Command {
    let mut command = process::cargo();
    command.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
    command
}

/// Licences and unwanted crates, by `deny.toml`. Advisories need a network and change from day to day:
/// `cargo deny check advisories` is a job of its own.
fn deny() -> Command {
    let mut command = process::cargo();
    command.args(["deny", "check", "bans", "licenses", "sources"]);
    command
}
