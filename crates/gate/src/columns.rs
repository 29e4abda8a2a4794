//! Columns that reach outside a caller's part of Notion do not exist for it.
//!
//! A relation leads to rows of another table, a rollup shows what stands in them, a formula computes with
//! both: where that table is outside, the column tells of what does not exist for the caller. So the
//! column does not exist either: not in answers (`answer.rs`), and not for requests that name it
//! (`request.rs`). `judge.rs` decides which columns these are, from schemas (`schema.rs`) that are looked up
//! and remembered for as long as the tree believes in places (`memory.rs`). Views that show a table outside, or
//! that ask for such a column, do not exist (`view.rs`).

mod answer;
mod change;
mod judge;
mod memory;
mod naming;
mod request;
mod schema;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use notion::{Id, Kind};

use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use judge::{JudgedColumn, Known, Missing, Text};
pub(crate) use memory::Memory;
pub(crate) use request::{Call, StandIns};
use schema::{Column, Reads};

/// The columns of one table, as far as they exist for a caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    all: Vec<JudgedColumn>,
}

impl Columns {
    /// The column that `called` means, and the text that it is made from; `None` if it does not exist, or if
    /// one could be meant that does not.
    pub(crate) fn find(&self, called: &str) -> Option<(&Column, &Text)> {
        let mut all = self.all.iter().filter(|it| it.column.is_called(called));
        let first = all.next()?;
        let found = (&first.column, first.text.as_ref()?);
        all.all(|it| it.text.is_some()).then_some(found)
    }

    /// Whether a column that exists has this id and this type.
    fn shows(&self, id: &str, kind: &str) -> Option<&Text> {
        let found = self.all.iter().find(|it| it.column.has_id(id))?;
        found.text.as_ref().filter(|_| found.column.kind == kind)
    }

    /// The table that the relation with this id leads to.
    fn related(&self, id: &str) -> Option<Id> {
        let found = self.all.iter().find(|it| it.column.has_id(id))?;
        match found.column.reads {
            Reads::Relation(source) => Some(source),
            _ => None,
        }
    }

    /// Whether something close to this names a column that does not exist.
    fn is_hidden(&self, called: &str) -> bool {
        let same = |name: &str| name.trim().to_lowercase() == called.trim().to_lowercase();
        let hidden = self.all.iter().filter(|it| it.text.is_none());
        hidden.map(|it| &it.column).any(|it| it.is_called(called) || same(&it.name) || same(&it.id))
    }
}

/// What was found out about the columns of tables for one call: a list may hold many rows of one.
#[derive(Debug, Default)]
pub(crate) struct Judged(Mutex<HashMap<Id, Arc<Columns>>>);

impl Judged {
    fn get(&self, source: Id) -> Option<Arc<Columns>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&source).cloned()
    }

    fn put(&self, source: Id, columns: Columns) -> Arc<Columns> {
        let columns = Arc::new(columns);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(source, columns.clone());
        columns
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Gate {
    /// The columns of a table that exist for the caller.
    pub(crate) async fn columns_of(
        &self,
        looking: &Looking<'_>,
        source: Id,
    ) -> Result<Arc<Columns>, Error> {
        if let Some(columns) = looking.columns.get(source) {
            return Ok(columns);
        }
        let mut known = Known::default();
        loop {
            let missing = match known.judge(source) {
                Ok(all) => return Ok(looking.columns.put(source, Columns { all })),
                Err(missing) => missing,
            };
            for one in missing {
                match one {
                    Missing::Place(id) => {
                        known.put_place(id, self.sees_object(looking, Kind::DataSource, id).await?);
                    }
                    Missing::Schema(id) => {
                        known.put_schema(id, self.schema_of(looking, id).await?);
                    }
                }
            }
        }
    }

    /// Whether the caller sees what is named beside a column.
    async fn sees_object(&self, looking: &Looking<'_>, kind: Kind, id: Id) -> Result<bool, Error> {
        let place = self.locate(looking, kind, id, Trust::Tree).await?;
        Ok(self.sees(looking.principal(), &place))
    }

    /// The table that a page is a row of.
    pub(crate) async fn source_of_row(
        &self,
        looking: &Looking<'_>,
        page: Id,
    ) -> Result<Option<Id>, Error> {
        let connection = looking.principal().connection;
        let known = self.shared.tree.node(connection, page).filter(|node| {
            let age = self.shared.clock.now().duration_since(node.seen_at).unsigned_abs();
            age <= self.shared.tree.age_max()
        });
        let node = match known {
            Some(node) => Some(node),
            None => self.look_up(looking, Kind::Page, page).await?,
        };
        match node.and_then(|node| node.parent) {
            Some((Kind::DataSource, id)) => Ok(Some(id)),
            Some((Kind::Database, id)) => self.only_source(looking, id).await,
            _ => Ok(None),
        }
    }
}
