//! Relations to a table of which a caller sees some rows: they show those, and keep the others. And relations
//! that still name rows which have left their table.

use notion::{ApiError, Effect, Id, Kind, Operation};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::Gate;
use crate::call::Acted;
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

/// Where a relation leads.
#[derive(Clone, Copy)]
struct Related {
    table: Option<Id>,
    /// Whether the caller sees some of the rows there, and not others.
    in_part: bool,
}

impl Gate {
    /// Cuts the relations of a page object down to the rows that the caller sees. Gives the ids of those that
    /// name more.
    pub(crate) async fn cut_related(
        &self,
        looking: &Looking<'_>,
        columns: &Columns,
        page: &mut Value,
    ) -> Result<Vec<String>, Error> {
        let id = page["id"].as_str().and_then(Id::parse);
        let Some((id, properties)) = id.zip(page["properties"].as_object_mut()) else {
            return Ok(Vec::new());
        };
        let mut short = Vec::new();
        for value in properties.values_mut().filter(|value| value["type"] == "relation") {
            let Some(property) = value["id"].as_str().map(str::to_owned) else { continue };
            let related = Related {
                table: columns.related(&property),
                in_part: columns.shows_some(&property),
            };
            let (all, whole) = self.named_by(looking, (id, &property), related, value).await?;
            let mut seen = Vec::new();
            for row in all.iter().copied() {
                if self.is_related_seen(looking, related, row).await? {
                    seen.push(json!({"id": row}));
                }
            }
            if seen.len() == all.len() {
                continue;
            }
            short.push(property);
            if whole {
                let more = seen.len() > SHOWN_MAX;
                seen.truncate(SHOWN_MAX);
                if let Some(has_more) = value.get_mut("has_more") {
                    *has_more = more.into();
                }
            }
            value["relation"] = seen.into();
        }
        Ok(short)
    }

    /// The rows that a relation names, and whether that are all: where some may not be seen, those beyond what
    /// the page object shows are asked for.
    async fn named_by(
        &self,
        looking: &Looking<'_>,
        (page, property): (Id, &str),
        related: Related,
        value: &Value,
    ) -> Result<(Vec<Id>, bool), Error> {
        let shown = value["relation"].as_array().map_or(&[][..], Vec::as_slice);
        let shown: Vec<Id> =
            shown.iter().filter_map(|one| one["id"].as_str().and_then(Id::parse)).collect();
        // Whoever has left may turn out only now.
        for row in shown.iter().copied().filter(|_| !related.in_part) {
            self.is_related_seen(looking, related, row).await?;
        }
        let connection = looking.principal().connection;
        let left = |table| self.shared.tree.left.of(connection, table).is_some();
        let looked_through = related.in_part || related.table.is_some_and(left);
        let has_more = value.get("has_more").is_some_and(|more| more == true);
        if looked_through && (has_more || shown.len() >= SHOWN_MAX) {
            return Ok((self.all_related(looking, page, property).await?, true));
        }
        Ok((shown, looked_through))
    }

    async fn is_related_seen(
        &self,
        looking: &Looking<'_>,
        related: Related,
        row: Id,
    ) -> Result<bool, Error> {
        let judged = related.in_part && self.rows_wanted(looking).is_some();
        self.is_row_seen(looking, related.table, row, judged).await
    }

    /// Whether these relations of a page, which are all in its object, name no row that the caller does not
    /// see.
    pub(crate) async fn is_row_complete(
        &self,
        looking: &Looking<'_>,
        page: &Value,
        relations: &[(String, Id)],
    ) -> Result<bool, Error> {
        if relations.is_empty() {
            return Ok(true);
        }
        let id = page["id"].as_str().and_then(Id::parse);
        let Some((id, properties)) = id.zip(page["properties"].as_object()) else {
            return Ok(false);
        };
        for (property, table) in relations {
            let mut values = properties.values();
            let Some(value) = values.find(|value| value["id"] == property.as_str()) else {
                return Ok(false);
            };
            let related = Related { table: Some(*table), in_part: false };
            let (all, _) = self.named_by(looking, (id, property), related, value).await?;
            for row in all {
                if !self.is_related_seen(looking, related, row).await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
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
            let Some((column, _)) = columns.find(called) else { continue };
            let related = Related {
                table: columns.related(&column.id),
                in_part: columns.shows_some(&column.id),
            };
            let connection = looking.principal().connection;
            let left = |table| self.shared.tree.left.of(connection, table).is_some();
            if !related.in_part && !related.table.is_some_and(left) {
                continue;
            }
            let Some(Value::Array(written)) = value.get_mut("relation") else { continue };
            for row in self.all_related(looking, page, &column.id).await? {
                if !self.is_related_seen(looking, related, row).await? {
                    written.push(json!({"id": row}));
                }
            }
        }
        Ok(())
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
            let answer = self.fetch_at(looking, operation, (Kind::Page, page), path, None).await?;
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
        (property, table): &(String, Id),
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
            let judged = self.rows_wanted(looking).is_some();
            if self.is_row_seen(looking, Some(*table), related, judged).await? {
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
        Ok(self.own_answer(json!({
            "object": "list", "results": results.collect::<Vec<_>>(), "next_cursor": next,
            "has_more": next.is_some(), "type": "property_item",
            "property_item": {"id": property, "next_url": url, "type": "relation", "relation": {}},
        })))
    }
}
