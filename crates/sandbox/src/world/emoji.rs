//! Custom emojis of the workspace.

use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;

/// Most custom emojis.
pub(crate) const EMOJIS_MAX: usize = 10_000;

/// A picture with a name that icons and mentions show.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Emoji {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) url: String,
}

impl World {
    /// A new emoji; without a URL, one like those of Notion's own storage.
    pub(crate) fn add_emoji(&mut self, name: &str, url: Option<&str>) -> Id {
        let id = self.ids.object();
        let usual = || {
            let storage = "https://s3-us-west-2.amazonaws.com/public.notion-static.com";
            format!("{storage}/{id}/{}.png", super::property::encode(name))
        };
        let url = url.map_or_else(usual, str::to_owned);
        self.emojis.insert(id, Emoji { id, name: name.to_owned(), url });
        id
    }

    /// The emoji of a name, as mentions hold it.
    pub(crate) fn emoji_named(&self, name: &str) -> Option<Value> {
        let emoji = self.emojis.values().find(|emoji| emoji.name == name)?;
        Some(json!({"id": emoji.id, "name": emoji.name, "url": emoji.url}))
    }

    /// `{id, name, url}` of an icon or mention: as the emoji is now, or as it was written.
    pub(crate) fn resolve_emoji(&self, written: &Value) -> Value {
        let id = written["id"].as_str().and_then(Id::parse);
        match id.and_then(|id| self.emojis.get(&id)) {
            Some(emoji) => json!({"id": emoji.id, "name": emoji.name, "url": emoji.url}),
            None => written.clone(),
        }
    }
}
