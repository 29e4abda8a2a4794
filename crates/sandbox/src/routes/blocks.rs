//! Blocks: retrieve, update, delete, list and append children.

use notion::{Id, Kind, Version};
use serde_json::{Value, json};

use super::attach::{attach, bodies};
use super::{Request, Scene, trash};
use crate::fail::Fail;
use crate::input::blocks::{self as drafts, Draft};
use crate::input::check::Spot;
use crate::input::paging::{PAGE_MAX, Paging};
use crate::query::session;
use crate::render;
use crate::render::list::list;
use crate::world::NODES_MAX;
use crate::world::block::Block;
use crate::world::era::Era;
use crate::world::node::{Content, Node, Parent};
use crate::world::tree::Slot;

/// How many blocks drafts make.
pub(super) fn count(all: &[Draft]) -> usize {
    all.iter().map(|draft| 1 + count(&draft.children)).sum()
}

/// Makes blocks under a node; gives the ids of the first level.
pub(crate) fn plant(scene: &mut Scene, all: &[Draft], under: Id, slot: Slot) -> Vec<Id> {
    let (now, by) = (scene.now(), scene.who.user);
    let mut made = Vec::new();
    let mut slot = slot;
    for draft in all {
        let id = scene.world.ids.object();
        let content = Content::Block(Block::new(draft.kind, &draft.body));
        scene.world.insert(Node::new(id, Parent::Node(under), (now, by), content), slot);
        plant(scene, &draft.children, id, Slot::End);
        slot = Slot::After(id);
        made.push(id);
    }
    made
}

/// `GET /v1/blocks/{block_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let node = scene.find(Kind::Block, request.id("block_id")?)?;
    Ok(render::block::block(scene.view(), node))
}

/// `GET /v1/blocks/{block_id}/children`
pub(super) fn children(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("block_id")?;
    let paging = Paging::in_query(&request.query)?;
    scene.find(Kind::Block, id)?;
    let view = scene.view();
    let all: Vec<Id> = render::block::children(view, id).collect();
    let (page, next) = session::slice(&all, &paging)?;
    let nodes = page.iter().filter_map(|id| view.world.node(*id));
    let results = nodes.map(|node| render::block::block(view, node)).collect();
    Ok(list("block", results, next))
}

/// `PATCH /v1/blocks/{block_id}/children`
pub(super) fn append(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("block_id")?;
    let body = request.body();
    let children = drafts::read(&body.get("children"), scene.version)?;
    let slot = slot(&body, scene.version)?;
    body.only(&["children", "after", "position"])?;
    let node = scene.find(Kind::Block, id)?;
    let takes = match &node.content {
        Content::Page(_) => true,
        Content::Block(block) => drafts::takes_children(&block.kind, &block.body()),
        _ => false,
    };
    if !takes {
        return Err(Fail::validation("Block does not support children."));
    }
    scene.check_editable(id)?;
    check_fit(Some(node), &children)?;
    if let Slot::After(sibling) = slot
        && scene.world.node(sibling).is_none_or(|node| node.parent_id() != Some(id))
    {
        return Err(scene.not_found("block", sibling));
    }
    if scene.world.nodes.len() + count(&children) > NODES_MAX {
        return Err(Fail::full());
    }
    attach(scene, bodies(&children))?;
    let made = plant(scene, &children, id, slot);
    scene.touch(id);
    scene.note_content(&made);
    // The first versions answered the block that got them.
    if scene.version < Version::V2021_08_16 {
        return Ok(scene.written(Kind::Block, id));
    }
    // The list begins with the new blocks and runs on to the parent's last child (measured).
    let siblings = scene.world.live_children(id);
    let from = made.first().and_then(|new| siblings.iter().position(|sibling| sibling == new));
    let rest = &siblings[from.unwrap_or(siblings.len())..];
    let shown = rest.len().min(PAGE_MAX.max(made.len()));
    let results = rest[..shown].iter().map(|id| scene.written(Kind::Block, *id)).collect();
    Ok(list("block", results, rest.get(shown).map(Id::to_string)))
}

