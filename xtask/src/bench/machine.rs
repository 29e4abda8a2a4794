//! What a measurement was made on and with.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use crate::process;
use crate::workspace;

/// How many cores this process may use.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Machine, versions and date, for the record.
pub(super) fn describe(notegate: &Path) -> Result<Value> {
    Ok(json!({
        "date": process::output("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])?,
        "commit": commit(),
        "machine": {
            "cores": cores(),
            "cpu": first_value("/proc/cpuinfo", "model name"),
            "memory": first_value("/proc/meminfo", "MemTotal"),
            "kernel": process::output("uname", &["-sr"])?,
        },
        "versions": {
            "notegate": process::output(notegate, &["--version"])?,
            "rustc": process::output("rustc", &["--version"])?,
        },
    }))
}

fn commit() -> Option<String> {
    let root = workspace::root().display().to_string();
    let id = process::output("git", &["-C", &root, "rev-parse", "HEAD"]).ok()?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(id)
}

/// The value after `key :` in a file of `/proc`.
fn first_value(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}
