//! A value as filters, sorts, rollups and formulas look at it.

use std::cmp::Ordering;

use jiff::Timestamp;
use notion::Id;
use serde_json::{Value, json};

use super::{formula, rollup};
use crate::query::dates::Moment;
use crate::world::access::View;
use crate::world::property::{Property, PropertyKind, Settings};

/// Formulas and rollups may look through each other so deep.
pub(crate) const DEPTH_MAX: usize = 3;
/// A rollup works on its own, in a formula, but not inside another rollup: the work would grow with
/// every level by the number of related pages.
pub(crate) const ROLLUP_DEPTH_MAX: usize = 2;

/// A period or a point in time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Period {
    pub(crate) start: Moment,
    pub(crate) end: Option<Moment>,
}

/// A choice and where it stands among its like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) rank: usize,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(Option<f64>),
    Bool(bool),
    Date(Option<Period>),
    Choice(Option<Chosen>),
    Choices(Vec<Chosen>),
    People(Vec<Id>),
    Pages(Vec<Id>),
    Files(usize),
    /// The state of a verification.
    State(Option<String>),
    /// The elements of a rollup.
    List(Vec<Self>),
    /// A formula that cannot be worked out, a button, a place.
    Nothing,
}

impl Cell {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self::Date(Some(Period { start: Moment::at_minute(time), end: None }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Number(number) => number.is_none(),
            Self::Bool(on) => !on,
            Self::Date(date) => date.is_none(),
            Self::Choice(choice) => choice.is_none(),
            Self::Choices(all) => all.is_empty(),
            Self::People(all) | Self::Pages(all) => all.is_empty(),
            Self::Files(count) => *count == 0,
            Self::State(state) => state.is_none(),
            Self::List(all) => all.is_empty(),
            Self::Nothing => true,
        }
    }

    /// The order of two values; whatever is empty comes last in the caller's hands.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => collate(a, b),
            (Self::Number(Some(a)), Self::Number(Some(b))) => a.total_cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Date(Some(a)), Self::Date(Some(b))) => a.start.instant.cmp(&b.start.instant),
            (Self::Choice(Some(a)), Self::Choice(Some(b))) => a.rank.cmp(&b.rank),
            (Self::Choices(a), Self::Choices(b)) => {
                let ranks = |all: &[Chosen]| all.iter().map(|one| one.rank).collect::<Vec<_>>();
                ranks(a).cmp(&ranks(b))
            }
            (Self::People(a), Self::People(b)) | (Self::Pages(a), Self::Pages(b)) => a.cmp(b),
            (Self::Files(a), Self::Files(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.len().cmp(&b.len()),
            _ => Ordering::Equal,
        }
    }

    /// As text: what `format()`, `concat` and text filters see.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.map(number_text).unwrap_or_default(),
            Self::Bool(on) => on.to_string(),
            Self::Date(date) => date.as_ref().map(|date| date.start.shown()).unwrap_or_default(),
            Self::Choice(choice) => {
                choice.as_ref().map(|choice| choice.name.clone()).unwrap_or_default()
            }
            Self::Choices(all) => {
                all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
            }
            Self::List(all) => all.iter().map(Self::text).collect::<Vec<_>>().join(", "),
            Self::State(state) => state.clone().unwrap_or_default(),
            Self::People(_) | Self::Pages(_) | Self::Files(_) | Self::Nothing => String::new(),
        }
    }
}

