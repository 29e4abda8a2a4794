//! The tree: who is whose parent, learned from answers.
//!
//! Kept in memory and bounded: everything in it can be asked for again, and after a restart nothing
//! old is believed. Each fact has an age.

mod left;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use model::ConnectionId;
use notion::{Id, Kind};
use quick_cache::sync::Cache;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use self::left::Left;
use crate::rows::SeenRow;
use crate::view::Title;

/// Objects that are remembered.
const OBJECTS_MAX: usize = 100_000;
const MISSING_MAX: usize = 10_000;

/// Where one object stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Node {
    /// Its parent; `None` at the top of what the connection sees.
    pub(crate) parent: Option<(Kind, Id)>,
    /// When that was true.
    pub(crate) seen_at: Timestamp,
    /// The block whose children it shows instead of its own, if it is a synced copy.
    pub(crate) copy_of: Option<Id>,
}

/// The tree of every connection.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Cache<(ConnectionId, Id), Node>,
    /// What was asked for and not there, and when.
    missing: Cache<(ConnectionId, Id), Timestamp>,
    titles: Cache<(ConnectionId, Id), (Title, Timestamp)>,
    rows: Cache<(ConnectionId, Id), SeenRow>,
    /// What was asked for as a page and is none, and when.
    no_pages: Cache<(ConnectionId, Id), Timestamp>,
    pub(crate) left: Left,
    age_max: Duration,
}

impl Tree {
    pub(crate) fn new(age_max: Duration) -> Self {
        Self {
            nodes: Cache::new(OBJECTS_MAX),
            missing: Cache::new(MISSING_MAX),
            titles: Cache::new(OBJECTS_MAX),
            rows: Cache::new(OBJECTS_MAX),
            no_pages: Cache::new(MISSING_MAX),
            left: Left::new(),
            age_max,
        }
    }

    /// How long a place is believed.
    pub(crate) fn age_max(&self) -> Duration {
        self.age_max
    }

    /// Where `id` stood when it was last seen.
    pub(crate) fn node(&self, connection: ConnectionId, id: Id) -> Option<Node> {
        self.nodes.get(&(connection, id))
    }

    /// Notes where `id` stands.
    pub(crate) fn put(&self, connection: ConnectionId, id: Id, node: Node) {
        let key = (connection, id);
        let before = self.nodes.get(&key).and_then(|known| known.parent);
        self.left.seen(key, before, node.parent);
        self.nodes.insert(key, node);
        self.missing.remove(&key);
        self.no_pages.remove(&key);
    }

    /// Notes that `id` is no page.
    pub(crate) fn put_no_page(&self, connection: ConnectionId, id: Id, now: Timestamp) {
        self.no_pages.insert((connection, id), now);
    }

    /// Whether `id` was no page a moment ago.
    pub(crate) fn is_no_page(&self, connection: ConnectionId, id: Id, now: Timestamp) -> bool {
        let asked = self.no_pages.get(&(connection, id));
        asked.is_some_and(|at| now.duration_since(at).unsigned_abs() <= self.age_max)
    }

    /// Forgets where `id` stands.
    pub(crate) fn forget(&self, connection: ConnectionId, id: Id) {
        let known = self.nodes.remove(&(connection, id)).and_then(|(_, node)| node.parent);
        self.left.forgotten((connection, id), known);
        self.no_pages.remove(&(connection, id));
        self.missing.remove(&(connection, id));
        self.titles.remove(&(connection, id));
        self.rows.remove(&(connection, id));
    }

    /// Forgets what was seen through a connection.
    pub(crate) fn forget_connection(&self, connection: ConnectionId) {
        self.nodes.retain(|(whose, _), _| *whose != connection);
        self.missing.retain(|(whose, _), _| *whose != connection);
        self.titles.retain(|(whose, _), _| *whose != connection);
        self.no_pages.retain(|(whose, _), _| *whose != connection);
        self.left.forget_connection(connection);
        self.forget_rows(connection);
    }

    /// Notes that `id` was asked for and is not there. Only good for what an answer mentions: to somebody
    /// who asks for it, a "no" is never said from memory.
    pub(crate) fn put_missing(&self, connection: ConnectionId, id: Id, now: Timestamp) {
        self.missing.insert((connection, id), now);
    }

    /// Notes what something is called.
    pub(crate) fn put_title(&self, connection: ConnectionId, id: Id, title: Title, now: Timestamp) {
        self.titles.insert((connection, id), (title, now));
    }

    /// What something is called, if that was seen lately.
    pub(crate) fn title(&self, connection: ConnectionId, id: Id, now: Timestamp) -> Option<Title> {
        let (title, at) = self.titles.get(&(connection, id))?;
        (now.duration_since(at).unsigned_abs() <= self.age_max).then_some(title)
    }

    /// Notes the values of a row.
    pub(crate) fn put_row(&self, connection: ConnectionId, id: Id, row: SeenRow) {
        self.rows.insert((connection, id), row);
    }

