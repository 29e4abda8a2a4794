//! Custom emojis, as people add them in the app.

use serde_json::{Value, json};

use super::Answer;
use crate::app::Inner;
use crate::world::emoji::EMOJIS_MAX;

/// `POST emojis` `{name, url?}`
pub(super) fn create(inner: &mut Inner, body: &Value) -> Answer {
    let name = body["name"].as_str().filter(|name| !name.is_empty() && name.len() <= 200);
    let name = name.ok_or((400, "`name` must be a text of 1 to 200 characters".to_owned()))?;
    let url = match body.get("url") {
        None | Some(Value::Null) => None,
        Some(url) => {
            let url = url.as_str().filter(|url| url.contains("://") && url.len() <= 2000);
            Some(url.ok_or((400, "`url` must be a URL".to_owned()))?)
        }
    };
    if inner.world.emojis.len() >= EMOJIS_MAX {
        return Err((400, "there are too many emojis: reset the sandbox".to_owned()));
    }
    let id = inner.world.add_emoji(name, url);
    let emoji = &inner.world.emojis[&id];
    Ok((200, json!({"id": id, "name": emoji.name, "url": emoji.url})))
}
