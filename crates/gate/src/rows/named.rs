//! Rows that a caller does not see one by one, whatever their values: those that policies name, and those that
//! have left their table.

use notion::{Id, Kind};
use policy::Place;

use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;

/// So many objects that policies name are looked at. Where they name more, any table may have rows among them.
const NAMED_MAX: usize = 32;

impl Gate {
    /// Whether the caller, who sees the table at `place`, sees some of its rows and not others: policies go by
    /// their values, or name one that is hidden.
    pub(crate) async fn is_in_part(
        &self,
        looking: &Looking<'_>,
        source: Id,
        place: &Place,
    ) -> Result<bool, Error> {
        let sight = self.sight(looking.principal());
        if sight.row_rule(place).is_some() {
            return Ok(true);
        }
        let named = sight.named();
        if named.len() > NAMED_MAX {
            return Ok(true);
        }
        for page in named {
            if self.table_of_page(looking, page).await? == Some(source)
                && !self.sees_object(looking, Kind::Page, page).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The table that something is a row of, if it is a page at all.
    async fn table_of_page(&self, looking: &Looking<'_>, page: Id) -> Result<Option<Id>, Error> {
        let (connection, now) = (looking.principal().connection, self.shared.clock.now());
        if self.shared.tree.is_no_page(connection, page, now) {
            return Ok(None);
        }
        let table = self.source_of_row(looking, page).await?;
        if self.shared.tree.node(connection, page).is_none() {
            self.shared.tree.put_no_page(connection, page, now);
        }
        Ok(table)
    }

    /// Whether the caller sees a row that a relation names. What is not known to have left the table is taken
    /// for a row there, and not looked up, unless rows are judged one by one (`judged`).
    pub(crate) async fn is_row_seen(
        &self,
        looking: &Looking<'_>,
        table: Option<Id>,
        row: Id,
        judged: bool,
    ) -> Result<bool, Error> {
        let (principal, tree) = (looking.principal(), &self.shared.tree);
        let connection = principal.connection;
        let left = table.and_then(|table| tree.left.of(connection, table));
        let is_doubtful =
            left.is_some_and(|left| left.rows.contains(&row)) || self.sight(principal).names(row);
        let is_there = match tree.node(connection, row).map(|node| node.parent) {
            Some(Some((Kind::DataSource, source))) => Some(source) == table,
            Some(_) => false,
            None => !tree.left.is_unsure(connection, row),
        };
        if is_there && !is_doubtful && !judged {
            return Ok(true);
        }
        self.sees_object(looking, Kind::Page, row).await
    }

    /// Whether rows have left a table for where the caller does not see them.
    pub(crate) async fn has_lost_rows(
        &self,
        looking: &Looking<'_>,
        table: Id,
    ) -> Result<bool, Error> {
        let principal = looking.principal();
        let left = self.shared.tree.left.of(principal.connection, table);
        let Some(left) = left.filter(|_| !self.sees_every_object(principal)) else {
            return Ok(false);
        };
        for row in left.rows.into_iter().filter(|_| !left.more) {
            if !self.sees_object(looking, Kind::Page, row).await? {
                return Ok(true);
            }
        }
        Ok(left.more)
    }
}
