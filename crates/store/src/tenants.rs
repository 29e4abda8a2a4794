//! Tenants.

use async_trait::async_trait;
use model::Tenant;

use crate::Result;

/// Where tenants are kept.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Adds a tenant; `false` if there is one of that name.
    async fn add_tenant(&self, tenant: Tenant) -> Result<bool>;
    /// Changes what may change of a tenant; `false` if there is none of that name.
    async fn change_tenant(&self, tenant: Tenant) -> Result<bool>;
    /// Every tenant, by name.
    async fn all_tenants(&self) -> Result<Vec<Tenant>>;
}
