//! `notegate users`: people of a tenant.

use std::process::ExitCode;

use anyhow::anyhow;
use http::Method;
use serde_json::{Value, json};

use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on, encoded};
use crate::term::{print_list, printable};

/// People: who may sign in, and how much they and their keys may do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the users, newest first.
    List(List),
    /// Make a user.
    Add(Add),
    /// Give a user another role: keys and sessions follow at once.
    Role(Role),
    /// Let a user sign in as if for the first time: with another account at the provider.
    Forget(One),
    /// Delete a user: keys and sessions end at once.
    Remove(One),
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
    /// The person's address
    email: String,
    /// viewer reads; editor also writes; admin also deletes and manages
    #[arg(long)]
    role: model::Role,
    /// The workspace that the person belongs to, by bot id
    #[arg(long, value_name = "BOT_ID")]
    connection: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Role {
    #[command(flatten)]
    place: Where,
    /// The user, by address or id
    user: String,
    /// viewer, editor or admin
    role: model::Role,
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    #[command(flatten)]
    place: Where,
    /// The user, by address or id
    user: String,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::List(args) => list(args).await,
            Command::Add(args) => add(args).await,
            Command::Role(args) => {
                let body = json!({ "role": args.role });
                let email = change(&args.place, &args.user, Method::PATCH, Some(&body)).await?;
                println!("{email} is {} {} now.", article(args.role), args.role);
                Ok(ExitCode::SUCCESS)
            }
            Command::Forget(args) => {
                let body = json!({ "identity": null });
                let email = change(&args.place, &args.user, Method::PATCH, Some(&body)).await?;
                println!("{email} signs in as if for the first time.");
                Ok(ExitCode::SUCCESS)
            }
            Command::Remove(args) => {
                let email = change(&args.place, &args.user, Method::DELETE, None).await?;
                println!("{email} is no user any more.");
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

fn article(role: model::Role) -> &'static str {
    if role == model::Role::Viewer { "a" } else { "an" }
}

async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let items = local.items("/api/v1/users").await;
    local.close().await;
    let none = "There are no users. `notegate users add` makes one.";
    let header = ["ID", "EMAIL", "ROLE", "SIGNED IN", "GROUPS"];
    print_list(&items?, args.json, none, &header, |item| {
        let text = |name: &str| printable(item[name].as_str().unwrap_or("-"));
        let groups = item["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let groups = groups.map(printable).collect::<Vec<_>>().join(", ");
        let known = if item["identity"].is_null() { "not yet" } else { "yes" };
        vec![text("id"), text("email"), text("role"), known.to_owned(), groups]
    })
}

async fn add(args: Add) -> Done {
    let local = Local::find(&args.place).await?;
    let body = json!({ "email": args.email, "role": args.role, "bot_id": args.connection });
    let made = local.json(Method::POST, "/api/v1/users", Some(&body)).await;
    local.close().await;
    let made = made?;
    if args.json {
        println!("{made}");
    } else {
        println!("{}", made["id"].as_str().unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes a user; gives the address back.
async fn change(
    place: &Where,
    user: &str,
    method: Method,
    body: Option<&Value>,
) -> Result<String, Failure> {
    let local = Local::find(place).await?;
    let changed = async {
        let found = find(&local, user).await?;
        let path = format!("/api/v1/users/{}", encoded(found["id"].as_str().unwrap_or_default()));
        local.json(method, &path, body).await?;
        Ok(printable(found["email"].as_str().unwrap_or_default()))
    };
    let changed = changed.await;
    local.close().await;
    changed
}

/// A user by address or id.
pub(super) async fn find(local: &Local, wanted: &str) -> Result<Value, Failure> {
    let all = local.items("/api/v1/users").await?;
    let is_it = |user: &&Value| {
        let email = user["email"].as_str().unwrap_or_default();
        user["id"] == wanted || email.eq_ignore_ascii_case(wanted.trim())
    };
    all.iter().find(is_it).cloned().ok_or_else(|| {
        Failure::usage(anyhow!("there is no user {}: `notegate users list`", printable(wanted)))
    })
}
