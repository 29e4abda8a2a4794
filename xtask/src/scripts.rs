//! Runs the test scripts of a directory (`*.test.mjs`) one after the other, each with the programs that it
//! needs in its environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process;

/// Runs all of them in this Node.js, and gives the names of those that failed.
pub(crate) fn run(
    directory: &Path,
    node: &Path,
    programs: &[(&str, &Path)],
) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    for script in all(directory)? {
        let name = script.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(node);
        command.arg("--test").arg(&script).current_dir(directory).stdin(Stdio::null());
        process::clean_environment(&mut command);
        command.envs(programs.iter().copied());
        let output = command.output().context("cannot run node")?;
        if output.status.success() {
            println!("    {name}: passed");
            continue;
        }
        println!("    {name}: failed, {}", output.status);
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        failed.push(name);
    }
    Ok(failed)
}

fn all(directory: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut scripts: Vec<_> = files.into_iter().map(|file| file.path()).collect();
    scripts.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    scripts.sort();
    Ok(scripts)
}
