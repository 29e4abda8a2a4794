//! Makes the blocks of a page those of a changed text.
//!
//! What the text leaves as it is keeps its block, with id, comments and all that markdown cannot
//! say. Which ids survive on the real service is not known; here a block is the same when it reads
//! the same, wherever it stands among its siblings, and else changed in place by the next of its
//! type. Pages, databases and what has no syntax are known by the address in their tags.

use std::collections::{HashMap, HashSet, VecDeque};

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::{Scene, blocks, pages, trash};
use crate::fail::Fail;
use crate::input::blocks::Draft;
use crate::markdown::tree::Tree;
use crate::markdown::{Dialect, Look, render};
use crate::world::NODES_MAX;
use crate::world::journal::Change;
use crate::world::node::{Content, Parent};
use crate::world::tree::Slot;

/// Kinds that tags name by address.
const NAMED: [&str; 4] = ["child_page", "child_database", "unknown", "meeting_notes"];

/// Checks what the text asks for, and does it.
pub(super) fn rewrite(
    scene: &mut Scene,
    page: Id,
    old: &Tree,
    new: &[Draft],
    may_delete: bool,
) -> Result<(), Fail> {
    let mut was = HashMap::new();
    index(&old.drafts, &mut was);
    let named = check(scene, page, &was, new)?;
    if !may_delete {
        let lost = was
            .keys()
            .filter(|id| !named.contains(id))
            .filter(|id| scene.world.node(**id).is_some_and(|node| node.block().is_none()));
        // Always the same one of them.
        let mut lost: Vec<&Id> = lost.collect();
        lost.sort_unstable();
        if let Some((id, others)) = lost.split_first() {
            let others = others.len();
            return Err(Fail::validation(format!(
                "This would delete child pages or databases: {id}{}. Keep their <page> or \
                 <database> tags in the text, or set allow_deleting_content to true.",
                if others > 0 { format!(" and {others} more") } else { String::new() }
            )));
        }
    }
    if scene.world.nodes.len() + blocks::count(new) > NODES_MAX {
        return Err(Fail::full());
    }
    let mut work = Work { scene, was, named, changed: Vec::new() };
    work.children(page, &old.drafts, new);
    let changed = work.changed;
    if !changed.is_empty() {
        scene.note_content(&changed);
        scene.touch(page);
    }
    Ok(())
}

/// Plants the blocks of a text under a new page.
pub(super) fn plant(scene: &mut Scene, page: Id, new: &[Draft]) -> Result<(), Fail> {
    rewrite(scene, page, &Tree::default(), new, true)
}

/// Whether the text can be planted; nothing is changed.
pub(super) fn check_new(scene: &Scene, new: &[Draft]) -> Result<(), Fail> {
    check(scene, Id::NIL, &HashMap::new(), new).map(|_| ())
}

fn index<'a>(drafts: &'a [Draft], into: &mut HashMap<Id, &'a Draft>) {
    for draft in drafts {
        if let Some(id) = draft.id {
            into.insert(id, draft);
        }
        index(&draft.children, into);
    }
}

