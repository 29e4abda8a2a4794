//! A store that can be told to fail where the ledger or connections are written, and that dies with its
//! process.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use ledger::{Checkpoint, Head, Pruned, Row};
use model::user::{Group, User, UserId};
use model::{Connection, ConnectionId, KeyId, Meter, Tenant, TenantId};
use store::{
    AccessAudits, AuditMade, Authorizations, Budgets, Connections, CredentialChange, Due,
    EntryFilter, EventFilter, Inbox, Keys, LedgerBodies, LedgerEntries, Meta, MirrorState, Mirrors,
    Numbered, ObjectWork, OperationUse, OperationUses, PolicyVersions, Result, SealedCell,
    SealedCells, SpentWindow, SqliteStore, StoreError, StoredAudit, StoredClient, StoredConnection,
    StoredEvent, StoredGrant, StoredKey, StoredPairing, StoredPolicies, StoredSubscription,
    Subscriptions, Tenants, Users, WorkEnd,
};
use vault::{Sealed, SealedHead};

use crate::death::Death;

/// A store that can be told to fail.
#[derive(Debug)]
pub struct FaultyStore {
    inner: SqliteStore,
    ledger_fails: AtomicBool,
    connections_fail: AtomicBool,
    reseals_left: AtomicUsize,
    death: Arc<Death>,
}

impl FaultyStore {
    /// A store that does not fail yet.
    pub fn new(inner: SqliteStore) -> Self {
        Self::of_mortal(inner, Arc::new(Death::never()))
    }

    /// A store of a process that dies at one of its writes, or elsewhere.
    pub fn of_mortal(inner: SqliteStore, death: Arc<Death>) -> Self {
        Self {
            inner,
            ledger_fails: AtomicBool::new(false),
            connections_fail: AtomicBool::new(false),
            reseals_left: AtomicUsize::new(usize::MAX),
            death,
        }
    }

    /// A write; the process can die before it and after it.
    async fn write<T>(
        &self,
        what: &'static str,
        write: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let died = |_| StoreError::Closed;
        self.death.passes(what, "before").map_err(died)?;
        let done = write.await;
        self.death.passes(what, "after").map_err(died)?;
        done
    }

    /// Whether connections can be written from now on.
    pub fn fail_connections(&self, fails: bool) {
        self.connections_fail.store(fails, Ordering::SeqCst);
    }

    /// After so many cells no further one is re-sealed.
    pub fn fail_reseal_after(&self, cells: usize) {
        self.reseals_left.store(cells, Ordering::SeqCst);
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
        if self.death.has_come() {
            // To no effect: otherwise the ledger's thread would try for ever.
            return Ok(());
        }
        if self.ledger_fails.load(Ordering::SeqCst) {
            return Err(StoreError::Foreign("the disk is full (a test said so)".to_owned()));
        }
        self.write("append_entries", self.inner.append_entries(entries, checkpoints)).await
    }

    async fn heads(&self) -> Result<Vec<(TenantId, Head)>> {
        self.inner.heads().await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        self.inner.checkpoints().await
    }

    async fn entries_after(&self, tenant: &TenantId, after: u64, limit: u32) -> Result<Vec<Row>> {
        self.inner.entries_after(tenant, after, limit).await
    }

    async fn list_entries(
        &self,
        tenant: &TenantId,
        filter: EntryFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Row>> {
        self.inner.list_entries(tenant, filter, before, limit).await
    }

    async fn open_intents(&self) -> Result<Vec<Row>> {
        self.inner.open_intents().await
    }

    async fn pruned(&self, tenant: &TenantId) -> Result<Vec<Pruned>> {
        self.inner.pruned(tenant).await
    }

    async fn add_pruned(&self, pruned: Pruned) -> Result<()> {
        self.write("add_pruned", self.inner.add_pruned(pruned)).await
    }

    async fn sweep_pruned(&self, limit: u32) -> Result<usize> {
        self.inner.sweep_pruned(limit).await
    }
}

#[async_trait]
impl LedgerBodies for FaultyStore {
    async fn add_body(
        &self,
        tenant: &TenantId,
        id: &str,
        at: Timestamp,
        sealed: Sealed,
    ) -> Result<()> {
        self.write("add_body", self.inner.add_body(tenant, id, at, sealed)).await
    }

    async fn body(&self, tenant: &TenantId, id: &str) -> Result<Option<Sealed>> {
        self.inner.body(tenant, id).await
    }
}

#[async_trait]
impl Mirrors for FaultyStore {
    async fn mirror_state(&self, tenant: &TenantId) -> Result<Option<MirrorState>> {
        self.inner.mirror_state(tenant).await
    }

    async fn entries_to_mirror(
        &self,
        tenant: &TenantId,
        after: u64,
        reads: bool,
        limit: u32,
    ) -> Result<(Vec<Row>, u64)> {
        self.inner.entries_to_mirror(tenant, after, reads, limit).await
    }