/// The order of texts: without regard to case, numbers in them by value (measured).
pub(crate) fn collate(a: &str, b: &str) -> Ordering {
    let (low_a, low_b) = (a.to_lowercase(), b.to_lowercase());
    let (mut rest_a, mut rest_b) = (low_a.as_str(), low_b.as_str());
    loop {
        let ((part_a, tail_a), (part_b, tail_b)) = (part(rest_a), part(rest_b));
        let order = if starts_with_digit(part_a) && starts_with_digit(part_b) {
            let (a, b) = (part_a.trim_start_matches('0'), part_b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            part_a.cmp(part_b)
        };
        if order.is_ne() || (tail_a.is_empty() && tail_b.is_empty()) {
            return order.then_with(|| a.cmp(b));
        }
        (rest_a, rest_b) = (tail_a, tail_b);
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The digits, or the other characters, that a text begins with, and the rest.
fn part(text: &str) -> (&str, &str) {
    let digits = starts_with_digit(text);
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

/// A number without a needless fraction.
pub(crate) fn number_text(number: f64) -> String {
    format!("{number}")
}

/// A number as JSON: whole ones without a fraction.
pub(crate) fn number_json(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        json!(number as i64)
    } else {
        json!(number)
    }
}

/// The value of `property` on a page.
pub(crate) fn of(view: View, page: Id, property: &Property, depth: usize) -> Cell {
    let Some(node) = view.world.node(page) else { return Cell::Nothing };
    let Some(values) = node.page().map(|page| &page.values) else { return Cell::Nothing };
    let value = values.get(&property.id).unwrap_or(&Value::Null);
    match property.kind {
        PropertyKind::Title | PropertyKind::RichText => {
            let runs = value.as_array().map_or(&[][..], Vec::as_slice);
            Cell::Text(crate::render::rich_text::plain(view, runs))
        }
        PropertyKind::Url | PropertyKind::Email | PropertyKind::PhoneNumber => {
            Cell::Text(value.as_str().unwrap_or_default().to_owned())
        }
        PropertyKind::Number => Cell::Number(value.as_f64()),
        PropertyKind::UniqueId => Cell::Number(value.as_f64()),
        PropertyKind::Checkbox => Cell::Bool(value.as_bool().unwrap_or(false)),
        PropertyKind::Select | PropertyKind::Status => Cell::Choice(chosen(property, value)),
        PropertyKind::MultiSelect => Cell::Choices(
            value.as_array().into_iter().flatten().filter_map(|id| chosen(property, id)).collect(),
        ),
        PropertyKind::Date => Cell::Date(period(value)),
        PropertyKind::People => Cell::People(ids(value)),
        PropertyKind::Relation => Cell::Pages(related(view, property, value)),
        PropertyKind::Files => Cell::Files(value.as_array().map_or(0, Vec::len)),
        PropertyKind::CreatedTime => Cell::at(node.created_time),
        PropertyKind::LastEditedTime => Cell::at(node.last_edited_time),
        PropertyKind::CreatedBy => Cell::People(vec![node.created_by]),
        PropertyKind::LastEditedBy => Cell::People(vec![node.last_edited_by]),
        PropertyKind::Verification => {
            Cell::State(verification(value, view.world.now()).map(str::to_owned))
        }
        PropertyKind::Formula if depth < DEPTH_MAX => {
            formula::evaluate(view, page, property, depth)
        }
        PropertyKind::Rollup if depth < ROLLUP_DEPTH_MAX => {
            rollup::compute(view, page, property, depth).cell
        }
        _ => Cell::Nothing,
    }
}

/// The pages that a relation points at and the caller sees; those in the trash are left out.
pub(crate) fn related(view: View, property: &Property, value: &Value) -> Vec<Id> {
    let Settings::Relation { .. } = property.settings else { return Vec::new() };
    let mut all = ids(value);
    all.retain(|id| view.world.node(*id).is_some_and(|node| !node.in_trash) && view.sees(*id));
    all
}

/// The ids in an array.
pub(crate) fn ids(value: &Value) -> Vec<Id> {
    let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(Id::parse).collect()
}

fn chosen(property: &Property, id: &Value) -> Option<Chosen> {
    let id = id.as_str()?;
    let rank = property.choices().iter().position(|choice| choice.id == id)?;
    let choice = property.choices().get(rank)?;
    Some(Chosen { id: choice.id.clone(), name: choice.name.clone(), rank })
}

/// The state of a verification, if there is one: it may have come to its end.
pub(crate) fn verification(value: &Value, now: Timestamp) -> Option<&str> {
    let state = value["state"].as_str().filter(|state| *state != "unverified")?;
    let end = value["date"]["end"].as_str().and_then(Moment::parse);
    let is_over = end.is_some_and(|end| {
        // A day ends with its last hour.
        let day = if end.has_time { 0 } else { 86_400 };
        end.instant.as_second() + day <= now.as_second()
    });
    Some(if is_over { "expired" } else { state })
}

/// Reads `{start, end, time_zone}`.
pub(crate) fn period(value: &Value) -> Option<Period> {
    let start = Moment::parse(value["start"].as_str()?)?;
    Some(Period { start, end: value["end"].as_str().and_then(Moment::parse) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_people_count() {
        // R: the order of rows in a recorded query.
        let sorted = ["", "Article 1", "Article 4", "article 10", "Article 13", "Zebra"];
        for pair in sorted.windows(2) {
            assert_eq!(collate(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(collate(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }
}
