//! Keys that people make for themselves: never more than the person may do, and ended with the person.

use std::sync::Arc;

use model::key::KeyState;
use model::user::UserId;
use model::{Key, Principal, Who};

use crate::Gate;
use crate::error::Error;
use crate::keys::{KeyRequest, NewKey};

/// Working keys that one person can have made.
const KEYS_MAX: usize = 100;

impl Gate {
    /// Makes a key for the person who is signed in, even if that person manages those of others, too.
    pub async fn create_own_key(
        &self,
        principal: &Principal,
        request: KeyRequest,
        request_id: &str,
    ) -> Result<NewKey, Error> {
        let Who::User(id) = principal.who else {
            let text = "only a person who is signed in has keys of their own";
            return Err(Error::Invalid(text.to_owned()));
        };
        let request = self.for_oneself(principal, id, request)?;
        self.create_key(principal, request, request_id).await
    }

    /// What a person asks for, for that person; refused where it is more than the person.
    pub(crate) fn for_oneself(
        &self,
        principal: &Principal,
        user: UserId,
        request: KeyRequest,
    ) -> Result<KeyRequest, Error> {
        if request.role > principal.role {
            let role = principal.role;
            return Err(Error::Invalid(format!(
                "`role`: you are no more than {role}, and neither is a key of yours"
            )));
        }
        let is_own =
            |key: &&Arc<Key>| key.user == Some(user) && self.key_state(key) == KeyState::Active;
        let all = self.shared.keys.of_tenant(&principal.tenant);
        if all.iter().filter(is_own).count() >= KEYS_MAX {
            return Err(Error::Conflict(format!("you have {KEYS_MAX} keys: end some")));
        }
        // The person's workspace, if the person belongs to one.
        let bot_id = principal.person.as_ref().and_then(|person| person.bot_id);
        let connection = bot_id.map(Some).or(request.connection);
        Ok(KeyRequest { user: Some(user), connection, ..request })
    }
}
