//! Writing property values: checking what they point at, and keeping both ends of a relation.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::Scene;
use crate::compute::cell::ids;
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::values::{Reader, title_only};
use crate::world::journal::Change;
use crate::world::property::{Property, PropertyKind, Settings};

/// Values that were read and checked, and the schema with the options that they bring.
#[derive(Debug)]
pub(super) struct Values {
    source: Option<Id>,
    schema: indexmap::IndexMap<String, Property>,
    pub(super) values: Vec<(String, Value)>,
}

/// Reads the values of a page of `source` (`None`: a page that is no row).
pub(super) fn read(scene: &mut Scene, spot: &Spot, source: Option<Id>) -> Result<Values, Fail> {
    let schema = match source {
        Some(id) => scene.world.source(id).map(|source| source.schema.clone()).unwrap_or_default(),
        None => title_only(),
    };
    let (version, author) = (scene.version, scene.who.user);
    let mut reader = Reader { schema, ids: &mut scene.world.ids, version, author };
    let values = if spot.is_there() { reader.read(spot)? } else { Vec::new() };
    let schema = reader.schema;
    let values = Values { source, schema, values };
    check(scene, &values)?;
    Ok(values)
}

fn check(scene: &Scene, values: &Values) -> Result<(), Fail> {
    for (id, value) in &values.values {
        let Some(property) = values.schema.get(id) else { continue };
        match (property.kind, &property.settings) {
            (PropertyKind::Relation, Settings::Relation { source, .. }) => {
                for target in ids(value) {
                    let node = scene.find(Kind::Page, target)?;
                    if node.parent_id() != Some(*source) {
                        return Err(Fail::validation(format!(
                            "Page {target} is not a row of the data source that \"{}\" relates to.",
                            property.name
                        )));
                    }
                }
            }
            (PropertyKind::People, _) => {
                let stranger = ids(value).into_iter().find(|id| !scene.world.has_user(*id));
                if let Some(stranger) = stranger {
                    return Err(Fail::user_not_found(stranger, &scene.who, scene.version));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts values on a page; gives the ids of the properties that changed.
pub(super) fn write(scene: &mut Scene, page: Id, values: Values) -> Vec<String> {
    if let Some(source) = values.source
        && let Some(source) = scene.world.nodes.get_mut(&source).and_then(|node| node.source_mut())
    {
        source.schema = values.schema.clone();
    }
    let mut changed = Vec::new();
    for (id, value) in values.values {
        if let Some(property) = values.schema.get(&id) {
            sync(scene, page, property, &value);
        }
        if let Some(page) = scene.world.nodes.get_mut(&page).and_then(|node| node.page_mut())
            && page.values.get(&id) != Some(&value)
        {
            page.values.insert(id.clone(), value);
            changed.push(id);
        }
    }
    changed
}

/// Tells the pages at the other end of a two-way relation.
fn sync(scene: &mut Scene, page: Id, property: &Property, value: &Value) {
    let Settings::Relation { synced: Some(other), .. } = &property.settings else { return };
    let before = scene.world.page(page).and_then(|page| page.values.get(&property.id)).map(ids);
    let (before, after) = (before.unwrap_or_default(), ids(value));
    for target in before.iter().filter(|id| !after.contains(id)) {
        link(scene, *target, other, page, false);
    }
    for target in after.iter().filter(|id| !before.contains(id)) {
        link(scene, *target, other, page, true);
    }
}

fn link(scene: &mut Scene, at: Id, property: &str, to: Id, linked: bool) {
    let node = scene.world.nodes.get_mut(&at);
    let Some(page) = node.and_then(|node| node.page_mut()) else { return };
    let value = page.values.entry(property.to_owned()).or_insert_with(|| json!([]));
    let Some(all) = value.as_array_mut() else { return };
    let to = json!(to);
    all.retain(|id| *id != to);
    if linked {
        all.push(to);
    }
    scene.note_node(at, Change::Properties(vec![property.to_owned()]));
}

/// Numbers a new row, if its data source counts.
pub(super) fn number(scene: &mut Scene, source: Id, page: Id) {
    let node = scene.world.nodes.get_mut(&source);
    let Some(source) = node.and_then(|node| node.source_mut()) else { return };
    let counting = source.schema.values().find(|one| one.kind == PropertyKind::UniqueId);
    let Some(id) = counting.map(|property| property.id.clone()) else { return };
    source.last_unique_id += 1;
    let number = source.last_unique_id;
    if let Some(page) = scene.world.nodes.get_mut(&page).and_then(|node| node.page_mut()) {
        page.values.insert(id, number.into());
    }
}

/// A new row has the default status where nobody chose one.
pub(super) fn defaults(scene: &mut Scene, source: Id, page: Id) {
    let Some(schema) = scene.world.source(source).map(|source| &source.schema) else { return };
    let statuses: Vec<(String, String)> = schema
        .values()
        .filter(|property| property.kind == PropertyKind::Status)
        .filter_map(|property| {
            let Settings::Choices { options, groups } = &property.settings else { return None };
            let first = groups.iter().find_map(|group| group.option_ids.first());
            let first = first.or(options.first().map(|option| &option.id))?;
            Some((property.id.clone(), first.clone()))
        })
        .collect();
    if let Some(page) = scene.world.nodes.get_mut(&page).and_then(|node| node.page_mut()) {
        for (property, choice) in statuses {
            page.values.entry(property).or_insert(choice.into());
        }
    }
}
