//! Looking ahead: what an answer asks about is looked up a few at a time, not one after the other.

use futures_util::{StreamExt, stream};
use notion::{Id, Kind};

use super::{DEPTH_MAX, Looking, lookup_operation};
use crate::Gate;
use crate::tree::Node;

/// Look-ups at the same time. More would only make Notion say to wait.
const AT_ONCE: usize = 4;

/// The way up from an object, as far as it is known.
struct Way {
    path: Vec<Id>,
    next: (Kind, Id),
}

impl Gate {
    /// Finds out where objects stand, and what some are called, so that whoever asks for one after the other
    /// finds it in the tree.
    ///
    /// Exactly what would be looked up then is looked up here, each object once. What fails is left to whoever
    /// asks.
    pub(crate) async fn look_up_ahead(
        &self,
        looking: &Looking<'_>,
        places: impl Iterator<Item = (Kind, Id)>,
        titles: impl Iterator<Item = (Kind, Id)>,
    ) {
        // Nobody will ask for anything.
        if self.sees_every_object(looking.principal) {
            return;
        }
        let (connection, now) = (looking.principal.connection, self.shared.clock.now());
        let titles =
            titles.filter(|(_, id)| self.shared.tree.title(connection, *id, now).is_none());
        self.look_up_all(looking, titles.collect()).await;
        let places = places.filter(|(kind, _)| lookup_operation(*kind).is_some());
        let mut ways: Vec<Way> = places.map(|next| Way { path: Vec::new(), next }).collect();
        for _ in 0..DEPTH_MAX {
            ways.retain_mut(|way| self.leads_on(looking, way));
            let mut wanted: Vec<(Kind, Id)> = ways.iter().map(|way| way.next).collect();
            wanted.sort_unstable_by_key(|(_, id)| *id);
            wanted.dedup_by_key(|(_, id)| *id);
            if wanted.is_empty() {
                return;
            }
            let found = self.look_up_all(looking, wanted).await;
            ways.retain(|way| {
                let (_, id) = way.next;
                let answer = found.iter().find(|(there, _)| *there == id);
                match answer.map(|(_, answer)| answer) {
                    Some(Some(true)) => return true,
                    Some(Some(false)) if way.path.is_empty() => {
                        self.shared.tree.put_missing(connection, id, now);
                    }
                    // What stands above is not shared with the connection: this is its top.
                    Some(Some(false)) => {
                        let top = Node { parent: None, seen_at: now, copy_of: None };
                        self.shared.tree.put(connection, id, top);
                    }
                    _ => {}
                }
                false
            });
        }
    }

    /// Goes up as far as the tree knows; whether something must be looked up to go on.
    fn leads_on(&self, looking: &Looking<'_>, way: &mut Way) -> bool {
        let now = self.shared.clock.now();
        loop {
            let (_, id) = way.next;
            if way.path.contains(&id) {
                return false;
            }
            way.path.push(id);
            let is_settled = self.is_settled(looking.principal, &way.path);
            let node = self.shared.tree.node(looking.principal.connection, id).filter(|node| {
                now.duration_since(node.seen_at).unsigned_abs() <= self.shared.tree.age_max()
            });
            match node {
                _ if is_settled => return false,
                None => {
                    way.path.pop();
                    return true;
                }
                Some(node) => match node.parent {
                    Some(parent) => way.next = parent,
                    None => return false,
                },
            }
        }
    }

    /// Looks up some objects: whether each is there, if that could be found out.
    async fn look_up_all(
        &self,
        looking: &Looking<'_>,
        objects: Vec<(Kind, Id)>,
    ) -> Vec<(Id, Option<bool>)> {
        let answers = stream::iter(objects).map(|(kind, id)| async move {
            let node = self.look_up(looking, kind, id).await;
            (id, node.ok().map(|node| node.is_some()))
        });
        answers.buffer_unordered(AT_ONCE).collect().await
    }
}
