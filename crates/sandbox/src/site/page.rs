//! A page: head, properties, blocks, and what is known about it beside them.

use std::collections::HashMap;

use maud::{Markup, html};
use notion::{Id, Kind};
use serde_json::Value;

use super::blocks::Blocks;
use super::frame::Place;
use super::text::{icon_of, link_to, linked, title};
use super::{Page, Pages, aside, media, values};
use crate::render;
use crate::world::access::View;
use crate::world::node::Node;
use crate::world::property::TITLE;

/// So many blocks of the first level are shown at a time.
const BLOCKS_AT_ONCE: usize = 200;

pub(super) fn page(view: View, node: &Node, pages: &Pages) -> Page {
    let name = title(view, node.id);
    let ids: Vec<Id> = render::block::children(view, node.id).collect();
    let (shown, links) = pages.cut(&ids, BLOCKS_AT_ONCE, "blocks");
    let mut counts = HashMap::new();
    for comment in view.world.comments.values().filter(|comment| !comment.resolved) {
        *counts.entry(comment.about).or_insert(0) += 1;
    }
    let mut blocks = Blocks::new(view, node.id, counts);
    let content = blocks.level(shown);
    let cover = node.page().map_or(&Value::Null, |page| &page.cover);
    let main = html! {
        div.with-aside {
            article {
                (breadcrumb(view, node.id, "Breadcrumb"))
                (cover_band(&render::file(view, cover)))
                header.title { h1 { (icon_of(view, node.id)) span { (name) } } (aside::flags(view, node)) }
                (properties(view, node))
                div.content {
                    (content)
                    @if ids.is_empty() {
                        p.empty { "Nothing is on this page. Add blocks with PATCH /v1/blocks/" (node.id) "/children." }
                    }
                }
                (links)
            }
            (aside::about(view, node))
        }
    };
    Page::new(name, Place::Node(node.id), main)
}

/// The way from the top of the workspace to a node.
pub(super) fn breadcrumb(view: View, id: Id, label: &str) -> Markup {
    let way = view.world.lineage(id).unwrap_or_default();
    let is_stop = |id: &&Id| {
        let kind = view.world.node(**id).map(|node| node.kind());
        matches!(kind, Some(Kind::Page | Kind::Database))
    };
    html! {
        nav.breadcrumb aria-label=(label) {
            ol {
                li { a href="/" { "Workspace" } }
                @for above in way.iter().skip(1).rev().collect::<Vec<_>>().into_iter().filter(is_stop) {
                    li { a href=(link_to(*above)) { (title(view, *above)) } }
                }
            }
        }
    }
}

/// Covers are not loaded from elsewhere: a band stands for them.
pub(super) fn cover_band(cover: &Value) -> Markup {
    let kind = cover["type"].as_str().unwrap_or_default();
    match cover[kind]["url"].as_str() {
        Some(url) => html! {
            p.cover { span.label { "cover" } (linked(Some(url), &html! { (media::name_of(url)) })) }
        },
        None => html! {},
    }
}

fn properties(view: View, node: &Node) -> Markup {
    let Some((source_id, source)) = view.world.source_of_row(node.id) else { return html! {} };
    html! {
        dl.properties aria-label={ "Properties, from " (title(view, source_id)) } {
            @for property in source.schema.values().filter(|property| property.id != TITLE) {
                div {
                    dt { (property.name) }
                    dd {
                        @let shown = values::value(view, property, &render::values::value(view, node.id, property));
                        @if shown.0.is_empty() { span.none { "Empty" } } @else { (shown) }
                    }
                }
            }
        }
    }
}
