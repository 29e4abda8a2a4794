//! Arguments as models send them: repaired by the tool's schema where only one thing can be meant.

use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::Fault;

/// The arguments as the tool's own type.
pub(crate) fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Fault> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Fault::input(format!("The arguments do not fit: {error}.")))
}

/// Arguments whose types fit the schema: a list or object that came as text is unwrapped, one of
/// something becomes a list of it, numbers and truth values may be text. What the schema calls a text
/// stays as it is, whatever it looks like. `null` is as if left out.
pub(crate) fn repaired(schema: &Value, arguments: JsonObject) -> JsonObject {
    let kept = arguments.into_iter().filter(|(_, value)| !value.is_null());
    kept.map(|(name, value)| {
        let repaired = repair(&schema["properties"][&name], value);
        (name, repaired)
    })
    .collect()
}

fn repair(schema: &Value, value: Value) -> Value {
    let Some(wanted) = schema["type"].as_str() else { return value };
    match (wanted, value) {
        ("array", Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Array(items)) => repair(schema, Value::Array(items)),
            Ok(object @ Value::Object(_)) if schema["items"]["type"] == "object" => {
                repair(schema, Value::Array(vec![object]))
            }
            _ => Value::Array(vec![Value::String(text)]),
        },
        ("array", object @ Value::Object(_)) => repair(schema, Value::Array(vec![object])),
        ("array", Value::Array(items)) => {
            items.into_iter().map(|item| repair(&schema["items"], item)).collect()
        }
        ("object", Value::String(text)) => match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => repair(schema, object),
            _ => Value::String(text),
        },
        ("object", Value::Object(members)) => Value::Object(repaired_members(schema, members)),
        ("integer", Value::String(text)) => {
            text.trim().parse::<u64>().map_or(Value::String(text), Value::from)
        }
        ("boolean", Value::String(text)) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        (_, value) => value,
    }
}

/// Members that the schema does not name stay, `null` among them: that clears a property.
fn repaired_members(schema: &Value, members: JsonObject) -> JsonObject {
    let known = |name: &str| schema["properties"].get(name).is_some();
    let kept = members.into_iter().filter(|(name, value)| !(value.is_null() && known(name)));
    kept.map(|(name, value)| {
        let value = repair(&schema["properties"][&name], value);
        (name, value)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_schema_calls_for_is_repaired() {
        let schema = json!({"properties": {
            "ids": {"type": "array", "items": {"type": "string"}},
            "pages": {"type": "array", "items": {"type": "object", "properties": {
                "title": {"type": "string"}, "properties": {"type": "object"}}}},
            "text": {"type": "string"},
            "limit": {"type": "integer"},
            "dry_run": {"type": "boolean"},
        }});
        let given = json!({
            "ids": "[\"a\",\"b\"]",
            "pages": "{\"title\":\"{\\\"a\\\":1}\",\"properties\":\"{\\\"Done\\\":null}\"}",
            "text": "[1,2]",
            "limit": "5",
            "dry_run": "true",
            "nothing": null,
        });
        let Value::Object(given) = given else { unreachable!() };
        let made = Value::Object(repaired(&schema, given));
        assert_eq!(
            made,
            json!({
                "ids": ["a", "b"],
                "pages": [{"title": "{\"a\":1}", "properties": {"Done": null}}],
                "text": "[1,2]",
                "limit": 5,
                "dry_run": true,
            })
        );
        let one = json!({"ids": "https://www.notion.so/x"});
        let Value::Object(one) = one else { unreachable!() };
        assert_eq!(repaired(&schema, one)["ids"], json!(["https://www.notion.so/x"]));
    }
}
