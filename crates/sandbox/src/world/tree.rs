//! Walking and changing the tree.

use std::collections::HashSet;

use jiff::Timestamp;
use notion::Id;

use super::World;
use super::node::{Content, DataSource, Node, Page, Parent};

/// Longest way from a node to the top; more means that the tree is broken.
pub(super) const LINEAGE_MAX: usize = 10_000;

/// Where among its siblings a new child goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Slot {
    Start,
    End,
    After(Id),
}

impl World {
    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(&id)
    }

    pub(crate) fn page(&self, id: Id) -> Option<&Page> {
        self.node(id)?.page()
    }

    pub(crate) fn source(&self, id: Id) -> Option<&DataSource> {
        self.node(id)?.source()
    }

    /// The node and all above it, nearest first; `None` when the way up is broken.
    pub(crate) fn lineage(&self, id: Id) -> Option<Vec<Id>> {
        let mut way = vec![id];
        let mut node = self.node(id)?;
        while let Parent::Node(above) = node.parent {
            if way.len() > LINEAGE_MAX || above == id {
                return None;
            }
            node = self.node(above)?;
            way.push(above);
        }
        Some(way)
    }

    /// The data source of which a page is a row.
    pub(crate) fn source_of_row(&self, page: Id) -> Option<(Id, &DataSource)> {
        let id = self.node(page)?.parent_id()?;
        Some((id, self.source(id)?))
    }

    /// The data sources of a database that are not in the trash.
    pub(crate) fn sources_of(&self, database: Id) -> Vec<Id> {
        self.live_children(database)
    }

    /// The children that are not in the trash, in order.
    pub(crate) fn live_children(&self, id: Id) -> Vec<Id> {
        self.node(id).map(|node| self.live(node).collect()).unwrap_or_default()
    }

    /// The rows of a data source that are not in the trash; templates are none.
    pub(crate) fn rows_of(&self, source: Id) -> Vec<Id> {
        let is_row = |id: &Id| self.page(*id).is_none_or(|page| !page.is_template);
        self.live_children(source).into_iter().filter(is_row).collect()
    }

    /// The children of `node` that are not in the trash, one by one.
    pub(crate) fn live<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = Id> + 'a {
        let alive = |id: &Id| self.node(*id).is_some_and(|child| !child.in_trash);
        node.children.iter().copied().filter(alive)
    }

    /// Whether something above the node is in the trash.
    pub(crate) fn has_trashed_ancestor(&self, id: Id) -> bool {
        let way = self.lineage(id).unwrap_or_default();
        way.iter().skip(1).any(|above| self.node(*above).is_some_and(|node| node.in_trash))
    }

    /// Whether a node or something above it is in the trash: so answers say it (measured).
    pub(crate) fn is_gone(&self, id: Id) -> bool {
        self.node(id).is_some_and(|node| node.in_trash) || self.has_trashed_ancestor(id)
    }

    /// Hangs a new node into the tree; `false` when the world is full.
    pub(crate) fn insert(&mut self, node: Node, slot: Slot) -> bool {
        if self.nodes.len() >= super::NODES_MAX {
            return false;
        }
        let (id, parent) = (node.id, node.parent);
        self.nodes.insert(id, node);
        self.hang(id, parent, slot);
        true
    }

    fn hang(&mut self, id: Id, parent: Parent, slot: Slot) {
        let siblings = match parent {
            Parent::Workspace => &mut self.roots,
            Parent::Node(above) => match self.nodes.get_mut(&above) {
                Some(above) => &mut above.children,
                None => return,
            },
        };
        let at = match slot {
            Slot::Start => 0,
            Slot::End => siblings.len(),
            Slot::After(brother) => siblings
                .iter()
                .rposition(|sibling| *sibling == brother)
                .map_or(siblings.len(), |index| index + 1),
        };
        siblings.insert(at, id);
    }

    /// Moves a node, with all that is under it, to another parent.
    pub(crate) fn relocate(&mut self, id: Id, parent: Parent) {
        let Some(old) = self.node(id).map(|node| node.parent) else { return };
        match old {
            Parent::Workspace => self.roots.retain(|root| *root != id),
            Parent::Node(above) => {
                if let Some(above) = self.nodes.get_mut(&above) {
                    above.children.retain(|child| *child != id);
                }
            }
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.parent = parent;
        }
        // Whoever sees the new parent sees it from now on.
        self.private.shift_remove(&id);
        self.hang(id, parent, Slot::End);
    }

    /// Puts the children of a node into this order; those that are not named come last.
    pub(crate) fn arrange(&mut self, parent: Id, order: &[Id]) {
        if let Some(node) = self.nodes.get_mut(&parent) {
            let first: HashSet<&Id> = order.iter().collect();
            let rest = node.children.iter().filter(|child| !first.contains(child));
            node.children = order.iter().chain(rest).copied().collect();
        }
    }

    /// Notes who changed a node, and when; a block's change is also one of its page.
    pub(crate) fn touch(&mut self, id: Id, by: Id, at: Timestamp) {
        for above in self.lineage(id).unwrap_or_default() {
            let Some(node) = self.nodes.get_mut(&above) else { return };
            let is_block = matches!(node.content, Content::Block(_));
            if above == id || !is_block {
                node.last_edited_time = at;
                node.last_edited_by = by;
            }
            if !is_block {
                return;
            }
        }
    }

    /// The title of a page, database or data source, as rich text.
    pub(crate) fn title_of(&self, id: Id) -> &[serde_json::Value] {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Page(page)) => page
                .values
                .get(super::property::TITLE)
                .and_then(|title| title.as_array())
                .map_or(&[], Vec::as_slice),
            Some(Content::Database(database)) => &database.title,
            Some(Content::DataSource(source)) => &source.title,
            _ => &[],
        }
    }
}
