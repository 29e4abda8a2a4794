//! Decisions: Cedar asked about one caller, one action and one place, and the answer remembered.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision as Verdict, Entities, Entity, EntityUid,
    Request, RestrictedExpression,
};
use model::{ConnectionId, KeyId, Principal, TenantId, Who};
use notion::Id;
use quick_cache::sync::Cache;

use crate::caller::{Caller, Slice, object};
use crate::permit::Place;
use crate::row::{Row, RowProperties};
use crate::rules::{Checked, Faults, Rule, Rules};
use crate::schema::{Action, ActionNumber, Actions, uid};

/// Callers that are kept ready.
const CALLERS_MAX: usize = 2_000;
/// Decisions that are remembered.
const DECISIONS_MAX: usize = 20_000;

/// The policies in force for a tenant. A change of policies makes another of these, so everything that
/// was remembered goes with the old.
pub struct Policies {
    pub(crate) rules: Arc<Rules>,
    authorizer: Authorizer,
    callers: Cache<CallerName, Arc<Caller>>,
    serials: AtomicU64,
    memory: Cache<(u64, ActionNumber, Matter), Decision>,
}

/// What was decided, and by which policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The policy that decided; `None` if it is refused because none permits it.
    pub rule: Option<Rule>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum CallerName {
    Key(KeyId),
    User(model::user::UserId),
    Other(&'static str, TenantId),
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    /// An object and what is above it, nearest first; `own` if it stands nowhere and is the caller's.
    /// With what is known of the row that it stands in, if it stands in one.
    Object { path: &'a [Id], own: bool, connection: ConnectionId, row: Option<&'a Row> },
    /// A column of the table at the beginning of the path.
    Column { path: &'a [Id], connection: ConnectionId, column: Column<'a> },
    /// The workspace as a whole, or its top.
    Workspace { connection: ConnectionId, at_top: bool },
    /// The tenant itself.
    Tenant,
}

/// What of a place matters to a decision: of the path only what policies name. So everything in a subtree
/// that no policy divides is decided once.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Matter {
    sort: Sort,
    connection: ConnectionId,
    /// The object itself, if a policy names it.
    itself: Option<Id>,
    /// What policies name of what is above it.
    above: Vec<Id>,
    /// What policies look at of the row.
    row: Option<Row>,
    /// The column, if policies look at what it is.
    column: Option<[Box<str>; 3]>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Sort {
    Object { inside: bool },
    Workspace { at_top: bool },
    Tenant,
}

/// A column of a table, as far as policies know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its id, as answers show it.
    pub id: &'a str,
    /// Its type, in Notion's word.
    pub kind: &'a str,
}

impl Column<'_> {
    fn told(&self) -> impl Iterator<Item = (String, RestrictedExpression)> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        [("property", self.name), ("property_id", self.id), ("property_type", self.kind)]
            .map(|(name, value)| (name.to_owned(), text(value)))
            .into_iter()
    }
}

impl Matter {
    fn new(caller: &Caller, slice: &Slice, about: About<'_>) -> Self {
        let (sort, connection, path, row) = match about {
            About::Object { path, own, connection, row } => {
                let inside = own || caller.scope.as_ref().is_none_or(|scope| scope.covers(path));
                (Sort::Object { inside }, connection, path, row)
            }
            About::Column { path, connection, .. } => {
                let inside = caller.scope.as_ref().is_none_or(|scope| scope.covers(path));
                (Sort::Object { inside }, connection, path, None)
            }
            About::Workspace { connection, at_top } => {
                (Sort::Workspace { at_top }, connection, [].as_slice(), None)
            }
            About::Tenant => (Sort::Tenant, ConnectionId::NONE, [].as_slice(), None),
        };
        let row = row.zip(slice.row.as_ref()).map(|(row, properties)| row.only(properties));
        let named = |id: &&Id| slice.named.contains(*id);
        let (itself, above) = path.split_first().unzip();
        let above = above.unwrap_or_default().iter().filter(named).copied().collect();
        let column = match about {
            About::Column { column: Column { name, id, kind }, .. } if slice.asks_context => {
                Some([name, id, kind].map(Box::from))
            }
            _ => None,
        };
        Self { sort, connection, itself: itself.filter(named).copied(), above, row, column }
    }

    /// The objects that policies name.
    fn named(&self) -> impl Iterator<Item = &Id> {
        self.itself.iter().chain(&self.above)
    }

