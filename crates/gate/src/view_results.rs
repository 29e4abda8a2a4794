//! Results of views, where the caller does not see all that Notion finds.
//!
//! Notion keeps the result of a view for a while, and says how many rows it has. Where a caller sees some of the
//! rows of a table, or where texts decide which rows are found, that would tell of the others. So all that
//! Notion found is read; the rows of the table are asked for, a hundred at a time, and judged as those of a query
//! are; and what the caller sees of them is kept here, under Notion's id. A result stays as it was made, as at
//! Notion, but for rows that the caller does not see any more, or that do not fit the view's filter any more.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use notion::client::{Request, RequestBody};
use notion::{ApiError, Effect, Id, Kind, Operation};
use policy::Permit;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::Gate;
use crate::call::{ANSWER_MAX, Acted, Answer, AnswerBody, Underway, passing_headers};
use crate::columns::{FILTER_PROPERTIES, Facts};
use crate::error::Error;
use crate::listing::{Position, as_it_came};
use crate::locate::{Looking, Trust};
use crate::tree::Object;

/// What reads the further pages of a result, and what asks for rows.
const RESULTS: &str = "get-view-query-results";
const ROWS: &str = "query-data-source";
/// A result is kept as long as Notion keeps it.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// After this time its rows are judged anew before more of them are shown.
const FRESH: Duration = Duration::from_secs(30);
const PAGE_SIZE_MAX: usize = 100;
/// Pages that are read at Notion, of the result and of the table.
const ROUNDS_MAX: usize = 20;

/// What a caller sees of the result of a view.
#[derive(Debug)]
pub(crate) struct ViewResult {
    /// In their order.
    rows: Vec<Id>,
    /// Those of them that were still seen when they were last judged.
    seen: HashSet<Id>,
    made_at: Timestamp,
    judged_at: Timestamp,
}

/// What decides which of a view's rows the caller sees.
#[derive(Debug)]
pub(crate) struct Part {
    facts: Arc<Facts>,
    source: Id,
    texts: Vec<String>,
    relations: Vec<(String, Id)>,
    /// The columns that are looked at.
    columns: Vec<String>,
}

/// A page of a result at Notion.
#[derive(Deserialize)]
struct Found {
    results: Vec<Row>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: Id,
}

/// A page of rows.
#[derive(Deserialize)]
struct Rows {
    results: Vec<Value>,
    next_cursor: Option<String>,
}

impl Gate {
    /// What decides which rows of a view the caller sees; `None` if it sees all that Notion finds.
    pub(crate) async fn part_of_view(
        &self,
        looking: &Looking<'_>,
        view: Id,
    ) -> Result<Option<Part>, Error> {
        if self.sees_every_object(looking.principal()) {
            return Ok(None);
        }
        let Some(facts) = self.view_facts(looking, view).await? else { return Ok(None) };
        let Some(source) = facts.source else { return Ok(None) };
        let columns = self.columns_of(looking, source).await?;
        let connection = looking.principal().connection;
        let (mut texts, mut relations) = (Vec::new(), Vec::new());
        for called in facts.asks.iter().chain(&facts.needs) {
            texts.extend(columns.texts_of(called).iter().cloned());
            let left = |table| self.shared.tree.left.of(connection, table).is_some();
            let counted = columns.relations_of(called).filter(|(_, table)| left(*table));
            relations.extend(counted.cloned());
        }
        let table = self.locate(looking, Kind::DataSource, source, Trust::Tree).await?;
        let in_part = self.is_in_part(looking, source, &table).await?;
        if !in_part && texts.is_empty() && relations.is_empty() {
            return Ok(None);
        }
        let wanted = self.rows_wanted(looking);
        let judged_by = wanted.iter().flat_map(|wanted| wanted.iter());
        let mut looked_at: Vec<String> = judged_by.flat_map(|it| columns.ids_of(it)).collect();
        looked_at.extend(texts.iter().cloned());
        looked_at.extend(relations.iter().map(|(relation, _)| relation.clone()));
        looked_at.push("title".to_owned());
        looked_at.sort();
        looked_at.dedup();
        Ok(Some(Part { facts, source, texts, relations, columns: looked_at }))
    }

