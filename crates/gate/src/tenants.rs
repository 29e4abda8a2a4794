//! Tenants: made and listed by whoever runs this installation, and by nobody else.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use ledger::Resource;
use model::{Principal, Role, Tenant, TenantId};
use notion::Effect;
use store::{Store, StoreError};

use crate::Gate;
use crate::error::Error;
use crate::keys::{KeyRequest, NewKey};
use crate::record::Record;

/// Tenants that an installation can have.
const TENANTS_MAX: usize = 1000;

/// Every tenant, in memory.
#[derive(Debug)]
pub(crate) struct Tenants(RwLock<BTreeMap<TenantId, Tenant>>);

impl Tenants {
    /// Reads them; the default one is made if it is not there.
    pub(crate) async fn load(store: &dyn Store, now: Timestamp) -> Result<Self, StoreError> {
        let name = TenantId::default();
        // With one team, what the operator allows is what the team allows.
        store.add_tenant(Tenant { name, created_at: now, token_passthrough: true }).await?;
        let all = store.all_tenants().await?;
        let all = all.into_iter().map(|tenant| (tenant.name.clone(), tenant));
        Ok(Self(RwLock::new(all.collect())))
    }

    fn has(&self, name: &TenantId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    fn all(&self) -> Vec<Tenant> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }

    fn get(&self, name: &TenantId) -> Option<Tenant> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&self, tenant: &Tenant) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(tenant.name.clone(), tenant.clone());
    }

    /// Whether callers of this tenant may bring Notion tokens of their own.
    pub(crate) fn take_tokens(&self, name: &TenantId) -> bool {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name).is_some_and(|tenant| tenant.token_passthrough)
    }
}

impl Gate {
    /// The operator, acting for the tenant of this name.
    pub fn operator_named(&self, tenant: &str) -> Result<Principal, Error> {
        let known = TenantId::parse(tenant).filter(|name| self.shared.tenants.has(name));
        let known = known.ok_or_else(|| {
            Error::Missing(
                "there is no tenant of this name: `notegate tenants list` shows them".to_owned(),
            )
        })?;
        Ok(self.operator_for(known))
    }

    /// Every tenant, by name. For the operator alone.
    pub async fn list_tenants(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<Tenant>, Error> {
        let record =
            Record::open(&self.shared, principal, Effect::Read, "list-tenants", request_id);
        if let Err(error) = policy::operate(principal) {
            return Err(record.failed(error.into()).await);
        }
        record.done().await?;
        Ok(self.shared.tenants.all())
    }

    /// Makes a tenant and its first admin key. For the operator alone.
    pub async fn add_tenant(
        &self,
        principal: &Principal,
        name: &str,
        request_id: &str,
    ) -> Result<(Tenant, NewKey), Error> {
        let parsed = TenantId::parse(name);
        let known = parsed.as_ref().map(ToString::to_string).unwrap_or_default();
        let resource = Resource { kind: "tenant".into(), id: known };
        let mut record =
            Record::manage(&self.shared, principal, "add-tenant", resource, request_id);
        let tenant = match self.new_tenant(principal, parsed) {
            Ok(tenant) => tenant,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        match self.shared.store.add_tenant(tenant.clone()).await {
            Ok(true) => self.shared.tenants.put(&tenant),
            Ok(false) => return Err(record.failed(taken(&tenant.name)).await),
            Err(error) => return Err(record.failed(error.into()).await),
        }
        record.done().await?;
        let itself = self.operator_for(tenant.name.clone());
        let request = KeyRequest::new("first admin", Role::Admin, Vec::new());
        let key = self.create_key(&itself, request, request_id).await?;
        Ok((tenant, key))
    }

    /// The caller's own tenant. For those who manage it.
    pub async fn own_tenant(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Tenant, Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, "show-tenant", request_id);
        match self.operator_of(principal).and_then(|()| self.tenant_of(principal)) {
            Ok(tenant) => {
                record.done().await?;
                Ok(tenant)
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Says whether callers of the caller's own tenant may bring Notion tokens of their own to the MCP
    /// door. For those who manage it.
    pub async fn let_tokens_pass(
        &self,
        principal: &Principal,
        token_passthrough: bool,
        request_id: &str,
    ) -> Result<Tenant, Error> {
        let resource = Resource { kind: "tenant".into(), id: principal.tenant.to_string() };
        let mut record =
            Record::manage(&self.shared, principal, "change-tenant", resource, request_id);
        record.fact("token_passthrough", token_passthrough.to_string());
        let tenant = match self.operator_of(principal).and_then(|()| self.tenant_of(principal)) {
            Ok(tenant) => Tenant { token_passthrough, ..tenant },
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        if let Err(error) = self.shared.store.change_tenant(tenant.clone()).await {
            return Err(record.failed(error.into()).await);
        }
        self.shared.tenants.put(&tenant);
        record.done().await?;
        Ok(tenant)
    }

    fn tenant_of(&self, principal: &Principal) -> Result<Tenant, Error> {
        let found = self.shared.tenants.get(&principal.tenant);
        found.ok_or_else(|| Error::Missing("there is no such tenant".to_owned()))
    }

    fn new_tenant(&self, principal: &Principal, name: Option<TenantId>) -> Result<Tenant, Error> {
        policy::operate(principal)?;
        let name = name.ok_or_else(|| {
            Error::Invalid(format!(
                "`name` must be 1 to {} of a-z, 0-9 and -, a letter or digit first",
                TenantId::LENGTH_MAX
            ))
        })?;
        if self.shared.tenants.has(&name) {
            return Err(taken(&name));
        }
        if self.shared.tenants.all().len() >= TENANTS_MAX {
            return Err(Error::Conflict(format!("there are {TENANTS_MAX} tenants already")));
        }
        Ok(Tenant { name, created_at: self.shared.clock.now(), token_passthrough: false })
    }
}

fn taken(name: &TenantId) -> Error {
    Error::Conflict(format!("there is a tenant {name} already: choose another name"))
}
