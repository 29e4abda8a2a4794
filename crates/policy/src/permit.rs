//! Permits: reached in two steps. [`Policies::admit`] looks at capabilities and at which policies could
//! apply at all, which needs no facts, so that a call refused for them costs Notion nothing;
//! [`Admission::reach`] then looks at the places of everything that the call touches.

use std::sync::Arc;

use model::role::Permission;
use model::{ConnectionId, Principal, Scope, TenantId, Who};
use notion::catalogue::Auth;
use notion::{Capability, Effect, Id, Kind, Operation};

use crate::caller::Caller;
use crate::engine::{About, Column, Policies};
use crate::refusal::Refusal;
use crate::row::Row;
use crate::rules::Rule;
use crate::schema::{Action, Actions};

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
    /// Only operations that retrieve a single object by its id, a page as markdown, a property of one, the rows
    /// of a table or of a view, and the one that needs no capability.
    pub fn housekeeping(
        tenant: TenantId,
        connection: ConnectionId,
        operation: &'static Operation,
    ) -> Option<Self> {
        let looks_up = operation.effect == Effect::Read
            && (matches!(operation.answer, notion::catalogue::Answer::One(_))
                || LOOKED_AT.contains(&operation.name));
        looks_up.then_some(Self { tenant, connection, operation, effect: Effect::Read })
    }

    /// Leave for the gate to mirror the ledger: to look at the database that is meant for it, and to add
    /// rows. That the path names that database is for the mirror to see to.
    pub fn mirror(
        tenant: &TenantId,
        connection: ConnectionId,
        operation: &'static Operation,
    ) -> Option<Self> {
        let effect = operation.effect;
        let tenant = tenant.clone();
        let mirrors = MIRRORS.contains(&operation.name);
        mirrors.then_some(Self { tenant, connection, operation, effect })
    }
}

/// What the mirror of the ledger asks of Notion, by the names in the catalogue.
const MIRRORS: [&str; 4] =
    ["retrieve-a-database", "retrieve-a-data-source", "query-data-source", "post-page"];

/// The type of the column that holds a page's title.
const TITLE: &str = "title";

/// What else the gate looks at for itself, by the names in the catalogue.
const LOOKED_AT: [&str; 4] = [
    "get-view-query-results",
    "query-data-source",
    "retrieve-a-page-property",
    "retrieve-page-markdown",
];

/// Search, by its name in the catalogue.
const SEARCH: &str = "post-search";

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
    /// The same, where some of these are rows: at which place, and what is known of them, nearest first.
    InRows(Vec<Id>, Vec<(usize, Arc<Row>)>),
    /// Outside the tree, and made by this very caller (a file upload).
    Own,
    /// Nobody could find it.
    Unknown,
}

impl Place {
    /// Whether that is inside `scope`.
    pub fn lies_in(&self, scope: &Scope) -> bool {
        match self {
            Self::Path(path) | Self::InRows(path, _) => scope.covers(path),
            Self::Own => true,
            Self::Unknown => false,
        }
    }

    /// The object and what is above it, nearest first, if it stands in the tree.
    pub fn path(&self) -> Option<&[Id]> {
        match self {
            Self::Path(path) | Self::InRows(path, _) => Some(path),
            Self::Own | Self::Unknown => None,
        }
    }

    /// The row that it is itself, if it is known to be one.
    pub fn own_row(&self) -> Option<&Arc<Row>> {
        match self {
            Self::InRows(_, rows) => rows.iter().find(|(at, _)| *at == 0).map(|(_, row)| row),
            _ => None,
        }
    }

    /// The same object as a row with other values.
    pub fn as_row(self, row: Arc<Row>) -> Self {
        match self {
            Self::Path(path) => Self::InRows(path, vec![(0, row)]),
            Self::InRows(path, mut rows) => {
                rows.retain(|(at, _)| *at > 0);
                rows.insert(0, (0, row));
                Self::InRows(path, rows)
            }
            other => other,
        }
    }

    /// Where `id` stands if it stands in this place; as a row, if it is one. What stands nowhere in the tree
    /// holds nothing.
    pub fn holding(&self, id: Id, row: Option<Arc<Row>>) -> Self {
        let Some(above) = self.path() else { return Self::Unknown };
        let path = std::iter::once(id).chain(above.iter().copied()).collect();
        let rows = match self {
            Self::InRows(_, rows) => rows.as_slice(),
            _ => &[],
        };
        let rows = rows.iter().map(|(at, row)| (at + 1, row.clone()));
        let rows: Vec<_> = row.map(|row| (0, row)).into_iter().chain(rows).collect();
        if rows.is_empty() { Self::Path(path) } else { Self::InRows(path, rows) }
    }
}

