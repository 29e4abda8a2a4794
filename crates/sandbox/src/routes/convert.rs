//! What becomes of the values of rows when the schema changes: those of removed properties go, those
//! of properties of another type are converted as the app does it, as far as their text allows.

use indexmap::IndexMap;
use notion::Id;
use serde_json::{Value, json};

use super::Scene;
use crate::compute::cell::{number_json, number_text};
use crate::input::rich_text::plain;
use crate::query::dates::Moment;
use crate::render::rich_text;
use crate::world::access::View;
use crate::world::property::{Choice, Property, PropertyKind, Settings};

/// Most options that values may bring along.
const OPTIONS_MAX: usize = 100;

type Schema = IndexMap<String, Property>;

/// Carries the values of all rows over from one schema to the next.
pub(super) fn rows(scene: &mut Scene, source: Id, before: &Schema, after: &mut Schema) {
    let changed: Vec<&Property> = before
        .values()
        .filter(|old| after.get(&old.id).is_none_or(|new| new.kind != old.kind))
        .collect();
    let is_counting = |schema: &Schema| {
        schema.values().find(|one| one.kind == PropertyKind::UniqueId).map(|one| one.id.clone())
    };
    let counting = is_counting(after).filter(|_| is_counting(before).is_none());
    if changed.is_empty() && counting.is_none() {
        return;
    }
    let rows = scene.world.node(source).map(|node| node.children.clone()).unwrap_or_default();
    let mut last = 0;
    for row in rows {
        let mut new_values: Vec<(&String, Value)> = Vec::new();
        for old in &changed {
            let value = scene.world.page(row).and_then(|page| page.values.get(&old.id));
            let Some(value) = value.filter(|value| !value.is_null()) else { continue };
            let text = Text::of(scene.view(), old, value);
            let new = after.get_mut(&old.id).and_then(|new| text?.into_value(scene, new));
            new_values.push((&old.id, new.unwrap_or_default()));
        }
        let Some(page) = scene.world.nodes.get_mut(&row).and_then(|node| node.page_mut()) else {
            continue;
        };
        for (id, value) in new_values {
            match value {
                Value::Null => page.values.shift_remove(id),
                value => page.values.insert(id.clone(), value),
            };
        }
        // Rows that are there already are numbered, oldest first.
        if let Some(id) = &counting {
            last += 1;
            page.values.insert(id.clone(), last.into());
        }
    }
    let source = scene.world.nodes.get_mut(&source).and_then(|node| node.source_mut());
    if let (Some(source), true) = (source, counting.is_some()) {
        source.last_unique_id = last;
    }
}

/// A value on its way from one type to another: names of options one by one, else one text.
#[derive(Debug)]
struct Text {
    parts: Vec<String>,
    was: PropertyKind,
}

impl Text {
    fn of(view: View, property: &Property, value: &Value) -> Option<Self> {
        let name = |id: &Value| {
            id.as_str().and_then(|id| property.choice(id)).map(|choice| choice.name.clone())
        };
        let parts = match property.kind {
            PropertyKind::RichText => {
                vec![rich_text::plain(view, value.as_array().map_or(&[][..], Vec::as_slice))]
            }
            PropertyKind::Url | PropertyKind::Email | PropertyKind::PhoneNumber => {
                vec![value.as_str()?.to_owned()]
            }
            PropertyKind::Number => vec![number_text(value.as_f64()?)],
            PropertyKind::Checkbox => {
                vec![if value == &Value::Bool(true) { "Yes" } else { "No" }.to_owned()]
            }
            PropertyKind::Select | PropertyKind::Status => vec![name(value)?],
            PropertyKind::MultiSelect => value.as_array()?.iter().filter_map(name).collect(),
            PropertyKind::Date => vec![value["start"].as_str()?.to_owned()],
            _ => return None,
        };
        Some(Self { parts, was: property.kind })
    }

    fn into_value(self, scene: &mut Scene, property: &mut Property) -> Option<Value> {
        let text = self.parts.join(", ");
        if text.is_empty() {
            return None;
        }
        Some(match property.kind {
            PropertyKind::RichText => plain(&text).into(),
            PropertyKind::Url | PropertyKind::Email | PropertyKind::PhoneNumber => text.into(),
            PropertyKind::Number => {
                number_json(text.trim().parse().ok().filter(|n: &f64| n.is_finite())?)
            }
            PropertyKind::Checkbox => {
                matches!(text.trim().to_lowercase().as_str(), "yes" | "true").into()
            }
            PropertyKind::Date => {
                Moment::parse(text.trim())?;
                json!({"start": text.trim(), "end": null, "time_zone": null})
            }
            PropertyKind::Select | PropertyKind::Status => {
                option(scene, property, self.parts.first()?.trim())?.into()
            }
            PropertyKind::MultiSelect if self.was.has_options() => {
                let ids = self.parts.iter().filter_map(|part| option(scene, property, part));
                ids.map(Value::from).collect()
            }
            PropertyKind::MultiSelect => {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                let mut ids: Vec<Value> = Vec::new();
                for id in names.filter_map(|name| option(scene, property, name)) {
                    if !ids.contains(&id.as_str().into()) {
                        ids.push(id.into());
                    }
                }
                ids.into()
            }
            _ => return None,
        })
    }
}

/// The id of the option of that name; a new one where there is none (but not for a status).
fn option(scene: &mut Scene, property: &mut Property, name: &str) -> Option<String> {
    let kind = property.kind;
    let Settings::Choices { options, .. } = &mut property.settings else { return None };
    if let Some(known) = options.iter().find(|option| option.name == name) {
        return Some(known.id.clone());
    }
    if kind == PropertyKind::Status
        || options.len() >= OPTIONS_MAX
        || name.chars().count() > 100
        || name.contains(',')
    {
        return None;
    }
    let id = scene.world.ids.random().to_string();
    let color = "default".to_owned();
    options.push(Choice { id: id.clone(), name: name.to_owned(), color, description: None });
    Some(id)
}
