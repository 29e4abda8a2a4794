//! `cargo xtask bench proxy`: what the gate costs, beside nginx and beside nothing.
//!
//! One upstream, three ways to it: direct, through nginx's `proxy_pass`, through notegate with a
//! narrow key. They take turns, so that a machine that is busy for a while is busy for all three;
//! the median of the rounds counts. Nothing leaves 127.0.0.1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::machine;
use super::nginx::{self, Nginx};
use super::usage;
use super::wrk;
use crate::args::{Args, Usage};
use crate::http;
use crate::install::{self, Package};
use crate::process::{self, Background};
use crate::table;
use crate::workspace;

/// How many connections there are at once, measurement by measurement.
const CONNECTIONS: [usize; 3] = [1, 32, 256];

/// With how many connections the memory is watched.
const MEMORY_CONNECTIONS: usize = 32;

/// How long the gate may take until it serves.
const START: Duration = Duration::from_secs(60);

/// What was asked for on the command line.
struct Options {
    json: Option<PathBuf>,
    time: Duration,
    rounds: usize,
    requests: Option<f64>,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self, Usage> {
        let options = Self {
            json: args.value("--json")?,
            time: Duration::from_secs(args.value("--seconds")?.unwrap_or(5)),
            rounds: args.value("--rounds")?.unwrap_or(3),
            requests: args.value::<u64>("--requests")?.map(|count| count as f64),
            binary: args.value("--binary")?,
        };
        args.finish()?;
        if options.rounds == 0 || options.time.is_zero() {
            return Err(Usage("at least one round of at least one second".to_owned()));
        }
        Ok(options)
    }
}

/// One way to the upstream.
struct Way {
    name: &'static str,
    url: String,
    bearer: String,
    /// The process whose time and memory count; none on the direct way.
    process: Option<u32>,
}

/// One measurement of one way.
#[derive(Clone, Copy)]
struct Measured {
    load: wrk::Load,
    /// How much of the load the upstream saw: a cache on the way would be no proxy.
    forwarded: f64,
    cpu_us_per_request: Option<f64>,
    rss_kib: Option<u64>,
}

/// Starts everything, measures, prints, and ends everything.
pub(super) fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    install::debian(&[
        Package {
            name: "nginx",
            present: || process::find("nginx").is_some(),
            purpose: "the proxy to compare with (Debian may start its service; stop it if so)",
        },
        Package {
            name: "wrk",
            present: || process::find("wrk").is_some(),
            purpose: "makes the load",
        },
    ])?;
    let nginx = process::find("nginx").context("nginx is not there after its installation")?;
    let notegate = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?
        }
        None => process::build_notegate("dist")?,
    };
    let ticks = usage::ticks_per_second()?;
    let directory = workspace::empty("bench-proxy")?;
    let upstream = Nginx::upstream(&nginx, &directory)?;
    let proxy = Nginx::proxy(&nginx, &directory, &upstream)?;
    let gate = Gate::start(&notegate, &directory, upstream.url())?;
    let ways = [
        way("direct", upstream.url(), &gate.key, None),
        way("nginx", proxy.url(), &gate.key, Some(proxy.id())),
        way("gate", &gate.url, &gate.key, Some(gate.process.id())),
    ];
    let size = same_answer(&ways)?;

    println!(
        "GET /v1/pages/{{id}}, {size} bytes, {} rounds of {} s per cell, {} cores",
        options.rounds,
        options.time.as_secs(),
        machine::cores()
    );
    for way in &ways {
        // Connections, caches and the allocator settle before anything counts.
        wrk::run(&way.url, &way.bearer, 32, Duration::from_secs(1))
            .with_context(|| format!("warming up {}", way.name))?;
    }
    let results = measure(&ways, &upstream, &options, ticks)?;
    let memory = match options.requests {
        Some(requests) => Some(watch_memory(&ways[2], requests, ticks)?),
        None => None,
    };

    print_results(&results);
    if let Some(memory) = &memory {
        print_memory(memory);
    }
    if let Some(file) = &options.json {
        let mut record = machine::describe(&notegate)?;
        record["versions"]["nginx"] = json!(process::output(&nginx, &["-v"])?);
        record["versions"]["wrk"] = json!(process::output("wrk", &["-v"])?.lines().next());
        record["benchmark"] = json!("proxy");
        record["answer_bytes"] = json!(size);
        record["seconds"] = json!(options.time.as_secs());
        record["rounds"] = json!(options.rounds);
        record["results"] = results.iter().map(Cell::record).collect();
        record["compared"] = compared(&results);
        record["memory"] = json!(memory);
        let text = serde_json::to_string_pretty(&record)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
        println!("written to {}", file.display());
    }
    Ok(())
}

