//! Which columns exist for a caller: those whose values are made from what it may see, and from nothing
//! else.
//!
//! A relation exists if the table that it leads to is inside; a rollup if its relation exists and the
//! column that it works on exists where it is; a formula if all columns that it names exist. What cannot
//! be resolved does not exist, and neither does what is defined in a circle: columns are let in one after
//! the other, each only after all that it is made from.
//!
//! Text is a matter of its own: a page outside that is mentioned in a text shows there by its title, and
//! what is computed from the text would repeat it. So each column remembers which texts it is made from;
//! what is made from those of other rows, which nobody can look through, does not exist unless it shows
//! them as the rich text that they are.

use std::collections::HashMap;
use std::sync::Arc;

use notion::Id;

use super::schema::{Column, Reads, Reference, Schema};

/// Tables that are looked at for the columns of one; what lies beyond does not exist.
const SOURCES_MAX: usize = 24;

/// What a column's values are made from, as far as text goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Text {
    /// No text.
    None,
    /// Texts of the row itself, by the ids of their columns.
    Own(Vec<String>),
    /// Texts of other rows, shown as rich text.
    Others,
}

/// A column, and whether it exists for the caller.
#[derive(Clone, Debug)]
pub(crate) struct JudgedColumn {
    pub(crate) column: Column,
    /// `None`: it does not exist.
    pub(crate) text: Option<Text>,
}

/// What must be known before the columns of a table can be judged.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Missing {
    /// Whether a table is inside.
    Place(Id),
    /// The schema of a table inside.
    Schema(Id),
}

/// What is known of the tables.
#[derive(Debug, Default)]
pub(crate) struct Known {
    inside: HashMap<Id, bool>,
    schemas: HashMap<Id, Option<Arc<Schema>>>,
}

impl Known {
    pub(crate) fn put_place(&mut self, source: Id, inside: bool) {
        self.inside.insert(source, inside);
    }

    pub(crate) fn put_schema(&mut self, source: Id, schema: Option<Arc<Schema>>) {
        self.schemas.insert(source, schema);
    }

    /// The columns of `source`; or what is to be found out first.
    pub(crate) fn judge(&self, source: Id) -> Result<Vec<JudgedColumn>, Vec<Missing>> {
        let tables = self.tables(source)?;
        let Some(own) = tables.iter().find(|(id, _)| *id == source) else { return Ok(Vec::new()) };
        let mut judge = Judge { known: self, tables: &tables, found: HashMap::new() };
        while judge.let_in_more() {}
        let judged = |(index, column): (usize, &Column)| JudgedColumn {
            column: column.clone(),
            text: judge.found.get(&(source, index)).cloned(),
        };
        Ok(own.1.columns.iter().enumerate().map(judged).collect())
    }

    /// The tables inside whose columns matter for those of `source`, itself first.
    fn tables(&self, source: Id) -> Result<Vec<(Id, Arc<Schema>)>, Vec<Missing>> {
        let mut missing = Vec::new();
        let mut wanted = vec![source];
        let mut tables = Vec::new();
        let mut next = 0;
        while let Some(id) = wanted.get(next).copied() {
            next += 1;
            let inside = self.inside.get(&id);
            if inside.is_none() {
                missing.push(Missing::Place(id));
            }
            // Of a table outside, only its own rows can be inside, and only their own values matter.
            let matters = id == source || inside == Some(&true);
            let schema = match self.schemas.get(&id) {
                Some(Some(schema)) if matters => schema,
                None if matters => {
                    missing.push(Missing::Schema(id));
                    continue;
                }
                _ => continue,
            };
            tables.push((id, schema.clone()));
            if inside != Some(&true) {
                continue;
            }
            for column in &schema.columns {
                if let Reads::Relation(target) = column.reads
                    && !self.inside.contains_key(&target)
                {
                    missing.push(Missing::Place(target));
                }
            }
            for further in looks_at(schema) {
                if !wanted.contains(&further) && wanted.len() < SOURCES_MAX {
                    wanted.push(further);
                }
            }
        }
        if missing.is_empty() { Ok(tables) } else { Err(missing) }
    }
}

