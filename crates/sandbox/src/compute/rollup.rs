//! Rollups: a function over a property of the related pages.

use std::collections::HashSet;

use notion::Id;
use serde_json::{Value, json};

use super::cell::{self, Cell, Period, number_json};
use crate::query::dates::Moment;
use crate::render;
use crate::world::access::View;
use crate::world::property::{Property, Settings};

/// What a rollup looks at is no rollup itself, nor a formula over one.
const INSIDE: usize = cell::ROLLUP_DEPTH_MAX;

/// A rollup's result: what filters see, and what answers show.
#[derive(Clone, Debug)]
pub(crate) struct Rolled {
    pub(crate) cell: Cell,
    /// `{type, <type>, function}`.
    pub(crate) shown: Value,
    /// For results of type array: the elements.
    pub(crate) elements: Vec<Value>,
}

/// Works a rollup out.
pub(crate) fn compute(view: View, page: Id, property: &Property, depth: usize) -> Rolled {
    let Settings::Rollup { relation, target, function } = &property.settings else {
        return unsupported("show_original");
    };
    let Some((_, here)) = view.world.source_of_row(page) else { return unsupported(function) };
    let Some(relation) = here.schema.get(relation) else { return unsupported(function) };
    let Settings::Relation { source, .. } = relation.settings else { return unsupported(function) };
    let there = view.world.source(source).and_then(|source| source.schema.get(target));
    let Some(target) = there else { return unsupported(function) };
    let value = view.world.page(page).and_then(|page| page.values.get(&relation.id));
    let pages = cell::related(view, relation, value.unwrap_or(&Value::Null));
    let cells: Vec<Cell> =
        pages.iter().map(|page| cell::of(view, *page, target, depth + INSIDE)).collect();
    if matches!(function.as_str(), "show_original" | "show_unique") {
        let mut elements: Vec<Value> = Vec::new();
        let mut met = HashSet::new();
        for page in &pages {
            let member = render::values::member(view, *page, target, depth + INSIDE);
            let element = json!({"type": target.kind.as_str(), target.kind.as_str(): member});
            if function == "show_original" || met.insert(element.to_string()) {
                elements.push(element);
            }
        }
        let shown = json!({"type": "array", "array": elements, "function": function});
        return Rolled { cell: Cell::List(cells), shown, elements };
    }
    aggregate(function, &cells)
}

fn unsupported(function: &str) -> Rolled {
    Rolled {
        cell: Cell::Nothing,
        shown: json!({"type": "unsupported", "unsupported": {}, "function": function}),
        elements: Vec::new(),
    }
}

fn aggregate(function: &str, cells: &[Cell]) -> Rolled {
    if matches!(function, "earliest_date" | "latest_date" | "date_range") {
        return dates(function, cells);
    }
    let number = number(function, cells);
    let shown = number.map_or(Value::Null, number_json);
    Rolled {
        cell: Cell::Number(number),
        shown: json!({"type": "number", "number": shown, "function": function}),
        elements: Vec::new(),
    }
}

fn number(function: &str, cells: &[Cell]) -> Option<f64> {
    let count = cells.len() as f64;
    let filled = cells.iter().filter(|cell| !cell.is_empty()).count() as f64;
    let share = |part: f64| if count == 0.0 { None } else { Some(part / count) };
    let mut numbers: Vec<f64> = cells.iter().flat_map(numbers_in).collect();
    numbers.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    let (least, most) = (numbers.first().copied(), numbers.last().copied());
    match function {
        "count" | "count_per_group" => Some(count),
        "count_values" => Some(cells.iter().map(values_in).sum::<usize>() as f64),
        "empty" | "unchecked" => Some(count - filled),
        "not_empty" | "checked" => Some(filled),
        "percent_empty" | "percent_unchecked" => share(count - filled),
        "percent_not_empty" | "percent_checked" | "percent_per_group" => share(filled),
        "unique" => {
            let mut texts: Vec<String> = cells
                .iter()
                .filter(|cell| !cell.is_empty())
                .map(|cell| format!("{cell:?}"))
                .collect();
            texts.sort();
            texts.dedup();
            Some(texts.len() as f64)
        }
        "sum" => Some(sum),
        "average" if numbers.is_empty() => None,
        "average" => Some(sum / numbers.len() as f64),
        "min" => least,
        "max" => most,
        "range" => Some(most? - least?),
        "median" => {
            let middle = numbers.len() / 2;
            if numbers.len() % 2 == 1 {
                numbers.get(middle).copied()
            } else {
                Some((numbers.get(middle.checked_sub(1)?)? + numbers.get(middle)?) / 2.0)
            }
        }
        _ => None,
    }
}

fn numbers_in(cell: &Cell) -> Vec<f64> {
    match cell {
        Cell::Number(Some(number)) => vec![*number],
        Cell::List(all) => all.iter().flat_map(numbers_in).collect(),
        _ => Vec::new(),
    }
}

fn values_in(cell: &Cell) -> usize {
    match cell {
        Cell::Choices(all) => all.len(),
        Cell::People(all) | Cell::Pages(all) => all.len(),
        Cell::Files(count) => *count,
        Cell::List(all) => all.iter().map(values_in).sum(),
        other => usize::from(!other.is_empty()),
    }
}

fn dates(function: &str, cells: &[Cell]) -> Rolled {
    let mut moments: Vec<&Moment> = Vec::new();
    for cell in cells {
        if let Cell::Date(Some(period)) = cell {
            moments.push(&period.start);
            moments.extend(&period.end);
        }
    }
    moments.sort_by_key(|moment| moment.instant);
    let period = match (function, moments.first(), moments.last()) {
        ("earliest_date", Some(first), _) => Some(Period { start: (*first).clone(), end: None }),
        ("latest_date", _, Some(last)) => Some(Period { start: (*last).clone(), end: None }),
        (_, Some(first), Some(last)) => {
            Some(Period { start: (*first).clone(), end: Some((*last).clone()) })
        }
        _ => None,
    };
    let shown = render::values::period(period.as_ref());
    Rolled {
        cell: Cell::Date(period),
        shown: json!({"type": "date", "date": shown, "function": function}),
        elements: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_over_numbers() {
        let cells = [Cell::Number(Some(4.0)), Cell::Number(None), Cell::Number(Some(1.0))];
        for (function, expected) in [
            ("count", Some(3.0)),
            ("count_values", Some(2.0)),
            ("sum", Some(5.0)),
            ("average", Some(2.5)),
            ("min", Some(1.0)),
            ("max", Some(4.0)),
            ("range", Some(3.0)),
            ("median", Some(2.5)),
            ("empty", Some(1.0)),
        ] {
            assert_eq!(number(function, &cells), expected, "{function}");
        }
        assert_eq!(number("average", &[]), None);
        assert_eq!(number("median", &[]), None);
    }
}
