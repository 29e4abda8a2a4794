//! `cargo xtask bench webhooks`: how long Notion waits for an answer to an event, while the work that
//! events cause hangs, and how fast they are worked once it does not.
//!
//! The real program in front of the real sandbox, whose `retrieve-a-page` is told to take long. Signed
//! events of many pages are sent over several connections, each the next as soon as the last is
//! answered; an answer comes after the event is on the disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use notion::webhook::Signature;
use serde_json::{Value, json};

use super::machine;
use super::waits::percentile;
use crate::args::{Args, Usage};
use crate::process::{self, Background};
use crate::{http, table, workspace};

const START: Duration = Duration::from_secs(60);
/// For working all events off, once nothing hangs any more.
const WORKED: Duration = Duration::from_secs(600);

struct Options {
    json: Option<PathBuf>,
    events: usize,
    connections: usize,
    pages: usize,
    sleep: u64,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self, Usage> {
        let options = Self {
            json: args.value("--json")?,
            events: args.value("--events")?.unwrap_or(5000),
            connections: args.value("--connections")?.unwrap_or(8),
            pages: args.value("--pages")?.unwrap_or(500),
            sleep: args.value("--sleep")?.unwrap_or(10),
            binary: args.value("--binary")?,
        };
        args.finish()?;
        if options.events < 100 || options.connections == 0 || options.pages == 0 {
            return Err(Usage("at least 100 events, one connection, one page".to_owned()));
        }
        Ok(options)
    }
}

pub(super) fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    let notegate = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?
        }
        None => process::build_notegate("dist")?,
    };
    let directory = workspace::empty("bench-webhooks")?;
    let mut gate = start(&notegate, &directory)?;
    let ready: Value = process::wait_for(&mut gate, START, || {
        let text = std::fs::read(directory.join("ready.json")).ok()?;
        serde_json::from_slice(&text).ok()
    })?;
    let text = |pointer: &str| {
        let text = ready.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned).with_context(|| format!("the ready file has no {pointer}"))
    };
    let (url, key, control) = (text("/url")?, text("/admin_key")?, text("/sandbox/control_url")?);
    let api = |method: &str, path: &str| -> Result<Value> {
        let answer = http::send(method, &format!("{url}{path}"), Some(&key), None)?;
        Ok(serde_json::from_str(&answer)?)
    };

    api("POST", "/api/v1/webhooks/pairing")?;
    let hook = json!({ "url": format!("{url}/webhooks/notion") });
    let made = http::send("POST", &format!("{control}/webhooks"), None, Some(&hook))?;
    let made: Value = serde_json::from_str(&made)?;
    let token = made["verification_token"].as_str().context("the handshake failed")?.to_owned();
    let fault = json!({
        "match": { "operation": "retrieve-a-page" }, "latency_ms": options.sleep * 1000,
    });
    http::send("POST", &format!("{control}/faults"), None, Some(&fault))?;
    let events = events(&options, &token, &text("/sandbox/workspace_id")?);

    let begun = Instant::now();
    let waits = send_all(&url, &events, options.connections)?;
    let took = begun.elapsed();
    http::send("DELETE", &format!("{control}/faults"), None, None)?;
    let begun = Instant::now();
    while !api("GET", "/api/v1/webhooks/events?state=new&limit=1")?["items"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        ensure!(begun.elapsed() < WORKED, "the events are not worked off");
        thread::sleep(Duration::from_millis(100));
    }
    let worked = begun.elapsed();
    let dead = api("GET", "/api/v1/webhooks/events?state=dead&limit=1")?;
    ensure!(dead["items"] == json!([]), "events were given up: {dead}");

    let rate = waits.len() as f64 / took.as_secs_f64();
    let share = |share| percentile(&waits, share);
    println!(
        "{} signed events of {} pages over {} connections, each look at a page hanging for {} s; {} cores",
        waits.len(),
        options.pages,
        options.connections,
        options.sleep,
        machine::cores()
    );
    let row = [0.5, 0.9, 0.99, 1.0].map(|part| format!("{:.2}", share(part))).to_vec();
    print!("{}", table::render(&["p50 ms", "p90 ms", "p99 ms", "most ms"], &[row]));
    println!(
        "{rate:.0} events/s answered; all worked {:.1} s after the hanging ended",
        worked.as_secs_f64()
    );
    if let Some(path) = &options.json {
        let report = json!({
            "on": machine::describe(&notegate)?,
            "events": waits.len(), "pages": options.pages, "connections": options.connections,
            "sleep_s": options.sleep, "per_s": rate,
            "p50_ms": share(0.5), "p99_ms": share(0.99), "max_ms": share(1.0),
            "worked_after_s": worked.as_secs_f64(),
        });
        std::fs::write(path, format!("{report:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    drop(gate);
    Ok(())
}

fn start(notegate: &Path, directory: &Path) -> Result<Background> {
    let mut command = Command::new(notegate);
    command.args(["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(directory.join("data")).arg("--ready-file").arg(directory.join("ready.json"));
    command.env("NOTEGATE_WEBHOOK_SIGNED_RATE", "100000000").env("NOTEGATE_LOG", "warn");
    Background::start("notegate", &command, directory.join("gate.log"))
}

/// Requests, ready to be sent.
fn events(options: &Options, token: &str, workspace: &str) -> Vec<Vec<u8>> {
    let token = token.to_owned().into();
    let id = |kind: usize, number: usize| format!("00000000-0000-4000-8{kind:03x}-{number:012x}");
    let one = |number: usize| {
        let body = json!({
            "id": id(1, number),
            "timestamp": format!("2026-11-21T10:{:02}:{:02}.000Z", number / 60 % 60, number % 60),
            "workspace_id": workspace,
            "type": "page.content_updated",
            "entity": { "id": id(2, number % options.pages), "type": "page" },
            "data": { "updated_blocks": [], "parent": { "id": id(3, 0), "type": "page" } },
        });
        let body = body.to_string();
        let signature = Signature::of(&token, body.as_bytes()).to_header();
        let head = format!(
            "POST /webhooks/notion HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n\
             x-notion-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        (head + &body).into_bytes()
    };
    (0..options.events).map(one).collect()
}

/// Sends them over so many connections; gives the waits in milliseconds, sorted.
fn send_all(url: &str, events: &[Vec<u8>], connections: usize) -> Result<Vec<f64>> {
    let address = url.strip_prefix("http://").context("the gate has an http:// URL")?;
    let share = events.len().div_ceil(connections);
    let waits: Vec<Result<Vec<f64>>> = thread::scope(|scope| {
        let senders: Vec<_> = events
            .chunks(share)
            .map(|events| scope.spawn(move || send_some(address, events)))
            .collect();
        let ended = senders.into_iter().map(|sender| sender.join());
        ended.map(|ended| ended.unwrap_or_else(|_| anyhow::bail!("a sender panicked"))).collect()
    });
    let mut all = Vec::with_capacity(events.len());
    for waits in waits {
        all.extend(waits?);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

fn send_some(address: &str, events: &[Vec<u8>]) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(START))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut waits = Vec::with_capacity(events.len());
    for event in events {
        let begun = Instant::now();
        stream.write_all(event)?;
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 200"), "an event was answered {line}");
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        waits.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(waits)
}
