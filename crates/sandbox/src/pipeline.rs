//! The way of a request: the checks that all operations share, in Notion's order, then the
//! operation.
//!
//! Route, JSON, `Authorization`, token, version, capability, ids in the path; bodies and look-ups
//! are the operation's own.

use http::{HeaderMap, Method};
use notion::Version;
use notion::catalogue::{self, Operation};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::multipart;
use crate::oauth;
use crate::origin::base_url;
use crate::query::session::Sessions;
use crate::render::dialect;
use crate::routes::{self, Request, Scene};
use crate::world::World;
use crate::world::access::Who;

/// Longest JSON body.
pub(crate) const BODY_MAX: usize = 500 * 1024;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// Still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) version: Option<String>,
    /// All headers.
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

impl Incoming {
    /// The row of the catalogue.
    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        if oauth::is_form(self) {
            return Operation::named("authorize");
        }
        catalogue::find(&self.method, &self.path).map(|found| found.operation)
    }

    /// The token that was shown, if the header has the right form.
    pub(crate) fn token(&self) -> Option<&str> {
        let value = self.authorization.as_deref()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|t| !t.is_empty())
    }

    /// The body as JSON; `Null` when there is none.
    pub(crate) fn json(&self) -> Result<Value, Fail> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        if self.body.len() > BODY_MAX {
            return Err(Fail::validation(format!(
                "body failed validation: the request body should be ≤ `{BODY_MAX}` bytes, instead \
                 was `{}`.",
                self.body.len()
            )));
        }
        serde_json::from_slice(&self.body).map_err(|_| Fail::bad_json())
    }
}

/// Who makes the request: a token, or a person through the control route.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Token,
    Person(Who),
}

/// Answers a request to `/v1`.
pub(crate) fn answer(
    world: &mut World,
    sessions: &mut Sessions,
    incoming: &Incoming,
    caller: &Caller,
) -> Result<Value, Fail> {
    // What a person does comes through a control route, which knows how it was addressed.
    if matches!(caller, Caller::Token) {
        world.base_url = base_url(&incoming.headers);
    }
    world.settle_uploads();
    routes::later::run_due(world, sessions);
    let found = catalogue::find(&incoming.method, &incoming.path).ok_or_else(Fail::no_route)?;
    let operation = found.operation;
    let body = if operation.multipart { Value::Null } else { incoming.json()? };
    let (who, version) = match caller {
        Caller::Person(who) => {
            let named = incoming.version.as_deref().and_then(Version::parse);
            // A person has no version: the newest that has the operation.
            let usual = operation.until.min(Version::LATEST);
            (who.clone(), named.filter(|v| operation.exists_in(*v)).unwrap_or(usual))
        }
        Caller::Token => {
            let token = incoming.token().ok_or_else(Fail::no_bearer)?;
            let who = world.who_has(token).ok_or_else(Fail::bad_token)?;
            let given = incoming.version.as_deref();
            let version = given.and_then(Version::parse).ok_or_else(|| Fail::bad_version(given))?;
            (who, version)
        }
    };
    if !operation.exists_in(version) {
        return Err(Fail::no_route());
    }
    let too = operation.needs_too(Some(&body));
    if !operation.needs.met_by(who.capabilities) || too.is_some_and(|too| !who.can(too)) {
        return Err(Fail::no_capability());
    }
    let params = found.params.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    let request = Request {
        path: Value::Object(params.collect::<Map<String, Value>>()),
        query: read_query(&incoming.query),
        body: in_words(body, version),
    };
    check_path(operation, &request)?;
    check_body(operation, &request)?;
    let mut scene = Scene { world, sessions, who, version };
    let answer = if operation.multipart {
        multipart::read(incoming).and_then(|form| routes::send(&mut scene, &request, form))
    } else {
        routes::run(&mut scene, operation, &request)
    };
    let era = scene.world.era(version);
    match answer {
        Ok(answer) => Ok(dialect::shown(answer, version, era)),
        Err(fail) => Err(fail.of_era(era)),
    }
}

/// A body in the words of 2022-06-28, if its version has others.
fn in_words(mut body: Value, version: Version) -> Value {
    if body["properties"].is_object() {
        dialect::understood(&mut body, version);
    }
    body
}

/// The status of an answer: a long write is only taken in.
pub(crate) fn status(incoming: &Incoming, answer: &Value) -> u16 {
    let is_read = incoming.method == Method::GET;
    if !is_read && answer["object"] == "async_task" { 202 } else { 200 }
}

/// Every id in the path is one.
fn check_path(operation: &Operation, request: &Request) -> Result<(), Fail> {
    for place in operation.ids {
        if let catalogue::Place::Path(name, _) = place {
            request.id(name)?;
        }
    }
    Ok(())
}

/// A body is an object; where none belongs, its members are complained about.
fn check_body(operation: &Operation, request: &Request) -> Result<(), Fail> {
    if request.body.is_null() || operation.multipart {
        return Ok(());
    }
    let body = Spot::body(&request.body);
    let members = body.object()?;
    let is_read = matches!(operation.verb, catalogue::Verb::Get | catalogue::Verb::Delete);
    match members.keys().next().filter(|_| is_read) {
        Some(stranger) => Err(body.get(stranger).not_present().into()),
        None => Ok(()),
    }
}

/// The query as JSON: text, or an array of text where a key is repeated.
pub(crate) fn read_query(text: &str) -> Value {
    let mut out = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()).take(1000) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |part: &str| {
            percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        let (key, value) = (decode(key), Value::String(decode(value)));
        match out.get_mut(&key) {
            Some(Value::Array(all)) => all.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                out.insert(key, value);
            }
        }
    }
    Value::Object(out)
}
