//! Recordings that contradict themselves: what was scrubbed out of them (names, addresses) is gone from
//! values and still there in filters, so that no service could answer as they do.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::recording::Exchange;

/// What recorded queries showed of rows, by the path of the query and the id of the row.
#[derive(Debug, Default)]
pub(super) struct Rows(HashMap<String, HashMap<String, Map<String, Value>>>);

impl Rows {
    /// Takes the rows of a query's answer in.
    pub(super) fn learn(&mut self, exchange: &Exchange) {
        let rows = self.0.entry(exchange.path.clone()).or_default();
        for one in exchange.answer["results"].as_array().into_iter().flatten() {
            if let (Some(id), Some(values)) = (one["id"].as_str(), one["properties"].as_object()) {
                rows.insert(id.to_owned(), values.clone());
            }
        }
    }

    /// Whether rows that a filter over a text found do not fit it, or rows that fit it were not found.
    pub(super) fn contradict(&self, exchange: &Exchange, found: &[String]) -> bool {
        let filter = &exchange.request["filter"];
        let Some(property) = filter["property"].as_str() else { return false };
        let Some((operator, operand)) = condition(filter) else { return false };
        let rows = self.0.get(&exchange.path).into_iter().flatten();
        rows.filter_map(|(id, values)| Some((id, text(values.get(property)?)?)))
            .any(|(id, value)| holds(operator, &value, operand) != found.contains(id))
    }
}

fn condition(filter: &Value) -> Option<(&str, &str)> {
    let kinds = ["rich_text", "title", "email", "url", "phone_number"];
    let member = kinds.iter().find_map(|kind| filter[*kind].as_object())?;
    let (operator, operand) = member.iter().next()?;
    Some((operator, operand.as_str()?))
}

fn text(value: &Value) -> Option<String> {
    let member = &value[value["type"].as_str()?];
    match member {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Array(runs) => runs.iter().map(|run| run["plain_text"].as_str()).collect(),
        _ => None,
    }
}

fn holds(operator: &str, value: &str, operand: &str) -> bool {
    let (value, operand) = (value.to_lowercase(), operand.to_lowercase());
    match operator {
        "equals" => value == operand,
        "does_not_equal" => value != operand,
        "contains" => value.contains(&operand),
        "does_not_contain" => !value.contains(&operand),
        "starts_with" => value.starts_with(&operand),
        _ => value.ends_with(&operand),
    }
}
