//! The workspaces: which there are, how they are, which of them needs somebody; and connecting one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use gate::{Tokens, Workspace};
use http::StatusCode;
use jiff::Timestamp;
use maud::{Markup, html};
use model::Connection;
use notion::Id;
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{failed, parts, redirect, words};
use crate::App;
use crate::session::{Submitted, Visitor};

/// What has just been done, to be told on the next page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct News {
    /// The bot of a workspace that was connected.
    connected: Option<String>,
    #[serde(default)]
    removed: bool,
}

pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    news: Result<Query<News>, QueryRejection>,
) -> Result<Response, Response> {
    // People who manage nothing have keys of their own.
    if !app.gate.is_manager(visitor.principal()) {
        return Ok(redirect("/dashboard/keys"));
    }
    let news = news.map(|Query(news)| news).unwrap_or_default();
    let all = app.gate.list_workspaces(visitor.principal(), visitor.request_id()).await;
    let all = all.map_err(|error| failed(&app, &visitor, &error))?;
    let frame = Frame::new(&app, &visitor, "Workspaces", Section::Workspaces);
    let body = html! {
        div.heading {
            h1 { "Workspaces" }
            @if !all.is_empty() { (connect_button()) }
        }
        (told(&news, &all))
        (attention(&all, frame.now))
        @if all.is_empty() {
            div.empty {
                h2 { "No workspace is connected" }
                p { "Connect one, and hand out keys that open just the part of it that somebody needs." }
                p.actions { (connect_button()) }
            }
        } @else {
            ul.cards { @for workspace in &all { (card(workspace, frame.now)) } }
        }
    };
    Ok(frame.page(&body))
}

fn connect_button() -> Markup {
    html! { a.button.primary href="/dashboard/connect" { "Connect a workspace" } }
}

fn told(news: &News, all: &[Workspace]) -> Markup {
    let id = news.connected.as_deref().and_then(Id::parse);
    let connected = all.iter().find(|it| Some(it.connection.bot_id.0) == id);
    html! {
        @if let Some(Workspace { connection, .. }) = connected {
            p.notice.good role="status" {
                strong { (parts::workspace_name(connection)) " is connected." }
                " Next, make keys for it: " code { "notegate keys create" } ", or look at "
                a href={ (parts::path(connection)) "/access" } { "what it reaches" } "."
            }
        }
        @if news.removed {
            p.notice.good role="status" { "The record was removed." }
        }
    }
}

/// What somebody ought to do, above everything else.
fn attention(all: &[Workspace], now: Timestamp) -> Markup {
    let urgent = all.iter().map(|it| &it.connection).filter(|it| parts::is_urgent(it));
    let overdue = all.iter().map(|it| &it.connection).filter(|it| parts::is_overdue(it, now));
    let line = |connection: &Connection, text: &str| {
        html! {
            li {
                a href=(parts::path(connection)) { (parts::workspace_name(connection)) } ": " (text)
            }
        }
    };
    let lines: Vec<_> = urgent
        .map(|it| line(it, parts::trouble(it).unwrap_or_default()))
        .chain(overdue.map(|it| line(it, "Its token is older than 90 days. Rotate it.")))
        .collect();
    html! {
        @if !lines.is_empty() {
            section.notice.warn aria-labelledby="attention" {
                h2 #attention { "Somebody is needed" }
                ul { @for line in lines { (line) } }
            }
        }
    }
}

fn card(workspace: &Workspace, now: Timestamp) -> Markup {
    let connection = &workspace.connection;
    let path = parts::path(connection);
    html! {
        li.card {
            div.title {
                (parts::sign(connection))
                div {
                    h2 { a href=(path) { (parts::workspace_name(connection)) } }
                    p.quiet { (words::line(&connection.name, 80)) " · " (parts::kind(connection)) }
                }
                (parts::state(connection))
            }
            dl.facts {
                div { dt { "Owner" } dd { (parts::owner(connection)) } }
                div { dt { "Authorised" } dd { (words::when(connection.authorized_at, now)) } }
                div { dt { "Last use" } dd { (words::when_or(connection.last_used_at, now, "Not yet")) } }
                @if connection.state.is_usable() {
                    div { dt { "Age of the credential" } dd { (parts::age(connection, now)) } }
                }
            }
        }
    }
}

/// The page on which a workspace is connected.
pub(super) async fn connect(State(app): State<App>, visitor: Visitor) -> Response {
    connect_page(&app, &visitor, StatusCode::OK, None)
}

fn connect_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    refused: Option<&str>,
) -> Response {
    let frame = Frame::new(app, visitor, "Connect a workspace", Section::Workspaces);
    let oauth = app.gate.oauth_app().is_some();
    let body = html! {
        p.crumb { a href="/dashboard" { "Workspaces" } }
        div.heading { h1 { "Connect a workspace" } }
        @if let Some(text) = refused { p.notice.bad #refused role="alert" { (text) } }
        div.columns {
            @if oauth {
                section.card {
                    h2 { "With Notion" }
                    p { "Notion asks which pages to share, and sends you back here." }
                    p { a.button.primary href="/auth/notion" { "Continue to Notion" } }
                }
            }
            section.card {
                h2 { "With the token of an integration" }
                ol.steps {
                    li {
                        "In Notion, open "
                        a href="https://www.notion.so/profile/integrations" target="_blank" rel="noopener noreferrer" {
                            "your integrations"
                        }
                        " and make one for the workspace."
                    }
                    li { "Give it the capabilities that your team needs, and no more." }
                    li { "Copy its token, and share pages with it under ••• → Connections." }
                }
                form.stack method="post" action="/dashboard/connect" {
                    (frame.token())
                    (token_field("Token", refused.is_some()))
                    button.button.primary[!oauth] { "Connect" }
                }
            }
        }
    };
    let mut page = frame.page(&body);
    *page.status_mut() = status;
    page
}

/// The field for a token of Notion. What was typed is never shown again.
pub(super) fn token_field(label: &str, refused: bool) -> Markup {
    html! {
        div.field {
            label for="token" { (label) }
            input #token type="password" name="token" required autocomplete="off" spellcheck="false"
                autocapitalize="none" maxlength="300" placeholder="ntn_…"
                aria-invalid=[refused.then_some("true")] aria-describedby=[refused.then_some("refused")];
        }
    }
}

pub(super) async fn submit_connect(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let tokens = Tokens { access: fields.secret("token"), write: None };
    let connected =
        app.gate.connect_workspace(visitor.principal(), &tokens, visitor.request_id()).await;
    match connected {
        Ok(Workspace { connection, .. }) => {
            Ok(redirect(&format!("/dashboard?connected={}", connection.bot_id)))
        }
        Err(error) if error.to_api().status < 500 => {
            let text = words::sentence(&error.to_string());
            Ok(connect_page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&text)))
        }
        Err(error) => Err(failed(&app, &visitor, &error)),
    }
}
