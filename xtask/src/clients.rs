//! Clients of Notion, unmodified but for their base URL, against the sandbox.
//!
//! Each script of `tests/clients` runs under `notegate sandbox exec`, which gives it a fresh demo
//! workspace, its URL and a token: as anybody would test Notion code of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::install;
use crate::process;
use crate::steps::Outcome;
use crate::workspace;

/// Client, script.
const CLIENTS: [(&str, &str); 10] = [
    ("@notionhq/client 5.x", "client5.test.mjs"),
    ("@notionhq/client 5.x with 2026-03-11", "client5-latest.test.mjs"),
    ("@notionhq/client 2.2.x", "client2.test.mjs"),
    ("notion-client", "test_notion_client.py"),
    ("ntn", "ntn.test.mjs"),
    ("@notionhq/notion-mcp-server", "mcp-server.test.mjs"),
    ("`notegate mcp` beside @notionhq/notion-mcp-server", "mcp-side-by-side.test.mjs"),
    ("notion-to-md", "notion-to-md.test.mjs"),
    ("@tryfabric/martian", "martian.test.mjs"),
    ("ultimate-notion", "test_ultimate_notion.py"),
];

/// Installs the clients and runs every script.
pub(crate) fn run() -> Result<Outcome> {
    let scripts = workspace::root().join("tests/clients");
    install::node_and_python()?;
    install::npm_packages(&scripts)?;
    let python = install::python_packages("python-clients", &scripts.join("requirements.txt"))?;
    let notegate = process::build_notegate("dev")?;

    let mut failed = Vec::new();
    for (client, script) in CLIENTS {
        let output = command(&notegate, &python, &scripts, script)
            .output()
            .with_context(|| format!("cannot run {}", notegate.display()))?;
        if output.status.success() {
            println!("    {client}: passed");
            continue;
        }
        println!("    {client}: failed, {}", output.status);
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        failed.push(client);
    }
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not against the sandbox: {}", failed.join(", ")))
    })
}

fn command(notegate: &Path, python: &Path, scripts: &Path, script: &str) -> Command {
    let mut command = Command::new(notegate);
    command.args(["sandbox", "exec", "--"]).current_dir(scripts).stdin(Stdio::null());
    // For the scripts that start it once more, as something else.
    command.env("NOTEGATE", notegate);
    if script.ends_with(".py") {
        command.arg(python).args(["-m", "unittest", script]);
    } else {
        command.args(["node", "--test", script]);
    }
    command
}
