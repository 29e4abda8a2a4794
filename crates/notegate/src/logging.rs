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

/// Begins to log as the settings say, and gives the sink that writes a line for each ledger entry.
pub(crate) fn begin(settings: &Settings) -> Result<EntrySink, Failure> {
    let filter = settings.text("NOTEGATE_LOG").unwrap_or("info");
    let parsed = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(anyhow!("NOTEGATE_LOG `{filter}` is no log filter: {error}"))
    })?;
    let json = match settings.text("NOTEGATE_LOG_FORMAT").unwrap_or("auto") {
        "auto" => !std::io::stderr().is_terminal(),
        "json" => true,
        "text" => false,
        other => {
            return Err(Failure::usage(anyhow!(
                "NOTEGATE_LOG_FORMAT must be auto, text or json, and is `{other}`"
            )));
        }
    };
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
