//! Step 8, view: what an answer teaches about the tree, and what of it the caller sees.
//!
//! For a caller with a scope, what stands outside does not exist. An answer is taken apart, hidden columns
//! are taken out ([`crate::columns`]), it is cut down shape by shape (`walk.rs`) and swept through once
//! more (`sweep.rs`). All of them ask one thing only: does the caller see this object ([`Eyes`])?

mod block;
mod eyes;
mod markdown;
mod parent;
mod rich_text;
mod sweep;
mod walk;

use aws_lc_rs::hmac;
use bytes::Bytes;
use jiff::Timestamp;
use model::Principal;
use notion::catalogue::Answer;
use notion::{Effect, Id, Kind, Operation, Version};
use serde::Deserialize;
use serde_json::{Value, json};
use vault::Label;

pub(crate) use eyes::Eyes;
pub(crate) use rich_text::UNTITLED;
use walk::{Strange, Walk};

use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::tree::{Object, Tree};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) operation: &'static Operation,
    pub(crate) effect: Effect,
    pub(crate) version: Version,
    /// The objects that the call names, path first.
    pub(crate) objects: &'a [(Kind, Id)],
}

impl Gate {
    /// A successful answer as the caller sees it.
    ///
    /// What cannot be cut down is refused. A write has been done by then: of its answer remains what says
    /// what was made.
    pub(crate) async fn cut(
        &self,
        looking: &Looking<'_>,
        asked: Asked<'_>,
        bytes: Bytes,
    ) -> Result<Bytes, Error> {
        let answer: Value = serde_json::from_slice(&bytes)
            .map_err(|_| Error::Answer(format!("{}: no JSON", asked.operation.name)))?;
        match self.cut_value(looking, &asked, answer.clone()).await {
            // What is shown whole is shown as it came, to the byte.
            Ok(shown) if shown == answer => Ok(bytes),
            Ok(shown) => Ok(shown.to_string().into()),
            Err(error) if asked.effect == Effect::Read => Err(error),
            Err(error) => {
                tracing::warn!(operation = asked.operation.name, "an answer to a write: {error}");
                Ok(bare(&answer).to_string().into())
            }
        }
    }

    /// The same for a whole answer, or one object of a list, that was read already.
    pub(crate) async fn cut_value(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        mut answer: Value,
    ) -> Result<Value, Error> {
        let mut eyes = Eyes::default();
        self.hide_columns(looking, asked, &mut eyes, &mut answer).await?;
        let connection = asked.principal.connection;
        let key = self.hmac_key(Label::Pseudonyms);
        let pseudonym = |id: Id| pseudonym(&key, id);
        let source_of = |id: Id| {
            let parent = self.shared.tree.node(connection, id)?.parent?;
            (parent.0 == Kind::DataSource).then_some(parent.1)
        };
        loop {
            let mut shown = answer.clone();
            let swept = {
                let mut walk = Walk {
                    eyes: &mut eyes,
                    pseudonym: &pseudonym,
                    source_of: &source_of,
                    names_unsupported: asked.version >= Version::V2025_09_03,
                };
                let walked = walk.answer(asked.operation, &mut shown);
                walked.and_then(|()| sweep::sweep(&mut eyes, &shown))
            };
            let unanswered = eyes.unanswered();
            if unanswered.is_empty() {
                let unreadable = |strange: Strange| {
                    Error::Answer(format!("{}: {strange}", asked.operation.name))
                };
                return swept.map(|()| shown).map_err(unreadable);
            }
            for (kind, id) in unanswered {
                let seen = self.is_seen(looking, asked, kind, id).await?;
                eyes.note(id, seen);
            }
        }
    }

    /// Whether the caller sees an object that an answer names.
    async fn is_seen(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        kind: Kind,
        id: Id,
    ) -> Result<bool, Error> {
        match self.locate(looking, kind, id, Trust::Tree).await {
            Ok(place) => Ok(self.sees(asked.principal, &place)),
            // The write is done, and its answer should not fail: what is not known is not shown.
            Err(_) if asked.effect != Effect::Read => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What remains of an answer that cannot be shown.
fn bare(answer: &Value) -> Value {
    let mut bare = json!({});
    for name in ["object", "id", "request_id"] {
        if let Some(value) = answer.get(name) {
            bare[name] = value.clone();
        }
    }
    if answer.get("results").is_some() {
        bare["results"] = json!([]);
        bare["has_more"] = false.into();
        bare["next_cursor"] = Value::Null;
    }
    bare
}

/// An id that is nobody's, and always the same for `id`: a keyed hash in the form of a version 4 UUID.
pub(crate) fn pseudonym(key: &hmac::Key, id: Id) -> Id {
    let tag = hmac::sign(key, id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&tag.as_ref()[..16]);
    Id::from_bytes(uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes())
}

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
