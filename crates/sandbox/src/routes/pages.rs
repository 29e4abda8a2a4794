//! Pages: create, retrieve, update, move.

use notion::{Id, Kind};
use serde_json::Value;

use super::attach::{attach, bodies};
use super::{Request, Scene, blocks, later, markdown, rewrite, rows, templates, trash};
use crate::fail::Fail;
use crate::input::blocks as drafts;
use crate::input::check::{Spot, fix_one};
use crate::input::{files, rich_text};
use crate::markdown::{Reading, parse_as};
use crate::render;
use crate::world::NODES_MAX;
use crate::world::journal::Change;
use crate::world::node::{Content, Node, Page, Parent};
use crate::world::property::TITLE;
use crate::world::tree::Slot;

/// Where a new or moved page goes, as the request says.
#[derive(Clone, Copy, Debug)]
enum Place {
    Workspace,
    Page(Id),
    Database(Id),
    DataSource(Id),
}

/// `POST /v1/pages`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    if body.get("allow_async").bool_opt()? == Some(true) {
        if !body.get("markdown").is_there() {
            return Err(body.get("allow_async").not_present().into());
        }
        return later::accept(scene, "post-page", request);
    }
    let place = place(&body.get("parent"), scene)?;
    let properties = body.get("properties");
    properties.object_opt()?;
    let page = Page {
        icon: optional(&body.get("icon"), files::icon)?,
        cover: optional(&body.get("cover"), files::cover)?,
        ..Page::default()
    };
    let children = ["children", "content"].map(|key| body.get(key));
    let children = match children.iter().find(|spot| spot.is_there()) {
        Some(spot) => drafts::read(spot, scene.version)?,
        None => Vec::new(),
    };
    blocks::check_fit(None, &children)?;
    let written = written(scene, &body)?;
    let template = templates::read(&body.get("template"))?;
    for stranger in ["children", "content", "markdown"] {
        let together = stranger != "markdown" && written.is_some();
        if body.get(stranger).is_there() && (template.is_some() || together) {
            return Err(body.get(stranger).not_present().into());
        }
    }
    let slot = position(&body.get("position"))?;
    let parent = resolve(scene, place)?;
    let source = match parent {
        Parent::Node(id) if scene.world.source(id).is_some() => Some(id),
        _ => None,
    };
    if let Slot::After(block) = slot {
        check_sibling(scene, parent, block)?;
    }
    let mut values = rows::read(scene, &properties, source)?;
    let mut written = written.unwrap_or_default();
    if !values.values.iter().any(|(property, _)| property == TITLE) {
        // The first heading is the title that nobody gave (documented).
        if let Some(at) = written.iter().position(|block| block.kind == "heading_1") {
            let heading = written.remove(at);
            values.values.push((TITLE.to_owned(), heading.body["rich_text"].clone()));
            written.splice(at..at, heading.children);
        }
    }
    rewrite::check_new(scene, &written)?;
    let template = templates::find(scene, template, source)?;
    let more = blocks::count(&children) + blocks::count(&written);
    if scene.world.nodes.len() + more >= NODES_MAX {
        return Err(Fail::full());
    }
    let files = [&page.icon, &page.cover].into_iter().chain(values.values.iter().map(|(_, it)| it));
    attach(scene, files.chain(bodies(&children)))?;
    let id = hang(scene, page, parent, slot);
    rows::write(scene, id, values);
    if let Some(source) = source {
        rows::number(scene, source, id);
        rows::defaults(scene, source, id);
    }
    blocks::plant(scene, &children, id, Slot::End);
    rewrite::plant(scene, id, &written)?;
    if let Some(template) = template {
        templates::schedule(scene, id, template, false);
    }
    if let Parent::Node(above) = parent
        && source.is_none()
    {
        scene.touch(above);
    }
    scene.note_node(id, Change::Created);
    scene.note_content(&[id]);
    Ok(scene.written(Kind::Page, id))
}

/// Reads `markdown`, if there is any.
fn written(scene: &Scene, body: &Spot) -> Result<Option<Vec<drafts::Draft>>, Fail> {
    let version = body.get("markdown_version");
    let Some(text) = body.get("markdown").string_opt()? else {
        return if version.is_there() { Err(version.not_present().into()) } else { Ok(None) };
    };
    let dialect = markdown::dialect(&version)?;
    let emoji = |name: &str| scene.world.emoji_named(name);
    parse_as(text, &Reading { dialect, emoji: &emoji }).map(Some)
}

