//! What other policies would change about columns, for the tables that callers used.
//!
//! The ledger does not know which columns a call named. But it knows the tables, and of each of their columns
//! both policies say what the caller gets of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Principal;
use notion::{Id, Kind};
use policy::{Column, Place, Policies, Showing};
use serde::Serialize;

use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;

/// Columns that are told.
const CHANGES_MAX: usize = 1_000;

/// A column of which a caller would get more or less.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnChange {
    /// Whom it is about.
    pub principal: String,
    /// What people call the key.
    pub name: String,
    /// The data source.
    pub table: Id,
    /// The column.
    pub property: String,
    /// What the caller gets of it now: `whole`, `masked` or `hidden`.
    pub before: &'static str,
    /// What it would get.
    pub after: &'static str,
    /// The rule that would hide or mask it, or does so far.
    pub rule: Option<String>,
    /// Calls of the caller's about the table and its rows.
    pub calls: usize,
}

/// The tables that callers used, and how often.
#[derive(Default)]
pub(super) struct Tables(BTreeMap<(String, Id), (Principal, String, usize)>);

impl Tables {
    /// Notes calls about an object that is a table, or a row of one.
    pub(super) fn note(
        &mut self,
        gate: &Gate,
        who: &Principal,
        name: &str,
        used: (Kind, Id, usize),
    ) {
        let (kind, id, calls) = used;
        let parent = || gate.shared.tree.node(who.connection, id).and_then(|node| node.parent);
        let table = match kind {
            Kind::DataSource => Some(id),
            _ => parent().filter(|(kind, _)| *kind == Kind::DataSource).map(|(_, table)| table),
        };
        if let Some(table) = table {
            let entry = self.0.entry((who.name(), table));
            entry.or_insert_with(|| (who.clone(), name.to_owned(), 0)).2 += calls;
        }
    }
}

impl Gate {
    /// The columns of these tables of which somebody would get more or less.
    pub(super) async fn changed_columns(
        &self,
        tables: Tables,
        (current, changed): (&Arc<Policies>, &Arc<Policies>),
        request_id: &str,
    ) -> Result<Vec<ColumnChange>, Error> {
        let mut changes = Vec::new();
        for ((principal, table), (who, name, calls)) in tables.0 {
            let sights = [current, changed].map(|policies| policies.sight(&who));
            if !sights.iter().any(policy::Sight::has_column_rules) {
                continue;
            }
            let (_, place) =
                self.place_of(&who, &[Kind::DataSource], table, None, request_id).await?;
            let looking = Looking::new(&who, request_id, self.shared.clock.now());
            let schema = self.schema_of(&looking, table).await?;
            let Some(schema) = schema.filter(|_| place != Place::Unknown) else { continue };
            for column in &schema.columns {
                let of = Column { name: &column.name, id: &column.id, kind: &column.kind };
                let [before, after] = sights.each_ref().map(|sight| sight.of_column(&place, of));
                if word(&before) != word(&after) && changes.len() < CHANGES_MAX {
                    changes.push(ColumnChange {
                        principal: principal.clone(),
                        name: name.clone(),
                        table,
                        property: column.name.clone(),
                        before: word(&before),
                        after: word(&after),
                        rule: rule(&after).or_else(|| rule(&before)),
                        calls,
                    });
                }
            }
        }
        Ok(changes)
    }
}

fn word(showing: &Showing) -> &'static str {
    match showing {
        Showing::Whole => "whole",
        Showing::Masked(_) => "masked",
        Showing::Hidden(_) => "hidden",
    }
}

fn rule(showing: &Showing) -> Option<String> {
    match showing {
        Showing::Masked(rule) | Showing::Hidden(Some(rule)) => Some(rule.id.to_string()),
        Showing::Hidden(None) | Showing::Whole => None,
    }
}
