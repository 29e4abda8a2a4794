//! Step 8, view: what an answer teaches about the tree, and what of it the caller sees.
//!
//! For a caller with a scope, what stands outside does not exist. An answer is taken apart, hidden columns
//! are taken out ([`crate::columns`]), it is cut down shape by shape (`walk.rs`) and swept through once
//! more (`sweep.rs`). All of them ask one thing only: does the caller see this object ([`Eyes`])?

mod block;
mod error_text;
mod eyes;
mod markdown;
mod markdown_tag;
mod origin;
mod own;
mod parent;
mod rich_text;
mod sweep;
mod titles;
mod unasked;
mod walk;
#[cfg(test)]
mod walk_tests;

use std::collections::HashSet;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use model::Principal;
use notion::catalogue::Answer;
use notion::{ApiError, Effect, Id, Kind, Operation, Version, link};
use policy::Place;
use serde::Deserialize;
use serde_json::{Value, json};
use vault::Label;

pub(crate) use eyes::Eyes;
use eyes::Question;
pub(crate) use origin::{holds_addresses, readdress};
pub(crate) use own::Own;
pub(crate) use rich_text::{UNTITLED, mentions};
pub(crate) use titles::Title;
pub(crate) use walk::title_mentions;
use walk::{Strange, Walk};

use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::tree::{Node, Object, Tree};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) operation: &'static Operation,
    pub(crate) effect: Effect,
    pub(crate) version: Version,
    /// The objects that the call names, path first.
    pub(crate) objects: &'a [(Kind, Id)],
    /// Path, query and body as they go to Notion.
    pub(crate) said: (&'a str, &'a [u8]),
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
        self.note_made(&asked, &answer);
        match self.cut_value(looking, &asked, answer.clone()).await {
            Ok(shown) => {
                self.meet(&asked, &shown);
                // What is shown whole is shown as it came, to the byte.
                Ok(if shown == answer { bytes } else { shown.to_string().into() })
            }
            Err(error) if asked.effect == Effect::Read => Err(error),
            Err(error) => {
                tracing::warn!(operation = asked.operation.name, "an answer to a write: {error}");
                Ok(bare(&answer).to_string().into())
            }
        }
    }

    /// Notes the people that an answer, or an object of a list, shows to the caller.
    pub(crate) fn meet(&self, asked: &Asked<'_>, shown: &Value) {
        if let Some(key) = asked.principal.key_id() {
            self.shared.own.meet(key, shown);
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
        let (connection, now) = (asked.principal.connection, self.shared.clock.now());
        for (id, title) in titles::told(&answer) {
            self.shared.tree.put_title(connection, id, title, now);
        }
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
            let places = unanswered.iter().filter_map(|question| match question {
                Question::Seen(kind, id) => Some((*kind, *id)),
                Question::Title(..) => None,
            });
            let places =
                places.filter(|(_, id)| !self.shared.tree.is_missing(connection, *id, now));
            let titles = unanswered.iter().filter_map(|question| match question {
                Question::Title(kind, id) => Some((*kind, *id)),
                Question::Seen(..) => None,
            });
            self.look_up_ahead(looking, places, titles).await;
            for question in unanswered {
                match question {
                    Question::Seen(kind, id) => {
                        eyes.note(id, self.is_seen(looking, asked, kind, id).await?);
                    }
                    Question::Title(kind, id) => {
                        eyes.note_title(id, self.title_of(looking, asked, kind, id).await?);
                    }
                }
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
        // Of views, some may not exist for whoever sees everything else.
        if kind != Kind::View && self.sees_every_object(asked.principal) {
            return Ok(true);
        }
        let (connection, now) = (asked.principal.connection, self.shared.clock.now());
        if self.shared.tree.is_missing(connection, id, now) {
            return Ok(false);
        }
        match self.locate(looking, kind, id, Trust::Tree).await {
            Ok(Place::Unknown) => {
                self.shared.tree.put_missing(connection, id, now);
                Ok(false)
            }
            Ok(place) => Ok(self.sees(asked.principal, &place)),
            // The write is done, and its answer should not fail: what is not known is not shown.
            Err(_) if asked.effect != Effect::Read => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What an object that the caller sees is called.
    async fn title_of(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        kind: Kind,
        id: Id,
    ) -> Result<Option<Title>, Error> {
        if self.sees_every_object(asked.principal) {
            return Ok(Some(Title::plain()));
        }
        let connection = asked.principal.connection;
        let known = || self.shared.tree.title(connection, id, self.shared.clock.now());
        if let Some(title) = known() {
            return Ok(Some(title));
        }
        match self.look_up(looking, kind, id).await {
            Ok(_) => Ok(known()),
            Err(_) if asked.effect != Effect::Read => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes that a task or a query is the caller's own.
    fn note_made(&self, asked: &Asked<'_>, answer: &Value) {
        let id = answer.get("id").and_then(Value::as_str).unwrap_or_default();
        let id = match answer.get("object").and_then(Value::as_str) {
            Some("async_task") => own::task_id(id),
            Some("view_query") => Id::parse(id),
            _ => None,
        };
        if let (Some(id), Some(key)) = (id, asked.principal.key_id()) {
            self.shared.own.made(asked.principal.connection, id, key);
        }
    }

    /// An error of Notion's as the caller may read it.
    pub(crate) async fn cut_error(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        status: StatusCode,
        bytes: Bytes,
    ) -> Bytes {
        let said = [asked.said.0.into(), String::from_utf8_lossy(asked.said.1)];
        let mut known: HashSet<Id> = said.iter().flat_map(|text| link::ids_in(text)).collect();
        known.extend(asked.objects.iter().map(|(_, id)| *id));
        let Some(error) = ApiError::parse(status.as_u16(), &bytes) else {
            let text = format!("Notion answered {}.", status.as_u16());
            let error = ApiError::new(status.as_u16(), "internal_server_error", text);
            return error.to_json(&self.new_request_id()).to_string().into();
        };
        for id in error_text::ids(&error) {
            // What cannot be found out is not named.
            if !known.contains(&id)
                && self.is_seen(looking, asked, Kind::Block, id).await.unwrap_or(false)
            {
                known.insert(id);
            }
        }
        let shown = error_text::cut(error.clone(), |id| known.contains(&id));
        if shown == error {
            return bytes;
        }
        let whole: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let request_id = whole.get("request_id").and_then(Value::as_str).unwrap_or_default();
        shown.to_json(request_id).to_string().into()
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
    under: Option<Id>,
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
                let told = tree.learn(principal.connection, object, now);
                // Old versions do not say where a block stands: under what was asked for, or under the
                // original of which that is a copy.
                if let (None, Some(id), Some(above)) = (told, object.id, under)
                    && operation.answer == Answer::List(Kind::Block)
                {
                    let parent = Some((Kind::Block, above));
                    let node = Node { parent, seen_at: now, copy_of: object.original() };
                    tree.put(principal.connection, id, node);
                }
                objects.extend(object.kind().zip(object.id));
            }
            Ok(Learned::List(objects))
        }
        Answer::Property | Answer::Other => Ok(Learned::One(None)),
    }
}