    /// The values of a row when they were last seen.
    pub(crate) fn row(&self, connection: ConnectionId, id: Id) -> Option<SeenRow> {
        self.rows.get(&(connection, id))
    }

    /// Forgets the values of a row.
    pub(crate) fn forget_row(&self, connection: ConnectionId, id: Id) {
        self.rows.remove(&(connection, id));
    }

    /// Forgets the values of all rows.
    pub(crate) fn forget_rows(&self, connection: ConnectionId) {
        self.rows.retain(|(whose, _), _| *whose != connection);
    }

    /// Whether `id` was not there a moment ago.
    pub(crate) fn is_missing(&self, connection: ConnectionId, id: Id, now: Timestamp) -> bool {
        let asked = self.missing.get(&(connection, id));
        asked.is_some_and(|at| now.duration_since(at).unsigned_abs() <= self.age_max)
    }

    /// Learns what an object tells about places: its own, and those of its ancestors where it names
    /// them. Never that of something else: a linked database lists data sources that stand elsewhere.
    ///
    /// Gives where the object itself stands, if it told.
    pub(crate) fn learn(
        &self,
        connection: ConnectionId,
        object: &Object<'_>,
        now: Timestamp,
    ) -> Option<Node> {
        let (id, parent) = object.id.zip(object.parent.as_ref())?;
        let put = |id, parent| {
            self.put(connection, id, Node { parent, seen_at: now, copy_of: None });
        };
        // Nearest first, so that what is known of a data source is there when a row asks.
        if let (Some(source), Some(database)) = (parent.data_source_id, parent.database_id) {
            put(source, Some((Kind::Database, database)));
        }
        if let (Some(Some(above)), Some(database)) =
            (object.database_parent.as_ref().map(Parent::place), parent.database_id)
        {
            put(database, above);
        }
        if let (Some(discussion), Some(above)) = (object.discussion_id, parent.of()) {
            put(discussion, Some(above));
        }
        let place = parent.place()?;
        // What an old version leaves open is as old as it was.
        let node = self.finer(connection, id, place);
        let copy_of = object.original();
        let node = node.unwrap_or(Node { parent: place, seen_at: now, copy_of });
        self.put(connection, id, node);
        Some(node)
    }

    /// An old version names the database where a new one names the data source: what says more is
    /// kept, if both are about the same database.
    fn finer(&self, connection: ConnectionId, id: Id, place: Option<(Kind, Id)>) -> Option<Node> {
        self.node(connection, id).filter(|known| {
            known.parent.is_some_and(|(kind, source)| {
                kind == Kind::DataSource
                    && place.is_some_and(|(kind, _)| kind == Kind::Database)
                    && self.node(connection, source).and_then(|node| node.parent) == place
            })
        })
    }
}

/// The members of an object that tell places. Everything else is skipped unread.
#[derive(Debug, Deserialize)]
pub(crate) struct Object<'a> {
    #[serde(borrow, default)]
    object: Option<&'a str>,
    #[serde(default, deserialize_with = "read_id")]
    pub(crate) id: Option<Id>,
    #[serde(borrow, default)]
    parent: Option<Parent<'a>>,
    #[serde(borrow, default)]
    database_parent: Option<Parent<'a>>,
    #[serde(default, deserialize_with = "read_id")]
    discussion_id: Option<Id>,
    #[serde(default)]
    synced_block: Option<Synced>,
}

/// The body of a synced block.
#[derive(Debug, Deserialize)]
struct Synced {
    #[serde(default)]
    synced_from: Option<SyncedFrom>,
}

#[derive(Debug, Deserialize)]
struct SyncedFrom {
    #[serde(default, deserialize_with = "read_id")]
    block_id: Option<Id>,
}

impl Object<'_> {
    /// The block that it is a synced copy of.
    pub(crate) fn original(&self) -> Option<Id> {
        self.synced_block.as_ref()?.synced_from.as_ref()?.block_id
    }

    /// What it says that it is.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let kinds = [
            Kind::Block,
            Kind::Comment,
            Kind::DataSource,
            Kind::Database,
            Kind::FileUpload,
            Kind::Page,
            Kind::View,
        ];
        kinds.into_iter().find(|kind| self.object == Some(kind.as_str()))
    }
}

/// A parent object.
#[derive(Debug, Deserialize)]
struct Parent<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a str>,
    #[serde(default, deserialize_with = "read_id")]
    page_id: Option<Id>,
    #[serde(default, deserialize_with = "read_id")]
    block_id: Option<Id>,
    #[serde(default, deserialize_with = "read_id")]
    database_id: Option<Id>,
    #[serde(default, deserialize_with = "read_id")]
    data_source_id: Option<Id>,
}

