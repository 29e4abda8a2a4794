//! Refusals: why a call is not made, and the word for it.

use model::Role;
use model::role::Permission;
use notion::{Id, Kind};

use crate::rules::Rule;

/// Why a call is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The role does not include it.
    #[error("the role `{role}` does not include it, `{}` does", weakest(*permission))]
    Role {
        /// The caller's role.
        role: Role,
        /// What the call asks for.
        permission: Permission,
    },
    /// A policy forbids it.
    #[error("{}: policy `{}`", .rule.says, .rule.id)]
    Policy {
        /// Which.
        rule: Rule,
    },
    /// A policy masks a column.
    #[error(
        "{}: policy `{}` hides the values of \"{property}\", so nobody from whom they are hidden can write \
         them, change the column, or filter, sort, or group by it",
        .rule.says, .rule.id
    )]
    Masked {
        /// What the call called it.
        property: String,
        /// Which.
        rule: Rule,
    },
    /// Something would be moved away from a policy about columns.
    #[error(
        "a policy hides columns of what stands here, and it may not be moved away from it by somebody from \
         whom they are hidden"
    )]
    MovedAway,
    /// A capability is missing.
    #[error("the key lacks a capability: the call needs {needs}")]
    Capability {
        /// What the call asks for.
        needs: String,
    },
    /// The connection lacks a capability, whatever the key has.
    #[error(
        "the connection lacks a capability: the call needs {needs}, which an owner of the workspace grants in the integration's settings"
    )]
    ConnectionCapability {
        /// What the call asks for.
        needs: String,
    },
    /// An object lies outside the scope, or nowhere.
    #[error("{kind} {id} is not inside the scope")]
    Scope {
        /// What was asked for.
        kind: Kind,
        /// Its id.
        id: Id,
    },
    /// Managing reaches everything, and the key does not.
    #[error("a key with a scope cannot manage keys, connections or the ledger")]
    ScopedManager,
    /// It shows everything, and policies hide something from the caller.
    #[error("an access audit shows everything, and policies hide a part from this key")]
    Partial,
    /// What concerns the whole installation is for whoever runs it.
    #[error("only the operator may do this: with the command line, where the data directory is")]
    NotOperator,
    /// Bodies are for auditors.
    #[error(
        "bodies are for auditors: the operator can make a key for one (`notegate keys create --auditor`)"
    )]
    NotAuditor,
    /// It is no call for a key: OAuth clients and browsers make it at Notion itself.
    #[error("`{operation}` belongs to OAuth clients and is not made with a key")]
    NotForKeys {
        /// The operation.
        operation: &'static str,
    },
    /// A scoped caller must say where, and did not.
    #[error("a key with a scope can create only inside it: name a parent")]
    NoPlace,
}

/// The weakest role with a permission, for messages.
pub(crate) fn weakest(permission: Permission) -> Role {
    // INVARIANT: an admin may do everything.
    Role::ALL.into_iter().find(|role| role.grants(permission)).unwrap_or(Role::Admin)
}

impl Refusal {
    /// A stable word for machines: the rule that refused.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Role { .. } => "role",
            Self::Policy { .. } | Self::Masked { .. } | Self::MovedAway | Self::Partial => "policy",
            Self::NotOperator => "operator",
            Self::NotAuditor => "auditor",
            Self::Capability { .. } | Self::ConnectionCapability { .. } => "capability",
            Self::Scope { .. } | Self::NoPlace | Self::ScopedManager => "scope",
            Self::NotForKeys { .. } => "operation",
        }
    }
}
