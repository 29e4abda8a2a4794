//! `notegate policy check`: policies and tests of them in files, without a gate. Made for CI.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use gate::Policies;
use serde_json::{Value, json};

use super::read;
use crate::Done;
use crate::failure::Failure;
use crate::term::counted;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policies; `-` for standard input
    policies: PathBuf,
    /// Files with tests of them, in TOML or JSON
    tests: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Done {
    let text = read(&args.policies)?;
    let policies = match Policies::with_own(&text) {
        Ok(policies) => Arc::new(policies),
        Err(faults) => {
            if args.json {
                let faults = faults.0.iter().map(|fault| {
                    json!({
                        "message": fault.message, "help": fault.help, "line": fault.line,
                        "column": fault.column,
                    })
                });
                let faults: Vec<Value> = faults.collect();
                println!("{}", json!({ "valid": false, "faults": faults, "tests": [] }));
            } else {
                println!("{faults}");
            }
            return Ok(ExitCode::from(1));
        }
    };
    let mut results = Vec::new();
    let mut failed = 0;
    for file in &args.tests {
        let shown = file.display();
        let checked = policies.check(&read(file)?);
        let checked = checked.map_err(|error| Failure::usage(anyhow!("{shown}: {error}")))?;
        for test in checked {
            let found = test.came.as_str();
            failed += usize::from(!test.passed);
            if !args.json && !test.passed {
                let rule = test.expected_rule.as_deref();
                let by = rule.map(|rule| format!(" by `{rule}`")).unwrap_or_default();
                println!(
                    "FAILED  {}: expected {}{by}, found {found} by `{}` ({})",
                    test.name,
                    test.expected.as_str(),
                    test.found.rule,
                    test.found.because
                );
            }
            results.push(json!({
                "name": test.name, "passed": test.passed, "expected": test.expected.as_str(),
                "found": found, "rule": test.found.rule, "because": test.found.because,
            }));
        }
    }
    if args.json {
        println!("{}", json!({ "valid": true, "faults": [], "tests": results }));
    } else {
        let own = policies.list().filter(|(rule, _)| rule.own).count();
        let (own, tests) =
            (counted(own, "policy", "policies"), counted(results.len(), "test", "tests"));
        println!("{own}; {tests}, {failed} failed");
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
