//! Small facts about the installation, by name.

use async_trait::async_trait;

use crate::Result;

/// Where small facts are kept.
#[async_trait]
pub trait Meta: Send + Sync {
    /// The value of `name`.
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// Sets `name`.
    async fn set_meta(&self, name: &str, value: Vec<u8>) -> Result<()>;
}
