//! Puts stand-ins where a request names columns that do not exist for its caller.

use std::sync::Arc;

use model::Chance;
use model::chance::base62;
use notion::{ApiError, Id};
use policy::RowProperties;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Columns;
use super::change::changes_columns;
use super::judge::Text;
use super::request::{Call, FILTER_PROPERTIES, StandIns};
use super::view::{LOOKS, names_a_column};
use crate::error::Error;

/// A stand-in is as long as what it stands in for, within these bounds.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=300;
/// Members of a change to a column that leave its type alone.
const NO_TYPE: &[&str] = &["description", "id", "name"];

/// What is replaced in one request.
pub(super) struct Naming<'a> {
    pub(super) columns: Vec<&'a Columns>,
    pub(super) chance: &'a dyn Chance,
    /// What policies look at of rows.
    pub(super) rows: Option<Arc<RowProperties>>,
    /// The tables that rows have left.
    pub(super) left: Vec<Id>,
    pub(super) stand_ins: StandIns,
}

impl Naming<'_> {
    /// Everything but the path.
    pub(super) fn call(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let changes_columns = changes_columns(call);
        if let Some(body) = call.body.as_deref_mut() {
            for name in ["filter", "sorts"] {
                body.get_mut(name).map_or(Ok(()), |asked| self.asked(asked))?;
            }
            if let Some(Value::Object(filters)) = body.get_mut("quick_filters") {
                for called in filters.keys() {
                    self.check_asked(called, false)?;
                }
                self.keys(filters, |naming, called, _| Ok(naming.other(called)))?;
            }
            if let Some(configuration) = body.get_mut("configuration") {
                self.configuration(configuration)?;
            }
            if let Some(Value::Object(properties)) = body.get_mut("properties") {
                let how = if changes_columns { Self::changed } else { Self::written };
                self.keys(properties, how)?;
            }
        }
        self.query(call.query);
        Ok(())
    }

    /// Filters and sorts, with `property` wherever it stands.
    fn asked(&mut self, value: &mut Value) -> Result<(), Error> {
        match value {
            Value::Array(all) => all.iter_mut().try_for_each(|one| self.asked(one)),
            Value::Object(members) => {
                let contains = asks_whether_it_contains(members);
                if let Some(Value::String(called)) = members.get_mut("property") {
                    self.check_asked(called, contains)?;
                    if let Some(stand_in) = self.other(called) {
                        *called = stand_in;
                    }
                }
                members.values_mut().try_for_each(|member| self.asked(member))
            }
            _ => Ok(()),
        }
    }

    /// Notes which texts decide; those of other rows cannot.
    fn check_asked(&mut self, called: &str, contains: bool) -> Result<(), Error> {
        self.check_unmasked(called)?;
        if !contains {
            let all = self.columns.iter().flat_map(|columns| columns.relations_of(called));
            let counted = all.filter(|(_, table)| self.left.contains(table));
            self.stand_ins.relations.extend(counted.cloned());
        }
        for (_, text) in self.columns.iter().filter_map(|columns| columns.find(called)) {
            match text {
                Text::None => {}
                // Whether it is empty depends on all the rows that it leads to.
                Text::Rows if contains => {}
                Text::Rows => {
                    return Err(Error::Malformed(ApiError::validation(format!(
                        "Policies let this key see some of the rows that \"{called}\" leads to: ask whether \
                         it contains one of them, not whether it is empty."
                    ))));
                }
                Text::Own(texts) => self.stand_ins.texts.extend(texts.iter().cloned()),
                Text::Others => {
                    return Err(Error::Malformed(ApiError::validation(format!(
                        "A key with a scope cannot filter or sort by \"{called}\": it repeats the text \
                         of other pages. Filter those pages instead."
                    ))));
                }
            }
        }
        Ok(())
    }

    fn check_unmasked(&self, called: &str) -> Result<(), Error> {
        self.columns.iter().try_for_each(|columns| columns.unmasked(called))
    }

    /// How a view looks, and what it is arranged by.
    fn configuration(&mut self, value: &mut Value) -> Result<(), Error> {
        if let Value::Object(members) = value {
            for (name, member) in members {
                self.configured(name, member, LOOKS.contains(&name.as_str()))?;
            }
        }
        Ok(())
    }

    /// A part of it. How a masked column looks tells nothing of its values.
    fn configured(&mut self, name: &str, value: &mut Value, looks: bool) -> Result<(), Error> {
        match value {
            Value::Array(all) => {
                all.iter_mut().try_for_each(|one| self.configured(name, one, looks))
            }
            Value::Object(members) => members
                .iter_mut()
                .try_for_each(|(name, member)| self.configured(name, member, looks)),
            Value::String(called) if names_a_column(name) => {
                if !looks {
                    self.check_unmasked(called)?;
                }
                if let Some(stand_in) = self.other(called) {
                    *called = stand_in;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Replaces keys, in their places.
    fn keys(
        &mut self,
        members: &mut Map<String, Value>,
        how: impl Fn(&mut Self, &str, &Value) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        for (called, value) in std::mem::take(members) {
            let stand_in = how(self, &called, &value)?;
            members.insert(stand_in.unwrap_or(called), value);
        }
        Ok(())
    }

    fn written(&mut self, called: &str, _: &Value) -> Result<Option<String>, Error> {
        self.check_unmasked(called)?;
        Ok(self.other(called))
    }

    /// A column that is to be changed, or made.
    fn changed(&mut self, called: &str, change: &Value) -> Result<Option<String>, Error> {
        // Under another name or type, a policy might not apply any more.
        self.check_unmasked(called)?;
        let keeps_type = change
            .as_object()
            .is_none_or(|change| change.keys().all(|name| NO_TYPE.contains(&name.as_str())));
        if keeps_type {
            return Ok(self.other(called));
        }
        // Under a name that is not there Notion makes a new column: this one would not be new.
        if !self.exists(called) && self.columns.iter().any(|columns| columns.is_hidden(called)) {
            let message = format!("Cannot create \"{called}\": the name is already taken.");
            return Err(Error::Malformed(ApiError::validation(message)));
        }
        Ok(None)
    }

    /// `filter_properties`, once or many times. The texts that decide, and what policies look at of a row,
    /// are asked for as well: the gate looks at them.
    fn query(&mut self, query: &mut Option<String>) {
        let Some(text) = query.as_deref() else { return };
        let is_wanted = |name: &str| name.split('[').next() == Some(FILTER_PROPERTIES);
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        if !pairs.iter().any(|(name, _)| is_wanted(name)) {
            return;
        }
        let mut wanted = Vec::new();
        let mut needed = self.stand_ins.texts.clone();
        let judged_by = self.columns.first().into_iter().flat_map(|columns| &columns.all);
        let judged_by = judged_by.filter(|it| {
            self.rows.iter().any(|rows| rows.iter().any(|row| it.column.is_called(row)))
        });
        needed.extend(judged_by.map(|it| it.column.id.clone()));
        needed.extend(self.stand_ins.relations.iter().map(|(relation, _)| relation.clone()));
        let mut out = form_urlencoded::Serializer::new(String::new());
        let mut member = FILTER_PROPERTIES.to_owned();
        for (name, value) in &pairs {
            if !is_wanted(name) {
                out.append_pair(name, value);
                continue;
            }
            let first = self.columns.first();
            let found = first.into_iter().flat_map(|columns| &columns.all);
            let found = found.filter(|it| it.column.is_called(value));
            for column in found.filter(|it| it.text.is_some()) {
                wanted.push(column.column.id.clone());
                if let Some(Text::Own(texts)) = &column.text {
                    needed.extend(texts.iter().cloned());
                }
                let counted = column.through.own.iter();
                let counted = counted.filter(|(_, table)| self.left.contains(table));
                needed.extend(counted.map(|(relation, _)| relation.clone()));
            }
            let stand_in = self.other(value);
            out.append_pair(name, stand_in.as_ref().unwrap_or(value));
            member.clone_from(name);
        }
        needed.sort();
        needed.dedup();
        for text in needed.into_iter().filter(|text| !wanted.contains(text)) {
            // Under the very name that the others have, so that Notion reads all of them as one list.
            out.append_pair(&member, &text);
            self.stand_ins.extra.push(text);
        }
        *query = Some(out.finish());
    }

    fn exists(&self, called: &str) -> bool {
        self.columns.iter().all(|columns| columns.find(called).is_some())
    }

    /// What to call a column instead, if it does not exist.
    pub(super) fn other(&mut self, called: &str) -> Option<String> {
        (!called.is_empty() && !self.exists(called)).then(|| self.stand_in(called))
    }

    pub(super) fn stand_in(&mut self, called: &str) -> String {
        let length = called.chars().count().clamp(*LENGTHS.start(), *LENGTHS.end());
        let known = self.stand_ins.pairs.iter().find(|(_, it)| it == called);
        match known {
            Some((stand_in, _)) => stand_in.clone(),
            None => {
                let stand_in = base62(self.chance, length);
                self.stand_ins.pairs.push((stand_in.clone(), called.to_owned()));
                stand_in
            }
        }
    }
}

/// Whether a condition asks what a relation contains, and nothing else of it.
fn asks_whether_it_contains(condition: &Map<String, Value>) -> bool {
    let relation = condition.get("relation").and_then(Value::as_object);
    relation.is_some_and(|relation| {
        relation.keys().all(|name| matches!(name.as_str(), "contains" | "does_not_contain"))
    })
}
