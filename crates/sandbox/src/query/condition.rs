//! One condition of a filter: an operator and its operand, and whether a value meets it.

use jiff::Timestamp;
use notion::Id;
use serde_json::Value;

use super::dates::{self, Moment};
use crate::compute::cell::{Cell, Period};
use crate::input::check::{Checked, Spot};

/// The families of operators; each filter type belongs to one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    Text,
    Number,
    Checkbox,
    Choice,
    Choices,
    Date,
    Reference,
    Files,
    Verification,
}

/// What a condition asks.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Empty(bool),
    /// An operator over texts, ids or names; several operands mean any of them.
    Words(&'static str, Vec<String>),
    Number(&'static str, f64),
    Checkbox(bool),
    Date(&'static str, Moment),
    Window(jiff::civil::Date, jiff::civil::Date),
    State {
        is: bool,
        word: String,
    },
}

/// Every operator of a family that takes an operand.
fn operators(family: Family) -> &'static [&'static str] {
    match family {
        Family::Text => &[
            "equals",
            "does_not_equal",
            "contains",
            "does_not_contain",
            "starts_with",
            "ends_with",
        ],
        Family::Number => &[
            "equals",
            "does_not_equal",
            "greater_than",
            "less_than",
            "greater_than_or_equal_to",
            "less_than_or_equal_to",
        ],
        Family::Checkbox | Family::Choice => &["equals", "does_not_equal"],
        Family::Choices | Family::Reference => &["contains", "does_not_contain"],
        Family::Date => &[
            "equals",
            "before",
            "after",
            "on_or_before",
            "on_or_after",
            "this_week",
            "past_week",
            "past_month",
            "past_year",
            "next_week",
            "next_month",
            "next_year",
        ],
        Family::Files => &[],
        Family::Verification => &["status", "does_not_equal"],
    }
}

/// Reads the object that stands under the filter type.
pub(crate) fn read(spot: &Spot, family: Family, me: Id, now: Timestamp) -> Checked<Condition> {
    spot.object()?;
    for (name, filled) in [("is_empty", false), ("is_not_empty", true)] {
        let flag = spot.get(name);
        if !flag.is_there() || matches!(family, Family::Checkbox | Family::Verification) {
            continue;
        }
        if flag.value != Some(&Value::Bool(true)) {
            return Err(flag.should_be("`true`"));
        }
        return Ok(Condition::Empty(!filled));
    }
    let known = operators(family);
    let Some(operator) = known.iter().find(|operator| spot.get(operator).is_there()) else {
        let first = known.first().copied().unwrap_or("is_empty");
        return Err(spot.get(first).undefined());
    };
    let operand = spot.get(operator);
    Ok(match family {
        Family::Text => Condition::Words(operator, vec![operand.string()?.to_owned()]),
        Family::Number => Condition::Number(operator, operand.number()?),
        Family::Checkbox => Condition::Checkbox(operand.bool()? == (*operator == "equals")),
        Family::Choice | Family::Choices => Condition::Words(operator, words(&operand)?),
        Family::Reference => {
            let text = operand.string()?;
            let id = if text == "me" {
                me
            } else {
                Id::parse(text).ok_or_else(|| operand.should_be("a valid uuid"))?
            };
            Condition::Words(operator, vec![id.to_string()])
        }
        Family::Date => match dates::window(operator, now) {
            Some((first, last)) => {
                operand.object()?;
                Condition::Window(first, last)
            }
            None => {
                let text = operand.string()?;
                let moment = dates::relative(text, now).or_else(|| Moment::parse(text));
                let bad = || operand.should_be("a valid ISO 8601 date string");
                Condition::Date(operator, moment.ok_or_else(bad)?)
            }
        },
        Family::Verification => {
            let word = operand.word(&["verified", "expired", "none"], false)?;
            Condition::State { is: *operator == "status", word: word.to_owned() }
        }
        Family::Files => Condition::Empty(true),
    })
}

fn words(spot: &Spot) -> Checked<Vec<String>> {
    if spot.value.is_some_and(Value::is_array) {
        return spot.items(100)?.iter().map(|item| item.string().map(str::to_owned)).collect();
    }
    Ok(vec![spot.string()?.to_owned()])
}

impl Condition {
    /// Whether a value meets the condition.
    pub(crate) fn met_by(&self, cell: &Cell) -> bool {
        match (self, cell) {
            (Self::Empty(empty), _) => cell.is_empty() == *empty,
            (Self::Words(operator, words), _) => texts(operator, words, cell),
            (Self::Number(operator, than), Cell::Number(number)) => {
                numbers(operator, *number, *than)
            }
            (Self::Checkbox(on), _) => matches!(cell, Cell::Bool(is) if is == on),
            (Self::Date(operator, than), Cell::Date(Some(date))) => compare(operator, date, than),
            (Self::Window(first, last), Cell::Date(Some(date))) => {
                let day = date.start.day();
                *first <= day && day <= *last
            }
            (Self::State { is, word }, Cell::State(state)) => {
                (state.as_deref().unwrap_or("none") == word) == *is
            }
            _ => false,
        }
    }
}

/// Text is compared without regard to case; choices by name or id; references by id.
fn texts(operator: &str, words: &[String], cell: &Cell) -> bool {
    let is_negative = operator.starts_with("does_not");
    let hit = words.iter().any(|word| match cell {
        Cell::Choice(choice) => {
            choice.as_ref().is_some_and(|one| one.name == *word || one.id == *word)
        }
        Cell::Choices(all) => all.iter().any(|one| one.name == *word || one.id == *word),
        Cell::People(all) | Cell::Pages(all) => all.iter().any(|id| id.to_string() == *word),
        other => {
            let (text, word) = (other.text().to_lowercase(), word.to_lowercase());
            match operator {
                "equals" | "does_not_equal" => text == word,
                "starts_with" => text.starts_with(&word),
                "ends_with" => text.ends_with(&word),
                _ => text.contains(&word),
            }
        }
    });
    hit != is_negative
}

fn numbers(operator: &str, number: Option<f64>, than: f64) -> bool {
    let Some(number) = number else { return operator == "does_not_equal" };
    match operator {
        "equals" => number == than,
        "does_not_equal" => number != than,
        "greater_than" => number > than,
        "less_than" => number < than,
        "greater_than_or_equal_to" => number >= than,
        _ => number <= than,
    }
}

/// A day is compared by day, a time by the minute.
fn compare(operator: &str, date: &Period, than: &Moment) -> bool {
    let order = if than.has_time && date.start.has_time {
        let minute = |moment: &Moment| moment.instant.as_second().div_euclid(60);
        minute(&date.start).cmp(&minute(than))
    } else {
        date.start.day().cmp(&than.day())
    };
    match operator {
        "equals" => order.is_eq(),
        "before" => order.is_lt(),
        "after" => order.is_gt(),
        "on_or_before" => order.is_le(),
        _ => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn met(family: Family, condition: Value, cell: Cell) -> bool {
        let now: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        let me = Id::parse("00000000000000000000000000000000").unwrap();
        let body = json!({"c": condition});
        read(&Spot::body(&body).get("c"), family, me, now).unwrap().met_by(&cell)
    }

    fn date(text: &str) -> Cell {
        Cell::Date(Some(Period { start: Moment::parse(text).unwrap(), end: None }))
    }

    #[test]
    fn conditions_hold_or_not() {
        let text = |text: &str| Cell::Text(text.to_owned());
        assert!(met(Family::Text, json!({"contains": "DOE"}), text("John Doe")));
        assert!(met(Family::Text, json!({"does_not_contain": "Max"}), text("John Doe")));
        assert!(met(Family::Text, json!({"is_empty": true}), text("")));
        assert!(!met(Family::Text, json!({"starts_with": "Doe"}), text("John Doe")));
        assert!(met(Family::Number, json!({"greater_than": 4}), Cell::Number(Some(4.5))));
        assert!(met(Family::Number, json!({"does_not_equal": 4}), Cell::Number(None)));
        assert!(met(Family::Checkbox, json!({"does_not_equal": true}), Cell::Bool(false)));
        assert!(met(Family::Date, json!({"past_week": {}}), date("2026-03-01")));
        assert!(!met(Family::Date, json!({"past_week": {}}), date("2026-02-01")));
        assert!(met(Family::Date, json!({"equals": "today"}), date("2026-03-04T08:00:00Z")));
        assert!(met(Family::Date, json!({"on_or_after": "2026-03-04"}), date("2026-03-04")));
        assert!(!met(Family::Date, json!({"before": "2026-03-04"}), Cell::Date(None)));
    }
}
