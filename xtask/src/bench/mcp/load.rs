//! The same call, again and again, by some clients at once.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::servers::Server;
use crate::bench::usage;
use crate::bench::waits::percentile;

/// What came of it.
pub(super) struct Load {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Processor time of the server for one call.
    pub(super) cpu_us: f64,
}

/// Has so many clients call, each on a connection of its own, for so long.
pub(super) fn run(server: &Server, clients: usize, time: Duration, ticks: f64) -> Result<Load> {
    let page = server.page();
    let params = json!({ "name": "API-retrieve-a-page", "arguments": { "page_id": page } });
    let expected = format!("\\\"id\\\":\\\"{page}\\\"");
    let mut open = Vec::new();
    for _ in 0..clients {
        let mut client = server.connect()?;
        client.call(&params, &expected)?;
        open.push(client);
    }
    let begin = Barrier::new(clients + 1);
    let (waits, cpu_us, elapsed) = thread::scope(|scope| {
        let callers: Vec<_> = open
            .into_iter()
            .map(|mut client| {
                let (begin, params, expected) = (&begin, &params, &expected);
                scope.spawn(move || -> Result<Vec<f64>> {
                    begin.wait();
                    let (begun, mut waits) = (Instant::now(), Vec::new());
                    while begun.elapsed() < time {
                        let sent = Instant::now();
                        client.call(params, expected)?;
                        waits.push(sent.elapsed().as_secs_f64() * 1e3);
                    }
                    Ok(waits)
                })
            })
            .collect();
        let before = usage::of(server.id(), ticks)?;
        begin.wait();
        let begun = Instant::now();
        let mut all = Vec::new();
        for caller in callers {
            all.extend(caller.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        let elapsed = begun.elapsed();
        let after = usage::of(server.id(), ticks)?;
        anyhow::Ok((all, after.cpu_us - before.cpu_us, elapsed))
    })
    .with_context(|| format!("{clients} clients of {}", server.name()))?;
    let mut sorted = waits;
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    Ok(Load {
        per_second: count / elapsed.as_secs_f64(),
        p50_ms: percentile(&sorted, 0.5),
        p99_ms: percentile(&sorted, 0.99),
        cpu_us: cpu_us / count,
    })
}
