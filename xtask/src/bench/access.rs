//! `cargo xtask bench access`: how long an access audit takes, beside what Notion's request budget
//! allows.
//!
//! A made-up workspace, in which some pages stand in blocks that search does not tell about, is loaded
//! by the sandbox, a gate serves in front of it, and the command line asks for an audit: once without
//! limits, then with those of a plan. What the budget allows is known from the number of requests: all of a
//! window's requests at once, and then nothing until the window of a minute is over.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{machine, world};
use crate::args::{Args, Usage};
use crate::process::{self, Background};
use crate::{http, table, workspace};

const START: Duration = Duration::from_secs(120);
/// A window of Notion's budget, in seconds.
const WINDOW: f64 = 60.0;

struct Options {
    json: Option<PathBuf>,
    objects: usize,
    in_blocks: usize,
    budget: usize,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self, Usage> {
        let options = Self {
            json: args.value("--json")?,
            objects: args.value("--objects")?.unwrap_or(5000),
            in_blocks: args.value("--in-blocks")?.unwrap_or(550),
            budget: args.value("--budget")?.unwrap_or(180),
            binary: args.value("--binary")?,
        };
        args.finish()?;
        if options.objects <= options.in_blocks || options.budget == 0 {
            return Err(Usage("fewer pages in blocks than objects, and a budget".to_owned()));
        }
        Ok(options)
    }
}

/// One audit.
struct Measured {
    took: f64,
    requests: usize,
    waits: u64,
}

/// Makes the world, audits it twice, prints.
pub(super) fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    let notegate = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?
        }
        None => process::build_notegate("dist")?,
    };
    let directory = workspace::empty("bench-access")?;
    let seed = directory.join("world.json");
    let out = BufWriter::new(File::create(&seed)?);
    let token = world::write_scattered(out, options.objects, options.in_blocks)?;

    let (sandbox, sandbox_url) = serve(&notegate, &directory, "sandbox", |command, listen| {
        command.args(["sandbox", "serve", "--listen", listen, "--seed"]).arg(&seed);
    })?;
    let (gate, _) = serve(&notegate, &directory, "gate", |command, listen| {
        command.args(["serve", "--listen", listen, "--data-dir"]).arg(directory.join("data"));
        command.env("NOTION_BASE_URL", &sandbox_url).env("NOTION_TOKEN", &token);
    })?;
    let audit = || audit(&notegate, &directory, options.objects);
    let limits = |on: bool| {
        let body = json!({"on": on, "per_connection": options.budget});
        http::send("PUT", &format!("{sandbox_url}/_sandbox/limits"), None, Some(&body))
    };
    limits(false)?;
    let free = audit()?;
    limits(true)?;
    let limited = audit()?;
    drop((gate, sandbox));

    let windows = (limited.requests - 1) / options.budget;
    // The waiting that the budget asks for, and the work that is left after the last of it.
    let rest = (limited.requests - windows * options.budget) as f64 / limited.requests as f64;
    let allowed = windows as f64 * WINDOW + free.took * rest;
    let over = (limited.took / allowed - 1.0) * 100.0;
    println!(
        "{} objects, {} of them in blocks: {} requests, {} a minute; {} cores",
        options.objects,
        options.in_blocks,
        limited.requests,
        options.budget,
        machine::cores()
    );
    let row = |name: &str, seconds: f64, waits: String| {
        vec![name.to_owned(), format!("{seconds:.2}"), waits]
    };
    let rows = [
        row("without limits", free.took, free.waits.to_string()),
        row("what the budget allows", allowed, String::new()),
        row("with limits", limited.took, limited.waits.to_string()),
    ];
    print!("{}", table::render(&["audit", "seconds", "told to wait"], &rows));
    println!("\n{over:+.1} % over what the budget allows");
    if let Some(path) = &options.json {
        let report = json!({
            "on": machine::describe(&notegate)?,
            "objects": options.objects,
            "in_blocks": options.in_blocks,
            "requests": limited.requests,
            "budget_per_minute": options.budget,
            "without_limits_s": free.took,
            "allowed_s": allowed,
            "with_limits_s": limited.took,
            "over_percent": over,
        });
        std::fs::write(path, format!("{report:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Starts a server on a free port and waits until it answers.
fn serve(
    notegate: &Path,
    directory: &Path,
    name: &'static str,
    arguments: impl FnOnce(&mut Command, &str),
) -> Result<(Background, String)> {
    let listen = format!("127.0.0.1:{}", process::free_port()?);
    let url = format!("http://{listen}");
    let mut command = Command::new(notegate);
    process::clean_environment(&mut command);
    arguments(&mut command, &listen);
    let mut server = Background::start(name, &command, directory.join(format!("{name}.log")))?;
    let health = format!("{url}{}", if name == "sandbox" { "/_sandbox/health" } else { "/health" });
    process::wait_for(&mut server, START, || http::send("GET", &health, None, None).ok())?;
    Ok((server, url))
}

/// Has the command line make an audit, and times it.
fn audit(notegate: &Path, directory: &Path, objects: usize) -> Result<Measured> {
    let mut command = Command::new(notegate);
    process::clean_environment(&mut command);
    command.args(["workspaces", "access", "--json", "--data-dir"]).arg(directory.join("data"));
    let begun = Instant::now();
    let output = command.output().context("the audit cannot be run")?;
    let took = begun.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the audit failed: {said}");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(report["total"] == objects, "{} objects instead of {objects}", report["total"]);
    let tops = report["items"]
        .as_array()
        .map_or(0, |items| items.iter().filter(|item| item["depth"] == 0).count());
    ensure!(tops == 1, "{tops} objects have lost their place");
    let asked = |name: &str| report["asked"][name].as_u64().unwrap_or_default();
    let requests = usize::try_from(asked("searches") + asked("lookups"))?;
    Ok(Measured { took, requests, waits: asked("waits") })
}