fn way(name: &'static str, base: &str, bearer: &str, process: Option<u32>) -> Way {
    let url = format!("{base}/v1/pages/{}", nginx::PAGE);
    Way { name, url, bearer: bearer.to_owned(), process }
}

/// Makes sure that all ways give the same answer. Its size.
fn same_answer(ways: &[Way]) -> Result<usize> {
    let mut answers = Vec::new();
    for way in ways {
        let answer = http::send("GET", &way.url, Some(&way.bearer), None);
        answers.push(answer.with_context(|| format!("asking {} once", way.name))?);
    }
    anyhow::ensure!(
        answers.iter().all(|answer| *answer == answers[0]),
        "the ways do not give the same answer, so there is nothing to compare:\n{}",
        answers.join("\n")
    );
    Ok(answers[0].len())
}

/// A notegate with one narrow key.
struct Gate {
    process: Background,
    url: String,
    key: String,
}

impl Gate {
    fn start(notegate: &Path, directory: &Path, upstream: &str) -> Result<Self> {
        let directory = directory.join("gate");
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let ready_file = directory.join("ready.json");
        let mut command = Command::new(notegate);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .current_dir(&directory)
            .env("NOTION_BASE_URL", upstream)
            // The shape of a token; the upstream takes any.
            .env("NOTION_TOKEN", format!("ntn_{}", "Benchmark0".repeat(5).split_at(46).0))
            .env("NOTEGATE_LOG", "warn");
        let mut process = Background::start("notegate", &command, directory.join("notegate.log"))?;
        let ready: Value = process::wait_for(&mut process, START, || {
            serde_json::from_str(&fs::read_to_string(&ready_file).ok()?).ok()
        })?;
        let text = |value: &Value, name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.with_context(|| format!("no `{name}` in {value}"))
        };
        let url = text(&ready, "url")?;
        let admin = text(&ready, "admin_key")?;
        let wanted = json!({
            "name": "benchmark", "role": "viewer", "within": [nginx::ROOT_PAGE],
        });
        let made = http::send("POST", &format!("{url}/api/v1/keys"), Some(&admin), Some(&wanted));
        let made = made.with_context(|| format!("log of notegate:\n{}", process.log()))?;
        let key = text(&serde_json::from_str(&made)?, "key")?;
        Ok(Self { process, url, key })
    }
}

/// One way at one number of connections: all rounds, and their median.
struct Cell {
    way: &'static str,
    connections: usize,
    rounds: Vec<Measured>,
    median: Measured,
}

impl Cell {
    fn record(&self) -> Value {
        let one = |measured: &Measured| {
            json!({
                "requests_per_second": measured.load.per_second,
                "p50_us": measured.load.p50_us,
                "p99_us": measured.load.p99_us,
                "forwarded": measured.forwarded,
                "cpu_us_per_request": measured.cpu_us_per_request,
                "rss_kib": measured.rss_kib,
            })
        };
        json!({
            "way": self.way,
            "connections": self.connections,
            "median": one(&self.median),
            "rounds": self.rounds.iter().map(one).collect::<Vec<_>>(),
        })
    }
}

fn measure(ways: &[Way], upstream: &Nginx, options: &Options, ticks: f64) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for connections in CONNECTIONS {
        let mut rounds = vec![Vec::new(); ways.len()];
        for _ in 0..options.rounds {
            for (way, rounds) in ways.iter().zip(&mut rounds) {
                rounds.push(once(way, upstream, connections, options.time, ticks).with_context(
                    || format!("measuring {} at {connections} connections", way.name),
                )?);
            }
        }
        cells.extend(ways.iter().zip(rounds).map(|(way, rounds)| Cell {
            way: way.name,
            connections,
            median: median(&rounds),
            rounds,
        }));
    }
    Ok(cells)
}

fn once(
    way: &Way,
    upstream: &Nginx,
    connections: usize,
    time: Duration,
    ticks: f64,
) -> Result<Measured> {
    let usage = || way.process.map(|id| usage::of(id, ticks)).transpose();
    let answered = upstream.answered()?;
    let before = usage()?;
    let load = wrk::run(&way.url, &way.bearer, connections, time)?;
    let after = usage()?;
    let forwarded = (upstream.answered()? - answered - 1.0) / load.requests.max(1.0);
    let cpu_us_per_request = before
        .zip(after)
        .map(|(before, after)| (after.cpu_us - before.cpu_us) / load.requests.max(1.0));
    Ok(Measured { load, forwarded, cpu_us_per_request, rss_kib: after.map(|after| after.rss_kib) })
}

