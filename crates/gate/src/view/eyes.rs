//! What a caller sees of the objects that an answer names.
//!
//! Rewriting asks [`Eyes::see`] and is told at once: what is not known yet counts as outside and is noted
//! down. The gate then finds out where that stands, and the rewriting is done anew. So exactly what is
//! asked for is looked up, and nothing is shown that nobody asked about.

use std::collections::HashMap;

use notion::{Id, Kind, link};

/// What is known of what the caller sees.
#[derive(Debug, Default)]
pub(crate) struct Eyes {
    known: HashMap<Id, bool>,
    asked: Vec<(Kind, Id)>,
}

impl Eyes {
    /// Whether the caller sees it.
    pub(crate) fn see(&mut self, kind: Kind, id: Id) -> bool {
        match self.known.get(&id) {
            Some(seen) => *seen,
            None => {
                self.known.insert(id, false);
                self.asked.push((kind, id));
                false
            }
        }
    }

    /// Whether a text may stand where a link stands: it leads elsewhere, or to what the caller sees.
    pub(crate) fn see_link(&mut self, text: &str) -> bool {
        let targets = link::targets(text).unwrap_or_default();
        // All are asked about, so that one round is enough.
        targets.into_iter().fold(true, |seen, (kind, id)| self.see(kind, id) && seen)
    }

    /// Notes whether the caller sees something.
    pub(crate) fn note(&mut self, id: Id, seen: bool) {
        self.known.insert(id, seen);
    }

    /// What was asked about and is not known.
    pub(crate) fn unanswered(&mut self) -> Vec<(Kind, Id)> {
        std::mem::take(&mut self.asked)
    }
}
