//! The search, and the trash.

use maud::{Markup, html};
use notion::{Id, Kind};

use super::frame::{Place, Tool};
use super::text::{icon_of, link_to, title};
use super::when::time;
use super::{Page, Pages, aside};
use crate::world::access::View;
use crate::world::node::Node;

const FOUND_AT_ONCE: usize = 50;

/// Pages, databases and data sources whose title holds a text.
pub(super) fn search(view: View, pages: &Pages) -> Page {
    let query = pages.query("q").unwrap_or_default();
    if let Some(node) = Id::from_pasted(query).and_then(|id| view.world.node(id)) {
        return Page {
            moved: Some(link_to(node.id)),
            ..Page::new("Search", Place::Elsewhere, html! {})
        };
    }
    let wanted = query.to_lowercase();
    let is_found = |node: &&Node| {
        !wanted.is_empty()
            && node.kind() != Kind::DataSource
            && title(view, node.id).to_lowercase().contains(&wanted)
    };
    let found: Vec<&Node> = view.world.nodes.titled().filter(is_found).collect();
    let (shown, links) = pages.cut(&found, FOUND_AT_ONCE, "results");
    let main = html! {
        header.head {
            h1 { @if query.is_empty() { "Search" } @else { "Search: " (query) } }
            p { "Titles of pages and databases; an id or a link of Notion leads straight there." }
        }
        @if found.is_empty() {
            p.empty { @if query.is_empty() { "Type something into the field above the pages." } @else { "No title holds this text." } }
        }
        (list(view, shown))
        (links)
    };
    Page::new(
        if query.is_empty() { "Search".to_owned() } else { format!("Search: {query}") },
        Place::Elsewhere,
        main,
    )
}

/// What is in the trash, last edited first.
pub(super) fn trash(view: View, pages: &Pages) -> Page {
    let mut all: Vec<&Node> =
        view.world.nodes.iter().map(|(_, node)| node).filter(|node| node.in_trash).collect();
    all.sort_by_key(|node| std::cmp::Reverse(node.last_edited_time));
    let (shown, links) = pages.cut(&all, FOUND_AT_ONCE, "objects");
    let main = html! {
        header.head { h1 { "Trash" } p { "What was archived or deleted, last edited first. What stood below it is hidden with it." } }
        @if all.is_empty() { p.empty { "The trash is empty." } }
        (list(view, shown))
        (links)
    };
    Page::new("Trash", Place::Tool(Tool::Trash), main)
}

fn list(view: View, nodes: &[&Node]) -> Markup {
    html! {
        @if !nodes.is_empty() {
            ul.recent {
                @for node in nodes {
                    li {
                        @match (node.kind(), aside::page_of(view, node.id)) {
                            (Kind::Block, Some(page)) => a href=(link_to(page)) {
                                (icon_of(view, node.id))
                                span { (title(view, node.id)) " of " (title(view, page)) }
                            },
                            _ => a href=(link_to(node.id)) { (icon_of(view, node.id)) span { (title(view, node.id)) } },
                        }
                        (time(node.last_edited_time))
                    }
                }
            }
        }
    }
}
