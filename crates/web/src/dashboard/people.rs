//! People: who may sign in, with which role, in which groups; and what becomes of each.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use gate::{Error, GroupMembers, UserChange, UserRequest};
use http::StatusCode;
use maud::{Markup, html};
use model::Role;
use model::user::User;
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{failed, keys, redirect, words};
use crate::App;
use crate::session::{Submitted, Visitor};

pub(super) const PATH: &str = "/dashboard/people";

/// What has just been done, to be told on the next page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct News {
    #[serde(default)]
    done: String,
}

impl News {
    fn told(&self) -> Markup {
        let text = match self.done.as_str() {
            "added" => "The person was added, and can sign in.",
            "deleted" => "The person is no user any more; keys and sessions have ended.",
            "saved" => "That was saved, and holds from now on.",
            "forgotten" => "The next sign-in with the address counts as the first.",
            "group" => "The group was made.",
            "ungrouped" => "The group was deleted.",
            _ => return html! {},
        };
        html! { p.notice.good role="status" { (text) } }
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    news: Result<Query<News>, QueryRejection>,
) -> Result<Response, Response> {
    let news = news.map(|Query(news)| news).unwrap_or_default();
    list_page(&app, &visitor, StatusCode::OK, &news, None).await
}

async fn list_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    news: &News,
    refused: Option<&str>,
) -> Result<Response, Response> {
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let users = app.gate.list_users(principal, request_id).await;
    let users = users.map_err(|error| failed(app, visitor, &error))?;
    let groups = app.gate.list_groups(principal, request_id).await;
    let groups = groups.map_err(|error| failed(app, visitor, &error))?;
    let frame = Frame::new(app, visitor, "People", Section::People);
    let body = html! {
        div.heading { h1 { "People" } }
        (news.told())
        @if let Some(text) = refused { p.notice.bad #refused role="alert" { (text) } }
        @if app.gate.oidc_issuer().is_none() {
            p.notice.idle {
                "Nobody can sign in by name yet: the operator can set up a provider (NOTEGATE_OIDC_ISSUER). Keys \
                 that are made for people hold to their roles already."
            }
        }
        @if users.is_empty() {
            div.empty {
                h2 { "There are no users yet" }
                p { "Add the people who shall look after this gate, or have keys of their own." }
            }
        } @else {
            ul.rows { @for user in &users { (row(user)) } }
        }
        div.columns {
            section.card aria-labelledby="add" {
                h2 #add { "Add a person" }
                form.stack method="post" action=(PATH) {
                    (frame.token())
                    input type="hidden" name="act" value="add";
                    div.field {
                        label for="email" { "Email" }
                        input #email type="email" name="email" required maxlength="254" autocomplete="off"
                            placeholder="ada@example.com" aria-describedby=[refused.map(|_| "refused")];
                    }
                    (role_field(Role::Viewer))
                    button.button.primary { "Add" }
                }
            }
            section.card aria-labelledby="groups" {
                h2 #groups { "Groups" }
                p.quiet { "Policies can name them." }
                @if !groups.is_empty() { (group_list(&frame, &groups)) }
                form.stack method="post" action=(PATH) {
                    (frame.token())
                    input type="hidden" name="act" value="group";
                    div.field {
                        label for="group" { "New group" }
                        input #group type="text" name="group" required maxlength="100" autocomplete="off";
                    }
                    button.button { "Make the group" }
                }
            }
        }
    };
    let mut page = frame.page(&body);
    *page.status_mut() = status;
    Ok(page)
}

fn row(user: &User) -> Markup {
    html! {
        li {
            div {
                strong { a href={ (PATH) "/" (user.id) } { (words::line(&user.email, 80)) } }
                p.quiet {
                    @if user.groups.is_empty() { "In no group" }
                    @else { (words::line(&user.groups.join(", "), 120)) }
                }
            }
            @if user.identity.is_some() { span.badge.good { "Signed in before" } }
            @else { span.badge.idle { "Not signed in yet" } }
            span.role { (words::capital(user.role.as_str())) }
        }
    }
}

fn group_list(frame: &Frame<'_>, groups: &[GroupMembers]) -> Markup {
    html! {
        ul.rows.tight {
            @for GroupMembers { group, members } in groups {
                li {
                    div {
                        strong { (words::line(&group.name, 100)) }
                        p.quiet { (words::count(members.len() as u64, "member")) }
                    }
                    form method="post" action=(PATH) {
                        (frame.token())
                        input type="hidden" name="act" value="ungroup";
                        input type="hidden" name="group" value=(group.name);
                        button.button.danger { "Delete" span.hidden { " the group " (words::line(&group.name, 100)) } }
                    }
                }
            }
        }
    }
}

/// The choice of a role.
pub(super) fn role_field(chosen: Role) -> Markup {
    role_field_up_to(Role::Admin, chosen)
}

/// The choice of a role that is at most another.
pub(super) fn role_field_up_to(most: Role, chosen: Role) -> Markup {
    html! {
        div.field {
            label for="role" { "Role" }
            select #role name="role" {
                @for role in Role::ALL.into_iter().filter(|role| *role <= most) {
                    option value=(role.as_str()) selected[role == chosen] {
                        (match role {
                            Role::Viewer => "Viewer: reads",
                            Role::Editor => "Editor: reads and writes",
                            Role::Admin => "Admin: also deletes, and manages this gate",
                        })
                    }
                }
            }
        }
    }
}

