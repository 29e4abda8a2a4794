//! Who is calling, in Cedar's terms, with the policies that could ever apply.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, OnceLock};

use cedar_policy::{
    ActionConstraint, Entity, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint,
    ResourceConstraint, RestrictedExpression,
};
use model::user::UserId;
use model::{Key, Principal, Role, Scope, TenantId, Who};
use notion::Id;

use crate::permit::Depth;
use crate::row::RowProperties;
use crate::rules::{Checked, Rule, Rules};
use crate::schema::{ActionNumber, Actions, is_about_columns, uid};

/// A caller, made once for each version of its key.
pub(crate) struct Caller {
    /// Tells it from every other caller, and from itself before it changed.
    pub(crate) serial: u64,
    facts: Facts,
    pub(crate) uid: EntityUid,
    pub(crate) entity: Entity,
    /// Where it reaches; `None` for everywhere.
    pub(crate) scope: Option<Scope>,
    /// What the caller is in.
    parents: HashSet<EntityUid>,
    /// Whether any of the tenant's own policies could ever apply.
    pub(crate) has_own: bool,
    /// Whether one of those looks at rows.
    pub(crate) looks_at_rows: bool,
    slices: Box<[OnceLock<Slice>]>,
}

/// What a caller is made of; another caller is made when one of these changes.
#[derive(Clone, Debug)]
struct Facts {
    key: Option<Arc<Key>>,
    who: &'static str,
    /// What policies call `principal.name`.
    name: String,
    role: Role,
    tenant: TenantId,
    user: Option<UserId>,
    groups: Vec<String>,
    above: Arc<[Arc<Key>]>,
}

impl Facts {
    fn of(principal: &Principal) -> Self {
        let who = kind_of(principal);
        let key = match &principal.who {
            Who::Key(key) => Some(key.clone()),
            Who::User(_) | Who::Operator | Who::Gate | Who::Visitor => None,
        };
        Self {
            key,
            who,
            name: name_of(principal).to_owned(),
            role: principal.role,
            tenant: principal.tenant.clone(),
            user: principal.user_id(),
            groups: principal.groups().to_vec(),
            above: principal.above.clone(),
        }
    }

    fn are_those_of(&self, principal: &Principal) -> bool {
        let same_key = match (&self.key, &principal.who) {
            (Some(known), Who::Key(key)) => Arc::ptr_eq(known, key) || known == key,
            (None, _) => self.who == kind_of(principal),
            (Some(_), _) => false,
        };
        same_key
            && self.name == name_of(principal)
            && self.role == principal.role
            && self.tenant == principal.tenant
            && self.user == principal.user_id()
            && self.groups == principal.groups()
            && self.above == principal.above
    }
}

impl Caller {
    pub(crate) fn new(rules: &Rules, principal: &Principal, serial: u64) -> Self {
        let facts = Facts::of(principal);
        let mut parents = HashSet::from([uid("Role", principal.role.as_str())]);
        parents.extend(principal.groups().iter().map(|name| uid("Group", name)));
        let uid_of = match &principal.who {
            Who::Key(key) => {
                for above in principal.above.iter() {
                    parents.insert(uid("Key", above.id.as_str()));
                    parents.extend(for_whom(above));
                }
                parents.extend(for_whom(key));
                uid("Key", key.id.as_str())
            }
            Who::User(id) => uid("User", &id.to_string()),
            Who::Operator | Who::Gate | Who::Visitor => uid("Operator", facts.who),
        };
        let scope = principal.scope().cloned();
        let attributes = HashMap::from([
            ("name".to_owned(), RestrictedExpression::new_string(facts.name.clone())),
            ("everywhere".to_owned(), RestrictedExpression::new_bool(scope.is_none())),
        ]);
        let entity = Entity::new(uid_of.clone(), attributes, parents.clone())
            // INVARIANT: the attributes are plain values, none of which has to be computed.
            .expect("plain attributes");
        let slices = (0..Actions::all().len()).map(|_| OnceLock::new()).collect();
        let mut caller = Self {
            serial,
            facts,
            uid: uid_of,
            entity,
            scope,
            parents,
            has_own: false,
            looks_at_rows: false,
            slices,
        };
        let own = || rules.checked.iter().filter(|checked| checked.rule.own);
        caller.has_own = own().any(|checked| caller.fits(checked));
        caller.looks_at_rows = own().any(|checked| checked.row.is_some() && caller.fits(checked));
        caller
    }

    pub(crate) fn is(&self, principal: &Principal) -> bool {
        self.facts.are_those_of(principal)
    }

    pub(crate) fn tenant(&self) -> &str {
        self.facts.tenant.as_str()
    }

    /// The policies that could apply when the caller does this.
    pub(crate) fn slice(&self, rules: &Rules, action: ActionNumber) -> &Slice {
        self.slices[usize::from(action)].get_or_init(|| {
            let row = Actions::all().row(action);
            let mut slice = Slice::default();
            for checked in &rules.checked {
                let of_action = match checked.policy.action_constraint() {
                    ActionConstraint::Any => true,
                    ActionConstraint::Eq(wanted) => row.uid == wanted,
                    ActionConstraint::In(wanted) => wanted.iter().any(|wanted| row.is_in(wanted)),
                };
                // A column is of all rows: what goes by one of them says nothing of it.
                let never = checked.row.is_some() && is_about_columns(&row.uid);
                if of_action && !never && self.fits(checked) {
                    slice.add(checked);
                }
            }
            slice
        })
    }

