//! `cargo xtask bench mcp`: notegate's MCP server beside `@notionhq/notion-mcp-server`.
//!
//! One sandbox stands in for Notion, and both servers are started with the same token and the same flags.
//! They take turns, so that a machine that is busy for a while is busy for both; medians count. Clients
//! speak revision 2025-11-25, which both know: with a session where the server wants one. Nothing leaves
//! 127.0.0.1.

mod client;
mod figures;
mod http;
mod load;
mod pipe;
mod servers;
mod tasks;
mod tokens;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::figures::{Figure, median};
use self::servers::{Kind, Servers};
use super::machine;
use super::usage;
use crate::args::{Args, Usage};
use crate::install;
use crate::process;
use crate::workspace;

/// Clients at once, measurement by measurement.
const CLIENTS: [usize; 2] = [1, 32];
/// Openings whose memory is measured.
const OPENINGS: usize = 1000;

struct Options {
    json: Option<PathBuf>,
    time: Duration,
    rounds: usize,
    starts: usize,
    tasks: bool,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self, Usage> {
        let options = Self {
            json: args.value("--json")?,
            time: Duration::from_secs(args.value("--seconds")?.unwrap_or(5)),
            rounds: args.value("--rounds")?.unwrap_or(3),
            starts: args.value("--starts")?.unwrap_or(15),
            tasks: args.flag("--tasks"),
            binary: args.value("--binary")?,
        };
        args.finish()?;
        if options.rounds == 0 || options.starts == 0 || options.time.is_zero() {
            return Err(Usage("at least one start, and one round of one second".to_owned()));
        }
        Ok(options)
    }
}

/// Installs what it needs, measures, prints.
pub(super) fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    let packages = workspace::root().join("tests/mcp-bench");
    install::node()?;
    install::npm_packages(&packages)?;
    let notegate = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?
        }
        None => process::build_notegate("dist")?,
    };
    let servers = Servers::new(&notegate, &packages)?;
    let mut report = machine::describe(&notegate)?;
    report["benchmark"] = json!("mcp");
    report["versions"]["node"] = json!(process::output(&servers.node, &["--version"])?);
    report["versions"]["official"] = json!(servers.official_version()?);

    if options.tasks {
        report["tasks"] = tasks::run(&servers)?;
    } else {
        let figures = measure(&servers, &options)?;
        println!(
            "{} cores; medians of {} rounds of {} s and of {} starts\n",
            machine::cores(),
            options.rounds,
            options.time.as_secs(),
            options.starts
        );
        print!("{}", figures::render(&figures));
        report["figures"] = figures.iter().map(Figure::record).collect();
    }
    if let Some(file) = &options.json {
        fs::write(file, format!("{report:#}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("written to {}", file.display());
    }
    Ok(())
}

fn measure(servers: &Servers, options: &Options) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    figures.extend(starts(servers, options.starts)?);
    figures.extend(memory(servers)?);
    figures.extend(lists(servers)?);
    for clients in CLIENTS {
        figures.extend(calls(servers, clients, options)?);
    }
    Ok(figures)
}

/// From the start of the process to its first answers.
fn starts(servers: &Servers, count: usize) -> Result<Vec<Figure>> {
    let mut waits: [[Vec<f64>; 2]; 3] = Default::default();
    // The first of each reads its files from the disk, and does not count.
    for round in 0..=count {
        for (at, kind) in Kind::BOTH.into_iter().enumerate() {
            let begun = std::time::Instant::now();
            let mut pipe = servers.pipe(kind, servers::OFFICIAL_TOOLS)?;
            pipe.open()?;
            let opened = begun.elapsed();
            pipe.tools()?;
            let listed = begun.elapsed();
            drop(pipe);
            let (_server, served) = servers.http(kind)?;
            if round > 0 {
                for (to, wait) in waits.iter_mut().zip([opened, listed, served]) {
                    to[at].push(wait.as_secs_f64() * 1e3);
                }
            }
        }
    }
    let names = [
        "start to first answer, stdio, ms",
        "start to list of tools, stdio, ms",
        "start to first answer, HTTP, ms",
    ];
    let figures = names.into_iter().zip(waits).map(|(name, [official, notegate])| {
        Figure::fewer(name, median(official), median(notegate)).aim(20.0)
    });
    Ok(figures.collect())
}

