//! `move_pages`: pages and databases to another place.

use std::fmt::Write as _;

use notion::Kind;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::json;

use super::REHEARSED;
use super::arguments::read;
use super::create::parent;
use super::fault::{Fault, bounded, missing};
use super::flat_out::{one_line, title};
use super::reach::{self, Found};
use super::reference::Reference;
use crate::caller::{Ask, Caller};
use crate::tool::Outcome;

/// Pages in one call.
const PAGES_MAX: usize = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    pages: Vec<String>,
    to: String,
    #[serde(default)]
    dry_run: bool,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Arguments { pages, to, dry_run } = read(arguments)?;
    if pages.is_empty() {
        return Err(missing("pages", "{\"pages\": [\"<id>\"], \"to\": \"<id>\"}"));
    }
    bounded("pages", pages.len(), PAGES_MAX)?;
    let target = parent(caller, &to).await.map_err(|fault| fault.about("to"))?;
    let mut found = Vec::with_capacity(pages.len());
    for page in &pages {
        let reference = Reference { id: Reference::object(page)?, kind: None };
        let one = reach::find(caller, reference, &[Kind::Page, Kind::Database]).await;
        let one = one.map_err(|fault| fault.about(&format!("{page}: nothing was moved")))?;
        if one.kind == Kind::Database && target.kind != Kind::Page {
            return Err(Fault::input(format!(
                "{page} is a database: it moves under a page, not into a data source. Nothing was moved."
            )));
        }
        found.push(one);
    }
    let place = format!("to {}", target.shown());
    let ask = |one: &Found| {
        let (operation, parameter) = match one.kind {
            Kind::Database => ("update-database", "database_id"),
            _ => ("move-page", "page_id"),
        };
        let body = Some(json!({"parent": reach::parent_of(target.kind, target.id)}));
        Ask { operation, path: vec![(parameter, one.id.to_string())], body, ..Ask::default() }
    };
    let line = |one: &Found| format!("{} \"{}\"", one.id.plain(), one_line(&title(&one.object)));
    if dry_run {
        reach::rehearse(caller, found.iter().map(ask).collect()).await?;
        let lines: Vec<_> = found.iter().map(line).collect();
        return Ok(Outcome::text(format!(
            "Dry run, nothing moved. Would move {place}:\n{}\n{REHEARSED}",
            lines.join("\n")
        )));
    }
    let mut text = String::new();
    for (index, one) in found.iter().enumerate() {
        let line = line(one);
        caller.progress(index as f64, Some(found.len() as f64), "moving").await;
        match reach::send(caller, ask(one)).await {
            Ok(_) => {
                let _ = writeln!(text, "moved {line}");
            }
            Err(fault) if index == 0 => return Err(fault.about(&line)),
            Err(fault) => {
                let left = found.len() - index;
                let _ = write!(text, "Then {line} failed, {left} not moved: {}", fault.text);
                return Ok(Outcome::error(text));
            }
        }
    }
    Ok(Outcome::text(format!("{text}{place}")))
}
