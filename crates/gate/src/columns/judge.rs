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
//! them as the rich text that they are. For a caller that sees every object, text hides nothing.
//!
//! Policies can hide columns, or mask them: a masked one is there without its values. What is made from a
//! hidden column does not exist, what is made from a masked one is masked. A formula that reaches through a
//! relation can read any column there; which, nobody resolves. So where policies speak of columns, it exists
//! only if nothing is hidden or masked in all tables that it could reach (`reach.rs`).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use notion::Id;
use policy::{Rule, Showing};

use super::mask::can_be_empty;
use super::reach::{reaches, targets};
use super::schema::{Column, Reads, Reference, Schema};
use super::through::Through;

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
    /// Rows of a table, of which the caller sees some: those it shows, but nothing can be computed from them.
    Rows,
}

/// A column, and whether it exists for the caller.
#[derive(Clone, Debug)]
pub(crate) struct JudgedColumn {
    pub(crate) column: Column,
    /// `None`: it does not exist.
    pub(crate) text: Option<Text>,
    /// The policy that hides its values, if one does.
    pub(crate) mask: Option<Rule>,
    /// The relations that its values are made from.
    pub(crate) through: Through,
}

/// What must be known before the columns of a table can be judged.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Missing {
    /// Whether a table is inside.
    Place(Id),
    /// The schema of a table inside.
    Schema(Id),
    /// What policies say of the columns of a table, in the order of its schema.
    Rulings(Id),
}

/// What is known of the tables.
#[derive(Debug, Default)]
pub(crate) struct Known {
    inside: HashMap<Id, bool>,
    /// Tables of which the caller sees some of the rows.
    in_part: HashSet<Id>,
    schemas: HashMap<Id, Option<Arc<Schema>>>,
    /// What policies say of columns; `None` if they say nothing at all.
    rulings: Option<HashMap<Id, Vec<Showing>>>,
    /// Whether there is no object that the caller does not see.
    open: bool,
}

impl Known {
    /// Nothing yet, for a caller that sees every object (`open`), or to whom policies about columns could
    /// apply (`ruled`).
    pub(crate) fn of(open: bool, ruled: bool) -> Self {
        Self { open, rulings: ruled.then(HashMap::new), ..Self::default() }
    }

    pub(crate) fn put_rulings(&mut self, source: Id, rulings: Vec<Showing>) {
        self.rulings.get_or_insert_default().insert(source, rulings);
    }

    /// What policies say of a column. What is not known is hidden.
    fn ruling(&self, source: Id, index: usize) -> Showing {
        match &self.rulings {
            None => Showing::Whole,
            Some(all) => {
                let known = all.get(&source).and_then(|all| all.get(index));
                known.cloned().unwrap_or(Showing::Hidden(None))
            }
        }
    }

    pub(crate) fn put_place(&mut self, source: Id, inside: bool) {
        self.inside.insert(source, inside);
    }

    pub(crate) fn put_in_part(&mut self, source: Id) {
        self.in_part.insert(source);
    }

    pub(crate) fn put_schema(&mut self, source: Id, schema: Option<Arc<Schema>>) {
        self.schemas.insert(source, schema);
    }

    /// The columns of `source`; or what is to be found out first.
    pub(crate) fn judge(&self, source: Id) -> Result<Vec<JudgedColumn>, Vec<Missing>> {
        let (tables, complete) = self.tables(source)?;
        let Some(own) = tables.iter().find(|(id, _)| *id == source) else { return Ok(Vec::new()) };
        let whole = |(id, schema): &(Id, Arc<Schema>)| {
            let mut all = 0..schema.columns.len();
            all.all(|index| self.ruling(*id, index) == Showing::Whole)
        };
        let untouched = complete && tables.iter().all(whole);
        let mut judge = Judge { known: self, tables: &tables, untouched, found: HashMap::new() };
        while judge.let_in_more() {}
        let judged = |(index, column): (usize, &Column)| {
            let found = judge.found.get(&(source, index));
            JudgedColumn {
                column: column.clone(),
                text: found.map(|found| found.text.clone()),
                mask: found.and_then(|found| found.mask.clone()),
                through: found.map(|found| found.through.clone()).unwrap_or_default(),
            }
        };
        Ok(own.1.columns.iter().enumerate().map(judged).collect())
    }

    /// The tables inside whose columns matter for those of `source`, itself first; and whether that are
    /// all that a formula could reach.
    fn tables(&self, source: Id) -> Result<(Tables, bool), Vec<Missing>> {
        let mut far = false;
        loop {
            let (tables, complete) = self.tables_as_far(source, far)?;
            let further = self.rulings.is_some() && tables.iter().any(|(_, it)| reaches(it));
            if far || !further {
                return Ok((tables, complete));
            }
            far = true;
        }
    }

    /// The same: those that rollups look at, or (`far`) all that relations lead to.
    fn tables_as_far(&self, source: Id, far: bool) -> Result<(Tables, bool), Vec<Missing>> {
        let mut missing = Vec::new();
        let mut complete = true;
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
                _ => {
                    complete = false;
                    continue;
                }
            };
            if self.rulings.as_ref().is_some_and(|all| !all.contains_key(&id)) {
                missing.push(Missing::Rulings(id));
            }
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
            let further = if far { targets(schema) } else { looks_at(schema) };
            for further in further {
                if wanted.contains(&further) {
                    continue;
                }
                if wanted.len() == SOURCES_MAX {
                    complete = false;
                } else {
                    wanted.push(further);
                }
            }
        }
        if missing.is_empty() { Ok((tables, complete)) } else { Err(missing) }
    }
}

