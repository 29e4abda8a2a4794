//! Has the gate make an audit, and shows on a terminal how far it is.

use std::time::Duration;

use anyhow::{Context, anyhow};
use gate::{AccessItem, AccessReport};
use http_body_util::BodyExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use super::Failure;
use crate::local::Local;

/// The longest line that is taken.
const LINE_MAX: usize = 16 * 1024 * 1024;

/// A line of the answer; one of these.
#[derive(Deserialize)]
struct Line {
    progress: Option<Progress>,
    item: Option<AccessItem>,
    summary: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Progress {
    objects: usize,
    lookups: usize,
    lookups_left: usize,
    waiting: Option<u64>,
}

/// Asks for an audit at `path`, and reads it line by line.
pub(super) async fn audit(local: &Local, path: &str) -> Result<AccessReport, Failure> {
    let answer = local.send_for_lines(path).await?;
    let status = answer.status();
    let mut body = answer.into_body();
    if !status.is_success() {
        let bytes = body.collect().await.map_err(Failure::could_not)?.to_bytes();
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        return Err(failure(status.as_u16(), &problem));
    }
    let bar = bar();
    let (mut items, mut summary, mut rest) = (Vec::new(), None, Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the gate broke off").map_err(Failure::could_not)?;
        let Ok(bytes) = frame.into_data() else { continue };
        rest.extend_from_slice(&bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Line = serde_json::from_slice(&rest[..end])
                .context("the gate's answer is none of an audit")
                .map_err(Failure::could_not)?;
            rest.drain(..=end);
            if let Some(progress) = line.progress {
                tell(&bar, &progress);
            }
            items.extend(line.item);
            summary = line.summary.or(summary);
            if let Some(problem) = line.error {
                bar.finish_and_clear();
                return Err(failure(502, &problem));
            }
        }
        if rest.len() > LINE_MAX {
            return Err(Failure::could_not(anyhow!("the gate's answer has a line without an end")));
        }
    }
    bar.finish_and_clear();
    let broken = || Failure::could_not(anyhow!("the gate broke off before the audit was done"));
    let mut summary = summary.ok_or_else(broken)?;
    summary["items"] = Value::Array(Vec::new());
    let mut report: AccessReport = serde_json::from_value(summary).map_err(Failure::could_not)?;
    report.items = items;
    Ok(report)
}

/// Wrong usage is the caller's; everything else could not be done.
fn failure(status: u16, problem: &Value) -> Failure {
    let detail = problem["detail"].as_str().unwrap_or("the gate refused").to_owned();
    match status {
        400 | 401 | 403 | 404 => Failure::usage(anyhow!(detail)),
        _ => Failure::could_not(anyhow!(detail)),
    }
}

/// On standard error, and only where somebody looks.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message("asking Notion");
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn tell(bar: &ProgressBar, progress: &Progress) {
    let Progress { objects, lookups, lookups_left, waiting } = progress;
    let blocks = match lookups + lookups_left {
        0 => String::new(),
        all => format!(", {lookups} of {all} places looked up"),
    };
    let wait =
        waiting.map_or_else(String::new, |seconds| format!("; Notion says to wait {seconds} s"));
    bar.set_message(format!("{objects} objects{blocks}{wait}"));
}
