//! What a process and its children have used, by `/proc`.

use std::fs;

use anyhow::{Context, Result};

use crate::process;

/// Processor time and memory of a group of processes.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    /// Processor time since they started, in microseconds.
    pub(super) cpu_us: f64,
    /// Resident memory, in KiB; pages that several of them share count for each.
    pub(super) rss_kib: u64,
}

/// The usage of a process and its direct children.
pub(super) fn of(id: u32, ticks_per_second: f64) -> Result<Usage> {
    let mut total = Usage::default();
    for id in std::iter::once(id).chain(process::children_of(id)) {
        let stat = read(id, "stat")?;
        // The second field is the name in parentheses and may hold anything.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
        let used = ticks(11).zip(ticks(12)).context("/proc/PID/stat has no times")?;
        total.cpu_us += (used.0 + used.1) / ticks_per_second * 1e6;
        let status = read(id, "status")?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss = rss.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        total.rss_kib += rss.unwrap_or_default();
    }
    Ok(total)
}

/// The most memory that a process ever had resident, in KiB.
pub(super) fn peak_kib(id: u32) -> Result<u64> {
    let status = read(id, "status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|text| text.split_whitespace().next()?.parse().ok());
    peak.context("/proc/PID/status has no VmHWM")
}

/// The unit of the times in `/proc`.
pub(super) fn ticks_per_second() -> Result<f64> {
    let text = process::output("getconf", &["CLK_TCK"])?;
    text.parse().with_context(|| format!("getconf CLK_TCK gave `{text}`"))
}

fn read(id: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{id}/{file}");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}: is process {id} gone?"))
}
