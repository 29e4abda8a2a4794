//! What a new key shall be, as it is asked for.

use std::time::Duration;

use model::user::UserId;
use model::{Budget, ConnectionId, Role, ToolSet};
use notion::{Capabilities, Id};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

const EXPIRES_IN_MAX: u64 = 10 * 365 * 24 * 3600;

/// What a new key shall be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The subtrees that it reaches: ids or URLs; everything if there are none.
    #[serde(default, deserialize_with = "pasted_ids")]
    pub within: Vec<Id>,
    /// With which of Notion's capabilities; all if not said.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// When it ends: seconds from now, or `30d`, `12h`, `45m`, `90s`.
    #[serde(default, deserialize_with = "duration")]
    pub expires_in: Option<Duration>,
    /// How much it may do.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// By which connection; if not said, the tenant's one that was authorised last. `null` binds it to
    /// none: it uses the tenant's only one, whichever that is.
    #[serde(default, deserialize_with = "said")]
    pub connection: Option<Option<ConnectionId>>,
    /// For whom: the key never does more than that person may, and ends with the person.
    #[serde(default)]
    pub user: Option<UserId>,
    /// Whether it may make narrower keys itself.
    #[serde(default)]
    pub may_delegate: bool,
    /// The program that it is for, if it calls by itself. Policies can be about all keys of an agent.
    #[serde(default)]
    pub agent: Option<String>,
    /// Whether it may read the ledger, and the bodies that it keeps. For the operator to say alone.
    #[serde(default)]
    pub auditor: bool,
    /// The tools that an MCP client is offered with it, whichever it asks for.
    #[serde(default)]
    pub tools: Option<ToolSet>,
    /// Whether it must begin like a token of Notion.
    #[serde(default)]
    pub notion_shaped: bool,
}

impl KeyRequest {
    /// A key without further limits; everything if `within` is empty.
    pub fn new(name: &str, role: Role, within: Vec<Id>) -> Self {
        Self {
            name: name.to_owned(),
            role,
            within,
            capabilities: None,
            expires_in: None,
            budget: None,
            connection: None,
            user: None,
            may_delegate: false,
            agent: None,
            auditor: false,
            tools: None,
            notion_shaped: false,
        }
    }
}

/// A list of ids in every form that people paste.
fn pasted_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Id>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
    texts
        .iter()
        .map(|text| {
            Id::from_pasted(text).ok_or_else(|| {
                let shown: String = text.chars().take(80).collect();
                serde::de::Error::custom(format!("`{shown}` is neither an id nor a URL of Notion"))
            })
        })
        .collect()
}

/// Tells `null` from what was not said.
pub(crate) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Seconds as a number, or a number with a unit.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(form) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let seconds = match &form {
        Value::Number(seconds) => seconds.as_u64(),
        Value::String(text) => parse_duration(text),
        _ => None,
    };
    match seconds {
        Some(seconds @ 1..=EXPIRES_IN_MAX) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(serde::de::Error::custom(
            "`expires_in` must be seconds, or a number with s, m, h or d (`30d`), up to ten years",
        )),
    }
}

/// Seconds as people write them: `90`, `90s`, `45m`, `12h`, `30d`.
pub fn parse_duration(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
