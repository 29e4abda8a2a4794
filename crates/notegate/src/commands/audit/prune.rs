//! `audit prune`: drop old entries.

use std::process::ExitCode;

use anyhow::anyhow;
use http::Method;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, SystemClock};
use serde_json::json;

use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// Drop what is older than this: a day (2026-01-31, UTC), a time, or an age in days (90d)
    #[arg(long, value_name = "TIME")]
    before: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Done {
    let before = parse(&args.before, SystemClock.now()).ok_or_else(|| {
        Failure::usage(anyhow!(
            "--before: `{}` is neither a day (2026-01-31) nor a time nor an age in days (90d)",
            args.before
        ))
    })?;
    let local = Local::find(&args.place).await?;
    let body = json!({ "before": before.to_string() });
    let answer = local.json(Method::POST, "/api/v1/audit/prune", Some(&body)).await;
    local.close().await;
    let answer = answer?;
    if args.json {
        println!("{answer}");
    } else if let Some(pruned) = answer["pruned"].as_object() {
        println!(
            "Entries {} to {} were dropped. A signed record of that stands in their place.",
            pruned["first"], pruned["last"]
        );
    } else {
        println!("Nothing is older than {before}, so nothing was dropped.");
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(days) = text.strip_suffix('d') {
        let days: u32 = days.parse().ok()?;
        return now.checked_sub(SignedDuration::from_hours(i64::from(days) * 24)).ok();
    }
    if let Ok(day) = text.parse::<Date>() {
        return Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_times_and_ages() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let read = |text| parse(text, now).map(|time| time.to_string());
        assert_eq!(read("2026-01-31").as_deref(), Some("2026-01-31T00:00:00Z"));
        assert_eq!(read("2026-01-31T10:00:00Z").as_deref(), Some("2026-01-31T10:00:00Z"));
        assert_eq!(read("30d").as_deref(), Some("2026-01-30T12:00:00Z"));
        assert_eq!(read("0d").as_deref(), Some("2026-03-01T12:00:00Z"));
        for wrong in ["", "d", "-1d", "yesterday", "99999999999d", "4000000000d"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