fn optional(spot: &Spot, read: impl Fn(&Spot) -> Result<Value, Fail>) -> Result<Value, Fail> {
    if spot.is_there() { read(spot) } else { Ok(Value::Null) }
}

fn place(spot: &Spot, scene: &Scene) -> Result<Place, Fail> {
    if spot.get("workspace").is_there() || !spot.is_there() {
        return Ok(Place::Workspace);
    }
    spot.object()?;
    let keys: &[&str] = if scene.has_sources() {
        &["page_id", "database_id", "data_source_id"]
    } else {
        &["database_id", "page_id"]
    };
    let there: Vec<&&str> = keys.iter().filter(|key| spot.get(key).is_there()).collect();
    let [key, ..] = there.as_slice() else {
        return Err(fix_one(keys.iter().map(|key| spot.get(key).undefined()).collect()));
    };
    let member = spot.get(key);
    if member.value.and_then(Value::as_str).is_none() {
        // The branches of the union that are missing, and the one that has the wrong type.
        let complaint = |key: &&str| {
            if **key == **there[0] {
                member.should_be("a string")
            } else {
                spot.get(key).undefined()
            }
        };
        return Err(fix_one(keys.iter().map(complaint).collect()));
    }
    let id = member.id()?;
    Ok(match **key {
        "page_id" => Place::Page(id),
        "database_id" => Place::Database(id),
        _ => Place::DataSource(id),
    })
}

/// Looks the place up; a database stands for its one data source.
fn resolve(scene: &Scene, place: Place) -> Result<Parent, Fail> {
    let id = match place {
        Place::Workspace => return scene.own_level(),
        Place::Page(id) => scene.find(Kind::Page, id)?.id,
        Place::DataSource(id) => scene.find(Kind::DataSource, id)?.id,
        Place::Database(id) => super::databases::only_source(scene, id)?,
    };
    scene.check_editable(id)?;
    Ok(Parent::Node(id))
}

fn position(spot: &Spot) -> Result<Slot, Fail> {
    if !spot.is_there() {
        return Ok(Slot::End);
    }
    spot.object()?;
    Ok(match spot.get("type").word(&["page_start", "page_end", "after_block"], false)? {
        "page_start" => Slot::Start,
        "page_end" => Slot::End,
        _ => Slot::After(spot.get("after_block").get("id").id()?),
    })
}

fn check_sibling(scene: &Scene, parent: Parent, block: Id) -> Result<(), Fail> {
    match scene.world.node(block) {
        Some(node) if node.parent == parent => Ok(()),
        _ => Err(scene.not_found("block", block)),
    }
}

/// `GET /v1/pages/{page_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let node = scene.find(Kind::Page, request.id("page_id")?)?;
    let wanted = request.all("filter_properties");
    let fits = |property: &crate::world::property::Property| {
        wanted.is_empty() || wanted.iter().any(|called| property.is_called(called))
    };
    Ok(render::page::page_with(scene.view(), node, fits))
}

