//! `cargo xtask bench scope`: what a scope costs, operation by operation.
//!
//! One gate in front of its sandbox, one key that reaches everything and one that reaches the team's page
//! and what lies below. Each operation is asked by both in turn, over one connection each, so that both
//! waited on the same machine in the same state. Notion's part of the waiting is the sandbox's, which is
//! far quicker: what a scope adds is the difference. The sandbox also tells how many requests it
//! got for one of the gate's: beyond one, a scope costs a team's request budget.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::machine;
use super::waits::{Client, Request, percentile};
use crate::args::{Args, Usage};
use crate::process::{self, Background};
use crate::{http, table, workspace};

const START: Duration = Duration::from_secs(60);
/// Requests whose cost at Notion is counted.
const COUNTED: usize = 20;

struct Options {
    json: Option<PathBuf>,
    requests: usize,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self, Usage> {
        let options = Self {
            json: args.value("--json")?,
            requests: args.value("--requests")?.unwrap_or(1000),
            binary: args.value("--binary")?,
        };
        args.finish()?;
        if options.requests < 10 {
            return Err(Usage("at least 10 requests".to_owned()));
        }
        Ok(options)
    }
}

/// What one operation costs, with and without a scope.
struct Cost {
    operation: &'static str,
    /// Milliseconds, sorted.
    everything: Vec<f64>,
    scoped: Vec<f64>,
    /// Requests to Notion for one of the scoped key's.
    upstream: f64,
}

