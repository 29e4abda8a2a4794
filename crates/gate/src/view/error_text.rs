//! Notion's errors, as a caller with a scope may read them.
//!
//! Some name objects that the caller did not: the data sources of a database, say. A text with such an id
//! is replaced by a plain one.

use notion::{ApiError, Id, link};
use serde_json::{Map, Value};

/// Members of `additional_data` that say whose connection it is, or what the caller itself made.
const KNOWN: &[&str] = &["integration_id", "committed_resource_id", "committed_child_ids"];

/// Every id that an error names.
pub(super) fn ids(error: &ApiError) -> Vec<Id> {
    let mut found: Vec<Id> = link::ids_in(&error.message).collect();
    for (name, value) in error.additional_data.iter().flatten() {
        if !KNOWN.contains(&name.as_str()) {
            found.extend(texts(value).into_iter().flat_map(link::ids_in));
        }
    }
    found
}

/// The error without what names an id that is not `known`.
pub(super) fn cut(mut error: ApiError, known: impl Fn(Id) -> bool) -> ApiError {
    let all_known = |text: &str| link::ids_in(text).all(&known);
    if !all_known(&error.message) {
        error.message = plain(&error.code).to_owned();
    }
    let mut shown = Map::new();
    for (name, mut value) in error.additional_data.take().into_iter().flatten() {
        let keep = match &mut value {
            _ if KNOWN.contains(&name.as_str()) => true,
            Value::Array(elements) => {
                elements.retain(|element| texts(element).into_iter().all(&all_known));
                !elements.is_empty()
            }
            other => texts(other).into_iter().all(&all_known),
        };
        if keep {
            shown.insert(name, value);
        }
    }
    error.additional_data = Some(shown).filter(|shown| !shown.is_empty());
    error
}

fn plain(code: &str) -> &'static str {
    match code {
        "object_not_found" => "Could not find what the request names.",
        "conflict_error" => "Conflict occurred while saving. Please try again.",
        "restricted_resource" => "API token does not have access to this resource.",
        _ => "The request cannot be carried out as it is.",
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_caller_does_not_know_is_not_named() {
        let known = Id::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").unwrap();
        let other = Id::parse("38c9ce7b-60a4-81d7-9c8f-0027e2be250c").unwrap();
        let data = json!({
            "error_type": "multiple_data_sources_for_database",
            "database_id": known, "child_data_source_ids": [known, other], "one": other,
            "integration_id": other,
        });
        let error = ApiError {
            additional_data: data.as_object().cloned(),
            ..ApiError::validation(format!("Database {known} is one of {}.", other.plain()))
        };
        let shown = cut(error, |id| id == known);
        assert_eq!(shown.message, "The request cannot be carried out as it is.");
        assert_eq!(
            Value::Object(shown.additional_data.unwrap()),
            json!({
                "error_type": "multiple_data_sources_for_database",
                "database_id": known, "child_data_source_ids": [known], "integration_id": other,
            })
        );
        let plain = ApiError::validation(format!("Page {known} is not a database."));
        assert_eq!(cut(plain.clone(), |id| id == known), plain);
    }
}
