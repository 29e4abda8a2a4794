//! What is answered without asking Notion: what is not the caller's, and what a copy of something outside
//! holds.

use notion::references::references;
use notion::{ApiError, Effect, Id, Kind, Operation};
use serde_json::{Value, json};

use super::{Asked, markdown, own};
use crate::Gate;
use crate::call::{Acted, Underway};
use crate::error::Error;
use crate::locate::Looking;

/// How a page is read as markdown.
const MARKDOWN: &str = "retrieve-page-markdown";

/// Whether an edit of markdown names a place by the text that stands there.
fn selects_text(body: &Value) -> bool {
    let is_there = |at: &str| body.pointer(at).is_some_and(|value| !value.is_null());
    ["/update_content", "/replace_content_range", "/insert_content/after"].into_iter().any(is_there)
}

impl Gate {
    /// The answer that a call by a scoped caller gets from the gate itself, if it does.
    pub(crate) async fn unasked(&self, call: &Underway<'_>) -> Result<Option<Acted>, Error> {
        let Underway { found, looking, .. } = call;
        if self.sees_every_object(call.principal) {
            return Ok(None);
        }
        let (path_and_query, body) = (call.path_and_query(), call.body.as_ref());
        let asked = &call.asked(&path_and_query, &[]);
        let Asked { principal, operation, effect, objects, .. } = *asked;
        let connection = principal.connection;
        // Notion would show the name of somebody whom the caller does not know.
        if effect != Effect::Read
            && let Some(stranger) = self.stranger_in(asked, body)?
        {
            return Err(self.not_found(principal, effect, Kind::User, stranger));
        }
        match operation.name {
            "retrieve-async-task" => {
                let text = found.param("task_id").unwrap_or_default();
                let own = own::task_id(text)
                    .is_some_and(|id| self.shared.own.has_made(connection, id, principal.key_id()));
                if own { Ok(None) } else { Err(self.no_such_task(asked, text)) }
            }
            "get-user" => {
                let id = found.path_ids().ok().and_then(|ids| ids.first().map(|(_, id)| *id));
                match id {
                    Some(id) if !self.has_met(asked, id)? => {
                        Err(self.not_found(principal, effect, Kind::User, id))
                    }
                    _ => Ok(None),
                }
            }
            "get-block-children" | "patch-block-children" | "update-a-block" => {
                let changes_content = operation.name != "update-a-block"
                    || body.is_some_and(|body| body.get("synced_block").is_some());
                let Some((Kind::Block, block)) = objects.first().copied() else { return Ok(None) };
                if !changes_content || !self.copies_from_outside(looking, asked, block).await? {
                    return Ok(None);
                }
                if effect == Effect::Read {
                    return Ok(Some(self.no_children()));
                }
                // To write into it would be to write outside.
                Err(self.not_found(principal, effect, Kind::Block, block))
            }
            "update-page-markdown" => {
                let Some((kind, page)) = objects.first().copied() else { return Ok(None) };
                let by_text = body.is_some_and(selects_text);
                self.check_markdown(looking, asked, (kind, page), by_text).await.map(|()| None)
            }
            _ => Ok(None),
        }
    }

    /// Whether a page can be edited as markdown without telling what it shows of the outside.
    ///
    /// Notion reads all of the page for that, copies of synced blocks with what they show: it may refuse
    /// because of what stands there, or because it cannot read that any more.
    async fn check_markdown(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        (kind, page): (Kind, Id),
        by_text: bool,
    ) -> Result<(), Error> {
        // INVARIANT: the catalogue has it; a test calls it.
        let operation = Operation::named(MARKDOWN).expect("the catalogue has markdown");
        let Some(bytes) = self.fetch_by(looking, operation, kind, page).await? else {
            return Err(self.not_found(asked.principal, asked.effect, kind, page));
        };
        let whole: Value = serde_json::from_slice(&bytes)
            .map_err(|_| Error::Answer("a page's markdown is no JSON".to_owned()))?;
        let text = whole.get("markdown").and_then(Value::as_str).unwrap_or_default();
        for original in markdown::copies(text) {
            let seen = match original {
                Some((kind, id)) => self.is_seen(looking, asked, kind, id).await?,
                None => false,
            };
            if !seen {
                return Err(Error::Malformed(ApiError::validation(
                    "notegate: the page shows a copy of something that the key does not see, so it \
                     cannot be edited as markdown. Use the block endpoints.",
                )));
            }
        }
        // Whether a text is found there would tell what the page shows of the outside.
        if by_text && self.cut_value(looking, asked, whole.clone()).await? != whole {
            return Err(Error::Malformed(ApiError::validation(
                "notegate: the page shows something that the key does not see, so its text cannot \
                 be changed by what stands in it. Insert at its start or end, replace the content, \
                 or use the block endpoints.",
            )));
        }
        Ok(())
    }

    /// Somebody whom a body names and the caller has not met.
    fn stranger_in(&self, asked: &Asked<'_>, body: Option<&Value>) -> Result<Option<Id>, Error> {
        // What cannot be read was refused before.
        let named = body.map(references).transpose().ok().flatten().unwrap_or_default();
        for reference in named.into_iter().filter(|reference| reference.kind == Kind::User) {
            if !self.has_met(asked, reference.id)? {
                return Ok(Some(reference.id));
            }
        }
        Ok(None)
    }

    /// Whether the caller has met somebody, or it is the connection's own bot.
    pub(crate) fn has_met(&self, asked: &Asked<'_>, person: Id) -> Result<bool, Error> {
        let held = self.held_for(asked.principal)?;
        let current = held.current();
        let writer = current.connection.writer.as_ref().map(|writer| writer.bot_id.0);
        Ok(current.connection.bot_id.0 == person
            || writer == Some(person)
            || asked.principal.key_id().is_some_and(|key| self.shared.own.has_met(key, person)))
    }

    /// Whether a block is a copy of a synced block that the caller does not see.
    async fn copies_from_outside(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        block: Id,
    ) -> Result<bool, Error> {
        let known = self.shared.tree.node(asked.principal.connection, block);
        let node = match known {
            Some(node) => Some(node),
            // The root of a scope is inside wherever it stands, so nobody has asked for it yet.
            None => self.look_up(looking, Kind::Block, block).await?,
        };
        match node.and_then(|node| node.copy_of) {
            Some(original) => Ok(!self.is_seen(looking, asked, Kind::Block, original).await?),
            None => Ok(false),
        }
    }

    fn no_such_task(&self, asked: &Asked<'_>, text: &str) -> Error {
        let error = self.not_found(asked.principal, asked.effect, Kind::AsyncTask, Id::NIL);
        match error {
            Error::NotFound(mut error) => {
                let shown: String = text.chars().take(100).collect();
                error.message = error.message.replace(&Id::NIL.to_string(), &shown);
                Error::NotFound(error)
            }
            other => other,
        }
    }

    /// What Notion answers for a block that has no children.
    fn no_children(&self) -> Acted {
        self.own_answer(json!({
            "object": "list", "results": [], "next_cursor": null, "has_more": false,
            "type": "block", "block": {},
        }))
    }
}
