//! `/auth/oidc`: signing in for the dashboard at an OpenID provider. A person goes there and comes back.
//!
//! Everybody may begin; the gate judges who may come in.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use gate::{Callback, OidcError, SignInError, SignedIn, Source};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html;
use model::ExposeSecret;
use url::form_urlencoded;

use crate::App;
use crate::caller::RequestId;
use crate::dashboard::sign_in::{HOME, is_ours};
use crate::dashboard::words::{count, sentence};
use crate::dashboard::{fault, layout};
use crate::flow_cookie::FlowCookie;
use crate::problem::no_method;
use crate::routes::{OPEN, Routes, get};
use crate::server::PeerAddress;
use crate::session::{cookie, set_cookie};

/// Where a sign-in begins.
pub(crate) const START_PATH: &str = "/auth/oidc";
/// Where the provider sends people back to.
pub const OIDC_CALLBACK_PATH: &str = "/auth/oidc/callback";
/// The page that people come back to from signing out at the provider.
pub const SIGNED_OUT_PATH: &str = "/dashboard/sign-in";
const COOKIE: &str = "notegate_oidc";

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(START_PATH, get(OPEN, begin).no_head())
        .route(OIDC_CALLBACK_PATH, get(OPEN, finish).no_head())
        .with(|router| router.method_not_allowed_fallback(no_method))
}

/// A parameter that stands once.
fn single(query: Option<&str>, name: &str) -> Option<String> {
    let query = query.unwrap_or_default();
    let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let (_, value) = given.next()?;
    given.next().is_none().then(|| value.into_owned())
}

async fn begin(
    State(app): State<App>,
    peer: Option<Extension<PeerAddress>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Err(page) = may_try(&app, peer, &headers) {
        return page;
    }
    let Wanted { tenant, next } = Wanted::read(query.as_deref());
    match app.gate.begin_sign_in(tenant.as_deref(), &next).await {
        Ok(departure) => {
            let mut response = go(StatusCode::FOUND, &departure.location);
            flow_cookie(&app).set(&mut response, Some(departure.browser.expose_secret()));
            response
        }
        Err(error) => refused(&error, START_PATH),
    }
}

/// For which tenant somebody signs in, and which page of ours is wanted then.
pub(crate) struct Wanted {
    pub(crate) tenant: Option<String>,
    pub(crate) next: String,
}

impl Wanted {
    pub(crate) fn read(query: Option<&str>) -> Self {
        let tenant = single(query, "tenant").filter(|name| !name.is_empty());
        let next = single(query, "next").filter(|next| is_ours(next));
        Self { tenant, next: next.unwrap_or_else(|| HOME.to_owned()) }
    }
}

/// Whether an address may try once more; if not, the page that says so.
pub(crate) fn may_try(
    app: &App,
    peer: Option<Extension<PeerAddress>>,
    headers: &HeaderMap,
) -> Result<(), Response> {
    let source = app.site.source(headers, peer.map(|Extension(peer)| peer.0));
    let taken = app.sign_ins.take(&Source::of(source), app.gate.clock().now());
    taken.map_err(|seconds| {
        let text = format!(
            "There were too many attempts from your address. Try again in {}.",
            count(seconds, "second")
        );
        let mut page = fault(StatusCode::TOO_MANY_REQUESTS, "That was too often", &text);
        page.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        page
    })
}

async fn finish(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let browser = FlowCookie::read(COOKIE, &headers);
    let callback = Callback::read(query.as_deref().unwrap_or_default(), browser.as_deref());
    let mut response = match app.gate.finish_sign_in(callback, request_id.as_str()).await {
        Ok(signed_in) => enter(&app, &headers, &signed_in, &request_id).await,
        Err(error) => refused(&error, START_PATH),
    };
    // Whatever came of it, this flow is over.
    flow_cookie(&app).set(&mut response, None);
    response
}

/// Hands a person's session to the browser, and leads on.
pub(crate) async fn enter(
    app: &App,
    headers: &HeaderMap,
    signed_in: &SignedIn,
    request_id: &RequestId,
) -> Response {
    // Whatever session this browser had before is over: nobody can have prepared it.
    if let Some(before) = cookie(&app.site, headers)
        && let Err(error) = app.gate.sign_out(before, request_id.as_str()).await
    {
        return refused(&error.into(), SIGNED_OUT_PATH);
    }
    let next = if is_ours(&signed_in.next) { &signed_in.next } else { HOME };
    let mut response = go(StatusCode::SEE_OTHER, next);
    if let Some(cookie) = set_cookie(&app.site, &signed_in.session) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn flow_cookie(app: &App) -> FlowCookie<'static> {
    FlowCookie { name: COOKIE, path: START_PATH, secure: app.site.is_secure() }
}

