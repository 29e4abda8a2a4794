//! Columns that reach outside a caller's part of Notion do not exist for it.
//!
//! A relation leads to rows of another table, a rollup shows what stands in them, a formula computes with
//! both: where that table is outside, the column tells of what does not exist for the caller. So the
//! column does not exist either: not in answers (`answer.rs`), and not for requests that name it
//! (`request.rs`). `judge.rs` decides which columns these are, from schemas (`schema.rs`) that are looked up
//! and remembered for as long as the tree believes in places (`memory.rs`). Views that show a table outside, or
//! that ask for such a column, do not exist (`view.rs`).
//!
//! Policies can hide further columns from a caller, which then do not exist either, or mask them (`mask.rs`):
//! a masked column is there without its values, and who does not see them cannot ask by them.

mod answer;
mod change;
mod fate;
mod judge;
mod mask;
mod memory;
mod naming;
mod reach;
mod request;
mod schema;
mod through;
mod view;

pub(crate) use view::Facts;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use notion::{Id, Kind};
use policy::{Refusal, Showing};

use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use judge::{JudgedColumn, Known, Missing, Text};
pub(crate) use memory::{Memory, changes_tables};
pub(crate) use request::{Call, FILTER_PROPERTIES, StandIns};
pub(crate) use schema::same_id;
use schema::{Column, Reads};

