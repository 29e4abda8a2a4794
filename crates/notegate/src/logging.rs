//! Logs to standard error: text for people, JSON for machines.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anyhow::anyhow;
use gate::EntrySink;
use ledger::Entry;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::settings::Settings;

/// What is wrong with the settings for the log, if anything is.
pub(crate) fn check(settings: &Settings) -> Result<(), String> {
    filter(settings)?;
    is_json(settings).map(drop)
}

fn filter(settings: &Settings) -> Result<EnvFilter, String> {
    let text = settings.text("NOTEGATE_LOG").unwrap_or("info");
    EnvFilter::try_new(text)
        .map_err(|error| format!("NOTEGATE_LOG `{text}` is no log filter: {error}"))
}

fn is_json(settings: &Settings) -> Result<bool, String> {
    match settings.text("NOTEGATE_LOG_FORMAT").unwrap_or("auto") {
        "auto" => Ok(!std::io::stderr().is_terminal()),
        "json" => Ok(true),
        "text" => Ok(false),
        other => Err(format!("NOTEGATE_LOG_FORMAT must be auto, text or json, and is `{other}`")),
    }
}

/// Begins to log as the settings say, and gives the sink that writes a line for each ledger entry.
pub(crate) fn begin(settings: &Settings) -> Result<EntrySink, Failure> {
    let usage = |fault| Failure::usage(anyhow!("{fault}"));
    let (parsed, json) = (filter(settings).map_err(usage)?, is_json(settings).map_err(usage)?);
    let builder = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    // A second call (in tests of one process) keeps the first subscriber.
    let _ = if json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        builder.with_ansi(colour).with_target(true).try_init()
    };
    let wanted = json && tracing::enabled!(target: "audit", tracing::Level::INFO);
    Ok(if wanted { Arc::new(write_entries) } else { Arc::new(|_: &[&Entry]| {}) })
}

#[derive(Serialize)]
struct AuditLine<'a> {
    level: &'static str,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// One line for each entry, all in one write.
fn write_entries(entries: &[&Entry]) {
    let mut lines = Vec::with_capacity(entries.len() * 512);
    for entry in entries {
        // INVARIANT: an entry always has a JSON form, and a vector takes every write.
        serde_json::to_writer(&mut lines, &AuditLine { level: "audit", entry }).expect("JSON");
        lines.push(b'\n');
    }
    // Standard error may be closed; the ledger itself has the entries.
    let _ = std::io::stderr().lock().write_all(&lines);
}
