//! `notegate tenants`: several teams on one gate.

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use crate::Done;
use crate::local::{Local, Where, block_on};
use crate::term::{moment, print_list};

/// Several teams on one gate: none sees anything of another.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a tenant and its first admin key; the key is shown this once.
    Add(Add),
    /// List the tenants.
    List(List),
    /// Change what may change of a tenant.
    Set(Set),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    #[command(flatten)]
    place: Where,
    /// Its name: a-z, 0-9 and -
    name: String,
    /// As JSON
    #[arg(long)]
    json: bool,
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
pub(crate) struct Set {
    #[command(flatten)]
    place: Where,
    /// Whether its callers may bring Notion tokens of their own to the MCP door, where
    /// ENABLE_TOKEN_PASSTHROUGH lets them at all: on or off
    #[arg(long, value_name = "ON", value_parser = ["on", "off"])]
    token_passthrough: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::Add(args) => add(args).await,
            Command::List(args) => list(args).await,
            Command::Set(args) => set(args).await,
        }
    })
}

async fn add(args: Add) -> Done {
    let local = Local::find(&args.place).await?;
    let body = json!({ "name": args.name });
    let made = local.json(Method::POST, "/api/v1/tenants", Some(&body)).await;
    local.close().await;
    let made = made?;
    if args.json {
        println!("{made}");
    } else {
        println!("{}", made["key"].as_str().unwrap_or_default());
        eprintln!(
            "This is the only time that the tenant's first admin key is shown. Commands act for the \
             tenant with `--tenant {}`.",
            args.name
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let items = local.items("/api/v1/tenants").await;
    local.close().await;
    let none = "There are no tenants. `notegate tenants add` makes one.";
    print_list(&items?, args.json, none, &["NAME", "MADE (UTC)", "PASSTHROUGH"], |item| {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        vec![text("name"), moment(&text("created_at")), on_or_off(item).to_owned()]
    })
}

fn on_or_off(tenant: &Value) -> &'static str {
    if tenant["token_passthrough"] == true { "on" } else { "off" }
}

async fn set(args: Set) -> Done {
    let local = Local::find(&args.place).await?;
    let body = json!({ "token_passthrough": args.token_passthrough == "on" });
    let changed = local.json(Method::PATCH, "/api/v1/tenant", Some(&body)).await;
    local.close().await;
    let changed = changed?;
    if args.json {
        println!("{changed}");
    } else {
        let name = changed["name"].as_str().unwrap_or_default();
        println!("{name}: token passthrough is {}", on_or_off(&changed));
    }
    Ok(ExitCode::SUCCESS)
}
