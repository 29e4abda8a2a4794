//! The policies in force: the built-in ones, and what each tenant adds to them, version by version.

mod explain;
mod replay;
mod replay_columns;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ledger::Resource;
use model::{Principal, TenantId};
use policy::{Faults, Policies};
use serde::Deserialize;
use store::{Store, StoreError, StoredPolicies};
use tokio::sync::Mutex;

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

pub use explain::{ExplainRequest, Explained};
pub use replay::{Change, Replay, Suggestion, WhatIf};
pub use replay_columns::ColumnChange;

/// Versions that are kept of each tenant's policies.
const VERSIONS_KEPT: u64 = 500;
const NOTE_LENGTH_MAX: usize = 500;

/// What holds where a tenant's policies cannot be read any more (a newer notegate has other words, say):
/// no key may do anything. To leave them out would be to allow what they forbid.
const UNREADABLE: &str = "@id(\"unreadable-policies\")\n\
    @says(\"the policies of this tenant cannot be read: run `notegate policy show` and mend them\")\n\
    forbid (principal, action, resource);";

/// The policies of every tenant that has some of its own.
pub(crate) struct InForce {
    built_in: Arc<Policies>,
    own: RwLock<HashMap<TenantId, Held>>,
    /// One change at a time.
    changing: Mutex<()>,
}

#[derive(Clone)]
struct Held {
    policies: Arc<Policies>,
    stored: Arc<StoredPolicies>,
}

impl InForce {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let mut own = HashMap::new();
        for stored in store.newest_policies().await? {
            let policies = Policies::with_own(&stored.text).unwrap_or_else(|faults| {
                tracing::error!(
                    tenant = stored.tenant.as_str(),
                    version = stored.version,
                    "the tenant's policies cannot be read, so its keys may do nothing: {faults}"
                );
                // INVARIANT: the text is ours; a test reads it.
                Policies::with_own(UNREADABLE).expect("a policy that forbids everything")
            });
            let held = Held { policies: Arc::new(policies), stored: Arc::new(stored) };
            own.insert(held.stored.tenant.clone(), held);
        }
        let built_in = Arc::new(Policies::built_in());
        Ok(Self { built_in, own: RwLock::new(own), changing: Mutex::default() })
    }

    fn of(&self, tenant: &TenantId) -> Arc<Policies> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.get(tenant).map_or(&self.built_in, |held| &held.policies).clone()
    }

    fn stored(&self, tenant: &TenantId) -> Option<Arc<StoredPolicies>> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.get(tenant).map(|held| held.stored.clone())
    }

    fn put(&self, held: Held) {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        own.insert(held.stored.tenant.clone(), held);
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InForce")
    }
}

/// A tenant's policies as they are in force.
#[derive(Debug)]
pub struct ShownPolicies {
    /// The version; `None` while the tenant has none of its own.
    pub own: Option<Arc<StoredPolicies>>,
    /// Those in force: the built-in ones first.
    pub policies: Arc<Policies>,
}

/// A change of a tenant's own policies: all of them at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// The policies, in Cedar; empty for none.
    pub text: String,
    /// Why.
    #[serde(default)]
    pub note: String,
    /// The version that the change starts from (0 for none): if another is in force by now, nothing is
    /// changed.
    #[serde(default)]
    pub version: Option<u64>,
}

impl Gate {
    /// The policies that `principal` is judged by.
    pub(crate) fn policies(&self, principal: &Principal) -> Arc<Policies> {
        self.shared.policies.of(&principal.tenant)
    }

    /// Lets only those on who manage the tenant.
    pub(crate) fn operator_of(&self, principal: &Principal) -> Result<(), Error> {
        self.policies(principal).manage(principal).map_err(Error::from)
    }

