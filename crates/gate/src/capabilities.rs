//! Capabilities that are granted, and which of them are put to use: what is never used need not be
//! granted.
//!
//! What a key does is in the ledger, operation by operation, and what each operation needs is in the
//! catalogue.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use model::key::KeyState;
use model::{ConnectionId, KeyId, Principal, Role};
use notion::catalogue::Needs;
use notion::{Capabilities, Capability, Operation};
use serde::Serialize;
use store::OperationUse;

use crate::Gate;
use crate::error::Error;

/// Capabilities granted and used.
#[derive(Clone, Debug, Serialize)]
pub struct CapabilityReport {
    /// The beginning of what was looked at.
    pub since: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Every key that works, newest first.
    pub keys: Vec<KeyCapabilities>,
    /// Every connection.
    pub connections: Vec<ConnectionCapabilities>,
}

/// The capabilities of a key.
#[derive(Clone, Debug, Serialize)]
pub struct KeyCapabilities {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its workspace.
    pub connection: Option<ConnectionId>,
    /// What is granted, and what of it is used.
    #[serde(flatten)]
    pub made_of: Granted,
}

/// The capabilities of a connection, whoever uses it.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionCapabilities {
    /// Which.
    pub bot_id: ConnectionId,
    /// What people call it.
    pub name: String,
    /// What is granted, and what of it is used. Of what nobody knows yet: all seven.
    #[serde(flatten)]
    pub made_of: Granted,
    /// Whether it is known what is granted.
    pub known: bool,
}

/// What is granted, and what of it is used.
#[derive(Clone, Debug, Serialize)]
pub struct Granted {
    /// What is granted.
    pub granted: Capabilities,
    /// What is used.
    pub used: Vec<UsedCapability>,
    /// What is granted and not used.
    pub unused: Capabilities,
}

/// A capability that is used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct UsedCapability {
    /// Which.
    pub capability: Capability,
    /// When, the last time.
    pub last_used_at: Timestamp,
    /// For which operation.
    pub operation: String,
    /// For how many calls.
    pub calls: u64,
}

impl Gate {
    /// What the tenant's keys and connections may do, and what of it they did in the time that has gone by.
    pub async fn audit_capabilities(
        &self,
        principal: &Principal,
        within: Duration,
        request_id: &str,
    ) -> Result<CapabilityReport, Error> {
        self.audited(principal, "audit-capabilities", request_id).await?;
        let until = self.shared.clock.now();
        let since = until.saturating_sub(within).unwrap_or(Timestamp::UNIX_EPOCH);
        let tenant = &principal.tenant;
        let uses = self.shared.store.operation_uses(tenant, since).await?;
        let keys = self.shared.keys.of_tenant(tenant).into_iter();
        let keys = keys.filter(|key| self.key_state(key) == KeyState::Active).map(|key| {
            let caller = self.principal_of(key.clone());
            let own = uses.iter().filter(|it| it.principal == caller.name());
            KeyCapabilities {
                id: key.id.clone(),
                name: key.name.clone(),
                role: caller.role,
                connection: key.connection,
                made_of: granted(caller.capabilities, own),
            }
        });
        let connections = self.shared.custody.of_tenant(tenant).into_iter().map(|held| {
            let current = held.current();
            let connection = &current.connection;
            let writer = connection.writer.as_ref();
            // Of a pair, each half may do its part.
            let of_writer = writer.map_or(Some(Capabilities::NONE), |it| it.capabilities);
            let known = connection.capabilities.zip(of_writer);
            let all = known
                .map_or(Capabilities::ALL, |(one, other)| one.iter().chain(other.iter()).collect());
            let id = connection.bot_id.to_string();
            let through = uses.iter().filter(|it| it.connection == id);
            ConnectionCapabilities {
                bot_id: connection.bot_id,
                name: connection.name.clone(),
                made_of: granted(all, through),
                known: known.is_some(),
            }
        });
        Ok(CapabilityReport {
            since,
            until,
            keys: keys.collect(),
            connections: connections.collect(),
        })
    }
}

fn granted<'a>(granted: Capabilities, uses: impl Iterator<Item = &'a OperationUse>) -> Granted {
    let mut used: BTreeMap<Capability, UsedCapability> = BTreeMap::new();
    for it in uses {
        let Some(operation) = Operation::named(&it.operation) else { continue };
        let too = it.needs_too.as_deref().and_then(|it| Capability::from_str(it).ok());
        for capability in needed(operation.needs, granted).into_iter().chain(too) {
            let entry = used.entry(capability).or_insert_with(|| UsedCapability {
                capability,
                last_used_at: it.last_at,
                operation: it.operation.clone(),
                calls: 0,
            });
            entry.calls += it.calls;
            if entry.last_used_at < it.last_at {
                entry.last_used_at = it.last_at;
                entry.operation.clone_from(&it.operation);
            }
        }
    }
    // Who sees people with their addresses sees them without.
    let implied = |it: &Capability| {
        *it == Capability::ReadUsersWithoutEmail
            && used.contains_key(&Capability::ReadUsersWithEmail)
    };
    let unused = granted.iter().filter(|it| !used.contains_key(it) && !implied(it)).collect();
    Granted { granted, unused, used: used.into_values().collect() }
}

/// The capabilities that an operation puts to use; where one of several does, the widest that is
/// granted, since that is what shows in the answer.
fn needed(needs: Needs, granted: Capabilities) -> Vec<Capability> {
    match needs {
        Needs::All(all) => all.to_vec(),
        Needs::Any(any) => {
            let has = |it: &&Capability| granted.iter().any(|granted| granted == **it);
            any.iter().rev().find(has).or(any.first()).copied().into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(operation: &str, needs_too: Option<&str>, second: i64) -> OperationUse {
        OperationUse {
            principal: "key:abcdefghijkl".to_owned(),
            connection: String::new(),
            operation: operation.to_owned(),
            needs_too: needs_too.map(str::to_owned),
            last_at: Timestamp::from_second(second).unwrap(),
            calls: 2,
        }
    }

    #[test]
    fn what_is_granted_and_never_used_is_named() {
        let uses = [
            used("retrieve-a-page", None, 5),
            used("post-search", None, 9),
            used("move-page", Some("insert_content"), 3),
            used("get-users", None, 4),
            used("list-keys", None, 4),
        ];
        let report = granted(Capabilities::ALL, uses.iter());
        let words: Vec<_> = report.unused.iter().map(Capability::as_str).collect();
        assert_eq!(words, ["read_comments", "insert_comments"]);
        let read = &report.used[0];
        assert_eq!((read.capability, read.calls), (Capability::ReadContent, 4));
        assert_eq!((read.operation.as_str(), read.last_used_at.as_second()), ("post-search", 9));
        let nothing = granted([Capability::UpdateContent].into_iter().collect(), uses[..1].iter());
        assert_eq!(nothing.unused.iter().count(), 1);
    }
}
