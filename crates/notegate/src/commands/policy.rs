//! `notegate policy`: what holds, since when, why; and what would.

mod check;
mod replay;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use http::Method;
use serde_json::{Map, Value, json};

use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on};
use crate::term::{counted, moment, print_list};

/// Policies: who may do what, where. In Cedar, on top of the roles.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show the policies in force, or an older version of them.
    Show(Show),
    /// Put the policies of a file into force, in place of those that are: for the very next call.
    Set(Set),
    /// List the versions, newest first.
    Versions(Versions),
    /// Put an older version into force again.
    Rollback(Rollback),
    /// Check policies in a file, and run tests of them. Asks nobody; exits with 1 if a test fails.
    Check(check::Args),
    /// Whether somebody may do something, and which rule says so. Exits with 1 if not.
    Explain(Explain),
    /// What the policies of a file would change: tried on the calls of the ledger.
    WhatIf(replay::WhatIf),
    /// The least role, capabilities, scope and operations that cover what a key did.
    Suggest(replay::Suggest),
    /// Print what policies can talk about, for editors that know Cedar.
    Schema,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    place: Where,
    /// This version instead of the one in force
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// The built-in policies, which are the roles
    #[arg(long, conflicts_with = "version")]
    built_in: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    #[command(flatten)]
    place: Where,
    /// The policies; `-` for standard input
    file: PathBuf,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Only if this version is in force (0 for none)
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Versions {
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    place: Where,
    /// The version to go back to; 0 for none of your own
    version: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("who").required(true).args(["key", "principal"])))]
pub(crate) struct Explain {
    #[command(flatten)]
    place: Where,
    /// A key, by its id
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// In place of a key: user:ID, role:viewer, operator
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Notion's operation id: patch-page, patch-page/delete, post-search, …; or manage, see-property,
    /// read-property
    operation: String,
    /// What it is about: an id or URL; nothing for what concerns the whole workspace
    object: Option<String>,
    /// A column of the data source that OBJECT is, by its name or id: is it there, are its values shown?
    #[arg(long, value_name = "NAME")]
    property: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::Show(args) => show(args).await,
            Command::Set(args) => set(args).await,
            Command::Versions(args) => versions(args).await,
            Command::Rollback(args) => rollback(args).await,
            Command::Check(args) => check::run(&args),
            Command::Explain(args) => explain(args).await,
            Command::WhatIf(args) => replay::what_if(args).await,
            Command::Suggest(args) => replay::suggest(args).await,
            Command::Schema => {
                print!("{}", gate::policy_schema());
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

const POLICIES: &str = "/api/v1/policies";
const VERSIONS: &str = "/api/v1/policies/versions";

async fn show(args: Show) -> Done {
    let local = Local::find(&args.place).await?;
    let shown = match args.version {
        None => local.json(Method::GET, POLICIES, None).await,
        Some(version) => version_of(&local, version).await,
    };
    local.close().await;
    let shown = shown?;
    if args.json {
        println!("{shown}");
        return Ok(ExitCode::SUCCESS);
    }
    let text = if args.built_in { &shown["built_in"] } else { &shown["text"] };
    let text = text.as_str().unwrap_or_default();
    print!("{text}");
    if !text.is_empty() && !text.ends_with('\n') {
        println!();
    }
    if !args.built_in {
        eprintln!("{}", since(&shown));
    }
    Ok(ExitCode::SUCCESS)
}

/// Which version that is, and whose.
fn since(shown: &Value) -> String {
    match (shown["version"].as_u64(), shown["made_by"].as_str(), shown["made_at"].as_str()) {
        (Some(version), Some(who), Some(at)) => {
            format!("Version {version}, by {who}, {} (UTC).", moment(at))
        }
        _ => {
            "There are no policies of your own; `notegate policy show --built-in` shows the roles."
                .to_owned()
        }
    }
}

async fn version_of(local: &Local, version: u64) -> Result<Value, Failure> {
    let all = local.items(VERSIONS).await?;
    let found = all.into_iter().find(|it| it["version"].as_u64() == Some(version));
    found.ok_or_else(|| {
        Failure::usage(anyhow!(
            "there is no version {version}: `notegate policy versions` lists those that are kept"
        ))
    })
}

async fn set(args: Set) -> Done {
    let text = read(&args.file)?;
    let local = Local::find(&args.place).await?;
    let mut body =
        Map::from_iter([("text".to_owned(), text.into()), ("note".to_owned(), args.note.into())]);
    if let Some(version) = args.if_version {
        body.insert("version".to_owned(), version.into());
    }
    let set = local.json(Method::PUT, POLICIES, Some(&Value::Object(body))).await;
    local.close().await;
    done(&set?, args.json)
}

async fn rollback(args: Rollback) -> Done {
    let local = Local::find(&args.place).await?;
    let set = async {
        let text = match args.version {
            0 => Value::from(""),
            version => version_of(&local, version).await?["text"].clone(),
        };
        let note = format!("back to version {}", args.version);
        let body = json!({ "text": text, "note": note });
        local.json(Method::PUT, POLICIES, Some(&body)).await
    };
    let set = set.await;
    local.close().await;
    done(&set?, args.json)
}

fn done(set: &Value, as_json: bool) -> Done {
    if as_json {
        println!("{set}");
    } else {
        let own = set["policies"].as_array().map_or(0, |all| {
            all.iter().filter(|policy| policy["own"] == Value::Bool(true)).count()
        });
        let version = &set["version"];
        let policies = counted(own, "policy", "policies");
        println!("Version {version} is in force, with {policies} of your own.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn versions(args: Versions) -> Done {
    let local = Local::find(&args.place).await?;
    let items = local.items(VERSIONS).await;
    local.close().await;
    let none = "There are no policies of your own. `notegate policy set FILE` makes some.";
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    print_list(&items?, args.json, none, &["VERSION", "SINCE (UTC)", "BY", "NOTE"], |item| {
        let since = moment(&text(item, "made_at"));
        vec![item["version"].to_string(), since, text(item, "made_by"), text(item, "note")]
    })
}

async fn explain(args: Explain) -> Done {
    let mut body = Map::new();
    for (name, value) in [
        ("key", args.key),
        ("principal", args.principal),
        ("operation", Some(args.operation)),
        ("object", args.object),
        ("property", args.property),
    ] {
        body.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    // Where an object stands may have to be asked.
    let local = Local::find_to_connect(&args.place).await?;
    let path = "/api/v1/policy/explain";
    let explained = local.json(Method::POST, path, Some(&Value::Object(body))).await;
    local.close().await;
    let explained = explained?;
    let allowed = explained["decision"] == "allow";
    if args.json {
        println!("{explained}");
    } else {
        let text = |name: &str| explained[name].as_str().unwrap_or_default().to_owned();
        let is = |name: &str| explained[name] == Value::Bool(true);
        let verdict = match allowed {
            true => "allowed",
            false if is("hidden") => "hidden: answered like what does not exist",
            false if is("masked") => "masked: the column is there, without its values",
            false => "refused",
        };
        println!("{verdict}\nrule     {}\nbecause  {}", text("rule"), text("because"));
        if explained["needed"].is_string() {
            println!("needed   {}", text("needed"));
        }
    }
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A file as text, or standard input.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.with_context(|| format!("{shown} cannot be read")).map_err(Failure::usage)
}
