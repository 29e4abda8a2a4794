//! `audit checkpoint` and `audit public-key`: what to keep elsewhere, so that rewriting shows.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use http::Method;
use ledger::{Checkpoint, Line};
use serde_json::Value;

use super::verify::read_checkpoints;
use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// Add it to this file; refused if the ledger does not reach the last one in it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Done {
    let line = ask(&args.place, "/api/v1/audit/checkpoint").await?.to_string();
    let Ok(Line::Checkpoint { checkpoint }) = Line::read(line.as_bytes()) else {
        return Err(Failure::could_not(anyhow!("the gate's answer is no checkpoint")));
    };
    let Some(path) = &args.out else {
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    };
    if path.exists() {
        let kept = read_checkpoints(path).map_err(Failure::usage)?;
        if let Some(last) = kept.last() {
            compare(last, &checkpoint, path)?;
        }
    }
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all((line + "\n").as_bytes())?;
        file.sync_all()
    };
    write()
        .with_context(|| format!("{} cannot be written", path.display()))
        .map_err(Failure::could_not)?;
    eprintln!("entry {} kept in {}", checkpoint.seq, path.display());
    Ok(ExitCode::SUCCESS)
}

/// Whether the ledger can still be the one that was kept. That it really goes on from there, an export
/// shows.
fn compare(last: &Checkpoint, now: &Checkpoint, path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if last.tenant != now.tenant || last.public_key != now.public_key {
        return Err(Failure::usage(anyhow!(
            "{shown} holds checkpoints of another ledger: choose another file"
        )));
    }
    let rewritten = last.seq == now.seq && last.hash != now.hash;
    if now.seq < last.seq || rewritten {
        return Err(Failure::no(anyhow!(
            "the ledger stands at entry {}, and {shown} holds entry {}{}: it was cut off or \
             rewritten; keep the data directory as it is, and compare with an earlier export or \
             backup",
            now.seq,
            last.seq,
            if rewritten { " with another hash" } else { "" }
        )));
    }
    Ok(())
}

pub(super) async fn show_key(args: KeyArgs) -> Done {
    let answer = ask(&args.place, "/api/v1/audit/public-key").await?;
    if args.json {
        println!("{answer}");
    } else {
        println!("{}", answer["public_key"].as_str().unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(place: &Where, path: &str) -> Result<Value, Failure> {
    let local = Local::find(place).await?;
    let answer = local.json(Method::GET, path, None).await;
    local.close().await;
    answer
}
