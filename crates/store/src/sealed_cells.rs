//! Everything in the store that is sealed, cell by cell, whatever it belongs to.

use async_trait::async_trait;
use vault::{Place, SealedHead};

use crate::Result;

/// A sealed cell: where it stands, which is what it is sealed for, and how it begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SealedCell {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
    /// The column, or the slot.
    pub column: String,
    /// By which key it is closed: all that is needed to re-seal it, however long it is.
    pub head: SealedHead,
}

impl SealedCell {
    /// The place that it is sealed for.
    pub fn place(&self) -> Place<'_> {
        Place { table: self.table, row: &self.row, column: &self.column }
    }
}

/// Walks over sealed cells, to re-seal them.
#[async_trait]
pub trait SealedCells: Send + Sync {
    /// At most `limit` cells that come after `after`, in the order of table, row and column.
    async fn sealed_cells(&self, after: Option<&SealedCell>, limit: u32)
    -> Result<Vec<SealedCell>>;
    /// Puts `new` in place of the cell's head if that is still what it was; says whether it was.
    async fn replace_head(&self, cell: &SealedCell, new: SealedHead) -> Result<bool>;
}
