//! `notegate policy what-if` and `suggest`: what the ledger says about policies.

use std::path::PathBuf;
use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use super::read;
use crate::Done;
use crate::local::{Local, Where};
use crate::term::{counted, table};

#[derive(Debug, clap::Args)]
pub(crate) struct WhatIf {
    #[command(flatten)]
    place: Where,
    /// The policies to try; `-` for standard input
    file: PathBuf,
    /// So many of the newest entries
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    entries: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Suggest {
    #[command(flatten)]
    place: Where,
    /// The id of the key
    key: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn what_if(args: WhatIf) -> Done {
    let body = json!({ "text": read(&args.file)?, "entries": args.entries });
    let local = Local::find_to_connect(&args.place).await?;
    let replay = local.json(Method::POST, "/api/v1/policy/what-if", Some(&body)).await;
    local.close().await;
    let replay = replay?;
    if args.json {
        println!("{replay}");
        return Ok(ExitCode::SUCCESS);
    }
    for (title, changes) in
        [("Newly allowed", &replay["newly_allowed"]), ("Newly refused", &replay["newly_refused"])]
    {
        let changes = changes.as_array().map(Vec::as_slice).unwrap_or_default();
        if changes.is_empty() {
            println!("{title}: nothing");
        } else {
            println!("{title}:");
            let text = |change: &Value, name: &str| {
                change[name].as_str().unwrap_or("(workspace)").to_owned()
            };
            let rows = changes.iter().map(|change| {
                vec![
                    change["calls"].to_string(),
                    text(change, "name"),
                    text(change, "operation"),
                    text(change, "object"),
                    text(change, "rule"),
                ]
            });
            print!("{}", table(&["CALLS", "KEY", "OPERATION", "OBJECT", "RULE"], rows));
        }
    }
    let columns = replay["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !columns.is_empty() {
        println!("Columns:");
        let text =
            |change: &Value, name: &str| change[name].as_str().unwrap_or_default().to_owned();
        let rows = columns.iter().map(|change| {
            let becomes = format!("{} → {}", text(change, "before"), text(change, "after"));
            let [name, table, property, rule] =
                ["name", "table", "property", "rule"].map(|it| text(change, it));
            vec![name, table, property, becomes, rule]
        });
        print!("{}", table(&["KEY", "DATA SOURCE", "COLUMN", "BECOMES", "RULE"], rows));
    }
    println!("{}", looked_at(&replay));
    Ok(ExitCode::SUCCESS)
}

/// How many calls an answer goes by.
fn looked_at(answer: &Value) -> String {
    let number = |name: &str| answer[name].as_u64().and_then(|it| usize::try_from(it).ok());
    let calls = counted(number("calls").unwrap_or(0), "call was", "calls were");
    match number("unknown") {
        None | Some(0) => format!("{calls} looked at."),
        Some(unknown) => format!(
            "{calls} looked at; {unknown} could not be judged: the key is gone, or the object not to be \
             found."
        ),
    }
}

pub(super) async fn suggest(args: Suggest) -> Done {
    let local = Local::find_to_connect(&args.place).await?;
    let body = json!({ "key": args.key });
    let suggestion = local.json(Method::POST, "/api/v1/policy/suggest", Some(&body)).await;
    local.close().await;
    let suggestion = suggestion?;
    if args.json {
        println!("{suggestion}");
        return Ok(ExitCode::SUCCESS);
    }
    let list = |name: &str| -> Vec<&str> {
        suggestion[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let role = suggestion["role"].as_str().unwrap_or_default();
    let within: String = list("within").iter().map(|id| format!(" --within {id}")).collect();
    let capabilities: String =
        list("capabilities").iter().map(|it| format!(" --capability {it}")).collect();
    println!("{}\n", looked_at(&suggestion));
    // No scope would be every scope.
    if suggestion["calls"] == 0 {
        println!("The key did nothing that is in the ledger: there is nothing that it needs.");
        println!("End it with `notegate keys revoke {}`.", args.key);
        return Ok(ExitCode::SUCCESS);
    }
    println!("A key that would do:\n");
    println!("  notegate keys create --name NAME --role {role}{capabilities}{within}\n");
    println!("A policy for the key as it is:\n");
    print!("{}", suggestion["policy"].as_str().unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}