    async fn set_mirror_state(&self, tenant: &TenantId, state: MirrorState) -> Result<()> {
        self.write("set_mirror_state", self.inner.set_mirror_state(tenant, state)).await
    }
}

#[async_trait]
impl OperationUses for FaultyStore {
    async fn operation_uses(
        &self,
        tenant: &TenantId,
        since: Timestamp,
    ) -> Result<Vec<OperationUse>> {
        self.inner.operation_uses(tenant, since).await
    }
}

#[async_trait]
impl Keys for FaultyStore {
    async fn add_key(&self, stored: StoredKey) -> Result<()> {
        self.write("add_key", self.inner.add_key(stored)).await
    }

    async fn all_keys(&self) -> Result<Vec<StoredKey>> {
        self.inner.all_keys().await
    }

    async fn revoke_key(&self, tenant: &TenantId, id: &KeyId, at: Timestamp) -> Result<bool> {
        self.write("revoke_key", self.inner.revoke_key(tenant, id, at)).await
    }
}

#[async_trait]
impl Connections for FaultyStore {
    async fn put_connection(&self, connection: Connection, change: CredentialChange) -> Result<()> {
        if self.connections_fail.load(Ordering::SeqCst) {
            return Err(StoreError::Foreign("the disk is full (a test said so)".to_owned()));
        }
        self.write("put_connection", self.inner.put_connection(connection, change)).await
    }

    async fn all_connections(&self) -> Result<Vec<StoredConnection>> {
        self.inner.all_connections().await
    }

    async fn touch_connections(
        &self,
        uses: Vec<(TenantId, ConnectionId, Timestamp)>,
    ) -> Result<()> {
        self.write("touch_connections", self.inner.touch_connections(uses)).await
    }

    async fn scrub(&self) -> Result<()> {
        self.write("scrub", self.inner.scrub()).await
    }

    async fn remove_connection(&self, tenant: &TenantId, bot_id: ConnectionId) -> Result<bool> {
        self.write("remove_connection", self.inner.remove_connection(tenant, bot_id)).await
    }
}

#[async_trait]
impl Budgets for FaultyStore {
    async fn all_spent(&self) -> Result<Vec<SpentWindow>> {
        self.inner.all_spent().await
    }

    async fn put_spent(&self, windows: Vec<SpentWindow>) -> Result<()> {
        self.write("put_spent", self.inner.put_spent(windows)).await
    }

    async fn forget_spent(&self, meter: Meter, before: i64) -> Result<()> {
        self.inner.forget_spent(meter, before).await
    }
}

#[async_trait]
impl PolicyVersions for FaultyStore {
    async fn add_policies(&self, policies: StoredPolicies, keep: u64) -> Result<bool> {
        self.write("add_policies", self.inner.add_policies(policies, keep)).await
    }

    async fn newest_policies(&self) -> Result<Vec<StoredPolicies>> {
        self.inner.newest_policies().await
    }

    async fn policy_versions(&self, tenant: &TenantId) -> Result<Vec<StoredPolicies>> {
        self.inner.policy_versions(tenant).await
    }
}

#[async_trait]
impl Users for FaultyStore {
    async fn put_user(&self, user: User) -> Result<()> {
        self.write("put_user", self.inner.put_user(user)).await
    }

    async fn set_groups(&self, tenant: &TenantId, id: UserId, groups: Vec<String>) -> Result<()> {
        self.write("set_groups", self.inner.set_groups(tenant, id, groups)).await
    }

    async fn add_group(&self, group: Group) -> Result<bool> {
        self.write("add_group", self.inner.add_group(group)).await
    }

    async fn all_groups(&self) -> Result<Vec<Group>> {
        self.inner.all_groups().await
    }

    async fn delete_group(&self, tenant: &TenantId, name: &str) -> Result<bool> {
        self.write("delete_group", self.inner.delete_group(tenant, name)).await
    }

    async fn all_users(&self) -> Result<Vec<User>> {
        self.inner.all_users().await
    }

    async fn delete_user(&self, tenant: &TenantId, id: UserId) -> Result<bool> {
        self.inner.delete_user(tenant, id).await
    }
}

#[async_trait]
impl Tenants for FaultyStore {
    async fn add_tenant(&self, tenant: Tenant) -> Result<bool> {
        self.write("add_tenant", self.inner.add_tenant(tenant)).await
    }

    async fn change_tenant(&self, tenant: Tenant) -> Result<bool> {
        self.write("change_tenant", self.inner.change_tenant(tenant)).await
    }

    async fn all_tenants(&self) -> Result<Vec<Tenant>> {
        self.inner.all_tenants().await
    }
}

#[async_trait]
impl Meta for FaultyStore {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.inner.meta(name).await
    }

    async fn set_meta(&self, name: &str, value: Vec<u8>) -> Result<()> {
        self.write("set_meta", self.inner.set_meta(name, value)).await
    }
}

#[async_trait]
impl Authorizations for FaultyStore {
    async fn all_clients(&self) -> Result<Vec<StoredClient>> {
        self.inner.all_clients().await
    }

