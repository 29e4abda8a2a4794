//! The database that the ledger is mirrored into: which columns it must have.

use notion::Id;
use serde_json::Value;

/// The columns, with their types.
const COLUMNS: [(&str, &str); 5] = [
    ("Action", "title"),
    ("User", "rich_text"),
    ("Result", "select"),
    ("Resource", "rich_text"),
    ("Timestamp", "date"),
];
/// A column that may be there: the number of the entry, by which its row is found again.
pub(super) const ENTRY: &str = "Entry";

/// A database that fits.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its data source.
    pub(super) data_source: Id,
    /// Whether there is a column for the entry's number.
    pub(super) has_entry: bool,
}

impl Target {
    /// Looks at the schema; says everything that is missing.
    pub(super) fn of(data_source: Id, body: &[u8]) -> Result<Self, String> {
        let source: Value = serde_json::from_slice(body).unwrap_or_default();
        let kind = |name: &str| source["properties"][name]["type"].as_str();
        let wrong: Vec<String> = COLUMNS
            .iter()
            .filter_map(|(name, wanted)| match kind(name) {
                Some(kind) if kind == *wanted => None,
                Some(kind) => Some(format!("`{name}` is {kind} and must be {wanted}")),
                None => Some(format!("`{name}` ({wanted}) is missing")),
            })
            .collect();
        if !wrong.is_empty() {
            return Err(format!("the audit database does not fit: {}", wrong.join(", ")));
        }
        let has_entry = kind(ENTRY) == Some("number");
        if !has_entry {
            tracing::info!(
                "the audit database has no number column `{ENTRY}`: with one, a row is found again \
                 for certain after a crash"
            );
        }
        Ok(Self { data_source, has_entry })
    }
}

/// The data source of a database, if it has just one.
pub(super) fn only_data_source(body: &[u8]) -> Result<Id, String> {
    let database: Value = serde_json::from_slice(body).unwrap_or_default();
    let sources = database["data_sources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [source] = sources else {
        return Err(format!(
            "the audit database has {} data sources: give the id of one of them",
            sources.len()
        ));
    };
    source["id"].as_str().and_then(Id::parse).ok_or_else(|| "its data source has no id".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_is_said_at_once() {
        let id = Id::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").unwrap();
        let of = |properties: Value| {
            let body = json!({ "properties": properties }).to_string();
            Target::of(id, body.as_bytes())
        };
        let mut fits: Value = COLUMNS
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), json!({ "type": kind })))
            .collect();
        assert!(!of(fits.clone()).unwrap().has_entry);
        fits[ENTRY] = json!({ "type": "number" });
        assert!(of(fits.clone()).unwrap().has_entry);
        fits["Result"] = json!({ "type": "checkbox" });
        fits.as_object_mut().unwrap().remove("User");
        assert_eq!(
            of(fits).unwrap_err(),
            "the audit database does not fit: `User` (rich_text) is missing, `Result` is checkbox \
             and must be select"
        );
        assert!(of(Value::Null).is_err());

        let database = |count: usize| {
            let sources = vec![json!({ "id": id }); count];
            only_data_source(json!({ "data_sources": sources }).to_string().as_bytes())
        };
        assert_eq!(database(1), Ok(id));
        assert!(database(0).is_err() && database(2).is_err());
    }
}
