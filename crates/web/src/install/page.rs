//! What people and programs are told when a workspace was not installed. Everything from outside is
//! escaped, and nothing of what came back from Notion is shown but the word of an error.

use axum::response::{IntoResponse, Response};
use gate::{Error, InstallError};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html;
use notion::client::SendError;
use notion::oauth::OAuthError;

use super::START_PATH;
use crate::dashboard::layout;
use crate::dashboard::words::sentence;
use crate::problem::Problem;

/// What is told.
struct Told {
    status: StatusCode,
    code: &'static str,
    /// What happened, as the heading.
    title: String,
    /// More about it, and what to do.
    text: String,
}

/// Answers an installation that failed.
pub(super) fn failed(headers: &HeaderMap, error: &InstallError) -> Response {
    if let InstallError::Gate(error) = error
        && wants_json(headers)
    {
        return private(Problem::of(error).into_response());
    }
    show(headers, &told(error))
}

/// Answers a request that is none.
pub(super) fn refused(
    headers: &HeaderMap,
    status: StatusCode,
    code: &'static str,
    detail: &str,
) -> Response {
    let title = "That link does not work".to_owned();
    show(headers, &Told { status, code, title, text: format!("{detail}.") })
}

fn told(error: &InstallError) -> Told {
    let tell = |status: StatusCode, code: &'static str, title: &str, text: &str| Told {
        status,
        code,
        title: title.to_owned(),
        text: text.to_owned(),
    };
    const FAILED: &str = "Authorization failed";
    match error {
        InstallError::NotConfigured => tell(
            StatusCode::NOT_FOUND,
            "oauth_not_configured",
            "OAuth is not set up here",
            "The operator of this gate can set NOTION_OAUTH_CLIENT_ID, NOTION_OAUTH_CLIENT_SECRET and \
             NOTION_OAUTH_REDIRECT_URI, and start it again.",
        ),
        InstallError::State(fault) => tell(
            StatusCode::FORBIDDEN,
            "oauth_state_mismatch",
            "Refused: possible CSRF",
            &format!(
                "{} Nothing was connected, and Notion was not asked. If it was you who began this: begin \
                 again, and finish it in the same browser within ten minutes.",
                sentence(&fault.to_string())
            ),
        ),
        InstallError::Denied(word) => tell(
            StatusCode::BAD_REQUEST,
            "authorization_denied",
            &format!("Authorization denied: {word}"),
            "Nothing was connected. If that was a mistake, begin again and allow access at Notion.",
        ),
        InstallError::Malformed(what) => tell(
            StatusCode::BAD_REQUEST,
            "authorization_failed",
            FAILED,
            &format!("What came back makes no sense: {what}. Nothing was connected."),
        ),
        InstallError::Exchange(error) => {
            let (status, text) = exchange(error);
            tell(status, "authorization_failed", FAILED, text)
        }
        InstallError::Unverified(_) | InstallError::Contradiction => tell(
            StatusCode::BAD_GATEWAY,
            "authorization_failed",
            FAILED,
            "Notion gave a token and then did not vouch for it, so it was not kept and taken back as far as \
             Notion let us. Begin again in a moment; the gate's log says more.",
        ),
        InstallError::SignIn(error) => tell(
            StatusCode::FORBIDDEN,
            "sign_in_failed",
            "Nobody was signed in",
            &sentence(&error.to_string()),
        ),
        InstallError::OtherTenant | InstallError::NotKept(Error::Conflict(_)) => tell(
            StatusCode::CONFLICT,
            "connection_exists",
            "This installation belongs to somebody else here",
            "Another tenant of this gate has connected this installation before, and it stays theirs. \
             Connect the workspace as another person, or ask the operator of this gate.",
        ),
        InstallError::NotKept(_) => tell(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_stored",
            "The workspace could not be stored",
            "Notion agreed, but this gate could not keep the token; it was taken back as far as Notion let \
             us. The operator should look at the log and at the disk; then begin again.",
        ),
        InstallError::Gate(error) => {
            let status = StatusCode::from_u16(error.to_api().status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            tell(status, "refused", "That could not be done", &sentence(&error.to_string()))
        }
    }
}

/// Why Notion did not take the code, and who can do something about it.
fn exchange(error: &OAuthError) -> (StatusCode, &'static str) {
    let refused = StatusCode::BAD_REQUEST;
    match error {
        OAuthError::Refused { error, .. } => match error.as_str() {
            "invalid_grant" => (
                refused,
                "Notion did not take the code: it was used already, or it is too old. Codes are single-use: \
                 begin again.",
            ),
            "invalid_client" | "unauthorized_client" => (
                refused,
                "Notion does not know this gate's OAuth client, or its secret is wrong. The operator should \
                 check NOTION_OAUTH_CLIENT_ID and NOTION_OAUTH_CLIENT_SECRET.",
            ),
            _ => (
                refused,
                "Notion refused the exchange of the code. The operator should check that \
                 NOTION_OAUTH_REDIRECT_URI is just as it is registered with Notion (a slash at the end \
                 counts); the gate's log has Notion's word for it.",
            ),
        },
        OAuthError::Busy { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Notion has too much to do just now. Nothing was connected: begin again in a minute.",
        ),
        OAuthError::Unsent(_) => (
            StatusCode::BAD_GATEWAY,
            "Notion could not be reached. Nothing was connected: begin again when it can.",
        ),
        OAuthError::Unanswered(SendError::Timeout(_)) => (
            StatusCode::GATEWAY_TIMEOUT,
            "Notion did not answer in time. Nothing was connected: begin again.",
        ),
        OAuthError::Unanswered(_) | OAuthError::Unclear { .. } => (
            StatusCode::BAD_GATEWAY,
            "Notion's answer could not be read. Nothing was connected: begin again.",
        ),
    }
}

fn show(headers: &HeaderMap, told: &Told) -> Response {
    let Told { status, code, title, text } = told;
    if wants_json(headers) {
        let problem = Problem::new(*status, code, format!("{title}. {text}"));
        return private(problem.into_response());
    }
    let body = html! {
        div.sheet {
            (layout::brand())
            h1 { (title) }
            p role="alert" { (text) }
            p.actions {
                a.button.primary href=(START_PATH) { "Begin again" }
                a.button href="/dashboard" { "To the dashboard" }
            }
        }
    };
    let mut page = layout::bare(title, &body);
    *page.status_mut() = *status;
    private(page)
}

fn private(mut response: Response) -> Response {
    keep_private(response.headers_mut());
    response
}

/// The address of these answers holds a code: nobody may keep it or be told of it.
pub(super) fn keep_private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Whether a program asks, and not a browser.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| {
        let json = ["application/json", "application/problem+json"];
        json.iter().any(|kind| accept.contains(kind)) && !accept.contains("text/html")
    })
}
