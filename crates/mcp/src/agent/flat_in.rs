//! Flat values as a model writes them, made into Notion's: by the column's type, and never by guess.

use notion::Id;
use serde_json::{Value, json};

use super::fault::Fault;
use super::schema::Column;

/// Longest text of one run that Notion takes, and most runs.
const RUN_MAX: usize = 2_000;
const RUNS_MAX: usize = 100;

/// A value on its way to Notion.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Planned {
    /// As Notion takes it.
    Ready(Value),
    /// People to be found: names, addresses or ids.
    People(Vec<String>),
    /// Pages to be found: titles, URLs or ids.
    Pages(Vec<String>),
}

/// Makes a flat value into one for `column`. Notion's own value for the type passes as it is.
pub(crate) fn plan(column: &Column, flat: &Value) -> Result<Planned, Fault> {
    let kind = column.kind.as_str();
    if column.is_computed() {
        return Err(Fault::input(format!(
            "Column `{}` is a {kind}: Notion computes it, leave it out.",
            column.name
        )));
    }
    if let Value::Object(own) = flat {
        let whole = own.contains_key(kind);
        return Ok(Planned::Ready(if whole { flat.clone() } else { json!({ kind: flat }) }));
    }
    // A list of Notion's own values, too.
    if let Value::Array(items) = flat
        && !items.is_empty()
        && items.iter().all(Value::is_object)
    {
        return Ok(Planned::Ready(json!({ kind: flat })));
    }
    let value = match kind {
        "title" | "rich_text" => rich_text(&text(column, flat)?)?,
        "number" => number(column, flat)?,
        "checkbox" => checkbox(column, flat)?,
        "select" | "status" => match flat {
            Value::Null => Value::Null,
            _ => json!({"name": option(column, &text(column, flat)?)?}),
        },
        "multi_select" => {
            let names = names(column, flat)?;
            let chosen: Result<Vec<_>, _> = names
                .iter()
                .map(|name| option(column, name).map(|name| json!({"name": name})))
                .collect();
            chosen?.into()
        }
        "date" => date(column, flat)?,
        "url" | "email" | "phone_number" => match text(column, flat)? {
            empty if empty.is_empty() => Value::Null,
            text => text.into(),
        },
        "people" => return Ok(Planned::People(names(column, flat)?)),
        "relation" => return Ok(Planned::Pages(names(column, flat)?)),
        "files" => {
            names(column, flat)?.iter().map(|it| file(column, it)).collect::<Result<_, _>>()?
        }
        "verification" => json!({"state": text(column, flat)?}),
        _ => {
            return Err(Fault::input(format!(
                "Column `{}` has the type {kind}: pass Notion's own value for it as an object.",
                column.name
            )));
        }
    };
    Ok(Planned::Ready(json!({ kind: value })))
}

fn wrong(column: &Column, wanted: &str, flat: &Value) -> Fault {
    let shown: String = flat.to_string().chars().take(80).collect();
    Fault::input(format!("Column `{}` ({}) takes {wanted}, not {shown}.", column.name, column.kind))
}

fn text(column: &Column, flat: &Value) -> Result<String, Fault> {
    match flat {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(wrong(column, "text", flat)),
    }
}

/// Plain text as runs of rich text.
pub(crate) fn rich_text(text: &str) -> Result<Value, Fault> {
    let chars: Vec<char> = text.chars().collect();
    let runs = chars.chunks(RUN_MAX).map(|run| {
        let content: String = run.iter().collect();
        json!({"type": "text", "text": {"content": content}})
    });
    let runs: Vec<Value> = runs.collect();
    if runs.len() > RUNS_MAX {
        return Err(Fault::input(
            "The text is longer than 200,000 characters: put it on the page.",
        ));
    }
    Ok(runs.into())
}

fn number(column: &Column, flat: &Value) -> Result<Value, Fault> {
    match flat {
        Value::Null | Value::Number(_) => Ok(flat.clone()),
        Value::String(text) => {
            let number = text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map(Value::Number).ok_or_else(|| wrong(column, "a number, as 12.5", flat))
        }
        _ => Err(wrong(column, "a number, as 12.5", flat)),
    }
}

