//! One workspace: its record, what its integration may do, its keys; rotating and disconnecting.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use gate::Workspace;
use http::StatusCode;
use jiff::Timestamp;
use maud::{Markup, html};
use model::key::KeyState;
use model::{Connection, ConnectionKind, ConnectionState, Key, Origin};
use notion::{Capabilities, Capability};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::workspaces::token_field;
use super::{failed, parts, redirect, words};
use crate::App;
use crate::session::{Submitted, Visitor};

/// Keys that one page shows.
const KEYS_SHOWN: usize = 100;

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct News {
    #[serde(default)]
    done: String,
}

/// The workspace that a path names, of the visitor's own tenant.
pub(super) async fn found(app: &App, visitor: &Visitor, id: &str) -> Result<Workspace, Response> {
    let found = app.gate.find_workspace(visitor.principal(), id, visitor.request_id()).await;
    found.map_err(|error| failed(app, visitor, &error))
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    news: Result<Query<News>, QueryRejection>,
) -> Result<Response, Response> {
    let news = news.map(|Query(news)| news).unwrap_or_default();
    let workspace = found(&app, &visitor, &id).await?;
    let keys = app.gate.list_keys(visitor.principal(), visitor.request_id()).await;
    let mut keys = keys.map_err(|error| failed(&app, &visitor, &error))?;
    let connection = &workspace.connection;
    keys.retain(|key| key.connection.is_none_or(|bound| bound == connection.bot_id));
    let name = parts::workspace_name(connection);
    let frame = Frame::new(&app, &visitor, &name, Section::Workspaces);
    let now = frame.now;
    let body = html! {
        (head(connection, false))
        @match news.done.as_str() {
            "rotated" => {
                p.notice.good role="status" {
                    strong { "The credential was replaced." }
                    " Calls go out with the new one; the old one is kept for a short grace."
                }
            }
            "disconnected" => {
                p.notice.good role="status" {
                    strong { "The workspace is disconnected." } " Calls by its keys are refused from now on."
                }
            }
            _ => {}
        }
        @if let Some(text) = parts::trouble(connection) {
            p.notice class=(if parts::is_urgent(connection) { "notice warn" } else { "notice idle" }) { (text) }
        }
        section.card aria-label="Record" {
            (record(connection, now))
            (acts(&app, connection))
        }
        (capabilities(&workspace))
        (key_list(&app, &keys, now))
    };
    Ok(frame.page(&body))
}

/// The top of every page about a workspace; `below` for those that lead back to its own page.
pub(super) fn head(connection: &Connection, below: bool) -> Markup {
    html! {
        p.crumb {
            a href="/dashboard" { "Workspaces" }
            @if below { " / " a href=(parts::path(connection)) { (parts::workspace_name(connection)) } }
        }
        div.heading {
            div.title {
                (parts::sign(connection))
                h1 { (parts::workspace_name(connection)) }
            }
            (parts::state(connection))
        }
    }
}

fn record(connection: &Connection, now: Timestamp) -> Markup {
    html! {
        dl.facts {
                div { dt { "Integration" } dd { (words::line(&connection.name, 80)) } }
                @if let Some(writer) = &connection.writer {
                    div { dt { "Integration that writes" } dd { (words::line(&writer.name, 80)) } }
                }
                div { dt { "Credential" } dd { (parts::kind(connection)) } }
                div { dt { "Owner" } dd { (parts::owner(connection)) } }
                div { dt { "Authorised" } dd { (words::when(connection.authorized_at, now)) } }
                div { dt { "Last use" } dd { (words::when_or(connection.last_used_at, now, "Not yet")) } }
                @if connection.state.is_usable() {
                    div { dt { "Age of the credential" } dd { (parts::age(connection, now)) } }
                }
                @if let Some(id) = connection.workspace_id {
                    div { dt { "Workspace id" } dd { code { (id) } } }
                }
                div { dt { "Bot id" } dd { code { (connection.bot_id) } } }
        }
    }
}