pub(super) async fn submit(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let group = fields.raw("group");
    let done = match fields.text("act") {
        "add" => {
            let email = fields.text("email").to_owned();
            let added = match fields.text("role").parse() {
                Ok(role) => {
                    let request = UserRequest { email, role, bot_id: None };
                    app.gate.add_user(principal, request, request_id).await.map(drop)
                }
                Err(_) => Err(no_role()),
            };
            added.map(|()| "added")
        }
        "group" => app.gate.add_group(principal, group, request_id).await.map(|_| "group"),
        "ungroup" => {
            app.gate.delete_group(principal, group, request_id).await.map(|()| "ungrouped")
        }
        _ => Ok(""),
    };
    match done {
        Ok(done) => Ok(redirect(&format!("{PATH}?done={done}"))),
        Err(error) => again(&app, &visitor, &error).await,
    }
}

/// The page once more, with what is wrong.
async fn again(app: &App, visitor: &Visitor, error: &Error) -> Result<Response, Response> {
    if error.to_api().status >= 500 {
        return Err(failed(app, visitor, error));
    }
    let text = words::sentence(&error.to_string());
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    list_page(app, visitor, status, &News::default(), Some(&text)).await
}

fn no_role() -> Error {
    Error::Invalid("choose a role".to_owned())
}

/// One person.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    news: Result<Query<News>, QueryRejection>,
) -> Result<Response, Response> {
    let news = news.map(|Query(news)| news).unwrap_or_default();
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let user = app.gate.find_user(principal, &id, request_id).await;
    let user = user.map_err(|error| failed(&app, &visitor, &error))?;
    let groups = app.gate.list_groups(principal, request_id).await;
    let groups = groups.map_err(|error| failed(&app, &visitor, &error))?;
    let all = app.gate.list_keys(principal, request_id).await;
    let mut keys = all.map_err(|error| failed(&app, &visitor, &error))?;
    keys.retain(|key| key.user == Some(user.id));
    let frame = Frame::new(&app, &visitor, "Person", Section::People);
    let path = format!("{PATH}/{}", user.id);
    let form = |act: &str, content: Markup| {
        html! {
            form.stack method="post" action=(path) {
                (frame.token())
                input type="hidden" name="act" value=(act);
                (content)
            }
        }
    };
    let body = html! {
        p.crumb { a href=(PATH) { "People" } }
        div.heading { h1 { (words::line(&user.email, 120)) } }
        (news.told())
        div.columns {
            section.card aria-labelledby="may" {
                h2 #may { "What the person may do" }
                (form("role", html! { (role_field(user.role)) button.button.primary { "Save the role" } }))
            }
            section.card aria-labelledby="in" {
                h2 #in { "Groups" }
                @if groups.is_empty() { p.quiet { "There are no groups." } }
                @else {
                    (form("groups", html! {
                        fieldset.checks {
                            legend.hidden { "Groups of the person" }
                            @for GroupMembers { group, .. } in &groups {
                                label {
                                    input type="checkbox" name="group" value=(group.name)
                                        checked[user.groups.contains(&group.name)];
                                    " " (words::line(&group.name, 100))
                                }
                            }
                        }
                        button.button { "Save the groups" }
                    }))
                }
            }
        }
        section aria-labelledby="keys" {
            h2 #keys { "Keys of the person" }
            @if keys.is_empty() { p.empty { "There are none." } }
            @else { (keys::list(&app, &frame, &keys)) }
        }
        section.card aria-labelledby="account" {
            h2 #account { "Account" }
            @match &user.identity {
                Some(identity) => {
                    p { "Signs in at " (words::line(&identity.issuer, 120)) " as " code { (words::line(&identity.subject, 80)) } "." }
                    (form("forget", html! { button.button { "Let another account with the address sign in" } }))
                }
                None => p { "Has not signed in yet. The first account with the verified address becomes this person." }
            }
            div.actions.foot { a.button.danger href={ (path) "/delete" } { "Delete the person" } }
        }
    };
    Ok(frame.page(&body))
}

pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let gate = &app.gate;
    let change = |role, identity| UserChange { role, identity };
    let done = match fields.text("act") {
        "role" => match fields.text("role").parse() {
            Ok(role) => gate
                .change_user(principal, &id, change(Some(role), None), request_id)
                .await
                .map(|_| "saved"),
            Err(_) => Err(no_role()),
        },
        "forget" => gate
            .change_user(principal, &id, change(None, Some(None)), request_id)
            .await
            .map(|_| "forgotten"),
        "groups" => {
            let wanted: Vec<_> = fields.all("group").map(str::to_owned).collect();
            gate.set_groups(principal, &id, wanted, request_id).await.map(|()| "saved")
        }
        "delete" => {
            let deleted = gate.delete_user(principal, &id, request_id).await;
            deleted.map_err(|error| failed(&app, &visitor, &error))?;
            return Ok(redirect(&format!("{PATH}?done=deleted")));
        }
        _ => Ok(""),
    };
    let done = done.map_err(|error| failed(&app, &visitor, &error))?;
    // Only what was found is an id.
    Ok(redirect(&format!("{PATH}/{id}?done={done}")))
}

/// Asks before a person is deleted.
pub(super) async fn delete(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let user = app.gate.find_user(visitor.principal(), &id, visitor.request_id()).await;
    let user = user.map_err(|error| failed(&app, &visitor, &error))?;
    let frame = Frame::new(&app, &visitor, "Delete the person", Section::People);
    let path = format!("{PATH}/{}", user.id);
    let body = html! {
        p.crumb { a href=(path) { (words::line(&user.email, 80)) } }
        div.sheet.wide {
            h1 { "Delete " (words::line(&user.email, 80)) "?" }
            ul.points {
                li { "Sessions and keys of the person end at once." }
                li { "What the person did stays in the ledger." }
            }
            form method="post" action=(path) {
                (frame.token())
                input type="hidden" name="act" value="delete";
                div.actions {
                    button.button.danger.primary { "Delete" }
                    a.button href=(path) { "Cancel" }
                }
            }
        }
    };
    Ok(frame.page(&body))
}
