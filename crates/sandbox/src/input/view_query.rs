//! Reads what a view asks of its data source: filter, sorts and quick filters. They are kept as they
//! were sent, but for the properties, which are kept by id: so that they survive a renaming.

use notion::Id;
use serde_json::{Map, Value, json};

use super::check::Spot;
use crate::fail::Fail;
use crate::query::filter::{Filter, Reader, Rules};
use crate::query::sort::{self, Sort};
use crate::world::World;
use crate::world::node::DataSource;

/// Most quick filters of a view.
const QUICK_FILTERS_MAX: usize = 100;

/// What reading a view's question needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) world: &'a World,
    pub(crate) source: &'a DataSource,
    /// Whom `"me"` means.
    pub(crate) me: Id,
}

impl Asking<'_> {
    fn reader(&self, rules: Rules) -> Reader<'_> {
        Reader { source: self.source, me: self.me, now: self.world.now(), rules }
    }

    fn id(&self, called: &str) -> Option<String> {
        let found = self.source.schema.values().find(|property| property.is_called(called));
        found.map(|property| property.id.clone())
    }

    /// A filter, checked.
    pub(crate) fn filter(&self, spot: &Spot) -> Result<Value, Fail> {
        self.reader(Rules::NewView).read(spot, 0)?;
        let sent = spot.value.cloned().unwrap_or_default();
        Ok(renamed(&sent, &|called| self.id(called)))
    }

    /// Sorts, checked; `null` if there are none.
    pub(crate) fn sorts(&self, spot: &Spot, by_property_only: bool) -> Result<Value, Fail> {
        let items = spot.items(100)?;
        for item in &items {
            let property = item.get("property");
            if by_property_only && !property.is_there() {
                item.object()?;
                return Err(property.undefined().into());
            }
        }
        sort::read(spot, self.source)?;
        let kept = items.iter().map(|item| {
            let direction = item.get("direction").value.cloned();
            let direction = direction.unwrap_or_else(|| "ascending".into());
            match item.get("property").value.and_then(Value::as_str) {
                Some(called) => json!({"property": self.id(called), "direction": direction}),
                None => json!({"timestamp": item.get("timestamp").value, "direction": direction}),
            }
        });
        let kept: Vec<Value> = kept.collect();
        Ok(if kept.is_empty() { Value::Null } else { kept.into() })
    }

    /// Quick filters, worked into those that were: `null` removes one, what is not said stays.
    pub(crate) fn quick_filters(&self, spot: &Spot, before: &Value) -> Result<Value, Fail> {
        let mut all: Map<String, Value> = before.as_object().cloned().unwrap_or_default();
        let reader = self.reader(Rules::NewView);
        for (called, member) in spot.members()? {
            let property = reader.property(called)?;
            if member.is_null() {
                all.shift_remove(&property.id);
                continue;
            }
            member.object()?;
            reader.condition_on(property, &member)?;
            all.insert(property.id.clone(), member.value.cloned().unwrap_or_default());
        }
        if all.len() > QUICK_FILTERS_MAX {
            let text = format!("A view has at most {QUICK_FILTERS_MAX} quick filters.");
            return Err(Fail::validation(text));
        }
        Ok(if all.is_empty() { Value::Null } else { all.into() })
    }

    /// What a view asks, ready to be run; what is about properties that are gone is left out.
    pub(crate) fn ready(
        &self,
        filter: &Value,
        sorts: &Value,
    ) -> Result<(Option<Filter>, Vec<Sort>), Fail> {
        let known = |id: &str| self.id(id);
        let body =
            json!({"filter": renamed(filter, &known), "sorts": sorts_renamed(sorts, &known)});
        let body = Spot::body(&body);
        let (filter, sorts) = (body.get("filter"), body.get("sorts"));
        let filter = match filter.is_null() {
            true => None,
            false => Some(self.reader(Rules::View).read(&filter, 0)?),
        };
        let sorts = if sorts.is_null() { Vec::new() } else { sort::read(&sorts, self.source)? };
        Ok((filter, sorts))
    }
}

/// A filter in which properties are called as `name` says; conditions on those that it does not
/// know are left out. `null` if nothing is left.
pub(crate) fn renamed(filter: &Value, name: &impl Fn(&str) -> Option<String>) -> Value {
    let Some(members) = filter.as_object() else { return Value::Null };
    for key in ["and", "or"] {
        let Some(all) = members.get(key).and_then(Value::as_array) else { continue };
        let kept = all.iter().map(|one| renamed(one, name)).filter(|one| !one.is_null());
        let kept: Vec<Value> = kept.collect();
        return if kept.is_empty() { Value::Null } else { json!({key: kept}) };
    }
    let mut out = members.clone();
    if let Some(property) = out.get_mut("property") {
        match property.as_str().and_then(name) {
            Some(name) => *property = name.into(),
            None => return Value::Null,
        }
    }
    out.into()
}

/// The same with sorts.
pub(crate) fn sorts_renamed(sorts: &Value, name: &impl Fn(&str) -> Option<String>) -> Value {
    let all = sorts.as_array().into_iter().flatten();
    let kept: Vec<Value> = all.map(|one| renamed(one, name)).filter(|one| !one.is_null()).collect();
    if kept.is_empty() { Value::Null } else { kept.into() }
}