fn capabilities(workspace: &Workspace) -> Markup {
    let Workspace { connection, warnings, .. } = workspace;
    let writer = connection.writer.as_ref().and_then(|writer| writer.capabilities);
    let granted = [connection.capabilities, writer].into_iter().flatten();
    let granted: Capabilities = granted.flat_map(Capabilities::iter).collect();
    let unknown = connection.capabilities.is_none() && writer.is_none();
    html! {
        section aria-labelledby="capabilities" {
            h2 #capabilities { "What it may do" }
            @if unknown && warnings.is_empty() {
                p.quiet { "Not known: Notion did not tell." }
            }
            @if !unknown {
                ul.marks {
                    @for capability in Capability::ALL {
                        @let has = granted.iter().any(|it| it == capability);
                        li class=(if has { "yes" } else { "no" }) {
                            span.hidden { (if has { "May " } else { "May not " }) }
                            (in_words(capability))
                        }
                    }
                }
            }
            @for warning in warnings {
                p.notice.warn { (words::sentence(&words::line(&warning.detail, 400))) }
            }
        }
    }
}

fn in_words(capability: Capability) -> &'static str {
    match capability {
        Capability::ReadContent => "read content",
        Capability::UpdateContent => "change content",
        Capability::InsertContent => "add content",
        Capability::ReadComments => "read comments",
        Capability::InsertComments => "write comments",
        Capability::ReadUsersWithoutEmail => "see people",
        Capability::ReadUsersWithEmail => "see people's addresses",
    }
}

fn key_list(app: &App, keys: &[std::sync::Arc<Key>], now: Timestamp) -> Markup {
    html! {
        section aria-labelledby="keys" {
            h2 #keys { "Keys" }
            @if keys.is_empty() {
                p.empty {
                    "No key opens it yet. Make one with "
                    code { "notegate keys create NAME --role viewer --within PAGE" } "."
                }
            } @else {
                ul.rows {
                    @for key in keys.iter().take(KEYS_SHOWN) { (key_row(app.gate.key_state(key), key, now)) }
                }
                @if keys.len() > KEYS_SHOWN {
                    p.quiet { (words::count((keys.len() - KEYS_SHOWN) as u64, "more key")) ": " code { "notegate keys list" } }
                }
            }
        }
    }
}

fn key_row(state: KeyState, key: &Key, now: Timestamp) -> Markup {
    let (class, word) = match state {
        KeyState::Active => ("good", "Works"),
        KeyState::Expired => ("idle", "Expired"),
        KeyState::Revoked => ("idle", "Revoked"),
    };
    let places = key.within.within().len();
    html! {
        li {
            div {
                strong { (words::line(&key.name, 80)) }
                p.quiet {
                    (words::capital(key.role.as_str()))
                    @if places == 0 { " · everything" }
                    @else { " · " (words::count(places as u64, "subtree")) }
                    @if key.connection.is_none() { " · of no fixed workspace" }
                    " · made " (words::when(key.created_at, now))
                    @if let (KeyState::Active, Some(end)) = (state, key.expires_at) {
                        " · ends " (words::when(end, now))
                    }
                }
            }
            span class={ "badge " (class) } { (word) }
        }
    }
}

/// What can be done with the connection.
fn acts(app: &App, connection: &Connection) -> Markup {
    let path = parts::path(connection);
    let oauth = app.gate.oauth_app().is_some();
    let revoked = connection.state == ConnectionState::Revoked;
    html! {
        div.actions.foot {
                @if connection.state.is_usable() {
                    a.button.primary href={ (path) "/access" } { "What it reaches" }
                }
                @if connection.kind == ConnectionKind::Oauth {
                    @if oauth { a.button href="/auth/notion" { "Reconnect" } }
                } @else if revoked {
                    a.button href="/dashboard/connect" { "Reconnect" }
                }
                @if !revoked { a.button href={ (path) "/rotate" } { "Rotate" } }
                a.button.danger.last href={ (path) "/disconnect" } {
                    @if revoked { "Remove the record" } @else { "Disconnect" }
                }
        }
    }
}

pub(super) async fn rotate(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let workspace = found(&app, &visitor, &id).await?;
    Ok(rotate_page(&app, &visitor, &workspace.connection, StatusCode::OK, None))
}

