//! `/auth/notion`: installing a workspace by OAuth, and signing in. A person goes to Notion and comes back
//! here; which of the two it was, the state says.
//!
//! Who may begin: an admin, by session or key, for the own tenant; and the person at this machine, if the
//! gate is one that only serves this machine (see [`is_at_this_machine`]). Everybody else signs in first.

mod page;

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use gate::{Callback, InstallError, Returned, Starter};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use model::ExposeSecret;
use notion::oauth::Owner;
use url::form_urlencoded;

use crate::App;
use crate::caller::{LocalOperator, RequestId, identify};
use crate::flow_cookie::FlowCookie;
use crate::problem::{Problem, no_method};
use crate::routes::{INSTALLER, OPEN, Routes, get};
use crate::server::PeerAddress;
use crate::{dashboard, oidc, session};

/// Where an installation begins.
const START_PATH: &str = "/auth/notion";
/// Where a person signs in.
pub(crate) const SIGN_IN_PATH: &str = "/auth/notion/sign-in";
/// Where Notion sends people back to.
pub const CALLBACK_PATH: &str = "/auth/notion/callback";
/// The cookie that binds a flow to the browser in which it was begun.
const COOKIE: &str = "notegate_install";

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(START_PATH, get(INSTALLER, begin).no_head())
        .route(SIGN_IN_PATH, get(OPEN, sign_in).no_head())
        .route(CALLBACK_PATH, get(INSTALLER, finish).no_head())
        .route("/auth/notion/callback/", get(INSTALLER, finish).no_head())
        .with(|router| router.method_not_allowed_fallback(no_method))
}

/// The text is no redirect URI that the gate can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "must be an https URL without a fragment (http only on this machine), like https://gate.example.com/auth/notion/callback"
)]
pub struct BadRedirectUri;

/// Whether a redirect URI is one that a code may travel to.
pub fn check_redirect_uri(text: &str) -> Result<(), BadRedirectUri> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['#', '\\']);
    let uri: Uri = text.parse().map_err(|_| BadRedirectUri)?;
    let authority = uri.authority().ok_or(BadRedirectUri)?;
    let safe = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback(authority.host()),
        _ => false,
    };
    let host = !authority.host().is_empty() && !authority.as_str().contains('@');
    if plain && safe && host { Ok(()) } else { Err(BadRedirectUri) }
}

async fn begin(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let Some(owner) = owner(parts.uri.query()) else {
        let detail = "`owner` is `user` or `workspace`, once";
        return page::refused(&parts.headers, StatusCode::BAD_REQUEST, "validation_error", detail);
    };
    if let Some(there) = other_name_of_this_machine(&app, &parts) {
        return go(StatusCode::SEE_OTHER, &there);
    }
    let principal = if parts.extensions.get::<LocalOperator>().is_some()
        || parts.headers.contains_key(header::AUTHORIZATION)
    {
        match identify(&parts, &app, &request_id).await {
            Ok(principal) => Some(principal),
            Err(error) => return Problem::of(&error).into_response(),
        }
    } else {
        session::of_browser(&app, &parts.headers).map(|session| session.principal)
    };
    let starter = match &principal {
        Some(principal) => Starter::Manager(principal),
        None if is_at_this_machine(&app, &parts) => Starter::Visitor,
        None if app.gate.oauth_app().is_some() => return dashboard::sign_in::redirect(&parts),
        // There is nothing to sign in for.
        None => Starter::Visitor,
    };
    match app.gate.begin_install(starter, owner) {
        Ok(departure) => {
            let mut response = go(StatusCode::FOUND, &departure.location);
            set_cookie(&app, &mut response, Some(departure.browser.expose_secret()));
            response
        }
        Err(error) => page::failed(&parts.headers, &error),
    }
}

/// Somebody signs in by letting the gate's app in at Notion, which shows who it is.
async fn sign_in(
    State(app): State<App>,
    peer: Option<Extension<PeerAddress>>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(there) = other_name_of_this_machine(&app, &parts) {
        return go(StatusCode::SEE_OTHER, &there);
    }
    if let Err(page) = oidc::may_try(&app, peer, &parts.headers) {
        return page;
    }
    let oidc::Wanted { tenant, next } = oidc::Wanted::read(parts.uri.query());
    match app.gate.begin_sign_in_at_notion(tenant.as_deref(), &next) {
        Ok(departure) => {
            let mut response = go(StatusCode::FOUND, &departure.location);
            set_cookie(&app, &mut response, Some(departure.browser.expose_secret()));
            response
        }
        Err(error) => oidc::refused(&error, SIGN_IN_PATH),
    }
}

