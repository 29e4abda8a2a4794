//! The whole world: out, in, and back to the seed.

use serde_json::{Value, json};

use super::Answer;
use crate::app::Inner;
use crate::world::World;

/// `POST reset`
pub(super) fn reset(inner: &mut Inner) {
    inner.world = inner.seed.clone();
    inner.sessions.clear();
    inner.calls.clear();
    inner.faults.clear();
}

/// `GET state`
pub(super) fn get(inner: &Inner) -> Answer {
    let state = serde_json::to_value(&inner.world);
    state
        .map(|state| (200, state))
        .map_err(|error| (400, format!("the world cannot be written: {error}")))
}

/// `PUT state`
pub(super) fn put(inner: &mut Inner, body: &Value) -> Answer {
    let world: World = serde_json::from_value(body.clone()).map_err(|error| {
        (400, format!("this is not a world ({error}); send what GET /_sandbox/state answered"))
    })?;
    world.check().map_err(|error| {
        (
            400,
            format!(
                "this world does not hold together: {error}; send what GET /_sandbox/state answered"
            ),
        )
    })?;
    inner.world = world;
    inner.sessions.clear();
    Ok((200, json!({"ok": true})))
}
