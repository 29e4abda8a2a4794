//! The page on which a person lets a client in: who asks, where the answer goes, what it opens, for how long.
//!
//! It comes before everything else that happens for a client, and each time: nothing that a client says of
//! itself makes it go away. Nothing is kept for those who look at it; the client's request travels in the
//! form, and over the sign-in in a cookie, and is judged anew each time that it comes back.

use std::time::Duration;

use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::{AuthorizationRequest, Choice, Error, NotAnswered, OAuthFault, Session, Source};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use model::{ConnectionId, Role};
use notion::Id;

use super::{AUTHORIZE_PATH, origin};
use crate::App;
use crate::caller::RequestId;
use crate::dashboard::{fault, layout, words};
use crate::flow_cookie::FlowCookie;
use crate::server::PeerAddress;
use crate::session::{FORM_TOKEN, Fields, of_consent};

/// Carries the client's request over the sign-in.
const COOKIE: &str = "notegate_oauth";
/// Cookies hold no more.
const QUERY_MAX: usize = 2900;
const DAY: u64 = 24 * 3600;
/// For how many days somebody can let a client in.
const DAYS: [(u64, &str); 4] =
    [(1, "for a day"), (30, "for 30 days"), (90, "for 90 days"), (365, "for a year")];
const DAYS_USUAL: u64 = 90;

fn flow_cookie(app: &App) -> FlowCookie<'static> {
    // The page where people sign in tells what it is about, too.
    FlowCookie { name: COOKIE, path: "/", secure: app.site.is_secure() }
}

/// The request in the cookie.
fn carried(headers: &HeaderMap) -> Option<String> {
    let text = FlowCookie::read(COOKIE, headers)?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// What somebody is told who must sign in first: which client asks, and where the answer goes.
pub(crate) async fn asking(app: &App, headers: &HeaderMap, source: Source) -> Option<Markup> {
    let query = carried(headers)?;
    app.asking.take(&source, app.gate.clock().now()).ok()?;
    let origin = origin(app, headers).ok()?;
    let request = app.gate.authorization_request(&query, &origin).await.ok()?;
    Some(html! {
        p #asking {
            "A client that calls itself " strong { (words::line(&request.client.name, 100)) }
            " wants to use Notion through this gate; the answer goes to "
            strong { (request.redirect_host()) }
            ". Sign in, and decide on the next page. If you have not just connected it yourself, close this one."
        }
    })
}

pub(super) async fn show(
    State(app): State<App>,
    peer: Option<Extension<PeerAddress>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    // Whoever comes from the sign-in brings the request in the cookie.
    let asked = query.filter(|query| !query.is_empty());
    let is_back = asked.is_none();
    let query = asked.or_else(|| carried(&headers));
    let query = query.unwrap_or_default();
    let session = of_consent(&app, &headers);
    // A request may have the gate fetch a document from wherever its sender wants.
    if session.is_none() {
        let source = app.site.source(&headers, peer.map(|Extension(peer)| peer.0));
        if app.asking.take(&Source::of(source), app.gate.clock().now()).is_err() {
            let text = "There were too many requests from your address. Try again in a minute.";
            return fault(StatusCode::TOO_MANY_REQUESTS, "That was too often", text);
        }
    }
    let request = match judged(&app, &headers, &query, session.as_ref()).await {
        Ok(request) => request,
        Err(response) => return *response,
    };
    let Some((session, request)) = session.zip(request) else {
        if query.len() > QUERY_MAX {
            return told(&OAuthFault::request("the request is too long"));
        }
        let next = "/dashboard/sign-in?next=%2Foauth%2Fauthorize";
        let mut response = go(next);
        flow_cookie(&app).set(&mut response, Some(&URL_SAFE_NO_PAD.encode(&query)));
        return response;
    };
    // From there it goes into the address again, so that the page can be loaded anew.
    let mut response = if is_back {
        go(&format!("{AUTHORIZE_PATH}?{query}"))
    } else {
        page(&app, &session, &request, &query, StatusCode::OK, None)
    };
    flow_cookie(&app).set(&mut response, None);
    response
}

