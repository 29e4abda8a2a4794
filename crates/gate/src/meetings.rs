//! Meeting notes, searched by a caller that sees a part of the workspace.
//!
//! Notion's query has a limit and no cursor. So all notes that fit are read, the newest first, each time up
//! to the oldest that came; what the caller sees of them is put in its order and cut at its limit. What it
//! gets does not depend on how many others there are.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use indexmap::IndexMap;
use notion::client::{Request, RequestBody};
use notion::{ApiError, Id, Kind};
use policy::{Aim, Permit};
use serde_json::{Value, json};

use crate::Gate;
use crate::call::{ANSWER_MAX, Acted, Answer, AnswerBody, passing_headers};
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::view::{self, Asked};

/// Notes that Notion gives at once, and how many it gives if nobody says.
const LIMIT: usize = 50;
/// Requests for one answer.
const ROUNDS_MAX: usize = 20;

/// Everything that was found, and how it was answered.
struct Found {
    headers: HeaderMap,
    members: IndexMap<String, Value>,
    notes: IndexMap<Id, Value>,
}

impl Gate {
    /// Searches meeting notes for a caller that does not see everything.
    pub(crate) async fn list_meetings(
        &self,
        looking: &Looking<'_>,
        asked: Asked<'_>,
        permit: Permit,
        body: Value,
    ) -> Result<Acted, Error> {
        let limit = match body.get("limit") {
            None | Some(Value::Null) => LIMIT,
            Some(limit) => match limit.as_u64().and_then(|limit| usize::try_from(limit).ok()) {
                Some(limit @ 1..=LIMIT) => limit,
                // What makes no sense is Notion's to refuse, in its words.
                _ => return self.refuse_limit(looking, asked, permit, body).await,
            },
        };
        let found = match self.all_meetings(looking, asked, permit, &body).await? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let decides = [body.get("filter"), body.get("sort")];
        let by_title = decides.into_iter().flatten().any(|part| part.to_string().contains("title"));
        let (mut shown, mut more) = (Vec::new(), false);
        for (id, note) in found.notes {
            let place = self.locate(looking, Kind::Block, id, Trust::Tree).await?;
            if !self.sees(asked.principal, &place) {
                continue;
            }
            let cut = self.cut_value(looking, &asked, note.clone()).await?;
            if by_title && view::mentions(title(&cut)) != view::mentions(title(&note)) {
                continue;
            }
            more = shown.len() == limit;
            if more {
                break;
            }
            shown.push(cut);
        }
        let mut members = found.members;
        members.insert("results".to_owned(), shown.into());
        members.insert("has_more".to_owned(), more.into());
        let body =
            serde_json::to_vec(&members).map_err(|error| Error::Answer(error.to_string()))?;
        let body = AnswerBody::Whole(body.into());
        let answer = Answer { status: StatusCode::OK, headers: found.headers, body };
        Ok(Acted { answer, code: None, made: None })
    }

