//! A tenant's own policies, version by version.

use async_trait::async_trait;
use jiff::Timestamp;
use model::TenantId;

use crate::Result;

/// One version of a tenant's own policies: all of them, so that going back is taking an old one again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredPolicies {
    /// Whose.
    pub tenant: TenantId,
    /// Counted from 1.
    pub version: u64,
    /// As they were written.
    pub text: String,
    /// When they came into force.
    pub made_at: Timestamp,
    /// Who put them into force.
    pub made_by: String,
    /// Why.
    pub note: String,
}

/// Where policies are kept.
#[async_trait]
pub trait PolicyVersions: Send + Sync {
    /// Adds a version; `false` if the tenant has one with this number already. Of a tenant's versions the
    /// newest `keep` stay.
    async fn add_policies(&self, policies: StoredPolicies, keep: u64) -> Result<bool>;
    /// The newest version of each tenant that has one.
    async fn newest_policies(&self) -> Result<Vec<StoredPolicies>>;
    /// The versions of a tenant, newest first.
    async fn policy_versions(&self, tenant: &TenantId) -> Result<Vec<StoredPolicies>>;
}