    /// The tenant's policies as they are in force.
    pub async fn show_policies(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<ShownPolicies, Error> {
        self.audited(principal, "show-policies", request_id).await?;
        let own = self.shared.policies.stored(&principal.tenant);
        Ok(ShownPolicies { own, policies: self.policies(principal) })
    }

    /// The versions of the tenant's own policies, newest first.
    pub async fn policy_versions(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<StoredPolicies>, Error> {
        self.audited(principal, "list-policy-versions", request_id).await?;
        Ok(self.shared.store.policy_versions(&principal.tenant).await?)
    }

    /// Whether a text could be put into force, and what is wrong with it if not.
    pub async fn validate_policies(
        &self,
        principal: &Principal,
        text: &str,
        request_id: &str,
    ) -> Result<Result<(), Faults>, Error> {
        self.audited(principal, "validate-policies", request_id).await?;
        Ok(Policies::with_own(text).map(drop))
    }

    /// Puts other policies into force: for the very next call.
    pub async fn change_policies(
        &self,
        principal: &Principal,
        change: PolicyChange,
        request_id: &str,
    ) -> Result<ShownPolicies, Error> {
        let (gate, principal, request_id) =
            (self.clone(), principal.clone(), request_id.to_owned());
        crate::to_its_end(async move { gate.change_now(&principal, change, &request_id).await })
            .await
    }

    async fn change_now(
        &self,
        principal: &Principal,
        change: PolicyChange,
        request_id: &str,
    ) -> Result<ShownPolicies, Error> {
        let shared = &self.shared;
        let _alone = shared.policies.changing.lock().await;
        let tenant = &principal.tenant;
        let resource = Resource { kind: "policies".into(), id: tenant.as_str().to_owned() };
        let mut record = Record::manage(shared, principal, "change-policies", resource, request_id);
        let (policies, stored) = match self.new_policies(principal, change) {
            Ok(new) => new,
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("version", stored.version.cast_signed());
        record.fact("policies", policies.list().filter(|(rule, _)| rule.own).count() as i64);
        if !stored.note.is_empty() {
            record.fact("note", stored.note.as_str());
        }
        record.intend().await?;
        match shared.store.add_policies(stored.clone(), VERSIONS_KEPT).await {
            Ok(true) => {}
            Ok(false) => {
                let now = "somebody else changed the policies just now: look at them again";
                return Err(record.failed(Error::Conflict(now.to_owned())).await);
            }
            Err(error) => return Err(record.failed(error.into()).await),
        }
        let held = Held { policies: Arc::new(policies), stored: Arc::new(stored) };
        shared.policies.put(held.clone());
        record.done().await?;
        Ok(ShownPolicies { own: Some(held.stored), policies: held.policies })
    }

    fn new_policies(
        &self,
        principal: &Principal,
        change: PolicyChange,
    ) -> Result<(Policies, StoredPolicies), Error> {
        self.operator_of(principal)?;
        let PolicyChange { text, note, version } = change;
        let current = self.shared.policies.stored(&principal.tenant).map_or(0, |it| it.version);
        if version.is_some_and(|version| version != current) {
            return Err(Error::Conflict(format!(
                "version {current} of the policies is in force by now: look at it, and change that"
            )));
        }
        let note = note.trim().to_owned();
        if note.chars().count() > NOTE_LENGTH_MAX || note.chars().any(char::is_control) {
            return Err(Error::Invalid(format!(
                "`note` must be one line of at most {NOTE_LENGTH_MAX} characters"
            )));
        }
        let policies = Policies::with_own(&text)
            .map_err(|faults| Error::Invalid(format!("the policies are not taken: {faults}")))?;
        if policies.manage(principal).is_err() {
            return Err(Error::Invalid(
                "with these policies you could not manage them any more, so they are not taken: the \
                 operator can put them into force, with `notegate policy set`"
                    .to_owned(),
            ));
        }
        let stored = StoredPolicies {
            tenant: principal.tenant.clone(),
            version: current + 1,
            text,
            made_at: self.shared.clock.now(),
            made_by: principal.name(),
            note,
        };
        Ok((policies, stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_for_unreadable_policies_can_be_read() {
        let policies = Policies::with_own(UNREADABLE).unwrap();
        assert!(policies.list().any(|(rule, forbids)| rule.own && forbids));
    }
}