/// Rows go into tables, columns into column lists, and nothing else does. Without a node: a page.
pub(super) fn check_fit(node: Option<&Node>, children: &[Draft]) -> Result<(), Fail> {
    let block = node.and_then(Node::block);
    let kind = block.map_or("page", |block| block.kind.as_str());
    let body = block.map(Block::body).unwrap_or_default();
    for draft in children {
        let fits = match kind {
            "table" => draft.kind == "table_row",
            "column_list" => draft.kind == "column",
            _ => !matches!(draft.kind, "table_row" | "column"),
        };
        if !fits {
            let text = format!("A {} block cannot be a child of a {kind} block.", draft.kind);
            return Err(Fail::validation(text));
        }
        let cells = draft.body["cells"].as_array().map_or(0, Vec::len) as u64;
        if kind == "table" && body["table_width"] != json!(cells) {
            return Err(not_as_wide());
        }
    }
    Ok(())
}

fn not_as_wide() -> Fail {
    Fail::validation("Number of cells in table row must match the table width.")
}

fn slot(body: &Spot, version: Version) -> Result<Slot, Fail> {
    let after = body.get("after");
    if after.is_there() {
        if version >= Version::V2026_03_11 {
            return Err(after.not_present().into());
        }
        return Ok(Slot::After(after.id()?));
    }
    let position = body.get("position");
    if !position.is_there() {
        return Ok(Slot::End);
    }
    position.object()?;
    Ok(match position.get("type").word(&["after_block", "start", "end"], false)? {
        "start" => Slot::Start,
        "end" => Slot::End,
        _ => Slot::After(position.get("after_block").get("id").id()?),
    })
}

/// `PATCH /v1/blocks/{block_id}`
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("block_id")?;
    let body = request.body();
    let in_trash = trash::wish(&body, scene.version)?;
    let node = scene.find(Kind::Block, id)?;
    if scene.world.has_trashed_ancestor(id) {
        return Err(Fail::archived_ancestor());
    }
    if node.in_trash && in_trash.is_none() {
        return Err(Fail::archived_block());
    }
    if let Some(block) = node.block() {
        let (own, old) = (body.get(&block.kind), block.body());
        let body = if own.is_there() {
            Some(drafts::updated(&block.kind, &old, &own)?)
        } else {
            let known = ["in_trash", "archived", "type", "object"];
            let other = request.body.as_object().into_iter().flat_map(|all| all.keys());
            if other.into_iter().any(|key| !known.contains(&key.as_str())) {
                let text = format!("Expected block type {} in request body", block.kind);
                return Err(Fail::validation(text));
            }
            None
        };
        // A row has as many cells as its table is wide, and keeps them.
        let cells = |body: &Value| body["cells"].as_array().map(Vec::len);
        if body.as_ref().is_some_and(|new| cells(new) != cells(&old)) {
            return Err(not_as_wide());
        }
        attach(scene, body.iter().filter(|body| shows_another_file(&old, body)))?;
        if let (Some(body), Some(block)) =
            (body, scene.world.nodes.get_mut(&id).and_then(|node| node.block_mut()))
        {
            let is_change = block.body() != body;
            block.set_body(&body);
            if is_change {
                scene.note_content(&[id]);
            }
        }
    } else if in_trash.is_none() && request.body.as_object().is_some_and(|all| !all.is_empty()) {
        return Err(Fail::validation(
            "Pages and databases are updated through their own endpoints.",
        ));
    }
    match in_trash {
        Some(in_trash) => trash::set(scene, id, in_trash),
        None => scene.touch(id),
    }
    Ok(scene.written(Kind::Block, id))
}

/// A file that stays may be somebody else's upload.
fn shows_another_file(old: &Value, new: &Value) -> bool {
    ["file_upload", "file", "icon"].iter().any(|member| old[member] != new[member])
}

/// `DELETE /v1/blocks/{block_id}`
pub(super) fn delete(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("block_id")?;
    scene.find(Kind::Block, id)?;
    // What was gone could be thrown away again (measured in 2022).
    if scene.world.era(scene.version) >= Era::Of2024 || !scene.world.is_gone(id) {
        scene.check_editable(id)?;
        trash::set(scene, id, true);
    }
    Ok(scene.written(Kind::Block, id))
}
