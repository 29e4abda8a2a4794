//! Joins changes of one kind to one entity, as Notion does within a short window; what cancels out
//! is not told at all.

use std::mem::discriminant;

use crate::world::World;
use crate::world::journal::{Action, Change, Note, SchemaChange, Subject};
use crate::world::webhooks::{PENDING_MAX, Pending};

/// Most blocks or properties that one event names.
const PARTS_MAX: usize = 5000;

/// Takes over what an operation noted.
pub(crate) fn gather(world: &mut World) {
    let notes = world.read_journal();
    if world.webhooks.subscriptions.is_empty() {
        return;
    }
    for note in notes {
        take(&mut world.webhooks.pending, note);
    }
}

fn take(pending: &mut Vec<Pending>, note: Note) {
    if is_joined(note.subject, &note.change) {
        let undone = match note.change {
            Change::Deleted if has(pending, &note, &Change::Created) => {
                // It came and went: nobody needs to know of anything in between.
                pending.retain(|one| one.subject != note.subject);
                return;
            }
            Change::Deleted => Some(Change::Undeleted),
            Change::Undeleted => Some(Change::Deleted),
            _ => None,
        };
        if let Some(undone) = undone.filter(|undone| has(pending, &note, undone)) {
            pending.retain(|one| one.subject != note.subject || one.change != undone);
            return;
        }
        let same = pending.iter().position(|one| {
            one.subject == note.subject && discriminant(&one.change) == discriminant(&note.change)
        });
        if let Some(index) = same {
            let Note { at, by, change, .. } = note;
            let one = &mut pending[index];
            one.at = at;
            add(&mut one.by, vec![by]);
            if !join(&mut one.change, change) {
                pending.remove(index);
            }
            return;
        }
    }
    if pending.len() < PENDING_MAX {
        let Note { at, by, subject, change } = note;
        pending.push(Pending { subject, change, since: at, at, by: vec![by] });
    }
}

fn has(pending: &[Pending], note: &Note, change: &Change) -> bool {
    pending.iter().any(|one| one.subject == note.subject && one.change == *change)
}

/// Whether such changes wait for more of their kind (documented). Comments and locks are told one
/// by one; of views and file uploads the docs say nothing.
pub(super) fn is_joined(subject: Subject, change: &Change) -> bool {
    let is_lock = matches!(change, Change::Locked | Change::Unlocked);
    let is_apart = matches!(subject, Subject::Comment { .. } | Subject::FileUpload { .. });
    !is_lock && !is_apart && !matches!(change, Change::TranscriptDeleted { .. })
}

/// Works a later change into an earlier one of its kind; `false` when nothing is left to tell.
fn join(earlier: &mut Change, later: Change) -> bool {
    match (earlier, later) {
        (Change::Content(all), Change::Content(new)) => add(all, new),
        (Change::Properties(all), Change::Properties(new)) => add(all, new),
        (Change::View(all), Change::View(new)) => add(all, new),
        (Change::Schema(all), Change::Schema(new)) => {
            for change in new {
                join_schema(all, change);
            }
            return !all.is_empty();
        }
        _ => {}
    }
    true
}

fn add<T: PartialEq>(all: &mut Vec<T>, new: Vec<T>) {
    for one in new {
        if all.len() < PARTS_MAX && !all.contains(&one) {
            all.push(one);
        }
    }
}

fn join_schema(all: &mut Vec<SchemaChange>, new: SchemaChange) {
    let Some(index) = all.iter().position(|one| one.id == new.id) else {
        all.push(new);
        return;
    };
    match (all[index].action, new.action) {
        (Action::Created, Action::Deleted) => {
            all.remove(index);
        }
        (Action::Created, _) => all[index].name = new.name,
        _ => all[index] = new,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use notion::Id;

    use super::*;

    fn id(number: u8) -> Id {
        Id::from_bytes([number; 16])
    }

    fn told(changes: Vec<(u8, Change)>) -> Vec<Pending> {
        let mut pending = Vec::new();
        for (second, (author, change)) in changes.into_iter().enumerate() {
            let at = Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
            let note = Note { at, by: id(author), subject: Subject::Node(id(9)), change };
            take(&mut pending, note);
        }
        pending
    }

    fn column(name: &str, action: Action) -> Change {
        Change::Schema(vec![SchemaChange { id: "abcd".to_owned(), name: name.to_owned(), action }])
    }

    #[test]
    fn changes_of_a_kind_are_one_event_with_all_authors() {
        let content = |block| Change::Content(vec![id(block)]);
        let pending = told(vec![(1, content(5)), (2, content(6)), (1, content(5))]);
        assert_eq!(pending.len(), 1);
        assert_eq!(pending[0].by, [id(1), id(2)]);
        assert_eq!(pending[0].change, Change::Content(vec![id(5), id(6)]));
        assert_eq!((pending[0].since.as_second(), pending[0].at.as_second()), (0, 2));
    }

    #[test]
    fn what_cancels_out_is_not_told() {
        let moved = (1, Change::Moved);
        assert!(told(vec![(1, Change::Created), moved.clone(), (1, Change::Deleted)]).is_empty());
        let pending = told(vec![(1, Change::Deleted), moved, (1, Change::Undeleted)]);
        assert!(pending.len() == 1 && pending[0].change == Change::Moved);
        assert!(
            told(vec![(1, column("A", Action::Created)), (1, column("A", Action::Deleted))])
                .is_empty()
        );
        let renamed =
            told(vec![(1, column("A", Action::Created)), (1, column("B", Action::Updated))]);
        assert_eq!(renamed[0].change, column("B", Action::Created));
    }

    #[test]
    fn locks_are_told_one_by_one() {
        assert_eq!(
            told(vec![(1, Change::Locked), (1, Change::Unlocked), (1, Change::Locked)]).len(),
            3
        );
    }
}
