//! The tree of pages that a person picks from: what they see, as far as a page can show it.

use std::collections::VecDeque;

use notion::Id;

use crate::world::World;
use crate::world::node::{Content, Node};

/// So many pages are shown at most: whole levels first, from the top.
const SHOWN_MAX: usize = 300;
/// So many pages are shown of those that were searched for.
const FOUND_MAX: usize = 100;
/// So many blocks are looked through for the pages among them.
const WALKED_MAX: usize = 50_000;

/// A page or database to pick.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) title: String,
    pub(super) icon: Icon,
    pub(super) inside: Vec<Self>,
}

/// What stands before its title.
#[derive(Debug)]
pub(super) enum Icon {
    Emoji(String),
    Page,
    Database,
}

/// What there is to pick.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) top: Vec<Entry>,
    /// All that are in it.
    pub(super) shown: Vec<Id>,
    /// Whether there are more pages than are shown.
    pub(super) is_cut: bool,
}

impl Entry {
    /// Whether one of these is inside it.
    pub(super) fn holds(&self, chosen: &[Id]) -> bool {
        self.inside.iter().any(|inner| chosen.contains(&inner.id) || inner.holds(chosen))
    }
}

/// Whether a person can pick it: a page or database that they see, not in the trash.
pub(super) fn offers(world: &World, person: Id, id: Id) -> bool {
    let way = world.lineage(id).unwrap_or_default();
    world.node(id).is_some_and(is_pickable) && !world.is_gone(id) && world.shows_to(person, &way)
}

fn is_pickable(node: &Node) -> bool {
    matches!(node.content, Content::Page(_) | Content::Database(_))
}

/// The tree for a person.
pub(super) fn tree(world: &World, person: Id) -> Tree {
    let mut walked = 0;
    // Level by level, each page with the place of its parent among those found before.
    let mut found: Vec<(Id, Option<usize>)> = Vec::new();
    let mut waiting: VecDeque<(Id, Option<usize>)> =
        world.roots.iter().map(|id| (*id, None)).collect();
    while let Some((id, above)) = waiting.pop_front() {
        if found.len() >= SHOWN_MAX || walked > WALKED_MAX {
            return assemble(world, &found, true);
        }
        if !offers(world, person, id) {
            continue;
        }
        let place = found.len();
        found.push((id, above));
        let inside = pages_in(world, id, &mut walked);
        waiting.extend(inside.into_iter().map(|id| (id, Some(place))));
    }
    assemble(world, &found, false)
}

/// The pages whose titles hold some words, one beside the other.
pub(super) fn search(world: &World, person: Id, words: &str) -> Tree {
    let words = words.to_lowercase();
    let mut fitting = world
        .nodes
        .titled()
        .filter(|node| is_pickable(node) && title(world, node.id).to_lowercase().contains(&words))
        .filter(|node| offers(world, person, node.id))
        .map(|node| (node.id, None));
    let found: Vec<(Id, Option<usize>)> = fitting.by_ref().take(FOUND_MAX).collect();
    let is_cut = fitting.next().is_some();
    assemble(world, &found, is_cut)
}

/// The pages and databases among the blocks of a page. Rows of databases are not listed.
fn pages_in(world: &World, page: Id, walked: &mut usize) -> Vec<Id> {
    let mut inside = Vec::new();
    if world.page(page).is_none() {
        return inside;
    }
    let mut blocks: Vec<Id> = world.live_children(page).into_iter().rev().collect();
    while let Some(id) = blocks.pop() {
        *walked += 1;
        if *walked > WALKED_MAX {
            break;
        }
        if world.node(id).is_some_and(is_pickable) {
            inside.push(id);
        } else {
            blocks.extend(world.live_children(id).into_iter().rev());
        }
    }
    inside
}

fn assemble(world: &World, found: &[(Id, Option<usize>)], is_cut: bool) -> Tree {
    let mut entries: Vec<Option<Entry>> =
        found.iter().map(|(id, _)| Some(entry(world, *id))).collect();
    let mut top = Vec::new();
    // Parents come before what is inside them: from the end, every entry is whole when it is put.
    for (place, (_, above)) in found.iter().enumerate().rev() {
        let Some(mut entry) = entries.get_mut(place).and_then(Option::take) else { continue };
        entry.inside.reverse();
        match above.and_then(|above| entries.get_mut(above)).and_then(Option::as_mut) {
            Some(parent) => parent.inside.push(entry),
            None => top.push(entry),
        }
    }
    top.reverse();
    Tree { top, shown: found.iter().map(|(id, _)| *id).collect(), is_cut }
}

/// The title of a page or database, without what mentions would add.
pub(super) fn title(world: &World, id: Id) -> String {
    world.title_of(id).iter().filter_map(|run| run["text"]["content"].as_str()).collect()
}

/// One page or database, without what is inside.
pub(super) fn entry(world: &World, id: Id) -> Entry {
    let title = title(world, id);
    let node = world.node(id);
    let (icon, other, untitled) = match node.map(|node| &node.content) {
        Some(Content::Database(database)) => (&database.icon, Icon::Database, "Untitled database"),
        Some(Content::Page(page)) => (&page.icon, Icon::Page, "Untitled"),
        _ => (&serde_json::Value::Null, Icon::Page, "Untitled"),
    };
    let emoji = icon["emoji"].as_str().map(|emoji| Icon::Emoji(emoji.to_owned()));
    Entry {
        id,
        title: if title.trim().is_empty() { untitled.to_owned() } else { title },
        icon: emoji.unwrap_or(other),
        inside: Vec::new(),
    }
}