async fn finish(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let browser = FlowCookie::read(COOKIE, &headers);
    let callback = Callback::read(query.as_deref().unwrap_or_default(), browser.as_deref());
    let mut response = match app.gate.back_from_notion(callback, request_id.as_str()).await {
        Ok(Returned::Installed(connection)) => {
            go(StatusCode::FOUND, &format!("/dashboard?connected={}", connection.bot_id))
        }
        Ok(Returned::SignedIn(person)) => oidc::enter(&app, &headers, &person, &request_id).await,
        Err(InstallError::SignIn(error)) => oidc::refused(&error, SIGN_IN_PATH),
        Err(error) => page::failed(&headers, &error),
    };
    // Whatever came of it, this flow is over.
    set_cookie(&app, &mut response, None);
    response
}

/// On whose behalf; `None` if that cannot be told.
fn owner(query: Option<&str>) -> Option<Owner> {
    let query = query.unwrap_or_default();
    let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "owner");
    let owner = match given.next() {
        None => Owner::User,
        Some((_, value)) => match &*value {
            "user" => Owner::User,
            "workspace" => Owner::Workspace,
            _ => return None,
        },
    };
    given.next().is_none().then_some(owner)
}

/// Whether nobody but the person in front of this machine can have sent the request: it came over the
/// machine's own network, to a name of its own, through no proxy; and Notion sends people back to this
/// machine, too. Without the first three anybody who reaches the port could connect a workspace of theirs.
fn is_at_this_machine(app: &App, parts: &Parts) -> bool {
    let returns_here = redirect_uri(app)
        .and_then(|uri| uri.authority().cloned())
        .is_some_and(|authority| is_loopback(authority.host()));
    let peer = parts.extensions.get::<PeerAddress>();
    let near = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    let named = host(&parts.headers).is_some_and(|authority| is_loopback(authority.host()));
    let proxied = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "via",
    ];
    returns_here && near && named && !proxied.iter().any(|name| parts.headers.contains_key(*name))
}

/// A browser that opened this gate as `localhost` and will come back to `127.0.0.1` would not have its
/// cookie there: it begins where it will come back.
fn other_name_of_this_machine(app: &App, parts: &Parts) -> Option<String> {
    let navigates = parts.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    let (there, here) = (redirect_uri(app)?, host(&parts.headers)?);
    let authority = there.authority()?;
    let same_port = authority.port_u16().unwrap_or(80) == here.port_u16().unwrap_or(80);
    let other_name = !authority.host().eq_ignore_ascii_case(here.host());
    let loopback = is_loopback(authority.host()) && is_loopback(here.host());
    (navigates && same_port && other_name && loopback).then(|| {
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = parts.uri.path();
        format!("{}://{authority}{path}{query}", there.scheme_str().unwrap_or("http"))
    })
}

fn redirect_uri(app: &App) -> Option<Uri> {
    app.gate.oauth_app()?.redirect_uri.parse().ok()
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn set_cookie(app: &App, response: &mut Response, value: Option<&str>) {
    let uri = redirect_uri(app);
    let secure = uri.as_ref().is_some_and(|uri| uri.scheme_str() == Some("https"));
    // A proxy may have the callback under another path than we do.
    let within = uri.is_none_or(|uri| uri.path().starts_with(START_PATH));
    let path = if within { START_PATH } else { "/" };
    FlowCookie { name: COOKIE, path, secure }.set(response, value);
}

/// Leads on, and tells the next page nothing of this one.
fn go(status: StatusCode, to: &str) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::try_from(to) {
        headers.insert(header::LOCATION, to);
    }
    page::keep_private(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_safe_to_send_a_code_to() {
        for good in [
            "https://gate.example.com/auth/notion/callback",
            "https://gate.example.com/auth/notion/callback/",
            "http://localhost:3000/auth/notion/callback",
            "http://127.0.0.1/auth/notion/callback?x=1",
            "http://[::1]:3000/auth/notion/callback",
        ] {
            assert_eq!(check_redirect_uri(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/auth/notion/callback",
            "gate.example.com/auth/notion/callback",
            "http://gate.example.com/auth/notion/callback",
            "http://localhost.example.com/auth/notion/callback",
            "https://gate.example.com/auth/notion/callback#x",
            "https://user@gate.example.com/auth/notion/callback",
            "https:///auth/notion/callback",
            "https://gate.example.com/a b",
            "javascript:alert(1)",
            "ftp://gate.example.com/",
        ] {
            assert_eq!(check_redirect_uri(bad), Err(BadRedirectUri), "{bad}");
        }
    }

    #[test]
    fn owners_are_user_or_workspace_once() {
        assert_eq!(owner(None), Some(Owner::User));
        assert_eq!(owner(Some("other=x")), Some(Owner::User));
        assert_eq!(owner(Some("owner=workspace")), Some(Owner::Workspace));
        for wrong in
            ["owner=", "owner=team", "owner=User", "owner=user&owner=workspace", "owner=%00"]
        {
            assert_eq!(owner(Some(wrong)), None, "{wrong}");
        }
    }
}
