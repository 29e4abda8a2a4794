//! Cedar's answers against a plain re-implementation of what a role, a scope and a few policies say.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;

use jiff::Timestamp;
use model::role::Permission;
use model::{Budget, ConnectionId, Key, KeyId, Principal, Role, Scope, TenantId};
use notion::catalogue::{Auth, OPERATIONS};
use notion::{Capabilities, Effect, Id, Kind, Operation};
use policy::{Aim, Outcome as Decision, Place, Policies, Refusal, Target};
use proptest::prelude::*;

fn id(number: usize) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

/// What a policy of the tenant's own says, in its plain form.
#[derive(Clone, Debug)]
struct Own {
    permits: bool,
    /// `None` for everybody.
    who: Option<Who>,
    what: What,
    /// `None` for everywhere.
    at: Option<usize>,
}

#[derive(Clone, Debug)]
enum Who {
    Key(usize),
    Role(Role),
}

#[derive(Clone, Debug)]
enum What {
    Everything,
    Group(Permission),
    Operation(&'static Operation, Effect),
    See,
}

impl Own {
    fn text(&self, number: usize) -> String {
        let effect = if self.permits { "permit" } else { "forbid" };
        let who = match &self.who {
            None => "principal".to_owned(),
            Some(Who::Key(key)) => format!("principal in Key::\"{}\"", key_id(*key)),
            Some(Who::Role(role)) => format!("principal in Role::\"{role}\""),
        };
        let what = match &self.what {
            What::Everything => "action".to_owned(),
            What::Group(group) => format!("action in Action::\"{}\"", group.as_str()),
            What::See => "action == Action::\"see\"".to_owned(),
            What::Operation(operation, effect) => {
                let deletes = *effect == Effect::Destroy && operation.effect != Effect::Destroy;
                let delete = if deletes { "/delete" } else { "" };
                format!("action == Action::\"{}{delete}\"", operation.name)
            }
        };
        let at = match self.at {
            None => "resource".to_owned(),
            Some(at) => format!("resource in Object::\"{}\"", id(at)),
        };
        format!("@id(\"own-{number}\")\n{effect} ({who}, {what}, {at});\n")
    }

    /// `action` is `None` for `see`.
    fn applies(&self, key: usize, role: Role, action: Option<Call>, path: &[usize]) -> bool {
        let who = match &self.who {
            None => true,
            Some(Who::Key(wanted)) => *wanted == key,
            Some(Who::Role(wanted)) => *wanted == role,
        };
        let permission = action.map_or(Permission::Read, |call| call.effect.into());
        let what = match &self.what {
            What::Everything => true,
            What::Group(group) => *group == permission,
            What::See => action.is_none(),
            What::Operation(operation, effect) => action.is_some_and(|call| {
                call.operation.name == operation.name && call.effect == *effect
            }),
        };
        who && what && self.at.is_none_or(|at| path.contains(&at))
    }
}

#[derive(Clone, Copy, Debug)]
struct Call {
    operation: &'static Operation,
    effect: Effect,
}

fn key_id(number: usize) -> String {
    format!("abcdefghijk{number}")
}

fn principal(number: usize, role: Role, within: &[usize]) -> Principal {
    let key = Arc::new(Key {
        id: KeyId::parse(&key_id(number)).unwrap(),
        name: "test".into(),
        tenant: TenantId::default(),
        connection: None,
        role,
        within: Scope::new(within.iter().map(|number| id(*number)).collect()),
        capabilities: Capabilities::ALL,
        budget: Budget::default(),
        user: None,
        agent: None,
        parent: None,
        may_delegate: false,
        tools: None,
        auditor: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "test".into(),
        expires_at: None,
        revoked_at: None,
    });
    Principal::of_key(key, ConnectionId(id(0)))
}

/// What should come out: allowed, refused, hidden.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Allowed,
    Refused,
    Hidden,
}

