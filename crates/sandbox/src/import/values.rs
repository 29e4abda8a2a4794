//! Property values of a document.

use serde_json::{Value, json};

use super::schema::add_choice;
use super::{Id, Importer, Parent, id, list, runs, text};
use crate::world::property::{Property, PropertyKind, Settings, TITLE, decode};

impl Importer<'_> {
    /// Takes one value of a page in; `source` is the table that the page is a row of.
    pub(super) fn value(&mut self, page: Id, source: Option<Id>, name: &str, wire: &Value) {
        let kind = wire["type"].as_str().and_then(PropertyKind::parse);
        let Some(kind) = kind else { return };
        let key = decode(&text(&wire["id"]));
        let known = source.and_then(|id| self.world.source(id)).and_then(|t| t.schema.get(&key));
        let mut property = known.cloned().unwrap_or_else(|| {
            let mut property = Property::plain(&key, name, kind);
            property.settings = usual(kind, source);
            // Rows show what the schema of their table does not: it leads to what is not shared.
            if source.is_some_and(|source| self.whole.contains(&source)) {
                property.extra = json!({"hidden": true});
            }
            property
        });
        let value = self.kept(source, &mut property, &wire[kind.as_str()]);
        if let Some(source) = source {
            if let (PropertyKind::UniqueId, Some(number)) = (kind, value.as_u64()) {
                let table = self.world.nodes.get_mut(&source).and_then(|node| node.source_mut());
                if let Some(table) = table {
                    table.last_unique_id = table.last_unique_id.max(number);
                }
            }
            self.put_property(source, property);
        } else if key != TITLE {
            return;
        }
        let node = self.world.nodes.get_mut(&page).and_then(|node| node.page_mut());
        if let Some(page) = node.filter(|_| !value.is_null()) {
            page.values.insert(key, value);
        }
    }

    /// A value in the form in which the world keeps it.
    fn kept(&mut self, source: Option<Id>, property: &mut Property, wire: &Value) -> Value {
        match property.kind {
            PropertyKind::Title | PropertyKind::RichText => runs(wire).into(),
            PropertyKind::Select | PropertyKind::Status if wire.is_object() => {
                add_choice(property, wire)
            }
            PropertyKind::MultiSelect => {
                list(wire).iter().map(|one| add_choice(property, one)).collect()
            }
            PropertyKind::People => list(wire).iter().map(|one| one["id"].clone()).collect(),
            PropertyKind::Relation => {
                let target = match property.settings {
                    Settings::Relation { source, .. } => Some(source),
                    _ => source,
                };
                for one in list(wire).iter().filter_map(|one| id(&one["id"])) {
                    let parent = target.map_or(Parent::Workspace, Parent::Node);
                    self.stub_page(one, parent, &Value::Null);
                }
                list(wire).iter().map(|one| one["id"].clone()).collect()
            }
            PropertyKind::UniqueId => {
                if let Some(prefix) = wire["prefix"].as_str() {
                    property.settings = Settings::UniqueId { prefix: Some(prefix.to_owned()) };
                }
                wire["number"].clone()
            }
            PropertyKind::Verification => json!({
                "state": wire["state"],
                "verified_by": wire["verified_by"]["id"],
                "date": wire["date"],
            }),
            PropertyKind::CreatedTime
            | PropertyKind::LastEditedTime
            | PropertyKind::CreatedBy
            | PropertyKind::LastEditedBy
            | PropertyKind::Button => Value::Null,
            // Results of formulas and rollups are kept for where the sandbox cannot compute them.
            _ => wire.clone(),
        }
    }
}

/// Settings of a property of which only a value is known.
fn usual(kind: PropertyKind, source: Option<Id>) -> Settings {
    match (kind, source) {
        (PropertyKind::Number, _) => Settings::Number { format: "number".to_owned() },
        (PropertyKind::Formula, _) => Settings::Formula { expression: String::new() },
        (PropertyKind::UniqueId, _) => Settings::UniqueId { prefix: None },
        (PropertyKind::Relation, Some(source)) => Settings::Relation { source, synced: None },
        _ => Settings::Plain,
    }
}
