//! `notegate keys`: make, list and end keys.

use std::process::ExitCode;

use http::Method;
use model::{KeyId, KeyToken, ToolSet};
use serde_json::{Map, Value, json};

use crate::Done;
use crate::commands::{moves, vault};
use crate::failure::Failure;
use crate::local::{Local, Where, block_on};
use crate::term::{moment, print_list, printable, table};

/// Make, list and end keys. Works while the gate runs and while it does not.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the keys, newest first.
    List(List),
    /// Make a key; it is shown this once.
    Create(Box<Create>),
    /// Show a key, and how much of its budget is spent.
    Show(Show),
    /// End a key: the very next call with it is refused.
    Revoke(Revoke),
    /// Say which keys would gain an object by a move, and which lose it. Nothing is moved.
    IfMoved(moves::Args),
    /// The same as `notegate vault rotate`.
    #[command(hide = true)]
    Rotate(vault::Args),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Where,
    /// What people call it
    #[arg(long)]
    name: String,
    /// viewer reads; editor also writes; admin also deletes and manages
    #[arg(long)]
    role: model::Role,
    /// A page, database or data source whose subtree it reaches (id or URL); may be repeated
    #[arg(long, value_name = "ID", value_parser = object_id)]
    within: Vec<notion::Id>,
    /// One of Notion's capabilities; may be repeated; all if not given
    #[arg(long, value_name = "CAPABILITY")]
    capability: Vec<notion::Capability>,
    /// When it ends: 30d, 12h, 45m
    #[arg(long, value_name = "TIME")]
    expires_in: Option<String>,
    /// Calls that it may make in a minute
    #[arg(long, value_name = "N")]
    calls_per_minute: Option<u32>,
    /// Calls that it may make in a day
    #[arg(long, value_name = "N")]
    calls_per_day: Option<u32>,
    /// Different pages and rows that it may read in an hour
    #[arg(long, value_name = "N")]
    pages_per_hour: Option<u32>,
    /// Blocks that it may write in an hour
    #[arg(long, value_name = "N")]
    blocks_per_hour: Option<u32>,
    /// Deletions that it may make in a day
    #[arg(long, value_name = "N")]
    deletions_per_day: Option<u32>,
    /// Let it make narrower keys itself, for sub-agents
    #[arg(long)]
    may_delegate: bool,
    /// The workspace that it is for, by bot id; the one that was connected last if not said
    #[arg(long, value_name = "BOT_ID")]
    connection: Option<String>,
    /// The program that it is for, by a name of your choice: policies can be about all keys of an agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// It may read the ledger whatever its role, and the bodies that the ledger keeps
    #[arg(long)]
    auditor: bool,
    /// The tools that MCP clients are offered with it: agent, official or all; those of the path that they
    /// ask if not said
    #[arg(long, value_name = "SET")]
    tools: Option<ToolSet>,
    /// Begin like a token of Notion, for clients that insist on it
    #[arg(long)]
    notion_shaped: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    place: Where,
    /// The id of the key (the part after `ngk_`)
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    place: Where,
    /// The id of the key (the part after `ngk_`)
    id: String,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::Rotate(args) => vault::rotate(args).await,
            Command::List(args) => list(args).await,
            Command::Create(args) => create(*args).await,
            Command::Show(args) => show(args).await,
            Command::IfMoved(args) => moves::run(args).await,
            Command::Revoke(args) => revoke(args).await,
        }
    })
}

async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let items = local.items("/api/v1/keys").await;
    local.close().await;
    let none = "There are no keys. `notegate keys create` makes one.";
    let header =
        ["ID", "NAME", "ROLE", "STATE", "REACHES", "EXPIRES (UTC)", "MADE BY KEY", "MCP CLIENT"];
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    print_list(&items?, args.json, none, &header, |item| {
        let within = item["within"].as_array().map_or(0, Vec::len);
        let reach = match within {
            0 => "everything".to_owned(),
            1 => item["within"][0].as_str().unwrap_or_default().to_owned(),
            more => format!("{more} subtrees"),
        };
        let until = item["expires_at"].as_str().map_or_else(|| "-".to_owned(), moment);
        let parent = item["parent"].as_str().unwrap_or("-").to_owned();
        let client = item["client"]["name"].as_str().map_or_else(
            || "-".to_owned(),
            |name| {
                let redirect = item["client"]["redirect"].as_str().unwrap_or_default();
                format!("{} ({})", printable(name), printable(redirect))
            },
        );
        vec![
            text(item, "id"),
            text(item, "name"),
            text(item, "role"),
            text(item, "state"),
            reach,
            until,
            parent,
            client,
        ]
    })
}

