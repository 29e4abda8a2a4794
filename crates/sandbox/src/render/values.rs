//! Shows property values: in pages, in rollups, and one by one.

use notion::Id;
use serde_json::{Map, Value, json};

use super::{file, rich_text, upload_name, user};
use crate::clock::to_minute;
use crate::compute::cell::{self, Cell, Period, number_json};
use crate::compute::{formula, rollup};
use crate::world::access::View;
use crate::world::property::{Property, PropertyKind, Settings};

/// A page object holds so many references per value; the rest is read one property at a time.
pub(crate) const REFERENCES_SHOWN: usize = 25;

/// `{id, type, <type>}`.
pub(crate) fn value(view: View, page: Id, property: &Property) -> Value {
    let kind = property.kind.as_str();
    let mut out = Map::new();
    out.insert("id".to_owned(), property.encoded_id().into());
    out.insert("type".to_owned(), kind.into());
    let mut whole = member(view, page, property, 0);
    let capped = matches!(
        property.kind,
        PropertyKind::Relation
            | PropertyKind::People
            | PropertyKind::Title
            | PropertyKind::RichText
    );
    let mut has_more = false;
    if capped && let Some(all) = whole.as_array_mut() {
        has_more = all.len() > REFERENCES_SHOWN;
        if property.kind == PropertyKind::Relation || property.kind == PropertyKind::People {
            all.truncate(REFERENCES_SHOWN);
        }
    }
    out.insert(kind.to_owned(), whole);
    if property.kind == PropertyKind::Relation {
        out.insert("has_more".to_owned(), has_more.into());
    }
    Value::Object(out)
}

/// The member named like the type, whole.
pub(crate) fn member(view: View, page: Id, property: &Property, depth: usize) -> Value {
    let Some(node) = view.world.node(page) else { return Value::Null };
    let kept = node.page().and_then(|page| page.values.get(&property.id)).unwrap_or(&Value::Null);
    match property.kind {
        PropertyKind::Title | PropertyKind::RichText => {
            rich_text::rich_text(view, kept.as_array().map_or(&[][..], Vec::as_slice))
        }
        PropertyKind::Select | PropertyKind::Status => choice(property, kept),
        PropertyKind::MultiSelect => {
            let all = kept.as_array().into_iter().flatten();
            all.map(|id| choice(property, id)).filter(|one| !one.is_null()).collect()
        }
        PropertyKind::People => {
            cell::ids(kept).into_iter().map(|id| user::user(view, id)).collect()
        }
        PropertyKind::Relation => {
            cell::related(view, property, kept).into_iter().map(|id| json!({"id": id})).collect()
        }
        PropertyKind::Files => {
            kept.as_array().into_iter().flatten().map(|one| named_file(view, one)).collect()
        }
        PropertyKind::Checkbox => kept.as_bool().unwrap_or(false).into(),
        PropertyKind::Formula => formula_result(view, page, property, depth, kept),
        PropertyKind::Rollup if depth < cell::ROLLUP_DEPTH_MAX => {
            let shown = rollup::compute(view, page, property, depth).shown;
            // An imported result says more than that there is none.
            if shown["type"] == "unsupported" && kept.is_object() { kept.clone() } else { shown }
        }
        PropertyKind::CreatedTime => to_minute(node.created_time).into(),
        PropertyKind::LastEditedTime => to_minute(node.last_edited_time).into(),
        PropertyKind::CreatedBy => user::user(view, node.created_by),
        PropertyKind::LastEditedBy => user::user(view, node.last_edited_by),
        PropertyKind::UniqueId => {
            let prefix = match &property.settings {
                Settings::UniqueId { prefix } => prefix.clone(),
                _ => None,
            };
            json!({"prefix": prefix, "number": kept})
        }
        PropertyKind::Button => json!({}),
        PropertyKind::Verification => verification(view, kept),
        _ => kept.clone(),
    }
}

fn choice(property: &Property, id: &Value) -> Value {
    let choice = id.as_str().and_then(|id| property.choice(id));
    choice.map_or(
        Value::Null,
        |choice| json!({"id": choice.id, "name": choice.name, "color": choice.color}),
    )
}

fn named_file(view: View, kept: &Value) -> Value {
    let name = if kept["name"].is_null() { upload_name(view, kept) } else { kept["name"].clone() };
    let mut out = json!({"name": name});
    if let (Some(out), Value::Object(mut source)) = (out.as_object_mut(), file(view, kept)) {
        source.shift_remove("name");
        out.append(&mut source);
    }
    out
}

fn verification(view: View, kept: &Value) -> Value {
    if kept.is_null() {
        return json!({"state": "unverified", "verified_by": null, "date": null});
    }
    let by = kept["verified_by"].as_str().and_then(Id::parse);
    json!({
        "state": cell::verification(kept, view.world.now()).unwrap_or("unverified"),
        "verified_by": by.map(|id| user::user(view, id)),
        "date": kept["date"],
    })
}

/// `{type, <type>}` of a formula.
fn formula_result(
    view: View,
    page: Id,
    property: &Property,
    depth: usize,
    imported: &Value,
) -> Value {
    if depth >= cell::DEPTH_MAX {
        return json!({"type": "string", "string": null});
    }
    match formula::evaluate(view, page, property, depth) {
        Cell::Number(number) => {
            json!({"type": "number", "number": number.map_or(Value::Null, number_json)})
        }
        Cell::Bool(on) => json!({"type": "boolean", "boolean": on}),
        Cell::Date(date) => json!({"type": "date", "date": period(date.as_ref())}),
        Cell::Nothing if imported.is_object() => imported.clone(),
        Cell::Nothing => json!({"type": "string", "string": null}),
        // Spaces at the end are not shown (measured).
        other => json!({"type": "string", "string": other.text().trim_end()}),
    }
}

/// `{start, end, time_zone}` of a computed date.
pub(crate) fn period(period: Option<&Period>) -> Value {
    period.map_or(Value::Null, |period| {
        json!({
            "start": period.start.shown(),
            "end": period.end.as_ref().map(|end| end.shown()),
            "time_zone": null,
        })
    })
}
