//! The world: everything the sandbox knows, as plain data that can be written out and read back.

pub(crate) mod access;
pub(crate) mod block;
pub(crate) mod comment;
pub(crate) mod connection;
pub(crate) mod duplicate;
pub(crate) mod emoji;
pub(crate) mod era;
pub(crate) mod file_upload;
pub(crate) mod ids;
pub(crate) mod journal;
pub(crate) mod later;
pub(crate) mod node;
pub(crate) mod nodes;
pub(crate) mod oauth;
pub(crate) mod property;
pub(crate) mod tree;
pub(crate) mod user;
pub(crate) mod view;
pub(crate) mod webhooks;

use std::collections::HashSet;

use indexmap::IndexMap;
use jiff::Timestamp;
use notion::{Id, Version};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use comment::Comment;
use connection::Connection;
use emoji::Emoji;
use era::Era;
use file_upload::FileUpload;
use ids::IdSource;
use journal::Note;
use later::Later;
use node::Parent;
use nodes::Nodes;
use oauth::{Neighbour, OAuth};
use user::Person;
use view::{DatabaseView, ViewQuery};
use webhooks::Webhooks;

/// Most nodes (pages, blocks, databases, data sources) that a world holds.
pub(crate) const NODES_MAX: usize = 2_000_000;
/// Most comments.
pub(crate) const COMMENTS_MAX: usize = 50_000;

/// The workspace itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Workspace {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) max_file_upload_size_in_bytes: u64,
}

/// A generator of its own, so that chances do not change the ids that come after them.
fn dice() -> IdSource {
    IdSource::new(0x0064_6963_6500)
}

/// How search's index differs from the world: the real one lags (documented and measured), this one
/// only when told to.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct SearchIndex {
    /// Not found yet.
    #[serde(default)]
    pub(crate) late: Vec<Id>,
    /// Still found, although in the trash.
    #[serde(default)]
    pub(crate) stale: Vec<Id>,
}

/// Everything there is. The order of every map and list is the order of creation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct World {
    pub(crate) workspace: Workspace,
    pub(crate) clock: Clock,
    pub(crate) ids: IdSource,
    pub(crate) people: IndexMap<Id, Person>,
    /// Connections by the id of their bot.
    pub(crate) connections: IndexMap<Id, Connection>,
    /// Pages and databases at workspace level.
    pub(crate) roots: Vec<Id>,
    pub(crate) nodes: Nodes,
    pub(crate) comments: IndexMap<Id, Comment>,
    #[serde(default)]
    pub(crate) oauth: OAuth,
    /// Pages that are not for everybody, and the people who see them and what is under them.
    #[serde(default)]
    pub(crate) private: IndexMap<Id, Vec<Id>>,
    /// Notion answers as it did then; see [`era`].
    #[serde(default)]
    pub(crate) as_of: Option<Timestamp>,
    /// What search does not know yet, and what it has not forgotten.
    #[serde(default)]
    pub(crate) search_index: SearchIndex,
    #[serde(default)]
    pub(crate) emojis: IndexMap<Id, Emoji>,
    /// Files that were sent, or are to be.
    #[serde(default)]
    pub(crate) file_uploads: IndexMap<Id, FileUpload>,
    #[serde(default)]
    pub(crate) webhooks: Webhooks,
    /// The sandbox as the client of the current request addresses it; URLs begin with it.
    #[serde(skip)]
    pub(crate) base_url: String,
    /// The workspaces of this sandbox, if there are several: a person chooses one for an app.
    #[serde(skip)]
    pub(crate) neighbours: Vec<Neighbour>,
    /// What chances are drawn from (faults that strike now and then).
    #[serde(default = "dice")]
    pub(crate) dice: IdSource,
    /// Work that was put off, and long writes.
    #[serde(default)]
    pub(crate) later: Later,
    /// What the current operation changed.
    #[serde(skip)]
    pub(crate) journal: Vec<Note>,
    /// Views, in the order of their tabs.
    #[serde(default)]
    pub(crate) views: IndexMap<Id, DatabaseView>,
    /// Kept results of views, oldest first.
    #[serde(default)]
    pub(crate) view_queries: IndexMap<Id, ViewQuery>,
}

