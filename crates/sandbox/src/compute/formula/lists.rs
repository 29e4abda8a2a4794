//! Lists in formulas.

use super::eval::{number, same};
use crate::compute::cell::Cell;

/// The elements of whatever is a list.
pub(super) fn elements(cell: &Cell) -> Option<Vec<Cell>> {
    Some(match cell {
        Cell::List(all) => all.clone(),
        Cell::Choices(all) => all.iter().map(|one| Cell::Text(one.name.clone())).collect(),
        Cell::People(all) => all.iter().map(|id| Cell::People(vec![*id])).collect(),
        Cell::Pages(all) => all.iter().map(|id| Cell::Pages(vec![*id])).collect(),
        _ => return None,
    })
}

/// Calls a function over a list; `None` if it is none of these.
pub(super) fn call(name: &str, arguments: &[Cell]) -> Option<Cell> {
    let all = elements(arguments.first()?);
    let list = || all.clone();
    let index = |at: usize| arguments.get(at).and_then(number).map(|number| number as i64);
    let place = |index: i64, length: usize| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let at = if index < 0 { length + index } else { index };
        usize::try_from(at.clamp(0, length)).unwrap_or_default()
    };
    Some(match name {
        "at" => {
            let (all, index) = (list()?, index(1)?);
            let found = usize::try_from(index).ok().and_then(|index| all.get(index).cloned());
            found.unwrap_or(Cell::Text(String::new()))
        }
        "first" => list()?.first().cloned().unwrap_or(Cell::Text(String::new())),
        "last" => list()?.last().cloned().unwrap_or(Cell::Text(String::new())),
        "slice" => {
            let all = list()?;
            let (from, to) = (place(index(1)?, all.len()), index(2));
            let to = to.map_or(all.len(), |to| place(to, all.len()));
            Cell::List(all.into_iter().take(to).skip(from).collect())
        }
        "reverse" => Cell::List(list()?.into_iter().rev().collect()),
        "sort" => {
            let mut all = list()?;
            all.sort_by(Cell::compare);
            Cell::List(all)
        }
        "unique" => {
            let mut out: Vec<Cell> = Vec::new();
            for one in list()? {
                if !out.iter().any(|known| same(known, &one)) {
                    out.push(one);
                }
            }
            Cell::List(out)
        }
        "includes" => Cell::Bool(list()?.iter().any(|one| same(one, &arguments[1]))),
        "join" => {
            let texts: Vec<String> = list()?.iter().map(Cell::text).collect();
            Cell::Text(texts.join(&arguments.get(1)?.text()))
        }
        "flat" => Cell::List(
            list()?
                .into_iter()
                .flat_map(|one| elements(&one).unwrap_or_else(|| vec![one]))
                .collect(),
        ),
        "concat" if all.is_some() => {
            let lists: Option<Vec<Vec<Cell>>> = arguments.iter().map(elements).collect();
            Cell::List(lists?.concat())
        }
        "sum" | "mean" | "median" | "min" | "max" => {
            let parts = arguments.iter().flat_map(|one| elements(one).unwrap_or(vec![one.clone()]));
            aggregate(name, parts.filter_map(|one| number(&one)).collect())
        }
        _ => return None,
    })
}

fn aggregate(name: &str, mut numbers: Vec<f64>) -> Cell {
    numbers.sort_by(f64::total_cmp);
    let count = numbers.len() as f64;
    let middle = numbers.len() / 2;
    Cell::Number(match name {
        "sum" => Some(numbers.iter().sum()),
        _ if numbers.is_empty() => None,
        "mean" => Some(numbers.iter().sum::<f64>() / count),
        "min" => numbers.first().copied(),
        "max" => numbers.last().copied(),
        _ if numbers.len() % 2 == 1 => Some(numbers[middle]),
        _ => Some((numbers[middle - 1] + numbers[middle]) / 2.0),
    })
}
