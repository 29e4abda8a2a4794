//! Objects from elsewhere, and the ids of those to come.

use notion::Id;
use serde_json::{Value, json};

use super::Answer;
use crate::app::Inner;
use crate::import;

/// `POST import` `{workspace?, users, objects, children}`: objects as Notion answers them.
pub(super) fn take(inner: &mut Inner, body: &Value) -> Answer {
    let mut world = inner.world.clone();
    let done = import::import(&mut world, body).map_err(|error| (400, error))?;
    inner.world = world;
    inner.sessions.clear();
    Ok((200, done))
}

/// `POST ids` `{next: [ids]}`: the ids that the next new objects get, for what depends on their order.
pub(super) fn ids(inner: &mut Inner, body: &Value) -> Answer {
    let ids: Option<Vec<Id>> = body["next"]
        .as_array()
        .filter(|all| all.len() <= 1000)
        .and_then(|all| all.iter().map(|id| id.as_str().and_then(Id::parse)).collect());
    let ids = ids.ok_or((400, "`next` must be a list of at most 1000 ids".to_owned()))?;
    if let Some(taken) = ids.iter().find(|id| inner.world.node(**id).is_some()) {
        return Err((400, format!("there is an object {taken} already")));
    }
    inner.world.ids.wish(ids);
    Ok((200, json!({"ok": true})))
}

/// `POST search-index` `{late: [ids], stale: [ids]}`: what search does not find yet, and what it still
/// finds although it is in the trash; the real index lags.
pub(super) fn search_index(inner: &mut Inner, body: &Value) -> Answer {
    let index = serde_json::from_value(body.clone());
    inner.world.search_index = index
        .map_err(|error| (400, format!("`late` and `stale` must be lists of ids: {error}")))?;
    Ok((200, json!({"ok": true})))
}

/// `POST era` `{as_of: time | null}`: Notion answers as it did then; `null`: as usual.
pub(super) fn era(inner: &mut Inner, body: &Value) -> Answer {
    let as_of = match &body["as_of"] {
        Value::Null => None,
        time => {
            let time = time.as_str().and_then(|text| text.parse().ok());
            let wrong =
                || (400, "`as_of` must be a time such as 2025-10-30T12:00:00Z, or null".to_owned());
            Some(time.ok_or_else(wrong)?)
        }
    };
    inner.world.as_of = as_of;
    Ok((200, json!({"as_of": as_of})))
}
