//! Filters: properties, timestamps, and up to two levels of `and` and `or`.

use jiff::Timestamp;
use notion::Id;

use super::condition::{self, Condition, Family};
use crate::compute::cell::{self, Cell};
use crate::compute::formula;
use crate::fail::Fail;
use crate::input::check::{Spot, fix_one};
use crate::world::access::View;
use crate::world::node::DataSource;
use crate::world::property::{Property, PropertyKind, Settings};

/// Most conditions of one `and` or `or`.
const CONDITIONS_MAX: usize = 100;

/// A filter that was read against a schema.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Property(Box<Property>, Test),
    Created(Condition),
    Edited(Condition),
}

/// What is asked of a property's value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Value(Condition),
    /// Of the elements of a rollup: `any`, `every` or `none` meet it.
    Elements(&'static str, Condition),
}

/// Filter types and the properties that they fit; formulas and rollups have filters of their own.
const TYPES: [(&str, Family); 21] = [
    ("title", Family::Text),
    ("rich_text", Family::Text),
    ("url", Family::Text),
    ("email", Family::Text),
    ("phone_number", Family::Text),
    ("number", Family::Number),
    ("unique_id", Family::Number),
    ("checkbox", Family::Checkbox),
    ("select", Family::Choice),
    ("status", Family::Choice),
    ("multi_select", Family::Choices),
    ("date", Family::Date),
    ("created_time", Family::Date),
    ("last_edited_time", Family::Date),
    ("people", Family::Reference),
    ("created_by", Family::Reference),
    ("last_edited_by", Family::Reference),
    ("relation", Family::Reference),
    ("files", Family::Files),
    ("verification", Family::Verification),
    ("text", Family::Text),
];

/// What a filter is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rules {
    /// A query: names of options are taken as they come.
    Query,
    /// A view: groups of a status count as all of their options.
    View,
    /// A view that is written: as before, and what it names must exist.
    NewView,
}

/// Reads filters of one query.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a DataSource,
    pub(crate) me: Id,
    pub(crate) now: Timestamp,
    pub(crate) rules: Rules,
}