/// Resident memory, at rest and after many clients have opened.
fn memory(servers: &Servers) -> Result<Vec<Figure>> {
    let mut seen: [[f64; 2]; 3] = Default::default();
    let ticks = usage::ticks_per_second()?;
    for (at, kind) in Kind::BOTH.into_iter().enumerate() {
        let resident = |id| usage::of(id, ticks).map(|usage| usage.rss_kib as f64 / 1024.0);
        let mut pipe = servers.pipe(kind, servers::OFFICIAL_TOOLS)?;
        pipe.open()?;
        pipe.tools()?;
        seen[0][at] = resident(pipe.id())?;
        drop(pipe);
        let (server, _) = servers.http(kind)?;
        let mut client = server.connect()?;
        client.tools()?;
        seen[1][at] = resident(server.id())?;
        for _ in 0..OPENINGS {
            server.connect()?;
        }
        seen[2][at] = resident(server.id())?;
    }
    let names = [
        "memory at rest, stdio, MiB".to_owned(),
        "memory at rest, HTTP, MiB".to_owned(),
        format!("memory after {OPENINGS} initialisations, HTTP, MiB"),
    ];
    let figures = names.into_iter().zip(seen);
    Ok(figures
        .map(|(name, [official, notegate])| Figure::fewer(name, official, notegate).aim(10.0))
        .collect())
}

/// What the lists of tools take of a model's context.
fn lists(servers: &Servers) -> Result<Vec<Figure>> {
    let mut texts = Vec::new();
    for (kind, set) in [
        (Kind::Official, servers::OFFICIAL_TOOLS),
        (Kind::Notegate, servers::OFFICIAL_TOOLS),
        (Kind::Notegate, servers::AGENT_TOOLS),
    ] {
        let mut pipe = servers.pipe(kind, set)?;
        pipe.open()?;
        texts.push(pipe.tools()?.to_string());
    }
    let counted = tokens::count(servers, &texts)?;
    let official = counted[0] as f64;
    Ok(vec![
        Figure::fewer("list of the official tools, tokens", official, counted[1] as f64)
            .at_most(6000.0),
        Figure::fewer("list of the tools for agents, tokens", official, counted[2] as f64)
            .at_most(2500.0),
    ])
}

/// The same call by so many clients at once.
fn calls(servers: &Servers, clients: usize, options: &Options) -> Result<Vec<Figure>> {
    let ticks = usage::ticks_per_second()?;
    let running = Kind::BOTH.map(|kind| servers.http(kind).map(|(server, _)| server));
    let [official, notegate] = running;
    let running = [official?, notegate?];
    for server in &running {
        // Connections, caches and compilers settle before anything counts.
        load::run(server, clients, Duration::from_secs(2), ticks)?;
    }
    let mut rounds: [Vec<load::Load>; 2] = Default::default();
    for _ in 0..options.rounds {
        for (server, loads) in running.iter().zip(&mut rounds) {
            loads.push(load::run(server, clients, options.time, ticks)?);
        }
    }
    let both = |of: fn(&load::Load) -> f64| {
        [0, 1].map(|at| median(rounds[at].iter().map(of).collect::<Vec<f64>>()))
    };
    let name = |what: &str| {
        let s = if clients == 1 { "" } else { "s" };
        format!("{clients} client{s}: {what}")
    };
    let [official, notegate] = both(|load| load.per_second);
    let [official_p50, notegate_p50] = both(|load| load.p50_ms);
    let [official_p99, notegate_p99] = both(|load| load.p99_ms);
    let [official_cpu, notegate_cpu] = both(|load| load.cpu_us);
    Ok(vec![
        Figure::more(name("calls per second"), official, notegate),
        Figure::fewer(name("p50, ms"), official_p50, notegate_p50),
        Figure::fewer(name("p99, ms"), official_p99, notegate_p99),
        Figure::fewer(name("CPU per call, µs"), official_cpu, notegate_cpu),
        Figure::more(name("calls per second of CPU"), 1e6 / official_cpu, 1e6 / notegate_cpu)
            .aim(20.0),
    ])
}

/// An answer's text contents, one after the other.
fn text_of(result: &Value) -> String {
    let contents = result["content"].as_array().into_iter().flatten();
    contents.filter_map(|it| it["text"].as_str()).collect()
}
