//! What has no place in the tree and belongs to a caller: the uploads, tasks and queries that a key made,
//! and the people that it has met in its answers.
//!
//! Kept in memory and bounded. What was forgotten is not there for a caller with a scope: a file can be
//! sent again, a query be made again, and people are met again in the next answer.

use std::sync::Arc;

use model::{ConnectionId, KeyId};
use notion::Id;
use quick_cache::sync::Cache;
use serde_json::Value;

use crate::view_results::ViewResult;

const MADE_MAX: usize = 10_000;
const MET_MAX: usize = 100_000;
/// Results of views, each of a few thousand rows at most.
const RESULTS_MAX: usize = 500;

/// Whose is what.
#[derive(Debug)]
pub(crate) struct Own {
    made: Cache<(ConnectionId, Id), KeyId>,
    met: Cache<(KeyId, Id), ()>,
    results: Cache<(ConnectionId, Id), Arc<ViewResult>>,
}

impl Own {
    pub(crate) fn new() -> Self {
        let results = Cache::new(RESULTS_MAX);
        Self { made: Cache::new(MADE_MAX), met: Cache::new(MET_MAX), results }
    }

    /// Notes that a key made `id`.
    pub(crate) fn made(&self, connection: ConnectionId, id: Id, key: &KeyId) {
        self.made.insert((connection, id), key.clone());
    }

    /// Whether a key made `id`.
    pub(crate) fn has_made(&self, connection: ConnectionId, id: Id, key: Option<&KeyId>) -> bool {
        self.made.get(&(connection, id)).is_some_and(|owner| Some(&owner) == key)
    }

    /// Keeps the result of a view, under Notion's id for it.
    pub(crate) fn keep_result(&self, connection: ConnectionId, id: Id, result: Arc<ViewResult>) {
        self.results.insert((connection, id), result);
    }

    /// The result of a view that is kept.
    pub(crate) fn result(&self, connection: ConnectionId, id: Id) -> Option<Arc<ViewResult>> {
        self.results.get(&(connection, id))
    }

    /// Keeps the result of a view no longer.
    pub(crate) fn drop_result(&self, connection: ConnectionId, id: Id) {
        self.results.remove(&(connection, id));
    }

    /// Whether a key has met somebody.
    pub(crate) fn has_met(&self, key: &KeyId, person: Id) -> bool {
        self.met.get(&(key.clone(), person)).is_some()
    }

    /// Notes the people that an answer shows.
    pub(crate) fn meet(&self, key: &KeyId, answer: &Value) {
        people(answer, &mut |person| {
            let pair = (key.clone(), person);
            if self.met.get(&pair).is_none() {
                self.met.insert(pair, ());
            }
        });
    }

    /// Forgets what was made through a connection.
    pub(crate) fn forget_connection(&self, connection: ConnectionId) {
        self.made.retain(|(whose, _), _| *whose != connection);
        self.results.retain(|(whose, _), _| *whose != connection);
    }
}

/// The id of an async task, whose text is `task_` and 32 hexadecimal digits.
pub(crate) fn task_id(text: &str) -> Option<Id> {
    text.strip_prefix("task_").and_then(Id::parse)
}

/// Everybody whom an answer shows: by a user object, as the author of a file, in a list of attendees, or
/// in a mention in markdown.
fn people(value: &Value, met: &mut impl FnMut(Id)) {
    let id = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Id::parse);
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| people(element, met)),
        Value::Object(members) => {
            if members.get("object").is_some_and(|object| object == "user") {
                id(members.get("id")).into_iter().for_each(&mut *met);
            }
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("created_by", author) => id(author.get("id")).into_iter().for_each(&mut *met),
                    ("attendees", Value::Array(all)) => {
                        all.iter().filter_map(|one| id(Some(one))).for_each(&mut *met);
                    }
                    ("markdown", Value::String(text)) => {
                        let mentions = text.split("user://").skip(1);
                        let ids = mentions.filter_map(|rest| Id::parse(rest.get(..36)?));
                        ids.for_each(&mut *met);
                    }
                    _ => {}
                }
                people(member, met);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_are_met_wherever_they_stand() {
        let id = |number: u8| format!("00000000-0000-4000-8000-0000000000{number:02x}");
        let answer = json!({
            "object": "block", "id": id(9), "created_by": {"object": "user", "id": id(1)},
            "paragraph": {"rich_text": [{"mention": {"user": {"object": "user", "id": id(2)}}}]},
            "file": {"created_by": {"id": id(3), "type": "bot"}}, "attendees": [id(4)],
            "markdown": format!("a <mention-user url=\"user://{}\"/>", id(5)),
            "parent": {"page_id": id(8)},
        });
        let mut met = Vec::new();
        people(&answer, &mut |person| met.push(person.to_string()));
        met.sort();
        met.dedup();
        assert_eq!(met, [1, 2, 3, 4, 5].map(id));
    }
}