pub(super) async fn submit(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let Some(session) = of_consent(&app, &headers) else {
        let text = "You are not signed in any more. Go back to the client and begin again.";
        return fault(StatusCode::FORBIDDEN, "Nobody is signed in", text);
    };
    if !session.accepts_form(fields.text(FORM_TOKEN)) {
        let text = "The form is older than your session, or did not come from a page of this gate. \
                    Nothing was allowed: go back to the client and begin again.";
        return fault(StatusCode::FORBIDDEN, "That form is not valid any more", text);
    }
    let query = fields.raw("request");
    let request = match judged(&app, &headers, query, Some(&session)).await {
        Ok(Some(request)) => request,
        Ok(None) => return told(&OAuthFault::request("the request makes no sense")),
        Err(response) => return *response,
    };
    let (principal, request_id) = (&session.principal, request_id.as_str());
    let done = match fields.text("decision") {
        "allow" => match choice(&fields) {
            Ok(choice) => app.gate.approve_client(principal, &request, choice, request_id).await,
            Err(error) => Err(error),
        },
        _ => app.gate.deny_client(principal, &request, request_id).await,
    };
    match done {
        Ok(to) => go(&to),
        Err(error) if error.to_api().status < 500 => {
            let text = words::sentence(&error.to_string());
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&app, &session, &request, query, status, Some(&text))
        }
        Err(_) => {
            let text = "Nothing was allowed. Try again in a moment; the gate's log says more.";
            fault(StatusCode::SERVICE_UNAVAILABLE, "That could not be done now", text)
        }
    }
}

/// The client's request, or what is answered instead; `None` if somebody must sign in to be told what is
/// wrong with it.
async fn judged(
    app: &App,
    headers: &HeaderMap,
    query: &str,
    session: Option<&Session>,
) -> Result<Option<AuthorizationRequest>, Box<Response>> {
    let origin = origin(app, headers).map_err(|_| {
        let text = "This gate does not know the address that people open. The operator should set \
                    SERVICE_URL.";
        fault(StatusCode::NOT_FOUND, "Clients cannot be let in here", text)
    })?;
    let tenant = session.map(|session| &session.principal.tenant);
    match app.gate.authorization_request(query, &origin).await {
        Ok(request) => match tenant.is_none_or(|tenant| request.client.is_for(tenant)) {
            true => Ok(Some(request)),
            false => Err(Box::new(told(&OAuthFault::unknown_client()))),
        },
        Err(NotAnswered::Page(fault)) => Err(Box::new(told(&fault))),
        Err(NotAnswered::Client { .. }) if session.is_none() => Ok(None),
        Err(NotAnswered::Client { fault, to, host, client, on_this_machine }) => {
            let is_ours = client.tenant.is_some() && client.tenant.as_ref() == tenant;
            let is_known = on_this_machine || is_ours;
            Err(Box::new(if is_known { go(&to) } else { handed_back(&fault, &to, &host) }))
        }
    }
}

