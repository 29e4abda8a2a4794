//! What stands beside a page or database: comments, who sees it, its facts.

use indexmap::IndexMap;
use maud::{Markup, html};
use notion::Id;

use super::frame::Tool;
use super::text::{self, link_to, runs, title};
use super::when::time;
use crate::render;
use crate::render::user::name;
use crate::world::access::{Reach, View};
use crate::world::comment::Comment;
use crate::world::connection::Connection;
use crate::world::node::Node;

/// So many threads are shown.
const THREADS_MAX: usize = 100;

/// Whether a node is in the trash, locked or archived.
pub(super) fn flags(view: View, node: &Node) -> Markup {
    let is_locked = node.page().is_some_and(|page| page.is_locked)
        || node.database().is_some_and(|database| database.is_locked);
    let is_archived = node.page().is_some_and(|page| page.is_archived);
    html! {
        @if view.world.is_gone(node.id) { span.flag.bad { "In the trash" } }
        @if is_archived { span.flag { "Archived" } }
        @if is_locked { span.flag { "Locked" } }
    }
}

pub(super) fn about(view: View, node: &Node) -> Markup {
    html! {
        aside aria-label="About this page" {
            (comments(view, node))
            (sharing(view, node))
            (facts(view, node))
        }
    }
}

fn comments(view: View, node: &Node) -> Markup {
    let threads = threads(view, node.id);
    html! {
        section {
            h2 { "Comments" }
            @if threads.is_empty() { p.quiet { "None. Add one with POST /v1/comments." } }
            @for thread in threads.values().take(THREADS_MAX) {
                @if let Some(first) = thread.first() {
                    article.thread id=[(first.about != node.id).then(|| format!("c-{}", first.about.plain()))] {
                        @if first.about != node.id {
                            p.quiet { "About " a href={ "#b-" (first.about.plain()) } { (title(view, first.about)) } }
                        }
                        @for comment in thread { (one_comment(view, comment)) }
                        @if first.resolved { p.quiet { "Resolved" } }
                    }
                }
            }
            @if threads.len() > THREADS_MAX { p.cut { (threads.len() - THREADS_MAX) " more threads are not shown." } }
        }
    }
}

/// Threads about a page and the blocks on it, in order of their first comment.
fn threads(view: View<'_>, page: Id) -> IndexMap<Id, Vec<&Comment>> {
    let mut out: IndexMap<Id, Vec<&Comment>> = IndexMap::new();
    for comment in view.world.comments.values() {
        if page_of(view, comment.about) == Some(page) {
            out.entry(comment.discussion_id).or_default().push(comment);
        }
    }
    out
}

/// The page, database or data source that something is on; itself, if it is one.
pub(super) fn page_of(view: View, id: Id) -> Option<Id> {
    let way = view.world.lineage(id)?;
    way.into_iter().find(|id| view.world.node(*id).is_some_and(|node| node.block().is_none()))
}

fn one_comment(view: View, comment: &Comment) -> Markup {
    let shown = render::comment::comment(view, comment);
    let author = shown["display_name"]["resolved_name"].as_str().unwrap_or_default();
    html! {
        div.comment {
            p.by { strong { (author) } (time(comment.created_time)) }
            p { (runs(&shown["rich_text"])) }
            @if !comment.attachments.is_empty() { p.quiet { (comment.attachments.len()) " attached" } }
        }
    }
}

fn sharing(view: View, node: &Node) -> Markup {
    let way = view.world.lineage(node.id).unwrap_or_default();
    let alive = view.world.connections.values().filter(|connection| connection.token.is_some());
    let sees = |connection: &&Connection| {
        let person = connection.owner.person();
        Reach::of(connection).covers(&way)
            && person.is_none_or(|person| view.world.shows_to(person, &way))
    };
    let seen: Vec<&Connection> = alive.filter(sees).collect();
    let by_way = |shared: &[Id]| way.iter().copied().find(|id| shared.contains(id));
    html! {
        section {
            h2 { "Shared with" }
            @if seen.is_empty() {
                p.quiet { "No connection: clients get 404. Share it with POST /_sandbox/share." }
            } @else {
                ul.plain {
                    @for connection in seen {
                        li {
                            a href={ (Tool::Connections.path()) "#" (connection.bot_id.plain()) } { (connection.name) }
                            @if let Some(root) = by_way(&connection.shared) {
                                @if root != node.id { span.quiet { " through " a href=(link_to(root)) { (title(view, root)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn facts(view: View, node: &Node) -> Markup {
    let who = |id: Id| name(view.world, id).unwrap_or_else(|| id.to_string());
    let id = node.id.to_string();
    html! {
        section {
            h2 { "Facts" }
            dl.facts {
                dt { "Id" } dd { (text::id(&id)) }
                @if let Some(parent) = node.parent_id() {
                    dt { "Parent" } dd { a href=(link_to(parent)) { (title(view, parent)) } }
                }
                dt { "Created" } dd { (time(node.created_time)) " by " (who(node.created_by)) }
                dt { "Edited" } dd { (time(node.last_edited_time)) " by " (who(node.last_edited_by)) }
                dt { "Calls" } dd { a href={ (Tool::Calls.path()) "?q=" (id) } { "that name it" } }
            }
        }
    }
}
