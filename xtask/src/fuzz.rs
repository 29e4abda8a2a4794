//! `cargo xtask fuzz`: requests of all sorts to every route of the sandbox, for as long as one likes; and
//! `cargo xtask fuzz callback`, `… webhooks`: nonsense at the routes of the gate that are open to
//! everybody; `… ledger`: damaged exports for their reader; and `cargo xtask fuzz views`: twin worlds that must
//! look the same to a scoped key.
//!
//! Never a panic, a 5xx, a hang, or an answer in another shape than Notion's. A failure says the
//! seed: `--seed` plays it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use referee::fuzz::{Fuzzer, Request};
use sandbox::{Options, Sandbox};
use serde_json::Value;
use tower::ServiceExt;

use crate::args::{Args, Usage};
use crate::process;

/// Requests to one sandbox, before a fresh one takes over.
const ROUND: usize = 2000;
/// A request that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tests of the gate that go on for as long as they are told: what is typed, the test.
const OF_THE_GATE: [(&str, &str); 3] = [
    ("callback", "install::fuzz::"),
    ("ledger", "ledger_fuzz::"),
    ("webhooks", "webhooks::fuzz::"),
];

/// Runs the command; `false` says that something broke.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    if let Some(word) = args.word() {
        if word == "views" {
            return views(args);
        }
        let found = OF_THE_GATE.iter().find(|(name, _)| *name == word);
        let (_, test) =
            found.ok_or_else(|| Usage(format!("nothing to fuzz is called `{word}`")))?;
        return of_the_gate(args, test);
    }
    let seconds: u64 = args.value("--seconds")?.unwrap_or(60);
    let only: Option<u64> = args.value("--seed")?;
    args.finish()?;
    let started = Instant::now();
    let mut seed = only.unwrap_or(1);
    let mut successes = 0;
    let mut requests = 0;
    loop {
        match round(seed)? {
            Ok(count) => successes += count,
            Err(failure) => {
                println!("seed {seed}: {failure}");
                println!("again: cargo xtask fuzz --seed {seed}");
                return Ok(false);
            }
        }
        requests += ROUND;
        println!(
            "{:>4} s  seed {seed}: {requests} requests, {successes} of them succeeded",
            started.elapsed().as_secs()
        );
        if only.is_some() || started.elapsed().as_secs() >= seconds {
            return Ok(true);
        }
        seed += 1;
    }
}

/// Runs one test of the testkit for longer than usual.
fn of_the_gate(mut args: Args, test: &str) -> Result<bool> {
    let seconds: u64 = args.value("--seconds")?.unwrap_or(60);
    let seed: Option<u64> = args.value("--seed")?;
    args.finish()?;
    let mut command = process::cargo();
    command.args([
        "test",
        "--package",
        "notegate-testkit",
        "--test",
        "it",
        "--",
        "--nocapture",
        test,
    ]);
    command.env("NOTEGATE_FUZZ_SECONDS", seconds.to_string());
    if let Some(seed) = seed {
        command.env("NOTEGATE_FUZZ_SEED", seed.to_string());
    }
    println!("    $ {}", process::line(&command));
    Ok(command.status().context("cannot run cargo")?.success())
}

/// Runs the test of twin worlds for as many sequences as are wanted.
fn views(mut args: Args) -> Result<bool> {
    let sequences: u64 = args.value("--sequences")?.unwrap_or(100_000);
    let seed: u64 = args.value("--seed")?.unwrap_or(0);
    args.finish()?;
    let mut command = process::cargo();
    // Optimised, with the checks of a debug build; it has a directory of its own in `target`.
    command.args(["test", "--profile", "fuzz", "--package", "notegate-testkit", "--test", "views"]);
    command.args(["--", "--nocapture", "two_worlds"]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    command.env("NOTEGATE_FUZZ_WORKERS", cores.to_string());
    command.env("NOTEGATE_FUZZ_SEQUENCES", sequences.to_string());
    command.env("NOTEGATE_FUZZ_SEED", seed.to_string());
    println!("    $ {}", process::line(&command));
    Ok(command.status().context("cannot run cargo")?.success())
}

/// One sandbox, one seed: how many requests succeeded, or what broke.
fn round(seed: u64) -> Result<Result<usize, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (router, demo) = Sandbox::router(&Options::default())?;
    let demo = demo.context("the demo workspace says nothing of itself")?;
    let ids = [
        ("page", demo.root_page_id),
        ("page", demo.team_page_id),
        ("page", demo.other_page_id),
        ("database", demo.database_id),
        ("data_source", demo.data_source_id),
    ];
    let tokens = demo.tokens;
    let mut fuzzer = Fuzzer::new(
        seed,
        vec![tokens.full.clone(), tokens.full, tokens.reader, tokens.writer],
        ids.map(|(kind, id)| (kind.to_owned(), id.to_string())).to_vec(),
    );
    let mut successes = 0;
    for index in 0..ROUND {
        let request = fuzzer.request();
        let told = |what: &str| {
            format!(
                "request {index}: {what}\n{} {}\n{:?}\n{}",
                request.method,
                request.path,
                request.headers,
                String::from_utf8_lossy(&request.body)
            )
        };
        let asked = Instant::now();
        let answered = catch_unwind(AssertUnwindSafe(|| runtime.block_on(ask(&router, &request))));
        let (status, answer) = match answered {
            Ok(answered) => answered?,
            Err(_) => return Ok(Err(told("panicked"))),
        };
        if asked.elapsed() > PATIENCE {
            return Ok(Err(told(&format!("took {:?}", asked.elapsed()))));
        }
        if let Err(what) = Fuzzer::check(&request, status, &answer) {
            return Ok(Err(told(&what)));
        }
        successes += usize::from(status == 200);
        fuzzer.learn(&answer);
    }
    Ok(Ok(successes))
}

async fn ask(router: &Router, request: &Request) -> Result<(u16, Value)> {
    let mut made = http::Request::builder().method(request.method).uri(&request.path);
    for (name, value) in &request.headers {
        made = made.header(name, value);
    }
    let made = made.body(Body::from(request.body.clone()))?;
    let response = router.clone().oneshot(made).await?;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text())))
}