impl Reader<'_> {
    /// Reads a filter; `level` counts how deep it is in compounds.
    pub(crate) fn read(&self, spot: &Spot, level: usize) -> Result<Filter, Fail> {
        spot.object()?;
        for key in ["and", "or"] {
            let list = spot.get(key);
            if !list.is_there() {
                continue;
            }
            if level >= 2 {
                return Err(list.not_present().into());
            }
            let items = list.items(CONDITIONS_MAX)?;
            let all: Result<Vec<Filter>, Fail> =
                items.iter().map(|item| self.read(item, level + 1)).collect();
            return Ok(if key == "and" { Filter::All(all?) } else { Filter::Any(all?) });
        }
        let timestamp = spot.get("timestamp");
        if timestamp.is_there() {
            let name = timestamp.word(&["created_time", "last_edited_time"], false)?;
            let condition = condition::read(&spot.get(name), Family::Date, self.me, self.now)?;
            return Ok(match name {
                "created_time" => Filter::Created(condition),
                _ => Filter::Edited(condition),
            });
        }
        let called = spot.get("property");
        if !called.is_there() {
            let branches = ["or", "and", "property", "timestamp"];
            return Err(fix_one(branches.iter().map(|key| spot.get(key).undefined()).collect()));
        }
        let called = called.string()?;
        self.given_type(spot)?;
        let property = self.property(called)?;
        let test = self.condition_on(property, spot)?;
        Ok(Filter::Property(Box::new(property.clone()), test))
    }

    /// The property of that name or id.
    pub(crate) fn property(&self, called: &str) -> Result<&Property, Fail> {
        let found = self.source.schema.values().find(|property| property.is_called(called));
        found.ok_or_else(|| {
            Fail::validation(format!("Could not find property with name or id: {called}"))
        })
    }

    /// What an object asks of a property, by the member that names a filter type.
    pub(crate) fn condition_on(&self, property: &Property, spot: &Spot) -> Result<Test, Fail> {
        let test = self.test(spot, property, self.given_type(spot)?)?;
        match test {
            Test::Value(Condition::Words(operator, words)) if self.rules != Rules::Query => {
                let words = self.options(property, words)?;
                Ok(Test::Value(Condition::Words(operator, words)))
            }
            test => Ok(test),
        }
    }

    /// Names of options in a view: those of a status group stand for all of the group.
    fn options(&self, property: &Property, words: Vec<String>) -> Result<Vec<String>, Fail> {
        let Settings::Choices { options, groups } = &property.settings else { return Ok(words) };
        let mut all = Vec::new();
        for word in words {
            let is_option = options.iter().any(|one| one.name == word || one.id == word);
            match groups.iter().find(|group| group.name == word || group.id == word) {
                Some(group) if !is_option => all.extend(group.option_ids.clone()),
                None if !is_option && self.rules == Rules::NewView => {
                    let names = options.iter().map(|one| &one.name);
                    let names = names.chain(groups.iter().map(|group| &group.name));
                    let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
                    // The list of what is valid is known, the wording is not.
                    return Err(Fail::validation(format!(
                        "Invalid {} value for property \"{}\": \"{word}\". Value must be one of \
                         the following: {}.",
                        property.kind.as_str(),
                        property.name,
                        names.join(", ")
                    )));
                }
                _ => all.push(word),
            }
        }
        Ok(all)
    }

    /// The member that names the filter type.
    fn given_type(&self, spot: &Spot) -> Result<&'static str, Fail> {
        let names = || TYPES.iter().map(|(name, _)| *name).chain(["formula", "rollup"]);
        let found = names().find(|name| spot.get(name).is_there());
        found.ok_or_else(|| fix_one(names().map(|name| spot.get(name).undefined()).collect()))
    }

    fn test(&self, spot: &Spot, property: &Property, given: &'static str) -> Result<Test, Fail> {
        let kind = property.kind.as_str();
        let member = spot.get(given);
        match given {
            "formula" if property.kind == PropertyKind::Formula => self.formula(&member, property),
            "rollup" if property.kind == PropertyKind::Rollup => self.rollup(&member),
            _ => {
                // Text filters fit every text (recorded: `rich_text` on titles and URLs).
                let text = ["title", "rich_text", "url", "email", "phone_number", "text"];
                let fits = given == kind || (text.contains(&given) && text.contains(&kind));
                let family = TYPES.iter().find(|(name, _)| *name == given).map(|(_, f)| *f);
                match family {
                    Some(family) if fits => Ok(Test::Value(self.condition(&member, family)?)),
                    _ => Err(Fail::validation(format!(
                        "The property type in the database does not match the property type of \
                         the filter provided: database property {kind} does not match filter {given}"
                    ))),
                }
            }
        }
    }

    fn condition(&self, spot: &Spot, family: Family) -> Result<Condition, Fail> {
        Ok(condition::read(spot, family, self.me, self.now)?)
    }

    fn formula(&self, spot: &Spot, property: &Property) -> Result<Test, Fail> {
        let kinds = [
            ("string", Family::Text),
            ("checkbox", Family::Checkbox),
            ("number", Family::Number),
            ("date", Family::Date),
            ("text", Family::Text),
        ];
        spot.object()?;
        let found = kinds.iter().find(|(name, _)| spot.get(name).is_there());
        let Some((name, family)) = found else {
            let all = kinds[..4].iter().map(|(name, _)| spot.get(name).undefined()).collect();
            return Err(fix_one(all));
        };
        let condition = self.condition(&spot.get(name), *family)?;
        let known = matches!(
            &property.settings,
            Settings::Formula { expression } if formula::is_known(expression)
        );
        if !known {
            return Err(Fail::validation("Unable to filter based on a formula of unknown type"));
        }
        Ok(Test::Value(condition))
    }

    fn rollup(&self, spot: &Spot) -> Result<Test, Fail> {
        spot.object()?;
        for quantity in ["any", "every", "none"] {
            let inner = spot.get(quantity);
            if inner.is_there() {
                let kind = self.given_type(&inner)?;
                let family = TYPES.iter().find(|(name, _)| *name == kind).map(|(_, f)| *f);
                let family = family.ok_or_else(|| Fail::from(inner.get(kind).not_present()))?;
                return Ok(Test::Elements(quantity, self.condition(&inner.get(kind), family)?));
            }
        }
        for (name, family) in [("number", Family::Number), ("date", Family::Date)] {
            if spot.get(name).is_there() {
                return Ok(Test::Value(self.condition(&spot.get(name), family)?));
            }
        }
        let branches = ["any", "none", "every", "date", "number"];
        Err(fix_one(branches.iter().map(|key| spot.get(key).undefined()).collect()))
    }
}

impl Filter {
    /// Whether a page passes.
    pub(crate) fn passes(&self, view: View, page: Id) -> bool {
        let Some(node) = view.world.node(page) else { return false };
        match self {
            Self::All(all) => all.iter().all(|filter| filter.passes(view, page)),
            Self::Any(all) => all.is_empty() || all.iter().any(|filter| filter.passes(view, page)),
            Self::Created(condition) => condition.met_by(&Cell::at(node.created_time)),
            Self::Edited(condition) => condition.met_by(&Cell::at(node.last_edited_time)),
            Self::Property(property, test) => {
                let cell = cell::of(view, page, property, 0);
                match test {
                    Test::Value(condition) => condition.met_by(&cell),
                    Test::Elements(quantity, condition) => {
                        let Cell::List(all) = cell else { return false };
                        let mut met = all.iter().map(|one| condition.met_by(one));
                        match *quantity {
                            "any" => met.any(|met| met),
                            // Of nothing, not everything is met (measured).
                            "every" => !all.is_empty() && met.all(|met| met),
                            _ => !met.any(|met| met),
                        }
                    }
                }
            }
        }
    }
}
