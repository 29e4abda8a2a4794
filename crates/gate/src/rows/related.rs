//! Relations to a table of which a caller sees some rows: they show those, and keep the others. And relations
//! that still name rows which have left their table.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use notion::client::REQUEST_ID_HEADER;
use notion::{ApiError, Effect, Id, Kind, Operation};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::Gate;
use crate::call::{Acted, Answer, AnswerBody};
use crate::columns::Columns;
use crate::error::Error;
use crate::listing::Position;
use crate::locate::Looking;
use crate::view::Asked;

/// The operation that tells everything that a relation leads to.
const ITEMS: &str = "retrieve-a-page-property";
/// Pages that a relation shows in a page object.
const SHOWN_MAX: usize = 25;
const PAGE_SIZE_MAX: usize = 100;
/// Requests for one relation: more pages than that are not looked through.
const ROUNDS_MAX: usize = 20;

impl Gate {
    /// Cuts the relations of a page object down to the rows that the caller sees.
    pub(crate) async fn cut_related(
        &self,
        looking: &Looking<'_>,
        columns: &Columns,
        page: &mut Value,
    ) -> Result<(), Error> {
        let id = page["id"].as_str().and_then(Id::parse);
        let Some((id, properties)) = id.zip(page["properties"].as_object_mut()) else {
            return Ok(());
        };
        for value in properties.values_mut().filter(|value| value["type"] == "relation") {
            let Some(property) = value["id"].as_str().map(str::to_owned) else { continue };
            if !columns.shows_some(&property) {
                self.leave_out_departed(looking, columns.related(&property), value).await?;
                continue;
            }
            let mut seen = Vec::new();
            for related in self.related(looking, id, &property, value).await? {
                if self.sees_object(looking, Kind::Page, related).await? {
                    seen.push(json!({"id": related}));
                }
            }
            let more = seen.len() > SHOWN_MAX;
            seen.truncate(SHOWN_MAX);
            value["relation"] = seen.into();
            if let Some(has_more) = value.get_mut("has_more") {
                *has_more = more.into();
            }
        }
        Ok(())
    }

    /// Leaves out of a relation the rows of which it is known that they have left its table for where the
    /// caller does not see them: Notion goes on naming them. The others are rows, and need no look-up.
    async fn leave_out_departed(
        &self,
        looking: &Looking<'_>,
        table: Option<Id>,
        value: &mut Value,
    ) -> Result<(), Error> {
        let connection = looking.principal().connection;
        let Some(shown) = value["relation"].as_array_mut() else { return Ok(()) };
        let mut kept = Vec::with_capacity(shown.len());
        for one in std::mem::take(shown) {
            let page = one["id"].as_str().and_then(Id::parse);
            let node = page.and_then(|page| self.shared.tree.node(connection, page));
            let place = page.zip(node.map(|node| node.parent));
            let is_shown = match place {
                Some((_, Some((Kind::DataSource, source)))) if Some(source) == table => true,
                Some((page, _)) => self.sees_object(looking, Kind::Page, page).await?,
                None => true,
            };
            if is_shown {
                kept.push(one);
            }
        }
        value["relation"] = kept.into();
        Ok(())
    }

