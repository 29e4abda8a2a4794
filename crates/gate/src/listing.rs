//! Lists that reach beyond a scope (search above all), and queries that ask for text in which something
//! outside may be mentioned: filtered, with paging that keeps its meaning.
//!
//! Pages are filled: the gate reads on at Notion until it has as many objects inside the scope as
//! were asked for, and one more to know whether there are more. The cursor that it gives says where
//! to go on at Notion; it is sealed for the caller and the question, because Notion's cursors may
//! tell what comes next, and another question from the same place would tell what was passed over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use indexmap::IndexMap;
use model::{ExposeSecret, Principal};
use notion::catalogue::{Match, Operation, Verb};
use notion::client::{Request, RequestBody};
use notion::{ApiError, Id, Kind, Version};
use policy::{Aim, Permit, Place, Sight};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;
use url::form_urlencoded;
use vault::Sealed;

use crate::Gate;
use crate::call::{ANSWER_MAX, Acted, Answer, AnswerBody, passing_headers, with_query};
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::tree::Object;
use crate::view::{self, Asked};

/// Lists whose objects can lie anywhere in the workspace.
const FILTERED: &[&str] =
    &["get-databases", "get-users", "list-file-uploads", "list-views", "post-search", TEMPLATES];
/// Templates, which are listed by their names alone.
const TEMPLATES: &str = "list-data-source-templates";
const PAGE_SIZE_MAX: usize = 100;
/// Pages that are read at Notion for one page of ours.
const ROUNDS_MAX: usize = 20;

/// Positions are sealed in multiples of so many bytes.
const CURSOR_STEP: usize = 512;

/// Lists of what stands in one object. A scope holds all of them or none; policies can hide a part.
const INSIDE: &[&str] = &["get-block-children", "post-database-query", "query-data-source"];

/// Whether a caller that does not see everything gets this list filtered.
pub(crate) fn is_filtered(operation: &Operation, sight: &Sight) -> bool {
    let has = |names: &[&str]| names.contains(&operation.name);
    if sight.is_every_object() {
        // Views may ask for columns that the caller does not see.
        return sight.has_column_rules() && has(&["list-views"]);
    }
    has(FILTERED) || (sight.has_holes() && has(INSIDE))
}

/// A list that was asked for.
pub(crate) struct Listing<'a> {
    pub(crate) found: &'a Match,
    pub(crate) query: Option<&'a str>,
    pub(crate) version: Version,
    pub(crate) body: Option<Value>,
    /// The texts of rows that decide what is found, by the ids of their columns.
    pub(crate) texts: &'a [String],
    /// The relations that do, where rows have left the tables that they lead to.
    pub(crate) relations: &'a [(String, Id)],
    /// What the names of templates must hold, in lower case.
    pub(crate) template: Option<&'a str>,
}

/// Where to go on at Notion.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct Position {
    /// Notion's cursor; the first page if there is none.
    pub(crate) cursor: Option<String>,
    /// Objects of that page that were looked at already.
    pub(crate) skip: usize,
}

