//! Property schemas of a document.

use serde_json::Value;

use super::{Id, Importer, id, list, text};
use crate::world::property::{Choice, Group, Property, PropertyKind, Settings, decode};

impl Importer<'_> {
    /// Takes one property of a table in.
    pub(super) fn property(&mut self, source: Id, wire: &Value) {
        let kind = wire["type"].as_str().and_then(PropertyKind::parse);
        let Some(kind) = kind else { return };
        let mut property = Property::plain(&decode(&text(&wire["id"])), &text(&wire["name"]), kind);
        property.description = wire["description"].as_str().map(str::to_owned);
        property.settings = self.settings(source, &property, &wire[kind.as_str()]);
        self.put_property(source, property);
    }

    pub(super) fn put_property(&mut self, source: Id, property: Property) {
        let table = self.world.nodes.get_mut(&source).and_then(|node| node.source_mut());
        if let Some(table) = table {
            table.schema.insert(property.id.clone(), property);
        }
    }

    fn settings(&mut self, here: Id, property: &Property, wire: &Value) -> Settings {
        match property.kind {
            PropertyKind::Number => Settings::Number { format: text(&wire["format"]) },
            PropertyKind::Select | PropertyKind::MultiSelect | PropertyKind::Status => {
                Settings::Choices {
                    options: list(&wire["options"]).iter().map(choice).collect(),
                    groups: list(&wire["groups"]).iter().map(group).collect(),
                }
            }
            PropertyKind::Formula => Settings::Formula { expression: text(&wire["expression"]) },
            PropertyKind::UniqueId => {
                Settings::UniqueId { prefix: wire["prefix"].as_str().map(str::to_owned) }
            }
            PropertyKind::Relation => {
                let source = id(&wire["data_source_id"]);
                let database = id(&wire["database_id"]);
                let target = match (source, database) {
                    (Some(source), database) => self.source(source, database),
                    (None, Some(database)) => self.source_of(database),
                    (None, None) => here,
                };
                let dual = &wire["dual_property"];
                let synced = dual["synced_property_id"].as_str().map(decode);
                if let Some(synced) = &synced {
                    let settings =
                        Settings::Relation { source: here, synced: Some(property.id.clone()) };
                    self.guess(
                        target,
                        synced,
                        &dual["synced_property_name"],
                        PropertyKind::Relation,
                        settings,
                    );
                }
                Settings::Relation { source: target, synced }
            }
            PropertyKind::Rollup => {
                let relation = text(&wire["relation_property_id"]);
                let target = text(&wire["rollup_property_id"]);
                let through = self.world.source(here).and_then(|table| table.schema.get(&relation));
                if let Some(Settings::Relation { source, .. }) = through.map(|one| &one.settings) {
                    let source = *source;
                    let name = &wire["rollup_property_name"];
                    self.guess(source, &target, name, PropertyKind::RichText, Settings::Plain);
                }
                Settings::Rollup { relation, target, function: text(&wire["function"]) }
            }
            _ => Settings::Plain,
        }
    }

    /// What a property says of one in another table, if nobody sent that table.
    fn guess(
        &mut self,
        source: Id,
        called: &str,
        name: &Value,
        kind: PropertyKind,
        settings: Settings,
    ) {
        let table = self.world.source(source);
        let is_known = table.is_none_or(|table| {
            table.schema.contains_key(called) || table.schema.contains_key("title")
        });
        if let Some(name) = name.as_str().filter(|_| !is_known) {
            let mut property = Property::plain(called, name, kind);
            property.settings = settings;
            self.put_property(source, property);
        }
    }
}

fn choice(wire: &Value) -> Choice {
    Choice {
        id: text(&wire["id"]),
        name: text(&wire["name"]),
        color: wire["color"].as_str().unwrap_or("default").to_owned(),
        description: wire["description"].as_str().map(str::to_owned),
    }
}

fn group(wire: &Value) -> Group {
    Group {
        id: text(&wire["id"]),
        name: text(&wire["name"]),
        color: text(&wire["color"]),
        option_ids: list(&wire["option_ids"]).iter().map(text).collect(),
    }
}

/// A choice that a value shows, and its schema did not.
pub(super) fn add_choice(property: &mut Property, wire: &Value) -> Value {
    let id = text(&wire["id"]);
    if let Settings::Plain = property.settings {
        property.settings = Settings::Choices { options: Vec::new(), groups: Vec::new() };
    }
    if property.choice(&id).is_none()
        && let Settings::Choices { options, .. } = &mut property.settings
    {
        options.push(choice(wire));
    }
    id.into()
}
