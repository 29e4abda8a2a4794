//! Users: people of a tenant. A key that is made for somebody can never do more than that person may,
//! follows the person's role at once, and ends with the person. Groups of them are in `groups.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use ledger::Resource;
use model::user::{Group, Identity, User, UserId};
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

/// Every user and every group of every tenant, in memory.
#[derive(Debug)]
pub(crate) struct Users {
    known: RwLock<Known>,
    /// Held by whoever changes something, from the look at what is there until it is stored and in memory:
    /// otherwise one change could undo another.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known {
    users: HashMap<UserId, Arc<User>>,
    groups: BTreeMap<(TenantId, String), Timestamp>,
}

impl Users {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let users = store.all_users().await?.into_iter();
        let groups = store.all_groups().await?.into_iter();
        let known = Known {
            users: users.map(|user| (user.id, Arc::new(user))).collect(),
            groups: groups.map(|it| ((it.tenant, it.name), it.created_at)).collect(),
        };
        Ok(Self { known: RwLock::new(known), changing: tokio::sync::Mutex::default() })
    }

    /// Lets nobody else change anything.
    pub(crate) async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user of `tenant`.
    pub(crate) fn get(&self, tenant: &TenantId, id: UserId) -> Option<Arc<User>> {
        self.read().users.get(&id).filter(|user| user.tenant == *tenant).cloned()
    }

    /// The users of a tenant, newest first.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Vec<Arc<User>> {
        self.matching(|user| user.tenant == *tenant)
    }

    /// The users of all tenants that are so, newest first.
    pub(crate) fn matching(&self, is_so: impl Fn(&User) -> bool) -> Vec<Arc<User>> {
        let known = self.read();
        let mut found: Vec<_> = known.users.values().filter(|it| is_so(it)).cloned().collect();
        found.sort_unstable_by_key(|user| std::cmp::Reverse((user.created_at, user.id)));
        found
    }

    fn len(&self) -> usize {
        self.read().users.len()
    }

    pub(crate) fn put(&self, user: User) {
        self.write().users.insert(user.id, Arc::new(user));
    }

    fn remove(&self, id: UserId) {
        self.write().users.remove(&id);
    }

    /// The groups of a tenant, by name.
    pub(crate) fn groups(&self, tenant: &TenantId) -> Vec<Group> {
        let known = self.read();
        let own = known.groups.iter().filter(|((owner, _), _)| owner == tenant);
        own.map(|((tenant, name), at)| Group {
            tenant: tenant.clone(),
            name: name.clone(),
            created_at: *at,
        })
        .collect()
    }

    /// Whether a tenant has a group of this name.
    pub(crate) fn has_group(&self, tenant: &TenantId, name: &str) -> bool {
        self.read().groups.contains_key(&(tenant.clone(), name.to_owned()))
    }

    pub(crate) fn put_group(&self, group: &Group) {
        let key = (group.tenant.clone(), group.name.clone());
        self.write().groups.insert(key, group.created_at);
    }

    /// Forgets a group, and that anybody was in it.
    pub(crate) fn remove_group(&self, tenant: &TenantId, name: &str) {
        let mut known = self.write();
        known.groups.remove(&(tenant.clone(), name.to_owned()));
        let is_in = |user: &&mut Arc<User>| {
            user.tenant == *tenant && user.groups.iter().any(|group| group == name)
        };
        for user in known.users.values_mut().filter(is_in) {
            Arc::make_mut(user).groups.retain(|group| group != name);
        }
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

/// What is to be different about a user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// The most that the person may do.
    #[serde(default)]
    pub role: Option<Role>,
    /// `null`: the person signs in as if for the first time.
    #[serde(default, deserialize_with = "crate::keys::said")]
    pub identity: Option<Option<Identity>>,
}

impl Gate {
    /// The tenant's users, newest first.
    pub async fn list_users(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<Arc<User>>, Error> {
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
    ) -> Result<Arc<User>, Error> {
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
        let _alone = self.shared.users.changing().await;
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

    /// Gives a user another role, which the person's keys and sessions follow at once; or forgets who the
    /// person is where people sign in, so that another account with the address can take its place.
    pub async fn change_user(
        &self,
        principal: &Principal,
        id: &str,
        change: UserChange,
        request_id: &str,
    ) -> Result<Arc<User>, Error> {
        let mut record = self.manage_user(principal, "update-app-user", id, request_id);
        let _alone = self.shared.users.changing().await;
        let user = match self.operator_of(principal).and_then(|()| self.own_user(principal, id)) {
            Ok(user) => user,
            Err(error) => return Err(record.failed(error).await),
        };
        if let Some(role) = change.role {
            record.fact("role", role.as_str());
        }
        let identity = match change.identity {
            None => user.identity.clone(),
            Some(None) => {
                record.fact("identity", "forgotten");
                None
            }
            Some(Some(_)) => {
                let text =
                    "`identity` can only be `null`: who a person is, the first sign-in tells";
                return Err(record.failed(Error::Invalid(text.to_owned())).await);
            }
        };
        let changed = User { role: change.role.unwrap_or(user.role), identity, ..(*user).clone() };
        record.intend().await?;
        if let Err(error) = self.shared.store.put_user(changed.clone()).await {
            return Err(record.failed(error.into()).await);
        }
        self.shared.users.put(changed.clone());
        record.done().await.map(|()| Arc::new(changed))
    }

    /// Deletes a user, and ends the person's keys.
    pub async fn delete_user(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let mut record = self.manage_user(principal, "delete-app-user", id, request_id);
        let alone = self.shared.users.changing().await;
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
        drop(alone);
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
        if self.shared.users.of_tenant(&tenant).iter().any(|user| same(user)) {
            return Err(Error::Conflict("there is a user with this address already".to_owned()));
        }
        if self.shared.users.len() >= USERS_MAX {
            return Err(Error::Conflict(format!("there are {USERS_MAX} users already")));
        }
        if let Some(bot_id) = bot_id {
            let held = self.shared.custody.get(&tenant, bot_id);
            held.ok_or_else(|| Error::Invalid(format!("there is no connection {bot_id}")))?;
        }
        let created_at = self.shared.clock.now();
        let (identity, groups) = (None, Vec::new());
        Ok(User { id, tenant, email, role, bot_id, identity, groups, created_at })
    }

    /// The address of a user of the caller's tenant, by the name in the ledger.
    pub fn email_of(&self, principal: &Principal, name: &str) -> Option<String> {
        self.operator_of(principal).ok()?;
        let user = self.own_user(principal, name.strip_prefix("user:")?).ok()?;
        Some(user.email.clone())
    }

    pub(crate) fn own_user(&self, principal: &Principal, id: &str) -> Result<Arc<User>, Error> {
        Id::parse(id)
            .and_then(|id| self.shared.users.get(&principal.tenant, UserId(id)))
            .ok_or_else(|| {
                Error::Missing("there is no such user: list the users to see their ids".to_owned())
            })
    }
}
