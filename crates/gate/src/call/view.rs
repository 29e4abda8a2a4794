//! Step 8, view: what the answer teaches, and what of it goes back.

use notion::catalogue::Answer as Shape;
use notion::client::Response;
use notion::{ApiError, Capabilities, Effect, Id, Kind};

use super::{ANSWER_MAX, Acted, Answer, AnswerBody, passing_headers};
use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::view::{self, Asked, Learned};

impl Gate {
    /// Learns places from the answer, and hides what turns out to lie outside. What a caller that sees
    /// everything reads passes through as it comes.
    pub(super) async fn view(
        &self,
        asked: Asked<'_>,
        response: Response,
        looking: &Looking<'_>,
    ) -> Result<Acted, Error> {
        let Asked { principal, operation, effect, .. } = asked;
        // The answer shows what has come of a change.
        self.forget_columns(looking, operation);
        self.forget_rows(principal, operation, effect, asked.objects);
        let headers = passing_headers(&response.headers);
        let status = response.status;
        let everything =
            self.sees_everything(principal) && principal.capabilities == Capabilities::ALL;
        let looked_into = view::holds_addresses(operation) || self.counts_pages(principal);
        if everything && !looked_into && effect == Effect::Read && status.is_success() {
            let body = AnswerBody::Stream(response.body);
            return Ok(Acted { answer: Answer { status, headers, body }, code: None, made: None });
        }
        let collected = response.collect(ANSWER_MAX).await;
        let (_, _, bytes) = collected.map_err(|error| Error::Answer(error.to_string()))?;
        let whole = |body| Answer { status, headers, body: AnswerBody::Whole(body) };
        if !status.is_success() {
            let code = ApiError::parse(status.as_u16(), &bytes).map(|error| error.code);
            let shown = if self.sees_everything(principal) {
                bytes
            } else {
                self.cut_error(looking, &asked, status, bytes).await
            };
            return Ok(Acted { answer: whole(shown), code, made: None });
        }
        let now = self.shared.clock.now();
        let under = asked.objects.first().map(|(_, id)| *id);
        let learned = view::learn(&self.shared.tree, principal, operation, under, &bytes, now);
        self.learn_rows(looking, asked.said.0, &bytes);
        let (mut made, mut listed) = (None, Vec::new());
        match learned {
            Ok(Learned::One(id)) => {
                made = id.filter(|_| effect != Effect::Read && operation.ids.is_empty());
            }
            Ok(Learned::List(objects)) => listed = objects,
            // Unknown shapes are not relayed to a caller from whom something may have to be hidden.
            Err(error) if !self.sees_everything(principal) && effect == Effect::Read => {
                return Err(error);
            }
            Err(_) => {}
        }
        if let (Some(made), Shape::One(Kind::FileUpload), Some(key)) =
            (made, operation.answer, principal.key_id())
        {
            self.shared.own.made(principal.connection, made, key);
        }
        if operation.name == "create-view-query" {
            self.learn_view_query(looking, asked.objects, &bytes).await?;
        }
        let shown = if self.sees_everything(principal) {
            bytes
        } else {
            if effect == Effect::Read {
                self.check_places(&asked, &listed, looking).await?;
            }
            self.cut(looking, asked, bytes).await?
        };
        Ok(Acted { answer: whole(shown), code: None, made })
    }

    /// After a read: the object that was asked for may turn out to have moved away, and a list may hold
    /// what stands elsewhere (a copy of a synced block has the children of its original).
    async fn check_places(
        &self,
        asked: &Asked<'_>,
        listed: &[(Kind, Id)],
        looking: &Looking<'_>,
    ) -> Result<(), Error> {
        let Asked { principal, operation, objects, .. } = *asked;
        if self.sees_every_object(principal) {
            return Ok(());
        }
        let asked_for = matches!(operation.answer, Shape::One(_)).then_some(objects);
        for (kind, id) in asked_for.into_iter().flatten().chain(listed).copied() {
            let place = self.locate(looking, kind, id, Trust::Tree).await?;
            if !self.sees(principal, &place) {
                let (kind, id) = objects.first().copied().unwrap_or((kind, id));
                return Err(self.not_found(principal, Effect::Read, kind, id));
            }
        }
        Ok(())
    }
}
