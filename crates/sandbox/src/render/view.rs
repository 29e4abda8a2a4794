//! Shows views of databases.

use serde_json::{Map, Value, json};

use super::{Object, url, user};
use crate::clock::to_millis;
use crate::input::view_query::{renamed, sorts_renamed};
use crate::world::node::DataSource;
use crate::world::view::DatabaseView;

/// Members that hold a property's id, and those that name it beside them in answers.
const NAMED: [(&str, &str); 4] = [
    ("property_id", "property_name"),
    ("date_property_id", "date_property_name"),
    ("end_date_property_id", "end_date_property_name"),
    ("map_by", "map_by_property_name"),
];
/// Members of a configuration within which the SDK's types have no names.
const NAMELESS: [&str; 6] =
    ["subtasks", "cover", "arrows_by", "y_axis", "value", "reference_lines"];

/// A view object. Properties go by their names in filters (as documented), by their ids in the
/// configuration; what is about properties that are gone is left out.
pub(crate) fn view(view: &DatabaseView, source: Option<&DataSource>) -> Value {
    let name = |id: &str| {
        source.and_then(|source| source.schema.get(id)).map(|property| property.name.clone())
    };
    let quick_filters: Map<String, Value> = view
        .quick_filters
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(id, condition)| Some((name(id)?, condition.clone())))
        .collect();
    let quick_filters =
        if quick_filters.is_empty() { Value::Null } else { Value::Object(quick_filters) };
    let dashboard = view.dashboard.map(|id| json!(id)).unwrap_or_default();
    Object::new("view")
        .with("id", view.id.to_string())
        .with("parent", parent(view))
        .with("data_source_id", json!(view.source))
        .with("name", view.name.as_str())
        .with("type", view.kind.as_str())
        .with("created_time", to_millis(view.created_time))
        .with("created_by", user::reference(view.created_by))
        .with("last_edited_time", to_millis(view.last_edited_time))
        .with("last_edited_by", user::reference(view.last_edited_by))
        .with("url", format!("{}?v={}", url("", view.database), view.id.plain()))
        .with("filter", renamed(&view.filter, &name))
        .with("sorts", sorts_renamed(&view.sorts, &name))
        .with("quick_filters", quick_filters)
        .with("configuration", named(&view.configuration, &name))
        .with_if(view.dashboard.is_some(), "dashboard_view_id", dashboard)
        .done()
}

/// What a deletion answers (measured).
pub(crate) fn deleted(view: &DatabaseView) -> Value {
    Object::new("view")
        .with("id", view.id.to_string())
        .with("parent", parent(view))
        .with("type", view.kind.as_str())
        .done()
}

fn parent(view: &DatabaseView) -> Value {
    json!({"type": "database_id", "database_id": view.database})
}

/// A configuration with the names of properties beside their ids.
fn named(value: &Value, name: &impl Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::Object(members) => {
            let mut out = Map::new();
            for (key, member) in members {
                let is_nameless = NAMELESS.contains(&key.as_str());
                let shown = if is_nameless { member.clone() } else { named(member, name) };
                out.insert(key.clone(), shown);
                let beside = NAMED.iter().find(|(id, _)| id == key);
                if let (Some((_, beside)), Some(id)) = (beside, member.as_str())
                    && let Some(name) = name(id)
                {
                    out.insert((*beside).to_owned(), name.into());
                }
            }
            out.into()
        }
        Value::Array(all) => {
            let is_gone =
                |item: &Value| item["property_id"].as_str().is_some_and(|id| name(id).is_none());
            all.iter().filter(|item| !is_gone(item)).map(|item| named(item, name)).collect()
        }
        other => other.clone(),
    }
}
