//! Users: people of a tenant, known to notegate by what an admin says of them; and the groups that they
//! are in.

use std::fmt;

use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};

use crate::connection::ConnectionId;
use crate::role::Role;
use crate::tenant::TenantId;

/// The id of a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct UserId(pub Id);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person. Keys that are made for somebody can never do more than that person may.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Whose.
    #[serde(skip)]
    pub tenant: TenantId,
    /// Where to write to.
    pub email: String,
    /// The most that keys of the person may do.
    pub role: Role,
    /// The workspace that the person belongs to, if to one.
    pub bot_id: Option<ConnectionId>,
    /// Who the person is where people sign in; known from the first sign-in on.
    pub identity: Option<Identity>,
    /// The groups that the person is in, by name, in order.
    pub groups: Vec<String>,
    /// When the user was made.
    pub created_at: Timestamp,
}

/// Who somebody is at an OpenID provider: never another person, whatever becomes of the address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Its name for the person.
    pub subject: String,
}

/// A group of users, which policies can name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Group {
    /// Whose.
    #[serde(skip)]
    pub tenant: TenantId,
    /// Its name, which is never another one.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}
