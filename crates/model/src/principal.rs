//! Who is calling.

use std::sync::Arc;

use notion::Capabilities;

use crate::connection::ConnectionId;
use crate::key::{Key, KeyId, Scope};
use crate::role::Role;
use crate::tenant::TenantId;
use crate::user::{User, UserId};

/// A caller that has shown who it is.
#[derive(Clone, Debug)]
pub struct Principal {
    /// What it showed.
    pub who: Who,
    /// Whose data it may be about.
    pub tenant: TenantId,
    /// The connection that its calls go out by; [`ConnectionId::NONE`] if there is none, or if nobody
    /// said which of several.
    pub connection: ConnectionId,
    /// What it may do.
    pub role: Role,
    /// With which of Notion's capabilities.
    pub capabilities: Capabilities,
    /// The keys above the one that it showed: what is not for them is not for it either.
    pub above: Arc<[Arc<Key>]>,
    /// The person that it is, or whose key it showed, with the groups that the person is in.
    pub person: Option<Arc<User>>,
}

/// What a caller showed.
#[derive(Clone, Debug)]
pub enum Who {
    /// A key.
    Key(Arc<Key>),
    /// A browser session of a person who signed in.
    User(UserId),
    /// Access to the data directory: the person who runs this installation.
    Operator,
    /// notegate itself, looking after its own knowledge.
    Gate,
    /// Nothing: somebody in front of the machine that the gate runs on, or from anywhere.
    Visitor,
}

impl Principal {
    /// The caller of a key, whose calls go out by `connection`.
    pub fn of_key(key: Arc<Key>, connection: ConnectionId) -> Self {
        Self {
            tenant: key.tenant.clone(),
            connection,
            role: key.role,
            capabilities: key.capabilities,
            above: Arc::default(),
            person: None,
            who: Who::Key(key),
        }
    }

    /// The caller with at most this role.
    pub fn at_most(self, role: Role) -> Self {
        Self { role: self.role.min(role), ..self }
    }

    /// Its name in the ledger.
    pub fn name(&self) -> String {
        match &self.who {
            Who::Key(key) => format!("key:{}", key.id),
            Who::User(id) => format!("user:{id}"),
            Who::Operator => "operator".to_owned(),
            Who::Gate => "gate".to_owned(),
            Who::Visitor => "visitor".to_owned(),
        }
    }

    /// The key that it showed.
    pub fn key(&self) -> Option<&Key> {
        match &self.who {
            Who::Key(key) => Some(key),
            Who::User(_) | Who::Operator | Who::Gate | Who::Visitor => None,
        }
    }

    /// The id of the key that it showed.
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key().map(|key| &key.id)
    }

    /// The person that it is, or whose key it showed, though that person may be gone.
    pub fn user_id(&self) -> Option<UserId> {
        match &self.who {
            Who::User(id) => Some(*id),
            Who::Key(key) => key.user,
            Who::Operator | Who::Gate | Who::Visitor => None,
        }
    }

    /// The groups that the person is in, by name.
    pub fn groups(&self) -> &[String] {
        self.person.as_ref().map_or(&[], |person| &person.groups)
    }

    /// Where it reaches; `None` for everywhere.
    pub fn scope(&self) -> Option<&Scope> {
        self.key().map(|key| &key.within).filter(|scope| !scope.is_everything())
    }
}
