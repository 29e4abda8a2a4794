//! Users.

use async_trait::async_trait;
use model::TenantId;
use model::user::{User, UserId};

use crate::Result;

/// Where users are kept.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user, or puts what is known now in place of the old.
    async fn put_user(&self, user: User) -> Result<()>;
    /// The users of every tenant, newest first.
    async fn all_users(&self) -> Result<Vec<User>>;
    /// Deletes a user; `false` if the tenant has no such one.
    async fn delete_user(&self, tenant: &TenantId, id: UserId) -> Result<bool>;
}
