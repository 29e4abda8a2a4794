//! Shows property schemas.

use serde_json::{Map, Value, json};

use super::Object;
use super::page::ordered;
use crate::world::access::View;
use crate::world::node::DataSource;
use crate::world::property::{Property, Settings, encode};

/// The `properties` of a data source.
pub(crate) fn properties(view: View, source: &DataSource) -> Value {
    let mut out = Map::new();
    for property in ordered(source.schema.values()) {
        if property.extra["hidden"] == true || leads_out_of_sight(view, source, property) {
            continue;
        }
        out.insert(property.name.clone(), schema(view, source, property));
    }
    Value::Object(out)
}

/// A relation to a table that is there but not shared is not shown (documented), and neither is a
/// rollup through it (own choice).
fn leads_out_of_sight(view: View, here: &DataSource, property: &Property) -> bool {
    let relation = match &property.settings {
        Settings::Rollup { relation, .. } => here.schema.get(relation),
        _ => Some(property),
    };
    match relation.map(|property| &property.settings) {
        Some(Settings::Relation { source, .. }) => {
            view.world.node(*source).is_some() && !view.sees(*source)
        }
        _ => false,
    }
}

fn schema(view: View, source: &DataSource, property: &Property) -> Value {
    let kind = property.kind.as_str();
    Object::default()
        .with("id", property.encoded_id())
        .with("name", property.name.as_str())
        .with("description", property.description.clone())
        .with("type", kind)
        .with(kind, settings(view, source, property))
        .done()
}

fn settings(view: View, here: &DataSource, property: &Property) -> Value {
    match &property.settings {
        Settings::Plain => json!({}),
        Settings::Number { format } => json!({"format": format}),
        Settings::Choices { options, groups } if groups.is_empty() => json!({"options": options}),
        Settings::Choices { options, groups } => json!({"options": options, "groups": groups}),
        Settings::Formula { expression } => json!({"expression": expression}),
        Settings::UniqueId { prefix } => json!({"prefix": prefix}),
        Settings::Relation { source, synced } => {
            let database = view.world.node(*source).and_then(|node| node.parent_id());
            let kind = if synced.is_some() { "dual_property" } else { "single_property" };
            let details = match synced {
                None => json!({}),
                Some(id) => {
                    let other = view.world.source(*source).and_then(|other| other.schema.get(id));
                    json!({
                        "synced_property_name": other.map(|other| other.name.as_str()),
                        "synced_property_id": encode(id),
                    })
                }
            };
            json!({
                "database_id": database,
                "data_source_id": source,
                "type": kind,
                kind: details,
            })
        }
        Settings::Rollup { relation, target, function } => {
            let through = here.schema.get(relation);
            let there = match through.map(|property| &property.settings) {
                Some(Settings::Relation { source, .. }) => view.world.source(*source),
                _ => None,
            };
            let name = there.and_then(|there| there.schema.get(target)).map(|p| p.name.as_str());
            json!({
                "rollup_property_name": name,
                "relation_property_name": through.map(|property| property.name.as_str()),
                "rollup_property_id": target,
                "relation_property_id": relation,
                "function": function,
            })
        }
    }
}
