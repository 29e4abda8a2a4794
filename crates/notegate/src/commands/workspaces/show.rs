//! What is known of connections, for people and for programs.

use std::process::ExitCode;

use http::Method;
use jiff::Timestamp;
use model::{Clock, SystemClock};
use serde_json::Value;

use super::{parse, text};
use crate::Done;
use crate::local::{Local, Where};
use crate::term::{Style, print_list, printable};

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    place: Where,
    /// The connection's bot id
    bot_id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(args: List) -> Done {
    let local = Local::find(&args.place).await?;
    let records = records(&local).await;
    local.close().await;
    let none = "No workspace is connected. `notegate workspaces connect` connects one.";
    let header = ["NAME", "WORKSPACE", "STATE", "TOKEN'S AGE", "LAST USE", "BOT ID"];
    let now = SystemClock.now();
    print_list(&records?, args.json, none, &header, |record| {
        vec![
            text(record, "name"),
            text(record, "workspace_name"),
            text(record, "state"),
            ago(record, "rotated_at", now),
            ago(record, "last_used_at", now),
            text(record, "bot_id"),
        ]
    })
}

/// Every whole record.
async fn records(local: &Local) -> Result<Vec<Value>, crate::failure::Failure> {
    let mut records = Vec::new();
    for item in local.items("/api/v1/workspaces").await? {
        let path = format!("/api/v1/workspaces/{}", text(&item, "bot_id"));
        records.push(local.json(Method::GET, &path, None).await?);
    }
    Ok(records)
}

pub(super) async fn show(args: Show) -> Done {
    let bot = parse(&args.bot_id)?;
    let local = Local::find(&args.place).await?;
    let record = local.json(Method::GET, &format!("/api/v1/workspaces/{bot}"), None).await;
    local.close().await;
    let record = record?;
    if args.json {
        println!("{record}");
    } else {
        print(&record);
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells that something was done with a connection, and what is known of it now.
pub(super) fn done(record: &Value, as_json: bool) -> Done {
    if as_json {
        println!("{record}");
    } else {
        println!("{} verified, and in use from now on", Style::of_stdout().green("✓"));
        print(record);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(record: &Value) {
    let style = Style::of_stdout();
    let line = |name: &str, value: &str| {
        println!("  {} {}", style.dim(&format!("{name:<14}")), printable(value));
    };
    line("name", &text(record, "name"));
    line("workspace", &text(record, "workspace_name"));
    line("bot id", &text(record, "bot_id"));
    let state = match record["state_reason"].as_str() {
        Some(reason) => format!("{} ({reason})", text(record, "state")),
        None => text(record, "state"),
    };
    line("state", &state);
    line("kind", &format!("{}, {}", text(record, "kind"), text(record, "origin")));
    line("may", &capabilities(&record["capabilities"]));
    if let Some(writer) = record["writer"].as_object() {
        let name = writer.get("name").and_then(Value::as_str).unwrap_or("-");
        let bot = writer.get("bot_id").and_then(Value::as_str).unwrap_or("-");
        line("writes as", &format!("{name} ({bot})"));
        line("writer may", &capabilities(&writer["capabilities"]));
    }
    line(
        "authorized",
        &format!("{} by {}", text(record, "authorized_at"), text(record, "authorized_by")),
    );
    line("token since", &text(record, "rotated_at"));
    line("last use", &text(record, "last_used_at"));
    for warning in record["warnings"].as_array().into_iter().flatten() {
        println!("  {} {}", style.red("!"), printable(&text(warning, "detail")));
    }
}

fn capabilities(value: &Value) -> String {
    match value.as_array() {
        None => "not known yet".to_owned(),
        Some(all) if all.is_empty() => "nothing".to_owned(),
        Some(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// How long something is ago, in the largest unit that fits.
fn ago(record: &Value, name: &str, now: Timestamp) -> String {
    let Some(at) = record[name].as_str().and_then(|at| at.parse::<Timestamp>().ok()) else {
        return "-".to_owned();
    };
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit_that_fits() {
        let now = Timestamp::from_second(10 * 86_400).unwrap();
        for (seconds, expected) in
            [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (90_000, "1 d")]
        {
            let at = Timestamp::from_second(10 * 86_400 - seconds).unwrap();
            assert_eq!(ago(&json!({ "at": at }), "at", now), expected);
        }
        assert_eq!(ago(&json!({ "at": null }), "at", now), "-");
    }
}
