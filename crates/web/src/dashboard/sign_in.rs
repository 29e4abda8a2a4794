//! Signing in with an admin key, and out.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use gate::{Purpose, Source};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{layout, redirect as go, words};
use crate::App;
use crate::caller::RequestId;
use crate::install::SIGN_IN_PATH;
use crate::oauth::{AUTHORIZE_PATH, asking};
use crate::oidc::START_PATH;
use crate::server::PeerAddress;
use crate::session::{Fields, Submitted, clear_cookie, cookie, of_browser, set_cookie};

pub(crate) const HOME: &str = "/dashboard";
/// The one answer to every key that opens nothing here, so that it tells nothing about the key.
const REFUSED: &str = "That key does not open the dashboard. It takes the key of an admin, whole, \
                       without a scope, not expired and not revoked.";

const REFUSED_TO_CONSENT: &str = "That key opens nothing here. It takes a whole key of this gate, not \
                                  expired and not revoked.";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

/// To the sign-in, and back afterwards to the page that was asked for.
pub(crate) fn redirect(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or(HOME, |wanted| wanted.as_str());
    if parts.method != Method::GET || wanted == HOME || !is_ours(wanted) {
        return go("/dashboard/sign-in");
    }
    let next = utf8_percent_encode(wanted, NON_ALPHANUMERIC);
    go(&format!("/dashboard/sign-in?next={next}"))
}

/// Only pages of this gate that people open: nobody shall be led elsewhere by a link to our sign-in.
pub(crate) fn is_ours(path: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/?&=".contains(&byte);
    let ours = [HOME, "/auth/notion", "/oauth/authorize"].iter().any(|known| {
        path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    ours && path.len() <= 500 && path.bytes().all(harmless) && !path.contains("//")
}

pub(super) async fn show(
    State(app): State<App>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let wanted = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
    if of_browser(&app, &headers).is_some() {
        return go(if is_ours(&wanted.next) { &wanted.next } else { HOME });
    }
    let source = Source::of(app.site.source(&headers, peer.map(|Extension(peer)| peer.0)));
    form(&app, (&headers, source), StatusCode::OK, &wanted.next, None).await
}

async fn form(
    app: &App,
    (headers, source): (&HeaderMap, Source),
    status: StatusCode,
    next: &str,
    refused: Option<&str>,
) -> Response {
    // Who is sent here by a client is told by which, before anybody is sent on.
    let client = if next == AUTHORIZE_PATH { asking(app, headers, source).await } else { None };
    let at_notion = app.gate.oauth_app().is_some();
    let label = if next == AUTHORIZE_PATH { "Key" } else { "Admin key" };
    let issuer = app.gate.oidc_issuer().and_then(|issuer| issuer.parse::<http::Uri>().ok());
    let provider = issuer.and_then(|issuer| issuer.host().map(str::to_owned));
    let body = html! {
        div.sheet {
            (layout::brand())
            h1 { "Sign in" }
            @if let Some(text) = refused {
                p.notice.bad #refused role="alert" { (text) }
            }
            @if let Some(client) = &client { (client) }
            @let wanted = if is_ours(next) { next } else { HOME };
            @let wanted = utf8_percent_encode(wanted, NON_ALPHANUMERIC);
            @if let Some(host) = &provider {
                p { a.button.primary.whole href={ (START_PATH) "?next=" (wanted) } { "Sign in with " (host) } }
            }
            @if at_notion {
                p {
                    a.button.whole.primary[provider.is_none()] href={ (SIGN_IN_PATH) "?next=" (wanted) } {
                        "Sign in with Notion"
                    }
                }
            }
            @if provider.is_some() || at_notion { p.or { "or with a key" } }
            form.stack method="post" action="/dashboard/sign-in" {
                @if is_ours(next) { input type="hidden" name="next" value=(next); }
                div.field {
                    label for="key" { (label) }
                    input #key type="password" name="key" required autofocus[provider.is_none() && !at_notion]
                        autocomplete="current-password" spellcheck="false" autocapitalize="none"
                        maxlength="200" placeholder="ngk_…" aria-describedby="help";
                }
                button.button.primary[provider.is_none() && !at_notion] { "Sign in" }
            }
            p.quiet #help {
                "On the machine of the gate, "
                code { "notegate keys create NAME --role admin" }
                " makes an admin key."
            }
        }
    };
    let mut page = layout::bare("Sign in", &body);
    *page.status_mut() = status;
    if app.site.is_secure() {
        let hsts = http::HeaderValue::from_static("max-age=31536000");
        page.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    page
}

pub(super) async fn submit(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let source = Source::of(app.site.source(&headers, peer.map(|Extension(peer)| peer.0)));
    let from = (&headers, source);
    let next = fields.text("next");
    if let Err(seconds) = app.sign_ins.take(&source, app.gate.clock().now()) {
        let text = format!(
            "There were too many attempts from your address. Try again in {}.",
            words::count(seconds, "second")
        );
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut page = form(&app, from, status, next, Some(&text)).await;
        page.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return page;
    }
    let (purpose, refused) = match next == AUTHORIZE_PATH {
        true => (Purpose::Consent, REFUSED_TO_CONSENT),
        false => (Purpose::Dashboard, REFUSED),
    };
    let token = match app.gate.sign_in(&fields.secret("key"), purpose, request_id.as_str()).await {
        Ok(token) => token,
        Err(error) if error.is_refusal() => {
            return form(&app, from, StatusCode::FORBIDDEN, next, Some(refused)).await;
        }
        Err(error) => return super::fault_of(&error),
    };
    // Whatever session this browser had before is over: nobody can have prepared it.
    if let Some(before) = cookie(&app.site, &headers)
        && let Err(error) = app.gate.sign_out(before, request_id.as_str()).await
    {
        return super::fault_of(&error);
    }
    let next = if is_ours(next) { next } else { HOME };
    let mut response = if next.starts_with(HOME) { go(next) } else { layout::hop(next) };
    if let Some(cookie) = set_cookie(&app.site, &token) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

pub(super) async fn leave(
    State(app): State<App>,
    headers: HeaderMap,
    submitted: Submitted,
) -> Response {
    let request_id = submitted.visitor.request_id();
    let id_token = match cookie(&app.site, &headers) {
        Some(shown) => match app.gate.sign_out(shown, request_id).await {
            Ok(id_token) => id_token,
            Err(error) => return super::fault_of(&error),
        },
        None => None,
    };
    // Who signed in at a provider signs out there, too: otherwise the next one at this machine is in again.
    let there = match &id_token {
        Some(id_token) => app.gate.provider_sign_out(id_token).await,
        None => None,
    };
    let mut response = match there {
        Some(there) => layout::hop(&there),
        None => go("/dashboard/sign-in"),
    };
    if let Some(cookie) = clear_cookie(&app.site) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_leads_only_to_pages_of_this_gate() {
        for good in [
            "/dashboard",
            "/dashboard/activity?result=denied",
            "/auth/notion?owner=user",
            "/oauth/authorize",
        ] {
            assert!(is_ours(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/dashboard//evil.example",
            "/dashboards",
            "https://evil.example/dashboard",
            "/dashboard/\\evil",
            "/dashboard\r\nset-cookie: a=b",
            "/dashboard/\"><script>",
            "/v1/users",
            "/auth/notionx",
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