    async fn put_client(&self, client: StoredClient) -> Result<()> {
        self.write("put_client", self.inner.put_client(client)).await
    }

    async fn delete_clients(&self, ids: Vec<String>) -> Result<()> {
        self.write("delete_clients", self.inner.delete_clients(ids)).await
    }

    async fn all_grants(&self) -> Result<Vec<StoredGrant>> {
        self.inner.all_grants().await
    }

    async fn add_grant(&self, grant: StoredGrant) -> Result<()> {
        self.write("add_grant", self.inner.add_grant(grant)).await
    }

    async fn rotate_grant(
        &self,
        tenant: &TenantId,
        key: &KeyId,
        before: u32,
        at: Timestamp,
    ) -> Result<bool> {
        self.write("rotate_grant", self.inner.rotate_grant(tenant, key, before, at)).await
    }
}

#[async_trait]
impl SealedCells for FaultyStore {
    async fn sealed_cells(
        &self,
        after: Option<&SealedCell>,
        limit: u32,
    ) -> Result<Vec<SealedCell>> {
        self.inner.sealed_cells(after, limit).await
    }

    async fn replace_head(&self, cell: &SealedCell, new: SealedHead) -> Result<bool> {
        let spent = |left: usize| left.checked_sub(1);
        let left = self.reseals_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spent);
        left.map_err(|_| StoreError::Foreign("killed (a test said so)".to_owned()))?;
        self.write("replace_head", self.inner.replace_head(cell, new)).await
    }
}

#[async_trait]
impl Inbox for FaultyStore {
    async fn accept_event(&self, event: StoredEvent, due: Due) -> Result<bool> {
        self.inner.accept_event(event, due).await
    }

    async fn due_work(
        &self,
        now: Timestamp,
        absurd: Timestamp,
        limit: u32,
    ) -> Result<Vec<ObjectWork>> {
        self.inner.due_work(now, absurd, limit).await
    }

    async fn next_work(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        self.inner.next_work(now).await
    }

    async fn waiting_events(
        &self,
        tenant: &TenantId,
        entity: &str,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        self.inner.waiting_events(tenant, entity, limit).await
    }

    async fn end_work(&self, work: ObjectWork, events: Vec<String>, end: WorkEnd) -> Result<()> {
        self.inner.end_work(work, events, end).await
    }

    async fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<StoredEvent>> {
        self.inner.event(tenant, id).await
    }

    async fn list_events(
        &self,
        tenant: &TenantId,
        filter: EventFilter,
        before: Option<String>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        self.inner.list_events(tenant, filter, before, limit).await
    }

    async fn replay_event(&self, tenant: &TenantId, id: &str, now: Timestamp) -> Result<bool> {
        self.inner.replay_event(tenant, id, now).await
    }

    async fn stop_events(&self, tenant: &TenantId, subscription: &str, why: &str) -> Result<()> {
        self.inner.stop_events(tenant, subscription, why).await
    }

    async fn unrecorded_events(&self) -> Result<Vec<StoredEvent>> {
        self.inner.unrecorded_events().await
    }

    async fn prune_events(&self, done: Timestamp, dead: Timestamp) -> Result<usize> {
        self.inner.prune_events(done, dead).await
    }

    async fn count_events(&self) -> Result<Vec<(TenantId, u64)>> {
        self.inner.count_events().await
    }
}

#[async_trait]
impl Subscriptions for FaultyStore {
    async fn put_pairing(&self, pairing: StoredPairing) -> Result<()> {
        self.inner.put_pairing(pairing).await
    }

    async fn all_pairings(&self) -> Result<Vec<StoredPairing>> {
        self.inner.all_pairings().await
    }

    async fn put_subscription(&self, subscription: StoredSubscription) -> Result<()> {
        self.inner.put_subscription(subscription).await
    }

    async fn all_subscriptions(&self) -> Result<Vec<StoredSubscription>> {
        self.inner.all_subscriptions().await
    }

    async fn delete_subscription(&self, tenant: &TenantId, id: &str) -> Result<bool> {
        self.inner.delete_subscription(tenant, id).await
    }
}

#[async_trait]
impl AccessAudits for FaultyStore {
    async fn add_access_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        audit: StoredAudit,
        keep: u32,
    ) -> Result<()> {
        self.write("add_access_audit", self.inner.add_access_audit(tenant, bot_id, audit, keep))
            .await
    }

    async fn access_audits_made(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
    ) -> Result<Vec<AuditMade>> {
        self.inner.access_audits_made(tenant, bot_id).await
    }

    async fn access_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        at: Option<Timestamp>,
    ) -> Result<Option<StoredAudit>> {
        self.inner.access_audit(tenant, bot_id, at).await
    }

    async fn forget_access_audits(&self, tenant: &TenantId, bot_id: ConnectionId) -> Result<()> {
        self.write("forget_access_audits", self.inner.forget_access_audits(tenant, bot_id)).await
    }
}
