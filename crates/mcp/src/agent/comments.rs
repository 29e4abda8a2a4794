//! `comments` and `add_comment`: the open ones of a page or block, and new ones.

use std::fmt::Write as _;

use notion::Id;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::read;
use super::fault::Fault;
use super::flat_out::{person, plain, short, shown};
use super::reference::Reference;
use super::tokens::fit;
use super::{NOTICE, REHEARSED, budget, reach};
use crate::caller::{Ask, Caller};
use crate::tool::Outcome;

/// Comments of one page that are read.
const COMMENTS_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Show {
    on: String,
    max_tokens: Option<usize>,
}

/// `comments`: the open ones.
pub(crate) async fn show(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Show { on, max_tokens } = read(arguments)?;
    let on = Reference::read(&on)?;
    let listed = list(caller, on.id, budget(max_tokens)).await?;
    Ok(Outcome::text(format!("{NOTICE}\n{listed}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    on: Option<String>,
    reply_to: Option<String>,
    text: String,
    #[serde(default)]
    dry_run: bool,
}

/// `add_comment`: a new one.
pub(crate) async fn add(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Add { on, reply_to, text, dry_run } = read(arguments)?;
    if text.trim().is_empty() {
        return Err(Fault::input("`text` is empty: write what the comment says."));
    }
    let mut body = json!({ "markdown": text });
    let place = match (on, reply_to) {
        (_, Some(thread)) => {
            let thread = Reference::read(&thread)?;
            body["discussion_id"] = json!(thread.id.to_string());
            format!("in discussion://{}", thread.id.plain())
        }
        (Some(on), None) => {
            let on = Reference::read(&on)?;
            body["parent"] = parent(caller, on).await?;
            format!("on {}", on.id.plain())
        }
        (None, None) => {
            return Err(Fault::input("Pass `on` (a page or block) or `reply_to` (a discussion)."));
        }
    };
    let ask = Ask { operation: "create-a-comment", body: Some(body), ..Ask::default() };
    if dry_run {
        reach::rehearse(caller, vec![ask]).await?;
        return Ok(Outcome::text(format!(
            "Dry run, nothing written. Would comment {place}: {text}\n{REHEARSED}"
        )));
    }
    let made = reach::send(caller, ask).await?;
    let thread = shown(&short(&made["discussion_id"]));
    Ok(Outcome::text(format!("Commented {place}. Thread: discussion://{thread}")))
}

/// Where a comment goes: pages and blocks are told apart by Notion.
async fn parent(caller: &Caller<'_>, on: Reference) -> Result<Value, Fault> {
    let Reference { id, .. } = on;
    let block = reach::about(caller, "retrieve-a-block", "block_id", id, None).await?;
    Ok(match block["type"].as_str() {
        Some("child_page") => json!({"page_id": id.to_string()}),
        _ => json!({"block_id": id.to_string()}),
    })
}

/// The open comments of a page or block, by thread, as far as a budget goes.
pub(crate) async fn list(caller: &Caller<'_>, on: Id, budget: usize) -> Result<String, Fault> {
    let query = [("block_id", on.to_string())];
    let (items, more) = reach::list(caller, "retrieve-a-comment", &query, COMMENTS_MAX).await?;
    let mut threads: Vec<(String, Vec<&Value>)> = Vec::new();
    for item in &items {
        let thread = shown(&short(&item["discussion_id"]));
        match threads.iter_mut().find(|(id, _)| *id == thread) {
            Some((_, comments)) => comments.push(item),
            None => threads.push((thread, vec![item])),
        }
    }
    let mut text = String::new();
    for (thread, comments) in threads {
        let _ = writeln!(text, "discussion://{thread}");
        for comment in comments {
            let _ = writeln!(text, "- {}", line(comment));
        }
    }
    if text.is_empty() {
        text.push_str("No open comments.");
    }
    let whole = text.len();
    text.truncate(fit(&text, budget));
    if text.len() < whole {
        text.push_str("[Cut here; more with a larger max_tokens.]");
    } else if more {
        let _ = write!(text, "Only the first {COMMENTS_MAX}.");
    }
    Ok(text)
}

/// One comment.
pub(crate) fn line(comment: &Value) -> String {
    let by = match comment["display_name"]["resolved_name"].as_str() {
        Some(name) => name.to_owned(),
        None => shown(&person(&comment["created_by"])),
    };
    let at = comment["created_time"].as_str().unwrap_or_default();
    let text = plain(&comment["rich_text"]).replace('\n', " ");
    format!("{by}, {}: {text}", at.get(..16).unwrap_or(at))
}
