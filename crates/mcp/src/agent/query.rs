//! `query`: the rows of one data source, flat.

use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::read;
use super::fault::Fault;
use super::flat_out;
use super::names::Names;
use super::reach::{self, Table};
use super::tokens::estimate;
use super::{NOTICE, budget, filter};
use crate::caller::Caller;
use crate::tool::Outcome;

/// Columns that are shown unless the caller says which.
const COLUMNS_SHOWN: usize = 10;
/// Rows that Notion answers at once.
const ROWS_MAX: u64 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    source: String,
    filter: Option<Value>,
    #[serde(default)]
    sorts: Vec<Value>,
    #[serde(default)]
    columns: Vec<String>,
    limit: Option<u64>,
    cursor: Option<String>,
    format: Option<String>,
    max_tokens: Option<usize>,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let arguments: Arguments = read(arguments)?;
    let as_json = match arguments.format.as_deref() {
        None | Some("table") => false,
        Some("json") => true,
        Some(other) => {
            return Err(Fault::input(format!("`format` is `table` or `json`, not `{other}`.")));
        }
    };
    let (table, view) = reach::source_of(caller, &arguments.source).await?;
    // What a view shows, unless the caller wants something else.
    let of_view =
        |name: &str| view.as_ref().map(|view| view[name].clone()).filter(|it| !it.is_null());
    let columns = columns(&table, &arguments.columns)?;
    let limit = arguments.limit.unwrap_or(25).clamp(1, ROWS_MAX);
    let (skip, start) = cursor(arguments.cursor.as_deref())?;
    // Rows that were shown already are asked for again, and do not count.
    let size = limit.saturating_add(skip as u64).min(ROWS_MAX);
    let mut body = json!({ "page_size": size });
    let filter = filtered(caller, &table, arguments.filter.as_ref()).await?;
    if let Some(filter) = filter.or_else(|| of_view("filter")) {
        body["filter"] = filter;
    }
    let sorts = arguments.sorts.iter().map(|sort| match sort {
        Value::String(text) => filter::sort(text, &table.schema),
        own => Ok(own.clone()),
    });
    let sorts = sorts.collect::<Result<Vec<_>, _>>()?;
    let sorts = Some(Value::from(sorts)).filter(|_| !arguments.sorts.is_empty());
    if let Some(sorts) = sorts.or_else(|| of_view("sorts")) {
        body["sorts"] = sorts;
    }
    if let Some(start) = &start {
        body["start_cursor"] = json!(start);
    }
    let answer =
        reach::about(caller, "query-data-source", "data_source_id", table.id, Some(body)).await?;
    let rows: Vec<&Value> = answer["results"].as_array().into_iter().flatten().collect();
    let page = Page {
        rows: rows.get(skip..).unwrap_or_default(),
        columns: &columns,
        as_json,
        budget: budget(arguments.max_tokens),
    };
    let (mut text, fitted) = page.written();
    text.insert_str(0, &format!("{NOTICE}\n"));
    let next = if fitted < page.rows.len() {
        Some(format!("{}~{}", skip + fitted, start.unwrap_or_default()))
    } else {
        answer["next_cursor"].as_str().map(|next| format!("0~{next}"))
    };
    let left_off = table.schema.columns.len().saturating_sub(columns.len());
    if arguments.columns.is_empty() && left_off > 0 && fitted > 0 {
        text.push_str(&format!("{left_off} columns not shown: name them in `columns`.\n"));
    }
    match next {
        Some(next) => {
            text.push_str(&format!("{fitted} rows. More: same call, cursor \"{next}\"\n"))
        }
        None => text.push_str(&format!("{fitted} rows, no more.\n")),
    }
    if answer["request_status"]["type"] == "incomplete" {
        text.push_str("Notion stops at 10,000 rows: narrow the filter for the others.\n");
    }
    Ok(Outcome::text(text))
}

