//! `/dashboard`: the gate's own pages for admins. Rendered here, without a line of JavaScript.
//!
//! Every page needs a browser session (see `session.rs`), every change is a form with its token, and
//! every handler makes one call into the gate. Texts from outside are escaped by the templates.

mod access;
mod access_runs;
mod activity;
mod keys;
pub(crate) mod layout;
mod parts;
mod people;
mod policies;
pub(crate) mod sign_in;
mod webhooks;
pub(crate) mod words;
mod workspace;
mod workspaces;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::html;

use crate::App;
use crate::routes::{MANAGE, OPEN, OWN, Routes, get, post};
use crate::session::Visitor;
use layout::{Frame, Section};

pub use access_runs::AccessRuns;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/dashboard", get(OWN, workspaces::list))
        .route(
            "/dashboard/connect",
            get(MANAGE, workspaces::connect).post(MANAGE, workspaces::submit_connect),
        )
        .route("/dashboard/workspaces/{id}", get(MANAGE, workspace::show))
        .route(
            "/dashboard/workspaces/{id}/rotate",
            get(MANAGE, workspace::rotate).post(MANAGE, workspace::submit_rotate),
        )
        .route(
            "/dashboard/workspaces/{id}/disconnect",
            get(MANAGE, workspace::disconnect).post(MANAGE, workspace::submit_disconnect),
        )
        .route(
            "/dashboard/workspaces/{id}/access",
            get(MANAGE, access::show).post(MANAGE, access::begin),
        )
        .route("/dashboard/webhooks", get(MANAGE, webhooks::show))
        .route("/dashboard/webhooks/pairing", post(MANAGE, webhooks::pair))
        .route("/dashboard/webhooks/events/replay", post(MANAGE, webhooks::replay))
        .route("/dashboard/webhooks/subscriptions/delete", post(MANAGE, webhooks::submit_delete))
        .route("/dashboard/webhooks/subscriptions/{id}/delete", get(MANAGE, webhooks::delete))
        .route("/dashboard/activity", get(MANAGE, activity::show))
        .route("/dashboard/activity/verify", post(MANAGE, activity::verify))
        .route("/dashboard/people", get(MANAGE, people::list).post(MANAGE, people::submit))
        .route("/dashboard/people/{id}", get(MANAGE, people::show).post(MANAGE, people::change))
        .route("/dashboard/people/{id}/delete", get(MANAGE, people::delete))
        .route("/dashboard/policies", get(MANAGE, policies::show).post(MANAGE, policies::submit))
        .route("/dashboard/keys", get(OWN, keys::show).post(OWN, keys::create))
        .route("/dashboard/keys/end", post(OWN, keys::end))
        .route("/dashboard/sign-in", get(OPEN, sign_in::show).post(OPEN, sign_in::submit))
        .route("/dashboard/sign-out", post(OWN, sign_in::leave))
        .route("/dashboard/assets/{name}", get(OPEN, asset))
        .route("/dashboard/{*rest}", get(OWN, nothing))
        .with(|router| router.method_not_allowed_fallback(no_method))
}

async fn asset(Path(name): Path<String>) -> Response {
    layout::asset(&name)
}

async fn nothing(State(app): State<App>, visitor: Visitor) -> Response {
    let body = html! {
        h1 { "There is no such page" }
        p { "The address may be mistyped, or what it named is gone." }
        p { a.button href="/dashboard" { "To the workspaces" } }
    };
    let mut page = Frame::new(&app, &visitor, "Not found", Section::None).page(&body);
    *page.status_mut() = StatusCode::NOT_FOUND;
    page
}

async fn no_method() -> Response {
    let text = "This address is not for that. Go back and use the links and buttons of the page.";
    fault(StatusCode::METHOD_NOT_ALLOWED, "That did not work", text)
}

/// An error as a page of its own, for those who are not signed in, too.
pub(crate) fn fault(status: StatusCode, title: &str, text: &str) -> Response {
    let body = html! {
        div.sheet {
            h1 { (title) }
            p role="alert" { (text) }
            p { a.button href="/dashboard" { "To the dashboard" } }
        }
    };
    let mut page = layout::bare(title, &body);
    *page.status_mut() = status;
    page
}

/// An error of the gate as a page for somebody who is signed in.
pub(crate) fn failed(app: &App, visitor: &Visitor, error: &gate::Error) -> Response {
    let (status, title, text) = told(error);
    let body = html! {
        h1 { (title) }
        p role="alert" { (text) }
        p { a.button href="/dashboard" { "To the workspaces" } }
    };
    let mut page = Frame::new(app, visitor, title, Section::None).page(&body);
    *page.status_mut() = status;
    page
}

/// An error of the gate as a page for somebody who is not.
fn fault_of(error: &gate::Error) -> Response {
    let (status, title, text) = told(error);
    fault(status, title, &text)
}

fn told(error: &gate::Error) -> (StatusCode, &'static str, String) {
    let status = StatusCode::from_u16(error.to_api().status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = match status {
        StatusCode::FORBIDDEN => "You may not do that",
        StatusCode::NOT_FOUND => "That is not there",
        status if status.is_client_error() => "That did not work",
        _ => "That could not be done now",
    };
    (status, title, words::sentence(&words::line(&error.to_string(), 600)))
}

/// To another page of ours, after a form.
fn redirect(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::from_str(to) {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
