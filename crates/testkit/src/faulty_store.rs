//! A store that can be told to fail where the ledger is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use ledger::{Checkpoint, Entry, Head};
use model::{KeyId, TenantId};
use store::{
    Connections, EntryFilter, Keys, LedgerEntries, Meta, Numbered, Result, SqliteStore, StoreError,
    StoredConnection, StoredKey,
};

/// A store that can be told to fail.
#[derive(Debug)]
pub struct FaultyStore {
    inner: SqliteStore,
    ledger_fails: AtomicBool,
}

impl FaultyStore {
    /// A store that does not fail yet.
    pub fn new(inner: SqliteStore) -> Self {
        Self { inner, ledger_fails: AtomicBool::new(false) }
    }

    /// Whether the ledger can be written from now on.
    pub fn fail_ledger(&self, fails: bool) {
        self.ledger_fails.store(fails, Ordering::SeqCst);
    }
}

#[async_trait]
impl LedgerEntries for FaultyStore {
    async fn append_entries(
        &self,
        entries: Arc<[Numbered]>,
        checkpoints: Vec<Checkpoint>,
    ) -> Result<()> {
        if self.ledger_fails.load(Ordering::SeqCst) {
            return Err(StoreError::Foreign("the disk is full (a test said so)".to_owned()));
        }
        self.inner.append_entries(entries, checkpoints).await
    }

    async fn heads(&self) -> Result<Vec<(TenantId, Head)>> {
        self.inner.heads().await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        self.inner.checkpoints().await
    }

    async fn entries_after(&self, tenant: &TenantId, after: u64, limit: u32) -> Result<Vec<Entry>> {
        self.inner.entries_after(tenant, after, limit).await
    }

    async fn list_entries(
        &self,
        tenant: &TenantId,
        filter: EntryFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.inner.list_entries(tenant, filter, before, limit).await
    }

    async fn open_intents(&self) -> Result<Vec<Entry>> {
        self.inner.open_intents().await
    }
}

#[async_trait]
impl Keys for FaultyStore {
    async fn add_key(&self, stored: StoredKey) -> Result<()> {
        self.inner.add_key(stored).await
    }

    async fn all_keys(&self) -> Result<Vec<StoredKey>> {
        self.inner.all_keys().await
    }

    async fn revoke_key(&self, tenant: &TenantId, id: &KeyId, at: Timestamp) -> Result<bool> {
        self.inner.revoke_key(tenant, id, at).await
    }
}

#[async_trait]
impl Connections for FaultyStore {
    async fn put_connection(&self, stored: StoredConnection) -> Result<()> {
        self.inner.put_connection(stored).await
    }

    async fn all_connections(&self) -> Result<Vec<StoredConnection>> {
        self.inner.all_connections().await
    }
}

#[async_trait]
impl Meta for FaultyStore {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.inner.meta(name).await
    }

    async fn set_meta(&self, name: &str, value: Vec<u8>) -> Result<()> {
        self.inner.set_meta(name, value).await
    }
}