/// How much of an object's path has to be known to decide about it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Depth {
    /// Nothing: it is the same wherever the object stands.
    Nothing,
    /// Up to the first root of the caller's scope.
    Root,
    /// Up to the top: policies of the tenant's own may name anything above.
    Top,
}

/// What a call touches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Aim {
    /// Every object that it names.
    pub targets: Vec<Target>,
    /// Whether it puts something at no named place: a new page at the top of the workspace, say.
    pub nowhere: bool,
}

/// What a caller sees. Made once for a call, and asked for every object of its answer.
#[derive(Clone)]
pub struct Sight {
    policies: Arc<Policies>,
    caller: Arc<Caller>,
    connection: ConnectionId,
    depth: Depth,
}

/// What a caller gets of a column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Showing {
    /// All of it.
    Whole,
    /// That it is there, without values; the policy that hides them.
    Masked(Rule),
    /// Nothing; the policy that hides it, if one does and not the want of one that permits.
    Hidden(Option<Rule>),
}

impl Sight {
    /// Whether there is nothing that the caller does not see.
    pub fn is_everything(&self) -> bool {
        self.is_every_object() && !self.has_column_rules()
    }

    /// Whether there is no object that the caller does not see. There may be columns.
    pub fn is_every_object(&self) -> bool {
        self.depth == Depth::Nothing
    }

    /// Whether policies could hide or mask columns from the caller.
    pub fn has_column_rules(&self) -> bool {
        [Action::SeeProperty, Action::ReadProperty].into_iter().any(|action| {
            let number = Actions::all().number(action);
            number.is_none_or(|number| self.caller.slice(&self.policies.rules, number).forbids)
        })
    }

    /// What the caller gets of a column of the table at `place`, some of which it sees.
    pub fn of_column(&self, place: &Place, column: Column<'_>) -> Showing {
        // It names the page everywhere, also where nobody speaks of columns.
        if column.kind == TITLE || !self.has_column_rules() {
            return Showing::Whole;
        }
        let Some(path) = place.path() else { return Showing::Hidden(None) };
        let about = About::Column { path, connection: self.connection, column };
        let decide = |action| self.policies.decide(&self.caller, action, about);
        let seen = decide(Action::SeeProperty);
        if !seen.allowed {
            return Showing::Hidden(seen.rule);
        }
        let read = decide(Action::ReadProperty);
        match read.rule {
            _ if read.allowed => Showing::Whole,
            Some(rule) => Showing::Masked(rule),
            None => Showing::Hidden(None),
        }
    }

    /// Whether something that moves from one place to another would get away from what a policy about columns
    /// names, and so from that policy.
    pub fn column_rules_name_above(&self, before: &Place, after: &Place) -> bool {
        let Some((before, after)) = before.path().zip(after.path()) else { return true };
        [Action::SeeProperty, Action::ReadProperty].into_iter().any(|action| {
            let Some(number) = Actions::all().number(action) else { return true };
            let slice = self.caller.slice(&self.policies.rules, number);
            let left = |id: &&Id| slice.named.contains(*id) && !after.contains(*id);
            slice.forbids && before.iter().any(|id| left(&id))
        })
    }

    /// Whether policies could name what is above the roots of the caller's scope, so that paths must go
    /// up to the top.
    pub fn needs_whole_paths(&self) -> bool {
        self.caller.has_own
    }

    /// Whether something may be hidden that stands in what is seen.
    pub fn has_holes(&self) -> bool {
        let see = Actions::all().number(Action::See);
        see.is_none_or(|see| self.caller.slice(&self.policies.rules, see).forbids)
    }

