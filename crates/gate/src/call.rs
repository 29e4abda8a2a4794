//! One call to Notion, in nine steps. Read [`Gate::call`] top-down.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::Principal;
use notion::catalogue::{Answer as Shape, Match, Verb};
use notion::client::{REQUEST_ID_HEADER, Request, RequestBody, Response, SendError, StreamBody};
use notion::{ApiError, Capabilities, Effect, Id, Kind, Operation, Version};
use policy::{Admission, Aim, Depth, Permit, Place, Target};
use serde_json::Value;

use crate::aim::{self, Named};
use crate::columns::{self, StandIns};
use crate::custody::usable;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::record::Record;
use crate::view::{Asked, Learned};
use crate::{Gate, listing, trim, view};

/// The largest JSON body that Notion takes.
pub const BODY_MAX: usize = 500 * 1024;
/// The largest answer that is held in memory, to be learned from or cut down.
pub(crate) const ANSWER_MAX: usize = 32 * 1024 * 1024;
/// Objects that one call may name; each may have to be looked up.
const TARGETS_MAX: usize = 300;

/// A call, as a door hands it over.
#[derive(Debug)]
pub struct Call<'a> {
    /// The row of the catalogue that the request fits, with its parameters; `None` if it fits none.
    pub found: Option<Match>,
    /// The raw query string.
    pub query: Option<&'a str>,
    /// The value of `Notion-Version`.
    pub version: Option<&'a str>,
    /// The body.
    pub body: CallBody,
    /// The id under which the call is logged and recorded.
    pub request_id: &'a str,
    /// The gate's address, as the caller knows it; without one, addresses to call stay Notion's.
    pub origin: Option<&'a str>,
}

/// The body of a call.
#[derive(Debug)]
pub enum CallBody {
    /// Nothing, or everything at once, at most [`BODY_MAX`] bytes. Taken for JSON.
    Whole(Bytes),
    /// A body larger than [`BODY_MAX`], or one that broke off.
    TooLarge,
    /// Bytes that pass through, with their content type (file uploads).
    Stream(HeaderValue, StreamBody),
}

/// What goes back through the door.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers that matter to a client of Notion.
    pub headers: HeaderMap,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody {
    /// All of it.
    Whole(Bytes),
    /// Bytes that pass through.
    Stream(StreamBody),
}