type Tables = Vec<(Id, Arc<Schema>)>;

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
    /// Whether all tables that formulas could reach are known, and policies leave all their columns alone.
    untouched: bool,
    /// The columns that exist, by table and position.
    found: HashMap<(Id, usize), Found>,
}

/// A column that exists.
#[derive(Clone, Debug)]
struct Found {
    text: Text,
    mask: Option<Rule>,
    /// Whether it holds rows of other tables, so that a formula can go on from there.
    far: bool,
    through: Through,
}

impl Found {
    fn of(text: Text) -> Self {
        Self { text, mask: None, far: false, through: Through::default() }
    }
}

impl Judge<'_> {
    /// Lets in every column whose parts are in; whether there were any.
    fn let_in_more(&mut self) -> bool {
        let before = self.found.len();
        for (id, schema) in self.tables {
            for (index, column) in schema.columns.iter().enumerate() {
                if !self.found.contains_key(&(*id, index))
                    && let Some(found) = self.judged(*id, schema, index, column)
                {
                    self.found.insert((*id, index), found);
                }
            }
        }
        self.found.len() > before
    }

    /// A column, with what policies say of it, if it exists.
    fn judged(&self, id: Id, schema: &Schema, index: usize, column: &Column) -> Option<Found> {
        let own = match self.known.ruling(id, index) {
            Showing::Whole => None,
            Showing::Masked(rule) => Some(rule),
            Showing::Hidden(_) => return None,
        };
        let mut found = self.made_from(id, schema, column)?;
        found.mask = own.or(found.mask);
        (found.mask.is_none() || can_be_empty(&column.kind)).then_some(found)
    }

    /// What `column` is made from, if all of that is in.
    fn made_from(&self, id: Id, schema: &Schema, column: &Column) -> Option<Found> {
        match &column.reads {
            Reads::Page => Some(Found::of(Text::None)),
            Reads::Text if self.known.open => Some(Found::of(Text::None)),
            Reads::Text => Some(Found::of(Text::Own(vec![column.id.clone()]))),
            _ if !self.is_inside(id) => None,
            Reads::Relation(target) => {
                let in_part = self.known.in_part.contains(target);
                let text = if in_part { Text::Rows } else { Text::None };
                let through = Through::relation(&column.id, *target);
                let found = Found { far: true, through, ..Found::of(text) };
                self.is_inside(*target).then_some(found)
            }
            Reads::Rollup { relation, target, function } => {
                let (relation, through) = self.one(id, relation)?;
                let Reads::Relation(there) = relation.reads else { return None };
                if through.text == Text::Rows {
                    return None;
                }
                let (target, found) = self.one(there, target)?;
                let text = rolled(target, &found.text, function)?;
                let mask = through.mask.clone().or_else(|| found.mask.clone());
                let through = through.through.clone().to(&found.through);
                Some(Found { text, mask, far: found.far, through })
            }
            Reads::Formula(named) => self.formula(id, schema, named.as_deref()),
            Reads::Unknown => None,
        }
    }

    /// A formula that names these; `None` if it names something that cannot be read.
    fn formula(&self, id: Id, schema: &Schema, named: Option<&[Reference]>) -> Option<Found> {
        let Some(named) = named else {
            // Where the caller sees every object, only policies could hide what it reads.
            let shown = self.known.open && self.untouched;
            return shown.then_some(Found { far: true, ..Found::of(Text::None) });
        };
        let (mut texts, mut mask, mut far) = (Vec::new(), None, false);
        let mut through = Through::default();
        for reference in named {
            for found in self.named(id, schema, reference)? {
                match &found.text {
                    Text::None => {}
                    Text::Own(own) => texts.extend(own.iter().cloned()),
                    Text::Others | Text::Rows => return None,
                }
                mask = mask.or_else(|| found.mask.clone());
                far |= found.far && !reference.counted;
                through = through.and(&found.through);
            }
        }
        if far && self.known.rulings.is_some() && !self.untouched {
            return None;
        }
        texts.sort();
        texts.dedup();
        let text = if texts.is_empty() { Text::None } else { Text::Own(texts) };
        Some(Found { text, mask, far, through })
    }

    /// The columns that a formula looks at by naming something; `None` if one is not in, or would bring the
    /// text of other rows.
    fn named(&self, id: Id, schema: &Schema, reference: &Reference) -> Option<Vec<&Found>> {
        let mut named = Vec::new();
        for index in schema.called(&reference.called) {
            // A relation in a formula stands for its pages, and shows them by their titles.
            let is_relation = matches!(schema.columns.get(index)?.reads, Reads::Relation(_));
            if is_relation && !reference.counted && !self.known.open {
                return None;
            }
            named.push(self.found.get(&(id, index))?);
        }
        (!named.is_empty()).then_some(named)
    }

    /// The column of `source` that a rollup calls by its id, if it is in and no other could be
    /// meant.
    fn one(&self, source: Id, called: &str) -> Option<(&Column, &Found)> {
        let (_, schema) = self.tables.iter().find(|(id, _)| *id == source)?;
        let mut all = schema.columns.iter().enumerate().filter(|(_, it)| it.has_id(called));
        let (index, column) = all.next()?;
        let found = self.found.get(&(source, index))?;
        all.next().is_none().then_some((column, found))
    }

    fn is_inside(&self, source: Id) -> bool {
        self.known.inside.get(&source) == Some(&true)
    }
}

/// What a rollup is made from, of a column that is made from `text`; `None` if it would put the text of
/// other rows into something that nobody can look through.
fn rolled(target: &Column, text: &Text, function: &str) -> Option<Text> {
    match (&target.reads, text) {
        (_, Text::Rows) => None,
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