/// `PATCH /v1/pages/{page_id}`
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("page_id")?;
    let body = request.body();
    let template = templates::read(&body.get("template"))?;
    let in_trash = trash::wish(&body, scene.version)?;
    let is_archived = body.get("is_archived").bool_opt()?;
    let is_locked = body.get("is_locked").bool_opt()?;
    let erase = body.get("erase_content").bool_opt()?.unwrap_or(false);
    let (icon, cover) = (body.get("icon"), body.get("cover"));
    let icon = if icon.is_there() { Some(files::icon(&icon)?) } else { None };
    let cover = if cover.is_there() { Some(files::cover(&cover)?) } else { None };
    let properties = body.get("properties");
    properties.object_opt()?;

    let node = scene.find(Kind::Page, id)?;
    let source = node.parent_id().filter(|above| scene.world.source(*above).is_some());
    if scene.world.has_trashed_ancestor(id) {
        return Err(Fail::archived_ancestor());
    }
    if node.in_trash && in_trash != Some(false) && request.body.is_object() && in_trash.is_none() {
        return Err(Fail::archived_block());
    }
    let template = templates::find(scene, template, source)?;
    let values = rows::read(scene, &properties, source)?;
    let files = values.values.iter().map(|(_, value)| value);
    attach(scene, icon.iter().chain(&cover).chain(files))?;
    let changed = rows::write(scene, id, values);
    // The docs tell of a new title as content as well.
    let mut is_new_content = changed.iter().any(|property| property == TITLE);
    scene.note_node(id, Change::Properties(changed));
    let mut lock = None;
    if let Some(page) = scene.world.nodes.get_mut(&id).and_then(|node| node.page_mut()) {
        is_new_content |= icon.as_ref().is_some_and(|icon| *icon != page.icon)
            || cover.as_ref().is_some_and(|cover| *cover != page.cover);
        lock = is_locked.filter(|locked| *locked != page.is_locked);
        page.icon = icon.unwrap_or_else(|| page.icon.take());
        page.cover = cover.unwrap_or_else(|| page.cover.take());
        page.is_locked = is_locked.unwrap_or(page.is_locked);
        page.is_archived = is_archived.unwrap_or(page.is_archived);
    }
    if is_new_content {
        scene.note_node(id, Change::Content(vec![id]));
    }
    if let Some(locked) = lock {
        scene.note_node(id, if locked { Change::Locked } else { Change::Unlocked });
    }
    if let Some(template) = template {
        // The old content goes only when the new one is there (documented).
        templates::schedule(scene, id, template, erase);
    } else if erase {
        for child in scene.world.live_children(id) {
            trash::set(scene, child, true);
        }
    }
    match in_trash {
        Some(in_trash) => trash::set(scene, id, in_trash),
        None => scene.touch(id),
    }
    Ok(scene.written(Kind::Page, id))
}

/// `POST /v1/pages/{page_id}/move`
pub(super) fn relocate(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("page_id")?;
    let spot = request.body().get("parent");
    spot.object()?;
    for stranger in ["database_id", "workspace", "block_id"] {
        if spot.get(stranger).is_there() && !scene.who.is_person() {
            return Err(spot.get(stranger).not_present().into());
        }
    }
    let place = place(&spot, scene)?;
    scene.find(Kind::Page, id)?;
    scene.check_editable(id)?;
    let parent = resolve(scene, place)?;
    if let Parent::Node(above) = parent
        && scene.world.lineage(above).unwrap_or_default().contains(&id)
    {
        return Err(Fail::validation("A page cannot be moved into itself or its own subpages."));
    }
    if scene.world.node(id).is_some_and(|node| node.parent != parent) {
        bring(scene, id, parent);
    } else {
        scene.world.relocate(id, parent);
    }
    scene.touch(id);
    Ok(scene.written(Kind::Page, id))
}

/// Moves a page to another parent.
pub(super) fn bring(scene: &mut Scene, id: Id, parent: Parent) {
    scene.note_content(&[id]);
    scene.world.relocate(id, parent);
    keep_title(scene, id);
    scene.note_node(id, Change::Moved);
    scene.note_content(&[id]);
}

/// A new page under a page or block, with nothing but a title.
pub(super) fn blank(scene: &mut Scene, parent: Id, title: &str) -> Id {
    let mut page = Page::default();
    if !title.is_empty() {
        page.values.insert(TITLE.to_owned(), rich_text::plain(title).into());
    }
    let id = hang(scene, page, Parent::Node(parent), Slot::End);
    scene.note_node(id, Change::Created);
    id
}

/// Puts a new page into the tree.
fn hang(scene: &mut Scene, page: Page, parent: Parent, slot: Slot) -> Id {
    let (id, now, by) = (scene.world.ids.object(), scene.now(), scene.who.user);
    scene.world.insert(Node::new(id, parent, (now, by), Content::Page(Box::new(page))), slot);
    scene.keep_private(id);
    id
}

/// In another table, or in none, a page keeps the values whose properties are there: its title.
fn keep_title(scene: &mut Scene, id: Id) {
    let source = scene.world.source_of_row(id).map(|(id, source)| (id, source.schema.clone()));
    if let Some(page) = scene.world.nodes.get_mut(&id).and_then(|node| node.page_mut()) {
        page.values.retain(|property, _| {
            source.as_ref().map_or(property == TITLE, |(_, schema)| schema.contains_key(property))
        });
    }
    if let Some((source, _)) = source {
        rows::number(scene, source, id);
        rows::defaults(scene, source, id);
    }
}