impl Gate {
    /// Reads a list for a scoped caller.
    pub(crate) async fn list(
        &self,
        principal: &Principal,
        permit: Permit,
        listing: Listing<'_>,
        request_id: &str,
    ) -> Result<Acted, Error> {
        let operation = listing.found.operation;
        let (page_size, cursor) = listing.paging();
        let question = listing.question();
        // A page size that makes no sense is Notion's to refuse, in its words.
        let page_size = match page_size {
            None => PAGE_SIZE_MAX,
            Some(text) => match text.parse() {
                Ok(size @ 1..=PAGE_SIZE_MAX) => size,
                _ => return self.pass_on(permit, &listing).await,
            },
        };
        let mut position = match cursor {
            None => Position::default(),
            Some(cursor) => self.open_cursor(principal, &question, &cursor)?,
        };
        let mut kept: Vec<Box<RawValue>> = Vec::new();
        let mut next = None;
        let mut last: Option<(HeaderMap, IndexMap<String, Box<RawValue>>)> = None;
        let mut permit = Some(permit);
        let looking = Looking::for_list(principal, request_id, self.shared.clock.now());
        let effect = operation.effect;
        let said = listing.query.unwrap_or_default();
        let said = (said, &[][..]);
        let asked =
            Asked { principal, operation, effect, version: listing.version, objects: &[], said };
        let by_title = listing.searches_titles();
        // Looking up places takes time; a page that is not full is better than none.
        let enough = Instant::now() + self.notion.settings().timeout / 2;
        for round in 0.. {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => self
                    .policies(principal)
                    .admit(principal, operation, operation.effect, None)?
                    .reach(&Aim::default())?,
            };
            let request = listing.request(Some(&position), Some(PAGE_SIZE_MAX));
            let response = self.send(permit, request).await?;
            let (status, headers, bytes) = response
                .collect(ANSWER_MAX)
                .await
                .map_err(|error| Error::Answer(error.to_string()))?;
            if status != StatusCode::OK {
                let bytes = self.cut_error(&looking, &asked, status, bytes).await;
                return Ok(as_it_came(status, &headers, bytes));
            }
            let page = Page::read(operation, &bytes)?;
            for (index, result) in page.results.into_iter().enumerate().skip(position.skip) {
                let shown = self.shown(&asked, &looking, result, &listing, by_title);
                let shown = match shown.await {
                    // Enough for one call, if it has come anywhere at all: the next goes on from here.
                    Err(Error::LookUps { .. })
                        if round > 0 || index > position.skip || !kept.is_empty() =>
                    {
                        None
                    }
                    shown => Some(shown?),
                };
                if matches!(shown, Some(None)) && Instant::now() < enough {
                    continue;
                }
                let full = kept.len() == page_size || shown.is_none();
                if full || Instant::now() >= enough {
                    next = Some(Position { skip: index + usize::from(!full), ..position.clone() });
                }
                kept.extend(shown.flatten().filter(|_| !full));
                if next.is_some() {
                    break;
                }
            }
            last = Some((passing_headers(&headers), page.members));
            match page.next_cursor {
                Some(cursor) if next.is_none() => {
                    position = Position { cursor: Some(cursor), skip: 0 };
                    if round + 1 == ROUNDS_MAX || Instant::now() >= enough {
                        next = Some(position);
                        break;
                    }
                }
                _ => break,
            }
        }
        let (headers, mut members) = last.ok_or_else(|| Error::Answer("no page".to_owned()))?;
        let next = next.map(|next| self.seal_cursor(principal, &question, &next));
        set(&mut members, results_of(operation), &kept)?;
        set(&mut members, "has_more", &next.is_some())?;
        set(&mut members, "next_cursor", &next)?;
        let body =
            serde_json::to_vec(&members).map_err(|error| Error::Answer(error.to_string()))?;
        let body = AnswerBody::Whole(body.into());
        Ok(Acted {
            answer: Answer { status: StatusCode::OK, headers, body },
            code: None,
            made: None,
        })
    }

    /// Lets Notion answer a list request that it will refuse.
    async fn pass_on(&self, permit: Permit, listing: &Listing<'_>) -> Result<Acted, Error> {
        let response = self.send(permit, listing.request(None, None)).await?;
        let (status, headers, bytes) =
            response.collect(ANSWER_MAX).await.map_err(|error| Error::Answer(error.to_string()))?;
        if status.is_success() {
            return Err(Error::Malformed(ApiError::validation(
                "body failed validation: body.page_size should be a number from 1 to 100.",
            )));
        }
        Ok(as_it_came(status, &headers, bytes))
    }

    /// One object of the list as the caller sees it; `None` if the caller does not.
    async fn shown(
        &self,
        asked: &Asked<'_>,
        looking: &Looking<'_>,
        result: Box<RawValue>,
        listing: &Listing<'_>,
        by_title: bool,
    ) -> Result<Option<Box<RawValue>>, Error> {
        let principal = asked.principal;
        if self.sees_everything(principal) {
            return Ok(Some(result));
        }
        let unreadable = |error| Error::Answer(format!("an object of the list: {error}"));
        if asked.operation.name == TEMPLATES {
            let template = serde_json::from_str(result.get()).map_err(unreadable)?;
            return Box::pin(self.shown_template(looking, template, listing.template)).await;
        }
        let object: Object<'_> = serde_json::from_str(result.get()).map_err(unreadable)?;
        if asked.operation.name == "get-users" {
            // People are those whom the caller has met.
            let met = object.id.map(|id| self.has_met(asked, id)).transpose()?;
            return Ok(met.unwrap_or(false).then_some(result));
        }
        let Some((id, kind)) = object.id.zip(object.kind()) else { return Ok(None) };
        self.shared.tree.learn(principal.connection, &object, self.shared.clock.now());
        let whole: Value = serde_json::from_str(result.get()).map_err(unreadable)?;
        if self.shows_wanted(looking, asked.said.0) {
            self.learn_row(looking, &whole);
        }
        let place = self.locate(looking, kind, id, Trust::Tree).await?;
        // A view that is not there is nowhere, also for whoever sees every object.
        if place == Place::Unknown || !self.sees(principal, &place) {
            return Ok(None);
        }
        // What such a text mentions would decide whether the row is found, and where.
        if !listing.texts.is_empty() && !self.is_row_clear(looking, &whole, listing.texts).await? {
            return Ok(None);
        }
        // So would a row that has left, and that such a relation still counts.
        if !Box::pin(self.is_row_complete(looking, &whole, listing.relations)).await? {
            return Ok(None);
        }
        let shown = self.cut_value(looking, asked, whole.clone()).await?;
        if shown == whole {
            self.meet(asked, &shown);
            return Ok(Some(result));
        }
        // What was found by a title that the caller does not see was not found, whatever it says.
        if by_title && mentions(&shown) != mentions(&whole) {
            return Ok(None);
        }
        self.meet(asked, &shown);
        serde_json::value::to_raw_value(&shown).map(Some).map_err(unreadable)
    }

    /// A template, called what the caller sees of its title: that may mention what is hidden.
    async fn shown_template(
        &self,
        looking: &Looking<'_>,
        mut template: Value,
        wanted: Option<&str>,
    ) -> Result<Option<Box<RawValue>>, Error> {
        let Some(id) = template["id"].as_str().and_then(Id::parse) else { return Ok(None) };
        // The look that tells its title tells its place and its values, too.
        let Some(page) = self.fetch(looking, Kind::Page, id).await? else { return Ok(None) };
        let unreadable = |_| Error::Answer("a template cannot be read".to_owned());
        let object: Object<'_> = serde_json::from_slice(&page).map_err(unreadable)?;
        let (connection, now) = (looking.principal().connection, self.shared.clock.now());
        self.shared.tree.learn(connection, &object, now);
        let page: Value = serde_json::from_slice(&page).map_err(unreadable)?;
        self.learn_row(looking, &page);
        if !self.sees_object(looking, Kind::Page, id).await? {
            return Ok(None);
        }
        if !self.is_row_clear(looking, &page, &["title".to_owned()]).await? {
            template["name"] = view::UNTITLED.into();
        }
        let name = template["name"].as_str().unwrap_or_default().to_lowercase();
        if wanted.is_some_and(|wanted| !name.contains(wanted)) {
            return Ok(None);
        }
        serde_json::value::to_raw_value(&template).map(Some).map_err(unreadable)
    }

    pub(crate) fn seal_cursor(
        &self,
        principal: &Principal,
        question: &str,
        position: &Position,
    ) -> String {
        let shared = &self.shared;
        let caller = cursor_owner(principal);
        // INVARIANT: a text and a number always have a JSON form.
        let mut text = serde_json::to_string(position).expect("a position is JSON");
        // How long it is would tell how many objects were left out.
        let length = text.len().next_multiple_of(CURSOR_STEP);
        text.extend(std::iter::repeat_n(' ', length - text.len()));
        let place = cursor_place(&caller, question);
        let sealed = shared.cursors.sealing().seal(place, &text.into());
        URL_SAFE_NO_PAD.encode(sealed.as_bytes())
    }

    pub(crate) fn open_cursor(
        &self,
        principal: &Principal,
        question: &str,
        cursor: &str,
    ) -> Result<Position, Error> {
        let caller = cursor_owner(principal);
        let place = cursor_place(&caller, question);
        URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| self.shared.cursors.open(place, &Sealed::from_bytes(bytes)).ok())
            .and_then(|text| serde_json::from_str(text.expose_secret()).ok())
            .ok_or_else(|| {
                let shown: String = cursor.chars().take(80).collect();
                let message = format!("The start_cursor provided is invalid: {shown}");
                Error::Malformed(ApiError::validation(message))
            })
    }
}

