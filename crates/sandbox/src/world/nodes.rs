//! All nodes by id, in order of creation.
//!
//! Nodes are shared between the world, the seed that a reset goes back to, and snapshots: a copy
//! of a world costs a pointer per node, and a node is copied when it is changed.

use std::fmt;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use notion::Id;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::node::{Content, Node};

/// The nodes of a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes {
    all: IndexMap<Id, Arc<Node>>,
    /// Those that have titles (everything but blocks), so that a search does not walk the blocks.
    titled: IndexSet<Id>,
}

impl Nodes {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&self, id: &Id) -> Option<&Node> {
        self.all.get(id).map(Arc::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: &Id) -> Option<&mut Node> {
        self.all.get_mut(id).map(Arc::make_mut)
    }

    pub(crate) fn insert(&mut self, id: Id, node: Node) {
        if !matches!(node.content, Content::Block(_)) {
            self.titled.insert(id);
        }
        self.all.insert(id, Arc::new(node));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Id, &Node)> {
        self.all.iter().map(|(id, node)| (id, node.as_ref()))
    }

    /// Pages, databases and data sources.
    pub(crate) fn titled(&self) -> impl Iterator<Item = &Node> {
        self.titled.iter().filter_map(|id| self.get(id))
    }
}

impl Serialize for Nodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Nodes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nodes by their ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nodes, A::Error> {
                let mut nodes = Nodes::default();
                while let Some((id, node)) = map.next_entry()? {
                    nodes.insert(id, node);
                }
                Ok(nodes)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}
