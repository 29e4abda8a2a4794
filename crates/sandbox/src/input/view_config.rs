//! Reads the configuration of a view.

use serde_json::{Map, Value};

use super::check::Spot;
use super::view_fields::{self, Field, GROUP_TYPES, Need, Shape};
use crate::fail::Fail;
use crate::world::ids::IdSource;
use crate::world::node::DataSource;
use crate::world::property::PropertyKind;

/// Most columns, reference lines and the like.
const ITEMS_MAX: usize = 500;

/// Whether a view of this type cannot be made without a configuration.
pub(crate) fn is_needed(kind: &str) -> bool {
    view_fields::of_view(kind).iter().any(|field| field.need == Need::Required)
}

/// Reads a configuration and works it into the one that was: what is not said stays, `null` clears.
/// Properties are kept by id.
pub(crate) fn read(
    spot: &Spot,
    kind: &'static str,
    source: &DataSource,
    before: &Value,
) -> Result<Value, Fail> {
    spot.object()?;
    let reader = Reader { source };
    spot.get("type").word(&[kind], false)?;
    let fields = view_fields::of_view(kind);
    let given = reader.members(spot, fields, true)?;
    let mut out = Map::new();
    out.insert("type".to_owned(), kind.into());
    for field in fields {
        let value = match given.get(field.name) {
            Some(value) => value,
            None => &before[field.name],
        };
        if !value.is_null() {
            out.insert(field.name.to_owned(), value.clone());
        }
    }
    Ok(Value::Object(out))
}

/// Reference lines of charts have ids; those that came without get one.
pub(crate) fn give_ids(configuration: &mut Value, ids: &mut IdSource) {
    let lines = configuration.get_mut("reference_lines").and_then(Value::as_array_mut);
    for line in lines.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !line.contains_key("id") {
            line.shift_insert(0, "id".to_owned(), ids.random().to_string().into());
        }
    }
}

#[derive(Debug)]
struct Reader<'a> {
    source: &'a DataSource,
}

impl Reader<'_> {
    /// The members of an object; `null` is kept only where it clears something.
    fn members(
        &self,
        spot: &Spot,
        fields: &[Field],
        keep_null: bool,
    ) -> Result<Map<String, Value>, Fail> {
        spot.object()?;
        // The type was read before, where there is one.
        let known = fields.iter().map(|field| field.name).chain(["type"]);
        let known: Vec<&str> = known.collect();
        spot.only(&known)?;
        let mut out = Map::new();
        for field in fields {
            let member = spot.get(field.name);
            if !member.is_there() && field.need != Need::Required {
                continue;
            }
            if member.is_null() && field.need == Need::Nullable {
                if keep_null {
                    out.insert(field.name.to_owned(), Value::Null);
                }
                continue;
            }
            out.insert(field.name.to_owned(), self.value(&member, field.shape)?);
        }
        Ok(out)
    }

    fn value(&self, spot: &Spot, shape: Shape) -> Result<Value, Fail> {
        Ok(match shape {
            Shape::Bool => spot.bool()?.into(),
            Shape::Number => {
                spot.number()?;
                spot.value.cloned().unwrap_or_default()
            }
            Shape::Text => spot.text(2000)?.into(),
            Shape::Word(words) => spot.word(words, false)?.into(),
            Shape::Weekday => match spot.value.and_then(Value::as_u64) {
                Some(day @ (0 | 1)) => day.into(),
                _ => return Err(spot.should_be("`0` or `1`").into()),
            },
            Shape::Property(kinds) => self.property(spot, kinds)?.into(),
            Shape::Object(fields) => self.members(spot, fields, false)?.into(),
            Shape::List(fields) => {
                let items = spot.items(ITEMS_MAX)?;
                let all: Result<Vec<Value>, Fail> = items
                    .iter()
                    .map(|item| Ok(self.members(item, fields, false)?.into()))
                    .collect();
                all?.into()
            }
            Shape::GroupBy => self.group_by(spot)?,
            Shape::FormulaGroup => self.formula_group(spot)?,
        })
    }

    /// The id of the property that is meant.
    fn property(&self, spot: &Spot, kinds: &[PropertyKind]) -> Result<String, Fail> {
        let called = spot.string()?;
        let found = self.source.schema.values().find(|property| property.is_called(called));
        let property = found.ok_or_else(|| {
            Fail::validation(format!("Could not find property with name or id: {called}"))
        })?;
        if !kinds.is_empty() && !kinds.contains(&property.kind) {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            return Err(Fail::validation(format!(
                "{} is expected to be {}.",
                property.name,
                kinds.join(" or ")
            )));
        }
        Ok(property.id.clone())
    }

    fn group_by(&self, spot: &Spot) -> Result<Value, Fail> {
        spot.object()?;
        let kind = spot.get("type").word(&GROUP_TYPES, false)?;
        let wanted = match kind {
            "person" => PropertyKind::People,
            "text" => PropertyKind::RichText,
            other => PropertyKind::parse(other).unwrap_or(PropertyKind::Title),
        };
        let group = self.typed(spot, kind, &view_fields::of_group(kind))?;
        self.property(&spot.get("property_id"), &[wanted])?;
        Ok(group)
    }

    fn formula_group(&self, spot: &Spot) -> Result<Value, Fail> {
        spot.object()?;
        let kind = spot.get("type").word(&["date", "text", "number", "checkbox"], false)?;
        self.typed(spot, kind, &view_fields::of_formula_group(kind))
    }

    /// An object that begins with its type.
    fn typed(&self, spot: &Spot, kind: &str, fields: &[Field]) -> Result<Value, Fail> {
        let mut out = Map::new();
        out.insert("type".to_owned(), kind.into());
        out.append(&mut self.members(spot, fields, false)?);
        Ok(Value::Object(out))
    }
}
