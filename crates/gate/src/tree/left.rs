//! Rows that have left their table: relations go on naming them, and rollups counting them.
//!
//! Bounded, and in memory like the rest of the tree: what is forgotten here is a row like any other until
//! somebody asks for it.

use model::ConnectionId;
use notion::{Id, Kind};
use quick_cache::sync::Cache;

/// Tables of which it is remembered that rows have left them, and so many of those.
const TABLES_MAX: usize = 1_000;
const ROWS_MAX: usize = 100;
const UNSURE_MAX: usize = 10_000;

type Key = (ConnectionId, Id);
type Parent = Option<(Kind, Id)>;

/// The rows that have left their tables.
#[derive(Debug)]
pub(crate) struct Left {
    departed: Cache<Key, Departed>,
    /// Rows that something has happened to since they were seen in their table.
    unsure: Cache<Key, ()>,
}

/// The rows that have left a table, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departed {
    pub(crate) rows: Vec<Id>,
    /// Whether there are more of them than are remembered.
    pub(crate) more: bool,
}

impl Left {
    pub(super) fn new() -> Self {
        Self { departed: Cache::new(TABLES_MAX), unsure: Cache::new(UNSURE_MAX) }
    }

    /// An object was seen: where it stood so far, and where it stands now.
    pub(super) fn seen(&self, (connection, id): Key, before: Parent, now: Parent) {
        if let Some((Kind::DataSource, table)) = before.filter(|_| before != now) {
            self.depart((connection, table), id);
        }
        if let Some((Kind::DataSource, table)) = now {
            self.arrive((connection, table), id);
        }
        self.unsure.remove(&(connection, id));
    }

    /// Where an object stood is not believed any more.
    pub(super) fn forgotten(&self, object: Key, before: Parent) {
        if let Some((Kind::DataSource, _)) = before {
            self.unsure.insert(object, ());
        }
    }

    pub(super) fn forget_connection(&self, connection: ConnectionId) {
        self.departed.retain(|(whose, _), _| *whose != connection);
        self.unsure.retain(|(whose, _), _| *whose != connection);
    }

    fn depart(&self, table: Key, row: Id) {
        let mut departed = self.departed.get(&table).unwrap_or_default();
        if departed.rows.contains(&row) {
            return;
        }
        departed.more |= departed.rows.len() == ROWS_MAX;
        if !departed.more {
            departed.rows.push(row);
        }
        self.departed.insert(table, departed);
    }

    fn arrive(&self, table: Key, row: Id) {
        let Some(mut departed) = self.departed.get(&table) else { return };
        let before = departed.rows.len();
        departed.rows.retain(|it| *it != row);
        if departed.rows.is_empty() && !departed.more {
            self.departed.remove(&table);
        } else if departed.rows.len() < before {
            self.departed.insert(table, departed);
        }
    }

    /// The rows that have left a table, if any have.
    pub(crate) fn of(&self, connection: ConnectionId, table: Id) -> Option<Departed> {
        self.departed.get(&(connection, table))
    }

    /// Whether something has happened to a row since it was seen in its table.
    pub(crate) fn is_unsure(&self, connection: ConnectionId, row: Id) -> bool {
        self.unsure.get(&(connection, row)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_left_is_remembered_until_it_is_back() {
        let id = |number: u8| Id::from_bytes([number; 16]);
        let connection = ConnectionId(id(0));
        let left = Left::new();
        let table = Some((Kind::DataSource, id(1)));
        let away = Some((Kind::Page, id(2)));
        let known = || left.of(connection, id(1)).map(|it| (it.rows, it.more));
        left.seen((connection, id(3)), table, table);
        left.seen((connection, id(4)), None, away);
        assert_eq!(known(), None);
        left.seen((connection, id(3)), table, away);
        left.seen((connection, id(3)), table, None);
        assert_eq!(known(), Some((vec![id(3)], false)));
        left.seen((connection, id(3)), away, table);
        assert_eq!(known(), None);
        for number in 10..=(10 + ROWS_MAX as u8) {
            left.seen((connection, id(number)), table, away);
        }
        assert_eq!(known().map(|(rows, more)| (rows.len(), more)), Some((ROWS_MAX, true)));
        left.forgotten((connection, id(5)), table);
        left.forgotten((connection, id(6)), away);
        assert!(left.is_unsure(connection, id(5)) && !left.is_unsure(connection, id(6)));
        left.seen((connection, id(5)), None, table);
        assert!(!left.is_unsure(connection, id(5)));
        left.forget_connection(connection);
        assert_eq!(known(), None);
    }
}
