//! What is remembered of a caller goes as soon as any fact changes that policies can read.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;

use jiff::Timestamp;
use model::user::{User, UserId};
use model::{ConnectionId, Principal, Role, TenantId, Who};
use notion::{Capabilities, Effect, Id, Operation};
use policy::{Aim, Policies};

const POLICIES: &str = r#"
@id("by-name") forbid (principal, action == Action::"post-search", resource)
when { principal.name == "left@example.com" };
@id("by-group") forbid (principal in Group::"guests", action == Action::"post-search", resource);
@id("by-role") forbid (principal in Role::"viewer", action == Action::"post-search", resource);
"#;

fn person(email: &str, role: Role, groups: &[&str]) -> Principal {
    let id = UserId(Id::parse("00000000-0000-4000-8000-00000000000a").unwrap());
    let tenant = TenantId::default();
    let groups = groups.iter().map(|&name| name.to_owned()).collect();
    let user = User {
        id,
        tenant: tenant.clone(),
        email: email.to_owned(),
        role,
        bot_id: None,
        identity: None,
        groups,
        created_at: Timestamp::UNIX_EPOCH,
    };
    Principal {
        who: Who::User(id),
        tenant,
        connection: ConnectionId::NONE,
        role,
        capabilities: Capabilities::ALL,
        above: Arc::default(),
        person: Some(Arc::new(user)),
    }
}

#[test]
fn every_fact_that_policies_can_read_is_looked_at_anew() {
    let policies = Arc::new(Policies::with_own(POLICIES).unwrap());
    let search = Operation::named("post-search").unwrap();
    let may_search = |principal: &Principal| {
        let admission = policies.admit(principal, search, Effect::Read, None);
        admission.and_then(|admission| admission.reach(&Aim::default())).is_ok()
    };
    let before = person("here@example.com", Role::Editor, &[]);
    for changed in [
        person("left@example.com", Role::Editor, &[]),
        person("here@example.com", Role::Editor, &["guests"]),
        person("here@example.com", Role::Viewer, &[]),
    ] {
        assert!(may_search(&before));
        assert!(!may_search(&changed), "{changed:?}");
    }
    assert!(may_search(&before));
}
