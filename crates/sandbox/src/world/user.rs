//! People of the workspace. (Bots are the users of connections.)

use notion::Id;
use serde::{Deserialize, Serialize};

/// A member of the workspace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Person {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) avatar_url: Option<String>,
    /// Guests are resolved by id, but not listed.
    #[serde(default)]
    pub(crate) guest: bool,
}
