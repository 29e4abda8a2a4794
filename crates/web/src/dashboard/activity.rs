//! Activity: the newest entries of the ledger, refusals first to the eye, and whether it is intact.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use gate::{AuditCheck, AuditFilter};
use jiff::Timestamp;
use ledger::{Entry, Meta, Outcome, Row, Unreadable};
use maud::{Markup, html};
use notion::catalogue::OPERATIONS;
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{failed, parts, words};
use crate::App;
use crate::session::{Submitted, Visitor};

const PATH: &str = "/dashboard/activity";
/// Entries that one page looks through, and shows at most.
const LOOKED_THROUGH: u32 = 300;
const SHOWN: usize = 50;

/// What part of the ledger is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    result: String,
    before: Option<u64>,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Response> {
    let wanted = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
    list(&app, &visitor, &wanted, None).await
}

pub(super) async fn verify(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let visitor = &submitted.visitor;
    let check = app.gate.verify_audit(visitor.principal(), visitor.request_id()).await;
    let check = check.map_err(|error| failed(&app, visitor, &error))?;
    list(&app, visitor, &Wanted::default(), Some(check)).await
}

async fn list(
    app: &App,
    visitor: &Visitor,
    wanted: &Wanted,
    check: Option<AuditCheck>,
) -> Result<Response, Response> {
    // What is no result shows everything, as if it had not been asked for.
    let result = wanted.result.parse::<Outcome>().ok();
    let filter = AuditFilter {
        result: result.map(|result| result.as_str().to_owned()),
        ..AuditFilter::default()
    };
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let page =
        app.gate.list_audit(principal, filter, wanted.before, LOOKED_THROUGH, request_id).await;
    let page = page.map_err(|error| failed(app, visitor, &error))?;
    let frame = Frame::new(app, visitor, "Activity", Section::Activity);
    let news = |row: &&Row| row.entry().is_none_or(is_news);
    let rows: Vec<_> = page.items.iter().filter(news).take(SHOWN).collect();
    let next = match rows.last() {
        Some(last) if rows.len() == SHOWN => Some(last.seq()),
        _ => page.next,
    };
    let query = |before| {
        let result = result.map(|result| format!("result={}&", result.as_str()));
        format!("{PATH}?{}before={before}", result.unwrap_or_default())
    };
    let body = html! {
        div.heading {
            h1 { "Activity" }
            form method="post" action={ (PATH) "/verify" } {
                (frame.token())
                button.button { "Verify the ledger" }
            }
        }
        @if let Some(check) = check { (told(&check)) }
        (tabs(result))
        @if rows.is_empty() {
            (empty(result, wanted.before.is_some()))
        } @else {
            ol.log {
                @for row in rows {
                    @match row {
                        Row::Entry(entry) => { (line(app, visitor, entry, frame.now)) }
                        Row::Unreadable { unreadable } => { (gap(unreadable)) }
                    }
                }
            }
            p.quiet.small {
                "Looks at this dashboard are in the ledger as well, and left out here: "
                code { "notegate audit list" } " has everything."
            }
        }
        nav.pages aria-label="Pages" {
            @if wanted.before.is_some() { a.button href=(PATH) { "Newest" } }
            @if let Some(before) = next { a.button href=(query(before)) { "Older" } }
        }
    };
    Ok(frame.page(&body))
}

/// An intent is followed by its conclusion, which says all that the intent said; and who looks at this
/// page wants to know of other things than looks at this page.
fn is_news(entry: &Entry) -> bool {
    let is_intent = entry.action.ends_with("_intended");
    let is_look = entry.action == "read"
        && entry.result == Outcome::Success
        && notions(&entry.operation).is_none();
    !is_intent && !is_look
}

/// Notion's operation of this name.
fn notions(name: &str) -> Option<&'static notion::Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

fn told(check: &AuditCheck) -> Markup {
    let verdict = check.verdict;
    let entries = words::count(verdict.entries, "entry").replace("entrys", "entries");
    html! {
        @match verdict.fault {
            None => {
                p.notice.good role="status" {
                    strong { "The ledger is intact." }
                    " " (entries) ", each tied to the one before it, up to the signed checkpoint."
                    @if let Some(last) = check.dropped.last() {
                        " Those up to " (words::grouped(last.last)) " were dropped; a signed record says so."
                    }
                }
            }
            Some(fault) => {
                p.notice.bad role="alert" {
                    strong { "The ledger is not as it was written." }
                    " " (words::sentence(&fault.to_string()))
                    @if let Some(at) = verdict.at { " First at entry " (words::grouped(at)) "." }
                    " Keep a copy of the data directory, and compare with your last export."
                }
            }
        }
    }
}

