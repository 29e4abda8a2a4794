//! The evaluator of formulas.

use notion::Id;

use super::parse::Tree;
use crate::compute::cell::{self, Cell};
use crate::world::access::View;
use crate::world::property::PropertyKind;

/// Longest text that a formula makes.
pub(super) const TEXT_MAX: usize = 10_000;
/// So many steps may a formula take: functions over lists within each other multiply.
const STEPS_MAX: u32 = 50_000;

/// Where a formula is evaluated.
pub(super) struct Scope<'a> {
    pub(super) view: View<'a>,
    pub(super) page: Id,
    pub(super) depth: usize,
    /// Names that `let`, `map` and their like give, the innermost last.
    pub(super) names: Vec<(String, Cell)>,
    /// How many steps were taken.
    pub(super) steps: &'a std::cell::Cell<u32>,
}

impl Scope<'_> {
    /// The value, or `None` where the core ends.
    pub(super) fn value(&self, tree: &Tree) -> Option<Cell> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX {
            return None;
        }
        Some(match tree {
            Tree::Number(number) => Cell::Number(Some(*number)),
            Tree::Text(text) => Cell::Text(text.clone()),
            Tree::Bool(on) => Cell::Bool(*on),
            Tree::Property(called) => self.property(called)?,
            Tree::Name(name) => {
                let known = self.names.iter().rev().find(|(known, _)| known == name);
                known.map(|(_, cell)| cell.clone())?
            }
            Tree::List(all) => {
                let all: Option<Vec<Cell>> = all.iter().map(|one| self.value(one)).collect();
                Cell::List(all?)
            }
            Tree::Negative(of) => Cell::Number(number(&self.value(of)?).map(|number| -number)),
            Tree::Not(of) => Cell::Bool(!truth(&self.value(of)?)),
            Tree::Binary(operator, left, right) => self.binary(operator, left, right)?,
            Tree::Call(name, arguments) => {
                self.call(name, &arguments.iter().collect::<Vec<_>>())?
            }
            Tree::Method(of, name, arguments) => {
                let all: Vec<&Tree> = std::iter::once(&**of).chain(arguments).collect();
                self.call(name, &all)?
            }
        })
    }

    fn property(&self, called: &str) -> Option<Cell> {
        let (_, source) = self.view.world.source_of_row(self.page)?;
        let property = source.schema.values().find(|property| property.is_called(called))?;
        Some(match cell::of(self.view, self.page, property, self.depth + 1) {
            // A property without a number counts as nought (measured).
            Cell::Number(None) if property.kind == PropertyKind::Number => Cell::Number(Some(0.0)),
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
        self.binary_of(operator, left, right)
    }

    fn binary_of(&self, operator: &str, left: Cell, right: Cell) -> Option<Cell> {
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

    fn call(&self, name: &str, arguments: &[&Tree]) -> Option<Cell> {
        if let Some(cell) = self.special(name, arguments) {
            return cell;
        }
        let values: Option<Vec<Cell>> = arguments.iter().map(|tree| self.value(tree)).collect();
        let values = values?;
        if let Some(date) = super::dates::call(name, &values, self.view.world.now()) {
            return Some(date);
        }
        match (name, values.as_slice()) {
            ("pi", []) => return Some(Cell::Number(Some(std::f64::consts::PI))),
            ("e", []) => return Some(Cell::Number(Some(std::f64::consts::E))),
            _ => {}
        }
        if let Some(cell) = super::lists::call(name, &values) {
            return Some(cell);
        }
        if let Some(cell) = super::texts::call(name, &values) {
            return Some(cell);
        }
        self.plain(name, &values)
    }

    /// Functions that do not look at all of their arguments, or look at them more than once.
    fn special(&self, name: &str, arguments: &[&Tree]) -> Option<Option<Cell>> {
        Some(match (name, arguments) {
            ("if" | "ifs", _) => self.choose(arguments),
            ("let" | "lets", [.., result]) => self.bind(arguments, result),
            (
                "map" | "filter" | "some" | "every" | "find" | "findIndex" | "count",
                [list, each],
            ) => self.over(name, list, each),
            ("prop", [of, Tree::Text(called)]) => self.property_of(of, called),
            _ => return None,
        })
    }

    fn choose(&self, arguments: &[&Tree]) -> Option<Cell> {
        let mut rest = arguments;
        while let [condition, then, after @ ..] = rest {
            if truth(&self.value(condition)?) {
                return self.value(then);
            }
            rest = after;
        }
        self.value(rest.first()?)
    }

    /// `let(name, value, …, result)`
    fn bind(&self, arguments: &[&Tree], result: &Tree) -> Option<Cell> {
        let mut names = self.names.clone();
        for pair in arguments[..arguments.len() - 1].chunks(2) {
            let [Tree::Name(name), value] = pair else { return None };
            let value = self.with(names.clone()).value(value)?;
            names.push((name.clone(), value));
        }
        self.with(names).value(result)
    }

    /// `map(list, …)` and its like: `current` is the element, `index` its place.
    fn over(&self, name: &str, list: &Tree, each: &Tree) -> Option<Cell> {
        let all = super::lists::elements(&self.value(list)?)?;
        let mut results = Vec::new();
        for (index, element) in all.iter().enumerate() {
            let mut names = self.names.clone();
            names.push(("current".to_owned(), element.clone()));
            names.push(("index".to_owned(), Cell::Number(Some(index as f64))));
            results.push(self.with(names).value(each)?);
        }
        let hits = || results.iter().map(truth);
        Some(match name {
            "map" => Cell::List(results),
            "some" => Cell::Bool(hits().any(|hit| hit)),
            "every" => Cell::Bool(hits().all(|hit| hit)),
            "count" => Cell::Number(Some(hits().filter(|hit| *hit).count() as f64)),
            "findIndex" => {
                Cell::Number(Some(hits().position(|hit| hit).map_or(-1.0, |n| n as f64)))
            }
            "find" => {
                let found = hits().position(|hit| hit).and_then(|at| all.get(at).cloned());
                found.unwrap_or(Cell::Text(String::new()))
            }
            _ => Cell::List(
                all.iter()
                    .zip(hits())
                    .filter(|(_, hit)| *hit)
                    .map(|(one, _)| one.clone())
                    .collect(),
            ),
        })
    }

    /// A property of a related page.
    fn property_of(&self, of: &Tree, called: &str) -> Option<Cell> {
        let Cell::Pages(pages) = self.value(of)? else { return None };
        let page = *pages.first()?;
        Scope { page, names: Vec::new(), depth: self.depth + 1, ..self.with(Vec::new()) }
            .property(called)
    }

    fn with(&self, names: Vec<(String, Cell)>) -> Self {
        Self { view: self.view, page: self.page, depth: self.depth, names, steps: self.steps }
    }

    fn plain(&self, name: &str, values: &[Cell]) -> Option<Cell> {
        let first = values.first()?;
        let second = values.get(1);
        let of_number = |work: fn(f64) -> f64| {
            Some(Cell::Number(number(first).map(work).filter(|number| number.is_finite())))
        };
        let of_two = |work: fn(f64, f64) -> f64| {
            let both = number(first).zip(number(second?));
            Some(Cell::Number(both.map(|(a, b)| work(a, b)).filter(|number| number.is_finite())))
        };
        match name {
            "concat" => joined(values),
            "format" => Some(Cell::Text(first.text())),
            "length" => Some(Cell::Number(Some(match super::lists::elements(first) {
                Some(all) => all.len() as f64,
                None => first.text().chars().count() as f64,
            }))),
            "empty" => Some(Cell::Bool(match first {
                Cell::Number(number) => number.is_none_or(|number| number == 0.0),
                other => other.is_empty(),
            })),
            "not" => Some(Cell::Bool(!truth(first))),
            "and" => Some(Cell::Bool(values.iter().all(truth))),
            "or" => Some(Cell::Bool(values.iter().any(truth))),
            "toNumber" => Some(Cell::Number(match first {
                Cell::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
                Cell::Date(date) => date.as_ref().map(|d| d.start.instant.as_millisecond() as f64),
                other => number(other),
            })),
            "equal" => Some(Cell::Bool(same(first, second?))),
            "unequal" => Some(Cell::Bool(!same(first, second?))),
            "name" | "email" => match first {
                Cell::People(all) => {
                    let id = all.first()?;
                    let world = self.view.world;
                    Some(Cell::Text(if name == "name" {
                        crate::render::user::name(world, *id)?
                    } else {
                        world.people.get(id)?.email.clone()
                    }))
                }
                _ => None,
            },
            "id" => match first {
                Cell::Pages(all) | Cell::People(all) => Some(Cell::Text(all.first()?.plain())),
                _ => None,
            },
            "round" => match second {
                None => of_number(|number| (number + 0.5).floor()),
                Some(_) => of_two(|number, places| {
                    let unit = 10f64.powf(places.trunc().clamp(-15.0, 15.0));
                    (number * unit + 0.5).floor() / unit
                }),
            },
            "floor" => of_number(f64::floor),
            "ceil" => of_number(f64::ceil),
            "abs" => of_number(f64::abs),
            "sqrt" => of_number(f64::sqrt),
            "cbrt" => of_number(f64::cbrt),
            "exp" => of_number(f64::exp),
            "ln" => of_number(f64::ln),
            "log10" => of_number(f64::log10),
            "log2" => of_number(f64::log2),
            "sign" => of_number(|number| if number == 0.0 { 0.0 } else { number.signum() }),
            "unaryMinus" => of_number(|number| -number),
            "unaryPlus" => of_number(|number| number),
            "add" => self.binary_of("+", first.clone(), second?.clone()),
            "subtract" => of_two(|a, b| a - b),
            "multiply" => of_two(|a, b| a * b),
            "divide" => of_two(|a, b| a / b),
            "mod" => of_two(|a, b| a % b),
            "pow" => of_two(f64::powf),
            _ => None,
        }
    }
}

fn joined(cells: &[Cell]) -> Option<Cell> {
    let text: String = cells.iter().map(Cell::text).collect();
    (text.len() <= TEXT_MAX).then_some(Cell::Text(text))
}

pub(super) fn same(left: &Cell, right: &Cell) -> bool {
    match (left, right) {
        (Cell::Number(a), Cell::Number(b)) => a == b,
        (Cell::Date(Some(a)), Cell::Date(Some(b))) => a.start.instant == b.start.instant,
        (Cell::Text(_), _) | (_, Cell::Text(_)) => left.text() == right.text(),
        _ => left == right,
    }
}

pub(super) fn number(cell: &Cell) -> Option<f64> {
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