/// An id, or a URL that one stands in.
fn object_id(text: &str) -> Result<notion::Id, &'static str> {
    notion::Id::from_pasted(text).ok_or("it is neither an id nor a URL of Notion")
}

async fn create(args: Create) -> Done {
    let local = Local::find(&args.place).await?;
    let mut body = Map::new();
    body.insert("name".into(), args.name.into());
    body.insert("role".into(), args.role.as_str().into());
    body.insert("within".into(), args.within.iter().map(ToString::to_string).collect());
    body.insert("notion_shaped".into(), args.notion_shaped.into());
    if args.auditor {
        body.insert("auditor".into(), true.into());
    }
    if !args.capability.is_empty() {
        body.insert("capabilities".into(), json!(args.capability));
    }
    if let Some(connection) = args.connection {
        body.insert("connection".into(), connection.into());
    }
    if let Some(agent) = args.agent {
        body.insert("agent".into(), agent.into());
    }
    if let Some(time) = args.expires_in {
        body.insert("expires_in".into(), time.into());
    }
    if let Some(tools) = args.tools {
        body.insert("tools".into(), tools.as_str().into());
    }
    body.insert("may_delegate".into(), args.may_delegate.into());
    let limits = [
        ("calls_per_minute", args.calls_per_minute),
        ("calls_per_day", args.calls_per_day),
        ("pages_per_hour", args.pages_per_hour),
        ("blocks_per_hour", args.blocks_per_hour),
        ("deletions_per_day", args.deletions_per_day),
    ];
    let limits = limits.into_iter().filter_map(|(name, limit)| Some((name.into(), limit?.into())));
    let budget: Map<String, Value> = limits.collect();
    if !budget.is_empty() {
        body.insert("budget".into(), budget.into());
    }
    let made = local.json(Method::POST, "/api/v1/keys", Some(&Value::Object(body))).await;
    local.close().await;
    let made = made?;
    if args.json {
        println!("{made}");
    } else {
        println!("{}", made["key"].as_str().unwrap_or_default());
        eprintln!(
            "This is the only time that the key is shown. Its id is {}.",
            made["id"].as_str().unwrap_or_default()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// People paste what they have: an id, or the whole key.
fn named(text: &str) -> Result<KeyId, Failure> {
    let id = KeyToken::parse(text).map(|key| key.id().clone()).or_else(|| KeyId::parse(text));
    id.ok_or_else(|| {
        Failure::usage(anyhow::anyhow!(
            "that is neither an id of a key (twelve characters, see `notegate keys list`) nor a whole key"
        ))
    })
}

async fn show(args: Show) -> Done {
    let id = named(&args.id)?;
    let local = Local::find(&args.place).await?;
    let key = local.json(Method::GET, &format!("/api/v1/keys/{id}"), None).await;
    local.close().await;
    let key = key?;
    if args.json {
        println!("{key}");
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(all) if all.is_empty() => "everything".to_owned(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let facts = [
        ("id", "id"),
        ("name", "name"),
        ("role", "role"),
        ("state", "state"),
        ("reaches", "within"),
        ("capabilities", "capabilities"),
        ("workspace", "connection"),
        ("made by", "created_by"),
        ("may make keys", "may_delegate"),
        ("MCP tools", "tools"),
        ("expires", "expires_at"),
    ];
    let rows = facts.into_iter().map(|(shown, name)| vec![shown.to_owned(), text(&key[name])]);
    let client = [
        ("MCP client", "name"),
        ("its id", "client_id"),
        ("answered at", "redirect"),
        ("let in by", "approved_by"),
        ("last used", "used_at"),
    ];
    let client = client.into_iter().filter(|_| key["client"].is_object());
    let client =
        client.map(|(shown, name)| vec![shown.to_owned(), printable(&text(&key["client"][name]))]);
    print!("{}", table(&["KEY", ""], rows.chain(client)));
    let usage = key["usage"].as_object().cloned().unwrap_or_default();
    if usage.is_empty() {
        println!("It has no budget: nothing is counted.");
        return Ok(ExitCode::SUCCESS);
    }
    println!();
    let rows = usage.iter().map(|(name, usage)| {
        let resets_at = text(&usage["resets_at"]);
        let numbers = ["limit", "spent", "left"].map(|it| text(&usage[it]));
        std::iter::once(name.clone()).chain(numbers).chain([resets_at]).collect()
    });
    print!("{}", table(&["BUDGET", "LIMIT", "SPENT", "LEFT", "RESETS"], rows));
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: Revoke) -> Done {
    let local = Local::find(&args.place).await?;
    let id = named(&args.id)?;
    let ended = local.json(Method::DELETE, &format!("/api/v1/keys/{id}"), None).await;
    local.close().await;
    ended?;
    println!("The key {id} is ended.");
    Ok(ExitCode::SUCCESS)
}
