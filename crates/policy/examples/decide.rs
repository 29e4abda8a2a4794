//! How long a decision takes: 100 policies of a tenant's own, a path of 12 ancestors. Prints one line of
//! JSON; `cargo xtask bench policy` builds it for speed and shows it as a table.
//!
//! Three sorts of policies: such that few could apply to the caller (the usual), such that all could
//! apply but name places (a wall around each of 100 pages), and such that all could apply everywhere. A
//! cold decision asks Cedar; a remembered one is found in memory.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring")]

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use model::{Budget, ConnectionId, Key, KeyId, Principal, Role, Scope, TenantId};
use notion::{Capabilities, Effect, Id, Kind, Operation};
use policy::{Aim, Place, Policies, Target};

const POLICIES: usize = 100;
const ABOVE: u16 = 12;
const DECISIONS: u16 = 4_000;

/// The text of the policy of a number.
type Sort = fn(usize) -> String;

fn main() {
    let sorts: [(&str, Sort); 3] =
        [("few could apply", few), ("all name places", places), ("all apply everywhere", all)];
    let measured = sorts.map(|(sort, policy)| {
        let text: String = (0..POLICIES).map(policy).collect();
        let policies = || Policies::with_own(&text).unwrap();
        let cold = measure(&Arc::new(policies().forgetful()));
        let remembered = measure(&Arc::new(policies()));
        format!("{{\"policies\": \"{sort}\", \"cold\": {cold}, \"remembered\": {remembered}}}")
    });
    println!("[{}]", measured.join(", "));
}

/// Policies about other keys; one in ten is about everybody.
fn few(number: usize) -> String {
    let who = match number % 10 {
        0 => "principal".to_owned(),
        1 => "principal in Role::\"viewer\"".to_owned(),
        _ => format!("principal in Key::\"abcdefghij{number:02}\""),
    };
    let at = id(5_000 + u16::try_from(number).unwrap());
    format!(
        "@id(\"p{number}\") forbid ({who}, action in [Action::\"write\", Action::\"delete\"], \
         resource in Object::\"{at}\") unless {{ principal.name == \"bench\" }};\n"
    )
}

fn places(number: usize) -> String {
    let at = id(5_000 + u16::try_from(number).unwrap());
    format!(
        "@id(\"p{number}\") forbid (principal, action, resource in Object::\"{at}\") \
         unless {{ principal.name == \"bench\" }};\n"
    )
}

fn all(number: usize) -> String {
    format!(
        "@id(\"p{number}\") forbid (principal, action, resource) when {{ principal.name == \"x{number}\" }};\n"
    )
}

/// The percentiles of many decisions about as many objects, in microseconds.
fn measure(policies: &Arc<Policies>) -> String {
    let operation = Operation::named("patch-page").unwrap();
    let caller = caller();
    let mut took: Vec<f64> = (0..DECISIONS)
        .map(|number| {
            let mut path = vec![id(10_000 + number)];
            // One of what is above stands behind a wall of its own.
            path.push(id(5_000 + number % 100));
            path.extend((1..ABOVE).map(id));
            let target = Target { kind: Kind::Page, id: path[0], place: Place::Path(path) };
            let aim = Aim { targets: vec![target], nowhere: false };
            let begun = Instant::now();
            let admission = policies.admit(&caller, operation, Effect::Write, None).unwrap();
            let permit = admission.reach(&aim).unwrap();
            let took = begun.elapsed().as_secs_f64() * 1e6;
            assert_eq!(permit.operation().name, operation.name);
            // A call asks twice: whether the object is seen, and whether this may be done to it.
            took / 2.0
        })
        .collect();
    took.sort_unstable_by(f64::total_cmp);
    let at = |part: usize| took[took.len() * part / 100];
    let mut text = String::new();
    write!(text, "{{\"p50\": {:.2}, \"p95\": {:.2}, \"p99\": {:.2}}}", at(50), at(95), at(99))
        .unwrap();
    text
}

fn caller() -> Principal {
    let key = Key {
        id: KeyId::parse("abcdefghijkl").unwrap(),
        name: "bench".into(),
        tenant: TenantId::default(),
        connection: None,
        role: Role::Editor,
        within: Scope::new(vec![id(ABOVE - 1)]),
        capabilities: Capabilities::ALL,
        budget: Budget::default(),
        user: None,
        agent: None,
        parent: None,
        may_delegate: false,
        tools: None,
        auditor: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "bench".into(),
        expires_at: None,
        revoked_at: None,
    };
    Principal::of_key(Arc::new(key), ConnectionId(id(60_000)))
}

fn id(number: u16) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-00000000{number:04x}")).unwrap()
}
