//! Property values as Notion answers them, made flat: what a model reads, and can write back.

use notion::Id;
use serde_json::{Map, Value, json};

/// The flat values of a page's `properties`, in their order.
pub(crate) fn all(properties: &Value) -> Map<String, Value> {
    let all = properties.as_object().into_iter().flatten();
    all.map(|(name, value)| (name.clone(), one(value))).collect()
}

/// One property value; `null` if it is empty.
pub(crate) fn one(property: &Value) -> Value {
    let kind = property["type"].as_str().unwrap_or_default();
    let value = &property[kind];
    match kind {
        "title" | "rich_text" => text_or_null(value),
        "select" | "status" => value["name"].clone(),
        "multi_select" => list(value, |it| it["name"].clone()),
        "date" => date(value),
        "people" => list(value, person),
        "created_by" | "last_edited_by" if value.is_object() => person(value),
        "relation" => related(property),
        "files" => list(value, file),
        "unique_id" => unique_id(value),
        "formula" => computed(value),
        "rollup" => rollup(value),
        "verification" => value["state"].clone(),
        "place" => ["name", "address"]
            .into_iter()
            .map(|member| &value[member])
            .find(|it| it.is_string())
            .cloned()
            .unwrap_or_else(|| json_or_null(value)),
        "button" => Value::Null,
        _ => value.clone(),
    }
}

fn json_or_null(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { Value::Null }
}

/// The plain text of rich text.
pub(crate) fn plain(rich_text: &Value) -> String {
    let runs = rich_text.as_array().into_iter().flatten();
    runs.filter_map(|run| run["plain_text"].as_str()).collect()
}

fn text_or_null(value: &Value) -> Value {
    let text = plain(value);
    if text.is_empty() { Value::Null } else { text.into() }
}

fn list(value: &Value, each: impl Fn(&Value) -> Value) -> Value {
    let items: Vec<Value> = value.as_array().into_iter().flatten().map(each).collect();
    if items.is_empty() { Value::Null } else { items.into() }
}

/// `2026-11-21`, or `2026-11-21/2026-11-23`; a time zone behind.
pub(crate) fn date(value: &Value) -> Value {
    let Some(start) = value["start"].as_str() else { return Value::Null };
    let mut text = start.to_owned();
    for (sign, member) in [('/', "end"), (' ', "time_zone")] {
        if let Some(more) = value[member].as_str() {
            text.push(sign);
            text.push_str(more);
        }
    }
    text.into()
}

/// A person's name, or the id if the name is not to be seen.
pub(crate) fn person(value: &Value) -> Value {
    match value["name"].as_str() {
        Some(name) => name.into(),
        None => short(&value["id"]),
    }
}

fn related(property: &Value) -> Value {
    let mut ids = list(&property["relation"], |it| short(&it["id"]));
    if property["has_more"] == true
        && let Some(ids) = ids.as_array_mut()
    {
        ids.push("… and more".into());
    }
    ids
}

fn file(value: &Value) -> Value {
    let kind = value["type"].as_str().unwrap_or_default();
    match value[kind]["url"].as_str() {
        // Notion signs the addresses of its own files, in a thousand characters that soon expire.
        Some(url) if kind == "file" => url.split('?').next().unwrap_or(url).into(),
        Some(url) => url.into(),
        None => value["name"].clone(),
    }
}

fn unique_id(value: &Value) -> Value {
    match (value["prefix"].as_str(), &value["number"]) {
        (_, Value::Null) => Value::Null,
        (Some(prefix), number) => format!("{prefix}-{number}").into(),
        (None, number) => number.clone(),
    }
}

fn computed(value: &Value) -> Value {
    let kind = value["type"].as_str().unwrap_or_default();
    if kind == "date" { date(&value[kind]) } else { value[kind].clone() }
}

fn rollup(value: &Value) -> Value {
    match value["type"].as_str() {
        Some("array") => list(&value["array"], one),
        _ => computed(value),
    }
}

/// An id without dashes: half the tokens.
pub(crate) fn short(id: &Value) -> Value {
    match id.as_str().map(|text| Id::parse(text).map_or_else(|| text.to_owned(), |id| id.plain())) {
        Some(id) => id.into(),
        None => Value::Null,
    }
}

/// A flat value in a line of text.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if !text.contains('\n') => text.clone(),
        other => other.to_string(),
    }
}

/// A flat value in a cell of a table.
pub(crate) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    text.replace('\n', " ").replace('|', "\\|")
}

/// A text without what ends a line or a cell.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '|'], " ")
}

/// The title of a page, database or data source.
pub(crate) fn title(object: &Value) -> String {
    let text = match object["title"].as_array() {
        Some(_) => plain(&object["title"]),
        None => {
            let properties = object["properties"].as_object();
            let mut values = properties.into_iter().flat_map(Map::values);
            values
                .find(|it| it["type"] == "title")
                .map(|it| plain(&it["title"]))
                .unwrap_or_default()
        }
    };
    if text.is_empty() { "Untitled".to_owned() } else { text }
}

/// Where an object stands: `page 0a1b…`.
pub(crate) fn parent(parent: &Value) -> String {
    match parent["type"].as_str() {
        Some("workspace") => "workspace".to_owned(),
        Some("data_source_id") => {
            format!("collection://{}", shown(&short(&parent["data_source_id"])))
        }
        Some(kind) => format!("{} {}", kind.trim_end_matches("_id"), shown(&short(&parent[kind]))),
        None => String::new(),
    }
}

/// The values of a page as lines, empty ones left out.
pub(crate) fn lines(properties: &Value) -> String {
    let mut text = String::new();
    for (name, value) in all(properties) {
        let kind = properties[&name]["type"].as_str();
        if !value.is_null() && kind != Some("title") {
            text.push_str(&format!("{name}: {}\n", shown(&value)));
        }
    }
    text
}

/// The values of a page as an object, empty ones left out.
pub(crate) fn object(page: &Value, columns: &[String]) -> Value {
    let mut row = json!({"id": short(&page["id"])});
    for (name, value) in all(&page["properties"]) {
        if !value.is_null() && columns.contains(&name) {
            row[name] = value;
        }
    }
    row
}