/// The columns of one table, as far as they exist for a caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    all: Vec<JudgedColumn>,
    /// Whether policies about columns could apply to the caller.
    ruled: bool,
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

    /// The column with this id and this type. Policies go by names, so where they speak of columns, it must
    /// have this name, too.
    fn known(&self, id: &str, kind: &str, name: Option<&str>) -> Option<&JudgedColumn> {
        let found = self.all.iter().find(|it| it.column.has_id(id))?;
        let same_name = !self.ruled || name.is_none_or(|name| found.column.name == name);
        (found.column.kind == kind && same_name).then_some(found)
    }

    /// Refuses to do by a masked column what would tell its values or lose them.
    fn unmasked(&self, called: &str) -> Result<(), Error> {
        let mut masks = self.all.iter().filter(|it| it.column.is_called(called));
        match masks.find_map(|it| it.mask.clone()) {
            None => Ok(()),
            Some(rule) => {
                Err(Error::Refused(Refusal::Masked { property: called.to_owned(), rule }))
            }
        }
    }

    /// Whether `called` means a masked column.
    fn is_masked(&self, called: &str) -> bool {
        self.unmasked(called).is_err()
    }

    /// What the caller gets of the column that `called` means; `None` if there is none in the table at all.
    pub(crate) fn showing(&self, called: &str) -> Option<(&Column, Showing)> {
        let found = self.all.iter().find(|it| it.column.is_called(called))?;
        let showing = match (&found.text, &found.mask) {
            (None, _) => Showing::Hidden(None),
            (_, Some(rule)) => Showing::Masked(rule.clone()),
            _ => Showing::Whole,
        };
        Some((&found.column, showing))
    }

    /// The table that the relation with this id leads to.
    pub(crate) fn related(&self, id: &str) -> Option<Id> {
        let found = self.all.iter().find(|it| it.column.has_id(id))?;
        match found.column.reads {
            Reads::Relation(source) => Some(source),
            _ => None,
        }
    }

    /// Whether this is a relation that shows some of the rows that it leads to, and not others.
    pub(crate) fn shows_some(&self, id: &str) -> bool {
        let found = self.known(id, "relation", None);
        found.is_some_and(|it| it.text == Some(Text::Rows) && it.mask.is_none())
    }

    /// The texts of its row that a column is made from which `called` means, if it exists.
    pub(crate) fn texts_of(&self, called: &str) -> &[String] {
        match self.find(called) {
            Some((_, Text::Own(texts))) => texts,
            _ => &[],
        }
    }

    /// The ids of the columns that `called` means, whether they exist for the caller or not.
    pub(crate) fn ids_of(&self, called: &str) -> Vec<String> {
        let named = self.all.iter().filter(|it| it.column.is_called(called));
        named.map(|it| it.column.id.clone()).collect()
    }

    /// The relations that a column is made from which `called` means.
    pub(crate) fn relations_of(&self, called: &str) -> impl Iterator<Item = &(String, Id)> {
        let named = self.all.iter().filter(move |it| it.column.is_called(called));
        named.flat_map(|it| &it.through.own)
    }

    /// Whether the column with this id is computed from one of these relations.
    fn is_computed_from(&self, id: &str, relations: &[String]) -> bool {
        let mut all = self.all.iter().filter(|it| it.column.has_id(id));
        all.any(|it| {
            let mut through = it.through.own.iter();
            it.column.kind != "relation" && through.any(|(own, _)| relations.contains(own))
        })
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
pub(crate) struct Judged {
    columns: Mutex<HashMap<Id, Arc<Columns>>>,
    /// Tables whose schemas turned out to have changed.
    refreshed: Mutex<HashSet<Id>>,
}

impl Judged {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Arc<Columns>>> {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, source: Id) -> Option<Arc<Columns>> {
        self.all().get(&source).cloned()
    }

    /// Forgets a table, once in a call; whether this was the once.
    fn refresh(&self, source: Id) -> bool {
        let mut refreshed = self.refreshed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = refreshed.insert(source);
        if is_first {
            self.all().clear();
        }
        is_first
    }

    fn put(&self, source: Id, columns: Columns) -> Arc<Columns> {
        let columns = Arc::new(columns);
        self.all().insert(source, columns.clone());
        columns
    }

    fn clear(&self) {
        self.all().clear();
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
        let sight = self.sight(looking.principal());
        let ruled = sight.has_column_rules();
        let mut known = Known::of(sight.is_every_object(), ruled);
        loop {
            let missing = match known.judge(source) {
                Ok(mut all) => {
                    Box::pin(self.leave_out_counted(looking, &mut all)).await?;
                    return Ok(looking.columns.put(source, Columns { all, ruled }));
                }
                Err(missing) => missing,
            };
            for one in missing {
                match one {
                    Missing::Place(id) => {
                        let place = self.locate(looking, Kind::DataSource, id, Trust::Tree).await?;
                        let sight = self.sight(looking.principal());
                        known.put_place(id, sight.sees(&place));
                        if sight.sees(&place)
                            && Box::pin(self.is_in_part(looking, id, &place)).await?
                        {
                            known.put_in_part(id);
                        }
                    }
                    Missing::Schema(id) => {
                        known.put_schema(id, self.schema_of(looking, id).await?);
                    }
                    Missing::Rulings(id) => {
                        known.put_rulings(id, self.rulings_of(looking, id).await?);
                    }
                }
            }
        }
    }

    /// Columns that are computed from columns that count rows which have left their table: on which rows, would
    /// take looking through them all, so the column does not exist.
    async fn leave_out_counted(
        &self,
        looking: &Looking<'_>,
        all: &mut [JudgedColumn],
    ) -> Result<(), Error> {
        for column in all.iter_mut().filter(|it| it.text.is_some()) {
            for table in column.through.beyond.clone() {
                if self.has_lost_rows(looking, table).await? {
                    column.text = None;
                }
            }
        }
        Ok(())
    }

    /// What policies say of the columns of a table, in the order of its schema.
    async fn rulings_of(&self, looking: &Looking<'_>, source: Id) -> Result<Vec<Showing>, Error> {
        let Some(schema) = self.schema_of(looking, source).await? else { return Ok(Vec::new()) };
        let place = self.locate(looking, Kind::DataSource, source, Trust::Tree).await?;
        let sight = self.sight(looking.principal());
        let columns = schema.columns.iter().map(|column| policy::Column {
            name: &column.name,
            id: &column.id,
            kind: &column.kind,
        });
        Ok(columns.map(|column| sight.of_column(&place, column)).collect())
    }

    /// Whether the caller sees what is named beside a column.
    pub(crate) async fn sees_object(
        &self,
        looking: &Looking<'_>,
        kind: Kind,
        id: Id,
    ) -> Result<bool, Error> {
        if self.sees_every_object(looking.principal()) {
            return Ok(true);
        }
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
