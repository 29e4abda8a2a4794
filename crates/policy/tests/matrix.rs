//! The role × operation matrix as a golden file, and the rules of scope.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use model::{Budget, ConnectionId, Key, KeyId, Principal, Role, Scope, TenantId};
use notion::catalogue::OPERATIONS;
use notion::{Capabilities, Capability, Effect, Id, Kind, Operation};
use policy::{Admission, Aim, Permit, Place, Policies, Refusal, Target};

fn id(number: u8) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

fn principal(role: Role, within: &[Id], capabilities: Capabilities) -> Principal {
    let key = Arc::new(Key {
        id: KeyId::parse("abcdefghijkl").unwrap(),
        name: "test".into(),
        tenant: TenantId::default(),
        connection: None,
        role,
        within: Scope::new(within.to_vec()),
        capabilities,
        budget: Budget::default(),
        user: None,
        parent: None,
        may_delegate: false,
        tools: None,
        agent: None,
        auditor: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "test".into(),
        expires_at: None,
        revoked_at: None,
    });
    Principal::of_key(key, ConnectionId(id(0)))
}

fn admit<'a>(
    caller: &'a Principal,
    operation: &'static Operation,
    effect: Effect,
    needs_too: Option<Capability>,
) -> Result<Admission<'a>, Refusal> {
    Arc::new(Policies::built_in()).admit(caller, operation, effect, needs_too)
}

fn manage(caller: &Principal) -> Result<(), Refusal> {
    Policies::built_in().manage(caller)
}

