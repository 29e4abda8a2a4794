//! `cargo xtask bench policy`: how long a decision takes, asked of Cedar and remembered.
//!
//! What is measured is `crates/policy/examples/decide.rs`: 100 policies, an object with 12 ancestors, a
//! key with a scope.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::machine;
use crate::args::Args;
use crate::{table, workspace};

/// Measures and prints.
pub(super) fn run(mut args: Args) -> Result<()> {
    let json_file: Option<PathBuf> = args.value("--json")?;
    args.finish()?;
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--profile", "dist", "--package", "notegate-policy"])
        .args(["--example", "decide"])
        .current_dir(workspace::root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo does not run")?;
    ensure!(output.status.success(), "the measurement failed");
    let measured: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let mut rows = Vec::new();
    for sort in &measured {
        for how in ["cold", "remembered"] {
            let at = |part: &str| format!("{:.2}", sort[how][part].as_f64().unwrap_or_default());
            let name = sort["policies"].as_str().unwrap_or_default().to_owned();
            rows.push(vec![name, how.to_owned(), at("p50"), at("p95"), at("p99")]);
        }
    }
    println!("µs for a decision; 100 policies, 12 ancestors");
    print!("{}", table::render(&["policies", "decision", "p50", "p95", "p99"], &rows));
    if let Some(file) = json_file {
        let report = json!({ "cores": machine::cores(), "measured": measured });
        fs::write(&file, format!("{report:#}\n"))?;
    }
    Ok(())
}
