//! The custom emojis of the workspace.

use notion::Id;
use serde_json::{Value, json};

use super::{Request, Scene};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::paging::Paging;
use crate::query::session;

/// `GET /v1/custom_emojis?name=`; the list has no member of its type's name (measured).
pub(super) fn list(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let name = Spot::root("query", &request.query).get("name").string_opt()?;
    let paging = Paging::in_query(&request.query)?;
    let emojis = &scene.world.emojis;
    let fitting = emojis.values().filter(|emoji| name.is_none_or(|name| emoji.name == name));
    let all: Vec<Id> = fitting.map(|emoji| emoji.id).collect();
    let (page, next) = session::slice(&all, &paging)?;
    let shown = page.iter().filter_map(|id| emojis.get(id));
    let results: Vec<Value> =
        shown.map(|emoji| json!({"id": emoji.id, "name": emoji.name, "url": emoji.url})).collect();
    Ok(json!({
        "object": "list",
        "type": "custom_emoji",
        "results": results,
        "has_more": next.is_some(),
        "next_cursor": next,
    }))
}