fn checkbox(column: &Column, flat: &Value) -> Result<Value, Fault> {
    let lower = flat.as_str().map(str::to_lowercase);
    Ok(match (flat, lower.as_deref()) {
        (Value::Bool(value), _) => (*value).into(),
        (Value::Null, _) | (_, Some("false" | "no" | "__no__")) => false.into(),
        (_, Some("true" | "yes" | "__yes__")) => true.into(),
        _ => return Err(wrong(column, "true or false", flat)),
    })
}

fn option(column: &Column, name: &str) -> Result<String, Fault> {
    column.option(name).map(Into::into).ok_or_else(|| {
        let new = match column.kind.as_str() {
            "status" => "",
            _ => " For a new option on purpose, pass {\"name\": \"…\"}.",
        };
        Fault::input(format!(
            "Column `{}` has no option `{name}`. Options: {}.{new}",
            column.name,
            column.options_shown()
        ))
    })
}

/// One or several names; a single text is one name, whatever commas are in it.
fn names(column: &Column, flat: &Value) -> Result<Vec<String>, Fault> {
    match flat {
        Value::Null => Ok(Vec::new()),
        Value::String(one) if one.trim().is_empty() => Ok(Vec::new()),
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(items) => {
            let names = items.iter().map(|it| it.as_str().map(str::to_owned));
            names.collect::<Option<_>>().ok_or_else(|| wrong(column, "a list of texts", flat))
        }
        _ => Err(wrong(column, "a list of texts", flat)),
    }
}

/// `2026-11-21`, `2026-11-21T09:00`, or two of them with a slash in between; a time zone behind.
fn date(column: &Column, flat: &Value) -> Result<Value, Fault> {
    let wanted = "a date as 2026-11-21, 2026-11-21T09:00:00+01:00, 2026-11-21T09:00:00 Europe/Berlin, or a range \
         2026-11-21/2026-11-23";
    let text = match flat {
        Value::Null => return Ok(Value::Null),
        Value::String(text) if text.trim().is_empty() => return Ok(Value::Null),
        Value::String(text) => text.trim(),
        _ => return Err(wrong(column, wanted, flat)),
    };
    // A time zone by its name comes last.
    let (text, zone) = match text.rsplit_once(' ') {
        Some((text, zone)) if zone.starts_with(char::is_alphabetic) && text.contains('T') => {
            (text.trim(), Some(zone))
        }
        _ => (text, None),
    };
    let (start, end) = match text.split_once('/').or_else(|| text.split_once(" to ")) {
        Some((start, end)) => (start.trim(), Some(end.trim())),
        None => (text, None),
    };
    if !is_date(start) || end.is_some_and(|end| !is_date(end)) {
        return Err(wrong(column, wanted, flat));
    }
    let mut date = json!({ "start": start });
    if let Some(end) = end {
        date["end"] = json!(end);
    }
    if let Some(zone) = zone {
        date["time_zone"] = json!(zone);
    }
    Ok(date)
}

/// Whether a text begins as an ISO date does; the rest is Notion's to judge.
pub(crate) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && bytes.get(10).is_none_or(|at| matches!(at, b'T' | b' '))
}

/// The id of an upload, or a URL.
fn file(column: &Column, text: &str) -> Result<Value, Fault> {
    if let Some(id) = Id::parse(text.trim()) {
        return Ok(json!({"type": "file_upload", "file_upload": {"id": id.to_string()}}));
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        let path = text.split(['?', '#']).next().unwrap_or(text);
        let name: String = path.rsplit('/').find(|it| !it.is_empty()).unwrap_or("file").into();
        return Ok(json!({"name": name, "type": "external", "external": {"url": text}}));
    }
    Err(wrong(column, "URLs, or ids that `upload_file` gave", &text.into()))
}