impl World {
    /// A workspace without anything in it.
    pub(crate) fn empty(seed: u64) -> Self {
        let mut ids = IdSource::new(seed);
        Self {
            workspace: Workspace {
                id: ids.random(),
                name: "Empty workspace".to_owned(),
                max_file_upload_size_in_bytes: 5_368_709_120,
            },
            clock: Clock::default(),
            ids,
            people: IndexMap::new(),
            connections: IndexMap::new(),
            roots: Vec::new(),
            nodes: Nodes::default(),
            comments: IndexMap::new(),
            oauth: OAuth::default(),
            private: IndexMap::new(),
            search_index: SearchIndex::default(),
            as_of: None,
            emojis: IndexMap::new(),
            file_uploads: IndexMap::new(),
            webhooks: Webhooks::default(),
            base_url: String::new(),
            neighbours: Vec::new(),
            dice: dice(),
            later: Later::default(),
            journal: Vec::new(),
            views: IndexMap::new(),
            view_queries: IndexMap::new(),
        }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// As of when a version is answered: if nobody said, old versions as most of their recorded answers
    /// are, and the others as today.
    pub(crate) fn era(&self, version: Version) -> Era {
        let usual = if version < Version::V2025_09_03 { Era::Of2025 } else { Era::Of2026 };
        self.as_of.map_or(usual, Era::at)
    }

    /// Whether `id` is a person or a bot of this workspace.
    pub(crate) fn has_user(&self, id: Id) -> bool {
        self.people.contains_key(&id) || self.connections.get(&id).is_some_and(Connection::is_bot)
    }

    /// What is wrong with a world that was read from outside; the tree must hold together.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.nodes.len() > NODES_MAX || self.comments.len() > COMMENTS_MAX {
            return Err("the world is larger than the sandbox allows".to_owned());
        }
        self.webhooks.check()?;
        if self.emojis.len() > emoji::EMOJIS_MAX {
            return Err("the world has more emojis than the sandbox allows".to_owned());
        }
        if self.file_uploads.len() > file_upload::UPLOADS_MAX
            || self.file_bytes() > file_upload::BYTES_MAX
        {
            return Err("the world holds more files than the sandbox allows".to_owned());
        }
        // Down from the top, every node is met once; so none is its own ancestor.
        let mut met: HashSet<Id> = HashSet::with_capacity(self.nodes.len());
        let mut level: Vec<Id> = Vec::new();
        let mut next = self.hung(&self.roots, Parent::Workspace, &mut met)?;
        for _ in 0..tree::LINEAGE_MAX {
            std::mem::swap(&mut level, &mut next);
            next.clear();
            for id in level.drain(..) {
                let Some(node) = self.nodes.get(&id) else { continue };
                next.extend(self.hung(&node.children, Parent::Node(id), &mut met)?);
            }
            if next.is_empty() {
                break;
            }
        }
        for (id, node) in self.nodes.iter() {
            if node.id != *id {
                return Err(format!("node {id} says that its id is {}", node.id));
            }
            if !met.contains(id) {
                let way = "is missing, does not name it as a child, or hangs below it";
                return Err(format!("node {id} has a parent that {way}"));
            }
        }
        let is_database = |id| self.node(id).is_some_and(|node| node.database().is_some());
        if let Some(view) = self.views.values().find(|view| !is_database(view.database)) {
            return Err(format!("view {} belongs to a database that is missing", view.id));
        }
        Ok(())
    }

    /// The children of one node, each of which must be there, name its parent and be new.
    fn hung(
        &self,
        children: &[Id],
        parent: Parent,
        met: &mut HashSet<Id>,
    ) -> Result<Vec<Id>, String> {
        let place = || match parent {
            Parent::Workspace => "the workspace".to_owned(),
            Parent::Node(id) => format!("node {id}"),
        };
        for child in children {
            let Some(node) = self.nodes.get(child) else {
                return Err(format!("{} has a child {child} that is missing", place()));
            };
            if node.parent != parent {
                return Err(format!("{} has a child {child} that names another parent", place()));
            }
            if !met.insert(*child) {
                return Err(format!("{} has the child {child} twice", place()));
            }
        }
        Ok(children.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_tree_that_does_not_hold_together_is_refused() {
        let (world, demo) = crate::seed::demo();
        assert_eq!(world.check(), Ok(()));
        let whole = json!(world);
        let root = demo.root_page_id.to_string();
        let broken = |change: &dyn Fn(&mut Value)| {
            let mut state = whole.clone();
            change(&mut state);
            serde_json::from_value::<World>(state).unwrap().check().unwrap_err()
        };
        let first = whole["nodes"][&root]["children"][0].clone();
        let is = broken(&|state| {
            state["nodes"][&root]["children"].as_array_mut().unwrap().remove(0);
        });
        assert_eq!(
            is,
            format!(
                "node {} has a parent that is missing, does not name it as a child, or hangs below it",
                first.as_str().unwrap()
            )
        );
        let is = broken(&|state| {
            state["nodes"][&root]["children"].as_array_mut().unwrap().push(first.clone());
        });
        assert!(is.ends_with("twice"), "{is}");
        let is = broken(&|state| state["roots"][0] = json!(Id::NIL));
        assert!(is.contains("the workspace has a child 00000000"), "{is}");
        let is = broken(&|state| state["nodes"][&root]["parent"] = json!({"node": root}));
        assert!(is.contains("names another parent"), "{is}");
        let is = broken(&|state| state["nodes"][&root]["id"] = first.clone());
        assert!(is.contains("says that its id is"), "{is}");
    }
}
