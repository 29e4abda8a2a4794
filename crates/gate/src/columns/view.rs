//! Views of databases: one that shows a table outside, or that asks for a column that does not exist, does
//! not exist either. How it hides or shows columns is its own affair, and is cut down.

use notion::{Id, Kind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Columns;
use super::judge::Text;
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;
use crate::tree::Node;

/// Lists of a configuration that say how columns look: an entry can go without the rest.
pub(super) const LOOKS: &[&str] = &["properties", "table_properties"];

/// What matters of a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// The table that it shows; a dashboard shows none of its own.
    pub(crate) source: Option<Id>,
    /// Its filter, as a query of the table takes it.
    pub(crate) filter: Value,
    /// The columns that it filters and sorts by.
    pub(crate) asks: Vec<String>,
    /// The other columns that it cannot go without.
    pub(crate) needs: Vec<String>,
    /// The pages that its filters name.
    pages: Vec<Id>,
}

impl Facts {
    /// Reads a view; `None` if it is none, or not all of one.
    pub(super) fn read(view: &Value) -> Option<Self> {
        let source = match view.get("data_source_id")? {
            Value::Null => None,
            id => Some(Id::parse(id.as_str()?)?),
        };
        let filter = view.get("filter")?.clone();
        let mut facts = Self { source, filter, ..Self::default() };
        for name in ["filter", "sorts"] {
            facts.asks_by(view.get(name)?);
        }
        if let Some(filters) = view.get("quick_filters").and_then(Value::as_object) {
            facts.asks.extend(filters.keys().cloned());
            filters.values().for_each(|filter| facts.asks_by(filter));
        }
        facts.arranges_by(view.get("configuration")?);
        Some(facts)
    }

    /// The columns that filters and sorts name as `property`, and the pages that relations are compared with.
    fn asks_by(&mut self, value: &Value) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| self.asks_by(one)),
            Value::Object(members) => {
                if let Some(called) = members.get("property").and_then(Value::as_str) {
                    self.asks.push(called.to_owned());
                }
                if let Some(Value::Object(condition)) = members.get("relation") {
                    let texts = condition.values().filter_map(Value::as_str);
                    self.pages.extend(texts.filter_map(Id::parse));
                }
                members.values().for_each(|member| self.asks_by(member));
            }
            _ => {}
        }
    }

    fn arranges_by(&mut self, value: &Value) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| self.arranges_by(one)),
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str().filter(|_| names_a_column(name)) {
                        Some(called) => self.needs.push(called.to_owned()),
                        None if LOOKS.contains(&name.as_str()) && member.is_array() => {}
                        None => self.arranges_by(member),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a member of a view's configuration holds the id or the name of a column.
pub(super) fn names_a_column(member: &str) -> bool {
    matches!(member, "map_by" | "property")
        || ["property_id", "property_name", "column_id"].iter().any(|end| member.ends_with(end))
}

/// Takes out of a view what it says of the looks of columns that do not exist.
pub(crate) fn cut(columns: &Columns, view: &mut Map<String, Value>) {
    let configuration = view.get_mut("configuration").and_then(Value::as_object_mut);
    for (name, list) in configuration.into_iter().flatten() {
        if let Value::Array(all) = list
            && LOOKS.contains(&name.as_str())
        {
            all.retain(|one| {
                let named = one.as_object().into_iter().flatten();
                let mut named = named.filter(|(name, _)| names_a_column(name));
                named.all(|(_, it)| it.as_str().is_some_and(|it| columns.find(it).is_some()))
            });
        }
    }
}

#[derive(Deserialize)]
struct Made {
    id: Id,
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: Id,
}

impl Gate {
    /// Whether a view, which stands where the caller sees it, exists for it.
    pub(crate) async fn view_exists(&self, looking: &Looking<'_>, view: Id) -> Result<bool, Error> {
        let Some(facts) = self.view_facts(looking, view).await? else { return Ok(false) };
        let Some(source) = facts.source else { return Ok(true) };
        if !self.sees_object(looking, Kind::DataSource, source).await? {
            return Ok(false);
        }
        let columns = self.columns_of(looking, source).await?;
        let found = |called: &String| columns.find(called).filter(|_| !columns.is_masked(called));
        let asks = |called: &String| {
            found(called).is_some_and(|(_, text)| !matches!(text, Text::Others | Text::Rows))
        };
        let needs = |called: &String| found(called).is_some();
        if !facts.asks.iter().all(asks) || !facts.needs.iter().all(needs) {
            return Ok(false);
        }
        for page in &facts.pages {
            if !self.sees_object(looking, Kind::Page, *page).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A result of a view: it belongs to the key that had it made, and holds rows of the view's table.
    pub(crate) async fn learn_view_query(
        &self,
        looking: &Looking<'_>,
        objects: &[(Kind, Id)],
        answer: &[u8],
    ) -> Result<(), Error> {
        let (principal, tree) = (looking.principal(), &self.shared.tree);
        let unreadable = || Error::Answer("the result of a view cannot be read".to_owned());
        let Some(owner) = principal.key_id() else { return Ok(()) };
        let result: Made = serde_json::from_slice(answer).map_err(|_| unreadable())?;
        self.shared.own.made(principal.connection, result.id, owner);
        let Some((_, view)) = objects.first().copied() else { return Ok(()) };
        if self.sees_every_object(principal) {
            return Ok(());
        }
        let Some(source) = self.source_of_view(looking, view).await? else { return Ok(()) };
        let (parent, seen_at) = (Some((Kind::DataSource, source)), self.shared.clock.now());
        let node = Node { parent, seen_at, copy_of: None };
        for row in result.results {
            tree.put(principal.connection, row.id, node);
        }
        Ok(())
    }

    /// The table that a view shows.
    pub(super) async fn source_of_view(
        &self,
        looking: &Looking<'_>,
        view: Id,
    ) -> Result<Option<Id>, Error> {
        Ok(self.view_facts(looking, view).await?.and_then(|facts| facts.source))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_view_says_what_it_asks_for_and_what_it_needs() {
        let id = "00000000-0000-4000-8000-0000000000aa";
        let view = json!({
            "object": "view", "data_source_id": id, "type": "board",
            "filter": {"and": [
                {"property": "A", "select": {"equals": "x"}},
                {"or": [{"property": "B", "relation": {"contains": id}},
                    {"timestamp": "created_time", "created_time": {"past_week": {}}}]},
            ]},
            "sorts": [{"property": "C", "direction": "ascending"}],
            "quick_filters": {"D": {"checkbox": {"equals": true}}},
            "configuration": {
                "type": "board", "group_by": {"type": "select", "property_id": "e", "property_name": "E"},
                "cover": {"type": "property", "property_id": "f"},
                "properties": [{"property_id": "g", "card_property_width_mode": "inline"}],
                "map_by": null,
            },
        });
        let id = Id::parse(id).unwrap();
        assert_eq!(
            Facts::read(&view).unwrap(),
            Facts {
                source: Some(id),
                filter: view["filter"].clone(),
                asks: ["A", "B", "C", "D"].map(str::to_owned).to_vec(),
                needs: ["e", "E", "f"].map(str::to_owned).to_vec(),
                pages: vec![id],
            }
        );
        assert_eq!(Facts::read(&json!({"object": "view", "id": id})), None);
    }
}