/// Who may use a cursor: the caller, by the same connection. (One that brings its token along has as many
/// as it has tokens.)
fn cursor_owner(principal: &Principal) -> String {
    format!("{} {}", principal.name(), principal.connection)
}

/// A cursor opens only for the caller and the question that it was made for.
fn cursor_place<'a>(caller: &'a str, question: &'a str) -> vault::Place<'a> {
    vault::Place { table: "cursors", row: caller, column: question }
}

fn mentions(object: &Value) -> usize {
    object.as_object().map_or(0, view::title_mentions)
}

impl Listing<'_> {
    /// Whether it is the titles that decide what is in the list.
    fn searches_titles(&self) -> bool {
        let query = self.body.as_ref().and_then(|body| body.get("query"));
        query.and_then(Value::as_str).is_some_and(|query| !query.trim().is_empty())
    }

    /// `page_size` and `start_cursor` as the caller sent them.
    fn paging(&self) -> (Option<String>, Option<String>) {
        if self.found.operation.verb == Verb::Get {
            let value = |wanted: &str| {
                form_urlencoded::parse(self.query.unwrap_or_default().as_bytes())
                    .find(|(name, _)| name == wanted)
                    .map(|(_, value)| value.into_owned())
            };
            (value("page_size"), value("start_cursor"))
        } else {
            let value = |name| match self.body.as_ref().and_then(|body| body.get(name)) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.clone()),
                Some(other) => Some(other.to_string()),
            };
            (value("page_size"), value("start_cursor"))
        }
    }

    /// What is asked for, whichever page of it. The order of members means nothing, and no body is an
    /// empty one: clients send none with the first page if there is nothing to say.
    fn question(&self) -> String {
        let path = self.request(Some(&Position::default()), None).path_and_query;
        let mut body = self.body.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "page_size" | "start_cursor"));
        }
        body.sort_all_objects();
        let (name, version) = (self.found.operation.name, self.version.as_str());
        format!("{name} {version} {path} {body} {:?}", self.template)
    }

    /// The request for one page at Notion; without a position, as the caller sent it.
    fn request(&self, position: Option<&Position>, page_size: Option<usize>) -> Request {
        let operation = self.found.operation;
        let cursor = position.and_then(|position| position.cursor.as_deref());
        let (query, body) = match (position, operation.verb) {
            (None, _) => (self.query.map(str::to_owned), self.body.clone()),
            (Some(_), Verb::Get) => {
                let mut pairs = form_urlencoded::Serializer::new(String::new());
                for (name, value) in
                    form_urlencoded::parse(self.query.unwrap_or_default().as_bytes())
                {
                    if name != "page_size" && name != "start_cursor" {
                        pairs.append_pair(&name, &value);
                    }
                }
                page_size.map(|size| pairs.append_pair("page_size", &size.to_string()));
                cursor.map(|cursor| pairs.append_pair("start_cursor", cursor));
                (Some(pairs.finish()), self.body.clone())
            }
            (Some(_), _) => {
                let mut body =
                    self.body.clone().unwrap_or_else(|| Value::Object(Default::default()));
                if let Some(members) = body.as_object_mut() {
                    members.shift_remove("start_cursor");
                    page_size.map(|size| members.insert("page_size".to_owned(), size.into()));
                    cursor.map(|cursor| members.insert("start_cursor".to_owned(), cursor.into()));
                }
                (self.query.map(str::to_owned), Some(body))
            }
        };
        Request {
            method: operation.verb.into(),
            path_and_query: with_query(self.found.upstream_path(), query.as_deref()),
            version: self.version.as_str(),
            body: body
                .map_or(RequestBody::Empty, |body| RequestBody::Json(body.to_string().into())),
            repeatable: operation.repeatable(),
        }
    }
}

