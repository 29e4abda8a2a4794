//! Snapshots: named copies of the world, to come back to. They share what has not changed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Answer;
use crate::app::Inner;
use crate::world::World;

/// Most snapshots.
const SNAPSHOTS_MAX: usize = 100;
const NAME_MAX: usize = 100;

/// `GET snapshots`, the oldest first.
pub(super) fn list(inner: &Inner) -> Value {
    inner.snapshots.iter().map(|(name, snapshot)| snapshot.shown(name)).collect()
}

/// A copy of the world.
#[derive(Debug)]
pub(crate) struct Snapshot {
    world: World,
    taken_at: Timestamp,
}

impl Snapshot {
    fn shown(&self, name: &str) -> Value {
        let taken_at = self.taken_at.to_string();
        json!({"name": name, "objects": self.world.nodes.len(), "taken_at": taken_at})
    }
}

/// `POST snapshots` `{name}`; an older one of that name is replaced.
pub(super) fn take(inner: &mut Inner, body: &Value) -> Answer {
    let is_plain = |name: &&str| {
        (1..=NAME_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let name = body["name"].as_str().filter(is_plain).ok_or_else(|| {
        let text = format!(
            "`name` must be 1 to {NAME_MAX} of the letters A-Z and a-z, digits, `-`, `_` and `.`"
        );
        (400, text)
    })?;
    inner.snapshots.shift_remove(name);
    if inner.snapshots.len() >= SNAPSHOTS_MAX {
        let text = format!(
            "there are {SNAPSHOTS_MAX} snapshots: DELETE /_sandbox/snapshots/NAME makes room"
        );
        return Err((400, text));
    }
    let snapshot = Snapshot { world: inner.world.clone(), taken_at: inner.world.now() };
    let answer = snapshot.shown(name);
    inner.snapshots.insert(name.to_owned(), snapshot);
    Ok((200, answer))
}

/// `POST snapshots/{name}/restore`: the world is as it was, and cursors of queries are void.
pub(super) fn restore(inner: &mut Inner, name: &str) -> Answer {
    let snapshot = inner.snapshots.get(name).ok_or_else(|| unknown(name))?;
    inner.world = snapshot.world.clone();
    inner.sessions.clear();
    Ok((200, json!({"ok": true})))
}

/// `DELETE snapshots/{name}`
pub(super) fn remove(inner: &mut Inner, name: &str) -> Answer {
    inner.snapshots.shift_remove(name).ok_or_else(|| unknown(name))?;
    Ok((200, json!({"ok": true})))
}

fn unknown(name: &str) -> (u16, String) {
    (404, format!("there is no snapshot `{name}`; GET /_sandbox/snapshots lists them"))
}
