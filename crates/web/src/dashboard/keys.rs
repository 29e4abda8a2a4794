//! Keys: a person's own, made and ended here; for an admin those of everybody.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use gate::{Error, KeyRequest, NewKey};
use http::StatusCode;
use maud::{Markup, html};
use model::key::KeyState;
use model::{Key, Who};
use notion::Id;
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::people::role_field_up_to;
use super::{failed, redirect, words};
use crate::App;
use crate::session::{Fields, Submitted, Visitor};

const PATH: &str = "/dashboard/keys";
const DAY: u64 = 24 * 3600;

/// What has just been done, to be told on the next page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct News {
    #[serde(default)]
    ended: bool,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    news: Result<Query<News>, QueryRejection>,
) -> Result<Response, Response> {
    let news = news.map(|Query(news)| news).unwrap_or_default();
    let ended = html! {
        @if news.ended { p.notice.good role="status" { "The key is ended: no call is done with it any more." } }
    };
    page(&app, &visitor, StatusCode::OK, &ended).await
}

async fn page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    told: &Markup,
) -> Result<Response, Response> {
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let gate = &app.gate;
    let is_person = matches!(principal.who, Who::User(_));
    let all = gate.list_keys(principal, request_id).await;
    let all = all.map_err(|error| failed(app, visitor, &error))?;
    let is_own = |key: &Arc<Key>| is_person && key.user == principal.user_id();
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_own);
    let own = is_person.then_some(own);
    let others = gate.is_manager(principal).then_some(others);
    let frame = Frame::new(app, visitor, "Keys", Section::Keys);
    let body = html! {
        div.heading { h1 { "Keys" } }
        (told)
        @if let Some(own) = &own {
            section aria-labelledby="own" {
                h2 #own { "Your keys" }
                @if own.is_empty() {
                    p.empty { "You have no keys. One opens Notion for a program of yours, as far as you yourself may." }
                } @else { (list(app, &frame, own)) }
            }
            (new_form(&frame, visitor))
        }
        @if let Some(others) = &others {
            section aria-labelledby="all" {
                h2 #all { @if is_person { "Keys of others" } @else { "All keys" } }
                @if others.is_empty() { p.empty { "There are none." } }
                @else { (list(app, &frame, others)) }
                p.quiet.small { code { "notegate keys create" } " makes keys for programs that belong to nobody." }
            }
        }
    };
    let mut page = frame.page(&body);
    *page.status_mut() = status;
    Ok(page)
}

fn new_form(frame: &Frame<'_>, visitor: &Visitor) -> Markup {
    let most = visitor.principal().role;
    html! {
        section.card aria-labelledby="new" {
            h2 #new { "Make a key" }
            form.stack method="post" action=(PATH) {
                (frame.token())
                div.columns {
                    div.field {
                        label for="name" { "Name" }
                        input #name type="text" name="name" required maxlength="200" autocomplete="off"
                            placeholder="What it is for";
                    }
                    (role_field_up_to(most, model::Role::Viewer))
                    div.field {
                        label for="within" { "Only below" }
                        input #within type="text" name="within" maxlength="4000" autocomplete="off"
                            spellcheck="false" aria-describedby="within-help";
                        p.quiet #within-help { "URLs of pages or databases, with spaces between; empty for everything." }
                    }
                    div.field {
                        label for="days" { "Ends" }
                        select #days name="days" {
                            option value="7" { "after 7 days" }
                            option value="90" selected { "after 90 days" }
                            option value="365" { "after a year" }
                            option value="" { "when it is ended by hand" }
                        }
                    }
                }
                button.button.primary { "Make the key" }
            }
        }
    }
}

/// Keys, with a button that ends each that works.
pub(super) fn list(app: &App, frame: &Frame<'_>, keys: &[Arc<Key>]) -> Markup {
    html! {
        ul.rows {
            @for key in keys {
                @let state = app.gate.key_state(key);
                li {
                    div {
                        strong { (words::line(&key.name, 120)) }
                        p.quiet {
                            code { (key.id) } " · " (key.role) " · " (reach(key)) " · "
                            @match (state, key.expires_at) {
                                (KeyState::Active, Some(end)) => { "ends " (words::when(end, frame.now)) }
                                _ => { "made " (words::when(key.created_at, frame.now)) }
                            }
                        }
                        @if let Some(grant) = app.gate.grant_of(key) {
                            p.quiet.client {
                                "MCP client, answered at " code { (words::line(&grant.redirect, 80)) }
                                " · let in by " (words::line(&grant.approved_by, 80))
                                " · last used " (words::when(grant.used_at, frame.now))
                            }
                        }
                    }
                    @match state {
                        KeyState::Active => {
                            span.badge.good { "Works" }
                            form method="post" action={ (PATH) "/end" } {
                                (frame.token())
                                input type="hidden" name="key" value=(key.id);
                                button.button.danger { "End" span.hidden { " the key " (words::line(&key.name, 120)) } }
                            }
                        }
                        KeyState::Expired => span.badge.idle { "Expired" },
                        KeyState::Revoked => span.badge.idle { "Ended" },
                    }
                }
            }
        }
    }
}

fn reach(key: &Key) -> String {
    match key.within.within() {
        [] => "everything".to_owned(),
        [_] => "one subtree".to_owned(),
        more => format!("{} subtrees", more.len()),
    }
}

pub(super) async fn create(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let made = match request(&fields) {
        Ok(request) => app.gate.create_own_key(principal, request, request_id).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(new) => page(&app, &visitor, StatusCode::CREATED, &shown_once(&new)).await,
        Err(error) if error.to_api().status < 500 => {
            let text = words::sentence(&error.to_string());
            let told = html! { p.notice.bad role="alert" { (text) } };
            page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, &told).await
        }
        Err(error) => Err(failed(&app, &visitor, &error)),
    }
}

/// What the form asks for.
fn request(fields: &Fields) -> Result<KeyRequest, Error> {
    let role = fields.text("role").parse();
    let role = role.map_err(|_| Error::Invalid("choose a role".to_owned()))?;
    let within = fields.text("within").split_whitespace().map(|text| {
        Id::from_pasted(text).ok_or_else(|| {
            let shown = words::line(text, 80);
            Error::Invalid(format!("`{shown}` is neither an id nor a URL of Notion"))
        })
    });
    let within = within.collect::<Result<Vec<_>, _>>()?;
    let days = fields.text("days").parse::<u64>().ok().filter(|days| (1..=3650).contains(days));
    let expires_in = days.map(|days| Duration::from_secs(days * DAY));
    Ok(KeyRequest { expires_in, ..KeyRequest::new(fields.text("name"), role, within) })
}

fn shown_once(new: &NewKey) -> Markup {
    html! {
        div.notice.good role="status" {
            p { strong { "The key is made." } " Copy it now: it is shown this once." }
            code.copy tabindex="0" { (new.token.reveal()) }
        }
    }
}

pub(super) async fn end(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let id = fields.text("key");
    let ended = app.gate.revoke_key(principal, id, request_id).await;
    ended.map_err(|error| failed(&app, &visitor, &error))?;
    Ok(redirect(&format!("{PATH}?ended=true")))
}
