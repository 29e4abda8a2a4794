//! Groups of users, by name, for policies to name. Who is in which, an admin says, or the provider where
//! people sign in (`sign_in.rs`).

use std::sync::Arc;

use ledger::Resource;
use model::Principal;
use model::user::{Group, User};
use notion::{Effect, Id};

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// Groups that a tenant can have.
const GROUPS_MAX: usize = 1000;
const NAME_LENGTH_MAX: usize = 100;

/// A group and who is in it.
#[derive(Clone, Debug)]
pub struct GroupMembers {
    /// The group.
    pub group: Group,
    /// Who is in it, newest user first.
    pub members: Vec<Arc<User>>,
}

impl Gate {
    /// The tenant's groups, by name.
    pub async fn list_groups(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<GroupMembers>, Error> {
        let record = Record::open(&self.shared, principal, Effect::Read, "list-groups", request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        let users = &self.shared.users;
        let all = users.of_tenant(&principal.tenant);
        let with_members = |group: Group| GroupMembers {
            members: all.iter().filter(|user| user.groups.contains(&group.name)).cloned().collect(),
            group,
        };
        Ok(users.groups(&principal.tenant).into_iter().map(with_members).collect())
    }

    /// One group of the tenant.
    pub async fn find_group(
        &self,
        principal: &Principal,
        name: &str,
        request_id: &str,
    ) -> Result<GroupMembers, Error> {
        let all = self.list_groups(principal, request_id).await?;
        all.into_iter().find(|it| it.group.name == name).ok_or_else(missing)
    }

    /// Makes a group.
    pub async fn add_group(
        &self,
        principal: &Principal,
        name: &str,
        request_id: &str,
    ) -> Result<Group, Error> {
        let mut record = self.manage_group(principal, "create-group", name, request_id);
        let _alone = self.shared.users.changing().await;
        let group = match self.new_group(principal, name) {
            Ok(group) => group,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        match self.shared.store.add_group(group.clone()).await {
            Ok(true) => self.shared.users.put_group(&group),
            Ok(false) => return Err(record.failed(taken()).await),
            Err(error) => return Err(record.failed(error.into()).await),
        }
        record.done().await.map(|()| group)
    }

    /// Deletes a group. Who was in it stays a user.
    pub async fn delete_group(
        &self,
        principal: &Principal,
        name: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let mut record = self.manage_group(principal, "delete-group", name, request_id);
        let _alone = self.shared.users.changing().await;
        if let Err(error) = self.own_group(principal, name) {
            return Err(record.failed(error).await);
        }
        record.intend().await?;
        if let Err(error) = self.shared.store.delete_group(&principal.tenant, name).await {
            return Err(record.failed(error.into()).await);
        }
        self.shared.users.remove_group(&principal.tenant, name);
        record.done().await
    }

    /// Puts a user into a group, or takes the user out. What is so already stays so.
    pub async fn change_member(
        &self,
        principal: &Principal,
        name: &str,
        user: &str,
        is_in: bool,
        request_id: &str,
    ) -> Result<(), Error> {
        let operation = if is_in { "add-group-member" } else { "remove-group-member" };
        let mut record = self.manage_group(principal, operation, name, request_id);
        let _alone = self.shared.users.changing().await;
        let judged = self.own_group(principal, name).and_then(|()| self.own_user(principal, user));
        let user = match judged {
            Ok(user) => user,
            Err(error) => return Err(record.failed(error).await),
        };
        record.fact("member", user.id.to_string());
        record.intend().await?;
        let mut groups = user.groups.clone();
        groups.retain(|group| group != name);
        if is_in {
            groups.push(name.to_owned());
        }
        if let Err(error) = self.put_into_groups(&user, groups).await {
            return Err(record.failed(error).await);
        }
        record.done().await
    }

    /// Puts a user into these groups and no others; those that are not there are left out.
    pub async fn set_groups(
        &self,
        principal: &Principal,
        user: &str,
        groups: Vec<String>,
        request_id: &str,
    ) -> Result<(), Error> {
        let known = Id::parse(user).map(|id| id.to_string()).unwrap_or_default();
        let resource = Resource { kind: "app_user".into(), id: known };
        let mut record =
            Record::manage(&self.shared, principal, "set-groups", resource, request_id);
        let _alone = self.shared.users.changing().await;
        let user = match self.operator_of(principal).and_then(|()| self.own_user(principal, user)) {
            Ok(user) => user,
            Err(error) => return Err(record.failed(error).await),
        };
        record.intend().await?;
        match self.put_into_groups(&user, groups).await {
            Ok(_) => record.done().await,
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Puts a user into these groups and no others; those that are not there are left out. Whoever asks
    /// holds [`Users::changing`](crate::users::Users::changing).
    pub(crate) async fn put_into_groups(
        &self,
        user: &User,
        mut groups: Vec<String>,
    ) -> Result<User, Error> {
        let shared = &self.shared;
        groups.retain(|name| shared.users.has_group(&user.tenant, name));
        groups.sort_unstable();
        groups.dedup();
        shared.store.set_groups(&user.tenant, user.id, groups.clone()).await?;
        let changed = User { groups, ..user.clone() };
        shared.users.put(changed.clone());
        Ok(changed)
    }

    fn manage_group<'a>(
        &'a self,
        principal: &Principal,
        operation: &'static str,
        name: &str,
        request_id: &str,
    ) -> Record<'a> {
        // Only what can be a name: people paste all sorts of things.
        let id = checked(name).unwrap_or_default();
        let resource = Resource { kind: "group".into(), id };
        Record::manage(&self.shared, principal, operation, resource, request_id)
    }

    fn new_group(&self, principal: &Principal, name: &str) -> Result<Group, Error> {
        self.operator_of(principal)?;
        let name = checked(name).ok_or_else(|| {
            Error::Invalid(format!(
                "`name` must be 1 to {NAME_LENGTH_MAX} characters, none of them a control character"
            ))
        })?;
        let tenant = principal.tenant.clone();
        if self.shared.users.has_group(&tenant, &name) {
            return Err(taken());
        }
        if self.shared.users.groups(&tenant).len() >= GROUPS_MAX {
            return Err(Error::Conflict(format!("there are {GROUPS_MAX} groups already")));
        }
        Ok(Group { tenant, name, created_at: self.shared.clock.now() })
    }

    fn own_group(&self, principal: &Principal, name: &str) -> Result<(), Error> {
        self.operator_of(principal)?;
        let has = self.shared.users.has_group(&principal.tenant, name);
        if has { Ok(()) } else { Err(missing()) }
    }
}

fn checked(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = (1..=NAME_LENGTH_MAX).contains(&name.chars().count());
    (fits && !name.chars().any(char::is_control)).then(|| name.to_owned())
}

fn missing() -> Error {
    Error::Missing("there is no such group: list the groups to see their names".to_owned())
}

fn taken() -> Error {
    Error::Conflict("there is a group of this name already".to_owned())
}
