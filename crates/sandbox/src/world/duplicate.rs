//! Copies of a page with all that is under it, as people make them in the app.

use std::collections::HashMap;

use notion::Id;
use serde_json::Value;

use super::World;
use super::node::{Node, Parent};
use super::tree::Slot;

/// Longest subtree that is copied.
const COPY_MAX: usize = 5000;

impl World {
    /// What a copy of a page would hold: `None` when that is too much, or there is no such page.
    pub(crate) fn copied(&self, page: Id) -> Option<Vec<Id>> {
        self.page(page)?;
        let mut all = vec![page];
        let mut at = 0;
        while let Some(id) = all.get(at) {
            all.extend(self.live_children(*id));
            at += 1;
            if all.len() > COPY_MAX {
                return None;
            }
        }
        (self.nodes.len() + all.len() <= super::NODES_MAX).then_some(all)
    }

    /// Copies a page to the top of the workspace, for one person alone; gives the copy's id.
    ///
    /// What points into the subtree (relations, synced blocks, mentions) points into the copy
    /// there. `None` when there is too much to copy.
    pub(crate) fn duplicate(&mut self, page: Id, person: Id) -> Option<Id> {
        let originals = self.copied(page)?;
        let ids: HashMap<Id, Id> = originals.iter().map(|id| (*id, self.ids.object())).collect();
        let now = self.now();
        for id in &originals {
            let mut written = serde_json::to_value(self.node(*id)?).ok()?;
            point_into(&mut written, &ids);
            let mut copy: Node = serde_json::from_value(written).ok()?;
            copy.created_time = now;
            copy.created_by = person;
            copy.last_edited_time = now;
            copy.last_edited_by = person;
            copy.children.clear();
            if *id == page {
                copy.parent = Parent::Workspace;
            }
            self.insert(copy, Slot::End);
        }
        let copy = *ids.get(&page)?;
        self.private.insert(copy, vec![person]);
        Some(copy)
    }
}

/// Replaces ids by those of their copies, wherever they stand.
pub(crate) fn point_into(value: &mut Value, ids: &HashMap<Id, Id>) {
    match value {
        Value::String(text) => {
            if let Some(copy) = Id::parse(text).and_then(|id| ids.get(&id)) {
                *text = copy.to_string();
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| point_into(one, ids)),
        Value::Object(all) => all.values_mut().for_each(|one| point_into(one, ids)),
        _ => {}
    }
}
