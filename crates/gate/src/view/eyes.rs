//! What a caller sees of the objects that an answer names.
//!
//! Rewriting asks [`Eyes`] and is told at once: what is not known yet counts as outside and is noted down.
//! The gate then finds out, and the rewriting is done anew. So exactly what is asked for is looked up, and
//! nothing is shown that nobody asked about.

use std::collections::HashMap;

use notion::{Id, Kind, link};

use super::titles::Title;

/// What is known of what the caller sees.
#[derive(Debug, Default)]
pub(crate) struct Eyes {
    known: HashMap<Id, bool>,
    titles: HashMap<Id, Option<Title>>,
    asked: Vec<Question>,
    /// Titles that are being read within each other.
    pub(super) reading: u8,
}

/// Something that is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// Does the caller see it?
    Seen(Kind, Id),
    /// What is it called?
    Title(Kind, Id),
}

impl Eyes {
    /// Whether the caller sees it.
    pub(crate) fn see(&mut self, kind: Kind, id: Id) -> bool {
        let asked = &mut self.asked;
        *self.known.entry(id).or_insert_with(|| {
            asked.push(Question::Seen(kind, id));
            false
        })
    }

    /// Whether a text may stand where a link stands: it leads elsewhere, or to what the caller sees.
    pub(crate) fn see_link(&mut self, text: &str) -> bool {
        let targets = link::targets(text).unwrap_or_default();
        // All are asked about, so that one round is enough.
        targets.into_iter().fold(true, |seen, (kind, id)| self.see(kind, id) && seen)
    }

    /// The title of an object that the caller sees; `None` if nobody knows it.
    pub(crate) fn title(&mut self, kind: Kind, id: Id) -> Option<Title> {
        let asked = &mut self.asked;
        let title = self.titles.entry(id).or_insert_with(|| {
            asked.push(Question::Title(kind, id));
            None
        });
        title.clone()
    }

    /// Notes whether the caller sees something.
    pub(crate) fn note(&mut self, id: Id, seen: bool) {
        self.known.insert(id, seen);
    }

    /// Notes what something is called.
    pub(crate) fn note_title(&mut self, id: Id, title: Option<Title>) {
        self.titles.insert(id, title);
    }

    /// What was asked and is not known.
    pub(crate) fn unanswered(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.asked)
    }
}
