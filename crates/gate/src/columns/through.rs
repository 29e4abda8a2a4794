//! The relations that a column's values are made from: a row that has left its table is still counted
//! through them.

use notion::Id;

/// What a column is made from, as far as relations go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Through {
    /// Relations of the row itself: the id of the column, and the table that it leads to.
    pub(crate) own: Vec<(String, Id)>,
    /// The tables that relations of those rows lead to, and so on.
    pub(crate) beyond: Vec<Id>,
}

impl Through {
    /// A relation.
    pub(super) fn relation(column: &str, table: Id) -> Self {
        Self { own: vec![(column.to_owned(), table)], beyond: Vec::new() }
    }

    /// What is made from both.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.own.extend(other.own.iter().cloned());
        self.beyond.extend(&other.beyond);
        self.own.sort();
        self.own.dedup();
        self.beyond.sort();
        self.beyond.dedup();
        self
    }

    /// What is made from `target` in the rows that this leads to.
    pub(super) fn to(self, target: &Self) -> Self {
        let beyond = target.own.iter().map(|(_, table)| *table).chain(target.beyond.clone());
        self.and(&Self { own: Vec::new(), beyond: beyond.collect() })
    }
}
