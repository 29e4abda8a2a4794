//! The tenant's own policies: what holds, what was, and a text to change.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use gate::{BUILT_IN_POLICIES, Error, PolicyChange, ShownPolicies, StoredPolicies};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{failed, parts, redirect, words};
use crate::App;
use crate::session::{Submitted, Visitor};

const PATH: &str = "/dashboard/policies";
/// What surely fits into a form; percent signs make a text longer.
const EDITED_MAX: usize = 20 * 1024;
/// Versions that are listed.
const LISTED_MAX: usize = 50;

/// What is to be shown, and what has just been done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    /// The version whose text stands in the form; if not said, the one in force.
    #[serde(default)]
    version: Option<u64>,
    #[serde(default)]
    done: String,
}

/// The form, and what there is to say about it.
struct Edited {
    text: String,
    note: String,
    told: Markup,
    status: StatusCode,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Response> {
    let Wanted { version, done } = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
    let told = html! {
        @if done == "saved" { p.notice.good role="status" { "Saved. It holds for the very next call." } }
    };
    let (shown, versions) = look_up(&app, &visitor).await?;
    let note = version.map(|version| format!("back to version {version}")).unwrap_or_default();
    let text = match version {
        None => shown.own.as_ref().map(|own| own.text.clone()),
        Some(0) => Some(String::new()),
        Some(version) => {
            let found = versions.iter().find(|it| it.version == version);
            Some(found.map(|it| it.text.clone()).ok_or_else(|| {
                let text = format!("there is no version {version} of the policies any more");
                failed(&app, &visitor, &Error::Missing(text))
            })?)
        }
    };
    let edited = Edited { text: text.unwrap_or_default(), note, told, status: StatusCode::OK };
    Ok(page(&app, &visitor, &shown, &versions, &edited))
}

async fn look_up(
    app: &App,
    visitor: &Visitor,
) -> Result<(ShownPolicies, Vec<StoredPolicies>), Response> {
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let shown = app.gate.show_policies(principal, request_id).await;
    let shown = shown.map_err(|error| failed(app, visitor, &error))?;
    let versions = app.gate.policy_versions(principal, request_id).await;
    Ok((shown, versions.map_err(|error| failed(app, visitor, &error))?))
}

fn page(
    app: &App,
    visitor: &Visitor,
    shown: &ShownPolicies,
    versions: &[StoredPolicies],
    edited: &Edited,
) -> Response {
    let frame = Frame::new(app, visitor, "Policies", Section::Policies);
    let current = shown.own.as_ref().map_or(0, |own| own.version);
    let fits = edited.text.len() <= EDITED_MAX;
    let body = html! {
        div.heading { h1 { "Policies" } }
        (edited.told)
        p.quiet {
            "Who may do what, where, in Cedar: on top of the roles, for every door, from the very next call on. A "
            code { "forbid" } " always wins."
        }
        section.card aria-labelledby="own" {
            h2 #own { "The policies of this tenant" }
            @if current == 0 { p.quiet { "There are none yet: only the roles hold." } }
            @else { p.quiet { "Version " (current) " is in force." } }
            form.stack method="post" action=(PATH) {
                (frame.token())
                input type="hidden" name="version" value=(current);
                div.field {
                    label for="text" { "Policies" }
                    textarea #text name="text" rows="16" spellcheck="false" readonly[!fits]
                        autocapitalize="off" autocomplete="off" { "\n" (edited.text) }
                }
                @if fits {
                    div.field {
                        label for="note" { "Why (for the list of versions)" }
                        input #note type="text" name="note" maxlength="200" autocomplete="off" value=(edited.note);
                    }
                    div.actions {
                        button.button.primary name="act" value="save" { "Put into force" }
                        button.button name="act" value="check" { "Only check" }
                    }
                } @else {
                    p.quiet { "The text is too long for a form: use " code { "notegate policy set" } "." }
                }
            }
        }
        section aria-labelledby="rules" {
            h2 #rules { "In force" }
            ul.rows {
                @for (rule, forbids) in shown.policies.list() {
                    li {
                        div {
                            strong { (words::line(&rule.id, 100)) }
                            p.quiet { (words::line(&rule.says, 400)) }
                        }
                        @if forbids { span.badge.warn { "Forbids" } } @else { span.badge.good { "Permits" } }
                        span.role { @if rule.own { "Own" } @else { "Built in" } }
                    }
                }
            }
            details {
                summary { "The text of the built-in policies" }
                pre.copy tabindex="0" { (BUILT_IN_POLICIES) }
            }
        }
        section aria-labelledby="versions" {
            h2 #versions { "Versions" }
            @if versions.is_empty() { p.empty { "There are none yet." } }
            @else {
                ul.rows {
                    @for version in versions.iter().take(LISTED_MAX) {
                        li {
                            div {
                                strong { a href={ (PATH) "?version=" (version.version) } { "Version " (version.version) } }
                                p.quiet { (words::line(&version.note, 200)) }
                            }
                            span.quiet {
                                (parts::who(app, visitor, &version.made_by)) ", "
                                (words::when(version.made_at, frame.now))
                            }
                        }
                    }
                }
            }
        }
    };
    let mut page = frame.page(&body);
    *page.status_mut() = edited.status;
    page
}

/// Checks a text, or puts it into force.
pub(super) async fn submit(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    // Forms end their lines in two characters.
    let text = fields.raw("text").replace("\r\n", "\n");
    let note = fields.text("note").to_owned();
    let checked = app.gate.validate_policies(principal, &text, request_id).await;
    let faults = match checked.map_err(|error| failed(&app, &visitor, &error))? {
        Ok(()) => Vec::new(),
        Err(faults) => faults.0,
    };
    let (status, told) = if !faults.is_empty() {
        let told = html! {
            div.notice.bad role="alert" {
                p { "That is not right yet, and nothing was changed:" }
                ul.points { @for fault in &faults { li { (words::line(&fault.to_string(), 600)) } } }
            }
        };
        (StatusCode::UNPROCESSABLE_ENTITY, told)
    } else if fields.text("act") == "save" {
        let version = fields.text("version").parse().ok();
        let change = PolicyChange { text: text.clone(), note: note.clone(), version };
        match app.gate.change_policies(principal, change, request_id).await {
            Ok(_) => return Ok(redirect(&format!("{PATH}?done=saved"))),
            Err(error) if error.to_api().status < 500 => {
                let text = words::sentence(&words::line(&error.to_string(), 600));
                let told = html! { p.notice.bad role="alert" { (text) } };
                (StatusCode::UNPROCESSABLE_ENTITY, told)
            }
            Err(error) => return Err(failed(&app, &visitor, &error)),
        }
    } else {
        let text = "It is right, and can be put into force. Nothing was changed.";
        (StatusCode::OK, html! { p.notice.good role="status" { (text) } })
    };
    let (shown, versions) = look_up(&app, &visitor).await?;
    Ok(page(&app, &visitor, &shown, &versions, &Edited { text, note, told, status }))
}
