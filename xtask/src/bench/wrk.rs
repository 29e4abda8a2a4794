//! Load, made by wrk.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::machine;
use crate::process;

/// What one run of wrk says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Load {
    /// Answers in all.
    pub(super) requests: f64,
    /// Answers per second.
    pub(super) per_second: f64,
    /// Half of the answers took no longer, in microseconds.
    pub(super) p50_us: f64,
    /// 99 of 100 answers took no longer, in microseconds.
    pub(super) p99_us: f64,
}

/// Loads one URL through so many connections for so long.
pub(super) fn run(url: &str, bearer: &str, connections: usize, time: Duration) -> Result<Load> {
    let threads = connections.min(machine::cores()).min(4).to_string();
    let text = process::output(
        "wrk",
        &[
            "--latency",
            "--timeout",
            "10s",
            "--threads",
            &threads,
            "--connections",
            &connections.to_string(),
            "--duration",
            &format!("{}s", time.as_secs().max(1)),
            "--header",
            &format!("authorization: Bearer {bearer}"),
            "--header",
            "notion-version: 2025-09-03",
            url,
        ],
    )?;
    parse(&text)
}

fn parse(text: &str) -> Result<Load> {
    let trouble = text
        .lines()
        .find(|line| line.contains("Non-2xx or 3xx responses") || line.contains("Socket errors"));
    ensure!(trouble.is_none(), "the answers were not all good:\n{text}");
    let after = |label: &str| {
        let mut lines = text.lines().map(str::trim);
        let value = lines.find_map(|line| line.strip_prefix(label)).map(str::trim);
        value.with_context(|| format!("wrk did not print `{label}`:\n{text}"))
    };
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "));
    let (requests, _) = requests.with_context(|| format!("wrk counted nothing:\n{text}"))?;
    Ok(Load {
        requests: requests.parse().context("wrk's count is no number")?,
        per_second: after("Requests/sec:")?.parse().context("wrk's rate is no number")?,
        p50_us: microseconds(after("50%")?)?,
        p99_us: microseconds(after("99%")?)?,
    })
}

fn microseconds(text: &str) -> Result<f64> {
    let (number, factor) = [("us", 1.0), ("ms", 1e3), ("m", 6e7), ("s", 1e6)]
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))
        .with_context(|| format!("`{text}` is no time"))?;
    let number: f64 = number.parse().with_context(|| format!("`{text}` is no time"))?;
    Ok(number * factor)
}

#[cfg(test)]
mod tests {
    use super::{Load, parse};

    const REPORT: &str = "\
Running 2s test @ http://127.0.0.1:1/
  2 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   331.18us  283.55us   8.50ms   93.09%
    Req/Sec    51.70k     4.32k   60.03k    70.73%
  Latency Distribution
     50%  267.00us
     75%  370.00us
     90%  562.00us
     99%    1.46ms
  210940 requests in 2.10s, 466.87MB read
Requests/sec: 100446.20
Transfer/sec:    222.31MB
";

    #[test]
    fn a_report_is_read() {
        let load =
            Load { requests: 210_940.0, per_second: 100_446.2, p50_us: 267.0, p99_us: 1460.0 };
        assert_eq!(parse(REPORT).unwrap(), load);
    }

    #[test]
    fn refused_requests_are_no_measurement() {
        assert!(parse(&format!("{REPORT}  Non-2xx or 3xx responses: 3\n")).is_err());
    }
}