    fn fits(&self, checked: &Checked) -> bool {
        // The tenant's own policies are for its keys and people.
        let is_theirs = self.facts.key.is_some() || self.facts.who == "user";
        if checked.rule.own && !is_theirs {
            return false;
        }
        let is_in = |wanted: &EntityUid| self.uid == *wanted || self.parents.contains(wanted);
        match checked.policy.principal_constraint() {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Eq(wanted) => self.uid == wanted,
            PrincipalConstraint::In(wanted) => is_in(&wanted),
            PrincipalConstraint::Is(kind) => *self.uid.type_name() == kind,
            PrincipalConstraint::IsIn(kind, wanted) => {
                *self.uid.type_name() == kind && is_in(&wanted)
            }
        }
    }
}

/// A word for what a caller showed.
fn kind_of(principal: &Principal) -> &'static str {
    match &principal.who {
        Who::Key(_) => "key",
        Who::User(_) => "user",
        Who::Operator => "operator",
        Who::Gate => "gate",
        Who::Visitor => "visitor",
    }
}

/// The name of a key, the address of a person.
fn name_of(principal: &Principal) -> &str {
    match &principal.who {
        Who::Key(key) => &key.name,
        Who::User(_) => principal.person.as_ref().map_or("", |person| &person.email),
        Who::Operator | Who::Gate | Who::Visitor => kind_of(principal),
    }
}

/// The user and the agent that a key is for.
fn for_whom(key: &Key) -> impl Iterator<Item = EntityUid> {
    let user = key.user.map(|user| uid("User", &user.to_string()));
    user.into_iter().chain(key.agent.as_deref().map(|agent| uid("Agent", agent)))
}

/// An object of Notion's.
pub(crate) fn object(id: Id) -> EntityUid {
    uid("Object", &id.to_string())
}

/// The policies that could apply to one caller and one action. Cedar has no index: what is left out
/// here costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// Those that name no object.
    pub(crate) always: PolicySet,
    /// Those that name one, by its id.
    pub(crate) placed: HashMap<Id, Vec<Policy>>,
    /// Every object that one of them names, in whatever place.
    pub(crate) named: HashSet<Id>,
    /// Whether any permits.
    pub(crate) permits: bool,
    /// Whether one that forbids is.
    pub(crate) forbids: bool,
    /// Whether any may look at the context.
    pub(crate) asks_context: bool,
    /// How much of an object's path has to be known to decide.
    pub(crate) depth: OnceLock<Depth>,
    /// One that forbids everything that it is asked about.
    pub(crate) never: Option<Rule>,
    /// The properties of rows that they name; `None` if none of them looks at rows.
    pub(crate) row: Option<RowProperties>,
    /// One that looks at rows, for each object that such policies name; `None` stands for everywhere.
    rows_of: HashMap<Option<Id>, Rule>,
}

impl Slice {
    fn add(&mut self, checked: &Checked) {
        let Checked { rule, policy, forbids, row } = checked;
        self.permits |= !forbids;
        self.forbids |= forbids;
        // The word may stand in a text, too: then something is decided once more than needed.
        self.asks_context |= policy.to_cedar().is_none_or(|text| text.contains("context"));
        let resource = policy.resource_constraint();
        let literals = policy.entity_literals();
        self.named.extend(literals.iter().filter_map(id_of));
        if *forbids
            && resource == ResourceConstraint::Any
            && !policy.has_non_scope_constraint()
            && self.never.is_none()
        {
            self.never = Some(rule.clone());
        }
        let named = match &resource {
            ResourceConstraint::Eq(named)
            | ResourceConstraint::In(named)
            | ResourceConstraint::IsIn(_, named) => id_of(named),
            ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
        };
        if let Some(properties) = row {
            self.row.get_or_insert_default().extend(properties.iter().cloned());
            self.rows_of.entry(named).or_insert_with(|| rule.clone());
        }
        match named {
            Some(id) => {
                self.named.insert(id);
                self.placed.entry(id).or_default().push(policy.clone());
            }
            None => {
                // INVARIANT: the names were found to be different when the policies were checked.
                self.always.add(policy.clone()).expect("names differ");
            }
        }
    }

    /// A policy that goes by the values of rows where these objects are on the path, if one could.
    pub(crate) fn row_rule(&self, path: &[Id]) -> Option<&Rule> {
        let places = std::iter::once(None).chain(path.iter().copied().map(Some));
        places.into_iter().find_map(|place| self.rows_of.get(&place))
    }

    /// The policies that could apply where these objects are on the path, if some of them name one.
    pub(crate) fn on<'a>(&self, path: impl Iterator<Item = &'a Id>) -> Option<PolicySet> {
        let mut named = path.filter_map(|id| self.placed.get(id)).flatten().peekable();
        named.peek()?;
        let mut set = self.always.clone();
        for policy in named {
            // A path names nothing twice; if it did, the policy would be there already.
            let _ = set.add(policy.clone());
        }
        Some(set)
    }
}

/// The id of an object of Notion's.
fn id_of(named: &EntityUid) -> Option<Id> {
    static OBJECT: LazyLock<EntityTypeName> = LazyLock::new(|| object(Id::NIL).type_name().clone());
    (*named.type_name() == *OBJECT).then(|| Id::parse(named.id().unescaped())).flatten()
}