impl Parent<'_> {
    /// The nearest parent that it names.
    fn of(&self) -> Option<(Kind, Id)> {
        match self.kind? {
            "page_id" => Some((Kind::Page, self.page_id?)),
            "block_id" => Some((Kind::Block, self.block_id?)),
            "database_id" => Some((Kind::Database, self.database_id?)),
            "data_source_id" => Some((Kind::DataSource, self.data_source_id?)),
            _ => None,
        }
    }

    /// What it says about the object's place: a parent, the top of the workspace, or nothing that
    /// we understand.
    fn place(&self) -> Option<Option<(Kind, Id)>> {
        match self.kind? {
            "workspace" => Some(None),
            _ => self.of().map(Some),
        }
    }
}

/// Reads an id without copying the text; what is none is `None`.
fn read_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    struct IdVisitor;

    impl Visitor<'_> for IdVisitor {
        type Value = Option<Id>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or null")
        }

        fn visit_str<E>(self, text: &str) -> Result<Option<Id>, E> {
            Ok(Id::parse(text))
        }

        fn visit_unit<E>(self) -> Result<Option<Id>, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(IdVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Id {
        Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
    }

    fn learn(tree: &Tree, json: serde_json::Value) {
        let text = json.to_string();
        let object = serde_json::from_str(&text).unwrap();
        tree.learn(ConnectionId(id(0)), &object, Timestamp::UNIX_EPOCH);
    }

    fn parent(tree: &Tree, number: u8) -> Option<Option<(Kind, Id)>> {
        tree.node(ConnectionId(id(0)), id(number)).map(|node| node.parent)
    }

    #[test]
    fn learns_rows_sources_and_containers() {
        let tree = Tree::new(Duration::ZERO);
        learn(
            &tree,
            serde_json::json!({
                "object": "page", "id": id(1), "more": {"deep": [1, 2]},
                "parent": {"type": "data_source_id", "data_source_id": id(2), "database_id": id(3)},
            }),
        );
        learn(
            &tree,
            serde_json::json!({
                "object": "data_source", "id": id(2),
                "parent": {"type": "database_id", "database_id": id(3)},
                "database_parent": {"type": "page_id", "page_id": id(4)},
            }),
        );
        learn(
            &tree,
            serde_json::json!({
                "object": "page", "id": id(4), "parent": {"type": "workspace", "workspace": true},
            }),
        );
        assert_eq!(parent(&tree, 1), Some(Some((Kind::DataSource, id(2)))));
        assert_eq!(parent(&tree, 2), Some(Some((Kind::Database, id(3)))));
        assert_eq!(parent(&tree, 3), Some(Some((Kind::Page, id(4)))));
        assert_eq!(parent(&tree, 4), Some(None));
        assert_eq!(parent(&tree, 5), None);
    }

    #[test]
    fn an_old_version_does_not_blur_what_a_new_one_told() {
        let tree = Tree::new(Duration::ZERO);
        let old = |database: u8| {
            serde_json::json!({
                "object": "page", "id": id(1), "parent": {"type": "database_id", "database_id": id(database)},
            })
        };
        learn(
            &tree,
            serde_json::json!({
                "object": "page", "id": id(1),
                "parent": {"type": "data_source_id", "data_source_id": id(2), "database_id": id(3)},
            }),
        );
        learn(&tree, old(3));
        assert_eq!(parent(&tree, 1), Some(Some((Kind::DataSource, id(2)))));
        learn(&tree, old(9));
        assert_eq!(parent(&tree, 1), Some(Some((Kind::Database, id(9)))));
    }

    #[test]
    fn a_container_teaches_nothing_about_the_sources_that_it_lists() {
        // A linked database lists data sources that stand elsewhere.
        let tree = Tree::new(Duration::ZERO);
        learn(
            &tree,
            serde_json::json!({
                "object": "database", "id": id(1), "parent": {"type": "page_id", "page_id": id(2)},
                "data_sources": [{"id": id(3), "name": "Salaries"}],
            }),
        );
        assert_eq!(parent(&tree, 1), Some(Some((Kind::Page, id(2)))));
        assert_eq!(parent(&tree, 3), None);
    }

    #[test]
    fn an_unknown_parent_teaches_nothing() {
        let tree = Tree::new(Duration::ZERO);
        learn(
            &tree,
            serde_json::json!({"object": "page", "id": id(1), "parent": {"type": "space_id", "space_id": id(2)}}),
        );
        learn(&tree, serde_json::json!({"object": "page", "id": id(1)}));
        assert_eq!(parent(&tree, 1), None);
    }

    #[test]
    fn comments_tell_where_their_discussion_is() {
        let tree = Tree::new(Duration::ZERO);
        learn(
            &tree,
            serde_json::json!({
                "object": "comment", "id": id(1), "discussion_id": id(2),
                "parent": {"type": "block_id", "block_id": id(3)},
            }),
        );
        assert_eq!(parent(&tree, 2), Some(Some((Kind::Block, id(3)))));
    }
}