    /// The objects that policies about what is seen name, if some of those forbid.
    pub fn named(&self) -> Vec<Id> {
        let see = Actions::all().number(Action::See);
        let slice = see.map(|see| self.caller.slice(&self.policies.rules, see));
        let named = slice.filter(|slice| slice.forbids).map(|slice| &slice.named);
        let mut all: Vec<Id> = named.into_iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// Whether policies about what is seen name this object.
    pub fn names(&self, id: Id) -> bool {
        let see = Actions::all().number(Action::See);
        let slice = see.map(|see| self.caller.slice(&self.policies.rules, see));
        slice.is_none_or(|slice| slice.forbids && slice.named.contains(&id))
    }

    /// Whether what stands at `place` exists for the caller.
    pub fn sees(&self, place: &Place) -> bool {
        self.is_every_object() || self.policies.see(&self.caller, self.connection, place).allowed
    }

    /// Whether what is seen may depend on the values of rows.
    pub fn looks_at_rows(&self) -> bool {
        self.caller.looks_at_rows
    }

    /// A policy by which some of the rows of a table in that place may be hidden, and others not.
    pub fn row_rule(&self, table: &Place) -> Option<Rule> {
        let see = Actions::all().number(Action::See)?;
        let slice = self.caller.slice(&self.policies.rules, see);
        slice.row_rule(table.path().unwrap_or_default()).cloned()
    }

    /// The policy by which rows of what moves would not be judged any more.
    pub fn row_rule_left(&self, before: &Place, after: &Place) -> Option<Rule> {
        let see = Actions::all().number(Action::See)?;
        let slice = self.caller.slice(&self.policies.rules, see);
        slice.row.as_ref()?;
        let (before_path, after_path) = before.path().zip(after.path())?;
        let left = |id: &&Id| slice.named.contains(*id) && !after_path.contains(*id);
        before_path.iter().find(left).and_then(|_| self.row_rule(before))
    }

    /// The policy that hides what stands at `place`.
    pub fn hidden_by(&self, place: &Place) -> Option<Rule> {
        let seen = self.policies.see(&self.caller, self.connection, place);
        seen.rule.filter(|_| !seen.allowed)
    }
}

impl std::fmt::Debug for Sight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sight").field("depth", &self.depth).finish_non_exhaustive()
    }
}

/// A call that could be allowed, its places not yet looked at.
#[derive(Debug)]
pub struct Admission<'a> {
    principal: &'a Principal,
    sight: Sight,
    depth: Depth,
    operation: &'static Operation,
    effect: Effect,
}

impl Policies {
    /// Judges capabilities, and whether anything could permit the call.
    ///
    /// `needs_too` is what the body of the call asks for beyond the operation's own needs.
    pub fn admit<'a>(
        self: &Arc<Self>,
        principal: &'a Principal,
        operation: &'static Operation,
        effect: Effect,
        needs_too: Option<Capability>,
    ) -> Result<Admission<'a>, Refusal> {
        if operation.auth != Auth::Bearer {
            return Err(Refusal::NotForKeys { operation: operation.name });
        }
        let sight = self.sight(principal);
        let action = Action::Call(operation, effect);
        let number = Actions::all().number(action);
        let slice = number.map(|number| sight.caller.slice(&self.rules, number));
        let Some(slice) = slice.filter(|slice| slice.permits) else {
            return Err(unpermitted(principal, effect.into()));
        };
        if let Some(rule) = &slice.never {
            return Err(Refusal::Policy { rule: rule.clone() });
        }
        if !operation.needs.met_by(principal.capabilities) {
            return Err(Refusal::Capability { needs: operation.needs.to_string() });
        }
        if let Some(capability) = needs_too.filter(|it| !principal.capabilities.grants(*it)) {
            return Err(Refusal::Capability { needs: capability.to_string() });
        }
        let depth = sight.depth.max(self.depth(&sight.caller, action, principal.connection));
        Ok(Admission { principal, sight, depth, operation, effect })
    }

    /// What `principal` sees.
    pub fn sight(self: &Arc<Self>, principal: &Principal) -> Sight {
        let caller = self.caller(principal);
        let depth = self.depth(&caller, Action::See, principal.connection);
        Sight { policies: self.clone(), caller, connection: principal.connection, depth }
    }

    /// How much of an object's path has to be known before it can be decided whether the caller may
    /// do this to it.
    fn depth(&self, caller: &Caller, action: Action, connection: ConnectionId) -> Depth {
        let Some(number) = Actions::all().number(action) else { return Depth::Top };
        let slice = caller.slice(&self.rules, number);
        *slice.depth.get_or_init(|| {
            let anywhere = || {
                // Where nothing forbids and the built-in policies permit it nowhere in particular, they
                // permit it everywhere.
                let nowhere = About::Object { path: &[], own: false, connection, row: None };
                let decision = self.decide(caller, action, nowhere);
                decision.allowed && decision.rule.is_some_and(|rule| !rule.own)
            };
            if !slice.forbids && caller.scope.is_none() && anywhere() {
                Depth::Nothing
            } else if caller.has_own {
                Depth::Top
            } else {
                Depth::Root
            }
        })
    }

    /// Judges who may manage keys, connections, policies and the ledger: an admin whose key reaches
    /// everything. One that reaches a part could give itself the rest.
    pub fn manage(&self, principal: &Principal) -> Result<(), Refusal> {
        let decision = self.decide(&self.caller(principal), Action::Manage, About::Tenant);
        match decision.rule {
            _ if decision.allowed => Ok(()),
            Some(rule) => Err(Refusal::Policy { rule }),
            None if principal.role.grants(Permission::Manage) => Err(Refusal::ScopedManager),
            None => Err(unpermitted(principal, Permission::Manage)),
        }
    }

    /// Leave for one search in an access audit: it lists everything that `connection` reaches, so only
    /// who manages the tenant and sees all of it gets it. That the connection is the tenant's is for custody to see to.
    pub fn survey(
        self: &Arc<Self>,
        principal: &Principal,
        connection: ConnectionId,
    ) -> Result<Permit, Refusal> {
        self.manage(principal)?;
        // INVARIANT: the catalogue has search; a test says so.
        let operation = Operation::named(SEARCH).expect("the catalogue has search");
        let admission = self.admit(principal, operation, Effect::Read, None)?;
        // It lists objects, not what stands in columns.
        if !admission.sight.is_every_object() {
            return Err(Refusal::Partial);
        }
        let tenant = principal.tenant.clone();
        Ok(Permit { tenant, connection, operation, effect: Effect::Read })
    }
}

