//! Reads property values of a page into the form that the world keeps.
//!
//! Kept by property id: rich text as runs; choices by option id; people, relations as ids; the
//! rest as JSON has it. What is computed (formulas, rollups, who and when) is not kept.

use indexmap::IndexMap;
use notion::{Id, Version};
use serde_json::{Value, json};

use super::check::Spot;
use super::{files, rich_text};
use crate::compute::cell::number_json;
use crate::fail::Fail;
use crate::world::ids::IdSource;
use crate::world::property::{Choice, Property, PropertyKind, Settings, TITLE};

/// Most references in one value of a request.
const REFERENCES_MAX: usize = 100;

/// What reading needs to know and may add to.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// A copy of the schema; options that values bring along are added to it.
    pub(crate) schema: IndexMap<String, Property>,
    pub(crate) ids: &'a mut IdSource,
    pub(crate) version: Version,
    pub(crate) author: Id,
}

/// The schema of pages that are no rows: a title.
pub(crate) fn title_only() -> IndexMap<String, Property> {
    let title = Property::plain(TITLE, TITLE, PropertyKind::Title);
    IndexMap::from_iter([(TITLE.to_owned(), title)])
}

impl Reader<'_> {
    /// Reads the map of values; keys are names or ids.
    pub(crate) fn read(&mut self, spot: &Spot) -> Result<Vec<(String, Value)>, Fail> {
        let members = spot.members()?;
        let mut strangers = Vec::new();
        let mut mismatches = Vec::new();
        let mut invalid = Vec::new();
        let mut known = Vec::new();
        for (called, member) in members {
            let property = self
                .schema
                .get(called)
                .or_else(|| self.schema.values().find(|property| property.is_called(called)));
            let Some(property) = property.cloned() else {
                strangers.push(format!("{called} is not a property that exists."));
                continue;
            };
            match kind_of(&member, &property) {
                Some(kind) if kind != property.kind => {
                    mismatches
                        .push(format!("{called} is expected to be {}.", property.kind.as_str()));
                    invalid.push(format!("Invalid property value for: \"{called}\"."));
                }
                _ if property.kind.is_read_only() => {
                    mismatches.push(format!("{called} cannot be set."));
                    invalid.push(format!("Invalid property value for: \"{called}\"."));
                }
                _ => known.push((property, member)),
            }
        }
        if !strangers.is_empty() {
            return Err(Fail::validation(strangers.join(" ")));
        }
        if !mismatches.is_empty() {
            return Err(Fail::validation(if self.version >= Version::V2025_09_03 {
                format!("Body Validation Failed. Fix the following:\n{}", invalid.join("\n"))
            } else {
                mismatches.join(" ")
            }));
        }
        let mut values = Vec::new();
        for (property, member) in known {
            let value = self.value(&property, &member)?;
            values.push((property.id, value));
        }
        Ok(values)
    }

    fn value(&mut self, property: &Property, spot: &Spot) -> Result<Value, Fail> {
        let name = property.kind.as_str();
        let is_short = spot.value.is_some_and(Value::is_array);
        if !is_short {
            spot.object()?;
        }
        let member = if is_short { spot.clone() } else { spot.get(name) };
        if !member.is_there() {
            return Err(member.undefined().into());
        }
        Ok(match property.kind {
            PropertyKind::Title | PropertyKind::RichText => rich_text::read(&member)?.into(),
            _ if member.is_null() => match property.kind {
                PropertyKind::Checkbox => return Err(member.should_be("a boolean").into()),
                PropertyKind::MultiSelect
                | PropertyKind::People
                | PropertyKind::Files
                | PropertyKind::Relation => return Err(member.should_be("an array").into()),
                _ => Value::Null,
            },
            PropertyKind::Number => number_json(member.number()?),
            PropertyKind::Select | PropertyKind::Status => self.choice(property, &member)?.into(),
            PropertyKind::MultiSelect => {
                let mut chosen: Vec<Value> = Vec::new();
                for item in member.items(REFERENCES_MAX)? {
                    let id = Value::from(self.choice(property, &item)?);
                    if !chosen.contains(&id) {
                        chosen.push(id);
                    }
                }
                chosen.into()
            }
            PropertyKind::Date => rich_text::date(&member)?,
            PropertyKind::People | PropertyKind::Relation => {
                let mut ids: Vec<Value> = Vec::new();
                for item in member.items(REFERENCES_MAX)? {
                    item.object()?;
                    let id = json!(item.get("id").id()?);
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
                ids.into()
            }
            PropertyKind::Files => files_value(&member)?,
            PropertyKind::Checkbox => member.bool()?.into(),
            PropertyKind::Url => {
                let text = member.text(2000)?;
                if text.is_empty() {
                    return Err(member.should_be("a non-empty string or `null`").into());
                }
                text.into()
            }
            PropertyKind::Email | PropertyKind::PhoneNumber => member.text(200)?.into(),
            PropertyKind::Verification => self.verification(&member)?,
            PropertyKind::Place => place(&member)?,
            _ => Value::Null,
        })
    }

    /// The id of a choice; an unknown name makes a new one (but not for a status).
    fn choice(&mut self, property: &Property, spot: &Spot) -> Result<String, Fail> {
        spot.object()?;
        // An option that an earlier item of this request brought along counts as well.
        let property = self.schema.get(&property.id).unwrap_or(property);
        if let Some(id) = spot.get("id").string_opt()?
            && let Some(choice) = property.choice(id)
        {
            return Ok(choice.id.clone());
        }
        let name_spot = spot.get("name");
        if !name_spot.is_there() && spot.get("id").is_there() {
            let id = spot.get("id").string()?;
            return Err(Fail::validation(format!(
                "Invalid {} option. Option with ID \"{id}\" does not exist.",
                property.kind.as_str()
            )));
        }
        let name = name_spot.text(100)?;
        if let Some(choice) = property.choices().iter().find(|choice| choice.name == name) {
            return Ok(choice.id.clone());
        }
        if property.kind == PropertyKind::Status {
            return Err(Fail::validation(format!(
                "Invalid status option. Status option \"{name}\" does not exist\"."
            )));
        }
        check_choice_name(name)?;
        let color = spot.get("color").string_opt()?.unwrap_or("default").to_owned();
        let id = self.ids.random().to_string();
        let choice = Choice { id: id.clone(), name: name.to_owned(), color, description: None };
        if let Some(property) = self.schema.get_mut(&property.id.clone())
            && let Settings::Choices { options, .. } = &mut property.settings
        {
            options.push(choice);
        }
        Ok(id)
    }

    fn verification(&self, spot: &Spot) -> Result<Value, Fail> {
        spot.object()?;
        let state = spot.get("state").word(&["verified", "unverified"], false)?;
        if state == "unverified" {
            return Ok(json!({"state": state, "verified_by": null, "date": null}));
        }
        let date = spot.get("date");
        let date =
            if date.is_there() && !date.is_null() { rich_text::date(&date)? } else { Value::Null };
        Ok(json!({"state": state, "verified_by": self.author, "date": date}))
    }
}

