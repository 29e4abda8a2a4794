//! People and pages by name: a model knows those, not ids. What is ambiguous is an error that lists
//! the candidates.

use std::collections::HashMap;

use notion::Id;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::flat_in::{Planned, plan};
use super::flat_out::title;
use super::reach;
use super::reference::Reference;
use super::schema::{Column, Schema};
use crate::caller::Caller;

/// People that are looked through, and candidates that an error lists.
const PEOPLE_MAX: usize = 2_000;
const CANDIDATES_MAX: usize = 8;

/// Looks names up, each only once.
pub(crate) struct Names<'a, 'b> {
    caller: &'a Caller<'b>,
    people: Option<Vec<Value>>,
    pages: HashMap<(Id, String), String>,
}

impl<'a, 'b> Names<'a, 'b> {
    pub(crate) fn new(caller: &'a Caller<'b>) -> Self {
        Self { caller, people: None, pages: HashMap::new() }
    }

    /// The values of a page, from flat ones. All that is wrong is told at once.
    pub(crate) async fn values(
        &mut self,
        schema: &Schema,
        flat: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Fault> {
        let mut values = Map::new();
        let mut faults = Vec::new();
        for (name, flat) in flat {
            let value = match schema.find(name) {
                Ok(column) => self.value(column, flat).await.map(|value| (column, value)),
                Err(fault) => Err(fault),
            };
            match value {
                Ok((column, value)) => {
                    if values.insert(column.name.clone(), value).is_some() {
                        faults.push(format!("Column `{}` is set twice.", column.name));
                    }
                }
                // What Notion or the gate refuse ends it; what is wrong with a value goes on the list.
                Err(fault) if fault.status != 0 => return Err(fault),
                Err(fault) => faults.push(fault.text),
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(Fault::input(faults.join("\n"))) }
    }

    async fn value(&mut self, column: &Column, flat: &Value) -> Result<Value, Fault> {
        match plan(column, flat)? {
            Planned::Ready(value) => Ok(value),
            Planned::People(names) => {
                let mut ids = Vec::new();
                for name in names {
                    ids.push(json!({"object": "user", "id": self.person(&name).await?}));
                }
                Ok(json!({ "people": ids }))
            }
            Planned::Pages(names) => {
                let mut ids = Vec::new();
                for name in names {
                    ids.push(json!({"id": self.page(column, &name).await?}));
                }
                Ok(json!({ "relation": ids }))
            }
        }
    }

    /// Somebody by id, address or name.
    pub(crate) async fn person(&mut self, name: &str) -> Result<String, Fault> {
        let name = name.trim();
        if let Ok(Reference { id, .. }) = Reference::read(name) {
            return Ok(id.to_string());
        }
        if self.people.is_none() {
            let (people, _) = reach::list(self.caller, "get-users", &[], PEOPLE_MAX).await?;
            self.people = Some(people);
        }
        let people = self.people.as_deref().unwrap_or_default();
        choose(people, name).map(str::to_owned).map_err(|candidates| {
            Fault::input(match candidates.as_slice() {
                [] => format!("Nobody is called `{name}`: `list_users` shows who is there."),
                several => {
                    format!("`{name}` may be one of several; pass the id: {}.", several.join("; "))
                }
            })
        })
    }

    /// A related page by id, URL or title.
    pub(crate) async fn page(&mut self, column: &Column, name: &str) -> Result<String, Fault> {
        if let Ok(id) = Reference::object(name) {
            return Ok(id.to_string());
        }
        let Some(source) = column.related else {
            return Err(Fault::input(format!(
                "Column `{}` takes ids or URLs of pages, not `{name}`.",
                column.name
            )));
        };
        let key = (source, name.trim().to_owned());
        if let Some(id) = self.pages.get(&key) {
            return Ok(id.clone());
        }
        let related = reach::table(self.caller, source).await?;
        let Some(by) = related.schema.title() else {
            return Err(Fault::input(format!("Column `{}`: pass ids of pages.", column.name)));
        };
        let body = json!({
            "filter": {"property": by.name, "title": {"contains": key.1}},
            "page_size": 50,
        });
        let operation = "query-data-source";
        let answer =
            reach::about(self.caller, operation, "data_source_id", source, Some(body)).await?;
        let rows: Vec<&Value> = answer["results"].as_array().into_iter().flatten().collect();
        let same: Vec<&&Value> =
            rows.iter().filter(|row| title(row).eq_ignore_ascii_case(&key.1)).collect();
        let id = match (same.as_slice(), rows.as_slice()) {
            ([one], _) => one["id"].as_str(),
            ([], []) => {
                return Err(Fault::input(format!(
                    "Column `{}`: no page in \"{}\" has `{}` in its title.",
                    column.name, related.title, key.1
                )));
            }
            _ => None,
        };
        let Some(id) = id else {
            let listed = rows.iter().take(CANDIDATES_MAX);
            let listed = listed.map(|row| format!("{} = {}", title(row), id_of(row)));
            return Err(Fault::input(format!(
                "Column `{}`: `{}` may be one of several pages; pass the id: {}.",
                column.name,
                key.1,
                listed.collect::<Vec<_>>().join("; ")
            )));
        };
        let id = id.to_owned();
        self.pages.insert(key, id.clone());
        Ok(id)
    }
}

fn id_of(object: &Value) -> String {
    object["id"].as_str().and_then(Id::parse).map(|id| id.plain()).unwrap_or_default()
}

/// The one person that is meant; else those who may be.
fn choose<'a>(people: &'a [Value], name: &str) -> Result<&'a str, Vec<String>> {
    let wanted = name.to_lowercase();
    if wanted.is_empty() {
        return Err(Vec::new());
    }
    let lower = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    let tests: [&dyn Fn(&Value) -> bool; 3] = [
        &|it| lower(&it["person"]["email"]) == wanted,
        &|it| lower(&it["name"]) == wanted,
        &|it| lower(&it["name"]).split_whitespace().any(|part| part == wanted),
    ];
    for test in tests {
        let found: Vec<&Value> = people.iter().filter(|it| test(it)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return one["id"].as_str().ok_or_else(Vec::new),
            several => {
                let listed = several.iter().take(CANDIDATES_MAX);
                return Err(listed.map(|it| candidate(it)).collect());
            }
        }
    }
    Err(Vec::new())
}

fn candidate(person: &Value) -> String {
    let name = person["name"].as_str().unwrap_or("unnamed");
    match person["person"]["email"].as_str() {
        Some(email) => format!("{name} <{email}> = {}", id_of(person)),
        None => format!("{name} = {}", id_of(person)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_chosen_or_listed() {
        let people = [
            json!({"id": "1", "name": "Ada Lovelace", "person": {"email": "ada@example.com"}}),
            json!({"id": "2", "name": "Ada Byron", "person": {}}),
            json!({"id": "3", "name": "Ben", "person": {}}),
        ];
        assert_eq!(choose(&people, "ADA@example.com"), Ok("1"));
        assert_eq!(choose(&people, "ada byron"), Ok("2"));
        assert_eq!(choose(&people, "Ben"), Ok("3"));
        assert_eq!(choose(&people, "Ada").unwrap_err().len(), 2);
        assert_eq!(choose(&people, "Zoe"), Err(Vec::new()));
        assert_eq!(choose(&people, ""), Err(Vec::new()));
    }
}