#[test]
fn role_by_operation() {
    let mut table = String::new();
    let word = |role, operation: &'static Operation, effect| {
        let caller = principal(role, &[], Capabilities::ALL);
        if admit(&caller, operation, effect, None).is_ok() { "yes" } else { "no" }
    };
    writeln!(
        table,
        "{:<28}{:<10}{:<8}{:<8}{:<8}needs",
        "operation", "effect", "viewer", "editor", "admin"
    )
    .unwrap();
    for operation in OPERATIONS {
        let mut effects = vec![operation.effect];
        if !operation.triggers.is_empty() {
            effects.push(Effect::Destroy);
        }
        for effect in effects {
            let [viewer, editor, admin] = Role::ALL.map(|role| word(role, operation, effect));
            let effect = format!("{effect:?}").to_lowercase();
            let line = format!(
                "{:<28}{effect:<10}{viewer:<8}{editor:<8}{admin:<8}{}",
                operation.name, operation.needs
            );
            writeln!(table, "{}", line.trim_end()).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn managing_needs_an_admin() {
    for (role, allowed) in [(Role::Viewer, false), (Role::Editor, false), (Role::Admin, true)] {
        let caller = principal(role, &[], Capabilities::ALL);
        assert_eq!(manage(&caller).is_ok(), allowed, "{role}");
    }
    let scoped = principal(Role::Admin, &[id(1)], Capabilities::ALL);
    assert_eq!(manage(&scoped), Err(Refusal::ScopedManager));
}

#[test]
fn each_capability_is_needed_where_the_catalogue_says() {
    for operation in OPERATIONS {
        let none = principal(Role::Admin, &[], Capabilities::NONE);
        if operation.auth != notion::catalogue::Auth::Bearer {
            continue;
        }
        let asks = !operation.needs.met_by(Capabilities::NONE);
        assert_eq!(
            admit(&none, operation, operation.effect, None).is_err(),
            asks,
            "{}",
            operation.name
        );
    }
    let reader = principal(Role::Admin, &[], [Capability::ReadContent].into_iter().collect());
    let update = Operation::named("patch-page").unwrap();
    let refusal = admit(&reader, update, Effect::Write, None).unwrap_err();
    assert_eq!(refusal.reason(), "capability");
    assert_eq!(refusal.to_string(), "the key lacks a capability: the call needs update_content");
    let updater = principal(Role::Admin, &[], [Capability::UpdateContent].into_iter().collect());
    let inserts = Some(Capability::InsertContent);
    assert!(admit(&updater, update, Effect::Write, None).is_ok());
    assert!(admit(&updater, update, Effect::Write, inserts).is_err());
}

#[test]
fn a_scope_covers_subtrees_and_nothing_else() {
    let retrieve = Operation::named("retrieve-a-page").unwrap();
    let caller = principal(Role::Viewer, &[id(1)], Capabilities::ALL);
    let judge = |path: &[Id]| {
        let target = Target { kind: Kind::Page, id: id(9), place: Place::Path(path.to_vec()) };
        admit(&caller, retrieve, Effect::Read, None)
            .unwrap()
            .reach(&Aim { targets: vec![target], nowhere: false })
    };
    assert!(judge(&[id(1)]).is_ok());
    assert!(judge(&[id(9), id(5), id(1), id(7)]).is_ok());
    let outside = Refusal::Scope { kind: Kind::Page, id: id(9) };
    assert_eq!(judge(&[id(9), id(7)]).unwrap_err(), outside);
    assert_eq!(judge(&[]).unwrap_err(), outside);
}

#[test]
fn one_target_outside_refuses_the_whole_call() {
    let append = Operation::named("patch-block-children").unwrap();
    let caller = principal(Role::Editor, &[id(1)], Capabilities::ALL);
    let inside = Target { kind: Kind::Block, id: id(2), place: Place::Path(vec![id(2), id(1)]) };
    let outside = Target { kind: Kind::Page, id: id(3), place: Place::Unknown };
    let reach = |targets| {
        let aim = Aim { targets, nowhere: false };
        admit(&caller, append, Effect::Write, None).unwrap().reach(&aim)
    };
    assert!(reach(vec![inside.clone()]).is_ok());
    assert!(reach(vec![inside, outside]).is_err());
}

#[test]
fn a_scoped_key_creates_nothing_without_a_place() {
    let create = Operation::named("post-page").unwrap();
    let aim = Aim { targets: vec![], nowhere: true };
    let reach = |within: &[Id]| {
        let caller = principal(Role::Editor, within, Capabilities::ALL);
        admit(&caller, create, Effect::Write, None).unwrap().reach(&aim).map(drop)
    };
    assert_eq!(reach(&[id(1)]), Err(Refusal::NoPlace));
    assert_eq!(reach(&[]), Ok(()));
}

#[test]
fn housekeeping_only_looks_up() {
    for operation in OPERATIONS {
        let permit = Permit::housekeeping(TenantId::default(), ConnectionId(id(0)), operation);
        if permit.is_some() {
            assert_eq!(operation.effect, Effect::Read, "{}", operation.name);
        }
    }
    let lookup = |name| {
        let operation = Operation::named(name).unwrap();
        Permit::housekeeping(TenantId::default(), ConnectionId(id(0)), operation)
    };
    assert!(lookup("retrieve-a-page").is_some());
    assert!(lookup("get-self").is_some());
    assert!(lookup("post-search").is_none());
    assert!(lookup("patch-page").is_none());
}

#[test]
fn an_access_audit_is_for_who_manages_and_may_read() {
    let connection = ConnectionId(id(7));
    let survey = |role, within: &[Id], capabilities| {
        Arc::new(Policies::built_in()).survey(&principal(role, within, capabilities), connection)
    };
    let permit = survey(Role::Admin, &[], Capabilities::ALL).unwrap();
    assert_eq!((permit.operation().name, permit.effect()), ("post-search", Effect::Read));
    assert_eq!(permit.connection(), connection);
    let reason = |refused: Result<Permit, Refusal>| refused.unwrap_err().reason();
    assert_eq!(reason(survey(Role::Editor, &[], Capabilities::ALL)), "role");
    assert_eq!(reason(survey(Role::Viewer, &[], Capabilities::ALL)), "role");
    assert_eq!(reason(survey(Role::Admin, &[id(1)], Capabilities::ALL)), "scope");
    let blind = [Capability::InsertContent].into_iter().collect();
    assert_eq!(reason(survey(Role::Admin, &[], blind)), "capability");
}
