//! The parts of a recorded line, in the forms in which recorders write them.

use serde_json::{Map, Value};

use super::recording::decoded;

/// A text; a number or the first of a list stands for one.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(all) => all.first().and_then(text),
        _ => None,
    }
}

/// A body: an object, the same as text, or text that is something else; an empty one is none.
pub(super) fn body(value: &Value) -> Value {
    match value {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        Value::String(text) => serde_json::from_str(text)
            .ok()
            .filter(|inner: &Value| inner.is_object() || inner.is_array())
            .unwrap_or_else(|| value.clone()),
        Value::Object(members) => match members.get("string") {
            // As a cassette has it.
            Some(inner @ Value::String(_)) if members.len() <= 2 => body(inner),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

/// The status of an answer; an error tells it itself.
pub(super) fn status(response: &Value, answer: &Value) -> Option<u16> {
    let places = [&response["status"], &response["status"]["code"], &response["status_code"]];
    let told = places.into_iter().find_map(text).and_then(|text| text.parse().ok());
    told.or_else(|| answer["status"].as_u64().and_then(|status| status.try_into().ok()))
}

/// A header, however its name is written.
pub(super) fn header(headers: &Value, name: &str) -> Option<String> {
    let found = headers.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.and_then(|(_, value)| text(value))
}

/// The query: an object, pairs, or what stands behind the path; several values are a list.
pub(super) fn query(value: &Value, inline: &str) -> Value {
    let mut out = Map::new();
    let mut add = |key: String, value: Value| match out.get_mut(&key) {
        None => drop(out.insert(key, value)),
        Some(Value::Array(all)) => all.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    };
    match value {
        Value::Object(_) => return value.clone(),
        Value::Array(pairs) => {
            for pair in pairs {
                let name = [&pair[0], &pair["name"], &pair["key"]].into_iter().find_map(text);
                let value = [&pair[1], &pair["value"]].into_iter().find(|one| !one.is_null());
                if let (Some(name), Some(value)) = (name, value) {
                    add(name, value.clone());
                }
            }
        }
        _ => {
            let told = value.as_str().unwrap_or(inline).trim_start_matches('?');
            for (key, value) in told.split('&').filter_map(|pair| pair.split_once('=')) {
                add(decoded(key), decoded(value).into());
            }
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_come_as_objects_or_texts() {
        assert_eq!(body(&json!("")), Value::Null);
        assert_eq!(body(&json!("{\"a\":1}")), json!({"a": 1}));
        assert_eq!(body(&json!({"string": "{\"a\":1}"})), json!({"a": 1}));
        assert_eq!(body(&json!("--x\r\n")), json!("--x\r\n"));
    }

    #[test]
    fn statuses_headers_and_queries_have_many_forms() {
        assert_eq!(status(&json!({"status": {"code": 404}}), &Value::Null), Some(404));
        assert_eq!(status(&json!({"status": "200"}), &Value::Null), Some(200));
        assert_eq!(status(&json!({}), &json!({"status": 400})), Some(400));
        assert_eq!(header(&json!({"Notion-Version": ["x"]}), "notion-version").unwrap(), "x");
        assert_eq!(header(&json!("text"), "notion-version"), None);
        let twice = json!({"a": ["1", "2"]});
        assert_eq!(query(&json!([["a", "1"], ["a", "2"]]), ""), twice);
        assert_eq!(
            query(&json!([{"name": "a", "value": "1"}, {"key": "a", "value": "2"}]), ""),
            twice
        );
        assert_eq!(query(&Value::Null, "a=1&a=2"), twice);
        assert_eq!(query(&json!([3, null]), ""), json!({}));
    }
}
