//! `notegate groups`: groups of users.

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use super::users;
use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on, encoded};
use crate::term::{print_list, printable};

/// Groups of users, which policies can name.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the groups, by name.
    List(List),
    /// Make a group.
    Add(One),
    /// Delete a group; who was in it stays a user.
    Remove(One),
    /// Say who is in a group; put users in or take them out.
    Members(Members),
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
pub(crate) struct One {
    #[command(flatten)]
    place: Where,
    /// Its name
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Members {
    #[command(flatten)]
    place: Where,
    /// Its name
    name: String,
    /// Put this user in, by address or id; may be repeated
    #[arg(long, value_name = "USER")]
    add: Vec<String>,
    /// Take this user out; may be repeated
    #[arg(long, value_name = "USER")]
    remove: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::List(args) => list(args).await,
            Command::Add(args) => {
                let body = json!({ "name": args.name });
                one(&args.place, Method::POST, "/api/v1/groups", Some(&body)).await?;
                println!("The group {} is there.", printable(args.name.trim()));
                Ok(ExitCode::SUCCESS)
            }
            Command::Remove(args) => {
                one(&args.place, Method::DELETE, &path(&args.name), None).await?;
                println!("The group {} is deleted.", printable(&args.name));
                Ok(ExitCode::SUCCESS)
            }
            Command::Members(args) => members(args).await,
        }
    })
}

fn path(name: &str) -> String {
    format!("/api/v1/groups/{}", encoded(name))
}

async fn one(
    place: &Where,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Failure> {
    let local = Local::find(place).await?;
    let done = local.json(method, path, body).await;
    local.close().await;
    done
}

async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let items = local.items("/api/v1/groups").await;
    local.close().await;
    let none = "There are no groups. `notegate groups add` makes one.";
    print_list(&items?, args.json, none, &["NAME", "MEMBERS"], |item| {
        let members = item["members"].as_array().map_or(0, Vec::len);
        vec![printable(item["name"].as_str().unwrap_or_default()), members.to_string()]
    })
}

async fn members(args: Members) -> Done {
    let local = Local::find(&args.place).await?;
    let changed = async {
        let group = path(&args.name);
        let puts = args.add.iter().map(|user| (Method::PUT, user));
        for (method, user) in puts.chain(args.remove.iter().map(|user| (Method::DELETE, user))) {
            let found = users::find(&local, user).await?;
            let id = encoded(found["id"].as_str().unwrap_or_default());
            local.json(method, &format!("{group}/members/{id}"), None).await?;
        }
        local.json(Method::GET, &group, None).await
    };
    let group = changed.await;
    local.close().await;
    let group = group?;
    if args.json {
        println!("{group}");
        return Ok(ExitCode::SUCCESS);
    }
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let none = format!("Nobody is in the group {}.", printable(&args.name));
    print_list(members, false, &none, &["ID", "EMAIL"], |member| {
        let text = |name: &str| printable(member[name].as_str().unwrap_or_default());
        vec![text("id"), text("email")]
    })
}
