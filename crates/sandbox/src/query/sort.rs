//! Sorts: by properties and timestamps, earlier ones first; what is empty comes last.

use std::cmp::Ordering;

use notion::Id;

use crate::compute::cell::{self, Cell};
use crate::fail::Fail;
use crate::input::check::{Spot, fix_one};
use crate::world::access::View;
use crate::world::node::DataSource;
use crate::world::property::Property;

/// One key of a sort.
#[derive(Clone, Debug)]
pub(crate) struct Sort {
    by: By,
    descending: bool,
}

#[derive(Clone, Debug)]
enum By {
    Property(Box<Property>),
    Created,
    Edited,
}

/// Reads `sorts`.
pub(crate) fn read(spot: &Spot, source: &DataSource) -> Result<Vec<Sort>, Fail> {
    if !spot.is_there() {
        return Ok(Vec::new());
    }
    let mut sorts = Vec::new();
    for item in spot.items(100)? {
        item.object()?;
        let direction = item.get("direction");
        let direction = if direction.is_there() {
            direction.word(&["ascending", "descending"], false)?
        } else {
            "ascending"
        };
        let (property, timestamp) = (item.get("property"), item.get("timestamp"));
        let by = if property.is_there() {
            let called = property.string()?;
            let found = source.schema.values().find(|property| property.is_called(called));
            By::Property(Box::new(found.cloned().ok_or_else(|| {
                Fail::validation(format!("Could not find sort property with name or id: {called}"))
            })?))
        } else if timestamp.is_there() {
            match timestamp.word(&["created_time", "last_edited_time"], false)? {
                "created_time" => By::Created,
                _ => By::Edited,
            }
        } else {
            return Err(fix_one(vec![property.undefined(), timestamp.undefined()]));
        };
        sorts.push(Sort { by, descending: direction == "descending" });
    }
    Ok(sorts)
}

/// Sorts pages; equal ones keep their order.
pub(crate) fn sort(view: View, pages: &mut Vec<Id>, sorts: &[Sort]) {
    if sorts.is_empty() {
        return;
    }
    let mut keyed: Vec<(Vec<Cell>, Id)> = pages
        .iter()
        .map(|page| (sorts.iter().map(|sort| key(view, *page, sort)).collect(), *page))
        .collect();
    keyed.sort_by(|(a, _), (b, _)| {
        sorts
            .iter()
            .zip(a.iter().zip(b))
            .map(|(sort, (a, b))| order(a, b, sort.descending))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    *pages = keyed.into_iter().map(|(_, page)| page).collect();
}

fn key(view: View, page: Id, sort: &Sort) -> Cell {
    let Some(node) = view.world.node(page) else { return Cell::Nothing };
    match &sort.by {
        By::Property(property) => cell::of(view, page, property, 0),
        By::Created => Cell::at(node.created_time),
        By::Edited => Cell::at(node.last_edited_time),
    }
}

pub(super) fn order(a: &Cell, b: &Cell, descending: bool) -> Ordering {
    let is_empty = |cell: &Cell| cell.is_empty() && !matches!(cell, Cell::Bool(_));
    match (is_empty(a), is_empty(b)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => b.compare(a),
        (false, false) => a.compare(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_come_last_in_both_directions() {
        let (some, none) = (Cell::Number(Some(1.0)), Cell::Number(None));
        for descending in [false, true] {
            assert_eq!(order(&some, &none, descending), Ordering::Less);
            assert_eq!(order(&none, &some, descending), Ordering::Greater);
        }
        let (no, yes) = (Cell::Bool(false), Cell::Bool(true));
        assert_eq!(order(&no, &yes, false), Ordering::Less);
    }
}
