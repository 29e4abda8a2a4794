//! Databases: the container, and before 2025-09-03 container and table in one.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::attach::{self, attach};
use super::{Request, Scene, data_sources, trash};
use crate::fail::Fail;
use crate::input::check::{Spot, fix_one};
use crate::input::{files, rich_text};
use crate::world::NODES_MAX;
use crate::world::journal::Change;
use crate::world::node::{Content, DataSource, Database, Node, Parent};
use crate::world::tree::Slot;

/// The one data source of a database, for callers and versions that name the database.
pub(super) fn only_source(scene: &Scene, database: Id) -> Result<Id, Fail> {
    scene.find(Kind::Database, database)?;
    let view = scene.view();
    let all = scene.world.sources_of(database);
    let visible: Vec<Id> = all.into_iter().filter(|id| view.sees(*id)).collect();
    match visible.as_slice() {
        [one] => Ok(*one),
        [] => Err(Fail::no_source(database)),
        several => Err(Fail::several_sources(database, several)),
    }
}

/// What a request says about the container.
#[derive(Debug, Default)]
struct Changes {
    title: Option<Vec<Value>>,
    description: Option<Vec<Value>>,
    icon: Option<Value>,
    cover: Option<Value>,
    is_inline: Option<bool>,
    is_locked: Option<bool>,
}

fn changes(body: &Spot) -> Result<Changes, Fail> {
    let (icon, cover) = (body.get("icon"), body.get("cover"));
    Ok(Changes {
        title: rich_text::read_opt(&body.get("title"))?,
        description: rich_text::read_opt(&body.get("description"))?,
        icon: if icon.is_there() { Some(files::icon(&icon)?) } else { None },
        cover: if cover.is_there() { Some(files::cover(&cover)?) } else { None },
        is_inline: body.get("is_inline").bool_opt()?,
        is_locked: body.get("is_locked").bool_opt()?,
    })
}

fn parent(scene: &Scene, spot: &Spot) -> Result<(Kind, Option<Id>), Fail> {
    spot.object()?;
    if spot.get("workspace").is_there() {
        return Ok((Kind::Page, None));
    }
    // Wikis are made in the app: there, pages and databases are rows.
    let source = spot.get("data_source_id");
    if source.is_there() && scene.who.is_person() {
        return Ok((Kind::DataSource, Some(source.id()?)));
    }
    let (page, block) = (spot.get("page_id"), spot.get("block_id"));
    if page.is_there() {
        return Ok((Kind::Page, Some(page.id()?)));
    }
    if block.is_there() {
        return Ok((Kind::Block, Some(block.id()?)));
    }
    Err(fix_one(vec![page.undefined(), spot.get("workspace").undefined()]))
}

fn look_up(scene: &Scene, parent: (Kind, Option<Id>)) -> Result<Parent, Fail> {
    match parent {
        (_, None) => scene.own_level(),
        (kind, Some(id)) => {
            scene.find(kind, id)?;
            scene.check_editable(id)?;
            Ok(Parent::Node(id))
        }
    }
}

/// `POST /v1/databases`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    let above = parent(scene, &body.get("parent"))?;
    let changes = changes(&body)?;
    let properties = if scene.has_sources() {
        let initial = body.get("initial_data_source");
        initial.object_opt()?;
        initial.get("properties")
    } else {
        let properties = body.get("properties");
        properties.object()?;
        properties
    };
    properties.object_opt()?;
    let above = look_up(scene, above)?;
    if scene.world.nodes.len() + 2 > NODES_MAX {
        return Err(Fail::full());
    }
    let title = changes.title.unwrap_or_default();
    let description = changes.description.unwrap_or_default();
    let source = scene.world.ids.object();
    let (schema, sides) = data_sources::read_new(scene, &properties, source, &title)?;
    // Old versions made ids of the newer kind for databases (measured).
    let id = if scene.has_sources() { scene.world.ids.random() } else { scene.world.ids.object() };
    attach(scene, changes.icon.iter().chain(&changes.cover))?;
    let container = Database {
        title: title.clone(),
        description: description.clone(),
        icon: changes.icon.unwrap_or_default(),
        cover: changes.cover.unwrap_or_default(),
        is_inline: changes.is_inline.unwrap_or(false),
        is_locked: changes.is_locked.unwrap_or(false),
    };
    let table = DataSource { title, description, schema, ..DataSource::default() };
    insert(scene, id, above, Content::Database(Box::new(container)));
    scene.keep_private(id);
    insert(scene, source, Parent::Node(id), Content::DataSource(Box::new(table)));
    scene.world.add_standard_view(id, source, scene.who.user);
    data_sources::apply(scene, sides);
    if let Parent::Node(page) = above {
        scene.touch(page);
    }
    scene.note_node(id, Change::Created);
    scene.note_content(&[id]);
    Ok(scene.written(Kind::Database, id))
}