/// Leads on, and tells the next page nothing of this one.
fn go(status: StatusCode, to: &str) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::try_from(to) {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What the person is told, and what an admin can do about it; `again` is where to begin anew.
pub(crate) fn refused(error: &SignInError, again: &str) -> Response {
    let (status, title, advice) = match error {
        SignInError::NotConfigured | SignInError::NoApp => (
            StatusCode::NOT_FOUND,
            "Signing in like this is not set up here",
            "The operator of this gate can set it up; with an admin key you can sign in at once.",
        ),
        SignInError::State(_) => (
            StatusCode::FORBIDDEN,
            "That sign-in is not valid",
            "Nobody was signed in. Begin again, and finish it in the same browser within ten minutes.",
        ),
        SignInError::Denied(_) => {
            (StatusCode::FORBIDDEN, "Nobody was signed in", "If that was a mistake, begin again.")
        }
        SignInError::Malformed(_) => {
            (StatusCode::BAD_REQUEST, "Nobody was signed in", "Begin again.")
        }
        SignInError::Provider(OidcError::Unreachable { .. } | OidcError::Status { .. }) => (
            StatusCode::BAD_GATEWAY,
            "The provider did not answer",
            "Try again in a moment. If it stays like this, the operator should run `notegate doctor oidc`.",
        ),
        SignInError::Provider(_) => (
            StatusCode::BAD_GATEWAY,
            "The provider is not believed",
            "Nobody was signed in. Begin again; if it stays like this, the operator should look at the log \
             and run `notegate doctor oidc`.",
        ),
        SignInError::Exchange(_) => (
            StatusCode::BAD_GATEWAY,
            "Nobody was signed in",
            "Begin again; if it stays like this, the operator should look at the log and run `notegate doctor oauth`.",
        ),
        SignInError::NoPerson => (
            StatusCode::FORBIDDEN,
            "Nobody was signed in",
            "Begin again with an account of your own at Notion.",
        ),
        SignInError::OtherWorkspace => (
            StatusCode::FORBIDDEN,
            "That is another workspace",
            "Begin again, and choose the workspace that this gate stands in front of. What you allowed at \
             Notion was given back.",
        ),
        SignInError::Unknown(_) | SignInError::NoEmail => (
            StatusCode::FORBIDDEN,
            "You are not a user of this gate",
            "Ask an admin of this gate to add you (Dashboard → People, or `notegate users add EMAIL --role \
             viewer`), and sign in again.",
        ),
        SignInError::Unverified(_) => (
            StatusCode::FORBIDDEN,
            "Your address is not verified",
            "Verify it with the provider, and sign in again.",
        ),
        SignInError::OtherAccount(_) => (
            StatusCode::FORBIDDEN,
            "That is another account",
            "Sign in where you did before. If you have a new account there, ask an admin of this gate to let you sign in as if \
             for the first time (Dashboard → People, or `notegate users forget EMAIL`).",
        ),
        SignInError::SeveralTenants => (
            StatusCode::CONFLICT,
            "For which tenant?",
            "Open /auth/oidc?tenant=NAME with the name of the one that you want.",
        ),
        SignInError::Gate(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "That could not be done now",
            "Try again in a moment. The gate's log says more.",
        ),
    };
    // What the provider said in detail is for the log.
    let happened = match error {
        SignInError::Provider(OidcError::Token(_)) | SignInError::Gate(_) => String::new(),
        SignInError::Provider(_) => String::new(),
        other => sentence(&other.to_string()),
    };
    let body = html! {
        div.sheet {
            (layout::brand())
            h1 { (title) }
            p role="alert" { (happened) " " (advice) }
            p.actions {
                a.button.primary href=(again) { "Begin again" }
                a.button href=(SIGNED_OUT_PATH) { "To the sign-in" }
            }
        }
    };
    let mut page = layout::bare(title, &body);
    *page.status_mut() = status;
    let headers = page.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    page
}