/// The tables whose columns the rollups of one look at.
fn looks_at(schema: &Schema) -> Vec<Id> {
    let mut all = Vec::new();
    for column in &schema.columns {
        let Reads::Rollup { relation, .. } = &column.reads else { continue };
        let through = schema.columns.iter().filter(|column| column.has_id(relation));
        all.extend(through.filter_map(|column| match column.reads {
            Reads::Relation(target) => Some(target),
            _ => None,
        }));
    }
    all
}

struct Judge<'a> {
    known: &'a Known,
    tables: &'a [(Id, Arc<Schema>)],
    /// The columns that exist, by table and position.
    found: HashMap<(Id, usize), Text>,
}

impl Judge<'_> {
    /// Lets in every column whose parts are in; whether there were any.
    fn let_in_more(&mut self) -> bool {
        let before = self.found.len();
        for (id, schema) in self.tables {
            for (index, column) in schema.columns.iter().enumerate() {
                if !self.found.contains_key(&(*id, index))
                    && let Some(text) = self.text_of(*id, schema, column)
                {
                    self.found.insert((*id, index), text);
                }
            }
        }
        self.found.len() > before
    }

    /// What `column` is made from, if all of that is in.
    fn text_of(&self, id: Id, schema: &Schema, column: &Column) -> Option<Text> {
        match &column.reads {
            Reads::Page => Some(Text::None),
            Reads::Text => Some(Text::Own(vec![column.id.clone()])),
            _ if !self.is_inside(id) => None,
            Reads::Relation(target) => self.is_inside(*target).then_some(Text::None),
            Reads::Rollup { relation, target, function } => {
                let (relation, _) = self.one(id, relation)?;
                let Reads::Relation(there) = relation.reads else { return None };
                let (target, text) = self.one(there, target)?;
                rolled(target, text, function)
            }
            Reads::Formula(named) => {
                let mut texts = Vec::new();
                for reference in named.as_ref()? {
                    texts.extend(self.named(id, schema, reference)?);
                }
                texts.sort();
                texts.dedup();
                Some(if texts.is_empty() { Text::None } else { Text::Own(texts) })
            }
            Reads::Unknown => None,
        }
    }

    /// The texts of the row that a formula looks at by naming something; `None` if that is not in, or would
    /// bring the text of other rows.
    fn named(&self, id: Id, schema: &Schema, reference: &Reference) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        let mut all = schema.called(&reference.called).peekable();
        all.peek()?;
        for index in all {
            // A relation in a formula stands for its pages, and shows them by their titles.
            let is_relation = matches!(schema.columns.get(index)?.reads, Reads::Relation(_));
            match self.found.get(&(id, index))? {
                Text::None if is_relation && !reference.counted => return None,
                Text::None => {}
                Text::Own(own) => texts.extend(own.iter().cloned()),
                Text::Others => return None,
            }
        }
        Some(texts)
    }

    /// The column of `source` that a rollup calls by its id, if it is in and no other could be
    /// meant.
    fn one(&self, source: Id, called: &str) -> Option<(&Column, &Text)> {
        let (_, schema) = self.tables.iter().find(|(id, _)| *id == source)?;
        let mut all = schema.columns.iter().enumerate().filter(|(_, it)| it.has_id(called));
        let (index, column) = all.next()?;
        let text = self.found.get(&(source, index))?;
        all.next().is_none().then_some((column, text))
    }

    fn is_inside(&self, source: Id) -> bool {
        self.known.inside.get(&source) == Some(&true)
    }
}

/// What a rollup is made from, of a column that is made from `text`; `None` if it would put the text of
/// other rows into something that nobody can look through.
fn rolled(target: &Column, text: &Text, function: &str) -> Option<Text> {
    match (&target.reads, text) {
        (_, Text::None) => Some(Text::None),
        // How many rows there are says nothing of their text.
        _ if matches!(function, "count" | "count_per_group") => Some(Text::None),
        // A mention is never empty, and text is no number.
        (Reads::Text, _) if function == "show_original" => Some(Text::Others),
        (Reads::Text, _) if !matches!(function, "unique" | "show_unique") => Some(Text::None),
        _ => None,
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
