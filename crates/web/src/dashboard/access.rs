//! The access report: everything that a connection reaches, as a tree that opens and closes by itself,
//! what changed since the report before, and a new one on demand.

use axum::extract::{Path, State};
use axum::response::Response;
use gate::{
    AccessItem, AccessKind, AccessProgress, AccessReport, Changed, Compared, Workspace, compare,
};
use jiff::Timestamp;
use maud::{Markup, html};
use model::{Connection, ConnectionState};

use super::access_runs::Run;
use super::layout::{Frame, Section};
use super::workspace::{found, head};
use super::{failed, parts, redirect, words};
use crate::App;
use crate::session::{Submitted, Visitor};

/// Objects that one page shows.
const ITEMS_SHOWN: usize = 2000;
/// Changes that one page shows, of each sort.
const CHANGES_SHOWN: usize = 100;
/// Levels that the tree nests; what lies deeper stands below each other.
const LEVELS: u32 = 40;
/// Seconds between two looks at an audit that runs.
const REFRESH: u32 = 2;

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let Workspace { connection, .. } = found(&app, &visitor, &id).await?;
    let run = app.access_runs.look(&connection.tenant, connection.bot_id);
    if let Some(Run::Going(progress)) = run {
        return Ok(progress_page(&app, &visitor, &connection, progress));
    }
    let (report, compared) = latest(&app, &visitor, &connection).await?;
    let name = format!("What {} reaches", parts::workspace_name(&connection));
    let frame = Frame::new(&app, &visitor, &name, Section::Workspaces);
    let body = html! {
        (head(&connection, true))
        @if let Some(Run::Failed(text)) = run {
            p.notice.bad role="alert" { (words::sentence(&words::line(&text, 400))) }
        }
        @if let Some(text) = parts::trouble(&connection) { p.notice.warn { (text) } }
        div.heading {
            h2 { "What it reaches" }
            @if connection.state.is_usable() {
                form method="post" action={ (parts::path(&connection)) "/access" } {
                    (frame.token())
                    button.button.primary[report.is_none()] {
                        @if report.is_some() { "Look again" } @else { "Make the first report" }
                    }
                }
            }
        }
        @match &report {
            None => {
                p.empty { "No report was made yet. It asks Notion for everything that the integration can see, and changes nothing." }
            }
            Some(report) => {
                (summary(report, frame.now))
                @if let Some(compared) = &compared { (changes(compared, frame.now)) }
                @for note in &report.notes { p.notice.warn { (words::sentence(&words::line(note, 400))) } }
                (tree(report, frame.now))
            }
        }
    };
    Ok(frame.page(&body))
}

/// The last report that is kept, and its difference to the one before.
async fn latest(
    app: &App,
    visitor: &Visitor,
    connection: &Connection,
) -> Result<(Option<AccessReport>, Option<Compared>), Response> {
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let (gate, id) = (&app.gate, Some(connection.bot_id));
    let made = gate.access_audits(principal, id, request_id).await;
    let made = made.map_err(|error| failed(app, visitor, &error))?;
    let mut reports = Vec::new();
    for made in made.iter().take(2) {
        let report = gate.access_at(principal, id, made.at, request_id).await;
        reports.push(report.map_err(|error| failed(app, visitor, &error))?);
    }
    let compared = match &reports[..] {
        [now, before, ..] => Some(compare(before, now)),
        _ => None,
    };
    Ok((reports.into_iter().next(), compared))
}

fn progress_page(
    app: &App,
    visitor: &Visitor,
    connection: &Connection,
    progress: AccessProgress,
) -> Response {
    let frame = Frame::new(app, visitor, "Looking", Section::Workspaces).refreshed(REFRESH);
    let body = html! {
        (head(connection, true))
        div.card role="status" {
            h2 { "Looking at everything that it reaches" }
            p.large {
                (words::count(progress.objects as u64, "object")) " so far"
                @if progress.lookups > 0 { ", " (words::count(progress.lookups as u64, "look-up")) }
                "."
            }
            @if let Some(seconds) = progress.waiting {
                p.quiet { "Notion asks to wait for " (words::count(seconds, "second")) "." }
            }
            p.quiet { "This page renews itself. You can leave it; the report goes on." }
        }
    };
    frame.page(&body)
}

fn summary(report: &AccessReport, now: Timestamp) -> Markup {
    html! {
        section.card aria-label="Summary" {
            dl.facts {
                div { dt { "Pages" } dd { (words::grouped(report.counts.page as u64)) } }
                div { dt { "Data sources" } dd { (words::grouped(report.counts.data_source as u64)) } }
                div { dt { "Databases" } dd { (words::grouped(report.counts.database as u64)) } }
                div { dt { "Made" } dd { (words::when(report.at, now)) } }
                @if !report.complete {
                    div { dt { "Complete" } dd { span.late { "No: Notion did not list everything" } } }
                }
            }
        }
    }
}