/// One page of Notion's, its members in their order.
struct Page {
    members: IndexMap<String, Box<RawValue>>,
    results: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// The member that holds what is listed.
fn results_of(operation: &Operation) -> &'static str {
    if operation.name == TEMPLATES { "templates" } else { "results" }
}

impl Page {
    fn read(operation: &Operation, bytes: &Bytes) -> Result<Self, Error> {
        let unreadable =
            |error: serde_json::Error| Error::Answer(format!("{}: {error}", operation.name));
        let members: IndexMap<String, Box<RawValue>> =
            serde_json::from_slice(bytes).map_err(unreadable)?;
        let member = |name: &str| members.get(name).map_or("null", |raw| raw.get());
        let results = serde_json::from_str(member(results_of(operation))).map_err(unreadable)?;
        let next_cursor = serde_json::from_str(member("next_cursor")).map_err(unreadable)?;
        Ok(Self { results, next_cursor, members })
    }
}

fn set(
    members: &mut IndexMap<String, Box<RawValue>>,
    name: &str,
    value: &impl Serialize,
) -> Result<(), Error> {
    let raw =
        serde_json::value::to_raw_value(value).map_err(|error| Error::Answer(error.to_string()))?;
    members.insert(name.to_owned(), raw);
    Ok(())
}

pub(crate) fn as_it_came(status: StatusCode, headers: &HeaderMap, bytes: Bytes) -> Acted {
    let code = ApiError::parse(status.as_u16(), &bytes).map(|error| error.code);
    let mut headers = passing_headers(headers);
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    let body = AnswerBody::Whole(bytes);
    Acted { answer: Answer { status, headers, body }, code, made: None }
}
