//! What an answer teaches about the tree.

use bytes::Bytes;
use jiff::Timestamp;
use model::Principal;
use notion::catalogue::Answer;
use notion::{Id, Kind, Operation};
use serde::Deserialize;

use crate::error::Error;
use crate::tree::{Object, Tree};

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    results: Vec<Object<'a>>,
}

/// What an answer was about.
pub(crate) enum Learned {
    /// One object, if it has an id.
    One(Option<Id>),
    /// The objects of a list that have a place in the tree.
    List(Vec<(Kind, Id)>),
}

/// Learns the places that an answer tells.
pub(crate) fn learn(
    tree: &Tree,
    principal: &Principal,
    operation: &'static Operation,
    bytes: &Bytes,
    now: Timestamp,
) -> Result<Learned, Error> {
    let unreadable =
        |_: serde_json::Error| Error::Answer(format!("{}: not what it should be", operation.name));
    match operation.answer {
        Answer::One(_) => {
            let object: Object<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
            tree.learn(principal.connection, &object, now);
            Ok(Learned::One(object.id))
        }
        Answer::List(_) | Answer::Rows => {
            let list: List<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
            let mut objects = Vec::new();
            for object in &list.results {
                tree.learn(principal.connection, object, now);
                objects.extend(object.kind().zip(object.id));
            }
            Ok(Learned::List(objects))
        }
        Answer::Property | Answer::Other => Ok(Learned::One(None)),
    }
}