/// Checks what the text names; gives the ids.
fn check(
    scene: &Scene,
    page: Id,
    was: &HashMap<Id, &Draft>,
    new: &[Draft],
) -> Result<HashSet<Id>, Fail> {
    let above = scene.world.lineage(page).unwrap_or_default();
    let mut named = HashSet::new();
    let mut open: Vec<&Draft> = new.iter().collect();
    while let Some(draft) = open.pop() {
        open.extend(&draft.children);
        let from = draft.body["synced_from"]["block_id"].as_str().and_then(Id::parse);
        if let Some(from) = from {
            scene.find(Kind::Block, from)?;
        }
        let Some(id) = draft.id else {
            match draft.kind {
                "child_database" => {
                    return Err(Fail::validation(
                        "A <database> tag must name an existing database by its url. Create new \
                         ones through the database endpoints.",
                    ));
                }
                "unknown" | "meeting_notes" => {
                    return Err(Fail::validation(
                        "An <unknown> or <meeting-notes> tag must name a block of this page by \
                         its url. Create new ones through the block endpoints.",
                    ));
                }
                _ => continue,
            }
        };
        if !named.insert(id) {
            return Err(Fail::validation(format!("The markdown names {id} twice.")));
        }
        if was.contains_key(&id) {
            continue;
        }
        let kind = match draft.kind {
            "child_page" => Kind::Page,
            "child_database" => Kind::Database,
            "unknown" | "meeting_notes" => return Err(scene.not_found("block", id)),
            // Copied from elsewhere with its address: it becomes a block of its own.
            _ => {
                named.remove(&id);
                continue;
            }
        };
        scene.find(kind, id)?;
        scene.check_editable(id)?;
        if above.contains(&id) {
            return Err(Fail::validation(
                "A page cannot be moved into itself or its own subpages.",
            ));
        }
    }
    Ok(named)
}

struct Work<'a, 'w> {
    scene: &'a mut Scene<'w>,
    /// What is there, by id.
    was: HashMap<Id, &'a Draft>,
    /// What the text names.
    named: HashSet<Id>,
    changed: Vec<Id>,
}

/// How a block reads, with what is below it.
fn whole(draft: &Draft) -> String {
    // The dialect that can say more, whichever the text is in.
    let look = Look { bare: true, dialect: Dialect::V2, ..Look::default() };
    render(std::slice::from_ref(draft), look).markdown
}

/// How a block itself reads.
fn alone(draft: &Draft) -> String {
    whole(&Draft { children: Vec::new(), ..draft.clone() })
}

impl Work<'_, '_> {
    /// Makes the children of `parent` those of the text.
    fn children(&mut self, parent: Id, old: &[Draft], new: &[Draft]) {
        let partners = partners(old, new, &self.named);
        let before = self.scene.world.live_children(parent);
        let mut order = Vec::new();
        for (draft, partner) in new.iter().zip(&partners) {
            let known = draft.id.filter(|id| self.named.contains(id));
            let id = match (known, partner.and_then(|at| old.get(at))) {
                (Some(id), _) => {
                    self.bring(id, parent, draft);
                    Some(id)
                }
                (None, Some(same)) => self.keep(same, draft),
                (None, None) => Some(self.make(parent, draft)),
            };
            order.extend(id);
        }
        for (at, gone) in old.iter().enumerate() {
            let Some(id) = gone.id.filter(|id| !self.named.contains(id)) else { continue };
            if !partners.contains(&Some(at)) {
                trash::set(self.scene, id, true);
                self.changed.push(id);
            }
        }
        if order != before {
            self.scene.world.arrange(parent, &order);
        }
    }
    /// Brings what the text names to its place.
    fn bring(&mut self, id: Id, parent: Id, draft: &Draft) {
        if self.scene.world.node(id).is_some_and(|node| node.parent != Parent::Node(parent)) {
            if self.scene.world.page(id).is_some() {
                pages::bring(self.scene, id, Parent::Node(parent));
            } else {
                self.scene.world.relocate(id, Parent::Node(parent));
            }
            self.changed.push(id);
        }
        let was = self.was.get(&id).copied();
        if let Some(was) = was.filter(|was| was.kind == "synced_block") {
            self.children(id, &was.children, &draft.children);
        }
        // The text in the tag of a database is its title; that of a page is only shown.
        let title = draft.body["title"].as_str().filter(|title| !title.is_empty());
        if let (Some(title), Some(was), "child_database") = (title, was, draft.kind)
            && was.body["title"] != title
        {
            self.rename(id, title);
        }
    }