/// The median of each number by itself.
fn median(rounds: &[Measured]) -> Measured {
    let of = |number: &dyn Fn(&Measured) -> Option<f64>| {
        let mut numbers: Vec<f64> = rounds.iter().filter_map(number).collect();
        numbers.sort_by(f64::total_cmp);
        let upper = numbers.get(numbers.len() / 2)?;
        let lower = numbers.get(numbers.len().saturating_sub(1) / 2)?;
        Some(f64::midpoint(*lower, *upper))
    };
    let load = |number: &dyn Fn(&wrk::Load) -> f64| {
        of(&|measured| Some(number(&measured.load))).unwrap_or_default()
    };
    Measured {
        load: wrk::Load {
            requests: load(&|load| load.requests),
            per_second: load(&|load| load.per_second),
            p50_us: load(&|load| load.p50_us),
            p99_us: load(&|load| load.p99_us),
        },
        forwarded: of(&|measured| Some(measured.forwarded)).unwrap_or_default(),
        cpu_us_per_request: of(&|measured| measured.cpu_us_per_request),
        rss_kib: of(&|measured| measured.rss_kib.map(|kib| kib as f64)).map(|kib| kib as u64),
    }
}

/// The gate beside nginx and beside the direct way, per number of connections.
fn compared(cells: &[Cell]) -> Value {
    let of = |way: &str, connections: usize| {
        let cell = cells.iter().find(|cell| (cell.way, cell.connections) == (way, connections));
        cell.map(|cell| cell.median)
    };
    CONNECTIONS
        .into_iter()
        .filter_map(|connections| {
            let direct = of("direct", connections)?;
            let nginx = of("nginx", connections)?;
            let gate = of("gate", connections)?;
            let cpu = gate.cpu_us_per_request.zip(nginx.cpu_us_per_request);
            Some(json!({
                "connections": connections,
                "throughput_gate_to_nginx": gate.load.per_second / nginx.load.per_second,
                "cpu_gate_to_nginx": cpu.map(|(gate, nginx)| gate / nginx),
                "added_p50_us_gate": gate.load.p50_us - direct.load.p50_us,
                "added_p50_us_nginx": nginx.load.p50_us - direct.load.p50_us,
            }))
        })
        .collect()
}

/// Keeps the gate busy until it has answered so many requests, and reads its memory on the way.
fn watch_memory(gate: &Way, requests: f64, ticks: f64) -> Result<Vec<Value>> {
    let process = gate.process.context("the gate has a process")?;
    let mut answered = 0.0;
    let mut points = Vec::new();
    loop {
        let rss_kib = usage::of(process, ticks)?.rss_kib;
        points.push(json!({ "requests": answered as u64, "rss_kib": rss_kib }));
        if answered >= requests {
            return Ok(points);
        }
        let time = Duration::from_secs(2);
        answered += wrk::run(&gate.url, &gate.bearer, MEMORY_CONNECTIONS, time)
            .context("watching the memory")?
            .requests;
    }
}

fn print_results(cells: &[Cell]) {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let rows: Vec<Vec<String>> = cells
        .iter()
        .map(|cell| {
            let median = &cell.median;
            vec![
                cell.way.to_owned(),
                cell.connections.to_string(),
                number(Some(median.load.per_second), 0),
                number(Some(median.load.p50_us), 0),
                number(Some(median.load.p99_us), 0),
                number(Some(median.forwarded * 100.0), 0),
                number(median.cpu_us_per_request, 1),
                number(median.rss_kib.map(|kib| kib as f64 / 1024.0), 1),
            ]
        })
        .collect();
    let header =
        ["way", "connections", "req/s", "p50 µs", "p99 µs", "forwarded %", "CPU µs/req", "RSS MiB"];
    println!("\n{}", table::render(&header, &rows));

    let rows: Vec<Vec<String>> = compared(cells)
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            vec![
                row["connections"].to_string(),
                number(row["throughput_gate_to_nginx"].as_f64(), 2),
                number(row["cpu_gate_to_nginx"].as_f64(), 2),
                number(row["added_p50_us_gate"].as_f64(), 0),
                number(row["added_p50_us_nginx"].as_f64(), 0),
            ]
        })
        .collect();
    let header =
        ["connections", "req/s gate/nginx", "CPU gate/nginx", "p50 + µs gate", "p50 + µs nginx"];
    println!("{}", table::render(&header, &rows));
}

fn print_memory(points: &[Value]) {
    let mib = |point: Option<&Value>| {
        point.and_then(|point| point["rss_kib"].as_f64()).unwrap_or_default() / 1024.0
    };
    let most = points.iter().map(|point| mib(Some(point))).fold(0.0, f64::max);
    println!(
        "memory of the gate over {} more requests: {:.1} MiB before, {:.1} MiB after, {most:.1} MiB at most\n",
        points.last().map(|point| point["requests"].to_string()).unwrap_or_default(),
        mib(points.first()),
        mib(points.last()),
    );
}
