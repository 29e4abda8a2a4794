//! `notegate audit capabilities`: what is granted, and what of it is put to use.

use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use crate::Done;
use crate::local::{Local, Where};
use crate::term::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// How many days are looked at
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Done {
    let local = Local::find(&args.place).await?;
    let report = whole(&local, args.days).await;
    local.close().await;
    let report = report?;
    if args.json {
        println!("{report}");
        return Ok(ExitCode::SUCCESS);
    }
    let words = |value: &Value| {
        let words: Vec<_> =
            value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    };
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let used = |item: &Value| {
        let used = item["used"].as_array().into_iter().flatten();
        let last = used.filter_map(|it| it["last_used_at"].as_str()).max();
        last.map_or_else(|| "-".to_owned(), |time| time.chars().take(10).collect())
    };
    let row = |name: &str, item: &Value| {
        vec![text(&item[name]), text(&item["name"]), words(&item["unused"]), used(item)]
    };
    let all = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let (keys, connections) = (all("items"), all("connections"));
    println!("Of the last {} days:", args.days);
    let rows = keys.iter().map(|item| row("id", item));
    print!("{}", table(&["KEY", "NAME", "GRANTED AND NEVER USED", "LAST USE"], rows));
    println!();
    let rows = connections.iter().map(|item| row("bot_id", item));
    print!("{}", table(&["WORKSPACE", "NAME", "GRANTED AND NEVER USED", "LAST USE"], rows));
    Ok(ExitCode::SUCCESS)
}

/// The report with the keys of all pages.
async fn whole(local: &Local, days: u32) -> Result<Value, crate::failure::Failure> {
    let path = format!("/api/v1/audit/capabilities?days={days}&limit=1000");
    let mut report = local.json(Method::GET, &path, None).await?;
    while let Some(cursor) = report["next_cursor"].as_str().map(str::to_owned) {
        let next = format!("{path}&cursor={cursor}");
        let mut page = local.json(Method::GET, &next, None).await?;
        let more = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if let Some(items) = report["items"].as_array_mut() {
            items.extend(more);
        }
        report["next_cursor"] = page["next_cursor"].take();
    }
    Ok(report)
}
