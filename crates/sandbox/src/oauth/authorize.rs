//! What becomes of an authorization request: a page for a person, or an answer to the client.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use notion::Id;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use uuid::Uuid;

use super::consent::{self, Choice, Page};
use super::frame;
use super::picker;
use super::request::{Ask, Back, Unfit};
use crate::calls::fingerprint;
use crate::origin::is_from_here;
use crate::pipeline::{Incoming, read_query};
use crate::world::World;
use crate::world::oauth::Consent;

/// Most pages that are picked one by one; a parent brings what is under it.
const PAGES_MAX: usize = 1000;
/// Longest text that pages are searched for.
const FIND_MAX: usize = 200;
/// The cookie that ties the page's form to the browser that the page was shown to.
const COOKIE: &str = "sandbox_consent";
/// All but what RFC 3986 calls unreserved.
const ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `GET /v1/oauth/authorize`, and the form of the page that it shows.
pub(super) fn answer(world: &mut World, incoming: &Incoming) -> Response {
    let done = Ask::read(world, &incoming.query).and_then(|ask| {
        if incoming.method == Method::POST {
            submitted(world, incoming, &ask)
        } else {
            asked(world, incoming, &ask)
        }
    });
    match done {
        Ok(response) => response,
        Err(Unfit::Here(text)) => frame::problem(&text),
        Err(Unfit::There(back, error, text)) => {
            redirect(StatusCode::FOUND, &back, &[("error", error), ("error_description", &text)])
        }
    }
}

/// A person, or a test that stands in for one (`_sandbox_approve`), is asked.
fn asked(world: &mut World, incoming: &Incoming, ask: &Ask) -> Result<Response, Unfit> {
    let query = read_query(&incoming.query);
    let person = person(world, &query)?;
    match query["_sandbox_approve"].as_str() {
        None => Ok(show(world, incoming, ask, person, &Choice::default(), None)),
        Some("1" | "true") => {
            let consent = Consent {
                person,
                pages: pages(world, person, &query, "_sandbox_pages")?,
                template: matches!(query["_sandbox_template"].as_str(), Some("1" | "true")),
                for_workspace: ask.for_workspace,
            };
            if consent.template && ask.client.template_page_id.is_none() {
                let text = "_sandbox_template: this app has no template.";
                return Err(Unfit::parameter(text));
            }
            Ok(allow(world, StatusCode::FOUND, ask, consent))
        }
        Some("0" | "false") => Ok(deny(StatusCode::FOUND, ask)),
        Some(_) => Err(Unfit::parameter("_sandbox_approve should be 1 or 0.")),
    }
}

/// The form of the page came back.
fn submitted(world: &mut World, incoming: &Incoming, ask: &Ask) -> Result<Response, Unfit> {
    let form = read_query(&String::from_utf8_lossy(&incoming.body));
    let person = person(world, &read_query(&incoming.query))?;
    if !is_own_form(incoming, form["consent"].as_str().unwrap_or_default()) {
        let text = "This form did not come from this page, or the page is too old. Go back to the \
                    app and connect again.";
        return Err(Unfit::Here(text.to_owned()));
    }
    let template = ask.client.template_page_id.is_some() && form["choice"] == "template";
    match form["decision"].as_str() {
        Some("allow") => {}
        Some("find") => {
            let pages = pages(world, person, &form, "pages")?;
            let find = form["find"].as_str().unwrap_or_default().chars().take(FIND_MAX).collect();
            return Ok(show(world, incoming, ask, person, &Choice { pages, template, find }, None));
        }
        _ => return Ok(deny(StatusCode::SEE_OTHER, ask)),
    }
    let pages = if template { Vec::new() } else { pages(world, person, &form, "pages")? };
    if pages.is_empty() && !template {
        let choice = Choice { pages, template, find: String::new() };
        let error = Some("Select at least one page, so that the app has something to work with.");
        return Ok(show(world, incoming, ask, person, &choice, error));
    }
    let consent = Consent { person, pages, template, for_workspace: ask.for_workspace };
    Ok(allow(world, StatusCode::SEE_OTHER, ask, consent))
}

/// Who is asked: `_sandbox_user`, or the first person of the workspace.
fn person(world: &World, query: &Value) -> Result<Id, Unfit> {
    let found = match &query["_sandbox_user"] {
        Value::Null => world.people.keys().next().copied(),
        given => given.as_str().and_then(Id::parse).filter(|id| world.people.contains_key(id)),
    };
    found.ok_or_else(|| Unfit::parameter("_sandbox_user: nobody of this workspace has this id."))
}

/// The ids under a name: repeated, or with commas between them. Each is a page or database that
/// the person sees.
fn pages(world: &World, person: Id, given: &Value, name: &str) -> Result<Vec<Id>, Unfit> {
    let texts: Vec<&str> = match &given[name] {
        Value::String(text) => text.split(',').collect(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    let mut pages = Vec::new();
    for text in texts.take(PAGES_MAX) {
        let id = Id::parse(text).filter(|id| picker::offers(world, person, *id));
        let id = id.ok_or_else(|| {
            let text: String = text.chars().take(60).collect();
            Unfit::parameter(format!("{name}: this person sees no page or database {text}."))
        })?;
        if !pages.contains(&id) {
            pages.push(id);
        }
    }
    Ok(pages)
}

fn allow(world: &mut World, status: StatusCode, ask: &Ask, consent: Consent) -> Response {
    let code = world.issue_code(ask.client.id, consent, ask.named.clone());
    redirect(status, &ask.back, &[("code", &code)])
}

fn deny(status: StatusCode, ask: &Ask) -> Response {
    redirect(status, &ask.back, &[("error", "access_denied")])
}

/// Sends the browser back to the client.
fn redirect(status: StatusCode, back: &Back, parameters: &[(&str, &str)]) -> Response {
    let state = back.state.as_deref().map(|state| ("state", state));
    let query: Vec<String> = parameters
        .iter()
        .copied()
        .chain(state)
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPES)))
        .collect();
    let joint = if back.redirect_uri.contains('?') { '&' } else { '?' };
    let location = format!("{}{joint}{}", back.redirect_uri, query.join("&"));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    // Registered URIs and encoded values are ASCII without control characters.
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The page that asks.
fn show(
    world: &World,
    incoming: &Incoming,
    ask: &Ask,
    person: Id,
    choice: &Choice,
    error: Option<&str>,
) -> Response {
    let known = cookie(&incoming.headers);
    let browser = known.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let page = Page {
        world,
        ask,
        person,
        query: &incoming.query,
        choice,
        error,
        proof: &proof(&browser, &incoming.query),
    };
    let status = if error.is_some() { 422 } else { 200 };
    let mut response = frame::show(status, &page.title(), &consent::body(&page), Some(&ask.back));
    if known.is_none() {
        let cookie = format!("{COOKIE}={browser}; Path=/v1/oauth; HttpOnly; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// What only a page shown to this browser for this request can send back.
fn proof(browser: &str, query: &str) -> String {
    fingerprint(&format!("consent\n{browser}\n{query}"))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let named = all
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let is_ours = named.len() == 32 && named.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then(|| named.to_owned())
}

/// Whether a form was sent by the page: it holds the page's proof, and the browser does not say
/// that it comes from elsewhere. (Ports share cookies, so the cookie alone is not enough.)
fn is_own_form(incoming: &Incoming, shown: &str) -> bool {
    let is_proven =
        cookie(&incoming.headers).is_some_and(|browser| proof(&browser, &incoming.query) == shown);
    is_from_here(&incoming.headers) && is_proven
}