    fn rename(&mut self, database: Id, title: &str) {
        let title = crate::input::rich_text::plain(title);
        let first = self.scene.world.sources_of(database).first().copied();
        for id in [Some(database), first].into_iter().flatten() {
            let node = self.scene.world.nodes.get_mut(&id);
            match node.map(|node| &mut node.content) {
                Some(Content::Database(database)) => database.title.clone_from(&title),
                Some(Content::DataSource(source)) => source.title.clone_from(&title),
                _ => {}
            }
            self.scene.note_node(id, Change::Content(vec![id]));
            self.scene.touch(id);
        }
    }

    /// Keeps a block, changed where the text has changed it.
    fn keep(&mut self, same: &Draft, draft: &Draft) -> Option<Id> {
        let id = same.id?;
        if whole(same) == whole(draft) {
            return Some(id);
        }
        if alone(same) != alone(draft) {
            let node = self.scene.world.nodes.get_mut(&id);
            if let Some(block) = node.and_then(|node| node.block_mut()) {
                let body = merged(draft.kind, block.body(), same, draft);
                block.set_body(&body);
            }
            self.scene.touch(id);
            self.changed.push(id);
        }
        self.children(id, &same.children, &draft.children);
        Some(id)
    }

    fn make(&mut self, parent: Id, draft: &Draft) -> Id {
        let id = if draft.kind == "child_page" {
            let title = draft.body["title"].as_str().unwrap_or_default();
            pages::blank(self.scene, parent, title)
        } else {
            let alone = Draft { id: None, children: Vec::new(), ..draft.clone() };
            let made = blocks::plant(self.scene, &[alone], parent, Slot::End);
            made.first().copied().unwrap_or(Id::NIL)
        };
        self.changed.push(id);
        self.children(id, &[], &draft.children);
        id
    }
}

/// What blocks are compared by; `None` is like nothing.
type Key<'a> = &'a dyn Fn(&Draft) -> Option<String>;

/// For each block of the text, the old one that it is, by place in `old`.
fn partners(old: &[Draft], new: &[Draft], named: &HashSet<Id>) -> Vec<Option<usize>> {
    let mut partners = vec![None; new.len()];
    let is_named = |draft: &Draft| draft.id.is_some_and(|id| named.contains(&id));
    let mut free: Vec<bool> = old.iter().map(|draft| !is_named(draft)).collect();
    // What reads the same, then what differs only below, then what is of the same type.
    let rounds: [Key; 3] = [
        &|draft| Some(whole(draft)),
        &|draft| Some(format!("{} {}", draft.kind, alone(draft))),
        &|draft| (!NAMED.contains(&draft.kind)).then(|| draft.kind.to_owned()),
    ];
    for key in rounds {
        let mut places: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (at, draft) in old.iter().enumerate().filter(|(at, _)| free[*at]) {
            if let Some(key) = key(draft) {
                places.entry(key).or_default().push_back(at);
            }
        }
        for (at, draft) in new.iter().enumerate() {
            if partners[at].is_some() || is_named(draft) {
                continue;
            }
            let place = key(draft).and_then(|key| places.get_mut(&key)?.pop_front());
            if let Some(place) = place {
                (partners[at], free[place]) = (Some(place), false);
            }
        }
    }
    partners
}

/// The body of a changed block: what markdown cannot say stays.
fn merged(kind: &str, kept: Value, shown: &Draft, draft: &Draft) -> Value {
    let (mut body, Value::Object(new)) = (kept, draft.body.clone()) else { return json!({}) };
    let is_same_file = shown.body["external"] == draft.body["external"];
    for (key, value) in new {
        let stays = match key.as_str() {
            "type" | "external" | "name" => is_same_file,
            "caption" => kind == "code",
            "icon" => kind == "paragraph",
            _ => false,
        };
        if stays {
            continue;
        }
        if let Some(members) = body.as_object_mut() {
            if key == "external" {
                members.shift_remove("file");
                members.shift_remove("file_upload");
            }
            members.insert(key, value);
        }
    }
    body
}