    /// The entity that it is to Cedar. Everything above an object is named as its parent, so that nothing
    /// but the object itself has to be told.
    fn entity(&self, caller: &Caller) -> Entity {
        let workspace = uid("Workspace", &self.connection.to_string());
        match self.sort {
            Sort::Object { inside } => {
                let itself = self.itself.unwrap_or(Id::NIL);
                let above = self.above.iter().filter(|id| **id != itself);
                let mut above: HashSet<EntityUid> = above.map(|id| object(*id)).collect();
                above.insert(workspace);
                let inside = RestrictedExpression::new_bool(inside);
                let mut attributes = HashMap::from([("inside".to_owned(), inside)]);
                if self.row.is_some() {
                    let row = RestrictedExpression::new_entity_uid(row_uid());
                    attributes.insert("row".to_owned(), row);
                }
                // INVARIANT: a truth value has not to be computed.
                Entity::new(object(itself), attributes, above).expect("a plain attribute")
            }
            Sort::Workspace { .. } => Entity::new_no_attrs(workspace, HashSet::new()),
            Sort::Tenant => Entity::new_no_attrs(uid("Tenant", caller.tenant()), HashSet::new()),
        }
    }

    /// The row, with the values that could be read.
    fn row_entity(&self) -> Option<Entity> {
        let tags = self.row.as_ref()?.readable().map(|(name, values)| {
            let values = values.iter().cloned().map(RestrictedExpression::new_string);
            (name.clone(), RestrictedExpression::new_set(values))
        });
        let (attributes, parents) = (HashMap::new(), HashSet::new());
        // INVARIANT: texts have not to be computed.
        Some(Entity::new_with_tags(row_uid(), attributes, parents, tags).expect("plain tags"))
    }
}

/// Of several rows on a path the nearest is told, so one name is enough.
fn row_uid() -> EntityUid {
    uid("Row", "nearest")
}

impl Policies {
    /// The built-in policies alone.
    pub fn built_in() -> Self {
        Self::of(Rules::built_in())
    }

    /// The built-in policies and those of `text`.
    pub fn with_own(text: &str) -> Result<Self, Faults> {
        Ok(Self::of(Arc::new(Rules::with_own(text)?)))
    }

    /// The same, but nothing is remembered: to measure what remembering saves.
    pub fn forgetful(self) -> Self {
        Self { memory: Cache::new(0), ..self }
    }

