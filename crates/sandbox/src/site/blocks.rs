//! Blocks of a page, all types; the rarer ones are in [`super::media`].

use std::collections::HashMap;

use maud::{Markup, html};
use notion::Id;
use serde_json::Value;

use super::media;
use super::text::{color, icon, icon_of, link_to, runs, title};
use crate::render::block as shown;
use crate::world::access::View;
use crate::world::block::Block;
use crate::world::node::Node;

/// So many blocks are shown of a page, nested ones included, and so deep.
const BLOCKS_MAX: usize = 1500;
const DEPTH_MAX: usize = 24;

/// What is known while blocks are written.
pub(super) struct Blocks<'a> {
    pub(super) view: View<'a>,
    /// The page that is shown.
    page: Id,
    left: usize,
    depth: usize,
    /// The level of the last heading: the next may be one deeper, so that no level is left out.
    heading: usize,
    /// Inside the copy of a synced block, whose anchors belong to the original.
    is_copy: bool,
    /// How many comments there are about a block.
    comments: HashMap<Id, usize>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(view: View<'a>, page: Id, comments: HashMap<Id, usize>) -> Self {
        Self { view, page, left: BLOCKS_MAX, depth: 0, heading: 1, is_copy: false, comments }
    }

    /// The blocks with these ids, neighbours of a list put together.
    pub(super) fn level(&mut self, ids: &[Id]) -> Markup {
        if self.depth >= DEPTH_MAX {
            return html! { p.cut { "Blocks nested deeper than this are not shown." } };
        }
        self.depth += 1;
        let mut out = html! {};
        let mut rest = ids;
        while let Some(first) = rest.first() {
            let kind = self.kind(*first);
            let same = match kind.as_str() {
                "bulleted_list_item" | "numbered_list_item" | "to_do" => {
                    rest.iter().take_while(|id| self.kind(**id) == kind).count()
                }
                _ => 1,
            };
            let (group, after) = rest.split_at(same);
            if self.left == 0 {
                let more = rest.len();
                out = html! { (out) p.cut { (more) " more blocks here are not shown: the page is long." } };
                break;
            }
            out = html! { (out) (self.group(&kind, group)) };
            rest = after;
        }
        self.depth -= 1;
        out
    }

    fn kind(&self, id: Id) -> String {
        let block = self.view.world.node(id).and_then(Node::block);
        block.map_or(String::new(), |block| block.kind.as_str().to_owned())
    }

    fn group(&mut self, kind: &str, ids: &[Id]) -> Markup {
        match kind {
            "bulleted_list_item" => html! { ul { @for id in ids { (self.item(*id)) } } },
            "to_do" => html! { ul.to-do { @for id in ids { (self.item(*id)) } } },
            "numbered_list_item" => {
                let body = |id: &Id| self.view.world.node(*id).and_then(Node::block);
                let first = ids.first().and_then(body).map_or(Value::Null, Block::body);
                let start = first["list_start_index"].as_u64().filter(|start| *start != 1);
                let sort = match first["list_format"].as_str() {
                    Some("letters") => Some("a"),
                    Some("roman") => Some("i"),
                    _ => None,
                };
                html! { ol start=[start] type=[sort] { @for id in ids { (self.item(*id)) } } }
            }
            _ => ids.first().map(|id| self.one(*id)).unwrap_or_default(),
        }
    }

    /// An entry of a list.
    fn item(&mut self, id: Id) -> Markup {
        let Some((kind, body)) = self.take(id) else { return html! {} };
        let is_done = body["checked"] == true;
        html! {
            li id=[self.anchor(id)] class=[color(&body)] {
                @if kind == "to_do" {
                    (tick(is_done, if is_done { "Done" } else { "To do" }))
                }
                div {
                    span.done[is_done] { (runs(&body["rich_text"])) } (self.remarks(id))
                    (self.below(id))
                }
            }
        }
    }

    /// Counts a block as shown; its type and body.
    fn take(&mut self, id: Id) -> Option<(String, Value)> {
        let node = self.view.world.node(id)?;
        self.left = self.left.checked_sub(1)?;
        let mut block = shown::block(self.view, node);
        let kind = block["type"].as_str().unwrap_or_default().to_owned();
        let body = block[kind.as_str()].take();
        Some((kind, body))
    }

    /// Where links to a block lead.
    fn anchor(&self, id: Id) -> Option<String> {
        (!self.is_copy).then(|| format!("b-{}", id.plain()))
    }

    /// The blocks in a block.
    pub(super) fn below(&mut self, id: Id) -> Markup {
        let children: Vec<Id> = shown::children(self.view, id).collect();
        if children.is_empty() {
            html! {}
        } else {
            self.level(&children)
        }
    }

    /// A pointer to the comments about a block.
    fn remarks(&self, id: Id) -> Markup {
        match self.comments.get(&id) {
            Some(count) if !self.is_copy => html! {
                " " a.remarks href={ "#c-" (id.plain()) } {
                    (count) (if *count == 1 { " comment" } else { " comments" })
                }
            },
            _ => html! {},
        }
    }

    fn one(&mut self, id: Id) -> Markup {
        let Some((kind, body)) = self.take(id) else { return html! {} };
        let inner = self.inner(id, &kind, &body);
        let class = format!("block {}", kind.replace('_', "-"));
        // Notion colours a callout's frame and everything else's line.
        let class = match color(&body) {
            Some(color) => format!("{class} {color}"),
            None => class,
        };
        html! { div class=(class) id=[self.anchor(id)] { (inner) } }
    }

    fn inner(&mut self, id: Id, kind: &str, body: &Value) -> Markup {
        let words = html! { (runs(&body["rich_text"])) (self.remarks(id)) };
        match kind {
            "paragraph" => html! {
                p { @if !body["icon"].is_null() { (icon(&body["icon"], "")) " " } (words) }
                (self.indented(id))
            },
            "heading_1" | "heading_2" | "heading_3" | "heading_4" => {
                let heading = self.heading(kind, &words);
                if body["is_toggleable"] == true {
                    self.toggle(id, &heading, true)
                } else {
                    heading
                }
            }
            "toggle" => self.toggle(id, &words, false),
            "template" => html! {
                details {
                    summary { span.label { "Template button" } " " (words) }
                    div.indent { (self.below(id)) }
                }
            },
            "quote" => html! { blockquote { p { (words) } (self.below(id)) } },
            "callout" => html! {
                (icon(&body["icon"], "💡")) div { p { (words) } (self.below(id)) }
            },
            "column_list" => html! { div.columns { (self.below(id)) } },
            "column" => self.below(id),
            "tab" => html! { div.tabs { (self.tabs(id)) } },
            "synced_block" => self.synced(id, body),
            "child_page" => html! {
                a.child href=(link_to(id)) { (icon_of(self.view, id)) span { (title(self.view, id)) } }
            },
            "child_database" => html! {
                a.child href=(link_to(id)) { (icon_of(self.view, id)) span { (title(self.view, id)) } span.label { "database" } }
                (super::database::inline(self.view, id))
            },
            "table" => media::table(self.view, id, body),
            "table_of_contents" => self.contents(),
            "breadcrumb" => super::page::breadcrumb(self.view, self.page, "Breadcrumb block"),
            "divider" => html! { hr; },
            "meeting_notes" => html! {
                (media::meeting(body)) div.indent { (self.below(id)) }
            },
            _ => {
                html! { (media::other(self.view, kind, body)) (self.remarks(id)) (self.below(id)) }
            }
        }
    }

    fn indented(&mut self, id: Id) -> Markup {
        let below = self.below(id);
        if below.0.is_empty() {
            below
        } else {
            html! { div.indent { (below) } }
        }
    }

    fn toggle(&mut self, id: Id, summary: &Markup, open: bool) -> Markup {
        let below = self.below(id);
        html! {
            details open[open] {
                summary { (summary) }
                div.indent { @if below.0.is_empty() { p.quiet { "Empty toggle" } } (below) }
            }
        }
    }

    fn heading(&mut self, kind: &str, words: &Markup) -> Markup {
        let wanted = match kind {
            "heading_1" => 2,
            "heading_2" => 3,
            "heading_3" => 4,
            _ => 5,
        };
        self.heading = wanted.min(self.heading + 1);
        match self.heading {
            2 => html! { h2 class=(kind) { (words) } },
            3 => html! { h3 class=(kind) { (words) } },
            4 => html! { h4 class=(kind) { (words) } },
            _ => html! { h5 class=(kind) { (words) } },
        }
    }

    /// Every child of a tab block is a tab, its own children are what the tab holds.
    fn tabs(&mut self, id: Id) -> Markup {
        let tabs: Vec<Id> = shown::children(self.view, id).collect();
        html! {
            @for (index, tab) in tabs.iter().enumerate() {
                @if let Some((_, body)) = self.take(*tab) {
                    (self.toggle(*tab, &html! { (icon(&body["icon"], "")) " " (runs(&body["rich_text"])) }, index == 0))
                }
            }
        }
    }

    fn synced(&mut self, id: Id, body: &Value) -> Markup {
        let original = body["synced_from"]["block_id"].as_str().and_then(Id::parse);
        let was_copy = self.is_copy;
        self.is_copy |= original.is_some();
        let below = self.below(id);
        self.is_copy = was_copy;
        html! {
            p.label {
                @match original {
                    Some(original) => { "Synced copy of " a href=(link_to(original)) { "its original" } }
                    None => "Synced block",
                }
            }
            (below)
        }
    }

    fn contents(&self) -> Markup {
        let headings = self.view.world.live_children(self.page).into_iter().take(BLOCKS_MAX);
        let headings: Vec<(Id, Markup, String)> = headings
            .filter_map(|id| {
                let node = self.view.world.node(id)?;
                let kind = node.block()?.kind.as_str().to_owned();
                let words = shown::block(self.view, node)[kind.as_str()]["rich_text"].take();
                kind.starts_with("heading_")
                    .then(|| (id, html! { (super::text::plain(&words)) }, kind))
            })
            .collect();
        html! {
            nav.contents aria-label="Table of contents" {
                @if headings.is_empty() { p.quiet { "Table of contents: the page has no headings." } }
                ul {
                    @for (id, words, kind) in headings {
                        li class=(kind) { a href={ "#b-" (id.plain()) } { (words) } }
                    }
                }
            }
        }
    }
}

/// A box with or without a tick.
pub(super) fn tick(is_on: bool, label: &str) -> Markup {
    html! { span.tick.on[is_on] role="img" aria-label=(label) {} }
}
