//! `search`: pages and data sources by words of their titles, a line each.

use jiff::Timestamp;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::read;
use super::fault::Fault;
use super::flat_out::{one_line, parent, short, shown, title};
use super::{NOTICE, reach};
use crate::caller::Caller;
use crate::tool::Outcome;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    query: String,
    kind: Option<String>,
    edited_after: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let arguments: Arguments = read(arguments)?;
    let limit = arguments.limit.unwrap_or(10).clamp(1, 50);
    let mut body = json!({"query": arguments.query, "page_size": limit});
    match arguments.kind.as_deref() {
        None => {}
        Some("page") => body["filter"] = json!({"property": "object", "value": "page"}),
        Some("database" | "data_source") => {
            body["filter"] = json!({"property": "object", "value": "data_source"});
        }
        Some(other) => {
            return Err(Fault::input(format!("`kind` is `page` or `database`, not `{other}`.")));
        }
    }
    let since = arguments.edited_after.as_deref().map(moment).transpose()?;
    if since.is_some() {
        body["sort"] = json!({"timestamp": "last_edited_time", "direction": "descending"});
    }
    if let Some(cursor) = &arguments.cursor {
        body["start_cursor"] = json!(cursor);
    }
    let answer = reach::plain(caller, "post-search", Vec::new(), Some(body)).await?;
    let mut text = String::new();
    let mut reached_older = false;
    let found: Vec<&Value> = answer["results"].as_array().into_iter().flatten().collect();
    for object in &found {
        let edited = object["last_edited_time"].as_str().unwrap_or_default();
        if since.is_some_and(|since| edited.parse::<Timestamp>().is_ok_and(|at| at < since)) {
            reached_older = true;
            break;
        }
        text.push_str(&line(object, &found));
    }
    if text.is_empty() {
        text.push_str(match reached_older {
            true => "Nothing found that was edited since then.\n",
            false => "Nothing found. Only titles are searched: try fewer or other words.\n",
        });
    } else {
        text.insert_str(0, &format!("{NOTICE}\ntitle | id | in | edited\n"));
    }
    if let Some(cursor) = answer["next_cursor"].as_str().filter(|_| !reached_older) {
        text.push_str(&format!("More: cursor \"{cursor}\"\n"));
    }
    Ok(Outcome::text(text))
}

/// A line: what stands where. The place has its title, too, where that was found with it.
fn line(object: &Value, found: &[&Value]) -> String {
    let id = shown(&short(&object["id"]));
    let id = if object["object"] == "page" { id } else { format!("collection://{id}") };
    let place = if object["object"] == "page" {
        parent(&object["parent"])
    } else {
        parent(&object["database_parent"])
    };
    let above = &object["parent"][object["parent"]["type"].as_str().unwrap_or_default()];
    let above = found.iter().find(|it| above.is_string() && it["id"] == *above);
    let place = match above {
        Some(above) => format!("{place} \"{}\"", one_line(&title(above))),
        None => place,
    };
    let edited = object["last_edited_time"].as_str().unwrap_or_default();
    let day = edited.get(..10).unwrap_or(edited);
    format!("{} | {id} | {place} | {day}\n", one_line(&title(object)))
}

/// A day or a moment.
fn moment(text: &str) -> Result<Timestamp, Fault> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map_err(|_| {
        Fault::input(format!(
            "`edited_after` takes 2026-11-21 or 2026-11-21T09:00:00Z, not `{text}`."
        ))
    })
}
