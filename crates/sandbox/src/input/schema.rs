//! Reads the schema of a data source and changes to it.

use indexmap::IndexMap;
use notion::Id;
use serde_json::Value;

use super::check::{Spot, fix_one};
use crate::compute::formula;
use crate::fail::Fail;
use crate::world::World;
use crate::world::ids::IdSource;
use crate::world::property::{Property, PropertyKind, Settings, TITLE};

/// Most properties of a data source.
const PROPERTIES_MAX: usize = 500;

const FUNCTIONS: &str = "count|count_values|empty|not_empty|unique|show_unique|percent_empty|\
    percent_not_empty|sum|average|median|min|max|range|earliest_date|latest_date|date_range|\
    checked|unchecked|percent_checked|percent_unchecked|count_per_group|percent_per_group|\
    show_original";

/// A change to another data source that a relation brings along.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// The other half of a two-way relation.
    Add { at: Id, property: Property },
    /// The other half of a relation that was removed.
    Remove { at: Id, property: String },
    /// The other half of a relation that no longer has two ends (measured: it stays).
    Unlink { at: Id, property: String },
}

/// Reads a schema (or a patch of one) against the world as it is.
#[derive(Debug)]
pub(crate) struct SchemaReader<'a> {
    pub(crate) world: &'a World,
    /// Draws ids; a copy of the world's source, put back by the caller.
    pub(crate) ids: IdSource,
    /// The data source that is made or changed.
    pub(crate) source: Id,
    pub(crate) source_title: String,
    /// Whether the caller sees a node.
    pub(crate) sees: &'a dyn Sees,
    pub(crate) sides: Vec<Side>,
}

/// Asks whether a node is there for the caller.
pub(crate) trait Sees: std::fmt::Debug {
    fn sees(&self, id: Id) -> bool;
    fn not_found(&self, kind: &str, id: Id) -> Fail;
}

type Schema = IndexMap<String, Property>;

