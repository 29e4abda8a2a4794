//! Short ways to write schemas and values, turned into what requests hold.

use serde_json::{Value, json};

/// Looks up what is named: a person by name, a page or database by path, a row by its title.
pub(super) trait Names {
    fn person(&self, name: &str) -> Option<String>;
    fn source(&self, path: &str) -> Option<String>;
    /// A row of the table that the property `property` points at.
    fn row(&self, property: &str, title: &str) -> Option<String>;
}

/// Which pass a property of a schema belongs to: relations need all tables, and rollups and formulas
/// need relations.
pub(super) fn pass(written: &Value) -> usize {
    let is = |kind: &str| written.as_str() == Some(kind) || written.get(kind).is_some();
    match () {
        () if is("rollup") || is("formula") => 2,
        () if is("relation") => 1,
        () => 0,
    }
}

/// A property of a schema: a type, or a type with its options, or what Notion's API takes.
pub(super) fn property(written: &Value, names: &dyn Names) -> Result<Value, String> {
    if let Some(kind) = written.as_str() {
        return Ok(json!({kind: {}}));
    }
    let Some((kind, inside)) = written.as_object().and_then(|all| all.iter().next()) else {
        return Err(
            "a property is a type, or a table with one: \"date\", {select = [\"A\"]}".into()
        );
    };
    Ok(match (kind.as_str(), inside) {
        ("select" | "multi_select" | "status", Value::Array(options)) => {
            let options: Vec<Value> = options
                .iter()
                .map(|one| if one.is_string() { json!({"name": one}) } else { one.clone() })
                .collect();
            json!({kind: {"options": options}})
        }
        ("relation", Value::String(path)) => {
            let source = names.source(path).ok_or_else(|| no_database(path))?;
            json!({"relation": {"data_source_id": source, "single_property": {}}})
        }
        ("formula", Value::String(expression)) => json!({"formula": {"expression": expression}}),
        ("number", Value::String(format)) => json!({"number": {"format": format}}),
        ("unique_id", Value::String(prefix)) => json!({"unique_id": {"prefix": prefix}}),
        _ => written.clone(),
    })
}

fn no_database(path: &str) -> String {
    format!("there is no database `{path}`; name it by its path from the top of the seed")
}

/// A value of a property of type `kind`.
pub(super) fn value(
    kind: &str,
    property: &str,
    written: &Value,
    names: &dyn Names,
) -> Result<Value, String> {
    let all = |wrap: &dyn Fn(&str) -> Result<Value, String>| -> Result<Value, String> {
        let list = match written {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let wrapped: Result<Vec<Value>, String> = list
            .iter()
            .map(|one| match one.as_str() {
                Some(text) => wrap(text),
                None => Ok(one.clone()),
            })
            .collect();
        Ok(wrapped?.into())
    };
    let member = match (kind, written) {
        ("title" | "rich_text", Value::String(text)) => json!([{"text": {"content": text}}]),
        ("select" | "status", Value::String(name)) => json!({"name": name}),
        ("multi_select", _) => all(&|name| Ok(json!({"name": name})))?,
        ("date", Value::String(start)) => json!({"start": start}),
        ("people", _) => all(&|name| {
            let person = names.person(name);
            let id = person.ok_or_else(|| {
                format!("there is no person \"{name}\"; workspace.toml names the people")
            })?;
            Ok(json!({"id": id}))
        })?,
        ("relation", _) => all(&|title| {
            let row = names.row(property, title);
            let id = row
                .ok_or_else(|| format!("the other table has no row with the title \"{title}\""))?;
            Ok(json!({"id": id}))
        })?,
        ("files", _) => all(&|url| {
            let name = url.rsplit('/').next().unwrap_or(url);
            Ok(json!({"name": name, "external": {"url": url}}))
        })?,
        _ => written.clone(),
    };
    Ok(json!({kind: member}))
}

/// An emoji, or the URL of an image.
pub(super) fn icon(written: &Value) -> Value {
    match written.as_str() {
        Some(text) if text.starts_with("http") => json!({"external": {"url": text}}),
        Some(text) => json!({"emoji": text}),
        None => written.clone(),
    }
}

/// The URL of an image.
pub(super) fn cover(written: &Value) -> Value {
    written.as_str().map_or_else(|| written.clone(), |url| json!({"external": {"url": url}}))
}
