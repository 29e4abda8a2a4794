//! Filters and sorts in a small form: `Status = Done and (Due < today or Tags contains urgent)`.
//!
//! Names of columns are looked for in the schema, so they need no quotes; a condition becomes one of
//! Notion's by the column's type.

use serde_json::{Value, json};

use super::fault::Fault;
use super::flat_in::is_date;
use super::schema::{Column, Schema};

mod parse;

pub(crate) use parse::parse;

/// A filter as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    And(Vec<Self>),
    Or(Vec<Self>),
    /// Column, how it is compared, with what.
    Is(String, Compare, String),
}

/// How a cell is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Compare {
    Equals,
    Differs,
    Less,
    More,
    AtMost,
    AtLeast,
    Contains,
    Lacks,
    Begins,
    Ends,
    Empty,
    Filled,
}

const DATE_WORDS: &[&str] = &[
    "today",
    "tomorrow",
    "yesterday",
    "one_week_ago",
    "one_week_from_now",
    "one_month_ago",
    "one_month_from_now",
];
pub(crate) const SPANS: &[&str] =
    &["this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year"];

impl Expr {
    /// What holds where this does not; `None` if Notion has no word for it.
    pub(crate) fn negated(self) -> Option<Self> {
        let all = |parts: Vec<Self>| parts.into_iter().map(Self::negated).collect::<Option<_>>();
        Some(match self {
            Self::And(parts) => Self::Or(all(parts)?),
            Self::Or(parts) => Self::And(all(parts)?),
            Self::Is(column, compare, value) => Self::Is(column, compare.opposite()?, value),
        })
    }
}

impl Compare {
    fn opposite(self) -> Option<Self> {
        Some(match self {
            Self::Equals => Self::Differs,
            Self::Differs => Self::Equals,
            Self::Less => Self::AtLeast,
            Self::AtLeast => Self::Less,
            Self::More => Self::AtMost,
            Self::AtMost => Self::More,
            Self::Contains => Self::Lacks,
            Self::Lacks => Self::Contains,
            Self::Empty => Self::Filled,
            Self::Filled => Self::Empty,
            Self::Begins | Self::Ends => return None,
        })
    }
}

/// Names in a filter that stand for somebody or some page, and are to be found first.
pub(crate) fn names(expr: &Expr, schema: &Schema) -> Vec<(String, String)> {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().flat_map(|part| names(part, schema)).collect()
        }
        Expr::Is(column, compare, value) => match schema.find(column) {
            Ok(found)
                if !matches!(compare, Compare::Empty | Compare::Filled)
                    && value != "me"
                    && matches!(
                        found.kind.as_str(),
                        "people" | "created_by" | "last_edited_by" | "relation"
                    ) =>
            {
                vec![(column.clone(), value.clone())]
            }
            _ => Vec::new(),
        },
    }
}