/// Starts the gate, asks, prints.
pub(super) fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    let notegate = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?
        }
        None => process::build_notegate("dist")?,
    };
    let directory = workspace::empty("bench-scope")?;
    let gate = Gate::start(&notegate, &directory)?;
    let mut everything = Client::connect(&gate.url, &gate.key("everything", &[])?)?;
    let mut scoped =
        Client::connect(&gate.url, &gate.key("scoped", &[&gate.demo("team_page_id")?])?)?;
    let mut costs = Vec::new();
    for (operation, request) in gate.requests()? {
        let mut cost =
            Cost { operation, everything: Vec::new(), scoped: Vec::new(), upstream: 0.0 };
        // The first look at a place is paid once; what is measured is every day after.
        scoped.send(&request).context(operation)?;
        for _ in 0..options.requests {
            cost.everything.push(everything.send(&request).context(operation)?);
            cost.scoped.push(scoped.send(&request).context(operation)?);
        }
        cost.everything.sort_by(f64::total_cmp);
        cost.scoped.sort_by(f64::total_cmp);
        gate.forget_calls()?;
        for _ in 0..COUNTED {
            scoped.send(&request).context(operation)?;
        }
        cost.upstream = gate.calls()? as f64 / COUNTED as f64;
        costs.push(cost);
    }
    print(&costs, options.requests);
    if let Some(path) = &options.json {
        let operations: Value = costs.iter().map(Cost::record).collect();
        let report = json!({
            "on": machine::describe(&notegate)?,
            "requests": options.requests,
            "operations": operations,
        });
        fs::write(path, format!("{report:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

impl Cost {
    /// Microseconds that the scope adds, at a share of the requests.
    fn added(&self, share: f64) -> f64 {
        (percentile(&self.scoped, share) - percentile(&self.everything, share)) * 1e3
    }

    fn record(&self) -> Value {
        json!({
            "operation": self.operation,
            "everything_p50_ms": percentile(&self.everything, 0.5),
            "scoped_p50_ms": percentile(&self.scoped, 0.5),
            "added_p50_us": self.added(0.5),
            "everything_p99_ms": percentile(&self.everything, 0.99),
            "scoped_p99_ms": percentile(&self.scoped, 0.99),
            "requests_to_notion": self.upstream,
        })
    }
}

fn print(costs: &[Cost], requests: usize) {
    println!("{requests} requests by each key; {} cores\n", machine::cores());
    let rows: Vec<Vec<String>> = costs
        .iter()
        .map(|cost| {
            vec![
                cost.operation.to_owned(),
                format!("{:.3}", percentile(&cost.everything, 0.5)),
                format!("{:.3}", percentile(&cost.scoped, 0.5)),
                format!("{:.0}", cost.added(0.5)),
                format!("{:.2}", cost.upstream),
            ]
        })
        .collect();
    let header =
        ["operation", "everything p50 ms", "scoped p50 ms", "added µs", "Notion's requests"];
    print!("{}", table::render(&header, &rows));
}

/// A gate with its sandbox.
struct Gate {
    process: Background,
    url: String,
    ready: Value,
}

impl Gate {
    fn start(notegate: &Path, directory: &Path) -> Result<Self> {
        let ready_file = directory.join("ready.json");
        let mut command = Command::new(notegate);
        process::clean_environment(&mut command);
        command
            .args(["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .env("NOTEGATE_LOG", "warn");
        let mut process = Background::start("notegate", &command, directory.join("notegate.log"))?;
        let ready: Value = process::wait_for(&mut process, START, || {
            serde_json::from_str(&fs::read_to_string(&ready_file).ok()?).ok()
        })?;
        let url = text(&ready, "/url")?;
        Ok(Self { process, url, ready })
    }

    fn demo(&self, name: &str) -> Result<String> {
        text(&self.ready, &format!("/sandbox/demo/{name}"))
    }

    /// Makes a viewer's key.
    fn key(&self, name: &str, within: &[&str]) -> Result<String> {
        let admin = text(&self.ready, "/admin_key")?;
        let wanted = json!({ "name": name, "role": "viewer", "within": within });
        let url = format!("{}/api/v1/keys", self.url);
        let made = http::send("POST", &url, Some(&admin), Some(&wanted));
        let made = made.with_context(|| format!("log of notegate:\n{}", self.process.log()))?;
        text(&serde_json::from_str(&made)?, "/key")
    }

    /// One request of each operation that is asked often.
    fn requests(&self) -> Result<Vec<(&'static str, Request)>> {
        let (page, database) = (self.demo("team_page_id")?, self.demo("database_id")?);
        let source = self.demo("data_source_id")?;
        let get = |path: String| Request { method: "GET", path, body: Value::Null };
        let post = |path: String, body| Request { method: "POST", path, body };
        Ok(vec![
            ("retrieve-a-page", get(format!("/v1/pages/{page}"))),
            ("retrieve-page-markdown", get(format!("/v1/pages/{page}/markdown"))),
            ("get-block-children", get(format!("/v1/blocks/{page}/children"))),
            ("retrieve-a-database", get(format!("/v1/databases/{database}"))),
            ("retrieve-a-data-source", get(format!("/v1/data_sources/{source}"))),
            ("query-data-source", post(format!("/v1/data_sources/{source}/query"), json!({}))),
            ("list-views", get(format!("/v1/views?database_id={database}"))),
            ("retrieve-a-comment", get(format!("/v1/comments?block_id={page}"))),
            ("post-search", post("/v1/search".to_owned(), json!({}))),
            ("get-users", get("/v1/users".to_owned())),
            ("get-self", get("/v1/users/me".to_owned())),
        ])
    }

    fn control(&self, method: &str) -> Result<String> {
        let url = format!("{}/_sandbox/calls", text(&self.ready, "/sandbox/url")?);
        http::send(method, &url, None, None)
    }

    fn forget_calls(&self) -> Result<()> {
        self.control("DELETE").map(drop)
    }

    /// How many requests the sandbox got since they were forgotten.
    fn calls(&self) -> Result<usize> {
        let calls: Vec<Value> = serde_json::from_str(&self.control("GET")?)?;
        Ok(calls.len())
    }
}

fn text(value: &Value, at: &str) -> Result<String> {
    let text = value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    text.with_context(|| format!("no text at {at} in {value}"))
}
