//! Users: people of a tenant. A key that is made for somebody can never do more than that person may,
//! follows the person's role at once, and ends with the person.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ledger::Resource;
use model::user::{User, UserId};
use model::{ConnectionId, Principal, Role, TenantId};
use notion::{Effect, Id};
use serde::Deserialize;
use store::{Store, StoreError};

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// Users that an installation can have.
const USERS_MAX: usize = 100_000;
/// The longest address (RFC 5321, 4.5.3.1.3, less its brackets).
const EMAIL_LENGTH_MAX: usize = 254;

/// Every user of every tenant, in memory.
#[derive(Debug)]
pub(crate) struct Users(RwLock<HashMap<UserId, User>>);

impl Users {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let all = store.all_users().await?;
        Ok(Self(RwLock::new(all.into_iter().map(|user| (user.id, user)).collect())))
    }

    /// A user of `tenant`.
    pub(crate) fn get(&self, tenant: &TenantId, id: UserId) -> Option<User> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).filter(|user| user.tenant == *tenant).cloned()
    }

    fn of_tenant(&self, tenant: &TenantId) -> Vec<User> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut own: Vec<_> = all.values().filter(|user| user.tenant == *tenant).cloned().collect();
        own.sort_unstable_by_key(|user| std::cmp::Reverse((user.created_at, user.id)));
        own
    }

    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn put(&self, user: User) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(user.id, user);
    }

    fn remove(&self, id: UserId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// What a new user shall be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// Where to write to.
    pub email: String,
    /// The most that keys of the person may do.
    pub role: Role,
    /// The workspace that the person belongs to.
    #[serde(default)]
    pub bot_id: Option<ConnectionId>,
}

impl Gate {
    /// The tenant's users, newest first.
    pub async fn list_users(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<User>, Error> {
        let record =
            Record::open(&self.shared, principal, Effect::Read, "list-app-users", request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        Ok(self.shared.users.of_tenant(&principal.tenant))
    }

    /// One user of the tenant.
    pub async fn find_user(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<User, Error> {
        let mut record =
            Record::open(&self.shared, principal, Effect::Read, "retrieve-app-user", request_id);
        if let Some(id) = Id::parse(id) {
            record.about("app_user", id);
        }
        match self.operator_of(principal).and_then(|()| self.own_user(principal, id)) {
            Ok(user) => record.done().await.map(|()| user),
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Makes a user.
    pub async fn add_user(
        &self,
        principal: &Principal,
        request: UserRequest,
        request_id: &str,
    ) -> Result<User, Error> {
        let id = UserId(Id::parse(&self.new_request_id()).unwrap_or(Id::NIL));
        let mut record =
            self.manage_user(principal, "create-app-user", &id.to_string(), request_id);
        let user = match self.new_user(principal, id, request) {
            Ok(user) => user,
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("role", user.role.as_str());
        record.intend().await?;
        if let Err(error) = self.shared.store.put_user(user.clone()).await {
            return Err(record.failed(error.into()).await);
        }
        self.shared.users.put(user.clone());
        record.done().await.map(|()| user)
    }

    /// Gives a user another role: keys of the person follow at once.
    pub async fn change_user_role(
        &self,
        principal: &Principal,
        id: &str,
        role: Role,
        request_id: &str,
    ) -> Result<User, Error> {
        let mut record = self.manage_user(principal, "update-app-user", id, request_id);
        let user = match self.operator_of(principal).and_then(|()| self.own_user(principal, id)) {
            Ok(user) => User { role, ..user },
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("role", role.as_str());
        record.intend().await?;
        if let Err(error) = self.shared.store.put_user(user.clone()).await {
            return Err(record.failed(error.into()).await);
        }
        self.shared.users.put(user.clone());
        record.done().await.map(|()| user)
    }

    /// Deletes a user, and ends the person's keys.
    pub async fn delete_user(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let mut record = self.manage_user(principal, "delete-app-user", id, request_id);
        let user = match self.operator_of(principal).and_then(|()| self.own_user(principal, id)) {
            Ok(user) => user,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        if let Err(error) = self.shared.store.delete_user(&user.tenant, user.id).await {
            return Err(record.failed(error.into()).await);
        }
        // From here on keys of the person open nothing; that they are ended is for their own records.
        self.shared.users.remove(user.id);
        record.done().await?;
        for key in self.shared.keys.of_tenant(&user.tenant) {
            if key.user == Some(user.id) && key.revoked_at.is_none() {
                self.revoke_key(principal, key.id.as_str(), request_id).await?;
            }
        }
        Ok(())
    }

    fn manage_user<'a>(
        &'a self,
        principal: &Principal,
        operation: &'static str,
        id: &str,
        request_id: &str,
    ) -> Record<'a> {
        let known = Id::parse(id).map(|id| id.to_string()).unwrap_or_default();
        let resource = Resource { kind: "app_user".into(), id: known };
        Record::manage(&self.shared, principal, operation, resource, request_id)
    }

    fn new_user(
        &self,
        principal: &Principal,
        id: UserId,
        request: UserRequest,
    ) -> Result<User, Error> {
        self.operator_of(principal)?;
        let UserRequest { email, role, bot_id } = request;
        let email = email.trim().to_owned();
        let well_formed = email.len() <= EMAIL_LENGTH_MAX
            && !email.chars().any(|c| c.is_control() || c.is_whitespace())
            && email.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty());
        if !well_formed {
            return Err(Error::Invalid("`email` is no address".to_owned()));
        }
        let tenant = principal.tenant.clone();
        let same = |user: &User| user.email.eq_ignore_ascii_case(&email);
        if self.shared.users.of_tenant(&tenant).iter().any(same) {
            return Err(Error::Conflict("there is a user with this address already".to_owned()));
        }
        if self.shared.users.len() >= USERS_MAX {
            return Err(Error::Conflict(format!("there are {USERS_MAX} users already")));
        }
        if let Some(bot_id) = bot_id {
            let held = self.shared.custody.get(&tenant, bot_id);
            held.ok_or_else(|| Error::Invalid(format!("there is no connection {bot_id}")))?;
        }
        Ok(User { id, tenant, email, role, bot_id, created_at: self.shared.clock.now() })
    }

    pub(crate) fn own_user(&self, principal: &Principal, id: &str) -> Result<User, Error> {
        Id::parse(id)
            .and_then(|id| self.shared.users.get(&principal.tenant, UserId(id)))
            .ok_or_else(|| {
                Error::Missing("there is no such user: list the users to see their ids".to_owned())
            })
    }
}
