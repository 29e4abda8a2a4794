//! `list_users`: who is in the workspace.

use std::fmt::Write as _;

use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::read;
use super::fault::Fault;
use super::flat_out::{short, shown};
use super::reach;
use crate::caller::Caller;
use crate::tool::Outcome;

/// People that are looked through, and shown.
const PEOPLE_MAX: usize = 2_000;
const SHOWN_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    query: Option<String>,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Arguments { query } = read(arguments)?;
    let (people, more) = reach::list(caller, "get-users", &[], PEOPLE_MAX).await?;
    let wanted = query.unwrap_or_default().to_lowercase();
    let fits = |person: &&Value| {
        let texts = [&person["name"], &person["person"]["email"]];
        let texts = texts.into_iter().filter_map(Value::as_str);
        wanted.is_empty() || texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let found: Vec<&Value> = people.iter().filter(fits).collect();
    let mut text = String::new();
    for person in found.iter().take(SHOWN_MAX) {
        let name = person["name"].as_str().unwrap_or("unnamed");
        let email = person["person"]["email"].as_str();
        let kind = if person["type"] == "bot" { " (bot)" } else { "" };
        let email = email.map(|email| format!(" <{email}>")).unwrap_or_default();
        let _ = writeln!(text, "{name}{email}{kind} | {}", shown(&short(&person["id"])));
    }
    if found.is_empty() {
        text.push_str("Nobody fits.");
    }
    if more || found.len() > SHOWN_MAX {
        let _ = write!(text, "There are more: pass a part of the name as `query`.");
    }
    Ok(Outcome::text(text))
}