/// A request with a fault that its client is told of, if the person wants to go there.
fn handed_back(fault: &OAuthFault, to: &str, host: &str) -> Response {
    let body = html! {
        div.sheet {
            (layout::brand())
            h1 { "That request is not valid" }
            p role="alert" {
                (words::sentence(&fault.description)) " Nothing was allowed. Its makers can use this: "
                code { (fault.error) } "."
            }
            p.actions { a.button #back href=(to) rel="noreferrer" { "Back to " (host) } }
        }
    };
    let mut page = layout::bare("That request is not valid", &body);
    *page.status_mut() = StatusCode::BAD_REQUEST;
    page.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    page
}

/// A request that leads nowhere: whoever opened it is told, and sent to nobody.
fn told(fault: &OAuthFault) -> Response {
    let text = format!(
        "{} Nothing was allowed, and you were not sent on. If a program of yours brought you here, connect \
         it anew; its makers can use this: {}.",
        words::sentence(&fault.description),
        fault.error
    );
    crate::dashboard::fault(StatusCode::BAD_REQUEST, "That request is not valid", &text)
}

/// What the person chose.
fn choice(fields: &Fields) -> Result<Choice, Error> {
    let invalid = |text: &str| Error::Invalid(text.to_owned());
    let role = fields.text("role").parse().map_err(|_| invalid("choose what it may do"))?;
    let within = fields.text("within").split_whitespace().map(|text| {
        Id::from_pasted(text).ok_or_else(|| {
            let shown = words::line(text, 80);
            Error::Invalid(format!("`{shown}` is neither an id nor a URL of Notion"))
        })
    });
    let within = within.collect::<Result<Vec<_>, _>>()?;
    let connection = Id::parse(fields.text("connection")).map(ConnectionId);
    let days = fields.text("days").parse::<u64>().ok();
    let days = days.filter(|days| DAYS.iter().any(|(known, _)| known == days));
    let days = days.ok_or_else(|| invalid("choose for how long"))?;
    Ok(Choice { role, within, connection, expires_in: Duration::from_secs(days * DAY) })
}

fn page(
    app: &App,
    session: &Session,
    request: &AuthorizationRequest,
    query: &str,
    status: StatusCode,
    refused: Option<&str>,
) -> Response {
    let principal = &session.principal;
    let name = words::line(&request.client.name, 100);
    let host = request.redirect_host();
    let who = match (principal.key(), &principal.person) {
        (Some(key), _) => format!("the key {}", words::line(&key.name, 60)),
        (None, Some(person)) => words::line(&person.email, 80),
        (None, None) => "the operator".to_owned(),
    };
    let body = html! {
        div.sheet.wide {
            (layout::brand())
            h1 { "Let " (name) " in?" }
            p {
                "A client that calls itself " strong { (name) }
                " wants to use Notion through this gate, as far as you choose below. The answer goes to "
                strong #redirect { (host) } "."
            }
            @if let Some(text) = refused { p.notice.bad role="alert" { (text) } }
            @if request.is_for_this_machine() {
                p.notice.warn #loopback {
                    "The answer goes to a program on the computer in front of you. Every program there could \
                     have asked: allow it only if you have just connected one yourself."
                }
            }
            (vouched(app, request))
            form.stack method="post" action=(AUTHORIZE_PATH) {
                input type="hidden" name=(FORM_TOKEN) value=(session.form_token());
                input type="hidden" name="request" value=(query);
                (fields(app, session, request))
                p.quiet.small { "You are signed in as " (who) ". You can end this at any time under Keys." }
                div.actions {
                    button.button.primary name="decision" value="allow" { "Allow" }
                    button.button name="decision" value="deny" formnovalidate { "Do not allow" }
                }
            }
        }
    };
    let mut page = layout::bare("Let a client in", &body);
    *page.status_mut() = status;
    let headers = page.headers_mut();
    // Browsers hold the way on after a form against its policy, too.
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {}; \
         base-uri 'none'; frame-ancestors 'none'",
        form_target(&request.redirect_uri)
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if app.site.is_secure() {
        let hsts = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    page
}

/// What is known of a client besides what it says.
fn vouched(app: &App, request: &AuthorizationRequest) -> Markup {
    let client = &request.client;
    html! {
        dl.facts {
            div { dt { "Answer goes to" } dd { code { (words::line(&request.redirect_uri, 200)) } } }
            div {
                dt { "Client" }
                dd #client {
                    code { (words::line(&client.id, 200)) }
                    @match client.registered_at {
                        Some(at) => {
                            span.quiet.under {
                                "registered itself " (words::when(at, app.gate.clock().now()))
                                "; nobody checked its name"
                            }
                        }
                        None => span.quiet.under { "described by its makers at this address" },
                    }
                }
            }
        }
    }
}

fn fields(app: &App, session: &Session, request: &AuthorizationRequest) -> Markup {
    let principal = &session.principal;
    let most = request.role.min(principal.role);
    let chosen = if request.scope_given { most } else { Role::Viewer };
    let workspaces = app.gate.workspaces_to_grant(principal);
    html! {
        @if workspaces.is_empty() {
            p.notice.warn { "No workspace is connected. An admin can connect one in the dashboard; begin again then." }
        }
        div.field {
            label for="connection" { "Workspace" }
            select #connection name="connection" {
                @for (id, name) in &workspaces { option value=(id) { (words::line(name, 80)) } }
            }
        }
        div.field {
            label for="role" { "It may" }
            select #role name="role" {
                @for role in Role::ALL.into_iter().filter(|role| *role <= most) {
                    option value=(role.as_str()) selected[role == chosen] {
                        (match role {
                            Role::Viewer => "read",
                            Role::Editor => "read and write",
                            Role::Admin => "read, write and delete",
                        })
                    }
                }
            }
        }
        div.field {
            label for="within" { "Only below" }
            input #within type="text" name="within" maxlength="4000" autocomplete="off" spellcheck="false"
                aria-describedby="within-help";
            p.quiet #within-help { "URLs of pages or databases, with spaces between; empty for everything that you reach." }
        }
        div.field {
            label for="days" { "It ends" }
            select #days name="days" {
                @for (days, text) in DAYS {
                    option value=(days) selected[days == DAYS_USUAL] {
                        (text.replacen("for", "after", 1))
                    }
                }
            }
        }
    }
}

/// Where a form may lead, for the policy of its page.
fn form_target(redirect_uri: &str) -> String {
    let Ok(url) = url::Url::parse(redirect_uri) else { return String::new() };
    match (url.scheme(), url.host()) {
        // There is no way to write such an address in a policy.
        ("http", Some(url::Host::Ipv6(_))) => "http:".to_owned(),
        ("http" | "https", Some(_)) => url.origin().ascii_serialization(),
        (scheme, _) => format!("{scheme}:"),
    }
}

/// Leads on, and tells the next page nothing of this one.
fn go(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::try_from(to) {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
