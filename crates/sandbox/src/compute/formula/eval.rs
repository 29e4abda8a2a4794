//! The evaluator of formulas.

use notion::Id;

use super::parse::Tree;
use crate::compute::cell::{self, Cell};
use crate::world::access::View;

/// Longest text that a formula makes.
const TEXT_MAX: usize = 10_000;

/// Where a formula is evaluated.
pub(super) struct Scope<'a> {
    pub(super) view: View<'a>,
    pub(super) page: Id,
    pub(super) depth: usize,
}

impl Scope<'_> {
    /// The value, or `None` where the core ends.
    pub(super) fn value(&self, tree: &Tree) -> Option<Cell> {
        Some(match tree {
            Tree::Number(number) => Cell::Number(Some(*number)),
            Tree::Text(text) => Cell::Text(text.clone()),
            Tree::Bool(on) => Cell::Bool(*on),
            Tree::Property(called) => self.property(called)?,
            Tree::Negative(of) => Cell::Number(number(&self.value(of)?).map(|number| -number)),
            Tree::Not(of) => Cell::Bool(!truth(&self.value(of)?)),
            Tree::Binary(operator, left, right) => self.binary(operator, left, right)?,
            Tree::Call(name, arguments) => self.call(name, arguments)?,
        })
    }

    fn property(&self, called: &str) -> Option<Cell> {
        let (_, source) = self.view.world.source_of_row(self.page)?;
        let property = source.schema.values().find(|property| property.is_called(called))?;
        Some(match cell::of(self.view, self.page, property, self.depth + 1) {
            Cell::Choice(choice) => Cell::Text(choice.map(|one| one.name).unwrap_or_default()),
            other => other,
        })
    }

    fn binary(&self, operator: &str, left: &Tree, right: &Tree) -> Option<Cell> {
        let left = self.value(left)?;
        if operator == "and" && !truth(&left) || operator == "or" && truth(&left) {
            return Some(Cell::Bool(truth(&left)));
        }
        let right = self.value(right)?;
        let numbers = number(&left).zip(number(&right));
        let of_numbers = |work: fn(f64, f64) -> f64| {
            Some(Cell::Number(numbers.map(|(a, b)| work(a, b)).filter(|n| n.is_finite())))
        };
        match operator {
            "and" | "or" => Some(Cell::Bool(truth(&right))),
            "+" if matches!(left, Cell::Text(_)) || matches!(right, Cell::Text(_)) => {
                joined(&[left, right])
            }
            "+" => of_numbers(|a, b| a + b),
            "-" => of_numbers(|a, b| a - b),
            "*" => of_numbers(|a, b| a * b),
            "/" => of_numbers(|a, b| a / b),
            "%" => of_numbers(|a, b| a % b),
            "^" => of_numbers(f64::powf),
            "==" => Some(Cell::Bool(same(&left, &right))),
            "!=" => Some(Cell::Bool(!same(&left, &right))),
            _ => {
                let order = left.compare(&right);
                let either_empty = left.is_empty() && !matches!(left, Cell::Bool(_))
                    || right.is_empty() && !matches!(right, Cell::Bool(_));
                let holds = match operator {
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                };
                Some(Cell::Bool(holds && !either_empty))
            }
        }
    }

    fn call(&self, name: &str, arguments: &[Tree]) -> Option<Cell> {
        if name == "if" || name == "ifs" {
            let mut rest = arguments;
            while let [condition, then, after @ ..] = rest {
                if truth(&self.value(condition)?) {
                    return self.value(then);
                }
                rest = after;
            }
            return self.value(rest.first()?);
        }
        let values: Option<Vec<Cell>> = arguments.iter().map(|tree| self.value(tree)).collect();
        let values = values?;
        let now = self.view.world.now();
        if let Some(date) = super::dates::call(name, &values, now) {
            return Some(date);
        }
        let first = values.first()?;
        let of_number = |work: fn(f64) -> f64| Some(Cell::Number(number(first).map(work)));
        let of_all = |work: fn(f64, f64) -> f64| {
            Some(Cell::Number(values.iter().filter_map(number).reduce(work)))
        };
        match name {
            "concat" => joined(&values),
            "format" => Some(Cell::Text(first.text())),
            "length" => Some(Cell::Number(Some(match first {
                Cell::List(all) => all.len() as f64,
                Cell::People(all) | Cell::Pages(all) => all.len() as f64,
                Cell::Choices(all) => all.len() as f64,
                other => other.text().chars().count() as f64,
            }))),
            "empty" => Some(Cell::Bool(match first {
                Cell::Number(number) => number.is_none_or(|number| number == 0.0),
                other => other.is_empty(),
            })),
            "not" => Some(Cell::Bool(!truth(first))),
            "and" => Some(Cell::Bool(values.iter().all(truth))),
            "or" => Some(Cell::Bool(values.iter().any(truth))),
            "lower" => Some(Cell::Text(first.text().to_lowercase())),
            "upper" => Some(Cell::Text(first.text().to_uppercase())),
            "trim" => Some(Cell::Text(first.text().trim().to_owned())),
            "contains" => Some(Cell::Bool(first.text().contains(&values.get(1)?.text()))),
            "toNumber" => Some(Cell::Number(match first {
                Cell::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
                other => number(other),
            })),
            "equal" => Some(Cell::Bool(same(first, values.get(1)?))),
            "unequal" => Some(Cell::Bool(!same(first, values.get(1)?))),
            "round" if values.len() == 1 => of_number(f64::round),
            "floor" => of_number(f64::floor),
            "ceil" => of_number(f64::ceil),
            "abs" => of_number(f64::abs),
            "sqrt" => of_number(f64::sqrt),
            "min" => of_all(f64::min),
            "max" => of_all(f64::max),
            "sum" => of_all(|a, b| a + b),
            _ => None,
        }
    }
}

fn joined(cells: &[Cell]) -> Option<Cell> {
    let text: String = cells.iter().map(Cell::text).collect();
    (text.len() <= TEXT_MAX).then_some(Cell::Text(text))
}

fn same(left: &Cell, right: &Cell) -> bool {
    match (left, right) {
        (Cell::Number(a), Cell::Number(b)) => a == b,
        (Cell::Date(Some(a)), Cell::Date(Some(b))) => a.start.instant == b.start.instant,
        (Cell::Text(_), _) | (_, Cell::Text(_)) => left.text() == right.text(),
        _ => left == right,
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(number) => *number,
        Cell::Bool(on) => Some(f64::from(u8::from(*on))),
        _ => None,
    }
}

fn truth(cell: &Cell) -> bool {
    match cell {
        Cell::Bool(on) => *on,
        Cell::Number(number) => number.is_some_and(|number| number != 0.0),
        other => !other.is_empty(),
    }
}
