//! `notegate workspaces`: the workspaces that this gate stands before.

mod recipes;
mod show;
mod tokens;

use std::process::ExitCode;

use anyhow::anyhow;
use http::Method;
use model::{ConnectionId, ExposeSecret};
use notion::Id;
use serde_json::{Value, json};

use crate::Done;
use crate::commands::access;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on};

/// Look after the connections to workspaces. Without a command, list them.
///
/// Tokens are asked for, read from standard input, or from a file that only its owner can read: never
/// from a flag, and they are never shown again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: show::List,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the workspaces, the one that was connected last first.
    List(show::List),
    /// Show all that is known of a connection, and what its owner may want to change.
    Show(show::Show),
    /// Connect a workspace by the token of an internal integration, or by a pair of them.
    Connect(Connect),
    /// Replace the token of a connection: the new one is verified first, and no call is lost.
    Rotate(Rotate),
    /// End a connection: calls are refused at once, and its credential is forgotten.
    Disconnect(Disconnect),
    /// List everything that a connection reaches, and what changed since the last time.
    Access(Box<access::Args>),
}

#[derive(Debug, clap::Args)]
struct Connect {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    input: tokens::Input,
    /// Two tokens: the first reads, the second writes
    #[arg(long)]
    pair: bool,
    /// File with the token that writes (with --pair and --from)
    #[arg(long, value_name = "FILE", requires_all = ["pair", "from"])]
    writer_from: Option<std::path::PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Rotate {
    #[command(flatten)]
    place: Where,
    /// The connection's bot id (see `notegate workspaces`); not needed if there is only one
    bot_id: Option<String>,
    #[command(flatten)]
    input: tokens::Input,
    /// No new token: refresh the tokens of an OAuth installation now
    #[arg(long, conflicts_with = "from")]
    refresh: bool,
    /// Do nothing; print how to rotate with a secret manager
    #[arg(long, value_name = "WHERE", value_parser = ["aws", "gcp", "vault"])]
    print: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Disconnect {
    #[command(flatten)]
    place: Where,
    /// The connection's bot id (see `notegate workspaces`)
    bot_id: String,
}

pub(crate) fn run(args: Args) -> Done {
    block_on(async {
        match args.command {
            None => show::list(args.list).await,
            Some(Command::List(args)) => show::list(args).await,
            Some(Command::Show(args)) => show::show(args).await,
            Some(Command::Connect(args)) => connect(args).await,
            Some(Command::Rotate(args)) => rotate(args).await,
            Some(Command::Disconnect(args)) => disconnect(args).await,
            Some(Command::Access(args)) => access::run(*args).await,
        }
    })
}

async fn connect(args: Connect) -> Done {
    let local = Local::find_to_connect(&args.place).await?;
    let body = if args.pair {
        let read = args.input.token("Token that reads: ")?;
        let write = match &args.writer_from {
            Some(path) => tokens::from_file(path)?,
            None => args.input.next_token("Token that writes: ")?,
        };
        json!({ "read_token": read.expose_secret(), "write_token": write.expose_secret() })
    } else {
        json!({ "token": args.input.token("Token: ")?.expose_secret() })
    };
    let made = local.json(Method::POST, "/api/v1/workspaces", Some(&body)).await;
    local.close().await;
    show::done(&made?, args.json)
}

async fn rotate(args: Rotate) -> Done {
    if let Some(place) = &args.print {
        print!("{}", recipes::of(place, args.bot_id.as_deref()));
        return Ok(ExitCode::SUCCESS);
    }
    let local = Local::find_to_connect(&args.place).await?;
    let bot = match &args.bot_id {
        Some(text) => parse(text)?,
        None => only(&local).await?,
    };
    let body = if args.refresh {
        json!({})
    } else {
        json!({ "token": args.input.token("New token: ")?.expose_secret() })
    };
    let path = format!("/api/v1/workspaces/{bot}/rotate");
    let rotated = local.json(Method::POST, &path, Some(&body)).await;
    local.close().await;
    show::done(&rotated?, args.json)
}

async fn disconnect(args: Disconnect) -> Done {
    let bot = parse(&args.bot_id)?;
    let local = Local::find_to_connect(&args.place).await?;
    let path = format!("/api/v1/workspaces/{bot}");
    let ended = local.json(Method::DELETE, &path, None).await;
    // Gone altogether if it was ended before.
    let left = local.json(Method::GET, &path, None).await;
    local.close().await;
    ended?;
    match left {
        Ok(_) => {
            println!("The connection {bot} is ended; calls by keys for it are refused.");
            println!("Its record is kept; disconnect it once more to remove that, too.");
            println!(
                "To undo this, connect the workspace again: its keys work again then. A token of an \
                 internal integration lives on in Notion until it is refreshed or deleted there."
            );
        }
        Err(_) => println!("The record of the connection {bot} is removed."),
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &str) -> Result<ConnectionId, Failure> {
    let id = Id::from_pasted(text).map(ConnectionId);
    id.ok_or_else(|| {
        Failure::usage(anyhow!(
            "that is no id of a connection: `notegate workspaces` lists them (BOT ID)"
        ))
    })
}

/// The only connection, for those who need not say which.
async fn only(local: &Local) -> Result<ConnectionId, Failure> {
    let items = local.items("/api/v1/workspaces").await?;
    let ids: Vec<_> = items.iter().filter_map(|item| item["bot_id"].as_str()).collect();
    match &ids[..] {
        [only] => parse(only),
        [] => Err(Failure::usage(anyhow!("no workspace is connected"))),
        _ => Err(Failure::usage(anyhow!(
            "several workspaces are connected: say which by its bot id (`notegate workspaces`)"
        ))),
    }
}

/// A text in a record.
fn text(record: &Value, name: &str) -> String {
    record[name].as_str().unwrap_or("-").to_owned()
}