    fn of(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            authorizer: Authorizer::new(),
            callers: Cache::new(CALLERS_MAX),
            serials: AtomicU64::new(0),
            memory: Cache::new(DECISIONS_MAX),
        }
    }

    /// Every policy in force: the built-in ones first, then the tenant's own in the order of their text.
    pub fn list(&self) -> impl Iterator<Item = (&Rule, bool)> {
        self.rules.checked.iter().map(|checked| (&checked.rule, checked.forbids))
    }

    /// The properties of rows that the tenant's own policies name, for whomever; `None` if none of them
    /// looks at rows.
    pub fn row_properties(&self) -> Option<&Arc<RowProperties>> {
        self.rules.row_properties.as_ref()
    }

    pub(crate) fn caller(&self, principal: &Principal) -> Arc<Caller> {
        let name = match &principal.who {
            Who::Key(key) => CallerName::Key(key.id.clone()),
            Who::User(id) => CallerName::User(*id),
            Who::Operator => CallerName::Other("operator", principal.tenant.clone()),
            Who::Gate => CallerName::Other("gate", principal.tenant.clone()),
            Who::Visitor => CallerName::Other("visitor", principal.tenant.clone()),
        };
        if let Some(known) = self.callers.get(&name).filter(|known| known.is(principal)) {
            return known;
        }
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let caller = Arc::new(Caller::new(&self.rules, principal, serial));
        self.callers.insert(name, caller.clone());
        caller
    }

    /// Decides, or remembers. An action that does not exist is refused.
    pub(crate) fn decide(&self, caller: &Caller, action: Action, about: About<'_>) -> Decision {
        let Some(action) = Actions::all().number(action) else {
            return Decision { allowed: false, rule: None };
        };
        let slice = caller.slice(&self.rules, action);
        let asked = (caller.serial, action, Matter::new(caller, slice, about));
        if let Some(known) = self.memory.get(&asked) {
            return known;
        }
        let decision = self.decide_anew(caller, action, slice, &asked.2, about);
        self.memory.insert(asked, decision.clone());
        decision
    }

    /// Asks Cedar. A policy that cannot be evaluated refuses: skipped, as Cedar would, it might have been
    /// the one that forbids.
    fn decide_anew(
        &self,
        caller: &Caller,
        action: ActionNumber,
        slice: &Slice,
        matter: &Matter,
        about: About<'_>,
    ) -> Decision {
        let refused = Decision { allowed: false, rule: None };
        let placed = slice.on(matter.named());
        let mut policies = Cow::Borrowed(placed.as_ref().unwrap_or(&slice.always));
        if let Some(row) = &matter.row {
            let looks = |checked: &&Checked| {
                let mut properties = checked.row.iter().flatten();
                properties.any(|property| row.is_unreadable(property))
                    && policies.policy(checked.policy.id()).is_some()
            };
            // What cannot be read does not permit, and may be what is forbidden.
            let blind: Vec<_> = self.rules.checked.iter().filter(looks).collect();
            if let Some(checked) = blind.iter().find(|checked| checked.forbids) {
                return Decision { allowed: false, rule: Some(checked.rule.clone()) };
            }
            for checked in blind {
                if policies.to_mut().remove_static(checked.policy.id().clone()).is_err() {
                    return refused;
                }
            }
        }
        let row = Actions::all().row(action);
        let at_top = matches!(matter.sort, Sort::Workspace { at_top: true });
        let mut told = vec![("at_top".to_owned(), RestrictedExpression::new_bool(at_top))];
        if let About::Column { column, .. } = about {
            told.extend(column.told());
        }
        let Ok(context) = Context::from_pairs(told) else { return refused };
        let resource = matter.entity(caller);
        let resource_uid = resource.uid();
        let entities = [caller.entity.clone(), row.entity.clone(), resource];
        let entities = entities.into_iter().chain(matter.row_entity());
        let Ok(entities) = Entities::from_entities(entities, None) else { return refused };
        let request =
            Request::new(caller.uid.clone(), row.uid.clone(), resource_uid, context, None);
        let Ok(request) = request else { return refused };
        let answer = self.authorizer.is_authorized(&request, &policies, &entities);
        let diagnostics = answer.diagnostics();
        if let Some(AuthorizationError::PolicyEvaluationError(error)) = diagnostics.errors().next()
        {
            let ids = |checked: &&Checked| checked.policy.id() == error.policy_id();
            let rule = self.rules.checked.iter().find(ids);
            return Decision { allowed: false, rule: rule.map(|checked| checked.rule.clone()) };
        }
        // Of several the first in the order of the policies is named, so that answers do not vary.
        let rule = self
            .rules
            .checked
            .iter()
            .find(|checked| diagnostics.reason().any(|id| *id == *checked.policy.id()));
        Decision {
            allowed: answer.decision() == Verdict::Allow,
            rule: rule.map(|checked| checked.rule.clone()),
        }
    }

    /// Decides about an object.
    pub(crate) fn at(
        &self,
        caller: &Caller,
        action: Action,
        connection: ConnectionId,
        place: &Place,
    ) -> Decision {
        match place {
            Place::Path(path) => self.decide(
                caller,
                action,
                About::Object { path, own: false, connection, row: None },
            ),
            Place::InRows(path, rows) => {
                let row = rows.first().map(|(_, row)| &**row);
                self.decide(caller, action, About::Object { path, own: false, connection, row })
            }
            Place::Own => {
                let about = About::Object { path: &[], own: true, connection, row: None };
                self.decide(caller, action, about)
            }
            Place::Unknown => Decision { allowed: false, rule: None },
        }
    }

    /// Decides whether an object is there at all. What stands in a row that policies take away is gone with
    /// it, whatever row it stands in there.
    pub(crate) fn see(&self, caller: &Caller, connection: ConnectionId, place: &Place) -> Decision {
        if let Place::InRows(path, rows) = place {
            for (at, row) in rows.iter().rev().filter(|(at, _)| *at > 0) {
                let path = path.get(*at..).unwrap_or_default();
                let about = About::Object { path, own: false, connection, row: Some(row) };
                let decision = self.decide(caller, Action::See, about);
                // That nothing permits to see it (it is outside a scope) does not take it away.
                if !decision.allowed && decision.rule.is_some() {
                    return decision;
                }
            }
        }
        self.at(caller, Action::See, connection, place)
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies")
            .field("policies", &self.rules.checked.len())
            .finish_non_exhaustive()
    }
}
