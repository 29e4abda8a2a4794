//! Reads the options of select, multi-select and status properties.

use serde_json::Value;

use super::check::Spot;
use super::schema::SchemaReader;
use super::values::check_choice_name;
use crate::fail::Fail;
use crate::world::property::{Choice, Group, PropertyKind, Settings};

const COLORS: [&str; 10] =
    ["default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"];
const OPTIONS_MAX: usize = 100;

impl SchemaReader<'_> {
    /// The settings of such a property; options that are not sent again are gone.
    pub(super) fn choices(
        &mut self,
        kind: PropertyKind,
        old: Option<Settings>,
        spot: &Spot,
    ) -> Result<Settings, Fail> {
        let (before, mut groups) = match old {
            Some(Settings::Choices { options, groups }) => (options, groups),
            _ => (Vec::new(), Vec::new()),
        };
        let is_status = kind == PropertyKind::Status;
        if !is_status {
            groups.clear();
        }
        let given = spot.get("options");
        let mut options = Vec::new();
        if given.is_there() {
            for item in given.items(OPTIONS_MAX)? {
                let choice = self.option(&item, &before)?;
                if options.iter().all(|known: &Choice| known.name != choice.name) {
                    options.push(choice);
                }
            }
        } else if before.is_empty() && is_status {
            for (name, color) in
                [("Not started", "default"), ("In progress", "blue"), ("Done", "green")]
            {
                let id = self.ids.random().to_string();
                let (name, color) = (name.to_owned(), color.to_owned());
                options.push(Choice { id, name, color, description: None });
            }
        } else {
            options = before;
        }
        if is_status {
            groups = self.groups(groups, &options, &given)?;
        }
        Ok(Settings::Choices { options, groups })
    }

    /// An option as the request has it; one that is known by id or name keeps id, name and colour.
    fn option(&mut self, spot: &Spot, before: &[Choice]) -> Result<Choice, Fail> {
        spot.object()?;
        let id = spot.get("id").string_opt()?;
        let name = spot.get("name").string_opt()?;
        let known = before
            .iter()
            .find(|choice| id.map_or(name == Some(choice.name.as_str()), |id| choice.id == id));
        let color = spot.get("color");
        let color = if color.is_there() { Some(color.word(&COLORS, true)?) } else { None };
        let description = spot.get("description").string_or_null(280)?.map(str::to_owned);
        if let Some(known) = known {
            let description = description.or_else(|| known.description.clone());
            return Ok(Choice { description, ..known.clone() });
        }
        let name = spot.get("name").text(100)?;
        check_choice_name(name)?;
        Ok(Choice {
            id: self.ids.random().to_string(),
            name: name.to_owned(),
            color: color.unwrap_or("default").to_owned(),
            description,
        })
    }

    /// Every status option is in one of three groups; new ones go to the first unless they say.
    fn groups(
        &mut self,
        before: Vec<Group>,
        options: &[Choice],
        given: &Spot,
    ) -> Result<Vec<Group>, Fail> {
        let mut groups = before.clone();
        if groups.is_empty() {
            for (name, color) in [("To-do", "gray"), ("In progress", "blue"), ("Complete", "green")]
            {
                let id = self.ids.random().to_string();
                let (name, color) = (name.to_owned(), color.to_owned());
                groups.push(Group { id, name, color, option_ids: Vec::new() });
            }
        }
        for group in &mut groups {
            group.option_ids.clear();
        }
        let wishes = if given.is_there() { given.items(OPTIONS_MAX)? } else { Vec::new() };
        for choice in options {
            let wish = wishes
                .iter()
                .find(|item| item.get("name").value.and_then(Value::as_str) == Some(&choice.name))
                .and_then(|item| item.get("group").value.and_then(Value::as_str));
            let by_wish = wish.and_then(|wish| groups.iter().position(|group| group.name == wish));
            let by_past = before.iter().position(|group| group.option_ids.contains(&choice.id));
            let by_name = match choice.name.as_str() {
                "In progress" => Some(1),
                "Done" => Some(2),
                _ => None,
            };
            let at = by_wish.or(by_past).or(by_name).unwrap_or(0);
            if let Some(group) = groups.get_mut(at) {
                group.option_ids.push(choice.id.clone());
            }
        }
        Ok(groups)
    }
}
