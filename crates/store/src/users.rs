//! Users, and the groups that they are in.

use async_trait::async_trait;
use model::TenantId;
use model::user::{Group, User, UserId};

use crate::Result;

/// Where users are kept.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user, or puts what is known now in place of the old. Groups stay as they are.
    async fn put_user(&self, user: User) -> Result<()>;
    /// The users of every tenant, newest first.
    async fn all_users(&self) -> Result<Vec<User>>;
    /// Deletes a user; `false` if the tenant has no such one.
    async fn delete_user(&self, tenant: &TenantId, id: UserId) -> Result<bool>;
    /// Puts a user into these groups and no others. A group that is not there is left out.
    async fn set_groups(&self, tenant: &TenantId, id: UserId, groups: Vec<String>) -> Result<()>;
    /// Adds a group; `false` if the tenant has one of this name.
    async fn add_group(&self, group: Group) -> Result<bool>;
    /// The groups of every tenant, by name.
    async fn all_groups(&self) -> Result<Vec<Group>>;
    /// Deletes a group; `false` if the tenant has no such one. Its members stay users.
    async fn delete_group(&self, tenant: &TenantId, name: &str) -> Result<bool>;
}