/// The columns to show, the title first.
fn columns(table: &Table, wanted: &[String]) -> Result<Vec<String>, Fault> {
    if !wanted.is_empty() {
        let found = wanted.iter().map(|name| table.schema.find(name).map(|it| it.name.clone()));
        return found.collect();
    }
    let shown = table.schema.columns.iter().filter(|it| !matches!(rank(&it.kind), Rank::Left));
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|it| rank(&it.kind));
    Ok(shown.into_iter().take(COLUMNS_SHOWN).map(|it| it.name.clone()).collect())
}

/// Which columns tell most about a row.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Rank {
    Title,
    State,
    Plan,
    Value,
    Other,
    Left,
}

fn rank(kind: &str) -> Rank {
    match kind {
        "title" => Rank::Title,
        "status" | "select" => Rank::State,
        "date" | "people" => Rank::Plan,
        "checkbox" | "number" | "multi_select" | "unique_id" => Rank::Value,
        "button" | "created_by" | "last_edited_by" | "created_time" | "last_edited_time" => {
            Rank::Left
        }
        _ => Rank::Other,
    }
}

/// Where to go on: how many rows of a page were shown already, and Notion's own cursor of that page.
fn cursor(text: Option<&str>) -> Result<(usize, Option<String>), Fault> {
    let Some(text) = text else { return Ok((0, None)) };
    let parts = text.split_once('~').and_then(|(skip, start)| Some((skip.parse().ok()?, start)));
    let parts = parts.filter(|(skip, _): &(usize, &str)| (*skip as u64) < ROWS_MAX);
    let (skip, start) = parts.ok_or_else(|| {
        Fault::input(
            "The cursor is not one that `query` gave: pass it as it was, with the same arguments.",
        )
    })?;
    Ok((skip, Some(start).filter(|it| !it.is_empty()).map(str::to_owned)))
}

async fn filtered(
    caller: &Caller<'_>,
    table: &Table,
    wanted: Option<&Value>,
) -> Result<Option<Value>, Fault> {
    let text = match wanted {
        None => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        // Notion's own, which some clients send as text.
        Some(Value::String(text)) if text.trim_start().starts_with('{') => {
            return serde_json::from_str(text).map(Some).map_err(|error| {
                Fault::input(format!("The filter is neither JSON ({error}) nor a condition."))
            });
        }
        Some(Value::String(text)) => text,
        Some(Value::Object(own)) if own.is_empty() => return Ok(None),
        Some(own) => return Ok(Some(own.clone())),
    };
    let expr = filter::parse(text, &table.schema)?;
    let mut names = Names::new(caller);
    let mut known = Vec::new();
    for (column, name) in filter::names(&expr, &table.schema) {
        let found = table.schema.find(&column)?;
        let id = match found.kind.as_str() {
            "relation" => names.page(found, &name).await?,
            _ => names.person(&name).await?,
        };
        known.push((column, name, id));
    }
    let known = |column: &str, name: &str| {
        let found = known.iter().find(|it| it.0 == column && it.1 == name);
        found.map(|it| it.2.clone())
    };
    filter::to_notion(&expr, &table.schema, &known).map(Some)
}

/// A page of rows, as text.
struct Page<'a> {
    rows: &'a [&'a Value],
    columns: &'a [String],
    as_json: bool,
    budget: usize,
}

impl Page<'_> {
    /// The text, and how many rows went into the budget: one at least.
    fn written(&self) -> (String, usize) {
        let mut text = String::new();
        if !self.as_json {
            text.push_str(&format!("id | {}\n", self.columns.join(" | ")));
        }
        let mut spent = estimate(&text);
        for (index, row) in self.rows.iter().enumerate() {
            let line = self.line(row);
            spent += estimate(&line);
            if spent > self.budget && index > 0 {
                return (text, index);
            }
            text.push_str(&line);
        }
        (text, self.rows.len())
    }

    fn line(&self, row: &Value) -> String {
        if self.as_json {
            return format!("{}\n", flat_out::object(row, self.columns));
        }
        let cells = self
            .columns
            .iter()
            .map(|name| flat_out::cell(&flat_out::one(&row["properties"][name])));
        let cells: Vec<_> = cells.collect();
        format!("{} | {}\n", flat_out::shown(&flat_out::short(&row["id"])), cells.join(" | "))
    }
}
