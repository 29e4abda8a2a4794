//! The clock: look, set, advance, stop.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Answer;
use crate::app::Inner;

/// `GET clock`
pub(super) fn get(inner: &Inner) -> Answer {
    let clock = &inner.world.clock;
    let now = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    Ok((200, json!({"now": now, "frozen": clock.is_frozen()})))
}

/// `POST clock` `{freeze}`, `{now}`, `{advance_ms}`, in this order
pub(super) fn set(inner: &mut Inner, body: &Value) -> Answer {
    // Changed as a whole, or not at all.
    let mut clock = inner.world.clock.clone();
    let known = ["now", "advance_ms", "freeze"];
    if !body.as_object().is_some_and(|all| all.keys().any(|key| known.contains(&key.as_str()))) {
        let text = "send {\"now\": \"2026-01-31T12:00:00Z\"}, {\"advance_ms\": 60000} or {\"freeze\": true}";
        return Err((400, text.to_owned()));
    }
    // First, so that a clock stands exactly where the same request sets it.
    if let Some(freeze) = body.get("freeze") {
        let freeze = freeze.as_bool();
        clock.freeze(freeze.ok_or((400, "`freeze` must be true or false".to_owned()))?);
    }
    if let Some(now) = body.get("now") {
        let parsed = now.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let now =
            parsed.ok_or((400, "`now` must be a time like 2026-01-31T12:00:00Z".to_owned()))?;
        clock.set(now);
    }
    if let Some(advance) = body.get("advance_ms") {
        let by = advance.as_i64();
        let by = by.ok_or((400, "`advance_ms` must be a whole number".to_owned()))?;
        if !clock.advance(by) {
            return Err((400, "`advance_ms` leads out of the years that there are".to_owned()));
        }
    }
    inner.world.clock = clock;
    get(inner)
}