impl Gate {
    /// Makes a call to Notion for `principal`, if it may.
    pub async fn call(&self, principal: &Principal, call: Call<'_>) -> Result<Answer, Error> {
        if !self.shared.recorder.is_healthy() {
            return Err(Error::Ledger);
        }

        // 1 name: which row of the catalogue is this?
        let Call { found, query, version, body, request_id, origin } = call;
        let named = found.as_ref().map_or("unknown", |found| found.operation.name);
        let effect = found.as_ref().map_or(Effect::Read, |found| found.operation.effect);
        let mut record = Record::open(&self.shared, principal, effect, named, request_id);
        let prepared = match self.prepare(found, query, version, body, principal, &mut record) {
            Ok(prepared) => prepared,
            Err(error) => return Err(record.failed(error).await),
        };
        let Prepared { mut found, admission, named, effect, version, mut body } = prepared;
        if let Some((kind, id)) = named.objects.first() {
            record.about(kind.as_str(), id);
        }

        // A connection that is out of use costs nothing: not the caller, and not Notion.
        let held = self.held_for(principal);
        let held = held.and_then(|held| usable(&held.current().connection).map(|()| held));
        // Nor does what the connection itself may not do.
        let needs_too = found.operation.needs_too(body.json());
        let held = held.and_then(|held| held.grants(found.operation, effect, needs_too));
        if let Err(error) = held {
            return Err(record.failed(error).await);
        }

        // 5 spend: budgets, before any effect. Looking up places is one, so it comes before 3. (It is not
        // paid for from the budget: what a caller pays may not tell what stands outside.)
        let lineage = self.lineage(principal);
        if let Err(error) = self.spend_call(&lineage, &mut record).await {
            return Err(record.failed(error).await);
        }

        // 3 locate and 4 decide: where does everything stand, and may the caller reach it?
        let time = self.notion.settings().timeout;
        let looking = Looking::new(principal, request_id, self.shared.clock.now());
        let permit = self.permit(principal, admission, &found, &named, &looking);
        let permit = match tokio::time::timeout(time, permit).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(error)) => return Err(record.failed(error).await),
            Err(_) => return Err(record.failed(Error::Upstream(SendError::Timeout(time))).await),
        };
        self.settle_looking(&looking);

        // 4 once more: columns that reach outside do not exist, and neither do their names.
        let mut query = query.map(str::to_owned);
        let (found_mut, query_mut) = (&mut found, &mut query);
        let naming =
            columns::Call { found: found_mut, query: query_mut, body: body.json_mut(), version };
        let stand_ins = match tokio::time::timeout(time, self.hide_names(&looking, naming)).await {
            Ok(Ok(stand_ins)) => stand_ins,
            Ok(Err(error)) => return Err(record.failed(error).await),
            Err(_) => return Err(record.failed(Error::Upstream(SendError::Timeout(time))).await),
        };
        let query = query.as_deref();

        // And what a change of columns does depends on the columns that are there.
        let change = self.check_schema_change(&looking, &found, &named, version, body.json());
        if let Err(error) = change.await {
            return Err(record.failed(error).await);
        }

        // 5 once more: what it writes and destroys, and the pages that it names, now that it may.
        let cost = (effect, body.json());
        let spent = match self.spend_cost(&lineage, &found, cost, &mut record).await {
            Ok(spent) => spent,
            Err(error) => return Err(record.failed(error).await),
        };

        // A move changes who reaches what, and the ledger says how.
        let moved = (found.operation.name, named.objects.first().copied());
        self.note_move(principal, moved, body.json(), request_id, &mut record).await;

        let path_and_query = with_query(found.upstream_path(), query);
        let (objects, operation) = (&named.objects, found.operation);
        let said = (path_and_query.as_str(), &[][..]);
        let mut asked = Asked { principal, operation, effect, version, objects, said };
        let sight = self.sight(principal);
        let unasked = if sight.is_everything() {
            Ok(None)
        } else {
            self.unasked(&looking, &asked, &found, body.json()).await
        };
        let unasked = match unasked {
            Ok(unasked) => unasked,
            Err(error) => return Err(record.failed(error).await),
        };

        // 6 intend: a write is in the ledger before it happens.
        if effect != Effect::Read {
            if let Err(error) = self.keep_body(principal, body.json(), &mut record).await {
                return Err(record.failed(error).await);
            }
            record.intend().await?;
        }

        // 7 act and 8 view: the answer, cut down to what the caller may see.
        let texts = stand_ins.texts.as_slice();
        let is_filtered = listing::is_filtered(found.operation, &sight) || !texts.is_empty();
        let acted = if let Some(acted) = unasked {
            Ok(acted)
        } else if !sight.is_everything() && operation.name == "query-meeting-notes" {
            let body = body.into_json().unwrap_or_else(|| serde_json::json!({}));
            self.list_meetings(&looking, asked, permit, body).await
        } else if !sight.is_everything() && is_filtered {
            let (found, body) = (&found, body.into_json());
            let list = listing::Listing { found, query, version, body, texts };
            self.list(principal, permit, list, request_id).await
        } else {
            let request = Request {
                method: found.operation.verb.into(),
                path_and_query: path_and_query.clone(),
                version: version.as_str(),
                body: body.into_request(),
                repeatable: found.operation.repeatable(),
            };
            let body = match &request.body {
                RequestBody::Json(bytes) => bytes.clone(),
                _ => Bytes::new(),
            };
            asked.said.1 = &body;
            match self.send(permit, request).await {
                Ok(response) => self.view(asked, response, &looking).await,
                Err(error) => Err(error),
            }
        };

        self.forget_columns(&looking, found.operation);
        let acted = acted.map(|acted| acted.in_the_words_of(&stand_ins));
        let acted = acted.and_then(|acted| acted.trimmed(found.operation, principal.capabilities));
        let acted = match acted {
            Ok(acted) => self.settle_spending(&lineage, &found, spent, acted, &mut record).await,
            Err(error) => Err(error),
        };
        let acted = acted.map(|acted| match origin {
            Some(gate) => acted.readdressed(operation, &self.notion.settings().base_url, gate),
            None => acted,
        });

        // 9 conclude: the outcome is in the ledger.
        match acted {
            Ok(answer) => {
                if let Some(id) = answer.made {
                    record.fact("made", id.to_string());
                }
                record.answered(answer.answer.status.as_u16(), answer.code).await?;
                Ok(answer.answer)
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Steps 1, 2 and the part of 4 that needs no facts, in Notion's own order of checks: route,
    /// JSON, (token), version, capability, ids.
    fn prepare<'p>(
        &self,
        found: Option<Match>,
        query: Option<&str>,
        version: Option<&str>,
        body: CallBody,
        principal: &'p Principal,
        record: &mut Record<'_>,
    ) -> Result<Prepared<'p>, Error> {
        let found = found.ok_or_else(|| Error::Malformed(ApiError::invalid_request_url()))?;
        let body = match found.operation.verb {
            // A body here means nothing to Notion, and something else to who knows whom.
            Verb::Get | Verb::Delete => Body::Empty,
            Verb::Post | Verb::Patch => {
                Body::read(body, found.operation.multipart).map_err(Error::Malformed)?
            }
        };
        let version = self.version(version).map_err(Error::Malformed)?;
        if !found.operation.exists_in(version) {
            return Err(Error::Malformed(ApiError::invalid_request_url()));
        }
        let effect = found.operation.effect_of(body.json());
        record.effect(effect);
        if let Ok([(kind, id), ..]) = found.path_ids().as_deref() {
            record.about(kind.as_str(), id);
        }
        let needs_too = found.operation.needs_too(body.json());
        if let Some(capability) = needs_too {
            record.fact("needs_too", capability.as_str());
        }
        let admission =
            self.policies(principal).admit(principal, found.operation, effect, needs_too)?;
        let in_url = aim::of_url(&found, query).map_err(Error::Malformed)?;
        let anywhere = admission.depth() == Depth::Nothing;
        let named = if !anywhere || effect != Effect::Read {
            aim::of_call(&found, in_url, body.json())
        } else {
            Ok(Named { objects: in_url, nowhere: false })
        };
        let named = match named {
            Ok(named) => named,
            // Where places do not matter a strange id is Notion's to judge.
            Err(_) if anywhere => Named::default(),
            Err(error) => return Err(Error::Malformed(error)),
        };
        if named.objects.len() > TARGETS_MAX && !anywhere {
            return Err(Error::Malformed(ApiError::validation(format!(
                "body failed validation: a key with a scope may name at most {TARGETS_MAX} objects \
                 in one call, instead were {}.",
                named.objects.len()
            ))));
        }
        Ok(Prepared { found, admission, named, effect, version, body })
    }

    fn version(&self, sent: Option<&str>) -> Result<Version, ApiError> {
        if let Some(fixed) = self.shared.notion_version {
            return Ok(fixed);
        }
        sent.and_then(Version::parse).ok_or_else(|| ApiError::missing_version(sent))
    }

    pub(crate) async fn permit(
        &self,
        principal: &Principal,
        admission: Admission<'_>,
        found: &Match,
        named: &Named,
        looking: &Looking<'_>,
    ) -> Result<Permit, Error> {
        if admission.depth() == Depth::Nothing {
            return Ok(admission.reach(&Aim::default())?);
        }
        let begun = self.shared.clock.now();
        let mut aim = Aim { targets: Vec::new(), nowhere: named.nowhere };
        for (kind, id) in named.objects.iter().copied() {
            // Reading an object tells its place in the answer; for anything else it must be fresh.
            let tells_itself = admission.depth() == Depth::Root
                && found.operation.effect == Effect::Read
                && found.operation.answer == Shape::One(kind);
            let trust = if tells_itself { Trust::Tree } else { Trust::Lately };
            let mut place = self.locate(looking, kind, id, trust).await?;
            // A "no" from memory may be out of date: somebody may have moved the object here.
            if place.path().is_some() && !admission.lets(&place) {
                place = self.locate(looking, kind, id, Trust::Since(begun)).await?;
            }
            let inside = admission.lets(&place);
            aim.targets.push(Target { kind, id, place });
            // One outside refuses the call: Notion need not be asked about the others.
            if !inside {
                break;
            }
        }
        admission.reach(&aim).map_err(|refusal| match refusal {
            policy::Refusal::Scope { kind, id } => {
                self.not_found(principal, found.operation.effect, kind, id)
            }
            other => Error::Refused(other),
        })
    }

    /// The error for an object that is not there for `principal`, whether it exists or not.
    pub(crate) fn not_found(
        &self,
        principal: &Principal,
        effect: Effect,
        kind: Kind,
        id: Id,
    ) -> Error {
        match self.held_for(principal) {
            Ok(held) => Error::NotFound(held.not_found(effect, kind, id)),
            Err(error) => error,
        }
    }

    /// Step 8, view: learns places from the answer, and hides what turns out to lie outside.
    async fn view(
        &self,
        asked: Asked<'_>,
        response: Response,
        looking: &Looking<'_>,
    ) -> Result<Acted, Error> {
        let Asked { principal, operation, effect, .. } = asked;
        // The answer shows what has come of a change.
        self.forget_columns(looking, operation);
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

/// A call that is understood and that role and capabilities allow.
struct Prepared<'p> {
    found: Match,
    admission: Admission<'p>,
    named: Named,
    effect: Effect,
    version: Version,
    body: Body,
}

