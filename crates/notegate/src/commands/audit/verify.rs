//! `audit verify`: the ledger of an installation, or an export of it without any installation.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use ledger::{Checked, Checkpoint, LINE_MAX, Line, Terms, is_public_key, verify_export};
use serde_json::{Value, json};

use crate::Done;
use crate::failure::Failure;
use crate::local::{Found, Local, Where, block_on, open_failure, open_store};
use crate::term::{Style, printable};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// Check this export (JSON Lines; - is standard input) instead; needs no installation
    #[arg(long, value_name = "EXPORT")]
    file: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere, or an earlier export: the export must go on from there
    #[arg(long, value_name = "FILE", requires = "file")]
    checkpoints: Option<PathBuf>,
    /// The public key that must have signed the export, in base64
    #[arg(long, value_name = "KEY", requires = "file")]
    public_key: Option<String>,
    /// The export is a part: say what it cannot prove instead of taking that for a fault
    #[arg(long, requires = "file")]
    part: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Done {
    match &args.file {
        Some(file) => verify_file(file, &args),
        None => block_on(verify_installation(args)),
    }
}

async fn verify_installation(args: Args) -> Done {
    let socket = match Found::find(&args.place).await? {
        Found::Running(socket) => socket,
        Found::Ours(dir, settings) => {
            let (keyring, _, store) = open_store(&dir, settings).await?;
            let check = gate::verify_at_rest(&store, &keyring, args.place.tenant()).await;
            return tell(args.json, &json!(check.map_err(open_failure)?));
        }
    };
    tell(
        args.json,
        &Local::running(socket, &args.place)
            .json(Method::GET, "/api/v1/audit/verify", None)
            .await?,
    )
}

fn verify_file(path: &Path, args: &Args) -> Done {
    let kept = match &args.checkpoints {
        Some(path) => read_checkpoints(path).map_err(Failure::usage)?,
        None => Vec::new(),
    };
    if let Some(key) = args.public_key.as_deref().filter(|key| !is_public_key(key)) {
        let key = printable(key);
        return Err(Failure::usage(anyhow!(
            "--public-key: `{key}` is no public key: `notegate audit public-key` shows it"
        )));
    }
    let terms = Terms { public_key: args.public_key.clone(), kept, part: args.part };
    let (text, length) = open(path).map_err(Failure::usage)?;
    let bar = bar(length);
    let checked = verify_export(text, &terms, &mut |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    let checked = checked.map_err(|error| match error {
        ledger::ExportError::Io(_) => Failure::could_not(error),
        other => Failure::usage(other),
    })?;
    let told = tell(args.json, &json!(checked))?;
    if !args.json {
        tell_limits(&checked);
    }
    Ok(told)
}

/// The text, and how long it is, if that is known.
fn open(path: &Path) -> anyhow::Result<(Box<dyn BufRead>, Option<u64>)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(std::io::stdin())), None));
    }
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|it| it.len());
    Ok((Box::new(BufReader::with_capacity(256 * 1024, file)), length))
}

/// On standard error, and only where somebody looks.
fn bar(length: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, form) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "checking {bytes} of {total_bytes} ({percent} %, {eta} to go)",
        ),
        None => (ProgressBar::new_spinner(), "checking {bytes} ({elapsed})"),
    };
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar
}

/// The checkpoints in a file: one that `audit checkpoint --out` wrote, or an export.
pub(super) fn read_checkpoints(path: &Path) -> anyhow::Result<Vec<Checkpoint>> {
    let (mut text, _) = open(path)?;
    let (mut all, mut line, mut number) = (Vec::new(), Vec::new(), 0);
    loop {
        line.clear();
        let mut bounded = std::io::Read::take(&mut text, LINE_MAX as u64 + 2);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number += 1;
        let content = line.trim_ascii_end();
        if content.is_empty() {
            continue;
        }
        match Line::read(content) {
            Ok(Line::Checkpoint { checkpoint }) => all.push(checkpoint),
            Ok(_) => {}
            Err(error) => {
                let at = format!("{}, line {number}, is no checkpoint", path.display());
                return Err(anyhow::Error::new(error).context(at));
            }
        }
    }
    if all.is_empty() {
        return Err(anyhow!("{} holds no checkpoint", path.display()));
    }
    Ok(all)
}

/// Says what a check found, in the words of its JSON.
fn tell(as_json: bool, checked: &Value) -> Done {
    let style = Style::of_stdout();
    let entries = checked["entries"].as_u64().unwrap_or(0);
    let fault = checked["at"].as_u64().zip(checked["fault"].as_str().map(describe));
    match (as_json, fault) {
        (true, _) => println!("{checked}"),
        (false, None) => println!("{} intact: {entries} entries", style.green("✓")),
        (false, Some((at, fault))) => {
            println!("{} not intact, at entry {at}: {fault}", style.red("✗"));
            println!(
                "  The {entries} entries before it are as they were written; nothing after it was looked at."
            );
            println!(
                "  Keep the data directory as it is, and compare with an earlier export or backup."
            );
        }
    }
    if !as_json {
        for pruned in checked["dropped"].as_array().into_iter().flatten() {
            let text = |name: &str| printable(pruned[name].as_str().unwrap_or_default());
            let day: String = text("at").chars().take(10).collect();
            let (first, last, by) = (&pruned["first"], &pruned["last"], text("by"));
            println!("  Entries {first} to {last} were dropped on {day} by {by}.");
        }
    }
    Ok(if checked["intact"] == true { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Says how far the signatures reach, and what the file leaves open.
fn tell_limits(checked: &Checked) {
    match (checked.tenant.as_deref(), checked.signed) {
        (Some(tenant), Some(seq)) => {
            let tenant = printable(tenant);
            println!("  The ledger of the tenant {tenant}, signed up to entry {seq}.");
        }
        (Some(tenant), None) => {
            println!("  The ledger of the tenant {}, not signed.", printable(tenant));
        }
        (None, _) => {}
    }
    for unproven in &checked.unproven {
        println!("  Not proven: {unproven}.");
    }
    let fault = json!(checked.verdict);
    if fault["at"] == 1 && fault["fault"] == json!(ledger::Fault::Gap) {
        println!(
            "  If the file is meant to begin later: give the export or the checkpoint that ends right before \
             it (--checkpoints), or say that it is a part (--part)."
        );
    }
}

fn describe(fault: &str) -> String {
    let known: Result<ledger::Fault, _> = serde_json::from_value(fault.into());
    known.map_or_else(|_| fault.to_owned(), |fault| fault.to_string())
}
