//! MCP clients that people have, unmodified, in front of the program: the SDKs for TypeScript and Python of
//! both eras, the inspector's command line, and mcp-remote. Each script of `tests/mcp` starts the gate and
//! the sandbox that it needs.

use anyhow::Result;

use crate::install;
use crate::process;
use crate::scripts;
use crate::steps::Outcome;
use crate::workspace;

/// Installs the clients and runs every script.
pub(crate) fn run() -> Result<Outcome> {
    let directory = workspace::root().join("tests/mcp");
    install::node_and_python()?;
    install::npm_packages(&directory)?;
    let python = |line: &str| {
        let requirements = directory.join(format!("requirements-{line}.txt"));
        install::python_packages(&format!("python-mcp-{line}"), &requirements)
    };
    let (python_1, python_2) = (python("1")?, python("2")?);
    let notegate = process::build_notegate("dev")?;
    let programs = [
        ("NOTEGATE", notegate.as_path()),
        ("PYTHON_1", python_1.as_path()),
        ("PYTHON_2", python_2.as_path()),
    ];
    let failed = scripts::run(&directory, &install::node_of(&directory), &programs)?;
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not with these clients: {}", failed.join(", ")))
    })
}
