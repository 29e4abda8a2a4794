//! `cargo xtask check`: what a commit must pass, quickly and without installing anything.

use std::process::Command;

use anyhow::Result;

use crate::args::Args;
use crate::process;
use crate::steps::Steps;

/// Formatting, clippy, rustdoc.
pub(crate) fn run(args: Args) -> Result<bool> {
    args.finish()?;
    let mut steps = Steps::default();
    steps.command("fmt", fmt());
    steps.command("clippy", clippy());
    steps.command("rustdoc", rustdoc());
    Ok(steps.finish())
}

/// The formatting check.
pub(crate) fn fmt() -> Command {
    let mut command = process::cargo();
    command.args(["fmt", "--all", "--check"]);
    command
}

/// Clippy, every warning an error.
pub(crate) fn clippy() -> Command {
    let mut command = process::cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    command
}

fn rustdoc() -> Command {
    let mut command = process::cargo();
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    command.env("RUSTDOCFLAGS", "-Dwarnings");
    command
}
