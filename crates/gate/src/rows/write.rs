//! Writes to rows that policies judge by their values: a caller may not take a row out of its own sight, put
//! one where it does not see it, or change the columns that the policies go by.

use std::sync::Arc;

use notion::catalogue::Match;
use notion::{Effect, Id, Kind, Version};
use policy::{Aim, Place, Refusal, Row, RowProperties, Target};
use serde_json::{Map, Value};

use super::values;
use crate::Gate;
use crate::call::Underway;
use crate::error::Error;
use crate::locate::{Looking, Trust};

impl Gate {
    /// Judges what a row would be, once a call is through. What it is now has been judged.
    pub(crate) async fn check_rows_after(&self, call: &Underway<'_>) -> Result<(), Error> {
        let Underway { looking, found, effect, version, body, .. } = call;
        let (effect, version) = (*effect, *version);
        let Some(wanted) = self.rows_wanted(looking) else { return Ok(()) };
        let Some(body) = body.as_ref().filter(|_| effect != Effect::Read) else { return Ok(()) };
        let ids = found.path_ids().map_err(Error::Malformed)?;
        let first = ids.first().copied();
        // What moves away from what a policy names would not be judged by it any more.
        let moved = self.places_of_move(looking, (found.operation.name, first), Some(body)).await?;
        let sight = self.sight(looking.principal());
        if let Some(rule) = moved.and_then(|(before, after)| sight.row_rule_left(&before, &after)) {
            return Err(Error::Refused(Refusal::Policy { rule }));
        }
        match (found.operation.name, first) {
            ("patch-page", Some((kind, page))) => {
                let place = self.locate(looking, kind, page, Trust::Lately).await?;
                let Some(row) = place.own_row().cloned() else { return Ok(()) };
                let source = self.source_of_row(looking, page).await?;
                let after = self.row_after(looking, &wanted, source, Some(&row), body).await?;
                let after = place.as_row(Arc::new(after));
                self.judge_after(looking, found, effect, Target { kind, id: page, place: after })
            }
            ("post-page", _) => {
                let Some((table, source)) = self.table_of(looking, body).await? else {
                    return Ok(());
                };
                let after = self.row_after(looking, &wanted, source, None, body).await?;
                let place = table.holding(Id::NIL, Some(Arc::new(after)));
                self.judge_after(
                    looking,
                    found,
                    effect,
                    Target { kind: Kind::Page, id: Id::NIL, place },
                )
            }
            ("move-page", Some((kind, page))) => {
                let Some((table, _)) = self.table_of(looking, body).await? else { return Ok(()) };
                // Which of its values it keeps in another table is Notion's affair.
                let place = table.holding(page, Some(Arc::new(Row::unreadable())));
                self.judge_after(looking, found, effect, Target { kind, id: page, place })
            }
            ("update-a-data-source", Some((_, source))) => {
                self.check_columns_judged_by(looking, &wanted, Some(source), body).await
            }
            ("update-database", Some((_, database))) if version < Version::V2025_09_03 => {
                let source = self.only_source(looking, database).await?;
                self.check_columns_judged_by(looking, &wanted, source, body).await
            }
            _ => Ok(()),
        }
    }

    /// The table that a body puts a page into, and its id if that can be told.
    async fn table_of(
        &self,
        looking: &Looking<'_>,
        body: &Value,
    ) -> Result<Option<(Place, Option<Id>)>, Error> {
        let id = |name: &str| body.get("parent")?.get(name)?.as_str().and_then(Id::parse);
        let (kind, id, source) = match (id("data_source_id"), id("database_id")) {
            (Some(source), _) => (Kind::DataSource, source, Some(source)),
            (None, Some(database)) => match self.only_source(looking, database).await? {
                Some(source) => (Kind::DataSource, source, Some(source)),
                None => (Kind::Database, database, None),
            },
            (None, None) => return Ok(None),
        };
        let place = self.locate(looking, kind, id, Trust::Lately).await?;
        Ok(Some((place, source)))
    }

    fn judge_after(
        &self,
        looking: &Looking<'_>,
        found: &Match,
        effect: Effect,
        target: Target,
    ) -> Result<(), Error> {
        let (principal, kind, id) = (looking.principal(), target.kind, target.id);
        let policies = self.policies(principal);
        let rule = policies.sight(principal).hidden_by(&target.place);
        let aim = Aim { targets: vec![target], nowhere: false };
        match policies.admit(principal, found.operation, effect, None)?.reach(&aim) {
            Ok(_) => Ok(()),
            Err(Refusal::Scope { .. }) => Err(match rule {
                Some(rule) => Error::Refused(Refusal::Policy { rule }),
                None => self.not_found(principal, effect, kind, id),
            }),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// What a row is once a body is written; `now` is what it is, none for a new one.
    async fn row_after(
        &self,
        looking: &Looking<'_>,
        wanted: &RowProperties,
        source: Option<Id>,
        now: Option<&Row>,
        body: &Value,
    ) -> Result<Row, Error> {
        // A template fills in what it likes.
        let template = body
            .get("template")
            .filter(|template| !template.is_null() && template["type"].as_str() != Some("none"));
        let schema = match source {
            Some(source) => self.schema_of(looking, source).await?,
            None => None,
        };
        let Some(schema) = schema.filter(|_| template.is_none()) else {
            return Ok(Row::unreadable());
        };
        let none = Map::new();
        let properties = body.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let mut after = now.cloned().unwrap_or_else(|| Row::from_iter([]));
        for called in wanted {
            let meant: Vec<_> =
                schema.called(called).filter_map(|at| schema.columns.get(at)).collect();
            match meant.as_slice() {
                // The table does not have it, as far as is known.
                [] if !properties.contains_key(called) => {}
                [column] => {
                    let written: Vec<_> =
                        properties.iter().filter(|(name, _)| column.is_called(name)).collect();
                    match written.as_slice() {
                        [] if now.is_some() => {}
                        [] => after.set(called, values::at_first(&column.kind)),
                        [(_, value)] => after.set(called, values::written(&column.kind, value)),
                        _ => after.set(called, None),
                    }
                }
                _ => after.set(called, None),
            }
        }
        Ok(after)
    }

    /// To change a column that policies go by is to change what they say: not for those whom they concern.
    async fn check_columns_judged_by(
        &self,
        looking: &Looking<'_>,
        wanted: &RowProperties,
        source: Option<Id>,
        body: &Value,
    ) -> Result<(), Error> {
        let changes = body.get("properties").and_then(Value::as_object);
        let Some((source, changes)) = source.zip(changes) else { return Ok(()) };
        let place = self.locate(looking, Kind::DataSource, source, Trust::Lately).await?;
        let Some(rule) = self.sight(looking.principal()).row_rule(&place) else { return Ok(()) };
        let schema = self.schema_of(looking, source).await?;
        let judged_by = |called: &str| {
            let columns = schema.iter().flat_map(|schema| {
                schema.called(called).filter_map(|at| schema.columns.get(at)).collect::<Vec<_>>()
            });
            wanted.contains(called)
                || columns.into_iter().any(|column| wanted.iter().any(|it| column.is_called(it)))
        };
        let renames = |change: &Value| {
            change.get("name").and_then(Value::as_str).is_some_and(|name| wanted.contains(name))
        };
        if changes.iter().any(|(called, change)| judged_by(called) || renames(change)) {
            return Err(Error::Refused(Refusal::Policy { rule }));
        }
        Ok(())
    }
}