fn tabs(result: Option<Outcome>) -> Markup {
    let all = [
        (None, "All"),
        (Some(Outcome::Denied), "Refused"),
        (Some(Outcome::Error), "Failed"),
        (Some(Outcome::Success), "Done"),
    ];
    html! {
        nav.tabs aria-label="Results" {
            ul {
                @for (tab, title) in all {
                    @let href = tab.map_or(PATH.to_owned(), |tab| format!("{PATH}?result={}", tab.as_str()));
                    li { a href=(href) aria-current=[(tab == result).then_some("page")] { (title) } }
                }
            }
        }
    }
}

fn empty(result: Option<Outcome>, is_older: bool) -> Markup {
    let text = match (result, is_older) {
        (_, true) => "There is nothing older.",
        (Some(Outcome::Denied), _) => {
            "Nothing was refused. Calls beyond a key's role or scope appear here."
        }
        (Some(Outcome::Error), _) => {
            "Nothing failed. What was tried and did not work appears here."
        }
        (_, false) => "Nothing happened yet. The first call with a key appears here.",
    };
    html! { p.empty { (text) } }
}

fn line(app: &App, visitor: &Visitor, entry: &Entry, now: Timestamp) -> Markup {
    let (class, word) = match entry.result {
        Outcome::Success => ("idle", "Done"),
        Outcome::Denied => ("bad", "Refused"),
        Outcome::Error => ("warn", "Failed"),
    };
    html! {
        li class=(class) {
            span class={ "badge " (class) } { (word) }
            div.what {
                p { strong title=(entry.operation) { (operation(&entry.operation)) } (resource(app, visitor, entry)) }
                p.quiet {
                    (parts::who(app, visitor, &entry.principal))
                    @if let Some(reason) = &entry.reason { " · " (because(reason)) }
                }
            }
            p.quiet.at { (words::when(entry.at, now)) }
        }
    }
}

/// A row that cannot be read: it is there, and something is wrong with it.
fn gap(unreadable: &Unreadable) -> Markup {
    html! {
        li.bad {
            span.badge.bad { "Unreadable" }
            div.what {
                p { strong { "Entry " (words::grouped(unreadable.seq)) " cannot be read" } }
                p.quiet { "its column " code { (unreadable.column) } " makes no sense · verify the ledger" }
            }
        }
    }
}

/// What was done, in words: Notion's summary of its operation, or our name for ours.
fn operation(name: &str) -> String {
    let words =
        notions(name).map_or_else(|| name.replace(['-', '_'], " "), |it| it.summary.to_owned());
    words::capital(&words::line(&words, 80))
}

/// What it was about: by its name if it is a thing of ours, otherwise by its id.
fn resource(app: &App, visitor: &Visitor, entry: &Entry) -> Markup {
    let (kind, id) = (&*entry.resource.kind, entry.resource.id.as_str());
    let name = match kind {
        "key" => app.gate.name_of_key(visitor.principal(), id),
        "connection" => app.gate.name_of_connection(visitor.principal(), id),
        _ => None,
    };
    let status = match entry.metadata.get("status") {
        Some(Meta::Number(status)) => Some(status),
        _ => None,
    };
    html! {
        @if let Some(name) = name {
            " " span.object title=(words::line(id, 60)) { "“" (words::line(&name, 60)) "”" }
        } @else if !id.is_empty() {
            " " span.object {
                (words::line(kind, 40)) " " code title=(words::line(id, 60)) { (words::line(id, 60)) }
            }
        }
        @if let Some(status) = status { " " span.quiet { "answered " (status) } }
    }
}

/// Why something was refused or failed.
fn because(reason: &str) -> String {
    let text = match reason {
        "role" => "the key's role does not include it",
        "scope" => "outside the key's scope",
        "capability" => "the key lacks a capability",
        "budget" => "the key's budget is spent",
        "expired" => "the key has expired",
        "revoked" => "the key was revoked",
        "connection" => "no working connection",
        "upstream" => "Notion did not answer as it should",
        "interrupted" => "notegate was interrupted",
        "abandoned" => "the caller went away",
        other => return words::line(&other.replace('_', " "), 80),
    };
    text.to_owned()
}