/// Hangs a new container or table into the tree.
pub(super) fn insert(scene: &mut Scene, id: Id, parent: Parent, content: Content) {
    let (now, by) = (scene.now(), scene.who.user);
    scene.world.insert(Node::new(id, parent, (now, by), content), Slot::End);
}

/// `GET /v1/databases/{database_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("database_id")?;
    scene.find(Kind::Database, id)?;
    let is_trashed = scene.world.node(id).is_some_and(|node| node.in_trash);
    // Linked databases have no tables of their own, and are refused for that (measured).
    if !scene.has_sources() && !is_trashed {
        only_source(scene, id)?;
    }
    Ok(scene.written(Kind::Database, id))
}

/// `PATCH /v1/databases/{database_id}`
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("database_id")?;
    let body = request.body();
    let in_trash = trash::wish(&body, scene.version)?;
    let changes = changes(&body)?;
    let above = body.get("parent");
    let above = if above.is_there() { Some(parent(scene, &above)?) } else { None };
    let properties = body.get("properties");
    properties.object_opt()?;
    let node = scene.find(Kind::Database, id)?;
    if scene.world.has_trashed_ancestor(id) {
        return Err(Fail::archived_ancestor());
    }
    if node.in_trash && in_trash.is_none() {
        return Err(Fail::archived_block());
    }
    let above = above.map(|above| look_up(scene, above)).transpose()?;
    if let Some(Parent::Node(target)) = above
        && scene.world.lineage(target).unwrap_or_default().contains(&id)
    {
        return Err(Fail::validation("A database cannot be moved into itself."));
    }
    let old = !scene.has_sources();
    let source = if old { Some(only_source(scene, id)?) } else { None };
    let uploads = attach::check(scene, changes.icon.iter().chain(&changes.cover))?;
    if let Some(source) = source {
        data_sources::patch_schema(scene, source, &properties)?;
    }
    uploads.attach(scene);
    let (title, description) = (changes.title.clone(), changes.description.clone());
    let is_new_content = title.is_some()
        || description.is_some()
        || changes.icon.is_some()
        || changes.cover.is_some();
    if is_new_content {
        scene.note_node(id, Change::Content(vec![id]));
    }
    if let Some(database) = scene.world.nodes.get_mut(&id).and_then(|node| node.database_mut()) {
        take(&mut database.title, changes.title);
        take(&mut database.description, changes.description);
        take(&mut database.icon, changes.icon);
        take(&mut database.cover, changes.cover);
        take(&mut database.is_inline, changes.is_inline);
        take(&mut database.is_locked, changes.is_locked);
    }
    // An only table shares the container's description (measured), for old versions its title too.
    let only = match scene.world.sources_of(id).as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    if let Some(only) = only
        && let Some(table) = scene.world.nodes.get_mut(&only).and_then(|node| node.source_mut())
    {
        take(&mut table.description, description);
        take(&mut table.title, title.filter(|_| old));
    }
    if let Some(above) = above
        && scene.world.node(id).is_some_and(|node| node.parent != above)
    {
        scene.note_content(&[id]);
        scene.world.relocate(id, above);
        scene.note_node(id, Change::Moved);
        scene.note_content(&[id]);
    }
    match in_trash {
        Some(in_trash) => trash::set(scene, id, in_trash),
        None if request.body == json!({}) => {}
        None => scene.touch(id),
    }
    Ok(scene.written(Kind::Database, id))
}

/// Puts a new value where there is one.
pub(super) fn take<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