/// What came of the act.
pub(crate) struct Acted {
    pub(crate) answer: Answer,
    /// Notion's word for an error.
    pub(crate) code: Option<String>,
    /// What was created.
    pub(crate) made: Option<Id>,
}

impl Acted {
    /// In the caller's own words, where the request used others.
    fn in_the_words_of(mut self, stand_ins: &StandIns) -> Self {
        if let AnswerBody::Whole(bytes) = self.answer.body {
            self.answer.body = AnswerBody::Whole(stand_ins.restore(bytes));
        }
        self
    }

    /// Cut down to the capabilities of the caller.
    fn trimmed(mut self, operation: &Operation, granted: Capabilities) -> Result<Self, Error> {
        if let AnswerBody::Whole(bytes) = &self.answer.body
            && self.answer.status.is_success()
            && let Some(trimmed) = trim::trim(operation, granted, bytes)?
        {
            self.answer.body = AnswerBody::Whole(trimmed);
        }
        Ok(self)
    }
}

impl Acted {
    /// With the gate's own address where the caller shall call again.
    fn readdressed(mut self, operation: &Operation, notion: &str, gate: &str) -> Self {
        if let AnswerBody::Whole(bytes) = &self.answer.body
            && view::holds_addresses(operation)
        {
            let bytes = view::readdress(bytes.clone(), notion, gate);
            self.answer.body = AnswerBody::Whole(bytes);
        }
        self
    }
}

