//! Comments; those with the same discussion id are one thread.

use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One comment.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Comment {
    pub(crate) id: Id,
    /// The page or block that it is about.
    pub(crate) about: Id,
    pub(crate) discussion_id: Id,
    pub(crate) created_time: Timestamp,
    pub(crate) last_edited_time: Timestamp,
    pub(crate) created_by: Id,
    pub(crate) rich_text: Vec<Value>,
    /// Resolved threads are not listed.
    #[serde(default)]
    pub(crate) resolved: bool,
    /// The name that the author chose to show (`display_name` of type `custom`).
    #[serde(default)]
    pub(crate) shown_as: Option<String>,
    #[serde(default)]
    pub(crate) attachments: Vec<Value>,
}
