//! A list of steps: each runs under a heading, all of them run, and a table says how they ended.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process;
use crate::table;

/// How a step ended.
enum End {
    Passed,
    Failed(String),
    Skipped(String),
}

/// What a step says at its end.
pub(crate) enum Outcome {
    /// It did what it should.
    Passed,
    /// It ran and found something wrong.
    Failed(String),
}

/// The steps so far.
#[derive(Default)]
pub(crate) struct Steps(Vec<(&'static str, End, Duration)>);

impl Steps {
    /// Runs one command as a step.
    pub(crate) fn command(&mut self, name: &'static str, command: Command) {
        self.step(name, || run(command));
    }

    /// Runs a step of any kind. An error of it counts as a failure; the other steps still run.
    pub(crate) fn step(&mut self, name: &'static str, action: impl FnOnce() -> Result<Outcome>) {
        println!("\n==> {name}");
        let started = Instant::now();
        let end = match action() {
            Ok(Outcome::Passed) => End::Passed,
            Ok(Outcome::Failed(why)) => End::Failed(why),
            Err(error) => End::Failed(format!("{error:#}")),
        };
        let elapsed = started.elapsed();
        match &end {
            End::Failed(why) => println!("<== {name}: FAILED after {}: {why}", seconds(elapsed)),
            _ => println!("<== {name}: passed in {}", seconds(elapsed)),
        }
        self.0.push((name, end, elapsed));
    }

    /// Notes a step that cannot run here, and why.
    pub(crate) fn skip(&mut self, name: &'static str, why: &str) {
        println!("\n==> {name}\n<== {name}: skipped: {why}");
        self.0.push((name, End::Skipped(why.to_owned()), Duration::ZERO));
    }

    /// Prints the table. `false` if any step failed.
    pub(crate) fn finish(self) -> bool {
        let rows: Vec<Vec<String>> = self
            .0
            .iter()
            .map(|(name, end, elapsed)| {
                let end = match end {
                    End::Passed => "passed".to_owned(),
                    End::Failed(_) => "FAILED".to_owned(),
                    End::Skipped(why) => format!("skipped: {why}"),
                };
                vec![(*name).to_owned(), seconds(*elapsed), end]
            })
            .collect();
        println!("\n{}", table::render(&["step", "time", "result"], &rows));
        let failed: Vec<&str> = self
            .0
            .iter()
            .filter(|(_, end, _)| matches!(end, End::Failed(_)))
            .map(|&(name, ..)| name)
            .collect();
        if failed.is_empty() {
            println!("all steps passed");
        } else {
            println!("failed: {}", failed.join(", "));
        }
        failed.is_empty()
    }
}

/// Runs a command in the foreground, its output shown as it comes.
pub(crate) fn run(mut command: Command) -> Result<Outcome> {
    let line = process::line(&command);
    println!("    $ {line}");
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot run `{line}`"))?;
    Ok(if status.success() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("`{line}` ended with {status}"))
    })
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
