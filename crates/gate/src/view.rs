//! What an answer teaches about the tree.

use bytes::Bytes;
use jiff::Timestamp;
use model::Principal;
use notion::catalogue::Answer;
use notion::{Id, Operation};
use serde::Deserialize;

use crate::error::Error;
use crate::tree::{Object, Tree};

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    results: Vec<Object<'a>>,
}

/// Learns the places that an answer tells; gives the id of the object, where the answer is one.
pub(crate) fn learn(
    tree: &Tree,
    principal: &Principal,
    operation: &'static Operation,
    bytes: &Bytes,
    now: Timestamp,
) -> Result<Option<Id>, Error> {
    let unreadable =
        |error: serde_json::Error| Error::Answer(format!("{}: {error}", operation.name));
    match operation.answer {
        Answer::One(_) => {
            let object: Object<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
            tree.learn(principal.connection, &object, now);
            Ok(object.id)
        }
        Answer::List(_) | Answer::Rows => {
            let list: List<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
            for object in &list.results {
                tree.learn(principal.connection, object, now);
            }
            Ok(None)
        }
        Answer::Property | Answer::Other => Ok(None),
    }
}