/// As Notion writes it; `known` gives the id of somebody, or of a related page.
pub(crate) fn to_notion(
    expr: &Expr,
    schema: &Schema,
    known: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Value, Fault> {
    let flat = flatten(expr.clone());
    if depth(&flat) > 2 {
        return Err(Fault::input(
            "Notion takes groups two deep: `A and (B or C)` goes, `A and (B or (C and D))` does not. \
             Split the query.",
        ));
    }
    written(&flat, schema, known)
}

fn written(
    expr: &Expr,
    schema: &Schema,
    known: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Value, Fault> {
    let all = |parts: &[Expr]| {
        parts.iter().map(|part| written(part, schema, known)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match expr {
        Expr::And(parts) => json!({ "and": all(parts)? }),
        Expr::Or(parts) => json!({ "or": all(parts)? }),
        Expr::Is(name, compare, value) => {
            let column = match schema.find(name) {
                Ok(column) => column,
                Err(_) if matches!(name.as_str(), "created_time" | "last_edited_time") => {
                    let column =
                        Column { name: name.clone(), kind: name.clone(), ..Column::default() };
                    let condition = condition(&column, *compare, value)?;
                    return Ok(json!({ "timestamp": name, name: condition }));
                }
                Err(fault) => return Err(fault),
            };
            let value = known(name, value).unwrap_or_else(|| value.clone());
            let kind = if column.kind == "title" { "title" } else { column.kind.as_str() };
            json!({ "property": column.name, kind: condition(column, *compare, &value)? })
        }
    })
}

/// Groups within groups of the same sort are one.
fn flatten(expr: Expr) -> Expr {
    let join = |parts: Vec<Expr>, is_and: bool| {
        let mut flat = Vec::new();
        for part in parts.into_iter().map(flatten) {
            match part {
                Expr::And(inner) if is_and => flat.extend(inner),
                Expr::Or(inner) if !is_and => flat.extend(inner),
                other => flat.push(other),
            }
        }
        flat
    };
    match expr {
        Expr::And(parts) => Expr::And(join(parts, true)),
        Expr::Or(parts) => Expr::Or(join(parts, false)),
        leaf @ Expr::Is(..) => leaf,
    }
}

fn depth(expr: &Expr) -> usize {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        Expr::Is(..) => 0,
    }
}

/// The condition on one cell.
fn condition(column: &Column, compare: Compare, value: &str) -> Result<Value, Fault> {
    use Compare::{
        AtLeast, AtMost, Begins, Contains, Differs, Empty, Ends, Equals, Filled, Lacks, Less, More,
    };
    match compare {
        Empty => return Ok(json!({"is_empty": true})),
        Filled => return Ok(json!({"is_not_empty": true})),
        _ => {}
    }
    let wrong = |can: &str| {
        Fault::input(format!("Column `{}` ({}) is filtered with {can}.", column.name, column.kind))
    };
    let word = match (column.kind.as_str(), compare) {
        ("title" | "rich_text" | "url" | "email" | "phone_number", _) => match compare {
            Equals => "equals",
            Differs => "does_not_equal",
            Contains => "contains",
            Lacks => "does_not_contain",
            Begins => "starts_with",
            Ends => "ends_with",
            _ => {
                return Err(wrong(
                    "=, !=, contains, not contains, starts with, ends with, is empty",
                ));
            }
        },
        ("number" | "unique_id", _) => {
            let digits = value.rsplit('-').next().filter(|_| column.kind == "unique_id");
            let number: serde_json::Number = digits
                .unwrap_or(value)
                .parse::<serde_json::Number>()
                .map_err(|_| wrong(&format!("a number, not `{value}`")))?;
            let word = match compare {
                Equals => "equals",
                Differs => "does_not_equal",
                Less => "less_than",
                More => "greater_than",
                AtMost => "less_than_or_equal_to",
                AtLeast => "greater_than_or_equal_to",
                _ => return Err(wrong("=, !=, <, >, <=, >=, is empty")),
            };
            return Ok(json!({ word: number }));
        }
        ("checkbox", Equals | Differs) => {
            let is = match value.to_lowercase().as_str() {
                "true" | "yes" | "checked" => true,
                "false" | "no" | "unchecked" => false,
                _ => return Err(wrong("true or false")),
            };
            return Ok(json!({"equals": is == (compare == Equals)}));
        }
        ("checkbox", _) => return Err(wrong("= true or = false")),
        ("select" | "status", Equals | Differs) => {
            let name = known_option(column, value)?;
            let word = if compare == Equals { "equals" } else { "does_not_equal" };
            return Ok(json!({ word: name }));
        }
        ("select" | "status", _) => return Err(wrong("=, !=, is empty, is not empty")),
        ("multi_select", Contains | Equals | Lacks | Differs) => {
            let name = known_option(column, value)?;
            let has = matches!(compare, Contains | Equals);
            let word = if has { "contains" } else { "does_not_contain" };
            return Ok(json!({ word: name }));
        }
        ("people" | "created_by" | "last_edited_by" | "relation", Contains | Equals) => "contains",
        ("people" | "created_by" | "last_edited_by" | "relation", Lacks | Differs) => {
            "does_not_contain"
        }
        ("multi_select" | "people" | "created_by" | "last_edited_by" | "relation", _) => {
            return Err(wrong("contains, not contains, is empty, is not empty"));
        }
        ("date" | "created_time" | "last_edited_time", _) => return day(compare, value, &wrong),
        ("formula" | "rollup", _) => return computed(compare, value, &wrong),
        _ => return Err(wrong("is empty or is not empty, or with Notion's own filter JSON")),
    };
    Ok(json!({ word: value }))
}

fn known_option(column: &Column, value: &str) -> Result<String, Fault> {
    // Groups of a status may be named, too; the schema here does not list them.
    match column.option(value) {
        Some(name) => Ok(name.to_owned()),
        None if column.options.is_empty() => Ok(value.to_owned()),
        None => Err(Fault::input(format!(
            "Column `{}` has no option `{value}`. Options: {}.",
            column.name,
            column.options_shown()
        ))),
    }
}

fn day(compare: Compare, value: &str, wrong: &dyn Fn(&str) -> Fault) -> Result<Value, Fault> {
    let value = value.trim().to_lowercase().replace(' ', "_");
    if SPANS.contains(&value.as_str()) {
        if !matches!(compare, Compare::Equals | Compare::Contains) {
            return Err(wrong("= for spans as past_week"));
        }
        return Ok(json!({ value: {} }));
    }
    let is_word = DATE_WORDS.contains(&value.as_str());
    let value = if is_word { value } else { value.to_uppercase() };
    if !is_word && !is_date(&value) {
        return Err(wrong("a date as 2026-11-21, or a word as today, one_week_ago, past_week"));
    }
    let word = match compare {
        Compare::Equals => "equals",
        Compare::Less => "before",
        Compare::More => "after",
        Compare::AtMost => "on_or_before",
        Compare::AtLeast => "on_or_after",
        _ => return Err(wrong("=, <, >, <=, >=, is empty, is not empty")),
    };
    Ok(json!({ word: value }))
}

/// Formulas and rollups are compared by what the value looks like.
fn computed(compare: Compare, value: &str, wrong: &dyn Fn(&str) -> Fault) -> Result<Value, Fault> {
    let like = |kind: &str| Column { kind: kind.to_owned(), ..Column::default() };
    if value.parse::<f64>().is_ok() {
        return Ok(json!({"number": condition(&like("number"), compare, value)?}));
    }
    if is_date(value) || DATE_WORDS.contains(&value) {
        return Ok(json!({"date": day(compare, value, wrong)?}));
    }
    if matches!(value, "true" | "false") {
        return Ok(json!({"checkbox": condition(&like("checkbox"), compare, value)?}));
    }
    Ok(json!({"string": condition(&like("rich_text"), compare, value)?}))
}

/// Sorts: `Due desc`, `Name`, `-Due`, `last_edited_time desc`.
pub(crate) fn sort(text: &str, schema: &Schema) -> Result<Value, Fault> {
    let text = text.trim();
    let (name, down) = match text.strip_prefix('-') {
        Some(name) => (name.trim(), true),
        None => match text.rsplit_once(' ').map(|(name, way)| (name.trim(), way.to_lowercase())) {
            Some((name, way)) if matches!(way.as_str(), "desc" | "descending") => (name, true),
            Some((name, way)) if matches!(way.as_str(), "asc" | "ascending") => (name, false),
            _ => (text, false),
        },
    };
    let direction = if down { "descending" } else { "ascending" };
    match schema.find(name) {
        Ok(column) => Ok(json!({"property": column.name, "direction": direction})),
        Err(_) if matches!(name, "created_time" | "last_edited_time") => {
            Ok(json!({"timestamp": name, "direction": direction}))
        }
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests;
