//! `notegate audit`: read, check and export the ledger.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use http::Method;
use http_body_util::BodyExt;
use ledger::verify_export;
use serde_json::{Value, json};

use crate::Done;
use crate::commands::access;
use crate::data_dir;
use crate::failure::Failure;
use crate::local::{Found, Local, Where, block_on, encoded, open_failure, open_store};
use crate::term::{Style, table};

/// Read, check and export the ledger. Works while the gate runs and while it does not.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List entries, newest first.
    List(List),
    /// Check that nobody changed, deleted or swapped an entry: exit 0 if not, 1 if somebody did.
    Verify(Verify),
    /// Write the whole ledger as text.
    Export(Export),
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
pub(crate) struct Verify {
    #[command(flatten)]
    place: Where,
    /// Check this export (JSON Lines) instead; needs no installation
    #[arg(long, value_name = "EXPORT")]
    file: Option<PathBuf>,
    /// The public key that must have signed the export, in base64
    #[arg(long, value_name = "KEY", requires = "file")]
    public_key: Option<String>,
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
    /// File to write instead of standard output; only its owner can read it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(command: Command) -> Done {
    match command {
        Command::List(args) => block_on(list(args)),
        Command::Verify(Verify { file: Some(file), public_key, json, .. }) => {
            verify_file(&file, public_key.as_deref(), json)
        }
        Command::Verify(args) => block_on(verify(args)),
        Command::Export(args) => block_on(export(args)),
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
        let text = |pointer: &str| {
            item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let time = text("/at").chars().take(19).collect::<String>().replace('T', " ");
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

async fn verify(args: Verify) -> Done {
    let socket = match Found::find(&args.place).await? {
        Found::Running(socket) => socket,
        Found::Ours(dir, settings) => {
            let (keyring, _, store) = open_store(&dir, settings).await?;
            let verdict = gate::verify_at_rest(&store, &keyring, args.place.tenant()).await;
            return tell(args.json, &json!(verdict.map_err(open_failure)?));
        }
    };
    tell(
        args.json,
        &Local::running(socket, &args.place)
            .json(Method::GET, "/api/v1/audit/verify", None)
            .await?,
    )
}

fn verify_file(path: &PathBuf, public_key: Option<&str>, json: bool) -> Done {
    let file = File::open(path)
        .with_context(|| format!("{} cannot be read", path.display()))
        .map_err(Failure::usage)?;
    let verdict = verify_export(BufReader::new(file), public_key).map_err(Failure::usage)?;
    tell(json, &json!(verdict))
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
            println!("  The first {entries} entries are as they were written.");
            println!(
                "  Keep the data directory as it is, and compare with an earlier export or backup."
            );
        }
    }
    Ok(if checked["intact"] == true { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn describe(fault: &str) -> String {
    let known: Result<ledger::Fault, _> = serde_json::from_value(fault.into());
    known.map_or_else(|_| fault.to_owned(), |fault| fault.to_string())
}

async fn export(args: Export) -> Done {
    let local = Local::find(&args.place).await?;
    let path = format!("/api/v1/audit/export?format={}", args.format);
    let answer = local.send(Method::GET, &path, None).await?;
    if !answer.status().is_success() {
        let status = answer.status();
        return Err(Failure::could_not(anyhow!("the ledger cannot be exported ({status})")));
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
