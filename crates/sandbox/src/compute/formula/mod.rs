//! Formulas: stored with placeholders for properties, evaluated as far as a small core reaches.
//!
//! What the core does not know makes the whole formula a string without a value.

mod dates;
mod eval;
mod format;
mod lists;
mod parse;
mod print;
mod texts;

use indexmap::IndexMap;
use notion::Id;

use super::cell::Cell;
use crate::world::access::View;
use crate::world::property::{Property, Settings, encode};

/// So many properties may a formula name.
const PROPERTIES_MAX: usize = 400;
/// And so many one that another formula names: the work is the product.
const INNER_PROPERTIES_MAX: usize = 20;
const OPEN: &str = "{{notion:block_property:";

/// Replaces `prop("Name")` by the placeholder that names the property by id.
pub(crate) fn with_ids(
    text: &str,
    schema: &IndexMap<String, Property>,
    source: Id,
    workspace: Id,
) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("prop(\"") {
        let (before, tail) = rest.split_at(at);
        let after = &tail["prop(\"".len()..];
        let Some(end) = after.find("\")") else { break };
        out.push_str(before);
        let called = &after[..end];
        match schema.values().find(|property| property.is_called(called)) {
            Some(property) => {
                out.push_str(&format!("{OPEN}{}:{source}:{workspace}}}}}", encode(&property.id)));
            }
            None => out.push_str(&format!("prop(\"{called}\")")),
        }
        rest = &after[end + 2..];
    }
    out.push_str(rest);
    out
}

/// A formula as Notion writes it back: printed anew, with placeholders for properties (measured).
/// One that the parser does not know stays as it is.
pub(crate) fn printed(
    text: &str,
    schema: &IndexMap<String, Property>,
    source: Id,
    workspace: Id,
) -> String {
    let text = with_ids(text, schema, source, workspace);
    let Some(tree) = parse::parse(&text, PROPERTIES_MAX) else { return text };
    let known = |called: &str| schema.values().any(|property| property.encoded_id() == called);
    print::print(&tree, &|called| {
        if known(called) {
            format!("{OPEN}{called}:{source}:{workspace}}}}}")
        } else {
            format!("prop({})", print::quoted(called))
        }
    })
}

/// The value of a formula on a page; what the core does not know has the imported result, if any.
pub(crate) fn evaluate(view: View, page: Id, property: &Property, depth: usize) -> Cell {
    let Settings::Formula { expression } = &property.settings else { return Cell::Nothing };
    let properties = if depth == 0 { PROPERTIES_MAX } else { INNER_PROPERTIES_MAX };
    let steps = std::cell::Cell::new(0);
    let scope = eval::Scope { view, page, depth, names: Vec::new(), steps: &steps };
    let computed = parse::parse(expression, properties).and_then(|tree| scope.value(&tree));
    computed.unwrap_or_else(|| {
        let kept = view.world.page(page).and_then(|page| page.values.get(&property.id));
        kept.map_or(Cell::Nothing, imported)
    })
}

/// A result as Notion showed it.
fn imported(shown: &serde_json::Value) -> Cell {
    let value = &shown[shown["type"].as_str().unwrap_or_default()];
    match shown["type"].as_str() {
        Some("string") if value.is_string() => {
            Cell::Text(value.as_str().unwrap_or_default().to_owned())
        }
        Some("number") => Cell::Number(value.as_f64()),
        Some("boolean") => Cell::Bool(value.as_bool().unwrap_or(false)),
        Some("date") => Cell::Date(super::cell::period(value)),
        _ => Cell::Nothing,
    }
}

/// Whether the core understands an expression at all.
pub(crate) fn is_known(expression: &str) -> bool {
    parse::parse(expression, PROPERTIES_MAX).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::property::PropertyKind;

    #[test]
    fn names_become_placeholders() {
        let price = Property::plain("a;b|", "Price", PropertyKind::Number);
        let schema = IndexMap::from_iter([(price.id.clone(), price)]);
        let id = Id::parse("00000000-0000-0000-0000-000000000000").unwrap();
        assert_eq!(
            with_ids("prop(\"Price\") * 2 + prop(\"Other\")", &schema, id, id),
            format!("{{{{notion:block_property:a%3Bb%7C:{id}:{id}}}}} * 2 + prop(\"Other\")")
        );
    }
}
