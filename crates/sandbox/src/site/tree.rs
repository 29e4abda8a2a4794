//! The tree of pages in the sidebar; its size is bounded, whatever the size of the world.

use maud::{Markup, html};
use notion::{Id, Kind};

use super::frame::Place;
use super::text::{icon_of, link_to, title};
use crate::world::access::View;

/// So many entries stand in the whole tree, and so many under one page.
const ENTRIES_MAX: usize = 250;
const SIBLINGS_MAX: usize = 40;
/// So many blocks are looked through for pages between them.
const VISITS_MAX: usize = 20_000;

struct Tree<'a> {
    view: View<'a>,
    /// The page that is read, and all above it.
    way: Vec<Id>,
    entries: usize,
    visits: usize,
}

/// The whole tree, open where the reader is.
pub(super) fn markup(view: View, place: Place) -> Markup {
    let way = match place {
        Place::Node(id) => view.world.lineage(id).unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut tree = Tree { view, way, entries: ENTRIES_MAX, visits: VISITS_MAX };
    let roots: Vec<Id> = view.world.roots.iter().copied().filter(|id| tree.is_live(*id)).collect();
    html! {
        p.nav-title { "Pages" }
        @if roots.is_empty() {
            p.quiet { "No pages yet." }
        } @else {
            (tree.level(&roots, 0))
        }
    }
}

impl Tree<'_> {
    fn is_live(&self, id: Id) -> bool {
        self.view.world.node(id).is_some_and(|node| !node.in_trash)
    }

    fn level(&mut self, ids: &[Id], depth: usize) -> Markup {
        // Whoever the reader came by is shown in any case.
        let shown: Vec<Id> = ids
            .iter()
            .enumerate()
            .filter(|(index, id)| *index < SIBLINGS_MAX || self.way.contains(id))
            .map(|(_, id)| *id)
            .collect();
        let more = ids.len() - shown.len();
        self.entries = self.entries.saturating_sub(shown.len());
        html! {
            ul.tree {
                @for id in shown { (self.entry(id, depth)) }
                @if more > 0 { li.more { (more) " more" } }
            }
        }
    }

    fn entry(&mut self, id: Id, depth: usize) -> Markup {
        let is_here = self.way.first() == Some(&id);
        let is_above = self.way.contains(&id);
        let below = if is_above || self.entries > 0 { self.pages_under(id) } else { Vec::new() };
        let name = title(self.view, id);
        html! {
            li {
                a href=(link_to(id)) aria-current=[is_here.then_some("page")]
                    .within[is_above && !is_here] {
                    (icon_of(self.view, id)) span { (name) }
                }
                @if !below.is_empty() {
                    details open[is_above || depth == 0] {
                        summary { span.hidden { "Pages in " (name) } }
                        (self.level(&below, depth + 1))
                    }
                }
            }
        }
    }

    /// Pages and databases in a page, also in its columns and toggles.
    fn pages_under(&mut self, id: Id) -> Vec<Id> {
        let mut found = Vec::new();
        if self.view.world.node(id).is_some_and(|node| node.kind() == Kind::Page) {
            self.look_under(id, &mut found);
        }
        found
    }

    fn look_under(&mut self, id: Id, found: &mut Vec<Id>) {
        for child in self.view.world.live_children(id) {
            if self.visits == 0 {
                return;
            }
            self.visits -= 1;
            match self.view.world.node(child).map(|node| node.kind()) {
                Some(Kind::Page | Kind::Database) => found.push(child),
                Some(Kind::Block) => self.look_under(child, found),
                _ => {}
            }
        }
    }
}