    /// Puts back into a body what the caller does not see of the relations that it writes: what does not
    /// exist for it, it does not take away.
    pub(crate) async fn keep_related(
        &self,
        looking: &Looking<'_>,
        columns: &Columns,
        page: Id,
        body: &mut Value,
    ) -> Result<(), Error> {
        let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) else {
            return Ok(());
        };
        for (called, value) in properties {
            let Some((column, _)) =
                columns.find(called).filter(|(it, _)| columns.shows_some(&it.id))
            else {
                continue;
            };
            let Some(Value::Array(written)) = value.get_mut("relation") else { continue };
            for related in self.all_related(looking, page, &column.id).await? {
                if !self.sees_object(looking, Kind::Page, related).await? {
                    written.push(json!({"id": related}));
                }
            }
        }
        Ok(())
    }

    /// What a relation leads to, as the page object shows it, and beyond.
    async fn related(
        &self,
        looking: &Looking<'_>,
        page: Id,
        property: &str,
        value: &Value,
    ) -> Result<Vec<Id>, Error> {
        let shown = value["relation"].as_array().map_or(&[][..], Vec::as_slice);
        let has_more = value.get("has_more").is_some_and(|more| more == true);
        if has_more || shown.len() >= SHOWN_MAX {
            return self.all_related(looking, page, property).await;
        }
        Ok(shown.iter().filter_map(|one| one["id"].as_str().and_then(Id::parse)).collect())
    }

    /// Everything that a relation leads to.
    async fn all_related(
        &self,
        looking: &Looking<'_>,
        page: Id,
        property: &str,
    ) -> Result<Vec<Id>, Error> {
        // INVARIANT: the catalogue has it; a test calls it.
        let operation = Operation::named(ITEMS).expect("the catalogue has properties");
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..ROUNDS_MAX {
            let start = cursor.iter().map(|cursor| ("start_cursor", cursor.clone()));
            let size = ("page_size", PAGE_SIZE_MAX.to_string());
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(std::iter::once(size).chain(start))
                .finish();
            let path = format!("/v1/pages/{page}/properties/{property}?{query}");
            let answer = self.fetch_at(looking, operation, Kind::Page, page, path).await?;
            let answer: Value = serde_json::from_slice(&answer.unwrap_or_default())
                .map_err(|_| Error::Answer("a relation cannot be read".to_owned()))?;
            let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
            let id = |one: &Value| one["relation"]["id"].as_str().and_then(Id::parse);
            all.extend(results.iter().filter_map(id));
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(all),
            }
        }
        Err(Error::Malformed(ApiError::validation(
            "notegate: the relation leads to too many pages to be looked through.",
        )))
    }

    /// The pages of a relation one by one, as far as the caller sees them.
    pub(crate) async fn list_related(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        property: &str,
        query: Option<&str>,
    ) -> Result<Acted, Error> {
        let Some((kind, page)) = asked.objects.first().copied() else {
            return Err(self.not_found(asked.principal, Effect::Read, Kind::Page, Id::NIL));
        };
        let value = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
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
        let question = format!("{} {page} {property}", asked.operation.name);
        let start = match value("start_cursor") {
            None => Position::default(),
            Some(cursor) => self.open_cursor(asked.principal, &question, &cursor)?,
        };
        if !self.sees_object(looking, kind, page).await? {
            return Err(self.not_found(asked.principal, Effect::Read, kind, page));
        }
        let mut seen = Vec::new();
        for related in self.all_related(looking, page, property).await? {
            if self.sees_object(looking, Kind::Page, related).await? {
                seen.push(related);
            }
        }
        let end = start.skip.saturating_add(size);
        let next = (seen.len() > end).then(|| {
            let position = Position { cursor: None, skip: end };
            self.seal_cursor(asked.principal, &question, &position)
        });
        let base = &self.notion.settings().base_url;
        let url = next.as_ref().map(|next| {
            format!(
                "{base}/v1/pages/{page}/properties/{property}?start_cursor={next}&page_size={size}"
            )
        });
        let results = seen.into_iter().skip(start.skip).take(size).map(|related| {
            json!({"object": "property_item", "type": "relation", "id": property, "relation": {"id": related}})
        });
        let request_id = self.new_request_id();
        let body = json!({
            "object": "list", "results": results.collect::<Vec<_>>(), "next_cursor": next,
            "has_more": next.is_some(), "type": "property_item",
            "property_item": {"id": property, "next_url": url, "type": "relation", "relation": {}},
            "request_id": request_id,
        });
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
        if let Ok(request_id) = HeaderValue::from_str(&request_id) {
            headers.insert(REQUEST_ID_HEADER, request_id);
        }
        let body = AnswerBody::Whole(Bytes::from(body.to_string()));
        let answer = Answer { status: StatusCode::OK, headers, body };
        Ok(Acted { answer, code: None, made: None })
    }
}
