//! `cargo xtask bench sandbox`: how large a workspace the sandbox holds, and how fast it answers.
//!
//! A made-up workspace of 10,000 rows in one table, each a page with 100 blocks, is written to a
//! file and loaded by the real program. One client on one connection then asks, one request at a
//! time: what it waits is what a test of somebody's Notion code waits.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::waits::{Client, Request, percentile};
use super::{machine, usage, world};
use crate::args::{Args, Usage};
use crate::process::{self, Background};
use crate::{http, table, workspace};

/// How long the sandbox may take to load the world.
const START: Duration = Duration::from_secs(300);

/// What was asked for on the command line.
struct Options {
    json: Option<PathBuf>,
    pages: usize,
    blocks: usize,
    requests: usize,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self, Usage> {
        let options = Self {
            json: args.value("--json")?,
            pages: args.value("--pages")?.unwrap_or(10_000),
            blocks: args.value("--blocks")?.unwrap_or(100),
            requests: args.value("--requests")?.unwrap_or(1000),
            binary: args.value("--binary")?,
        };
        args.finish()?;
        if options.pages < 200 || options.requests < 100 {
            return Err(Usage("at least 200 pages and 100 requests".to_owned()));
        }
        Ok(options)
    }
}

/// A kind of request: its name, how many times fewer than the others it is sent, and how to make
/// the one of a number.
type Probe<'a> = (&'static str, usize, Box<dyn Fn(usize) -> Request + 'a>);

/// Makes the world, loads it, asks, prints.
pub(super) fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    let notegate = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?
        }
        None => process::build_notegate("dist")?,
    };
    let directory = workspace::empty("bench-sandbox")?;
    let file = directory.join("world.json");
    let out = BufWriter::new(File::create(&file)?);
    let made = world::write(out, options.pages, options.blocks)?;
    let size = std::fs::metadata(&file)?.len();

    let (sandbox, url, load) = start(&notegate, &directory, &file)?;
    let ticks = usage::ticks_per_second()?;
    let loaded = usage::of(sandbox.id(), ticks)?;
    let peak = usage::peak_kib(sandbox.id())?;
    println!(
        "{} pages of {} blocks, {} MB of JSON; {} cores",
        options.pages,
        options.blocks,
        size / 1_000_000,
        machine::cores()
    );
    println!(
        "loaded in {:.2} s; {} MiB resident, {} MiB at most\n",
        load.as_secs_f64(),
        loaded.rss_kib / 1024,
        peak / 1024
    );
    let results = probe(&url, &made, options.requests)?;
    let rows: Vec<Vec<String>> = results
        .iter()
        .map(|(name, times)| {
            let ms = |share| format!("{:.2}", percentile(times, share));
            vec![(*name).to_owned(), times.len().to_string(), ms(0.5), ms(0.99)]
        })
        .collect();
    print!("{}", table::render(&["request", "times", "p50 ms", "p99 ms"], &rows));
    let after = usage::of(sandbox.id(), ticks)?;
    println!("\n{} MiB resident afterwards", after.rss_kib / 1024);
    if let Some(path) = &options.json {
        let requests: Value = results
            .iter()
            .map(|(name, times)| {
                json!({
                    "request": name,
                    "times": times.len(),
                    "p50_ms": percentile(times, 0.5),
                    "p99_ms": percentile(times, 0.99),
                })
            })
            .collect();
        let report = json!({
            "on": machine::describe(&notegate)?,
            "pages": options.pages,
            "blocks_per_page": options.blocks,
            "json_bytes": size,
            "load_s": load.as_secs_f64(),
            "rss_kib": loaded.rss_kib,
            "rss_peak_kib": peak,
            "rss_after_kib": after.rss_kib,
            "requests": requests,
        });
        std::fs::write(path, format!("{report:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    drop(sandbox);
    std::fs::remove_file(&file)?;
    Ok(())
}

/// Starts the sandbox; gives its URL and how long it took to serve.
fn start(notegate: &Path, directory: &Path, seed: &Path) -> Result<(Background, String, Duration)> {
    let port = process::free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(notegate);
    command.args(["sandbox", "serve", "--listen", &format!("127.0.0.1:{port}"), "--seed"]);
    command.arg(seed);
    let begun = Instant::now();
    let mut sandbox = Background::start("sandbox", &command, directory.join("sandbox.log"))?;
    let health = format!("{url}/_sandbox/health");
    process::wait_for(&mut sandbox, START, || http::send("GET", &health, None, None).ok())?;
    Ok((sandbox, url, begun.elapsed()))
}

/// Sends every kind of request; gives the waits in milliseconds, sorted.
fn probe(url: &str, made: &world::Made, times: usize) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let source = made.source.clone();
    let page = |index: usize| made.pages[index * 7919 % made.pages.len()].clone();
    let query = move |body: Value| Request {
        method: "POST",
        path: format!("/v1/data_sources/{source}/query"),
        body,
    };
    let filter = |index: usize| {
        let stage = ["Planned", "Doing", "Done"][index % 3];
        json!({"and": [
            {"property": "Stage", "select": {"equals": stage}},
            {"property": "Effort", "number": {"greater_than": index % 10}},
        ]})
    };
    let get = |path: String| Request { method: "GET", path, body: Value::Null };
    let probes: Vec<Probe> = vec![
        ("retrieve a page", 1, Box::new(|index| get(format!("/v1/pages/{}", page(index))))),
        (
            "children of a page, 100 blocks",
            1,
            Box::new(|index| get(format!("/v1/blocks/{}/children", page(index)))),
        ),
        (
            "query with a filter, 1 row shown",
            10,
            Box::new(|index| query(json!({"filter": filter(index), "page_size": 1}))),
        ),
        (
            "query with a filter, 100 rows shown",
            10,
            Box::new(|index| query(json!({"filter": filter(index)}))),
        ),
        (
            "query with a filter and a sort",
            10,
            Box::new(|index| {
                let sorts = json!([{"property": "Name", "direction": "ascending"}]);
                query(json!({"filter": filter(index), "sorts": sorts}))
            }),
        ),
        (
            "search for a title",
            10,
            Box::new(|index| Request {
                method: "POST",
                path: "/v1/search".to_owned(),
                body: json!({"query": format!("Row {index}")}),
            }),
        ),
        (
            "append a paragraph",
            1,
            Box::new(|index| Request {
                method: "PATCH",
                path: format!("/v1/blocks/{}/children", page(index)),
                body: json!({"children": [
                    {"paragraph": {"rich_text": [{"text": {"content": "One more."}}]}},
                ]}),
            }),
        ),
    ];
    let mut client = Client::connect(url, &made.token)?;
    let mut results = Vec::new();
    for (name, fewer, request) in probes {
        let mut waits = Vec::new();
        for index in 0..(times / fewer).max(10) {
            waits.push(client.send(&request(index)).with_context(|| name.to_owned())?);
        }
        waits.sort_by(f64::total_cmp);
        results.push((name, waits));
    }
    Ok(results)
}