/// A body that was read.
#[derive(Debug)]
enum Body {
    Empty,
    Json(Value),
    Stream(HeaderValue, StreamBody),
}

impl Body {
    fn read(body: CallBody, multipart: bool) -> Result<Self, ApiError> {
        match body {
            CallBody::TooLarge => Err(ApiError::validation(format!(
                "body failed validation: body should be no larger than {} KB.",
                BODY_MAX / 1024
            ))),
            CallBody::Stream(content_type, stream) if multipart => {
                Ok(Self::Stream(content_type, stream))
            }
            CallBody::Stream(..) => Err(ApiError::invalid_json()),
            CallBody::Whole(bytes) if bytes.is_empty() => Ok(Self::Empty),
            CallBody::Whole(_) if multipart => Err(ApiError::validation(
                "body failed validation: body should be multipart/form-data.",
            )),
            // What is sent on is written anew from what was judged, so that no second reading of the
            // same bytes (doubled members, say) can differ from ours.
            CallBody::Whole(bytes) => {
                serde_json::from_slice(&bytes).map(Self::Json).map_err(|_| ApiError::invalid_json())
            }
        }
    }

    fn json(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Empty | Self::Stream(..) => None,
        }
    }

    fn json_mut(&mut self) -> Option<&mut Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Empty | Self::Stream(..) => None,
        }
    }

    fn into_json(self) -> Option<Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Empty | Self::Stream(..) => None,
        }
    }

    fn into_request(self) -> RequestBody {
        match self {
            Self::Empty => RequestBody::Empty,
            Self::Json(value) => RequestBody::Json(value.to_string().into()),
            Self::Stream(content_type, stream) => RequestBody::Stream(content_type, stream),
        }
    }
}

pub(crate) fn with_query(mut path: String, query: Option<&str>) -> String {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}

/// The headers of an answer that a client of Notion needs.
pub(crate) fn passing_headers(all: &HeaderMap) -> HeaderMap {
    const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
    let mut passing = HeaderMap::with_capacity(4);
    for name in [header::CONTENT_TYPE, REQUEST_ID, header::RETRY_AFTER] {
        if let Some(value) = all.get(&name) {
            passing.insert(name, value.clone());
        }
    }
    passing
}
