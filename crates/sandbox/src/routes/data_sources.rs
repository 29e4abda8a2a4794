//! Data sources: create, retrieve, change the schema, templates.

use indexmap::IndexMap;
use notion::{Id, Kind};
use serde_json::Value;

use super::attach::{self, attach};
use super::databases::{insert, take};
use super::{Eyes, Request, Scene, convert, trash};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::schema::{SchemaReader, Side};
use crate::input::{files, rich_text};
use crate::render;
use crate::world::NODES_MAX;
use crate::world::access::View;
use crate::world::journal::{Change, schema_changes};
use crate::world::node::{Content, DataSource, Node, Parent};
use crate::world::property::{Property, Settings};

type Schema = IndexMap<String, Property>;

/// Reads the schema of a data source that is to be made.
pub(super) fn read_new(
    scene: &mut Scene,
    spot: &Spot,
    id: Id,
    title: &[Value],
) -> Result<(Schema, Vec<Side>), Fail> {
    read(scene, id, title, |reader| reader.create(spot))
}

fn read(
    scene: &mut Scene,
    id: Id,
    title: &[Value],
    work: impl FnOnce(&mut SchemaReader) -> Result<Schema, Fail>,
) -> Result<(Schema, Vec<Side>), Fail> {
    let view = View { world: scene.world, who: &scene.who, version: scene.version };
    let eyes = Eyes(view);
    let mut reader = SchemaReader {
        world: view.world,
        ids: view.world.ids.clone(),
        source: id,
        source_title: render::rich_text::plain(view, title),
        sees: &eyes,
        sides: Vec::new(),
    };
    let schema = work(&mut reader)?;
    let (ids, sides) = (reader.ids, reader.sides);
    scene.world.ids = ids;
    Ok((schema, sides))
}

/// Does to other data sources what a relation brought along.
pub(super) fn apply(scene: &mut Scene, sides: Vec<Side>) {
    for side in sides {
        let (Side::Add { at, .. } | Side::Remove { at, .. } | Side::Unlink { at, .. }) = &side;
        let node = scene.world.nodes.get_mut(at);
        let Some(source) = node.and_then(|node| node.source_mut()) else { continue };
        let (at, before) = (*at, source.schema.clone());
        match side {
            Side::Add { property, .. } => {
                source.schema.insert(property.id.clone(), property);
            }
            Side::Remove { property, .. } => {
                source.schema.shift_remove(&property);
            }
            Side::Unlink { property, .. } => {
                let settings = source.schema.get_mut(&property).map(|other| &mut other.settings);
                if let Some(Settings::Relation { synced, .. }) = settings {
                    *synced = None;
                }
            }
        }
        let changes = schema_changes(&before, &source.schema);
        scene.note_node(at, Change::Schema(changes));
    }
}

/// Works a patch into a data source's schema.
pub(super) fn patch_schema(scene: &mut Scene, id: Id, spot: &Spot) -> Result<(), Fail> {
    if !spot.is_there() {
        return Ok(());
    }
    let before = scene.world.source(id).map(|source| source.schema.clone()).unwrap_or_default();
    let title = scene.world.title_of(id).to_vec();
    let (mut schema, sides) = read(scene, id, &title, |reader| {
        let mut schema = before.clone();
        reader.patch(spot, &mut schema)?;
        Ok(schema)
    })?;
    convert::rows(scene, id, &before, &mut schema);
    scene.note_node(id, Change::Schema(schema_changes(&before, &schema)));
    if let Some(source) = scene.world.nodes.get_mut(&id).and_then(|node| node.source_mut()) {
        source.schema = schema;
    }
    apply(scene, sides);
    Ok(())
}

/// `POST /v1/data_sources`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    let parent = body.get("parent");
    parent.object()?;
    let database = parent.get("database_id").id()?;
    let properties = body.get("properties");
    properties.object()?;
    let title = rich_text::read_opt(&body.get("title"))?.unwrap_or_default();
    let icon = body.get("icon");
    let icon = if icon.is_there() { files::icon(&icon)? } else { Value::Null };
    scene.find(Kind::Database, database)?;
    scene.check_editable(database)?;
    if scene.world.nodes.len() >= NODES_MAX {
        return Err(Fail::full());
    }
    let id = scene.world.ids.object();
    let (schema, sides) = read_new(scene, &properties, id, &title)?;
    attach(scene, [&icon])?;
    let source = DataSource { title, icon, schema, ..DataSource::default() };
    insert(scene, id, Parent::Node(database), Content::DataSource(Box::new(source)));
    // A table view comes along (documented); its name is a guess.
    scene.world.add_standard_view(database, id, scene.who.user);
    apply(scene, sides);
    scene.touch(database);
    scene.note_node(id, Change::Created);
    Ok(scene.written(Kind::DataSource, id))
}

/// `GET /v1/data_sources/{data_source_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let node = scene.find(Kind::DataSource, request.id("data_source_id")?)?;
    Ok(render::any(scene.view(), node))
}

/// `PATCH /v1/data_sources/{data_source_id}`
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("data_source_id")?;
    let body = request.body();
    let in_trash = trash::wish(&body, scene.version)?;
    let title = rich_text::read_opt(&body.get("title"))?;
    let description = rich_text::read_opt(&body.get("description"))?;
    let (icon, cover) = (body.get("icon"), body.get("cover"));
    let icon = if icon.is_there() { Some(files::icon(&icon)?) } else { None };
    let cover = if cover.is_there() { Some(files::cover(&cover)?) } else { None };
    let properties = body.get("properties");
    properties.object_opt()?;
    let parent = body.get("parent");
    let target = match parent.is_there() {
        true => {
            parent.object()?;
            Some(parent.get("database_id").id()?)
        }
        false => None,
    };
    let node = scene.find(Kind::DataSource, id)?;
    if scene.world.has_trashed_ancestor(id) {
        return Err(Fail::archived_ancestor());
    }
    if node.in_trash && in_trash.is_none() {
        return Err(Fail::archived_block());
    }
    if let Some(target) = target {
        scene.find(Kind::Database, target)?;
        scene.check_editable(target)?;
        if scene.world.lineage(target).unwrap_or_default().contains(&id) {
            return Err(Fail::validation("A data source cannot be moved into itself."));
        }
    }
    let uploads = attach::check(scene, icon.iter().chain(&cover))?;
    patch_schema(scene, id, &properties)?;
    uploads.attach(scene);
    if title.is_some() || description.is_some() || icon.is_some() || cover.is_some() {
        scene.note_node(id, Change::Content(vec![id]));
    }
    if let Some(source) = scene.world.nodes.get_mut(&id).and_then(|node| node.source_mut()) {
        take(&mut source.title, title);
        take(&mut source.description, description);
        take(&mut source.icon, icon);
        take(&mut source.cover, cover);
    }
    if let Some(target) = target {
        let before = scene.world.node(id).and_then(Node::parent_id);
        scene.world.relocate(id, Parent::Node(target));
        if before != Some(target) {
            // Its tabs move along (a guess).
            let tabs = scene.world.views.values_mut().filter(|view| view.source == Some(id));
            for tab in tabs.filter(|tab| Some(tab.database) == before && tab.dashboard.is_none()) {
                tab.database = target;
            }
            scene.note_node(id, Change::Moved);
        }
    }
    match in_trash {
        Some(in_trash) => trash::set(scene, id, in_trash),
        None => scene.touch(id),
    }
    Ok(scene.written(Kind::DataSource, id))
}
