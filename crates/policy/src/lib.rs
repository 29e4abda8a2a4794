//! May this principal do this, there? Asks for facts, does not fetch them.
//!
//! The answer is a value: a [`Permit`] that only this crate can make, and without which the gate can
//! send nothing to Notion. It is reached in two steps. [`admit`] looks at role and capabilities,
//! which need no facts, so that a call refused for them costs Notion nothing; [`Admission::reach`]
//! then looks at the places of everything that the call touches.

use model::role::Permission;
use model::{ConnectionId, Principal, Role, Scope, TenantId, Who};
use notion::catalogue::Auth;
use notion::{Capability, Effect, Id, Kind, Operation};

/// Leave to make one call to Notion.
///
/// Cannot be made outside this crate, cannot be copied, and is used up by the call.
#[derive(Debug)]
pub struct Permit {
    tenant: TenantId,
    connection: ConnectionId,
    operation: &'static Operation,
    effect: Effect,
}

impl Permit {
    /// Whose data the call may be about.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The connection that the call goes out by.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The operation that was judged.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// What the call does.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Leave for the gate to look up where an object stands, or whose token it holds.
    ///
    /// Only operations that retrieve a single object by its id, and the one that needs no capability.
    pub fn housekeeping(
        tenant: TenantId,
        connection: ConnectionId,
        operation: &'static Operation,
    ) -> Option<Self> {
        let looks_up = operation.effect == Effect::Read
            && matches!(operation.answer, notion::catalogue::Answer::One(_));
        looks_up.then_some(Self { tenant, connection, operation, effect: Effect::Read })
    }

    /// Leave for one search in an access audit: it lists everything that `connection` reaches, so only
    /// who manages the tenant gets it. That the connection is the tenant's is for custody to see to.
    pub fn survey(principal: &Principal, connection: ConnectionId) -> Result<Self, Refusal> {
        manage(principal)?;
        // INVARIANT: the catalogue has search; a test says so.
        let operation = Operation::named(SEARCH).expect("the catalogue has search");
        admit(principal, operation, Effect::Read, None)?;
        let tenant = principal.tenant.clone();
        Ok(Self { tenant, connection, operation, effect: Effect::Read })
    }
}

/// Search, by its name in the catalogue.
const SEARCH: &str = "post-search";

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
    /// A capability is missing.
    #[error("the key lacks a capability: the call needs {needs}")]
    Capability {
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
    /// What concerns the whole installation is for whoever runs it.
    #[error("only the operator may do this: with the command line, where the data directory is")]
    NotOperator,
    /// It is no call for a key: OAuth clients and browsers make it at Notion itself.
    #[error("`{operation}` belongs to OAuth clients and is not made with a key")]
    NotForKeys {
        /// The operation.
        operation: &'static str,
    },
    /// Nobody has taught the gate yet to cut this answer down to a scope.
    #[error("a key with a scope cannot use `{operation}` yet: its answer cannot be cut down")]
    Uncut {
        /// The operation.
        operation: &'static str,
    },
    /// A scoped caller must say where, and did not.
    #[error("a key with a scope can create only inside it: name a parent")]
    NoPlace,
}

/// The weakest role with a permission, for messages.
fn weakest(permission: Permission) -> Role {
    // INVARIANT: an admin may do everything.
    Role::ALL.into_iter().find(|role| role.grants(permission)).unwrap_or(Role::Admin)
}

impl Refusal {
    /// A stable word for machines: the rule that refused.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Role { .. } => "role",
            Self::NotOperator => "operator",
            Self::Capability { .. } => "capability",
            Self::Scope { .. } | Self::NoPlace | Self::ScopedManager => "scope",
            Self::NotForKeys { .. } => "operation",
            Self::Uncut { .. } => "scope_unsupported",
        }
    }
}

/// An object that a call touches, with what is known of its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// What the call takes it for.
    pub kind: Kind,
    /// Its id.
    pub id: Id,
    /// Where it stands.
    pub place: Place,
}

/// Where an object stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the tree: the object and its ancestors, nearest first.
    Path(Vec<Id>),
    /// Outside the tree, and made by this very caller (a file upload).
    Own,
    /// Nobody could find it.
    Unknown,
}

impl Place {
    /// Whether that is inside `scope`.
    pub fn lies_in(&self, scope: &Scope) -> bool {
        match self {
            Self::Path(path) => scope.covers(path),
            Self::Own => true,
            Self::Unknown => false,
        }
    }
}

/// Operations whose answers would show more than a scope allows.
const UNCUT: &[&str] = &["query-meeting-notes", "retrieve-async-task"];

/// What a call touches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Aim {
    /// Every object that it names.
    pub targets: Vec<Target>,
    /// Whether it puts something at no named place: a new page at the top of the workspace, say.
    pub nowhere: bool,
}

/// A call that role and capabilities allow, its places not yet looked at.
#[derive(Debug)]
pub struct Admission<'a> {
    principal: &'a Principal,
    operation: &'static Operation,
    effect: Effect,
}

/// Judges role and capabilities.
///
/// `needs_too` is what the body of the call asks for beyond the operation's own needs.
pub fn admit<'a>(
    principal: &'a Principal,
    operation: &'static Operation,
    effect: Effect,
    needs_too: Option<Capability>,
) -> Result<Admission<'a>, Refusal> {
    if operation.auth != Auth::Bearer {
        return Err(Refusal::NotForKeys { operation: operation.name });
    }
    require(principal, effect.into())?;
    if !operation.needs.met_by(principal.capabilities) {
        return Err(Refusal::Capability { needs: operation.needs.to_string() });
    }
    if let Some(capability) = needs_too.filter(|it| !principal.capabilities.grants(*it)) {
        return Err(Refusal::Capability { needs: capability.to_string() });
    }
    Ok(Admission { principal, operation, effect })
}

/// Judges who may manage keys, connections and the ledger: an admin whose key reaches everything. One
/// that reaches a part could give itself the rest.
pub fn manage(principal: &Principal) -> Result<(), Refusal> {
    require(principal, Permission::Manage)?;
    if principal.scope().is_some() {
        return Err(Refusal::ScopedManager);
    }
    Ok(())
}

/// Judges who may look after the whole installation: whoever can open the data directory.
pub fn operate(principal: &Principal) -> Result<(), Refusal> {
    match principal.who {
        Who::Operator => Ok(()),
        Who::Key(_) | Who::Gate | Who::Visitor => Err(Refusal::NotOperator),
    }
}

/// Judges the role alone.
fn require(principal: &Principal, permission: Permission) -> Result<(), Refusal> {
    if principal.role.grants(permission) {
        Ok(())
    } else {
        Err(Refusal::Role { role: principal.role, permission })
    }
}

impl Admission<'_> {
    /// Judges the places of everything that the call touches. Without a scope there is nothing to
    /// judge, and the aim may be empty.
    pub fn reach(self, aim: &Aim) -> Result<Permit, Refusal> {
        if let Some(scope) = self.principal.scope() {
            if UNCUT.contains(&self.operation.name) {
                return Err(Refusal::Uncut { operation: self.operation.name });
            }
            if let Some(outside) = aim.targets.iter().find(|target| !target.place.lies_in(scope)) {
                return Err(Refusal::Scope { kind: outside.kind, id: outside.id });
            }
            if aim.nowhere {
                return Err(Refusal::NoPlace);
            }
        }
        Ok(Permit {
            tenant: self.principal.tenant.clone(),
            connection: self.principal.connection,
            operation: self.operation,
            effect: self.effect,
        })
    }
}