/// What comes of a call, and by which rule.
fn plainly(
    own: &[Own],
    key: usize,
    role: Role,
    within: &[usize],
    call: Call,
    path: &[usize],
) -> (Outcome, String) {
    let inside = within.is_empty() || path.iter().any(|at| within.contains(at));
    let first = |permits: bool, applies: &dyn Fn(&Own) -> bool| {
        let found = own.iter().position(|own| own.permits == permits && applies(own));
        found.map(|number| format!("own-{number}"))
    };
    // Whether anything could permit it, and whether something forbids it everywhere, is known before
    // anything is looked up.
    let anywhere: Vec<usize> = (0..20).collect();
    let could = role.grants(call.effect.into())
        || first(true, &|own| own.applies(key, role, Some(call), &anywhere)).is_some();
    if !could {
        return (Outcome::Refused, "role".to_owned());
    }
    let never = first(false, &|own| own.at.is_none() && own.applies(key, role, Some(call), path));
    if let Some(never) = never {
        return (Outcome::Refused, never);
    }
    let may = |action: Option<Call>, otherwise: &str| {
        let permission = action.map_or(Permission::Read, |call| call.effect.into());
        let of = |permits| first(permits, &|own| own.applies(key, role, action, path));
        let built_in = (role.grants(permission) && inside).then(|| role.to_string());
        match (of(false), built_in.or_else(|| of(true))) {
            (Some(forbids), _) => Err(forbids),
            (None, Some(permits)) => Ok(permits),
            (None, None) => Err(otherwise.to_owned()),
        }
    };
    match (may(None, "scope"), may(Some(call), "role")) {
        (Err(rule), _) => (Outcome::Hidden, rule),
        (Ok(_), Err(rule)) => (Outcome::Refused, rule),
        (Ok(_), Ok(rule)) => (Outcome::Allowed, rule),
    }
}

fn by_cedar(policies: &Arc<Policies>, caller: &Principal, call: Call, path: &[usize]) -> Outcome {
    let path: Vec<Id> = path.iter().map(|number| id(*number)).collect();
    let target = Target { kind: Kind::Page, id: path[0], place: Place::Path(path) };
    let aim = Aim { targets: vec![target], nowhere: false };
    let admitted = policies.admit(caller, call.operation, call.effect, None);
    match admitted.and_then(|admission| admission.reach(&aim)) {
        Ok(_) => Outcome::Allowed,
        Err(Refusal::Scope { .. }) => Outcome::Hidden,
        Err(Refusal::Role { .. } | Refusal::Policy { .. }) => Outcome::Refused,
        Err(other) => panic!("{other}"),
    }
}

fn all_calls() -> Vec<Call> {
    let mut all = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.auth == Auth::Bearer) {
        if matches!(
            operation.name,
            "create-view-query"
                | "get-view-query-results"
                | "query-meeting-notes"
                | "retrieve-async-task"
        ) {
            continue;
        }
        all.push(Call { operation, effect: operation.effect });
        if !operation.triggers.is_empty() {
            all.push(Call { operation, effect: Effect::Destroy });
        }
    }
    all
}

fn calls() -> impl Strategy<Value = Call> {
    proptest::sample::select(all_calls())
}

fn roles() -> impl Strategy<Value = Role> {
    proptest::sample::select(Role::ALL.to_vec())
}

fn owns() -> impl Strategy<Value = Own> {
    let who = prop_oneof![
        Just(None),
        (0..3_usize).prop_map(|key| Some(Who::Key(key))),
        roles().prop_map(|role| Some(Who::Role(role))),
    ];
    let groups = vec![Permission::Read, Permission::Write, Permission::Delete];
    let what = prop_oneof![
        Just(What::Everything),
        Just(What::See),
        proptest::sample::select(groups).prop_map(What::Group),
        calls().prop_map(|call| What::Operation(call.operation, call.effect)),
    ];
    (any::<bool>(), who, what, proptest::option::weighted(0.8, 0..12_usize))
        .prop_map(|(permits, who, what, at)| Own { permits, who, what, at })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cedar_says_what_the_plain_rules_say(
        own in proptest::collection::vec(owns(), 0..8),
        asked in proptest::collection::vec(
            (
                0..3_usize,
                roles(),
                proptest::collection::vec(0..12_usize, 0..3),
                calls(),
                proptest::sample::subsequence((0..12_usize).collect::<Vec<_>>(), 1..6),
            ),
            1..12,
        ),
    ) {
        let text: String = own.iter().enumerate().map(|(number, own)| own.text(number)).collect();
        let policies = Arc::new(Policies::with_own(&text).map_err(|faults| {
            TestCaseError::fail(format!("{faults}\n{text}"))
        })?);
        for (key, role, within, call, path) in &asked {
            let caller = principal(*key, *role, within);
            let (expected, _) = plainly(&own, *key, *role, within, *call, path);
            // Twice: decided, and remembered.
            for _ in 0..2 {
                let found = by_cedar(&policies, &caller, *call, path);
                prop_assert_eq!(&found, &expected, "{} {:?} {:?}\n{}", call.operation.name, caller, path, text);
            }
            let place = Place::Path(path.iter().map(|number| id(*number)).collect());
            let sight = policies.sight(&caller);
            let whole = sight.is_everything();
            prop_assert!(!whole || sight.sees(&place));
        }
    }
}

