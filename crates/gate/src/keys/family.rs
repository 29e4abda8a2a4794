//! Keys that keys make: a key may hand on a part of what it opens, to a sub-agent say, and never more.
//!
//! A child is no wider than the keys above it in anything, whatever its row says: role, capabilities and
//! scope are cut to theirs at every call, what it spends they spend, too, and it ends with any of them. So
//! what an admin does to a key holds for the whole family at once.

use std::sync::Arc;

use model::key::KeyState;
use model::user::UserId;
use model::{Key, KeyId, Principal, Who};
use notion::{Id, Kind};
use policy::{Place, Refusal};

use super::{KeyRequest, KeyRing};
use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};

/// Keys above a key that can be: a key that stands so deep makes none.
pub(super) const GENERATIONS_MAX: usize = 4;
/// Keys that one key can have made and that work.
const CHILDREN_MAX: usize = 50;
/// Keys below a topmost one, those that have ended included: all of them are in memory.
const FAMILY_MAX: usize = 1000;

/// As whom a caller looks after keys.
pub(crate) enum Steward {
    /// As an admin, who manages all keys of the tenant.
    Manager,
    /// As a key that may make narrower ones: only what stands below it exists for it.
    Parent(KeyId),
    /// As a person who is signed in: only what is for that person exists.
    Person(UserId),
}

impl Steward {
    /// Whether `key` exists for it.
    pub(super) fn looks_after(&self, keys: &KeyRing, key: &Key) -> bool {
        match self {
            Self::Manager => true,
            Self::Parent(parent) => keys.is_below(key, parent),
            Self::Person(user) => key.user == Some(*user),
        }
    }
}

impl Gate {
    /// Whether a caller looks after keys, and after which.
    pub(crate) fn steward(&self, principal: &Principal) -> Result<Steward, Refusal> {
        let refusal = match self.policies(principal).manage(principal) {
            Ok(()) => return Ok(Steward::Manager),
            Err(refusal) => refusal,
        };
        match &principal.who {
            Who::Key(key) if key.may_delegate => Ok(Steward::Parent(key.id.clone())),
            Who::User(id) => Ok(Steward::Person(*id)),
            _ => Err(refusal),
        }
    }

    /// As whom somebody lets a client in. Who has a key could as well hand it to the client, so any key
    /// may, for a key below it.
    pub(crate) fn grantor(&self, principal: &Principal) -> Result<Steward, Refusal> {
        match (self.steward(principal), &principal.who) {
            (Err(_), Who::Key(key)) => Ok(Steward::Parent(key.id.clone())),
            (known, _) => known,
        }
    }

    /// A key as it works: cut to the keys above it. (What has no parent is as it is.)
    pub(super) fn narrowed(&self, key: Arc<Key>) -> Arc<Key> {
        if key.parent.is_none() {
            return key;
        }
        // Without its family a key does not work, and is not asked for.
        let above = self.shared.keys.above(&key).unwrap_or_default();
        let mut narrow = (*key).clone();
        for parent in above {
            narrow.role = narrow.role.min(parent.role);
            let granted = narrow.capabilities.iter().filter(|it| parent.capabilities.grants(*it));
            narrow.capabilities = granted.collect();
            narrow.within = narrow.within.inside(&parent.within);
            narrow.connection = parent.connection;
        }
        Arc::new(narrow)
    }

    /// What is asked for, cut to the key that asks; refused where it is wider.
    pub(crate) async fn below(
        &self,
        principal: &Principal,
        parent: &KeyId,
        mut request: KeyRequest,
        request_id: &str,
    ) -> Result<(KeyRequest, Arc<Key>), Error> {
        let no = |message: String| Err(Error::Invalid(message));
        let gone = || Error::Conflict("the key that asks has ended".to_owned());
        let parent = self.shared.keys.find(parent).ok_or_else(gone)?;
        if request.role > principal.role {
            return no(format!("`role`: a key of yours is at most {}", principal.role));
        }
        if request.connection.is_some_and(|it| it != Some(principal.connection)) {
            return no("`connection`: a key of yours uses the same workspace as you".to_owned());
        }
        if request.user.is_some_and(|user| Some(user) != parent.user) {
            return no("`user`: a key of yours is for the same person as you".to_owned());
        }
        if let Some(budget) = &request.budget
            && let Some(meter) = budget.beyond(&parent.budget)
        {
            let limit = parent.budget.limit(meter).unwrap_or_default();
            return no(format!("`budget`: you have {limit} {} to give", meter.as_str()));
        }
        self.make_room(&parent)?;
        self.check_roots(principal, &request.within, request_id).await?;
        request.connection = Some(parent.connection);
        request.user = parent.user;
        request.budget = Some(request.budget.unwrap_or_default().or(&parent.budget));
        Ok((request, parent))
    }

    fn make_room(&self, parent: &Key) -> Result<(), Error> {
        let keys = &self.shared.keys;
        let above = keys.above(parent).map_or(GENERATIONS_MAX, |above| above.len());
        if above >= GENERATIONS_MAX {
            return Err(Error::Conflict(format!(
                "there are {GENERATIONS_MAX} keys above yours: it makes no further ones"
            )));
        }
        let top = keys.top(parent);
        let family: Vec<_> = keys
            .of_tenant(&parent.tenant)
            .into_iter()
            .filter(|key| keys.is_below(key, &top))
            .collect();
        let works = |key: &&Arc<Key>| {
            key.parent.as_ref() == Some(&parent.id) && self.key_state(key) == KeyState::Active
        };
        if family.iter().filter(works).count() >= CHILDREN_MAX {
            return Err(Error::Conflict(format!(
                "you have made {CHILDREN_MAX} keys that work: end some of them"
            )));
        }
        if family.len() >= FAMILY_MAX {
            return Err(Error::Conflict(format!(
                "{FAMILY_MAX} keys have been made by yours and those of its family, and there is no \
                 room for more: ask an admin for a new key"
            )));
        }
        Ok(())
    }

    /// Every root must stand inside the scope of the key that asks. One outside and one that is not
    /// there are refused alike.
    async fn check_roots(
        &self,
        principal: &Principal,
        roots: &[Id],
        request_id: &str,
    ) -> Result<(), Error> {
        if self.sees_every_object(principal) {
            return Ok(());
        }
        let looking = Looking::new(principal, request_id, self.shared.clock.now());
        for root in roots {
            if !self.reaches(principal, &looking, *root).await? {
                return Err(Error::Invalid(format!(
                    "`within`: {root} is not inside what your key reaches"
                )));
            }
        }
        self.settle_looking(&looking);
        Ok(())
    }

    /// Whether an object of any kind stands inside what the caller sees, now.
    async fn reaches(
        &self,
        principal: &Principal,
        looking: &Looking<'_>,
        id: Id,
    ) -> Result<bool, Error> {
        let begun = self.shared.clock.now();
        for kind in [Kind::Page, Kind::Database, Kind::DataSource, Kind::Block] {
            for trust in [Trust::Lately, Trust::Since(begun)] {
                match self.locate(looking, kind, id, trust).await? {
                    place if self.sees(principal, &place) => return Ok(true),
                    Place::Unknown => break,
                    // It may just have been moved here.
                    Place::Path(_) | Place::InRows(..) | Place::Own => {}
                }
            }
        }
        Ok(false)
    }
}
