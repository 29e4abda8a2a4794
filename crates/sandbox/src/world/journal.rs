//! The journal: handlers note what they changed, and whoever tells others of it reads it up.
//!
//! It holds what one operation did and is read up right after it; it is no part of what is written
//! out. What a note does not say (the parent, who may see it) is read from the world at that time.

use indexmap::IndexMap;
use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::property::Property;

/// Most notes that wait; further ones of the same operation are forgotten.
const NOTES_MAX: usize = 10_000;

/// What was changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// A page, database or data source. Blocks are content of theirs: [`World::note_content`].
    Node(Id),
    /// A comment, and the page or block that it is about.
    Comment { id: Id, about: Id },
    /// A view, and the database (or data source) that it belongs to.
    View { id: Id, of: Id },
    /// A file upload, and who made it.
    FileUpload { id: Id, by: Id },
}

/// What happened to a property of a schema.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Created,
    Updated,
    Deleted,
}

/// A changed property of a schema.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct SchemaChange {
    /// Not encoded.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) action: Action,
}

/// A field of a view.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    Name,
    Filter,
    Sorts,
    Configuration,
}

/// What happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Created,
    /// The text of a comment.
    Updated,
    /// To the trash; comments and views are gone for good.
    Deleted,
    Undeleted,
    Moved,
    Locked,
    Unlocked,
    /// Blocks, subpages or rows below a page, database or data source, or the node itself for what
    /// is neither (icon, cover, title of a table).
    Content(Vec<Id>),
    /// Values of a page, by property ids that are not encoded.
    Properties(Vec<String>),
    /// Columns of a data source.
    Schema(Vec<SchemaChange>),
    View(Vec<Field>),
    /// A file was uploaded, or fetched from elsewhere.
    Completed,
    Expired,
    /// A file could not be fetched; its `file_import_result`.
    Failed(Value),
    /// The transcript of a meeting note (`block`) of a page.
    TranscriptDeleted {
        block: Id,
        transcript: Option<Id>,
    },
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) at: Timestamp,
    pub(crate) by: Id,
    pub(crate) subject: Subject,
    pub(crate) change: Change,
}

impl World {
    /// Notes that `by` changed something, now.
    pub(crate) fn note(&mut self, by: Id, subject: Subject, change: Change) {
        let is_nothing = match &change {
            Change::Content(all) => all.is_empty(),
            Change::Properties(all) => all.is_empty(),
            Change::Schema(all) => all.is_empty(),
            Change::View(all) => all.is_empty(),
            _ => false,
        };
        if is_nothing || self.journal.len() >= NOTES_MAX {
            return;
        }
        let at = self.now();
        self.journal.push(Note { at, by, subject, change });
    }

    /// Notes that nodes below a page, database or data source came, changed, or went: each is
    /// content of the nearest of these above it.
    pub(crate) fn note_content(&mut self, by: Id, changed: &[Id]) {
        let mut by_owner: IndexMap<Id, Vec<Id>> = IndexMap::new();
        for id in changed {
            let way = self.lineage(*id).unwrap_or_default();
            let is_block = |id: Id| self.node(id).is_some_and(|node| node.block().is_some());
            if let Some(owner) = way.into_iter().skip(1).find(|above| !is_block(*above)) {
                by_owner.entry(owner).or_default().push(*id);
            }
        }
        for (owner, changed) in by_owner {
            self.note(by, Subject::Node(owner), Change::Content(changed));
        }
    }

    /// Takes out what was noted since the last time.
    pub(crate) fn read_journal(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.journal)
    }
}

/// What differs between two schemas.
pub(crate) fn schema_changes(
    before: &IndexMap<String, Property>,
    after: &IndexMap<String, Property>,
) -> Vec<SchemaChange> {
    let change = |property: &Property, action| SchemaChange {
        id: property.id.clone(),
        name: property.name.clone(),
        action,
    };
    let kept = after.values().filter_map(|new| match before.get(&new.id) {
        None => Some(change(new, Action::Created)),
        Some(old) if old != new => Some(change(new, Action::Updated)),
        Some(_) => None,
    });
    let gone = before.values().filter(|old| !after.contains_key(&old.id));
    kept.chain(gone.map(|old| change(old, Action::Deleted))).collect()
}