    /// All notes that fit, in the order that was asked for; or Notion's refusal.
    async fn all_meetings(
        &self,
        looking: &Looking<'_>,
        asked: Asked<'_>,
        permit: Permit,
        body: &Value,
    ) -> Result<Result<Found, Acted>, Error> {
        let first = with(body, [("limit", LIMIT.into())]);
        let (headers, page) = match self.ask_meetings(looking, asked, permit, first).await? {
            Ok(answered) => answered,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut found = Found { headers, members: page, notes: IndexMap::new() };
        let mut more = take(&mut found.members, &mut found.notes);
        if !more {
            return Ok(Ok(found));
        }
        found.notes.clear();
        let newest = json!([{"property": "created_time", "direction": "descending"}]);
        let mut until: Option<String> = None;
        for _ in 0..ROUNDS_MAX {
            let filter = filter(body.get("filter"), until.as_deref());
            let next = with(
                body,
                [
                    ("limit", LIMIT.into()),
                    ("sort", newest.clone()),
                    ("filter", filter.unwrap_or(Value::Null)),
                ],
            );
            let permit = self
                .policies(asked.principal)
                .admit(asked.principal, asked.operation, asked.effect, None)?
                .reach(&Aim::default())?;
            let mut page = match self.ask_meetings(looking, asked, permit, next).await? {
                Ok((_, page)) => page,
                Err(refused) => return Ok(Err(refused)),
            };
            let before = found.notes.len();
            more = take(&mut page, &mut found.notes);
            let last = found.notes.last().and_then(|(_, note)| note["created_time"].as_str());
            until = last.map(str::to_owned);
            if !more || found.notes.len() == before {
                break;
            }
        }
        if more {
            return Err(Error::Malformed(ApiError::validation(
                "notegate: there are too many meeting notes to be searched. Narrow the filter.",
            )));
        }
        let order = body.get("sort").and_then(Value::as_array).cloned().unwrap_or_default();
        found.notes.sort_by(|_, a, _, b| {
            let orders = order.iter().map(|sort| {
                let by = sort["property"].as_str().unwrap_or_default();
                let order = key(a, by).cmp(&key(b, by));
                if sort["direction"] == "descending" { order.reverse() } else { order }
            });
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        Ok(Ok(found))
    }

    async fn ask_meetings(
        &self,
        looking: &Looking<'_>,
        asked: Asked<'_>,
        permit: Permit,
        body: Value,
    ) -> Result<Result<(HeaderMap, IndexMap<String, Value>), Acted>, Error> {
        let (status, headers, bytes) = self.send_meetings(asked, permit, &body).await?;
        if status != StatusCode::OK {
            return Ok(Err(self.refused_meetings(looking, asked, status, headers, bytes).await));
        }
        let unreadable = |error| Error::Answer(format!("{}: {error}", asked.operation.name));
        Ok(Ok((headers, serde_json::from_slice(&bytes).map_err(unreadable)?)))
    }

    async fn send_meetings(
        &self,
        asked: Asked<'_>,
        permit: Permit,
        body: &Value,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Error> {
        let request = Request {
            method: asked.operation.verb.into(),
            path_and_query: asked.said.0.to_owned(),
            version: asked.version.as_str(),
            body: RequestBody::Json(body.to_string().into()),
            repeatable: asked.operation.repeatable(),
        };
        let response = self.send(permit, request).await?;
        let collected = response.collect(ANSWER_MAX).await;
        let (status, headers, bytes) =
            collected.map_err(|error| Error::Answer(error.to_string()))?;
        Ok((status, passing_headers(&headers), bytes))
    }

    async fn refuse_limit(
        &self,
        looking: &Looking<'_>,
        asked: Asked<'_>,
        permit: Permit,
        body: Value,
    ) -> Result<Acted, Error> {
        let (status, headers, bytes) = self.send_meetings(asked, permit, &body).await?;
        if status.is_success() {
            return Err(Error::Malformed(ApiError::validation(format!(
                "body failed validation: body.limit should be an integer from `1` to `{LIMIT}`."
            ))));
        }
        Ok(self.refused_meetings(looking, asked, status, headers, bytes).await)
    }

    async fn refused_meetings(
        &self,
        looking: &Looking<'_>,
        asked: Asked<'_>,
        status: StatusCode,
        headers: HeaderMap,
        bytes: Bytes,
    ) -> Acted {
        let code = ApiError::parse(status.as_u16(), &bytes).map(|error| error.code);
        let bytes = self.cut_error(looking, &asked, status, bytes).await;
        let answer = Answer { status, headers, body: AnswerBody::Whole(bytes) };
        Acted { answer, code, made: None }
    }
}

/// A body with other members; one that is null goes.
fn with<const N: usize>(body: &Value, members: [(&str, Value); N]) -> Value {
    let mut body = body.as_object().cloned().unwrap_or_default();
    for (name, value) in members {
        match value {
            Value::Null => body.shift_remove(name),
            value => body.insert(name.to_owned(), value),
        };
    }
    body.into()
}

/// The caller's filter, and nothing newer than `until`.
fn filter(own: Option<&Value>, until: Option<&str>) -> Option<Value> {
    let own = own.filter(|own| !own.is_null()).cloned();
    let Some(until) = until else { return own };
    let (date, time) = until.split_once('T').unwrap_or((until, "23:59"));
    let older = json!({"property": "created_time", "filter": {
        "operator": "date_is_on_or_before",
        "value": {"type": "exact", "value": {
            "type": "datetime", "start_date": date, "start_time": time.get(..5).unwrap_or("23:59"),
            "time_zone": "UTC",
        }},
    }});
    let all: Vec<Value> = own.into_iter().chain([older]).collect();
    Some(json!({"operator": "and", "filters": all}))
}

/// Takes the notes out of a page; gives whether there are more.
fn take(page: &mut IndexMap<String, Value>, notes: &mut IndexMap<Id, Value>) -> bool {
    if let Some(Value::Array(results)) = page.get_mut("results").map(Value::take) {
        for note in results {
            if let Some(id) = note["id"].as_str().and_then(Id::parse) {
                notes.entry(id).or_insert(note);
            }
        }
    }
    page.get("has_more") == Some(&Value::Bool(true))
}

fn title(note: &Value) -> &Value {
    note.pointer("/meeting_notes/title").unwrap_or(&Value::Null)
}

/// What a note is sorted by. Notion sorts people by their names, which a note does not tell.
fn key(note: &Value, by: &str) -> String {
    match by {
        "created_time" | "last_edited_time" => note[by].as_str().unwrap_or_default().to_owned(),
        "title" => {
            let runs = title(note).as_array().into_iter().flatten();
            runs.filter_map(|run| run["plain_text"].as_str()).collect::<String>().to_lowercase()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_round_goes_on_where_the_last_ended() {
        let own = json!({"property": "title", "filter": {"operator": "is_not_empty"}});
        assert_eq!(filter(Some(&own), None), Some(own.clone()));
        assert_eq!(filter(None, None), None);
        let next = filter(Some(&own), Some("2026-03-04T05:06:00.000Z")).unwrap();
        assert_eq!(next["filters"][0], own);
        let moment = &next["filters"][1]["filter"]["value"]["value"];
        assert_eq!(
            (&moment["start_date"], &moment["start_time"]),
            (&json!("2026-03-04"), &json!("05:06"))
        );
        let body = with(&json!({"limit": 3, "filter": {}}), [("filter", Value::Null)]);
        assert_eq!(body, json!({"limit": 3}));
    }
}
