//! `notegate clients`: the MCP clients that people let in.

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use crate::Done;
use crate::local::{Local, Where, block_on, encoded};
use crate::term::{moment, print_list, printable};

/// Look after MCP clients: those that people let in, and those that are entered here.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the clients, by name. What one may do is in `notegate keys list`.
    List(List),
    /// Enter a client, so that it need not register. Only people of this tenant can let it in.
    Add(Add),
    /// End everything that a client was granted, and forget it.
    Remove(Remove),
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
pub(crate) struct Add {
    #[command(flatten)]
    place: Where,
    /// What people read on the page that asks them
    name: String,
    /// Where it may be answered; may be repeated
    #[arg(long, value_name = "URI", required = true)]
    redirect_uri: Vec<String>,
    /// How it shows who it is: none, client_secret_post, client_secret_basic
    #[arg(long, value_name = "METHOD", default_value = "none")]
    auth_method: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    place: Where,
    /// Its id
    id: String,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::List(args) => list(args).await,
            Command::Add(args) => add(args).await,
            Command::Remove(args) => remove(args).await,
        }
    })
}

async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let items = local.items("/api/v1/clients").await;
    local.close().await;
    let none =
        "There are no clients. People let them in by connecting them to the address of this gate.";
    let header = ["ID", "NAME", "KIND", "ANSWERED AT", "GRANTS", "LAST USED (UTC)"];
    print_list(&items?, args.json, none, &header, |item| {
        let text = |name: &str| printable(item[name].as_str().unwrap_or_default());
        let redirects = item["redirects"].as_array().into_iter().flatten();
        let redirects: Vec<_> = redirects.filter_map(Value::as_str).map(printable).collect();
        let used = item["used_at"].as_str().map_or_else(|| "-".to_owned(), moment);
        let grants = item["grants"].to_string();
        vec![text("client_id"), text("name"), text("kind"), redirects.join(" "), grants, used]
    })
}

async fn add(args: Add) -> Done {
    let local = Local::find(&args.place).await?;
    let body = json!({
        "name": args.name, "redirect_uris": args.redirect_uri, "auth_method": args.auth_method,
    });
    let made = local.json(Method::POST, "/api/v1/clients", Some(&body)).await;
    local.close().await;
    let made = made?;
    if args.json {
        println!("{made}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("client_id      {}", made["client_id"].as_str().unwrap_or_default());
    if let Some(secret) = made["client_secret"].as_str() {
        println!("client_secret  {secret}");
        eprintln!("This is the only time that the secret is shown.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(args: Remove) -> Done {
    let local = Local::find(&args.place).await?;
    let path = format!("/api/v1/clients/{}", encoded(&args.id));
    let removed = local.json(Method::DELETE, &path, None).await;
    local.close().await;
    removed?;
    println!("The client {} opens nothing any more.", printable(&args.id));
    Ok(ExitCode::SUCCESS)
}