    /// Runs a view, and keeps what the caller sees of its result.
    pub(crate) async fn run_view(
        &self,
        call: &Underway<'_>,
        permit: Permit,
        body: Option<Value>,
        part: Part,
    ) -> Result<Acted, Error> {
        let path = call.path_and_query();
        let mut body = body.unwrap_or_else(|| json!({}));
        let size = match body.get("page_size") {
            None | Some(Value::Null) => Some(PAGE_SIZE_MAX),
            Some(size) => size.as_u64().and_then(|size| usize::try_from(size).ok()),
        };
        let size = size.filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
        if size.is_some() {
            body["page_size"] = PAGE_SIZE_MAX.into();
        }
        let request = Request {
            method: call.operation().verb.into(),
            path_and_query: path.clone(),
            version: call.version.as_str(),
            body: RequestBody::Json(body.to_string().into()),
            repeatable: call.operation().repeatable(),
        };
        let response = self.send(permit, request).await?;
        let collected = response.collect(ANSWER_MAX).await;
        let (status, headers, bytes) =
            collected.map_err(|error| Error::Answer(error.to_string()))?;
        if status != StatusCode::OK {
            let asked = call.asked(&path, &[]);
            let bytes = self.cut_error(&call.looking, &asked, status, bytes).await;
            return Ok(as_it_came(status, &headers, bytes));
        }
        // A page size that makes no sense is Notion's to refuse, in its words.
        let size = size.ok_or_else(|| {
            Error::Malformed(ApiError::validation(
                "body failed validation: body.page_size should be a number from 1 to 100.",
            ))
        })?;
        let unreadable = |_| Error::Answer("the result of a view cannot be read".to_owned());
        let mut answer: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let first: Found = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let id = answer["id"].as_str().and_then(Id::parse);
        let (id, (_, view)) = id
            .zip(call.object())
            .ok_or_else(|| Error::Answer("the result of a view has no id".to_owned()))?;
        let found = self.all_found(&call.looking, (view, id), first).await?;
        let seen = self.rows_seen(&call.looking, &part).await?;
        let rows: Vec<Id> = found.into_iter().filter(|row| seen.contains(row)).collect();
        let connection = call.principal.connection;
        let now = self.shared.clock.now();
        if let Some(owner) = call.principal.key_id() {
            self.shared.own.made(connection, id, owner);
        }
        let end = size.min(rows.len());
        let next = (rows.len() > end).then(|| self.seal_position(call, id, end));
        answer["total_count"] = rows.len().into();
        answer["results"] = rows.iter().take(end).map(|row| shown(*row)).collect();
        answer["has_more"] = next.is_some().into();
        answer["next_cursor"] = next.into();
        let result = ViewResult { rows, seen, made_at: now, judged_at: now };
        self.shared.own.keep_result(connection, id, Arc::new(result));
        let headers = passing_headers(&headers);
        let body = AnswerBody::Whole(answer.to_string().into());
        Ok(Acted { answer: Answer { status, headers, body }, code: None, made: None })
    }

    /// All rows that Notion found.
    async fn all_found(
        &self,
        looking: &Looking<'_>,
        (view, id): (Id, Id),
        first: Found,
    ) -> Result<Vec<Id>, Error> {
        // INVARIANT: the catalogue has it; a test runs a view.
        let operation = Operation::named(RESULTS).expect("the catalogue has results of views");
        let mut all: Vec<Id> = Vec::new();
        let mut page = first;
        for _ in 0..ROUNDS_MAX {
            all.extend(page.results.iter().map(|row| row.id));
            let Some(next) = page.next_cursor else { return Ok(all) };
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("page_size", &PAGE_SIZE_MAX.to_string())
                .append_pair("start_cursor", &next)
                .finish();
            let path = format!("/v1/views/{view}/queries/{id}?{query}");
            let about = (Kind::View, view);
            let bytes = self.fetch_at(looking, operation, about, path, None).await?;
            page = serde_json::from_slice(&bytes.unwrap_or_default())
                .map_err(|_| Error::Answer("the result of a view broke off".to_owned()))?;
        }
        Err(too_many())
    }

    /// The rows of the view's table that fit its filter, as far as the caller sees them.
    async fn rows_seen(&self, looking: &Looking<'_>, part: &Part) -> Result<HashSet<Id>, Error> {
        // INVARIANT: the catalogue has it; a test runs a view.
        let operation = Operation::named(ROWS).expect("the catalogue has queries");
        let connection = looking.principal().connection;
        let columns = part.columns.iter().map(|column| (FILTER_PROPERTIES, column));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(columns).finish();
        let (mut seen, mut cursor) = (HashSet::new(), None::<String>);
        for _ in 0..ROUNDS_MAX {
            let mut body = json!({"page_size": PAGE_SIZE_MAX});
            if !part.facts.filter.is_null() {
                body["filter"] = part.facts.filter.clone();
            }
            if let Some(cursor) = cursor {
                body["start_cursor"] = cursor.into();
            }
            let path = format!("/v1/data_sources/{}/query?{query}", part.source);
            let about = (Kind::DataSource, part.source);
            let bytes = self.fetch_at(looking, operation, about, path, Some(&body)).await?;
            let bytes = bytes.unwrap_or_default();
            let unreadable = |_| Error::Answer("the rows of a view cannot be read".to_owned());
            let page: Rows = serde_json::from_slice(&bytes).map_err(unreadable)?;
            for row in page.results {
                let text = row.to_string();
                let object: Object<'_> = serde_json::from_str(&text).map_err(unreadable)?;
                let Some(id) = object.id else { continue };
                self.shared.tree.learn(connection, &object, self.shared.clock.now());
                self.learn_row(looking, &row);
                if self.sees_object(looking, Kind::Page, id).await?
                    && (part.texts.is_empty()
                        || self.is_row_clear(looking, &row, &part.texts).await?)
                    && self.is_row_complete(looking, &row, &part.relations).await?
                {
                    seen.insert(id);
                }
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(seen),
            }
        }
        Err(too_many())
    }

