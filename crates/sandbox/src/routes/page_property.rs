//! One property of a page: a single item, or a list of its elements.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::{Request, Scene};
use crate::compute::rollup;
use crate::fail::Fail;
use crate::input::paging::Paging;
use crate::input::values::title_only;
use crate::render::values::member;
use crate::world::access::View;
use crate::world::property::{Property, PropertyKind};

/// `GET /v1/pages/{page_id}/properties/{property_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let page = request.id("page_id")?;
    let called = request.path["property_id"].as_str().unwrap_or_default();
    let (size, start) = paging(request)?;
    scene.find(Kind::Page, page)?;
    let view = scene.view();
    let schema =
        view.world.source_of_row(page).map_or_else(title_only, |(_, source)| source.schema.clone());
    let found = schema.values().find(|property| property.is_called(called));
    // That the noun is `property_item` is recorded.
    let missing = || Fail::not_found("property_item", called, view.who, view.version);
    let property = found.ok_or_else(missing)?;
    let (all, summary) = match property.kind {
        PropertyKind::Title
        | PropertyKind::RichText
        | PropertyKind::People
        | PropertyKind::Relation => {
            let all = member(view, page, property, 0);
            let all = all.as_array().into_iter().flatten();
            (all.map(|one| item(property, one.clone())).collect(), json!({}))
        }
        PropertyKind::Rollup => rolled_up(view, page, property, start + size),
        _ => return Ok(item(property, member(view, page, property, 0))),
    };
    // No list gives a cursor to its end.
    if start > 0 && start >= all.len() {
        return Err(Fail::bad_cursor(&radix36(start)));
    }
    let base = &view.world.base_url;
    let path = format!("{base}/v1/pages/{page}/properties/{}", property.encoded_id());
    Ok(list(&path, property, &all, &summary, size, start))
}

fn item(property: &Property, value: Value) -> Value {
    let kind = property.kind.as_str();
    json!({"object": "property_item", "type": kind, "id": property.encoded_id(), kind: value})
}

/// The cursor of these lists is opaque; here it says how many elements were given.
fn paging(request: &Request) -> Result<(usize, usize), Fail> {
    let mut query = request.query.clone();
    let cursor = query.as_object_mut().and_then(|all| all.shift_remove("start_cursor"));
    let size = Paging::in_query(&query)?.size;
    let Some(cursor) = cursor else { return Ok((size, 0)) };
    let text = cursor.as_str().unwrap_or_default();
    let start = u64::from_str_radix(text, 36).ok().and_then(|start| usize::try_from(start).ok());
    match start {
        Some(start) if start <= 1_000_000 => Ok((size, start)),
        _ => Err(Fail::bad_cursor(text)),
    }
}

fn list(
    path: &str,
    property: &Property,
    all: &[Value],
    summary: &Value,
    size: usize,
    start: usize,
) -> Value {
    let kind = property.kind.as_str();
    let results: Vec<&Value> = all.iter().skip(start).take(size).collect();
    let next = (start + size < all.len()).then(|| radix36(start + size));
    let url = next.as_ref().map(|next| format!("{path}?start_cursor={next}&page_size={size}"));
    json!({
        "object": "list",
        "results": results,
        "next_cursor": next,
        "has_more": next.is_some(),
        "type": "property_item",
        "property_item": {"id": property.encoded_id(), "next_url": url, "type": kind, kind: summary},
    })
}

/// The elements of a rollup, and what it comes to: told with the last of them only.
fn rolled_up(view: View, page: Id, property: &Property, end: usize) -> (Vec<Value>, Value) {
    let rolled = rollup::compute(view, page, property, 0);
    let elements: Vec<Value> = rolled.elements.iter().flat_map(single).collect();
    let mut summary = rolled.shown;
    if summary["type"] == "array" {
        summary["array"] = json!([]);
    }
    if end < elements.len() {
        let function = summary["function"].clone();
        summary = json!({"type": "incomplete", "incomplete": {}, "function": function});
    }
    let shown = elements.iter().map(|element| {
        let mut item = json!({"object": "property_item"});
        if let (Some(item), Some(element)) = (item.as_object_mut(), element.as_object()) {
            item.insert("type".to_owned(), element["type"].clone());
            item.insert("id".to_owned(), property.encoded_id().into());
            item.extend(element.clone());
        }
        item
    });
    (shown.collect(), summary)
}

/// Elements that are arrays themselves are listed one by one.
fn single(element: &Value) -> Vec<Value> {
    let kind = element["type"].as_str().unwrap_or_default();
    match &element[kind] {
        Value::Array(all) if matches!(kind, "title" | "rich_text" | "people" | "relation") => {
            all.iter().map(|one| json!({"type": kind, kind: one})).collect()
        }
        _ => vec![element.clone()],
    }
}

fn radix36(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}