/// Two hundred cases, the same at each run: the decision, whether it hides, and the rule by name.
#[test]
fn explanations_are_true() {
    let mut random = fastrand::Rng::with_seed(5);
    let calls: Vec<Call> = all_calls();
    let roles = Role::ALL;
    let groups = [Permission::Read, Permission::Write, Permission::Delete];
    let mut seen = [0; 3];
    for case in 0..200 {
        let own: Vec<Own> = (0..random.usize(0..8))
            .map(|_| Own {
                permits: random.bool(),
                who: match random.u8(0..3) {
                    0 => None,
                    1 => Some(Who::Key(random.usize(0..3))),
                    _ => Some(Who::Role(roles[random.usize(0..3)])),
                },
                what: match random.u8(0..5) {
                    0 => What::Everything,
                    1 => What::See,
                    2 => {
                        let call = calls[random.usize(0..calls.len())];
                        What::Operation(call.operation, call.effect)
                    }
                    _ => What::Group(groups[random.usize(0..3)]),
                },
                at: (random.u8(0..5) > 0).then(|| random.usize(0..12)),
            })
            .collect();
        let text: String = own.iter().enumerate().map(|(number, own)| own.text(number)).collect();
        let policies = Arc::new(Policies::with_own(&text).unwrap());
        let (key, role) = (random.usize(0..3), roles[random.usize(0..3)]);
        let within: Vec<usize> = (0..random.usize(0..3)).map(|_| random.usize(0..12)).collect();
        let mut path: Vec<usize> = (0..12).filter(|_| random.u8(0..3) == 0).collect();
        path.push(12);
        let call = calls[random.usize(0..calls.len())];

        let ids: Vec<Id> = path.iter().map(|number| id(*number)).collect();
        let target = Target { kind: Kind::Page, id: ids[0], place: Place::Path(ids) };
        let aim = Aim { targets: vec![target], nowhere: false };
        let caller = principal(key, role, &within);
        let found = policies.explain(&caller, call.operation, call.effect, None, &aim);
        let (expected, rule) = plainly(&own, key, role, &within, call, &path);
        let outcome = match (found.decision, found.hidden) {
            (Decision::Allow, false) => Outcome::Allowed,
            (Decision::Deny, false) => Outcome::Refused,
            (Decision::Deny, true) => Outcome::Hidden,
            (Decision::Allow, true) => panic!("allowed and hidden"),
        };
        seen[outcome as usize] += 1;
        assert_eq!((&outcome, &found.rule), (&expected, &rule), "case {case}\n{caller:?}\n{text}");
        assert_eq!(found.needed.is_some(), outcome != Outcome::Allowed, "{found:?}");
        assert!(!found.because.is_empty());
    }
    assert!(seen.iter().all(|count| *count > 20), "the cases are of all sorts: {seen:?}");
}

#[test]
fn nothing_of_another_key_or_role_is_remembered() {
    let policies = Arc::new(Policies::built_in());
    let call = Call { operation: Operation::named("patch-page").unwrap(), effect: Effect::Write };
    for _ in 0..2 {
        for (key, role, within, expected) in [
            (1, Role::Viewer, vec![], Outcome::Refused),
            (1, Role::Editor, vec![], Outcome::Allowed),
            (1, Role::Editor, vec![7], Outcome::Hidden),
            (2, Role::Editor, vec![3], Outcome::Allowed),
            (1, Role::Admin, vec![5], Outcome::Hidden),
        ] {
            let caller = principal(key, role, &within);
            assert_eq!(by_cedar(&policies, &caller, call, &[4, 3]), expected, "{role} {within:?}");
        }
    }
    // The same key, held to less by its user's role.
    let caller = principal(1, Role::Editor, &[]);
    assert_eq!(by_cedar(&policies, &caller, call, &[4, 3]), Outcome::Allowed);
    let less = caller.at_most(Role::Viewer);
    assert_eq!(by_cedar(&policies, &less, call, &[4, 3]), Outcome::Refused);
}
