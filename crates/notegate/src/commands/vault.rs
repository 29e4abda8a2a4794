//! `notegate vault`: under which master key the secrets are, and its change.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use http::Method;
use serde_json::Value;

use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on};
use crate::term::{printable, table};

/// See under which master key the secrets are, and change it. Works while the gate runs and while it
/// does not.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show the master keys by their names, and how many secrets are under each.
    Status(Args),
    /// Change the master key; calls go on meanwhile.
    ///
    /// Where the key lies in the data directory, a new one is made, everything is sealed under it, and
    /// the old one is forgotten. Where it comes from a file or a command, put the new key there first,
    /// before the old one and with white space between; it is read again, everything is sealed under
    /// the new key, and the old one can be removed. From the environment it comes only with a restart.
    /// A change that broke off goes on when this is run again.
    Rotate(Args),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::Status(args) => status(args).await,
            Command::Rotate(args) => rotate(args).await,
        }
    })
}

async fn status(args: Args) -> Done {
    let local = Local::find(&args.place).await?;
    let status = local.json(Method::GET, "/api/v1/vault", None).await;
    local.close().await;
    let status = status?;
    let damaged = status["damaged_cells"].as_u64().unwrap_or_default();
    let code = ExitCode::from(u8::from(damaged > 0));
    if args.json {
        println!("{status}");
        return Ok(code);
    }
    println!("The master key comes from {}.", shown(&status));
    let keys = status["keys"].as_array().cloned().unwrap_or_default();
    let rows = keys.iter().map(|key| {
        let is = |name: &str| key[name].as_bool().unwrap_or_default();
        let state = match (is("current"), is("given"), is("removable")) {
            (true, ..) => "current",
            (_, false, _) => "missing",
            (.., true) => "can be removed",
            _ => "needed: run `notegate vault rotate`",
        };
        vec![text(&key["id"]), key["cells"].to_string(), state.to_owned()]
    });
    print!("{}", table(&["KEY", "SECRETS", "STATE"], rows));
    if let (Some(done), Some(total)) =
        (status["progress"]["done"].as_u64(), status["progress"]["total"].as_u64())
    {
        println!("The key is being changed now: {done} of {total} secrets are sealed anew.");
    }
    if damaged > 0 {
        println!("Damaged, to be restored from a backup or connected again: {damaged}");
        names(&status["damaged"]);
    }
    Ok(code)
}

pub(super) async fn rotate(args: Args) -> Done {
    let local = Local::find(&args.place).await?;
    let rotated = {
        let rotating = local.json(Method::POST, "/api/v1/vault/rotate", None);
        tokio::select! {
            rotated = rotating => rotated,
            never = tell_progress(&local) => match never {},
        }
    };
    local.close().await;
    let rotated = rotated?;
    let failed = rotated["failed_cells"].as_u64().unwrap_or_default();
    let changed = rotated["changed"].as_bool().unwrap_or_default();
    let complete = rotated["complete"].as_bool().unwrap_or_default();
    let code = ExitCode::from(u8::from(!complete || !changed));
    if args.json {
        println!("{rotated}");
        return Ok(code);
    }
    let (source, key) = (shown(&rotated), text(&rotated["key"]));
    if !changed && failed == 0 {
        let advice = match rotated["source"].as_str() {
            Some("environment") => {
                "put a new one into it before the old one, restart the gate, and run this again (the \
                 environment of a running gate does not change)"
            }
            _ => "put a new one there before the old one, and run this again",
        };
        return Err(Failure::no(anyhow!(
            "everything is sealed under {key}, and {source} gives no newer key: {advice}"
        )));
    }
    println!("{} secrets were sealed anew under {key}.", rotated["resealed"]);
    if !complete && failed == 0 {
        println!("Something is still being written under the old key: run this again to end it.");
    }
    if failed > 0 {
        println!(
            "{failed} could not be, and the old key was kept for them. They are damaged: restore \
             them from a backup, or connect the workspace again."
        );
        names(&rotated["failed"]);
        return Ok(code);
    }
    let old: Vec<String> =
        rotated["removable"].as_array().into_iter().flatten().map(text).collect();
    match (old.is_empty(), rotated["settled"].as_bool().unwrap_or_default()) {
        (true, _) => {}
        (_, true) => println!(
            "{} was removed from {source}. Back up the new key apart from the data; backups of \
             before need the old one.",
            old.join(", ")
        ),
        (_, false) => println!(
            "{} can be removed from {source}. Backups of before still need it.",
            old.join(", ")
        ),
    }
    Ok(code)
}

/// A line that tells how far it is, where somebody looks. Never ends.
async fn tell_progress(local: &Local) -> std::convert::Infallible {
    if !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let Ok(status) = local.json(Method::GET, "/api/v1/vault", None).await else { continue };
        let progress = &status["progress"];
        if let (Some(done), Some(total)) = (progress["done"].as_u64(), progress["total"].as_u64()) {
            eprint!("\r\x1b[Ksealing anew: {done} of {total}\r");
            let _ = std::io::stderr().flush();
        }
    }
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

fn shown(value: &Value) -> String {
    text(&value["source_shown"])
}

fn names(list: &Value) {
    for name in list.as_array().into_iter().flatten() {
        println!("  {}", text(name));
    }
}
