//! Rows that policies judge by their values.
//!
//! A policy can say that of a table a caller sees only the rows that meet a condition on their own values
//! (`resource.row`). So for callers whom such a policy concerns, the path of an object comes with what is
//! known of the rows on it ([`crate::locate`]): learned from the answers that carry rows, as old as places may
//! be, and asked for where it is not known. Only the properties that policies name are kept (`values.rs`).
//! Where none of a tenant's policies looks at rows, none of this is done.
//!
//! A write is judged twice: what the row is, and what it would be (`write.rs`). Relations to such a table show
//! the rows that the caller sees (`related.rs`); how that makes other columns unsayable, `columns` decides.

mod named;
mod related;
mod values;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use model::{ConnectionId, Principal, Who};
use notion::{Effect, Id, Kind, Operation};
use policy::{Row, RowProperties};
use serde_json::Value;

use crate::Gate;
use crate::columns::changes_tables;
use crate::error::Error;
use crate::locate::Looking;

/// What was read of a row, and when.
#[derive(Clone, Debug)]
pub(crate) struct SeenRow {
    pub(crate) row: Arc<Row>,
    /// The properties that were looked at.
    pub(crate) of: Arc<RowProperties>,
    pub(crate) at: Timestamp,
}

impl Gate {
    /// The properties that have to be known of rows, for a call; `None` if nothing depends on them.
    pub(crate) fn rows_wanted(&self, looking: &Looking<'_>) -> Option<Arc<RowProperties>> {
        let principal = looking.principal();
        let concerned = matches!(principal.who, Who::Gate) || self.sight(principal).looks_at_rows();
        self.row_properties(looking).filter(|_| concerned)
    }

    /// The properties of rows that the tenant's policies look at.
    fn row_properties(&self, looking: &Looking<'_>) -> Option<Arc<RowProperties>> {
        let own = || self.policies(looking.principal()).row_properties().cloned();
        looking.rows.clone().or_else(own)
    }

    /// Learns the values of a page, if it is a row and policies look at such.
    pub(crate) fn learn_row(&self, looking: &Looking<'_>, page: &Value) {
        let Some(of) = self.row_properties(looking) else { return };
        let is_row = page["object"] == "page"
            && ["data_source_id", "database_id"]
                .iter()
                .any(|name| page["parent"].get(name).is_some_and(|id| !id.is_null()));
        let id = page["id"].as_str().and_then(Id::parse).filter(|_| is_row);
        if let Some((id, properties)) = id.zip(page["properties"].as_object()) {
            let row = Arc::new(values::read(&of, properties));
            let seen = SeenRow { row, of, at: self.shared.clock.now() };
            self.shared.tree.put_row(looking.principal().connection, id, seen);
        }
    }

    /// Learns the rows of an answer, whatever it is. `said` is the path that was asked.
    pub(crate) fn learn_rows(&self, looking: &Looking<'_>, said: &str, answer: &Bytes) {
        if self.row_properties(looking).is_none() || !self.shows_wanted(looking, said) {
            return;
        }
        let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return };
        match answer.get("results").and_then(Value::as_array) {
            Some(all) => all.iter().for_each(|one| self.learn_row(looking, one)),
            None => self.learn_row(looking, &answer),
        }
    }

    /// Whether rows in the answer have the properties that policies look at: those for whom that matters
    /// asked for them (`columns/naming.rs`), others may have asked for a part.
    pub(crate) fn shows_wanted(&self, looking: &Looking<'_>, said: &str) -> bool {
        !said.contains(crate::columns::FILTER_PROPERTIES) || self.rows_wanted(looking).is_some()
    }

    /// A write may have changed values: of the objects that it names, or of any row, where it changes a
    /// table or one end of a relation.
    pub(crate) fn forget_rows(
        &self,
        principal: &Principal,
        operation: &Operation,
        effect: Effect,
        objects: &[(Kind, Id)],
    ) {
        if effect == Effect::Read || self.policies(principal).row_properties().is_none() {
            return;
        }
        let connection = principal.connection;
        // A relation names pages besides the one that is written.
        let relates = objects.iter().filter(|(kind, _)| *kind == Kind::Page).count() > 1;
        if relates || changes_tables(operation) {
            self.shared.tree.forget_rows(connection);
        }
        for (_, id) in objects {
            self.shared.tree.forget_row(connection, *id);
        }
    }

    /// What is known of a row: from the tree if it is fresh there, or by a look at Notion. `looked` says that
    /// such a look has just been.
    pub(crate) async fn row(
        &self,
        looking: &Looking<'_>,
        wanted: &RowProperties,
        id: Id,
        looked: bool,
        is_fresh: impl Fn(Timestamp) -> bool,
    ) -> Result<Arc<Row>, Error> {
        let connection: ConnectionId = looking.principal().connection;
        let known = || {
            let seen = self.shared.tree.row(connection, id);
            seen.filter(|seen| wanted.is_subset(&seen.of))
        };
        if let Some(seen) = known().filter(|seen| looked || is_fresh(seen.at)) {
            return Ok(seen.row);
        }
        if !looked {
            self.look_up(looking, Kind::Page, id).await?;
        }
        Ok(known().map_or_else(|| Arc::new(Row::unreadable()), |seen| seen.row))
    }
}
