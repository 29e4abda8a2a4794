//! The world: everything the sandbox knows, as plain data that can be written out and read back.

pub(crate) mod access;
pub(crate) mod comment;
pub(crate) mod connection;
pub(crate) mod ids;
pub(crate) mod node;
pub(crate) mod property;
pub(crate) mod tree;
pub(crate) mod user;

use indexmap::IndexMap;
use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use comment::Comment;
use connection::Connection;
use ids::IdSource;
use node::Node;
use user::Person;

/// Most nodes (pages, blocks, databases, data sources) that a world holds.
pub(crate) const NODES_MAX: usize = 250_000;
/// Most comments.
pub(crate) const COMMENTS_MAX: usize = 50_000;

/// The workspace itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Workspace {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) max_file_upload_size_in_bytes: u64,
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
    pub(crate) nodes: IndexMap<Id, Node>,
    pub(crate) comments: IndexMap<Id, Comment>,
    /// File uploads, as far as other objects name them; kept as they are.
    #[serde(default)]
    pub(crate) file_uploads: IndexMap<Id, Value>,
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
            nodes: IndexMap::new(),
            comments: IndexMap::new(),
            file_uploads: IndexMap::new(),
        }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether `id` is a person or a bot of this workspace.
    pub(crate) fn has_user(&self, id: Id) -> bool {
        self.people.contains_key(&id) || self.connections.contains_key(&id)
    }

    /// What is wrong with a world that was read from outside; the tree must hold together.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.nodes.len() > NODES_MAX || self.comments.len() > COMMENTS_MAX {
            return Err("the world is larger than the sandbox allows".to_owned());
        }
        for (id, node) in &self.nodes {
            if node.id != *id {
                return Err(format!("node {id} says that its id is {}", node.id));
            }
            if self.lineage(*id).is_none() {
                return Err(format!(
                    "node {id} has a parent that is missing, or is its own ancestor"
                ));
            }
            if let Some(child) = node.children.iter().find(|child| !self.nodes.contains_key(*child))
            {
                return Err(format!("node {id} has a child {child} that is missing"));
            }
        }
        match self.roots.iter().find(|root| !self.nodes.contains_key(*root)) {
            Some(root) => Err(format!("the workspace has a root {root} that is missing")),
            None => Ok(()),
        }
    }
}