    /// A page of a result that is kept here, or the 404 for one that was kept and is no longer; `None` if the
    /// call is about nothing of that sort.
    pub(crate) async fn kept_result(&self, call: &Underway<'_>) -> Result<Option<Acted>, Error> {
        let (principal, looking) = (call.principal, &call.looking);
        let name = call.operation().name;
        let [(Kind::View, view), (Kind::ViewQuery, id), ..] = call.named.objects.as_slice() else {
            return Ok(None);
        };
        let own = &self.shared.own;
        if name == "delete-view-query" {
            own.drop_result(principal.connection, *id);
        }
        if name != RESULTS || self.sees_every_object(principal) {
            return Ok(None);
        }
        let gone = || self.not_found(principal, Effect::Read, Kind::ViewQuery, *id);
        let part = self.part_of_view(looking, *view).await?;
        let now = self.shared.clock.now();
        let age = |since: Timestamp| now.duration_since(since).unsigned_abs();
        let result = own.result(principal.connection, *id);
        let result = match (result, part) {
            (None, None) => return Ok(None),
            (Some(result), _) if age(result.made_at) > LIFE => return Err(gone()),
            (Some(result), Some(part)) if age(result.judged_at) > FRESH => {
                let seen = self.rows_seen(looking, &part).await?;
                let (rows, made_at) = (result.rows.clone(), result.made_at);
                let result = Arc::new(ViewResult { rows, seen, made_at, judged_at: now });
                own.keep_result(principal.connection, *id, result.clone());
                result
            }
            (Some(result), _) => result,
            // It was made by somebody who saw all of it, as this caller did then.
            (None, Some(_)) => return Err(gone()),
        };
        self.page_of_result(call, *id, &result).await.map(Some)
    }

    async fn page_of_result(
        &self,
        call: &Underway<'_>,
        id: Id,
        result: &ViewResult,
    ) -> Result<Acted, Error> {
        let value = |wanted: &str| {
            let query = call.query.as_deref().unwrap_or_default().as_bytes();
            let mut pairs = form_urlencoded::parse(query);
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let size = match value("page_size").map(|size| size.parse()) {
            None => PAGE_SIZE_MAX,
            Some(Ok(size @ 1..=PAGE_SIZE_MAX)) => size,
            Some(_) => {
                return Err(Error::Malformed(ApiError::validation(
                    "query failed validation: query.page_size should be a number from 1 to 100.",
                )));
            }
        };
        let start = match value("start_cursor") {
            None => Position::default(),
            Some(cursor) => self.open_cursor(call.principal, &question(id), &cursor)?,
        };
        let (mut page, mut next) = (Vec::new(), None);
        for (at, row) in result.rows.iter().copied().enumerate().skip(start.skip) {
            if !result.seen.contains(&row)
                || !self.sees_object(&call.looking, Kind::Page, row).await?
            {
                continue;
            }
            if page.len() == size {
                next = Some(self.seal_position(call, id, at));
                break;
            }
            page.push(shown(row));
        }
        Ok(self.own_answer(json!({
            "object": "list", "results": page, "next_cursor": next, "has_more": next.is_some(),
            "type": "page", "page": {},
        })))
    }

    /// A cursor for the further pages of a result.
    fn seal_position(&self, call: &Underway<'_>, id: Id, skip: usize) -> String {
        self.seal_cursor(call.principal, &question(id), &Position { cursor: None, skip })
    }
}

/// What a cursor for a result is good for.
fn question(id: Id) -> String {
    format!("{RESULTS} {id}")
}

/// A row, as results of views name it.
fn shown(row: Id) -> Value {
    json!({"object": "page", "id": row})
}

fn too_many() -> Error {
    Error::Malformed(ApiError::validation(
        "notegate: the view finds too many rows to be looked through for this key. Query the data source \
         instead, or narrow the view's filter.",
    ))
}
