//! `notegate workspaces access`: what a connection reaches, as a list, a tree, JSON or a report, and
//! compared with what it reached before or ought to reach.

mod baseline;
mod document;
mod draw;
mod progress;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use gate::{AccessReport, Compared, compare};
use http::Method;
use serde_json::Value;

use crate::Done;
use crate::data_dir::write_private;
use crate::failure::Failure;
use crate::local::{Local, Where, encoded};
use crate::term::{Style, table};

/// What to show, and with what to compare it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// The connection, by its bot's id; not needed where there is only one
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// As a tree
    #[arg(long, conflicts_with = "json")]
    tree: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Write a readable report: FILE.md or FILE.html
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Compare with an audit that was saved, or with a JSON list of ids: exit 1 if they differ
    #[arg(long, value_name = "FILE", conflicts_with = "since_last")]
    baseline: Option<PathBuf>,
    /// Compare with the audit before: exit 1 if they differ
    #[arg(long)]
    since_last: bool,
    /// Keep the audit in a file, for `--baseline`; only its owner can read it
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Show the last audit instead of asking Notion
    #[arg(long, conflicts_with_all = ["since_last", "history"])]
    last: bool,
    /// List the audits that are kept
    #[arg(long, conflicts_with_all = ["tree", "report", "baseline", "since_last", "save"])]
    history: bool,
}

pub(crate) async fn run(args: Args) -> Done {
    // What is wrong with the files is said before Notion is asked a hundred questions.
    let baseline = args.baseline.as_deref().map(baseline::read).transpose()?;
    let format = args.report.as_deref().map(document::Format::of).transpose()?;
    let local = Local::find_with_notion(&args.place).await?;
    let query = args
        .connection
        .as_deref()
        .map_or_else(String::new, |id| format!("?connection={}", encoded(id)));
    if args.history {
        let listed = local.json(Method::GET, &format!("/api/v1/access/audits{query}"), None).await;
        local.close().await;
        return history(&listed?, args.json);
    }
    let report = if args.last {
        let found = local.json(Method::GET, &format!("/api/v1/access/last{query}"), None).await;
        found.and_then(|value| serde_json::from_value(value).map_err(Failure::could_not))
    } else {
        progress::audit(&local, &format!("/api/v1/access{query}")).await
    };
    local.close().await;
    let mut report = report?;
    if let Some(baseline) = &baseline {
        if baseline.connection().is_some_and(|id| id != report.connection) {
            eprintln!("notegate: the baseline is of another connection");
        }
        report.compared = Some(baseline.compare(&report));
    }
    if let Some(path) = &args.save {
        let saved = AccessReport { compared: None, ..report.clone() };
        let text = serde_json::to_string(&saved).map_err(Failure::could_not)? + "\n";
        write(path, &text)?;
    }
    if let (Some(path), Some(format)) = (&args.report, format) {
        write(path, &format.write(&report))?;
    }
    let wanted = args.baseline.is_some() || args.since_last;
    show(&args, &report, wanted)?;
    let differs = report.compared.as_ref().is_some_and(|compared| !compared.is_equal());
    Ok(if wanted && differs { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn show(args: &Args, report: &AccessReport, compares: bool) -> Result<(), Failure> {
    let style = Style::of_stdout();
    if args.json {
        let text = serde_json::to_string(report).map_err(Failure::could_not)?;
        return draw::print(&format!("{text}\n"));
    }
    let mut text = format!("Integration has access to {} objects:\n", report.total);
    text += &if args.tree { draw::tree(report, style) } else { draw::list(report, style) };
    for note in &report.notes {
        text += &format!("\nNote: {note}.\n");
    }
    match &report.compared {
        Some(compared) if compares || !compared.is_equal() => {
            text += "\n";
            text += &draw::changes(compared, style);
        }
        None if compares => {
            text += "\nThis is the first audit: there is nothing to compare it with yet.\n";
        }
        Some(_) | None => {}
    }
    draw::print(&text)
}

fn history(listed: &Value, as_json: bool) -> Done {
    if as_json {
        draw::print(&format!("{listed}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        println!("No audit was made yet. `notegate workspaces access` makes one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = items.iter().map(|item| {
        vec![item["at"].as_str().unwrap_or_default().to_owned(), item["total"].to_string()]
    });
    print!("{}", table(&["MADE (UTC)", "OBJECTS"], rows));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    write_private(path, text)
        .with_context(|| format!("{} cannot be written", path.display()))
        .map_err(Failure::could_not)?;
    eprintln!("{} written", path.display());
    Ok(())
}
