//! How often a client may ask: Notion's budgets per minute, off until somebody turns them on.
//!
//! Documented: a fixed window of 60 seconds per connection, whose budget may be spent at once, and
//! one that all connections of a workspace share. Not documented, so decided here: a window begins
//! with the first request in it, requests that fail count, and those without a valid token do not.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fail::Fail;

/// Length of a window in seconds.
const WINDOW: i64 = 60;

/// Requests per window that a plan allows a connection.
const PLANS: [(&str, u32); 4] =
    [("free", 180), ("plus", 180), ("business", 600), ("enterprise", 600)];

/// What to limit.
#[derive(Clone, Debug, Serialize)]
struct Settings {
    on: bool,
    /// Requests per window and connection.
    per_connection: u32,
    /// Requests per window of all connections together.
    per_workspace: Option<u32>,
}

/// A change of the settings; what it does not name stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    on: Option<bool>,
    plan: Option<String>,
    per_connection: Option<u32>,
    /// `null` takes the limit away.
    #[serde(default, deserialize_with = "present")]
    per_workspace: Option<Option<u32>>,
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<u32>>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

/// A window and what was spent in it.
#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Timestamp,
    spent: u32,
}

impl Window {
    fn end(self) -> Timestamp {
        self.begun.checked_add(SignedDuration::from_secs(WINDOW)).unwrap_or(self.begun)
    }

    /// Whether the window is over; also when somebody set the clock back.
    fn is_over(self, now: Timestamp) -> bool {
        now < self.begun || now >= self.end()
    }
}

/// The settings and the windows that run.
#[derive(Debug)]
pub(crate) struct Limits {
    settings: Settings,
    connections: HashMap<Id, Window>,
    workspace: Option<Window>,
}

impl Limits {
    pub(crate) fn new(on: bool) -> Self {
        Self {
            settings: Settings { on, per_connection: PLANS[0].1, per_workspace: None },
            connections: HashMap::new(),
            workspace: None,
        }
    }

    /// Takes one request of a connection out of the budgets, or refuses it.
    pub(crate) fn spend(&mut self, connection: Id, now: Timestamp) -> Result<(), Fail> {
        if !self.settings.on {
            return Ok(());
        }
        let fresh = Window { begun: now, spent: 0 };
        let window = self.connections.entry(connection).or_insert(fresh);
        if window.is_over(now) {
            *window = fresh;
        }
        let workspace = self.workspace.get_or_insert(fresh);
        if workspace.is_over(now) {
            *workspace = fresh;
        }
        for (window, limit, reason) in [
            (&*window, Some(self.settings.per_connection), "public_api_request_rate_limit"),
            (&*workspace, self.settings.per_workspace, "public_api_space_request_rate_limit"),
        ] {
            if limit.is_some_and(|limit| window.spent >= limit) {
                // A part of a second counts whole, so that who waits as told comes through.
                let left = now.duration_until(window.end()).as_millis();
                let seconds = u64::try_from(left).unwrap_or_default().div_ceil(1000);
                return Err(Fail::rate_limited(reason, seconds.max(1)));
            }
        }
        window.spent += 1;
        workspace.spent += 1;
        Ok(())
    }

    /// Begins all windows anew.
    pub(crate) fn clear(&mut self) {
        self.connections.clear();
        self.workspace = None;
    }

    /// Changes the settings and begins all windows anew.
    pub(crate) fn change(&mut self, body: &Value) -> Result<(), String> {
        let change: Change = serde_json::from_value(body.clone()).map_err(|error| {
            format!(
                "the limits could not be read: {error}; send {{\"on\": true, \"plan\": \"free\"}} \
                 or {{\"on\": true, \"per_connection\": 180, \"per_workspace\": 1000}}"
            )
        })?;
        let planned = match &change.plan {
            None => None,
            Some(name) => {
                let found = PLANS.iter().find(|(plan, _)| plan == name);
                let names = PLANS.map(|(plan, _)| plan).join(", ");
                Some(found.ok_or_else(|| format!("`plan` must be one of {names}"))?.1)
            }
        };
        let settings = &mut self.settings;
        settings.on = change.on.unwrap_or(settings.on);
        settings.per_connection =
            change.per_connection.or(planned).unwrap_or(settings.per_connection);
        settings.per_workspace = change.per_workspace.unwrap_or(settings.per_workspace);
        self.clear();
        Ok(())
    }

    /// The settings, and what is spent of the windows that run at `now`.
    pub(crate) fn shown(&self, now: Timestamp) -> Value {
        let running = |window: &Window| {
            (!window.is_over(now))
                .then(|| json!({"requests": window.spent, "until": window.end().to_string()}))
        };
        let connections = self.connections.iter();
        let spent: serde_json::Map<String, Value> = connections
            .filter_map(|(id, window)| Some((id.to_string(), running(window)?)))
            .collect();
        json!({
            "on": self.settings.on,
            "per_connection": self.settings.per_connection,
            "per_workspace": self.settings.per_workspace,
            "window_seconds": WINDOW,
            "spent": {
                "workspace": self.workspace.as_ref().and_then(running),
                "connections": spent,
            },
        })
    }
}