fn rotate_page(
    app: &App,
    visitor: &Visitor,
    connection: &Connection,
    status: StatusCode,
    refused: Option<&str>,
) -> Response {
    let path = parts::path(connection);
    let frame = Frame::new(app, visitor, "Rotate the credential", Section::Workspaces);
    let by_token = connection.kind == ConnectionKind::Internal;
    let body = html! {
        p.crumb { a href=(path) { (parts::workspace_name(connection)) } }
        div.sheet.wide {
            h1 { "Rotate the credential" }
            @if let Some(text) = refused { p.notice.bad #refused role="alert" { (text) } }
            @if connection.origin == Origin::Environment {
                p.notice.warn { "The environment names this token: put the new one there, too, before the next start." }
            }
            @if by_token {
                ol.steps {
                    li {
                        "In Notion, open "
                        a href="https://www.notion.so/profile/integrations" target="_blank" rel="noopener noreferrer" {
                            "your integrations"
                        }
                        " and refresh the token of “" (words::line(&connection.name, 80)) "”."
                    }
                    li { "Paste the new one here. It is tried first; until it works, the old one stays in use." }
                }
            } @else {
                p {
                    "Notion gives new tokens for the old ones. Calls go on meanwhile; the old ones are \
                     forgotten after a short grace."
                }
            }
            form.stack method="post" action={ (path) "/rotate" } {
                (frame.token())
                @if by_token { (token_field("New token", refused.is_some())) }
                div.actions {
                    button.button.primary { (if by_token { "Rotate" } else { "Refresh the tokens now" }) }
                    a.button href=(path) { "Cancel" }
                }
            }
        }
    };
    let mut page = frame.page(&body);
    *page.status_mut() = status;
    page
}

pub(super) async fn submit_rotate(
    State(app): State<App>,
    Path(id): Path<String>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let Workspace { connection, .. } = found(&app, &visitor, &id).await?;
    let token = (connection.kind == ConnectionKind::Internal).then(|| fields.secret("token"));
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    match app.gate.rotate(principal, connection.bot_id, token, request_id).await {
        Ok(_) => Ok(redirect(&format!("{}?done=rotated", parts::path(&connection)))),
        Err(error) if error.to_api().status < 500 => {
            let text = words::sentence(&error.to_string());
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(rotate_page(&app, &visitor, &connection, status, Some(&text)))
        }
        Err(error) => Err(failed(&app, &visitor, &error)),
    }
}

pub(super) async fn disconnect(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let Workspace { connection, .. } = found(&app, &visitor, &id).await?;
    let name = parts::workspace_name(&connection);
    let path = parts::path(&connection);
    let revoked = connection.state == ConnectionState::Revoked;
    let title = if revoked { "Remove the record" } else { "Disconnect" };
    let frame = Frame::new(&app, &visitor, title, Section::Workspaces);
    let body = html! {
        p.crumb { a href=(path) { (name) } }
        div.sheet.wide {
            @if revoked {
                h1 { "Remove the record of " (name) "?" }
                p { "The list forgets it. What happened stays in the ledger; connecting it again is possible at any time." }
            } @else {
                h1 { "Disconnect " (name) "?" }
                ul.points {
                    li { "Every key of this workspace stops working at once." }
                    li { "Its credential is deleted here" @if connection.kind == ConnectionKind::Oauth { " and revoked at Notion" } "." }
                    @if connection.kind == ConnectionKind::Internal {
                        li { "The token itself works on at Notion until somebody refreshes it there." }
                    }
                    @if connection.origin == Origin::Environment {
                        li { "The environment names it: at the next start it is connected again, unless you take it out there." }
                    }
                    li { "Nothing in Notion is changed or deleted." }
                }
            }
            form method="post" action={ (path) "/disconnect" } {
                (frame.token())
                input type="hidden" name="state" value=(connection.state);
                div.actions {
                    button.button.danger.primary { (title) }
                    a.button href=(path) { "Cancel" }
                }
            }
        }
    };
    Ok(frame.page(&body))
}

pub(super) async fn submit_disconnect(
    State(app): State<App>,
    Path(id): Path<String>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let Workspace { connection, .. } = found(&app, &visitor, &id).await?;
    // Who clicked twice wanted to disconnect, and not to remove the record as well.
    if fields.text("state") != connection.state.as_str() {
        return Ok(redirect(&parts::path(&connection)));
    }
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let done = app.gate.disconnect(principal, connection.bot_id, request_id).await;
    done.map_err(|error| failed(&app, &visitor, &error))?;
    Ok(if connection.state == ConnectionState::Revoked {
        redirect("/dashboard?removed=true")
    } else {
        redirect(&format!("{}?done=disconnected", parts::path(&connection)))
    })
}
