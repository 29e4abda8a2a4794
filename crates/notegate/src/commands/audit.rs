//! `notegate audit`: read, check and export the ledger, keep checkpoints of it, drop what is old.

mod body;
mod checkpoint;
mod prune;
mod verify;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::Done;
use crate::commands::{access, capabilities};
use crate::data_dir;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on, encoded};
use crate::term::{moment, table};

/// Read, check and export the ledger. Works while the gate runs and while it does not.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List entries, newest first.
    List(List),
    /// Check that nobody changed, deleted or swapped an entry: exit 0 if not, 1 if somebody did.
    Verify(verify::Args),
    /// Write the ledger as text.
    Export(Export),
    /// Show where the ledger stands, signed; keep it elsewhere, and rewriting shows.
    Checkpoint(checkpoint::Args),
    /// Show the key that checks the ledger's signatures.
    PublicKey(checkpoint::KeyArgs),
    /// Show the body of a write, if the gate keeps bodies (NOTEGATE_LEDGER_BODIES).
    Body(body::Args),
    /// Drop old entries; a signed record says which, when, and who did it.
    Prune(prune::Args),
    /// Name the capabilities that are granted and never used, key by key.
    Capabilities(capabilities::Args),
    /// The same as `workspaces access`.
    #[command(hide = true)]
    Access(Box<access::Args>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only of this principal (`key:…`, operator, gate)
    #[arg(long)]
    principal: Option<String>,
    /// Only this action (read, write, write_denied, …)
    #[arg(long)]
    action: Option<String>,
    /// Only with this result: success, denied or error
    #[arg(long)]
    result: Option<String>,
    /// Only about this object (id or URL)
    #[arg(long)]
    object: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    place: Where,
    /// jsonl (can be checked) or csv (to look at)
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
    format: String,
    /// Only what comes after this entry: what the last export does not have
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// File to write instead of standard output; only its owner can read it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(command: Command) -> Done {
    match command {
        Command::List(args) => block_on(list(args)),
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => block_on(export(args)),
        Command::Checkpoint(args) => block_on(checkpoint::run(args)),
        Command::PublicKey(args) => block_on(checkpoint::show_key(args)),
        Command::Body(args) => block_on(body::run(args)),
        Command::Prune(args) => block_on(prune::run(args)),
        Command::Capabilities(args) => block_on(capabilities::run(args)),
        Command::Access(args) => block_on(access::run(*args)),
    }
}

async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let mut path = format!("/api/v1/audit?limit={}", args.limit);
    let filters = [
        ("principal", &args.principal),
        ("action", &args.action),
        ("result", &args.result),
        ("object", &args.object),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            path += &format!("&{name}={}", encoded(value));
        }
    }
    let page = local.json(Method::GET, &path, None).await;
    local.close().await;
    let page = page?;
    if args.json {
        println!("{page}");
        return Ok(ExitCode::SUCCESS);
    }
    let items = page["items"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        println!("No entry fits.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = items.iter().map(|item| {
        if let Some(unreadable) = item.get("unreadable") {
            let column = unreadable["column"].as_str().unwrap_or_default();
            let what = format!("cannot be read: {column} makes no sense");
            let mut row = vec![String::new(); 7];
            (row[0], row[6]) = (unreadable["seq"].to_string(), what);
            return row;
        }
        let text = |pointer: &str| {
            item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let time = moment(&text("/at"));
        let result = match text("/reason") {
            reason if reason.is_empty() => text("/result"),
            reason => format!("{} ({reason})", text("/result")),
        };
        let object = format!("{} {}", text("/resource/type"), text("/resource/id"));
        vec![
            item["seq"].to_string(),
            time,
            text("/principal"),
            text("/action"),
            text("/operation"),
            object,
            result,
        ]
    });
    print!(
        "{}",
        table(&["SEQ", "TIME (UTC)", "WHO", "ACTION", "OPERATION", "ABOUT", "RESULT"], rows)
    );
    Ok(ExitCode::SUCCESS)
}

async fn export(args: Export) -> Done {
    let local = Local::find(&args.place).await?;
    let path = format!("/api/v1/audit/export?format={}&after={}", args.format, args.after);
    let answer = local.send(Method::GET, &path, None).await?;
    if !answer.status().is_success() {
        let status = answer.status();
        let bytes = answer.into_body().collect().await.map_err(Failure::could_not)?.to_bytes();
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("it does not say why");
        let error = anyhow!("the ledger cannot be exported ({status}): {detail}");
        let failure = if status.is_client_error() { Failure::usage } else { Failure::could_not };
        return Err(failure(error));
    }
    let mut body = answer.into_body();
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(
            data_dir::create_private_file(path)
                .with_context(|| format!("{} cannot be written", path.display()))
                .map_err(Failure::could_not)?,
        ),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut written = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failure::could_not)?;
        let Ok(bytes) = frame.into_data() else { continue };
        match out.write_all(&bytes) {
            Ok(()) => written += bytes.len(),
            // Whoever reads has enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => return Err(Failure::could_not(error)),
        }
    }
    drop((body, out));
    if let Some(path) = &args.output {
        eprintln!("{written} bytes written to {}", path.display());
    }
    local.close().await;
    Ok(ExitCode::SUCCESS)
}
