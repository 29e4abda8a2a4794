//! The whole world: out, in, and back to the seed.

use axum::body::Body;
use serde_json::json;

use super::Answer;
use crate::app::{App, Inner};
use crate::transfer;

/// `POST reset`
pub(super) fn reset(inner: &mut Inner) {
    inner.world = inner.seed.clone();
    inner.sessions.clear();
    inner.calls.clear();
    inner.faults.clear();
    inner.limits.clear();
}

/// `GET state`, whose answer is written while it is sent.
pub(crate) fn get(app: &App) -> Body {
    let world = app.lock().world.clone();
    transfer::outgoing(world)
}

/// `PUT state`, whose body is read as it comes.
pub(crate) async fn put(app: &App, body: Body) -> Answer {
    let world = transfer::incoming(body).await.map_err(|error| {
        (400, format!("this is not a world ({error}); send what GET /_sandbox/state answered"))
    })?;
    let mut inner = app.lock();
    inner.world = world;
    inner.sessions.clear();
    Ok((200, json!({"ok": true})))
}