/// A name of an option must not be empty and must not hold a comma.
pub(crate) fn check_choice_name(name: &str) -> Result<(), Fail> {
    if name.contains(',') {
        let text = format!("Invalid select option, commas not allowed: {name}");
        return Err(Fail::validation(text));
    }
    if name.is_empty() {
        return Err(Fail::validation("Invalid select option, the name must not be empty."));
    }
    Ok(())
}

/// Which type a value in a request has; `None` when it does not say.
fn kind_of(spot: &Spot, property: &Property) -> Option<PropertyKind> {
    let value = spot.value?.as_object()?;
    if value.contains_key(property.kind.as_str()) {
        return Some(property.kind);
    }
    PropertyKind::ALL.into_iter().find(|kind| value.contains_key(kind.as_str()))
}

fn files_value(spot: &Spot) -> Result<Value, Fail> {
    let mut all = Vec::new();
    for item in spot.items(REFERENCES_MAX)? {
        let mut source = files::source(&item)?;
        let url = source["external"]["url"].as_str().unwrap_or("file");
        let usual = files::name_in_url(url);
        let name = item.get("name").string_opt()?.map(str::to_owned);
        // Without a name, an uploaded file has the one that it was sent with.
        let is_upload = source["type"] == "file_upload";
        let mut file = json!({"name": name.or((!is_upload).then_some(usual))});
        if let (Some(file), Some(source)) = (file.as_object_mut(), source.as_object_mut()) {
            file.append(source);
        }
        all.push(file);
    }
    Ok(all.into())
}

fn place(spot: &Spot) -> Result<Value, Fail> {
    spot.object()?;
    let (lat, lon) = (spot.get("lat"), spot.get("lon"));
    let (lat, lon) = (number_json(lat.number()?), number_json(lon.number()?));
    let text = |name: &str| spot.get(name).string_or_null(2000);
    Ok(json!({
        "lat": lat,
        "lon": lon,
        "name": text("name")?,
        "address": text("address")?,
        "aws_place_id": text("aws_place_id")?,
        "google_place_id": text("google_place_id")?,
    }))
}