impl SchemaReader<'_> {
    /// A whole new schema; exactly one title.
    pub(crate) fn create(&mut self, spot: &Spot) -> Result<Schema, Fail> {
        let mut schema = Schema::new();
        if spot.is_there() {
            self.patch(spot, &mut schema)?;
        }
        match schema.values().filter(|property| property.kind == PropertyKind::Title).count() {
            1 => Ok(schema),
            0 if !spot.is_there() => {
                let title = Property::plain(TITLE, "Name", PropertyKind::Title);
                schema.insert(TITLE.to_owned(), title);
                Ok(schema)
            }
            0 => Err(Fail::validation("Title is not provided")),
            _ => Err(Fail::validation("A data source has exactly one title property.")),
        }
    }

    /// Works a patch into `schema`. Formulas and rollups come last, because they
    /// may name what comes with them.
    pub(crate) fn patch(&mut self, spot: &Spot, schema: &mut Schema) -> Result<(), Fail> {
        let mut members = spot.members()?;
        members.sort_by_key(|(_, member)| {
            let has = |kind: &str| member.get(kind).is_there();
            if has("rollup") { 2 } else { u8::from(has("formula")) }
        });
        for (called, member) in members {
            let found = schema
                .get(called)
                .or_else(|| schema.values().find(|property| property.is_called(called)))
                .cloned();
            if member.is_null() {
                let Some(found) = found else {
                    let text = format!("{called} is not a property that exists.");
                    return Err(Fail::validation(text));
                };
                self.remove(&found, schema)?;
                continue;
            }
            member.object()?;
            self.change(called, found, &member, schema)?;
        }
        if schema.len() > PROPERTIES_MAX {
            let text = format!("A data source has at most {PROPERTIES_MAX} properties.");
            return Err(Fail::validation(text));
        }
        Ok(())
    }

    fn remove(&mut self, property: &Property, schema: &mut Schema) -> Result<(), Fail> {
        if property.kind == PropertyKind::Title {
            return Err(Fail::validation("Cannot delete the title property."));
        }
        self.forget_other_end(property, schema);
        schema.shift_remove(&property.id);
        Ok(())
    }

    /// A two-way relation goes at both ends.
    fn forget_other_end(&mut self, property: &Property, schema: &mut Schema) {
        if let Settings::Relation { source, synced: Some(synced) } = &property.settings {
            if *source == self.source {
                schema.shift_remove(synced);
            } else {
                self.sides.push(Side::Remove { at: *source, property: synced.clone() });
            }
        }
    }

    fn change(
        &mut self,
        called: &str,
        found: Option<Property>,
        spot: &Spot,
        schema: &mut Schema,
    ) -> Result<(), Fail> {
        let named = spot.get("type").value.and_then(Value::as_str).and_then(PropertyKind::parse);
        let kind = named.filter(|kind| spot.get(kind.as_str()).is_there()).or_else(|| {
            PropertyKind::ALL.into_iter().find(|kind| spot.get(kind.as_str()).is_there())
        });
        let is_new = found.is_none();
        let is_known =
            |(key, _): &(&str, Spot)| ["id", "name", "description", "type"].contains(key);
        let mut property = match (found, kind) {
            // A type that there is not must not pass for "no change".
            (Some(_), None) if !spot.members()?.iter().all(is_known) => {
                return Err(Fail::validation(format!("{called} is not a valid property schema")));
            }
            (Some(found), _) => found,
            (None, Some(kind)) => {
                let id = self.fresh_id(kind, schema)?;
                Property::plain(&id, called, kind)
            }
            (None, None) if spot.get("name").is_there() => {
                let text = format!("{called} is not a property that exists.");
                return Err(Fail::validation(text));
            }
            (None, None) => {
                return Err(Fail::validation(format!("{called} is not a valid property schema")));
            }
        };
        if let Some(name) = spot.get("name").string_opt()?
            && name != property.name
        {
            if schema.values().any(|other| other.name == name && other.id != property.id) {
                let text = format!("Cannot rename {called}: the name {name} is already taken.");
                return Err(Fail::validation(text));
            }
            property.name = name.to_owned();
        }
        if spot.get("description").is_there() {
            property.description = spot.get("description").string_or_null(280)?.map(str::to_owned);
        }
        if let Some(kind) = kind {
            let was_title = property.kind == PropertyKind::Title;
            if !is_new && was_title != (kind == PropertyKind::Title) {
                return Err(Fail::validation("Cannot change the type of the title property."));
            }
            if property.kind != kind {
                self.forget_other_end(&property, schema);
            }
            if kind == PropertyKind::UniqueId
                && schema.values().any(|other| other.kind == kind && other.id != property.id)
            {
                // The app offers no second one either; own wording.
                let text = "A data source has at most one unique ID property.";
                return Err(Fail::validation(text));
            }
            // Select, multi-select and status take the options of each other over.
            let is_kin = property.kind == kind || property.kind.has_options() && kind.has_options();
            let old = (!is_new && is_kin).then(|| property.settings.clone());
            property.kind = kind;
            let config = spot.get(kind.as_str());
            property.settings = self.settings(&property, old, &config, schema)?;
        }
        schema.insert(property.id.clone(), property);
        Ok(())
    }

    fn fresh_id(&mut self, kind: PropertyKind, schema: &Schema) -> Result<String, Fail> {
        if kind == PropertyKind::Title {
            if schema.contains_key(TITLE) {
                return Err(Fail::validation("A data source has exactly one title property."));
            }
            return Ok(TITLE.to_owned());
        }
        loop {
            let id = self.ids.property();
            if !schema.contains_key(&id) {
                return Ok(id);
            }
        }
    }

    fn settings(
        &mut self,
        property: &Property,
        old: Option<Settings>,
        spot: &Spot,
        schema: &mut Schema,
    ) -> Result<Settings, Fail> {
        spot.object()?;
        Ok(match property.kind {
            PropertyKind::Number => {
                let before = match old {
                    Some(Settings::Number { format }) => format,
                    _ => "number".to_owned(),
                };
                let format = spot.get("format").string_opt()?.map_or(before, str::to_owned);
                Settings::Number { format }
            }
            PropertyKind::Select | PropertyKind::MultiSelect | PropertyKind::Status => {
                self.choices(property.kind, old, spot)?
            }
            PropertyKind::Formula => {
                let text = spot.get("expression").text(10_000)?;
                let expression =
                    formula::printed(text, schema, self.source, self.world.workspace.id);
                Settings::Formula { expression }
            }
            PropertyKind::Relation => self.relation(property, old, spot, schema)?,
            PropertyKind::Rollup => self.rollup(spot, schema)?,
            PropertyKind::UniqueId => {
                let prefix = spot.get("prefix");
                match old {
                    // What is not said stays (measured).
                    Some(kept @ Settings::UniqueId { .. }) if !prefix.is_there() => kept,
                    _ => {
                        Settings::UniqueId { prefix: prefix.string_or_null(20)?.map(str::to_owned) }
                    }
                }
            }
            _ => Settings::Plain,
        })
    }

    fn relation(
        &mut self,
        property: &Property,
        old: Option<Settings>,
        spot: &Spot,
        schema: &mut Schema,
    ) -> Result<Settings, Fail> {
        let (single, dual) = (spot.get("single_property"), spot.get("dual_property"));
        if !single.is_there() && !dual.is_there() {
            return Err(fix_one(vec![single.undefined(), dual.undefined()]));
        }
        let source = self.related(spot)?;
        if let Some(Settings::Relation { source: before, synced }) = &old
            && *before == source
            && synced.is_some() == dual.is_there()
        {
            return Ok(Settings::Relation { source, synced: synced.clone() });
        }
        if let Some(Settings::Relation { source: before, synced: Some(other) }) = old {
            match schema.get_mut(&other).filter(|_| before == self.source) {
                Some(other) => other.settings = Settings::Relation { source: before, synced: None },
                None => self.sides.push(Side::Unlink { at: before, property: other }),
            }
        }
        if !dual.is_there() {
            return Ok(Settings::Relation { source, synced: None });
        }
        dual.object()?;
        let wished = dual.get("synced_property_name").string_opt()?;
        let name = wished.map_or_else(
            || format!("Related to {} ({})", self.source_title, property.name),
            str::to_owned,
        );
        let taken = self.world.source(source).map(|other| other.schema.clone()).unwrap_or_default();
        let id = loop {
            let id = self.ids.property();
            if !taken.contains_key(&id) && !schema.contains_key(&id) && id != property.id {
                break id;
            }
        };
        let mut other = Property::plain(&id, &name, PropertyKind::Relation);
        other.settings =
            Settings::Relation { source: self.source, synced: Some(property.id.clone()) };
        if source == self.source {
            schema.insert(id.clone(), other);
        } else {
            self.sides.push(Side::Add { at: source, property: other });
        }
        Ok(Settings::Relation { source, synced: Some(id) })
    }

    /// The data source that a relation points at: by its id, or by that of its database.
    fn related(&self, spot: &Spot) -> Result<Id, Fail> {
        let given = spot.get("data_source_id");
        if given.is_there() {
            let id = given.id()?;
            let known = self.world.source(id).is_some() && self.sees.sees(id);
            return if known || id == self.source {
                Ok(id)
            } else {
                Err(self.sees.not_found("data_source", id))
            };
        }
        let id = spot.get("database_id").id()?;
        if self.world.node(id).and_then(|node| node.database()).is_none() || !self.sees.sees(id) {
            return Err(self.sees.not_found("database", id));
        }
        match self.world.sources_of(id).as_slice() {
            [one] => Ok(*one),
            [] => Err(Fail::no_source(id)),
            several => Err(Fail::several_sources(id, several)),
        }
    }

    fn rollup(&self, spot: &Spot, schema: &Schema) -> Result<Settings, Fail> {
        let called = |by: &str| -> Result<String, Fail> {
            let (name, id) = (spot.get(&format!("{by}_name")), spot.get(&format!("{by}_id")));
            let text = name.string_opt()?.or(id.string_opt()?);
            text.map(str::to_owned).ok_or_else(|| fix_one(vec![name.undefined(), id.undefined()]))
        };
        let (relation, target) = (called("relation_property")?, called("rollup_property")?);
        let words: Vec<&'static str> = FUNCTIONS.split('|').collect();
        let function = spot.get("function").word(&words, false)?;
        let unknown =
            |name: &str| Fail::validation(format!("{name} is not a property that exists."));
        let relation = schema
            .values()
            .find(|property| property.is_called(&relation))
            .ok_or_else(|| unknown(&relation))?;
        let Settings::Relation { source, .. } = relation.settings else {
            let text = format!("{} is expected to be relation.", relation.name);
            return Err(Fail::validation(text));
        };
        let there = self.world.source(source).map(|source| &source.schema).unwrap_or(schema);
        let target = there
            .values()
            .find(|property| property.is_called(&target))
            .ok_or_else(|| unknown(&target))?;
        Ok(Settings::Rollup {
            relation: relation.id.clone(),
            target: target.id.clone(),
            function: function.to_owned(),
        })
    }
}
