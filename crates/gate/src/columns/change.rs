//! New columns that compute: a rollup or a formula may name what exists for its maker, and nothing else. What
//! it shows is judged like that of every other column.

use notion::{ApiError, Id, Kind, Version};
use serde_json::{Map, Value};

use super::Columns;
use super::request::Call;
use super::schema::named_in;
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;
use crate::view::UNTITLED;

/// Whether a call may change the columns of a table.
pub(super) fn changes_columns(call: &Call<'_>) -> bool {
    match call.found.operation.name {
        "create-a-data-source" | "create-database" | "update-a-data-source" => true,
        // Later versions keep the columns in the data source alone.
        "update-database" => call.version < Version::V2025_09_03,
        _ => false,
    }
}

/// The columns that a body makes or changes.
fn properties(body: &Value) -> Vec<&Map<String, Value>> {
    let places = ["/properties", "/initial_data_source/properties"];
    places.iter().filter_map(|place| body.pointer(place)?.as_object()).collect()
}

/// Notion's words for a column that is not there.
fn no_such_column(called: &str) -> Error {
    Error::Malformed(ApiError::validation(format!("{called} is not a property that exists.")))
}

impl Gate {
    /// Refuses rollups and formulas that name what does not exist for the caller. `columns` are those of the
    /// table that is changed, `source`; none, if it is made.
    pub(super) async fn check_new_columns(
        &self,
        looking: &Looking<'_>,
        call: &Call<'_>,
        source: Option<Id>,
        columns: Option<&Columns>,
    ) -> Result<(), Error> {
        let Some(body) = call.body.as_deref() else { return Ok(()) };
        for made in properties(body) {
            let exists = |called: &str| match columns.and_then(|columns| columns.find(called)) {
                Some(_) => true,
                None => {
                    made.contains_key(called)
                        && !columns.is_some_and(|columns| columns.is_hidden(called))
                }
            };
            for (name, column) in made {
                if let Some(expression) = column.pointer("/formula/expression") {
                    let named = expression
                        .as_str()
                        .and_then(|text| named_in(text, source.unwrap_or(Id::NIL)));
                    // What the gate cannot read, it cannot let through.
                    let named = named.ok_or_else(|| {
                        let message = format!("The formula of \"{name}\" could not be read.");
                        Error::Malformed(ApiError::validation(message))
                    })?;
                    if let Some(stranger) = named.iter().find(|it| !exists(&it.called)) {
                        return Err(no_such_column(&stranger.called));
                    }
                }
                if let Some(rollup) = column.get("rollup") {
                    for called in named_by(rollup, "relation_property") {
                        if !exists(called) {
                            return Err(no_such_column(called));
                        }
                        let target = self.target_of(looking, columns, made, called).await?;
                        let there = match target {
                            Some(target) => self.columns_of(looking, target).await?,
                            None => return Err(no_such_column(called)),
                        };
                        for wanted in named_by(rollup, "rollup_property") {
                            if there.find(wanted).is_none() {
                                return Err(no_such_column(wanted));
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The table inside that a relation leads to: one that is there, or one that the same call makes.
    async fn target_of(
        &self,
        looking: &Looking<'_>,
        columns: Option<&Columns>,
        made: &Map<String, Value>,
        called: &str,
    ) -> Result<Option<Id>, Error> {
        let known = columns.and_then(|columns| columns.find(called));
        let known = known.and_then(|(column, _)| columns?.related(&column.id));
        let relation = made.get(called).and_then(|column| column.get("relation"));
        let id = |name: &str| relation?.get(name)?.as_str().and_then(Id::parse);
        match (id("data_source_id"), id("database_id")) {
            (Some(source), _) => Ok(Some(source)),
            (None, Some(database)) => self.only_source(looking, database).await,
            (None, None) => Ok(known),
        }
    }

    /// Gives the other end of a new two-way relation a name, where Notion would make one of the table's title
    /// and the caller does not see all of that.
    pub(super) async fn name_other_ends(
        &self,
        looking: &Looking<'_>,
        source: Id,
        body: &mut Value,
    ) -> Result<(), Error> {
        let Some(Value::Object(properties)) = body.get_mut("properties") else { return Ok(()) };
        for (name, column) in properties {
            let dual = column.pointer_mut("/relation/dual_property");
            let Some(dual) = dual.and_then(Value::as_object_mut) else { continue };
            if dual.contains_key("synced_property_name") {
                continue;
            }
            let table = self.fetch(looking, Kind::DataSource, source).await?.unwrap_or_default();
            let table: Value = serde_json::from_slice(&table).unwrap_or_default();
            let title = table["title"].as_array().map_or(&[][..], Vec::as_slice);
            if !self.are_runs_clear(looking, title).await? {
                let other = format!("Related to {UNTITLED} ({name})");
                dual.insert("synced_property_name".to_owned(), other.into());
            }
        }
        Ok(())
    }
}

/// What a rollup calls something by: its name, its id, or both.
fn named_by<'a>(rollup: &'a Value, what: &str) -> impl Iterator<Item = &'a str> {
    let members = [format!("{what}_name"), format!("{what}_id")];
    members.into_iter().filter_map(|member| rollup.get(&member)?.as_str())
}
