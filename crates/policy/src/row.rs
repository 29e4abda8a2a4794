//! Rows: what policies are told of a table's rows, and which policies look at them.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Policy;
use serde_json::Value;

/// The properties that policies name, by their names or ids.
pub type RowProperties = BTreeSet<String>;

/// What is known of a row: its values of the properties that policies name, as text.
///
/// A property without an entry is one that the row does not have; one with `None` is one whose values
/// nobody could read, and neither is then whether the row may be shown.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Row(Option<BTreeMap<String, Option<BTreeSet<String>>>>);

impl Row {
    /// A row of which nothing could be found out.
    pub fn unreadable() -> Self {
        Self(None)
    }

    /// The values of a property; `None` if they cannot be read, or if the row does not have it.
    pub fn values(&self, property: &str) -> Option<&BTreeSet<String>> {
        self.0.as_ref()?.get(property)?.as_ref()
    }

    /// Puts other values for a property; `None` if they cannot be read.
    pub fn set(&mut self, property: &str, values: Option<BTreeSet<String>>) {
        if let Some(all) = &mut self.0 {
            all.insert(property.to_owned(), values);
        }
    }

    /// As far as these properties go.
    pub(crate) fn only(&self, properties: &RowProperties) -> Self {
        let all = match &self.0 {
            Some(all) => {
                let kept = all.iter().filter(|(name, _)| properties.contains(*name));
                kept.map(|(name, values)| (name.clone(), values.clone())).collect()
            }
            None => properties.iter().map(|name| (name.clone(), None)).collect(),
        };
        Self(Some(all))
    }

    pub(crate) fn is_unreadable(&self, property: &str) -> bool {
        self.0.as_ref().is_none_or(|all| matches!(all.get(property), Some(None)))
    }

    /// The properties that could be read, with their values.
    pub(crate) fn readable(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        let all = self.0.iter().flatten();
        all.filter_map(|(name, values)| Some((name, values.as_ref()?)))
    }
}

impl FromIterator<(String, Option<BTreeSet<String>>)> for Row {
    fn from_iter<T: IntoIterator<Item = (String, Option<BTreeSet<String>>)>>(all: T) -> Self {
        Self(Some(all.into_iter().collect()))
    }
}

/// The properties of rows that a policy names; `None` if it does not look at rows. The error says what is
/// wrong, and what to do.
pub(crate) fn looked_at(policy: &Policy) -> Result<Option<RowProperties>, (String, String)> {
    let Ok(policy) = policy.to_json() else { return Ok(None) };
    let conditions = policy["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found = Found::default();
    conditions.iter().for_each(|condition| found.expression(&condition["body"]));
    if !found.row {
        return Ok(None);
    }
    // Without it a `forbid` would hide the table along with its rows.
    let guards = conditions.iter().filter(|condition| condition["kind"] == "when");
    if !guards.into_iter().any(|condition| demands_row(&condition["body"])) {
        return Err((
            "the policy looks at rows, and does not say that it is about rows alone".to_owned(),
            "write `when { resource has row }` first, and what the row must be after it: \
             `when { resource has row } unless { resource.row.hasTag(\"Team\") && … }`"
                .to_owned(),
        ));
    }
    if found.computed {
        return Err((
            "the policy computes the name of a property".to_owned(),
            "write the name as it is: `resource.row.getTag(\"Team\")`".to_owned(),
        ));
    }
    Ok(Some(found.properties))
}

#[derive(Default)]
struct Found {
    /// Whether `row` is looked at.
    row: bool,
    properties: RowProperties,
    /// Whether the name of a property is not written out.
    computed: bool,
}

impl Found {
    fn expression(&mut self, expression: &Value) {
        match expression {
            Value::Object(members) => {
                for (operator, operands) in members {
                    match operator.as_str() {
                        "." | "has" => self.row |= operands["attr"] == "row",
                        "hasTag" | "getTag" => match operands["right"]["Value"].as_str() {
                            Some(name) => {
                                self.properties.insert(name.to_owned());
                            }
                            None => self.computed = true,
                        },
                        _ => {}
                    }
                    self.expression(operands);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| self.expression(one)),
            _ => {}
        }
    }
}

/// Whether `resource has row` is among what an expression demands.
fn demands_row(expression: &Value) -> bool {
    let and = &expression["&&"];
    let has = &expression["has"];
    demands(and) || (has["left"]["Var"] == "resource" && has["attr"] == "row")
}

fn demands(and: &Value) -> bool {
    and.is_object() && (demands_row(&and["left"]) || demands_row(&and["right"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(conditions: &str) -> Result<Option<Vec<String>>, String> {
        let text = format!("forbid (principal, action, resource) {conditions};");
        let found = looked_at(&text.parse().unwrap());
        let found = found.map(|found| found.map(|all| all.into_iter().collect()));
        found.map_err(|(message, _)| message)
    }

    #[test]
    fn policies_say_which_properties_they_look_at() {
        for (conditions, expected) in [
            ("when { resource is Object && resource.inside }", None),
            ("when { resource has row }", Some(vec![])),
            (
                "when { resource has row } unless { resource.row.hasTag(\"B\") && \
                 resource.row.getTag(\"A\").contains(principal.name) }",
                Some(vec!["A", "B"]),
            ),
            (
                "when { principal.everywhere && (resource has row && resource.row.hasTag(\"A\")) }",
                Some(vec!["A"]),
            ),
            ("unless { resource.row.hasTag(\"A\") } when { resource has row }", Some(vec!["A"])),
        ] {
            let expected =
                expected.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(of(conditions), Ok(expected), "{conditions}");
        }
    }

    #[test]
    fn a_policy_about_rows_says_so_and_names_properties_as_they_are() {
        for conditions in [
            // Each of these hides the table, or what is no row.
            "unless { resource has row && resource.row.hasTag(\"A\") }",
            "when { resource has row || principal.everywhere }",
            "when { !(resource has row) }",
            "when { principal has row }",
        ] {
            assert!(of(conditions).unwrap_err().contains("rows alone"), "{conditions}");
        }
        let computed = "when { resource has row && resource.row.hasTag(principal.name) }";
        assert!(of(computed).unwrap_err().contains("computes"));
    }

    #[test]
    fn what_cannot_be_read_stays_so() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        let values = || Some(BTreeSet::from(["x".to_owned()]));
        let row: Row =
            [("A".to_owned(), values()), ("B".to_owned(), None), ("C".to_owned(), values())]
                .into_iter()
                .collect();
        let row = row.only(&names(&["A", "B", "D"]));
        assert_eq!(row.values("A"), values().as_ref());
        assert!(!row.is_unreadable("A") && row.is_unreadable("B") && !row.is_unreadable("D"));
        assert_eq!((row.values("C"), row.values("D")), (None, None));
        assert!(Row::unreadable().only(&names(&["A"])).is_unreadable("A"));
        let mut unreadable = Row::unreadable();
        unreadable.set("A", values());
        assert!(unreadable.is_unreadable("A"));
    }
}