fn changes(compared: &Compared, now: Timestamp) -> Markup {
    let list = |title: &str, class: &str, all: &[Changed]| {
        html! {
            @if !all.is_empty() {
                h3 { (title) }
                ul.changes class={ "changes " (class) } {
                    @for changed in all.iter().take(CHANGES_SHOWN) { li { (words::line(&changed.title, 120)) } }
                    @if all.len() > CHANGES_SHOWN {
                        li.quiet { "and " (words::grouped((all.len() - CHANGES_SHOWN) as u64)) " more" }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="changes" {
            h2 #changes { "Changes" @if let Some(with) = compared.with { " since the report of " (words::when(with, now)) } }
            @if compared.is_equal() {
                p.quiet { "Nothing came or went." }
            } @else {
                div.card {
                    (list("Became reachable", "came", &compared.added))
                    (list("Was lost", "went", &compared.removed))
                }
            }
        }
    }
}

fn tree(report: &AccessReport, now: Timestamp) -> Markup {
    let shown = report.items.get(..ITEMS_SHOWN).unwrap_or(&report.items);
    let rest = report.items.len() - shown.len();
    html! {
        section aria-labelledby="objects" {
            h2 #objects { "Objects" }
            @if shown.is_empty() {
                p.empty { "Nothing is shared with the integration. In Notion, open a page, then ••• → Connections." }
            } @else {
                div.card.tree { (level(shown, LEVELS, now)) }
            }
            @if rest > 0 {
                p.quiet {
                    "and " (words::grouped(rest as u64)) " more: "
                    code { "notegate workspaces access --last" } " lists all of them."
                }
            }
        }
    }
}

/// The objects of one level, each with what is below it: items in tree order, by depth.
fn level(items: &[AccessItem], levels: u32, now: Timestamp) -> Markup {
    let mut groups = Vec::new();
    let mut rest = items;
    while let [first, after @ ..] = rest {
        let ends = |it: &AccessItem| it.depth <= first.depth || levels == 0;
        let end = after.iter().position(ends).unwrap_or(after.len());
        let (below, next) = after.split_at(end);
        groups.push((first, below));
        rest = next;
    }
    html! {
        ul {
            @for (item, below) in groups {
                li {
                    (way_to(item))
                    @if below.is_empty() {
                        div.leaf { (object(item, now)) }
                    } @else {
                        details open[item.depth == 0 && items.len() <= 200] {
                            summary { (object(item, now)) span.below { (words::grouped(below.len() as u64)) span.hidden { " below" } } }
                            (level(below, levels.saturating_sub(1), now))
                        }
                    }
                }
            }
        }
    }
}

fn object(item: &AccessItem, now: Timestamp) -> Markup {
    let kind = match item.kind {
        AccessKind::Page => "Page",
        AccessKind::Database => "Database",
        AccessKind::DataSource => "Data source",
        AccessKind::Block => "Block",
    };
    html! {
        span.name title=(item.id) {
            (words::line(&item.title, 160))
            @if item.kind == AccessKind::Page { span.hidden { " (" (kind) ")" } }
            @else { " " span.kind { (kind) } }
            @if item.in_trash || item.archived { " " span.quiet { "(in the trash)" } }
        }
        @if let Some(at) = item.last_edited_time { span.edited { (words::when(at, now)) } }
    }
}

/// The link to an object stands beside the line that opens its subtree, not inside of it.
fn way_to(item: &AccessItem) -> Markup {
    let url = item.url.as_deref().filter(|url| is_notions(url));
    html! {
        @if let Some(url) = url {
            a.out href=(url) target="_blank" rel="noopener noreferrer" {
                span.hidden { "Open " (words::line(&item.title, 160)) " in Notion" }
                span aria-hidden="true" { "↗" }
            }
        }
    }
}

/// Only Notion's own pages are linked to.
fn is_notions(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let known = ["notion.so", "notion.com", "notion.site"];
        let own = |name: &&str| {
            host == *name || host.strip_suffix(*name).is_some_and(|rest| rest.ends_with('.'))
        };
        url.scheme() == "https" && known.iter().any(own)
    })
}

/// Begins a report, and shows how far it is.
pub(super) async fn begin(
    State(app): State<App>,
    Path(id): Path<String>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let visitor = submitted.visitor;
    let Workspace { connection, .. } = found(&app, &visitor, &id).await?;
    if connection.state != ConnectionState::Revoked {
        app.access_runs.begin(
            &app.gate,
            visitor.session.principal,
            connection.bot_id,
            visitor.request_id,
        );
    }
    Ok(redirect(&format!("{}/access", parts::path(&connection))))
}

#[cfg(test)]
mod tests {
    use notion::Id;

    use super::*;

    #[test]
    fn a_tree_of_any_depth_is_shown() {
        let item = |depth| AccessItem {
            kind: AccessKind::Page,
            id: Id::NIL,
            title: format!("page {depth}"),
            parent: None,
            out_of_reach: None,
            depth,
            below: 0,
            url: None,
            last_edited_time: None,
            last_edited_by: None,
            in_trash: false,
            archived: false,
        };
        let items: Vec<_> = (0..ITEMS_SHOWN as u32).map(item).collect();
        let shown = level(&items, LEVELS, Timestamp::UNIX_EPOCH).into_string();
        assert_eq!(shown.matches("<details").count(), LEVELS as usize);
        assert_eq!(shown.matches("class=\"name\"").count(), ITEMS_SHOWN);
        assert_eq!(shown.matches("<ul>").count(), shown.matches("</ul>").count());
    }

    #[test]
    fn only_notions_own_pages_are_linked() {
        for good in
            ["https://www.notion.so/a-0a1b", "https://acme.notion.site/x", "https://notion.so/"]
        {
            assert!(is_notions(good), "{good}");
        }
        for bad in [
            "http://www.notion.so/a",
            "javascript:alert(1)//notion.so",
            "https://notion.so.evil.example/",
            "https://evilnotion.so/",
            "https://evil.example/notion.so",
            "data:text/html,x",
            "",
        ] {
            assert!(!is_notions(bad), "{bad}");
        }
    }
}