/// The refusal of what no policy permits: it takes another role.
fn unpermitted(principal: &Principal, permission: Permission) -> Refusal {
    Refusal::Role { role: principal.role, permission }
}

/// Whether a caller has a key of an auditor, who reads the ledger whatever the role.
pub fn is_auditor(principal: &Principal) -> bool {
    principal.key().is_some_and(|key| key.auditor)
}

/// Judges who may read the bodies that the ledger keeps: auditors, and the operator, who says who they are.
/// An admin may not by being one.
pub fn read_bodies(principal: &Principal) -> Result<(), Refusal> {
    let is_operator = matches!(principal.who, Who::Operator);
    if is_auditor(principal) || is_operator { Ok(()) } else { Err(Refusal::NotAuditor) }
}

/// Judges who may look after the whole installation: whoever can open the data directory.
pub fn operate(principal: &Principal) -> Result<(), Refusal> {
    match principal.who {
        Who::Operator => Ok(()),
        Who::Key(_) | Who::User(_) | Who::Gate | Who::Visitor => Err(Refusal::NotOperator),
    }
}

impl Admission<'_> {
    /// How much of the paths of the call's objects has to be known.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Whether a target in that place lets the call go on: if not, the others need not be looked up.
    pub fn lets(&self, place: &Place) -> bool {
        self.sight.sees(place) && self.decided(place).is_ok()
    }

    /// Judges the places of everything that the call touches. Where nothing has to be known of them the
    /// aim may be empty.
    pub fn reach(self, aim: &Aim) -> Result<Permit, Refusal> {
        for Target { kind, id, place } in &aim.targets {
            if !self.sight.sees(place) {
                return Err(Refusal::Scope { kind: *kind, id: *id });
            }
            self.decided(place)?;
        }
        if aim.nowhere || aim.targets.is_empty() {
            self.decided_of_workspace(aim.nowhere)?;
        }
        Ok(Permit {
            tenant: self.principal.tenant.clone(),
            connection: self.principal.connection,
            operation: self.operation,
            effect: self.effect,
        })
    }

    fn decided(&self, place: &Place) -> Result<(), Refusal> {
        if self.depth == Depth::Nothing {
            return Ok(());
        }
        let Sight { policies, caller, connection, .. } = &self.sight;
        let action = Action::Call(self.operation, self.effect);
        let decision = policies.at(caller, action, *connection, place);
        match decision.rule {
            _ if decision.allowed => Ok(()),
            Some(rule) => Err(Refusal::Policy { rule }),
            None => Err(unpermitted(self.principal, self.effect.into())),
        }
    }

    fn decided_of_workspace(&self, at_top: bool) -> Result<(), Refusal> {
        let Sight { policies, caller, connection, .. } = &self.sight;
        let action = Action::Call(self.operation, self.effect);
        let about = About::Workspace { connection: *connection, at_top };
        let decision = policies.decide(caller, action, about);
        match decision.rule {
            _ if decision.allowed => Ok(()),
            Some(rule) => Err(Refusal::Policy { rule }),
            None if at_top && caller.scope.is_some() => Err(Refusal::NoPlace),
            None => Err(unpermitted(self.principal, self.effect.into())),
        }
    }
}
