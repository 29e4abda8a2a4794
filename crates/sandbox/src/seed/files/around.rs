//! What stands around the pages of a seed: people, connections, comments, times.

use std::collections::HashMap;

use http::Method;
use indexmap::IndexMap;
use jiff::Timestamp;
use notion::Id;
use serde_json::{Value, json};

use super::Problem;
use super::build::{Builder, Made, text};
use super::load::Entry;
use super::workspace::Workspace;
use crate::world::World;
use crate::world::connection::Connection;
use crate::world::ids::TOKEN_PREFIX;
use crate::world::user::Person;

/// Makes the people; gives their names.
pub(super) fn people(world: &mut World, workspace: &Workspace) -> HashMap<String, Id> {
    let mut names = HashMap::new();
    for human in &workspace.people {
        world.ids.jump(&format!("person {}", human.name));
        let id = human.id.unwrap_or_else(|| world.ids.random());
        let first = human.name.split(' ').next().unwrap_or_default().to_lowercase();
        let email = human.email.clone().unwrap_or_else(|| format!("{first}@example.com"));
        let (name, guest) = (human.name.clone(), human.guest);
        let person = Person { id, name, email, avatar_url: None, guest };
        world.people.insert(id, person);
        names.insert(human.name.clone(), id);
    }
    names
}

/// Makes the connections and shares with them.
pub(super) fn connect(
    world: &mut World,
    workspace: &Workspace,
    made: &IndexMap<String, Made>,
) -> Result<(), Problem> {
    for link in &workspace.connections {
        let find = |paths: &[String]| -> Result<Vec<Id>, Problem> {
            let found = paths.iter().map(|path| {
                let made = made.get(path).map(|made| made.id);
                made.ok_or_else(|| workspace.problem(path, no_page(path)))
            });
            found.collect()
        };
        world.ids.jump(&format!("connection {}", link.name));
        let token = match &link.token {
            Some(token) if token.starts_with(TOKEN_PREFIX) && token.len() <= 200 => token.clone(),
            Some(token) => {
                let text = format!("tokens of a sandbox begin with `{TOKEN_PREFIX}`");
                return Err(workspace.problem(token, text));
            }
            None => world.ids.token(),
        };
        if world.who_has(&token).is_some() {
            let text = "two connections have the same name or token";
            return Err(workspace.problem(&link.name, text));
        }
        let bot = link.bot_id.unwrap_or_else(|| world.ids.random());
        let mut connection = Connection::new(bot, link.name.clone(), token, link.capabilities);
        connection.shared = match &link.shared {
            Some(paths) => find(paths)?,
            None => world.roots.clone(),
        };
        connection.hidden = find(&link.hidden)?;
        world.connections.insert(bot, connection);
    }
    Ok(())
}

fn no_page(path: &str) -> String {
    format!("there is no page `{path}`; name it by its path from the top of the seed")
}

impl Builder<'_> {
    /// Writes the comments.
    pub(super) fn comment(&mut self, workspace: &Workspace) -> Result<(), Problem> {
        for thread in &workspace.comments {
            let about = self.made.get(&thread.on).map(|made| made.id);
            let about = about.ok_or_else(|| workspace.problem(&thread.on, no_page(&thread.on)))?;
            let mut said = vec![(&thread.by, &thread.text)];
            said.extend(thread.replies.iter().map(|reply| (&reply.by, &reply.text)));
            let mut discussion = Value::Null;
            self.begin(&format!("comments {}", thread.text));
            for (by, content) in said {
                if let Some(name) = by {
                    let person = self.people.get(name).copied().ok_or_else(|| {
                        workspace.problem(name, format!("there is no person \"{name}\""))
                    })?;
                    self.author.by(person);
                }
                let mut body = json!({"rich_text": text(content)});
                if discussion.is_null() {
                    body["parent"] = json!({"page_id": about});
                } else {
                    body["discussion_id"] = discussion.clone();
                }
                let made = self.author.try_send(Method::POST, "/v1/comments", &body);
                let made = made.map_err(|fail| workspace.problem(content, fail.message))?;
                discussion = made["discussion_id"].clone();
            }
        }
        Ok(())
    }

    /// Sets the times that a page or database gives itself.
    pub(super) fn date(&mut self, entry: &Entry) -> Result<(), Problem> {
        let time = |key: &str| -> Result<Option<Timestamp>, Problem> {
            let Some(given) = entry.data.get(key) else { return Ok(None) };
            let parsed = given.as_str().and_then(|text| text.parse().ok());
            let wrong =
                || entry.problem(key, format!("`{key}` must be a time like 2026-01-31T12:00:00Z"));
            parsed.map(Some).ok_or_else(wrong)
        };
        let (created, edited) = (time("created")?, time("edited")?);
        let Some(made) = self.made.get(&entry.path) else { return Ok(()) };
        for id in [Some(made.id), made.source].into_iter().flatten() {
            if let Some(node) = self.author.world.nodes.get_mut(&id) {
                node.created_time = created.unwrap_or(node.created_time);
                node.last_edited_time =
                    edited.unwrap_or(node.last_edited_time.max(node.created_time));
            }
        }
        Ok(())
    }
}
