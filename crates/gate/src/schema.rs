//! Changes to a table's columns that destroy values.
//!
//! Notion takes a new type for a column, and a list of options that lacks some, and drops the values that
//! no longer fit. Whether a change does that depends on the columns that are there, so for a caller who
//! may write but not delete the gate looks at them first.

use http::StatusCode;
use model::{Principal, Who};
use notion::catalogue::Match;
use notion::client::{Request, RequestBody};
use notion::{ApiError, Effect, Operation, Version};
use policy::{Depth, Permit};
use serde_json::{Map, Value};

use crate::Gate;
use crate::call::{ANSWER_MAX, Underway};
use crate::error::Error;
use crate::record::Record;

/// Members of a change that leave the values alone.
const HARMLESS: &[&str] = &["description", "id", "name", "type"];

impl Gate {
    /// Refuses a change of columns that destroys values, to a caller that may not delete.
    pub(crate) async fn check_schema_change(&self, call: &Underway<'_>) -> Result<(), Error> {
        let Underway { principal, request_id, found, version, body, .. } = call;
        let version = *version;
        let deletion =
            self.policies(principal).admit(principal, found.operation, Effect::Destroy, None);
        let may_delete = deletion.as_ref().is_ok_and(|it| it.depth() == Depth::Nothing);
        let changes = body.as_ref().and_then(|body| body.get("properties"));
        let changes = changes.and_then(Value::as_object);
        let Some(changes) = changes.filter(|changes| !may_delete && changes.values().any(retypes))
        else {
            return Ok(());
        };
        let columns = match found.operation.name {
            "update-a-data-source" => "retrieve-a-data-source",
            // Later versions keep the columns in the data source alone.
            "update-database" if version < Version::V2025_09_03 => "retrieve-a-database",
            _ => return Ok(()),
        };
        let columns = self.columns(principal, found, columns, version, request_id).await?;
        if changes.iter().any(|(name, change)| destroys(&columns, name, change)) {
            self.permit(call, deletion?).await?;
        }
        Ok(())
    }

    /// The columns as they are.
    async fn columns(
        &self,
        principal: &Principal,
        found: &Match,
        operation: &str,
        version: Version,
        request_id: &str,
    ) -> Result<Map<String, Value>, Error> {
        let unknown = || Error::Answer("the columns of the table cannot be read".to_owned());
        let operation = Operation::named(operation).ok_or_else(unknown)?;
        let (tenant, connection) = (principal.tenant.clone(), principal.connection);
        let permit = Permit::housekeeping(tenant, connection, operation).ok_or_else(unknown)?;
        let gate = Principal { who: Who::Gate, ..principal.clone() };
        let mut record =
            Record::open(&self.shared, &gate, Effect::Read, operation.name, request_id);
        if let Some((kind, id)) = found.path_ids().ok().and_then(|ids| ids.first().copied()) {
            record.about(kind.as_str(), id);
        }
        record.fact("for", principal.name());
        let request = Request {
            method: operation.verb.into(),
            path_and_query: found.upstream_path(),
            version: version.as_str(),
            body: RequestBody::Empty,
            repeatable: true,
        };
        let answer = match self.send(permit, request).await {
            Ok(answer) => answer.collect(ANSWER_MAX).await.map_err(|_| unknown()),
            Err(error) => Err(error),
        };
        let (status, _, bytes) = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(record.failed(error).await),
        };
        record.answered(status.as_u16(), None).await?;
        match status {
            StatusCode::OK => {}
            // There is nothing to empty, and Notion will say so in its own words.
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => return Ok(Map::new()),
            _ => {
                let error = ApiError::parse(status.as_u16(), &bytes);
                return Err(error.map_or_else(unknown, Error::Notion));
            }
        }
        let object: Value = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
        object.get("properties").and_then(Value::as_object).cloned().ok_or_else(unknown)
    }
}

/// Whether a change says anything about a column's type or options.
fn retypes(change: &Value) -> bool {
    change.as_object().is_some_and(|change| {
        change.keys().any(|name| name == "type" || !HARMLESS.contains(&name.as_str()))
    })
}

/// Whether `change` drops values of the column `name` (a name or an id).
fn destroys(columns: &Map<String, Value>, name: &str, change: &Value) -> bool {
    let by_id = || columns.values().find(|column| column["id"] == name);
    // A column that is not there yet has no values.
    let Some(column) = columns.get(name).or_else(by_id) else { return false };
    let Some(change) = change.as_object() else { return false };
    let kind = column["type"].as_str().unwrap_or_default();
    let other_type = change.get("type").is_some_and(|other| other != kind);
    let other_member =
        change.keys().any(|member| member != kind && !HARMLESS.contains(&member.as_str()));
    let options =
        change.get(kind).and_then(|config| config.get("options")).and_then(Value::as_array);
    let drops = options.is_some_and(|options| {
        let known = column[kind]["options"].as_array();
        known.into_iter().flatten().any(|known| {
            !options
                .iter()
                .any(|option| option["id"] == known["id"] || option["name"] == known["name"])
        })
    });
    other_type || other_member || drops
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn new_types_and_lost_options_destroy() {
        let columns = json!({
            "Estimate": {"id": "ab", "name": "Estimate", "type": "number", "number": {"format": "number"}},
            "Tags": {"id": "cd", "name": "Tags", "type": "multi_select", "multi_select": {"options": [
                {"id": "1", "name": "red"}, {"id": "2", "name": "blue"},
            ]}},
        });
        let columns = columns.as_object().unwrap();
        for (name, change, expected) in [
            ("Estimate", json!({"checkbox": {}}), true),
            ("ab", json!({"checkbox": {}}), true),
            ("Estimate", json!({"type": "checkbox"}), true),
            ("Estimate", json!({"name": "Days", "number": {"format": "euro"}}), false),
            ("Estimate", json!({"name": "Days"}), false),
            ("New", json!({"checkbox": {}}), false),
            ("Tags", json!({"multi_select": {"options": []}}), true),
            ("Tags", json!({"multi_select": {"options": [{"name": "red"}]}}), true),
            (
                "Tags",
                json!({"multi_select": {"options": [{"name": "red"}, {"id": "2"}, {"name": "new"}]}}),
                false,
            ),
            ("Tags", json!({"multi_select": {}}), false),
        ] {
            assert_eq!(destroys(columns, name, &change), expected, "{name} {change}");
        }
    }
}
